/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The outgoing end. Each source pad has a task of its own: one for two pads of a
 * muxer would block in the first, while the muxer waits for the other.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include "gstidentifaierrors.h"
#include "gstidentifaimessages.h"
#include "clock.h"
#include "framereader.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

#define NEVER G_MAXINT64
#define NO_LIMIT (G_MAXINT64 / 2)
#define NO_TIME IDENTIFAI_NO_TIME

/* Silence is told of in such steps, where nothing else leaves. */
#define SILENCE (100 * (gint64) GST_MSECOND)

/* What is past its time mustn't be in the way of what can still be judged in time. */
static void
give_up_locked (GstIdentifaiGate * self)
{
  self->ask_again = gst_identifai_outbox_give_up_before (self->engine->outbox,
      identifai_decisions_get_useless (self->decisions));
}

/* When the branch has to look after what couldn't be given up. */
static gint64
ask_again_locked (GstIdentifaiBranch * branch, gint64 now)
{
  GstIdentifaiGate *self = branch->gate;

  if (branch->stream != IDENTIFAI_SEGMENTER_VIDEO)
    return NEVER;
  if (self->ask_again <= now) {
    give_up_locked (self);
    gst_identifai_reporter_post_elsewhere (self->engine->reporter);
  }

  return self->ask_again;
}

static void
tell (GstIdentifaiGate * self, const IdentifaiHeld * held)
{
  gboolean turned, grew;

  g_mutex_lock (&self->engine->lock);
  if (held->starts_segment)
    give_up_locked (self);
  turned = gst_identifai_gate_tell_held_locked (self, held);
  grew = self->delay_grew;
  self->delay_grew = FALSE;
  g_mutex_unlock (&self->engine->lock);

  /* a handler that takes long must not hold up what leaves */
  gst_identifai_reporter_post_elsewhere (self->engine->reporter);
  if (turned)
    g_object_notify (G_OBJECT (self), "passing");
  if (grew)
    g_object_notify (G_OBJECT (self), "max-observed-delay");
}

/* The summary, and what is queued, come before EOS. */
static void
tell_end (GstIdentifaiGate * self)
{
  gst_identifai_outbox_sum_up (self->engine->outbox, TRUE);
  gst_identifai_reporter_post (self->engine->reporter);
}

/* When it leaves. */

static gint64
to_wall (const GstIdentifaiShow * show, gint64 position)
{
  return show->wall + (position - show->position + 999) / (gint64) GST_USECOND;
}

/* What the slate doesn't go beyond: what is held comes behind it. */
static gint64
get_limit_locked (GstIdentifaiBranch * branch)
{
  GstIdentifaiGate *self = branch->gate;
  gint64 next, due;

  if (!identifai_hold_queue_peek (self->hold, branch->stream, &next, &due)
      || next == NO_TIME)
    return NO_LIMIT;
  gst_identifai_gate_shift_note_stall_locked (branch, next, due);

  return next + self->shift + self->stall;
}

static gint64
get_reorder_locked (GstIdentifaiBranch * branch)
{
  return MAX (branch->gate->reorder, 0);
}

/* Sound that stands still isn't replaced by the slate's when its pictures aren't, any
 * more. */
static gboolean
is_beside_slate_locked (GstIdentifaiBranch * branch)
{
  return branch->stream == IDENTIFAI_SEGMENTER_VIDEO || branch->gate->showing;
}

/* Of the slate, by the clock; G_MAXINT64: it waits for what is held. */
static gint64
get_slate_due_locked (GstIdentifaiBranch * branch)
{
  GstIdentifaiShow *show = &branch->show;
  gint64 limit;
  IdentifaiSlateTimes times;

  if (!show->slate || !gst_identifai_gate_is_paced_locked (branch->gate))
    return NEVER;
  limit = get_limit_locked (branch);
  if (!identifai_slate_loop_peek (&show->loop, &times))
    return show->silent_at < limit ? to_wall (show, show->silent_at) : NEVER;
  if (!is_beside_slate_locked (branch)
      || !identifai_slate_loop_fits (&show->loop, limit,
          get_reorder_locked (branch)))
    return NEVER;

  return to_wall (show, times.dts);
}

