/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-identifaisink
 * @title: identifaisink
 * @short_description: judges video with identifAI's classification service
 *
 * identifaisink keeps encoded video in memory, one segment at a time, posts each
 * segment to identifAI's video classification endpoint, and posts the verdict as
 * an element message and as tags.
 *
 * Container input (a file, or what a muxer makes) is one segment, sent byte for
 * byte at EOS. Elementary video, with audio on request pads, is cut at key frames
 * into segments that play on their own.
 *
 * ## Messages
 *
 * Every segment gets one `identifai-segment` when it closes, and then exactly one
 * of `identifai-verdict`, `identifai-failed` and `identifai-dropped`;
 * `identifai-submitted` comes in between. The fields stand with the functions of
 * gstidentifaimessages.c and in docs/reference.md.
 *
 * ## Example
 * |[
 * IDENTIFAI_API_KEY=… gst-launch-1.0 -m filesrc location=clip.mp4 ! identifaisink
 * ]| Judges a clip and prints the verdict among the messages.
 *
 * Since: 0.1
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"

#include "gstidentifaiaudiopad.h"
#include "gstidentifaierrors.h"
#include "gstidentifaiinput.h"
#include "codecs.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* How far audio may run ahead of video that is held. */
#define MAX_AHEAD (2 * GST_SECOND)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (IDENTIFAI_CONTAINER_CAPS "; " IDENTIFAI_VIDEO_CAPS));

static GstStaticPadTemplate audio_template =
GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS (IDENTIFAI_AUDIO_CAPS));

G_DEFINE_TYPE (GstIdentifaiSink, gst_identifai_sink, GST_TYPE_BASE_SINK);
GST_ELEMENT_REGISTER_DEFINE (identifaisink, "identifaisink", GST_RANK_NONE,
    GST_TYPE_IDENTIFAI_SINK);

static void
gst_identifai_sink_set_property (GObject * object, guint id,
    const GValue * value, GParamSpec * pspec)
{
  gst_identifai_engine_set_property (GST_IDENTIFAI_SINK (object)->engine, id,
      value, pspec);
}

static gdouble
coverage_locked (GstIdentifaiSink * self)
{
  IdentifaiSegmenterStats stats;

  if (!self->engine->running)
    return self->last_coverage;
  if (!self->elementary)
    return gst_identifai_recorder_get_coverage_locked (self->recorder);

  identifai_segmenter_get_stats (self->engine->segmenter, &stats);

  return stats.seen > 0 ? CLAMP ((gdouble) stats.covered / stats.seen, 0, 1)
      : 0.0;
}

static GstStructure *
get_stats (GstIdentifaiSink * self)
{
  GstStructure *stats = gst_structure_new_empty ("stats");

  gst_identifai_outbox_get_stats (self->engine->outbox, stats);
  g_mutex_lock (&self->engine->lock);
  gst_structure_set (stats, "coverage", G_TYPE_DOUBLE, coverage_locked (self),
      NULL);
  g_mutex_unlock (&self->engine->lock);

  return stats;
}

static void
gst_identifai_sink_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (object);

  if (id == PROP_STATS)
    g_value_take_boxed (value, get_stats (self));
  else
    gst_identifai_engine_get_property (self->engine, id, value);
}

static void
gst_identifai_sink_split_now (GstIdentifaiSink * self)
{
  GstIdentifaiEngine *engine = self->engine;

  g_mutex_lock (&engine->lock);
  GST_DEBUG_OBJECT (self, "split-now%s", self->elementary ? "" :
      ", which does nothing: there is no elementary video");
  if (self->elementary)
    identifai_segmenter_split_now (engine->segmenter);
  else if (self->started)
    gst_identifai_engine_queue (engine,
        gst_identifai_warning_idle (GST_ELEMENT (self), "split-now"));
  g_mutex_unlock (&engine->lock);

  gst_identifai_engine_act (engine);
}

/* Audio pads. */

/* The video thread may wait for what the audio thread brings, but not if it is held:
 * then the sound is, too, or it would pile up. */
