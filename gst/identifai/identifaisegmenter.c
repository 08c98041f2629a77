/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where to cut
 *
 * Frames come in decoding order. A frame at which decoding can start (a point)
 * is set aside together with the leading pictures that follow it, those shown
 * before it, until the first picture that isn't one settles what kind of cut
 * it makes:
 *
 * - exact: no leading picture needs what came before the point. The new
 *   segment starts with the point and has its leading pictures.
 * - overlapping: the leading pictures of an open point refer to both sides.
 *   They are shown before the point, so they are the old segment's, and as
 *   they can't be decoded without the point's own picture, the old segment's
 *   file gets that, too; the new one starts with it and leaves them out. All
 *   frames decode and none is lost; one picture is in both files. So an exact
 *   point is waited for, up to one more segment duration. A stream that had
 *   none by then is cut at such points at once from there on, until an exact
 *   one on a closed point shows up.
 *
 * A settled group joins the open part first; then the part is split there if it
 * is time, or later, if what follows turns out not to fit.
 *
 * Audio waits in its stream until the video has passed it, then it goes to the
 * part that covers it; so where a part ends is known by then.
 */

#include "identifaisegmenter.h"
#include "identifaicodecs.h"
#include "identifaimuxer.h"
#include "identifaipart.h"
#include "identifaireorder.h"
#include "identifaisound.h"
#include "identifaitimes.h"

GST_DEBUG_CATEGORY_STATIC (identifai_segmenter_debug);
#define GST_CAT_DEFAULT identifai_segmenter_debug

#define SECOND ((gint64) GST_SECOND)
#define JUMP SECOND             /* of running time, that breaks a stream */
#define GRACE (SECOND / 2)      /* a key frame that was asked for is late */
#define NO_TIME IDENTIFAI_NO_TIME
#define MAX_TIMESTAMP (G_GUINT64_CONSTANT (1) << 62)    /* more is no time */

typedef enum
{
  STATE_WAITING,                /* for a point, at or after not_before; open is NULL */
  STATE_OPEN,
  STATE_TOO_LARGE,              /* open has failed and ends at the next point */
} State;

struct _IdentifaiSegmenter
{
  IdentifaiSegmenterOpenFunc open_func;
  gpointer user_data;
  IdentifaiSegmenterSettings settings;

  /* the video stream */
  GstCaps *caps;                /* or NULL */
  GstSegment segment;
  IdentifaiFrameReader *reader; /* of caps */
  IdentifaiReorder *reorder;    /* of caps */
  gint64 frame_duration;        /* by the caps; NO_TIME = unknown */
  gboolean segment_changed;     /* since the last frame */
  gint64 next_time;             /* when a frame should follow; NO_TIME */
  gint64 shift;                 /* by which that moved running times */
  GstClockTime last_timestamp;  /* of the last frame, PTS or DTS; NONE */
  gboolean eos;
  gint64 monotonic;             /* µs, of the latest buffer or EOS */

  /* frames on their way */
  GPtrArray *group;             /* of IdentifaiFrame: a point and its leading
                                 * pictures, not settled yet */
  gint64 run_start, run_end;    /* of the frames since the last break; NO_TIME */

  State state;
  IdentifaiPart *open;
  gint64 not_before;            /* STATE_WAITING; NO_TIME = at once */
  gboolean overlaps;            /* exact points don't come: don't wait for them */
  gboolean split_now;
  GQueue sealed;                /* of IdentifaiPart: wait for audio */
  GQueue given_up;              /* of IdentifaiSegment */

  GPtrArray *sounds;            /* of IdentifaiSound, at stream - 1; NULL: removed */

  /* the wish for a key frame */
  gboolean wish;                /* not taken yet */
  GstClockTime wish_time;
  gboolean wished_late;         /* once a segment: overdue or nearly full */

  guint64 skipped;
  gint64 seen, covered;         /* ns; seen: of runs that are over */
};

static void
init_debug (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once)) {
    GST_DEBUG_CATEGORY_INIT (identifai_segmenter_debug, "identifaisegmenter",
        0, "identifAI segmenter");
    g_once_init_leave (&once, 1);
  }
}

static void
sound_free (gpointer data)
{
  if (data)
    identifai_sound_free (data);
}

static void
free_readers (IdentifaiSegmenter * self)
{
  g_clear_pointer (&self->reader, identifai_frame_reader_free);
  g_clear_pointer (&self->reorder, identifai_reorder_free);
}

/*** key frame requests ***/