/* Takes what the delay is built with. TRUE: the slate starts. */
static gboolean
begin_build_locked (GstIdentifaiBranch * branch)
{
  GstIdentifaiShow *show = &branch->show;

  if (!branch->build.due || !show->begun)
    return FALSE;
  branch->build.due = FALSE;
  if (show->slate)
    return FALSE;
  show->wall = branch->build.wall;
  show->position = branch->build.position;

  return TRUE;
}

/* What leaves. */

typedef enum
{
  NEXT_NOTHING,                 /* any more */
  NEXT_HELD,
  NEXT_BUILD,                   /* the slate starts, */
  NEXT_SLATE,                   /* or goes on */
} Next;

/* FALSE: sound is silent then. */
static gboolean
has_slate_locked (GstIdentifaiBranch * branch)
{
  IdentifaiSlateTrack *track = branch->slate_refused ? NULL :
      gst_identifai_gate_slate_get_locked (branch->gate, branch);
  gboolean has = track != NULL;

  g_clear_pointer (&track, identifai_slate_track_unref);

  return has;
}

/* Taken from the queue, its turn has come. */
static void
take_held_locked (GstIdentifaiBranch * branch, IdentifaiHeld * held,
    gint64 * shift)
{
  GstIdentifaiGate *self = branch->gate;

  held->slate = held->slate && held->decoding != NO_TIME
      && gst_identifai_gate_slate_is_usable_locked (self)
      && has_slate_locked (branch);
  if (held->is_buffer) {
    gst_identifai_gate_shift_mend_locked (branch, held);
    if (held->passes && gst_identifai_gate_shift_is_over_locked (branch, held)) {
      GST_LOG_OBJECT (branch->src, "sound at %" GST_STIME_FORMAT " doesn't "
          "leave: it would be heard behind what has left",
          GST_STIME_ARGS (held->decoding));
      held->passes = FALSE;
    }
    branch->show.turned = held->decoding != NO_TIME
        && gst_identifai_gate_shift_went_back (&branch->show, held->decoding);
    if (held->decoding != NO_TIME)
      branch->show.came = held->decoding;
  }
  *shift = self->shift;
}

/* Or the slate began after it. */
static void
leave_out_pause_locked (GstIdentifaiBranch * branch, gint64 now)
{
  branch->show.wall = MIN (branch->show.wall + branch->away, now);
  branch->away = 0;
}

static Next
wait_locked (GstIdentifaiBranch * branch, IdentifaiHeld * held, gint64 * shift)
{
  GstIdentifaiGate *self = branch->gate;
  GstIdentifaiEngine *engine = self->engine;

  while (!branch->flushing && branch->flow == GST_FLOW_OK && !branch->ended) {
    gint64 now = identifai_clock_now ();
    gint64 due = identifai_hold_queue_get_due (self->hold, branch->stream, now);
    gint64 slate_due;

    leave_out_pause_locked (branch, now);
    if (due <= now)
      gst_identifai_gate_shift_settle_locked (branch);
    slate_due = get_slate_due_locked (branch);
    if (identifai_hold_queue_pop (self->hold, branch->stream, now, held)) {
      take_held_locked (branch, held, shift);
      return NEXT_HELD;
    }
    if (begin_build_locked (branch))
      return NEXT_BUILD;
    if (slate_due <= now)
      return NEXT_SLATE;
    due = MIN (MIN (due, slate_due), ask_again_locked (branch, now));
    if (due == NEVER)
      identifai_cond_wait (&engine->cond, &engine->lock);
    else
      identifai_cond_wait_until (&engine->cond, &engine->lock, due);
  }

  return NEXT_NOTHING;
}

