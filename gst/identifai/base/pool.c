/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tries again to start the threads that a pool couldn't have. Any thread.
 */

#include "pool.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

static IdentifaiPoolFunc simulated;

void
identifai_pool_simulate (IdentifaiPoolFunc func)
{
  simulated = func;
}

void
identifai_pool_push (GThreadPool * pool, gpointer item)
{
  GError *error = NULL;

  if (simulated != NULL) {
    simulated (pool, item);
    return;
  }
  if (!g_thread_pool_push (pool, item, &error)) {
    GST_WARNING ("work waits for a thread: %s", error->message);
    g_error_free (error);
  }
}

void
identifai_pool_retry (GThreadPool * pool)
{
  g_thread_pool_set_max_threads (pool, g_thread_pool_get_max_threads (pool),
      NULL);
}
