/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a transport stream or a radio sends as AAC in LOAS. Input: pieces, each
 * after its length in two bytes.
 */

#include "target.h"

#include "latm.h"

/* In memory of its own. */
static GstBuffer *
make_buffer (const guint8 * data, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_fill (buffer, 0, data, size);
  GST_BUFFER_PTS (buffer) = 0;

  return buffer;
}

static void
check_caps (GstCaps * caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const GValue *value = gst_structure_get_value (structure, "codec_data");

  g_assert_true (gst_caps_is_fixed (caps));
  g_assert_cmpuint (gst_buffer_get_size (gst_value_get_buffer (value)), >=, 2);
}

static void
pop_all (IdentifaiLatm * latm, gsize most)
{
  gsize bytes = 0;
  GstBuffer *frame;

  while ((frame = identifai_latm_pop (latm))) {
    g_assert_nonnull (identifai_latm_get_caps (latm));
    g_assert_true (GST_BUFFER_DURATION (frame) > 0);
    bytes += gst_buffer_get_size (frame);
    gst_buffer_unref (frame);
  }
  g_assert_cmpuint (bytes, <=, most);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  IdentifaiLatm *latm = identifai_latm_new ("fuzz");
  gsize came = 0;

  while (size >= 2) {
    gsize length = MIN ((gsize) (data[0] << 8 | data[1]), size - 2);

    came += length;
    identifai_latm_push (latm, make_buffer (data + 2, length));
    if (identifai_latm_get_caps (latm))
      check_caps (identifai_latm_get_caps (latm));
    pop_all (latm, came);
    data += 2 + length;
    size -= 2 + length;
  }
  identifai_latm_free (latm);

  return 0;
}
