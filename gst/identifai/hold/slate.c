/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "slate.h"
#include "codecs.h"
#include "framereader.h"
#include "heldbuffer.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HOLD)

#define NO_TIME IDENTIFAI_NO_TIME
#define MAX_DURATION ((gint64) IDENTIFAI_SLATE_MAX_DURATION)
#define MAX_SOUND ((gint64) GST_SECOND) /* of a frame: what lasts longer doesn't */

typedef struct
{
  GstBuffer *buffer;            /* owned */
  gint64 dts, pts;
  gint64 duration;              /* or NO_TIME */
  gboolean is_point;
} Frame;

struct _IdentifaiSlateTrack
{
  gatomicrefcount refcount;
  gchar *name;                  /* of the element that it was made for */
  GstCaps *caps;
  gboolean is_video;
  IdentifaiFrameReader *reader; /* of video, until it is finished; or NULL */
  GArray *frames;               /* of Frame: the first one is a point */
  gsize size;
  gint64 length;                /* 0: it isn't finished */
  gboolean is_cut;
};

/* Tracks. */

static void
frame_clear (gpointer data)
{
  gst_buffer_unref (((Frame *) data)->buffer);
}

IdentifaiSlateTrack *
identifai_slate_track_new (const gchar * name, GstCaps * caps)
{
  IdentifaiSlateTrack *self = g_new0 (IdentifaiSlateTrack, 1);
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);

  g_atomic_ref_count_init (&self->refcount);
  self->name = g_strdup (name);
  self->caps = gst_caps_ref (caps);
  self->is_video = codec != NULL && codec->video;
  if (self->is_video)
    self->reader = identifai_frame_reader_new (name, caps);
  self->frames = g_array_new (FALSE, FALSE, sizeof (Frame));
  g_array_set_clear_func (self->frames, frame_clear);

  return self;
}

IdentifaiSlateTrack *
identifai_slate_track_ref (IdentifaiSlateTrack * self)
{
  g_atomic_ref_count_inc (&self->refcount);

  return self;
}

void
identifai_slate_track_unref (IdentifaiSlateTrack * self)
{
  if (!g_atomic_ref_count_dec (&self->refcount))
    return;
  g_clear_pointer (&self->reader, identifai_frame_reader_free);
  g_array_unref (self->frames);
  gst_caps_unref (self->caps);
  g_free (self->name);
  g_free (self);
}

static Frame *
get_frame (IdentifaiSlateTrack * self, guint number)
{
  return &g_array_index (self->frames, Frame, number);
}

static Frame *
get_last (IdentifaiSlateTrack * self)
{
  return self->frames->len > 0 ? get_frame (self, self->frames->len - 1) : NULL;
}

/* To the next frame, as far as is known. */
static gint64
get_step (IdentifaiSlateTrack * self)
{
  guint n = self->frames->len;
  const Frame *last = get_last (self);

  if (last->duration > 0)
    return last->duration;
  if (n > 1)
    return MAX ((last->dts - get_frame (self, 0)->dts) / (n - 1), 1);

  return IDENTIFAI_SLATE_STILL;
}

/* Decoding times grow, and nothing is shown before it is decoded. A track is no longer
 * than its bound, and so is what is between two of its times. */
static void
complete_times (IdentifaiSlateTrack * self, Frame * frame)
{
  const Frame *last = get_last (self);

  if (frame->dts == NO_TIME)
    frame->dts = frame->pts;
  if (frame->dts == NO_TIME)
    frame->dts = last ? last->dts + get_step (self) : 0;
  if (last != NULL)
    frame->dts = MAX (frame->dts, last->dts + 1);
  if (frame->pts == NO_TIME || frame->pts < frame->dts)
    frame->pts = frame->dts;
  frame->pts = MIN (frame->pts, frame->dts + MAX_DURATION);
  frame->duration = MIN (frame->duration,
      self->is_video ? MAX_DURATION : MAX_SOUND);
}

/* The headers that decoding needs are put in front of a point. */
static void
read_video (IdentifaiSlateTrack * self, Frame * frame)
{
  IdentifaiFrameInfo info;

  identifai_frame_reader_read (self->reader, frame->buffer, &info);
  frame->is_point = info.point != IDENTIFAI_POINT_NONE;
  if (frame->is_point)
    frame->buffer = identifai_frame_reader_complete (self->reader,
        frame->buffer, &info);
}

/* Behind an open point, leading pictures can't be decoded: those of the round before
 * aren't theirs. */
