/* identifai-emulator: from many opinions to one verdict
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure. An opinion is one model's on one frame, or one frame's on a video.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  EMU_HEURISTIC_MAJORITY,       /* what more than half say */
  EMU_HEURISTIC_AVERAGE,        /* whether the mean score reaches 1/2 */
  EMU_HEURISTIC_AVERAGE_EXCLUDE_OBSOLETE,       /* without obsolete models */
  EMU_N_HEURISTICS
} EmuHeuristic;

#define EMU_DEFAULT_HEURISTIC EMU_HEURISTIC_MAJORITY

typedef struct
{
  gdouble score;                /* 0 = human .. 1 = artificial */
  gboolean unknown;             /* no opinion */
  gboolean obsolete;            /* of a model that is */
} EmuOpinion;

typedef struct
{
  gboolean unknown;             /* nobody had an opinion */
  gboolean artificial;
  gdouble confidence;           /* 0.5..1; 0 if unknown */
  gdouble score;                /* the share or mean behind it */
  guint count;                  /* opinions that counted */
} EmuVerdict;

/* "Majority", "Average", "AverageExcludeObsolete" */
const gchar *emu_heuristic_to_string (EmuHeuristic heuristic);

EmuVerdict emu_heuristic_judge (EmuHeuristic heuristic,
    const EmuOpinion * opinions, guint n_opinions);

G_END_DECLS
