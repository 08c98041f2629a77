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

typedef struct _IdentifaiVideoStream IdentifaiVideoStream;

typedef enum
{
  IDENTIFAI_VIDEO_LINK_FOLLOWS,
  IDENTIFAI_VIDEO_LINK_MOVES,         /* follows, but the frames before have wrong times */
  IDENTIFAI_VIDEO_LINK_BREAKS,        /* needs nothing of what came before */
  IDENTIFAI_VIDEO_LINK_HEADERS,       /* no frame, but what the next one may need */
  IDENTIFAI_VIDEO_LINK_UNUSABLE,      /* no frame */
} IdentifaiVideoLink;

IdentifaiVideoStream *identifai_video_stream_new (void);
void identifai_video_stream_free (IdentifaiVideoStream * self);

/* Of the element, for the log. */
void identifai_video_stream_set_name (IdentifaiVideoStream * self,
    const gchar * name);

/* Borrowed; NULL: none yet. */
GstCaps *identifai_video_stream_get_caps (IdentifaiVideoStream * self);
gboolean identifai_video_stream_needs_new_file (IdentifaiVideoStream * self,
    const GstCaps * caps);
void identifai_video_stream_set_caps (IdentifaiVideoStream * self, GstCaps * caps);
void identifai_video_stream_set_segment (IdentifaiVideoStream * self,
    const GstSegment * segment);

/* There is nothing to show meanwhile. */
void identifai_video_stream_gap (IdentifaiVideoStream * self, GstClockTime timestamp,
    GstClockTime duration);

/* Takes over the buffer. NULL: it is no frame that can be used, see link. shift: what has
 * to be added to the times of frames before this one. */
IdentifaiFrame *identifai_video_stream_read (IdentifaiVideoStream * self,
    GstBuffer * buffer, const IdentifaiCaptureTime * arrival,
    IdentifaiVideoLink * link, gint64 * shift);

/* By how much upstream set times back in front of it, which was made up for; 0: it
 * didn't. Once. */
gint64 identifai_video_stream_take_rebase (IdentifaiVideoStream * self);

/* By how much its times are later than upstream's, now: never less than 0. */
gint64 identifai_video_stream_get_rebase (IdentifaiVideoStream * self);

/* Takes over a frame that was read; _pop gives those of which all times are
 * known, in decoding order, or NULL. */
void identifai_video_stream_push (IdentifaiVideoStream * self, IdentifaiFrame * frame);
IdentifaiFrame *identifai_video_stream_pop (IdentifaiVideoStream * self);

/* Completes the first frame of a file. */
void identifai_video_stream_sign (IdentifaiVideoStream * self, IdentifaiFrame * frame);

/* What follows, if anything, has nothing to do with the frames here: all can be
 * popped. */
void identifai_video_stream_drain (IdentifaiVideoStream * self);

/* The next frame is of another stream than those before; all are popped. */
/* The stream is over. end: of its last frame, or NO_TIME. */
void identifai_video_stream_end (IdentifaiVideoStream * self, gint64 end);
void identifai_video_stream_restart (IdentifaiVideoStream * self);

/* Forgets frames and segment, but not the caps; all of it. */
void identifai_video_stream_flush (IdentifaiVideoStream * self);
void identifai_video_stream_reset (IdentifaiVideoStream * self);

/* What came since reset, and what of it could not be used. */
void identifai_video_stream_get_stats (IdentifaiVideoStream * self,
    IdentifaiSegmenterStats * stats);

/* TRUE as long as there is something. */
gboolean identifai_video_stream_take_news (IdentifaiVideoStream * self,
    IdentifaiNews * news);

G_END_DECLS
