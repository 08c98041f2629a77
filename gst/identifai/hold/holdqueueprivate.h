/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the hold queue's files share: holdqueue.c is what its users call, operator.c
 * what an operator says of what is held, holdjudge.c says what is done with a buffer
 * whose turn has come, and heldstreams.c what is held. Each calls those behind it here.
 */

#pragma once

#include "holdqueue.h"
#include "heldstream.h"
#include "marks.h"

G_BEGIN_DECLS

#define IDENTIFAI_HOLD_VIDEO 0

/* What is done with a buffer. */
typedef struct
{
  IdentifaiDecision decision;
  gboolean in_segment;
  guint segment;
} IdentifaiHoldJudgement;

struct _IdentifaiHoldQueue
{
  gchar *name;
  IdentifaiDecisions *decisions;        /* borrowed */
  IdentifaiHoldQueueSettings settings;
  GPtrArray *streams;           /* of IdentifaiHeldStream; NULL: removed */
  IdentifaiMarks *marks;        /* of video */
  guint64 next_id;
  gboolean video_over;          /* EOS came, */
  guint64 over_at;              /* behind this id */
  gboolean dumping;
  gboolean overflowed, told_overflow;
  gboolean begun;               /* see identifai_hold_queue_begin() */

  /* The outgoing end of the video. */
  gboolean gap;                 /* something was withheld: a point has to come */
  IdentifaiDecision gap_by;     /* the decision that did it */
  gboolean leads;               /* the latest point follows what came before it, so
                                 * that leading pictures can be decoded */
  gint64 last_segment;          /* the latest that left; -1: none */
  gint64 floor;                 /* see identifai_hold_queue_set_floor() */

  gint64 counted;               /* segments up to it are in stats; -1: none */
  guint64 n_late_open;          /* that left while they were open, and then had an
                                 * outcome that no decision waited for */
  IdentifaiHoldQueueStats stats;
};

/* heldstreams.c */

/* NULL: there is none. */
IdentifaiHeldStream *identifai_hold_queue_get_stream (IdentifaiHoldQueue *
    self, guint stream);
/* Bytes, as settings count them. */
guint64 identifai_hold_queue_count_bytes (IdentifaiHoldQueue * self);
gboolean identifai_hold_queue_is_over_bounds (IdentifaiHoldQueue * self);
/* All buffers of all streams. running: NO_TIME for the video's. */
typedef void (*IdentifaiHeldItemFunc) (IdentifaiHeldItem * item, gint64 time,
    gint64 running);
void identifai_hold_queue_for_each (IdentifaiHoldQueue * self,
    IdentifaiHeldItemFunc func, gint64 time, gint64 running);

/* operator.c */

/* To what a shorter hold leaves. */
void identifai_hold_queue_jump (IdentifaiHoldQueue * self, gint64 now);

/* holdjudge.c */

/* Whether the stream can go on there, behind a hole. */
gboolean identifai_hold_can_resume (IdentifaiHoldQueue * self,
    const IdentifaiMark * mark);
/* Whether it is behind what was shown instead of what was before it. */
gboolean identifai_hold_is_above_floor (IdentifaiHoldQueue * self,
    const IdentifaiHeldItem * item);
/* The operator's word on it, or a jump's, says what is done. */
gboolean identifai_hold_has_order (IdentifaiHoldQueue * self,
    const IdentifaiHeldItem * item);
/* The pictures that a buffer of sound goes with, the likeliest one first, until the
 * marks' next call. NULL: there is none. */
const GPtrArray *identifai_hold_find_pictures (IdentifaiHoldQueue * self,
    IdentifaiHeldStream * stream, const IdentifaiHeldItem * item);
/* Of video; headers are out of the queue already. */
IdentifaiHoldJudgement identifai_hold_judge_picture (IdentifaiHoldQueue *
    self, const IdentifaiHeldItem * item, const IdentifaiMark * mark);
IdentifaiHoldJudgement identifai_hold_judge_headers (IdentifaiHoldQueue *
    self, const IdentifaiHeldItem * item);
IdentifaiHoldJudgement identifai_hold_judge_sound (IdentifaiHoldQueue * self,
    IdentifaiHeldStream * stream, const IdentifaiHeldItem * item);

G_END_DECLS
