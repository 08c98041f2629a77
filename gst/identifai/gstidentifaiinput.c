/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes in on the always pad: a container's bytes, gathered until EOS, or
 * elementary video for the segmenter. All of it runs on the video streaming
 * thread but what is marked otherwise.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"

#include <gst/video/video-event.h>

#include "gstidentifaiarrival.h"
#include "identifaicodecs.h"
#include "identifaimuxer.h"

GST_DEBUG_CATEGORY_STATIC (identifai_input_debug);
#define GST_CAT_DEFAULT identifai_input_debug

static GstBaseSinkClass *parent_class = NULL;

static GstClockTime
running_time_of (const GstSegment * segment, GstClockTime time)
{
  if (segment->format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;

  return gst_segment_to_running_time (segment, GST_FORMAT_TIME, time);
}

static gboolean
is_elementary (GstIdentifaiSink * self)
{
  return self->input == GST_IDENTIFAI_INPUT_ELEMENTARY;
}

void
gst_identifai_input_reset_locked (GstIdentifaiSink * self)
{
  self->next_number = 0;
  self->flushing = FALSE;
  self->input = GST_IDENTIFAI_INPUT_RAW;
  self->container = NULL;
  self->caps_refused = FALSE;
  self->started = FALSE;
  self->video_held = FALSE;
  self->video_position = GST_CLOCK_TIME_NONE;
  self->keyframe_requests = 0;
}

/* Any thread. */
void
gst_identifai_input_give_up_locked (GstIdentifaiSink * self,
    const gchar * reason)
{
  IdentifaiSegment *segment;

  if ((segment = g_steal_pointer (&self->in_hand)) != NULL)
    gst_identifai_outbox_give_up (self->outbox, segment, reason);
  if ((segment = g_steal_pointer (&self->open)) != NULL)
    gst_identifai_outbox_give_up (self->outbox, segment, reason);

  identifai_segmenter_flush (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO);
  while ((segment = identifai_segmenter_pop_flushed (self->segmenter)))
    gst_identifai_outbox_give_up (self->outbox, segment, reason);
}

static void
queue_error (GstIdentifaiSink * self, GError * error)
{
  gst_identifai_outbox_queue (self->outbox,
      gst_message_new_error (GST_OBJECT (self), error, NULL));
}

static void
post_error (GstIdentifaiSink * self, GError * error)
{
  queue_error (self, error);
  g_error_free (error);
  gst_identifai_outbox_post (self->outbox);
}

/* Handing on what is closed. */

/* The system clock's thread: a segment has waited long enough for its audio. */
static gboolean
on_timer (GstClock * clock, GstClockTime time, GstClockID id,
    gpointer user_data)
{
  GstIdentifaiSink *self = g_weak_ref_get (user_data);

  if (self == NULL)
    return FALSE;

  g_mutex_lock (&self->lock);
  if (id == self->timer) {
    gst_clock_id_unref (self->timer);
    self->timer = NULL;
    gst_identifai_input_dispatch_locked (self);
    g_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
  gst_object_unref (self);

  return TRUE;
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
arm_timer_locked (GstIdentifaiSink * self)
{
  gint64 deadline = identifai_segmenter_next_deadline (self->segmenter);
  gint64 now = g_get_monotonic_time ();
  GstClock *clock;
  GWeakRef *weak;

  if (deadline < 0 || self->timer != NULL || self->stopping)
    return;

  clock = gst_system_clock_obtain ();
  weak = g_new (GWeakRef, 1);
  g_weak_ref_init (weak, self);
  /* A moment later than the deadline, so that it is over then. */
  self->timer = gst_clock_new_single_shot_id (clock, gst_clock_get_time (clock)
      + (MAX (deadline - now, 0) + 1000) * GST_USECOND);
  gst_clock_id_wait_async (self->timer, on_timer, weak, weak_ref_free);
  gst_object_unref (clock);
}

/* Any thread. */
void
gst_identifai_input_dispatch_locked (GstIdentifaiSink * self)
{
  gint64 now = g_get_monotonic_time ();

  do {
    if (self->in_hand == NULL)
      self->in_hand = identifai_segmenter_pop (self->segmenter, now);
    if (self->in_hand == NULL
        || !gst_identifai_outbox_offer (self->outbox, self->in_hand))
      break;
    self->in_hand = NULL;
  } while (TRUE);

  arm_timer_locked (self);
}

/* Any thread. */
void
gst_identifai_input_act (GstIdentifaiSink * self)
{
  GstClockTime when = GST_CLOCK_TIME_NONE;
  gboolean wanted;
  guint count = 0;

  gst_identifai_outbox_post (self->outbox);

  g_mutex_lock (&self->lock);
  wanted = identifai_segmenter_take_keyframe_request (self->segmenter, &when);
  if (wanted)
    count = self->keyframe_requests++;
  g_mutex_unlock (&self->lock);

  if (wanted) {
    GST_DEBUG_OBJECT (self, "asking for a key frame at %" GST_TIME_FORMAT,
        GST_TIME_ARGS (when));
    gst_pad_push_event (GST_BASE_SINK_PAD (self),
        gst_video_event_new_upstream_force_key_unit (when, TRUE, count));
  }
}

/* Caps. */

static GstCaps *
get_pad_caps (GstPad * pad)
{
  GstCaps *caps = gst_pad_get_current_caps (pad), *usual;

  if (caps == NULL)
    return NULL;
  usual = identifai_codec_usual_caps (caps);
  gst_caps_unref (caps);

  return usual;
}

/* Whether the chosen muxer takes all streams whose caps are known, with new
 * ones for one of them. */
static gboolean
check_muxer_locked (GstIdentifaiSink * self, guint stream, GstCaps * caps,
    GError ** error)
{
  const gchar *muxer = self->settings.muxer ? self->settings.muxer : "auto";
  GPtrArray *all =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_caps_unref);
  gboolean taken;
  GList *l;

  g_ptr_array_add (all, gst_caps_ref (caps));
  GST_OBJECT_LOCK (self);
  for (l = GST_ELEMENT (self)->sinkpads; l; l = l->next) {
    GstPad *pad = l->data;
    guint other = GPOINTER_TO_UINT (gst_pad_get_element_private (pad));
    GstCaps *known = other != stream ? get_pad_caps (pad) : NULL;

    if (known != NULL && other == IDENTIFAI_SEGMENTER_VIDEO)
      g_ptr_array_insert (all, 0, known);
    else if (known != NULL)
      g_ptr_array_add (all, known);
  }
  GST_OBJECT_UNLOCK (self);

  taken = identifai_muxer_choose (muxer, (GstCaps * const *) all->pdata,
      all->len, error) != NULL;
  g_ptr_array_unref (all);

  return taken;
}

gboolean
gst_identifai_input_set_caps_locked (GstIdentifaiSink * self, guint stream,
    GstCaps * caps)
{
  GstCaps *usual = identifai_codec_usual_caps (caps);
  GError *error = NULL;
  gboolean taken;

  taken = check_muxer_locked (self, stream, usual, &error)
      && identifai_segmenter_set_caps (self->segmenter, stream, usual);
  gst_caps_unref (usual);
  if (taken)
    return TRUE;

  if (error == NULL)
    error = g_error_new (GST_STREAM_ERROR, GST_STREAM_ERROR_CODEC_NOT_FOUND,
        "No muxer takes these streams together; encode them otherwise.");
  error->domain = GST_STREAM_ERROR;
  error->code = GST_STREAM_ERROR_CODEC_NOT_FOUND;
  /* Upstream may try again with every buffer: once is enough. */
  if (!self->caps_refused)
    queue_error (self, error);
  self->caps_refused = TRUE;
  g_error_free (error);

  return FALSE;
}

static gboolean
gst_identifai_input_set_caps (GstBaseSink * bsink, GstCaps * caps)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);
  const IdentifaiContainer *container = identifai_container_from_caps (caps);
  gboolean accepted = TRUE;

  GST_DEBUG_OBJECT (self, "%" GST_PTR_FORMAT, caps);

  g_mutex_lock (&self->lock);
  if (container != NULL) {
    /* Muxers renew their caps within a file, to add stream headers. */
    self->container = container;
    if (self->input != GST_IDENTIFAI_INPUT_REFUSED)
      self->input = GST_IDENTIFAI_INPUT_CONTAINER;
  } else {
    self->input = GST_IDENTIFAI_INPUT_ELEMENTARY;
    accepted = gst_identifai_input_set_caps_locked (self,
        IDENTIFAI_SEGMENTER_VIDEO, caps);
    gst_identifai_input_dispatch_locked (self);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);

  return accepted;
}

