/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes in. The engine judges it; the hold queue has the same buffers, and all
 * serialized events in between.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include "gstidentifaicapturetime.h"
#include "gstidentifaierrors.h"
#include "clock.h"
#include "codecs.h"
#include "framereader.h"
#include "heldbuffer.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)


void
gst_identifai_gate_in_reset_locked (GstIdentifaiGate * self)
{
  guint i;

  self->started = self->has_end = FALSE;
  self->orientation = NULL;
  g_clear_pointer (&self->stream_id, g_free);
  for (i = 0; i < self->branches->len; i++) {
    GstIdentifaiBranch *branch = g_ptr_array_index (self->branches, i);

    gst_segment_init (&branch->segment, GST_FORMAT_UNDEFINED);
  }
}

/* When it is shown or heard. */

static gint64
to_running (const GstSegment * segment, GstBuffer * buffer)
{
  gint64 time = identifai_running_time (segment, GST_BUFFER_PTS (buffer));

  return time != IDENTIFAI_NO_TIME ? time :
      identifai_running_time (segment, GST_BUFFER_DTS (buffer));
}

static gint64
to_duration (const GstSegment * segment, GstBuffer * buffer)
{
  return segment->format == GST_FORMAT_TIME ?
      identifai_running_duration (segment, GST_BUFFER_DURATION (buffer)) :
      IDENTIFAI_NO_TIME;
}

/* Takes over the buffer. */
static guint64
hold_locked (GstIdentifaiBranch * branch, GstBuffer * buffer, gint64 arrival)
{
  const GstSegment *segment = &branch->segment;

  return identifai_hold_queue_push_buffer (branch->gate->hold, branch->stream,
      buffer, to_running (segment, buffer),
      identifai_running_time (segment, GST_BUFFER_DTS (buffer)),
      to_duration (segment, buffer), arrival);
}

/* Back-pressure: a file waits for its verdicts, and nothing is taken that can't
 * leave downstream. */

static gboolean
must_wait_locked (GstIdentifaiGate * self)
{
  if (identifai_hold_queue_is_full (self->hold))
    return TRUE;

  return self->engine->in_hand != NULL
      && !gst_identifai_gate_is_paced_locked (self);
}

static GstFlowReturn
get_flow_locked (GstIdentifaiBranch * branch)
{
  if (branch->flushing || branch->gate->engine->stopping)
    return GST_FLOW_FLUSHING;

  return branch->flow;
}

static GstFlowReturn
wait_locked (GstIdentifaiBranch * branch)
{
  GstIdentifaiGate *self = branch->gate;
  gint64 start = identifai_clock_now (), took;
  gboolean is_full = identifai_hold_queue_is_full (self->hold);

  identifai_cond_broadcast (&self->engine->cond);
  while (get_flow_locked (branch) == GST_FLOW_OK && must_wait_locked (self))
    identifai_cond_wait (&self->engine->cond, &self->engine->lock);
  took = identifai_clock_now () - start;
  if (took > 100 * G_TIME_SPAN_MILLISECOND)
    GST_DEBUG_OBJECT (branch->sink, "waited for room for %" G_GINT64_FORMAT
        " ms, %s", took / 1000, is_full ? "as much is held as max-held-bytes "
        "allows" : "as a segment finds none");

  return get_flow_locked (branch);
}

/* Video. */

static gboolean
has_length (GstPad * pad, GstFormat format)
{
  gint64 length = -1;

  return gst_pad_peer_query_duration (pad, format, &length) && length > 0;
}

/* The first buffer of a stream. */
static void
ask_upstream (GstIdentifaiBranch * branch)
{
  GstIdentifaiGate *self = branch->gate;
  gboolean live = gst_identifai_engine_ask_live (branch->sink);
  gboolean has_end = has_length (branch->sink, GST_FORMAT_TIME)
      || has_length (branch->sink, GST_FORMAT_BYTES);

  g_mutex_lock (&self->engine->lock);
  GST_DEBUG_OBJECT (self, "upstream is %s, and has %s end",
      live ? "live" : "not live", has_end ? "an" : "no");
  self->has_end = has_end;
  gst_identifai_engine_set_live_locked (self->engine, live);
  gst_identifai_gate_configure_locked (self);
  g_mutex_unlock (&self->engine->lock);
}

