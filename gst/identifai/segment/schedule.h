/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When a segment should end, and when the next one may start, if key frames come
 * whenever they are wanted: after so much time, or with the clock on the wall.
 * start is a running time in ns, utc what the clock showed then, in µs since
 * 1970, or -1.
 */

#pragma once

#include "builder.h"
#include "segmenter.h"

G_BEGIN_DECLS

/* IDENTIFAI_NO_TIME if duration is 0, and if interval is. */
gint64 identifai_schedule_end (const IdentifaiSegmenterSettings * settings,
    gint64 start, gint64 utc);
gint64 identifai_schedule_next (const IdentifaiSegmenterSettings * settings,
    gint64 start, gint64 utc);

G_END_DECLS
