/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole engine in one thread and simulated time, from a seed (engineworld.h): hours
 * of segments through all that a service and a network do, with ends of streams, seeks,
 * restarts, other keys, and clocks that are set.
 *
 * IDENTIFAI_SEED=n runs that seed only, IDENTIFAI_SEEDS=n so many of them, of
 * IDENTIFAI_HOURS=n hours each; IDENTIFAI_PLANT=1 counts some outcome twice.
 */

#include <stdio.h>
#include <stdlib.h>
#include "engineworld.h"
#include "gstidentifaimessages.h"

#define SECOND G_TIME_SPAN_SECOND
#define HOUR G_TIME_SPAN_HOUR
#define HOLD (120 * SECOND)
#define SEEDS 20
#define HOURS 3

static const IdentifaiLimit limits[IDENTIFAI_N_CALLS] = { {1, 30}, {2, 60} };

static const SimulationOdds odds = {
  .reset = 0.05,.lost = 0.02,.unavailable = 0.05,.throttled = 0.02,
  .rejected = 0.01,.silent = 0.005,.errored = 0.02,.known = 0.05,
  .artificial = 0.2
};

static const SimulationRules rules = {.post = engine_on_post };

static guint
get_number (const gchar * variable, guint usual)
{
  const gchar *text = g_getenv (variable);

  return text != NULL ? (guint) atoi (text) : usual;
}

/* What streams do. */

static void
set_key (EngineStream * self)
{
  gchar *key = g_strdup_printf ("key-%u", engine_any (2));

  gst_identifai_outbox_set_key (self->outbox, key);
  g_free (self->settings.api_key);
  self->settings.api_key = key;
}

static void
choose_settings (EngineStream * self)
{
  static const GstIdentifaiOverflow overflows[] = {
    GST_IDENTIFAI_OVERFLOW_BLOCK, GST_IDENTIFAI_OVERFLOW_DROP_OLDEST,
    GST_IDENTIFAI_OVERFLOW_DROP_NEWEST
  };

  self->settings.overflow = overflows[engine_any (3)];
  self->settings.max_pending_segments = 1 + engine_any (10);
  self->settings.retries = (gint) engine_any (4) - 1;
  /* Seldom as it likes: else most of the time goes by with polls. */
  self->settings.poll_interval = engine_any (8) == 0 ? 0 :
      (15 + engine_any (45)) * GST_SECOND;
}

static void
drain (EngineStream * self)
{
  gint64 deadline = identifai_clock_now () + engine_any (300) * SECOND;

  if (!gst_identifai_outbox_wait_drained (self->outbox, deadline))
    gst_identifai_outbox_expire (self->outbox);
  fail_unless (gst_identifai_outbox_wait_drained (self->outbox, -1));
  gst_identifai_outbox_sum_up (self->outbox, engine_any (2));
  gst_identifai_reporter_post_all (self->reporter);
}

static void
seek (EngineStream * self)
{
  gst_identifai_outbox_set_flushing (self->outbox, TRUE);
  engine_give_up_segment (self, GST_IDENTIFAI_DROP_FLUSHED);
  identifai_hold_queue_flush (self->hold, 0, NULL);
  engine_set_leave (self);
  gst_identifai_outbox_set_flushing (self->outbox, FALSE);
  gst_identifai_reporter_post (self->reporter);
}

static void
refuse_key (void)
{
  gboolean refuse = engine_any (4) == 0;

  if (!refuse || engine_any (2))
    simulation_refuse_key (engine_world.simulation, "key-0", refuse);
  if (!refuse || engine_any (2))
    simulation_refuse_key (engine_world.simulation, "key-1", refuse);
}

/* Besides its segments. */
static void
act (EngineStream * self)
{
  guint what = engine_any (200);

  if (what >= 10)
    return;
  simulation_note (engine_world.simulation, "%s does %u",
      GST_OBJECT_NAME (self->element), what);
  if (what < 2) {
    drain (self);
  } else if (what < 4) {
    engine_stop (self);
    engine_start (self);
  } else if (what < 5) {
    seek (self);
  } else if (what < 6) {
    set_key (self);
  } else if (what < 7) {
    refuse_key ();
  } else if (what < 8) {
    identifai_clock_shift_real (engine_any (60) * SECOND - 30 * SECOND);
  } else {
    simulation_set_down (engine_world.simulation,
        identifai_clock_now () + engine_any (600) * SECOND);
  }
}

/* Returns how long it takes until it goes on. */
static gint64
go_on (EngineStream * self)
{
  gboolean closes = FALSE;

  if (self->open == NULL) {
    engine_open_segment (self);
  } else if (self->frame < ENGINE_FRAMES) {
    engine_hold_frame (self);
  } else {
    if (self->open->file == NULL)
      engine_close_segment (self);
    closes = engine_offer_segment (self);
    if (!closes)
      return SECOND;
    engine_check_quota (self);
    act (self);
  }

  return closes ? 10 * SECOND +
      engine_any (130 * SECOND) : engine_any (10 * SECOND);
}

