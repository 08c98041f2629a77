/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Container input of the video pad: its bytes are gathered until the file is over,
 * and go out as they came. A file that is closed waits in the engine's files.
 *
 * Fields: the engine's lock, under which …_locked functions are called. But for
 * those that are marked otherwise, all are for the video streaming thread.
 */

#pragma once

#include "gstidentifaiengine.h"
#include "container.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiRecorder GstIdentifaiRecorder;

/* The engine is borrowed and outlives it. */
GstIdentifaiRecorder *gst_identifai_recorder_new (GstIdentifaiEngine * engine);
void gst_identifai_recorder_free (GstIdentifaiRecorder * self);

/* Any thread, while no data flows. */
void gst_identifai_recorder_reset_locked (GstIdentifaiRecorder * self);

/* Another stream, or a flush: what failed before is over. And one whose type isn't
 * known, unless a file is open. */
void gst_identifai_recorder_restart_locked (GstIdentifaiRecorder * self);
void gst_identifai_recorder_forget_type_locked (GstIdentifaiRecorder * self);

/* The caps say what comes. Other ones than before begin another file, but muxers
 * renew theirs within one. As for _close. */
gboolean gst_identifai_recorder_set_container_locked (GstIdentifaiRecorder *
    self, const IdentifaiContainer * container, GError ** error);

/* At the first buffer of a stream, without the lock: asks upstream what it is. FALSE
 * if the source knows that its file is too large, which has failed then. */
gboolean gst_identifai_recorder_start_stream (GstIdentifaiRecorder * self,
    const GstSegment * segment, GstBuffer * buffer);

/* Appends a held buffer, which it borrows. segment: the pad's. */
GstFlowReturn gst_identifai_recorder_write_locked (GstIdentifaiRecorder * self,
    const GstSegment * segment, GstBuffer * buffer, GError ** error);
/* A muxer goes back to rewrite what it wrote, as into filesink. */
void gst_identifai_recorder_seek_locked (GstIdentifaiRecorder * self,
    const GstSegment * segment);

/* The bytes so far are a file. FALSE with error: they are none. */
gboolean gst_identifai_recorder_close_locked (GstIdentifaiRecorder * self,
    GError ** error);
/* What is open is dropped, as of gst_identifai_engine_drop_locked(). Any thread. */
void gst_identifai_recorder_drop_locked (GstIdentifaiRecorder * self,
    GstIdentifaiDrop reason);
/* Whether the rest of a file that failed is thrown away. */
gboolean gst_identifai_recorder_has_refused_locked (GstIdentifaiRecorder *
    self);

/* Any thread. Of the bytes since the start, those in closed files. */
gdouble gst_identifai_recorder_get_coverage_locked (GstIdentifaiRecorder *
    self);
/* Any thread. Muxers ask whether they may seek back; the answers are filesink's. */
gboolean gst_identifai_recorder_query_locked (GstIdentifaiRecorder * self,
    GstQuery * query);

G_END_DECLS
