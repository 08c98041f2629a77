/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A fragmented MP4 (ISO/IEC 14496-12, 8.8) that is complete up to wherever it is
 * written, put together of the files that mp4mux, told to write fragments, makes of a
 * stretch of frames each: the first one's movie, and everyone's fragments, with the
 * times and numbers that they have in the whole. Their media is referred to, not
 * copied.
 */

#pragma once

#include "memoryfile.h"

G_BEGIN_DECLS

#define IDENTIFAI_MP4_MAX_TRACKS 8

/* What is known of the whole so far. */
typedef struct
{
  const gchar *name;            /* the element's, for the log; borrowed */
  guint n_tracks;
  guint32 timescales[IDENTIFAI_MP4_MAX_TRACKS];
  guint32 sequence;             /* number of the latest fragment */
} IdentifaiMp4Fragments;

/* What the file of a stretch has of a track of the whole, in the order of its own
 * tracks. */
typedef struct
{
  guint track;                  /* from 0 */
  GstClockTime start;           /* when its first is decoded, since the whole's
                                 * origin */
} IdentifaiMp4Stretch;

/* Of the first one: what comes before its fragments, to be shown and heard from that
 * long after the origin on. NULL: it isn't as expected. */
IdentifaiMemoryFile *identifai_mp4_fragments_begin (IdentifaiMp4Fragments *
    self, const gchar * name, IdentifaiMemoryFile * first,
    GstClockTime shown_from);
/* Its fragments; NULL as above. */
IdentifaiMemoryFile *identifai_mp4_fragments_add (IdentifaiMp4Fragments * self,
    IdentifaiMemoryFile * file, const IdentifaiMp4Stretch * stretches,
    guint n_stretches);

G_END_DECLS