static gboolean
holds_sound_locked (GstElement * element, GstClockTime time)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (element);

  return self->video_held && GST_CLOCK_TIME_IS_VALID (self->video_position)
      && time > self->video_position + MAX_AHEAD;
}

static GstPad *
gst_identifai_sink_request_new_pad (GstElement * element,
    GstPadTemplate * pad_template, const gchar * name, const GstCaps * caps)
{
  static const GstIdentifaiAudioPadFuncs funcs = {
    .holds_locked = holds_sound_locked,
  };

  return gst_identifai_audio_pad_request (element,
      GST_IDENTIFAI_SINK (element)->engine, &funcs, pad_template, name);
}

static void
gst_identifai_sink_release_pad (GstElement * element, GstPad * pad)
{
  gst_identifai_audio_pad_release (GST_IDENTIFAI_AUDIO_PAD (pad));
}

/* Events that the application or the pipeline sends. */

static GList *
list_audio_pads (GstElement * element)
{
  GList *pads = NULL, *l;

  GST_OBJECT_LOCK (element);
  for (l = element->sinkpads; l; l = l->next) {
    if (GST_IS_IDENTIFAI_AUDIO_PAD (l->data))
      pads = g_list_prepend (pads, gst_object_ref (l->data));
  }
  GST_OBJECT_UNLOCK (element);

  return g_list_reverse (pads);
}

/* Where one demuxer has both branches, the seek on the first one was enough. */
static gboolean
is_done (GstPad * pad, GstEvent * event)
{
  return GST_EVENT_TYPE (event) == GST_EVENT_SEEK
      && gst_identifai_audio_pad_was_flushed (GST_IDENTIFAI_AUDIO_PAD (pad),
      gst_event_get_seqnum (event));
}

/* As a pipeline does for two sinks: the same event, with the same seqnum, on each
 * branch. */
static gboolean
send_upstream (GstElement * element, GstEvent * event)
{
  GList *pads = list_audio_pads (element), *l;
  gboolean sent = TRUE;

  for (l = pads; l; l = l->next) {
    if (!gst_pad_is_linked (l->data) || is_done (l->data, event))
      continue;
    if (!gst_pad_push_event (l->data, gst_event_ref (event))) {
      GST_INFO_OBJECT (l->data, "upstream refuses %" GST_PTR_FORMAT, event);
      sent = FALSE;
    }
  }
  g_list_free_full (pads, gst_object_unref);

  return sent;
}

static gboolean
gst_identifai_sink_send_event (GstElement * element, GstEvent * event)
{
  GstElementClass *parent_class =
      GST_ELEMENT_CLASS (gst_identifai_sink_parent_class);
  gboolean upstream = GST_EVENT_IS_UPSTREAM (event)
      && GST_EVENT_TYPE (event) != GST_EVENT_STEP;
  gboolean sent;

  GST_DEBUG_OBJECT (element, "%" GST_PTR_FORMAT, event);
  sent = parent_class->send_event (element, gst_event_ref (event));
  if (upstream)
    sent = send_upstream (element, event) && sent;
  gst_event_unref (event);

  return sent;
}

/* States. */

/* From READY to PAUSED. */
static gboolean
gst_identifai_sink_start (GstIdentifaiSink * self)
{
  GError *error = NULL;

  if (!gst_identifai_engine_start (self->engine, &error)) {
    GST_WARNING_OBJECT (self, "can't start: %s", error->message);
    gst_identifai_engine_queue (self->engine,
        gst_identifai_error_start (GST_ELEMENT (self), error));
    gst_identifai_reporter_post (self->engine->reporter);
    g_error_free (error);
    return FALSE;
  }

  g_mutex_lock (&self->engine->lock);
  gst_identifai_input_reset_locked (self);
  gst_identifai_silence_start_locked (self->silence);
  g_mutex_unlock (&self->engine->lock);

  return TRUE;
}

/* From PAUSED to READY. Pads are inactive: no streaming thread is left. */
static void
gst_identifai_sink_stop (GstIdentifaiSink * self)
{
  g_mutex_lock (&self->engine->lock);
  gst_identifai_silence_stop_locked (self->silence);
  gst_identifai_input_drop_locked (self, GST_IDENTIFAI_DROP_STOPPED);
  self->last_coverage = coverage_locked (self);
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_engine_stop (self->engine);
}

