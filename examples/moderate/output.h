/* identifai-moderate: what leaves a gate: RTMP, SRT, UDP
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A muxer and a sink for one address; the gate's pads are linked when they are known.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The muxer, in pipeline, its sink behind it; borrowed. */
GstElement *mod_output_new (GstElement * pipeline, const gchar * uri,
    GError ** error);

/* Whether it takes such a stream, whatever its framing: a parser sees to that. */
gboolean mod_output_takes (GstElement * mux, GstCaps * caps);

/* Links the gate's pad of that name with the muxer. caps: what leaves; NULL: what was
 * encoded anew for it, which fits. Any thread. */
void mod_output_link (GstElement * pipeline, GstElement * gate,
    const gchar * pad, GstElement * mux, GstCaps * caps);

G_END_DECLS
