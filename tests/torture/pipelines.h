/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pipelines that are tortured.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

extern const gchar *const pipeline_names[];     /* ends in NULL */

/* Each element of the plugin in it, as a GValue. */
void pipeline_for_each_judge (GstElement * pipeline,
    GstIteratorForeachFunction act, gpointer user_data);

/* The clip of all of them, in folder. */
void pipeline_make_clip (const gchar * folder);

/* With settings for the service at that URL, and a key file in folder. */
GstElement *pipeline_new (const gchar * name, const gchar * folder,
    const gchar * url);
/* Pushes what the pipeline doesn't read itself. */
void pipeline_feed (GstElement * pipeline, const gchar * folder);

G_END_DECLS
