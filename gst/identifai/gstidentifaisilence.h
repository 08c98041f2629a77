/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tells when nothing comes: from the start, or any more of a live stream. Nothing
 * else would, as an element that gets nothing has no thread to say it.
 *
 * It counts ticks of the system's clock, whose thread all elements share: nothing
 * there may wait. …_locked functions: with the engine's lock.
 */

#pragma once

#include "gstidentifaiengine.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiSilence GstIdentifaiSilence;

/* The engine is borrowed and outlives it. */
GstIdentifaiSilence *gst_identifai_silence_new (GstIdentifaiEngine * engine);
void gst_identifai_silence_free (GstIdentifaiSilence * self);

void gst_identifai_silence_start_locked (GstIdentifaiSilence * self);
void gst_identifai_silence_stop_locked (GstIdentifaiSilence * self);
/* A buffer came on the video pad, or a GAP event. */
void gst_identifai_silence_end_locked (GstIdentifaiSilence * self);

G_END_DECLS
