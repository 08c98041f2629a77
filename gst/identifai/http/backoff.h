/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long to wait before the next attempt. Times in µs. Any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define IDENTIFAI_BACKOFF_FIRST (1 * G_TIME_SPAN_SECOND)
#define IDENTIFAI_BACKOFF_MAX (60 * G_TIME_SPAN_SECOND)
/* A call isn't given up for 429s before it has been refused for so long. */
#define IDENTIFAI_BACKOFF_THROTTLED (2 * G_TIME_SPAN_MINUTE)
/* A server that asks for more patience isn't believed. */
#define IDENTIFAI_RETRY_AFTER_MAX (10 * G_TIME_SPAN_MINUTE)

/* After failures (from 1) failed attempts in a row: doubles each time up to the
 * bound, of which the upper half is random, so that many clients that failed
 * together don't come back together. */
gint64 identifai_backoff_delay (guint failures);

/* The same where the service may have said how long to wait (a Retry-After, with a 429
 * say): that, as retry_after; -1 = it didn't. */
gint64 identifai_backoff_delay_asked (guint failures, gint64 retry_after);

/* The value of a Retry-After header, seconds or an HTTP date, as a time from
 * now on, bounded; 0 for a date that has passed, -1 for none or nonsense.
 * now: s since 1970. */
gint64 identifai_backoff_parse_retry_after (const gchar * value, gint64 now);

/* For the tests, which have no minutes to wait: all waiting of the client that
 * isn't a limit or a timeout is multiplied by scale. Set before any client. */
void identifai_backoff_set_time_scale (gdouble scale);
gint64 identifai_backoff_scale (gint64 duration);

G_END_DECLS
