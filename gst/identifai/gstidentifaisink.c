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
 * gstidentifaimessages.c and in docs/reference/messages.md.
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

G_DEFINE_TYPE (GstIdentifaiSink, gst_identifai_sink,
    GST_TYPE_IDENTIFAI_BASE_SINK);
GST_ELEMENT_REGISTER_DEFINE (identifaisink, "identifaisink", GST_RANK_NONE,
    GST_TYPE_IDENTIFAI_SINK);

static void
gst_identifai_sink_split_now (GstIdentifaiSink * self)
{
  GstIdentifaiEngine *engine = self->engine;

  g_mutex_lock (&engine->lock);
  GST_DEBUG_OBJECT (self, "split-now%s", self->elementary ? "" :
      ", which does nothing: there is no elementary video");
  if (self->elementary)
    identifai_segmenter_split_now (engine->segmenter);
  else if (self->parent.started)
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

  return self->parent.held && GST_CLOCK_TIME_IS_VALID (self->video_position)
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
    if (!gst_pad_is_linked (l->data) || is_done (l->data, event)) {
      GST_DEBUG_OBJECT (l->data, "isn't sent event %u: %s",
          gst_event_get_seqnum (event), gst_pad_is_linked (l->data) ?
          "it was flushed by it" : "it isn't linked");
      continue;
    }
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

static void
gst_identifai_sink_finalize (GObject * object)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (object);

  gst_identifai_recorder_free (self->recorder);
  g_free (self->stream_id);

  G_OBJECT_CLASS (gst_identifai_sink_parent_class)->finalize (object);
}

static void
gst_identifai_sink_init (GstIdentifaiSink * self)
{
  gst_identifai_base_sink_set_up (&self->parent, GST_IDENTIFAI_ELEMENT_SINK);
  self->engine = self->parent.engine;
  self->recorder = gst_identifai_recorder_new (self->engine);
  self->video_position = GST_CLOCK_TIME_NONE;

  /* Frames in front of a seek's start are needed to decode the first one. */
  gst_base_sink_set_drop_out_of_segment (GST_BASE_SINK (self), FALSE);
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
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  install_signals (klass);

  element_class->send_event = gst_identifai_sink_send_event;
  element_class->request_new_pad = gst_identifai_sink_request_new_pad;
  element_class->release_pad = gst_identifai_sink_release_pad;
  /* The request pads first: where sink is linked, gst_element_link() asks for
   * a pad of the first template that fits, and a queue fits any. */
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_identifai_base_sink_set_up_class (klass, GST_IDENTIFAI_ELEMENT_SINK,
      gst_identifai_sink_finalize, &sink_template, "identifAI sink", "Video",
      "video");

  gst_identifai_input_init_class (GST_IDENTIFAI_BASE_SINK_CLASS (klass));

  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_FRAMES, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_KEY_FRAMES_METHOD, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_RESPONSE_FORMAT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_OVERFLOW, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_ON_REFUSAL, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_ATTACH_FILE, 0);
}
