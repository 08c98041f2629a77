/* identifai-emulator: where in an image the models see what they look for
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EMU_HEATMAP_CELL 8      /* pixels a side */

/* A PNG of the size of the packed RGB picture: each cell from blue (no magenta
 * pixel) to red (nothing else). */
GBytes *emu_heatmap_new (const guint8 * rgb, guint width, guint height);

G_END_DECLS
