/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * On the video's streaming thread, with the preroll lock, which only waits give away
 * (gstidentifaidrain.c).
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiinput.h"

#include "gstidentifaicapturetime.h"
#include "gstidentifaidrain.h"
#include "gstidentifaierrors.h"
#include "clock.h"
#include "codecs.h"
#include "heldbuffer.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

static GstBaseSinkClass *parent_class = NULL;

/* At the start, when no data flows. */
static void
reset_locked (GstIdentifaiBaseSink * base)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (base);

  gst_identifai_recorder_reset_locked (self->recorder);
  self->elementary = FALSE;
  self->orientation = NULL;
  self->video_position = GST_CLOCK_TIME_NONE;
  g_clear_pointer (&self->stream_id, g_free);
}

static void
drop_locked (GstIdentifaiBaseSink * base, GstIdentifaiDrop reason)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (base);

  gst_identifai_engine_drop_locked (self->engine, reason);
  gst_identifai_recorder_drop_locked (self->recorder, reason);
}

static gdouble
get_coverage_locked (GstIdentifaiBaseSink * base)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (base);
  IdentifaiSegmenterStats stats;

  if (!self->elementary)
    return gst_identifai_recorder_get_coverage_locked (self->recorder);

  identifai_segmenter_get_stats (self->engine->segmenter, &stats);

  return stats.seen > 0 ? CLAMP ((gdouble) stats.covered / stats.seen, 0, 1)
      : 0.0;
}

/* Caps. */

/* FALSE with error: there is nothing to judge. */
static gboolean
close_input_locked (GstIdentifaiSink * self, GError ** error)
{
  if (!self->elementary)
    return gst_identifai_recorder_close_locked (self->recorder, error);
  identifai_segmenter_eos (self->engine->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      identifai_clock_now ());

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
    GST_DEBUG_OBJECT (self, "elementary video: what came as a container, if "
        "anything, is closed");
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

  gst_identifai_drain_act (&self->parent);

  return accepted;
}

/* Buffers. */

/* Takes over a held buffer. */
static GstFlowReturn
render_frame (GstIdentifaiSink * self, GstBuffer * buffer)
{
  GstBaseSink *bsink = GST_BASE_SINK_CAST (self);
  GstClockTime position = gst_identifai_base_sink_get_running_time
      (&self->parent, GST_BUFFER_DTS_OR_PTS (buffer));
  GstClockTime due = position;
  GstIdentifaiEngine *engine = self->engine;
  IdentifaiCaptureTime arrival;
  gboolean waits, is_full;
  GstFlowReturn ret;

  g_mutex_lock (&engine->lock);
  gst_identifai_capture_time_read (GST_ELEMENT_CAST (self), &bsink->segment,
      buffer, engine->live, &arrival);
  if (GST_CLOCK_TIME_IS_VALID (position)) {
    self->video_position = position;
    due += gst_base_sink_get_latency (bsink);
  }
  gst_identifai_engine_push_video_locked (engine, buffer, position, due,
      &arrival);
  waits = (engine->in_hand != NULL && !engine->pace.on_trial);
  is_full = (engine->in_hand == NULL
      && gst_identifai_engine_is_full_locked (engine));
  g_mutex_unlock (&engine->lock);

  if (is_full)
    GST_LOG_OBJECT (self, "more waits for its sound than may: the video waits "
        "for that");
  ret = gst_identifai_drain_act (&self->parent);
  if (ret == GST_FLOW_OK && is_full)
    return gst_identifai_drain_wait_for_sound (&self->parent);

  return ret == GST_FLOW_OK
      && waits ? gst_identifai_drain_hold (&self->parent) : ret;
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
  act = gst_identifai_drain_act (&self->parent);

  return act == GST_FLOW_OK ? ret : act;
}

static GstFlowReturn
take (GstIdentifaiBaseSink * base, GstBuffer * buffer)
{
  GstIdentifaiSink *self = (GstIdentifaiSink *) base;

  return self->elementary ? render_frame (self, buffer) :
      render_bytes (self, buffer);
}

/* Not OK: the file is known to be too large. */
static GstFlowReturn
start_stream (GstIdentifaiBaseSink * base, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (base);

  return self->elementary
      || gst_identifai_recorder_start_stream (self->recorder,
      &GST_BASE_SINK (self)->segment, buffer) ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* The video thread waits for PLAYING with its first frame. */
static GstFlowReturn
gst_identifai_input_preroll (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);

  g_mutex_lock (&self->engine->lock);
  if (!GST_CLOCK_TIME_IS_VALID (self->video_position))
    self->video_position = gst_identifai_base_sink_get_running_time
        (&self->parent, GST_BUFFER_DTS_OR_PTS (buffer));
  g_mutex_unlock (&self->engine->lock);

  return parent_class->preroll (bsink, buffer);
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
  GST_INFO_OBJECT (self, "no segment came of the stream, of %" G_GUINT64_FORMAT
      " bytes", stats.n_bytes);
  if (stats.n_bytes == 0 && stats.withheld > 0)
    return;
  *error = gst_identifai_error_nothing (&stats,
      gst_identifai_engine_get_codec (engine));
}

static void
finish_locked (GstIdentifaiBaseSink * base, GError ** error)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (base);

  if (close_input_locked (self, error))
    check_empty_locked (self, error);
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

  if (!self->elementary) {
    GST_LOG_OBJECT (self, "a gap in a container says nothing");
    return;
  }
  gst_event_parse_gap (event, &timestamp, &duration);
  GST_LOG_OBJECT (self, "a gap at %" GST_TIME_FORMAT ", %" GST_TIME_FORMAT
      " long", GST_TIME_ARGS (timestamp), GST_TIME_ARGS (duration));
  identifai_segmenter_gap (self->engine->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      timestamp, duration);
}

static void
restart_locked (GstIdentifaiSink * self)
{
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
handle_event_locked (GstIdentifaiBaseSink * base, GstEvent * event)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (base);

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
      restart_locked (self);
      self->video_position = GST_CLOCK_TIME_NONE;
      break;
    default:
      break;
  }
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

void
gst_identifai_input_init_class (GstIdentifaiBaseSinkClass * klass)
{
  GstBaseSinkClass *bsink_class = GST_BASE_SINK_CLASS (klass);

  parent_class = g_type_class_peek_parent (klass);
  bsink_class->set_caps = gst_identifai_input_set_caps;
  bsink_class->preroll = gst_identifai_input_preroll;
  bsink_class->query = gst_identifai_input_query;
  klass->reset_locked = reset_locked;
  klass->drop_locked = drop_locked;
  klass->get_coverage_locked = get_coverage_locked;
  klass->handle_event_locked = handle_event_locked;
  klass->start_stream = start_stream;
  klass->take = take;
  klass->finish_locked = finish_locked;
}
