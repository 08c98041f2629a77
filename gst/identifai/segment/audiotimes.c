/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Under the segmenter's owner's lock. Running times are ns, signed; now and patience µs.
 */

#include "audiotimes.h"
#include "codecs.h"
#include "framereader.h"
#include "log.h"
#include "runningtime.h"
#include "segment.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

#define NO_TIME IDENTIFAI_NO_TIME
#define SLACK (100 * (gint64) GST_MSECOND)      /* of bad clocks */
#define SMALL_STEP ((gint64) GST_SECOND)        /* that video re-bases, too */
#define MOST_BACK (10 * (gint64) GST_SECOND)

#define NEAR (2 * (gint64) GST_SECOND)  /* is the same step */
/* How much further sound goes without the video's step, until it makes none. */
#define GOES_ON (5 * (gint64) GST_SECOND)

/* So much waits at most to be told what its times mean. */
#define MOST_UNDECIDED 8192
#define MOST_LENGTH (30 * (gint64) GST_SECOND)
#define MOST_UNTIMED 25
#define UNTIMED_LENGTH ((gint64) GST_SECOND)
#define SOME_LENGTH (20 * (gint64) GST_MSECOND) /* where nobody knows */

typedef struct
{
  IdentifaiVideoStep step;
  gint64 void_at;               /* of sound that goes on: it doesn't make it */
} WaitingStep;

void
identifai_audio_buffer_free (IdentifaiAudioBuffer * item)
{
  gst_clear_buffer (&item->buffer);
  gst_clear_caps (&item->caps);
  g_free (item);
}

static void
clear_items (GQueue * queue)
{
  g_queue_clear_full (queue, (GDestroyNotify) identifai_audio_buffer_free);
}

void
identifai_audio_times_init (IdentifaiAudioTimes * self, const gchar * name,
    guint id, guint round)
{
  self->name = g_strdup (name);
  self->id = id;
  self->round = round;
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  g_queue_init (&self->steps);
  g_queue_init (&self->undecided);
  g_queue_init (&self->untimed);
  g_queue_init (&self->ready);
  identifai_audio_times_flush (self);
}

void
identifai_audio_times_clear (IdentifaiAudioTimes * self)
{
  identifai_audio_times_flush (self);
  g_free (self->name);
}

void
identifai_audio_times_flush (IdentifaiAudioTimes * self)
{
  WaitingStep *step;

  while ((step = g_queue_pop_head (&self->steps)) != NULL) {
    self->round = step->step.round;
    g_free (step);
  }
  clear_items (&self->undecided);
  clear_items (&self->untimed);
  clear_items (&self->ready);
  self->untimed_length = 0;
  self->rebase = self->ahead_of = 0;
  self->position = self->end = NO_TIME;
  self->lossy = self->is_guessed = self->is_hopeless = self->has_news = FALSE;
}

void
identifai_audio_times_set_segment (IdentifaiAudioTimes * self,
    const GstSegment * segment)
{
  if (!identifai_running_is_same (&self->segment, segment)) {
    self->lossy = TRUE;
    self->rebase = self->ahead_of = 0;
  }
  gst_segment_copy_into (segment, &self->segment);
}

static void
advance (IdentifaiAudioTimes * self, gint64 time, gint64 length)
{
  if (length != NO_TIME)
    time += length;
  self->position = MAX (self->position, time);
}

/* Gap events are no measure of where the next buffer should be: qtdemux's say that
 * there is nothing for three seconds, and then it comes. */
void
identifai_audio_times_gap (IdentifaiAudioTimes * self, GstClockTime timestamp,
    GstClockTime duration)
{
  gint64 time = identifai_running_time (&self->segment, timestamp);

  if (time != NO_TIME && g_queue_is_empty (&self->undecided))
    advance (self, time + self->rebase,
        identifai_running_duration (&self->segment, duration));
}

/* The stream goes on, and hasn't gone back with the video. */
static void
drop_void_steps (IdentifaiAudioTimes * self)
{
  WaitingStep *step;

  while ((step = g_queue_peek_head (&self->steps)) != NULL
      && self->end >= step->void_at) {
    if (step->step.restarts)
      GST_INFO_ID (self->name, "sound %u goes on at %" GST_STIME_FORMAT
          ", though the video has started over at %" GST_STIME_FORMAT,
          self->id, GST_STIME_ARGS (self->end), GST_STIME_ARGS (step->step.to));
    self->round = step->step.round;
    g_free (g_queue_pop_head (&self->steps));
  }
}

static gboolean
is_in_range (gint64 time)
{
  return time > -(gint64) IDENTIFAI_TRACK_EPOCH && time < IDENTIFAI_MAX_RUNNING;
}

