/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes in on the always pad: elementary video for the segmenter, or a
 * container's bytes (gstidentifairecorder.c). All of it runs on the video streaming
 * thread but what is marked otherwise.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"

#include <gst/video/video-event.h>

#include "gstidentifaicapturetime.h"
#include "gstidentifaierrors.h"
#include "codecs.h"
#include "hold.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* Video may come so much earlier than it is due. */
#define MAX_LEAD ((GstClockTimeDiff) (10 * GST_SECOND))

static GstBaseSinkClass *parent_class = NULL;

static GstClockTime
running_time_of (const GstSegment * segment, GstClockTime time)
{
  gint64 running = -1;

  if (segment->format == GST_FORMAT_TIME)
    running = identifai_running_time (segment, time);

  return running >= 0 ? (GstClockTime) running : GST_CLOCK_TIME_NONE;
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
  self->orientation = NULL;
  self->caps_refused = FALSE;
  self->started = FALSE;
  self->video_held = FALSE;
  self->video_position = GST_CLOCK_TIME_NONE;
  identifai_arrival_pace_init (&self->pace);
  self->first_sound = GST_CLOCK_TIME_NONE;
  self->told_no_video = self->hurry = FALSE;
  self->video_thread = self->sound_thread = NULL;
  self->keyframe_requests = 0;
  self->refused_bytes = self->lost_bytes = self->posted_bytes = 0;
  self->told_container = self->told_idle = FALSE;
  g_clear_pointer (&self->stream_id, g_free);
}

/* Any thread. */
void
gst_identifai_input_drop_locked (GstIdentifaiSink * self,
    GstIdentifaiDrop reason)
{
  IdentifaiSegment *segment;

  if ((segment = g_steal_pointer (&self->in_hand)) != NULL)
    gst_identifai_outbox_drop (self->outbox, segment, reason);
  while ((segment = g_queue_pop_head (&self->files)) != NULL)
    gst_identifai_outbox_drop (self->outbox, segment, reason);
  if ((segment = g_steal_pointer (&self->open)) != NULL)
    gst_identifai_outbox_drop (self->outbox, segment, reason);

  identifai_segmenter_flush (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO);
  while ((segment = identifai_segmenter_pop_flushed (self->segmenter)))
    gst_identifai_outbox_drop (self->outbox, segment, reason);
}

static void
queue_error (GstIdentifaiSink * self, GError * error)
{
  gst_identifai_reporter_queue (self->reporter,
      gst_message_new_error (GST_OBJECT (self), error, NULL));
}

void
gst_identifai_input_post_error (GstIdentifaiSink * self, GError * error)
{
  if (error != NULL)
    queue_error (self, error);
  g_clear_error (&error);
  gst_identifai_reporter_post (self->reporter);
}

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

static const IdentifaiCodec *
get_codec (GstIdentifaiSink * self)
{
  GstCaps *caps = get_pad_caps (GST_BASE_SINK_PAD (self));
  const IdentifaiCodec *codec = caps ? identifai_codec_of_caps (caps) : NULL;

  gst_clear_caps (&caps);

  return codec;
}

/* Handing on what is closed. */

/* The system clock's thread, which the process shares: a segment has waited long
 * enough for its audio. The streaming threads ask for key frames. */
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

  gst_identifai_reporter_post_elsewhere (self->reporter);
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

  /* what is in hand is handed on when there is room */
  if (deadline < 0 || deadline == G_MAXINT64 || self->in_hand != NULL
      || self->timer != NULL || self->stopping)
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

static void
queue_news_locked (GstIdentifaiSink * self)
{
  IdentifaiNews news;

  while (identifai_segmenter_take_news (self->segmenter, &news))
    gst_identifai_reporter_queue (self->reporter,
        gst_identifai_message_news (GST_ELEMENT (self), &news,
            get_codec (self)));
}

gboolean
gst_identifai_input_is_full_locked (GstIdentifaiSink * self)
{
  guint64 bytes = identifai_segmenter_count_sealed (self->segmenter);

  return bytes > 0 && bytes > gst_identifai_outbox_get_space (self->outbox);
}

/* Whether the video thread may be held until sound comes, which it is then. */
static gboolean
holds_for_sound_locked (GstIdentifaiSink * self)
{
  return self->sound_thread != NULL && self->sound_thread != self->video_thread
      && !self->hurry && gst_identifai_outbox_blocks (self->outbox);
}

/* The next one that has its sound. What waits for it without bound gives way where
 * more waits than may. */
