/* identifai-emulator: the service's calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "exchange.h"

G_BEGIN_DECLS

/* Ended by one without a method. */
extern const EmuCall emu_calls[];

G_END_DECLS
