/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Some frames of a stream may have none: a transport stream need not repeat them,
 * a parser gives the first frame one of its own. So it takes two with a time of
 * their own until the distance of such counts more than the clock.
 */

#include "missingtimes.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

#define NO_TIME IDENTIFAI_NO_TIME
#define USUAL_STEP (40 * (gint64) GST_MSECOND)
#define LEAST_STEP ((gint64) GST_MSECOND)       /* of those that come at once */
#define MOST_STEP (10 * (gint64) GST_SECOND)
#define MAX_SAME 16             /* layers, fields, hidden frames: fewer */
#define SURE_FRAMES 2

/* Without times, to be told of: so many in a row, or a few that take as long. */
#define MANY_FRAMES 25
#define FEW_FRAMES 3
#define LONG_TIME (2 * (gint64) GST_SECOND)

void
identifai_missing_times_init (IdentifaiMissingTimes * self)
{
  const gchar *name = self->name;

  memset (self, 0, sizeof (*self));
  self->name = name;
  identifai_missing_times_restart (self);
}

void
identifai_missing_times_restart (IdentifaiMissingTimes * self)
{
  self->pts = self->dts = GST_CLOCK_TIME_NONE;
  self->n_same = 0;
  self->time = self->length = self->timed = self->step = NO_TIME;
  self->hidden = FALSE;
  self->n_timed = self->n_guessed = self->n_since = 0;
}

gboolean
identifai_missing_times_is_stuck (IdentifaiMissingTimes * self,
    GstBuffer * buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer), dts = GST_BUFFER_DTS (buffer);

  if (pts == self->pts && dts == self->dts
      && (GST_CLOCK_TIME_IS_VALID (pts) || GST_CLOCK_TIME_IS_VALID (dts)))
    self->n_same++;
  else
    self->n_same = 0;
  self->pts = pts;
  self->dts = dts;
  if (self->n_same < MAX_SAME)
    return FALSE;
  if (self->n_same == MAX_SAME)
    GST_DEBUG_ID (self->name, "times stand still at %" GST_TIME_FORMAT
        ": they are none", GST_TIME_ARGS (pts));
  self->n_timed = 0;

  return TRUE;
}

static gboolean
follows_clock (IdentifaiMissingTimes * self,
    const IdentifaiCaptureTime * arrival)
{
  return arrival->live && self->n_timed < SURE_FRAMES;
}

static gint64
find_step (IdentifaiMissingTimes * self, gint64 step,
    const IdentifaiCaptureTime * arrival)
{
  if (self->hidden)
    return 0;
  if (follows_clock (self, arrival))
    return MAX (arrival->running - self->running, LEAST_STEP);
  if (self->length != NO_TIME)
    return self->length;
  if (step != NO_TIME)
    return step;

  return self->step != NO_TIME ? self->step : USUAL_STEP;
}

void
identifai_missing_times_guess (IdentifaiMissingTimes * self,
    IdentifaiFrame * frame, gint64 start, gint64 step,
    const IdentifaiCaptureTime * arrival)
{
  gint64 length = find_step (self, step, arrival);

  if (self->time != NO_TIME)
    frame->dts = self->time + length;
  else
    frame->dts = arrival->live ? arrival->running : start;
  if (frame->dts >= IDENTIFAI_MAX_RUNNING)
    frame->dts = NO_TIME;
  if (frame->duration == NO_TIME && length > 0
      && !follows_clock (self, arrival))
    frame->duration = length;
  frame->guessed = TRUE;
  GST_LOG_ID (self->name, "a frame without a time: %" GST_STIME_FORMAT ", %"
      GST_STIME_FORMAT " after the one before", GST_STIME_ARGS (frame->dts),
      GST_STIME_ARGS (length));
}

/* From the frame with a time of its own before, to one of which time is. */
static void
learn (IdentifaiMissingTimes * self, gint64 time)
{
  gint64 step = 0;

  if (self->timed != NO_TIME)
    step = (time - self->timed) / (self->n_since + 1);
  if (step > 0 && step <= MOST_STEP)
    self->step = step;
  self->timed = time;
  self->n_since = 0;
}

static void
tell (IdentifaiMissingTimes * self, gint64 step)
{
  if (self->told)
    return;
  GST_DEBUG_ID (self->name, "the stream has no times: %u frames of %u, step %"
      GST_STIME_FORMAT, self->n_guessed, self->n_guessed + self->n_timed,
      GST_STIME_ARGS (step));
  self->told = self->has_news = TRUE;
  self->news_step = step;
}

void
identifai_missing_times_add (IdentifaiMissingTimes * self,
    const IdentifaiFrame * frame, gint64 length,
    const IdentifaiCaptureTime * arrival)
{
  gint64 time = frame->dts != NO_TIME ? frame->dts : frame->pts;
  gint64 step = self->time != NO_TIME ? time - self->time : 0;

  self->time = time;
  self->hidden = frame->info.hidden;
  self->length = length;
  self->running = arrival->running;
  if (!frame->guessed) {
    self->n_timed++;
    learn (self, time);
    return;
  }
  self->n_guessed++;
  self->n_since++;
  if (self->n_since >= MANY_FRAMES || (self->n_since >= FEW_FRAMES
          && self->n_since * step >= LONG_TIME))
    tell (self, follows_clock (self, arrival) ? 0 : step);
}

void
identifai_missing_times_end (IdentifaiMissingTimes * self)
{
  if (self->n_guessed > self->n_timed)
    tell (self, self->step != NO_TIME ? self->step : USUAL_STEP);
}

gboolean
identifai_missing_times_take_news (IdentifaiMissingTimes * self, gint64 * step)
{
  gboolean has_news = self->has_news;

  self->has_news = FALSE;
  *step = self->news_step;

  return has_news;
}
