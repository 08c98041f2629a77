/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What came in and has not left: a queue a stream of buffers and serialized events,
 * each of which leaves so long after it came, and what is done with it then.
 *
 * Stream 0 is the video. Its buffers follow the decision of their segment, of which
 * the segmenter tells (IdentifaiPlacement). Where something was withheld, nothing
 * leaves until a frame at which decoding can start. Sound follows the picture that
 * is shown when it starts, whatever became of that behind a hole; where times went
 * back and it may be one of several, the strictest.
 *
 * Every buffer that came passes once, is withheld once with a reason, or is held.
 *
 * Not thread-safe: the element's lock guards it. No clock: times are monotonic and
 * in µs, running times signed and in ns.
 */

#pragma once

#include "decisions.h"
#include "segmenter.h"

G_BEGIN_DECLS

/* What is done with pictures between segments. */
typedef enum
{
  IDENTIFAI_UNSAMPLED_FOLLOW,   /* as with the last one in a segment */
  IDENTIFAI_UNSAMPLED_PASS,
  IDENTIFAI_UNSAMPLED_DROP,
} IdentifaiUnsampled;

/* The operator's word at the outgoing end. */
typedef enum
{
  IDENTIFAI_FORCE_NONE,
  IDENTIFAI_FORCE_PASS,
  IDENTIFAI_FORCE_DROP,
  IDENTIFAI_FORCE_SLATE,        /* withheld, too */
} IdentifaiForce;

typedef struct
{
  GstClockTime hold;            /* 0: nothing is held, or withheld but by force */
  gboolean paced;               /* FALSE: what is decided leaves, and waits for that
                                 * as long as it takes */
  guint64 max_bytes;            /* of buffers held, and */
  guint item_bytes;             /* for each buffer and event: what keeping it takes */
  IdentifaiUnsampled on_unsampled;
  IdentifaiForce force;
  gboolean at_idr;              /* behind a hole, it goes on at a closed point only */
} IdentifaiHoldQueueSettings;

/* What leaves. */
typedef struct
{
  GstMiniObject *object;        /* owned: a buffer or an event, or what was given */
  gboolean is_buffer;
  gboolean passes;              /* FALSE: a buffer that is withheld */
  gboolean is_first;            /* passes, and those before it didn't */
  gboolean slate;               /* is withheld, and something is shown instead */
  gboolean ends;                /* is withheld, and the stream is over */
  IdentifaiWhy why;             /* of a buffer */
  gboolean in_segment;
  guint segment;
  gboolean starts_segment;      /* the first of its pictures that leaves */
  gint64 arrival;               /* µs */
  gint64 running, duration;     /* ns, or IDENTIFAI_NO_TIME */
  gint64 decoding;              /* the same */
} IdentifaiHeld;

typedef struct
{
  /* Buffers of video: came = passed + all withheld + flushed + held. */
  guint64 came, passed, withheld[IDENTIFAI_N_WHYS], flushed, held;
  guint64 held_bytes;           /* of all streams */
  gint64 held_time;             /* µs, since the oldest of them came */
  /* Segments: by the first of their pictures that left. */
  guint64 passed_segments, withheld_segments;
  guint64 shadow_segments;      /* of the passed ones: the policy isn't enforced */
  guint64 late_segments;        /* left without their outcome */
  /* Without the time that the source was away while the segment was open: */
  gint64 margin_last, margin_min;       /* µs, from the outcome to the deadline;
                                 * G_MAXINT64: none yet */
  gint64 max_delay;             /* µs, from a segment's first buffer to its outcome */
} IdentifaiHoldQueueStats;

typedef struct _IdentifaiHoldQueue IdentifaiHoldQueue;

/* decisions is borrowed; name, the element's, is copied. */
IdentifaiHoldQueue *identifai_hold_queue_new (IdentifaiDecisions * decisions,
    const gchar * name);
/* And to its decisions. */
void identifai_hold_queue_set_name (IdentifaiHoldQueue * self,
    const gchar * name);
void identifai_hold_queue_free (IdentifaiHoldQueue * self);
/* A shorter hold jumps forward, to where decoding can start. */
void identifai_hold_queue_configure (IdentifaiHoldQueue * self,
    const IdentifaiHoldQueueSettings * settings, gint64 now);
/* What is held is thrown away, stats begin anew, settings and streams stay. */
void identifai_hold_queue_reset (IdentifaiHoldQueue * self);

/* Another stream; 0 is there from the start. */
guint identifai_hold_queue_add_stream (IdentifaiHoldQueue * self);
/* With all that it holds. */
void identifai_hold_queue_remove_stream (IdentifaiHoldQueue * self, guint stream);

