/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaispeechsink: sound is judged as speech; what comes in goes through a SoundCutter.
 * Threads and locks: gstidentifaibasesink.h.
 */

/**
 * SECTION:element-identifaispeechsink
 * @title: identifaispeechsink
 * @short_description: judges speech with identifAI's classification service
 *
 * identifaispeechsink cuts a stream of sound into segments, posts each to identifAI's
 * audio classification endpoint, and posts the verdicts as element messages and as
 * tags. Encoded sound goes out as it is, in a file of its kind; raw sound as FLAC.
 *
 * The service refuses files of less than 3 s: a rest that is shorter joins the segment
 * before, which is kept for as long as it takes to know, or is dropped (`too-short`).
 *
 * Messages, tags, statistics and what goes wrong are those of identifaisink.
 *
 * ## Example
 * |[
 * IDENTIFAI_API_KEY=… gst-launch-1.0 -m souphttpsrc location=http://…/radio is-live=true ! \
 *     icydemux ! parsebin ! identifaispeechsink on-refusal=warn
 * ]| Judges a radio station, 15 s at a time.
 * |[
 * … filesrc location=speech.wav ! wavparse ! identifaispeechsink
 * ]| Judges a recording.
 *
 * Since: 0.2
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaispeechsink.h"

#include <gst/base/gsttypefindhelper.h>

#include "gstidentifaicapturetime.h"
#include "gstidentifaidrain.h"
#include "gstidentifaierrors.h"
#include "clock.h"
#include "codecs.h"
#include "log.h"
#include "runningtime.h"
#include "soundfile.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#define LONGEST ((GstClockTime) G_MAXINT64 / 4)

/* A segment isn't kept any longer where nothing has come for that time. */
#define KEEP (IDENTIFAI_SHORTEST_SOUND + 2 * GST_SECOND)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (IDENTIFAI_AUDIO_CAPS));

G_DEFINE_TYPE (GstIdentifaiSpeechSink, gst_identifai_speech_sink,
    GST_TYPE_IDENTIFAI_BASE_SINK);
GST_ELEMENT_REGISTER_DEFINE (identifaispeechsink, "identifaispeechsink",
    GST_RANK_NONE, GST_TYPE_IDENTIFAI_SPEECH_SINK);

/* Segments. */

static void
on_opened (IdentifaiSegment * segment, gpointer user_data)
{
  GstIdentifaiSpeechSink *self = user_data;

  gst_identifai_engine_open_segment_locked (self->engine, segment);
}

static void
on_joined (IdentifaiSegment * segment, gpointer user_data)
{
  GstIdentifaiSpeechSink *self = user_data;

  self->engine->next_number = segment->number;
}

/* What the cutter has made goes to the engine. */
static void
collect_locked (GstIdentifaiSpeechSink * self)
{
  IdentifaiSegment *segment;
  gboolean is_short;

  while ((segment = identifai_sound_cutter_pop (self->cutter, &is_short))) {
    if (is_short)
      gst_identifai_outbox_drop (self->engine->outbox, segment,
          GST_IDENTIFAI_DROP_TOO_SHORT);
    else
      g_queue_push_tail (&self->engine->files, segment);
  }
  gst_identifai_engine_dispatch_locked (self->engine);
}

static void
configure_locked (GstIdentifaiSpeechSink * self)
{
  const GstIdentifaiSettings *settings = &self->engine->settings;
  IdentifaiSoundSettings cut = {
    .duration = settings->segment_duration,
    .interval = MIN (settings->segment_interval, LONGEST),
    /* less what a file has besides */
    .max_bytes = settings->max_segment_bytes - settings->max_segment_bytes / 50,
  };

  if (cut.duration > LONGEST)
    cut.duration = 0;
  self->boosted = gst_identifai_outbox_is_boosted (self->engine->outbox);
  if (self->boosted)
    cut.interval = 0;
  GST_DEBUG_OBJECT (self, "segments of %" GST_TIME_FORMAT " each %"
      GST_TIME_FORMAT ", %" G_GUINT64_FORMAT " bytes of sound at most%s",
      GST_TIME_ARGS (cut.duration), GST_TIME_ARGS (cut.interval),
      (guint64) cut.max_bytes,
      self->boosted ? ", without pauses by the policy" : "");
  identifai_sound_cutter_configure (self->cutter, GST_OBJECT_NAME (self), &cut);
}

