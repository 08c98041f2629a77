/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The structure of an image that comes in pieces. Input: how long a piece is, in
 * units of 16 bytes, then the image.
 *
 * What has to hold: the end is within what is there, is found once, and is the same
 * however it came.
 */

#include "target.h"
#include "pieces.h"

#include "image.h"

static IdentifaiImageState
look (IdentifaiImageScan * scan, IdentifaiMemoryFile * file, gsize size)
{
  IdentifaiImageState state = identifai_image_scan (scan, "fuzz", file);

  if (state == IDENTIFAI_IMAGE_WHOLE)
    g_assert_nonnull (scan->type);
  if (state == IDENTIFAI_IMAGE_WHOLE)
    g_assert_cmpuint (scan->end, <=, size);

  return state;
}

/* Up to the first state that is sure. */
static IdentifaiImageState
scan_pieces (IdentifaiImageScan * scan, const guint8 * data, gsize size,
    gsize piece)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  IdentifaiImageState state = IDENTIFAI_IMAGE_UNSURE;
  gsize at, length;

  for (at = 0; at < size && state == IDENTIFAI_IMAGE_UNSURE; at += length) {
    GstBuffer *buffer;

    length = MIN (piece, size - at);
    buffer = gst_buffer_new_memdup (data + at, length);
    identifai_memory_file_write (file, buffer);
    gst_buffer_unref (buffer);
    state = look (scan, file, at + length);
    identifai_image_excludes (scan, data + at, length);
  }
  identifai_memory_file_unref (file);

  return state;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  IdentifaiImageScan pieces = { NULL, }, whole = { NULL, };
  IdentifaiImageState of_pieces, of_whole;
  IdentifaiMemoryFile *file;
  gsize piece;

  if (size < 2)
    return 0;
  piece = 16 * (1 + data[0]);
  data++;
  size--;
  g_assert_true (identifai_image_recognise (data, size) == NULL
      || identifai_image_may_begin (data, size));
  of_pieces = scan_pieces (&pieces, data, size, piece);
  file = make_file (data, size);
  of_whole = look (&whole, file, size);
  identifai_memory_file_unref (file);

  /* TIFF has no end of its own: how far it goes is known of all of it only */
  g_assert_true (pieces.type == whole.type);
  if (whole.type == NULL || g_str_equal (whole.type->extension, "tiff"))
    return 0;
  g_assert_cmpint (of_pieces, ==, of_whole);
  g_assert_cmpuint (pieces.end, ==, whole.end);

  return 0;
}