static void
note_shown (GstIdentifaiShow * show, gint64 decoding, gint64 running,
    gint64 end, gint64 shift)
{
  /* or the stream's times went back */
  gboolean is_first = show->last == NO_TIME || decoding < show->last;

  show->last = decoding;
  show->last_shift = shift;
  show->shown = is_first ? running : MAX (show->shown, running);
  show->end = is_first ? end : MAX (show->end, end);
}

/* Of segments that left before, or never will. */
static gboolean
is_past (gpointer segment, gpointer structure, gpointer latest)
{
  return GPOINTER_TO_UINT (segment) <= GPOINTER_TO_UINT (latest);
}

/* What became of a segment, if that is known, goes before the first of it. */
static void
push_verdict (GstIdentifaiBranch * branch, const IdentifaiHeld * held)
{
  GstIdentifaiGate *self = branch->gate;
  gpointer segment = GUINT_TO_POINTER (held->segment), structure = NULL;

  if (branch->stream != IDENTIFAI_SEGMENTER_VIDEO || !held->starts_segment)
    return;
  g_mutex_lock (&self->engine->lock);
  g_hash_table_steal_extended (self->verdicts, segment, NULL, &structure);
  g_hash_table_foreach_remove (self->verdicts, is_past, segment);
  g_mutex_unlock (&self->engine->lock);
  GST_DEBUG_OBJECT (branch->src, "segment %u %s", held->segment,
      structure != NULL ? "leaves behind its outcome, which is an event" :
      "leaves, no outcome of it is at hand");
  if (structure != NULL)
    gst_pad_push_event (branch->src,
        gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, structure));
}

/* Takes over the buffer; the flags are a copy's, the memory isn't. */
static GstFlowReturn
push_buffer (GstIdentifaiBranch * branch, const IdentifaiHeld * held,
    gint64 shift)
{
  GstBuffer *buffer = GST_BUFFER (held->object);

  gst_identifai_gate_show_stream (branch, shift);
  push_verdict (branch, held);
  if (held->is_first || branch->hole) {
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  }
  branch->hole = FALSE;
  if (held->decoding != NO_TIME)
    note_shown (&branch->show, held->decoding + shift, held->running + shift,
        held->running + shift + MAX (held->duration, 0), shift);

  return gst_pad_push (branch->src, buffer);
}

static void
push_gap (GstIdentifaiBranch * branch, gint64 time, gint64 duration)
{
  gst_pad_push_event (branch->src, gst_event_new_gap (time, duration));
}

/* The slate's next buffer, or some silence. */
static GstFlowReturn
push_slate (GstIdentifaiBranch * branch)
{
  GstIdentifaiShow *show = &branch->show;
  GstBuffer *buffer;

  if (show->loop.track == NULL) {
    push_gap (branch, show->silent_at, SILENCE);
    note_shown (show, show->silent_at, show->silent_at, show->silent_at,
        NO_TIME);
    show->silent_at += SILENCE;
    return GST_FLOW_OK;
  }
  buffer = identifai_slate_loop_pop (&show->loop);
  if (show->is_first)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  show->is_first = FALSE;
  note_shown (show, GST_BUFFER_DTS (buffer), GST_BUFFER_PTS (buffer),
      show->loop.end, NO_TIME);
  GST_LOG_OBJECT (branch->src, "slate %" GST_PTR_FORMAT, buffer);

  return gst_pad_push (branch->src, buffer);
}

/* The outgoing end is at what was withheld: the slate is, too. */
static GstFlowReturn
catch_up (GstIdentifaiBranch * branch, gint64 position, gint64 end,
    gint64 reorder)
{
  GstIdentifaiShow *show = &branch->show;
  gint64 limit = branch->stream == IDENTIFAI_SEGMENTER_VIDEO ?
      position + 1 : end;
  GstFlowReturn flow = GST_FLOW_OK;
  gint64 now = identifai_clock_now ();

  if (position > gst_identifai_gate_shift_get_position (show, now)) {
    show->wall = now;
    show->position = position;
  }
  while (flow == GST_FLOW_OK
      && identifai_slate_loop_fits (&show->loop, limit, reorder))
    flow = push_slate (branch);

  return flow;
}

