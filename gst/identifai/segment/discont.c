/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From one frame to the next: a break, a loss, a move of times, or nothing of it.
 */

#include "videostreamprivate.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

#define NO_TIME IDENTIFAI_NO_TIME
#define JUMP IDENTIFAI_PAUSES_JUMP
#define MOST_BACK (10 * (gint64) GST_SECOND)
#define MOST_COUNTS 64          /* from one picture to the next */
#define START (100 * GST_MSECOND)       /* how long it is */

/* Timestamps start over, and running times go on without a seam. */
static gboolean
is_seamless (IdentifaiVideoStream * self, const IdentifaiFrame * frame,
    GstClockTime timestamp)
{
  gint64 duration = frame->duration != NO_TIME ? frame->duration : 0;

  return timestamp < self->last_timestamp
      && ABS (identifai_pauses_get_pause (&self->pauses,
          frame)) <= duration / 2;
}

/* The segment changed in a way that matters only to the few frames before it:
 * matroskademux starts with one for the first stream that it sees and then, if
 * another one begins earlier, sends a second and flags DISCONT. */
static gboolean
is_move (IdentifaiVideoStream * self, const IdentifaiFrame * frame)
{
  GstClockTime timestamp = get_timestamp (frame->buffer);

  return self->segment_changed && self->shift != 0 && ABS (self->shift) < JUMP
      && GST_CLOCK_TIME_IS_VALID (self->last_timestamp)
      && GST_CLOCK_TIME_IS_VALID (timestamp)
      && ABS (GST_CLOCK_DIFF (self->last_timestamp, timestamp)) < JUMP
      && !is_seamless (self, frame, timestamp);
}

/* tsdemux guesses times from one clock reference to the next, and sets them back
 * with each where those are rare: the pictures go on counting. Where they start
 * over, a source that does so, too, has times as at the start. */
static gboolean
goes_on_counting (IdentifaiVideoStream * self, const IdentifaiFrame * frame,
    gint64 back)
{
  const IdentifaiDisplayOrder *last = &self->last_order, *order =
      &frame->info.order;

  if (!last->is_known || !order->is_known)
    return FALSE;
  if (order->epoch == last->epoch)
    return ABS (order->count - last->count) <= MOST_COUNTS;

  return back <= MOST_BACK && GST_CLOCK_TIME_IS_VALID (self->first_timestamp)
      && get_timestamp (frame->buffer) > self->first_timestamp + START;
}

static void
add_rebase (IdentifaiVideoStream * self, IdentifaiFrame * frame, gint64 shift)
{
  GST_DEBUG_ID (self->name,
      "times move by %" GST_STIME_FORMAT ", nothing says why",
      GST_STIME_ARGS (shift));
  self->rebase += shift;
  frame->moved += shift;
  move_frame (frame, shift);
}

void
identifai_discont_make_up (IdentifaiVideoStream * self, IdentifaiFrame * frame)
{
  gint64 back = -identifai_pauses_get_pause (&self->pauses, frame);
  gint64 excess = identifai_pauses_get_excess (&self->pauses, frame);

  if (self->lossy || self->segment_changed || self->pauses.end == NO_TIME
      || self->rebase + back >= IDENTIFAI_MAX_RUNNING)
    return;
  if (!identifai_pauses_goes_back (&self->pauses, frame, FALSE)) {
    if (self->rebase > 0 && excess > 0)
      add_rebase (self, frame, -MIN (self->rebase, excess));
  } else if (back > 0 && (back <= JUMP || goes_on_counting (self, frame, back))) {
    self->rebased = back + (frame->duration == NO_TIME ? USUAL_LENGTH : 0);
    add_rebase (self, frame, self->rebased);
  }
}

static gboolean
is_break (IdentifaiVideoStream * self, const IdentifaiFrame * frame)
{
  if (self->segment_changed && (self->lossy
          || identifai_pauses_get_pause (&self->pauses, frame) > JUMP))
    return TRUE;

  return identifai_pauses_goes_back (&self->pauses, frame, self->lossy)
      || identifai_pauses_leaps (&self->pauses, frame, self->lossy);
}

IdentifaiVideoLink
identifai_discont_find_link (IdentifaiVideoStream * self,
    const IdentifaiFrame * frame)
{
  if (self->pauses.end == NO_TIME)
    return IDENTIFAI_VIDEO_LINK_FOLLOWS;
  if (is_move (self, frame)) {
    GST_DEBUG_ID (self->name, "only the frames before %" GST_STIME_FORMAT
        " have wrong times", GST_STIME_ARGS (frame->stamp));
    return IDENTIFAI_VIDEO_LINK_MOVES;
  }
  if (is_break (self, frame)) {
    GST_DEBUG_ID (self->name, "the stream breaks at %" GST_STIME_FORMAT ", %"
        GST_STIME_FORMAT " from what was before%s%s, longest pause lately %"
        GST_STIME_FORMAT, GST_STIME_ARGS (frame->stamp),
        GST_STIME_ARGS (identifai_pauses_get_pause (&self->pauses, frame)),
        self->lossy ? ", DISCONT" : "",
        self->segment_changed ? ", a new segment" : "",
        GST_STIME_ARGS (self->pauses.pause));
    return IDENTIFAI_VIDEO_LINK_BREAKS;
  }
  if (self->lossy)
    GST_DEBUG_ID (self->name, "DISCONT at %" GST_STIME_FORMAT
        " is a loss, no break", GST_STIME_ARGS (frame->stamp));

  return IDENTIFAI_VIDEO_LINK_FOLLOWS;
}
