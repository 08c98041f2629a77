/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Times for frames that come without: a live stream's are those at which they
 * came; any other's are as far apart as its frames are, or 40 ms. Running times
 * in ns.
 */

#pragma once

#include "builder.h"
#include "segmenter.h"

G_BEGIN_DECLS

/* NO_TIME: none yet, or unknown. */
typedef struct
{
  const gchar *name;            /* of the element, for the log: the stream's */
  GstClockTime pts, dts;        /* of the latest buffer */
  guint n_same;                 /* buffers in a row that had them */

  gint64 time;                  /* of the latest frame */
  gboolean hidden;              /* it: the next one is shown at that time, and
                                 * parsers take a time away that is repeated */
  gint64 length;                /* of it, as its buffer said */
  gint64 running;               /* when it came, on the pipeline's clock */

  guint n_timed, n_guessed;     /* frames with times of their own, and without */
  gint64 timed;                 /* the latest one of the former */
  guint n_since;                /* frames after it */
  gint64 step;                  /* by which such were apart */

  gboolean told;
  gboolean has_news;
  gint64 news_step;             /* 0: they are stamped as they come */
} IdentifaiMissingTimes;

void identifai_missing_times_init (IdentifaiMissingTimes * self);
/* Another stream begins. */
void identifai_missing_times_restart (IdentifaiMissingTimes * self);

/* Whether the buffer's times are none, as those of all before it are the same. */
gboolean identifai_missing_times_is_stuck (IdentifaiMissingTimes * self,
    GstBuffer * buffer);

/* Gives a frame that has no time a DTS, and a duration if frames are evenly
 * apart. start: of the stream; step: by the caps, or NO_TIME. */
void identifai_missing_times_guess (IdentifaiMissingTimes * self, IdentifaiFrame * frame,
    gint64 start, gint64 step, const IdentifaiCaptureTime * arrival);

/* Each frame once, in order. length: as its buffer said, or NO_TIME. */
void identifai_missing_times_add (IdentifaiMissingTimes * self,
    const IdentifaiFrame * frame, gint64 length,
    const IdentifaiCaptureTime * arrival);

/* The stream is over: whether most of it had no times. */
void identifai_missing_times_end (IdentifaiMissingTimes * self);

/* TRUE once, if people should be told. step: ns from frame to frame, 0: as they
 * come. */
gboolean identifai_missing_times_take_news (IdentifaiMissingTimes * self, gint64 * step);

G_END_DECLS
