/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "audiostream.h"
#include "hold.h"
#include "codecs.h"
#include "log.h"
#include "runningtime.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

/* Bytes a second of a stream that has not come yet, and the share by which one
 * that has may grow. */
#define UNKNOWN_RATE (256 * 1000 / 8)
#define UNKNOWN_BUFFERS 50
#define MARGIN_NUM 5
#define MARGIN_DENOM 4

#define SLACK (100 * (gint64) GST_MSECOND)      /* of bad clocks */
#define STEP_BACK ((gint64) GST_SECOND) /* no jitter, nor a packet that was late */
#define MOST_BACK (10 * (gint64) GST_SECOND)

/* Of what waits for a segment that doesn't open. */
#define MAX_WAITING (30 * (gint64) GST_SECOND)

IdentifaiAudioStream *
identifai_audio_stream_new (guint id)
{
  IdentifaiAudioStream *self = g_new0 (IdentifaiAudioStream, 1);

  self->id = id;
  self->linked = TRUE;
  self->position = self->end = IDENTIFAI_NO_TIME;
  self->first = self->before = IDENTIFAI_NO_TIME;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  g_queue_init (&self->waiting);

  return self;
}

void
identifai_audio_stream_free (IdentifaiAudioStream * self)
{
  identifai_audio_stream_flush (self);
  gst_clear_caps (&self->caps);
  g_clear_pointer (&self->latm, identifai_latm_free);
  g_free (self);
}

IdentifaiAudioBuffer *
identifai_audio_stream_peek (IdentifaiAudioStream * self)
{
  return g_queue_peek_head (&self->waiting);
}

void
identifai_audio_stream_drop (IdentifaiAudioStream * self)
{
  IdentifaiAudioBuffer *head = g_queue_pop_head (&self->waiting);

  if (head->buffer)
    self->waiting_bytes -= gst_buffer_get_size (head->buffer);
  gst_clear_buffer (&head->buffer);
  gst_caps_unref (head->caps);
  g_free (head);
}

void
identifai_audio_stream_leave_out (IdentifaiAudioStream * self,
    gboolean left_out)
{
  self->left_out = left_out;
  while (left_out && !g_queue_is_empty (&self->waiting))
    identifai_audio_stream_drop (self);
}

void
identifai_audio_stream_flush (IdentifaiAudioStream * self)
{
  while (!g_queue_is_empty (&self->waiting))
    identifai_audio_stream_drop (self);
  self->eos = self->lossy = self->starts_over = FALSE;
  self->rebase = 0;
  self->position = self->end = IDENTIFAI_NO_TIME;
  self->first = self->before = IDENTIFAI_NO_TIME;
  self->total_bytes = self->n_total = 0;
  if (self->latm)
    identifai_latm_clear (self->latm);
}

void
identifai_audio_stream_set_caps (IdentifaiAudioStream * self, GstCaps * caps)
{
  GstCaps *usual = identifai_codec_usual_caps (caps);

  g_clear_pointer (&self->latm, identifai_latm_free);
  if (identifai_codec_is_loas (caps))
    self->latm = identifai_latm_new ();
  gst_caps_replace (&self->caps, usual);
  gst_caps_unref (usual);
}

/* Codec headers that come as buffers, too, are in the caps already. */
static gboolean
is_header (GstBuffer * buffer)
{
  guint8 start[8] = { 0, };

  if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    return FALSE;
  gst_buffer_extract (buffer, 0, start, sizeof (start));

  return (start[0] & 1 && memcmp (start + 1, "vorbis", 6) == 0)
      || memcmp (start, "Opus", 4) == 0 || memcmp (start, "fLaC", 4) == 0
      || (start[0] == 0x7f && memcmp (start + 1, "FLAC", 4) == 0)
      || !GST_BUFFER_PTS_IS_VALID (buffer);
}

static void
advance (IdentifaiAudioStream * self, gint64 time, gint64 length)
{
  if (length != IDENTIFAI_NO_TIME)
    time += length;
  self->position = MAX (self->position, time);
}

static void
advance_to_buffer (IdentifaiAudioStream * self, gint64 time, gint64 length)
{
  advance (self, time, length);
  self->end = time + (length != IDENTIFAI_NO_TIME ? length : 0);
}

