/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A look at what is in front of the element: which video nobody took.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The video upstream of the sink's pads that is linked to nothing, and what to do
 * about it, for people; else what to do where there is no video. Owned by the
 * caller. Takes object locks only, so it may be called on any thread, but under no
 * lock of the element. */
gchar *gst_identifai_upstream_advise (GstElement * sink);

G_END_DECLS
