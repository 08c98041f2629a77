/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The service counts calls when they arrive, not when they start, and with a
 * clock of its own. The windows here are a little longer than the published
 * ones, so that calls that arrive closer together than they started still are
 * within the limits.
 */

#include "limiter.h"
#include "keyshare.h"

const IdentifaiLimit identifai_limits_published[IDENTIFAI_N_CALLS] = {
  {.per_second = 1,.per_minute = 30},   /* POST */
  {.per_second = 2,.per_minute = 60},   /* GET */
};

/* In µs. */
#define SECOND_WINDOW (1100 * G_TIME_SPAN_MILLISECOND)
#define MINUTE_WINDOW (61 * G_TIME_SPAN_SECOND)

/* Of calls a limit has more than anybody makes: it is none. */
#define MOST_CALLS 100000

/* What counts as full use where there is no limit, in µs. */
#define UNLIMITED_DISTANCE (100 * G_TIME_SPAN_MILLISECOND)

/* As much of a minute's calls may go at once: polls come closely while they are few. */
static const gdouble burst_parts[IDENTIFAI_N_CALLS] = { 0.5, 0.75 };

typedef struct
{
  IdentifaiLimit limit;
  gdouble burst_part;           /* of a minute's calls */
  guint burst;

  GArray *starts;               /* when the calls of a minute started, in order */
  IdentifaiShare *share;
} Bucket;

struct _IdentifaiLimiter
{
  Bucket buckets[IDENTIFAI_N_CALLS];
};

#define start_of(bucket, nth) g_array_index ((bucket)->starts, gint64, nth)

/* When at most count calls are left in the window. */
static gint64
bucket_window_opens (const Bucket * bucket, guint count, gint64 window)
{
  if (count == 0 || bucket->starts->len < count)
    return G_MININT64;

  return start_of (bucket, bucket->starts->len - count) + window;
}

/* How many of the calls are a minute old at that time. */
static guint
bucket_count_expired (const Bucket * bucket, gint64 time)
{
  guint count = 0;

  while (count < bucket->starts->len
      && start_of (bucket, count) + MINUTE_WINDOW <= time)
    count++;

  return count;
}

static void
bucket_forget (Bucket * bucket, gint64 now)
{
  g_array_remove_range (bucket->starts, 0, bucket_count_expired (bucket, now));
}

/* The first of a minute's calls may go in one burst; what is left is spread over
 * the time until the window moves on, so that nobody stands still for half a minute
 * after a burst. */
static gint64
bucket_spread (const Bucket * bucket, gint64 time)
{
  guint limit = bucket->limit.per_minute;
  guint expired = bucket_count_expired (bucket, time);
  guint n_starts = bucket->starts->len - expired;
  gint64 latest, opens;

  if (n_starts == 0 || n_starts >= limit || n_starts < bucket->burst)
    return G_MININT64;

  latest = start_of (bucket, bucket->starts->len - 1);
  opens = start_of (bucket, expired) + MINUTE_WINDOW;

  return latest + (opens - latest) / (limit - n_starts + 1);
}

/* µs between calls when the limit is fully used. */
static gint64
bucket_full_speed (const Bucket * bucket)
{
  const IdentifaiLimit *limit = &bucket->limit;
  gint64 distance = 0;

  if (limit->per_second > 0)
    distance = SECOND_WINDOW / limit->per_second;
  if (limit->per_minute > 0)
    distance = MAX (distance, MINUTE_WINDOW / limit->per_minute);

  return distance > 0 ? distance : UNLIMITED_DISTANCE;
}

IdentifaiLimiter *
identifai_limiter_new (guint32 seed)
{
  IdentifaiLimiter *self = g_new0 (IdentifaiLimiter, 1);
  guint i;

  for (i = 0; i < IDENTIFAI_N_CALLS; i++) {
    self->buckets[i].burst_part = burst_parts[i];
    self->buckets[i].starts = g_array_new (FALSE, FALSE, sizeof (gint64));
    self->buckets[i].share = identifai_share_new (seed + i);
  }

  return self;
}

void
identifai_limiter_free (IdentifaiLimiter * self)
{
  guint i;

  for (i = 0; i < IDENTIFAI_N_CALLS; i++) {
    g_array_unref (self->buckets[i].starts);
    identifai_share_free (self->buckets[i].share);
  }
  g_free (self);
}

