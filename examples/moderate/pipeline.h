/* identifai-moderate: a stream's pipeline, made from its section
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "config.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* In state NULL, its settings applied; judge is borrowed from it. problems may be NULL,
 * as they were found before: then the settings are only set. */
GstElement *mod_pipeline_new (const ModStreamConfig * config,
    GstElement ** judge, ModProblems * problems, GError ** error);

/* Whose results a judging element can ask for, as far as can be known: its endpoint and
 * its key file. Free it. */
gchar *mod_pipeline_get_account (GstElement * judge);

/* How many uploads a minute its segments make, as it is set; 0: that isn't known. */
gdouble mod_pipeline_get_uploads (GstElement * judge);

/* Builds the pipeline of each stream, with start lets what judges start for a moment, and throws
 * both away: what can be known of a file without a source. No thread is left. */
void mod_pipelines_check (const ModConfig * config, gboolean start,
    ModProblems * problems);

G_END_DECLS
