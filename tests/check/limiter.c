/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The limiter, with a clock of the test's own, and what else waits by the clock:
 * backoff and Retry-After.
 */

#include <gst/check/gstcheck.h>
#include "backoff.h"
#include "keylimits.h"
#include "limiter.h"

#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND
#define START (1000 * SECOND)
/* Of limiters: what is left to chance is so in as many ways. */
#define SEEDS 100
#define SEED 1                  /* where nothing is */

/* How a caller behaves. */
typedef struct
{
  const gchar *name;
  IdentifaiLimit limit;
  gint64 minutes;
  gint64 pause;                 /* µs between calls at random up to; 0 = greedy */
  gint64 idle;                  /* µs of nothing after each 50 calls */
  gint64 jitter;                /* µs that a call takes to arrive, at random */
} Caller;

static const Caller callers[] = {
  {"published post, greedy", {1, 30}, 10},
  {"published get, greedy", {2, 60}, 10},
  {"published post, calls arrive late", {1, 30}, 10, 0, 0, 90 * MS},
  {"published get, calls arrive late", {2, 60}, 10, 0, 0, 90 * MS},
  {"published post, at random", {1, 30}, 20, 3 * SECOND},
  {"published get, at random", {2, 60}, 20, 2 * SECOND},
  {"published post, bursts", {1, 30}, 20, 0, 45 * SECOND},
  {"published get, bursts", {2, 60}, 20, 0, 70 * SECOND},
  {"by the second only", {3, 0}, 2},
  {"by the minute only", {0, 7}, 10},
  {"one a minute", {0, 1}, 10},
  {"one of each", {1, 1}, 10},
  {"two a minute", {5, 2}, 10},
  {"three a minute", {5, 3}, 10},
  {"the minute is the stricter", {100, 10}, 10},
  {"the second is the stricter", {1, 1000}, 10},
  {"many", {50, 2000}, 5, 0, 0, 90 * MS},
};

static gint64
random_up_to (GRand * random, gint64 max)
{
  return max > 0 ? (gint64) (g_rand_double (random) * max) : 0;
}

/* When the calls arrive at the service. */
static GArray *
simulate (const Caller * caller, guint seed)
{
  GArray *arrivals = g_array_new (FALSE, FALSE, sizeof (gint64));
  IdentifaiLimiter *limiter = identifai_limiter_new (SEED);
  GRand *random = g_rand_new_with_seed (seed);
  gint64 now = START;

  identifai_limiter_set_limit (limiter, IDENTIFAI_CALL_GET, &caller->limit);
  while (now < START + caller->minutes * 60 * SECOND) {
    gint64 next = identifai_limiter_next (limiter, IDENTIFAI_CALL_GET, now);
    gint64 arrival;

    fail_unless (next >= now);
    fail_unless_equals_int (identifai_limiter_take (limiter,
            IDENTIFAI_CALL_GET, now, NULL), next == now);
    if (next == now) {
      arrival = now + random_up_to (random, caller->jitter);
      g_array_append_val (arrivals, arrival);
      if (caller->idle && arrivals->len % 50 == 0)
        next += caller->idle;
    }
    /* The limiter's own time to come back, or later. */
    now = next + random_up_to (random, caller->pause);
  }
  g_rand_free (random);
  identifai_limiter_free (limiter);

  return arrivals;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 one = *(const gint64 *) a, other = *(const gint64 *) b;

  return one < other ? -1 : one > other;
}

/* No window [t, t + length) may hold more than max. */
static void
check_window (const Caller * caller, GArray * times, guint max, gint64 length)
{
  guint first = 0, i;

  for (i = 0; max > 0 && i < times->len; i++) {
    while (g_array_index (times, gint64, first) + length
        <= g_array_index (times, gint64, i))
      first++;
    fail_unless (i - first + 1 <= max, "%s: %u calls within %d ms after %d s",
        caller->name, i - first + 1, (int) (length / MS),
        (int) ((g_array_index (times, gint64, first) - START) / SECOND));
  }
}

