/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is shown instead of what is withheld: encoded tracks in memory, and loops
 * over them that give each frame its time on the way out. What leaves are references
 * to what is kept.
 *
 * A track is filled, finished, and then constant: it may be shared by threads. A loop
 * isn't thread-safe. Times are running times, signed, in ns.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* What a track holds at most: the rest of it isn't taken. */
#define IDENTIFAI_SLATE_MAX_DURATION (60 * GST_SECOND)
#define IDENTIFAI_SLATE_MAX_BYTES (64 * 1024 * 1024)
/* A still is repeated that often at least, as who comes later waits for it, and so
 * often if it doesn't say how long it is. */
#define IDENTIFAI_SLATE_LONGEST_STILL GST_SECOND
#define IDENTIFAI_SLATE_STILL (GST_SECOND / 25)

typedef struct _IdentifaiSlateTrack IdentifaiSlateTrack;

/* name: of the element, for the log. */
IdentifaiSlateTrack *identifai_slate_track_new (const gchar * name,
    GstCaps * caps);
IdentifaiSlateTrack *identifai_slate_track_ref (IdentifaiSlateTrack * self);
void identifai_slate_track_unref (IdentifaiSlateTrack * self);

/* Takes over the buffer; any of the times may be IDENTIFAI_NO_TIME. FALSE: the track
 * is full, and finished up to its last key frame. */
gboolean identifai_slate_track_add (IdentifaiSlateTrack * self,
    GstBuffer * buffer, gint64 dts, gint64 pts, gint64 duration);
/* FALSE: decoding can start nowhere in it. */
gboolean identifai_slate_track_finish (IdentifaiSlateTrack * self);

/* Borrowed. */
GstCaps *identifai_slate_track_get_caps (IdentifaiSlateTrack * self);
gboolean identifai_slate_track_is_cut (IdentifaiSlateTrack * self);
guint identifai_slate_track_count (IdentifaiSlateTrack * self);
/* From its first frame to the next round's. */
gint64 identifai_slate_track_get_length (IdentifaiSlateTrack * self);

typedef struct
{
  gint64 dts, pts, end;         /* end: of its presentation */
} IdentifaiSlateTimes;

typedef struct
{
  IdentifaiSlateTrack *track;   /* owned; NULL: nothing is shown */
  gint64 length;                /* of a round */
  gint64 origin;                /* of the track's times, which is round 0's start */
  gint64 start;
  gint64 delay;                 /* of the presentation */
  guint64 round;
  guint next;                   /* of its frames */
  gint64 last;                  /* decoding time of the one that left last, */
  gint64 end;                   /* and of sound: its end */
} IdentifaiSlateLoop;

/* The first frame is decoded at dts, and shown at pts at the earliest
 * (IDENTIFAI_NO_TIME: at any time). of: the video's track that sound goes with, whose
 * rounds it has, or NULL. */
void identifai_slate_loop_start (IdentifaiSlateLoop * self,
    IdentifaiSlateTrack * track, IdentifaiSlateTrack * of, gint64 dts,
    gint64 pts);
void identifai_slate_loop_stop (IdentifaiSlateLoop * self);

/* Of the next frame. FALSE: there is none. */
gboolean identifai_slate_loop_peek (IdentifaiSlateLoop * self,
    IdentifaiSlateTimes * times);
/* Whether it can leave when what comes after it is decoded at dts, and shown by
 * reorder after that, or later. */
gboolean identifai_slate_loop_fits (IdentifaiSlateLoop * self, gint64 dts,
    gint64 reorder);
/* A buffer of its own, in running time; its memory isn't. There must be one. */
GstBuffer *identifai_slate_loop_pop (IdentifaiSlateLoop * self);

G_END_DECLS