static gint64
get_reorder (GstIdentifaiBranch * branch)
{
  gint64 reorder;

  g_mutex_lock (&branch->gate->engine->lock);
  reorder = get_reorder_locked (branch);
  g_mutex_unlock (&branch->gate->engine->lock);

  return reorder;
}

/* Whether the stream's times went away from the slate's; that it stood still doesn't
 * count. */
static gboolean
has_jumped (GstIdentifaiShow * show, gint64 position)
{
  IdentifaiSlateTimes times;

  if (!identifai_slate_loop_peek (&show->loop, &times))
    return FALSE;
  if (show->turned && show->last != NO_TIME
      && position < show->last - GST_IDENTIFAI_GATE_JUMP)
    return TRUE;

  return position - times.end > GST_IDENTIFAI_GATE_JUMP;
}

/* In place of the buffer, which it takes over. FALSE: it is silent. */
static gboolean
replace (GstIdentifaiBranch * branch, const IdentifaiHeld * held, gint64 shift,
    GstFlowReturn * flow)
{
  gint64 position = held->decoding + shift;

  push_verdict (branch, held);
  if (branch->show.slate && has_jumped (&branch->show, position))
    GST_DEBUG_OBJECT (branch->src, "the stream's times jumped to %"
        GST_STIME_FORMAT ", the slate begins anew there",
        GST_STIME_ARGS (position));
  if (!branch->show.slate || has_jumped (&branch->show, position))
    gst_identifai_gate_show_slate (branch, identifai_clock_now (), position);
  if (branch->show.loop.track == NULL)
    return FALSE;
  gst_mini_object_unref (held->object);
  *flow = catch_up (branch, position, position + MAX (held->duration, 0),
      get_reorder (branch));

  return TRUE;
}

/* What is held behind it can't leave any more: upstream is told with its next
 * buffer. */
static void
note_flow (GstIdentifaiBranch * branch, GstFlowReturn flow)
{
  GstIdentifaiGate *self = branch->gate;
  GQueue events = G_QUEUE_INIT;
  GstEvent *event;

  g_mutex_lock (&self->engine->lock);
  if (flow != GST_FLOW_OK && !branch->flushing) {
    GST_INFO_OBJECT (branch->src, "downstream: %s", gst_flow_get_name (flow));
    branch->flow = flow;
    identifai_hold_queue_flush (self->hold, branch->stream, &events);
    while ((event = g_queue_pop_head (&events)) != NULL)
      gst_identifai_gate_out_keep_locked (branch, event);
  }
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);
  if (flow < GST_FLOW_EOS)
    gst_identifai_reporter_post_elsewhere (self->engine->reporter);
}

/* There is no buffer any more by which upstream would hear of it. */
static void
tell_failed_locked (GstIdentifaiBranch * branch)
{
  gst_identifai_engine_queue_error (branch->gate->engine,
      g_error_new (GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
          "What follows %s took no more: %s", GST_PAD_NAME (branch->src),
          gst_flow_get_name (branch->flow)));
}

/* Caps and a segment wait for the stream's next buffer, as the task is over. */
void
gst_identifai_gate_out_keep_locked (GstIdentifaiBranch * branch,
    GstEvent * event)
{
  GstIdentifaiShow *show = &branch->show;

  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_replace (&show->caps, event);
    show->caps_due = TRUE;
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gst_event_replace (&show->segment, event);
    show->segment_due = TRUE;
  } else if (GST_EVENT_IS_STICKY (event)
      && GST_EVENT_TYPE (event) != GST_EVENT_EOS) {
    gst_pad_store_sticky_event (branch->src, event);
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_EOS
      && branch->flow < GST_FLOW_EOS) {
    tell_failed_locked (branch);
  }
  gst_event_unref (event);
}

