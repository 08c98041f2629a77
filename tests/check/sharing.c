/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many processes on one key: a limiter each, which don't know of each other, and
 * the emulator's rate limits, as strict as published. The clock is the test's
 * own, so that hours take a moment; what is left to chance has a seed.
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

#define MAX_PROCESSES 64
#define MAX_MINUTES 60
#define MAX_QUEUE 16

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

  /* Averages over the seeds. */
  gdouble accepted;             /* at least: a minute, in the worst one counted */
  gdouble fairness;             /* at least: Jain's index */
  gdouble refused;              /* at most: part of the calls */
  guint starved;                /* at most: minutes without a call, of all seeds */
} Row;

typedef struct
{
  IdentifaiLimiter *limiter;
  guint queued;
  gint64 next_segment;
  gint64 wakes;                 /* when it may have something to do */
  gint64 arrives;               /* its call; 0 = none under way */
  IdentifaiTicket ticket;
  guint accepted[MAX_MINUTES];
} Process;

typedef struct
{
  const Row *row;
  GRand *random;                /* for what isn't the limiter's */
  Process processes[MAX_PROCESSES];
  EmuRateLimit *service;
  guint calls[MAX_MINUTES], refused[MAX_MINUTES];
} World;

static gboolean
is_here (const Row * row, guint index, gint64 now)
{
  guint minute = (now - START) / MINUTE;

  return !(index < row->n_late && minute < row->joins)
      && !(index >= row->n_processes - row->n_early && minute >= row->leaves);
}

