/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes in on the always pad: elementary video for the engine's segmenter, or a
 * container's bytes for the recorder. All of it runs on the video streaming thread
 * but what is marked otherwise.
 */

#pragma once

#include "gstidentifaisink.h"

G_BEGIN_DECLS

/* The virtual functions of its classes. */
void gst_identifai_input_init_class (GstIdentifaiBaseSinkClass * klass);

G_END_DECLS
