/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiinput.h"

#include "gstidentifaicapturetime.h"
#include "gstidentifaidrain.h"
#include "gstidentifaierrors.h"
#include "codecs.h"
#include "heldbuffer.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)


static GstBaseSinkClass *parent_class = NULL;

static GstClockTime
running_time_of (const GstSegment * segment, GstClockTime time)
{
  gint64 running = -1;

  if (segment->format == GST_FORMAT_TIME)
    running = identifai_running_time (segment, time);

  return running >= 0 ? (GstClockTime) running : GST_CLOCK_TIME_NONE;
}

void
gst_identifai_input_reset_locked (GstIdentifaiSink * self)
{
  gst_identifai_recorder_reset_locked (self->recorder);
  self->elementary = FALSE;
  self->interrupted = FALSE;
  self->orientation = NULL;
  self->started = FALSE;
  self->video_held = FALSE;
  self->video_position = GST_CLOCK_TIME_NONE;
  g_clear_pointer (&self->stream_id, g_free);
}

void
gst_identifai_input_drop_locked (GstIdentifaiSink * self,
    GstIdentifaiDrop reason)
{
  gst_identifai_engine_drop_locked (self->engine, reason);
  gst_identifai_recorder_drop_locked (self->recorder, reason);
}

/* Caps. */

/* FALSE with error: there is nothing to judge. */
static gboolean
close_input_locked (GstIdentifaiSink * self, GError ** error)
{
  if (!self->elementary)
    return gst_identifai_recorder_close_locked (self->recorder, error);
  identifai_segmenter_eos (self->engine->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      g_get_monotonic_time ());

  return TRUE;
}

static void
set_container_locked (GstIdentifaiSink * self,
    const IdentifaiContainer * container, GError ** error)
{
  if (self->elementary) {
    GST_INFO_OBJECT (self, "a container follows the elementary video");
    close_input_locked (self, error);
    gst_identifai_engine_forget_video_locked (self->engine);
    self->elementary = FALSE;
  }
  gst_identifai_recorder_set_container_locked (self->recorder, container,
      error);
}

/* With what the tags say of the picture. */
static gboolean
set_video_caps_locked (GstIdentifaiSink * self, GstCaps * caps)
{
  GstCaps *oriented = identifai_codec_orient_caps (caps, self->orientation);
  gboolean taken = gst_identifai_engine_set_video_caps_locked (self->engine,
      oriented);

  gst_caps_unref (oriented);

  return taken;
}

static gboolean
set_elementary_locked (GstIdentifaiSink * self, GstCaps * caps, GError ** error)
{
  if (!self->elementary) {
    close_input_locked (self, error);
    gst_identifai_recorder_restart_locked (self->recorder);
    gst_identifai_recorder_forget_type_locked (self->recorder);
    self->elementary = TRUE;
    identifai_segmenter_set_segment (self->engine->segmenter,
        IDENTIFAI_SEGMENTER_VIDEO, &GST_BASE_SINK (self)->segment);
  }

  return set_video_caps_locked (self, caps);
}

static gboolean
gst_identifai_input_set_caps (GstBaseSink * bsink, GstCaps * caps)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);
  const IdentifaiContainer *container = identifai_container_from_caps (caps);
  gboolean accepted = TRUE;
  GError *error = NULL;

  GST_INFO_OBJECT (self, "%s: %" GST_PTR_FORMAT,
      container ? "a container" : "elementary video", caps);

  g_mutex_lock (&self->engine->lock);
  if (container != NULL)
    set_container_locked (self, container, &error);
  else
    accepted = set_elementary_locked (self, caps, &error);
  gst_identifai_engine_dispatch_locked (self->engine);
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_engine_queue_error (self->engine, error);

  gst_identifai_drain_act (self);

  return accepted;
}

/* Buffers. */

