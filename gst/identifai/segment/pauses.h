/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From one video frame to the next: does the time between them say that the
 * stream breaks? Sparse streams (a slide a minute, a camera that sends what
 * changes), reordered ones, and those that lose packets don't break.
 */

#pragma once

#include "codecs.h"
#include "framereader.h"

G_BEGIN_DECLS

/* Pictures that are decoded before one and shown after it: 16 frames is what
 * H.264 and H.265 allow. */
#define IDENTIFAI_PAUSES_DEPTH 16

/* Of running time, where something else says that frames are missing. */
#define IDENTIFAI_PAUSES_JUMP ((gint64) GST_SECOND)

/* Running times in ns; NO_TIME before the first frame. */
typedef struct
{
  guint depth;                  /* of the codec */
  gint64 shown[IDENTIFAI_PAUSES_DEPTH + 1];      /* the latest PTS, latest first */
  guint n_shown;
  gint64 decoded;               /* the latest DTS */
  gint64 end;                   /* of the latest frame, by decoding time */
  gint64 pause;                 /* the longest one lately */
  guint n_since;                /* frames after it */
  gint64 monotonic;             /* µs, when the latest frame came */
} IdentifaiPauses;

void identifai_pauses_init (IdentifaiPauses * self, IdentifaiCodecId codec);
/* Forgets all frames. */
void identifai_pauses_clear (IdentifaiPauses * self);

/* breaks: the frame has nothing to do with those before. */
void identifai_pauses_add (IdentifaiPauses * self, const IdentifaiFrame * frame,
    gboolean breaks);
/* All of it moves. */
void identifai_pauses_shift (IdentifaiPauses * self, gint64 shift);
/* There is nothing up to end, and nothing is missing. */
void identifai_pauses_gap (IdentifaiPauses * self, gint64 end);

/* Between the end of what there is and the frame, in ns; negative if the frame
 * is earlier, 0 if there is nothing. */
gint64 identifai_pauses_get_pause (const IdentifaiPauses * self,
    const IdentifaiFrame * frame);

/* Whether time goes back to the frame, or forward by more than a stream may have
 * nothing to show. lossy: something was lost in front of it. */
gboolean identifai_pauses_goes_back (const IdentifaiPauses * self,
    const IdentifaiFrame * frame, gboolean lossy);
gboolean identifai_pauses_leaps (const IdentifaiPauses * self,
    const IdentifaiFrame * frame, gboolean lossy);
/* By how much its pause is longer than those lately; 0: it is like them. */
gint64 identifai_pauses_get_excess (const IdentifaiPauses * self,
    const IdentifaiFrame * frame);

G_END_DECLS