/* The item's time is decided. */
static void
give_out (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item)
{
  if (!is_in_range (item->time)) {
    GST_DEBUG_ID (self->name, "sound %u: a buffer at %" GST_STIME_FORMAT
        " is out of all range, and left out", self->id,
        GST_STIME_ARGS (item->time));
    identifai_audio_buffer_free (item);
    return;
  }
  GST_LOG_ID (self->name,
      "sound %u at %" GST_STIME_FORMAT ", %" GST_STIME_FORMAT " long, round %u",
      self->id, GST_STIME_ARGS (item->time), GST_STIME_ARGS (item->duration),
      self->round);
  item->round = self->round;
  advance (self, item->time, item->duration);
  self->end = item->time + MAX (item->duration, 0);
  g_queue_push_tail (&self->ready, item);
  drop_void_steps (self);
}

/* From the end of what there is to the item. */
static gint64
get_gap (IdentifaiAudioTimes * self, const IdentifaiAudioBuffer * item)
{
  return item->time + self->rebase - self->end;
}

/* It has a time, which is no step back. A gap makes up for what was added. */
static void
place (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item)
{
  gint64 gap = self->end != NO_TIME && !item->lossy ? get_gap (self, item) : 0;

  if (gap > SLACK && self->rebase > 0)
    GST_DEBUG_ID (self->name, "sound %u: a gap of %" GST_STIME_FORMAT
        " makes up for %" GST_STIME_FORMAT, self->id, GST_STIME_ARGS (gap),
        GST_STIME_ARGS (self->rebase));
  if (gap > SLACK)
    self->rebase -= MIN (self->rebase, gap);
  item->time += self->rebase;
  give_out (self, item);
}

/* The item follows the one before: by shift, as the video does, so that they stay
 * together; or without a seam. */
static void
go_on (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item, gint64 shift)
{
  gint64 back = -get_gap (self, item);

  if (ABS (shift - back) > SMALL_STEP || shift < back - SLACK)
    shift = back;
  GST_DEBUG_ID (self->name, "times of sound %u move by %" GST_STIME_FORMAT,
      self->id, GST_STIME_ARGS (shift));
  self->rebase += shift;
  item->time += self->rebase;
  give_out (self, item);
}

static void
go_on_alone (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item)
{
  self->ahead_of = -get_gap (self, item);
  self->end_then = self->end;
  go_on (self, item, self->ahead_of);
}

/* The video has been re-based as the stream was a moment ago, and knows better by
 * how much. */
static gboolean
follow_video (IdentifaiAudioTimes * self, const IdentifaiVideoStep * step)
{
  gint64 ahead_of = self->ahead_of;

  self->ahead_of = 0;
  if (step->restarts || ahead_of == 0
      || ABS (step->shift - ahead_of) > SMALL_STEP
      || ABS (step->from - self->end_then) > NEAR)
    return FALSE;
  GST_DEBUG_ID (self->name, "sound %u moves by %" GST_STIME_FORMAT
      " more, as the video did", self->id,
      GST_STIME_ARGS (step->shift - ahead_of));
  self->rebase += step->shift - ahead_of;

  return TRUE;
}

static void
start_over (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item)
{
  GST_DEBUG_ID (self->name, "sound %u goes back from %" GST_STIME_FORMAT " to %"
      GST_STIME_FORMAT, self->id, GST_STIME_ARGS (self->end),
      GST_STIME_ARGS (item->time + self->rebase));
  self->position = self->end = NO_TIME;
  place (self, item);
}

/* The video's step that is nearest to the stream's end; those before it have been
 * made by none. */
static gboolean
take_step (IdentifaiAudioTimes * self, IdentifaiVideoStep * found)
{
  WaitingStep *best = NULL;
  GList *link;

  for (link = self->steps.head; link; link = link->next) {
    WaitingStep *step = link->data;

    if (best == NULL
        || ABS (step->step.from - self->end) <
        ABS (best->step.from - self->end))
      best = step;
  }
  if (best == NULL)
    return FALSE;
  GST_DEBUG_ID (self->name, "sound %u does as the video did at %"
      GST_STIME_FORMAT, self->id, GST_STIME_ARGS (best->step.from));
  *found = best->step;
  while (g_queue_peek_head (&self->steps) != best)
    g_free (g_queue_pop_head (&self->steps));
  g_free (g_queue_pop_head (&self->steps));

  return TRUE;
}

static void
suspend (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item, gint64 gap)
{
  GST_DEBUG_ID (self->name, "sound %u goes back by %" GST_STIME_FORMAT " at %"
      GST_STIME_FORMAT ": it waits for what the video does", self->id,
      GST_STIME_ARGS (-gap), GST_STIME_ARGS (self->end));
  self->back = -gap;
  g_queue_push_tail (&self->undecided, item);
}

