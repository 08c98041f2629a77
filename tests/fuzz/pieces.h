/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file that came in pieces, as files of a muxer do.
 */

#pragma once

#include "memoryfile.h"

#define PIECE 700

static inline IdentifaiMemoryFile *
make_file (const guint8 * data, gsize size)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  gsize at;

  for (at = 0; at < size; at += PIECE) {
    GstBuffer *piece = gst_buffer_new_allocate (NULL, MIN (PIECE, size - at),
        NULL);

    gst_buffer_fill (piece, 0, data + at, MIN (PIECE, size - at));
    identifai_memory_file_write (file, piece);
    gst_buffer_unref (piece);
  }

  return file;
}