GST_START_TEST (test_windows)
{
  const Caller *caller = &callers[__i__];
  guint seed;

  for (seed = 1; seed <= 5; seed++) {
    GArray *times = simulate (caller, seed);

    g_array_sort (times, compare_times);
    check_window (caller, times, caller->limit.per_second, SECOND);
    check_window (caller, times, caller->limit.per_minute, 60 * SECOND);
    g_array_unref (times);
  }
}

GST_END_TEST;

/* A greedy caller gets nearly all that the limit allows, and never stands still
 * for much longer than the limit makes it wait on average. */
GST_START_TEST (test_no_waste)
{
  const Caller *caller = &callers[__i__];
  GArray *times;
  gdouble allowed, longest = 0;
  guint i;

  if (caller->pause || caller->idle || caller->jitter)
    return;

  times = simulate (caller, 1);
  allowed = caller->limit.per_minute ? caller->limit.per_minute / 60.0 :
      G_MAXDOUBLE;
  if (caller->limit.per_second)
    allowed = MIN (allowed, caller->limit.per_second);
  for (i = 1; i < times->len; i++) {
    longest = MAX (longest, (g_array_index (times, gint64, i)
            - g_array_index (times, gint64, i - 1)) / (gdouble) SECOND);
  }

  fail_unless (times->len >= 0.9 * allowed * 60 * caller->minutes,
      "%s: only %u calls", caller->name, times->len);
  fail_unless (longest <= 4.5 / allowed, "%s: stood still for %f s",
      caller->name, longest);
  g_array_unref (times);
}

GST_END_TEST;

static IdentifaiLimiter *
make_seeded_limiter (guint per_second, guint per_minute, guint seed)
{
  IdentifaiLimiter *limiter = identifai_limiter_new (seed);
  IdentifaiLimit limit = { per_second, per_minute };

  identifai_limiter_set_limit (limiter, IDENTIFAI_CALL_POST, &limit);

  return limiter;
}

static IdentifaiLimiter *
make_limiter (guint per_second, guint per_minute)
{
  return make_seeded_limiter (per_second, per_minute, SEED);
}

/* Takes as many as go; returns how many within that time. */
static guint
take_for (IdentifaiLimiter * limiter, gint64 * now, gint64 duration,
    gboolean succeed)
{
  gint64 end = *now + duration;
  guint count = 0;

  while ((*now = identifai_limiter_next (limiter, IDENTIFAI_CALL_POST, *now))
      < end) {
    IdentifaiBooking booking;

    fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, *now,
            &booking));
    /* More wait. */
    identifai_limiter_next (limiter, IDENTIFAI_CALL_POST, *now);
    if (succeed)
      identifai_limiter_succeeded (limiter, IDENTIFAI_CALL_POST, &booking,
          *now);
    count++;
  }
  *now = end;

  return count;
}

GST_START_TEST (test_burst)
{
  IdentifaiLimiter *limiter = make_limiter (1, 30);
  gint64 now = START;

  /* The first ones go as fast as the second allows. */
  fail_unless_equals_int (take_for (limiter, &now, 11 * SECOND, TRUE), 10);
  identifai_limiter_free (limiter);
}

GST_END_TEST;

GST_START_TEST (test_no_limit)
{
  IdentifaiLimiter *limiter = make_limiter (0, 0);
  guint i;

  for (i = 0; i < 10000; i++)
    fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, START,
            NULL));
  identifai_limiter_free (limiter);
}

GST_END_TEST;

GST_START_TEST (test_refusal_books_nothing)
{
  IdentifaiLimiter *limiter = make_limiter (1, 0);
  gint64 next;
  guint i;

  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, START,
          NULL));
  next = identifai_limiter_next (limiter, IDENTIFAI_CALL_POST, START);
  for (i = 0; i < 100; i++)
    fail_if (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, START + i,
            NULL));
  fail_unless_equals_int64 (identifai_limiter_next (limiter,
          IDENTIFAI_CALL_POST, START + 200), next);
  fail_if (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, next - 1,
          NULL));
  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, next,
          NULL));
  identifai_limiter_free (limiter);
}

