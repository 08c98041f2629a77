/* Examples: the end of a pipeline in which something may be blocked
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Whether element is one of the plugin's, which judges. */
gboolean pipeline_element_judges (GstElement * element);

/* Sends EOS to each source. Returns at once. */
void pipeline_end_streams (GstElement * pipeline);

/* Not once it was stopped: worker threads may get there in another order than they were
 * started. FAILURE then. */
GstStateChangeReturn pipeline_set_state (GstElement * pipeline, GstState state);

/* To NULL, for good. On a thread of its own, with a bound: an element that waits for what doesn't
 * come (a disk, a device) keeps this from returning. What judges is stopped first, so its
 * outcomes are on the bus then; the bus mustn't flush itself
 * (gst_pipeline_set_auto_flush_bus()). */
void pipeline_stop (GstElement * pipeline);

G_END_DECLS
