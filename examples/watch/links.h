/* identifai-watch: why streams don't reach what judges them, and what to do
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* lines: strings are appended. Of streams beside an element that nothing came to. */
void watch_links_explain (GstElement * pipeline, GPtrArray * lines);

/* Of a pipeline that can't be built. NULL: nothing to add. */
const gchar *watch_links_explain_error (const GError * error);

/* element has no more pads: links what it has to an element that judges and has only sound
 * of it yet, if that takes it. Any thread. */
void watch_links_complete (GstElement * pipeline, GstElement * element);

/* How many streams have come to the elements that judge. */
guint watch_links_count_streams (GstElement * pipeline);

/* Elements that judge: how many, and all of them. */
guint watch_links_count_judges (GstElement * pipeline);
void watch_links_for_each_judge (GstElement * pipeline,
    void (*act) (GstElement *, gpointer), gpointer user_data);

/* Calls back, on a streaming thread, when a source has no more pads, or all of it was
 * read; elements that come later count, too. */
void watch_links_follow (GstElement * pipeline, void (*callback) (GstElement *,
        gpointer), gpointer user_data);

G_END_DECLS