static IdentifaiAudioBuffer *
new_item (IdentifaiAudioStream * self, gint64 time, gint64 duration)
{
  IdentifaiAudioBuffer *item = g_new0 (IdentifaiAudioBuffer, 1);

  item->caps = gst_caps_ref (self->caps);
  item->time = time;
  item->duration = duration;
  item->starts_over = self->starts_over;
  self->starts_over = FALSE;

  return item;
}

static void
add_item (IdentifaiAudioStream * self, IdentifaiAudioBuffer * item)
{
  g_queue_push_tail (&self->waiting, item);
  while (item->time - identifai_audio_stream_peek (self)->time > MAX_WAITING)
    identifai_audio_stream_drop (self);
}

/* Upstream starts over, or repeats what it sent. What waits is for the video of
 * before, if that still comes. */
static void
note_start (IdentifaiAudioStream * self, gint64 time)
{
  if (self->end == IDENTIFAI_NO_TIME || time >= self->end - STEP_BACK)
    return;
  GST_DEBUG ("sound %u goes back from %" GST_STIME_FORMAT " to %"
      GST_STIME_FORMAT, self->id, GST_STIME_ARGS (self->end),
      GST_STIME_ARGS (time));
  self->starts_over = TRUE;
  self->before = self->position;
  self->first -= self->position - time;
  self->position = time;
}

/* Takes over the buffer. */
static void
keep (IdentifaiAudioStream * self, GstBuffer * buffer, gint64 time,
    gint64 duration)
{
  IdentifaiAudioBuffer *item = new_item (self, time, duration);

  item->buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_PTS (item->buffer) = time + (gint64) IDENTIFAI_TRACK_EPOCH;
  GST_BUFFER_DTS (item->buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_FLAG_UNSET (item->buffer, GST_BUFFER_FLAG_DISCONT);
  self->waiting_bytes += gst_buffer_get_size (item->buffer);
  add_item (self, item);
}

void
identifai_audio_stream_set_segment (IdentifaiAudioStream * self,
    const GstSegment * segment)
{
  if (!identifai_running_is_same (&self->segment, segment)) {
    self->lossy = TRUE;
    self->rebase = 0;
  }
  gst_segment_copy_into (segment, &self->segment);
}

/* A step back that nothing explains: the buffer follows the one before. A gap
 * afterwards makes up for it. Gap events are no measure: qtdemux's say that there
 * is nothing for three seconds, and then it comes. */
static gint64
rebase (IdentifaiAudioStream * self, gint64 time)
{
  gint64 gap = 0;

  if (!self->lossy && self->end != IDENTIFAI_NO_TIME)
    gap = time + self->rebase - self->end;
  if (gap < -SLACK && gap >= -MOST_BACK)
    self->rebase -= gap;
  else if (gap > SLACK)
    self->rebase -= MIN (self->rebase, gap);

  return time + self->rebase;
}

static gint64
get_time (IdentifaiAudioStream * self, GstBuffer * buffer)
{
  gint64 time =
      identifai_running_time (&self->segment, GST_BUFFER_PTS (buffer));

  if (time == IDENTIFAI_NO_TIME)
    time = identifai_running_time (&self->segment, GST_BUFFER_DTS (buffer));
  if (time != IDENTIFAI_NO_TIME)
    return rebase (self, time);

  /* it follows the one before */
  return self->position < IDENTIFAI_MAX_RUNNING ? self->position :
      IDENTIFAI_NO_TIME;
}

/* Takes over a buffer as it goes into a file. */
static void
push_frame (IdentifaiAudioStream * self, GstBuffer * buffer)
{
  gint64 time = get_time (self, buffer);
  gint64 duration = identifai_running_duration (&self->segment,
      GST_BUFFER_DURATION (buffer));

  if (self->caps == NULL || is_header (buffer) || time == IDENTIFAI_NO_TIME
      || time < -(gint64) IDENTIFAI_TRACK_EPOCH) {
    gst_buffer_unref (buffer);
    return;
  }
  self->lossy = FALSE;
  if (self->first == IDENTIFAI_NO_TIME)
    self->first = time;
  note_start (self, time);
  self->total_bytes += gst_buffer_get_size (buffer);
  self->n_total++;
  advance_to_buffer (self, time, duration);
  if (self->left_out) {
    gst_buffer_unref (buffer);
    return;
  }
  keep (self, buffer, time, duration);
}

/* What can't be read, or not yet. */
static void
count_lost (IdentifaiAudioStream * self, GstBuffer * buffer)
{
  gint64 time = get_time (self, buffer);
  gint64 duration = identifai_running_duration (&self->segment,
      GST_BUFFER_DURATION (buffer));

  if (time == IDENTIFAI_NO_TIME)
    return;
  self->lossy = FALSE;
  if (self->first != IDENTIFAI_NO_TIME)
    note_start (self, time);
  advance_to_buffer (self, time, duration);
  add_item (self, new_item (self, time, duration));
}

/* AAC frames, once it is known what they are. */
static void
push_loas (IdentifaiAudioStream * self, GstBuffer * buffer)
{
  GstBuffer *frame;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT))
    identifai_latm_clear (self->latm);
  identifai_latm_push (self->latm, gst_buffer_ref (buffer));
  if (!identifai_latm_is_readable (self->latm))
    count_lost (self, buffer);
  while ((frame = identifai_latm_pop (self->latm))) {
    gst_caps_replace (&self->caps, identifai_latm_get_caps (self->latm));
    push_frame (self, frame);
  }
  gst_buffer_unref (buffer);
}

