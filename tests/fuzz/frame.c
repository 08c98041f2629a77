/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a demuxer, a payloader or a camera sends as video. Input: a byte that
 * chooses the codec, the length of the codec's header (2 bytes) and the header,
 * then frames, each after its length.
 */

#include "target.h"

#include "framereader.h"

static const gchar *const formats[] = {
  "video/x-h264, stream-format = byte-stream, alignment = au",
  "video/x-h264, stream-format = avc, alignment = au",
  "video/x-h265, stream-format = byte-stream, alignment = au",
  "video/x-h265, stream-format = hvc1, alignment = au",
  "video/x-av1, stream-format = obu-stream, alignment = tu",
  "video/x-vp8",
  "video/x-vp9",
  "video/mpeg, mpegversion = 2, systemstream = false",
  "video/mpeg, mpegversion = 4, systemstream = false",
  "image/jpeg",
};

/* The next piece, in memory of its own; NULL: no more. */
static GstBuffer *
take_piece (const guint8 ** data, gsize * size)
{
  GstBuffer *piece;
  gsize length;

  if (*size < 2)
    return NULL;
  length = MIN ((gsize) ((*data)[0] << 8 | (*data)[1]), *size - 2);
  piece = gst_buffer_new_allocate (NULL, length, NULL);
  gst_buffer_fill (piece, 0, *data + 2, length);
  *data += 2 + length;
  *size -= 2 + length;

  return piece;
}

static IdentifaiFrameReader *
make_reader (guint format, GstBuffer * header)
{
  GstCaps *caps =
      gst_caps_from_string (formats[format % G_N_ELEMENTS (formats)]);
  IdentifaiFrameReader *reader;

  if (header && gst_buffer_get_size (header) > 0)
    gst_caps_set_simple (caps, "codec_data", GST_TYPE_BUFFER, header, NULL);
  reader = identifai_frame_reader_new ("fuzz", caps);
  gst_caps_unref (caps);

  return reader;
}

/* Takes over the frame. */
static void
read_frame (IdentifaiFrameReader * reader, GstBuffer * frame)
{
  gsize size = gst_buffer_get_size (frame);
  IdentifaiFrameInfo info;

  identifai_frame_reader_read (reader, frame, &info);
  g_assert_cmpuint (info.headers_at, <=, size);
  g_assert_cmpuint (info.note_at, <=, size);
  g_assert_cmpuint (info.growth, <=, size);
  g_assert_cmpint (info.order.depth, >=, -1);
  g_assert_cmpint (info.order.depth, <=, 16);
  frame = identifai_frame_reader_complete (reader, frame, &info);
  frame = identifai_frame_reader_sign (reader, frame, &info);
  g_assert_cmpuint (gst_buffer_get_size (frame), >=, size);
  g_assert_cmpuint (info.note_at, <=, gst_buffer_get_size (frame));
  gst_buffer_unref (frame);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  IdentifaiFrameReader *reader;
  GstBuffer *piece;
  guint format;

  if (size == 0)
    return 0;
  format = *data++;
  size--;
  piece = take_piece (&data, &size);
  reader = make_reader (format, piece);
  gst_clear_buffer (&piece);
  while ((piece = take_piece (&data, &size)))
    read_frame (reader, piece);
  identifai_frame_reader_free (reader);

  return 0;
}
