/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "videotrack.h"

static GstClockTime
to_track_time (gint64 time)
{
  if (time == IDENTIFAI_NO_TIME)
    return GST_CLOCK_TIME_NONE;

  return MAX (time + (gint64) IDENTIFAI_TRACK_EPOCH, 0);
}

/* Only what is a true point is marked as a key frame in the file: players seek
 * to those. */
static void
set_times (GstBuffer * buffer, const IdentifaiFrame * frame)
{
  GST_BUFFER_PTS (buffer) = to_track_time (frame->pts);
  GST_BUFFER_DTS (buffer) = to_track_time (frame->dts);
  GST_BUFFER_DURATION (buffer) = frame->duration != IDENTIFAI_NO_TIME ?
      (GstClockTime) frame->duration : GST_CLOCK_TIME_NONE;
  GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (frame->info.point == IDENTIFAI_POINT_NONE)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  else
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

/* The frame's is its own where nobody else has it. */
static GstBuffer *
make_buffer (IdentifaiFrame * frame)
{
  GstBuffer *buffer =
      gst_buffer_make_writable (g_steal_pointer (&frame->buffer));

  set_times (buffer, frame);

  return buffer;
}

GstBuffer *
identifai_video_track_copy (const IdentifaiFrame * frame)
{
  GstBuffer *buffer = gst_buffer_copy (frame->buffer);

  set_times (buffer, frame);

  return buffer;
}

static GstClockTime
get_duration (GstBuffer * buffer)
{
  return GST_BUFFER_DURATION_IS_VALID (buffer) ?
      GST_BUFFER_DURATION (buffer) : 0;
}

/* The last picture stands until the next segment starts, and the file lasts as
 * long as the segment. A file's length may count by the last one shown or by the
 * last one decoded. */
static void
stretch_last (GPtrArray * all, GstClockTime end)
{
  GstBuffer *shown = g_ptr_array_index (all, 0), *last = shown;
  GstClockTime frames_end = 0;
  guint i;

  for (i = 0; i < all->len; i++) {
    last = g_ptr_array_index (all, i);
    frames_end = MAX (frames_end, GST_BUFFER_PTS (last) + get_duration (last));
    if (GST_BUFFER_PTS (last) > GST_BUFFER_PTS (shown))
      shown = last;
  }
  if (end <= frames_end)
    return;
  if (shown != last && GST_BUFFER_DURATION_IS_VALID (last))
    GST_BUFFER_DURATION (last) += end - frames_end;
  GST_BUFFER_DURATION (shown) = get_duration (shown) + end - frames_end;
}

void
identifai_video_track_make (IdentifaiSegment * segment)
{
  GPtrArray *pictures = g_steal_pointer (&segment->pictures);
  IdentifaiTrack *track;
  guint i;

  if (pictures == NULL)
    return;
  track = g_ptr_array_index (segment->tracks, 0);
  for (i = 0; i < pictures->len; i++)
    g_ptr_array_add (track->buffers,
        make_buffer (g_ptr_array_index (pictures, i)));
  if (pictures->len > 0)
    stretch_last (track->buffers, to_track_time (segment->pictures_end));
  g_ptr_array_unref (pictures);
}