/* Takes over a held buffer. */
static GstFlowReturn
render_frame (GstIdentifaiSink * self, GstBuffer * buffer)
{
  const GstSegment *segment = &GST_BASE_SINK (self)->segment;
  GstClockTime position = running_time_of (segment,
      GST_BUFFER_DTS_OR_PTS (buffer));
  gint64 patience = gst_identifai_engine_get_patience (self->engine,
      position, gst_base_sink_get_latency (GST_BASE_SINK (self)));
  GstIdentifaiEngine *engine = self->engine;
  IdentifaiCaptureTime arrival;
  gboolean waits, is_full;
  GstFlowReturn ret;

  g_mutex_lock (&engine->lock);
  gst_identifai_capture_time_read (GST_ELEMENT (self), segment, buffer,
      engine->live, &arrival);
  if (GST_CLOCK_TIME_IS_VALID (position))
    self->video_position = position;
  gst_identifai_engine_push_video_locked (engine, buffer, position, patience,
      &arrival);
  waits = (engine->in_hand != NULL && !engine->pace.on_trial);
  is_full = (engine->in_hand == NULL
      && gst_identifai_engine_is_full_locked (engine));
  g_mutex_unlock (&engine->lock);

  ret = gst_identifai_drain_act (self);
  if (ret == GST_FLOW_OK && is_full)
    return gst_identifai_drain_wait_for_sound (self);

  return ret == GST_FLOW_OK && waits ? gst_identifai_drain_hold (self) : ret;
}

/* Takes over a held buffer. */
static GstFlowReturn
render_bytes (GstIdentifaiSink * self, GstBuffer * buffer)
{
  GstIdentifaiEngine *engine = self->engine;
  GstFlowReturn ret, act;
  GError *error = NULL;

  g_mutex_lock (&engine->lock);
  ret = gst_identifai_recorder_write_locked (self->recorder,
      &GST_BASE_SINK (self)->segment, buffer, &error);
  g_mutex_unlock (&engine->lock);

  gst_buffer_unref (buffer);
  gst_identifai_engine_queue_error (engine, error);
  act = gst_identifai_drain_act (self);

  return act == GST_FLOW_OK ? ret : act;
}

/* The first buffer of a stream. */

/* The file is known to be too large. */
static GstFlowReturn
refuse_stream (GstIdentifaiSink * self)
{
  gst_identifai_outbox_sum_up (self->engine->outbox, FALSE);
  gst_identifai_drain_act (self);

  return GST_FLOW_ERROR;
}

static GstFlowReturn
start_stream (GstIdentifaiSink * self, gboolean elementary, GstBuffer * buffer)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);
  gboolean live = gst_identifai_engine_ask_live (GST_BASE_SINK_PAD (bsink));

  GST_DEBUG_OBJECT (self, "the first buffer of a stream: %" GST_PTR_FORMAT,
      buffer);
  g_mutex_lock (&self->engine->lock);
  gst_identifai_engine_set_live_locked (self->engine, live);
  g_mutex_unlock (&self->engine->lock);

  if (!elementary && !gst_identifai_recorder_start_stream (self->recorder,
          &bsink->segment, buffer))
    return refuse_stream (self);

  return gst_identifai_drain_wait_for_earlier (self);
}

static GstFlowReturn
gst_identifai_input_render (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);
  GstIdentifaiEngine *engine = self->engine;
  GstBuffer *held = identifai_buffer_hold (buffer);
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean first, elementary;

  g_mutex_lock (&engine->lock);
  first = !self->started;
  self->started = TRUE;
  gst_identifai_silence_end_locked (self->silence);
  if (self->video_held)
    identifai_arrival_pace_resume (&engine->pace, g_get_monotonic_time ());
  self->video_held = FALSE;
  elementary = self->elementary;
  g_cond_broadcast (&engine->cond);
  g_mutex_unlock (&engine->lock);

  if (first)
    ret = start_stream (self, elementary, buffer);
  if (ret != GST_FLOW_OK) {
    gst_buffer_unref (held);
    return ret;
  }

  return elementary ? render_frame (self, held) : render_bytes (self, held);
}

/* The video thread waits for PLAYING with its first frame. */
static GstFlowReturn
gst_identifai_input_preroll (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);

  GST_DEBUG_OBJECT (self, "prerolled with %" GST_PTR_FORMAT, buffer);
  g_mutex_lock (&self->engine->lock);
  self->video_held = TRUE;
  if (!GST_CLOCK_TIME_IS_VALID (self->video_position))
    self->video_position = running_time_of (&bsink->segment,
        GST_BUFFER_DTS_OR_PTS (buffer));
  g_mutex_unlock (&self->engine->lock);

  return GST_FLOW_OK;
}

/* End of stream. */

