/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests of the segmenter without an element: it gets frames that are hardly
 * more than their first bytes.
 */

#pragma once

#include "segmenter.h"
#include "videotrack.h"

#include <gst/check/gstcheck.h>

G_BEGIN_DECLS

#define FRAME (100 * GST_MSECOND)       /* of the streams below */
#define SMALL 100               /* bytes of a frame */
#define BIG 10000
#define PLENTY (50 * 1000 * 1000)
#define VP8 "video/x-vp8, width = 320, height = 240, framerate = 10/1"
#define AVC "video/x-h264, stream-format = avc, alignment = au, width = 320, " \
    "height = 240, codec_data = (buffer) 0164001fffe1000467640bac01000368ee3c"
#define HVC "video/x-h265, stream-format = hvc1, alignment = au, width = 320," \
    " height = 240, codec_data = (buffer) 010160000000900000000000" \
    "5df000fcfdf8f800000f03"
#define MPEG4 "video/mpeg, mpegversion = 4, systemstream = false, " \
    "width = 320, height = 240, framerate = 10/1, codec_data = (buffer) 00000120"
#define OPUS "audio/x-opus, channel-mapping-family = 0, channels = 2, " \
    "rate = 48000"

typedef struct
{
  IdentifaiSegmenter *segmenter;
  guint opened;
  guint next;                   /* number at least */
  gint64 monotonic;             /* µs */
  gboolean live;
  guint64 ids;                  /* given to buffers so far; 0: they get none */
  GString *log;                 /* of the segments that closed: in ms, and frames,
                                 * "0-300:3 300-600:3!~1"; "!" a failure, "~" so
                                 * many losses */
} SegmenterRun;

/* Segments of 300 ms of video of these caps, from 0. */
void run_init (SegmenterRun * run, const gchar * caps);
/* The same of VP8, with an audio stream, whose number is returned. */
guint run_init_with_audio (SegmenterRun * run);
void run_clear (SegmenterRun * run);

/* max_bytes: 0 = plenty. */
void run_configure (SegmenterRun * run, guint duration_ms, guint interval_ms,
    guint64 max_bytes);
gboolean run_set_caps (SegmenterRun * run, guint stream, const gchar * text);
void run_set_segment (SegmenterRun * run, guint stream, GstClockTime start,
    GstClockTime base);

/* At least n bytes, which start so, of FRAME's length. */
GstBuffer *make_buffer (const guint8 * start, gsize n, gsize size,
    GstClockTime pts);
GstBuffer *make_vp8 (gboolean key, gsize size, GstClockTime pts);
/* Of AVC or HVC: I closed point, O open point, R leading but decodable, r leading
 * and not, else another one; shown at the n-th place. */
GstBuffer *make_unit (gboolean h265, gchar type, gint place);

void run_push (SegmenterRun * run, guint stream, GstBuffer * buffer);
/* Buffers of 20 ms. */
void run_push_audio (SegmenterRun * run, guint stream, guint from_ms,
    guint to_ms);
/* Each third frame is a key frame. */
void run_push_video (SegmenterRun * run, guint from, guint to);
/* EOS of the video; collects all. */
void run_finish (SegmenterRun * run);

/* With the buffers of its video, as the muxer makes them. */
IdentifaiSegment *pop_whole (IdentifaiSegmenter * segmenter, gint64 now);

/* The next one that can go now, or NULL; they come in the order of their
 * numbers. */
IdentifaiSegment *run_pop (SegmenterRun * run, gint64 now);
void run_log (SegmenterRun * run, IdentifaiSegment * segment);
/* Logs all that can go. */
void run_collect (SegmenterRun * run);
/* Number and first time (ms) of the audio buffers of the next segment; -1: there
 * is no segment. */
gint run_pop_audio (SegmenterRun * run, gint64 now, guint track,
    guint * start);

G_END_DECLS
