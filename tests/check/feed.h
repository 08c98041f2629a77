/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Encoded clips, and pads that feed them to the element frame by frame, where a
 * test has to say exactly what comes when. Also what was sent, decoded.
 */

#pragma once

#include "faultserver.h"
#include "sinkutil.h"

G_BEGIN_DECLS

/* A checked fixture: a server that judges all, its address, and a folder. */
extern FaultServer *feed_server;
extern gchar *feed_url, *feed_folder;
void feed_set_up (void);
void feed_tear_down (void);

/* Encoded frames, all with PTS and duration. */
typedef struct
{
  GstCaps *caps;
  GPtrArray *buffers;           /* of GstBuffer */
} Clip;

/* description: a source and an encoder, to EOS. */
Clip *clip_new (const gchar * description);
/* 64x48 pixels, 25 frames a second from 0, a key frame each gop frames. */
Clip *clip_new_h264 (guint n_frames, guint gop);
/* Mono, 44100 Hz; frames of 1024 samples. */
Clip *clip_new_aac (guint n_frames);
void clip_free (Clip * clip);

/* Of the frames in [from, to). */
guint64 clip_count_bytes (Clip * clip, guint from, guint to);

/* A pad that the test pushes into. */
typedef struct
{
  GstPad *pad;                  /* a source pad without an element */
  GstElement *sink;             /* borrowed */
  gboolean live;                /* answer to the latency query */
  GstClockTime duration;        /* to the duration query; 0: unknown */

  GMutex lock;
  GCond cond;                   /* a thread went on */
  GArray *requests;             /* of GstClockTime: key frames asked for */

  /* The thread, if one was started. */
  GThread *thread;
  Clip *clip;
  guint from, to, pushed;
  guint burst;                  /* that many frames come at once, the others then
                                 * in real time; set before feed_start() */
  gboolean eos;
  gboolean done;
  GstFlowReturn flow;
} Feed;

/* Linked to the element's pad of that name, which is requested if it isn't
 * "sink". Sends stream-start, caps (if any) and a segment from 0 (segment NULL). */
Feed *feed_new (SinkRun * run, const gchar * pad_name, GstCaps * caps,
    const GstSegment * segment, gboolean live);
/* The same for another element than the run's sink. */
Feed *feed_new_to (GstElement * sink, const gchar * pad_name, GstCaps * caps,
    const GstSegment * segment, gboolean live);
/* Unlinks; a requested pad is released if it is still there. */
void feed_free (Feed * feed);

/* The clip's frames in [from, to), times moved by offset. Stops where it isn't
 * OK, which is returned. */
GstFlowReturn feed_push (Feed * feed, Clip * clip, guint from, guint to,
    GstClockTimeDiff offset);
gboolean feed_event (Feed * feed, GstEvent * event);
/* Start and stop, and a new segment. */
void feed_flush (Feed * feed, const GstSegment * segment);

/* The same in a thread of its own, all at once unless burst is set, with EOS afterwards if it is wanted. */
void feed_start (Feed * feed, Clip * clip, guint from, guint to, gboolean eos);
/* Waits until the thread has pushed so many frames since feed_start(). */
void feed_wait (Feed * feed, guint pushed);
guint feed_get_pushed (Feed * feed);
gboolean feed_is_done (Feed * feed);
/* Waits for the thread's end. */
GstFlowReturn feed_join (Feed * feed);

/* nth from 0; fails if there is none. */
GstClockTime feed_get_request (Feed * feed, guint nth);
guint feed_count_requests (Feed * feed);

/* The file of the nth (from 0) submit call that the server got. */
GBytes *feed_get_file (FaultServer * server, guint nth);
/* Decodes files with ffmpeg, which must not complain, and returns how many frames
 * all streams of the kind ("v", "a") have. The second one: the first n_files that
 * the server got. */
guint feed_decode_paths (const gchar * const *paths, const gchar * stream);
guint feed_decode (FaultServer * server, guint n_files, const gchar * stream);

G_END_DECLS
