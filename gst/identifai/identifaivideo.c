/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "identifaivideo.h"
#include "identifaicodecs.h"
#include "identifaireorder.h"
#include "identifaisteps.h"
#include "identifaitimes.h"

#define NO_TIME IDENTIFAI_NO_TIME
#define JUMP IDENTIFAI_STEPS_JUMP

struct _IdentifaiVideo
{
  GstCaps *caps;                /* or NULL */
  IdentifaiFrameReader *reader; /* of caps */
  IdentifaiReorder *reorder;    /* of caps */
  gint64 frame_duration;        /* by the caps; NO_TIME = unknown */

  GstSegment segment;
  gboolean segment_changed;     /* since the last frame */
  gboolean lossy;               /* a DISCONT since the last frame */
  gint64 shift;                 /* by which that moved running times */
  GstClockTime last_timestamp;  /* of the last frame, PTS or DTS; NONE */

  gint64 next_time;             /* when a frame should follow; NO_TIME */
  IdentifaiSteps steps;         /* of the frames so far */
  guint64 n_buffers, n_bytes;   /* came */
  guint64 unusable;
};

IdentifaiVideo *
identifai_video_new (void)
{
  IdentifaiVideo *self = g_new0 (IdentifaiVideo, 1);

  identifai_video_reset (self);

  return self;
}

void
identifai_video_free (IdentifaiVideo * self)
{
  identifai_video_reset (self);
  g_free (self);
}

GstCaps *
identifai_video_get_caps (IdentifaiVideo * self)
{
  return self->caps;
}

gboolean
identifai_video_needs_new_file (IdentifaiVideo * self, const GstCaps * caps)
{
  return self->caps == NULL || identifai_codec_caps_differ (self->caps, caps);
}

static void
free_readers (IdentifaiVideo * self)
{
  g_clear_pointer (&self->reader, identifai_frame_reader_free);
  g_clear_pointer (&self->reorder, identifai_reorder_free);
}

static gint64
read_frame_duration (const GstCaps * caps)
{
  gint num, denom;

  if (!gst_structure_get_fraction (gst_caps_get_structure (caps, 0),
          "framerate", &num, &denom) || num <= 0 || denom <= 0)
    return NO_TIME;

  return MIN (gst_util_uint64_scale (GST_SECOND, denom, num),
      IDENTIFAI_MAX_DURATION);
}

void
identifai_video_set_caps (IdentifaiVideo * self, GstCaps * caps)
{
  if (identifai_video_needs_new_file (self, caps)) {
    free_readers (self);
    self->reader = identifai_frame_reader_new (caps);
    self->reorder = identifai_reorder_new (identifai_codec_of_caps (caps)->id);
    identifai_steps_init (&self->steps, identifai_codec_of_caps (caps)->id);
  }
  gst_caps_replace (&self->caps, caps);
  self->frame_duration = read_frame_duration (caps);
}

/* Not one that is sent again. */
static gboolean
is_another (const GstSegment * a, const GstSegment * b)
{
  return a->start != b->start || a->base != b->base || a->time != b->time
      || a->offset != b->offset || a->rate != b->rate;
}

void
identifai_video_set_segment (IdentifaiVideo * self, const GstSegment * segment)
{
  gint64 before = identifai_times_to_running (&self->segment,
      self->last_timestamp);
  gint64 now = identifai_times_to_running (segment, self->last_timestamp);

  if (before != NO_TIME && now != NO_TIME)
    self->shift = CLAMP (self->shift + now - before, -IDENTIFAI_MAX_RUNNING,
        IDENTIFAI_MAX_RUNNING);
  self->segment_changed |= is_another (&self->segment, segment);
  gst_segment_copy_into (segment, &self->segment);
}

void
identifai_video_gap (IdentifaiVideo * self, GstClockTime timestamp,
    GstClockTime duration)
{
  gint64 start = identifai_times_to_running (&self->segment, timestamp);
  gint64 length = identifai_times_to_duration (&self->segment, duration);

  if (start != NO_TIME && length != NO_TIME && self->segment.rate > 0)
    identifai_steps_gap (&self->steps, start + length);
}

static GstClockTime
get_timestamp (GstBuffer * buffer)
{
  GstClockTime time = GST_BUFFER_PTS (buffer);

  if (time >= IDENTIFAI_MAX_TIMESTAMP)
    time = GST_BUFFER_DTS (buffer);

  return time < IDENTIFAI_MAX_TIMESTAMP ? time : GST_CLOCK_TIME_NONE;
}

