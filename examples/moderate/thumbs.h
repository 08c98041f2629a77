/* identifai-moderate: pictures of flagged moments, for the page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * In memory only, bounded, and gone with the program. They are made on a thread of their
 * own, one after another; all else is on the main thread.
 */

#pragma once

#include "stream.h"

G_BEGIN_DECLS

typedef struct _ModThumbs ModThumbs;

/* One is there. about: as mod_thumbs_list() has it; borrowed. */
typedef void (*ModThumbMade) (const gchar * stream, JsonObject * about,
    gpointer user_data);

ModThumbs *mod_thumbs_new (ModThumbMade made, gpointer user_data);
/* Waits for the one that is being made, some seconds: a decoder that hangs is left behind. */
void mod_thumbs_free (ModThumbs * self);

/* An outcome: makes one if it is flagged and has its file. line: what is told of it; s: the
 * message. What comes faster than it can be made gets none. */
void mod_thumbs_take (ModThumbs * self, const gchar * stream, JsonObject * line,
    const GstStructure * s);

/* Forgets those of streams that none are wanted of any more. */
void mod_thumbs_forget (ModThumbs * self,
    gboolean (*wanted) (const gchar * stream, gpointer user_data),
    gpointer user_data);

/* Of the stream, oldest first: id, session, segment, start, moment (s into the segment),
 * score and identifier of each. */
JsonArray *mod_thumbs_list (ModThumbs * self, const gchar * stream);
/* A JPEG; NULL: there is none, or no longer. */
GBytes *mod_thumbs_get (ModThumbs * self, const gchar * stream,
    const gchar * id);

G_END_DECLS
