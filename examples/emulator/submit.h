/* identifai-emulator: files that come in
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "exchange.h"

G_BEGIN_DECLS

/* A form with a file of that kind, and one with the address of such a file. */
void emu_handle_submit (EmuRequest * request, EmuKind kind);
void emu_handle_fromurl (EmuRequest * request, EmuKind kind);

G_END_DECLS
