/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "rapgroup.h"

static IdentifaiFrame *
frame_at (IdentifaiRapGroup * self, guint i)
{
  return g_ptr_array_index (self->frames, i);
}

IdentifaiRapGroup *
identifai_rap_group_new (void)
{
  IdentifaiRapGroup *self = g_new0 (IdentifaiRapGroup, 1);

  self->frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) identifai_frame_free);

  return self;
}

void
identifai_rap_group_free (IdentifaiRapGroup * self)
{
  g_ptr_array_unref (self->frames);
  g_free (self);
}

void
identifai_rap_group_clear (IdentifaiRapGroup * self)
{
  g_ptr_array_set_size (self->frames, 0);
}

gboolean
identifai_rap_group_is_empty (IdentifaiRapGroup * self)
{
  return self->frames->len == 0;
}

static gint64
end_of (const IdentifaiFrame * frame)
{
  return frame->pts + (frame->duration != IDENTIFAI_NO_TIME ?
      frame->duration : 0);
}

static void
start (IdentifaiRapGroup * self, const IdentifaiFrame * point)
{
  self->start = point->pts;
  self->end = end_of (point);
  self->n_point = 1;
  self->overlap = 0;
  self->cost = point->cost;
  self->new_headers = point->info.new_headers;
  self->closed = point->info.point == IDENTIFAI_POINT_CLOSED;
}

void
identifai_rap_group_add (IdentifaiRapGroup * self, IdentifaiFrame * frame)
{
  g_ptr_array_add (self->frames, frame);
  if (self->frames->len == 1) {
    start (self, frame);
    return;
  }
  self->cost += frame->cost;
  if (frame->info.order.is_second_field && self->frames->len == 2) {
    self->end = MAX (self->end, end_of (frame));
    self->n_point = 2;
  } else if (self->overlap > 0 || (!self->closed && !frame->info.decodable)) {
    frame->leading = TRUE;
    self->overlap = self->frames->len;
    self->start = frame_at (self, 0)->pts;
  } else {
    self->start = MIN (self->start, frame->pts);
  }
}

gboolean
identifai_rap_group_is_led_by (IdentifaiRapGroup * self,
    const IdentifaiFrame * frame)
{
  guint n = self->frames->len;

  if (n == 0 || frame->info.point != IDENTIFAI_POINT_NONE)
    return FALSE;

  return frame->pts < frame_at (self, 0)->pts
      || (n == 1 && frame->info.order.is_second_field);
}

guint
identifai_rap_group_drop_leading (IdentifaiRapGroup * self)
{
  guint n = self->frames->len - self->n_point;
  IdentifaiFrame *field = NULL;

  if (self->overlap == 0)
    return 0;
  if (self->n_point == 2)
    field = identifai_frame_copy (frame_at (self, 1));
  g_ptr_array_set_size (self->frames, 1);
  start (self, frame_at (self, 0));
  if (field)
    identifai_rap_group_add (self, field);

  return n;
}

void
identifai_rap_group_move_to (IdentifaiRapGroup * self, IdentifaiBuilder * part)
{
  gsize n, i;
  gpointer *frames = g_ptr_array_steal (self->frames, &n);

  for (i = 0; i < n; i++)
    identifai_builder_add_frame (part, frames[i]);
  g_free (frames);
}

void
identifai_rap_group_shift (IdentifaiRapGroup * self, gint64 shift)
{
  guint i;

  for (i = 0; i < self->frames->len; i++)
    identifai_frame_shift (frame_at (self, i), shift);
  self->start += shift;
  self->end += shift;
}

gsize
identifai_rap_group_count_bytes (IdentifaiRapGroup * self)
{
  gsize bytes = 0;
  guint i;

  for (i = 0; i < self->frames->len; i++)
    bytes += gst_buffer_get_size (frame_at (self, i)->buffer);

  return bytes;
}
