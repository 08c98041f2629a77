/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a stream comes in real time, whatever its source says of itself: by
 * the pace at which buffers arrive, beside that of their times.
 *
 * What came is in one of three ways ahead of the clock:
 *
 *   not at all    two seconds at the pace of their times: real time, or slower.
 *                 Pauses, and what a source catches up after one, change nothing
 *   by a while    at the start: a server's cache comes at once, and nobody
 *                 knows yet what follows
 *   by a minute   no server has that much ready: it is a file, or a pipe. Half
 *                 a minute at the pace of their times proves the contrary
 *
 * No clock of its own, the caller passes monotonic times in. Not thread-safe: its
 * owner's lock guards it.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_ARRIVAL_PACE_UNKNOWN,
  IDENTIFAI_ARRIVAL_PACE_REAL_TIME,     /* or slower */
  IDENTIFAI_ARRIVAL_PACE_FASTER,
} IdentifaiArrivalPaceState;

typedef struct
{
  IdentifaiArrivalPaceState state;
  gboolean on_trial;

  gint64 start;                 /* µs, of the first buffer; -1 = none came */
  gint64 last;                  /* µs, of the latest one */
  GstClockTime newest;          /* latest time; GST_CLOCK_TIME_NONE = none */
  gint64 media;                 /* ns that came since start */
  gint64 usual_lead;            /* ns: so far ahead is on time */

  gint64 window_start;          /* µs; -1 = with the next buffer */
  gint64 window_media;          /* media at its start */
} IdentifaiArrivalPace;

void identifai_arrival_pace_init (IdentifaiArrivalPace * self);

/* A buffer came at now (µs). time: running time, in decoding order, or
 * GST_CLOCK_TIME_NONE; duration as in the buffer. TRUE: the state changed. */
gboolean identifai_arrival_pace_push (IdentifaiArrivalPace * self, gint64 now,
    GstClockTime time, GstClockTime duration);

/* The source could not send until now, as its thread was held. */
void identifai_arrival_pace_resume (IdentifaiArrivalPace * self, gint64 now);

/* What follows has other times: a flush, another stream. The state stays. */
void identifai_arrival_pace_restart (IdentifaiArrivalPace * self);

/* The thread should be held, but the pace isn't known, and can't be while nothing
 * comes. TRUE: let it run on for a while, until on_trial is FALSE; once. */
gboolean identifai_arrival_pace_try (IdentifaiArrivalPace * self);
/* More can't be taken: that is FASTER. */
void identifai_arrival_pace_end_trial (IdentifaiArrivalPace * self);

G_END_DECLS
