/* identifai-moderate: files of segments that are kept, bounded by age and bytes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Those that lie in the folder, with their lines: what is told to be kept ends in one further
 * line, over kills, too. Main thread only.
 */

#pragma once

#include "evidencestore.h"
#include "hub.h"
#include "pendingstate.h"

G_BEGIN_DECLS

typedef struct _ModLateItems ModLateItems;

typedef struct
{
  gchar *id;                    /* SESSION/SEGMENT */
  gchar *stream, *name;         /* in the store */
  JsonObject *about;            /* the line of what it came to */
  gchar *identifier;            /* the service has it: it is asked first; NULL: it hasn't */
  guint64 bytes;
  gint64 written;               /* s since 1970 */
  guint attempts;
  gboolean busy;                /* it is being judged: neither age nor bytes end it */

  /* of this file */
  gboolean stored, told;
  gboolean gone;                /* before it was stored: to be freed then */
  gchar *error;                 /* it could not be stored */
} ModLateItem;

/* added: there is one where none was. NULL with error if the folder can't be used. */
ModLateItems *mod_late_items_new (const ModProgramConfig * config, ModHub * hub,
    void (*added) (gpointer user_data), gpointer user_data, GError ** error);
void mod_late_items_free (ModLateItems * self);
/* Once. What was told to be kept, and isn't there, is given up; what pending (may be NULL)
 * has isn't yet. */
void mod_late_items_tell_lost (ModLateItems * self, ModPendingState * pending);

gchar *mod_late_make_id (JsonObject * line);
ModLateItem *mod_late_items_find (ModLateItems * self, const gchar * id);
/* Of ModLateItem *, the oldest first, but for those that were tried. */
GList *mod_late_items_get (ModLateItems * self);
/* On the disk, and told. */
gboolean mod_late_item_is_ready (const ModLateItem * self);

/* line says afterwards that it is kept, and has to be told; FALSE: it is too large. */
gboolean mod_late_items_keep (ModLateItems * self, const gchar * stream,
    JsonObject * line, GstBuffer * file);
/* Its bytes; user_data is called back unless all is freed before. */
void mod_late_items_read (ModLateItems * self, const ModLateItem * item,
    ModRead read, gpointer user_data);
/* It has its last line. */
void mod_late_items_remove (ModLateItems * self, ModLateItem * item);
void mod_late_items_give_up (ModLateItems * self, ModLateItem * item,
    const gchar * reason, const gchar * error);
/* It goes behind the others. */
void mod_late_items_put_last (ModLateItems * self, ModLateItem * item);
/* The oldest go that are too old, or too many. */
void mod_late_items_retain (ModLateItems * self);
/* What the disk doesn't let go of is told. */
void mod_late_items_look (ModLateItems * self);

/* What is being read or written. */
guint mod_late_items_waiting (const ModLateItems * self);

/* line becomes one of the segment that it was cut from. */
void mod_late_item_describe (const ModLateItem * self, JsonObject * line);

G_END_DECLS