static void
reset_locked (GstIdentifaiBaseSink * base)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (base);

  identifai_sound_cutter_reset (self->cutter);
  configure_locked (self);
  self->has_caps = self->refused = self->reverse = FALSE;
  g_clear_pointer (&self->latm, identifai_latm_free);
  self->n_came = 0;
}

static void
stop_timer_locked (GstIdentifaiSpeechSink * self)
{
  if (self->timer == NULL)
    return;
  gst_clock_id_unschedule (self->timer);
  gst_clock_id_unref (self->timer);
  self->timer = NULL;
}

static void
drop_locked (GstIdentifaiBaseSink * base, GstIdentifaiDrop reason)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (base);
  IdentifaiSegment *segment;

  stop_timer_locked (self);
  gst_identifai_engine_drop_locked (self->engine, reason);
  while ((segment = identifai_sound_cutter_pop_flushed (self->cutter)))
    gst_identifai_outbox_drop (self->engine->outbox, segment, reason);
  if (self->latm != NULL)
    identifai_latm_clear (self->latm);
}

static gdouble
get_coverage_locked (GstIdentifaiBaseSink * base)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (base);
  GstClockTime seen, covered;

  identifai_sound_cutter_get_times (self->cutter, &seen, &covered);

  return seen > 0 ? MIN ((gdouble) covered / seen, 1) : 0.0;
}

/* A stream that stops, and doesn't say so. */

typedef struct
{
  GWeakRef element;
} TimerData;

static void
timer_data_free (gpointer user_data)
{
  TimerData *data = user_data;

  g_weak_ref_clear (&data->element);
  g_free (data);
}

static void set_timer_locked (GstIdentifaiSpeechSink * self);

/* The system clock's thread. */
static gboolean
on_timer (GstClock * clock, GstClockTime time, GstClockID id,
    gpointer user_data)
{
  TimerData *data = user_data;
  GstIdentifaiSpeechSink *self = g_weak_ref_get (&data->element);

  if (self == NULL)
    return FALSE;

  g_mutex_lock (&self->engine->lock);
  if (id == self->timer) {
    gst_clock_id_unref (self->timer);
    self->timer = NULL;
    if (self->n_came == self->n_came_before && !self->parent.held) {
      GST_INFO_OBJECT (self, "nothing comes: what is kept isn't any longer");
      identifai_sound_cutter_release (self->cutter);
      collect_locked (self);
    } else {
      set_timer_locked (self);
    }
  }
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_reporter_post_elsewhere (self->engine->reporter);
  gst_object_unref (self);

  return TRUE;
}

/* While a segment is kept. */
static void
set_timer_locked (GstIdentifaiSpeechSink * self)
{
  GstClock *clock;
  TimerData *data;
  guint number;

  if (self->timer != NULL
      || !identifai_sound_cutter_keeps (self->cutter, &number))
    return;
  clock = gst_system_clock_obtain ();
  data = g_new (TimerData, 1);
  g_weak_ref_init (&data->element, self);
  self->n_came_before = self->n_came;
  self->timer = gst_clock_new_single_shot_id (clock, gst_clock_get_time (clock)
      + KEEP);
  GST_LOG_OBJECT (self, "segment %u is kept for %" GST_TIME_FORMAT " at most",
      number, GST_TIME_ARGS (KEEP));
  gst_clock_id_wait_async (self->timer, on_timer, data, timer_data_free);
  gst_object_unref (clock);
}