/* The base class would start and stop between NULL and READY, so that what is
 * set in READY would count for nothing, and post an error of its own. */
static GstStateChangeReturn
gst_identifai_sink_change_state (GstElement * element,
    GstStateChange transition)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (element);
  GstStateChangeReturn ret;

  GST_DEBUG_OBJECT (self, "%s", gst_state_change_get_name (transition));
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      && !gst_identifai_sink_start (self))
    return GST_STATE_CHANGE_FAILURE;
  /* The audio threads may wait for the video thread, which is stopped: they go on
   * before the pads are deactivated. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_identifai_engine_begin_stop (self->engine);

  ret = GST_ELEMENT_CLASS (gst_identifai_sink_parent_class)->change_state
      (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && ret == GST_STATE_CHANGE_FAILURE))
    gst_identifai_sink_stop (self);
  GST_DEBUG_OBJECT (self, "%s: %s", gst_state_change_get_name (transition),
      gst_element_state_change_return_get_name (ret));

  return ret;
}

static void
gst_identifai_sink_finalize (GObject * object)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (object);

  gst_identifai_silence_free (self->silence);
  gst_identifai_recorder_free (self->recorder);
  gst_identifai_engine_free (self->engine);
  g_free (self->stream_id);

  G_OBJECT_CLASS (gst_identifai_sink_parent_class)->finalize (object);
}

static void
gst_identifai_sink_init (GstIdentifaiSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  self->engine = gst_identifai_engine_new (GST_ELEMENT (self),
      GST_IDENTIFAI_ELEMENT_SINK, GST_BASE_SINK_PAD (self), NULL);
  self->recorder = gst_identifai_recorder_new (self->engine);
  self->silence = gst_identifai_silence_new (self->engine);
  self->video_position = GST_CLOCK_TIME_NONE;

  gst_base_sink_set_sync (bsink, FALSE);
  gst_base_sink_set_last_sample_enabled (bsink, FALSE);
  /* Frames in front of a seek's start are needed to decode the first one. */
  gst_base_sink_set_drop_out_of_segment (bsink, FALSE);
}

static void
install_signals (GstIdentifaiSinkClass * klass)
{
  /**
   * GstIdentifaiSink::split-now:
   * @sink: the sink
   *
   * Closes the open segment at the next key frame, and asks upstream for one if
   * #GstIdentifaiSink:send-keyframe-requests is %TRUE. Has no effect on container
   * input. May be emitted from any thread.
   *
   * Since: 0.1
   */
  g_signal_new_class_handler ("split-now", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_identifai_sink_split_now), NULL, NULL, NULL,
      G_TYPE_NONE, 0);
}

static void
gst_identifai_sink_class_init (GstIdentifaiSinkClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *bsink_class = GST_BASE_SINK_CLASS (klass);

  object_class->set_property = gst_identifai_sink_set_property;
  object_class->get_property = gst_identifai_sink_get_property;
  object_class->finalize = gst_identifai_sink_finalize;
  gst_identifai_properties_install (object_class, GST_IDENTIFAI_ELEMENT_SINK);
  install_signals (klass);

  element_class->send_event = gst_identifai_sink_send_event;
  element_class->change_state = gst_identifai_sink_change_state;
  element_class->request_new_pad = gst_identifai_sink_request_new_pad;
  element_class->release_pad = gst_identifai_sink_release_pad;
  /* The request pads first: where sink is linked, gst_element_link() asks for
   * a pad of the first template that fits, and a queue fits any. */
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "identifAI sink",
      "Sink/Network/Video",
      "Posts video to identifAI's classification service and emits the verdicts",
      "identifAI <https://www.identifai.net/>");

  gst_identifai_input_init_class (bsink_class);

  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_FRAMES, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_KEY_FRAMES_METHOD, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_RESPONSE_FORMAT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_OVERFLOW, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_ON_REFUSAL, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_ATTACH_FILE, 0);
}
