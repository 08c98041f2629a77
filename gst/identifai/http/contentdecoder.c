/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Unpacks gzip and deflate up to a bound. Pure.
 */

#include "contentdecoder.h"

#include <string.h>

#define CHUNK_BYTES (32 * 1024)
#define MAX_CODINGS 2           /* of one answer */

static gboolean
is_identity (const gchar * name)
{
  return *name == '\0' || g_ascii_strcasecmp (name, "identity") == 0;
}

/* The codings' names, without white space. */
static gchar **
split_codings (const gchar * coding)
{
  gchar **names = g_strsplit (coding, ",", -1);
  guint i;

  for (i = 0; names[i] != NULL; i++)
    g_strstrip (names[i]);

  return names;
}

gboolean
identifai_content_is_encoded (const gchar * coding)
{
  gchar **names = split_codings (coding ? coding : "");
  gboolean packed = FALSE;
  guint i;

  for (i = 0; names[i] != NULL; i++)
    packed |= !is_identity (names[i]);
  g_strfreev (names);

  return packed;
}

/* By RFC 9110 "deflate" has zlib's header; some leave it out. */
static GZlibCompressorFormat
find_deflate_format (GBytes * data)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (data, &size);

  return size >= 2 && (bytes[0] & 0x0f) == 8
      && (bytes[0] << 8 | bytes[1]) % 31 == 0 ?
      G_ZLIB_COMPRESSOR_FORMAT_ZLIB : G_ZLIB_COMPRESSOR_FORMAT_RAW;
}

/* NULL for a coding that we don't know. */
static GConverter *
new_converter (const gchar * name, GBytes * data)
{
  if (g_ascii_strcasecmp (name, "gzip") == 0
      || g_ascii_strcasecmp (name, "x-gzip") == 0)
    return G_CONVERTER (g_zlib_decompressor_new
        (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
  if (g_ascii_strcasecmp (name, "deflate") == 0)
    return G_CONVERTER (g_zlib_decompressor_new (find_deflate_format (data)));

  return NULL;
}

static gboolean
bad (GError ** error, const gchar * text)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, text);
  return FALSE;
}

/* Why the converter gave up. Takes over why. */
static gboolean
broken (GError ** error, GError * why)
{
  gboolean cut = g_error_matches (why, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT);

  g_error_free (why);
  if (!cut)
    return bad (error, "the packed answer is broken");

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
      "the packed answer breaks off");
  return FALSE;
}

/* Files of gzip may follow one another. */
static gboolean
begins_another (const guint8 * bytes, gsize size)
{
  return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

/* *more: out is not all of it. */
static GError *
convert_all (GConverter * converter, GBytes * data, gsize max,
    GByteArray * out, gboolean * more)
{
  gsize size, used, got, left, done = 0;
  const guint8 *bytes = g_bytes_get_data (data, &size);
  guint8 *chunk = g_malloc (CHUNK_BYTES);
  GConverterResult result;
  GError *error = NULL;

  do {
    result = g_converter_convert (converter, bytes + done, size - done, chunk,
        CHUNK_BYTES, G_CONVERTER_INPUT_AT_END, &used, &got, &error);
    if (result == G_CONVERTER_ERROR)
      break;

    done += used;
    left = max - out->len;
    g_byte_array_append (out, chunk, MIN (got, left));
    *more = result == G_CONVERTER_CONVERTED || got > left;
    if (!*more && begins_another (bytes + done, size - done)) {
      g_converter_reset (converter);
      *more = TRUE;
    }
  } while (*more && got <= left && out->len < max);
  g_free (chunk);

  return error;
}

static gboolean
convert (GConverter * converter, GBytes * data, gsize max, GByteArray * out,
    GError ** error)
{
  gboolean more = FALSE;
  GError *why = convert_all (converter, data, max, out, &more);

  if (why != NULL)
    return broken (error, why);

  return !more || bad (error, "the answer is too long, unpacked");
}

/* Takes over *data. */
static gboolean
unpack_one (GBytes ** data, const gchar * name, gsize max, GError ** error)
{
  GConverter *converter = new_converter (name, *data);
  GByteArray *out = g_byte_array_new ();
  gboolean good;

  if (converter != NULL)
    good = convert (converter, *data, max, out, error);
  else
    good = bad (error, "the answer is packed in a way that was not asked for, "
        "and that is unknown here");
  g_clear_object (&converter);
  g_bytes_unref (*data);
  *data = g_byte_array_free_to_bytes (out);

  return good;
}

gboolean
identifai_content_decode (GBytes * data, const gchar * coding, gsize max,
    GBytes ** unpacked, GError ** error)
{
  gchar **names = split_codings (coding);
  guint i, n_codings = 0;
  gboolean good = TRUE;

  *unpacked = g_bytes_ref (data);
  /* The last one was done last. */
  for (i = g_strv_length (names); good && i > 0; i--) {
    if (is_identity (names[i - 1]))
      continue;
    if (++n_codings > MAX_CODINGS)
      good = bad (error, "the answer is packed too often");
    else
      good = unpack_one (unpacked, names[i - 1], max, error);
  }
  g_strfreev (names);

  return good;
}