/* Caps. */

/* What it can't do anything with is an error of the stream. Takes over text. */
static void
refuse_locked (GstIdentifaiSpeechSink * self, gint code, gchar * text)
{
  GST_DEBUG_OBJECT (self, "refused%s: %s", self->refused ? " before" : "",
      text);
  if (!self->refused)
    gst_identifai_engine_queue_error (self->engine,
        g_error_new_literal (GST_STREAM_ERROR, code, text));
  self->refused = TRUE;
  g_free (text);
}

static gboolean
take_caps_locked (GstIdentifaiSpeechSink * self, GstCaps * caps)
{
  gboolean is_loas = identifai_codec_is_loas (caps);
  GError *error = NULL;

  if (is_loas && self->latm == NULL) {
    GST_DEBUG_OBJECT (self, "AAC is taken out of LOAS");
    self->latm = identifai_latm_new (GST_OBJECT_NAME (self));
  }
  if (!is_loas)
    g_clear_pointer (&self->latm, identifai_latm_free);
  if (!is_loas && !identifai_sound_file_check_caps (GST_OBJECT_NAME (self),
          caps, &error)) {
    refuse_locked (self, GST_STREAM_ERROR_CODEC_NOT_FOUND,
        g_strdup (error->message));
    g_error_free (error);
    return FALSE;
  }
  self->has_caps = TRUE;
  if (!is_loas)
    identifai_sound_cutter_set_caps (self->cutter, caps);

  return TRUE;
}

static gboolean
gst_identifai_speech_sink_set_caps (GstBaseSink * bsink, GstCaps * caps)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (bsink);
  gboolean taken;

  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, caps);
  g_mutex_lock (&self->engine->lock);
  taken = take_caps_locked (self, caps);
  collect_locked (self);
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_drain_act (&self->parent);

  return taken;
}

/* Buffers. */

/* Bytes without caps: what should stand in between. */
static gchar *
describe_bytes (GstBuffer * buffer)
{
  GstCaps *caps = gst_type_find_helper_for_buffer (NULL, buffer, NULL);
  gchar *text = g_strdup_printf ("This is %s, and not a stream of sound: put "
      "parsebin in front of identifaispeechsink.", caps == NULL ? "a file" :
      gst_structure_get_name (gst_caps_get_structure (caps, 0)));

  gst_clear_caps (&caps);

  return text;
}

static gboolean
is_same (GstBuffer * buffer, const GValue * header)
{
  GstBuffer *other = GST_VALUE_HOLDS_BUFFER (header) ?
      gst_value_get_buffer (header) : NULL;
  gboolean same = FALSE;
  GstMapInfo map;

  if (other == NULL
      || gst_buffer_get_size (other) != gst_buffer_get_size (buffer)
      || !gst_buffer_map (other, &map, GST_MAP_READ))
    return FALSE;
  same = gst_buffer_memcmp (buffer, 0, map.data, map.size) == 0;
  gst_buffer_unmap (other, &map);

  return same;
}

static gboolean
is_in_caps (GstIdentifaiSpeechSink * self, GstBuffer * buffer)
{
  GstCaps *caps = gst_pad_get_current_caps (GST_BASE_SINK_PAD (self));
  const GValue *headers = caps ?
      gst_structure_get_value (gst_caps_get_structure (caps, 0),
      "streamheader") : NULL;
  gboolean found = FALSE;
  guint i, n = 0;

  if (headers != NULL && GST_VALUE_HOLDS_ARRAY (headers))
    n = gst_value_array_get_size (headers);
  for (i = 0; i < n && !found; i++)
    found = is_same (buffer, gst_value_array_get_value (headers, i));
  gst_clear_caps (&caps);

  return found;
}

/* Codec headers have no time, and are in the caps, too: each file has those. */
static gboolean
is_header (GstIdentifaiSpeechSink * self, GstBuffer * buffer)
{
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    return FALSE;

  return GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER)
      || is_in_caps (self, buffer);
}

