/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How much later times are on the way out: by the delay that was built, and by how long
 * upstream stood still while the slate went on. On the task of a source pad.
 *
 * What upstream catches up with isn't later: it would be shown where the slate was, and
 * is withheld up to the point behind that. What is held tells; where it can't yet, the
 * shift grows, and is given back in the next hole that shows that upstream has caught up.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include "framereader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

#define NO_TIME IDENTIFAI_NO_TIME
#define VIDEO IDENTIFAI_SEGMENTER_VIDEO
#define JUMP GST_IDENTIFAI_GATE_JUMP
#define SLACK (100 * (gint64) GST_MSECOND)      /* of arrivals: no reason to withhold */

void
gst_identifai_gate_shift_reset_locked (GstIdentifaiGate * self)
{
  self->shift = self->built = self->stall = self->lag = 0;
  self->lead = self->newest = NO_TIME;
  self->catching_up = FALSE;
}

/* What two seconds in a row have: behind a hole, demuxers and parsers may give some
 * pictures times that are far too late. */
static void
end_second_locked (GstIdentifaiGate * self, gint64 lead, gint64 arrival)
{
  if (self->lag == 0)
    self->lead = MIN (self->lead, MAX (self->leads[0], self->leads[1]));
  self->leads[1] = self->leads[0];
  self->leads[0] = lead;
  self->second = arrival;
}

/* Times that went back are another stream's. */
void
gst_identifai_gate_shift_came_locked (GstIdentifaiGate * self, gint64 decoding,
    gint64 arrival)
{
  gint64 lead = arrival * (gint64) GST_USECOND - decoding;

  if (self->lead == NO_TIME || decoding < self->newest - JUMP) {
    GST_DEBUG_OBJECT (self,
        "%s %" GST_STIME_FORMAT ": what is late is reckoned from there",
        self->lead == NO_TIME ? "the stream begins at" : "times went back to",
        GST_STIME_ARGS (decoding));
    self->lead = self->leads[0] = self->leads[1] = lead;
    self->second = arrival;
  } else if (arrival - self->second >= G_TIME_SPAN_SECOND) {
    end_second_locked (self, lead, arrival);
  } else {
    self->leads[0] = MIN (self->leads[0], lead);
  }
  self->newest = decoding;
}

void
gst_identifai_gate_shift_paused_locked (GstIdentifaiGate * self, gint64 took)
{
  gint64 later = took * (gint64) GST_USECOND;

  if (self->lead == NO_TIME)
    return;
  GST_DEBUG_OBJECT (self, "a pause of %" G_GINT64_FORMAT " ms isn't taken for "
      "lateness", took / 1000);
  self->lead += later;
  self->leads[0] += later;
  self->leads[1] += later;
}

gint64
gst_identifai_gate_shift_get_position (const GstIdentifaiShow * show,
    gint64 now)
{
  return show->position + (now - show->wall) * (gint64) GST_USECOND;
}

/* What is held of the video is due a while after its time, as upstream stood still:
 * nobody waits for it. */
void
gst_identifai_gate_shift_note_stall_locked (GstIdentifaiBranch * branch,
    gint64 next, gint64 due)
{
  GstIdentifaiGate *self = branch->gate;
  gint64 late = gst_identifai_gate_shift_get_position (&branch->show, due)
      - next - self->shift;

  if (branch->stream == VIDEO)
    self->stall = late > JUMP && !self->catching_up ? late : 0;
}

gboolean
gst_identifai_gate_shift_went_back (const GstIdentifaiShow * show,
    gint64 decoding)
{
  return show->came != NO_TIME && decoding < show->came - JUMP;
}

/* What was shown was shifted the same way: the stream goes on. */
static gboolean
is_ahead (const GstIdentifaiShow * show, gint64 shift)
{
  return show->last == NO_TIME || show->last_shift == shift;
}

static void
add_lag_locked (GstIdentifaiBranch * branch, gint64 lag)
{
  GstIdentifaiGate *self = branch->gate;

  GST_INFO_OBJECT (branch->src, "running times are later by %" GST_STIME_FORMAT
      ", as upstream %s", GST_STIME_ARGS (self->shift + lag),
      lag > 0 ? "stood still" : "has caught up");
  self->shift += lag;
  self->lag += lag;
  if (self->lead != NO_TIME)
    self->lead += lag;
}

