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

#include "gstidentifaierrors.h"
#include "codecs.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#define LONGEST ((GstClockTime) G_MAXINT64 / 4)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (IDENTIFAI_CONTAINER_CAPS "; " IDENTIFAI_VIDEO_CAPS));

static GstStaticPadTemplate audio_template =
GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS (IDENTIFAI_AUDIO_CAPS));

G_DEFINE_TYPE (GstIdentifaiSink, gst_identifai_sink, GST_TYPE_BASE_SINK);
GST_ELEMENT_REGISTER_DEFINE (identifaisink, "identifaisink", GST_RANK_NONE,
    GST_TYPE_IDENTIFAI_SINK);

void
gst_identifai_sink_open_segment (IdentifaiSegment * segment, gpointer user_data)
{
  GstIdentifaiSink *self = user_data;

  segment->number = self->next_number++;
  gst_identifai_outbox_open (self->outbox, segment, &self->settings);
}

/* Passing a change on to the network thread, as it reads the settings by itself
 * at the start only. Without a key that of the file counts, and reading that may
 * take long: no streaming thread waits for it. */
static void
pass_key (GstIdentifaiSink * self)
{
  gchar *key;

  g_mutex_lock (&self->key_lock);
  g_mutex_lock (&self->lock);
  key = g_strdup (self->settings.api_key);
  g_mutex_unlock (&self->lock);
  gst_identifai_outbox_set_key (self->outbox, key);
  g_mutex_unlock (&self->key_lock);
  g_free (key);
}

static void
pass_headers (GstIdentifaiSink * self)
{
  IdentifaiExtraHeaders *headers;

  g_mutex_lock (&self->key_lock);
  g_mutex_lock (&self->lock);
  headers = gst_identifai_settings_get_headers (&self->settings);
  g_mutex_unlock (&self->lock);
  gst_identifai_outbox_set_headers (self->outbox, headers);
  identifai_extra_headers_unref (headers);
  g_mutex_unlock (&self->key_lock);
}

static void
pass_policy (GstIdentifaiSink * self)
{
  g_mutex_lock (&self->lock);
  gst_identifai_outbox_set_policy (self->outbox, self->settings.policy);
  g_mutex_unlock (&self->lock);
}

static void
apply_judging (GstIdentifaiSink * self)
{
  g_mutex_lock (&self->lock);
  if (self->running)
    gst_identifai_input_set_judging_locked (self);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
}

/* The others are read where they are used, or can't change meanwhile. */
static void
apply (GstIdentifaiSink * self, guint id)
{
  switch (id) {
    case PROP_API_KEY:
      pass_key (self);
      break;
    case PROP_EXTRA_HEADERS:
      pass_headers (self);
      break;
    case PROP_POLICY:
      pass_policy (self);
      break;
    case PROP_JUDGING:
      apply_judging (self);
      break;
    default:
      break;
  }
}

/* Whether it runs isn't told by its state: that is READY until the first buffer
 * came. */
static void
gst_identifai_sink_set_property (GObject * object, guint id,
    const GValue * value, GParamSpec * pspec)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (object);
  GPtrArray *warnings = g_ptr_array_new_with_free_func (g_free);
  GstIdentifaiSet result;
  guint i;

  g_mutex_lock (&self->lock);
  result = gst_identifai_settings_set (&self->settings, id, value,
      self->running, warnings);
  g_mutex_unlock (&self->lock);

  for (i = 0; i < warnings->len; i++)
    g_warning ("%s: %s", GST_OBJECT_NAME (self),
        (gchar *) g_ptr_array_index (warnings, i));
  g_ptr_array_unref (warnings);
  if (result != GST_IDENTIFAI_SET_REFUSED)
    apply (self, id);
  if (result == GST_IDENTIFAI_SET_CHANGED)
    g_object_notify_by_pspec (object, pspec);
}

static gdouble
coverage_locked (GstIdentifaiSink * self)
{
  IdentifaiSegmenterStats stats;

  if (!self->running)
    return self->last_coverage;
  if (self->input != GST_IDENTIFAI_INPUT_ELEMENTARY)
    return gst_identifai_file_get_coverage_locked (self);

  identifai_segmenter_get_stats (self->segmenter, &stats);

  return stats.seen > 0 ? CLAMP ((gdouble) stats.covered / stats.seen, 0, 1)
      : 0.0;
}

static GstStructure *
get_stats (GstIdentifaiSink * self)
{
  GstStructure *stats = gst_structure_new_empty ("stats");

  gst_identifai_outbox_get_stats (self->outbox, stats);
  g_mutex_lock (&self->lock);
  gst_structure_set (stats, "coverage", G_TYPE_DOUBLE, coverage_locked (self),
      NULL);
  g_mutex_unlock (&self->lock);

  return stats;
}

static void
gst_identifai_sink_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, get_stats (self));
    return;
  }

  g_mutex_lock (&self->lock);
  gst_identifai_settings_get (&self->settings, id, value);
  g_mutex_unlock (&self->lock);
}