/* All branches. */
static void
set_ended (GstIdentifaiGate * self)
{
  guint i;

  g_mutex_lock (&self->engine->lock);
  for (i = 0; i < self->branches->len; i++)
    ((GstIdentifaiBranch *) g_ptr_array_index (self->branches, i))->ended =
        TRUE;
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);
}

/* By a decision. */
static void
end (GstIdentifaiBranch * branch)
{
  note_flow (branch, GST_FLOW_EOS);
  if (branch->stream == IDENTIFAI_SEGMENTER_VIDEO)
    tell_end (branch->gate);
  gst_pad_push_event (branch->src, gst_event_new_eos ());
}

/* Takes over the buffer. What it would have filled is told of, so that a muxer
 * doesn't wait for it. */
static void
skip_buffer (GstIdentifaiBranch * branch, const IdentifaiHeld * held,
    gint64 shift)
{
  GstBuffer *buffer = GST_BUFFER (held->object);
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer);
  GstClockTime duration = GST_BUFFER_DURATION (buffer);

  gst_identifai_gate_show_stream (branch, shift);
  push_verdict (branch, held);
  GST_LOG_OBJECT (branch->src, "segment %u: nothing in place of a buffer at %"
      GST_TIME_FORMAT ": %s", held->segment, GST_TIME_ARGS (time),
      identifai_why_to_string (held->why));
  branch->hole = TRUE;
  gst_buffer_unref (buffer);
  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_pad_push_event (branch->src, gst_event_new_gap (time, duration));
}

static GstFlowReturn
let_out (GstIdentifaiBranch * branch, const IdentifaiHeld * held, gint64 shift)
{
  GstFlowReturn flow;

  if (branch->stream == IDENTIFAI_SEGMENTER_VIDEO)
    tell (branch->gate, held);
  if (held->passes)
    return push_buffer (branch, held, shift);
  if (held->slate && replace (branch, held, shift, &flow))
    return flow;
  skip_buffer (branch, held, shift);
  if (!held->ends)
    return GST_FLOW_OK;
  GST_INFO_OBJECT (branch->src, "what has to leave now ends the stream");
  set_ended (branch->gate);
  end (branch);

  return GST_FLOW_OK;
}

/* The delay begins to be built. */
static GstFlowReturn
begin_build (GstIdentifaiBranch * branch)
{
  const IdentifaiHeld held = {
    .slate = TRUE,
    .why = IDENTIFAI_WHY_START,
    .arrival = identifai_clock_now (),
    .running = branch->show.position,
  };

  if (branch->stream == IDENTIFAI_SEGMENTER_VIDEO)
    tell (branch->gate, &held);
  gst_identifai_gate_show_slate (branch, held.arrival,
      gst_identifai_gate_shift_get_position (&branch->show, held.arrival));

  return GST_FLOW_OK;
}

/* Events. */

/* While the slate is shown, and where it will be at once, the stream's caps and
 * segment wait for the stream; gaps are filled. */
static gboolean
keep_event (GstIdentifaiBranch * branch, GstEvent * event, gint64 shift)
{
  GstIdentifaiShow *show = &branch->show;
  gboolean waits;

  g_mutex_lock (&branch->gate->engine->lock);
  waits = show->slate || branch->build.due;
  g_mutex_unlock (&branch->gate->engine->lock);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_replace (&show->caps, event);
    show->caps_due = TRUE;
  } else if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gst_event_replace (&show->segment, event);
    show->segment_due = TRUE;
  } else {
    return waits && GST_EVENT_TYPE (event) == GST_EVENT_GAP;
  }
  if (!waits)
    gst_identifai_gate_show_stream (branch, shift);
  else
    GST_DEBUG_OBJECT (branch->src, "%s waits until the stream is shown again",
        GST_EVENT_TYPE_NAME (event));

  return TRUE;
}

