/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "clientworld.h"

void
lane_world_init (LaneWorld * world, const FaultStep * steps, guint n_steps)
{
  memset (world, 0, sizeof (LaneWorld));
  world->server = fault_server_new (steps, n_steps);
  lane_log_fill_settings (&world->settings,
      fault_server_get_url (world->server), "key-one");
}

IdentifaiLane *
lane_world_open (LaneWorld * world)
{
  guint index = world->n_lanes++;
  GError *error = NULL;

  lane_log_init (&world->logs[index]);
  world->lanes[index] = identifai_lane_new (&world->settings,
      &lane_log_callbacks, &world->logs[index], &error);
  fail_unless (world->lanes[index] != NULL, "%s", error ? error->message : "");

  return world->lanes[index];
}

void
lane_world_clear (LaneWorld * world)
{
  guint i;

  for (i = 0; i < world->n_lanes; i++) {
    if (world->lanes[i])
      identifai_lane_close (world->lanes[i]);
    lane_log_clear (&world->logs[i]);
  }
  g_clear_pointer (&world->server, fault_server_free);
  identifai_client_settings_clear (&world->settings);
}

void
lane_world_push (LaneWorld * world, guint lane, guint first, guint count)
{
  guint i;

  for (i = 0; i < count; i++)
    lane_log_push_new (&world->logs[lane], world->lanes[lane], first + i,
        1000 + first + i);
}

void
lane_world_wait (LaneWorld * world, guint lane, guint finished)
{
  fail_unless (lane_log_wait (&world->logs[lane],
          &world->logs[lane].n_freed, finished), "%u of %u outcomes: %s",
      world->logs[lane].n_finished, finished, world->logs[lane].attempts->str);
}
