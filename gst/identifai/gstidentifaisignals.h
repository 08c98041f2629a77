/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The action signals that all elements have: look, resume, override,
 * override-identifier. Any thread may emit them.
 */

#pragma once

#include "gstidentifaiengine.h"

G_BEGIN_DECLS

/* For the class_init function of an element that has an engine. */
void gst_identifai_signals_install (GType type);
/* The engine of an element, which owns it. */
void gst_identifai_signals_attach (GstElement * element,
    GstIdentifaiEngine * engine);

G_END_DECLS
