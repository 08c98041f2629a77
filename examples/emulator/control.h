/* identifai-emulator: the emulator's own calls, and its page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "exchange.h"

G_BEGIN_DECLS

/* Ended by one without a method. */
extern const EmuCall emu_control_calls[];

/* What the emulator serves, as an OpenAPI document; openapi.json. Only in the
 * program, which has it in its resources. */
GBytes *emu_control_get_openapi (void);

G_END_DECLS
