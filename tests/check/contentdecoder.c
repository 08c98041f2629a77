/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers that come packed, and those that unpack to more than anybody wants.
 */

#include <gst/check/gstcheck.h>
#include "contentdecoder.h"

#define MEGABYTE (1024 * 1024)

static GBytes *
pack (GBytes * data, GZlibCompressorFormat format)
{
  GConverter *converter = G_CONVERTER (g_zlib_compressor_new (format, 9));
  GOutputStream *memory = g_memory_output_stream_new_resizable ();
  GOutputStream *stream = g_converter_output_stream_new (memory, converter);
  GBytes *packed;

  fail_unless (g_output_stream_write_bytes (stream, data, NULL, NULL)
      == (gssize) g_bytes_get_size (data));
  fail_unless (g_output_stream_close (stream, NULL, NULL));
  packed = g_memory_output_stream_steal_as_bytes
      (G_MEMORY_OUTPUT_STREAM (memory));
  g_object_unref (stream);
  g_object_unref (memory);
  g_object_unref (converter);

  return packed;
}

static GBytes *
blanks (gsize size)
{
  return g_bytes_new_take (g_strnfill (size, ' '), size);
}

GST_START_TEST (test_is_packed)
{
  fail_if (identifai_content_is_encoded (NULL));
  fail_if (identifai_content_is_encoded (""));
  fail_if (identifai_content_is_encoded (" identity"));
  fail_if (identifai_content_is_encoded ("identity, Identity"));
  fail_unless (identifai_content_is_encoded ("gzip"));
  fail_unless (identifai_content_is_encoded ("identity,br"));
}

GST_END_TEST;

/* Up to the bound all of it; beyond it the start, and an error. */
GST_START_TEST (test_bound)
{
  static const gsize sizes[] = { 0, 1, 100000, MEGABYTE - 1, MEGABYTE,
    MEGABYTE + 1, 100 * MEGABYTE
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GBytes *data = blanks (sizes[i]), *unpacked;
    GBytes *packed = pack (data, G_ZLIB_COMPRESSOR_FORMAT_GZIP);
    GError *error = NULL;
    gboolean good =
        identifai_content_decode (packed, "gzip", MEGABYTE, &unpacked,
        &error);

    fail_unless_equals_int (good, error == NULL);
    fail_unless (good || sizes[i] >= MEGABYTE);
    fail_unless (!good || sizes[i] <= MEGABYTE);
    fail_unless_equals_int (g_bytes_get_size (unpacked),
        MIN (sizes[i], MEGABYTE));
    g_clear_error (&error);
    g_bytes_unref (unpacked);
    g_bytes_unref (packed);
    g_bytes_unref (data);
  }
}

GST_END_TEST;

/* Of any length, also one that ends within what is unpacked at a time. */
GST_START_TEST (test_any_bound)
{
  GBytes *data = blanks (1000), *unpacked;
  GBytes *packed = pack (data, G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  gsize max;

  for (max = 1; max < 1010; max++) {
    fail_unless_equals_int (identifai_content_decode (packed, "gzip", max,
            &unpacked, NULL), max >= 1000);
    fail_unless_equals_int (g_bytes_get_size (unpacked), MIN (max, 1000));
    g_bytes_unref (unpacked);
  }
  g_bytes_unref (packed);
  g_bytes_unref (data);
}

GST_END_TEST;

/* An answer that breaks off isn't whole, at whatever byte, and it isn't nonsense,
 * but a broken connection. */
static const struct
{
  const gchar *coding;
  GZlibCompressorFormat format;
} cut_rows[] = {
  {"gzip", G_ZLIB_COMPRESSOR_FORMAT_GZIP},
  {"x-gzip", G_ZLIB_COMPRESSOR_FORMAT_GZIP},
  {"deflate", G_ZLIB_COMPRESSOR_FORMAT_ZLIB},
  {"deflate", G_ZLIB_COMPRESSOR_FORMAT_RAW},
};

GST_START_TEST (test_cut)
{
  GBytes *data = g_bytes_new_static ("{\"identifier\":\"id-1\"}", 21);
  GBytes *packed = pack (data, cut_rows[__i__].format);
  gsize length;

  for (length = 0; length < g_bytes_get_size (packed); length++) {
    GBytes *cut = g_bytes_new_from_bytes (packed, 0, length), *unpacked;
    GError *error = NULL;

    fail_if (identifai_content_decode (cut, cut_rows[__i__].coding, MEGABYTE,
            &unpacked, &error), "whole with %" G_GSIZE_FORMAT " bytes", length);
    fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT),
        "%" G_GSIZE_FORMAT " bytes: %s", length, error->message);
    fail_unless (g_bytes_get_size (unpacked) <= 21);
    g_error_free (error);
    g_bytes_unref (unpacked);
    g_bytes_unref (cut);
  }
  g_bytes_unref (packed);
  g_bytes_unref (data);
}