static void
wish_for_key_frame (IdentifaiSegmenter * self, GstClockTime time)
{
  if (!self->settings.keyframe_requests)
    return;
  self->wish = TRUE;
  self->wish_time = time;
}

/* As soon as possible, once a segment. */
static void
wish_at_once (IdentifaiSegmenter * self)
{
  if (self->wished_late)
    return;
  self->wished_late = TRUE;
  wish_for_key_frame (self, GST_CLOCK_TIME_NONE);
}

/*** audio ***/

static IdentifaiSound *
get_sound (IdentifaiSegmenter * self, guint stream)
{
  if (stream == IDENTIFAI_SEGMENTER_VIDEO || stream > self->sounds->len)
    return NULL;

  return g_ptr_array_index (self->sounds, stream - 1);
}

static void
add_audio (IdentifaiSegmenter * self, IdentifaiPart * part,
    IdentifaiSound * sound, IdentifaiSoundBuffer * item)
{
  part->segment->last_buffer = MAX (part->segment->last_buffer,
      self->monotonic);
  if (!identifai_part_add_audio (part, sound->id, item->caps,
          gst_buffer_ref (item->buffer)))
    self->split_now = TRUE;
}

/* TRUE: item is settled, in a part or past all of them. */
static gboolean
place_audio (IdentifaiSegmenter * self, IdentifaiSound * sound,
    IdentifaiSoundBuffer * item)
{
  GList *link;

  for (link = self->sealed.head; link; link = link->next) {
    IdentifaiPart *part = link->data;

    if (item->time >= part->start && item->time < part->end) {
      add_audio (self, part, sound, item);
      return TRUE;
    }
  }
  if (self->open) {
    if (item->time >= self->open->start && item->time < self->open->newest)
      add_audio (self, self->open, sound, item);
    return item->time < self->open->newest;
  }
  if (self->not_before != NO_TIME)
    return item->time < self->not_before;

  return self->run_end != NO_TIME && item->time < self->run_end - JUMP;
}

/* Called whenever the video has moved on or audio came. */
static void
place_all_audio (IdentifaiSegmenter * self)
{
  guint i;

  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);
    IdentifaiSoundBuffer *item;

    while (sound && (item = identifai_sound_peek (sound))
        && place_audio (self, sound, item))
      identifai_sound_drop (sound);
  }
}

/*** sizes ***/

/* Of the open part's file, if n_frames frames of cost bytes are added, with all
 * the audio that is still to come for them. */
static gboolean
fits (IdentifaiSegmenter * self, guint64 cost, guint n_frames)
{
  IdentifaiPart *part = self->open;
  guint64 payload = part->video_cost + part->audio_cost + cost;
  guint n_tracks = 1, n_audio = part->n_audio, i;

  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);

    if (sound == NULL)
      continue;
    n_tracks++;
    payload += identifai_sound_expect (sound, part->end);
    /* audio frames are at least 2 ms long */
    if (!identifai_sound_has_passed (sound, part->end))
      n_audio += 16;
  }

  return payload + identifai_muxer_overhead (n_tracks,
      part->frames->len + n_audio + n_frames,
      payload) <= self->settings.max_bytes;
}

/*** parts ***/

/* first: the frame shown first. */
static IdentifaiPart *
make_part (IdentifaiSegmenter * self, gint64 start)
{
  IdentifaiSegment *segment = identifai_segment_new (0);

  self->open_func (segment, self->user_data);

  return identifai_part_new (segment, self->caps, start);
}

static void
start_part (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  GST_DEBUG ("segment %u starts at %" GST_STIME_FORMAT, part->segment->number,
      GST_STIME_ARGS (part->start));
  self->open = part;
  self->state = STATE_OPEN;
  self->not_before = NO_TIME;
  self->split_now = FALSE;
  self->wished_late = FALSE;
  if (self->settings.duration > 0)
    wish_for_key_frame (self, MAX (part->start, 0) + self->settings.duration);
}

/* The open part is over at end. After it, no segment is open. */
static void
seal_part (IdentifaiSegmenter * self, gint64 end)
{
  IdentifaiPart *part = g_steal_pointer (&self->open);

  identifai_part_seal (part, end);
  GST_DEBUG ("segment %u ends at %" GST_STIME_FORMAT ", %u frames",
      part->segment->number, GST_STIME_ARGS (end), part->segment->frames);
  part->deadline = self->monotonic + IDENTIFAI_AUDIO_PATIENCE;
  self->covered += part->end - part->start;
  g_queue_push_tail (&self->sealed, part);
  self->state = STATE_WAITING;
  self->not_before = NO_TIME;
  if (self->settings.interval > 0)
    self->not_before = part->start + (gint64) self->settings.interval;
}

