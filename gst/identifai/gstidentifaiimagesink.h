/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "gstidentifaibasesink.h"
#include "image.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_IMAGE_SINK (gst_identifai_image_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiImageSink, gst_identifai_image_sink, GST,
    IDENTIFAI_IMAGE_SINK, GstIdentifaiBaseSink)
GST_ELEMENT_REGISTER_DECLARE (identifaiimagesink);

/* How buffers are images. */
typedef enum
{
  GST_IDENTIFAI_IMAGES_FRAMED,  /* each is one: they have times */
  GST_IDENTIFAI_IMAGES_FILE,    /* all of them are one: upstream knows its length */
  GST_IDENTIFAI_IMAGES_BYTES,   /* what is in them tells */
} GstIdentifaiImages;

/* Locks and threads: as for the engine, whose lock guards all fields but the
 * pointer. */
struct _GstIdentifaiImageSink
{
  GstIdentifaiBaseSink parent;

  GstIdentifaiEngine *engine;   /* the parent's */

  GstIdentifaiImages images;    /* of the stream */
  gchar *uri;                   /* of a FILE; or NULL */
  IdentifaiSegment *open;       /* the image so far, or NULL */
  IdentifaiMemoryFile *passed;  /* one of BYTES that isn't judged, so far, as its end has
                                 * to be known, too; or NULL */
  IdentifaiImageScan scan;      /* of either, as there is but one */
  gboolean skips;               /* the rest of what can't be judged */
  gboolean splits;              /* a buffer was found to have several images */

  gint64 next;                  /* ns: an image is judged from then on */
  gboolean next_is_running;     /* a running time; else monotonic */
  gboolean has_next;
  guint64 n_seen, n_posted;     /* images, since the start */
};

G_END_DECLS
