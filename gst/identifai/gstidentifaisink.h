/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element, as its files share it:
 *
 *   gstidentifaisink.c    class, properties, states, audio pads; calls
 *   gstidentifaiinput.c   what comes in on the always pad; calls
 *   gstidentifaidrain.c   where its thread waits
 *
 * What other elements have, too, lies below, in gstidentifaiengine.h; container
 * input in gstidentifairecorder.h.
 */

#pragma once

#include <gst/base/gstbasesink.h>

#include "gstidentifaiengine.h"
#include "gstidentifairecorder.h"
#include "gstidentifaisilence.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_SINK (gst_identifai_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiSink, gst_identifai_sink, GST,
    IDENTIFAI_SINK, GstBaseSink)
GST_ELEMENT_REGISTER_DECLARE (identifaisink);

/* Locks and threads: as for the engine, whose lock guards all fields but the
 * pointers. */
struct _GstIdentifaiSink
{
  GstBaseSink parent;

  GstIdentifaiEngine *engine;
  GstIdentifaiRecorder *recorder;
  GstIdentifaiSilence *silence;

  gdouble last_coverage;        /* while it is not running */

  gboolean elementary;          /* the always pad has frames, and no file's bytes */
  gboolean started;             /* the first buffer of the stream was seen */
  gchar *stream_id;             /* or NULL */
  const gchar *orientation;     /* of the video, by its tags; NULL: upright */
  GstClockTime video_position;  /* running time */

  gboolean video_held;          /* the video thread waits in this element */
  gboolean interrupted;         /* its wait: by a state change or a flush */
  gboolean waits;               /* the preroll lock: gstidentifaidrain.c waits */
};

G_END_DECLS