/* Returns a checksum of all that happened. */
static gchar *
run_seed (guint32 seed, guint hours)
{
  EngineStream *stream;
  gint64 end;
  gchar *trace;
  guint i;

  memset (&engine_world, 0, sizeof (engine_world));
  engine_world.hold = HOLD;
  engine_world.choose = choose_settings;
  engine_world.planted = get_number ("IDENTIFAI_PLANT", 0);
  engine_world.simulation = simulation_new (seed, &odds, limits);
  simulation_set_rules (engine_world.simulation, &rules);
  engine_world.random = simulation_get_random (engine_world.simulation);
  end = identifai_clock_now () + hours * HOUR;
  for (i = 0; i < ENGINE_STREAMS; i++)
    engine_world.streams[i] = engine_stream_new (i);
  while ((stream = engine_find_next ())->next < end) {
    simulation_run (engine_world.simulation, stream->next, engine_check_step,
        NULL);
    stream->next = go_on (stream) + identifai_clock_now ();
  }
  for (i = 0; i < ENGINE_STREAMS; i++)
    engine_stop (engine_world.streams[i]);
  simulation_run (engine_world.simulation, identifai_clock_now () + 10 * SECOND,
      engine_check_step, NULL);
  GST_INFO
      ("seed %u: %u segments, %u judged, %u failed, %u dropped, of which %u "
      "late, %u frames passed, %u withheld, %u starts, %u steps", seed,
      engine_world.n_segments, engine_world.n_judged, engine_world.n_failed,
      engine_world.n_dropped, engine_world.n_late, engine_world.n_passed,
      engine_world.n_withheld, engine_world.n_starts, engine_world.n_steps);
  /* A key may be refused for most of a day. */
  simulation_law (engine_world.n_judged > engine_world.n_segments / 50,
      "%u of %u judged", engine_world.n_judged, engine_world.n_segments);

  trace = simulation_get_trace (engine_world.simulation);
  for (i = 0; i < ENGINE_STREAMS; i++)
    engine_stream_free (engine_world.streams[i]);
  simulation_free (engine_world.simulation);

  return trace;
}

GST_START_TEST (test_seeds)
{
  guint first = get_number ("IDENTIFAI_SEED", 1), i;
  guint count = g_getenv ("IDENTIFAI_SEED") != NULL ? 1 :
      get_number ("IDENTIFAI_SEEDS", SEEDS);
  guint hours = get_number ("IDENTIFAI_HOURS", HOURS);

  gst_identifai_register_tags ();
  for (i = first; i < first + count; i++) {
    g_print ("seed %u\n", i);
    g_free (run_seed (i, hours));
  }
}

GST_END_TEST;

/* A seed that failed can be run again. */
GST_START_TEST (test_same_again)
{
  gchar *one, *again, *other;

  gst_identifai_register_tags ();
  one = run_seed (100, 2);
  again = run_seed (100, 2);
  other = run_seed (101, 2);
  fail_unless_equals_string (one, again);
  fail_if (g_str_equal (one, other));
  g_free (one);
  g_free (again);
  g_free (other);
}

GST_END_TEST;

/* This program again, with a fault in it. Returns what it said of the law that it
 * broke. */
static gchar *
run_planted (const gchar * variable, guint number)
{
  gchar *argv[] = { "/proc/self/exe", NULL };
  gchar *value = g_strdup_printf ("%u", number), *output = NULL, *line;
  gchar **env = g_environ_setenv (g_get_environ (), variable, value, TRUE);
  gint status = 0;

  env = g_environ_setenv (env, "IDENTIFAI_PLANT", "1", TRUE);
  env = g_environ_setenv (env, "IDENTIFAI_HOURS", "1", TRUE);
  env = g_environ_setenv (env, "GST_CHECKS", "test_seeds", TRUE);
  env = g_environ_setenv (env, "CK_FORK", "no", TRUE);
  fail_unless (g_spawn_sync (NULL, argv, env, 0, NULL, NULL, &output, NULL,
          &status, NULL));
  fail_if (g_spawn_check_wait_status (status, NULL), "%s", output);
  line = strstr (output, "breaks a law");
  fail_unless (line != NULL, "%s", output);
  while (line > output && line[-1] != '\n')
    line--;
  strchr (line, '\n')[0] = '\0';
  line = g_strdup (line);
  g_strfreev (env);
  g_free (value);
  g_free (output);

  return line;
}

/* A law that is broken is found, its seed is printed, and comes to the same. */
GST_START_TEST (test_planted)
{
  gchar *found = run_planted ("IDENTIFAI_SEEDS", SEEDS), *again;
  guint seed = 0;

  fail_unless_equals_int (sscanf (found, "seed %u breaks", &seed), 1);
  again = run_planted ("IDENTIFAI_SEED", seed);
  fail_unless_equals_string (found, again);
  g_free (found);
  g_free (again);
}

GST_END_TEST;

static Suite *
enginesim_suite (void)
{
  Suite *suite = suite_create ("enginesim");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_set_timeout (general, 0);
  tcase_add_test (general, test_seeds);
  tcase_add_test (general, test_same_again);
  tcase_add_test (general, test_planted);

  return suite;
}

GST_CHECK_MAIN (enginesim);
