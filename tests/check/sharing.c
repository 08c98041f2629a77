/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many processes on one key: a limiter each, which don't know of each other, and
 * the emulator's rate limits, as strict as published. The clock is the test's
 * own, so that hours take a moment, and what is left to chance has a seed: each
 * run is the same everywhere.
 */

#include <gst/check/gstcheck.h>
#include "limiter.h"
#include "../../examples/emulator/ratelimit.h"

#define SECOND G_TIME_SPAN_SECOND
#define MINUTE G_TIME_SPAN_MINUTE
#define MS G_TIME_SPAN_MILLISECOND
#define START (1000 * SECOND)
/* The wall clock's, less the processes'. */
#define EPOCH (G_GINT64_CONSTANT (1750000000) * SECOND)

/* Of a row; of those that take long, an eighth. */
#define RUNS 200
#define MAX_PROCESSES 64
#define MAX_MINUTES 60
#define MAX_QUEUE 16

/* When the uploader gives an upload up as throttled: no sooner than both. */
#define RETRIES 5
#define PATIENCE (2 * MINUTE)

typedef struct
{
  const gchar *name;
  guint n_processes;
  IdentifaiLimit limit;         /* of a process */
  EmuRate rate;                 /* the service's */
  gdouble demand;               /* of all, as a part of the service's limit */
  guint minutes;
  guint from;                   /* the minute, from 0, that counts first */
  gint64 clocks;                /* µs: how far their wall clocks are apart */
  guint n_late, joins;          /* so many come in that minute */
  guint n_early, leaves;        /* so many go */

  /* Averages over the runs. */
  gdouble accepted;             /* at least: a minute, in the worst one counted */
  gdouble fairness;             /* at least: Jain's index */
  gdouble refused;              /* at most: part of the calls */
  /* Of all runs. */
  guint starved;                /* at most: minutes without a call */
  guint given_up;               /* at most: uploads that end as throttled */
  guint missed;                 /* at most: runs that miss what is wanted of one */

  guint down;                   /* at the start of that minute, from 1, all is refused
                                 * for 20 s; 0: never */
  guint keeps;                  /* segments that wait, of a process, before the oldest is
                                 * given up; 0: MAX_QUEUE */
} Row;

typedef struct
{
  IdentifaiLimiter *limiter;
  guint queued;
  gint64 next_segment;
  gint64 wakes;                 /* when it may have something to do */
  gint64 arrives;               /* its call; 0 = none under way */
  IdentifaiBooking booking;
  guint n_refused;              /* in a row */
  gint64 refused_since;
  guint accepted[MAX_MINUTES];
} Process;

typedef struct
{
  const Row *row;
  GRand *random;                /* for what isn't the limiter's */
  Process processes[MAX_PROCESSES];
  EmuRateLimit *service;
  guint calls[MAX_MINUTES], refused[MAX_MINUTES];
  guint n_given_up;
} World;

static gboolean
is_here (const Row * row, guint index, gint64 now)
{
  guint minute = (now - START) / MINUTE;

  return !(index < row->n_late && minute < row->joins)
      && !(index >= row->n_processes - row->n_early && minute >= row->leaves);
}

/* Between two segments of a process. */
static gint64
get_interval (const Row * row)
{
  return row->n_processes * MINUTE / (row->demand * row->rate.per_minute);
}

static void
world_init (World * world, const Row * row, guint seed)
{
  gint64 interval = get_interval (row), epoch;
  guint i;

  memset (world, 0, sizeof (World));
  world->row = row;
  world->random = g_rand_new_with_seed (seed);
  world->service = emu_rate_limit_new (row->rate);
  epoch = EPOCH + MINUTE * g_rand_double (world->random);
  for (i = 0; i < row->n_processes; i++) {
    Process *process = &world->processes[i];

    process->limiter = identifai_limiter_new (g_rand_int (world->random));
    identifai_limiter_set_limit (process->limiter, IDENTIFAI_CALL_POST,
        &row->limit);
    identifai_limiter_set_epoch (process->limiter,
        epoch + row->clocks * g_rand_double (world->random));
    process->next_segment = START + interval
        + 2 * SECOND * g_rand_double (world->random);
    process->wakes = process->next_segment;
  }
}