GST_END_TEST;

static GBytes *
join (GBytes * one, GBytes * other)
{
  GByteArray *both = g_byte_array_new ();

  g_byte_array_append (both, g_bytes_get_data (one, NULL),
      g_bytes_get_size (one));
  g_byte_array_append (both, g_bytes_get_data (other, NULL),
      g_bytes_get_size (other));

  return g_byte_array_free_to_bytes (both);
}

/* RFC 1952: one after the other. */
GST_START_TEST (test_several_files)
{
  GBytes *data = g_bytes_new_static ("hello", 5), *unpacked;
  GBytes *once = pack (data, G_ZLIB_COMPRESSOR_FORMAT_GZIP);
  GBytes *twice = join (once, once), *expected = join (data, data);
  gsize size = g_bytes_get_size (once), length;

  fail_unless (identifai_content_decode (twice, "gzip", 10, &unpacked, NULL));
  fail_unless (g_bytes_equal (unpacked, expected));
  g_bytes_unref (unpacked);
  fail_if (identifai_content_decode (twice, "gzip", 9, &unpacked, NULL));
  g_bytes_unref (unpacked);
  /* Up to there it is one, and something behind it. */
  for (length = size + 2; length < 2 * size; length++) {
    GBytes *cut = g_bytes_new_from_bytes (twice, 0, length);
    GError *error = NULL;

    fail_if (identifai_content_decode (cut, "gzip", MEGABYTE, &unpacked,
            &error));
    fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT));
    g_error_free (error);
    g_bytes_unref (unpacked);
    g_bytes_unref (cut);
  }
  g_bytes_unref (expected);
  g_bytes_unref (twice);
  g_bytes_unref (once);
  g_bytes_unref (data);
}

GST_END_TEST;

/* Two in a row, and no more. */
GST_START_TEST (test_nested)
{
  GBytes *data = g_bytes_new_static ("hello", 5), *unpacked;
  GBytes *once = pack (data, G_ZLIB_COMPRESSOR_FORMAT_ZLIB);
  GBytes *twice = pack (once, G_ZLIB_COMPRESSOR_FORMAT_GZIP);

  fail_unless (identifai_content_decode (twice, "deflate, gzip", MEGABYTE,
          &unpacked, NULL));
  fail_unless (g_bytes_equal (unpacked, data));
  g_bytes_unref (unpacked);
  fail_if (identifai_content_decode (twice, "gzip, gzip, gzip", MEGABYTE,
          &unpacked, NULL));
  g_bytes_unref (unpacked);
  fail_if (identifai_content_decode (twice, "zstd", MEGABYTE, &unpacked, NULL));
  fail_unless_equals_int (g_bytes_get_size (unpacked), 0);
  g_bytes_unref (unpacked);
  g_bytes_unref (twice);
  g_bytes_unref (once);
  g_bytes_unref (data);
}

GST_END_TEST;

static Suite *
contentdecoder_suite (void)
{
  Suite *suite = suite_create ("contentdecoder");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_test (general, test_is_packed);
  tcase_add_test (general, test_bound);
  tcase_add_test (general, test_any_bound);
  tcase_add_loop_test (general, test_cut, 0, G_N_ELEMENTS (cut_rows));
  tcase_add_test (general, test_several_files);
  tcase_add_test (general, test_nested);

  return suite;
}

GST_CHECK_MAIN (contentdecoder);
