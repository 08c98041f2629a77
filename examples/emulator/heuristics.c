/* identifai-emulator: from many opinions to one verdict
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "heuristics.h"

const gchar *
emu_heuristic_to_string (EmuHeuristic heuristic)
{
  static const gchar *const names[EMU_N_HEURISTICS] = {
    "Majority", "Average", "AverageExcludeObsolete"
  };

  return names[heuristic];
}

EmuVerdict
emu_heuristic_judge (EmuHeuristic heuristic, const EmuOpinion * opinions,
    guint n_opinions)
{
  EmuVerdict verdict = { FALSE, };
  gdouble sum = 0;
  guint i;

  for (i = 0; i < n_opinions; i++) {
    if (opinions[i].unknown || (opinions[i].obsolete
            && heuristic == EMU_HEURISTIC_AVERAGE_EXCLUDE_OBSOLETE))
      continue;
    verdict.count++;
    sum += heuristic == EMU_HEURISTIC_MAJORITY
        ? opinions[i].score >= 0.5 : opinions[i].score;
  }
  if (verdict.count == 0) {
    verdict.unknown = TRUE;
    return verdict;
  }
  verdict.score = sum / verdict.count;
  verdict.artificial = heuristic == EMU_HEURISTIC_MAJORITY
      ? verdict.score > 0.5 : verdict.score >= 0.5;
  verdict.confidence = verdict.artificial ? verdict.score : 1 - verdict.score;
  return verdict;
}
