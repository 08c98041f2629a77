/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A gate with a slate, and what left it.
 */

#pragma once

#include "feed.h"

G_BEGIN_DECLS

#define SLATE_GOP 5
#define SLATE_FRAMES 200
#define SLATE_FRAME (40 * GST_MSECOND)
#define SLATE_WIDTH 96          /* the stream's is 64 */
#define SLATE_OUT " ! fakesink name=out sync=false async=false"
#define SLATE_ENCODE(size, options) " ! video/x-raw,framerate=25/1," size \
    " ! x264enc speed-preset=ultrafast threads=1 " options " ! h264parse ! "
#define SLATE_SIZE "width=96,height=64"
#define SLATE_AVC "video/x-h264,stream-format=avc,alignment=au"
#define SLATE_BYTES "video/x-h264,stream-format=byte-stream,alignment=au"
#define SLATE_NO_B "bframes=0 tune=zerolatency key-int-max=5 " \
    "option-string=scenecut=0"
#define SLATE_WITH_B "bframes=2 b-adapt=false key-int-max=5 " \
    "option-string=scenecut=0"
/* The stream, and a slate of a second. */
#define SLATE_CLIP(options, caps) "videotestsrc num-buffers=200" \
    SLATE_ENCODE ("width=64,height=48", options) caps
#define SLATE_FILE "videotestsrc num-buffers=25" \
    SLATE_ENCODE (SLATE_SIZE, SLATE_WITH_B) "mp4mux"

/* A buffer that left; times are running times, in ns. */
typedef struct
{
  GstBuffer *buffer;
  gint width;
  GstClockTimeDiff dts, pts;
} SlateOut;

typedef struct
{
  FaultServer *server;
  SinkRun *run;
  Clip *clip;
  Feed *feed;
  gchar *folder;

  GMutex lock;
  GArray *outs;                 /* of SlateOut: the video's */
  gint width;                   /* of the latest caps */
  GstSegment segment;
  guint n_caps;
} SlateGate;

typedef struct
{
  gboolean passed[SLATE_FRAMES];
  guint slates[SLATE_FRAMES + 1];     /* shown behind so many frames of the stream */
  guint n_slates;
  guint n_edges;
} SlateSeen;

/* What leaves by audio_src_0. */
typedef struct
{
  GstPad *pad;
  GMutex lock;
  GArray *outs;                 /* of SlateOut: width is the channels */
  gint channels;
  GstSegment segment;
  gboolean eos;
  guint n_gaps;
} SlateSound;

/* encode: makes the clip; rest: what follows the gate. */
void slate_gate_init (SlateGate * gate, const gchar * verdicts,
    const gchar * properties, const gchar * encode, const gchar * rest);
/* A file, or a live source. */
void slate_gate_start (SlateGate * gate, gboolean live);
/* Both: a live stream that is open to all, and a slate of a second. */
void slate_gate_open_live (SlateGate * gate, const gchar * properties);
void slate_gate_clear (SlateGate * gate);
/* A clip whose first decoding times are at 0. */
Clip *slate_clip_new (const gchar * description);
/* Sets the slate to a new file. */
void slate_gate_set_slate (SlateGate * gate, const gchar * description,
    const gchar * name);

void slate_gate_push (SlateGate * gate, guint from, guint to);
/* On a thread, at their pace. */
void slate_gate_play (SlateGate * gate, guint from, guint to);
/* EOS, and waits for it at the other end. */
void slate_gate_finish (SlateGate * gate);
void slate_gate_set_force (SlateGate * gate, const gchar * force);

/* What left: of the slate, or of the stream. */
guint slate_gate_count (SlateGate * gate, gboolean slate);
void slate_gate_wait_for (SlateGate * gate, gboolean slate, guint n);
SlateOut *slate_gate_get_first (SlateGate * gate, gboolean slate);
/* All of it is as it has to be: bit for bit, in order, later and later, edges at key
 * frames. */
void slate_gate_look (SlateGate * gate, SlateSeen * seen, const gchar * name);
/* By groups: P all its frames passed, S none did and the slate was shown in the hole,
 * - it wasn't, ? else. */
void slate_check_groups (const SlateSeen * seen, const gchar * expected,
    const gchar * name);
/* identifai-gate messages, "state/reason ..."; waits for them. */
void slate_gate_check_messages (SlateGate * gate, const gchar * expected);
GstClockTime slate_gate_get_latency (SlateGate * gate);

void slate_sound_init (SlateSound * sound, SlateGate * gate);
void slate_sound_clear (SlateSound * sound);
/* For its EOS. */
void slate_sound_wait (SlateSound * sound);

G_END_DECLS
