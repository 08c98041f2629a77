/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The frame in front of an MP3 file that says how much of its start isn't to be heard,
 * as LAME writes it and decoders know it.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* frames: GstBuffers, of which the first lead are there only so that the next ones can
 * be decoded. The file goes from *first on, as that many can be hidden at most: four of
 * MPEG-1, eight of MPEG-2. Transfer full, or NULL: none can be, as they aren't a frame
 * of MP3 each. */
GstBuffer *identifai_mp3_info_make (GPtrArray * frames, guint lead,
    guint * first);

G_END_DECLS
