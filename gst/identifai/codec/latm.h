/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AAC out of LOAS, the form in which broadcasters send it (ISO/IEC 14496-3,
 * 1.7): no muxer takes that, and aacparse doesn't unpack it. One program of one
 * layer, as all of them have.
 *
 * Not thread-safe: its owner's lock guards it.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _IdentifaiLatm IdentifaiLatm;

IdentifaiLatm *identifai_latm_new (const gchar * name);
void identifai_latm_free (IdentifaiLatm * self);

/* After a flush or a loss: what has come of a frame is thrown away. */
void identifai_latm_clear (IdentifaiLatm * self);

/* Takes over a buffer of LOAS, with any part of any number of frames. */
void identifai_latm_push (IdentifaiLatm * self, GstBuffer * buffer);

/* The next raw AAC frame (transfer full), or NULL. The first one that starts in
 * a buffer has its PTS, those after it follow; with a duration. */
GstBuffer *identifai_latm_pop (IdentifaiLatm * self);

/* The caps of what was popped last (raw, with codec_data), or NULL; borrowed. */
GstCaps *identifai_latm_get_caps (IdentifaiLatm * self);

/* FALSE: of what came last nothing can be read, as it isn't known what it is. */
gboolean identifai_latm_is_readable (IdentifaiLatm * self);

G_END_DECLS
