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

/* GStreamer has them since 1.22; before, the name stands where an object's would. */
#if !GST_CHECK_VERSION (1, 22, 0)
#define IDENTIFAI_LOG_AT(level, id, format, ...) \
    GST_CAT_LEVEL_LOG (GST_CAT_DEFAULT, level, NULL, "<%s> " format, \
        GST_STR_NULL (id), ##__VA_ARGS__)
#define GST_WARNING_ID(...) IDENTIFAI_LOG_AT (GST_LEVEL_WARNING, __VA_ARGS__)
#define GST_INFO_ID(...) IDENTIFAI_LOG_AT (GST_LEVEL_INFO, __VA_ARGS__)
#define GST_DEBUG_ID(...) IDENTIFAI_LOG_AT (GST_LEVEL_DEBUG, __VA_ARGS__)
#define GST_LOG_ID(...) IDENTIFAI_LOG_AT (GST_LEVEL_LOG, __VA_ARGS__)
#define GST_TRACE_ID(...) IDENTIFAI_LOG_AT (GST_LEVEL_TRACE, __VA_ARGS__)
#endif

G_END_DECLS