static void
world_clear (World * world)
{
  guint i;

  for (i = 0; i < world->row->n_processes; i++)
    identifai_limiter_free (world->processes[i].limiter);
  emu_rate_limit_free (world->service);
  g_rand_free (world->random);
}

/* The oldest goes, if there are enough. */
static void
queue_one (World * world, Process * process, gint64 now)
{
  guint keeps = world->row->keeps > 0 ? world->row->keeps : MAX_QUEUE;

  if (process->queued < keeps)
    process->queued++;
  else
    identifai_limiter_gave_up (process->limiter, IDENTIFAI_CALL_POST, now);
}

/* A 429, and when the uploader comes back. */
static void
refuse (World * world, Process * process, guint retry_after, gint64 now)
{
  gint64 backoff = SECOND << MIN (process->n_refused, 5);
  gint64 at = now + MAX (retry_after, 1) * SECOND
      + backoff * g_rand_double_range (world->random, 0.5, 1) / 8;

  if (process->n_refused++ == 0)
    process->refused_since = now;
  if (process->n_refused > RETRIES && now - process->refused_since > PATIENCE)
    world->n_given_up++;
  identifai_limiter_throttled (process->limiter, IDENTIFAI_CALL_POST,
      &process->booking, now, at);
  queue_one (world, process, now);
}

static gboolean
is_down (const Row * row, gint64 now)
{
  return row->down > 0 && (now - START) / MINUTE == row->down
      && (now - START) % MINUTE < 20 * SECOND;
}

/* The service's answer, at once. */
static void
arrive (World * world, Process * process, gint64 now)
{
  guint minute = (now - START) / MINUTE, retry_after = 0;

  world->calls[minute]++;
  if (!is_down (world->row, now)
      && emu_rate_limit_take (world->service, now, &retry_after)) {
    process->accepted[minute]++;
    process->n_refused = 0;
    identifai_limiter_succeeded (process->limiter, IDENTIFAI_CALL_POST,
        &process->booking, now);
  } else {
    world->refused[minute]++;
    refuse (world, process, retry_after, now);
  }
  process->arrives = 0;
}

/* Its segments, its call. */
static void
run_process (World * world, guint index, gint64 now)
{
  const Row *row = world->row;
  Process *process = &world->processes[index];
  gint64 interval = get_interval (row);
  gint64 next = G_MAXINT64;

  for (; process->next_segment <= now; process->next_segment += interval) {
    if (is_here (row, index, now))
      queue_one (world, process, now);
  }
  if (process->arrives > 0 && process->arrives <= now)
    arrive (world, process, now);

  if (process->queued > 0)
    next = identifai_limiter_next (process->limiter, IDENTIFAI_CALL_POST, now);
  if (process->arrives == 0 && next <= now) {
    fail_unless (identifai_limiter_take (process->limiter,
            IDENTIFAI_CALL_POST, now, &process->booking));
    process->queued--;
    process->arrives = now + MS * g_rand_int_range (world->random, 2, 20);
    if (process->queued > 0)
      identifai_limiter_next (process->limiter, IDENTIFAI_CALL_POST, now);
  }

  /* Timers are late. */
  if (next < G_MAXINT64)
    next += MS * g_rand_int_range (world->random, 0, 15);
  process->wakes = MIN (process->next_segment,
      process->arrives > 0 ? process->arrives : next);
}

static void
run_world (World * world)
{
  gint64 end = START + world->row->minutes * MINUTE;

  for (;;) {
    gint64 now = G_MAXINT64;
    guint i, index = 0;

    for (i = 0; i < world->row->n_processes; i++) {
      if (world->processes[i].wakes < now) {
        now = world->processes[i].wakes;
        index = i;
      }
    }
    if (now >= end)
      return;
    run_process (world, index, now);
  }
}

typedef struct
{
  gdouble accepted, fairness, refused;
  guint starved, given_up;
} Result;

