/* identifai-emulator: which frames of a video are judged
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure: what a first look at the file found in, numbers of frames out.
 */

#pragma once

#include <gst/gst.h>
#include "parameters.h"

G_BEGIN_DECLS

/* One frame, in the order of display. */
typedef struct
{
  GstClockTime pts;             /* GST_CLOCK_TIME_NONE where unknown */
  gboolean key;
  guint8 mean[3];               /* RGB; for EMU_CHOICE_COLOR only */
  guint motion;                 /* difference from the frame before, in any unit;
                                 * for EMU_CHOICE_FLOW only */
} EmuFrame;

/* Fills chosen (room for max) with ascending indexes into frames; returns how
 * many, between 1 and max unless n_frames or max is 0.
 *
 * EVEN: at equal distances in time from the first frame on. IFRAMES: key
 * frames. COLOR: of each shot, which starts with a key frame, the frame nearest
 * to the shot's average colour. FLOW: of each shot the frame that differs least
 * from the one before. Of more than max key frames or shots, max at equal
 * distances. */
guint emu_frames_choose (const EmuFrame * frames, guint n_frames,
    EmuChoice choice, guint max, guint * chosen);

G_END_DECLS
