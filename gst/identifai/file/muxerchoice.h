/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which muxer takes which streams, and how: by the templates of its pads. All
 * of it may be called on any thread.
 */

#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* name, here and below: of the element, for the log.
 *
 * Which muxer takes these streams: muxer is a factory name, or "auto" (MP4,
 * else WebM, else Matroska, else QuickTime). Returns the factory's name
 * (static), or NULL with an error that names the codec and says what to do (a
 * missing plugin's package included). */
const gchar *identifai_muxer_choose (const gchar * name,
    const gchar * muxer, GstCaps * const *caps, guint n_caps, GError ** error);

/* The first stream is the video: which of the others have to be left out, for
 * some muxer to take the rest beside it. obstacles: n_caps places, which are set
 * to why (owned by the caller), or NULL for what goes along. If no muxer takes
 * the video alone, nothing is left out for it. */
void identifai_muxer_leave_out (const gchar * name, const gchar * muxer,
    GstCaps * const *caps, guint n_caps, gchar ** obstacles);

/* How a muxer takes one stream. */
typedef struct
{
  GstCaps *caps;                /* owned: as the muxer knows them */
  const gchar *pad_template;    /* static; NULL: not at all */
  const gchar *parser;          /* factory of the one in front; NULL: none */
} IdentifaiMuxerFit;

void identifai_muxer_fit (const gchar * name, GstElementFactory * muxer,
    GstCaps * caps, IdentifaiMuxerFit * fit);
void identifai_muxer_fit_clear (IdentifaiMuxerFit * fit);

G_END_DECLS