/* After a segment ended at time: whether the next one may start there. */
static gboolean
may_start (IdentifaiSegmenter * self, gint64 time)
{
  if (self->not_before == NO_TIME || time >= self->not_before)
    return TRUE;
  wish_for_key_frame (self, MAX (self->not_before, 0));

  return FALSE;
}

/* Splits the open part at its cut. What follows is the new open part, unless it
 * is too early for one. */
static void
split_part (IdentifaiSegmenter * self)
{
  IdentifaiPart *rest, *part = self->open;
  gint64 start = part->cut_start;
  gint64 interval = self->settings.interval;

  if (interval > 0 && start < part->start + interval) {
    IdentifaiSegment *nobody = identifai_segment_new (0);

    rest = identifai_part_new (nobody, self->caps, start);
    identifai_part_split (part, rest);
    identifai_part_free (rest);
    seal_part (self, start);
    may_start (self, start);
  } else {
    rest = make_part (self, start);
    identifai_part_split (part, rest);
    seal_part (self, start);
    start_part (self, rest);
  }
}

static void
fail_part (IdentifaiSegmenter * self)
{
  gchar *text = g_strdup_printf ("No key frame within %" G_GUINT64_FORMAT
      " bytes (max-segment-bytes); lower the bit rate or the key frame "
      "interval, or raise max-segment-bytes", self->settings.max_bytes);

  GST_INFO ("segment %u: %s", self->open->segment->number, text);
  identifai_part_fail (self->open, IDENTIFAI_REASON_TOO_LARGE, text);
  g_free (text);
  self->state = STATE_TOO_LARGE;
  wish_at_once (self);
}

/* A frame that is no point. */
static void
add_frame (IdentifaiSegmenter * self, IdentifaiFrame * frame)
{
  if (self->state == STATE_OPEN && !fits (self, frame->cost, 1)
      && self->open->cut > 0)
    split_part (self);
  if (self->state == STATE_OPEN && !fits (self, frame->cost, 1))
    fail_part (self);

  if (self->state == STATE_WAITING) {
    if (self->not_before == NO_TIME) {
      self->skipped++;
      wish_at_once (self);
    }
    identifai_frame_free (frame);
    return;
  }
  identifai_part_add_frame (self->open, frame);
  if (self->state == STATE_OPEN && !fits (self,
          self->settings.max_bytes / 4, 0))
    wish_at_once (self);
}

/* A due key frame that was asked for should have come by now. */
static void
check_overdue (IdentifaiSegmenter * self)
{
  gint64 duration = self->settings.duration;

  if (self->open && duration > 0
      && self->open->newest - self->open->start >= duration + GRACE)
    wish_at_once (self);
}

/*** groups ***/

/* A point and its leading pictures, settled. */
typedef struct
{
  gint64 start;                 /* first shown of what the new segment gets */
  guint overlap;                /* 0: exact */
  guint64 cost;
  gboolean new_headers;
  gboolean closed;
} Group;

static IdentifaiFrame *
group_frame (IdentifaiSegmenter * self, guint i)
{
  return g_ptr_array_index (self->group, i);
}

static void
describe_group (IdentifaiSegmenter * self, Group * group)
{
  IdentifaiFrame *point = group_frame (self, 0);
  guint i;

  group->start = point->pts;
  group->overlap = 0;
  group->cost = 0;
  group->new_headers = point->info.new_headers;
  group->closed = point->info.point == IDENTIFAI_POINT_CLOSED;
  for (i = 0; i < self->group->len; i++) {
    IdentifaiFrame *frame = group_frame (self, i);

    group->cost += frame->cost;
    group->start = MIN (group->start, frame->pts);
    if (i > 0 && !group->closed && !frame->info.decodable)
      group->overlap = self->group->len;
  }
  if (group->overlap > 0)
    group->start = point->pts;
}

/* Leading pictures without what they refer to. */
static void
drop_leading (IdentifaiSegmenter * self, Group * group)
{
  guint n = self->group->len - 1;

  self->skipped += n;
  g_ptr_array_set_size (self->group, 1);
  group->cost = group_frame (self, 0)->cost;
  group->overlap = 0;
}