/* Takes over the buffer. */
static void
push_locked (GstIdentifaiSpeechSink * self, GstBuffer * buffer)
{
  const GstSegment *segment = &GST_BASE_SINK (self)->segment;
  IdentifaiCaptureTime arrival;
  IdentifaiSoundBuffer item = {.buffer = buffer,.rate = segment->rate };

  gst_identifai_capture_time_read (GST_ELEMENT (self), segment, buffer,
      self->engine->live, &arrival);
  item.utc = arrival.utc;
  item.arrival = arrival.monotonic;
  item.time = gst_identifai_base_sink_get_running_time (&self->parent,
      GST_BUFFER_PTS (buffer));
  item.stream_time = GST_CLOCK_TIME_NONE;
  if (segment->format == GST_FORMAT_TIME)
    item.stream_time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME,
        GST_BUFFER_PTS (buffer));
  item.duration = GST_BUFFER_DURATION (buffer);
  if (!identifai_sound_cutter_push (self->cutter, &item))
    refuse_locked (self, GST_STREAM_ERROR_FORMAT, g_strdup ("The sound has "
            "neither timestamps that go on nor durations. Put a parser of its "
            "codec (or parsebin) in front of identifaispeechsink."));
}

/* The same. */
static void
unpack_locked (GstIdentifaiSpeechSink * self, GstBuffer * buffer)
{
  GstBuffer *frame;

  identifai_latm_push (self->latm, buffer);
  while ((frame = identifai_latm_pop (self->latm)) != NULL) {
    identifai_sound_cutter_set_caps (self->cutter,
        identifai_latm_get_caps (self->latm));
    push_locked (self, frame);
  }
}

/* Backwards it is no sound that can be judged. TRUE: it is played so. */
static gboolean
is_reverse_locked (GstIdentifaiSpeechSink * self)
{
  gboolean reverse = GST_BASE_SINK (self)->segment.rate < 0;
  IdentifaiNews news = {
    .kind = IDENTIFAI_NEWS_FLAW,
    .flaw = IDENTIFAI_FLAW_REVERSE,
    .is_over = !reverse,
  };

  if (reverse != self->reverse)
    GST_INFO_OBJECT (self, "played %s", reverse ? "in reverse, which isn't "
        "judged" : "forwards again");
  if (reverse != self->reverse)
    gst_identifai_engine_queue (self->engine,
        gst_identifai_message_news (GST_ELEMENT (self), &news, NULL));
  self->reverse = reverse;

  return reverse;
}

/* Takes over the buffer. */
static void
take_locked (GstIdentifaiSpeechSink * self, GstBuffer * buffer)
{
  if (!self->has_caps)
    refuse_locked (self, GST_STREAM_ERROR_WRONG_TYPE, describe_bytes (buffer));
  if (self->boosted != gst_identifai_outbox_is_boosted (self->engine->outbox))
    configure_locked (self);
  self->n_came++;
  if (self->refused || gst_buffer_get_size (buffer) == 0) {
    GST_LOG_OBJECT (self, "a buffer isn't used: %s",
        self->refused ? "the stream is refused" : "it is empty");
    gst_buffer_unref (buffer);
  } else if (!self->engine->settings.judging || is_reverse_locked (self)) {
    GST_LOG_OBJECT (self, "a buffer isn't used: %s",
        self->reverse ? "played in reverse" : "judging is off");
    identifai_sound_cutter_break (self->cutter);
    gst_buffer_unref (buffer);
  } else if (is_header (self, buffer)) {
    GST_LOG_OBJECT (self, "a header: %" GST_PTR_FORMAT, buffer);
    gst_buffer_unref (buffer);
  } else if (self->latm != NULL) {
    unpack_locked (self, buffer);
  } else {
    push_locked (self, buffer);
  }
  collect_locked (self);
  set_timer_locked (self);
}

