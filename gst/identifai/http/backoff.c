/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long to wait, doubled and jittered, and what a Retry-After says. Pure but for
 * the random numbers; any thread.
 */

#include "backoff.h"
#include <libsoup/soup.h>

static gdouble time_scale = 1.0;

void
identifai_backoff_set_time_scale (gdouble scale)
{
  time_scale = scale;
}

gint64
identifai_backoff_scale (gint64 duration)
{
  return (gint64) (duration * time_scale);
}

gint64
identifai_backoff_delay (guint failures)
{
  guint doublings = MIN (MAX (failures, 1) - 1, 16);
  gint64 delay = IDENTIFAI_BACKOFF_FIRST << doublings;

  delay = MIN (delay, IDENTIFAI_BACKOFF_MAX);

  return identifai_backoff_scale (delay / 2
      + (gint64) (g_random_double () * (delay / 2)));
}

/* A little later than asked for, never earlier. */
gint64
identifai_backoff_delay_asked (guint failures, gint64 retry_after)
{
  gint64 delay = identifai_backoff_delay (failures);

  return retry_after < 0 ? delay : identifai_backoff_scale (retry_after)
      + delay / 8;
}

static gint64
parse_seconds (const gchar * value)
{
  guint64 seconds;

  /* More digits than fit are a very long time, too. */
  if (strspn (value, "0123456789") != strlen (value))
    return -1;
  seconds = g_ascii_strtoull (value, NULL, 10);

  return MIN (seconds, IDENTIFAI_RETRY_AFTER_MAX / G_TIME_SPAN_SECOND)
      * G_TIME_SPAN_SECOND;
}

static gint64
parse_date (const gchar * value, gint64 now)
{
  GDateTime *date = soup_date_time_new_from_http_string (value);
  gint64 seconds;

  if (!date)
    return -1;
  seconds = g_date_time_to_unix (date) - now;
  g_date_time_unref (date);

  return CLAMP (seconds, 0, IDENTIFAI_RETRY_AFTER_MAX / G_TIME_SPAN_SECOND)
      * G_TIME_SPAN_SECOND;
}

gint64
identifai_backoff_parse_retry_after (const gchar * value, gint64 now)
{
  gchar *stripped;
  gint64 delay = -1;

  if (!value || strlen (value) > 64)
    return -1;

  stripped = g_strstrip (g_strdup (value));
  if (g_ascii_isdigit (stripped[0]))
    delay = parse_seconds (stripped);
  else if (stripped[0])
    delay = parse_date (stripped, now);
  g_free (stripped);

  return delay;
}
