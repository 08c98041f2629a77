/* identifai-moderate: a pipeline for a URI: what is needed between it and what judges
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * urisourcebin reads it, parsebin takes it apart, and its streams go to the judging
 * element as they are. Only what that, or a gate's output, doesn't take is encoded anew.
 */

#pragma once

#include "config.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* As mod_pipeline_new(), of a stream that has uri=. */
GstElement *mod_source_pipeline_new (const ModStreamConfig * config,
    GstElement ** judge, GError ** error);

G_END_DECLS