static void
check_empty_locked (GstIdentifaiSink * self, GError ** error)
{
  GstIdentifaiEngine *engine = self->engine;
  IdentifaiSegmenterStats stats;

  if (engine->next_number > 0 || engine->caps_refused
      || gst_identifai_recorder_has_refused_locked (self->recorder))
    return;

  identifai_segmenter_get_stats (engine->segmenter, &stats);
  if (stats.n_bytes == 0 && stats.withheld > 0)
    return;
  *error = gst_identifai_error_nothing (&stats,
      gst_identifai_engine_get_codec (engine));
}

/* Takes over the event. */
static gboolean
handle_eos (GstIdentifaiSink * self, GstEvent * eos)
{
  GError *error = NULL;

  GST_DEBUG_OBJECT (self, "the video is over");
  g_mutex_lock (&self->engine->lock);
  if (close_input_locked (self, &error))
    check_empty_locked (self, &error);
  g_mutex_unlock (&self->engine->lock);
  gst_identifai_engine_queue_error (self->engine, error);

  if (gst_identifai_drain_act (self) != GST_FLOW_OK
      || gst_identifai_drain (self, eos) != GST_FLOW_OK) {
    gst_event_unref (eos);
    return FALSE;
  }

  return parent_class->event (GST_BASE_SINK (self), eos);
}

/* Events. */

static void
handle_segment_locked (GstIdentifaiSink * self, GstEvent * event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  GST_DEBUG_OBJECT (self, "%" GST_SEGMENT_FORMAT, segment);
  if (self->elementary)
    identifai_segmenter_set_segment (self->engine->segmenter,
        IDENTIFAI_SEGMENTER_VIDEO, segment);
  else
    gst_identifai_recorder_seek_locked (self->recorder, segment);
}

/* Pictures that are to be turned otherwise begin another file. */
static void
set_orientation_locked (GstIdentifaiSink * self, const gchar * orientation)
{
  GstCaps *caps;

  if (g_strcmp0 (orientation, "rotate-0") == 0)
    orientation = NULL;
  if (g_strcmp0 (orientation, self->orientation) == 0)
    return;
  GST_INFO_OBJECT (self, "pictures are %s", orientation ? orientation :
      "upright");
  self->orientation = g_intern_string (orientation);
  caps = gst_pad_get_current_caps (GST_BASE_SINK_PAD (self));
  if (self->elementary && caps)
    set_video_caps_locked (self, caps);
  gst_clear_caps (&caps);
}

static void
handle_tags_locked (GstIdentifaiSink * self, GstEvent * event)
{
  const gchar *orientation;
  GstTagList *tags;

  gst_event_parse_tag (event, &tags);
  if (gst_tag_list_peek_string_index (tags, GST_TAG_IMAGE_ORIENTATION, 0,
          &orientation))
    set_orientation_locked (self, orientation);
}

static void
handle_gap_locked (GstIdentifaiSink * self, GstEvent * event)
{
  GstClockTime timestamp, duration;

  gst_identifai_silence_end_locked (self->silence);
  if (!self->elementary)
    return;
  gst_event_parse_gap (event, &timestamp, &duration);
  identifai_segmenter_gap (self->engine->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      timestamp, duration);
}

static void
restart_locked (GstIdentifaiSink * self)
{
  self->started = FALSE;
  gst_identifai_engine_restart_locked (self->engine);
  gst_identifai_recorder_restart_locked (self->recorder);
}

/* A new file may come after EOS without a flush: its type is found anew. Video
 * of another stream (a source that reconnects, concat) doesn't build on what came
 * before. */
static void
handle_stream_start_locked (GstIdentifaiSink * self, GstEvent * event)
{
  gboolean changes;
  const gchar *id;

  gst_event_parse_stream_start (event, &id);
  changes = g_strcmp0 (id, self->stream_id) != 0;
  GST_DEBUG_OBJECT (self, "%s stream, %s", changes ? "another" : "the same",
      id);
  if (changes && self->elementary)
    identifai_segmenter_change_stream (self->engine->segmenter);
  if (changes)
    set_orientation_locked (self, NULL);
  g_free (self->stream_id);
  self->stream_id = g_strdup (id);
  restart_locked (self);
  if (!self->elementary)
    gst_identifai_recorder_forget_type_locked (self->recorder);
}

static void
handle_flush_locked (GstIdentifaiSink * self)
{
  GST_DEBUG_OBJECT (self, "flushed: what isn't handed on is dropped");
  gst_identifai_input_drop_locked (self, GST_IDENTIFAI_DROP_FLUSHED);
  restart_locked (self);
  self->video_position = GST_CLOCK_TIME_NONE;
}

