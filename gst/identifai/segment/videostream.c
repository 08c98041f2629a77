/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Under the segmenter's owner's lock. Running times are ns, signed; when something came
 * is monotonic, in µs.
 */

#include "videostreamprivate.h"
#include "codecs.h"
#include "heldbuffer.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

#define NO_TIME IDENTIFAI_NO_TIME
#define SHORT ((gint64) GST_SECOND)     /* by which an end is early */
#define MOST_LENGTH (10 * (gint64) GST_SECOND)

IdentifaiVideoStream *
identifai_video_stream_new (void)
{
  IdentifaiVideoStream *self = g_new0 (IdentifaiVideoStream, 1);

  identifai_video_stream_reset (self);

  return self;
}

void
identifai_video_stream_free (IdentifaiVideoStream * self)
{
  identifai_video_stream_reset (self);
  g_clear_pointer (&self->frames, identifai_frame_block_unref);
  g_free (self->name);
  g_free (self);
}

void
identifai_video_stream_set_name (IdentifaiVideoStream * self,
    const gchar * name)
{
  g_free (self->name);
  self->name = g_strdup (name);
  self->flaws.name = self->stamper.name = self->name;
}

GstCaps *
identifai_video_stream_get_caps (IdentifaiVideoStream * self)
{
  return self->sized ? self->sized : self->caps;
}

gboolean
identifai_video_stream_needs_new_file (IdentifaiVideoStream * self,
    const GstCaps * caps)
{
  if (self->sized && !identifai_codec_caps_differ (self->sized, caps))
    return FALSE;

  return self->caps == NULL || identifai_codec_caps_differ (self->caps, caps);
}

