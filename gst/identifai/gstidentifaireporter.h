/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All that an element says: its messages, in order; how its segments end; and
 * alarms, one warning when something starts to go wrong and one info when all is
 * well again. Knows any element, and calls nobody but its bus.
 *
 * Messages are queued under any lock and posted after unlocking, by one thread at
 * a time. Posting runs the application's handlers, which may take long: threads
 * that others depend on, of the client, the muxers and the clock, leave it to a
 * pool.
 *
 * Announcements (identifai-segment) come in the order of the segments' numbers:
 * what there is to say of a segment waits until all with a lower number that were
 * opened are announced, or gone.
 *
 * Locks of its own, the innermost but the queue's: all functions may be called
 * with any other lock held, except where it says that they post.
 */

#pragma once

#include "gstidentifaierrors.h"
#include "gstidentifaisettings.h"
#include "policy.h"
#include "result.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiReporter GstIdentifaiReporter;

/* Why a segment is dropped: reasons of identifai-dropped. */
typedef enum
{
  GST_IDENTIFAI_DROP_OVERFLOW,  /* more waits than may */
  GST_IDENTIFAI_DROP_BUDGET,    /* max-uploads-per-hour is used up */
  GST_IDENTIFAI_DROP_FLUSHED,
  GST_IDENTIFAI_DROP_STOPPED,
  GST_IDENTIFAI_DROP_TOO_SHORT, /* the service would refuse it */
  GST_IDENTIFAI_DROP_LATE,      /* a verdict would be of no use any more */
} GstIdentifaiDrop;

/* "overflow", "budget", "flushed", "stopped", "too-short", "late" */
const gchar *gst_identifai_drop_to_string (GstIdentifaiDrop drop);

/* element is borrowed: it outlives everything but the last references, which
 * segments may have. */
GstIdentifaiReporter *gst_identifai_reporter_new (GstElement * element);
GstIdentifaiReporter *gst_identifai_reporter_ref (GstIdentifaiReporter * self);
void gst_identifai_reporter_unref (GstIdentifaiReporter * self);

/* That of all element messages since the latest start, which makes another one. */
gchar *gst_identifai_reporter_get_session (GstIdentifaiReporter * self);

/* Forgets alarms and losses. */
void gst_identifai_reporter_start (GstIdentifaiReporter * self,
    const GstIdentifaiSettings * settings);
/* Posts, and returns when everything that was queued is on the bus. A handler
 * that stops the element, and so calls this, is run again within itself, as for
 * core's own messages of the change of state. */
void gst_identifai_reporter_stop (GstIdentifaiReporter * self);

/* Messages. */

/* Takes over any message of the element's. */
void gst_identifai_reporter_queue (GstIdentifaiReporter * self,
    GstMessage * message);
/* Posts what is queued, here or, where another thread posts, there. No lock may
 * be held. */
void gst_identifai_reporter_post (GstIdentifaiReporter * self);
/* Whether there is anything. */
gboolean gst_identifai_reporter_has_queued (GstIdentifaiReporter * self);
/* The same on a thread of a pool: any lock may be held, never blocks. */
void gst_identifai_reporter_post_elsewhere (GstIdentifaiReporter * self);
/* As _post, and waits until everything queued is on the bus: nothing may come
 * after EOS. FALSE: flushing. */
gboolean gst_identifai_reporter_post_all (GstIdentifaiReporter * self);
void gst_identifai_reporter_set_flushing (GstIdentifaiReporter * self,
    gboolean flushing);

/* Segments. All of these queue. The segment is borrowed. */

/* There is a segment of that number, and it will be closed, or dropped; or not. */
void gst_identifai_reporter_open (GstIdentifaiReporter * self, guint number);
void gst_identifai_reporter_forget (GstIdentifaiReporter * self, guint number);

/* The segment has its file. */
void gst_identifai_reporter_closed (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment);
/* The service took it: it has its identifier. */
void gst_identifai_reporter_submitted (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, GstClockTime upload_time);
/* Its outcome, one of three. It is announced before, if it isn't yet. */
/* Each returns the structure of its message (transfer full). */
GstStructure *gst_identifai_reporter_verdict (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, const IdentifaiResult * result,
    GstClockTime latency);
/* text: the service's words, or ours; NULL: none. */
GstStructure *gst_identifai_reporter_failed (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, IdentifaiReason reason,
    guint http_status, const gchar * text);
GstStructure *gst_identifai_reporter_dropped (GstIdentifaiReporter * self,
    const IdentifaiSegment * segment, GstIdentifaiDrop drop);
/* The policy's state changed. */
void gst_identifai_reporter_policy (GstIdentifaiReporter * self,
    const IdentifaiPolicyChange * change, gboolean enforced);

/* Alarms. All of these queue what there is to say. */

/* How a call of the service went; reason NONE: well. key_worked is filled in. */
void gst_identifai_reporter_call (GstIdentifaiReporter * self,
    GstIdentifaiFailure * call);
/* A segment was taken. waited: the stream was held for it, or would have been. */
void gst_identifai_reporter_accepted (GstIdentifaiReporter * self,
    gboolean waited);
/* The stream is held for want of room. */
void gst_identifai_reporter_held (GstIdentifaiReporter * self);

/* What came of the question for the account's credits. */
void gst_identifai_reporter_credits (GstIdentifaiReporter * self,
    const IdentifaiCredits * credits);

/* What to say of segments that have no verdict when drain-timeout is over, with
 * the latest call's failure; transfer full. */
gchar *gst_identifai_reporter_explain_timeout (GstIdentifaiReporter * self,
    guint * http_status);

/* The stream is over: queues an error if segments came since the last call but
 * none was judged (failed, or dropped for want of room), a warning if only some
 * were, or under on-refusal=warn; nothing if all is well, or if the error was
 * posted before. at_end: not in the middle of the stream, where it can't go on.
 * pending: segments without an outcome. */
void gst_identifai_reporter_sum_up (GstIdentifaiReporter * self,
    guint64 pending, gboolean at_end);

G_END_DECLS