/* The first buffer of a stream. */

static void
learn_liveness (GstIdentifaiSink * self)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (GST_BASE_SINK_PAD (self), query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);

  GST_DEBUG_OBJECT (self, "upstream is %slive", live ? "" : "not ");
  gst_identifai_outbox_set_live (self->outbox, live);
}

static void
too_large_locked (GstIdentifaiSink * self, guint64 bytes)
{
  gchar *text = g_strdup_printf ("the file has %" G_GUINT64_FORMAT " bytes%s, "
      "max-segment-bytes allows %" G_GUINT64_FORMAT, bytes,
      self->input == GST_IDENTIFAI_INPUT_RAW ? "" : " or more",
      self->settings.max_segment_bytes);
  IdentifaiSegment *segment = g_steal_pointer (&self->open);

  segment->bytes = bytes;
  identifai_segment_fail (segment, IDENTIFAI_REASON_TOO_LARGE, text);
  gst_identifai_outbox_offer (self->outbox, segment);
  self->input = GST_IDENTIFAI_INPUT_REFUSED;
  g_free (text);
}

static void
open_file_locked (GstIdentifaiSink * self, GstBuffer * buffer)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiArrival arrival;

  gst_identifai_arrival_read (GST_ELEMENT (self), &bsink->segment, buffer,
      &arrival);
  segment->utc = arrival.utc;
  segment->last_buffer = arrival.monotonic;
  segment->file = identifai_bytes_new ();
  if (bsink->segment.format == GST_FORMAT_TIME && buffer != NULL) {
    segment->running_time = gst_segment_to_running_time (&bsink->segment,
        GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
    segment->stream_time = gst_segment_to_stream_time (&bsink->segment,
        GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  }
  gst_identifai_sink_open_segment (segment, self);
  self->open = segment;
}

/* A source without caps knows how long its file is: no need to read it first. */
static gboolean
fits_by_size (GstIdentifaiSink * self, GstBuffer * buffer)
{
  gint64 bytes = -1;
  gboolean fits;

  if (self->input != GST_IDENTIFAI_INPUT_RAW
      || !gst_pad_peer_query_duration (GST_BASE_SINK_PAD (self),
          GST_FORMAT_BYTES, &bytes) || bytes < 0)
    return TRUE;

  g_mutex_lock (&self->lock);
  fits = (guint64) bytes <= self->settings.max_segment_bytes;
  if (!fits) {
    open_file_locked (self, buffer);
    too_large_locked (self, bytes);
  }
  g_mutex_unlock (&self->lock);

  return fits;
}

/* Container input. */

static GstFlowReturn
typefind_locked (GstIdentifaiSink * self, gboolean at_end, GError ** error)
{
  switch (identifai_container_typefind (self->open->file, at_end,
          &self->container, error)) {
    case IDENTIFAI_TYPE_UNSURE:
      return GST_FLOW_OK;
    case IDENTIFAI_TYPE_CONTAINER:
      self->input = GST_IDENTIFAI_INPUT_CONTAINER;
      return GST_FLOW_OK;
    case IDENTIFAI_TYPE_OTHER:
      break;
  }
  /* Nothing that the service takes: no segment. */
  g_clear_pointer (&self->open, identifai_segment_free);
  self->input = GST_IDENTIFAI_INPUT_REFUSED;

  return GST_FLOW_ERROR;
}

static GstFlowReturn
append_locked (GstIdentifaiSink * self, GstBuffer * buffer, GError ** error)
{
  guint64 max_bytes = self->settings.max_segment_bytes;
  gsize size = gst_buffer_get_size (buffer);
  IdentifaiSegment *segment;
  guint64 position;

  if (self->input == GST_IDENTIFAI_INPUT_REFUSED)
    return GST_FLOW_OK;
  if (self->open == NULL)
    open_file_locked (self, buffer);

  segment = self->open;
  segment->last_buffer = g_get_monotonic_time ();
  /* Before it is written: what a seek has left out is filled with zeros. */
  position = identifai_bytes_get_position (segment->file);
  if (position > max_bytes || size > max_bytes - position) {
    too_large_locked (self, position + size);
    return GST_FLOW_OK;
  }
  identifai_bytes_write (segment->file, buffer);
  segment->bytes = identifai_bytes_get_size (segment->file);

  return self->container == NULL ? typefind_locked (self, FALSE, error) :
      GST_FLOW_OK;
}

static GstFlowReturn
render_file (GstIdentifaiSink * self, GstBuffer * buffer)
{
  GError *error = NULL;
  GstFlowReturn ret;

  g_mutex_lock (&self->lock);
  ret = append_locked (self, buffer, &error);
  g_mutex_unlock (&self->lock);

  if (error != NULL)
    post_error (self, error);
  else
    gst_identifai_outbox_post (self->outbox);

  return ret;
}

/* A muxer goes back to rewrite what it wrote, as into filesink. */
static void
seek_file_locked (GstIdentifaiSink * self, const GstSegment * segment)
{
  if (segment->format != GST_FORMAT_BYTES
      || self->input == GST_IDENTIFAI_INPUT_REFUSED)
    return;
  if (self->open == NULL && segment->start == 0)
    return;
  if (self->open == NULL)
    open_file_locked (self, NULL);

  GST_DEBUG_OBJECT (self, "writing from byte %" G_GUINT64_FORMAT,
      segment->start);
  identifai_bytes_seek (self->open->file, segment->start);
}

/* Elementary input. */

/* The video thread waits for longer, in render or at EOS, where it has the
 * preroll lock. A state change needs that lock, so it is given away meanwhile;
 * have_preroll tells the base class that this thread holds a buffer or EOS and
 * need not be waited for, as in gst_base_sink_wait_preroll(). A pause or PLAYING
 * does not end the wait, a flush or the end does, see unlock_stop(). */
static void
let_go (GstIdentifaiSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  bsink->have_preroll = TRUE;
  GST_BASE_SINK_PREROLL_UNLOCK (bsink);
}

static GstFlowReturn
take_back (GstIdentifaiSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  GST_BASE_SINK_PREROLL_LOCK (bsink);
  bsink->have_preroll = FALSE;

  return bsink->flushing ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}

/* overflow=block: the video thread stays here until there is room. Called with
 * the preroll lock, as render is. */
static GstFlowReturn
wait_for_room (GstIdentifaiSink * self, gint64 deadline)
{
  GstFlowReturn ret = GST_FLOW_OK;
  guint64 bytes = 0;
  gboolean waits;

  do {
    g_mutex_lock (&self->lock);
    gst_identifai_input_dispatch_locked (self);
    waits = (self->in_hand != NULL);
    if (waits)
      bytes = gst_identifai_outbox_get_need (self->in_hand);
    self->video_held = waits;
    g_cond_broadcast (&self->cond);
    g_mutex_unlock (&self->lock);
    gst_identifai_input_act (self);

    if (waits) {
      let_go (self);
      gst_identifai_outbox_wait_room (self->outbox, bytes, deadline);
      ret = take_back (self);
    }
  } while (waits && ret == GST_FLOW_OK);

  return ret;
}

static GstFlowReturn
render_frame (GstIdentifaiSink * self, GstBuffer * buffer)
{
  const GstSegment *segment = &GST_BASE_SINK (self)->segment;
  IdentifaiArrival arrival;
  GstClockTime position;
  gboolean waits;

  gst_identifai_arrival_read (GST_ELEMENT (self), segment, buffer, &arrival);
  position = running_time_of (segment, GST_BUFFER_DTS_OR_PTS (buffer));

  g_mutex_lock (&self->lock);
  if (GST_CLOCK_TIME_IS_VALID (position))
    self->video_position = position;
  identifai_segmenter_push (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      identifai_buffer_hold (buffer), &arrival);
  gst_identifai_input_dispatch_locked (self);
  waits = (self->in_hand != NULL);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);

  return waits ? wait_for_room (self, -1) : GST_FLOW_OK;
}

