/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When a buffer came, and what time of day it shows.
 */

#pragma once

#include "segmenter.h"

G_BEGIN_DECLS

/* buffer may be NULL, and segment then. UTC is, in this order: a reference timestamp of the
 * buffer (rtspsrc can add them), the wall clock less the buffer's age on the
 * pipeline's clock if upstream runs in real time, the wall clock. */
void gst_identifai_capture_time_read (GstElement * element,
    const GstSegment * segment, GstBuffer * buffer, gboolean live,
    IdentifaiCaptureTime * arrival);

G_END_DECLS
