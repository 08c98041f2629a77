/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "audiostream.h"
#include "codecs.h"
#include "runningtime.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (identifai_sound_debug);
#define GST_CAT_DEFAULT identifai_sound_debug

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

IdentifaiSound *
identifai_sound_new (guint id)
{
  IdentifaiSound *self = g_new0 (IdentifaiSound, 1);

  GST_DEBUG_CATEGORY_INIT (identifai_sound_debug, "identifaisound", 0,
      "identifAI audio streams");
  self->id = id;
  self->linked = TRUE;
  self->position = self->end = IDENTIFAI_NO_TIME;
  self->first = self->before = IDENTIFAI_NO_TIME;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  g_queue_init (&self->waiting);

  return self;
}

void
identifai_sound_free (IdentifaiSound * self)
{
  identifai_sound_flush (self);
  gst_clear_caps (&self->caps);
  g_clear_pointer (&self->latm, identifai_latm_free);
  g_free (self);
}

IdentifaiSoundBuffer *
identifai_sound_peek (IdentifaiSound * self)
{
  return g_queue_peek_head (&self->waiting);
}

void
identifai_sound_drop (IdentifaiSound * self)
{
  IdentifaiSoundBuffer *head = g_queue_pop_head (&self->waiting);

  if (head->buffer)
    self->waiting_bytes -= gst_buffer_get_size (head->buffer);
  gst_clear_buffer (&head->buffer);
  gst_caps_unref (head->caps);
  g_free (head);
}

void
identifai_sound_leave_out (IdentifaiSound * self, gboolean left_out)
{
  self->left_out = left_out;
  while (left_out && !g_queue_is_empty (&self->waiting))
    identifai_sound_drop (self);
}

void
identifai_sound_flush (IdentifaiSound * self)
{
  while (!g_queue_is_empty (&self->waiting))
    identifai_sound_drop (self);
  self->eos = self->lossy = self->starts_over = FALSE;
  self->rebase = 0;
  self->position = self->end = IDENTIFAI_NO_TIME;
  self->first = self->before = IDENTIFAI_NO_TIME;
  self->total_bytes = self->n_total = 0;
  if (self->latm)
    identifai_latm_clear (self->latm);
}

void
identifai_sound_set_caps (IdentifaiSound * self, GstCaps * caps)
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
advance (IdentifaiSound * self, gint64 time, gint64 length)
{
  if (length != IDENTIFAI_NO_TIME)
    time += length;
  self->position = MAX (self->position, time);
}

static void
advance_to_buffer (IdentifaiSound * self, gint64 time, gint64 length)
{
  advance (self, time, length);
  self->end = time + (length != IDENTIFAI_NO_TIME ? length : 0);
}

static IdentifaiSoundBuffer *
new_item (IdentifaiSound * self, gint64 time, gint64 duration)
{
  IdentifaiSoundBuffer *item = g_new0 (IdentifaiSoundBuffer, 1);

  item->caps = gst_caps_ref (self->caps);
  item->time = time;
  item->duration = duration;
  item->starts_over = self->starts_over;
  self->starts_over = FALSE;

  return item;
}

static void
add_item (IdentifaiSound * self, IdentifaiSoundBuffer * item)
{
  g_queue_push_tail (&self->waiting, item);
  while (item->time - identifai_sound_peek (self)->time > MAX_WAITING)
    identifai_sound_drop (self);
}

/* Upstream starts over, or repeats what it sent. What waits is for the video of
 * before, if that still comes. */
