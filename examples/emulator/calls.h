/* identifai-emulator: the service's calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "server.h"

G_BEGIN_DECLS

typedef void (*EmuHandler) (EmuRequest * request, EmuKind kind);

typedef struct
{
  const gchar *method;
  const gchar *path;            /* ending in a slash: an identifier follows */
  EmuKind kind;
  gboolean has_form;
  EmuHandler handler;
} EmuCall;

/* Ended by one without a method. */
extern const EmuCall emu_calls[];

G_END_DECLS