/* Takes over a held buffer, which both have. */
static void
push_video_locked (GstIdentifaiBranch * branch, GstBuffer * buffer)
{
  GstIdentifaiGate *self = branch->gate;
  GstIdentifaiEngine *engine = self->engine;
  IdentifaiCaptureTime arrival;
  gint64 running = to_running (&branch->segment, buffer), decoding;
  GstClockTime position = GST_CLOCK_TIME_NONE;

  gst_identifai_capture_time_read (GST_ELEMENT (self), &branch->segment,
      buffer, engine->live, &arrival);
  decoding = identifai_running_time (&branch->segment,
      GST_BUFFER_DTS_OR_PTS (buffer));
  if (decoding >= 0)
    position = decoding;
  arrival.id = hold_locked (branch, gst_buffer_ref (buffer), arrival.monotonic);
  if (decoding != IDENTIFAI_NO_TIME)
    gst_identifai_gate_shift_came_locked (self, decoding, arrival.monotonic);
  gst_identifai_gate_slate_came_locked (self, buffer, arrival.monotonic);
  gst_identifai_gate_tell_start_locked (self);
  gst_identifai_engine_push_video_locked (engine, buffer, position,
      running >= 0 ? (GstClockTime) running : GST_CLOCK_TIME_NONE, &arrival);
  gst_identifai_gate_configure_locked (self);
}

static GstFlowReturn
chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstIdentifaiBranch *branch = gst_pad_get_element_private (pad);
  GstIdentifaiGate *self = branch->gate;
  GstBuffer *held = identifai_buffer_hold (buffer);
  GstFlowReturn flow;
  gboolean first;

  gst_buffer_unref (buffer);
  g_mutex_lock (&self->engine->lock);
  first = !self->started;
  self->started = TRUE;
  gst_identifai_silence_end_locked (self->silence);
  g_mutex_unlock (&self->engine->lock);
  if (first)
    ask_upstream (branch);

  g_mutex_lock (&self->engine->lock);
  flow = get_flow_locked (branch);
  if (flow == GST_FLOW_OK) {
    push_video_locked (branch, held);
  } else {
    GST_LOG_OBJECT (pad, "a buffer isn't taken: %s", gst_flow_get_name (flow));
    gst_buffer_unref (held);
  }
  flow = wait_locked (branch);
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_engine_act (self->engine);

  return flow;
}

/* Sound, of which the engine's pad has told the engine. */

GstFlowReturn
gst_identifai_gate_in_pass (GstIdentifaiGate * self, GstPad * pad,
    GstBuffer * buffer)
{
  GstFlowReturn flow = GST_FLOW_FLUSHING;
  GstIdentifaiBranch *branch;

  g_mutex_lock (&self->engine->lock);
  branch = gst_identifai_gate_find_locked (self, pad);
  if (branch != NULL)
    flow = get_flow_locked (branch);
  if (flow == GST_FLOW_OK) {
    hold_locked (branch, buffer, identifai_clock_now ());
    flow = wait_locked (branch);
  } else {
    GST_LOG_OBJECT (pad, "a buffer isn't taken: %s", gst_flow_get_name (flow));
    gst_buffer_unref (buffer);
  }
  g_mutex_unlock (&self->engine->lock);

  return flow;
}

/* Events. */

static gboolean
set_video_caps_locked (GstIdentifaiGate * self, GstCaps * caps)
{
  GstCaps *oriented = identifai_codec_orient_caps (caps, self->orientation);
  gboolean taken = gst_identifai_engine_set_video_caps_locked (self->engine,
      oriented);

  gst_caps_unref (oriented);

  return taken;
}

static gboolean
handle_caps_locked (GstIdentifaiGate * self, GstEvent * event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, caps);

  return set_video_caps_locked (self, caps);
}

