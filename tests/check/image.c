/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which image some bytes are, and where it ends: small whole ones of each type, in
 * pieces of any size, cut off, and with others behind them.
 */

#include <string.h>
#include <gst/check/gstcheck.h>
#include "image.h"

#define BYTES(text) text, sizeof (text) - 1

/* Whole ones. Markers of other images lie within them, where they may. */
static const struct
{
  const gchar *data;
  gsize size;
  const gchar *content_type;
  gsize end;                    /* known from then on; 0: never */
} rows[] = {
  /* an APP1 segment with a thumbnail's start and end in it, coded data with a stuffed
   * byte and a restart, a second scan */
  {BYTES ("\xff\xd8\xff\xe1\x00\x08\xff\xd8\xff\xd9\x01\x02"
            "\xff\xda\x00\x04\x01\x02" "\x12\xff\x00\x34\xff\xd0\x56"
            "\xff\xff\xda\x00\x02" "\x78\xff\xd9"), "image/jpeg", 33},
  {BYTES ("\x89PNG\r\n\x1a\n" "\0\0\0\x03" "IHDR" "\xff\xd8\xff" "crc1"
            "\0\0\0\0" "IEND" "crc2"), "image/png", 35},
  /* a table of two colours, an extension with two blocks, a picture */
  {BYTES ("GIF89a" "\x01\0\x01\0\x80\0\0" "rgbRGB" "\x21\xff\x02" "\x3b\x3b\x01"
            "\x3b\0" "\x2c\0\0\0\0\x01\0\x01\0\0" "\x02" "\x01\x3b\0" "\x3b"),
      "image/gif", 42},
  {BYTES ("GIF87a" "\x01\0\x01\0\0\0\0" "\x2c\0\0\0\0\x01\0\x01\0\x80" "rgbRGB"
            "\x02" "\x01\x44\0" "\x3b"), "image/gif", 34},
  {BYTES ("RIFF" "\x0c\0\0\0" "WEBP" "VP8 " "\0\0\0\0"), "image/webp", 20},
  /* one strip of four bytes in front of the directory */
  {BYTES ("II*\0" "\x0c\0\0\0" "data" "\x02\0"
            "\x11\x01\x04\0\x01\0\0\0\x08\0\0\0"
            "\x17\x01\x03\0\x01\0\0\0\x04\0\0\0" "\0\0\0\0"), "image/tiff", 42},
  /* two strips behind it, whose places and lengths lie elsewhere */
  {BYTES ("MM\0*" "\0\0\0\x08" "\0\x02"
            "\x01\x11\0\x04\0\0\0\x02\0\0\0\x26"
            "\x01\x17\0\x04\0\0\0\x02\0\0\0\x2e" "\0\0\0\0"
            "\0\0\0\x36\0\0\0\x38" "\0\0\0\x02\0\0\0\x02" "abcd"),
      "image/tiff", 58},
  /* BigTIFF, and a JPEG that is broken in its structure, end with the stream */
  {BYTES ("II+\0" "\x08\0\0\0" "0123456789abcdef"), "image/tiff", 0},
  {BYTES ("\xff\xd8\xff\xe0\x00\x02" "no marker" "\xff\xd9"), "image/jpeg", 0},
};

static void
append (IdentifaiMemoryFile * file, const gchar * data, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_memdup (data, size);

  identifai_memory_file_write (file, buffer);
  gst_buffer_unref (buffer);
}

/* In pieces of that size; where it is known to be whole, or 0. */
static gsize
find_end (guint row, gsize step, IdentifaiImageScan * scan)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  gsize end = 0, at;

  for (at = 0; at < rows[row].size && end == 0; at += step) {
    append (file, rows[row].data + at, MIN (step, rows[row].size - at));
    switch (identifai_image_scan (scan, "image", file)) {
      case IDENTIFAI_IMAGE_WHOLE:
        end = MIN (at + step, rows[row].size);
        break;
      case IDENTIFAI_IMAGE_UNSURE:
        break;
      default:
        fail ("row %u isn't known", row);
    }
  }
  identifai_memory_file_unref (file);

  return end;
}

GST_START_TEST (test_end)
{
  gsize step, whole = rows[__i__].size;

  fail_unless_equals_int (rows[__i__].end, rows[__i__].end ? whole : 0);
  for (step = 1; step <= whole; step++) {
    IdentifaiImageScan scan = { NULL, };

    fail_unless_equals_int (find_end (__i__, step, &scan), rows[__i__].end);
    fail_unless_equals_string (scan.type->content_type,
        rows[__i__].content_type);
    fail_unless_equals_uint64 (scan.end,
        g_str_equal (scan.type->content_type, "image/tiff") ? 0 :
        rows[__i__].end);
  }
}

