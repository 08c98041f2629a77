/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When is a frame of H.264 or H.265 shown that has only a decoding time? Its
 * headers tell the order (pictureorder.h); the n-th one shown is shown when the
 * n-th after as many as are reordered is decoded, which is when a decoder has
 * it at the latest.
 *
 * Streams whose frames have presentation times pass through at once.
 */

#pragma once

#include "framereader.h"

G_BEGIN_DECLS

typedef struct _IdentifaiH26xTimestamper IdentifaiH26xTimestamper;

IdentifaiH26xTimestamper *identifai_h26x_timestamper_new (const gchar * name);
void identifai_h26x_timestamper_free (IdentifaiH26xTimestamper * self);

/* Takes over a frame with a PTS, a DTS or both. Those that can go are added to
 * ready, in decoding order, with their PTS. */
void identifai_h26x_timestamper_push (IdentifaiH26xTimestamper * self, IdentifaiFrame * frame,
    GQueue * ready);
/* No frame that follows is shown before those here. */
void identifai_h26x_timestamper_drain (IdentifaiH26xTimestamper * self, GQueue * ready);
/* Forgets all. */
void identifai_h26x_timestamper_clear (IdentifaiH26xTimestamper * self);

G_END_DECLS
