/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How sources of all kinds are taken for real time or not, on a clock of the
 * test's own.
 */

#include <gst/check/gstcheck.h>

#include "arrivalpace.h"

#define FRAME 0.04

typedef enum
{
  END,
  RUN,                          /* media at speed times real time; 0: at once */
  PAUSE,                        /* nothing comes; times go on where they were */
  LOST,                         /* nothing comes; times go on with the clock */
  HOLD,                         /* we hold the thread meanwhile */
  JUMP,                         /* of times alone */
  FLUSH,
  REPEAT,                       /* the last two steps, so often */
} Kind;

typedef struct
{
  Kind kind;
  gdouble seconds;              /* of media, or of the clock */
  gdouble speed;
} Step;

typedef struct
{
  const gchar *name;
  gdouble frame;                /* seconds a frame; 0: FRAME */
  gboolean no_times;
  Step steps[8];
  const gchar *states;          /* after each step: u, r, f */
} Row;

static const Row rows[] = {
  {"a camera", 0, FALSE, {{RUN, 1, 1}, {RUN, 1.5, 1}, {RUN, 600, 1}}, "urr"},
  {"a file", 0, FALSE, {{RUN, 50, 0}, {RUN, 15, 0}, {RUN, 3600, 0}}, "uff"},
  {"a file at five times", 0, FALSE, {{RUN, 50, 5}, {RUN, 50, 5}}, "uf"},
  {"slower than real time", 0, FALSE, {{RUN, 4, .5}, {RUN, 600, .5}}, "rr"},
  {"a clock that is 5 % fast", 0, FALSE, {{RUN, 10, 1.05}, {RUN, 9000, 1.05}},
      "rr"},
  /* The cache comes at once, then what happens now. */
  {"a server's cache of 10 s", 0, FALSE, {{RUN, 10, 0}, {RUN, 3, 1},
          {RUN, 600, 1}}, "urr"},
  {"a cache of 50 s", 0, FALSE, {{RUN, 50, 0}, {RUN, 3, 1}}, "ur"},
  /* More than any server's: and then it turns out to be one. */
  {"a cache of 90 s", 0, FALSE, {{RUN, 90, 0}, {RUN, 20, 1}, {RUN, 13, 1}},
      "ffr"},
  {"HLS, fetched at 4 times", 0, FALSE, {{RUN, 30, 4}, {LOST, 2.5}, {RUN, 10,
              4}, {PAUSE, 7.5}, {REPEAT, 50}}, "uurrr"},
  {"HLS, fetched at once", 0, FALSE, {{RUN, 30, 0}, {PAUSE, 10}, {RUN, 10, 0},
          {PAUSE, 10}, {REPEAT, 50}}, "uurrr"},
  /* Pauses. */
  {"a camera that pauses", 0, FALSE, {{RUN, 5, 1}, {LOST, 100}, {RUN, 100, 1},
          {REPEAT, 5}}, "rrrr"},
  {"times that stand still meanwhile", 0, FALSE, {{RUN, 5, 1}, {PAUSE, 100},
          {RUN, 100, 1}, {REPEAT, 5}}, "rrrr"},
  {"a network that stalls, and catches up", 0, FALSE, {{RUN, 5, 1}, {PAUSE,
              40}, {RUN, 40, 0}, {RUN, 5, 1}, {PAUSE, 10}, {RUN, 10, 0},
          {REPEAT, 50}}, "rrrrrrr"},
  {"a pause of ours", 0, FALSE, {{RUN, 5, 1}, {HOLD, 100}, {RUN, 100, 0},
          {REPEAT, 3}}, "rrrr"},
  /* A file stays one, whatever holds it. */
  {"a file that is held", 0, FALSE, {{RUN, 100, 0}, {HOLD, 10}, {RUN, 10, 0},
          {REPEAT, 100}}, "ffff"},
  {"a file on a disk that stalls", 0, FALSE, {{RUN, 100, 0}, {PAUSE, 20},
          {RUN, 40, 0}, {REPEAT, 100}}, "ffff"},
  {"a file whose other branch is shown", 0, FALSE, {{RUN, 1, 0}, {RUN, 3, 1},
          {RUN, 100, 1}}, "urr"},
  {"shown from now on", 0, FALSE, {{RUN, 100, 0}, {RUN, 65, 1}}, "fr"},
  {"not shown any more", 0, FALSE, {{RUN, 10, 1}, {RUN, 14, 0}, {RUN, 2, 0}},
      "rrf"},
  {"held before its pace was known", 0, FALSE, {{RUN, 8, 0}, {HOLD, 1}, {RUN,
              3, 0}, {RUN, 5, 1}}, "uuur"},
  /* Times say little by themselves. */
  {"times jump", 0, FALSE, {{RUN, 5, 1}, {JUMP, 5000}, {RUN, 100, 1}, {JUMP,
              -4000}, {RUN, 100, 1}}, "rrrrr"},
  {"a stream that starts anew", 0, FALSE, {{RUN, 5, 1}, {FLUSH}, {JUMP, 5000},
          {RUN, 100, 1}}, "rrrr"},
  {"slides of 10 s", 10, FALSE, {{RUN, 20, 1}, {RUN, 200, 1}}, "rr"},
  {"slides, from a file", 10, FALSE, {{RUN, 300, 0}, {RUN, 400, 0}}, "uf"},
  {"no times", 0, TRUE, {{RUN, 5, 1}, {PAUSE, 40}, {RUN, 100, 1}}, "rrr"},
  {"no times, 60 a second", 1 / 60., TRUE, {{RUN, 5, 1}, {RUN, 600, 1}}, "rr"},
  {"no times, from a file", 0, TRUE, {{RUN, 250, 0}, {RUN, 75, 0}}, "uf"},
};

