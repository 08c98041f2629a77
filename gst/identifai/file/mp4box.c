/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "mp4box.h"

#include <string.h>

guint32
identifai_mp4_read_u32 (const guint8 * data)
{
  return (guint32) data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
}

void
identifai_mp4_write_u32 (guint8 * data, guint32 value)
{
  data[0] = value >> 24;
  data[1] = value >> 16;
  data[2] = value >> 8;
  data[3] = value;
}

gboolean
identifai_mp4_has_type (const guint8 * header, const gchar * type)
{
  return memcmp (header + 4, type, 4) == 0;
}

gboolean
identifai_mp4_find_box (const IdentifaiMp4Box * parent, const gchar * type,
    const guint8 * previous, IdentifaiMp4Box * box)
{
  gsize at = 0;

  while (parent->size - at >= IDENTIFAI_MP4_HEADER_BYTES) {
    guint8 *header = parent->data + at;
    gsize size = identifai_mp4_read_u32 (header);

    if (size < IDENTIFAI_MP4_HEADER_BYTES || size > parent->size - at)
      return FALSE;
    if (identifai_mp4_has_type (header, type)
        && header + IDENTIFAI_MP4_HEADER_BYTES > previous) {
      box->data = header + IDENTIFAI_MP4_HEADER_BYTES;
      box->size = size - IDENTIFAI_MP4_HEADER_BYTES;
      return TRUE;
    }
    at += size;
  }

  return FALSE;
}

gboolean
identifai_mp4_find_path (const IdentifaiMp4Box * parent,
    const gchar * const *path, IdentifaiMp4Box * box)
{
  *box = *parent;
  for (; *path; path++) {
    IdentifaiMp4Box outer = *box;

    if (!identifai_mp4_find_box (&outer, *path, NULL, box))
      return FALSE;
  }

  return TRUE;
}

guint32
identifai_mp4_read_timescale (const IdentifaiMp4Box * box)
{
  gsize at = box->size > 0 && box->data[0] == 1 ? 20 : 12;

  return box->size >= at + 4 ? identifai_mp4_read_u32 (box->data + at) : 0;
}
