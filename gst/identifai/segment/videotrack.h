/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The video track of a closed segment. It is made where the file is, on the mux
 * worker's thread: what a streaming thread does at the end of a segment doesn't
 * grow with it.
 */

#pragma once

#include "framereader.h"
#include "segment.h"

G_BEGIN_DECLS

/* Makes the buffers of the first track of segment->pictures, and lets go of those. */
void identifai_video_track_make (IdentifaiSegment * segment);

/* A buffer of that track, of a frame that stays as it is. */
GstBuffer *identifai_video_track_copy (const IdentifaiFrame * frame);

G_END_DECLS