static GstFlowReturn
gst_identifai_input_render (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);
  gboolean first, elementary;

  g_mutex_lock (&self->lock);
  first = !self->started;
  self->started = TRUE;
  self->video_held = FALSE;
  elementary = is_elementary (self);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  if (first) {
    learn_liveness (self);
    if (!fits_by_size (self, buffer)) {
      GstMessage *summary = gst_identifai_outbox_summary (self->outbox);

      if (summary != NULL)
        gst_identifai_outbox_queue (self->outbox, summary);
      gst_identifai_outbox_post (self->outbox);
      return GST_FLOW_ERROR;
    }
  }

  return elementary ? render_frame (self, buffer) : render_file (self, buffer);
}

/* The video thread waits for PLAYING with its first frame. */
static GstFlowReturn
gst_identifai_input_preroll (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);

  g_mutex_lock (&self->lock);
  self->video_held = TRUE;
  if (!GST_CLOCK_TIME_IS_VALID (self->video_position))
    self->video_position = running_time_of (&bsink->segment,
        GST_BUFFER_DTS_OR_PTS (buffer));
  g_mutex_unlock (&self->lock);

  return GST_FLOW_OK;
}

/* End of stream. */

/* Closes what is open. FALSE with error: there is nothing to judge. */
static gboolean
close_input_locked (GstIdentifaiSink * self, GError ** error)
{
  IdentifaiSegment *segment;

  if (is_elementary (self)) {
    identifai_segmenter_eos (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
        g_get_monotonic_time ());
    return TRUE;
  }
  if (self->open != NULL && self->open->bytes > 0 && self->container == NULL
      && typefind_locked (self, TRUE, error) != GST_FLOW_OK)
    return FALSE;

  segment = g_steal_pointer (&self->open);
  if (segment != NULL && segment->bytes == 0)
    g_clear_pointer (&segment, identifai_segment_free);
  if (segment != NULL) {
    segment->content_type = g_strdup (self->container->content_type);
    segment->extension = self->container->extension;
    self->in_hand = segment;
  }

  return TRUE;
}

