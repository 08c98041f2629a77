/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One stream of those that are held: what came and has not left, in order, and where
 * its times went back. Not thread-safe.
 */

#pragma once

#include "marks.h"

G_BEGIN_DECLS

typedef struct
{
  GstMiniObject *object;        /* owned */
  guint64 id;                   /* of a buffer; 0: an event */
  gint64 arrival;               /* µs */
  gint64 running, duration;     /* ns, or IDENTIFAI_NO_TIME */
  gsize size;
  gboolean dumped, skipped;
  gboolean flushed;             /* sound, whose pictures were */
  gboolean is_eos;
} IdentifaiHeldItem;

typedef struct
{
  GQueue items;                 /* of IdentifaiHeldItem */
  gboolean begun;               /* a buffer has left */
  gint64 running;               /* of the latest, or IDENTIFAI_NO_TIME */
  GArray *turns;                /* of guint64: ids at which the times went back */
} IdentifaiHeldStream;

void identifai_held_item_free (gpointer item);
/* Of a buffer; or IDENTIFAI_NO_TIME. */
gint64 identifai_held_item_get_decoding (const IdentifaiHeldItem * item);

IdentifaiHeldStream *identifai_held_stream_new (void);
/* With all that it holds. NULL: nothing is done. */
void identifai_held_stream_free (gpointer stream);

/* Takes over the object. The item is the stream's, and an event until it is given an
 * id. */
IdentifaiHeldItem *identifai_held_stream_push (IdentifaiHeldStream * self,
    GstMiniObject * object, gint64 arrival);

/* When the buffer is heard; what has no time goes with what follows. */
gint64 identifai_held_stream_find_time (IdentifaiHeldStream * self,
    const IdentifaiHeldItem * item);
/* Of the latest item. */
void identifai_held_stream_note_time (IdentifaiHeldStream * self,
    const IdentifaiHeldItem * item);
/* After a flush. */
void identifai_held_stream_restart (IdentifaiHeldStream * self);
/* Fills in where the times went back around sound->id. */
void identifai_held_stream_find_turns (IdentifaiHeldStream * self,
    IdentifaiMarksSound * sound);

G_END_DECLS
