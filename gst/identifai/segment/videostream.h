/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The video stream of the segmenter: makes frames with running times of
 * buffers, and tells whether they follow each other.
 */

#pragma once

#include "builder.h"
#include "segmenter.h"

G_BEGIN_DECLS

typedef struct _IdentifaiVideo IdentifaiVideo;

typedef enum
{
  IDENTIFAI_LINK_FOLLOWS,
  IDENTIFAI_LINK_MOVES,         /* follows, but the frames before have wrong times */
  IDENTIFAI_LINK_BREAKS,        /* needs nothing of what came before */
} IdentifaiLink;

IdentifaiVideo *identifai_video_new (void);
void identifai_video_free (IdentifaiVideo * self);

/* Borrowed; NULL: none yet. */
GstCaps *identifai_video_get_caps (IdentifaiVideo * self);
gboolean identifai_video_needs_new_file (IdentifaiVideo * self,
    const GstCaps * caps);
void identifai_video_set_caps (IdentifaiVideo * self, GstCaps * caps);
void identifai_video_set_segment (IdentifaiVideo * self,
    const GstSegment * segment);

/* There is nothing to show meanwhile. */
void identifai_video_gap (IdentifaiVideo * self, GstClockTime timestamp,
    GstClockTime duration);

/* Takes over the buffer. NULL: it is no frame that can be used. shift: what has
 * to be added to the times of frames before this one. */
IdentifaiFrame *identifai_video_read (IdentifaiVideo * self,
    GstBuffer * buffer, const IdentifaiArrival * arrival,
    IdentifaiLink * link, gint64 * shift);

/* Takes over a frame that was read; _pop gives those of which all times are
 * known, in decoding order, or NULL. */
void identifai_video_push (IdentifaiVideo * self, IdentifaiFrame * frame);
IdentifaiFrame *identifai_video_pop (IdentifaiVideo * self);

/* Completes the first frame of a file. */
void identifai_video_sign (IdentifaiVideo * self, IdentifaiFrame * frame);

/* What follows, if anything, has nothing to do with the frames here: all can be
 * popped. */
void identifai_video_drain (IdentifaiVideo * self);

/* The next frame is of another stream than those before; all are popped. */
/* The stream is over. end: of its last frame, or NO_TIME. */
void identifai_video_end (IdentifaiVideo * self, gint64 end);
void identifai_video_restart (IdentifaiVideo * self);

/* Forgets frames and segment, but not the caps; all of it. */
void identifai_video_flush (IdentifaiVideo * self);
void identifai_video_reset (IdentifaiVideo * self);

/* What came since reset, and what of it could not be used. */
void identifai_video_get_stats (IdentifaiVideo * self,
    IdentifaiSegmenterStats * stats);

/* TRUE as long as there is something. */
gboolean identifai_video_take_news (IdentifaiVideo * self,
    IdentifaiNews * news);

G_END_DECLS
