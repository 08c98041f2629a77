/* identifai-emulator: small PNG pictures
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "png.h"

#include <string.h>

/* PNG, annex D; a bit at a time, as the pictures are small. */
static guint32
crc (guint32 value, const guint8 * data, gsize length)
{
  gsize i;
  guint bit;

  for (i = 0; i < length; i++) {
    value ^= data[i];
    for (bit = 0; bit < 8; bit++)
      value = value & 1 ? 0xedb88320u ^ value >> 1 : value >> 1;
  }
  return value;
}

static void
append32 (GByteArray * png, guint32 value)
{
  guint32 big = GUINT32_TO_BE (value);

  g_byte_array_append (png, (const guint8 *) &big, 4);
}

static void
append_chunk (GByteArray * png, const gchar * type, const guint8 * data,
    gsize length)
{
  guint32 sum = crc (0xffffffffu, (const guint8 *) type, 4);

  append32 (png, length);
  g_byte_array_append (png, (const guint8 *) type, 4);
  if (length > 0)
    g_byte_array_append (png, data, length);
  append32 (png, ~crc (sum, data, length));
}

/* A row is a zero, for no filter, and its pixels. */
static GBytes *
pick_rows (const guint8 * rgb, guint width, guint height, guint step)
{
  guint x, y, columns = (width + step - 1) / step;
  guint rows = (height + step - 1) / step;
  guint8 *data = g_malloc0 ((gsize) rows * (columns * 3 + 1)), *to = data;

  for (y = 0; y < height; y += step) {
    to++;
    for (x = 0; x < width; x += step, to += 3)
      memcpy (to, rgb + ((gsize) y * width + x) * 3, 3);
  }
  return g_bytes_new_take (data, to - data);
}

static GBytes *
deflate (GBytes * data)
{
  g_autoptr (GZlibCompressor) zlib =
      g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_ZLIB, 6);
  g_autoptr (GInputStream) plain = g_memory_input_stream_new_from_bytes (data);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) packed = g_converter_output_stream_new (memory,
      G_CONVERTER (zlib));

  g_output_stream_splice (packed, plain, G_OUTPUT_STREAM_SPLICE_CLOSE_TARGET,
      NULL, NULL);
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM
      (memory));
}

GBytes *
emu_png_new (const guint8 * rgb, guint width, guint height, guint step)
{
  static const guint8 signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a,
    '\n'
  };
  g_autoptr (GBytes) rows = pick_rows (rgb, width, height, step);
  g_autoptr (GBytes) packed = deflate (rows);
  GByteArray *png = g_byte_array_new ();
  /* Eight bits a channel, RGB, no interlacing. */
  guint8 header[13] = { 0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0 };
  guint32 columns = GUINT32_TO_BE ((width + step - 1) / step);
  guint32 lines = GUINT32_TO_BE ((height + step - 1) / step);

  memcpy (header, &columns, 4);
  memcpy (header + 4, &lines, 4);
  g_byte_array_append (png, signature, sizeof signature);
  append_chunk (png, "IHDR", header, sizeof header);
  append_chunk (png, "IDAT", g_bytes_get_data (packed, NULL),
      g_bytes_get_size (packed));
  append_chunk (png, "IEND", NULL, 0);
  return g_byte_array_free_to_bytes (png);
}