GST_END_TEST;

GST_START_TEST (test_kinds_are_apart)
{
  IdentifaiLimiter *limiter = make_limiter (1, 1);
  IdentifaiLimit limit = { 2, 60 };
  IdentifaiBooking booking;

  identifai_limiter_set_limit (limiter, IDENTIFAI_CALL_GET, &limit);
  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, START,
          &booking));
  identifai_limiter_throttled (limiter, IDENTIFAI_CALL_POST, &booking, START,
      START + 100 * SECOND);
  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_GET, START,
          NULL));
  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_GET, START,
          NULL));
  fail_if (identifai_limiter_take (limiter, IDENTIFAI_CALL_GET, START, NULL));
  identifai_limiter_free (limiter);
}

GST_END_TEST;

/* A limit may change as elements come and go; what was called before counts. */
GST_START_TEST (test_limit_changes)
{
  IdentifaiLimiter *limiter = make_limiter (10, 60);
  IdentifaiLimit strict = { 1, 10 }, wide = { 10, 60 };
  gint64 now = START;

  fail_unless (take_for (limiter, &now, 3 * SECOND, TRUE) > 20);
  identifai_limiter_set_limit (limiter, IDENTIFAI_CALL_POST, &strict);
  fail_unless_equals_int (take_for (limiter, &now, 50 * SECOND, TRUE), 0);
  fail_unless (take_for (limiter, &now, 30 * SECOND, TRUE) <= 10);

  identifai_limiter_set_limit (limiter, IDENTIFAI_CALL_POST, &wide);
  fail_unless (take_for (limiter, &now, 2 * SECOND, TRUE) >= 15);
  identifai_limiter_free (limiter);
}

GST_END_TEST;

/* A 429, and the service blocks for a while. */
GST_START_TEST (test_throttled)
{
  IdentifaiLimiter *limiter = make_limiter (1, 30);
  IdentifaiBooking booking = { START, 0 };
  gint64 now = START;
  guint full;

  full = take_for (limiter, &now, 600 * SECOND, TRUE);
  identifai_limiter_throttled (limiter, IDENTIFAI_CALL_POST, &booking, now,
      now + 50 * SECOND);
  fail_unless_equals_int (take_for (limiter, &now, 50 * SECOND, FALSE), 0);
  fail_unless (identifai_limiter_get_part (limiter, IDENTIFAI_CALL_POST)
      <= 0.7 + 0.1);

  /* Without a success it stays so, and goes on. */
  fail_unless (take_for (limiter, &now, 600 * SECOND, FALSE) <= 0.8 * full);
  fail_unless (take_for (limiter, &now, 600 * SECOND, FALSE) >= 0.5 * full);

  /* Successes bring it back. */
  take_for (limiter, &now, 240 * SECOND, TRUE);
  fail_unless (identifai_limiter_get_part (limiter, IDENTIFAI_CALL_POST) == 1);
  fail_unless (take_for (limiter, &now, 600 * SECOND, TRUE) >= full - 12);
  identifai_limiter_free (limiter);
}

GST_END_TEST;

/* Limits that hardly are any share the key, too, and timers are late. Nothing is
 * taken, nor refused again: how many calls go in ten minutes. */
static const struct
{
  IdentifaiLimit limit;
  guint n_calls;
} wide_rows[] = {
  {{1000, 30}, 292},
  {{1000000, 30}, 37},
  {{G_MAXINT, 1}, 6},
  {{0, 6000}, 7366},
  {{0, 30000}, 36830},
};

