/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Running times that are signed and bounded, which those of GStreamer aren't.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define IDENTIFAI_MAX_TIMESTAMP (G_GUINT64_CONSTANT (1) << 62)  /* more is none */

/* Running times are within ± so much, and durations so long, or none: what is
 * added up of a few of them fits into 64 bits, whatever a stream says. */
#define IDENTIFAI_MAX_RUNNING (G_GINT64_CONSTANT (1) << 61)     /* 73 years */
#define IDENTIFAI_MAX_DURATION (G_GINT64_CONSTANT (1) << 50)    /* 13 days */

/* GstSegment asserts that what is played in reverse has an end. FALSE: it has. */
gboolean identifai_running_bound_segment (GstSegment * segment);

/* Whether times mean the same in both. */
gboolean identifai_running_is_same (const GstSegment * a, const GstSegment * b);

/* Signed: before the segment it is negative. G_MININT64 for no time, also where segment
 * has another format. segment: has an end if it is played in reverse. */
gint64 identifai_running_time (const GstSegment * segment,
    GstClockTime time);
/* In running time. G_MININT64 for none. */
gint64 identifai_running_duration (const GstSegment * segment,
    GstClockTime duration);

G_END_DECLS
