/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of the client share: callbacks that keep a log, and
 * requests of any size.
 */

#pragma once

#include <gst/check/gstcheck.h>
#include "client.h"

G_BEGIN_DECLS

/* What a client told. A job's data is its number, from 1. */
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
} ClientLog;

extern const IdentifaiClientCallbacks client_log_callbacks;

void client_log_init (ClientLog * log);
void client_log_clear (ClientLog * log);
/* Until counter, one of log's, has reached count; FALSE after 30 s. */
gboolean client_log_wait (ClientLog * log, const guint * counter, guint count);
/* Whether a failed attempt said so. The client may go on trying. */
gboolean client_log_has_attempt (ClientLog * log, const gchar * text);

IdentifaiRequest *client_log_request (gsize size);
/* Counts in log when the job is freed. One log a job number. */
void client_log_push (ClientLog * log, IdentifaiClient * client,
    IdentifaiRequest * request, guint number);
/* The same with a request of that size. */
void client_log_push_new (ClientLog * log, IdentifaiClient * client,
    guint number, gsize size);

/* Settings for tests: no limits, no retries, 20 s for everything. */
void client_log_fill_settings (IdentifaiClientSettings * settings,
    gchar * endpoint, const gchar * api_key);

/* The network threads that run now, and FALSE if there aren't so many after
 * 30 s. They get their names a little after they start, and one that
 * identifai_client_close() didn't wait for ends a little later. */
guint client_log_count_threads (void);
gboolean client_log_wait_for_threads (guint count);
/* The same for the keys in use. */
gboolean client_log_wait_for_accounts (guint count);

G_END_DECLS
