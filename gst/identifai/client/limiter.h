/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keeps calls below the service's published limits: so many in any second and
 * so many in any minute, for each kind of call. Sliding windows over a
 * monotonic clock that the caller reads: every function takes the time, in
 * microseconds as of g_get_monotonic_time(). Not thread-safe: the network
 * thread's.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_CALL_POST,
  IDENTIFAI_CALL_GET,
  IDENTIFAI_N_CALLS
} IdentifaiCall;

typedef struct
{
  guint per_second;             /* 0 = no limit */
  guint per_minute;             /* 0 = no limit */
} IdentifaiLimit;

/* The service's, of a key: the default of rate-limits. */
extern const IdentifaiLimit identifai_limits_published[IDENTIFAI_N_CALLS];

/* So many of an account may be under way at a time. */
#define IDENTIFAI_MAX_UPLOADS 4
#define IDENTIFAI_MAX_EARLY_UPLOADS 4   /* of files that aren't whole yet */
#define IDENTIFAI_MAX_POLLS 4
#define IDENTIFAI_MAX_SERVICE_CALLS 2   /* all the others */

/* A call that was booked. */
typedef struct
{
  gint64 start;
  gint64 slot;                  /* of the share */
  gboolean doubtful;            /* it may well be refused */
} IdentifaiBooking;

typedef struct _IdentifaiLimiter IdentifaiLimiter;

/* seed: as of identifai_share_new(). */
IdentifaiLimiter *identifai_limiter_new (guint32 seed);
void identifai_limiter_free (IdentifaiLimiter * self);
/* As of identifai_share_set_epoch(). */
void identifai_limiter_set_epoch (IdentifaiLimiter * self, gint64 epoch);

void identifai_limiter_set_limit (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiLimit * limit);

/* When the next call of that kind may start: now or later. */
gint64 identifai_limiter_next (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now);

/* Books a call that starts now; FALSE (and nothing booked) if it may not. booking:
 * for what becomes of it; may be NULL. */
gboolean identifai_limiter_take (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now, IdentifaiBooking * booking);

/* The call of booking counts from time on, earlier or later than it was booked. */
void identifai_limiter_sent (IdentifaiLimiter * self, IdentifaiCall call,
    IdentifaiBooking * booking, gint64 time);
/* A 429 came: no call of that kind before until, and from then on this process
 * shares the limit with others. */
void identifai_limiter_throttled (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiBooking * booking, gint64 now, gint64 until);
void identifai_limiter_succeeded (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiBooking * booking, gint64 now);
/* A call that identifai_limiter_next() was asked for, and that waited, won't be made. */
void identifai_limiter_gave_up (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now);

/* Whether it matters when a call starts. */
gboolean identifai_limiter_is_limited (IdentifaiLimiter * self,
    IdentifaiCall call);
/* How much of what a minute allows was used in the latest one, 0 to 1: 0 without such
 * a limit, 1 where it is shared with others. */
gdouble identifai_limiter_get_use (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now);
/* The part of the limit that is this process's: 1 when there are no others. */
gdouble identifai_limiter_get_part (IdentifaiLimiter * self,
    IdentifaiCall call);

G_END_DECLS
