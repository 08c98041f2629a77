/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "schedule.h"

/* What starts so shortly before the hand is there belongs to what follows: no
 * segment has but a frame or two. */
#define SLACK (100 * 1000)      /* µs */

static gint64
find (const IdentifaiSegmenterSettings * settings, gint64 start, gint64 utc,
    GstClockTime period)
{
  gint64 length = period / GST_USECOND, next;

  if (period == 0)
    return IDENTIFAI_NO_TIME;
  if (!settings->align || utc < 0 || length == 0)
    return start + (gint64) period;

  next = (utc / length + 1) * length;
  if (next - utc <= MIN (SLACK, length / 4))
    next += length;

  return start + (next - utc) * (gint64) GST_USECOND;
}

gint64
identifai_schedule_end (const IdentifaiSegmenterSettings * settings,
    gint64 start, gint64 utc)
{
  return find (settings, start, utc, settings->duration);
}

gint64
identifai_schedule_next (const IdentifaiSegmenterSettings * settings,
    gint64 start, gint64 utc)
{
  return find (settings, start, utc, settings->interval);
}
