/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of the client share: a lane's callbacks that keep a log, and
 * requests of any size.
 */

#pragma once

#include <gst/check/gstcheck.h>
#include "client.h"

G_BEGIN_DECLS

/* What a lane told. A job's data is its number, from 1. */
typedef struct
{
  GMutex lock;
  GCond changed;
  guint n_submitted, n_finished, n_freed, n_attempts;
  IdentifaiReason reason;       /* of the latest outcome */
  guint http_status;
  gchar *message;
  gchar *identifier;
  gchar *classification;
  GString *attempts;            /* texts of the failed ones */
  guint finished[1000];         /* how often, by job */
  gint64 finished_at[1000];     /* monotonic µs */
} LaneLog;

extern const IdentifaiLaneCallbacks lane_log_callbacks;

void lane_log_init (LaneLog * log);
void lane_log_clear (LaneLog * log);
/* Until counter, one of log's, has reached count; FALSE after 30 s. */
gboolean lane_log_wait (LaneLog * log, const guint * counter, guint count);
/* Whether a failed attempt said so. The lane may go on trying. */
gboolean lane_log_has_attempt (LaneLog * log, const gchar * text);

IdentifaiRequest *lane_log_request (gsize size);
/* Counts in log when the job is freed. One log a job number. */
void lane_log_push (LaneLog * log, IdentifaiLane * lane,
    IdentifaiRequest * request, guint number);
/* The same with a request of that size. */
void lane_log_push_new (LaneLog * log, IdentifaiLane * lane, guint number,
    gsize size);

/* Settings for tests: no limits, no retries, 20 s for everything. */
void lane_log_fill_settings (IdentifaiClientSettings * settings,
    gchar * endpoint, const gchar * api_key);

/* The network threads that run now, and FALSE if there aren't so many after
 * 30 s. They get their names a little after they start, and one that
 * lane_close() didn't wait for ends a little later. */
guint lane_log_count_threads (void);
gboolean lane_log_wait_for_threads (guint count);

G_END_DECLS
