/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The headers of codecs whose frames need no others: VP8, VP9, JPEG. Whether
 * bytes are a picture of such at all, and how large it is.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean is_key;
  gboolean is_shown;
  guint width, height;          /* in pixels; 0: it has that of those before */
} IdentifaiPicture;

/* FALSE: it is none. What comes after the headers isn't looked at. */
gboolean identifai_picture_read_vp8 (const guint8 * data, gsize size,
    IdentifaiPicture * picture);
gboolean identifai_picture_read_vp9 (const guint8 * data, gsize size,
    IdentifaiPicture * picture);

/* must_end: it is none without an end, as where a file comes in blocks. */
gboolean identifai_picture_read_jpeg (const guint8 * data, gsize size,
    gboolean must_end, IdentifaiPicture * picture);

G_END_DECLS