static void
note_start (IdentifaiSound * self, gint64 time)
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
keep (IdentifaiSound * self, GstBuffer * buffer, gint64 time, gint64 duration)
{
  IdentifaiSoundBuffer *item = new_item (self, time, duration);

  item->buffer = gst_buffer_make_writable (buffer);
  GST_BUFFER_PTS (item->buffer) = time + (gint64) IDENTIFAI_TRACK_EPOCH;
  GST_BUFFER_DTS (item->buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_FLAG_UNSET (item->buffer, GST_BUFFER_FLAG_DISCONT);
  self->waiting_bytes += gst_buffer_get_size (item->buffer);
  add_item (self, item);
}

void
identifai_sound_set_segment (IdentifaiSound * self, const GstSegment * segment)
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
rebase (IdentifaiSound * self, gint64 time)
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
get_time (IdentifaiSound * self, GstBuffer * buffer)
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
push_frame (IdentifaiSound * self, GstBuffer * buffer)
{
  gint64 time = get_time (self, buffer);
  gint64 duration = identifai_running_duration (&self->segment,
      GST_BUFFER_DURATION (buffer));
  GstBuffer *held;

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
  held = identifai_buffer_hold (buffer);
  gst_buffer_unref (buffer);
  keep (self, held, time, duration);
}

/* What can't be read yet. */
static void
count_lost (IdentifaiSound * self, GstBuffer * buffer)
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
push_loas (IdentifaiSound * self, GstBuffer * buffer)
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

void
identifai_sound_push (IdentifaiSound * self, GstBuffer * buffer)
{
  self->lossy |= GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (self->latm)
    push_loas (self, buffer);
  else
    push_frame (self, buffer);
}

void
identifai_sound_gap (IdentifaiSound * self, GstClockTime timestamp,
    GstClockTime duration)
{
  gint64 time = identifai_running_time (&self->segment, timestamp);

  if (time != IDENTIFAI_NO_TIME)
    advance (self, time + self->rebase,
        identifai_running_duration (&self->segment, duration));
}

gboolean
identifai_sound_is_over (IdentifaiSound * self, gint64 time)
{
  gint64 head = identifai_sound_peek (self)->time;
  GList *link;

  if (self->before == IDENTIFAI_NO_TIME)
    return FALSE;
  for (link = self->waiting.head->next; link; link = link->next) {
    IdentifaiSoundBuffer *item = link->data;

    if (item->starts_over && ABS (item->time - time) < ABS (head - time))
      return TRUE;
  }

  return FALSE;
}

/* Where the stream is, or was before it started over, if that is nearer to time. */
static gint64
get_position (IdentifaiSound * self, gint64 time)
{
  if (self->before != IDENTIFAI_NO_TIME && self->position < time
      && ABS (self->before - time) < ABS (self->position - time))
    return self->before;

  return self->position;
}

gboolean
identifai_sound_has_passed (IdentifaiSound * self, gint64 time)
{
  gint64 position = get_position (self, time);

  return self->eos || (position != IDENTIFAI_NO_TIME && position >= time);
}

static GstClockTime
count_late (IdentifaiSound * self, gint64 start, gint64 end)
{
  gint64 from = MAX (start, get_position (self, end));

  return !self->left_out && self->linked && !self->eos && from < end ?
      end - from : 0;
}

static GstClockTime
count_left_out (IdentifaiSound * self, gint64 start, gint64 end)
{
  gint64 from = MAX (start, self->first);

  if (self->eos)
    end = MIN (end, get_position (self, end));

  return self->left_out && from < end ? end - from : 0;
}

static guint64
count_waiting (IdentifaiSound * self, gint64 time, guint * n_buffers)
{
  guint64 bytes = 0;
  GList *link;

  for (link = self->waiting.head; link; link = link->next) {
    IdentifaiSoundBuffer *item = link->data;

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
extrapolate (IdentifaiSound * self, guint64 count, gint64 missing)
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
identifai_sound_expect (IdentifaiSound * self, gint64 start, gint64 time,
    guint * n_buffers)
{
  guint64 bytes;
  gint64 missing;

  if (self->caps == NULL)
    return 0;
  bytes = count_waiting (self, time, n_buffers);
  if (identifai_sound_has_passed (self, time))
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
    identifai_sound_free (data);
}

GPtrArray *
identifai_sounds_new (void)
{
  return g_ptr_array_new_with_free_func (sound_free);
}

guint
identifai_sounds_add (GPtrArray * sounds)
{
  g_ptr_array_add (sounds, identifai_sound_new (sounds->len + 1));

  return sounds->len;
}

IdentifaiSound *
identifai_sounds_get (GPtrArray * sounds, guint id)
{
  return id > 0 && id <= sounds->len ? g_ptr_array_index (sounds, id - 1) :
      NULL;
}

void
identifai_sounds_remove (GPtrArray * sounds, guint id)
{
  IdentifaiSound *sound = identifai_sounds_get (sounds, id);

  if (sound == NULL)
    return;
  identifai_sound_free (sound);
  g_ptr_array_index (sounds, id - 1) = NULL;
}

gboolean
identifai_sounds_have_passed (GPtrArray * sounds, gint64 time)
{
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiSound *sound = identifai_sounds_get (sounds, id);

    if (sound && sound->linked && !sound->left_out
        && !identifai_sound_has_passed (sound, time))
      return FALSE;
  }

  return TRUE;
}

guint64
identifai_sounds_expect (GPtrArray * sounds, gint64 start, gint64 time,
    guint * n_tracks, guint * n_buffers)
{
  guint64 bytes = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiSound *sound = identifai_sounds_get (sounds, id);

    if (sound == NULL || sound->left_out)
      continue;
    (*n_tracks)++;
    bytes += identifai_sound_expect (sound, start, time, n_buffers);
  }

  return bytes;
}

typedef GstClockTime (*CountFunc) (IdentifaiSound * self, gint64 start,
    gint64 end);

static GstClockTime
sum_up (GPtrArray * sounds, CountFunc count, gint64 start, gint64 end)
{
  GstClockTime sum = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiSound *sound = identifai_sounds_get (sounds, id);

    if (sound && sound->caps)
      sum += count (sound, start, end);
  }

  return sum;
}

GstClockTime
identifai_sounds_count_late (GPtrArray * sounds, gint64 start, gint64 end)
{
  return sum_up (sounds, count_late, start, end);
}

GstClockTime
identifai_sounds_count_left_out (GPtrArray * sounds, gint64 start, gint64 end)
{
  return sum_up (sounds, count_left_out, start, end);
}

guint64
identifai_sounds_count_waiting (GPtrArray * sounds)
{
  guint64 bytes = 0;
  guint id;

  for (id = 1; id <= sounds->len; id++) {
    IdentifaiSound *sound = identifai_sounds_get (sounds, id);

    bytes += sound ? sound->waiting_bytes : 0;
  }

  return bytes;
}

void
identifai_sounds_name_tracks (GPtrArray * sounds, IdentifaiPart * part)
{
  guint id;

  if (part->segment->failure != IDENTIFAI_REASON_NONE)
    return;
  for (id = 1; id <= sounds->len; id++) {
    IdentifaiSound *sound = identifai_sounds_get (sounds, id);

    if (sound && sound->caps && !sound->left_out
        && !identifai_part_has_track (part, id))
      identifai_segment_add_track (part->segment, sound->caps);
  }
}
