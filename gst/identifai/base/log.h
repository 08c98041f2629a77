/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The debug categories, all made at once: a folder has one, the sink, its outbox
 * and its reporter have their own. A core knows no element: it is given the
 * element's name and logs with the _ID macros (GST_INFO_ID (self->name, …)).
 *
 *   INFO   a line or two a segment, and what changes for the stream
 *   DEBUG  each decision: why here, why not, how long
 *   LOG    each buffer
 *
 * Any thread.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_LOG_SINK,
  IDENTIFAI_LOG_GATE,
  IDENTIFAI_LOG_OUTBOX,
  IDENTIFAI_LOG_REPORTER,
  IDENTIFAI_LOG_SEGMENT,
  IDENTIFAI_LOG_CODEC,
  IDENTIFAI_LOG_FILE,
  IDENTIFAI_LOG_ANSWER,
  IDENTIFAI_LOG_HTTP,
  IDENTIFAI_LOG_CLIENT,
  IDENTIFAI_LOG_HOLD,
  IDENTIFAI_N_LOGS
} IdentifaiLogId;

/* Makes all categories; the plugin does it when it is loaded. Safe to repeat. */
void identifai_log_init (void);

/* Never NULL, also where no plugin was loaded. For GST_CAT_DEFAULT:
 *   #define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT) */
GstDebugCategory *identifai_log_get (IdentifaiLogId id);

G_END_DECLS
