/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tells when nothing comes: from the start, or any more of a live stream. Nothing
 * else would, as an element that gets nothing has no thread to say it.
 *
 * It counts ticks of the system's clock, whose thread all elements share: nothing
 * there may wait. All fields: the element's lock.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  GstClockID timer;             /* periodic; NULL while the element doesn't run */
  guint64 n_came;               /* buffers and gaps, since the start */
  guint64 n_seen;               /* the same at the latest tick */
  guint quiet;                  /* ticks in a row without any */
  guint longest;                /* such a row, that ended: the stream is like that */
  gboolean told;
} GstIdentifaiSilence;

typedef struct _GstIdentifaiSink GstIdentifaiSink;

void gst_identifai_silence_start_locked (GstIdentifaiSink * self);
void gst_identifai_silence_stop_locked (GstIdentifaiSink * self);
/* A buffer came, or a GAP event. */
void gst_identifai_silence_end_locked (GstIdentifaiSink * self);

G_END_DECLS