static void
append_group (IdentifaiSegmenter * self)
{
  guint i, n = self->group->len;

  for (i = 0; i < n; i++)
    identifai_part_add_frame (self->open,
        identifai_frame_copy (group_frame (self, i)));
  g_ptr_array_set_size (self->group, 0);
}

static gboolean
is_due (IdentifaiSegmenter * self, const Group * group)
{
  gint64 duration = self->settings.duration;

  if (self->split_now || group->new_headers)
    return TRUE;
  if (duration == 0 || group->start - self->open->start < duration)
    return FALSE;
  if (group->overlap == 0 || self->overlaps)
    return TRUE;

  /* an exact one may come */
  self->overlaps = group->start - self->open->start >= 2 * duration;

  return self->overlaps;
}

/* No segment is open: the group starts one, if it is time. */
static void
open_with_group (IdentifaiSegmenter * self, Group * group)
{
  if (!may_start (self, group->start)) {
    g_ptr_array_set_size (self->group, 0);
    return;
  }
  if (group->overlap > 0)
    drop_leading (self, group);
  start_part (self, make_part (self, group->start));
  if (!fits (self, group->cost, self->group->len))
    fail_part (self);
  append_group (self);
}

/* An exact cut is worth more than a later one that overlaps. */
static void
mark_cut (IdentifaiSegmenter * self, const Group * group)
{
  IdentifaiPart *part = self->open;

  if (part->cut > 0 && part->overlap == 0 && group->overlap > 0)
    return;
  part->cut = part->frames->len;
  part->overlap = group->overlap;
  part->cut_start = group->start;
}

/* The open segment ends here: with the leading pictures, if they need it and
 * fit into it. */
static void
cut_at_group (IdentifaiSegmenter * self, Group * group)
{
  if (group->overlap > 0 && !fits (self, group->cost, group->overlap)
      && self->open->cut > 0)
    split_part (self);
  if (self->state != STATE_OPEN || (group->overlap > 0
          && !fits (self, group->cost, group->overlap)))
    drop_leading (self, group);

  if (group->overlap > 0) {
    self->open->cut = 0;
    mark_cut (self, group);
    append_group (self);
    split_part (self);
  } else {
    if (self->state != STATE_WAITING)
      seal_part (self, group->start);
    open_with_group (self, group);
  }
}

static void
settle_group (IdentifaiSegmenter * self)
{
  Group group;

  if (self->group->len == 0)
    return;
  describe_group (self, &group);
  if (group.closed)
    self->overlaps = FALSE;

  switch (self->state) {
    case STATE_WAITING:
      open_with_group (self, &group);
      break;
    case STATE_TOO_LARGE:
      seal_part (self, group.start);
      open_with_group (self, &group);
      break;
    case STATE_OPEN:
      if (is_due (self, &group)
          || !fits (self, group.cost, self->group->len)) {
        cut_at_group (self, &group);
      } else {
        mark_cut (self, &group);
        append_group (self);
      }
      break;
  }
}

/*** frames ***/

/* Takes over a frame of which all is known. */
static void
take_frame (IdentifaiSegmenter * self, IdentifaiFrame * frame)
{
  gint64 end = frame->pts;

  if (frame->duration != NO_TIME)
    end += frame->duration;
  if (self->run_start == NO_TIME)
    self->run_start = self->run_end = frame->pts;
  self->run_start = MIN (self->run_start, frame->pts);
  self->run_end = MAX (self->run_end, end);

  if (self->group->len > 0 && frame->info.point == IDENTIFAI_POINT_NONE
      && frame->pts < group_frame (self, 0)->pts) {
    g_ptr_array_add (self->group, frame);
    return;
  }
  settle_group (self);
  if (frame->info.point != IDENTIFAI_POINT_NONE) {
    g_ptr_array_add (self->group, frame);
    if (!frame->info.may_lead)
      settle_group (self);
  } else {
    add_frame (self, frame);
  }
  check_overdue (self);
}

static void
take_ready_frames (IdentifaiSegmenter * self)
{
  IdentifaiFrame *frame;

  while (self->reorder && (frame = identifai_reorder_pop (self->reorder)))
    take_frame (self, frame);
}

/* What follows has nothing to do with what came: the open segment ends with its
 * last frame. */