typedef struct
{
  IdentifaiArrivalPace pace;
  const Row *row;
  gdouble now, time;            /* s */
} World;

static void
push (World * world)
{
  GstClockTime time = GST_CLOCK_TIME_NONE;

  if (!world->row->no_times)
    time = (1000 + world->time) * GST_SECOND;
  identifai_arrival_pace_push (&world->pace,
      5000000 + (gint64) (world->now * 1e6), time, GST_CLOCK_TIME_NONE);
}

static void
run (World * world, const Step * step)
{
  gdouble frame = world->row->frame > 0 ? world->row->frame : FRAME;
  gdouble end = world->time + step->seconds - frame / 2;

  while (world->time < end) {
    world->time += frame;
    world->now += step->speed > 0 ? frame / step->speed : 0;
    push (world);
  }
}

static void
take (World * world, const Step * step)
{
  switch (step->kind) {
    case RUN:
      run (world, step);
      break;
    case HOLD:
      world->now += step->seconds;
      identifai_arrival_pace_resume (&world->pace, 5000000 +
          (gint64) (world->now * 1e6));
      break;
    case LOST:
      world->time += step->seconds;
      world->now += step->seconds;
      break;
    case PAUSE:
      world->now += step->seconds;
      break;
    case JUMP:
      world->time += step->seconds;
      break;
    case FLUSH:
      identifai_arrival_pace_restart (&world->pace);
      break;
    case REPEAT:
    case END:
      break;
  }
}

GST_START_TEST (test_sources)
{
  const Row *row = &rows[__i__];
  World world = {.row = row };
  guint i, j;

  identifai_arrival_pace_init (&world.pace);
  push (&world);
  for (i = 0; row->steps[i].kind != END; i++) {
    for (j = 0; row->steps[i].kind == REPEAT && j < row->steps[i].seconds; j++) {
      take (&world, &row->steps[i - 2]);
      take (&world, &row->steps[i - 1]);
      fail_unless ("urf"[world.pace.state] == row->states[i],
          "%s: %c in round %u", row->name, "urf"[world.pace.state], j);
    }
    take (&world, &row->steps[i]);
    fail_unless ("urf"[world.pace.state] == row->states[i],
        "%s: %c after step %u", row->name, "urf"[world.pace.state], i);
  }
}

GST_END_TEST;

/* A trial ends with what is known then. */
GST_START_TEST (test_trial)
{
  static const Row file = { "file", 0, FALSE, {{RUN, 8, 0}, {RUN, 60, 0}} };
  static const Row server = { "server", 0, FALSE, {{RUN, 8, 0}, {RUN, 3, 1}} };
  const Row *row = __i__ ? &server : &file;
  World world = {.row = row };

  identifai_arrival_pace_init (&world.pace);
  push (&world);
  take (&world, &row->steps[0]);
  fail_unless (identifai_arrival_pace_try (&world.pace) && world.pace.on_trial);
  take (&world, &row->steps[1]);
  fail_if (world.pace.on_trial);
  fail_unless_equals_int (world.pace.state,
      __i__ ? IDENTIFAI_ARRIVAL_PACE_REAL_TIME : IDENTIFAI_ARRIVAL_PACE_FASTER);
  /* Nothing is left to try. */
  fail_if (identifai_arrival_pace_try (&world.pace));

  identifai_arrival_pace_init (&world.pace);
  fail_unless (identifai_arrival_pace_try (&world.pace));
  identifai_arrival_pace_end_trial (&world.pace);
  fail_if (world.pace.on_trial || identifai_arrival_pace_try (&world.pace));
}

GST_END_TEST;

static Suite *
arrivalpace_suite (void)
{
  Suite *suite = suite_create ("arrivalpace");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_sources, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (tcase, test_trial, 0, 2);

  return suite;
}

GST_CHECK_MAIN (arrivalpace);
