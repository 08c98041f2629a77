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
#include "framereader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

#define NEVER G_MAXINT64

/* What people are told. */

static void
tell_late_locked (GstIdentifaiGate * self, const IdentifaiHeld * held)
{
  GstIdentifaiEngine *engine = self->engine;
  IdentifaiHoldQueueStats stats;
  gboolean late;

  if (!held->starts_segment)
    return;
  identifai_hold_queue_get_stats (self->hold, g_get_monotonic_time (), &stats);
  late = stats.late_segments > self->late;
  self->late = stats.late_segments;
  if (late && identifai_alarm_bad (&self->late_alarm, 0))
    gst_identifai_engine_queue (engine,
        gst_identifai_warning_late (engine->element, held->segment,
            engine->settings.hold, stats.max_delay * GST_USECOND));
  else if (!late && identifai_alarm_good (&self->late_alarm))
    gst_identifai_engine_queue (engine, gst_identifai_info (engine->element,
            "Verdicts come in time again"));
}

static void
tell_overflow_locked (GstIdentifaiGate * self)
{
  GstIdentifaiEngine *engine = self->engine;

  if (!identifai_hold_queue_take_overflow (self->hold))
    return;
  if (identifai_alarm_bad (&self->overflow_alarm, 0))
    gst_identifai_engine_queue (engine,
        gst_identifai_warning_hold_full (engine->element,
            engine->settings.max_held_bytes));
}

/* The picture's, at which the outgoing end changes. TRUE: passing did. */
static gboolean
tell_state_locked (GstIdentifaiGate * self, const IdentifaiHeld * held)
{
  gboolean turned = held->passes != self->passing;

  if (self->told && !turned && held->why == self->why)
    return FALSE;
  self->told = TRUE;
  self->passing = held->passes;
  self->why = held->why;
  GST_INFO_OBJECT (self, "%s: %s, segment %d", held->passes ? "pass" : "drop",
      identifai_why_to_string (held->why),
      held->in_segment ? (gint) held->segment : -1);
  gst_identifai_engine_queue (self->engine,
      gst_identifai_message_gate (GST_ELEMENT (self), held));

  return turned;
}

static void
tell (GstIdentifaiGate * self, const IdentifaiHeld * held)
{
  gboolean turned;

  g_mutex_lock (&self->engine->lock);
  tell_late_locked (self, held);
  gst_identifai_gate_tell_policy_locked (self);
  tell_overflow_locked (self);
  turned = tell_state_locked (self, held);
  g_mutex_unlock (&self->engine->lock);

  /* a handler that takes long must not hold up what leaves */
  gst_identifai_reporter_post_elsewhere (self->engine->reporter);
  if (turned)
    g_object_notify (G_OBJECT (self), "passing");
}

/* The summary, and what is queued, come before EOS. */
static void
tell_end (GstIdentifaiGate * self)
{
  gst_identifai_outbox_sum_up (self->engine->outbox, TRUE);
  gst_identifai_reporter_post (self->engine->reporter);
}

/* What leaves. */

/* FALSE: nothing more leaves. */
static gboolean
wait_locked (GstIdentifaiBranch * branch, IdentifaiHeld * held)
{
  GstIdentifaiGate *self = branch->gate;
  GstIdentifaiEngine *engine = self->engine;

  while (!branch->flushing && branch->flow == GST_FLOW_OK && !self->ended) {
    gint64 now = g_get_monotonic_time ();
    gint64 due = identifai_hold_queue_get_due (self->hold, branch->stream, now);

    if (identifai_hold_queue_pop (self->hold, branch->stream, now, held))
      return TRUE;
    if (due == NEVER)
      g_cond_wait (&engine->cond, &engine->lock);
    else
      g_cond_wait_until (&engine->cond, &engine->lock, due);
  }

  return FALSE;
}

/* Takes over the buffer; the flags are a copy's, the memory isn't. */
static GstFlowReturn
push_buffer (GstIdentifaiBranch * branch, GstBuffer * buffer, gboolean is_first)
{
  if (is_first || branch->hole) {
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  }
  branch->hole = FALSE;

  return gst_pad_push (branch->src, buffer);
}

/* What is held behind it can't leave any more: upstream is told with its next
 * buffer. */