static void
end_run (IdentifaiSegmenter * self)
{
  if (self->reorder)
    identifai_reorder_drain (self->reorder);
  take_ready_frames (self);
  settle_group (self);
  if (self->open) {
    self->run_end = MAX (self->run_end, identifai_part_guess_end (self->open));
    seal_part (self, identifai_part_guess_end (self->open));
  }
  if (self->run_start != NO_TIME)
    self->seen += self->run_end - self->run_start;
  self->run_start = self->run_end = NO_TIME;
  self->wished_late = FALSE;
  place_all_audio (self);
}

static gint64
to_running_time (const GstSegment * segment, GstClockTime time)
{
  guint64 running_time;
  gint sign;

  if (time >= MAX_TIMESTAMP)
    return NO_TIME;
  sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
      &running_time);

  return sign == 0 ? NO_TIME : sign * (gint64) running_time;
}

/* Also where the segment clips; GST_CLOCK_TIME_NONE: before the stream. */
static GstClockTime
to_stream_time (IdentifaiSegmenter * self, IdentifaiFrame * frame,
    GstBuffer * buffer)
{
  GstClockTime time = GST_BUFFER_PTS (buffer);
  guint64 stream_time;
  gint sign;

  if (time >= MAX_TIMESTAMP)
    time = GST_BUFFER_DTS (buffer);
  if (time >= MAX_TIMESTAMP && frame->stamp >= 0)
    time = gst_segment_position_from_running_time (&self->segment,
        GST_FORMAT_TIME, frame->stamp);
  if (time >= MAX_TIMESTAMP)
    return GST_CLOCK_TIME_NONE;
  sign = gst_segment_to_stream_time_full (&self->segment, GST_FORMAT_TIME,
      time, &stream_time);

  return sign > 0 ? stream_time : GST_CLOCK_TIME_NONE;
}

/* Of a frame without any time: it follows the one before. */
static gint64
guess_dts (IdentifaiSegmenter * self)
{
  if (self->frame_duration == NO_TIME)
    return NO_TIME;
  if (self->next_time == NO_TIME)
    return to_running_time (&self->segment, self->segment.start);

  return self->next_time;
}

static IdentifaiFrame *
make_frame (IdentifaiSegmenter * self, GstBuffer * buffer,
    const IdentifaiArrival * arrival)
{
  IdentifaiFrame *frame = g_new0 (IdentifaiFrame, 1);

  frame->buffer = identifai_buffer_hold (buffer);
  gst_buffer_unref (buffer);
  identifai_frame_reader_read (self->reader, frame->buffer, &frame->info);
  if (frame->info.point != IDENTIFAI_POINT_NONE)
    frame->buffer = identifai_frame_reader_complete (self->reader,
        frame->buffer);
  buffer = frame->buffer;
  frame->cost = gst_buffer_get_size (buffer) + frame->info.growth;
  frame->pts = to_running_time (&self->segment, GST_BUFFER_PTS (buffer));
  frame->dts = to_running_time (&self->segment, GST_BUFFER_DTS (buffer));
  frame->duration = self->frame_duration;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    frame->duration = GST_BUFFER_DURATION (buffer)
        / MAX (ABS (self->segment.rate), 0.001);
  if (frame->pts == NO_TIME && frame->dts == NO_TIME)
    frame->dts = guess_dts (self);
  frame->stamp = frame->pts != NO_TIME ? frame->pts : frame->dts;
  frame->stream_time = to_stream_time (self, frame, buffer);
  frame->utc = arrival->utc;
  frame->monotonic = arrival->monotonic;

  return frame;
}

static gboolean
is_usable (IdentifaiSegmenter * self, const IdentifaiFrame * frame)
{
  gint64 time = frame->pts != NO_TIME ? frame->pts : frame->dts;

  return frame->info.has_picture && time != NO_TIME
      && time > -(gint64) IDENTIFAI_TRACK_EPOCH && self->segment.rate > 0;
}

/* The segment changed in a way that matters only to the few frames before it:
 * matroskademux starts with one for the first stream that it sees and then, if
 * another one begins earlier, sends a second and flags DISCONT. */
static gboolean
is_correction (IdentifaiSegmenter * self, GstClockTime timestamp)
{
  return self->segment_changed && self->shift != 0 && ABS (self->shift) < JUMP
      && GST_CLOCK_TIME_IS_VALID (self->last_timestamp)
      && ABS (GST_CLOCK_DIFF (self->last_timestamp, timestamp)) < JUMP;
}

