/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Heat maps of images: one is asked for when its verdict is there, which waits for it
 * no longer than HEATMAP_PATIENCE, and is as good without.
 *
 * No lock of its own: all functions are called with the outbox's, but those that are
 * marked otherwise.
 */

#pragma once

#include <gst/gst.h>

#include "result.h"
#include "segment.h"
#include "servicecall.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiHeatmaps GstIdentifaiHeatmaps;
typedef struct _GstIdentifaiHeatmap GstIdentifaiHeatmap;

/* The answer is there: _take says whose. On the client's network thread, with no lock
 * held. */
typedef void (*GstIdentifaiHeatmapFunc) (GstIdentifaiHeatmap * heatmap,
    const IdentifaiServiceAnswer * answer, gpointer user_data);

GstIdentifaiHeatmaps *gst_identifai_heatmaps_new (GstIdentifaiHeatmapFunc func,
    gpointer user_data);
/* When the client is closed. */
void gst_identifai_heatmaps_free (GstIdentifaiHeatmaps * self);

/* FALSE: there is none of that result. Else takes over result, until _take or _pop. */
gboolean gst_identifai_heatmaps_ask (GstIdentifaiHeatmaps * self,
    IdentifaiClient * client, IdentifaiSegment * segment,
    IdentifaiResult * result);

/* The result, with its heat map, or why it has none; NULL: it isn't waited for any
 * more. Frees heatmap. */
IdentifaiResult *gst_identifai_heatmaps_take (GstIdentifaiHeatmaps * self,
    GstIdentifaiHeatmap * heatmap, const IdentifaiServiceAnswer * answer,
    IdentifaiSegment ** segment);
/* One that is still waited for; without its heat map. NULL: none. */
IdentifaiResult *gst_identifai_heatmaps_pop (GstIdentifaiHeatmaps * self,
    IdentifaiSegment ** segment);
/* The client is closed: nothing comes any more. */
void gst_identifai_heatmaps_reset (GstIdentifaiHeatmaps * self);

G_END_DECLS
