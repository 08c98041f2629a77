/* identifai-emulator: where in an image the models see what they look for
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "heatmap.h"
#include "models.h"
#include "png.h"

typedef struct
{
  const guint8 *rgb;
  guint8 *map;
  guint width, height;
} Heatmap;

/* 0 to 255, of the cell whose first pixel is at x, y. */
static guint8
get_heat (const Heatmap * self, guint x, guint y)
{
  guint right = MIN (x + EMU_HEATMAP_CELL, self->width);
  guint bottom = MIN (y + EMU_HEATMAP_CELL, self->height);
  guint column, row, n = 0;

  for (row = y; row < bottom; row++) {
    for (column = x; column < right; column++)
      n += emu_pixel_has_color (self->rgb
          + ((gsize) row * self->width + column) * 3, EMU_COLOR_MAGENTA);
  }
  return 255 * n / ((right - x) * (bottom - y));
}

static void
fill_cell (Heatmap * self, guint x, guint y, guint8 heat)
{
  guint right = MIN (x + EMU_HEATMAP_CELL, self->width);
  guint bottom = MIN (y + EMU_HEATMAP_CELL, self->height);
  guint column, row;

  for (row = y; row < bottom; row++) {
    for (column = x; column < right; column++) {
      guint8 *pixel = self->map + ((gsize) row * self->width + column) * 3;

      pixel[0] = heat;
      pixel[2] = 255 - heat;
    }
  }
}

GBytes *
emu_heatmap_new (const guint8 * rgb, guint width, guint height)
{
  Heatmap self = { rgb, g_malloc0 ((gsize) width * height * 3), width, height };
  GBytes *png;
  guint x, y;

  for (y = 0; y < height; y += EMU_HEATMAP_CELL) {
    for (x = 0; x < width; x += EMU_HEATMAP_CELL)
      fill_cell (&self, x, y, get_heat (&self, x, y));
  }
  png = emu_png_new (self.map, width, height, 1);
  g_free (self.map);
  return png;
}
