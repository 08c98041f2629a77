/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the video streaming thread waits: for room (overflow=block), and at EOS
 * for the last segments' audio and all verdicts. With the preroll lock, as render()
 * and event() are called.
 */

#pragma once

#include "gstidentifaibasesink.h"

G_BEGIN_DECLS

/* overflow=block holds the stream until there is room, and says so. */
GstFlowReturn gst_identifai_drain_hold (GstIdentifaiBaseSink * self);
/* More waits for its sound than may: the thread waits for that, if another one
 * feeds it. */
GstFlowReturn gst_identifai_drain_wait_for_sound (GstIdentifaiBaseSink * self);
/* At the first buffer of a stream: what an earlier one left finds room first. */
GstFlowReturn gst_identifai_drain_wait_for_earlier (GstIdentifaiBaseSink * self);
/* Waits until all that is closed has its outcome, and all is posted. */
GstFlowReturn gst_identifai_drain (GstIdentifaiBaseSink * self, GstEvent * eos);

/* For unlock_stop(), any thread: ends a wait. */
void gst_identifai_drain_interrupt (GstIdentifaiBaseSink * self);

/* What is queued is posted, and a key frame asked for, without the preroll lock:
 * handlers may take long, and may change the state. So as in a wait on the clock, a
 * state change or a flush may come in between: not OK in a flush. */
GstFlowReturn gst_identifai_drain_act (GstIdentifaiBaseSink * self);

G_END_DECLS