void
identifai_limiter_set_epoch (IdentifaiLimiter * self, gint64 epoch)
{
  guint i;

  for (i = 0; i < IDENTIFAI_N_CALLS; i++)
    identifai_share_set_epoch (self->buckets[i].share, epoch);
}

void
identifai_limiter_set_limit (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiLimit * limit)
{
  Bucket *bucket = &self->buckets[call];

  bucket->limit = *limit;
  if (limit->per_second > MOST_CALLS)
    bucket->limit.per_second = 0;
  if (limit->per_minute > MOST_CALLS)
    bucket->limit.per_minute = 0;
  bucket->burst = bucket->limit.per_minute * bucket->burst_part;
  identifai_share_set_pace (bucket->share, bucket_full_speed (bucket),
      bucket->limit.per_second);
}

gint64
identifai_limiter_next (IdentifaiLimiter * self, IdentifaiCall call, gint64 now)
{
  Bucket *bucket = &self->buckets[call];
  const IdentifaiLimit *limit = &bucket->limit;
  gint64 next, spread;

  bucket_forget (bucket, now);

  next = MAX (now,
      bucket_window_opens (bucket, limit->per_second, SECOND_WINDOW));
  next = MAX (next,
      bucket_window_opens (bucket, limit->per_minute, MINUTE_WINDOW));
  /* Until then, calls leave the window and the rest is spread anew. A share is
   * spread as it is. */
  while (!identifai_share_is_active (bucket->share)
      && (spread = bucket_spread (bucket, next)) > next)
    next = spread;

  return identifai_share_next (bucket->share, next);
}

gboolean
identifai_limiter_take (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now, IdentifaiBooking * booking)
{
  Bucket *bucket = &self->buckets[call];
  gint64 slot;

  if (identifai_limiter_next (self, call, now) > now)
    return FALSE;

  g_array_append_val (bucket->starts, now);
  slot = identifai_share_take (bucket->share, now);
  if (booking)
    *booking = (IdentifaiBooking) {
    now, slot, identifai_share_is_doubtful (bucket->share, slot)};

  return TRUE;
}

/* Later ones may have been booked meanwhile: they stay in order. */
void
identifai_limiter_sent (IdentifaiLimiter * self, IdentifaiCall call,
    IdentifaiBooking * booking, gint64 time)
{
  Bucket *bucket = &self->buckets[call];
  guint n = bucket->starts->len;

  while (n > 0 && start_of (bucket, n - 1) != booking->start)
    n--;
  if (n == 0)
    return;

  g_array_remove_index (bucket->starts, n - 1);
  n = bucket->starts->len;
  while (n > 0 && start_of (bucket, n - 1) > time)
    n--;
  g_array_insert_val (bucket->starts, n, time);
  booking->start = time;
}

void
identifai_limiter_throttled (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiBooking * booking, gint64 now, gint64 until)
{
  Bucket *bucket = &self->buckets[call];

  bucket_forget (bucket, now);
  identifai_share_refused (bucket->share, booking->slot, now, until,
      bucket->starts->len);
}

void
identifai_limiter_succeeded (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiBooking * booking, gint64 now)
{
  identifai_share_accepted (self->buckets[call].share, booking->slot, now);
}

void
identifai_limiter_gave_up (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now)
{
  identifai_share_gave_up (self->buckets[call].share, now);
}

gboolean
identifai_limiter_is_limited (IdentifaiLimiter * self, IdentifaiCall call)
{
  const Bucket *bucket = &self->buckets[call];

  return bucket->limit.per_second > 0 || bucket->limit.per_minute > 0
      || identifai_share_is_active (bucket->share);
}

gdouble
identifai_limiter_get_use (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now)
{
  Bucket *bucket = &self->buckets[call];

  if (identifai_share_is_active (bucket->share))
    return 1;
  if (bucket->limit.per_minute == 0)
    return 0;
  bucket_forget (bucket, now);

  return MIN (bucket->starts->len / (gdouble) bucket->limit.per_minute, 1);
}

gdouble
identifai_limiter_get_part (IdentifaiLimiter * self, IdentifaiCall call)
{
  return identifai_share_get_part (self->buckets[call].share);
}
