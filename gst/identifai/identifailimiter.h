/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keeps calls below the service's published limits: so many in any second and
 * so many in any minute, for each kind of call. Sliding windows over a
 * monotonic clock that the caller reads: every function takes the time, in
 * microseconds as of g_get_monotonic_time(). Not thread-safe: its budget's
 * lock guards it.
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

typedef struct _IdentifaiLimiter IdentifaiLimiter;

IdentifaiLimiter *identifai_limiter_new (void);
void identifai_limiter_free (IdentifaiLimiter * self);

void identifai_limiter_set_limit (IdentifaiLimiter * self, IdentifaiCall call,
    const IdentifaiLimit * limit);

/* When the next call of that kind may start: now or later. */
gint64 identifai_limiter_next (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now);

/* Books a call that starts now; FALSE (and nothing booked) if it may not. */
gboolean identifai_limiter_take (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now);

/* A 429 came: no call of that kind before until, and slower afterwards, back
 * to full speed by and by while calls succeed. */
void identifai_limiter_throttled (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now, gint64 until);
void identifai_limiter_succeeded (IdentifaiLimiter * self, IdentifaiCall call,
    gint64 now);

G_END_DECLS
