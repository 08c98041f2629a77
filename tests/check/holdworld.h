/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A queue of what is held back, the frames of a stream, and what became of each. Time is
 * the test's own, in ms.
 */

#pragma once

#include "holdqueue.h"

#include <gst/check/gstcheck.h>

#define HOLD_MS ((gint64) GST_MSECOND)
#define HOLD_FRAME 100               /* ms, of frames by letters */
#define HOLD_TIME 1000               /* ms */

/* A frame as it comes, and what became of it. */
typedef struct
{
  gint64 arrival, running;      /* ms */
  gint64 decoding;              /* ms; 0: unknown */
  gint64 settled;               /* ms, when its segment is; -1: as it comes */
  IdentifaiPlacementKind kind;
  guint segment;
  gboolean is_point, is_closed, is_leading, has_picture;
  gboolean discont;
  guint64 id;

  gint64 left;                  /* ms; -1: it is held */
  gboolean predicted;           /* by the model: it passes */
  IdentifaiHeld held;
} HoldFrame;

typedef struct
{
  IdentifaiDecisions *decisions;
  IdentifaiHoldQueue *hold;
  IdentifaiHoldQueueSettings settings;
  gint64 now;                   /* ms */
  HoldFrame *frames[2];             /* video, sound */
  guint n[2], came[2], left[2];
} HoldWorld;

/* actions: c closed, o open, e the end at what is artificial. */
void hold_world_init (HoldWorld * world, const gchar * actions);
void hold_world_clear (HoldWorld * world);
void hold_world_configure (HoldWorld * world);

HoldFrame *hold_world_add_frame (HoldWorld * world, guint stream, gint64 arrival, gint64 running);
/* Frames, HOLD_FRAME apart: K an open point, I a closed one, p another, l a leading one, h
 * headers, and the segment: its number, - in none, _ in the pause behind the segment
 * before, ? not settled in time. */
void hold_world_read_frames (HoldWorld * world, const gchar * text);
void hold_world_push (HoldWorld * world, guint stream, HoldFrame * frame, gint64 duration);
void hold_world_place (HoldWorld * world, const HoldFrame * frame, gboolean settled);
/* All that have arrived by now. */
void hold_world_come (HoldWorld * world, guint stream, gint64 duration);
void hold_world_add_outcome (HoldWorld * world, guint segment, gchar letter);
/* All that leaves now, in order. */
void hold_world_pop_all (HoldWorld * world, guint stream);
void hold_world_check_law (HoldWorld * world);
