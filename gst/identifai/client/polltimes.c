/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between which two polls each of the latest results became final, and the next time
 * that costs least by that. Pure; the poller's, on the network thread.
 */

#include "polltimes.h"
#include "backoff.h"

/* Before anything was learned: from the submit call to the first poll. */
#define FIRST_POLL (1 * G_TIME_SPAN_SECOND)
#define FIRST_POLL_MIN (100 * G_TIME_SPAN_MILLISECOND)
/* The interval is longer for a result that takes long: such a part of its time. */
#define POLL_SHARE 60
/* However long results take, none is left alone for longer: it may be there earlier. */
#define LONGEST_INTERVAL (5 * G_TIME_SPAN_SECOND)

/* Services, and networks, aren't more exact than that, nor is what is known. */
#define LEAST_WIDTH (200 * G_TIME_SPAN_MILLISECOND)
/* After so many results in a row that were final when they were asked for first, the
 * next one is asked for earlier: a service that has become faster shows in nothing
 * else. */
#define MANY_AT_ONCE 4
/* So few say nothing of how far apart they are. */
#define FEW 4

static void
insert_time (IdentifaiPollTimes * self, gint64 time)
{
  guint n = self->n_times++;

  for (; n > 0 && self->times[n - 1] > time; n--)
    self->times[n] = self->times[n - 1];
  self->times[n] = time;
}

/* Where results were final at times far apart, the next one's may lie between: so each
 * of them stands for what is behind the one before it, too, and the earliest for as much
 * as they are apart on average. */
static gint64
find_start (const IdentifaiPollTimes * self, guint known, guint index)
{
  gint64 until = self->latest[index].until, last = until;
  gint64 before = G_MININT64;
  guint i;

  for (i = 0; i < known; i++) {
    last = MAX (last, self->latest[i].until);
    if (self->latest[i].until < until)
      before = MAX (before, self->latest[i].until);
  }
  if (before == G_MININT64)
    before = until - (last - until) / known;

  return MIN (self->latest[index].after, before);
}

static void
list_times (IdentifaiPollTimes * self)
{
  guint known = MIN (self->n, IDENTIFAI_N_POLL_TIMES), i, part;

  self->n_times = 0;
  for (i = 0; i < known; i++) {
    gint64 after = find_start (self, known, i);
    gint64 width = self->latest[i].until - after;

    for (part = 1; part <= IDENTIFAI_POLL_TIME_PARTS; part++)
      insert_time (self, after + width * part / IDENTIFAI_POLL_TIME_PARTS);
  }
}

void
identifai_poll_times_learn (IdentifaiPollTimes * self, gint64 after,
    gint64 until)
{
  guint index = self->n++ % IDENTIFAI_N_POLL_TIMES;
  gint64 missing;

  self->n_at_once = after == 0 ? self->n_at_once + 1 : 0;
  if (after == 0)
    after = until - until / 3;
  missing = MAX (identifai_backoff_scale (LEAST_WIDTH) - (until - after), 0);
  self->latest[index].after = after - missing / 2;
  self->latest[index].until = until + missing / 2;
  list_times (self);
}

/* From the last one back: the cheapest way to find all results that are final at one
 * of the times from the i-th on. A poll costs its price for each of them that is still
 * waited for, and as long as those before it have been final. -1: it takes longer than
 * all that are known, or too few are. */
static gint64
find_cheapest (const IdentifaiPollTimes * self, gint64 age, gint64 gap,
    gint64 price)
{
  gint64 costs[G_N_ELEMENTS (self->times) + 1], best = -1;
  const gint64 *times = self->times;
  guint n = self->n_times, i, k;

  if (self->n < FEW)
    return -1;
  for (; n > 0 && times[0] <= age; n--)
    times++;
  costs[n] = 0;
  for (i = n; i-- > 0;) {
    gint64 earliest = i > 0 ? times[i - 1] + gap : 0, sum = 0;

    costs[i] = G_MAXINT64;
    for (k = i; k < n; k++) {
      gint64 at = MAX (times[k], earliest), cost;

      sum += times[k];
      cost = at * (k - i + 1) - sum + price * (n - i);
      /* It only grows with k. */
      if (cost >= costs[i])
        break;
      if (k + 1 < n && times[k + 1] <= at)
        continue;
      if (cost + costs[k + 1] < costs[i]) {
        costs[i] = cost + costs[k + 1];
        best = at;
      }
    }
  }

  /* They may have been final for long. */
  if (age == 0 && best > 0 && self->n_at_once >= MANY_AT_ONCE)
    best -= best / 3;

  return best;
}

gint64
identifai_poll_times_next (const IdentifaiPollTimes * self, gint64 age,
    gint64 gap, gint64 price, gboolean close)
{
  gint64 interval = identifai_backoff_scale (close ?
      IDENTIFAI_POLL_INTERVAL / 2 : IDENTIFAI_POLL_INTERVAL);
  gint64 next = find_cheapest (self, age, gap, price);

  if (next < 0 && age == 0)
    next = identifai_backoff_scale (FIRST_POLL);
  else if (next < 0)
    next = age + MAX (interval, age / POLL_SHARE);

  return CLAMP (next, age + identifai_backoff_scale (FIRST_POLL_MIN),
      age + MAX (identifai_backoff_scale (LONGEST_INTERVAL), age / POLL_SHARE));
}
