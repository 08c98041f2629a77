/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tells who wants to know (the gate) in which segment each frame is judged.
 */

#include "segmenterprivate.h"

static void
tell (IdentifaiSegmenter * self, const IdentifaiFrame * frame,
    IdentifaiPlacementKind kind, guint number)
{
  IdentifaiPlacement placement = {
    .id = frame->id,
    .kind = kind,
    .segment = number,
    .has_picture = frame->info.has_picture,
    .is_point = frame->info.point != IDENTIFAI_POINT_NONE,
    .is_closed = frame->info.point == IDENTIFAI_POINT_CLOSED,
    .is_leading = frame->leading,
    .complete = frame->buffer,
  };

  self->place_func (&placement, self->user_data);
}

void
identifai_notices_frame (IdentifaiSegmenter * self,
    const IdentifaiFrame * frame, IdentifaiPlacementKind kind)
{
  if (self->place_func != NULL)
    tell (self, frame, kind, self->latest);
}

IdentifaiPlacementKind
identifai_notices_none (IdentifaiSegmenter * self)
{
  return self->not_before != IDENTIFAI_NO_TIME ? IDENTIFAI_PLACEMENT_PAUSE :
      IDENTIFAI_PLACEMENT_NONE;
}

void
identifai_notices_frames (IdentifaiSegmenter * self, GPtrArray * frames,
    guint from)
{
  guint i;

  for (i = from; i < frames->len; i++)
    identifai_notices_frame (self, g_ptr_array_index (frames, i),
        identifai_notices_none (self));
}

void
identifai_notices_buffer (IdentifaiSegmenter * self, guint64 id,
    IdentifaiPlacementKind kind)
{
  IdentifaiFrame frame = {.id = id };

  frame.info.has_picture = kind != IDENTIFAI_PLACEMENT_HEADERS;
  identifai_notices_frame (self, &frame, kind);
}

void
identifai_notices_part (IdentifaiSegmenter * self, IdentifaiBuilder * part,
    gboolean is_segment)
{
  IdentifaiSettlement settlement = {
    .kind = is_segment ? IDENTIFAI_PLACEMENT_SEGMENT :
        IDENTIFAI_PLACEMENT_PAUSE,
    .segment = is_segment ? part->segment->number : self->latest,
  };
  guint i;

  for (i = 0; self->settle_func != NULL && i < part->ids->len; i++) {
    const IdentifaiIds *ids = &g_array_index (part->ids, IdentifaiIds, i);

    settlement.from = ids->from;
    settlement.to = ids->to;
    self->settle_func (&settlement, self->user_data);
  }
}