static void
check_empty_locked (GstIdentifaiSink * self, GError ** error)
{
  IdentifaiSegmenterStats stats;

  if (self->next_number > 0 || self->in_hand != NULL || self->caps_refused
      || self->input == GST_IDENTIFAI_INPUT_REFUSED)
    return;

  identifai_segmenter_get_stats (self->segmenter, &stats);
  if (stats.skipped > 0)
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "The stream ended without a key frame after %" G_GUINT64_FORMAT
        " frames: nothing was judged. Send a complete group of pictures.",
        stats.skipped);
  else
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "The stream is empty: nothing was judged. Check the source.");
}

/* Segments that wait for the last of their audio, for a moment. */
static GstFlowReturn
wait_for_audio (GstIdentifaiSink * self)
{
  gint64 deadline;

  let_go (self);
  g_mutex_lock (&self->lock);
  gst_identifai_input_dispatch_locked (self);
  while (!self->flushing && self->in_hand == NULL
      && (deadline =
          identifai_segmenter_next_deadline (self->segmenter)) >= 0) {
    g_cond_wait_until (&self->cond, &self->lock, deadline + 1000);
    gst_identifai_input_dispatch_locked (self);
  }
  g_mutex_unlock (&self->lock);

  return take_back (self);
}

static gboolean
all_handed_on (GstIdentifaiSink * self)
{
  gboolean done;

  g_mutex_lock (&self->lock);
  done = (self->in_hand == NULL
      && identifai_segmenter_next_deadline (self->segmenter) < 0);
  g_mutex_unlock (&self->lock);

  return done;
}

