/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The streams of a hold queue, and how much they hold. Not thread-safe: as holdqueue.h,
 * under the element's lock.
 */

#include "holdqueueprivate.h"
#include "framereader.h"

IdentifaiHeldStream *
identifai_hold_queue_get_stream (IdentifaiHoldQueue * self, guint stream)
{
  return stream < self->streams->len ?
      g_ptr_array_index (self->streams, stream) : NULL;
}

void
identifai_hold_queue_for_each (IdentifaiHoldQueue * self,
    IdentifaiHeldItemFunc func, gint64 time, gint64 running)
{
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, i);
    GList *link;

    for (link = stream ? stream->items.head : NULL; link; link = link->next) {
      IdentifaiHeldItem *item = link->data;

      if (item->id != 0)
        func (item, time,
            i == IDENTIFAI_HOLD_VIDEO ? IDENTIFAI_NO_TIME : running);
    }
  }
}

/* Small frames take more than their bytes, and a sender chooses how small they are. */
guint64
identifai_hold_queue_count_bytes (IdentifaiHoldQueue * self)
{
  guint64 n = 0;
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, i);

    n += stream != NULL ? stream->items.length : 0;
  }

  return self->stats.held_bytes + n * self->settings.item_bytes;
}

gboolean
identifai_hold_queue_is_over_bounds (IdentifaiHoldQueue * self)
{
  return identifai_hold_queue_count_bytes (self) > self->settings.max_bytes;
}
