/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element, as its files share it:
 *
 *   gstidentifaisink.c    class, audio pads; calls
 *   gstidentifaiinput.c   what comes in on the always pad
 *
 * What other sinks have, too, is in gstidentifaibasesink.h, what all elements have
 * in gstidentifaiengine.h, container input in gstidentifairecorder.h.
 */

#pragma once

#include "gstidentifaibasesink.h"
#include "gstidentifairecorder.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_SINK (gst_identifai_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiSink, gst_identifai_sink, GST,
    IDENTIFAI_SINK, GstIdentifaiBaseSink)
GST_ELEMENT_REGISTER_DECLARE (identifaisink);

/* Locks and threads: as for the engine, whose lock guards all fields but the
 * pointers. */
struct _GstIdentifaiSink
{
  GstIdentifaiBaseSink parent;

  GstIdentifaiEngine *engine;   /* the parent's */
  GstIdentifaiRecorder *recorder;

  gboolean elementary;          /* the always pad has frames, and no file's bytes; the
                                 * pad's thread, which alone changes it, reads it
                                 * without the lock */
  gchar *stream_id;             /* or NULL */
  const gchar *orientation;     /* of the video, by its tags; NULL: upright */
  GstClockTime video_position;  /* running time */
};

G_END_DECLS
