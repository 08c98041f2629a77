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

#define PROP_STATS (GST_IDENTIFAI_N_SETTINGS + 1)

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
  gst_identifai_ticket_attach (segment, &self->settings);
}

/* Not by the element's state: that is READY until the first buffer came. */
static gboolean
is_running (GstIdentifaiSink * self)
{
  gboolean running;

  g_mutex_lock (&self->lock);
  running = self->running;
  g_mutex_unlock (&self->lock);

  return running;
}

/* With the other settings as they are. */
static gboolean
may_set_extra_parameters (GstIdentifaiSink * self, const GValue * value)
{
  GstIdentifaiSettings settings;
  GError *error = NULL;

  g_mutex_lock (&self->lock);
  settings = self->settings;
  settings.extra_parameters = g_value_get_boxed (value);
  gst_identifai_settings_check_fields (&settings, &error);
  g_mutex_unlock (&self->lock);
  if (error == NULL)
    return TRUE;

  g_warning ("%s: %s, not set", GST_OBJECT_NAME (self), error->message);
  g_error_free (error);

  return FALSE;
}

static gboolean
may_set (GstIdentifaiSink * self, guint id, const GValue * value,
    GParamSpec * pspec)
{
  if (!is_running (self))
    return TRUE;
  if (!gst_identifai_settings_is_mutable (id)) {
    g_warning ("%s: %s can be set in state READY or below only",
        GST_OBJECT_NAME (self), pspec->name);
    return FALSE;
  }
  if (g_str_equal (pspec->name, "ref-id") && g_value_get_string (value)
      && !gst_identifai_ref_id_is_valid (g_value_get_string (value))) {
    g_warning ("%s: ref-id may hold one %%u and no other conversion, and 1000 "
        "bytes, not set", GST_OBJECT_NAME (self));
    return FALSE;
  }

  return !g_str_equal (pspec->name, "extra-parameters")
      || may_set_extra_parameters (self, value);
}

static gboolean
set_setting (GstIdentifaiSink * self, guint id, const GValue * value)
{
  gboolean known;

  g_mutex_lock (&self->lock);
  known = gst_identifai_settings_set (&self->settings, id, value);
  g_mutex_unlock (&self->lock);

  return known;
}

/* Without a key, that of the file counts, and reading that may take long: no
 * streaming thread waits for it. */
static gboolean
set_key (GstIdentifaiSink * self, guint id, const GValue * value)
{
  gboolean known;

  g_mutex_lock (&self->key_lock);
  known = set_setting (self, id, value);
  gst_identifai_outbox_set_key (self->outbox, g_value_get_string (value));
  g_mutex_unlock (&self->key_lock);

  return known;
}

static gboolean
set_headers (GstIdentifaiSink * self, guint id, const GValue * value)
{
  IdentifaiExtraHeaders *headers;
  gboolean known;

  g_mutex_lock (&self->key_lock);
  known = set_setting (self, id, value);
  g_mutex_lock (&self->lock);
  headers = identifai_extra_headers_ref (self->settings.extra_headers);
  g_mutex_unlock (&self->lock);
  gst_identifai_outbox_set_headers (self->outbox, headers);
  identifai_extra_headers_unref (headers);
  g_mutex_unlock (&self->key_lock);

  return known;
}

static gboolean
set_policy (GstIdentifaiSink * self, guint id, const GValue * value)
{
  gboolean known;

  g_mutex_lock (&self->lock);
  known = gst_identifai_settings_set (&self->settings, id, value);
  gst_identifai_outbox_set_policy (self->outbox, self->settings.policy);
  g_mutex_unlock (&self->lock);

  return known;
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

static void
gst_identifai_sink_set_property (GObject * object, guint id,
    const GValue * value, GParamSpec * pspec)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (object);
  gboolean known;

  if (!may_set (self, id, value, pspec))
    return;

  if (g_str_equal (pspec->name, "api-key"))
    known = set_key (self, id, value);
  else if (g_str_equal (pspec->name, "extra-headers"))
    known = set_headers (self, id, value);
  else if (g_str_equal (pspec->name, "policy"))
    known = set_policy (self, id, value);
  else
    known = set_setting (self, id, value);
  if (known && g_str_equal (pspec->name, "judging"))
    apply_judging (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
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
  gboolean known;

  if (id == PROP_STATS) {
    g_value_take_boxed (value, get_stats (self));
    return;
  }

  g_mutex_lock (&self->lock);
  known = gst_identifai_settings_get (&self->settings, id, value);
  g_mutex_unlock (&self->lock);

  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_identifai_sink_split_now (GstIdentifaiSink * self)
{
  g_mutex_lock (&self->lock);
  if (self->input == GST_IDENTIFAI_INPUT_ELEMENTARY)
    identifai_segmenter_split_now (self->segmenter);
  else if (self->started)
    gst_identifai_outbox_queue (self->outbox,
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
    gst_identifai_outbox_queue (self->outbox,
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
  }
  self->running = started;
  self->stopping = FALSE;
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_post (self->outbox);
  if (!started) {
    gst_element_post_message (GST_ELEMENT (self),
        gst_identifai_error_start (GST_ELEMENT (self), error));
    g_error_free (error);
  }

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
  gst_identifai_input_give_up_locked (self, "stopped");
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
  gst_identifai_settings_clear (&self->settings);
  g_free (self->stream_id);
  g_free (self->uri);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->key_lock);

  G_OBJECT_CLASS (gst_identifai_sink_parent_class)->finalize (object);
}

static void
gst_identifai_sink_init (GstIdentifaiSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  g_mutex_init (&self->key_lock);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  gst_identifai_settings_init (&self->settings);
  self->outbox = gst_identifai_outbox_new (GST_ELEMENT (self));
  gst_identifai_outbox_set_room_func (self->outbox,
      gst_identifai_input_on_room);
  self->segmenter =
      identifai_segmenter_new (gst_identifai_sink_open_segment, self);
  self->video_position = GST_CLOCK_TIME_NONE;

  gst_base_sink_set_sync (bsink, FALSE);
  gst_base_sink_set_last_sample_enabled (bsink, FALSE);
  /* Frames in front of a seek's start are needed to decode the first one. */
  gst_base_sink_set_drop_out_of_segment (bsink, FALSE);
}

static void
install_stats (GObjectClass * klass)
{
  /**
   * GstIdentifaiSink:stats:
   *
   * Totals since the element started, a structure `stats`:
   *
   * * #guint64 `segments`, `submitted`, `verdicts`, `failed`, `dropped`,
   *   `pending`, `in-flight`: closed segments, those that the service took, their
   *   outcomes, those without one yet, and those on the wire now;
   *   `segments` = `verdicts` + `failed` + `dropped` + `pending` at every moment
   * * #guint64 `pending-bytes`: what closed segments hold that the service has
   *   not taken yet, in bytes
   * * #guint64 `bytes-uploaded`, `post-requests`, `get-requests`, `retries`,
   *   `throttled`: bytes of files that the service took, requests sent, repeated
   *   requests, answers with status 429
   * * #gdouble `coverage`: stream time in closed segments / stream time seen,
   *   0 to 1; for container input bytes, as times are not known
   * * #guint64 `latency-last`, `latency-average`, `latency-max`: nanoseconds from
   *   a segment's last buffer to its verdict; 0 before the first one
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counts of segments, requests and bytes, and latencies, since the "
          "element started", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
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
  gst_identifai_settings_install_properties (object_class);
  install_stats (object_class);
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
