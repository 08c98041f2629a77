/* identifai-watch: one input: its pipeline, from being looked into to its end
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "inputs.h"
#include "options.h"
#include "report.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _WatchJob WatchJob;

/* In the main context, once for each job that was started, and not from within a call. */
typedef void (*WatchJobEnded) (WatchJob * job, gpointer user_data);

/* All is borrowed, and outlives it, also where something of it is left. */
WatchJob *watch_job_new (const WatchInput * input, const WatchOptions * options,
    WatchReport * report, WatchJobEnded ended, gpointer user_data);
void watch_job_free (WatchJob * job);

/* FALSE, and told, if it can't begin: what is no pipeline. */
gboolean watch_job_start (WatchJob * job);
/* Ends its stream, and waits for verdicts. */
void watch_job_end (WatchJob * job);
/* At once. Again: what takes its time to stop is left behind a moment later. */
void watch_job_stop (WatchJob * job);

gboolean watch_job_is_refused (WatchJob * job);
/* Once it has ended: a thread of it may still run, as it waits for something that can't
 * be interrupted. */
gboolean watch_job_is_left (WatchJob * job);

/* How it stands, for a terminal; NULL: there is nothing to tell. */
gchar *watch_job_describe (WatchJob * job);

G_END_DECLS
