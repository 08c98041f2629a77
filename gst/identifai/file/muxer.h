/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns the tracks of a closed segment into a file in memory, with GStreamer's
 * muxers and parsers in a small private pipeline that lives for one file.
 */

#pragma once

#include <gio/gio.h>
#include "segment.h"

G_BEGIN_DECLS

/* Replaces the tracks of segment by its file, content_type and extension. muxer
 * is a factory name or "auto", see muxerchoice.h. Sound that no muxer takes
 * beside the video, or that none can be made a file with, is left out (see
 * identifai_segment_leave_out).
 * Blocks the calling worker thread; cancellable ends it within 100 ms, or 2 s if
 * the muxer doesn't stop, which is left behind then with a thread. FALSE
 * with error (and the segment not failed yet) if no file came out, as
 * G_IO_ERROR_TIMED_OUT if nothing went into the muxer or came out of it for half
 * a minute, or, as G_IO_ERROR_MESSAGE_TOO_LARGE, if it is larger than
 * max_bytes. */
gboolean identifai_muxer_run (const gchar * muxer, IdentifaiSegment * segment,
    guint64 max_bytes, GCancellable * cancellable, GError ** error);

G_END_DECLS