static guint
count_after_refusal (const IdentifaiLimit * limit, guint seed)
{
  IdentifaiLimiter *limiter = make_seeded_limiter (limit->per_second,
      limit->per_minute, seed);
  IdentifaiBooking booking;
  gint64 now = START;
  guint n_calls = 0;

  identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, now, &booking);
  identifai_limiter_throttled (limiter, IDENTIFAI_CALL_POST, &booking, now,
      now + SECOND);
  while (now < START + 600 * SECOND) {
    gint64 next = identifai_limiter_next (limiter, IDENTIFAI_CALL_POST, now);

    n_calls += next == now && identifai_limiter_take (limiter,
        IDENTIFAI_CALL_POST, now, NULL);
    now = next + MS;
  }
  identifai_limiter_free (limiter);

  return n_calls;
}

GST_START_TEST (test_throttled_wide)
{
  guint most = wide_rows[__i__].limit.per_minute > 1000 ? 2 : SEEDS;
  guint seed, n_calls;

  for (seed = 1; seed <= most; seed++) {
    n_calls = count_after_refusal (&wide_rows[__i__].limit, seed);
    fail_unless (n_calls >= wide_rows[__i__].n_calls, "seed %u: %u calls of %u "
        "a minute", seed, n_calls, wide_rows[__i__].limit.per_minute);
  }
}

GST_END_TEST;

/* 20 calls after 40, all refused: how long they take. */
static gint64
time_refusals (IdentifaiLimiter * limiter, gint64 * now)
{
  gint64 started = *now;
  guint i;

  for (i = 0; i < 60; i++) {
    IdentifaiBooking booking;

    *now = identifai_limiter_next (limiter, IDENTIFAI_CALL_POST, *now);
    fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, *now,
            &booking));
    identifai_limiter_throttled (limiter, IDENTIFAI_CALL_POST, &booking, *now,
        *now + SECOND);
    if (i == 40)
      started = *now;
  }

  return *now - started;
}

/* The longer it goes on, the less is tried, and it comes back from there. */
GST_START_TEST (test_throttled_for_long)
{
  guint seed;

  for (seed = 1; seed <= SEEDS; seed++) {
    IdentifaiLimiter *limiter = make_seeded_limiter (1, 30, seed);
    gint64 now = START, took = time_refusals (limiter, &now);

    fail_unless (took > 10 * 60 * SECOND && took < 60 * 60 * SECOND,
        "seed %u: 20 calls in %d s", seed, (int) (took / SECOND));
    take_for (limiter, &now, 3600 * SECOND, TRUE);
    fail_unless (identifai_limiter_get_part (limiter, IDENTIFAI_CALL_POST)
        == 1, "seed %u: only a part", seed);
    identifai_limiter_free (limiter);
  }
}

GST_END_TEST;

/* The wall clock was wrong, as that of a device that has just started. */
GST_START_TEST (test_throttled_clock_is_set)
{
  static const gint64 steps[] = { 3600, -3600, 1000000000, -1000000000, 1, -1 };
  IdentifaiLimiter *limiter = make_limiter (1, 30);
  gint64 epoch = 1500000000 * SECOND, now = START;
  IdentifaiBooking booking;
  guint i;

  identifai_limiter_set_epoch (limiter, epoch);
  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, now,
          &booking));
  identifai_limiter_throttled (limiter, IDENTIFAI_CALL_POST, &booking, now,
      now + SECOND);
  for (i = 0; i < G_N_ELEMENTS (steps); i++) {
    fail_unless (take_for (limiter, &now, 120 * SECOND, TRUE) > 0);
    epoch += steps[i] * SECOND;
    identifai_limiter_set_epoch (limiter, epoch);
    fail_unless (take_for (limiter, &now, 120 * SECOND, TRUE) > 0,
        "none after a step of %d s", (int) steps[i]);
  }
  identifai_limiter_free (limiter);
}

GST_END_TEST;

