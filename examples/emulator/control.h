/* identifai-emulator: the emulator's own calls, and its page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "exchange.h"

G_BEGIN_DECLS

/* Ended by one without a method. */
extern const EmuCall emu_control_calls[];

/* Whether they may be called by the name that they are; if not, that was
 * answered. */
gboolean emu_control_check_host (EmuRequest * request);

G_END_DECLS
