/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The request pads for audio: they feed the segmenter and know nothing else.
 *
 * An audio thread never waits for anything but the video thread, and only while
 * that one is held inside this element (preroll, overflow=block): then it is
 * certainly another thread, and what would pile up meanwhile has a bound.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"

#include <stdio.h>

#include "gstidentifaiupstream.h"
#include "hold.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* How far audio may run ahead of video that is held. */
#define MAX_AHEAD (2 * GST_SECOND)

/* Sound for so long and nothing linked to the sink pad: it won't come any more. */
#define MAX_ALONE (10 * GST_SECOND)

/* The segmenter's number of the pad's stream. */
static guint
stream_of (GstPad * pad)
{
  return GPOINTER_TO_UINT (gst_pad_get_element_private (pad));
}

/* Streaming thread; the pad's own segment is its sticky event. */
static GstClockTime
running_time_of (GstPad * pad, GstBuffer * buffer)
{
  GstEvent *event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  GstClockTime time = GST_CLOCK_TIME_NONE;
  GstSegment segment;

  if (event == NULL)
    return time;
  gst_event_copy_segment (event, &segment);
  identifai_running_bound_segment (&segment);
  if (segment.format == GST_FORMAT_TIME)
    time = gst_segment_to_running_time (&segment, GST_FORMAT_TIME,
        GST_BUFFER_PTS (buffer));
  gst_event_unref (event);

  return time;
}

/* Nor was there any: an application may take the video away before the sound. */
static gboolean
lacks_video_locked (GstIdentifaiSink * self)
{
  return self->next_number == 0
      && !gst_pad_is_linked (GST_BASE_SINK_PAD (self));
}

/* TRUE once, when it is time to say that sound alone makes no segment. A demuxer
 * links this pad only, and nobody ever tells the sink pad anything. */
static gboolean
is_alone_locked (GstIdentifaiSink * self, GstClockTime time)
{
  if (!GST_CLOCK_TIME_IS_VALID (time) || self->told_no_video
      || !lacks_video_locked (self))
    return FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (self->first_sound))
    self->first_sound = time;
  self->told_no_video = time > self->first_sound + MAX_ALONE;

  return self->told_no_video;
}

static gboolean
must_wait_locked (GstIdentifaiSink * self, GstPad * pad, GstClockTime time)
{
  return self->video_held && !self->stopping && !GST_PAD_IS_FLUSHING (pad)
      && GST_CLOCK_TIME_IS_VALID (time)
      && GST_CLOCK_TIME_IS_VALID (self->video_position)
      && time > self->video_position + MAX_AHEAD;
}

/* is_error: it is over. The sink pad, which ends streams, has none that could end. */
static void
tell_no_video (GstIdentifaiSink * self, gboolean is_error)
{
  gchar *advice = gst_identifai_upstream_advise (GST_ELEMENT (self));

  gst_identifai_reporter_queue (self->reporter,
      gst_identifai_message_no_video (GST_ELEMENT (self), advice, is_error));
  gst_identifai_reporter_post (self->reporter);
  g_free (advice);
}

static GstFlowReturn
gst_identifai_audio_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (parent);
  GstClockTime time = running_time_of (pad, buffer);
  GstBuffer *held = identifai_buffer_hold (buffer);
  IdentifaiCaptureTime arrival = { 0, };
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean alone;

  gst_buffer_unref (buffer);

  g_mutex_lock (&self->lock);
  while (must_wait_locked (self, pad, time))
    g_cond_wait (&self->cond, &self->lock);
  if (self->stopping || GST_PAD_IS_FLUSHING (pad)) {
    gst_buffer_unref (held);
    ret = GST_FLOW_FLUSHING;
  } else {
    arrival.monotonic = self->sound_came = g_get_monotonic_time ();
    self->sound_thread = g_thread_self ();
    arrival.utc = -1;
    identifai_segmenter_push (self->segmenter, stream_of (pad), held, &arrival);
    gst_identifai_input_dispatch_locked (self);
    g_cond_broadcast (&self->cond);     /* it may be waited for */
  }
  alone = is_alone_locked (self, time);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
  if (alone)
    tell_no_video (self, FALSE);

  return ret;
}