/* Takes over what stands for a buffer. */
static void
lose_frame (IdentifaiAudioStream * self, GstBuffer * buffer)
{
  if (self->latm)
    identifai_latm_clear (self->latm);
  if (!self->left_out)
    count_lost (self, buffer);
  gst_buffer_unref (buffer);
}

void
identifai_audio_stream_push (IdentifaiAudioStream * self, GstBuffer * buffer)
{
  GstBuffer *held = identifai_buffer_hold (buffer);

  gst_buffer_unref (buffer);
  self->lossy |= GST_BUFFER_FLAG_IS_SET (held, GST_BUFFER_FLAG_DISCONT);
  if (identifai_buffer_get_unreadable (held) != NULL)
    lose_frame (self, held);
  else if (self->latm)
    push_loas (self, held);
  else
    push_frame (self, held);
}

void
identifai_audio_stream_gap (IdentifaiAudioStream * self, GstClockTime timestamp,
    GstClockTime duration)
{
  gint64 time = identifai_running_time (&self->segment, timestamp);

  if (time != IDENTIFAI_NO_TIME)
    advance (self, time + self->rebase,
        identifai_running_duration (&self->segment, duration));
}

gboolean
identifai_audio_stream_is_over (IdentifaiAudioStream * self, gint64 time)
{
  gint64 head = identifai_audio_stream_peek (self)->time;
  GList *link;

  if (self->before == IDENTIFAI_NO_TIME)
    return FALSE;
  for (link = self->waiting.head->next; link; link = link->next) {
    IdentifaiAudioBuffer *item = link->data;

    if (item->starts_over && ABS (item->time - time) < ABS (head - time))
      return TRUE;
  }

  return FALSE;
}

/* Where the stream is, or was before it started over, if that is nearer to time. */
static gint64
get_position (IdentifaiAudioStream * self, gint64 time)
{
  if (self->before != IDENTIFAI_NO_TIME && self->position < time
      && ABS (self->before - time) < ABS (self->position - time))
    return self->before;

  return self->position;
}

gboolean
identifai_audio_stream_has_passed (IdentifaiAudioStream * self, gint64 time)
{
  gint64 position = get_position (self, time);

  return self->eos || (position != IDENTIFAI_NO_TIME && position >= time);
}

static GstClockTime
count_late (IdentifaiAudioStream * self, gint64 start, gint64 end)
{
  gint64 from = MAX (start, get_position (self, end));

  return !self->left_out && self->linked && !self->eos && from < end ?
      end - from : 0;
}

static GstClockTime
count_left_out (IdentifaiAudioStream * self, gint64 start, gint64 end)
{
  gint64 from = MAX (start, self->first);

  if (self->eos)
    end = MIN (end, get_position (self, end));

  return self->left_out && from < end ? end - from : 0;
}

static guint64
count_waiting (IdentifaiAudioStream * self, gint64 time, guint * n_buffers)
{
  guint64 bytes = 0;
  GList *link;

  for (link = self->waiting.head; link; link = link->next) {
    IdentifaiAudioBuffer *item = link->data;

    if (item->time >= time)
      break;
    if (item->buffer == NULL)
      continue;
    bytes += gst_buffer_get_size (item->buffer);
    (*n_buffers)++;
  }

  return bytes;
}

