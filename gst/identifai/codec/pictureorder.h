/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * In which order are the pictures of an H.264 or H.265 stream shown? Their
 * headers say (picture order count), and that is all there is to go by where a
 * container has decoding times only.
 *
 * Not followed: H.264's memory management operation 5 and H.265's end of sequence,
 * which start the count over in the middle of a stream; h26xtimestamper.c bears it.
 */

#pragma once

#include "codecs.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean is_known;
  guint64 epoch;                /* all pictures of a lower one are shown first */
  gint64 count;                 /* within the epoch */
  gint depth;                   /* how many pictures at most are decoded before
                                 * one that is shown before them; -1 unknown */
  gboolean is_second_field;     /* of the frame whose first one came before */
} IdentifaiDisplayOrder;

typedef struct _IdentifaiPictureOrder IdentifaiPictureOrder;

/* codec: H.264 or H.265. */
IdentifaiPictureOrder *identifai_picture_order_new (const gchar * name,
    IdentifaiCodecId codec);
void identifai_picture_order_free (IdentifaiPictureOrder * self);

/* The next NAL unit of the stream: remembers a parameter set. For the first
 * slice of a picture, order is filled in. Each slice may be given once. */
void identifai_picture_order_read (IdentifaiPictureOrder * self, const guint8 * unit, gsize size,
    IdentifaiDisplayOrder * order);

G_END_DECLS
