/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When is a frame shown that has only a decoding time (AVI, some transport
 * streams)? Frames come and go in decoding order; those whose time depends on
 * what follows are held back until it is there.
 */

#pragma once

#include "codecs.h"
#include "framereader.h"

G_BEGIN_DECLS

typedef struct _IdentifaiMpegTimestamper IdentifaiMpegTimestamper;

IdentifaiMpegTimestamper *identifai_mpeg_timestamper_new (const gchar * name,
    IdentifaiCodecId codec);
void identifai_mpeg_timestamper_free (IdentifaiMpegTimestamper * self);

/* Takes over a frame with a PTS, a DTS or both. */
void identifai_mpeg_timestamper_push (IdentifaiMpegTimestamper * self, IdentifaiFrame * frame);

/* No frame that follows has to do with those here. */
void identifai_mpeg_timestamper_drain (IdentifaiMpegTimestamper * self);

/* The next frame, with its PTS; NULL: none is ready. One without a picture only stands
 * for another, and may come before that. */
IdentifaiFrame *identifai_mpeg_timestamper_pop (IdentifaiMpegTimestamper * self);

/* Forgets what is there. */
void identifai_mpeg_timestamper_clear (IdentifaiMpegTimestamper * self);

G_END_DECLS
