/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What most tests of the element with elementary streams start with: a server, a
 * pipeline that sends to it, H.264 video, and a pad that feeds it.
 */

#pragma once

#include "feed.h"

G_BEGIN_DECLS

#define SCENE_GOP 5             /* frames */
#define SCENE_FRAMES 50
#define SCENE_FRAME (40 * GST_MSECOND)
#define SCENE_SINK "identifaisink name=sink "

typedef struct
{
  FaultServer *server;
  SinkRun *run;
  Clip *clip;
  Feed *feed;                   /* NULL until scene_start() */
} Scene;

/* steps: of the server, or NULL; description: of the pipeline. */
void scene_init (Scene * scene, const FaultStep * steps, guint n_steps,
    const gchar * description);
/* Starts the pipeline, and feeds its sink from a new pad. segment: NULL = from 0. */
void scene_start (Scene * scene, const GstSegment * segment);
/* Both. */
void scene_open (Scene * scene, const gchar * description,
    const GstSegment * segment);
void scene_clear (Scene * scene);

/* The clip's frames in [from, to), which must be taken. */
void scene_push (Scene * scene, guint from, guint to);
/* EOS, if there is a feed, and waits for its message. */
void scene_finish (Scene * scene);

/* Of the nth identifai-segment. */
guint64 scene_get_time (Scene * scene, guint nth, const gchar * field);
/* The reason of the nth message of that name. */
const gchar *scene_get_reason (Scene * scene, const gchar * name, guint nth);
/* The numbers of frames of all segments, as "5 5 10". */
void scene_check_frames (Scene * scene, const gchar * expected);

G_END_DECLS
