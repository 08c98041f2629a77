/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Backwards. A decoding time that goes back tells, unless the PTS goes on: the
 * DTS of a packet that RTP sent again is when it came. Where there is none, a
 * PTS tells that is before one that a decoder must have shown by now: it keeps
 * no more than depth pictures to put them in order, and none when a closed
 * point comes.
 *
 * Forwards. A stream may have nothing to show for long. It says so by the
 * frame's duration, the frame rate or a GAP event; else it is believed if as
 * much time went by on the clock (a live stream), or if there was such a pause
 * lately: a stream whose pictures come a few at a time, or in an order that makes
 * it seem so, loses its first ones only.
 *
 * Where packets were lost, less time is a jump, in both directions; but a stream
 * of a frame each few seconds may lose one of them.
 */

#include "pauses.h"

#define NO_TIME IDENTIFAI_NO_TIME
#define SLACK (100 * (gint64) GST_MSECOND)      /* backwards, of bad clocks */
#define LONG_PAUSE (30 * (gint64) GST_SECOND)
#define SIMILAR 2               /* times as long as a pause that was lately */
#define LATELY 16               /* frames */

static guint
get_depth (IdentifaiCodecId codec)
{
  switch (codec) {
    case IDENTIFAI_CODEC_H264:
    case IDENTIFAI_CODEC_H265:
      return IDENTIFAI_PAUSES_DEPTH;
    case IDENTIFAI_CODEC_MPEG12:
    case IDENTIFAI_CODEC_MPEG4:
      return 4;                 /* one reference, of two fields; and to be sure */
    default:
      return 0;
  }
}

void
identifai_pauses_init (IdentifaiPauses * self, IdentifaiCodecId codec)
{
  self->depth = get_depth (codec);
  identifai_pauses_clear (self);
}

static void
forget_frames (IdentifaiPauses * self)
{
  self->n_shown = 0;
  self->decoded = self->end = NO_TIME;
}

void
identifai_pauses_clear (IdentifaiPauses * self)
{
  forget_frames (self);
  self->pause = 0;
  self->n_since = 0;
}

static void
add_shown (IdentifaiPauses * self, gint64 pts)
{
  guint i, last = MIN (self->n_shown, self->depth);

  if (self->n_shown > self->depth && pts <= self->shown[last])
    return;
  for (i = last; i > 0 && self->shown[i - 1] < pts; i--)
    self->shown[i] = self->shown[i - 1];
  self->shown[i] = pts;
  self->n_shown = last + 1;
}

static gint64
get_time (const IdentifaiFrame * frame)
{
  return frame->dts != NO_TIME ? frame->dts : frame->pts;
}

static void
add_pause (IdentifaiPauses * self, gint64 pause)
{
  self->n_since++;
  if (pause < self->pause && self->n_since <= LATELY)
    return;
  self->pause = pause;
  self->n_since = 0;
}

void
identifai_pauses_add (IdentifaiPauses * self, const IdentifaiFrame * frame,
    gboolean breaks)
{
  gint64 duration = frame->duration != NO_TIME ? frame->duration : 0;

  add_pause (self, identifai_pauses_get_pause (self, frame));
  if (breaks)
    forget_frames (self);
  self->monotonic = frame->monotonic;
  self->end = MAX (self->end, get_time (frame) + duration);
  self->decoded = MAX (self->decoded, frame->dts);
  if (frame->pts != NO_TIME)
    add_shown (self, frame->pts);
}

void
identifai_pauses_shift (IdentifaiPauses * self, gint64 shift)
{
  guint i;

  for (i = 0; i < self->n_shown; i++)
    self->shown[i] += shift;
  if (self->decoded != NO_TIME)
    self->decoded += shift;
  if (self->end != NO_TIME)
    self->end += shift;
}

void
identifai_pauses_gap (IdentifaiPauses * self, gint64 end)
{
  if (self->end != NO_TIME)
    self->end = MAX (self->end, end);
}

gint64
identifai_pauses_get_pause (const IdentifaiPauses * self,
    const IdentifaiFrame * frame)
{
  if (self->end == NO_TIME)
    return 0;

  return get_time (frame) - self->end;
}

static gboolean
is_before (gint64 time, gint64 other)
{
  return other != NO_TIME && time < other - SLACK;
}

gboolean
identifai_pauses_goes_back (const IdentifaiPauses * self,
    const IdentifaiFrame * frame, gboolean lossy)
{
  gint64 latest = self->n_shown > 0 ? self->shown[0] : NO_TIME;

  if (self->end == NO_TIME)
    return FALSE;
  if (lossy
      && identifai_pauses_get_pause (self, frame) < -IDENTIFAI_PAUSES_JUMP)
    return TRUE;
  if (frame->pts == NO_TIME)
    return is_before (frame->dts, self->decoded);
  if (frame->info.point == IDENTIFAI_POINT_CLOSED
      || (frame->dts != NO_TIME && is_before (frame->dts, self->decoded)))
    return is_before (frame->pts, latest);

  return self->n_shown > self->depth
      && is_before (frame->pts, self->shown[self->depth]);
}

gboolean
identifai_pauses_leaps (const IdentifaiPauses * self,
    const IdentifaiFrame * frame, gboolean lossy)
{
  gint64 pause = identifai_pauses_get_pause (self, frame);
  gint64 waited = (frame->monotonic - self->monotonic) * GST_USECOND;
  gint64 longest = lossy ? IDENTIFAI_PAUSES_JUMP : LONG_PAUSE + waited;

  return pause > longest && pause / SIMILAR > self->pause;
}

gint64
identifai_pauses_get_excess (const IdentifaiPauses * self,
    const IdentifaiFrame * frame)
{
  gint64 pause = identifai_pauses_get_pause (self, frame);

  if (pause <= SLACK || pause / SIMILAR <= self->pause)
    return 0;

  return pause - MAX (self->pause, 0);
}