/* By what came so far, in times of it. */
static guint64
extrapolate (IdentifaiAudioStream * self, guint64 count, gint64 missing)
{
  gint64 span;

  if (self->first == IDENTIFAI_NO_TIME)
    return 0;
  span = self->position - self->first;
  if (span <= 0)
    return 0;

  return gst_util_uint64_scale (count * MARGIN_NUM, missing, span)
      / MARGIN_DENOM;
}

guint64
identifai_audio_stream_expect (IdentifaiAudioStream * self, gint64 start,
    gint64 time, guint * n_buffers)
{
  guint64 bytes;
  gint64 missing;

  if (self->caps == NULL)
    return 0;
  bytes = count_waiting (self, time, n_buffers);
  if (identifai_audio_stream_has_passed (self, time))
    return bytes;
  if (self->position == IDENTIFAI_NO_TIME) {
    *n_buffers += UNKNOWN_BUFFERS;
    return bytes + UNKNOWN_RATE;
  }
  /* What a stream owes that has been silent for long is not all of this file. */
  missing = time - MAX (get_position (self, time), start);
  *n_buffers += extrapolate (self, self->n_total, missing) + 1;

  return bytes + MAX (extrapolate (self, self->total_bytes, missing),
      gst_util_uint64_scale (UNKNOWN_RATE, self->first == self->position ?
          missing : 0, GST_SECOND));
}

/*** all streams ***/

static void
sound_free (gpointer data)
{
  if (data)
    identifai_audio_stream_free (data);
}

GPtrArray *
identifai_audio_streams_new (void)
{
  return g_ptr_array_new_with_free_func (sound_free);
}

guint
identifai_audio_streams_add (GPtrArray * sounds)
{
  g_ptr_array_add (sounds, identifai_audio_stream_new (sounds->len + 1));

  return sounds->len;
}

IdentifaiAudioStream *
identifai_audio_streams_get (GPtrArray * sounds, guint id)
{
  return id > 0 && id <= sounds->len ? g_ptr_array_index (sounds, id - 1) :
      NULL;
}

void
identifai_audio_streams_remove (GPtrArray * sounds, guint id)
{
  IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

  if (sound == NULL)
    return;
  identifai_audio_stream_free (sound);
  g_ptr_array_index (sounds, id - 1) = NULL;
}

gboolean
identifai_audio_streams_have_passed (GPtrArray * sounds, gint64 time)
{
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound && sound->linked && !sound->left_out
        && !identifai_audio_stream_has_passed (sound, time))
      return FALSE;
  }

  return TRUE;
}

guint64
identifai_audio_streams_expect (GPtrArray * sounds, gint64 start, gint64 time,
    guint * n_tracks, guint * n_buffers)
{
  guint64 bytes = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound == NULL || sound->left_out)
      continue;
    (*n_tracks)++;
    bytes += identifai_audio_stream_expect (sound, start, time, n_buffers);
  }

  return bytes;
}

typedef GstClockTime (*CountFunc) (IdentifaiAudioStream * self, gint64 start,
    gint64 end);

static GstClockTime
sum_up (GPtrArray * sounds, CountFunc count, gint64 start, gint64 end)
{
  GstClockTime sum = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound && sound->caps)
      sum += count (sound, start, end);
  }

  return sum;
}

GstClockTime
identifai_audio_streams_count_late (GPtrArray * sounds, gint64 start,
    gint64 end)
{
  return sum_up (sounds, count_late, start, end);
}

GstClockTime
identifai_audio_streams_count_left_out (GPtrArray * sounds, gint64 start,
    gint64 end)
{
  return sum_up (sounds, count_left_out, start, end);
}

guint64
identifai_audio_streams_count_waiting (GPtrArray * sounds)
{
  guint64 bytes = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    bytes += sound ? sound->waiting_bytes : 0;
  }

  return bytes;
}

void
identifai_audio_streams_name_tracks (GPtrArray * sounds,
    IdentifaiBuilder * part)
{
  guint id;

  if (part->segment->failure != IDENTIFAI_REASON_NONE)
    return;
  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound && sound->caps && !sound->left_out
        && !identifai_builder_has_track (part, id))
      identifai_segment_add_track (part->segment, sound->caps);
  }
}