/* The item has a time, and is the oldest one without a decision. */
static void
decide (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item)
{
  gint64 gap = self->end != NO_TIME ? get_gap (self, item) : 0;
  IdentifaiVideoStep step;

  if (gap >= -SLACK) {
    place (self, item);
  } else if (take_step (self, &step)) {
    self->round = step.round;
    if (step.restarts || gap < -MOST_BACK)
      start_over (self, item);
    else
      go_on (self, item, step.shift);
  } else if (!item->lossy && gap >= -SMALL_STEP) {
    go_on_alone (self, item);
  } else {
    suspend (self, item, gap);
  }
}

/* The video makes no step. */
static void
decide_alone (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item)
{
  gint64 gap = get_gap (self, item);

  GST_INFO_ID (self->name, "sound %u goes back by %" GST_STIME_FORMAT
      ", and the video doesn't", self->id, GST_STIME_ARGS (-gap));
  if (!item->lossy && gap >= -MOST_BACK)
    go_on_alone (self, item);
  else
    start_over (self, item);
}

/* Its time is that of what it follows. */
static void
continue_with (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item,
    gint64 now)
{
  item->time = self->position;
  if (self->is_guessed && item->duration == NO_TIME)
    item->time = MAX (item->time, now);
  give_out (self, item);
}

/* What was suspended, behind the first of it. */
static void
resume (IdentifaiAudioTimes * self, GQueue * items)
{
  IdentifaiAudioBuffer *item;

  while ((item = g_queue_pop_head (items)) != NULL) {
    if (!g_queue_is_empty (&self->undecided))
      g_queue_push_tail (&self->undecided, item);
    else if (item->time == NO_TIME)
      continue_with (self, item, NO_TIME);
    else
      decide (self, item);
  }
}

/* The first one without a decision has one now, if is_alone; or may have. */
static void
decide_suspended (IdentifaiAudioTimes * self, gboolean is_alone)
{
  GQueue items = self->undecided;

  g_queue_init (&self->undecided);
  if (is_alone)
    decide_alone (self, g_queue_pop_head (&items));
  resume (self, &items);
}

/*** without times ***/

static void
note_untimed (IdentifaiAudioTimes * self, gint64 length)
{
  GST_LOG_ID (self->name, "sound %u: %u buffers wait for a time", self->id,
      self->untimed.length + 1);
  if (length == NO_TIME || self->untimed_length == NO_TIME)
    self->untimed_length = NO_TIME;
  else
    self->untimed_length += length;
}

static void
give_out_untimed (IdentifaiAudioTimes * self, gint64 start)
{
  IdentifaiAudioBuffer *item;

  self->untimed_length = 0;
  while ((item = g_queue_pop_head (&self->untimed)) != NULL) {
    item->time = start;
    start += item->duration != NO_TIME ? item->duration : SOME_LENGTH;
    give_out (self, item);
  }
}

/* They are up to the first one that has a time. */
static void
date_back (IdentifaiAudioTimes * self, gint64 time)
{
  gint64 length = self->untimed_length != NO_TIME ? self->untimed_length :
      SOME_LENGTH * self->untimed.length;

  if (g_queue_is_empty (&self->untimed))
    return;
  GST_DEBUG_ID (self->name, "sound %u: %u buffers without a time come before %"
      GST_STIME_FORMAT, self->id, self->untimed.length, GST_STIME_ARGS (time));
  give_out_untimed (self, time - length);
}

/* None comes that has a time: live, they are heard when they come; else, from the
 * stream's start. */
static void
guess (IdentifaiAudioTimes * self, gint64 now)
{
  gint64 start = now != NO_TIME ? now - MAX (self->untimed_length, 0) :
      identifai_running_time (&self->segment, self->segment.start);

  self->is_guessed = self->has_news = TRUE;
  self->is_hopeless = now == NO_TIME && self->untimed_length == NO_TIME;
  GST_INFO_ID (self->name, "sound %u has no times: it is %s", self->id,
      self->is_hopeless ? "left out" : "taken as it comes");
  if (self->is_hopeless)
    clear_items (&self->untimed);
  else
    give_out_untimed (self, start != NO_TIME ? start : 0);
}

static gboolean
waits_too_long (IdentifaiAudioTimes * self)
{
  return self->untimed.length >= MOST_UNTIMED
      || self->untimed_length >= UNTIMED_LENGTH;
}