/* Hands on all segments and waits for their verdicts. The base class holds the
 * preroll lock for serialized events, as for render. */
static GstFlowReturn
drain (GstIdentifaiSink * self)
{
  GstFlowReturn ret = gst_base_sink_do_preroll (GST_BASE_SINK (self), NULL);
  GstClockTime timeout;
  gint64 deadline = -1;
  gboolean done = FALSE;

  g_mutex_lock (&self->lock);
  timeout = self->settings.drain_timeout;
  g_mutex_unlock (&self->lock);
  if (timeout != 0 && GST_CLOCK_TIME_IS_VALID (timeout))
    deadline = g_get_monotonic_time () + timeout / GST_USECOND;

  while (ret == GST_FLOW_OK && !all_handed_on (self)) {
    ret = wait_for_audio (self);
    if (ret == GST_FLOW_OK)
      ret = wait_for_room (self, deadline);
  }
  while (ret == GST_FLOW_OK && timeout != 0 && !done) {
    let_go (self);
    done = gst_identifai_outbox_drain (self->outbox, deadline);
    ret = take_back (self);
  }

  return ret;
}

/* All that there is to say is on the bus when it returns OK: applications leave
 * at EOS. */
static GstFlowReturn
sum_up (GstIdentifaiSink * self)
{
  GstMessage *summary = gst_identifai_outbox_summary (self->outbox);
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean done = FALSE;

  if (summary != NULL)
    gst_identifai_outbox_queue (self->outbox, summary);
  while (ret == GST_FLOW_OK && !done) {
    let_go (self);
    done = gst_identifai_outbox_post_all (self->outbox);
    ret = take_back (self);
  }

  return ret;
}

