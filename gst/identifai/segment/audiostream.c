/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Under the segmenter's owner's lock. Running times are ns, signed; now and patience µs.
 */

#include "audiostream.h"
#include "codecs.h"
#include "heldbuffer.h"
#include "log.h"
#include "runningtime.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

#define NO_TIME IDENTIFAI_NO_TIME
#define STEP_BACK ((gint64) GST_SECOND) /* no jitter, nor a packet that was late */

/* Bytes a second of a stream that has not come yet, and the share by which one
 * that has may grow. */
#define UNKNOWN_RATE (256 * 1000 / 8)
#define UNKNOWN_BUFFERS 50
#define MARGIN_NUM 5
#define MARGIN_DENOM 4

/* A buffer more or less at a segment's end. */
#define LATE_TOLERANCE (100 * GST_MSECOND)
/* Of what waits for a segment that doesn't open. */
#define MAX_WAITING (30 * (gint64) GST_SECOND)

IdentifaiAudioStream *
identifai_audio_stream_new (const gchar * name, guint id, guint round)
{
  IdentifaiAudioStream *self = g_new0 (IdentifaiAudioStream, 1);

  self->id = id;
  self->linked = TRUE;
  self->first = NO_TIME;
  identifai_audio_times_init (&self->times, name, id, round);
  g_queue_init (&self->waiting);

  return self;
}

void
identifai_audio_stream_free (IdentifaiAudioStream * self)
{
  identifai_audio_stream_flush (self);
  identifai_audio_times_clear (&self->times);
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
  identifai_audio_buffer_free (head);
}

void
identifai_audio_stream_leave_out (IdentifaiAudioStream * self,
    gboolean left_out)
{
  self->left_out = left_out;
  if (left_out)
    GST_DEBUG_ID (self->times.name, "sound %u: %u buffers that wait are let go "
        "of", self->id, self->waiting.length);
  while (left_out && !g_queue_is_empty (&self->waiting))
    identifai_audio_stream_drop (self);
}

void
identifai_audio_stream_flush (IdentifaiAudioStream * self)
{
  GST_DEBUG_ID (self->times.name, "sound %u is flushed: %u buffers waited",
      self->id, self->waiting.length);
  while (!g_queue_is_empty (&self->waiting))
    identifai_audio_stream_drop (self);
  self->eos = FALSE;
  if (self->times.is_hopeless)
    self->left_out = FALSE;
  self->first = NO_TIME;
  self->total_bytes = self->n_total = 0;
  identifai_audio_times_flush (&self->times);
  if (self->latm)
    identifai_latm_clear (self->latm);
}

