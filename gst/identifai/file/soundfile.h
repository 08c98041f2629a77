/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sound alone, in files of the kinds that the service takes as speech: MP3, WAV, OGG,
 * FLAC, M4A, 3GP. Raw sound becomes FLAC.
 */

#pragma once

#include <gio/gio.h>
#include "segment.h"

G_BEGIN_DECLS

/* FALSE with error, which says what to do: no file can be made of it. name: of the
 * element, for the log. */
gboolean identifai_sound_file_check_caps (const gchar * name,
    GstCaps * caps, GError ** error);

/* As identifai_muxer_run(): replaces the track of segment, which is the only one, by
 * its file. The buffers in front that are the segment before's aren't heard, as far as
 * the file can say so. */
gboolean identifai_sound_file_run (IdentifaiSegment * segment,
    guint64 max_bytes, GCancellable * cancellable, GError ** error);

G_END_DECLS