/* Takes over the event. */
static gboolean
handle_eos (GstIdentifaiSink * self, GstEvent * eos)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);
  GError *error = NULL;
  GstFlowReturn ret;

  g_mutex_lock (&self->lock);
  if (close_input_locked (self, &error))
    check_empty_locked (self, &error);
  g_mutex_unlock (&self->lock);
  if (error != NULL)
    post_error (self, error);

  ret = drain (self);
  if (ret == GST_FLOW_OK)
    ret = sum_up (self);
  if (ret != GST_FLOW_OK) {
    GST_DEBUG_OBJECT (self, "EOS interrupted: %s", gst_flow_get_name (ret));
    gst_event_unref (eos);
    return FALSE;
  }

  return parent_class->event (bsink, eos);
}

static void
handle_segment_locked (GstIdentifaiSink * self, GstEvent * event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  if (is_elementary (self))
    identifai_segmenter_set_segment (self->segmenter,
        IDENTIFAI_SEGMENTER_VIDEO, segment);
  else
    seek_file_locked (self, segment);
}

static void
handle_gap_locked (GstIdentifaiSink * self, GstEvent * event)
{
  GstClockTime timestamp, duration;

  if (!is_elementary (self))
    return;
  gst_event_parse_gap (event, &timestamp, &duration);
  identifai_segmenter_gap (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      timestamp, duration);
}

static void
restart_locked (GstIdentifaiSink * self)
{
  self->caps_refused = FALSE;
  self->started = FALSE;
  if (self->input == GST_IDENTIFAI_INPUT_REFUSED)
    self->input = self->container ? GST_IDENTIFAI_INPUT_CONTAINER :
        GST_IDENTIFAI_INPUT_RAW;
}

/* A new file may come after EOS without a flush: its type is found anew. */
static void
handle_stream_start_locked (GstIdentifaiSink * self)
{
  restart_locked (self);
  if (self->open == NULL && !is_elementary (self)) {
    self->input = GST_IDENTIFAI_INPUT_RAW;
    self->container = NULL;
  }
}