/* Also where the segment clips; GST_CLOCK_TIME_NONE: before the stream. */
static GstClockTime
to_stream_time (IdentifaiVideo * self, GstClockTime timestamp, gint64 stamp)
{
  guint64 stream_time;
  gint sign;

  if (!GST_CLOCK_TIME_IS_VALID (timestamp) && stamp >= 0)
    timestamp = gst_segment_position_from_running_time (&self->segment,
        GST_FORMAT_TIME, stamp);
  if (!GST_CLOCK_TIME_IS_VALID (timestamp))
    return GST_CLOCK_TIME_NONE;
  sign = gst_segment_to_stream_time_full (&self->segment, GST_FORMAT_TIME,
      timestamp, &stream_time);

  return sign > 0 ? stream_time : GST_CLOCK_TIME_NONE;
}

/* Of a frame without any time: it follows the one before. */
static gint64
guess_dts (IdentifaiVideo * self)
{
  if (self->frame_duration == NO_TIME)
    return NO_TIME;
  if (self->next_time == NO_TIME)
    return identifai_times_to_running (&self->segment, self->segment.start);

  return self->next_time < IDENTIFAI_MAX_RUNNING ? self->next_time : NO_TIME;
}

static void
set_times (IdentifaiVideo * self, IdentifaiFrame * frame, GstBuffer * buffer)
{
  const GstSegment *segment = &self->segment;

  frame->pts = identifai_times_to_running (segment, GST_BUFFER_PTS (buffer));
  frame->dts = identifai_times_to_running (segment, GST_BUFFER_DTS (buffer));
  frame->duration = identifai_times_to_duration (segment,
      GST_BUFFER_DURATION (buffer));
  if (frame->duration == NO_TIME)
    frame->duration = self->frame_duration;
  if (frame->pts == NO_TIME && frame->dts == NO_TIME)
    frame->dts = guess_dts (self);
  frame->stamp = frame->pts != NO_TIME ? frame->pts : frame->dts;
  frame->stream_time = to_stream_time (self, get_timestamp (buffer),
      frame->stamp);
}

static IdentifaiFrame *
make_frame (IdentifaiVideo * self, GstBuffer * buffer,
    const IdentifaiArrival * arrival)
{
  IdentifaiFrame *frame = g_new0 (IdentifaiFrame, 1);

  frame->buffer = identifai_buffer_hold (buffer);
  gst_buffer_unref (buffer);
  identifai_frame_reader_read (self->reader, frame->buffer, &frame->info);
  if (frame->info.point != IDENTIFAI_POINT_NONE)
    frame->buffer = identifai_frame_reader_complete (self->reader,
        frame->buffer, &frame->info);
  frame->cost = gst_buffer_get_size (frame->buffer) + frame->info.growth;
  set_times (self, frame, frame->buffer);
  frame->utc = arrival->utc;
  frame->monotonic = arrival->monotonic;

  return frame;
}

static gboolean
is_usable (IdentifaiVideo * self, const IdentifaiFrame * frame)
{
  return frame->info.has_picture && frame->stamp != NO_TIME
      && frame->stamp > -(gint64) IDENTIFAI_TRACK_EPOCH
      && self->segment.rate > 0;
}

/* Timestamps start over, and running times go on without a seam. */
static gboolean
is_seamless (IdentifaiVideo * self, const IdentifaiFrame * frame,
    GstClockTime timestamp)
{
  gint64 duration = frame->duration != NO_TIME ? frame->duration : 0;

  return timestamp < self->last_timestamp
      && ABS (identifai_steps_get_pause (&self->steps, frame)) <= duration / 2;
}

/* The segment changed in a way that matters only to the few frames before it:
 * matroskademux starts with one for the first stream that it sees and then, if
 * another one begins earlier, sends a second and flags DISCONT. */
static gboolean
is_move (IdentifaiVideo * self, const IdentifaiFrame * frame)
{
  GstClockTime timestamp = get_timestamp (frame->buffer);

  return self->segment_changed && self->shift != 0 && ABS (self->shift) < JUMP
      && GST_CLOCK_TIME_IS_VALID (self->last_timestamp)
      && GST_CLOCK_TIME_IS_VALID (timestamp)
      && ABS (GST_CLOCK_DIFF (self->last_timestamp, timestamp)) < JUMP
      && !is_seamless (self, frame, timestamp);
}

