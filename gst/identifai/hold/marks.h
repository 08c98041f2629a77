/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of each picture that is held, or was a moment ago, as sound of its
 * time may still be: when it is shown, and which segment it is in. In the order in
 * which they came. Not thread-safe.
 *
 * A run is what came without its times going back; the same time may be in several.
 */

#pragma once

#include "segmenter.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 id;
  gint64 running, duration;     /* ns, or IDENTIFAI_NO_TIME */
  gint64 peak;                  /* the latest running of its run up to it; the same */
  gint64 arrival;               /* µs */
  gboolean has_left;
  gboolean passed;              /* it has, and wasn't withheld */
  gboolean was_slate;           /* something else was shown in its place */
  gboolean dumped;              /* by the operator, and so is its sound */
  IdentifaiPlacementKind kind;  /* and the rest as there */
  guint segment;
  gboolean has_picture, is_point, is_closed, is_leading;
  GstBuffer *complete;          /* owned, of a point; or NULL */
} IdentifaiMark;

typedef struct _IdentifaiMarks IdentifaiMarks;

IdentifaiMarks *identifai_marks_new (void);
void identifai_marks_free (IdentifaiMarks * self);
void identifai_marks_clear (IdentifaiMarks * self);

/* ids only grow. decoding: when it is decoded, ns, or IDENTIFAI_NO_TIME. discont: it is
 * no continuation. Good until the next call. */
IdentifaiMark *identifai_marks_add (IdentifaiMarks * self, guint64 id,
    gint64 running, gint64 decoding, gint64 duration, gint64 arrival,
    gboolean discont);
void identifai_marks_place (IdentifaiMarks * self,
    const IdentifaiPlacement * placement);
/* However many pictures they are: a mark has it once it is asked for. Returns the first
 * of them that is here, until the next call, or NULL. */
const IdentifaiMark *identifai_marks_settle (IdentifaiMarks * self,
    const IdentifaiSettlement * settlement);

/* Until the next call; NULL: there is none. */
IdentifaiMark *identifai_marks_find (IdentifaiMarks * self, guint64 id);
/* A buffer of sound. */
typedef struct
{
  guint64 id;                   /* in one row with those of pictures */
  gint64 running;               /* ns, or IDENTIFAI_NO_TIME */
  guint64 turn, next_turn;      /* id of the latest one up to it at which the times
                                 * of its stream went back, and of the first one
                                 * behind it; 0: there is none */
  gboolean video_over;          /* no more pictures come */
  guint lead;                   /* a picture has to be there that came so much later
                                 * than the turn, by the ids */
  gboolean waits;               /* or else it waits; FALSE: it has none then */
} IdentifaiMarksSound;

/* The picture that is shown when the sound starts. Where times went back, there may
 * be several: of the rounds that it may belong to, the likeliest one first. None: it
 * is before all, or unknown. One of PLACEMENT_OPEN: it may have yet to come. The array
 * is the marks', and both are good until the next call. */
const GPtrArray *identifai_marks_find_shown (IdentifaiMarks * self,
    const IdentifaiMarksSound * sound);
/* When the first picture of a segment that is settled came; -1: none of it is here. */
gint64 identifai_marks_get_arrival (IdentifaiMarks * self, guint segment);
/* When its pictures are shown, where that is known. */
void identifai_marks_get_span (IdentifaiMarks * self, guint segment,
    GstClockTime * running_time, GstClockTime * duration);
/* For how long (µs) the source was away while the segment was open: nothing came, and
 * then what came was no continuation. */
gint64 identifai_marks_get_absence (IdentifaiMarks * self, guint segment);

/* Whether a picture of it has not left. */
gboolean identifai_marks_is_held (IdentifaiMarks * self, guint segment);
/* Lets go of what has left and came a while before then (µs). */
void identifai_marks_trim (IdentifaiMarks * self, gint64 before);

G_END_DECLS
