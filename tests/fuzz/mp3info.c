/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MP3 as a stream has it, to get a frame in front. Input: how many buffers lead, and the
 * buffers, each after its length in two bytes.
 */

#include "target.h"

#include "mp3info.h"

static GPtrArray *
make_frames (const guint8 * data, gsize size)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);

  while (size >= 2) {
    gsize length = MIN ((gsize) (data[0] << 8 | data[1]), size - 2);
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, length, NULL);

    gst_buffer_fill (buffer, 0, data + 2, length);
    g_ptr_array_add (frames, buffer);
    data += 2 + length;
    size -= 2 + length;
  }

  return frames;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  GPtrArray *frames;
  GstBuffer *info;
  guint lead, first = 0;

  if (size < 1)
    return 0;
  frames = make_frames (data + 1, size - 1);
  lead = MIN (data[0], frames->len);
  info = identifai_mp3_info_make (frames, lead, &first);
  if (info != NULL) {
    g_assert_cmpuint (first, <=, lead);
    g_assert_cmpuint (gst_buffer_get_size (info), >, 0);
    gst_buffer_unref (info);
  }
  g_ptr_array_unref (frames);

  return 0;
}
