/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What mp4mux can't be told: which of a track's pictures are shown. It lets the
 * edit list start with the first picture in decoding order, which hides the
 * leading pictures of that one, and end with the last one shown. And that an
 * "mp4v" track has MPEG-1 or -2 video.
 */

#pragma once

#include "memoryfile.h"

G_BEGIN_DECLS

/* name: the element's, for the log, as of all below. Rewrites the edit list of the video track: it starts lead earlier (or later) and, if
 * shown is not GST_CLOCK_TIME_NONE, lasts that long. The size of the file
 * stays. FALSE: the file is not as expected, and was left alone. */
gboolean identifai_mp4_edit (const gchar * name, IdentifaiMemoryFile * file,
    GstClockTimeDiff lead, GstClockTime shown);

/* The sound track, of a file that has no video, is heard so much later than it
 * starts. FALSE as above. */
gboolean identifai_mp4_hide_sound (const gchar * name,
    IdentifaiMemoryFile * file, GstClockTime time);

/* mp4mux writes the bytes of descriptors' lengths of 128 and more in the wrong
 * order (1.22), and no player opens the file: of MPEG video with quantiser
 * matrices of its own, as broadcasters have. Does nothing where they are right. */
void identifai_mp4_mend_lengths (const gchar * name,
    IdentifaiMemoryFile * file);

/* Sets the display matrix of the video track. orientation: as in
 * GST_TAG_IMAGE_ORIENTATION. FALSE as above, or there is no such orientation. */
gboolean identifai_mp4_orient (const gchar * name, IdentifaiMemoryFile * file,
    const gchar * orientation);

/* Says that the video track, which mp4mux took for MPEG-4 part 2, is MPEG-2; FALSE
 * as above. That is said of MPEG-1, too, which every MPEG-2 decoder has to decode
 * (ISO/IEC 13818-2, 8): FFmpeg's demuxer splits frames of what is called MPEG-1
 * anew, and hides others than the edit list says. */
gboolean identifai_mp4_call_mpeg2 (const gchar * name,
    IdentifaiMemoryFile * file);

G_END_DECLS