/* Moves what is open of this run by what the new segment moves it. */
static void
correct_times (IdentifaiSegmenter * self)
{
  guint i;

  GST_DEBUG ("running times move by %" GST_STIME_FORMAT,
      GST_STIME_ARGS (self->shift));
  identifai_reorder_drain (self->reorder);
  take_ready_frames (self);
  for (i = 0; i < self->group->len; i++)
    identifai_frame_shift (group_frame (self, i), self->shift);
  if (self->open)
    identifai_part_shift (self->open, self->shift);
  if (self->run_start != NO_TIME) {
    self->run_start += self->shift;
    self->run_end += self->shift;
  }
}

/* Whether the frame doesn't follow what came before. */
static gboolean
breaks_run (IdentifaiSegmenter * self, const IdentifaiFrame * frame)
{
  gint64 time = frame->pts != NO_TIME ? frame->pts : frame->dts;

  if (self->run_end == NO_TIME)
    return FALSE;
  if (GST_BUFFER_FLAG_IS_SET (frame->buffer, GST_BUFFER_FLAG_DISCONT)
      || time < self->run_end - JUMP)
    return TRUE;

  return self->segment_changed && time > self->run_end + JUMP;
}

static void
push_video (IdentifaiSegmenter * self, GstBuffer * buffer,
    const IdentifaiArrival * arrival)
{
  GstClockTime timestamp = GST_BUFFER_PTS_IS_VALID (buffer) ?
      GST_BUFFER_PTS (buffer) : GST_BUFFER_DTS (buffer);
  IdentifaiFrame *frame;

  if (self->reader == NULL) {
    gst_buffer_unref (buffer);
    return;
  }
  self->eos = FALSE;
  frame = make_frame (self, buffer, arrival);
  if (!is_usable (self, frame)) {
    self->skipped += frame->info.has_picture ? 1 : 0;
    identifai_frame_free (frame);
    return;
  }
  if (is_correction (self, timestamp))
    correct_times (self);
  else if (breaks_run (self, frame))
    end_run (self);
  self->segment_changed = FALSE;
  self->shift = 0;
  self->last_timestamp = timestamp < MAX_TIMESTAMP ? timestamp :
      GST_CLOCK_TIME_NONE;
  self->next_time = frame->dts != NO_TIME ? frame->dts : frame->pts;
  if (frame->duration != NO_TIME)
    self->next_time += frame->duration;
  identifai_reorder_push (self->reorder, frame);
  take_ready_frames (self);
  place_all_audio (self);
}

/*** public ***/

IdentifaiSegmenter *
identifai_segmenter_new (IdentifaiSegmenterOpenFunc open, gpointer user_data)
{
  IdentifaiSegmenter *self = g_new0 (IdentifaiSegmenter, 1);

  init_debug ();
  self->open_func = open;
  self->user_data = user_data;
  self->settings.duration = 10 * GST_SECOND;
  self->settings.max_bytes = 50 * 1000 * 1000;
  self->group =
      g_ptr_array_new_with_free_func ((GDestroyNotify) identifai_frame_free);
  self->sounds = g_ptr_array_new_with_free_func (sound_free);
  g_queue_init (&self->sealed);
  g_queue_init (&self->given_up);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->run_start = self->run_end = self->not_before = NO_TIME;
  self->next_time = NO_TIME;
  self->frame_duration = NO_TIME;
  self->last_timestamp = GST_CLOCK_TIME_NONE;

  return self;
}

void
identifai_segmenter_free (IdentifaiSegmenter * self)
{
  g_clear_pointer (&self->open, identifai_part_free);
  g_queue_clear_full (&self->sealed, (GDestroyNotify) identifai_part_free);
  g_queue_clear_full (&self->given_up, (GDestroyNotify) identifai_segment_free);
  g_ptr_array_unref (self->group);
  g_ptr_array_unref (self->sounds);
  free_readers (self);
  gst_clear_caps (&self->caps);
  g_free (self);
}

void
identifai_segmenter_configure (IdentifaiSegmenter * self,
    const IdentifaiSegmenterSettings * settings)
{
  self->settings = *settings;
}

guint
identifai_segmenter_add_audio (IdentifaiSegmenter * self)
{
  guint stream = self->sounds->len + 1;

  g_ptr_array_add (self->sounds, identifai_sound_new (stream));

  return stream;
}

void
identifai_segmenter_remove_audio (IdentifaiSegmenter * self, guint stream)
{
  if (get_sound (self, stream) == NULL)
    return;
  identifai_sound_free (get_sound (self, stream));
  g_ptr_array_index (self->sounds, stream - 1) = NULL;
}