/* Take over the object. running, decoding, duration: when a buffer is shown or heard,
 * and decoded. _buffer returns its id, which is never 0, for IdentifaiCaptureTime. */
guint64 identifai_hold_queue_push_buffer (IdentifaiHoldQueue * self, guint stream,
    GstBuffer * buffer, gint64 running, gint64 decoding, gint64 duration,
    gint64 arrival);
void identifai_hold_queue_push_event (IdentifaiHoldQueue * self, guint stream,
    GstMiniObject * event, gboolean is_eos, gint64 arrival);
/* An IdentifaiSegmenterPlaceFunc's, and an IdentifaiSegmenterSettleFunc's. */
void identifai_hold_queue_place (IdentifaiHoldQueue * self,
    const IdentifaiPlacement * placement);
void identifai_hold_queue_settle (IdentifaiHoldQueue * self,
    const IdentifaiSettlement * settlement);
/* An outcome, for the decisions. FALSE: it came too late. */
gboolean identifai_hold_queue_add_outcome (IdentifaiHoldQueue * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial, gint64 now);
/* An operator's, see identifai_decisions_override(). FALSE: the segment has left. */
gboolean identifai_hold_queue_override (IdentifaiHoldQueue * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial);
/* A change of the policy's state, as identifai_policy_pop(). */
gboolean identifai_hold_queue_pop_change (IdentifaiHoldQueue * self,
    IdentifaiPolicyChange * change);
/* All that a stream holds is thrown away, but for its events, if events isn't NULL,
 * which takes them over in their order. What is held of sound has lost its pictures
 * with the video's, and is withheld. */
void identifai_hold_queue_flush (IdentifaiHoldQueue * self, guint stream,
    GQueue * events);

/* Whether a buffer of the stream has had its turn since it was flushed. */
gboolean identifai_hold_queue_has_begun (IdentifaiHoldQueue * self, guint stream);

/* What comes next doesn't follow what left: nothing leaves until a frame at which
 * decoding can start. */
void identifai_hold_queue_break (IdentifaiHoldQueue * self);

/* The operator's word at the incoming end: what came in the last back ns, and comes
 * until it is released, will be withheld. */
void identifai_hold_queue_dump (IdentifaiHoldQueue * self, GstClockTime back, gint64 now);
void identifai_hold_queue_release (IdentifaiHoldQueue * self);

/* Until the delay is built something else is shown, and the stream goes on at a point.
 * What streams start with, before their first buffers, leaves at once, until the
 * video is flushed. */
void identifai_hold_queue_begin (IdentifaiHoldQueue * self);
/* When the first buffer that the stream holds is decoded (IDENTIFAI_NO_TIME: that isn't
 * known), and when it leaves by the clock. FALSE: there is none. */
gboolean identifai_hold_queue_peek (IdentifaiHoldQueue * self, guint stream,
    gint64 * decoding, gint64 * due);

/* Whether something of the video was withheld, and it goes on at a point. */
gboolean identifai_hold_queue_has_gap (IdentifaiHoldQueue * self);
/* From decoding time to arrival, in ns, at least, of the pictures that are held and came
 * at that time (µs) or later; IDENTIFAI_NO_TIME: there is none. */
gint64 identifai_hold_queue_get_lead (IdentifaiHoldQueue * self, gint64 since);
/* Behind a hole, pictures that are decoded at that time or before would be shown where
 * something else was: they are withheld, up to the point that follows.
 * IDENTIFAI_NO_TIME: none would. FALSE: no such point is held, none is withheld. */
gboolean identifai_hold_queue_set_floor (IdentifaiHoldQueue * self,
    gint64 decoding);

/* When the stream's next object leaves; G_MAXINT64: there is none, or it isn't
 * decided and waits for that. */
gint64 identifai_hold_queue_get_due (IdentifaiHoldQueue * self, guint stream, gint64 now);
/* What leaves by now; FALSE: nothing. */
gboolean identifai_hold_queue_pop (IdentifaiHoldQueue * self, guint stream, gint64 now,
    IdentifaiHeld * held);
/* More is held than may, and it is no use to take more before some of it has left:
 * what is too much leaves as fast as downstream takes it, or with its outcome. */
gboolean identifai_hold_queue_is_full (IdentifaiHoldQueue * self);
/* Whether more came than may be held, so that something left early. TRUE once. */
gboolean identifai_hold_queue_take_overflow (IdentifaiHoldQueue * self);

void identifai_hold_queue_get_stats (IdentifaiHoldQueue * self, gint64 now,
    IdentifaiHoldQueueStats * stats);

G_END_DECLS
