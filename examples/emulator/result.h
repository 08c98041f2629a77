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

G_END_DECLS
