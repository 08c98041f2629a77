/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the outbox share.
 *
 *   gstidentifaioutbox.c     what is offered, room for it, waits; start and stop
 *   gstidentifaioutboxfile.c from a closed segment to a file, and to the client
 *   gstidentifaireporter.c    what the client says; outcomes and trouble
 *   gstidentifaioutboxpolicy.c   what outcomes mean for the stream
 *
 * Threads: segments are offered by the streaming threads and a timer, muxed by
 * a worker of a thread pool that all elements of the process share, and come
 * back on the client's network thread. Neither of the latter two runs a message
 * handler: see gst_identifai_poster_kick().
 *
 * Locks, outermost first: the element's own lock, this lock, then the client's
 * or the poster's. Messages are queued under the lock and posted after it.
 * Nothing that may take long is done under it: no file is read and no thread is
 * waited for, except with the condition.
 */

#pragma once

#include <gio/gio.h>

#include "gstidentifaioutbox.h"

#include "gstidentifaierrors.h"
#include "gstidentifaiposter.h"
#include "hourlyquota.h"
#include "ledger.h"
#include "policy.h"
#include "alarm.h"

G_BEGIN_DECLS

struct _GstIdentifaiOutbox
{
  gint refcount;                /* atomic */
  GstElement *element;          /* borrowed; gone after _free */
  GstIdentifaiPoster *poster;

  GstIdentifaiRoomFunc room_func;       /* or NULL; as of the start */

  GMutex lock;
  GCond cond;                   /* room, an outcome, the worker ends, flushing */

  /* All below: lock. */
  IdentifaiLedger *ledger;
  IdentifaiClient *client;
  IdentifaiClientStats past;      /* of the client when it was closed */

  GstIdentifaiOverflow overflow;        /* as set */
  gboolean live;
  guint64 max_pending_bytes;
  guint max_pending_segments;
  guint max_uploads;            /* in an hour; 0 = no bound */
  IdentifaiHourlyQuota allowance; /* outlives a restart */
  gchar *muxer;
  guint64 max_segment_bytes;
  GstIdentifaiOnRefusal on_refusal;

  GQueue to_mux;                /* of IdentifaiSegment, owned by the ledger */
  GThread *worker;              /* while it runs */
  gboolean worker_queued;       /* from when it is asked for until it ends */
  GCancellable *cancellable;    /* of the worker */

  gboolean flushing;
  gboolean room_wanted;         /* an offer found none */
  gboolean halting;             /* all that is outstanding fails: none is added */
  gboolean told_sound;          /* that sound was left out of a file */
  gboolean refused;             /* the error for a refusal is posted */

  IdentifaiAlarm call_trouble;
  gchar *call_failure;          /* the latest call's; NULL: it succeeded */
  guint call_status;
  gboolean key_worked;          /* a call succeeded */
  IdentifaiAlarm file_trouble;
  IdentifaiAlarm overflow_trouble;
  IdentifaiAlarm hold_trouble;
  IdentifaiAlarm budget_trouble;
  gboolean had_to_wait;         /* the segment that is offered */

  IdentifaiPolicy *policy;
  gboolean enforced;            /* what the messages say of it */
  gint boosted;                 /* atomic: written with the lock */

  /* For the summary at EOS: segments since the last one. */
  guint64 judged;
  IdentifaiLosses losses;       /* failed, or dropped for want of room */
};

/* What a segment was opened with. */
static inline GstIdentifaiTicket *
gst_identifai_outbox_ticket (const IdentifaiSegment * segment)
{
  return segment->user_data;
}

/* The worker, and callbacks of the client, may come later than the element ends. */
GstIdentifaiOutbox *gst_identifai_outbox_ref (GstIdentifaiOutbox * self);
void gst_identifai_outbox_unref (GstIdentifaiOutbox * self);

/* Without the lock, where some may have been made. */
void gst_identifai_outbox_tell_room (GstIdentifaiOutbox * self);

/* gstidentifaioutboxfile.c */

/* Has the segment muxed, and handed to the client. */
void gst_identifai_outbox_mux_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
/* Hands a segment that has its file to the client. */
void gst_identifai_outbox_submit_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
/* Ends the worker, and waits until it has let go of its segment. */
void gst_identifai_outbox_halt_worker_locked (GstIdentifaiOutbox * self);

/* gstidentifaioutboxpolicy.c */

void gst_identifai_outbox_set_policy_locked (GstIdentifaiOutbox * self,
    const GstStructure * policy);
/* A segment ended, result NULL: without a verdict. Queues what that changes. */
void gst_identifai_outbox_count_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment, const IdentifaiResult * result);

/* gstidentifaireporter.c */

extern const IdentifaiClientCallbacks gst_identifai_outbox_callbacks;

/* identifai-segment, unless it is queued already. */
void gst_identifai_outbox_announce_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
/* The segment isn't in the ledger any more, and is freed. */
void gst_identifai_outbox_end_failed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const IdentifaiOutcome * outcome);
void gst_identifai_outbox_end_dropped_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const gchar * reason);
/* The segment is in the ledger; its failure says why there is no file. */
void gst_identifai_outbox_file_failed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
void gst_identifai_outbox_overflowed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
/* The segment won't be posted. */
void gst_identifai_outbox_uncount_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
/* No more may be posted within the hour; and it may again. */
void gst_identifai_outbox_over_budget_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
void gst_identifai_outbox_within_budget_locked (GstIdentifaiOutbox * self);
/* Forgets trouble, and the segments that the summary is about. */
void gst_identifai_outbox_reset_outcomes_locked (GstIdentifaiOutbox * self);
/* The other side of trouble. */
void gst_identifai_outbox_file_made_locked (GstIdentifaiOutbox * self);
/* Sound was left out of it, if it was. */
void gst_identifai_outbox_tell_sound_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
void gst_identifai_outbox_found_room_locked (GstIdentifaiOutbox * self);
/* The stream is held; and a segment found its room without that. */
void gst_identifai_outbox_held_locked (GstIdentifaiOutbox * self);
void gst_identifai_outbox_not_held_locked (GstIdentifaiOutbox * self);

G_END_DECLS