static void
handle_event_locked (GstIdentifaiSink * self, GstEvent * event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      handle_stream_start_locked (self, event);
      break;
    case GST_EVENT_SEGMENT:
      handle_segment_locked (self, event);
      break;
    case GST_EVENT_TAG:
      handle_tags_locked (self, event);
      break;
    case GST_EVENT_GAP:
      handle_gap_locked (self, event);
      break;
    case GST_EVENT_FLUSH_STOP:
      handle_flush_locked (self);
      break;
    default:
      break;
  }
}

/* Takes over the event. The base class asks GstSegment for running times, too. */
static GstEvent *
bound_segment (GstIdentifaiSink * self, GstEvent * event)
{
  GstSegment segment;
  GstEvent *bounded;

  gst_event_copy_segment (event, &segment);
  if (!identifai_running_bound_segment (&segment))
    return event;
  GST_WARNING_OBJECT (self, "times without bound: %" GST_PTR_FORMAT, event);
  bounded = gst_event_new_segment (&segment);
  gst_event_set_seqnum (bounded, gst_event_get_seqnum (event));
  gst_event_unref (event);

  return bounded;
}

/* The base class has the preroll lock for serialized events, but for FLUSH_STOP. */
static GstFlowReturn
act_after_event (GstIdentifaiSink * self, GstEvent * event)
{
  if (GST_EVENT_IS_SERIALIZED (event)
      && GST_EVENT_TYPE (event) != GST_EVENT_FLUSH_STOP)
    return gst_identifai_drain_act (self);
  gst_identifai_engine_act (self->engine);

  return GST_FLOW_OK;
}

static gboolean
gst_identifai_input_event (GstBaseSink * bsink, GstEvent * event)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);

  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return handle_eos (self, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    event = bound_segment (self, event);

  g_mutex_lock (&self->engine->lock);
  handle_event_locked (self, event);
  gst_identifai_engine_dispatch_locked (self->engine);
  g_mutex_unlock (&self->engine->lock);

  if (act_after_event (self, event) != GST_FLOW_OK) {
    gst_event_unref (event);
    return FALSE;
  }

  return parent_class->event (bsink, event);
}

/* Queries. */

/* The base class wants all the fields of the template. */
static gboolean
answer_accept_caps (GstIdentifaiSink * self, GstQuery * query)
{
  GstPad *pad = GST_BASE_SINK_PAD (self);
  GstCaps *caps, *usual;
  gboolean accepted;

  gst_query_parse_accept_caps (query, &caps);
  if (!gst_caps_is_fixed (caps))
    return FALSE;
  usual = identifai_codec_usual_caps (caps);
  accepted = gst_caps_is_subset (usual,
      GST_PAD_TEMPLATE_CAPS (GST_PAD_PAD_TEMPLATE (pad)));
  if (!accepted)
    GST_INFO_OBJECT (self, "these caps are none of ours: %" GST_PTR_FORMAT,
        caps);
  gst_query_set_accept_caps_result (query, accepted);
  gst_caps_unref (usual);

  return TRUE;
}

static gboolean
gst_identifai_input_query (GstBaseSink * bsink, GstQuery * query)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);
  gboolean answered;

  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS
      && answer_accept_caps (self, query))
    return TRUE;

  g_mutex_lock (&self->engine->lock);
  answered = !self->elementary
      && gst_identifai_recorder_query_locked (self->recorder, query);
  g_mutex_unlock (&self->engine->lock);

  return answered || parent_class->query (bsink, query);
}

/* With the preroll lock. */
static gboolean
gst_identifai_input_unlock_stop (GstBaseSink * bsink)
{
  gst_identifai_drain_interrupt (GST_IDENTIFAI_SINK (bsink));

  return TRUE;
}

void
gst_identifai_input_init_class (GstBaseSinkClass * klass)
{
  parent_class = g_type_class_peek_parent (klass);
  klass->set_caps = gst_identifai_input_set_caps;
  klass->preroll = gst_identifai_input_preroll;
  klass->render = gst_identifai_input_render;
  klass->event = gst_identifai_input_event;
  klass->query = gst_identifai_input_query;
  klass->unlock_stop = gst_identifai_input_unlock_stop;
}