static void
measure_process (const World * world, guint index, Result * result,
    gdouble * sum, gdouble * squares)
{
  const Process *process = &world->processes[index];
  guint own = 0, minute;

  for (minute = world->row->from; minute < world->row->minutes; minute++) {
    own += process->accepted[minute];
    result->starved += process->accepted[minute] == 0;
  }
  *sum += own;
  *squares += own * own;
}

static Result
measure (const World * world)
{
  const Row *row = world->row;
  Result result = {.accepted = G_MAXUINT };
  gdouble sum = 0, squares = 0;
  guint calls = 0, refused = 0, n = 0, minute, i;

  for (minute = row->from; minute < row->minutes; minute++) {
    calls += world->calls[minute];
    refused += world->refused[minute];
    result.accepted = MIN (result.accepted,
        world->calls[minute] - world->refused[minute]);
  }
  for (i = 0; i < row->n_processes; i++) {
    if (!is_here (row, i, START + row->from * MINUTE))
      continue;
    n++;
    measure_process (world, i, &result, &sum, &squares);
  }
  result.fairness = squares > 0 ? sum * sum / (n * squares) : 0;
  result.refused = calls > 0 ? (gdouble) refused / calls : 0;

  return result;
}

/* What is wanted where all have as much to do as they may. */
static gboolean
is_missed (const Result * result)
{
  return result->accepted < 25 || result->fairness < 0.9
      || result->refused > 0.1 || result->starved > 0;
}

static guint
run_row (const Row * row, guint seed, Result * sum)
{
  World world;
  Result result;

  world_init (&world, row, seed);
  run_world (&world);
  result = measure (&world);
  sum->given_up += world.n_given_up;
  world_clear (&world);
  sum->accepted += result.accepted;
  sum->fairness += result.fairness;
  sum->refused += result.refused;
  sum->starved += result.starved;

  return is_missed (&result);
}

#define PUBLISHED {1, 30}, {1, 30}
#define SHARE(n) {1, n}, {1, 30}

/* Beginning with all of them at once. More than eight get less
 * than four calls a minute, and more than sixteen less than two; with clocks apart,
 * the key is used, but not evenly; looks (two a second) don't meet in a slot, so
 * that nobody sees who has more. */