/* Any thread: wakes the video thread, and keeps it from waiting until it is unset. */

static void
set_flushing (GstIdentifaiSink * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_identifai_outbox_set_flushing (self->outbox, flushing);
}

static gboolean
gst_identifai_input_event (GstBaseSink * bsink, GstEvent * event)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);

  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return handle_eos (self, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    set_flushing (self, FALSE);

  g_mutex_lock (&self->lock);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      handle_stream_start_locked (self);
      break;
    case GST_EVENT_SEGMENT:
      handle_segment_locked (self, event);
      break;
    case GST_EVENT_GAP:
      handle_gap_locked (self, event);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_identifai_input_give_up_locked (self, "flushed");
      restart_locked (self);
      self->video_position = GST_CLOCK_TIME_NONE;
      break;
    default:
      break;
  }
  gst_identifai_input_dispatch_locked (self);
  g_mutex_unlock (&self->lock);
  gst_identifai_input_act (self);

  return parent_class->event (bsink, event);
}

/* Queries: muxers ask whether they may seek back; the answers are filesink's. */

static void
answer_seeking (GstIdentifaiSink * self, GstQuery * query)
{
  GstFormat format;

  gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
  if (format == GST_FORMAT_BYTES || format == GST_FORMAT_DEFAULT)
    gst_query_set_seeking (query, GST_FORMAT_BYTES, TRUE, 0, -1);
  else
    gst_query_set_seeking (query, format, FALSE, 0, -1);
}

static gboolean
answer_position_locked (GstIdentifaiSink * self, GstQuery * query)
{
  GstFormat format;

  gst_query_parse_position (query, &format, NULL);
  if (format != GST_FORMAT_BYTES && format != GST_FORMAT_DEFAULT)
    return FALSE;
  gst_query_set_position (query, GST_FORMAT_BYTES,
      self->open ? identifai_bytes_get_position (self->open->file) : 0);

  return TRUE;
}

static gboolean
gst_identifai_input_query (GstBaseSink * bsink, GstQuery * query)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);
  gboolean answered = FALSE;

  g_mutex_lock (&self->lock);
  if (!is_elementary (self)) {
    switch (GST_QUERY_TYPE (query)) {
      case GST_QUERY_SEEKING:
        answer_seeking (self, query);
        answered = TRUE;
        break;
      case GST_QUERY_POSITION:
        answered = answer_position_locked (self, query);
        break;
      case GST_QUERY_FORMATS:
        gst_query_set_formats (query, 2, GST_FORMAT_DEFAULT, GST_FORMAT_BYTES);
        answered = TRUE;
        break;
      default:
        break;
    }
  }
  g_mutex_unlock (&self->lock);

  return answered || parent_class->query (bsink, query);
}

static gboolean
gst_identifai_input_unlock (GstBaseSink * bsink)
{
  set_flushing (GST_IDENTIFAI_SINK (bsink), TRUE);

  return TRUE;
}

/* With the preroll lock. The video thread waits without it, so it may have slept
 * through unlock(): a flush lasts until FLUSH_STOP, the end until the start. */
static gboolean
gst_identifai_input_unlock_stop (GstBaseSink * bsink)
{
  set_flushing (GST_IDENTIFAI_SINK (bsink), bsink->flushing);

  return TRUE;
}

void
gst_identifai_input_init_class (GstBaseSinkClass * klass)
{
  GST_DEBUG_CATEGORY_INIT (identifai_input_debug, "identifaiinput", 0,
      "identifAI: container and video input");

  parent_class = g_type_class_peek_parent (klass);
  klass->set_caps = gst_identifai_input_set_caps;
  klass->preroll = gst_identifai_input_preroll;
  klass->render = gst_identifai_input_render;
  klass->event = gst_identifai_input_event;
  klass->query = gst_identifai_input_query;
  klass->unlock = gst_identifai_input_unlock;
  klass->unlock_stop = gst_identifai_input_unlock_stop;
}
