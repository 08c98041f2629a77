/* identifai-watch: what is said of each input, and how it ends
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lines for people or JSON, the table at the end, the exit status.
 */

#pragma once

#include "options.h"
#include "terminal.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* What came of an input, or of an element of a pipeline: a row of the table. */
typedef struct
{
  gchar *label;
  guint verdicts[3];            /* artificial, human, unknown */
  guint failed, dropped;        /* segments */
  gboolean broken;              /* it failed as a whole */
} WatchRow;

typedef struct
{
  const WatchOptions *options;  /* borrowed */
  WatchTerminal terminal;
  GPtrArray *rows;
  gboolean fatal;               /* something that --fail-on names was seen */
} WatchReport;

void watch_report_init (WatchReport * self, const WatchOptions * options);
void watch_report_clear (WatchReport * self);

/* Of an element that judges. */
void watch_report_message (WatchReport * self, const gchar * label,
    const GstStructure * s);

/* kind: error, warning, info; details may be NULL, and has lines. */
void watch_report_problem (WatchReport * self, const gchar * label,
    const gchar * kind, const gchar * text, const gchar * details);
/* The input isn't judged, and the exit status tells. */
void watch_report_broken (WatchReport * self, const gchar * label);
/* It is nothing that is judged: a line with --verbose. */
void watch_report_skipped (WatchReport * self, const gchar * label,
    const gchar * why);

/* The table, and the exit status of what ran. */
gint watch_report_finish (WatchReport * self);

G_END_DECLS
