/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How soon a result is known once it is final, and for how many polls: streams whose
 * segments a simulated service judges in times of one kind or another, with the
 * limits that it publishes, as the emulator keeps them. Simulated time, from seeds.
 */

#include <gst/check/gstcheck.h>
#include "simulation.h"
#include "../../examples/emulator/ratelimit.h"

#define SECOND G_TIME_SPAN_SECOND
#define MINUTE G_TIME_SPAN_MINUTE
#define MAX_STREAMS 50
#define MAX_PROCESSES 2
#define SEEDS 4
/* What is learned until then doesn't count. */
#define WARM_UP (3 * MINUTE)

typedef struct
{
  const gchar *name;
  /* s until a result is final; x: 0 to 1 at random; t: s since the start */
    gdouble (*judge) (gdouble x, gdouble t);
  guint n_processes, n_streams; /* streams of each */
  guint segment;                /* s */
  guint minutes;
  gint64 outage;                /* that begins when a third is over */

  gdouble delay;                /* s at most, on average */
  gdouble n_polls;              /* of a result, at most, on average */
  gdouble refused;              /* part of the calls, at most */
} Row;

typedef struct
{
  gchar *name;
  IdentifaiClient *client;
  gint64 next;                  /* when its next segment ends */
} Stream;

static struct
{
  const Row *row;
  Simulation *simulation;
  gint64 start;
  Stream streams[MAX_STREAMS * MAX_PROCESSES];
  guint n_streams;
  EmuRateLimit *limits[IDENTIFAI_N_CALLS];
  guint segment;                /* the latest one's number */

  guint n_results, n_polls, n_failed;
  gdouble delay, longest;       /* s: sum; of one */
  guint n_calls, n_refused;
} world;

static const IdentifaiLimit limits[IDENTIFAI_N_CALLS] = { {1, 30}, {2, 60} };

/* How long the service takes. */

static gdouble
judge_steadily (gdouble x, gdouble t)
{
  return 3;
}

static gdouble
judge_nearly_steadily (gdouble x, gdouble t)
{
  return 2.9 + 0.2 * x;
}

static gdouble
judge_evenly (gdouble x, gdouble t)
{
  return 2 + 4 * x;
}

static gdouble
judge_slowly (gdouble x, gdouble t)
{
  return 20 + 40 * x;
}

static gdouble
judge_at_once (gdouble x, gdouble t)
{
  return 0;
}

/* Short files and long ones, say. */
static gdouble
judge_in_two_ways (gdouble x, gdouble t)
{
  return x < 0.5 ? 2 + 0.4 * x : 8 + 0.4 * x;
}

static gdouble
judge_ever_slower (gdouble x, gdouble t)
{
  return 2 + t / 300 + 0.2 * x;
}

static gdouble
judge_ever_faster (gdouble x, gdouble t)
{
  return MAX (12 - t / 300, 1) + 0.2 * x;
}

/* The service gets a queue, and it goes. */
static gdouble
judge_with_a_step (gdouble x, gdouble t)
{
  return (t > 600 && t < 1200 ? 15 : 3) + 0.2 * x;
}

/* Above what was seen, for other seeds and other roundings. With a poll a second the
 * first four are 0.5 s late. */
static const Row rows[] = {
  {"steady", judge_steadily, 1, 1, 10, 30, 0, 0.25, 2.1, 0},
  {"nearly steady", judge_nearly_steadily, 1, 1, 10, 30, 0, 0.3, 2.3, 0},
  {"even", judge_evenly, 1, 1, 10, 30, 0, 0.38, 4.6, 0},
  {"in two ways", judge_in_two_ways, 1, 1, 10, 30, 0, 0.3, 4.5, 0},
  {"slow", judge_slowly, 1, 1, 10, 30, 0, 0.65, 39, 0},
  {"at once", judge_at_once, 1, 1, 10, 30, 0, 0.25, 1.1, 0},
  {"ever slower", judge_ever_slower, 1, 1, 10, 60, 0, 0.6, 4.5, 0},
  {"ever faster", judge_ever_faster, 1, 1, 10, 60, 0, 0.3, 3.3, 0},
  {"with a step", judge_with_a_step, 1, 1, 10, 30, 0, 0.35, 4.3, 0},
  {"steady, an outage", judge_steadily, 1, 1, 10, 30, 4 * MINUTE, 0.3, 2.6, 0},
  {"even, an outage", judge_evenly, 1, 1, 10, 30, 4 * MINUTE, 0.5, 4.6, 0},
  {"even, five streams", judge_evenly, 1, 5, 12, 30, 0, 0.6, 5, 0},
  {"even, 50 streams", judge_evenly, 1, 50, 120, 30, 0, 0.6, 5, 0},
  {"steady, 50 streams", judge_steadily, 1, 50, 120, 30, 0, 0.65, 4, 0},
  {"slow, 50 streams", judge_slowly, 1, 50, 120, 30, 0, 0.6, 42, 0},
  {"even, two processes", judge_evenly, 2, 1, 10, 60, 0, 1.5, 3.3, 0.01},
  {"even, two of five streams", judge_evenly, 2, 5, 24, 60, 0, 1.5, 3.2, 0.04},
};

/* The service. */

static gdouble
get_age (void)
{
  return (identifai_clock_now () - world.start) / (gdouble) SECOND;
}

static gint64
judge (gpointer user_data)
{
  GRand *random = simulation_get_random (world.simulation);

  return world.row->judge (g_rand_double (random), get_age ()) * SECOND;
}

