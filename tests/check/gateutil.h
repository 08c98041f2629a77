/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A gate that a clip of 2 s goes through, of which each group of pictures is a
 * segment, with a service whose verdicts the test gives.
 */

#pragma once

#include "feed.h"

G_BEGIN_DECLS

#define GATE_GOP 5
#define GATE_FRAMES 50
#define GATE_SEGMENTS (GATE_FRAMES / GATE_GOP)
#define GATE_FRAME (40 * GST_MSECOND)

typedef struct
{
  FaultServer *server;
  SinkRun *run;
  Clip *clip;
  Feed *feed;

  GMutex lock;
  GArray *outs;                 /* of GateOut: the video's */
  gint64 came[GATE_FRAMES];     /* monotonic µs */
} Gate;

/* What left by a pad. */
typedef struct
{
  GstBuffer *buffer;            /* or NULL */
  GstEvent *event;              /* the same */
  gint64 time;                  /* monotonic µs */
} GateOut;

/* verdicts: of the segments, as the server has them. Without a policy, if properties
 * name none. */
void gate_init (Gate * gate, const gchar * verdicts,
    const gchar * properties);
/* A file, or a live source. */
void gate_start (Gate * gate, gboolean live);
/* Both. */
void gate_open (Gate * gate, const gchar * verdicts,
    const gchar * properties, gboolean live);
void gate_clear (Gate * gate);

/* Frames in [from, to), which have to be taken. */
void gate_push (Gate * gate, guint from, guint to);
/* EOS, and waits for it at the other end. */
void gate_finish (Gate * gate);

gint64 gate_get_stat (Gate * gate, const gchar * name);
/* Of each frame of the clip a letter, of those that left, which have to be as they
 * came, and in order: - withheld, x passed, X with DISCONT. */
gchar *gate_describe (Gate * gate);
/* By segments: P all frames passed, F with DISCONT first, - none, ? else. */
void gate_check_segments (Gate * gate, const gchar * expected,
    const gchar * name);
/* Each buffer has passed, was withheld, was flushed or is held. */
void gate_check_law (Gate * gate);

/* Which frame of the clip it is. */
guint gate_get_index (GstBuffer * buffer);
void gate_wait_for_stat (Gate * gate, const gchar * name, gint64 least);
/* When it left (monotonic µs); -1: it did not. */
gint64 gate_get_time (Gate * gate, guint index);
void gate_wait_for_frame (Gate * gate, guint index);

G_END_DECLS
