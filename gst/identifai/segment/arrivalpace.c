/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "arrivalpace.h"

#define SECOND ((gint64) GST_SECOND)
#define WINDOW (2 * G_TIME_SPAN_SECOND)
#define LONG_WINDOW (30 * G_TIME_SPAN_SECOND)   /* once it was FASTER */

#define MAX_CACHE (60 * SECOND) /* of a server, at the start */
#define MAX_JITTER (15 * SECOND)        /* later: a segment of HLS, say */

#define BURST (SECOND / 4)      /* ends a window, so that the next one is without */

/* More between two buffers is a jump of their times, if no such time went by. */
#define MAX_STEP SECOND
/* A frame that has neither time nor duration: no camera sends more in a second. */
#define LEAST_STEP (SECOND / 120)
#define SLACK (40 * (gint64) GST_MSECOND)

void
identifai_arrival_pace_init (IdentifaiArrivalPace * self)
{
  *self = (IdentifaiArrivalPace) {
  .start = -1,.newest = GST_CLOCK_TIME_NONE,.window_start = -1};
}

/* How far behind newest or the buffer before; moves newest. */
static gint64
take_step (IdentifaiArrivalPace * self, gint64 now, GstClockTime time,
    GstClockTime duration)
{
  gint64 most = MAX ((now - self->last) * GST_USECOND, MAX_STEP);
  gint64 step;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_CLOCK_TIME_IS_VALID (duration) ? MIN (duration, MAX_STEP) :
        LEAST_STEP;
  if (!GST_CLOCK_TIME_IS_VALID (self->newest)) {
    self->newest = time;
    return 0;
  }

  step = GST_CLOCK_DIFF (self->newest, time);
  if (step > 0 || step < -MAX_STEP)
    self->newest = time;

  return CLAMP (step, 0, most);
}

static void
set_state (IdentifaiArrivalPace * self, IdentifaiArrivalPaceState state)
{
  self->state = state;
  self->on_trial = FALSE;
  self->window_start = -1;
}

static gint64
get_lead (IdentifaiArrivalPace * self, gint64 now)
{
  return self->media - (now - self->start) * (gint64) GST_USECOND;
}

/* A quarter and some more may come early, for what was late before. */
static gboolean
is_in_real_time (IdentifaiArrivalPace * self, gint64 now, gint64 more)
{
  gint64 time = (now - self->window_start) * GST_USECOND;

  return self->media - self->window_media <= time + time / 4 + more;
}

static void
judge_window (IdentifaiArrivalPace * self, gint64 now)
{
  if (!is_in_real_time (self, now, SLACK)) {
    self->window_start = -1;
  } else if (self->state == IDENTIFAI_ARRIVAL_PACE_REAL_TIME) {
    self->usual_lead = MAX (self->usual_lead, get_lead (self, now));
    self->window_start = -1;
  } else {
    self->usual_lead = get_lead (self, now);
    set_state (self, IDENTIFAI_ARRIVAL_PACE_REAL_TIME);
  }
}

static void
judge (IdentifaiArrivalPace * self, gint64 now)
{
  gint64 window = WINDOW, most = MAX_CACHE;

  if (self->state == IDENTIFAI_ARRIVAL_PACE_REAL_TIME)
    most = MAX_JITTER;
  else if (self->state == IDENTIFAI_ARRIVAL_PACE_FASTER)
    window = LONG_WINDOW;

  if (self->state != IDENTIFAI_ARRIVAL_PACE_FASTER
      && get_lead (self, now) - self->usual_lead > most)
    set_state (self, IDENTIFAI_ARRIVAL_PACE_FASTER);
  else if (self->window_start >= 0 && now - self->window_start >= window)
    judge_window (self, now);
  else if (self->window_start >= 0 && !is_in_real_time (self, now, BURST))
    self->window_start = -1;
}

gboolean
identifai_arrival_pace_push (IdentifaiArrivalPace * self, gint64 now,
    GstClockTime time, GstClockTime duration)
{
  IdentifaiArrivalPaceState before = self->state;

  if (self->start < 0) {
    self->start = now;
    self->newest = time;
  } else {
    self->media += take_step (self, now, time, duration);
    judge (self, now);
  }
  self->last = now;
  if (self->window_start < 0) {
    self->window_start = now;
    self->window_media = self->media;
  }

  return self->state != before;
}

/* That time went by counts: a source that sends in real time has as much to catch
 * up. What it does then proves nothing, the window starts with the next buffer. */
void
identifai_arrival_pace_resume (IdentifaiArrivalPace * self, gint64 now)
{
  if (self->start >= 0)
    self->last = now;
  self->window_start = -1;
}

void
identifai_arrival_pace_restart (IdentifaiArrivalPace * self)
{
  self->newest = GST_CLOCK_TIME_NONE;
  self->window_start = -1;
}

gboolean
identifai_arrival_pace_try (IdentifaiArrivalPace * self)
{
  self->on_trial = (self->state == IDENTIFAI_ARRIVAL_PACE_UNKNOWN);

  return self->on_trial;
}

void
identifai_arrival_pace_end_trial (IdentifaiArrivalPace * self)
{
  set_state (self, IDENTIFAI_ARRIVAL_PACE_FASTER);
}
