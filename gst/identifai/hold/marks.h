/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of each picture that is held, or was a moment ago, as sound of its
 * time may still be: when it is shown, and which segment it is in. In the order in
 * which they came. Not thread-safe.
 */

#pragma once

#include "segmenter.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 id;
  gint64 running, duration;     /* ns, or IDENTIFAI_NO_TIME */
  gint64 arrival;               /* µs */
  gboolean has_left;
  gboolean was_slate;           /* something else was shown in its place */
  IdentifaiPlacementKind kind;  /* and the rest as there */
  guint segment;
  gboolean has_picture, is_point, is_leading;
  GstBuffer *complete;          /* owned, of a point; or NULL */
} IdentifaiMark;

typedef struct _IdentifaiMarks IdentifaiMarks;

IdentifaiMarks *identifai_marks_new (void);
void identifai_marks_free (IdentifaiMarks * self);
void identifai_marks_clear (IdentifaiMarks * self);

/* ids only grow. */
void identifai_marks_add (IdentifaiMarks * self, guint64 id, gint64 running,
    gint64 duration, gint64 arrival);
void identifai_marks_place (IdentifaiMarks * self,
    const IdentifaiPlacement * placement);

/* Until the next call; NULL: there is none. */
IdentifaiMark *identifai_marks_find (IdentifaiMarks * self, guint64 id);
/* The picture that is shown at a running time. NULL: it is before all, or unknown.
 * One of PLACEMENT_OPEN: it has yet to come, unless is_over. hint: where to look,
 * from call to call, at first 0. */
const IdentifaiMark *identifai_marks_find_shown (IdentifaiMarks * self,
    gint64 running, gboolean is_over, guint64 * hint);
/* When the first picture of a segment came; -1: none of it is here. Also, where that
 * is known, when its pictures are shown. */
gint64 identifai_marks_get_span (IdentifaiMarks * self, guint segment,
    GstClockTime * running_time, GstClockTime * duration);

/* Lets go of what has left and came a while before then (µs). */
void identifai_marks_trim (IdentifaiMarks * self, gint64 before);

G_END_DECLS