void
identifai_audio_stream_set_caps (IdentifaiAudioStream * self, GstCaps * caps)
{
  GstCaps *usual = identifai_codec_usual_caps (caps);

  g_clear_pointer (&self->latm, identifai_latm_free);
  if (identifai_codec_is_loas (caps)) {
    GST_DEBUG_ID (self->times.name, "sound %u: AAC is taken out of LOAS",
        self->id);
    self->latm = identifai_latm_new (self->times.name);
  }
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
add_item (IdentifaiAudioStream * self, IdentifaiAudioBuffer * item)
{
  if (item->buffer) {
    item->buffer = gst_buffer_make_writable (item->buffer);
    GST_BUFFER_PTS (item->buffer) = item->time + (gint64) IDENTIFAI_TRACK_EPOCH;
    GST_BUFFER_DTS (item->buffer) = GST_CLOCK_TIME_NONE;
    if (!GST_BUFFER_DURATION_IS_VALID (item->buffer)
        && item->duration != NO_TIME)
      GST_BUFFER_DURATION (item->buffer) = item->duration;
    GST_BUFFER_FLAG_UNSET (item->buffer, GST_BUFFER_FLAG_DISCONT);
    self->waiting_bytes += gst_buffer_get_size (item->buffer);
  }
  g_queue_push_tail (&self->waiting, item);
  while (item->time - identifai_audio_stream_peek (self)->time > MAX_WAITING) {
    GST_DEBUG_ID (self->times.name, "sound %u at %" GST_STIME_FORMAT
        " waits for a video that doesn't come, and is let go of", self->id,
        GST_STIME_ARGS (identifai_audio_stream_peek (self)->time));
    identifai_audio_stream_drop (self);
  }
}

/* A stream that starts over brings as much in as long a time. */
static void
count_item (IdentifaiAudioStream * self, const IdentifaiAudioBuffer * item)
{
  gsize size = item->buffer ? gst_buffer_get_size (item->buffer) : 0;

  if (self->first == NO_TIME)
    self->first = item->time;
  else if (item->time < self->latest - STEP_BACK)
    self->first = MAX (self->first - (self->latest - item->time),
        -IDENTIFAI_MAX_RUNNING);
  self->latest = item->time;
  self->total_bytes += size;
  self->n_total += item->buffer ? 1 : 0;
}

/* Those whose time is known. */
static void
take_items (IdentifaiAudioStream * self)
{
  IdentifaiAudioBuffer *item;

  if (self->times.is_hopeless && !self->left_out)
    GST_DEBUG_ID (self->times.name, "sound %u is left out: its times can't be "
        "found", self->id);
  if (self->times.is_hopeless)
    self->left_out = TRUE;
  while ((item = identifai_audio_times_pop (&self->times)) != NULL) {
    count_item (self, item);
    if (self->left_out)
      identifai_audio_buffer_free (item);
    else
      add_item (self, item);
  }
}

/* Takes over a buffer as it goes into a file. */
static void
push_frame (IdentifaiAudioStream * self, GstBuffer * buffer, gint64 now)
{
  if (self->caps == NULL || is_header (buffer)) {
    GST_LOG_ID (self->times.name, "sound %u: a header, or no caps yet",
        self->id);
    gst_buffer_unref (buffer);
    return;
  }
  identifai_audio_times_push (&self->times, buffer, self->caps, buffer, now);
  take_items (self);
}

/* What can't be read, or not yet. */
static void
count_lost (IdentifaiAudioStream * self, GstBuffer * buffer, gint64 now)
{
  identifai_audio_times_push (&self->times, NULL, NULL, buffer, now);
  take_items (self);
}

/* AAC frames, once it is known what they are. */
static void
push_loas (IdentifaiAudioStream * self, GstBuffer * buffer, gint64 now)
{
  GstBuffer *frame;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT))
    identifai_latm_clear (self->latm);
  identifai_latm_push (self->latm, gst_buffer_ref (buffer));
  if (!identifai_latm_is_readable (self->latm))
    GST_LOG_ID (self->times.name, "sound %u: LOAS that can't be read yet",
        self->id);
  if (!identifai_latm_is_readable (self->latm))
    count_lost (self, buffer, now);
  while ((frame = identifai_latm_pop (self->latm))) {
    gst_caps_replace (&self->caps, identifai_latm_get_caps (self->latm));
    push_frame (self, frame, now);
  }
  gst_buffer_unref (buffer);
}

/* Takes over what stands for a buffer. */
static void
lose_frame (IdentifaiAudioStream * self, GstBuffer * buffer, gint64 now)
{
  GST_DEBUG_ID (self->times.name, "sound %u: a buffer can't be mapped, and is "
      "counted as missing", self->id);
  if (self->latm)
    identifai_latm_clear (self->latm);
  if (!self->left_out)
    count_lost (self, buffer, now);
  gst_buffer_unref (buffer);
}

void
identifai_audio_stream_push (IdentifaiAudioStream * self, GstBuffer * buffer,
    gint64 now)
{
  self->times.lossy |= GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (identifai_buffer_get_unreadable (buffer) != NULL)
    lose_frame (self, buffer, now);
  else if (self->latm)
    push_loas (self, buffer, now);
  else
    push_frame (self, buffer, now);
}

void
identifai_audio_stream_end (IdentifaiAudioStream * self, gint64 now)
{
  identifai_audio_times_end (&self->times, now);
  self->eos = TRUE;
  take_items (self);
}

void
identifai_audio_stream_note_step (IdentifaiAudioStream * self,
    const IdentifaiVideoStep * step)
{
  identifai_audio_times_note_step (&self->times, step);
  take_items (self);
}

void
identifai_audio_stream_settle (IdentifaiAudioStream * self, gint64 now,
    gint64 patience)
{
  identifai_audio_times_settle (&self->times, now, patience);
  take_items (self);
}

/* Up to where the span's sound is there. */
static gint64
get_position (IdentifaiAudioStream * self, const IdentifaiAudioSpan * span)
{
  if (self->times.round > span->round)
    return span->end;
  if (self->times.round < span->round)
    return NO_TIME;

  return self->times.position;
}

gboolean
identifai_audio_stream_has_passed (IdentifaiAudioStream * self,
    const IdentifaiAudioSpan * span)
{
  return self->eos || get_position (self, span) >= span->end;
}

static GstClockTime
count_late (IdentifaiAudioStream * self, const IdentifaiAudioSpan * span)
{
  gint64 from = MAX (span->start, get_position (self, span));

  return !self->left_out && self->linked && !self->eos && from < span->end ?
      span->end - from : 0;
}

