/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "overhead.h"

/* What containers add, see identifai_container_overhead(). MP4: stts, ctts, stsz,
 * stss, stsc and co64 entries of a sample; Matroska: a block group, a cluster
 * and a cue of a key frame. */
#define OVERHEAD_FILE 4096
#define OVERHEAD_TRACK 8192     /* codec headers, of Vorbis the longest */
#define OVERHEAD_BUFFER 96

guint64
identifai_container_overhead (guint n_tracks, guint n_buffers, guint64 payload)
{
  return OVERHEAD_FILE + (guint64) n_tracks *OVERHEAD_TRACK +
      (guint64) n_buffers *OVERHEAD_BUFFER;
}
