/* identifai-emulator: the calls of partners
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "exchange.h"

G_BEGIN_DECLS

/* 403 for the key of who is no partner. */
void emu_handle_save_user (EmuRequest * request, EmuKind kind);
void emu_handle_remove_user (EmuRequest * request, EmuKind kind);
void emu_handle_list_users (EmuRequest * request, EmuKind kind);
void emu_handle_mail_user (EmuRequest * request, EmuKind kind);
void emu_handle_pricings (EmuRequest * request, EmuKind kind);

G_END_DECLS
