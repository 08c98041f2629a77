/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looks into the encoded frames of one video stream: where can decoding start?
 * The buffer flags don't tell: h264parse leaves DELTA_UNIT off every I slice,
 * also where later pictures refer to earlier ones across it, and demuxers say
 * what the container says. Reads headers only, trusts none of them.
 */

#pragma once

#include "pictureorder.h"

G_BEGIN_DECLS

#define IDENTIFAI_NO_TIME G_MININT64

typedef enum
{
  IDENTIFAI_POINT_NONE,
  /* Decoding can start here. Pictures that follow but are shown before it
   * ("leading" ones) refer to what came before and cannot be decoded. */
  IDENTIFAI_POINT_OPEN,
  /* Nothing that follows refers to anything before it. */
  IDENTIFAI_POINT_CLOSED,
} IdentifaiPoint;

typedef struct
{
  IdentifaiPoint point;
  gboolean may_lead;            /* leading pictures may follow this point */
  gboolean decodable;           /* is a leading picture that can be decoded
                                 * although its point is open (RADL) */
  gboolean is_b;                /* shown before the picture that came before */
  gboolean is_repeat;           /* MPEG-4's VOP that is not coded */
  gboolean has_b;               /* the stream says that it has such (MPEG-4) */
  gboolean packed;              /* and that they share AVI frames (MPEG-4) */
  gboolean hidden;              /* never shown by itself (alt-ref) */
  gboolean has_picture;         /* FALSE: nothing but headers, or a frame that
                                 * stands for one before; nothing to show */
  gboolean new_headers;         /* other ones than before: needs a new file */
  gboolean has_headers;         /* sequence headers or parameter sets inside */
  gsize headers_at;             /* where they belong, bytes from the start */
  gboolean has_note;            /* x264's */
  gsize note_at;                /* where it belongs */
  gsize growth;                 /* bytes added if start codes become lengths */
  guint width, height;          /* in pixels, of VP8, VP9 and JPEG; 0: unknown */
  IdentifaiDisplayOrder order;         /* in which it is shown, of H.264 and H.265 */
} IdentifaiFrameInfo;

/* Memory of some frames. */
typedef struct _IdentifaiFrameBlock IdentifaiFrameBlock;

/* One frame of video, or an access unit that shows none. */
typedef struct
{
  IdentifaiFrameBlock *block;   /* that it is in; NULL: it is by itself */
  GstBuffer *buffer;            /* owned */
  const gchar *unreadable;      /* the type of its memory, if that can't be read;
                                 * or NULL */
  IdentifaiFrameInfo info;
  gint64 pts;                   /* or NO_TIME, until it is known */
  gint64 dts;                   /* or NO_TIME */
  gint64 duration;              /* or NO_TIME */
  GstClockTime stream_time;     /* at running time stamp */
  gint64 stamp;
  gint64 moved;                 /* by so much from where upstream has it */
  gint64 utc;                   /* µs since 1970; -1 unknown */
  gint64 monotonic;             /* µs, when it came */
  gsize cost;                   /* bytes in a file */
  gboolean lossy;               /* something was lost in front of it */
  gboolean guessed;             /* it came without a time */
  guint64 id;                   /* its owner's name for the buffer; 0: none */
  gboolean leading;             /* can't be decoded if decoding starts at the point
                                 * before it */
  gint64 latest;                /* PTS of its segment so far */
} IdentifaiFrame;

/* All zero. block: NULL at first, and kept by who makes frames in a row, who lets go of
 * what it is at the end. */
IdentifaiFrame *identifai_frame_new (IdentifaiFrameBlock ** block);
void identifai_frame_block_unref (IdentifaiFrameBlock * self);
/* Any thread. */
void identifai_frame_free (IdentifaiFrame * self);
/* By itself. */
IdentifaiFrame *identifai_frame_copy (const IdentifaiFrame * self);
void identifai_frame_shift (IdentifaiFrame * self, gint64 shift);

typedef struct _IdentifaiFrameReader IdentifaiFrameReader;

/* For a stream of a known codec. Remembers headers of caps and stream. name: for the
 * log, as of all that read streams here. */
IdentifaiFrameReader *identifai_frame_reader_new (const gchar * name,
    const GstCaps * caps);
void identifai_frame_reader_free (IdentifaiFrameReader * self);

/* Each frame once, in the order of the stream: the next one's order builds on
 * this one. */
void identifai_frame_reader_read (IdentifaiFrameReader * self,
    GstBuffer * buffer, IdentifaiFrameInfo * info);

/* Takes over the buffer of a point, info is what was read of it, and returns it
 * with the latest headers that it lacks in front; its other bytes are not
 * copied. */
GstBuffer *identifai_frame_reader_complete (IdentifaiFrameReader * self,
    GstBuffer * buffer, IdentifaiFrameInfo * info);

/* Takes over the first buffer of a file, completed, and returns it with the note
 * in front that x264 leaves in the first frame of a stream only: decoders work
 * around mistakes of old releases by it (4:4:4 before build 151). */
GstBuffer *identifai_frame_reader_sign (IdentifaiFrameReader * self,
    GstBuffer * buffer, IdentifaiFrameInfo * info);

G_END_DECLS
