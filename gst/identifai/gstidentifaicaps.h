/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Caps of elementary streams: what the muxers make of all of them together. Only
 * the video can be refused; sound that no muxer takes beside it is left out.
 *
 * Knows no pads; its owner's lock guards it.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstIdentifaiCaps GstIdentifaiCaps;

GstIdentifaiCaps *gst_identifai_caps_new (void);
void gst_identifai_caps_free (GstIdentifaiCaps * self);

/* A stream, by the segmenter's number; its name is copied. */
void gst_identifai_caps_add (GstIdentifaiCaps * self, guint stream,
    const gchar * name);
void gst_identifai_caps_remove (GstIdentifaiCaps * self, guint stream);
const gchar *gst_identifai_caps_get_name (GstIdentifaiCaps * self,
    guint stream);

/* name: of the element, for the log. caps: NULL: none. FALSE with error, and the caps are as before: no muxer takes this
 * video. */
gboolean gst_identifai_caps_set (GstIdentifaiCaps * self,
    const gchar * name, guint stream, GstCaps * caps, const gchar * muxer, GError ** error);
/* The streams stay, without caps. */
void gst_identifai_caps_reset (GstIdentifaiCaps * self);

/* Calls func for each stream of sound that has caps; obstacle: why it is left out,
 * or NULL. Not before there is video, as it is judged by that. */
typedef void (*GstIdentifaiCapsFunc) (guint stream, const gchar * obstacle,
    gpointer user_data);
void gst_identifai_caps_judge_sound (GstIdentifaiCaps * self,
    const gchar * name, const gchar * muxer, GstIdentifaiCapsFunc func, gpointer user_data);

G_END_DECLS