static gboolean
is_break (IdentifaiVideo * self, const IdentifaiFrame * frame)
{
  if (self->segment_changed && (self->lossy
          || identifai_steps_get_pause (&self->steps, frame) > JUMP))
    return TRUE;

  return identifai_steps_is_jump (&self->steps, frame, self->lossy);
}

static IdentifaiLink
find_link (IdentifaiVideo * self, const IdentifaiFrame * frame)
{
  if (self->steps.end == NO_TIME)
    return IDENTIFAI_LINK_FOLLOWS;
  if (is_move (self, frame))
    return IDENTIFAI_LINK_MOVES;
  if (is_break (self, frame))
    return IDENTIFAI_LINK_BREAKS;

  return IDENTIFAI_LINK_FOLLOWS;
}

static void
advance (IdentifaiVideo * self, const IdentifaiFrame * frame,
    IdentifaiLink link)
{
  gint64 duration = frame->duration != NO_TIME ? frame->duration : 0;

  if (link == IDENTIFAI_LINK_MOVES)
    identifai_steps_shift (&self->steps, self->shift);
  identifai_steps_add (&self->steps, frame, link == IDENTIFAI_LINK_BREAKS);
  self->next_time = frame->dts != NO_TIME ? frame->dts : frame->pts;
  self->next_time += duration;
  self->last_timestamp = get_timestamp (frame->buffer);
  self->segment_changed = self->lossy = FALSE;
  self->shift = 0;
}

IdentifaiFrame *
identifai_video_read (IdentifaiVideo * self, GstBuffer * buffer,
    const IdentifaiArrival * arrival, IdentifaiLink * link, gint64 * shift)
{
  IdentifaiFrame *frame;

  self->n_buffers++;
  self->n_bytes += gst_buffer_get_size (buffer);
  self->lossy |= GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (self->reader == NULL) {
    gst_buffer_unref (buffer);
    return NULL;
  }
  frame = make_frame (self, buffer, arrival);
  if (!is_usable (self, frame)) {
    self->unusable += frame->info.has_picture ? 1 : 0;
    identifai_frame_free (frame);
    return NULL;
  }
  *link = find_link (self, frame);
  frame->lossy = self->lossy && *link == IDENTIFAI_LINK_FOLLOWS
      && self->steps.end != NO_TIME;
  *shift = self->shift;
  advance (self, frame, *link);

  return frame;
}

void
identifai_video_push (IdentifaiVideo * self, IdentifaiFrame * frame)
{
  identifai_reorder_push (self->reorder, frame);
}

IdentifaiFrame *
identifai_video_pop (IdentifaiVideo * self)
{
  return self->reorder ? identifai_reorder_pop (self->reorder) : NULL;
}

void
identifai_video_sign (IdentifaiVideo * self, IdentifaiFrame * frame)
{
  if (self->reader)
    frame->buffer = identifai_frame_reader_sign (self->reader, frame->buffer,
        &frame->info);
}

void
identifai_video_drain (IdentifaiVideo * self)
{
  if (self->reorder)
    identifai_reorder_drain (self->reorder);
}

void
identifai_video_restart (IdentifaiVideo * self)
{
  if (self->reorder)
    identifai_reorder_clear (self->reorder);
  self->segment_changed = self->lossy = FALSE;
  self->shift = 0;
  self->last_timestamp = GST_CLOCK_TIME_NONE;
  self->next_time = NO_TIME;
  identifai_steps_clear (&self->steps);
}

void
identifai_video_flush (IdentifaiVideo * self)
{
  identifai_video_restart (self);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
}

void
identifai_video_reset (IdentifaiVideo * self)
{
  identifai_video_flush (self);
  free_readers (self);
  gst_clear_caps (&self->caps);
  self->frame_duration = NO_TIME;
  self->n_buffers = self->n_bytes = self->unusable = 0;
}

void
identifai_video_get_stats (IdentifaiVideo * self,
    IdentifaiSegmenterStats * stats)
{
  stats->n_buffers = self->n_buffers;
  stats->n_bytes = self->n_bytes;
  stats->skipped = self->unusable;
}
