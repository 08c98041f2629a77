/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame at which decoding can start, and the leading pictures that follow it
 * but are shown before it: what kind of cut do they make?
 *
 * - exact: no leading picture needs what came before the point. A new segment
 *   starts with the point and has its leading pictures.
 * - overlapping: the leading pictures of an open point refer to both sides.
 *   They are shown before the point, so they are the old segment's, and as
 *   they can't be decoded without the point's own picture, the old segment's
 *   file gets that, too; the new one starts with it and leaves them out. All
 *   frames decode and none is lost; one picture is in both files (MP4 doesn't
 *   show it in the first).
 */

#pragma once

#include "builder.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *frames;            /* of IdentifaiFrame, the point first; or empty */
  gint64 start;                 /* first shown of what a new segment gets */
  gint64 end;                   /* of the point, the last one shown */
  guint n_point;                /* frames of the point: two if its fields are apart */
  guint overlap;                /* frames that an old one gets; 0: exact */
  guint64 cost;                 /* bytes in a file */
  gboolean new_headers;
  gboolean closed;
} IdentifaiRapGroup;

IdentifaiRapGroup *identifai_rap_group_new (void);
void identifai_rap_group_free (IdentifaiRapGroup * self);
void identifai_rap_group_clear (IdentifaiRapGroup * self);
gboolean identifai_rap_group_is_empty (IdentifaiRapGroup * self);

/* Takes over a point (if empty) or a leading picture; the fields above count
 * it at once. */
void identifai_rap_group_add (IdentifaiRapGroup * self, IdentifaiFrame * frame);

/* Whether the next frame is a leading picture of it. */
gboolean identifai_rap_group_is_led_by (IdentifaiRapGroup * self,
    const IdentifaiFrame * frame);

/* Leaves leading pictures out that can't be decoded; returns how many. */
guint identifai_rap_group_drop_leading (IdentifaiRapGroup * self);

/* Moves all frames to the part. */
void identifai_rap_group_move_to (IdentifaiRapGroup * self, IdentifaiBuilder * part);

void identifai_rap_group_shift (IdentifaiRapGroup * self, gint64 shift);
gsize identifai_rap_group_count_bytes (IdentifaiRapGroup * self);

G_END_DECLS