/* The pictures are over, and so is the slate that was shown instead: sound that stands
 * still isn't replaced by its any more. */
static void
end_pictures (GstIdentifaiGate * self)
{
  g_mutex_lock (&self->engine->lock);
  self->showing = FALSE;
  g_mutex_unlock (&self->engine->lock);
  tell_end (self);
}

static void
note_start (GstIdentifaiBranch * branch)
{
  gst_identifai_gate_show_stop (branch);
  branch->hole = FALSE;
  branch->show.begun = TRUE;
}

/* Takes over the event. */
static GstFlowReturn
let_event_out (GstIdentifaiBranch * branch, GstEvent * event, gint64 shift)
{
  gboolean is_eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;

  GST_DEBUG_OBJECT (branch->src, "%" GST_PTR_FORMAT, event);
  if (keep_event (branch, event, shift)) {
    gst_event_unref (event);
    return GST_FLOW_OK;
  }
  if (is_eos && branch->stream == IDENTIFAI_SEGMENTER_VIDEO)
    end_pictures (branch->gate);
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
    note_start (branch);
  if (is_eos)
    gst_identifai_gate_show_stop (branch);
  gst_pad_push_event (branch->src, event);

  return GST_FLOW_OK;
}

static GstFlowReturn
do_next (GstIdentifaiBranch * branch, Next next, const IdentifaiHeld * held,
    gint64 shift)
{
  switch (next) {
    case NEXT_BUILD:
      return begin_build (branch);
    case NEXT_SLATE:
      return push_slate (branch);
    default:
      return held->is_buffer ? let_out (branch, held, shift) :
          let_event_out (branch, GST_EVENT (held->object), shift);
  }
}

static void
run (gpointer user_data)
{
  GstIdentifaiBranch *branch = user_data;
  IdentifaiHeld held = { NULL, };
  gint64 shift = 0;
  gboolean ends;
  Next next;

  g_mutex_lock (&branch->gate->engine->lock);
  next = wait_locked (branch, &held, &shift);
  ends = branch->ended && branch->flow == GST_FLOW_OK && !branch->flushing;
  g_mutex_unlock (&branch->gate->engine->lock);

  if (next == NEXT_NOTHING && ends)
    end (branch);
  if (next == NEXT_NOTHING)
    gst_pad_pause_task (branch->src);
  else
    note_flow (branch, do_next (branch, next, &held, shift));
}

/* The task doesn't run. */
static void
forget (GstIdentifaiBranch * branch)
{
  GstIdentifaiShow *show = &branch->show;

  identifai_slate_loop_stop (&show->loop);
  gst_clear_event (&show->segment);
  show->caps_due |= show->slate;
  show->slate = show->segment_due = FALSE;
  show->shift = 0;
  show->came = show->last = show->end = NO_TIME;
  branch->hole = FALSE;
}

void
gst_identifai_gate_out_flushed (GstIdentifaiBranch * branch, GstEvent * caps)
{
  GstIdentifaiShow *show = &branch->show;

  forget (branch);
  if (caps == NULL)
    return;
  gst_event_replace (&show->caps, caps);
  show->caps_due = TRUE;
}

void
gst_identifai_gate_out_clear (GstIdentifaiBranch * branch)
{
  forget (branch);
  gst_clear_event (&branch->show.caps);
  branch->show.caps_due = branch->show.begun = FALSE;
}

void
gst_identifai_gate_out_start (GstIdentifaiBranch * branch)
{
  gboolean removed;

  g_mutex_lock (&branch->gate->engine->lock);
  removed = branch->removed;
  branch->flushing = removed;
  branch->ended = FALSE;
  branch->flow = GST_FLOW_OK;
  g_mutex_unlock (&branch->gate->engine->lock);

  if (!removed)
    gst_pad_start_task (branch->src, run, branch, NULL);
}