/* Of what is held: by so much it came later than the shift reckons with. What came before
 * a pause isn't early by its length. */
static gint64
get_lateness_locked (GstIdentifaiGate * self)
{
  gint64 lead = identifai_hold_queue_get_lead (self->hold, self->resumed);

  return lead != NO_TIME && self->lead != NO_TIME ? lead - self->lead : 0;
}

/* By which something would leave with a time that was shown before. */
static gint64
get_overlap_locked (GstIdentifaiBranch * branch, gint64 decoding)
{
  const GstIdentifaiShow *show = &branch->show;
  gint64 shift = branch->gate->shift;

  return is_ahead (show, shift) ? 0 : show->last + 1 - decoding - shift;
}

/* A hole ends at the picture, or doesn't. */
static void
settle_hole_locked (GstIdentifaiBranch * branch, gint64 decoding)
{
  GstIdentifaiGate *self = branch->gate;
  gint64 overlap = get_overlap_locked (branch, decoding), late;

  if (overlap <= 0 && self->lag == 0)
    return;
  late = get_lateness_locked (self);
  if (late < -SLACK && self->lag > 0)
    add_lag_locked (branch, MAX (late, -self->lag));
  else if (overlap > 0 && (late > SLACK || overlap <= late + SLACK))
    add_lag_locked (branch, overlap <= late + SLACK ? overlap : late);
  if (get_overlap_locked (branch, decoding) > 0)
    self->catching_up = identifai_hold_queue_set_floor (self->hold,
        branch->show.last - self->shift);
  if (self->catching_up)
    GST_LOG_OBJECT (branch->src, "what is held up to %" GST_STIME_FORMAT
        " was replaced meanwhile: it is passed over",
        GST_STIME_ARGS (branch->show.last - self->shift));
}

void
gst_identifai_gate_shift_settle_locked (GstIdentifaiBranch * branch)
{
  GstIdentifaiGate *self = branch->gate;
  gint64 decoding, due;

  if (branch->stream != VIDEO)
    return;
  self->catching_up = FALSE;
  identifai_hold_queue_set_floor (self->hold, NO_TIME);
  if (gst_identifai_gate_is_paced_locked (self)
      && identifai_hold_queue_has_gap (self->hold)
      && identifai_hold_queue_peek (self->hold, VIDEO, &decoding, &due)
      && decoding != NO_TIME
      && !gst_identifai_gate_shift_went_back (&branch->show, decoding))
    settle_hole_locked (branch, decoding);
}

/* Whatever became of the stream's times, unless they went back themselves. */
void
gst_identifai_gate_shift_mend_locked (GstIdentifaiBranch * branch,
    const IdentifaiHeld * held)
{
  GstIdentifaiGate *self = branch->gate;
  const GstIdentifaiShow *show = &branch->show;
  gint64 overlap;

  if (branch->stream != VIDEO || (show->slate && !held->passes))
    return;
  self->stall = 0;
  if (!held->passes || held->decoding == NO_TIME || is_ahead (show, self->shift)
      || gst_identifai_gate_shift_went_back (show, held->decoding))
    return;
  overlap = MAX (show->last - held->decoding, show->shown - held->running) + 1
      - self->shift;
  if (overlap > 0)
    add_lag_locked (branch, overlap);
}

/* Sound that came earlier than its pictures has left up to there by then: what would
 * be heard a second time, in terms of time, isn't. */
gboolean
gst_identifai_gate_shift_is_over_locked (GstIdentifaiBranch * branch,
    const IdentifaiHeld * held)
{
  const GstIdentifaiShow *show = &branch->show;
  gint64 shift = branch->gate->shift;

  if (branch->stream == VIDEO || !held->passes || held->decoding == NO_TIME
      || is_ahead (show, shift)
      || gst_identifai_gate_shift_went_back (show, held->decoding))
    return FALSE;

  return held->decoding + shift <= show->last;
}