static gboolean
handle_event_locked (GstIdentifaiSink * self, GstPad * pad, GstEvent * event)
{
  IdentifaiSegmenter *segmenter = self->segmenter;
  guint stream = stream_of (pad);
  GstClockTime timestamp, duration;
  const GstSegment *segment;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      return gst_identifai_caps_set_locked (self, stream, caps);
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      identifai_segmenter_set_segment (segmenter, stream, segment);
      break;
    case GST_EVENT_GAP:
      gst_event_parse_gap (event, &timestamp, &duration);
      identifai_segmenter_gap (segmenter, stream, timestamp, duration);
      break;
    case GST_EVENT_EOS:
      identifai_segmenter_eos (segmenter, stream, g_get_monotonic_time ());
      break;
    case GST_EVENT_FLUSH_STOP:
      identifai_segmenter_flush (segmenter, stream);
      break;
    default:
      break;
  }

  return TRUE;
}

static gboolean
gst_identifai_audio_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (parent);
  gboolean handled, lacks_video;

  GST_LOG_OBJECT (pad, "%" GST_PTR_FORMAT, event);

  g_mutex_lock (&self->lock);
  handled = handle_event_locked (self, pad, event);
  lacks_video = lacks_video_locked (self);
  gst_identifai_input_dispatch_locked (self);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && lacks_video)
    tell_no_video (self, TRUE);
  gst_event_unref (event);

  return handled;
}

/* Deactivation (the flushing flag is set already) wakes a waiting chain. */
static gboolean
gst_identifai_audio_activate_mode (GstPad * pad, GstObject * parent,
    GstPadMode mode, gboolean active)
{
  /* A pad is activated before it is added: it has no parent then. */
  if (parent != NULL) {
    GstIdentifaiSink *self = GST_IDENTIFAI_SINK (parent);

    g_mutex_lock (&self->lock);
    g_cond_broadcast (&self->cond);
    g_mutex_unlock (&self->lock);
  }

  return mode == GST_PAD_MODE_PUSH;
}

/* Nothing is waited for from a pad that isn't linked. */
static void
on_linked (GstPad * pad, GstPad * peer, gpointer user_data)
{
  GstIdentifaiSink *self = user_data;

  g_mutex_lock (&self->lock);
  identifai_segmenter_link_audio (self->segmenter, stream_of (pad),
      gst_pad_is_linked (pad));
  gst_identifai_input_dispatch_locked (self);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
}

static gchar *
make_name_locked (GstIdentifaiSink * self, const gchar * wanted)
{
  guint number;

  if (wanted != NULL && sscanf (wanted, "audio_%u", &number) == 1) {
    self->next_audio = MAX (self->next_audio, number + 1);
    return g_strdup (wanted);
  }

  return g_strdup_printf ("audio_%u", self->next_audio++);
}

GstPad *
gst_identifai_audio_request_pad (GstElement * element,
    GstPadTemplate * template, const gchar * name, const GstCaps * caps)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (element);
  gchar *pad_name;
  GstPad *pad;
  guint stream;

  g_mutex_lock (&self->lock);
  pad_name = make_name_locked (self, name);
  stream = identifai_segmenter_add_audio (self->segmenter);
  identifai_segmenter_link_audio (self->segmenter, stream, FALSE);
  g_mutex_unlock (&self->lock);

  pad = gst_pad_new_from_template (template, pad_name);
  g_free (pad_name);
  gst_pad_set_element_private (pad, GUINT_TO_POINTER (stream));
  gst_pad_set_chain_function (pad, gst_identifai_audio_chain);
  gst_pad_set_event_function (pad, gst_identifai_audio_event);
  /* the pad may outlive the element */
  g_signal_connect_object (pad, "linked", G_CALLBACK (on_linked), self, 0);
  g_signal_connect_object (pad, "unlinked", G_CALLBACK (on_linked), self, 0);
  gst_pad_set_activatemode_function (pad, gst_identifai_audio_activate_mode);

  if (GST_STATE (element) > GST_STATE_READY
      || GST_STATE_NEXT (element) == GST_STATE_PAUSED)
    gst_pad_set_active (pad, TRUE);
  if (!gst_element_add_pad (element, pad)) {
    g_mutex_lock (&self->lock);
    identifai_segmenter_remove_audio (self->segmenter, stream);
    g_mutex_unlock (&self->lock);
    return NULL;
  }

  return pad;
}

void
gst_identifai_audio_release_pad (GstElement * element, GstPad * pad)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (element);
  guint stream = stream_of (pad);

  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);

  g_mutex_lock (&self->lock);
  identifai_segmenter_remove_audio (self->segmenter, stream);
  gst_identifai_input_dispatch_locked (self);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
}