static void
free_readers (IdentifaiVideoStream * self)
{
  g_clear_pointer (&self->reader, identifai_frame_reader_free);
  g_clear_pointer (&self->reorder, identifai_mpeg_timestamper_free);
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
identifai_video_stream_set_caps (IdentifaiVideoStream * self, GstCaps * caps)
{
  if (identifai_video_stream_needs_new_file (self, caps)) {
    free_readers (self);
    self->reader = identifai_frame_reader_new (self->name, caps);
    self->reorder =
        identifai_mpeg_timestamper_new (self->name,
        identifai_codec_of_caps (caps)->id);
    identifai_pauses_init (&self->pauses, identifai_codec_of_caps (caps)->id);
    gst_clear_caps (&self->sized);
    self->width = self->height = 0;
  }
  gst_caps_replace (&self->caps, caps);
  self->frame_duration = read_frame_duration (caps);
}

void
identifai_video_stream_set_segment (IdentifaiVideoStream * self,
    const GstSegment * segment)
{
  gint64 before = identifai_running_time (&self->segment,
      self->last_timestamp);
  gint64 now = identifai_running_time (segment, self->last_timestamp);

  if (before != NO_TIME && now != NO_TIME && now != before)
    GST_DEBUG_ID (self->name,
        "with the new segment the last frame would be at %" GST_STIME_FORMAT
        ", not %" GST_STIME_FORMAT, GST_STIME_ARGS (now),
        GST_STIME_ARGS (before));
  if (before != NO_TIME && now != NO_TIME)
    self->shift = CLAMP (self->shift + now - before, -IDENTIFAI_MAX_RUNNING,
        IDENTIFAI_MAX_RUNNING);
  if (!identifai_running_is_same (&self->segment, segment)) {
    GST_DEBUG_ID (self->name, "another segment: a jump of its times is none of "
        "the stream");
    self->segment_changed = TRUE;
    self->rebase = 0;
    self->first_timestamp = GST_CLOCK_TIME_NONE;
  }
  gst_segment_copy_into (segment, &self->segment);
}

void
identifai_video_stream_gap (IdentifaiVideoStream * self, GstClockTime timestamp,
    GstClockTime duration)
{
  gint64 start = identifai_running_time (&self->segment, timestamp);
  gint64 length = identifai_running_duration (&self->segment, duration);

  GST_LOG_ID (self->name, "a gap from %" GST_STIME_FORMAT " on, %"
      GST_STIME_FORMAT " long, is a pause", GST_STIME_ARGS (start),
      GST_STIME_ARGS (length));
  if (start != NO_TIME && length != NO_TIME && self->segment.rate > 0)
    identifai_pauses_gap (&self->pauses, start + self->rebase + length);
}

/* Also where the segment clips; GST_CLOCK_TIME_NONE: before the stream. */
static GstClockTime
to_stream_time (IdentifaiVideoStream * self, GstClockTime timestamp,
    gint64 stamp)
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

static void
set_times (IdentifaiVideoStream * self, IdentifaiFrame * frame,
    const IdentifaiCaptureTime * arrival)
{
  const GstSegment *segment = &self->segment;
  GstBuffer *buffer = frame->buffer;
  gboolean stuck = identifai_missing_times_is_stuck (&self->stamper, buffer);

  frame->pts = frame->dts = NO_TIME;
  frame->stream_time = GST_CLOCK_TIME_NONE;
  if (!stuck) {
    frame->pts = identifai_running_time (segment, GST_BUFFER_PTS (buffer));
    frame->dts = identifai_running_time (segment, GST_BUFFER_DTS (buffer));
  }
  frame->duration = identifai_running_duration (segment,
      GST_BUFFER_DURATION (buffer));
  if (frame->duration == NO_TIME)
    frame->duration = self->frame_duration;
  if (frame->pts == NO_TIME && frame->dts == NO_TIME)
    identifai_missing_times_guess (&self->stamper, frame,
        identifai_running_time (segment, segment->start),
        self->frame_duration, arrival);
  frame->stamp = frame->pts != NO_TIME ? frame->pts : frame->dts;
  frame->stream_time = to_stream_time (self,
      stuck ? GST_CLOCK_TIME_NONE : get_timestamp (buffer), frame->stamp);
  frame->moved = self->rebase;
  if (!frame->guessed)
    move_frame (frame, self->rebase);
}

static void
scale (GstStructure * structure, const gchar * field, guint from, guint to)
{
  gint value;

  if (gst_structure_get_int (structure, field, &value) && value > 0)
    gst_structure_set (structure, field, G_TYPE_INT,
        (gint) MIN (gst_util_uint64_scale (value, to, from), G_MAXINT), NULL);
}

/* The picture's size changes, and upstream doesn't say so. What the caps say need
 * not be that of a frame: it may be a field of two. */
static void
note_size (IdentifaiVideoStream * self, IdentifaiFrameInfo * info)
{
  GstCaps *caps = NULL;

  if (info->width == 0 || info->height == 0)
    return;
  if (self->width > 0 && (info->width != self->width
          || info->height != self->height)) {
    caps = gst_caps_copy (identifai_video_stream_get_caps (self));
    scale (gst_caps_get_structure (caps, 0), "width", self->width, info->width);
    scale (gst_caps_get_structure (caps, 0), "height", self->height,
        info->height);
    gst_caps_take (&self->sized, caps);
    info->new_headers = TRUE;
    GST_DEBUG_ID (self->name, "pictures are %ux%u now, were %ux%u",
        info->width, info->height, self->width, self->height);
  }
  self->width = info->width;
  self->height = info->height;
}

/* One whose memory can't be read has its place, and its segment fails: upstream's
 * word for what it is is all that there is. */
static void
read_frame (IdentifaiVideoStream * self, IdentifaiFrame * frame)
{
  frame->unreadable = identifai_buffer_get_unreadable (frame->buffer);
  if (frame->unreadable != NULL) {
    GST_DEBUG_ID (self->name, "a frame in memory of type %s can't be read: its "
        "segment fails", frame->unreadable);
    frame->info.has_picture = TRUE;
    if (!GST_BUFFER_FLAG_IS_SET (frame->buffer, GST_BUFFER_FLAG_DELTA_UNIT))
      frame->info.point = IDENTIFAI_POINT_CLOSED;
    return;
  }
  identifai_frame_reader_read (self->reader, frame->buffer, &frame->info);
  note_size (self, &frame->info);
  if (frame->info.point != IDENTIFAI_POINT_NONE)
    frame->buffer = identifai_frame_reader_complete (self->reader,
        frame->buffer, &frame->info);
}

static IdentifaiFrame *
make_frame (IdentifaiVideoStream * self, GstBuffer * buffer,
    const IdentifaiCaptureTime * arrival)
{
  IdentifaiFrame *frame = identifai_frame_new (&self->frames);

  frame->buffer = buffer;
  read_frame (self, frame);
  frame->cost = gst_buffer_get_size (frame->buffer) + frame->info.growth;
  set_times (self, frame, arrival);
  frame->utc = arrival->utc;
  frame->monotonic = arrival->monotonic;
  frame->id = arrival->id;

  return frame;
}

static IdentifaiFlaw
find_flaw (IdentifaiVideoStream * self, const IdentifaiFrame * frame)
{
  if (self->segment.rate <= 0)
    return IDENTIFAI_FLAW_REVERSE;
  if (!frame->info.has_picture)
    return IDENTIFAI_FLAW_NO_PICTURE;
  if (frame->stamp <= -(gint64) IDENTIFAI_TRACK_EPOCH
      || frame->stamp >= IDENTIFAI_MAX_RUNNING)
    return IDENTIFAI_FLAW_TIMES;

  return IDENTIFAI_FLAW_NONE;
}

/* Of the time that the stream took, by the buffer before. */
static gint64
get_length (IdentifaiVideoStream * self, const IdentifaiFrame * frame)
{
  GstClockTime timestamp = get_timestamp (frame->buffer);
  gint64 length = -1;

  if (GST_CLOCK_TIME_IS_VALID (timestamp)
      && GST_CLOCK_TIME_IS_VALID (self->last_buffer))
    length = ABS (GST_CLOCK_DIFF (self->last_buffer, timestamp));
  if (length >= 0 && length <= MOST_LENGTH)
    return length;

  return frame->duration != NO_TIME ? MIN (frame->duration, MOST_LENGTH)
      : USUAL_LENGTH;
}

static const gchar *const flaw_names[] = {
  [IDENTIFAI_FLAW_NONE] = "",
  [IDENTIFAI_FLAW_NO_PICTURE] = "there is no picture in it",
  [IDENTIFAI_FLAW_REVERSE] = "it is played in reverse",
  [IDENTIFAI_FLAW_TIMES] = "its time is out of all range",
};

static void
note_flaw (IdentifaiVideoStream * self, IdentifaiFrame * frame,
    IdentifaiFlaw flaw)
{
  GST_DEBUG_ID (self->name, "a buffer of %" G_GSIZE_FORMAT " bytes at %"
      GST_STIME_FORMAT " isn't used: %s", gst_buffer_get_size (frame->buffer),
      GST_STIME_ARGS (frame->stamp), flaw_names[flaw]);
  if (gst_buffer_get_size (frame->buffer) > 0)
    identifai_flaws_bad (&self->flaws, flaw, get_length (self, frame),
        frame->monotonic);
  self->unusable += frame->info.has_picture ? 1 : 0;
  self->lossy |= identifai_flaws_matter (&self->flaws);
  self->last_buffer = get_timestamp (frame->buffer);
}

static void
advance (IdentifaiVideoStream * self, const IdentifaiFrame * frame,
    const IdentifaiCaptureTime * arrival, IdentifaiVideoLink link)
{
  if (link == IDENTIFAI_VIDEO_LINK_MOVES)
    identifai_pauses_shift (&self->pauses, self->shift);
  identifai_pauses_add (&self->pauses, frame,
      link == IDENTIFAI_VIDEO_LINK_BREAKS);
  identifai_missing_times_add (&self->stamper, frame,
      identifai_running_duration (&self->segment,
          GST_BUFFER_DURATION (frame->buffer)), arrival);
  identifai_flaws_good (&self->flaws, link != IDENTIFAI_VIDEO_LINK_BREAKS);
  self->last_order = frame->info.order;
  if (link == IDENTIFAI_VIDEO_LINK_BREAKS
      || !GST_CLOCK_TIME_IS_VALID (self->first_timestamp))
    self->first_timestamp = get_timestamp (frame->buffer);
  self->last_timestamp = self->last_buffer = get_timestamp (frame->buffer);
  self->segment_changed = self->lossy = FALSE;
  self->shift = 0;
}

IdentifaiFrame *
identifai_video_stream_read (IdentifaiVideoStream * self, GstBuffer * buffer,
    const IdentifaiCaptureTime * arrival, IdentifaiVideoLink * link,
    gint64 * shift)
{
  IdentifaiFrame *frame;
  IdentifaiFlaw flaw;

  self->n_buffers++;
  self->n_bytes += gst_buffer_get_size (buffer);
  self->lossy |= GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  *link = IDENTIFAI_VIDEO_LINK_UNUSABLE;
  if (self->reader == NULL) {
    GST_LOG_ID (self->name, "a buffer before any caps");
    gst_buffer_unref (buffer);
    return NULL;
  }
  frame = make_frame (self, buffer, arrival);
  flaw = find_flaw (self, frame);
  if (flaw != IDENTIFAI_FLAW_NONE) {
    note_flaw (self, frame, flaw);
    if (!frame->info.has_picture && frame->info.has_headers)
      *link = IDENTIFAI_VIDEO_LINK_HEADERS;
    identifai_frame_free (frame);
    return NULL;
  }
  identifai_discont_make_up (self, frame);
  *link = identifai_discont_find_link (self, frame);
  frame->lossy = self->lossy && *link == IDENTIFAI_VIDEO_LINK_FOLLOWS
      && self->pauses.end != NO_TIME;
  *shift = self->shift;
  advance (self, frame, arrival, *link);

  return frame;
}

gint64
identifai_video_stream_get_rebase (IdentifaiVideoStream * self)
{
  return self->rebase;
}

gint64
identifai_video_stream_take_rebase (IdentifaiVideoStream * self)
{
  gint64 rebased = self->rebased;

  self->rebased = 0;

  return rebased;
}

void
identifai_video_stream_push (IdentifaiVideoStream * self,
    IdentifaiFrame * frame)
{
  identifai_mpeg_timestamper_push (self->reorder, frame);
}

IdentifaiFrame *
identifai_video_stream_pop (IdentifaiVideoStream * self)
{
  return self->reorder ? identifai_mpeg_timestamper_pop (self->reorder) : NULL;
}

void
identifai_video_stream_sign (IdentifaiVideoStream * self,
    IdentifaiFrame * frame)
{
  if (self->reader)
    frame->buffer = identifai_frame_reader_sign (self->reader, frame->buffer,
        &frame->info);
}

void
identifai_video_stream_drain (IdentifaiVideoStream * self)
{
  if (self->reorder)
    identifai_mpeg_timestamper_drain (self->reorder);
  identifai_missing_times_end (&self->stamper);
  identifai_flaws_end (&self->flaws);
}

/* Sources say where a segment stops, by the file's headers or by a seek; what
 * ends much earlier is cut off, or a demuxer lost it: qtdemux of 1.22 does where an
 * edit list starts late. A slow stream's last picture may stand for long. */
void
identifai_video_stream_end (IdentifaiVideoStream * self, gint64 end)
{
  gint64 stop = self->segment.rate > 0 ?
      identifai_running_time (&self->segment, self->segment.stop) : NO_TIME;

  if (end == NO_TIME || stop == NO_TIME
      || stop - end <= MAX (SHORT, 2 * self->pauses.pause))
    return;
  GST_DEBUG_ID (self->name,
      "the last picture ends at %" GST_STIME_FORMAT ", the segment at %"
      GST_STIME_FORMAT, GST_STIME_ARGS (end), GST_STIME_ARGS (stop));
  self->short_by = stop - end;
}

void
identifai_video_stream_restart (IdentifaiVideoStream * self)
{
  if (self->reorder)
    identifai_mpeg_timestamper_clear (self->reorder);
  self->segment_changed = self->lossy = FALSE;
  self->shift = self->rebase = 0;
  self->last_order.is_known = FALSE;
  self->first_timestamp = self->last_timestamp = GST_CLOCK_TIME_NONE;
  self->last_buffer = GST_CLOCK_TIME_NONE;
  identifai_missing_times_restart (&self->stamper);
  identifai_pauses_clear (&self->pauses);
}

void
identifai_video_stream_flush (IdentifaiVideoStream * self)
{
  identifai_video_stream_restart (self);
  gst_segment_init (&self->segment, GST_FORMAT_TIME);
}

void
identifai_video_stream_reset (IdentifaiVideoStream * self)
{
  identifai_video_stream_flush (self);
  self->short_by = 0;
  free_readers (self);
  gst_clear_caps (&self->caps);
  gst_clear_caps (&self->sized);
  self->width = self->height = 0;
  self->frame_duration = NO_TIME;
  self->n_buffers = self->n_bytes = self->unusable = 0;
  identifai_missing_times_init (&self->stamper);
  identifai_flaws_init (&self->flaws);
}

void
identifai_video_stream_get_stats (IdentifaiVideoStream * self,
    IdentifaiSegmenterStats * stats)
{
  stats->n_buffers = self->n_buffers;
  stats->n_bytes = self->n_bytes;
  stats->skipped = self->unusable;
  stats->flaw = self->flaws.flaw;
  stats->seen = identifai_flaws_get_length (&self->flaws);
}

gboolean
identifai_video_stream_take_news (IdentifaiVideoStream * self,
    IdentifaiNews * news)
{
  gint64 step = 0;

  if (identifai_missing_times_take_news (&self->stamper, &step)) {
    news->kind = IDENTIFAI_NEWS_STAMPED;
    news->step = step;
    return TRUE;
  }
  if (self->short_by > 0) {
    news->kind = IDENTIFAI_NEWS_SHORT;
    news->step = self->short_by;
    self->short_by = 0;
    return TRUE;
  }
  news->kind = IDENTIFAI_NEWS_FLAW;
  if (!identifai_flaws_take_news (&self->flaws, &news->flaw, &news->count))
    return FALSE;
  news->is_over = news->count == 0;

  return TRUE;
}