/* Pictures that are to be turned otherwise begin another file. */
static void
set_orientation_locked (GstIdentifaiGate * self, GstPad * pad,
    const gchar * orientation)
{
  GstCaps *caps;

  if (g_strcmp0 (orientation, "rotate-0") == 0)
    orientation = NULL;
  if (g_strcmp0 (orientation, self->orientation) == 0)
    return;
  GST_DEBUG_OBJECT (self, "pictures are %s now, were %s",
      GST_STR_NULL (orientation), GST_STR_NULL (self->orientation));
  self->orientation = g_intern_string (orientation);
  caps = gst_pad_get_current_caps (pad);
  if (caps != NULL)
    set_video_caps_locked (self, caps);
  gst_clear_caps (&caps);
}

static void
handle_tags_locked (GstIdentifaiGate * self, GstPad * pad, GstEvent * event)
{
  const gchar *orientation;
  GstTagList *tags;

  gst_event_parse_tag (event, &tags);
  if (gst_tag_list_peek_string_index (tags, GST_TAG_IMAGE_ORIENTATION, 0,
          &orientation))
    set_orientation_locked (self, pad, orientation);
}

static void
restart_locked (GstIdentifaiGate * self)
{
  self->started = self->began = FALSE;
  gst_identifai_engine_restart_locked (self->engine);
  identifai_decisions_end (self->decisions, G_MAXUINT);
}

static void
handle_stream_start_locked (GstIdentifaiGate * self, GstPad * pad,
    GstEvent * event)
{
  const gchar *id;

  gst_event_parse_stream_start (event, &id);
  GST_DEBUG_OBJECT (self, "stream %s, was %s", id,
      GST_STR_NULL (self->stream_id));
  if (g_strcmp0 (id, self->stream_id) != 0) {
    identifai_segmenter_change_stream (self->engine->segmenter);
    set_orientation_locked (self, pad, NULL);
  }
  g_free (self->stream_id);
  self->stream_id = g_strdup (id);
  restart_locked (self);
}

static void
handle_gap_locked (GstIdentifaiGate * self, GstEvent * event)
{
  GstClockTime timestamp, duration;

  gst_identifai_silence_end_locked (self->silence);
  gst_event_parse_gap (event, &timestamp, &duration);
  identifai_segmenter_gap (self->engine->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      timestamp, duration);
}

/* drain-timeout. */

/* A thread of the element's pool. */
static void
expire (GstElement * element, gpointer unused)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (element);

  GST_INFO_OBJECT (self, "drain-timeout is over");
  gst_identifai_outbox_expire (self->engine->outbox);
}