static void
world_init (World * world, const Row * row, guint seed)
{
  gint64 now = START;
  guint i;

  memset (world, 0, sizeof (World));
  g_random_set_seed (seed);
  world->row = row;
  world->random = g_rand_new_with_seed (seed);
  world->service = emu_rate_limit_new (row->rate);
  for (i = 0; i < row->n_processes; i++) {
    Process *process = &world->processes[i];

    process->limiter = identifai_limiter_new ();
    identifai_limiter_set_limit (process->limiter, IDENTIFAI_CALL_POST,
        &row->limit);
    identifai_limiter_set_epoch (process->limiter,
        EPOCH + row->clocks * g_rand_double (world->random));
    process->next_segment = now + SECOND * g_rand_double (world->random);
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

/* The service's answer, at once. */
static void
arrive (World * world, Process * process, gint64 now)
{
  guint minute = (now - START) / MINUTE, retry_after = 0;

  world->calls[minute]++;
  if (emu_rate_limit_take (world->service, now, &retry_after)) {
    process->accepted[minute]++;
    identifai_limiter_succeeded (process->limiter, IDENTIFAI_CALL_POST,
        &process->ticket, now);
  } else {
    world->refused[minute]++;
    identifai_limiter_throttled (process->limiter, IDENTIFAI_CALL_POST,
        &process->ticket, now, now + MAX (retry_after, 1) * SECOND);
    process->queued = MIN (process->queued + 1, MAX_QUEUE);
  }
  process->arrives = 0;
}

/* Its segments, its call. */
static void
run_process (World * world, guint index, gint64 now)
{
  const Row *row = world->row;
  Process *process = &world->processes[index];
  gint64 interval = row->n_processes * MINUTE
      / (row->demand * row->rate.per_minute);
  gint64 next = G_MAXINT64;

  for (; process->next_segment <= now; process->next_segment += interval) {
    if (is_here (row, index, now))
      process->queued = MIN (process->queued + 1, MAX_QUEUE);
  }
  if (process->arrives > 0 && process->arrives <= now)
    arrive (world, process, now);

  if (process->queued > 0)
    next = identifai_limiter_next (process->limiter, IDENTIFAI_CALL_POST, now);
  if (process->arrives == 0 && next <= now) {
    fail_unless (identifai_limiter_take (process->limiter,
            IDENTIFAI_CALL_POST, now, &process->ticket));
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
  guint starved;
} Result;

static void
measure (const World * world, Result * result)
{
  const Row *row = world->row;
  gdouble sum = 0, squares = 0;
  guint calls = 0, refused = 0, n = 0, minute, i, worst = G_MAXUINT;

  for (minute = row->from; minute < row->minutes; minute++) {
    calls += world->calls[minute];
    refused += world->refused[minute];
    worst = MIN (worst, world->calls[minute] - world->refused[minute]);
  }
  for (i = 0; i < row->n_processes; i++) {
    guint own = 0;

    if (!is_here (row, i, START + row->from * MINUTE))
      continue;
    n++;
    for (minute = row->from; minute < row->minutes; minute++) {
      own += world->processes[i].accepted[minute];
      result->starved += world->processes[i].accepted[minute] == 0;
    }
    sum += own;
    squares += own * own;
  }
  result->accepted += worst;
  result->fairness += squares > 0 ? sum * sum / (n * squares) : 0;
  result->refused += calls > 0 ? (gdouble) refused / calls : 0;
}

#define SEEDS 20
#define PUBLISHED {1, 30}, {1, 30}
#define SHARE(n) {1, n}, {1, 30}

/* Of 20 runs each, beginning with all of them at once. More than eight get less
 * than two calls a minute; with clocks apart, the key is used, but not evenly; looks
 * (two a second) don't meet in a slot, so that nobody sees who has more. */
/* *INDENT-OFF* */
static const Row rows[] = {
  {"one alone", 1, PUBLISHED, 2, 5, 0, 0, 0, 0, 0, 0, 29, 1, 0, 0},
  {"two", 2, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 27, 0.93, 0.1, 10},
  {"three", 3, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 27, 0.95, 0.1, 10},
  {"four", 4, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 27, 0.92, 0.1, 10},
  {"five", 5, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 27, 0.88, 0.1, 10},
  {"six", 6, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 27, 0.86, 0.1, 10},
  {"seven", 7, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 26, 0.88, 0.1, 10},
  {"eight", 8, PUBLISHED, 2, 5, 2, 0, 0, 0, 0, 0, 26, 0.9, 0.1, 10},
  {"sixteen", 16, PUBLISHED, 2, 30, 10, 0, 0, 0, 0, 0, 20, 0.8, 0.12, 800},
  {"thirty-two", 32, PUBLISHED, 2, 30, 10, 0, 0, 0, 0, 0, 21, 0.78, 0.12, 4500},
  {"sixty-four", 64, PUBLISHED, 2, 30, 10, 0, 0, 0, 0, 0, 23, 0.9, 0.35, 16000},
  {"shares of two", 2, SHARE (15), 2, 5, 2, 0, 0, 0, 0, 0, 27, 0.98, 0.1, 10},
  {"shares of three", 3, SHARE (10), 2, 5, 2, 0, 0, 0, 0, 0, 28, 0.98, 0.1, 10},
  {"shares of four", 4, SHARE (7), 2, 5, 2, 0, 0, 0, 0, 0, 26, 0.98, 0.05, 10},
  {"shares of eight", 8, SHARE (3), 2, 5, 2, 0, 0, 0, 0, 0, 20, 0.95, 0.1, 10},
  {"two come", 4, PUBLISHED, 2, 15, 8, 0, 2, 4, 0, 0, 26, 0.9, 0.1, 10},
  {"two go", 4, PUBLISHED, 2, 15, 11, 0, 0, 0, 2, 4, 23, 0.95, 0.1, 10},
  {"clocks apart by 100 ms", 4, PUBLISHED, 2, 5, 2, 100 * MS, 0, 0, 0, 0, 27, 0.92, 0.1, 10},
  {"clocks apart", 4, PUBLISHED, 2, 10, 5, 1000 * SECOND, 0, 0, 0, 0, 19, 0.4, 0.15, 150},
  {"little to do", 3, PUBLISHED, 0.3, 10, 2, 0, 0, 0, 0, 0, 7, 0.99, 0.1, 0},
  {"more to do", 3, PUBLISHED, 0.7, 10, 2, 0, 0, 0, 0, 0, 17, 0.95, 0.1, 0},
  {"looks of four", 4, {2, 60}, {2, 60}, 2, 5, 2, 0, 0, 0, 0, 0, 40, 0.6, 0.12, 20},
  {"looks of eight", 8, {2, 60}, {2, 60}, 2, 5, 2, 0, 0, 0, 0, 0, 38, 0.5, 0.18, 40},
};
/* *INDENT-ON* */

GST_START_TEST (test_sharing)
{
  const Row *row = &rows[__i__];
  Result sum = { 0, };
  World world;
  guint seed;

  for (seed = 1; seed <= SEEDS; seed++) {
    world_init (&world, row, seed);
    run_world (&world);
    measure (&world, &sum);
    world_clear (&world);
  }
  sum.accepted /= SEEDS;
  sum.fairness /= SEEDS;
  sum.refused /= SEEDS;
  GST_INFO ("%s: %f accepted in the worst minute, fairness %f, refused %f, "
      "%u minutes without", row->name, sum.accepted, sum.fairness, sum.refused,
      sum.starved);
  fail_unless (sum.accepted >= row->accepted, "%s: %f accepted", row->name,
      sum.accepted);
  fail_unless (sum.fairness >= row->fairness, "%s: fairness %f", row->name,
      sum.fairness);
  fail_unless (sum.refused <= row->refused, "%s: refused %f", row->name,
      sum.refused);
  fail_unless (sum.starved <= row->starved, "%s: %u minutes without",
      row->name, sum.starved);
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