static gboolean
take (const gchar * key, IdentifaiCall call, gpointer user_data)
{
  guint retry_after;
  gboolean taken = emu_rate_limit_take (world.limits[call],
      identifai_clock_now (), &retry_after);

  world.n_calls++;
  world.n_refused += !taken;

  return taken;
}

static const SimulationRules rules = { judge, take, NULL };

/* Its users. */

static void
on_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
}

static void
on_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  guint n_polls;
  gdouble delay;

  if (outcome->reason != IDENTIFAI_REASON_NONE) {
    world.n_failed++;
    return;
  }
  if (identifai_clock_now () < world.start + WARM_UP)
    return;

  delay = (identifai_clock_now () - simulation_get_ready (world.simulation,
          outcome->identifier, &n_polls)) / (gdouble) SECOND;
  GST_LOG ("%.2f s late, after %u polls", delay, n_polls);
  world.n_results++;
  world.n_polls += n_polls;
  world.delay += delay;
  world.longest = MAX (world.longest, delay);
}

static void
on_attempted (IdentifaiCall call, IdentifaiReason reason, guint http_status,
    const gchar * message, gint64 retry_in, gpointer user_data)
{
}

static const IdentifaiClientCallbacks callbacks = {
  on_submitted, on_finished, on_attempted
};

static void
open_stream (guint process, guint number)
{
  Stream *stream = &world.streams[world.n_streams++];
  IdentifaiClientSettings settings = {.api_key = (gchar *) "key",
    .timeout = 20,.retries = -1,.verdict_timeout = 900 * GST_SECOND
  };

  stream->name = g_strdup_printf ("process%u-stream%u", process, number);
  stream->next = world.start + world.row->segment * SECOND
      * (number * world.row->n_processes + process + 1)
      / (world.row->n_streams * world.row->n_processes);
  settings.name = stream->name;
  /* What they have in common is the key at the service, and nothing here. */
  settings.endpoint = g_strdup_printf ("http://sim%u.test", process);
  memcpy (settings.limits, limits, sizeof (limits));
  stream->client = identifai_client_new (&settings, &callbacks, stream, NULL);
  fail_unless (stream->client != NULL);
  g_free (settings.endpoint);
}

static void
submit (Stream * stream)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 1000, NULL);
  IdentifaiRequest *request;

  identifai_memory_file_write (file, buffer);
  gst_buffer_unref (buffer);
  request = identifai_request_new (file, "segment.mp4", "video/mp4");
  request->segment = ++world.segment;
  identifai_client_submit (stream->client, request, stream, NULL);
  identifai_request_unref (request);
  stream->next += world.row->segment * SECOND;
}

static void
check_nothing (gpointer user_data)
{
}

/* Until the first of the streams' segments ends, which is submitted. */
static void
run_segment (void)
{
  Stream *first = &world.streams[0];
  guint i;

  for (i = 1; i < world.n_streams; i++) {
    if (world.streams[i].next < first->next)
      first = &world.streams[i];
  }
  simulation_run (world.simulation, first->next, check_nothing, NULL);
  submit (first);
}

static void
run_seed (guint32 seed)
{
  static const SimulationOdds odds;
  static const EmuRate rates[] = { {1, 30}, {2, 60} };
  gint64 length = world.row->minutes * MINUTE;
  gboolean outage = world.row->outage > 0;
  guint i, k;

  for (i = 0; i < IDENTIFAI_N_CALLS; i++)
    world.limits[i] = emu_rate_limit_new (rates[i]);
  world.simulation = simulation_new (seed, &odds, limits);
  simulation_set_rules (world.simulation, &rules);
  world.start = identifai_clock_now ();
  world.n_streams = 0;
  for (i = 0; i < world.row->n_processes; i++) {
    for (k = 0; k < world.row->n_streams; k++)
      open_stream (i, k);
  }
  while (identifai_clock_now () < world.start + length) {
    if (outage && identifai_clock_now () >= world.start + length / 3) {
      simulation_set_down (world.simulation, identifai_clock_now ()
          + world.row->outage);
      outage = FALSE;
    }
    run_segment ();
  }
  for (i = 0; i < world.n_streams; i++) {
    identifai_client_close (world.streams[i].client);
    g_free (world.streams[i].name);
  }
  simulation_run (world.simulation, identifai_clock_now () + SECOND,
      check_nothing, NULL);
  simulation_free (world.simulation);
  for (i = 0; i < IDENTIFAI_N_CALLS; i++)
    emu_rate_limit_free (world.limits[i]);
}

GST_START_TEST (test_polls)
{
  const Row *row = &rows[__i__];
  gdouble delay, n_polls, refused;
  guint32 seed;

  memset (&world, 0, sizeof (world));
  world.row = row;
  for (seed = 1; seed <= SEEDS; seed++)
    run_seed (seed);

  delay = world.delay / world.n_results;
  n_polls = world.n_polls / (gdouble) world.n_results;
  refused = world.n_refused / (gdouble) world.n_calls;
  g_print ("%-28s %5.2f s late (%.2f at most), %5.2f polls, %.2f %% refused; "
      "%u results\n", row->name, delay, world.longest, n_polls, refused * 100,
      world.n_results);
  fail_unless_equals_int (world.n_failed, 0);
  fail_unless (delay <= row->delay, "%s: %.2f s late", row->name, delay);
  fail_unless (n_polls <= row->n_polls, "%s: %.2f polls", row->name, n_polls);
  fail_unless (refused <= row->refused, "%s: %.4f of the calls refused",
      row->name, refused);
}

GST_END_TEST;

static Suite *
polltimes_suite (void)
{
  Suite *suite = suite_create ("polltimes");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_polls, 0, G_N_ELEMENTS (rows));

  return suite;
}

GST_CHECK_MAIN (polltimes);