GST_END_TEST;

/* GStreamer's macros want it aligned. */
static void
write_long (guint8 * bytes, guint32 value)
{
  value = GUINT32_TO_LE (value);
  memcpy (bytes, &value, 4);
}

/* A directory that is its own next one, with millions of strips: it is given up. */
GST_START_TEST (test_endless)
{
  const guint n = 2000000, offsets = 38, lengths = 38 + 4 * n;
  gsize size = lengths + 4 * n;
  guint8 *data = g_malloc0 (size);
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  IdentifaiImageScan scan = { NULL, };

  memcpy (data, "II*\0\x08\0\0\0\x02\0", 10);
  memcpy (data + 10, "\x11\x01\x04\0", 4);
  write_long (data + 14, n);
  write_long (data + 18, offsets);
  memcpy (data + 22, "\x17\x01\x04\0", 4);
  write_long (data + 26, n);
  write_long (data + 30, lengths);
  write_long (data + 34, 8);
  append (file, (const gchar *) data, size);
  fail_unless_equals_int (identifai_image_scan (&scan, "image", file),
      IDENTIFAI_IMAGE_UNSURE);
  fail_unless (scan.lost);
  fail_unless_equals_string (scan.type->content_type, "image/tiff");
  identifai_memory_file_unref (file);
  g_free (data);
}

GST_END_TEST;

/* What isn't all there never counts as whole, and any bytes do no harm. */
GST_START_TEST (test_damage)
{
  GRand *random = g_rand_new_with_seed (__i__);
  guint i;

  for (i = 0; i < 2000; i++) {
    IdentifaiMemoryFile *file = identifai_memory_file_new ();
    gchar *data = g_memdup2 (rows[__i__].data, rows[__i__].size);
    IdentifaiImageScan scan = { NULL, };

    data[g_rand_int_range (random, 0, rows[__i__].size)] =
        g_rand_int_range (random, 0, 256);
    append (file, data, g_rand_int_range (random, 1, rows[__i__].size + 1));
    identifai_image_scan (&scan, "image", file);
    append (file, data, rows[__i__].size);
    identifai_image_scan (&scan, "image", file);
    identifai_memory_file_unref (file);
    g_free (data);
  }
  g_rand_free (random);
}

GST_END_TEST;

static const struct
{
  const gchar *data;
  gsize size;
  IdentifaiImageState state;
} other_rows[] = {
  {BYTES (""), IDENTIFAI_IMAGE_UNSURE},
  {BYTES ("\xff\xd8"), IDENTIFAI_IMAGE_UNSURE},
  {BYTES ("RIFF\0\0\0\0WEB"), IDENTIFAI_IMAGE_UNSURE},
  {BYTES ("RIFF\0\0\0\0WAVEfmt "), IDENTIFAI_IMAGE_OTHER},
  {BYTES ("\0\0\0\x18" "ftypmp42"), IDENTIFAI_IMAGE_OTHER},
  {BYTES ("hello, world"), IDENTIFAI_IMAGE_OTHER},
};

GST_START_TEST (test_other)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  IdentifaiImageScan scan = { NULL, };

  if (other_rows[__i__].size > 0)
    append (file, other_rows[__i__].data, other_rows[__i__].size);
  fail_unless_equals_int (identifai_image_scan (&scan, "image", file),
      other_rows[__i__].state);
  fail_unless (scan.type == NULL);
  identifai_memory_file_unref (file);
}

GST_END_TEST;

/* A JPEG that is cut off in its coded data ends where another image begins; not
 * within a segment of it. */
GST_START_TEST (test_excludes)
{
  static const gchar next[] = "\xff\xd8\xff\xe0";
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  IdentifaiImageScan scan = { NULL, };

  append (file, rows[0].data, 6);
  identifai_image_scan (&scan, "image", file);
  fail_if (identifai_image_excludes (&scan, (const guint8 *) next, 4));
  append (file, rows[0].data + 6, 18);
  identifai_image_scan (&scan, "image", file);
  fail_unless (identifai_image_excludes (&scan, (const guint8 *) next, 4));
  fail_if (identifai_image_excludes (&scan, (const guint8 *) next + 1, 3));
  identifai_memory_file_unref (file);
}

GST_END_TEST;

static Suite *
image_suite (void)
{
  Suite *suite = suite_create ("image");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_other, 0, G_N_ELEMENTS (other_rows));
  tcase_add_test (general, test_endless);
  tcase_add_loop_test (general, test_damage, 0, G_N_ELEMENTS (rows));
  tcase_add_test (general, test_excludes);
  tcase_add_loop_test (general, test_end, 0, G_N_ELEMENTS (rows));

  return suite;
}

GST_CHECK_MAIN (image);
