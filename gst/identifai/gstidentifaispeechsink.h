/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "gstidentifaibasesink.h"
#include "latm.h"
#include "soundcutter.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_SPEECH_SINK (gst_identifai_speech_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiSpeechSink, gst_identifai_speech_sink, GST,
    IDENTIFAI_SPEECH_SINK, GstIdentifaiBaseSink)
GST_ELEMENT_REGISTER_DECLARE (identifaispeechsink);

/* Locks and threads: as for the engine, whose lock guards all fields but the
 * pointers. */
struct _GstIdentifaiSpeechSink
{
  GstIdentifaiBaseSink parent;

  GstIdentifaiEngine *engine;   /* the parent's */
  IdentifaiSoundCutter *cutter;

  gboolean has_caps;            /* some that are taken */
  gboolean refused;             /* an error was posted: what comes is thrown away */
  gboolean reverse;             /* what comes is played so, and not judged */
  IdentifaiLatm *latm;          /* of LOAS; or NULL */
  gboolean boosted;             /* the cutter makes no pauses */
  GstClockID timer;             /* of a segment that is kept; or NULL */
  guint64 n_came;               /* buffers, since the start */
  guint64 n_came_before;        /* the timer was set */
};

G_END_DECLS
