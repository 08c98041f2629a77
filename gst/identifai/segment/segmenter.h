/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cuts elementary streams into segments: one video stream and any number of
 * audio streams. Knows caps, segments (GstSegment) and buffers, no pads and no
 * clock: the caller passes times in. Not thread-safe: the element calls it
 * under its own lock, takes what closed with _pop, and acts after unlocking.
 */

#pragma once

#include "flaws.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct _IdentifaiSegmenter IdentifaiSegmenter;

typedef struct
{
  GstClockTime duration;        /* 0 = one segment until EOS */
  GstClockTime interval;        /* 0 = back to back */
  guint64 max_bytes;            /* of the finished file */
  gboolean keyframe_requests;
  gboolean align;               /* duration and interval to the wall's clock */
} IdentifaiSegmenterSettings;

/* A buffer, and when it came. */
typedef struct
{
  gint64 monotonic;             /* µs */
  gint64 utc;                   /* µs since 1970 at the buffer's running time */
  gboolean live;                /* its source is */
  gint64 running;               /* ns, running time on the pipeline's clock; 0 if
                                 * it isn't live */
  guint64 id;                   /* the caller's name for it, see IdentifaiPlacement;
                                 * 0: none */
} IdentifaiCaptureTime;

typedef struct
{
  guint64 n_buffers, n_bytes;   /* of video, that came */
  guint64 withheld;             /* buffers that came while nothing was judged */
  guint64 skipped;              /* frames before the first key frame, or unusable */
  IdentifaiFlaw flaw;           /* of the latest one that was */
  GstClockTime seen;            /* video stream time seen */
  GstClockTime covered;         /* of it, in closed segments */
  guint64 bytes;                /* held: the open segment, waiting audio */
} IdentifaiSegmenterStats;

/* Called with the caller's lock held, when a segment opens, to fill in the
 * segment's number and user_data. Must not call back into the segmenter. */
typedef void (*IdentifaiSegmenterOpenFunc) (IdentifaiSegment * segment,
    gpointer user_data);

/* Which segment a buffer of video is judged in. */
typedef enum
{
  IDENTIFAI_PLACEMENT_OPEN,         /* that isn't settled yet */
  IDENTIFAI_PLACEMENT_SEGMENT,
  IDENTIFAI_PLACEMENT_PAUSE,        /* in none, for want of a turn: interval */
  IDENTIFAI_PLACEMENT_NONE,         /* in none: nothing can be decoded yet, or nobody
                                 * can use it, or nothing is judged */
  IDENTIFAI_PLACEMENT_HEADERS,      /* it has no picture; the next one may need it */
} IdentifaiPlacementKind;

typedef struct
{
  guint64 id;                   /* IdentifaiCaptureTime.id */
  IdentifaiPlacementKind kind;
  guint segment;                /* PLACEMENT_SEGMENT: its number, for good; _PAUSE: the
                                 * number of the one before */
  gboolean has_picture;         /* FALSE: there is nothing to show in it */
  gboolean is_point;            /* decoding can start here, */
  gboolean is_closed;           /* and nothing behind it refers to what is before it */
  gboolean is_leading;          /* not decodable if it started at the point before,
                                 * nor without that; of an open point that a segment
                                 * starts with, it is judged in the segment before */
  GstBuffer *complete;          /* borrowed: of a point, with the headers that
                                 * decoding needs to start; else as it came */
} IdentifaiPlacement;

/* What buffers in a row are judged in. */
typedef struct
{
  guint64 from, to;             /* ids. Of those between them, it goes for the ones
                                 * that are IDENTIFAI_PLACEMENT_OPEN */
  IdentifaiPlacementKind kind;  /* _SEGMENT or _PAUSE, and */
  guint segment;                /* as there */
} IdentifaiSettlement;

/* Both are called with the caller's lock held, and must not call back into the
 * segmenter. Place: for each buffer of video, in decoding order: once it was read
 * (PLACEMENT_OPEN), and if it gets into none. Settle: for all that are in a segment
 * when that is settled, which is when it is popped: at an overlapping cut in several rows,
 * of which none meets another. Not for what a flush
 * or reset throws away. */
typedef void (*IdentifaiSegmenterPlaceFunc) (const IdentifaiPlacement *
    placement, gpointer user_data);
typedef void (*IdentifaiSegmenterSettleFunc) (const IdentifaiSettlement *
    settlement, gpointer user_data);

IdentifaiSegmenter *identifai_segmenter_new (IdentifaiSegmenterOpenFunc open,
    gpointer user_data);
void identifai_segmenter_free (IdentifaiSegmenter * self);
/* Of the element, for the log. */
void identifai_segmenter_set_name (IdentifaiSegmenter * self,
    const gchar * name);
/* NULL: nobody wants to know. user_data is that of _new. */
void identifai_segmenter_set_place_funcs (IdentifaiSegmenter * self,
    IdentifaiSegmenterPlaceFunc place, IdentifaiSegmenterSettleFunc settle);

/* From the next cut on; a pause ends if there are to be none. */
void identifai_segmenter_configure (IdentifaiSegmenter * self,
    const IdentifaiSegmenterSettings * settings);

/* Video is stream 0 and always there; audio streams are added, and removed
 * (pad release) with what they hold for the open segment kept. */
#define IDENTIFAI_SEGMENTER_VIDEO 0
guint identifai_segmenter_add_audio (IdentifaiSegmenter * self);
void identifai_segmenter_remove_audio (IdentifaiSegmenter * self, guint stream);

