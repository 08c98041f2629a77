/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Boxes of MP4 files in memory. Pure.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define IDENTIFAI_MP4_HEADER_BYTES 8    /* of a box */

typedef struct
{
  guint8 *data;                 /* after the header */
  gsize size;
} IdentifaiMp4Box;

/* Boxes are not aligned. */
guint32 identifai_mp4_read_u32 (const guint8 * data);
void identifai_mp4_write_u32 (guint8 * data, guint32 value);

/* header: of a box. */
gboolean identifai_mp4_has_type (const guint8 * header, const gchar * type);

/* The first box of that type directly inside of parent, after *previous if that
 * isn't NULL. */
gboolean identifai_mp4_find_box (const IdentifaiMp4Box * parent,
    const gchar * type, const guint8 * previous, IdentifaiMp4Box * box);
/* path: types, one inside of the other, ended by NULL. */
gboolean identifai_mp4_find_path (const IdentifaiMp4Box * parent,
    const gchar * const *path, IdentifaiMp4Box * box);

/* Units a second of an mvhd or mdhd box; 0: none. */
guint32 identifai_mp4_read_timescale (const IdentifaiMp4Box * box);

G_END_DECLS
