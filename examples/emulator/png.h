/* identifai-emulator: small PNG pictures
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Every step-th pixel of packed RGB (width * height * 3 bytes) as a PNG. */
GBytes *emu_png_new (const guint8 * rgb, guint width, guint height,
    guint step);

G_END_DECLS