/* FALSE: the stream can't have this codec (not-negotiated). */
gboolean identifai_segmenter_set_caps (IdentifaiSegmenter * self, guint stream,
    GstCaps * caps);
/* What comes from a stream that isn't linked is not waited for. New ones are. */
void identifai_segmenter_link_audio (IdentifaiSegmenter * self, guint stream,
    gboolean linked);
/* Sound that no muxer takes is counted only, see IdentifaiSegment.audio_missing.
 * TRUE: it is new that it is left out. */
gboolean identifai_segmenter_leave_out (IdentifaiSegmenter * self, guint stream,
    gboolean left_out);
void identifai_segmenter_set_segment (IdentifaiSegmenter * self, guint stream,
    const GstSegment * segment);

/* Takes over the buffer, which was held, see heldbuffer.h. Never waits. */
void identifai_segmenter_push (IdentifaiSegmenter * self, guint stream,
    GstBuffer * buffer, const IdentifaiCaptureTime * arrival);
void identifai_segmenter_gap (IdentifaiSegmenter * self, guint stream,
    GstClockTime timestamp, GstClockTime duration);
void identifai_segmenter_eos (IdentifaiSegmenter * self, guint stream,
    gint64 monotonic);

/* Another video stream begins, without EOS of the one before: what is open ends. */
void identifai_segmenter_change_stream (IdentifaiSegmenter * self);

/* FALSE: what is open ends, and what comes is neither judged nor seen; TRUE: the
 * next key frame starts a segment. */
void identifai_segmenter_set_judging (IdentifaiSegmenter * self,
    gboolean judging);

/* Closes the open segment at the next key frame. */
void identifai_segmenter_split_now (IdentifaiSegmenter * self);

/* What is open, so far: it may still be split, and its times move. */
typedef struct
{
  IdentifaiSegment *segment;    /* borrowed, with its sound */
  GPtrArray *frames;            /* borrowed, of IdentifaiFrame */
  gboolean has_sound;           /* of each stream whose caps are known */
} IdentifaiOpenSegment;

/* FALSE: nothing is, or what is has failed. Good until the next call. */
gboolean identifai_segmenter_peek (IdentifaiSegmenter * self,
    IdentifaiOpenSegment * open);

/* Flush of one stream. Video: what is open or waits for its audio is given up
 * and can be taken with _pop_flushed; audio: what waits is let go of. */
void identifai_segmenter_flush (IdentifaiSegmenter * self, guint stream);
IdentifaiSegment *identifai_segmenter_pop_flushed (IdentifaiSegmenter * self);

/* Back to new, streams and settings kept: READY. Given-up segments as in flush. */
void identifai_segmenter_reset (IdentifaiSegmenter * self);

/* The next segment that is closed and has its audio, or NULL. now: monotonic
 * µs; a segment that has waited long enough for audio goes without the rest. */
#define IDENTIFAI_AUDIO_PATIENCE (500 * 1000)   /* µs */
IdentifaiSegment *identifai_segmenter_pop (IdentifaiSegmenter * self,
    gint64 now);

/* How long that is from now on, in µs, also for what waits without bound; at first
 * IDENTIFAI_AUDIO_PATIENCE. -1: until its audio is there, or, when the video has
 * ended, until none has come for IDENTIFAI_AUDIO_PATIENCE. So the caller bounds what
 * waits: by its bytes, and a pop with G_MAXINT64. */
void identifai_segmenter_set_patience (IdentifaiSegmenter * self,
    gint64 patience, gint64 now);
guint64 identifai_segmenter_count_sealed (IdentifaiSegmenter * self);

/* When (monotonic µs) a segment that waits for audio should be popped at the
 * latest; G_MAXINT64: not known yet; -1 if none waits. */
gint64 identifai_segmenter_next_deadline (IdentifaiSegmenter * self);

/* Whether a key frame should be asked for upstream, once a wish: TRUE and the
 * running time of the wish (GST_CLOCK_TIME_NONE = as soon as possible). */
gboolean identifai_segmenter_take_keyframe_request (IdentifaiSegmenter * self,
    GstClockTime * running_time);

/* Whether there is a wish. */
gboolean identifai_segmenter_wants_keyframe (IdentifaiSegmenter * self);

/* What people should be told of. */
typedef enum
{
  IDENTIFAI_NEWS_KEY_FRAMES,    /* none has come for much longer than a segment
                                 * should last */
  IDENTIFAI_NEWS_LATE_SOUND,    /* segments go without it */
  IDENTIFAI_NEWS_STAMPED,       /* frames have no times */
  IDENTIFAI_NEWS_FLAW,          /* what comes can't be judged */
  IDENTIFAI_NEWS_SOUND_TIMES,   /* sound has no times */
  IDENTIFAI_NEWS_SHORT,         /* it ended before its segment does */
} IdentifaiNewsKind;

typedef struct
{
  IdentifaiNewsKind kind;
  gboolean is_over;
  GstClockTime step;            /* STAMPED: from frame to frame; 0: as they come.
                                 * SHORT: so much before */
  IdentifaiFlaw flaw;           /* FLAW */
  guint64 count;                /* FLAW: buffers */
  gboolean is_lost;             /* SOUND_TIMES: nor can they be guessed */
} IdentifaiNews;

/* TRUE as long as there is something. */
gboolean identifai_segmenter_take_news (IdentifaiSegmenter * self,
    IdentifaiNews * news);

void identifai_segmenter_get_stats (IdentifaiSegmenter * self,
    IdentifaiSegmenterStats * stats);

G_END_DECLS