static void
push_untimed (IdentifaiAudioTimes * self, IdentifaiAudioBuffer * item,
    gint64 now)
{
  if (self->is_hopeless) {
    identifai_audio_buffer_free (item);
    return;
  }
  GST_LOG_ID (self->name,
      "sound %u: a buffer without a time, %" GST_STIME_FORMAT " long", self->id,
      GST_STIME_ARGS (item->duration));
  note_untimed (self, item->duration);
  g_queue_push_tail (&self->untimed, item);
  if (waits_too_long (self))
    guess (self, now);
}

/*** all of them ***/

static gint64
get_raw_time (IdentifaiAudioTimes * self, GstBuffer * buffer)
{
  gint64 time = identifai_running_time (&self->segment,
      GST_BUFFER_PTS (buffer));

  return time != NO_TIME ? time : identifai_running_time (&self->segment,
      GST_BUFFER_DTS (buffer));
}

static gint64
get_length (IdentifaiAudioTimes * self, GstBuffer * buffer, GstCaps * caps)
{
  gint64 length = identifai_running_duration (&self->segment,
      GST_BUFFER_DURATION (buffer));

  if (length == NO_TIME && caps != NULL)
    length = identifai_running_duration (&self->segment,
        identifai_codec_sound_length (caps, gst_buffer_get_size (buffer)));

  return length;
}

static gboolean
is_too_much (IdentifaiAudioTimes * self)
{
  IdentifaiAudioBuffer *first = g_queue_peek_head (&self->undecided);
  IdentifaiAudioBuffer *last = g_queue_peek_tail (&self->undecided);

  return self->undecided.length > MOST_UNDECIDED
      || (last->time != NO_TIME && last->time - first->time > MOST_LENGTH);
}

void
identifai_audio_times_push (IdentifaiAudioTimes * self, GstBuffer * buffer,
    GstCaps * caps, GstBuffer * timed, gint64 now)
{
  IdentifaiAudioBuffer *item = g_new0 (IdentifaiAudioBuffer, 1);

  item->buffer = buffer;
  item->caps = caps ? gst_caps_ref (caps) : NULL;
  item->time = get_raw_time (self, timed);
  item->duration = get_length (self, timed, caps);
  item->lossy = self->lossy;
  self->lossy = FALSE;

  if (!g_queue_is_empty (&self->undecided)) {
    g_queue_push_tail (&self->undecided, item);
    if (is_too_much (self))
      decide_suspended (self, TRUE);
  } else if (item->time != NO_TIME) {
    date_back (self, item->time);
    decide (self, item);
  } else if (self->position != NO_TIME) {
    continue_with (self, item, now);
  } else {
    push_untimed (self, item, now);
  }
}

void
identifai_audio_times_end (IdentifaiAudioTimes * self, gint64 now)
{
  if (!g_queue_is_empty (&self->untimed))
    guess (self, now);
}

void
identifai_audio_times_note_step (IdentifaiAudioTimes * self,
    const IdentifaiVideoStep * step)
{
  WaitingStep *waiting;

  if (self->end == NO_TIME || follow_video (self, step)) {
    self->round = step->round;
    return;
  }
  GST_DEBUG_ID (self->name, "sound %u is at %" GST_STIME_FORMAT " of round %u "
      "when the video steps", self->id, GST_STIME_ARGS (self->end),
      self->round);
  waiting = g_new0 (WaitingStep, 1);
  waiting->step = *step;
  waiting->void_at = MAX (step->from, self->end)
      + MIN (GOES_ON, step->from - step->to);
  g_queue_push_tail (&self->steps, waiting);
  if (!g_queue_is_empty (&self->undecided))
    decide_suspended (self, FALSE);
}

void
identifai_audio_times_settle (IdentifaiAudioTimes * self, gint64 now,
    gint64 patience)
{
  while (!g_queue_is_empty (&self->undecided) && (patience < 0
          || (now != NO_TIME && now >= self->end + MIN (patience, self->back))))
    decide_suspended (self, TRUE);
  if (patience < 0)
    identifai_audio_times_end (self, NO_TIME);
}

IdentifaiAudioBuffer *
identifai_audio_times_pop (IdentifaiAudioTimes * self)
{
  return g_queue_pop_head (&self->ready);
}

static guint64
count_items (GQueue * items)
{
  guint64 bytes = 0;
  GList *link;

  for (link = items->head; link; link = link->next) {
    IdentifaiAudioBuffer *item = link->data;

    bytes += item->buffer ? gst_buffer_get_size (item->buffer) : 0;
  }

  return bytes;
}

guint64
identifai_audio_times_count_bytes (IdentifaiAudioTimes * self)
{
  return count_items (&self->undecided) + count_items (&self->untimed);
}
