/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the video stream share: videostream.c makes frames of buffers,
 * discont.c says how each follows the one before.
 */

#pragma once

#include "videostream.h"

#include "flaws.h"
#include "mpegtimestamper.h"
#include "missingtimes.h"
#include "pauses.h"
#include "runningtime.h"

G_BEGIN_DECLS

#define USUAL_LENGTH (40 * (gint64) GST_MSECOND)

struct _IdentifaiVideoStream
{
  gchar *name;                  /* of the element, for the log; or NULL */
  GstCaps *caps;                /* or NULL */
  GstCaps *sized;               /* the same, of another size; or NULL */
  guint width, height;          /* as the latest key frame says; 0 unknown */
  IdentifaiFrameReader *reader; /* of caps */
  IdentifaiFrameBlock *frames;  /* the next ones; or NULL */
  IdentifaiMpegTimestamper *reorder;    /* of caps */
  gint64 frame_duration;        /* by the caps; NO_TIME = unknown */

  GstSegment segment;
  gint64 short_by;              /* it ended so much early, to be told; or 0 */
  gboolean segment_changed;     /* since the last frame */
  gboolean lossy;               /* a DISCONT since the last frame */
  gint64 rebase;                /* added to running times, as upstream set them
                                 * back for no reason */
  IdentifaiDisplayOrder last_order;     /* of the last frame */
  gint64 rebased;               /* by so much with the latest frame; or 0 */
  gint64 shift;                 /* by which that moved running times */
  GstClockTime first_timestamp; /* of the first frame of the segment; NONE */
  GstClockTime last_timestamp;  /* of the last frame, PTS or DTS; NONE */

  IdentifaiMissingTimes stamper;        /* of the frames so far */
  IdentifaiPauses pauses;       /* the same */
  IdentifaiFlaws flaws;
  GstClockTime last_buffer;     /* as last_timestamp, of any buffer */
  guint64 n_buffers, n_bytes;   /* came */
  guint64 unusable;             /* pictures */
};

static inline GstClockTime
get_timestamp (GstBuffer * buffer)
{
  GstClockTime time = GST_BUFFER_PTS (buffer);

  if (time >= IDENTIFAI_MAX_TIMESTAMP)
    time = GST_BUFFER_DTS (buffer);

  return time < IDENTIFAI_MAX_TIMESTAMP ? time : GST_CLOCK_TIME_NONE;
}

/* Also the stream time, which upstream got wrong, too. */
static inline void
move_frame (IdentifaiFrame * frame, gint64 shift)
{
  identifai_frame_shift (frame, shift);
  if (GST_CLOCK_TIME_IS_VALID (frame->stream_time)
      && (shift >= 0 || (guint64) - shift < frame->stream_time))
    frame->stream_time += shift;
}

/* discont.c */

/* A step back that nothing explains, and that is small or where pictures go on
 * counting: the frame is moved to follow the one before. What comes late afterwards
 * makes up for it. */
void identifai_discont_make_up (IdentifaiVideoStream * self,
    IdentifaiFrame * frame);
/* Whether it follows what was before, as far as times, DISCONT and a new segment tell:
 * a loss is no break. */
IdentifaiVideoLink identifai_discont_find_link (IdentifaiVideoStream * self,
    const IdentifaiFrame * frame);

G_END_DECLS
