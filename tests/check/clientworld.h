/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of lanes share: a server that follows a table, and lanes to it
 * with a log each. Whatever goes wrong here fails the test.
 */

#pragma once

#include "faultserver.h"
#include "clientlog.h"

G_BEGIN_DECLS

#define MAX_LANES 8

typedef struct
{
  FaultServer *server;
  IdentifaiClientSettings settings;
  IdentifaiLane *lanes[MAX_LANES];
  LaneLog logs[MAX_LANES];
  guint n_lanes;
} LaneWorld;

void lane_world_init (LaneWorld * world, const FaultStep * steps,
    guint n_steps);
/* Closes what is open. */
void lane_world_clear (LaneWorld * world);

/* Another lane, with the settings as they are now. */
IdentifaiLane *lane_world_open (LaneWorld * world);
/* Jobs with the numbers from first on. */
void lane_world_push (LaneWorld * world, guint lane, guint first, guint count);
/* Until so many jobs of the lane are over. */
void lane_world_wait (LaneWorld * world, guint lane, guint finished);

G_END_DECLS
