/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Posts messages in the order in which they were queued, whatever threads post
 * them: messages are queued under any lock and posted after unlocking, by one
 * thread at a time.
 *
 * Posting runs the application's message handlers, which may take long. Threads
 * that others depend on, of the client, the muxers and the system clock, leave it to a
 * pool.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstIdentifaiPoster GstIdentifaiPoster;

/* element is borrowed and must outlive the poster. */
GstIdentifaiPoster *gst_identifai_poster_new (GstElement * element);
void gst_identifai_poster_free (GstIdentifaiPoster * self);

/* Takes over message. Any thread, any lock held; never blocks for long. */
void gst_identifai_poster_queue (GstIdentifaiPoster * self,
    GstMessage * message);

/* Posts what is queued, unless another thread does already: that one then posts
 * ours, too. No lock may be held. */
void gst_identifai_poster_run (GstIdentifaiPoster * self);

/* As _run, but on another thread. Any thread, any lock held; never blocks. */
void gst_identifai_poster_kick (GstIdentifaiPoster * self);

/* As _run, and returns when everything queued before is on the bus (TRUE), or at
 * once while interrupted (FALSE). */
gboolean gst_identifai_poster_drain (GstIdentifaiPoster * self);
void gst_identifai_poster_set_interrupted (GstIdentifaiPoster * self,
    gboolean interrupted);

/* As _run, and returns when everything queued before is on the bus. A message
 * handler that this poster runs and that calls it, as it stops the element, is
 * run again within itself, as for core's own messages of the change of state. */
void gst_identifai_poster_finish (GstIdentifaiPoster * self);

G_END_DECLS