static IdentifaiSegment *
pop_segment_locked (GstIdentifaiSink * self)
{
  gint64 now = g_get_monotonic_time ();
  IdentifaiSegment *segment = identifai_segmenter_pop (self->segmenter,
      self->hurry ? G_MAXINT64 : now);

  if (segment == NULL && gst_identifai_input_is_full_locked (self)
      && !holds_for_sound_locked (self))
    segment = identifai_segmenter_pop (self->segmenter, G_MAXINT64);

  return segment;
}

/* Any thread. */
void
gst_identifai_input_dispatch_locked (GstIdentifaiSink * self)
{
  /* why segments fail comes before that they do; what they lack, behind them */
  queue_news_locked (self);
  do {
    if (self->in_hand == NULL)
      self->in_hand = g_queue_pop_head (&self->files);
    if (self->in_hand == NULL)
      self->in_hand = pop_segment_locked (self);
    if (self->in_hand == NULL
        || !gst_identifai_outbox_offer (self->outbox, self->in_hand))
      break;
    self->in_hand = NULL;
  } while (TRUE);

  queue_news_locked (self);     /* of what goes */
  arm_timer_locked (self);
}

void
gst_identifai_input_on_room (gpointer user_data)
{
  GstIdentifaiSink *self = user_data;

  g_mutex_lock (&self->lock);
  if (!self->waits_for_room && !self->stopping)
    gst_identifai_input_dispatch_locked (self);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* Any thread. */
void
gst_identifai_input_set_judging_locked (GstIdentifaiSink * self)
{
  GST_INFO_OBJECT (self, "what comes is %sjudged",
      self->settings.judging ? "" : "not ");
  identifai_segmenter_set_judging (self->segmenter, self->settings.judging);
  gst_identifai_input_dispatch_locked (self);
}

/* Any thread. */
void
gst_identifai_input_act (GstIdentifaiSink * self)
{
  GstClockTime when = GST_CLOCK_TIME_NONE;
  gboolean wanted;
  guint count = 0;

  gst_identifai_reporter_post (self->reporter);

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

/* FALSE with error: there is nothing to judge. */
static gboolean
close_input_locked (GstIdentifaiSink * self, GError ** error)
{
  if (!is_elementary (self))
    return gst_identifai_file_close_locked (self, error);
  identifai_segmenter_eos (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      g_get_monotonic_time ());

  return TRUE;
}

/* Muxers renew their caps within a file, to add stream headers; other ones than
 * before begin another file. */
static void
set_container_locked (GstIdentifaiSink * self,
    const IdentifaiContainer * container, GError ** error)
{
  gboolean changes = is_elementary (self)
      || (self->container != NULL && self->container != container);

  if (changes)
    close_input_locked (self, error);
  if (changes || self->input != GST_IDENTIFAI_INPUT_REFUSED)
    self->input = GST_IDENTIFAI_INPUT_CONTAINER;
  self->container = container;
}

/* With what the tags say of the picture. */
static gboolean
set_video_caps_locked (GstIdentifaiSink * self, GstCaps * caps)
{
  GstCaps *oriented = identifai_codec_orient_caps (caps, self->orientation);
  gboolean taken = gst_identifai_caps_set_locked (self,
      IDENTIFAI_SEGMENTER_VIDEO, oriented);

  gst_caps_unref (oriented);

  return taken;
}

static gboolean
set_elementary_locked (GstIdentifaiSink * self, GstCaps * caps, GError ** error)
{
  if (!is_elementary (self)) {
    close_input_locked (self, error);
    self->container = NULL;
    self->input = GST_IDENTIFAI_INPUT_ELEMENTARY;
    identifai_segmenter_set_segment (self->segmenter,
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

  GST_DEBUG_OBJECT (self, "%" GST_PTR_FORMAT, caps);

  g_mutex_lock (&self->lock);
  if (container != NULL)
    set_container_locked (self, container, &error);
  else
    accepted = set_elementary_locked (self, caps, &error);
  gst_identifai_input_dispatch_locked (self);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_post_error (self, error);
  gst_identifai_input_act (self);

  return accepted;
}

/* The first buffer of a stream. */

static gboolean
is_real_time (GstIdentifaiSink * self)
{
  return self->live || self->pace.state == IDENTIFAI_ARRIVAL_PACE_REAL_TIME;
}

static void
apply_pace_locked (GstIdentifaiSink * self)
{
  static const gchar *const names[] = { "unknown", "real time",
    "faster than real time"
  };

  GST_INFO_OBJECT (self, "upstream says that it is %slive; its pace: %s",
      self->live ? "" : "not ", names[self->pace.state]);
  gst_identifai_outbox_set_live (self->outbox, is_real_time (self));
}

/* How long a segment that ends with this buffer waits for its sound: live, until
 * that is due by the clock and the latency, and a moment longer. */
static gint64
get_patience (GstIdentifaiSink * self, GstClockTime position)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);
  GstClock *clock = gst_element_get_clock (GST_ELEMENT (self));
  GstClockTimeDiff lead = 0;

  if (clock != NULL && GST_CLOCK_TIME_IS_VALID (position))
    lead = GST_CLOCK_DIFF (gst_clock_get_time (clock),
        gst_element_get_base_time (GST_ELEMENT (self)) + position
        + gst_base_sink_get_latency (bsink));
  gst_clear_object (&clock);

  return CLAMP (lead, 0, MAX_LEAD) / GST_USECOND + IDENTIFAI_AUDIO_PATIENCE;
}

static gboolean
is_live (GstPad * pad)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (pad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  gst_query_unref (query);

  return live;
}

static gboolean
has_length (GstPad * pad, GstFormat format)
{
  gint64 length = -1;

  return gst_pad_peer_query_duration (pad, format, &length) && length > 0;
}

static gchar *
dup_uri (GstPad * pad)
{
  GstQuery *query = gst_query_new_uri ();
  gchar *uri = NULL;

  if (gst_pad_peer_query (pad, query))
    gst_query_parse_uri (query, &uri);
  gst_query_unref (query);

  return uri;
}

static void
ask_upstream (GstIdentifaiSink * self)
{
  GstPad *pad = GST_BASE_SINK_PAD (self);
  gboolean live = is_live (pad), has_size = has_length (pad, GST_FORMAT_BYTES);
  gboolean has_end = has_size || has_length (pad, GST_FORMAT_TIME);
  gchar *uri = dup_uri (pad);

  g_mutex_lock (&self->lock);
  self->live = live;
  self->has_size = has_size;
  self->has_length = has_end;
  g_free (self->uri);
  self->uri = uri;
  apply_pace_locked (self);
  g_mutex_unlock (&self->lock);
}

/* Elementary input. */

/* More than one file's bytes are not taken on trial. */
static void
watch_pace_locked (GstIdentifaiSink * self, GstBuffer * buffer,
    GstClockTime position, gint64 now)
{
  IdentifaiSegmenterStats stats;
  gboolean changed = identifai_arrival_pace_push (&self->pace, now, position,
      GST_BUFFER_DURATION (buffer));

  if (self->pace.on_trial) {
    identifai_segmenter_get_stats (self->segmenter, &stats);
    changed = stats.bytes > self->settings.max_segment_bytes;
    if (changed)
      identifai_arrival_pace_end_trial (&self->pace);
  }
  if (changed)
    apply_pace_locked (self);
}

static GstFlowReturn
render_frame (GstIdentifaiSink * self, GstBuffer * buffer)
{
  const GstSegment *segment = &GST_BASE_SINK (self)->segment;
  IdentifaiCaptureTime arrival;
  GstClockTime position;
  gboolean waits, is_full;
  gint64 patience;

  gst_identifai_capture_time_read (GST_ELEMENT (self), segment, buffer,
      self->live, &arrival);
  position = running_time_of (segment, GST_BUFFER_DTS_OR_PTS (buffer));

  patience = get_patience (self, position);

  g_mutex_lock (&self->lock);
  self->video_thread = g_thread_self ();
  if (GST_CLOCK_TIME_IS_VALID (position))
    self->video_position = position;
  identifai_segmenter_set_patience (self->segmenter,
      is_real_time (self) ? patience : -1, arrival.monotonic);
  watch_pace_locked (self, buffer, position, arrival.monotonic);
  if (self->boosted != gst_identifai_outbox_is_boosted (self->outbox))
    gst_identifai_sink_configure_segmenter_locked (self);
  identifai_segmenter_push (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      identifai_buffer_hold (buffer), &arrival);
  gst_identifai_input_dispatch_locked (self);
  waits = (self->in_hand != NULL && !self->pace.on_trial);
  is_full = (self->in_hand == NULL
      && gst_identifai_input_is_full_locked (self));
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
  if (is_full)
    return gst_identifai_drain_wait_for_sound (self);

  return waits ? gst_identifai_drain_hold (self) : GST_FLOW_OK;
}

static GstFlowReturn
gst_identifai_input_render (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiSink *self = GST_IDENTIFAI_SINK (bsink);
  gboolean first, elementary;
  GstFlowReturn ret;

  g_mutex_lock (&self->lock);
  first = !self->started;
  self->started = TRUE;
  gst_identifai_silence_end_locked (self);
  if (self->video_held)
    identifai_arrival_pace_resume (&self->pace, g_get_monotonic_time ());
  self->video_held = FALSE;
  elementary = is_elementary (self);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  if (first) {
    ask_upstream (self);
    if (!gst_identifai_file_fits (self, buffer)) {
      gst_identifai_outbox_sum_up (self->outbox, FALSE);
      gst_identifai_reporter_post (self->reporter);
      return GST_FLOW_ERROR;
    }
    ret = gst_identifai_drain_wait_for_earlier (self);
    if (ret != GST_FLOW_OK)
      return ret;
  }

  return elementary ? render_frame (self, buffer) :
      gst_identifai_file_render (self, buffer);
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

static void
check_empty_locked (GstIdentifaiSink * self, GError ** error)
{
  IdentifaiSegmenterStats stats;

  if (self->next_number > 0 || self->caps_refused
      || self->input == GST_IDENTIFAI_INPUT_REFUSED)
    return;

  identifai_segmenter_get_stats (self->segmenter, &stats);
  if (stats.n_bytes == 0 && stats.withheld > 0)
    return;
  *error = gst_identifai_error_nothing (&stats, get_codec (self));
}

/* Takes over the event. */
static gboolean
handle_eos (GstIdentifaiSink * self, GstEvent * eos)
{
  GError *error = NULL;

  g_mutex_lock (&self->lock);
  if (close_input_locked (self, &error))
    check_empty_locked (self, &error);
  g_mutex_unlock (&self->lock);
  gst_identifai_input_post_error (self, error);

  if (gst_identifai_drain (self) != GST_FLOW_OK) {
    gst_event_unref (eos);
    return FALSE;
  }

  return parent_class->event (GST_BASE_SINK (self), eos);
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
    gst_identifai_file_seek_locked (self, segment);
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
  if (is_elementary (self) && caps)
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

  gst_identifai_silence_end_locked (self);
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
  self->started = self->hurry = FALSE;
  identifai_arrival_pace_restart (&self->pace);
  if (self->input == GST_IDENTIFAI_INPUT_REFUSED)
    self->input = self->container ? GST_IDENTIFAI_INPUT_CONTAINER :
        GST_IDENTIFAI_INPUT_RAW;
}

/* A new file may come after EOS without a flush: its type is found anew. Video
 * of another stream (a source that reconnects, concat) doesn't build on what came
 * before. */
static void
handle_stream_start_locked (GstIdentifaiSink * self, GstEvent * event)
{
  const gchar *id;

  gst_event_parse_stream_start (event, &id);
  if (is_elementary (self) && g_strcmp0 (id, self->stream_id) != 0)
    identifai_segmenter_change_stream (self->segmenter);
  if (g_strcmp0 (id, self->stream_id) != 0)
    set_orientation_locked (self, NULL);
  g_free (self->stream_id);
  self->stream_id = g_strdup (id);
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

/* Takes over the event. The base class asks GstSegment for running times, too. */
static GstEvent *
bound_segment (GstEvent * event)
{
  GstSegment segment;
  GstEvent *bounded;

  gst_event_copy_segment (event, &segment);
  if (!identifai_running_bound_segment (&segment))
    return event;
  bounded = gst_event_new_segment (&segment);
  gst_event_set_seqnum (bounded, gst_event_get_seqnum (event));
  gst_event_unref (event);

  return bounded;
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
      handle_stream_start_locked (self, event);
      break;
    case GST_EVENT_SEGMENT:
      event = bound_segment (event);
      handle_segment_locked (self, event);
      break;
    case GST_EVENT_TAG:
      handle_tags_locked (self, event);
      break;
    case GST_EVENT_GAP:
      handle_gap_locked (self, event);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_identifai_input_drop_locked (self, GST_IDENTIFAI_DROP_FLUSHED);
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

/* The base class wants all the fields of the template. */
static gboolean
answer_accept_caps (GstIdentifaiSink * self, GstQuery * query)
{
  GstPad *pad = GST_BASE_SINK_PAD (self);
  GstCaps *caps, *usual;

  gst_query_parse_accept_caps (query, &caps);
  if (!gst_caps_is_fixed (caps))
    return FALSE;
  usual = identifai_codec_usual_caps (caps);
  gst_query_set_accept_caps_result (query, gst_caps_is_subset (usual,
          GST_PAD_TEMPLATE_CAPS (GST_PAD_PAD_TEMPLATE (pad))));
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

  g_mutex_lock (&self->lock);
  answered = !is_elementary (self)
      && gst_identifai_file_query_locked (self, query);
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
  parent_class = g_type_class_peek_parent (klass);
  klass->set_caps = gst_identifai_input_set_caps;
  klass->preroll = gst_identifai_input_preroll;
  klass->render = gst_identifai_input_render;
  klass->event = gst_identifai_input_event;
  klass->query = gst_identifai_input_query;
  klass->unlock = gst_identifai_input_unlock;
  klass->unlock_stop = gst_identifai_input_unlock_stop;
}
