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

  /* Ring of when the latest calls started, as many as the larger limit. */
  gint64 *starts;
  guint size, first, n_starts;

  IdentifaiShare *share;
} Bucket;

struct _IdentifaiLimiter
{
  Bucket buckets[IDENTIFAI_N_CALLS];
};

/* When the nth call from the end started; 0 is the latest. */
static gint64
bucket_start (const Bucket * bucket, guint nth)
{
  guint index = bucket->n_starts - 1 - nth;

  return bucket->starts[(bucket->first + index) % bucket->size];
}

static void
bucket_set_start (Bucket * bucket, guint nth, gint64 start)
{
  guint index = bucket->n_starts - 1 - nth;

  bucket->starts[(bucket->first + index) % bucket->size] = start;
}

static void
bucket_resize (Bucket * bucket, guint size)
{
  guint kept = MIN (bucket->n_starts, size);
  gint64 *starts;
  guint i;

  if (size == bucket->size)
    return;

  starts = g_new (gint64, MAX (size, 1));
  for (i = 0; i < kept; i++)
    starts[i] = bucket_start (bucket, kept - 1 - i);

  g_free (bucket->starts);
  bucket->starts = starts;
  bucket->size = size;
  bucket->first = 0;
  bucket->n_starts = kept;
}

static void
bucket_append (Bucket * bucket, gint64 now)
{
  if (bucket->size == 0)
    return;

  if (bucket->n_starts == bucket->size) {
    bucket->first = (bucket->first + 1) % bucket->size;
    bucket->n_starts--;
  }
  bucket->starts[(bucket->first + bucket->n_starts++) % bucket->size] = now;
}

/* When at most count calls are left in the window. */
static gint64
bucket_window_opens (const Bucket * bucket, guint count, gint64 window)
{
  if (count == 0 || bucket->n_starts < count)
    return G_MININT64;

  return bucket_start (bucket, count - 1) + window;
}

/* How many of the calls are a minute old at that time. */
static guint
bucket_count_expired (const Bucket * bucket, gint64 time)
{
  guint count = 0;

  while (count < bucket->n_starts && bucket_start (bucket,
          bucket->n_starts - 1 - count) + MINUTE_WINDOW <= time)
    count++;

  return count;
}

static void
bucket_forget (Bucket * bucket, gint64 now)
{
  guint expired = bucket_count_expired (bucket, now);

  bucket->n_starts -= expired;
  if (expired > 0)
    bucket->first = (bucket->first + expired) % bucket->size;
}

/* The first of a minute's calls may go in one burst; what is left is spread over
 * the time until the window moves on, so that nobody stands still for half a minute
 * after a burst. */
static gint64
bucket_spread (const Bucket * bucket, gint64 time)
{
  guint limit = bucket->limit.per_minute;
  guint n_starts = bucket->n_starts - bucket_count_expired (bucket, time);
  gint64 latest, opens;

  if (n_starts == 0 || n_starts >= limit || n_starts < bucket->burst)
    return G_MININT64;

  latest = bucket_start (bucket, 0);
  opens = bucket_start (bucket, n_starts - 1) + MINUTE_WINDOW;

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
    self->buckets[i].share = identifai_share_new (seed + i);
  }

  return self;
}

void
identifai_limiter_free (IdentifaiLimiter * self)
{
  guint i;

  for (i = 0; i < IDENTIFAI_N_CALLS; i++) {
    g_free (self->buckets[i].starts);
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
  /* Never smaller than before: a limit that is lowered has to know all of the
   * calls that count. */
  bucket_resize (bucket, MAX (bucket->size,
          MAX (bucket->limit.per_second, bucket->limit.per_minute)));
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

  bucket_append (bucket, now);
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
  guint i;

  for (i = 0; i < bucket->n_starts
      && bucket_start (bucket, i) != booking->start; i++);
  if (i == bucket->n_starts)
    return;

  for (; i > 0 && bucket_start (bucket, i - 1) < time; i--)
    bucket_set_start (bucket, i, bucket_start (bucket, i - 1));
  for (; i + 1 < bucket->n_starts && bucket_start (bucket, i + 1) > time; i++)
    bucket_set_start (bucket, i, bucket_start (bucket, i + 1));
  bucket_set_start (bucket, i, time);
  booking->start = time;
}

void
identifai_limiter_throttled (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiBooking * booking, gint64 now, gint64 until)
{
  Bucket *bucket = &self->buckets[call];

  bucket_forget (bucket, now);
  identifai_share_refused (bucket->share, booking->slot, now, until,
      bucket->n_starts);
}

void
identifai_limiter_succeeded (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiBooking * booking, gint64 now)
{
  identifai_share_accepted (self->buckets[call].share, booking->slot, now);
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

  return MIN (bucket->n_starts / (gdouble) bucket->limit.per_minute, 1);
}

gdouble
identifai_limiter_get_part (IdentifaiLimiter * self, IdentifaiCall call)
{
  return identifai_share_get_part (self->buckets[call].share);
}