/* *INDENT-OFF* */
static const Row rows[] = {
  {"one alone", 1, PUBLISHED, 2, 5, 0, 0, 0, 0, 0, 0, 28.9, 0.99, 0, 0, 0, 0},
  {"two", 2, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.99, 0.04, 0, 0, 3},
  {"three", 3, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.96, 0.04, 0, 0, 3},
  {"four", 4, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.97, 0.03, 0, 0, 9},
  {"five", 5, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.96, 0.03, 0, 0, 4},
  {"six", 6, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.95, 0.04, 0, 0, 10},
  {"seven", 7, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.95, 0.04, 0, 0, 7},
  {"eight", 8, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.97, 0.05, 0, 0, 23},
  {"sixteen", 16, PUBLISHED, 2, 20, 10, 0, 0, 0, 0, 0, 28.5, 0.94, 0.09, 35, 6, 20},
  {"thirty-two", 32, PUBLISHED, 2, 20, 10, 0, 0, 0, 0, 0, 28.5, 0.93, 0.125, 1050, 500, 25},
  {"sixty-four", 64, PUBLISHED, 2, 20, 10, 0, 0, 0, 0, 0, 28.5, 0.95, 0.3, 9000, 6800, 25},
  {"shares of two", 2, SHARE (15), 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.99, 0.01, 0, 0, 9},
  {"shares of three", 3, SHARE (10), 2, 5, 2, 0, 0, 0, 0, 0, 28.5, 0.99, 0.01, 0, 0, 3},
  {"shares of four", 4, SHARE (7), 2, 5, 2, 0, 0, 0, 0, 0, 26, 0.99, 0.01, 0, 0, 20},
  {"shares of eight", 8, SHARE (3), 2, 5, 2, 0, 0, 0, 0, 0, 22, 0.99, 0.01, 4, 0, 200},
  {"another comes to one", 2, PUBLISHED, 2, 12, 6, 0, 1, 4, 0, 0, 27.5, 0.97, 0.045, 0, 0, 32},
  {"three come to one", 4, PUBLISHED, 2, 12, 8, 0, 3, 4, 0, 0, 28.5, 0.95, 0.05, 0, 0, 25},
  {"two come", 4, PUBLISHED, 2, 15, 8, 0, 2, 4, 0, 0, 28, 0.96, 0.05, 0, 0, 28},
  {"two go", 4, PUBLISHED, 2, 15, 11, 0, 0, 0, 2, 4, 25, 0.98, 0.05, 0, 0, 68},
  {"clocks apart by 100 ms", 4, PUBLISHED, 2, 5, 2, 100 * MS, 0, 0, 0, 0, 28.5, 0.96, 0.04, 0, 0, 29},
  {"clocks apart", 4, PUBLISHED, 2, 10, 5, 1000 * SECOND, 0, 0, 0, 0, 23, 0.54, 0.14, 420, 430, 200},
  {"little to do", 3, PUBLISHED, 0.3, 10, 2, 0, 0, 0, 0, 0, 8.9, 0.99, 0.03, 0, 0, 200},
  {"more to do", 3, PUBLISHED, 0.7, 10, 2, 0, 0, 0, 0, 0, 19.5, 0.99, 0.06, 0, 0, 200},
  {"looks of four", 4, {2, 60}, {2, 60}, 2, 5, 2, 0, 0, 0, 0, 0, 49, 0.69, 0.13, 0, 0, 197},
  {"all refused for 20 s", 1, PUBLISHED, 0.8, 5, 2, 0, 0, 0, 0, 0, 23.5, 0.99, 0.1, 0, 0, 200, 2},
  {"three, all refused for 20 s", 3, PUBLISHED, 0.8, 7, 4, 0, 0, 0, 0, 0, 19.5, 0.94, 0.05, 0, 0, 200, 2},
  {"late is given up", 1, PUBLISHED, 0.67, 5, 2, 0, 0, 0, 0, 0, 18.8, 0.99, 0.01, 0, 0, 200, 1, 1},
  {"three, late is given up", 3, PUBLISHED, 0.8, 9, 6, 0, 0, 0, 0, 0, 17.5, 0.96, 0.08, 0, 0, 200, 1, 1},
  {"looks of eight", 8, {2, 60}, {2, 60}, 2, 5, 2, 0, 0, 0, 0, 0, 50, 0.92, 0.21, 0, 0, 197},
};
/* *INDENT-ON* */

GST_START_TEST (test_sharing)
{
  const Row *row = &rows[__i__];
  Result sum = { 0, };
  guint runs = row->n_processes > 8 ? RUNS / 8 : RUNS, seed, missed = 0;

  for (seed = 1; seed <= runs; seed++)
    missed += run_row (row, seed, &sum);
  sum.accepted /= runs;
  sum.fairness /= runs;
  sum.refused /= runs;
  GST_INFO ("%s: %f accepted in the worst minute, fairness %f, refused %f, "
      "%u minutes without, %u given up, %u runs miss", row->name, sum.accepted,
      sum.fairness, sum.refused, sum.starved, sum.given_up, missed);
  fail_unless (sum.accepted >= row->accepted, "%s: %f accepted", row->name,
      sum.accepted);
  fail_unless (sum.fairness >= row->fairness, "%s: fairness %f", row->name,
      sum.fairness);
  fail_unless (sum.refused <= row->refused, "%s: refused %f", row->name,
      sum.refused);
  fail_unless (sum.starved <= row->starved, "%s: %u minutes without",
      row->name, sum.starved);
  fail_unless (sum.given_up <= row->given_up, "%s: %u given up", row->name,
      sum.given_up);
  fail_unless (missed <= row->missed, "%s: %u runs miss", row->name, missed);
}

GST_END_TEST;

static Suite *
sharing_suite (void)
{
  Suite *suite = suite_create ("sharing");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_sharing, 0, G_N_ELEMENTS (rows));

  return suite;
}

GST_CHECK_MAIN (sharing);
