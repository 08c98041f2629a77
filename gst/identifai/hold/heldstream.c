/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "heldstream.h"
#include "framereader.h"

#define NO_TIME IDENTIFAI_NO_TIME
#define SLACK (100 * (gint64) GST_MSECOND)      /* of bad clocks: no step back */
#define KEPT_TURNS 64

void
identifai_held_item_free (gpointer data)
{
  IdentifaiHeldItem *item = data;

  gst_mini_object_unref (item->object);
  g_free (item);
}

gint64
identifai_held_item_get_decoding (const IdentifaiHeldItem * item)
{
  GstBuffer *buffer = GST_BUFFER (item->object);

  if (item->running == NO_TIME || !GST_BUFFER_PTS_IS_VALID (buffer)
      || !GST_BUFFER_DTS_IS_VALID (buffer))
    return item->running;

  return item->running - GST_CLOCK_DIFF (GST_BUFFER_DTS (buffer),
      GST_BUFFER_PTS (buffer));
}

IdentifaiHeldStream *
identifai_held_stream_new (void)
{
  IdentifaiHeldStream *self = g_new0 (IdentifaiHeldStream, 1);

  g_queue_init (&self->items);
  self->running = NO_TIME;
  self->turns = g_array_new (FALSE, FALSE, sizeof (guint64));

  return self;
}

void
identifai_held_stream_free (gpointer data)
{
  IdentifaiHeldStream *self = data;

  if (self == NULL)
    return;
  g_queue_clear_full (&self->items, identifai_held_item_free);
  g_array_unref (self->turns);
  g_free (self);
}

IdentifaiHeldItem *
identifai_held_stream_push (IdentifaiHeldStream * self, GstMiniObject * object,
    gint64 arrival)
{
  IdentifaiHeldItem *item = g_new0 (IdentifaiHeldItem, 1);

  item->object = object;
  item->arrival = arrival;
  item->running = item->duration = NO_TIME;
  g_queue_push_tail (&self->items, item);

  return item;
}

gint64
identifai_held_stream_find_time (IdentifaiHeldStream * self,
    const IdentifaiHeldItem * item)
{
  GList *link;

  if (item->running != NO_TIME)
    return item->running;
  for (link = self->items.head; link; link = link->next) {
    const IdentifaiHeldItem *next = link->data;

    if (next->running != NO_TIME)
      return next->running;
  }

  return NO_TIME;
}

void
identifai_held_stream_note_time (IdentifaiHeldStream * self,
    const IdentifaiHeldItem * item)
{
  if (item->running == NO_TIME)
    return;
  if (self->running != NO_TIME && item->running < self->running - SLACK) {
    if (self->turns->len >= KEPT_TURNS)
      g_array_remove_index (self->turns, 0);
    g_array_append_val (self->turns, item->id);
  }
  self->running = item->running;
}

void
identifai_held_stream_restart (IdentifaiHeldStream * self)
{
  self->begun = FALSE;
  self->running = NO_TIME;
  g_array_set_size (self->turns, 0);
}

void
identifai_held_stream_find_turns (IdentifaiHeldStream * self,
    IdentifaiMarksSound * sound)
{
  guint i;

  for (i = 0; i < self->turns->len && sound->next_turn == 0; i++) {
    guint64 turn = g_array_index (self->turns, guint64, i);

    if (turn <= sound->id)
      sound->turn = turn;
    else
      sound->next_turn = turn;
  }
}