static void
note_flow (GstIdentifaiBranch * branch, GstFlowReturn flow)
{
  GstIdentifaiGate *self = branch->gate;

  g_mutex_lock (&self->engine->lock);
  if (flow != GST_FLOW_OK && !branch->flushing) {
    GST_INFO_OBJECT (branch->src, "downstream: %s", gst_flow_get_name (flow));
    branch->flow = flow;
    identifai_hold_queue_flush (self->hold, branch->stream, NULL);
  }
  g_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);
}

/* By a decision. */
static GstFlowReturn
end (GstIdentifaiBranch * branch)
{
  note_flow (branch, GST_FLOW_EOS);
  if (branch->stream == IDENTIFAI_SEGMENTER_VIDEO)
    tell_end (branch->gate);
  gst_pad_push_event (branch->src, gst_event_new_eos ());

  return GST_FLOW_EOS;
}

/* Takes over the buffer. What it would have filled is told of, so that a muxer
 * doesn't wait for it. */
static void
skip_buffer (GstIdentifaiBranch * branch, GstBuffer * buffer)
{
  GstClockTime time = GST_BUFFER_DTS_OR_PTS (buffer);
  GstClockTime duration = GST_BUFFER_DURATION (buffer);

  branch->hole = TRUE;
  gst_buffer_unref (buffer);
  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_pad_push_event (branch->src, gst_event_new_gap (time, duration));
}

static GstFlowReturn
let_out (GstIdentifaiBranch * branch, const IdentifaiHeld * held)
{
  GstBuffer *buffer = GST_BUFFER (held->object);

  if (branch->stream == IDENTIFAI_SEGMENTER_VIDEO)
    tell (branch->gate, held);
  if (held->passes)
    return push_buffer (branch, buffer, held->is_first);
  skip_buffer (branch, buffer);
  if (!held->ends)
    return GST_FLOW_OK;
  GST_INFO_OBJECT (branch->src, "what has to leave now ends the stream");
  g_mutex_lock (&branch->gate->engine->lock);
  branch->gate->ended = TRUE;
  g_cond_broadcast (&branch->gate->engine->cond);
  g_mutex_unlock (&branch->gate->engine->lock);

  return end (branch);
}

/* Takes over the event. */
static GstFlowReturn
let_event_out (GstIdentifaiBranch * branch, GstEvent * event)
{
  gboolean is_eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  gboolean is_start = GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START;

  GST_DEBUG_OBJECT (branch->src, "%" GST_PTR_FORMAT, event);
  if (is_eos && branch->stream == IDENTIFAI_SEGMENTER_VIDEO)
    tell_end (branch->gate);
  if (is_start)
    branch->hole = FALSE;
  gst_pad_push_event (branch->src, event);

  return GST_FLOW_OK;
}

static void
run (gpointer user_data)
{
  GstIdentifaiBranch *branch = user_data;
  IdentifaiHeld held;
  GstFlowReturn flow;
  gboolean goes_on, ends;

  g_mutex_lock (&branch->gate->engine->lock);
  goes_on = wait_locked (branch, &held);
  ends = branch->gate->ended && branch->flow == GST_FLOW_OK;
  g_mutex_unlock (&branch->gate->engine->lock);

  if (!goes_on && ends)
    end (branch);
  if (!goes_on) {
    gst_pad_pause_task (branch->src);
    return;
  }
  flow = held.is_buffer ? let_out (branch, &held) :
      let_event_out (branch, GST_EVENT (held.object));
  note_flow (branch, flow);
}

void
gst_identifai_gate_out_start (GstIdentifaiBranch * branch)
{
  g_mutex_lock (&branch->gate->engine->lock);
  branch->flushing = FALSE;
  branch->flow = GST_FLOW_OK;
  g_mutex_unlock (&branch->gate->engine->lock);

  gst_pad_start_task (branch->src, run, branch, NULL);
}

static void
set_flushing (GstIdentifaiBranch * branch)
{
  g_mutex_lock (&branch->gate->engine->lock);
  branch->flushing = TRUE;
  g_cond_broadcast (&branch->gate->engine->cond);
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
    branch->hole = FALSE;
    gst_identifai_gate_out_start (branch);
    return TRUE;
  }
  set_flushing (branch);

  return gst_pad_stop_task (pad);
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
  gst_pad_use_fixed_caps (src);
}
