/* identifai-moderate: when a key's budget is idle
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may wait is posted only where no live upload of the key, in this process, has to
 * wait for it: not within a post's time of when a stream's next segment is due, and not so
 * often that the minute would be short of what the streams want of it. No GStreamer, no
 * clock: times are monotonic, in us.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ModIdle ModIdle;

ModIdle *mod_idle_new (void);
void mod_idle_free (ModIdle * self);

/* POSTs that the key may make; 0: no limit. */
void mod_idle_set_limits (ModIdle * self, gdouble per_second,
    gdouble per_minute);
/* A live segment of that stream closed; duration in us, its length. */
void mod_idle_note_closed (ModIdle * self, const gchar * stream, gint64 now,
    gint64 duration);
/* So many live POSTs were made lately. */
void mod_idle_note_posts (ModIdle * self, gint64 now, guint posts);
/* One that could wait is made now. */
void mod_idle_note_late (ModIdle * self, gint64 now);
/* The service said that it is too much. */
void mod_idle_note_throttled (ModIdle * self, gint64 now);

/* strict: nor within the time that a post has of the minute, as a client that is one of
 * several on a key spreads them; else within that of the second only. */
gboolean mod_idle_is (ModIdle * self, gint64 now, gboolean strict);

G_END_DECLS
