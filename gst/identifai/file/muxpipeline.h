/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file by one muxer, in a small private pipeline that lives for it.
 */

#pragma once

#include <gio/gio.h>
#include "segment.h"

G_BEGIN_DECLS

/* name, number: of the element and the segment, for the log. fragments: of a muxer that
 * can write them (mp4mux): its file is a movie without frames, and fragments. tracks: of IdentifaiTrack, video
 * first, borrowed. lead: how much the first picture is shown after its leading ones, or
 * before the first that isn't hidden; the sound goes with it. Blocks as
 * identifai_muxer_run() does, and has its errors. Returns the file and its caps, or
 * NULL. */
IdentifaiMemoryFile *identifai_mux_pipeline_run (const gchar * name,
    guint number, const gchar * factory, gboolean fragments, GPtrArray * tracks,
    GstClockTimeDiff lead, guint64 max_bytes, GCancellable * cancellable,
    GstCaps ** caps, GError ** error);

/* For the tests: how long a muxer may stand still, in ms, instead of half a minute;
 * it may not take longer to stop, either (or 2 s). */
void identifai_mux_pipeline_set_patience (guint patience);

G_END_DECLS