GST_START_TEST (test_throttled_keeps_the_later)
{
  IdentifaiLimiter *limiter = make_limiter (0, 0);
  IdentifaiBooking booking = { START, 0 };

  identifai_limiter_throttled (limiter, IDENTIFAI_CALL_POST, &booking, START,
      START + 50 * SECOND);
  identifai_limiter_throttled (limiter, IDENTIFAI_CALL_POST, &booking, START,
      START + 20 * SECOND);
  fail_unless (identifai_limiter_next (limiter, IDENTIFAI_CALL_POST, START)
      >= START + 50 * SECOND);
  identifai_limiter_free (limiter);
}

GST_END_TEST;

/* What counts is when a call's headers went out. */
GST_START_TEST (test_sent_later)
{
  IdentifaiLimiter *limiter = make_limiter (1, 2);
  IdentifaiBooking first, second;

  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST, START,
          &first));
  identifai_limiter_sent (limiter, IDENTIFAI_CALL_POST, &first,
      START + 900 * MS);
  fail_unless (identifai_limiter_next (limiter, IDENTIFAI_CALL_POST,
          START + SECOND) >= START + 1900 * MS);
  fail_unless (identifai_limiter_take (limiter, IDENTIFAI_CALL_POST,
          START + 40 * SECOND, &second));

  /* Overtaken: the minute begins with the other one. */
  identifai_limiter_sent (limiter, IDENTIFAI_CALL_POST, &second,
      START + 41 * SECOND);
  identifai_limiter_sent (limiter, IDENTIFAI_CALL_POST, &first,
      START + 50 * SECOND);
  fail_unless (identifai_limiter_next (limiter, IDENTIFAI_CALL_POST,
          START + 60 * SECOND) >= START + 60 * SECOND + 900 * MS);
  identifai_limiter_free (limiter);
}

GST_END_TEST;

/* A key's calls count on when its last user has gone. */
GST_START_TEST (test_limits_outlive_users)
{
  IdentifaiLimit limit = { 0, 2 };
  IdentifaiKeyLimits *one, *other;
  gint64 now = g_get_monotonic_time ();

  one = identifai_key_limits_get ("https://a.example", "key");
  identifai_key_limits_set_limit (one, IDENTIFAI_CALL_POST, &limit);
  fail_unless (identifai_limiter_take (one->starts, IDENTIFAI_CALL_POST, now,
          NULL));
  identifai_key_limits_release (one);

  one = identifai_key_limits_get ("https://a.example", "key");
  identifai_key_limits_set_limit (one, IDENTIFAI_CALL_POST, &limit);
  fail_unless (identifai_limiter_next (one->starts, IDENTIFAI_CALL_POST,
          now) > now);

  /* Neither another key nor another host shares it. */
  other = identifai_key_limits_get ("https://a.example", "yek");
  fail_if (other == one);
  identifai_key_limits_release (other);
  other = identifai_key_limits_get ("https://b.example", "key");
  fail_if (other == one);
  identifai_key_limits_release (other);
  identifai_key_limits_release (one);
  identifai_key_limits_forget_all ();
}

GST_END_TEST;

/* Uploads may not end closer together than calls may start. */
GST_START_TEST (test_arrivals)
{
  IdentifaiLimit limit = { 1, 30 };
  IdentifaiKeyLimits *limits =
      identifai_key_limits_get ("https://c.example", "key");
  gint64 wait;

  identifai_key_limits_set_limit (limits, IDENTIFAI_CALL_POST, &limit);
  fail_unless_equals_int64 (identifai_key_limits_arrive (limits, START), 0);
  wait = identifai_key_limits_arrive (limits, START + 300 * MS);
  fail_unless (wait >= 700 * MS && wait <= SECOND);
  fail_unless_equals_int64 (identifai_key_limits_arrive (limits,
          START + 300 * MS + wait), 0);
  identifai_key_limits_release (limits);
  identifai_key_limits_forget_all ();
}

GST_END_TEST;

/* Backoff. */