/* All caps there are, with caps in the place of stream's; borrowed. */
static GPtrArray *
collect_caps (IdentifaiSegmenter * self, guint stream, GstCaps * caps)
{
  GPtrArray *all = g_ptr_array_new ();
  GstCaps *video = stream == IDENTIFAI_SEGMENTER_VIDEO ? caps : self->caps;
  guint i;

  if (video)
    g_ptr_array_add (all, video);
  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);
    GstCaps *audio = sound ? sound->caps : NULL;

    if (i + 1 == stream)
      audio = caps;
    if (audio)
      g_ptr_array_add (all, audio);
  }

  return all;
}

static gboolean
can_mux_with (IdentifaiSegmenter * self, guint stream, GstCaps * caps)
{
  GPtrArray *all = collect_caps (self, stream, caps);
  GError *error = NULL;
  const gchar *muxer;

  muxer = identifai_muxer_choose ("auto", (GstCaps **) all->pdata, all->len,
      &error);
  if (muxer == NULL)
    GST_WARNING ("%s", error->message);
  g_clear_error (&error);
  g_ptr_array_unref (all);

  return muxer != NULL;
}

static gint64
read_frame_duration (const GstCaps * caps)
{
  gint num, denom;

  if (!gst_structure_get_fraction (gst_caps_get_structure (caps, 0),
          "framerate", &num, &denom) || num <= 0 || denom <= 0)
    return NO_TIME;

  return gst_util_uint64_scale (GST_SECOND, denom, num);
}

static void
set_video_caps (IdentifaiSegmenter * self, GstCaps * caps)
{
  if (self->caps == NULL || identifai_codec_caps_differ (self->caps, caps)) {
    end_run (self);
    free_readers (self);
    self->reader = identifai_frame_reader_new (caps);
    self->reorder = identifai_reorder_new (identifai_codec_of_caps (caps)->id);
  }
  gst_caps_replace (&self->caps, caps);
  self->frame_duration = read_frame_duration (caps);
}

gboolean
identifai_segmenter_set_caps (IdentifaiSegmenter * self, guint stream,
    GstCaps * caps)
{
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  gboolean is_video = stream == IDENTIFAI_SEGMENTER_VIDEO;
  IdentifaiSound *sound = get_sound (self, stream);

  if (codec == NULL || codec->video != is_video || (!is_video && !sound)
      || !can_mux_with (self, stream, caps))
    return FALSE;
  if (is_video)
    set_video_caps (self, caps);
  else
    gst_caps_replace (&sound->caps, caps);

  return TRUE;
}

void
identifai_segmenter_set_segment (IdentifaiSegmenter * self, guint stream,
    const GstSegment * segment)
{
  IdentifaiSound *sound = get_sound (self, stream);

  if (segment->format != GST_FORMAT_TIME)
    return;
  if (sound) {
    gst_segment_copy_into (segment, &sound->segment);
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    if (GST_CLOCK_TIME_IS_VALID (self->last_timestamp))
      self->shift += to_running_time (segment, self->last_timestamp)
          - to_running_time (&self->segment, self->last_timestamp);
    gst_segment_copy_into (segment, &self->segment);
    self->segment_changed = TRUE;
  }
}

void
identifai_segmenter_push (IdentifaiSegmenter * self, guint stream,
    GstBuffer * buffer, const IdentifaiArrival * arrival)
{
  IdentifaiSound *sound = get_sound (self, stream);

  self->monotonic = MAX (self->monotonic, arrival->monotonic);
  if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    push_video (self, buffer, arrival);
  } else if (sound) {
    identifai_sound_push (sound, buffer);
    place_all_audio (self);
  } else {
    gst_buffer_unref (buffer);
  }
}

void
identifai_segmenter_gap (IdentifaiSegmenter * self, guint stream,
    GstClockTime timestamp, GstClockTime duration)
{
  IdentifaiSound *sound = get_sound (self, stream);

  if (sound)
    identifai_sound_gap (sound, timestamp, duration);
}

void
identifai_segmenter_eos (IdentifaiSegmenter * self, guint stream,
    gint64 monotonic)
{
  IdentifaiSound *sound = get_sound (self, stream);

  self->monotonic = MAX (self->monotonic, monotonic);
  if (sound) {
    sound->eos = TRUE;
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    end_run (self);
    self->eos = TRUE;
  }
}

void
identifai_segmenter_split_now (IdentifaiSegmenter * self)
{
  if (self->state != STATE_OPEN || self->split_now)
    return;
  self->split_now = TRUE;
  wish_for_key_frame (self, GST_CLOCK_TIME_NONE);
}

