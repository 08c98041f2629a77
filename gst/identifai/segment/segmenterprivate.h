/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the segmenter's files share: segmenter.c is what its users call, cutter.c
 * decides which frame and which sound goes into which part.
 */

#pragma once

#include "log.h"
#include "segmenter.h"
#include "audiostream.h"
#include "builder.h"
#include "keyunits.h"
#include "rapgroup.h"
#include "videostream.h"

G_BEGIN_DECLS

typedef enum
{
  STATE_WAITING,                /* for a point, at or after not_before; open is NULL */
  STATE_OPEN,
  STATE_TOO_LARGE,              /* open has failed and ends at the next point, if
                                 * there is one */
} IdentifaiCutState;

struct _IdentifaiSegmenter
{
  IdentifaiSegmenterOpenFunc open_func;
  IdentifaiSegmenterPlaceFunc place_func;       /* or NULL; the same */
  IdentifaiSegmenterSettleFunc settle_func;
  gpointer user_data;
  gchar *name;                  /* of the element, for the log; or NULL */
  IdentifaiSegmenterSettings settings;

  IdentifaiVideoStream *video;
  gboolean live, eos;           /* the video's source is; it is over */
  gint64 monotonic;             /* µs, of the latest buffer or EOS */

  /* frames on their way */
  IdentifaiRapGroup *group;        /* not settled yet */
  gint64 run_start, run_end;    /* of the frames since the last break; NO_TIME */
  gint64 last_end;              /* the last run_end, or NO_TIME */
  gint64 step_from;             /* the same, until the next run has its first frame */
  guint round;                  /* it counts how often the video has started over */

  IdentifaiCutState state;
  IdentifaiBuilder *open;
  gint64 due;                   /* when open should end; NO_TIME = never */
  gint64 not_before;            /* STATE_WAITING; NO_TIME = at once */
  gboolean off;                 /* nothing is judged */
  gboolean split_now;
  guint latest;                 /* number of the segment that ended last */
  GQueue sealed;                /* of IdentifaiBuilder: wait for audio */
  GQueue given_up;              /* of IdentifaiSegment */

  GPtrArray *sounds;            /* of IdentifaiAudioStream, at stream - 1; NULL: removed */

  IdentifaiKeyUnits key_frames;
  gboolean wished_start;        /* once a pause between segments */

  gint64 patience;              /* µs, for sound; -1: until it is there */
  gboolean sound_is_late, told_late;
  gboolean may_be_late;         /* if more of it comes */

  guint64 withheld, skipped;
  guint64 seen, covered;        /* ns; seen: of runs that are over */
};

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

/* framenotices.c: tell the caller, if it wants to know. */
void identifai_notices_frame (IdentifaiSegmenter * self,
    const IdentifaiFrame * frame, IdentifaiPlacementKind kind);
/* No segment is open: why. */
IdentifaiPlacementKind identifai_notices_none (IdentifaiSegmenter * self);
/* Of frames that no segment gets. */
void identifai_notices_frames (IdentifaiSegmenter * self, GPtrArray * frames,
    guint from);
/* What no frame could be made of. */
void identifai_notices_buffer (IdentifaiSegmenter * self, guint64 id,
    IdentifaiPlacementKind kind);
/* A part whose segment is settled; FALSE: it is none. */
void identifai_notices_part (IdentifaiSegmenter * self, IdentifaiBuilder * part,
    gboolean is_segment);

/* cutter.c */

/* Of the open segment, at the next key frame. */
void identifai_cutter_request_split (IdentifaiSegmenter * self);
/* What sound belongs to it. */
IdentifaiAudioSpan identifai_cutter_get_span (IdentifaiBuilder * part);
/* Whenever the video has moved on or sound came. */
void identifai_cutter_place_audio (IdentifaiSegmenter * self);
/* What follows has nothing to do with what came: the open segment ends with its
 * last frame. */
void identifai_cutter_end_run (IdentifaiSegmenter * self, const gchar * why);
/* Takes over a buffer of video. */
void identifai_cutter_push (IdentifaiSegmenter * self, GstBuffer * buffer,
    const IdentifaiCaptureTime * arrival);
/* The open part is over at end; why: for the log. After it, no segment is open. */
void identifai_cutter_seal (IdentifaiSegmenter * self, gint64 end,
    const gchar * why);
/* Completes the first frame of a part, once it has one. */
void identifai_cutter_sign (IdentifaiSegmenter * self, IdentifaiBuilder * part);
/* Its sound is there, and may be more than was reckoned with: the rest of it is the
 * next part then. */
void identifai_cutter_shrink_oldest (IdentifaiSegmenter * self);

G_END_DECLS