GST_START_TEST (test_backoff_bounds)
{
  gint64 shortest, longest, delay;
  guint failures, i;

  for (failures = 0; failures < 100; failures++) {
    longest = IDENTIFAI_BACKOFF_FIRST << MIN (failures ? failures - 1 : 0, 10);
    longest = MIN (longest, IDENTIFAI_BACKOFF_MAX);
    shortest = longest / 2;
    for (i = 0; i < 50; i++) {
      delay = identifai_backoff_delay (failures);
      fail_unless (delay >= shortest && delay <= longest,
          "%u failures: %d ms", failures, (int) (delay / MS));
    }
  }
  fail_unless (identifai_backoff_delay (G_MAXUINT) <= IDENTIFAI_BACKOFF_MAX);
}

GST_END_TEST;

GST_START_TEST (test_backoff_jitter)
{
  gint64 first = identifai_backoff_delay (5);
  guint i;

  for (i = 0; i < 100 && identifai_backoff_delay (5) == first; i++);
  fail_unless (i < 100, "always the same");
}

GST_END_TEST;

/* now is Sun, 06 Nov 1994 08:49:37 GMT. */
#define NOW 784111777
#define MOST (IDENTIFAI_RETRY_AFTER_MAX / SECOND)

static const struct
{
  const gchar *value;
  gint64 seconds;               /* -1: nonsense */
} retry_afters[] = {
  {NULL, -1},
  {"", -1},
  {"   ", -1},
  {"0", 0},
  {"7", 7},
  {" 120 ", 120},
  {"600", 600},
  {"601", MOST},
  {"86400", MOST},
  {"99999999999999999999999999", MOST},
  {"-5", -1},
  {"+5", -1},
  {"1.5", -1},
  {"7 seconds", -1},
  {"0x10", -1},
  {"soon", -1},
  {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
  {"Sun, 06 Nov 1994 08:50:07 GMT", 30},
  {"Sun, 06 Nov 1994 08:00:00 GMT", 0},
  {"Sunday, 06-Nov-94 08:50:07 GMT", 30},
  {"Sun Nov  6 08:50:07 1994", 30},
  {"Tue, 06 Nov 2294 08:49:37 GMT", MOST},
  {"Sun, 99 Nov 1994 08:49:37 GMT", -1},
  {"Sun, 06 Nov 1994 08:50:07 GMTaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      -1},
};

GST_START_TEST (test_retry_after)
{
  gint64 delay =
      identifai_backoff_parse_retry_after (retry_afters[__i__].value, NOW);
  gint64 expected = retry_afters[__i__].seconds;

  fail_unless (delay == (expected < 0 ? -1 : expected * SECOND),
      "\"%s\" is %" G_GINT64_FORMAT " µs", retry_afters[__i__].value, delay);
}

GST_END_TEST;

static Suite *
limiter_suite (void)
{
  Suite *suite = suite_create ("limiter");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_windows, 0, G_N_ELEMENTS (callers));
  tcase_add_loop_test (general, test_no_waste, 0, G_N_ELEMENTS (callers));
  tcase_add_test (general, test_burst);
  tcase_add_test (general, test_no_limit);
  tcase_add_test (general, test_refusal_books_nothing);
  tcase_add_test (general, test_kinds_are_apart);
  tcase_add_test (general, test_limit_changes);
  tcase_add_test (general, test_throttled);
  tcase_add_loop_test (general, test_throttled_wide, 0,
      G_N_ELEMENTS (wide_rows));
  tcase_add_test (general, test_throttled_for_long);
  tcase_add_test (general, test_throttled_clock_is_set);
  tcase_add_test (general, test_throttled_keeps_the_later);
  tcase_add_test (general, test_sent_later);
  tcase_add_test (general, test_limits_outlive_users);
  tcase_add_test (general, test_arrivals);
  tcase_add_test (general, test_backoff_bounds);
  tcase_add_test (general, test_backoff_jitter);
  tcase_add_loop_test (general, test_retry_after, 0,
      G_N_ELEMENTS (retry_afters));

  return suite;
}

GST_CHECK_MAIN (limiter);
