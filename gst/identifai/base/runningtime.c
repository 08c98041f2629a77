/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GStreamer's functions with signs, cut at bounds. Pure.
 */

#include "runningtime.h"

gboolean
identifai_running_bound_segment (GstSegment * segment)
{
  if ((segment->rate > 0 && segment->applied_rate > 0)
      || GST_CLOCK_TIME_IS_VALID (segment->stop))
    return FALSE;
  segment->stop = G_MAXINT64;

  return TRUE;
}

gboolean
identifai_running_is_same (const GstSegment * a, const GstSegment * b)
{
  return a->start == b->start && a->base == b->base && a->time == b->time
      && a->offset == b->offset && a->rate == b->rate;
}

gint64
identifai_running_time (const GstSegment * segment, GstClockTime time)
{
  guint64 running_time;
  gint sign;

  if (segment->format != GST_FORMAT_TIME || time >= IDENTIFAI_MAX_TIMESTAMP)
    return G_MININT64;
  sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
      &running_time);

  if (sign == 0 || running_time >= IDENTIFAI_MAX_RUNNING)
    return G_MININT64;

  return sign * (gint64) running_time;
}

gint64
identifai_running_duration (const GstSegment * segment, GstClockTime duration)
{
  gdouble running = duration / ABS (segment->rate);

  if (!GST_CLOCK_TIME_IS_VALID (duration) || running >= IDENTIFAI_MAX_DURATION)
    return G_MININT64;

  return running;
}
