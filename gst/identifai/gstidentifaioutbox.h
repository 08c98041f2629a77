/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The way of a closed segment, for any element:
 *
 *   offered ─► room found ─► muxed ─► submitted ─► outcome, reported
 *
 * Each segment that it takes gets exactly one outcome: a verdict, or it failed, or
 * it was dropped. Files are made by a worker of a pool (muxworker.h), the client's
 * network thread posts them and brings what the service says (client.h), and the
 * reporter, which is the element's, says it on the bus (gstidentifaireporter.h).
 *
 * Buffers: a segment's tracks hold references, and nothing here or below writes to
 * their memory or copies it, so the element may hold the same buffers, and send
 * them on. The tracks are let go of when the file is made, which refers to the same
 * memory; the file, when the service took it, or, as attach-file has it, with the
 * outcome.
 *
 * Locks, outermost first: the element's, the outbox's, the client's, the mux
 * worker's and the reporter's. All functions but those that say otherwise may be
 * called with the element's lock held, on any thread, and neither block nor post.
 * What they queued is posted after unlocking, by gst_identifai_reporter_post().
 */

#pragma once

#include "demand.h"
#include "gstidentifaioutcomes.h"
#include "gstidentifaireporter.h"
#include "gstidentifaisettings.h"
#include "segment.h"
#include "segmenter.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiOutbox GstIdentifaiOutbox;

/* What the element gets to hear. NULL: nothing of that kind.
 *
 * room is called once after offers that found none, when there may be some. On the
 * client's network thread or the mux worker's: nothing long may be done there.
 *
 * outcome is called once for each segment that was taken (offered, pushed or
 * dropped), and once more if it is overridden afterwards; policy, when the state
 * of settings' `policy` changes, in the order of the segments. Both come one after
 * the other, never two at a time, in the order in which it happened, policy behind
 * the outcome that made it, and each after its message was queued: what the
 * callback queues comes behind that on the bus. They are called on the client's
 * network thread, the mux worker's, or one of a pool, but never from within a
 * function of the outbox, except gst_identifai_outbox_stop(), which returns when
 * all were called.
 *
 * All are called with no lock held, and may take the element's lock, call functions
 * of the outbox (but not _stop, _free, _drain and the waits), and queue messages. */
typedef struct
{
  void (*room) (gpointer user_data);
  GstIdentifaiOutcomeFunc outcome;
  GstIdentifaiPolicyFunc policy;
  gboolean has_policy;          /* the element has a policy of its own: settings' one
                                 * isn't counted here, see _boost */
} GstIdentifaiOutboxCallbacks;

/* All are borrowed and outlive the outbox. element: for the log, and the messages'
 * source. user_data: the callbacks'. */
GstIdentifaiOutbox *gst_identifai_outbox_new (GstElement * element,
    GstIdentifaiReporter * reporter,
    const GstIdentifaiOutboxCallbacks * callbacks, gpointer user_data);
void gst_identifai_outbox_free (GstIdentifaiOutbox * self);

/* Before each start: takes what settings say. FALSE with error if they are
 * unusable. */
gboolean gst_identifai_outbox_configure (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings, GError ** error);
/* Connects to the client, and starts the reporter, too. FALSE with error: then it
 * stays stopped. Reads the files that settings name, so no lock may be held. */
gboolean gst_identifai_outbox_start (GstIdentifaiOutbox * self,
    GError ** error);

/* Cancels everything and gives each outstanding segment its outcome; all messages
 * are on the bus and all callbacks called when it returns. Within a second. No
 * lock may be held. */
void gst_identifai_outbox_stop (GstIdentifaiOutbox * self);

/* What may change meanwhile. */

/* Whether upstream is live or comes in real time: what overflow=auto means. */
void gst_identifai_outbox_set_live (GstIdentifaiOutbox * self, gboolean live);
/* A policy that was checked; NULL: none. From the next outcome on. */
void gst_identifai_outbox_set_policy (GstIdentifaiOutbox * self,
    const GstStructure * policy);
/* The same, by the element's own policy. */
void gst_identifai_outbox_boost (GstIdentifaiOutbox * self, gboolean boosted);
/* Whether it wants all of the stream to be judged, without pauses. Takes no
 * lock. */
gboolean gst_identifai_outbox_is_boosted (GstIdentifaiOutbox * self);
/* Of outcomes from now on; files of what was submitted before may be gone. */
void gst_identifai_outbox_set_attach_file (GstIdentifaiOutbox * self,
    GstIdentifaiAttachFile mode);
/* For all requests from now on. */
void gst_identifai_outbox_set_headers (GstIdentifaiOutbox * self,
    IdentifaiExtraHeaders * headers);
/* NULL: that of the key file, which may take long to read. Other threads don't
 * wait for that. */
void gst_identifai_outbox_set_key (GstIdentifaiOutbox * self,
    const gchar * api_key);

/* So many uploads a minute will be wanted; all: of all users of the key in this
 * process. Does nothing while it is stopped, and returns FALSE. */
gboolean gst_identifai_outbox_set_demand (GstIdentifaiOutbox * self,
    gdouble per_minute, IdentifaiDemand * all);

/* Segments. */