static GstFlowReturn
take (GstIdentifaiBaseSink * base, GstBuffer * buffer)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (base);
  GstIdentifaiEngine *engine = self->engine;
  GstClockTime position = gst_identifai_base_sink_get_running_time (base,
      GST_BUFFER_PTS (buffer));
  gboolean waits, refused;
  GstFlowReturn ret;

  g_mutex_lock (&engine->lock);
  if (GST_CLOCK_TIME_IS_VALID (position))
    gst_identifai_engine_watch_pace_locked (engine, buffer, position,
        identifai_clock_now ());
  take_locked (self, buffer);
  refused = self->refused;
  waits = (engine->in_hand != NULL && !engine->pace.on_trial);
  g_mutex_unlock (&engine->lock);

  ret = gst_identifai_drain_act (base);
  if (ret == GST_FLOW_OK && refused)
    return GST_FLOW_ERROR;

  return ret == GST_FLOW_OK && waits ? gst_identifai_drain_hold (base) : ret;
}

/* The stream. */

static void
finish_locked (GstIdentifaiBaseSink * base, GError ** error)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (base);

  GST_DEBUG_OBJECT (self, "the stream is over: what is open is closed");
  identifai_sound_cutter_break (self->cutter);
  collect_locked (self);
  if (self->reverse && self->engine->next_number == 0)
    g_set_error_literal (error, GST_STREAM_ERROR,
        GST_STREAM_ERROR_NOT_IMPLEMENTED, "The stream was played in reverse: "
        "nothing was judged. Play it forwards.");
  else if (self->n_came == 0 && self->engine->next_number == 0)
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "The stream is empty: nothing was judged. Check the source.");
}

static void
restart_locked (GstIdentifaiSpeechSink * self)
{
  self->refused = FALSE;
  gst_identifai_engine_restart_locked (self->engine);
}

static void
handle_event_locked (GstIdentifaiBaseSink * base, GstEvent * event)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (base);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      identifai_sound_cutter_break (self->cutter);
      collect_locked (self);
      restart_locked (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      restart_locked (self);
      break;
    default:
      break;
  }
}

/* Its life. */

static void
gst_identifai_speech_sink_finalize (GObject * object)
{
  GstIdentifaiSpeechSink *self = GST_IDENTIFAI_SPEECH_SINK (object);

  identifai_sound_cutter_free (self->cutter);
  g_clear_pointer (&self->latm, identifai_latm_free);

  G_OBJECT_CLASS (gst_identifai_speech_sink_parent_class)->finalize (object);
}

static void
gst_identifai_speech_sink_init (GstIdentifaiSpeechSink * self)
{
  static const IdentifaiSoundFuncs funcs = {
    .opened = on_opened,
    .joined = on_joined,
  };

  gst_identifai_base_sink_set_up (&self->parent,
      GST_IDENTIFAI_ELEMENT_SPEECH_SINK);
  self->engine = self->parent.engine;
  self->cutter = identifai_sound_cutter_new (&funcs, self);
}

static void
gst_identifai_speech_sink_class_init (GstIdentifaiSpeechSinkClass * klass)
{
  GstIdentifaiBaseSinkClass *base_class = GST_IDENTIFAI_BASE_SINK_CLASS (klass);

  gst_identifai_base_sink_set_up_class (klass,
      GST_IDENTIFAI_ELEMENT_SPEECH_SINK, gst_identifai_speech_sink_finalize,
      &sink_template, "identifAI speech sink", "Audio", "speech");

  GST_BASE_SINK_CLASS (klass)->set_caps = gst_identifai_speech_sink_set_caps;
  base_class->reset_locked = reset_locked;
  base_class->drop_locked = drop_locked;
  base_class->get_coverage_locked = get_coverage_locked;
  base_class->handle_event_locked = handle_event_locked;
  base_class->take = take;
  base_class->finish_locked = finish_locked;
}