/* The system clock's thread, which must not be held. */
static gboolean
on_drained (GstClock * clock, GstClockTime time, GstClockID id,
    gpointer user_data)
{
  GstElement *element = g_weak_ref_get (user_data);

  if (element == NULL)
    return TRUE;
  gst_element_call_async (element, expire, NULL, NULL);
  gst_object_unref (element);

  return TRUE;
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
start_drain_locked (GstIdentifaiGate * self)
{
  GstClockTime timeout = self->engine->settings.drain_timeout;
  GstClock *clock = gst_system_clock_obtain ();
  GWeakRef *element;

  if (GST_CLOCK_TIME_IS_VALID (timeout) && self->drain == NULL
      && !gst_identifai_gate_is_paced_locked (self)) {
    element = g_new0 (GWeakRef, 1);
    g_weak_ref_init (element, self);
    self->drain = gst_clock_new_single_shot_id (clock,
        gst_clock_get_time (clock) + timeout);
    GST_DEBUG_OBJECT (self, "EOS waits for outcomes for %" GST_TIME_FORMAT
        " at most", GST_TIME_ARGS (timeout));
    gst_clock_id_wait_async (self->drain, on_drained, element, weak_ref_free);
  }
  gst_object_unref (clock);
}

void
gst_identifai_gate_in_stop_drain (GstIdentifaiGate * self)
{
  GstClockID id;

  g_mutex_lock (&self->engine->lock);
  id = g_steal_pointer (&self->drain);
  g_mutex_unlock (&self->engine->lock);
  if (id == NULL)
    return;
  gst_clock_id_unschedule (id);
  gst_clock_id_unref (id);
}

static void
handle_eos_locked (GstIdentifaiGate * self)
{
  identifai_segmenter_eos (self->engine->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      identifai_clock_now ());
  gst_identifai_engine_dispatch_locked (self->engine);
  GST_INFO_OBJECT (self, "the stream is over behind %u segments, %s",
      self->engine->next_number, gst_identifai_gate_is_paced_locked (self) ?
      "the rest leaves in its time" : "the rest waits for outcomes");
  identifai_decisions_end (self->decisions, self->engine->next_number);
  start_drain_locked (self);
}

/* Of the video. FALSE: it is refused. */
static gboolean
handle_locked (GstIdentifaiGate * self, GstPad * pad, GstEvent * event)
{
  const GstSegment *segment;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      handle_stream_start_locked (self, pad, event);
      break;
    case GST_EVENT_CAPS:
      return handle_caps_locked (self, event);
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      identifai_segmenter_set_segment (self->engine->segmenter,
          IDENTIFAI_SEGMENTER_VIDEO, segment);
      break;
    case GST_EVENT_TAG:
      handle_tags_locked (self, pad, event);
      break;
    case GST_EVENT_GAP:
      handle_gap_locked (self, event);
      break;
    case GST_EVENT_EOS:
      handle_eos_locked (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_identifai_engine_drop_locked (self->engine,
          GST_IDENTIFAI_DROP_FLUSHED);
      restart_locked (self);
      break;
    default:
      break;
  }

  return TRUE;
}

/* Of any branch: what leaves in its turn. */
static void
queue_event_locked (GstIdentifaiBranch * branch, GstEvent * event)
{
  identifai_hold_queue_push_event (branch->gate->hold, branch->stream,
      GST_MINI_OBJECT (event), GST_EVENT_TYPE (event) == GST_EVENT_EOS,
      identifai_clock_now ());
}

static gboolean
start_flush (GstIdentifaiBranch * branch, GstEvent * event)
{
  gboolean pushed;

  g_mutex_lock (&branch->gate->engine->lock);
  GST_DEBUG_OBJECT (branch->sink, "is flushed");
  branch->flushing = TRUE;
  identifai_cond_broadcast (&branch->gate->engine->cond);
  g_mutex_unlock (&branch->gate->engine->lock);
  /* it lets go of what downstream may hold the task with */
  pushed = gst_pad_push_event (branch->src, event);
  gst_identifai_gate_out_pause (branch);

  return pushed;
}

/* What sticks isn't lost in a flush, but for a segment and EOS. Caps leave with the
 * stream. */
static void
keep_sticky (GstIdentifaiBranch * branch, GQueue * events)
{
  GstEvent *event, *caps = NULL;

  while ((event = g_queue_pop_head (events)) != NULL) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS)
      gst_event_replace (&caps, event);
    else if (GST_EVENT_IS_STICKY (event)
        && GST_EVENT_TYPE (event) != GST_EVENT_SEGMENT
        && GST_EVENT_TYPE (event) != GST_EVENT_EOS)
      gst_pad_store_sticky_event (branch->src, event);
    gst_event_unref (event);
  }
  gst_identifai_gate_out_flushed (branch, caps);
  gst_clear_event (&caps);
}

static gboolean
stop_flush (GstIdentifaiBranch * branch, GstEvent * event)
{
  GQueue events = G_QUEUE_INIT;
  gboolean pushed;

  g_mutex_lock (&branch->gate->engine->lock);
  identifai_hold_queue_flush (branch->gate->hold, branch->stream, &events);
  GST_DEBUG_OBJECT (branch->sink, "flushed: of %u events, those that stick are "
      "kept", events.length);
  gst_identifai_gate_slate_flushed_locked (branch);
  gst_segment_init (&branch->segment, GST_FORMAT_UNDEFINED);
  g_mutex_unlock (&branch->gate->engine->lock);
  pushed = gst_pad_push_event (branch->src, event);
  keep_sticky (branch, &events);
  gst_identifai_gate_out_start (branch);

  return pushed;
}