/* A segment that has just got its number, as it opens: with what settings say now
 * it will be submitted. Announcements wait for it in their order, until it is
 * offered, pushed, dropped or freed. */
void gst_identifai_outbox_open (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const GstIdentifaiSettings * settings);

/* early-upload: what is open has more in it; it is sent as far as it is there, if that
 * can be. */
void gst_identifai_outbox_grow (GstIdentifaiOutbox * self,
    const IdentifaiOpenSegment * open);

/* Takes over a segment that was opened, with tracks, a file or a failure, and
 * returns TRUE; FALSE if it must wait for room, which only overflow=block makes it
 * do: the callback tells when to offer it again. */
gboolean gst_identifai_outbox_offer (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);

/* The stream is over and doesn't wait for room: takes over the segment even if
 * there is none. What comes after a seek has to wait, see _await_bounds. */
void gst_identifai_outbox_push (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);

/* Takes over a segment that nobody will judge. */
void gst_identifai_outbox_drop (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, GstIdentifaiDrop reason);

/* The verdicts of segments with a smaller number are of no use any more: those that
 * aren't on the wire yet are dropped, as late, with their files (attach-file), now or
 * when they have one. When (monotonic µs) to say so again, as one was on the wire that
 * may be answered yet; G_MAXINT64: never. */
gint64 gst_identifai_outbox_give_up_before (GstIdentifaiOutbox * self,
    guint number);
/* A verdict is of use for so long (ns) after its segment's first frame came, and 0: always.
 * What had to wait until that can't be, by how long judging took lately, is dropped,
 * as late, instead of posted. */
void gst_identifai_outbox_set_hold (GstIdentifaiOutbox * self,
    GstClockTime hold);

/* Somebody knows better, before the service's outcome or after it: the callback
 * gets this one, instead of the service's or besides it, and the policy counts it,
 * unless the segment has counted before. Messages and stats stay the service's,
 * which is not told. FALSE: it is no classification, or the outbox is stopped. */
gboolean gst_identifai_outbox_override (GstIdentifaiOutbox * self,
    guint segment, const gchar * classification);

/* Tells the service; what comes of it is a message, identifai-override. exists: there is
 * a segment of that number. FALSE: it is stopped, and there is no message. */
gboolean gst_identifai_outbox_send_override (GstIdentifaiOutbox * self,
    guint segment, gboolean exists, const gchar * classification);
gboolean gst_identifai_outbox_send_override_of (GstIdentifaiOutbox * self,
    const gchar * identifier, const gchar * classification);
/* Which segment has that identifier, of those that have lately been submitted. */
gboolean gst_identifai_outbox_find (GstIdentifaiOutbox * self,
    const gchar * identifier, guint * segment);

/* Has its result asked for now. FALSE: no segment waits for that one. */
gboolean gst_identifai_outbox_look (GstIdentifaiOutbox * self,
    const gchar * identifier);

/* Takes an entry of `pending` of an earlier run: there is one outcome of it. FALSE: it
 * is none, or was taken before and has no outcome yet, or the outbox is stopped. */
gboolean gst_identifai_outbox_resume (GstIdentifaiOutbox * self,
    const GstStructure * entry, const GstIdentifaiSettings * settings);
/* What the service has and has not judged yet: a GstValueArray of structures, into an
 * unset value. */
void gst_identifai_outbox_get_pending (GstIdentifaiOutbox * self,
    GValue * value);
/* How long ago the uploads of the hour were, in ns: a GstValueArray of guint64, into an
 * unset value; and instead of what was counted. */
void gst_identifai_outbox_get_uploads (GstIdentifaiOutbox * self,
    GValue * value);
void gst_identifai_outbox_set_uploads (GstIdentifaiOutbox * self,
    const GValue * value);

/* Room. */

/* Bytes that may be held besides what is. */
guint64 gst_identifai_outbox_get_space (GstIdentifaiOutbox * self);
/* Whether what finds no room is to wait. */
gboolean gst_identifai_outbox_blocks (GstIdentifaiOutbox * self);

/* Waits, in which no lock may be held, and what ends them. For room, the element
 * waits itself, until the callback. */

/* Wakes the waits below; they return at once until it is unset. */
void gst_identifai_outbox_set_flushing (GstIdentifaiOutbox * self,
    gboolean flushing);

/* Waits until no more is held than may be: what _push brought has found its room.
 * FALSE: it isn't so at the deadline (monotonic µs, -1 = none), or flushing. */
gboolean gst_identifai_outbox_wait_within_bounds (GstIdentifaiOutbox * self,
    gint64 deadline);

/* Waits until nothing is outstanding; FALSE as above. */
gboolean gst_identifai_outbox_wait_drained (GstIdentifaiOutbox * self,
    gint64 deadline);

/* drain-timeout is over: all that is outstanding fails as timeout. Does nothing
 * while flushing. Posts; no lock may be held. */
void gst_identifai_outbox_expire (GstIdentifaiOutbox * self);

/* The stream is over: see gst_identifai_reporter_sum_up(). */
void gst_identifai_outbox_sum_up (GstIdentifaiOutbox * self, gboolean at_end);

/* Adds all fields of stats but coverage. */
void gst_identifai_outbox_get_stats (GstIdentifaiOutbox * self,
    GstStructure * stats);

G_END_DECLS