static void
gst_identifai_sink_split_now (GstIdentifaiSink * self)
{
  g_mutex_lock (&self->lock);
  if (self->input == GST_IDENTIFAI_INPUT_ELEMENTARY)
    identifai_segmenter_split_now (self->segmenter);
  else if (self->started)
    gst_identifai_reporter_queue (self->reporter,
        gst_identifai_warning_idle (GST_ELEMENT (self), "split-now"));
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
}

/* The segmenter reckons with signed times: a duration without end, such as
 * GST_CLOCK_TIME_NONE, is one segment until EOS; an interval is just long. */
void
gst_identifai_sink_configure_segmenter_locked (GstIdentifaiSink * self)
{
  const GstIdentifaiSettings *settings = &self->settings;
  IdentifaiSegmenterSettings cut = {
    .duration = settings->segment_duration,
    .interval = MIN (settings->segment_interval, LONGEST),
    .max_bytes = settings->max_segment_bytes,
    .keyframe_requests = settings->send_keyframe_requests,
    .align = settings->align_to_clock,
  };

  if (cut.duration > LONGEST)
    cut.duration = 0;
  self->boosted = gst_identifai_outbox_is_boosted (self->outbox);
  if (self->boosted)
    cut.interval = 0;
  identifai_segmenter_configure (self->segmenter, &cut);
  identifai_segmenter_set_judging (self->segmenter, settings->judging);
}

static void
warn_of_times_locked (GstIdentifaiSink * self)
{
  gchar *times = gst_identifai_settings_list_short (&self->settings);

  if (times != NULL)
    gst_identifai_reporter_queue (self->reporter,
        gst_identifai_warning_short (GST_ELEMENT (self), times));
  g_free (times);
}

/* From READY to PAUSED. */
static gboolean
gst_identifai_sink_start (GstIdentifaiSink * self)
{
  GError *error = NULL;
  gboolean started;

  g_mutex_lock (&self->lock);
  started = gst_identifai_outbox_start (self->outbox, &self->settings, &error);
  if (started) {
    gst_identifai_input_reset_locked (self);
    gst_identifai_sink_configure_segmenter_locked (self);
    warn_of_times_locked (self);
    gst_identifai_silence_start_locked (self);
  } else {
    gst_identifai_reporter_queue (self->reporter,
        gst_identifai_error_start (GST_ELEMENT (self), error));
    g_error_free (error);
  }
  self->running = started;
  self->stopping = FALSE;
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_post (self->reporter);

  return started;
}

/* From PAUSED to READY. Pads are inactive: no streaming thread is left. */
static void
gst_identifai_sink_stop (GstIdentifaiSink * self)
{
  GstClockID timer;

  g_mutex_lock (&self->lock);
  timer = g_steal_pointer (&self->timer);
  gst_identifai_silence_stop_locked (self);
  gst_identifai_input_drop_locked (self, GST_IDENTIFAI_DROP_STOPPED);
  self->last_coverage = coverage_locked (self);
  identifai_segmenter_reset (self->segmenter);
  g_mutex_unlock (&self->lock);

  if (timer != NULL) {
    gst_clock_id_unschedule (timer);
    gst_clock_id_unref (timer);
  }
  gst_identifai_outbox_stop (self->outbox);

  g_mutex_lock (&self->lock);
  self->running = FALSE;
  g_mutex_unlock (&self->lock);
}

/* The audio threads may wait for the video thread, which is stopped: wake them
 * before the pads are deactivated. */
static void
wake_audio (GstIdentifaiSink * self)
{
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* The base class would start and stop between NULL and READY, so that what is
 * set in READY would count for nothing, and post an error of its own. */
static GstStateChangeReturn
gst_identifai_sink_change_state (GstElement * element,
    GstStateChange transition)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      && !gst_identifai_sink_start (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    wake_audio (self);

  ret = GST_ELEMENT_CLASS (gst_identifai_sink_parent_class)->change_state
      (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && ret == GST_STATE_CHANGE_FAILURE))
    gst_identifai_sink_stop (self);

  return ret;
}

static void
gst_identifai_sink_finalize (GObject * object)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (object);

  gst_identifai_outbox_free (self->outbox);
  identifai_segmenter_free (self->segmenter);
  gst_identifai_reporter_unref (self->reporter);
  gst_identifai_settings_clear (&self->settings);
  g_free (self->stream_id);
  g_free (self->uri);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->key_lock);

  G_OBJECT_CLASS (gst_identifai_sink_parent_class)->finalize (object);
}

static const GstIdentifaiOutboxCallbacks outbox_callbacks = {
  .room = gst_identifai_input_on_room,
};

static void
gst_identifai_sink_init (GstIdentifaiSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  g_mutex_init (&self->key_lock);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  gst_identifai_settings_init (&self->settings, GST_IDENTIFAI_ELEMENT_SINK);
  self->reporter = gst_identifai_reporter_new (GST_ELEMENT (self));
  self->outbox = gst_identifai_outbox_new (GST_ELEMENT (self), self->reporter,
      &outbox_callbacks, self);
  self->segmenter =
      identifai_segmenter_new (gst_identifai_sink_open_segment, self);
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

  element_class->change_state = gst_identifai_sink_change_state;
  element_class->request_new_pad = gst_identifai_audio_request_pad;
  element_class->release_pad = gst_identifai_audio_release_pad;
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
}