/* Takes over the event. */
static gboolean
pass_event (GstIdentifaiBranch * branch, GstEvent * event)
{
  GstIdentifaiGate *self = branch->gate;
  gboolean restarts;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      return start_flush (branch, event);
    case GST_EVENT_FLUSH_STOP:
      return stop_flush (branch, event);
    default:
      break;
  }
  if (!GST_EVENT_IS_SERIALIZED (event))
    return gst_pad_push_event (branch->src, event);

  restarts = GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START;
  g_mutex_lock (&self->engine->lock);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT) {
    gst_event_copy_segment (event, &branch->segment);
    identifai_running_bound_segment (&branch->segment);
  }
  restarts &= branch->flow == GST_FLOW_EOS;
  if (restarts)
    GST_DEBUG_OBJECT (branch->sink, "a stream behind the end: starts again");
  if (branch->flow == GST_FLOW_OK || branch->flushing || restarts) {
    queue_event_locked (branch, event);
  } else {
    GST_DEBUG_OBJECT (branch->sink, "%s is kept, as downstream takes no more",
        GST_EVENT_TYPE_NAME (event));
    gst_identifai_gate_out_keep_locked (branch, event);
  }
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);
  if (restarts)
    gst_identifai_gate_out_restart (branch);
  gst_identifai_reporter_post_elsewhere (self->engine->reporter);

  return TRUE;
}

gboolean
gst_identifai_gate_in_pass_event (GstIdentifaiGate * self, GstPad * pad,
    GstEvent * event)
{
  GstIdentifaiBranch *branch;
  gboolean passed;
  GstPad *src;

  g_mutex_lock (&self->engine->lock);
  branch = gst_identifai_gate_find_locked (self, pad);
  /* it may be released meanwhile */
  src = branch ? gst_object_ref (branch->src) : NULL;
  g_mutex_unlock (&self->engine->lock);
  if (branch == NULL) {
    gst_event_unref (event);
    return FALSE;
  }
  passed = pass_event (branch, event);
  gst_object_unref (src);

  return passed;
}

static gboolean
handle_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstIdentifaiBranch *branch = gst_pad_get_element_private (pad);
  GstIdentifaiGate *self = branch->gate;
  gboolean taken;

  GST_LOG_OBJECT (pad, "%" GST_PTR_FORMAT, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START
      || GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    gst_identifai_gate_in_stop_drain (self);
  g_mutex_lock (&self->engine->lock);
  taken = handle_locked (self, pad, event);
  gst_identifai_engine_dispatch_locked (self->engine);
  g_mutex_unlock (&self->engine->lock);
  gst_identifai_engine_act (self->engine);
  if (taken)
    return pass_event (branch, event);
  gst_event_unref (event);

  return FALSE;
}

/* Queries. */

/* By the fields that the template names, as demuxers leave some out. */
static gboolean
answer_accept_caps (GstPad * pad, GstQuery * query)
{
  GstCaps *caps, *usual;
  gboolean taken;

  gst_query_parse_accept_caps (query, &caps);
  if (!gst_caps_is_fixed (caps))
    return FALSE;
  usual = identifai_codec_usual_caps (caps);
  taken = gst_caps_is_subset (usual,
      GST_PAD_TEMPLATE_CAPS (GST_PAD_PAD_TEMPLATE (pad)));
  GST_DEBUG_OBJECT (pad, "%" GST_PTR_FORMAT " %s", usual,
      taken ? "would be taken" : "would be refused");
  gst_query_set_accept_caps_result (query, taken);
  gst_caps_unref (usual);

  return TRUE;
}

/* Pools of downstream would be empty before the first buffer leaves, and what is
 * held doesn't drain any faster. */
static gboolean
answer_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_ALLOCATION:
    case GST_QUERY_DRAIN:
      return FALSE;
    case GST_QUERY_ACCEPT_CAPS:
      if (answer_accept_caps (pad, query))
        return TRUE;
      break;
    default:
      break;
  }

  return gst_pad_query_default (pad, parent, query);
}

void
gst_identifai_gate_in_init (GstIdentifaiGate * self, GstPad * sink)
{
  gst_pad_set_chain_function (sink, chain);
  gst_pad_set_event_function (sink, handle_event);
  gst_pad_set_query_function (sink, answer_query);
  GST_PAD_SET_PROXY_CAPS (sink);
}