void
gst_identifai_gate_out_restart (GstIdentifaiBranch * branch)
{
  /* what it does now is its last */
  gst_pad_pause_task (branch->src);
  gst_identifai_gate_out_start (branch);
}

static void
set_flushing (GstIdentifaiBranch * branch)
{
  g_mutex_lock (&branch->gate->engine->lock);
  branch->flushing = TRUE;
  identifai_cond_broadcast (&branch->gate->engine->cond);
  g_mutex_unlock (&branch->gate->engine->lock);
}

void
gst_identifai_gate_out_pause (GstIdentifaiBranch * branch)
{
  set_flushing (branch);
  gst_pad_pause_task (branch->src);
}

static gboolean
activate_mode (GstPad * pad, GstObject * parent, GstPadMode mode,
    gboolean active)
{
  GstIdentifaiBranch *branch = gst_pad_get_element_private (pad);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (branch == NULL)
    return TRUE;
  if (active) {
    gst_identifai_gate_out_clear (branch);
    gst_identifai_gate_out_start (branch);
    return TRUE;
  }
  set_flushing (branch);

  return gst_pad_stop_task (pad);
}

/* Linked anew: the stream goes on at its next key frame, with a segment of its own; and
 * the slate, if it is shown, where the outgoing end is by then. */
static void
revive (GstIdentifaiBranch * branch)
{
  GstIdentifaiGate *self = branch->gate;
  gboolean dead;

  g_mutex_lock (&self->engine->lock);
  dead = branch->flow == GST_FLOW_NOT_LINKED && !branch->flushing;
  if (dead && branch->stream == IDENTIFAI_SEGMENTER_VIDEO) {
    identifai_segmenter_change_stream (self->engine->segmenter);
    gst_identifai_engine_dispatch_locked (self->engine);
    identifai_hold_queue_break (self->hold);
  }
  g_mutex_unlock (&self->engine->lock);
  if (!dead)
    return;
  GST_INFO_OBJECT (branch->src, "linked anew");
  gst_pad_pause_task (branch->src);
  gst_identifai_gate_show_stop (branch);
  branch->hole = TRUE;
  gst_identifai_gate_out_start (branch);
  gst_identifai_engine_act (self->engine);
}

/* Of downstream. */
static gboolean
handle_upstream (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstIdentifaiBranch *branch = gst_pad_get_element_private (pad);

  if (GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE && branch != NULL)
    revive (branch);

  return gst_pad_event_default (pad, parent, event);
}

/* Queries. */

/* What it adds is how long everything takes. */
static gboolean
answer_latency (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (parent);
  GstClockTime min, max, hold;
  gboolean live;

  if (!gst_pad_query_default (pad, parent, query))
    return FALSE;
  g_mutex_lock (&self->engine->lock);
  hold = self->engine->settings.hold;
  hold -= MIN (hold, (GstClockTime) self->built);
  g_mutex_unlock (&self->engine->lock);
  gst_query_parse_latency (query, &live, &min, &max);
  min += hold;
  if (GST_CLOCK_TIME_IS_VALID (max))
    max += hold;
  gst_query_set_latency (query, live, min, max);
  GST_DEBUG_OBJECT (pad, "%" GST_PTR_FORMAT, query);

  return TRUE;
}

static gboolean
answer_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY)
    return answer_latency (pad, parent, query);

  return gst_pad_query_default (pad, parent, query);
}

void
gst_identifai_gate_out_init (GstPad * src, GstIdentifaiBranch * branch)
{
  gst_pad_set_element_private (src, branch);
  gst_pad_set_activatemode_function (src, activate_mode);
  gst_pad_set_query_function (src, answer_query);
  gst_pad_set_event_function (src, handle_upstream);
  gst_pad_use_fixed_caps (src);
}
