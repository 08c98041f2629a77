/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * So many uploads in any hour. Not thread-safe; the caller passes monotonic times
 * in µs.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint most;                   /* 0: any number */
  GArray *times;                /* of gint64, in order: of the last hour */
} IdentifaiHourlyQuota;

void identifai_hourly_quota_init (IdentifaiHourlyQuota * self);
void identifai_hourly_quota_clear (IdentifaiHourlyQuota * self);

void identifai_hourly_quota_set_most (IdentifaiHourlyQuota * self, guint most);

/* FALSE: most were taken within the hour before now. */
gboolean identifai_hourly_quota_is_left (IdentifaiHourlyQuota * self, gint64 now);
void identifai_hourly_quota_take (IdentifaiHourlyQuota * self, gint64 now);
/* That which was taken at time isn't needed; if that is an hour ago, nothing happens. */
void identifai_hourly_quota_give_back (IdentifaiHourlyQuota * self,
    gint64 time);

/* When those of the hour before now were; borrowed. */
const GArray *identifai_hourly_quota_get_times (IdentifaiHourlyQuota * self, gint64 now);
/* Takes times, in any order, instead. */
void identifai_hourly_quota_set_times (IdentifaiHourlyQuota * self, GArray * times);

G_END_DECLS
