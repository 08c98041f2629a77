/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine in one thread and simulated time, of streams that share a key: outbox,
 * reporter, client, limiter, poller, and the gate's hold. Each verdict counts by itself,
 * and the gate is closed. What the tests of the engine take for granted, this checks as
 * it happens:
 *
 *   each segment is announced once, in order, and has one outcome, as a message and for
 *   the element; the stats add up whenever one came or ended; no more uploads an hour than
 *   may be; each buffer that is held leaves at its time, and passes only if its segment was
 *   judged human by then; none is posted when it has begun to leave, or given up as late
 *   while there was time; each of which something left is in the gate's stats, once.
 *   That of the key's limits the simulation checks.
 */

#pragma once

#include "gstidentifaioutbox.h"
#include "holdqueue.h"
#include "simulation.h"

G_BEGIN_DECLS

#define ENGINE_STREAMS 2
#define ENGINE_FRAMES 2         /* of a segment */

typedef struct
{
  gboolean announced, submitted;
  guint ends;                   /* outcomes, as messages */
  guint outcomes;               /* and for the element */
  gchar how;                    /* h, a, u, x: the outcome; 0: none yet */
  gboolean passed;              /* its first frame */
  gboolean left, placed;        /* the same; and it is closed */
  gint64 first, closed;         /* when its first frame came, and its last */
  gint64 offered;               /* when */
} EngineSegment;

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstIdentifaiSettings settings;
  GstIdentifaiReporter *reporter;
  GstIdentifaiOutbox *outbox;

  IdentifaiDecisions *decisions;
  IdentifaiHoldQueue *hold;
  IdentifaiTimer *leave;
  guint64 ids[ENGINE_FRAMES];          /* of the segment that is open */
  gint64 ask_again;             /* for what couldn't be given up */

  GArray *segments;             /* of EngineSegment, since the start */
  GArray *accepted;             /* of gint64: of earlier starts */
  guint n_announced;            /* the next one's number */
  IdentifaiSegment *open;       /* NULL: a pause */
  guint frame;                  /* the next one of it */
  gboolean room;
  gint64 next;                  /* when it does something */
  GstStructure *stats;
  gboolean changed;             /* since they were checked */
} EngineStream;

typedef struct
{
  gint64 hold;
  /* Before each start: other settings; or NULL. */
  void (*choose) (EngineStream * stream);
  Simulation *simulation;
  GRand *random;
  EngineStream *streams[ENGINE_STREAMS];
  guint n_segments, n_judged, n_failed, n_dropped, n_starts;
  guint n_passed, n_withheld, n_late;
  gint64 longest;               /* from a segment's last frame to its verdict */
  gint64 withheld_at;           /* when the latest one was */
  guint n_segments_withheld;
  guint n_steps;
  gboolean planted;             /* a fault of the test's own */
} EngineWorld;

/* To be cleared, and given a hold (µs), a simulation and its random numbers. */
extern EngineWorld engine_world;

/* Less than count. */
guint engine_any (guint count);
/* What every simulation's rules have. */
void engine_on_post (const gchar * name, guint number, gpointer user_data);
/* Of simulation_run(). */
void engine_check_step (gpointer user_data);

/* Starts, too. number: of engine_world.streams, which it has to be put in. */
EngineStream *engine_stream_new (guint number);
/* It was stopped. */
void engine_stream_free (EngineStream * self);
/* The one that does something next. */
EngineStream *engine_find_next (void);

void engine_start (EngineStream * self);
void engine_stop (EngineStream * self);

void engine_open_segment (EngineStream * self);
/* A frame of the open segment comes. */
void engine_hold_frame (EngineStream * self);
/* It has a file now, and is offered. FALSE: it has to wait. */
void engine_close_segment (EngineStream * self);
gboolean engine_offer_segment (EngineStream * self);
/* The open one, if there is one. */
void engine_give_up_segment (EngineStream * self, GstIdentifaiDrop why);
/* What is held is another. */
void engine_set_leave (EngineStream * self);
void engine_check_quota (EngineStream * self);

G_END_DECLS
