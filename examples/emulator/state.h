/* identifai-emulator: what the page shows
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "server.h"

G_BEGIN_DECLS

/* Everything, with the newest max submissions; or, if nothing changed after that
 * version, hardly anything. */
JsonNode *emu_state_build (EmuServer * server, guint64 version, guint max);

/* The faults on demand, and how often each was met. */
JsonArray *emu_state_build_faults (EmuServer * server);
JsonArray *emu_state_build_rules (EmuServer * server);

G_END_DECLS
