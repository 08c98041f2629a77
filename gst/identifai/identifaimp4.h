/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What mp4mux can't be told: which of a track's pictures are shown. It lets the
 * edit list start with the first picture in decoding order, which hides the
 * leading pictures of that one, and end with the last one shown.
 */

#pragma once

#include "identifaibytes.h"

G_BEGIN_DECLS

/* Rewrites the edit list of the video track: it starts lead earlier and, if
 * shown is not GST_CLOCK_TIME_NONE, lasts that long. The size of the file
 * stays. FALSE: the file is not as expected, and was left alone. */
gboolean identifai_mp4_edit (IdentifaiBytes * file, GstClockTime lead,
    GstClockTime shown);

G_END_DECLS