static void
give_up (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  g_queue_push_tail (&self->given_up, identifai_part_finish (part,
          G_MAXUINT64));
}

static void
flush_video (IdentifaiSegmenter * self)
{
  IdentifaiPart *part;

  if (self->reorder)
    identifai_reorder_clear (self->reorder);
  g_ptr_array_set_size (self->group, 0);
  if (self->open)
    seal_part (self, identifai_part_guess_end (self->open));
  while ((part = g_queue_pop_head (&self->sealed)))
    give_up (self, part);
  end_run (self);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
  self->not_before = NO_TIME;
  self->wish = self->split_now = self->eos = FALSE;
  self->segment_changed = FALSE;
  self->shift = 0;
  self->last_timestamp = GST_CLOCK_TIME_NONE;
  self->next_time = NO_TIME;
}

void
identifai_segmenter_flush (IdentifaiSegmenter * self, guint stream)
{
  IdentifaiSound *sound = get_sound (self, stream);

  if (sound) {
    identifai_sound_flush (sound);
    gst_segment_init (&sound->segment, GST_FORMAT_TIME);
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    flush_video (self);
  }
}

IdentifaiSegment *
identifai_segmenter_pop_flushed (IdentifaiSegmenter * self)
{
  return g_queue_pop_head (&self->given_up);
}

void
identifai_segmenter_reset (IdentifaiSegmenter * self)
{
  guint i;

  flush_video (self);
  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);

    if (sound == NULL)
      continue;
    identifai_segmenter_flush (self, sound->id);
    gst_clear_caps (&sound->caps);
  }
  gst_clear_caps (&self->caps);
  free_readers (self);
  self->frame_duration = NO_TIME;
  self->overlaps = FALSE;
  self->monotonic = 0;
  self->skipped = 0;
  self->seen = self->covered = 0;
}

static gboolean
has_its_audio (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  guint i;

  if (part->segment->failure != IDENTIFAI_REASON_NONE)
    return TRUE;
  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);

    if (sound && !identifai_sound_has_passed (sound, part->end))
      return FALSE;
  }

  return TRUE;
}

/* Streams that have been silent get an empty track, so that the choice of the
 * muxer doesn't change from segment to segment. */
static void
name_all_tracks (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  guint i;

  if (part->segment->failure != IDENTIFAI_REASON_NONE)
    return;
  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);

    if (sound && sound->caps && !identifai_part_has_track (part, sound->id))
      identifai_segment_add_track (part->segment, sound->caps);
  }
}

IdentifaiSegment *
identifai_segmenter_pop (IdentifaiSegmenter * self, gint64 now)
{
  IdentifaiPart *part = g_queue_peek_head (&self->sealed);

  if (part == NULL || (now < part->deadline && !has_its_audio (self, part)))
    return NULL;
  g_queue_pop_head (&self->sealed);
  name_all_tracks (self, part);

  return identifai_part_finish (part, self->settings.max_bytes);
}

gint64
identifai_segmenter_next_deadline (IdentifaiSegmenter * self)
{
  IdentifaiPart *part = g_queue_peek_head (&self->sealed);

  return part ? part->deadline : -1;
}

gboolean
identifai_segmenter_take_keyframe_request (IdentifaiSegmenter * self,
    GstClockTime * running_time)
{
  if (!self->wish)
    return FALSE;
  self->wish = FALSE;
  *running_time = self->wish_time;

  return TRUE;
}

static guint64
count_bytes (IdentifaiSegmenter * self)
{
  guint64 bytes = self->open ? self->open->segment->bytes : 0;
  GList *link;
  guint i;

  for (link = self->sealed.head; link; link = link->next)
    bytes += ((IdentifaiPart *) link->data)->segment->bytes;
  for (i = 0; i < self->group->len; i++)
    bytes += gst_buffer_get_size (group_frame (self, i)->buffer);
  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);

    bytes += sound ? sound->waiting_bytes : 0;
  }

  return bytes;
}

void
identifai_segmenter_get_stats (IdentifaiSegmenter * self,
    IdentifaiSegmenterStats * stats)
{
  gint64 seen = self->seen;

  if (self->run_start != NO_TIME)
    seen += self->run_end - self->run_start;
  stats->skipped = self->skipped;
  stats->seen = seen;
  stats->covered = self->covered;
  stats->bytes = count_bytes (self);
}
