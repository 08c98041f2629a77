/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A service that is away for a while, and gates that take all that their key has: in
 * simulated time (engineworld.h).
 */

#include "engineworld.h"
#include "gstidentifaimessages.h"

#define SECOND G_TIME_SPAN_SECOND
#define DURATION (4 * SECOND)   /* of two streams: 30 uploads a minute, */
#define LONGER (6 * SECOND)     /* 20 */

static gint64 duration;

static const IdentifaiLimit limits[IDENTIFAI_N_CALLS] = { {1, 30}, {2, 60} };

typedef struct
{
  gint64 hold, away;
} OutageRow;

static const OutageRow outage_rows[] = {
  {12 * SECOND, 15 * SECOND},
  {20 * SECOND, 15 * SECOND},
  {12 * SECOND, 60 * SECOND},
};

static gint64
judge (gpointer user_data)
{
  return SECOND / 2 + engine_any (SECOND);
}

static const SimulationRules near = {.judge = judge,.post = engine_on_post };

static gint64
go_on_steadily (EngineStream * self)
{
  if (self->frame == ENGINE_FRAMES && self->open != NULL) {
    engine_close_segment (self);
    fail_unless (engine_offer_segment (self));
  }
  if (self->open == NULL)
    engine_open_segment (self);
  engine_hold_frame (self);

  return duration / ENGINE_FRAMES;
}

static void
run_steadily (gint64 time)
{
  gint64 end = identifai_clock_now () + time;
  EngineStream *stream;

  while ((stream = engine_find_next ())->next < end) {
    simulation_run (engine_world.simulation, stream->next, engine_check_step,
        NULL);
    stream->next += go_on_steadily (stream);
  }
}

static void
start_world (gint64 hold, guint32 seed, const SimulationRules * rules)
{
  static const SimulationOdds none = { 0, };
  guint i;

  gst_identifai_register_tags ();
  memset (&engine_world, 0, sizeof (engine_world));
  engine_world.hold = hold;
  engine_world.simulation = simulation_new (seed, &none, limits);
  engine_world.random = simulation_get_random (engine_world.simulation);
  simulation_set_rules (engine_world.simulation, rules);
  for (i = 0; i < ENGINE_STREAMS; i++) {
    engine_world.streams[i] = engine_stream_new (i);
    engine_world.streams[i]->next += i * SECOND;
  }
}

static void
end_world (void)
{
  guint i;

  for (i = 0; i < ENGINE_STREAMS; i++)
    engine_stop (engine_world.streams[i]);
  simulation_run (engine_world.simulation, identifai_clock_now () + 10 * SECOND,
      engine_check_step, NULL);
  for (i = 0; i < ENGINE_STREAMS; i++)
    engine_stream_free (engine_world.streams[i]);
  simulation_free (engine_world.simulation);
}

/* Open again within the hold and what judging takes, and it stays so; but for the one
 * segment a minute that is more than 30 in 61 s. */
GST_START_TEST (test_outage)
{
  const OutageRow *row = &outage_rows[__i__];
  gint64 back;

  duration = DURATION;
  start_world (row->hold, __i__ + 1, &near);
  run_steadily (300 * SECOND);
  simulation_law (engine_world.n_segments_withheld <= 5, "%u withheld before",
      engine_world.n_segments_withheld);
  back = identifai_clock_now () + row->away;
  simulation_set_down (engine_world.simulation, back);
  run_steadily (row->away + row->hold + 3 * SECOND);
  GST_INFO ("open again %d ms after it was back, %u withheld",
      (gint) ((engine_world.withheld_at - back) / 1000),
      engine_world.n_segments_withheld);
  engine_world.n_segments_withheld = 0;
  run_steadily (600 * SECOND);
  simulation_law (engine_world.n_segments_withheld <= 10,
      "%u of 300 withheld in the " "ten minutes behind",
      engine_world.n_segments_withheld);
  end_world ();
}

GST_END_TEST;

/* Calls are refused, as by others that use the key; then they are gone. */
static gint64 refusing_until;

static gboolean
take (const gchar * key, IdentifaiCall call, gpointer user_data)
{
  return call != IDENTIFAI_CALL_POST
      || identifai_clock_now () >= refusing_until;
}

static const SimulationRules crowded = {
  .judge = judge,.take = take,.post = engine_on_post
};

/* Withheld in five minutes, from two minutes after the refusals began on. */
static guint
count_withheld_behind_refusals (guint32 seed)
{
  guint withheld;

  duration = LONGER;
  start_world (11 * SECOND, seed, &crowded);
  refusing_until = identifai_clock_now () + 20 * SECOND;
  run_steadily (120 * SECOND);
  engine_world.n_segments_withheld = 0;
  run_steadily (300 * SECOND);
  withheld = engine_world.n_segments_withheld;
  end_world ();
  GST_INFO ("%u of 100 withheld", withheld);

  return withheld;
}

/* A gate gives up what is late, so that nothing waits when a call is taken: it gets back
 * what it needs of the limit all the same. */
GST_START_TEST (test_refusals)
{
  guint sum = 0, seed;

  for (seed = 1; seed <= 16; seed++)
    sum += count_withheld_behind_refusals (seed);
  fail_unless (sum <= 80, "%u of 1600 withheld", sum);
}

GST_END_TEST;

static Suite *
outages_suite (void)
{
  Suite *suite = suite_create ("outages");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_outage, 0, G_N_ELEMENTS (outage_rows));
  tcase_add_test (general, test_refusals);

  return suite;
}

GST_CHECK_MAIN (outages);