static gboolean
is_usable (IdentifaiSlateTrack * self, const Frame * frame)
{
  if (self->frames->len == 0)
    return frame->is_point;

  return frame->pts == NO_TIME || get_frame (self, 0)->pts <= frame->pts;
}

static gboolean
is_full (IdentifaiSlateTrack * self, const Frame * frame)
{
  return self->size + gst_buffer_get_size (frame->buffer) >
      IDENTIFAI_SLATE_MAX_BYTES || frame->dts - get_frame (self, 0)->dts >=
      MAX_DURATION;
}

/* Up to the last point, so that what it ends with is whole. */
static void
cut (IdentifaiSlateTrack * self, const Frame * next)
{
  guint n = self->frames->len;

  self->is_cut = TRUE;
  GST_DEBUG_ID (self->name,
      "the slate is cut at frame %u, %" G_GSIZE_FORMAT " bytes: %"
      G_GSIZE_FORMAT " bytes, or %" GST_TIME_FORMAT ", are the most", n,
      self->size, (gsize) IDENTIFAI_SLATE_MAX_BYTES,
      GST_TIME_ARGS (IDENTIFAI_SLATE_MAX_DURATION));
  if (self->is_video && !next->is_point) {
    while (n > 0 && !get_frame (self, n - 1)->is_point)
      n--;
    if (n > 1)
      g_array_set_size (self->frames, n - 1);
  }
  identifai_slate_track_finish (self);
}

/* Takes over the buffer. */
static gboolean
add_frame (IdentifaiSlateTrack * self, Frame * frame)
{
  complete_times (self, frame);
  if (self->frames->len > 0 && is_full (self, frame)) {
    cut (self, frame);
    gst_buffer_unref (frame->buffer);
    return FALSE;
  }
  self->size += gst_buffer_get_size (frame->buffer);
  g_array_append_val (self->frames, *frame);

  return TRUE;
}

gboolean
identifai_slate_track_add (IdentifaiSlateTrack * self, GstBuffer * buffer,
    gint64 dts, gint64 pts, gint64 duration)
{
  Frame frame = {.dts = dts,.pts = pts,.duration = duration,
    .is_point = TRUE,.buffer = identifai_buffer_hold (buffer)
  };

  gst_buffer_unref (buffer);
  if (self->reader != NULL)
    read_video (self, &frame);
  if (self->length == 0 && is_usable (self, &frame))
    return add_frame (self, &frame);
  GST_LOG_ID (self->name, "a frame of the slate at %" GST_STIME_FORMAT
      " isn't used: %s",
      GST_STIME_ARGS (frame.pts), self->length > 0 ? "it is finished" :
      self->frames->len > 0 ? "it leads the first one" : "no point came yet");
  gst_buffer_unref (frame.buffer);

  return self->length == 0;
}

gboolean
identifai_slate_track_finish (IdentifaiSlateTrack * self)
{
  gint64 step;

  if (self->frames->len == 0)
    return FALSE;
  if (self->length > 0)
    return TRUE;
  step = get_step (self);
  if (self->frames->len == 1)
    step = MIN (step, (gint64) IDENTIFAI_SLATE_LONGEST_STILL);
  self->length = MAX (get_last (self)->dts + step - get_frame (self, 0)->dts,
      (gint64) (self->frames->len * GST_MSECOND));
  g_clear_pointer (&self->reader, identifai_frame_reader_free);
  GST_INFO_ID (self->name,
      "the slate: %u frames, %" GST_TIME_FORMAT ", %" G_GSIZE_FORMAT
      " bytes%s: %" GST_PTR_FORMAT, self->frames->len,
      GST_TIME_ARGS (self->length), self->size, self->is_cut ? ", cut" : "",
      self->caps);

  return TRUE;
}

GstCaps *
identifai_slate_track_get_caps (IdentifaiSlateTrack * self)
{
  return self->caps;
}

gboolean
identifai_slate_track_is_cut (IdentifaiSlateTrack * self)
{
  return self->is_cut;
}

guint
identifai_slate_track_count (IdentifaiSlateTrack * self)
{
  return self->frames->len;
}

gint64
identifai_slate_track_get_length (IdentifaiSlateTrack * self)
{
  return self->length;
}

/* Loops. */

/* Sound: from its first frame on that isn't before the video. */
static void
rewind_loop (IdentifaiSlateLoop * self)
{
  for (self->next = 0; self->next < self->track->frames->len; self->next++)
    if (get_frame (self->track, self->next)->dts >= self->origin)
      break;
}

