/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "holdworld.h"
#include "framereader.h"

#include <string.h>

#define MOST 4000               /* frames of a stream */

void
hold_world_init (HoldWorld * world, const gchar * actions)
{
  IdentifaiDecisionSettings settings;

  memset (world, 0, sizeof (*world));
  identifai_decision_settings_init (&settings);
  settings.has_policy = FALSE;
  settings.on_unjudged = actions[0] == 'o' ? IDENTIFAI_ACTION_PASS :
      IDENTIFAI_ACTION_DROP;
  settings.on_artificial = actions[0] == 'e' ? IDENTIFAI_ACTION_EOS :
      IDENTIFAI_ACTION_DROP;
  world->decisions = identifai_decisions_new ("gate");
  identifai_decisions_configure (world->decisions, &settings);
  world->hold = identifai_hold_queue_new (world->decisions, "gate");
  world->settings = (IdentifaiHoldQueueSettings) {
  .hold = HOLD_TIME * HOLD_MS,.paced = TRUE,.max_bytes = G_MAXUINT64};
  identifai_hold_queue_configure (world->hold, &world->settings, 0);
  fail_unless_equals_int (identifai_hold_queue_add_stream (world->hold), 1);
  world->frames[0] = g_new0 (HoldFrame, MOST);
  world->frames[1] = g_new0 (HoldFrame, MOST);
}

void
hold_world_clear (HoldWorld * world)
{
  identifai_hold_queue_free (world->hold);
  identifai_decisions_free (world->decisions);
  g_free (world->frames[0]);
  g_free (world->frames[1]);
}

void
hold_world_configure (HoldWorld * world)
{
  identifai_hold_queue_configure (world->hold, &world->settings,
      world->now * 1000);
}

HoldFrame *
hold_world_add_frame (HoldWorld * world, guint stream, gint64 arrival,
    gint64 running)
{
  HoldFrame *frame = &world->frames[stream][world->n[stream]++];

  fail_unless (world->n[stream] < MOST);
  frame->arrival = arrival;
  frame->running = running;
  frame->has_picture = TRUE;
  frame->left = frame->settled = -1;

  return frame;
}

void
hold_world_push (HoldWorld * world, guint stream, HoldFrame * frame,
    gint64 duration)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 10, NULL);

  if (frame->discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  frame->id = identifai_hold_queue_push_buffer (world->hold, stream, buffer,
      frame->running * HOLD_MS, frame->decoding ? frame->decoding * HOLD_MS :
      IDENTIFAI_NO_TIME, duration * HOLD_MS, world->now * 1000);
}

void
hold_world_place (HoldWorld * world, const HoldFrame * frame, gboolean settled)
{
  GstBuffer *complete = gst_buffer_new_allocate (NULL, 20, NULL);
  IdentifaiPlacement placement = {
    .id = frame->id,
    .kind = settled ? frame->kind : IDENTIFAI_PLACEMENT_OPEN,
    .segment = frame->segment,
    .has_picture = frame->has_picture,
    .is_point = frame->is_point,
    .is_closed = frame->is_closed,
    .is_leading = frame->is_leading,
    .complete = complete,
  };

  const IdentifaiSettlement settlement = {
    frame->id, frame->id, frame->kind, frame->segment
  };

  if (placement.kind == IDENTIFAI_PLACEMENT_SEGMENT)
    identifai_hold_queue_settle (world->hold, &settlement);
  else
    identifai_hold_queue_place (world->hold, &placement);
  gst_buffer_unref (complete);
}

void
hold_world_add_outcome (HoldWorld * world, guint segment, gchar letter)
{
  IdentifaiPolicyOutcome outcome = {
    .segment = segment,
    .judged = letter != 'f',
    .unknown = letter == 'u',
  };

  identifai_hold_queue_add_outcome (world->hold, &outcome, letter == 'a',
      world->now * 1000);
}

void
hold_world_check_law (HoldWorld * world)
{
  IdentifaiHoldQueueStats stats;
  guint64 sum;
  guint i;

  identifai_hold_queue_get_stats (world->hold, world->now * 1000, &stats);
  sum = stats.passed + stats.flushed + stats.held;
  for (i = 0; i < IDENTIFAI_N_WHYS; i++)
    sum += stats.withheld[i];
  fail_unless_equals_uint64 (stats.came, sum);
  fail_unless_equals_uint64 (stats.came, world->came[0]);
}

void
hold_world_pop_all (HoldWorld * world, guint stream)
{
  IdentifaiHeld held;

  while (identifai_hold_queue_pop (world->hold, stream, world->now * 1000,
          &held)) {
    HoldFrame *frame = &world->frames[stream][world->left[stream]++];

    fail_unless (held.is_buffer);
    fail_unless_equals_int64 (held.arrival, frame->arrival * 1000);
    fail_unless_equals_int64 (held.running, frame->running * HOLD_MS);
    fail_unless_equals_int (gst_buffer_get_size (GST_BUFFER (held.object)),
        held.is_first && stream == 0 ? 20 : 10);
    frame->left = world->now;
    frame->held = held;
    gst_mini_object_unref (held.object);
  }
}

static IdentifaiPlacementKind
read_kind (gchar type, gchar place)
{
  if (type == 'h')
    return IDENTIFAI_PLACEMENT_HEADERS;
  switch (place) {
    case '-':
      return IDENTIFAI_PLACEMENT_NONE;
    case '_':
      return IDENTIFAI_PLACEMENT_PAUSE;
    case '?':
      return IDENTIFAI_PLACEMENT_OPEN;
    default:
      return IDENTIFAI_PLACEMENT_SEGMENT;
  }
}

void
hold_world_read_frames (HoldWorld * world, const gchar * text)
{
  guint latest = 0;
  gint64 time = 0;

  for (; *text; text += 2, time += HOLD_FRAME) {
    HoldFrame *frame = hold_world_add_frame (world, 0, time, time);

    frame->kind = read_kind (text[0], text[1]);
    if (frame->kind == IDENTIFAI_PLACEMENT_SEGMENT)
      latest = text[1] - '0';
    frame->segment = latest;
    frame->is_point = text[0] == 'K' || text[0] == 'I';
    frame->is_closed = text[0] == 'I';
    frame->is_leading = text[0] == 'l';
    frame->has_picture = text[0] != 'h';
  }
}


void
hold_world_come (HoldWorld * world, guint stream, gint64 duration)
{
  HoldFrame *frame;

  while (world->came[stream] < world->n[stream] && (frame =
          &world->frames[stream][world->came[stream]])->arrival <= world->now) {
    world->came[stream]++;
    hold_world_push (world, stream, frame, duration);
    if (stream == 0)
      hold_world_place (world, frame, FALSE);
    if (stream == 0 && frame->settled < 0)
      hold_world_place (world, frame, TRUE);
  }
}
