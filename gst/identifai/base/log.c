/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes the categories, once. Any thread.
 */

#include "log.h"

static const struct
{
  const gchar *name, *description;
} table[IDENTIFAI_N_LOGS] = {
  [IDENTIFAI_LOG_SINK] = {"identifaisink", "identifAI sink"},
  [IDENTIFAI_LOG_GATE] = {"identifaigate", "identifAI gate"},
  [IDENTIFAI_LOG_OUTBOX] = {"identifaioutbox",
      "identifAI segments from closed to submitted"},
  [IDENTIFAI_LOG_REPORTER] = {"identifaireporter",
      "identifAI outcomes, messages and alarms"},
  [IDENTIFAI_LOG_SEGMENT] = {"identifaisegment",
      "identifAI cuts, and what is in no segment"},
  [IDENTIFAI_LOG_CODEC] = {"identifaicodec",
      "identifAI reading of encoded frames"},
  [IDENTIFAI_LOG_FILE] = {"identifaifile", "identifAI muxing and containers"},
  [IDENTIFAI_LOG_ANSWER] = {"identifaianswer",
      "identifAI answers of the service, and policy"},
  [IDENTIFAI_LOG_HTTP] = {"identifaihttp", "identifAI HTTP calls"},
  [IDENTIFAI_LOG_CLIENT] = {"identifaiclient",
      "identifAI uploads, polls and rate limits"},
  [IDENTIFAI_LOG_HOLD] = {"identifaihold",
      "identifAI what is held back, and what leaves"},
};

static GstDebugCategory *categories[IDENTIFAI_N_LOGS];

void
identifai_log_init (void)
{
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;
  for (guint i = 0; i < IDENTIFAI_N_LOGS; i++)
    GST_DEBUG_CATEGORY_INIT (categories[i], table[i].name, 0,
        table[i].description);
  g_once_init_leave (&done, 1);
}

GstDebugCategory *
identifai_log_get (IdentifaiLogId id)
{
  identifai_log_init ();
  return categories[id];
}