void
identifai_slate_loop_start (IdentifaiSlateLoop * self,
    IdentifaiSlateTrack * track, IdentifaiSlateTrack * of, gint64 dts,
    gint64 pts)
{
  const Frame *first = get_frame (track, 0);

  identifai_slate_loop_stop (self);
  self->length = (of ? of : track)->length;
  self->origin = of ? get_frame (of, 0)->pts : first->dts;
  self->start = dts;
  self->last = self->end = NO_TIME;
  self->delay = pts != NO_TIME ? MAX (pts - dts - (first->pts - first->dts),
      0) : 0;
  self->track = identifai_slate_track_ref (track);
  rewind_loop (self);
  /* all of it is before the video */
  if (self->next == track->frames->len)
    self->origin = first->dts;
  rewind_loop (self);
  GST_DEBUG_ID (track->name,
      "the slate starts at %" GST_STIME_FORMAT ", frame %u of %u, rounds of %"
      GST_STIME_FORMAT ", shown %" GST_STIME_FORMAT " later",
      GST_STIME_ARGS (dts), self->next, track->frames->len,
      GST_STIME_ARGS (self->length), GST_STIME_ARGS (self->delay));
}

void
identifai_slate_loop_stop (IdentifaiSlateLoop * self)
{
  g_clear_pointer (&self->track, identifai_slate_track_unref);
  *self = (IdentifaiSlateLoop) {
  0,};
}

static gint64
get_duration (IdentifaiSlateLoop * self, const Frame * frame)
{
  const Frame *next = self->next + 1 < self->track->frames->len ?
      frame + 1 : NULL;

  if (frame->duration > 0)
    return frame->duration;

  return next ? next->dts - frame->dts : get_step (self->track);
}

static gint64
get_time (IdentifaiSlateLoop * self, const Frame * frame)
{
  return self->start + (gint64) self->round * self->length + frame->dts -
      self->origin;
}

static void
advance (IdentifaiSlateLoop * self)
{
  GArray *frames = self->track->frames;

  self->next++;
  if (self->next < frames->len
      && get_frame (self->track, self->next)->dts - self->origin < self->length)
    return;
  self->round++;
  GST_LOG_ID (self->track->name, "round %" G_GUINT64_FORMAT
      " of the slate starts", (guint64) self->round);
  rewind_loop (self);
}

/* A round is as long as the video's, which is no multiple of a frame of sound: one
 * that would be late by itself isn't heard. */
static void
skip_late (IdentifaiSlateLoop * self)
{
  while (TRUE) {
    const Frame *frame = get_frame (self->track, self->next);

    if (self->track->is_video || self->end == NO_TIME
        || self->end - get_time (self, frame) < get_duration (self, frame))
      return;
    advance (self);
  }
}

gboolean
identifai_slate_loop_peek (IdentifaiSlateLoop * self,
    IdentifaiSlateTimes * times)
{
  const Frame *frame;

  if (self->track == NULL)
    return FALSE;
  skip_late (self);
  frame = get_frame (self->track, self->next);
  times->dts = get_time (self, frame);
  if (self->end != NO_TIME && !self->track->is_video)
    times->dts = MAX (times->dts, self->end);
  if (self->last != NO_TIME)
    times->dts = MAX (times->dts, self->last + 1);
  times->pts = times->dts + frame->pts - frame->dts + self->delay;
  times->end = times->pts + get_duration (self, frame);

  return TRUE;
}

gboolean
identifai_slate_loop_fits (IdentifaiSlateLoop * self, gint64 dts,
    gint64 reorder)
{
  IdentifaiSlateTimes times;

  if (!identifai_slate_loop_peek (self, &times))
    return FALSE;
  if (!self->track->is_video)
    return times.end <= dts;

  return times.dts < dts && times.pts < dts + reorder;
}

GstBuffer *
identifai_slate_loop_pop (IdentifaiSlateLoop * self)
{
  IdentifaiSlateTimes times = { 0, };
  const Frame *frame;
  GstBuffer *buffer;

  identifai_slate_loop_peek (self, &times);
  frame = get_frame (self->track, self->next);
  buffer = gst_buffer_copy (frame->buffer);
  GST_BUFFER_DTS (buffer) = MAX (times.dts, 0);
  GST_BUFFER_PTS (buffer) = MAX (times.pts, 0);
  GST_BUFFER_DURATION (buffer) = times.end - times.pts;
  GST_BUFFER_OFFSET (buffer) = GST_BUFFER_OFFSET_END (buffer) =
      GST_BUFFER_OFFSET_NONE;
  GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DISCONT);
  self->last = times.dts;
  self->end = times.end;
  advance (self);

  return buffer;
}
