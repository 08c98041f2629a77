/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What holds whatever fails: every segment is announced once and has one outcome
 * afterwards, and an element's stats add up. What doesn't ends the process.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _Laws Laws;

/* Looks at all messages of the pipeline. */
Laws *laws_new (GstElement * pipeline);
void laws_free (Laws * self);

/* Waits for EOS or an error; what else is posted is looked at, too. FALSE: neither
 * came in time. */
gboolean laws_wait (Laws * self, GstClockTime timeout);
/* Once the pipeline has stopped: there is nothing that has no outcome. */
void laws_check_end (Laws * self);
/* A line with what was counted. */
gchar *laws_describe (Laws * self);

G_END_DECLS
