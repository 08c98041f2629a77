/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When the latest uploads were. Under its owner's lock.
 */

#include "hourlyquota.h"

#define HOUR (3600 * G_TIME_SPAN_SECOND)

void
identifai_hourly_quota_init (IdentifaiHourlyQuota * self)
{
  self->most = 0;
  self->times = g_array_new (FALSE, FALSE, sizeof (gint64));
}

void
identifai_hourly_quota_clear (IdentifaiHourlyQuota * self)
{
  g_array_unref (self->times);
}

void
identifai_hourly_quota_set_most (IdentifaiHourlyQuota * self, guint most)
{
  self->most = most;
}

static void
forget_old (IdentifaiHourlyQuota * self, gint64 now)
{
  guint n = 0;

  while (n < self->times->len
      && g_array_index (self->times, gint64, n) <= now - HOUR)
    n++;
  g_array_remove_range (self->times, 0, n);
}

gboolean
identifai_hourly_quota_is_left (IdentifaiHourlyQuota * self, gint64 now)
{
  forget_old (self, now);

  return self->most == 0 || self->times->len < self->most;
}

void
identifai_hourly_quota_take (IdentifaiHourlyQuota * self, gint64 now)
{
  forget_old (self, now);
  g_array_append_val (self->times, now);
}

void
identifai_hourly_quota_give_back (IdentifaiHourlyQuota * self, gint64 time)
{
  guint i = self->times->len;

  while (i > 0 && g_array_index (self->times, gint64, i - 1) != time)
    i--;
  if (i > 0)
    g_array_remove_index (self->times, i - 1);
}

const GArray *
identifai_hourly_quota_get_times (IdentifaiHourlyQuota * self, gint64 now)
{
  forget_old (self, now);

  return self->times;
}

static gint
compare_times (gconstpointer one, gconstpointer other)
{
  gint64 a = *(const gint64 *) one, b = *(const gint64 *) other;

  return (a > b) - (a < b);
}

void
identifai_hourly_quota_set_times (IdentifaiHourlyQuota * self, GArray * times)
{
  g_array_sort (times, compare_times);
  g_array_unref (self->times);
  self->times = times;
}
