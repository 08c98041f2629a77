/* identifai-emulator: results as the service documents them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>
#include "submissions.h"

G_BEGIN_DECLS

#define EMU_API_VERSION "1.1.0" /* the first one whose results have a status */

/* base: what the emulator's own URLs start with. now: monotonic µs. */
JsonNode *emu_result_build (EmuSubmission * submission, const gchar * base,
    gint64 now);

/* For the page: a verdict a heuristic (EMU_N_HEURISTICS) of a submission that
 * is done, the default heuristic's of a frame, and the classification that was
 * forced on it, or NULL. */
void emu_result_judge (EmuSubmission * submission, EmuVerdict * verdicts);
void emu_result_judge_frame (const EmuJudgedFrame * frame,
    EmuVerdict * verdict);
const gchar *emu_result_get_forced (EmuSubmission * submission);

G_END_DECLS