static GstClockTime
count_left_out (IdentifaiAudioStream * self, const IdentifaiAudioSpan * span)
{
  gint64 from = MAX (span->start, self->first), end = span->end;

  if (self->eos && !self->times.is_hopeless)
    end = MIN (end, get_position (self, span));

  return self->left_out && from < end ? end - from : 0;
}

static guint64
count_waiting (IdentifaiAudioStream * self, const IdentifaiAudioSpan * span,
    guint * n_buffers)
{
  guint64 bytes = 0;
  GList *link;

  for (link = self->waiting.head; link; link = link->next) {
    IdentifaiAudioBuffer *item = link->data;

    if (item->round > span->round || (item->round == span->round
            && item->time >= span->end))
      break;
    if (item->buffer == NULL || item->round < span->round)
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

  if (self->first == NO_TIME || self->times.position == NO_TIME)
    return 0;
  span = self->times.position - self->first;
  if (span <= 0)
    return 0;

  return gst_util_uint64_scale (count * MARGIN_NUM, missing, span)
      / MARGIN_DENOM;
}

guint64
identifai_audio_stream_expect (IdentifaiAudioStream * self,
    const IdentifaiAudioSpan * span, guint * n_buffers)
{
  guint64 bytes;
  gint64 missing;

  if (self->caps == NULL)
    return 0;
  bytes = count_waiting (self, span, n_buffers);
  if (identifai_audio_stream_has_passed (self, span))
    return bytes;
  if (self->times.position == NO_TIME) {
    *n_buffers += UNKNOWN_BUFFERS;
    return bytes + UNKNOWN_RATE;
  }
  /* What a stream owes that has been silent for long is not all of this file. */
  missing = span->end - MAX (get_position (self, span), span->start);
  *n_buffers += extrapolate (self, self->n_total, missing) + 1;

  return bytes + MAX (extrapolate (self, self->total_bytes, missing),
      gst_util_uint64_scale (UNKNOWN_RATE,
          self->first == self->times.position ? missing : 0, GST_SECOND));
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
identifai_audio_streams_add (GPtrArray * sounds, const gchar * name,
    guint round)
{
  g_ptr_array_add (sounds, identifai_audio_stream_new (name, sounds->len + 1,
          round));

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
identifai_audio_streams_have_passed (GPtrArray * sounds,
    const IdentifaiAudioSpan * span)
{
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound && sound->linked && !sound->left_out
        && !identifai_audio_stream_has_passed (sound, span))
      return FALSE;
  }

  return TRUE;
}

guint64
identifai_audio_streams_expect (GPtrArray * sounds,
    const IdentifaiAudioSpan * span, guint * n_tracks, guint * n_buffers)
{
  guint64 bytes = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound == NULL || sound->left_out)
      continue;
    (*n_tracks)++;
    bytes += identifai_audio_stream_expect (sound, span, n_buffers);
  }

  return bytes;
}

typedef GstClockTime (*CountFunc) (IdentifaiAudioStream * self,
    const IdentifaiAudioSpan * span);

static GstClockTime
sum_up (GPtrArray * sounds, CountFunc count, const IdentifaiAudioSpan * span)
{
  GstClockTime sum = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound && sound->caps)
      sum += count (sound, span);
  }

  return sum;
}

GstClockTime
identifai_audio_streams_count_late (GPtrArray * sounds,
    const IdentifaiAudioSpan * span)
{
  GstClockTime late = sum_up (sounds, count_late, span);

  return late > LATE_TOLERANCE ? late : 0;
}

GstClockTime
identifai_audio_streams_count_left_out (GPtrArray * sounds,
    const IdentifaiAudioSpan * span)
{
  return sum_up (sounds, count_left_out, span);
}

void
identifai_audio_streams_note_step (GPtrArray * sounds,
    const IdentifaiVideoStep * step)
{
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound)
      identifai_audio_stream_note_step (sound, step);
  }
}

gboolean
identifai_audio_streams_take_news (GPtrArray * sounds, gboolean * is_lost)
{
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound == NULL || !sound->times.has_news)
      continue;
    sound->times.has_news = FALSE;
    *is_lost = sound->times.is_hopeless;
    return TRUE;
  }

  return FALSE;
}

void
identifai_audio_streams_set_name (GPtrArray * sounds, const gchar * name)
{
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    if (sound == NULL)
      continue;
    g_free (sound->times.name);
    sound->times.name = g_strdup (name);
  }
}

guint64
identifai_audio_streams_count_waiting (GPtrArray * sounds)
{
  guint64 bytes = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiAudioStream *sound = identifai_audio_streams_get (sounds, id);

    bytes += sound ? sound->waiting_bytes
        + identifai_audio_times_count_bytes (&sound->times) : 0;
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
