/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A demuxer's pad that nothing takes stays unlinked, and no word of it ever gets
 * downstream. So it is looked for: from each pad of the sink upwards, through
 * queues, parsers and bins, and at the sink's neighbours where nothing is linked
 * to it yet.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiupstream.h"

#include <gst/pbutils/pbutils.h>

#include "codecs.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

typedef struct
{
  GHashTable *seen;             /* of GstElement, borrowed: they are held by bins */
  GstPad *found;                /* owned; NULL: none yet */
  GstCaps *caps;                /* of it */
} Search;

static gboolean
is_video (const GstCaps * caps)
{
  const gchar *name;

  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return FALSE;
  name = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  return g_str_has_prefix (name, "video/") || g_str_has_prefix (name, "image/");
}

static gpointer
hold (gconstpointer object, gpointer unused)
{
  return gst_object_ref ((gpointer) object);
}

/* Those that are there now. Owned. */
static GList *
list_pads (GstElement * element, gboolean sources)
{
  GList *pads;

  GST_OBJECT_LOCK (element);
  pads = g_list_copy_deep (sources ? element->srcpads : element->sinkpads,
      hold, NULL);
  GST_OBJECT_UNLOCK (element);

  return pads;
}

static void
free_pads (GList * pads)
{
  g_list_free_full (pads, gst_object_unref);
}

/* Caps that the pad has; a query would go upstream and might wait. */
static void
look_at_sources (Search * self, GstElement * element)
{
  GList *pads = list_pads (element, TRUE), *l;

  for (l = pads; l && self->found == NULL; l = l->next) {
    GstCaps *caps = gst_pad_is_linked (l->data) ? NULL :
        gst_pad_get_current_caps (l->data);

    if (caps && is_video (caps)) {
      self->found = gst_object_ref (l->data);
      self->caps = gst_caps_ref (caps);
    }
    gst_clear_caps (&caps);
  }
  free_pads (pads);
}

static void look_above (Search * self, GstPad * pad);

static void
look_at_element (Search * self, GstElement * element)
{
  GList *pads, *l;

  if (!g_hash_table_add (self->seen, element))
    return;
  look_at_sources (self, element);
  pads = list_pads (element, FALSE);
  for (l = pads; l && self->found == NULL; l = l->next)
    look_above (self, l->data);
  free_pads (pads);
}

/* The pad is a source pad: of an element, of a bin, or inside of the pad by which
 * a bin is entered. */
static void
look_at_source (Search * self, GstPad * pad)
{
  GstObject *parent = gst_object_get_parent (GST_OBJECT (pad));
  GstPad *target = GST_IS_GHOST_PAD (pad) ?
      gst_ghost_pad_get_target (GST_GHOST_PAD (pad)) : NULL;

  if (GST_IS_PAD (parent))
    look_above (self, GST_PAD (parent));
  else if (GST_IS_ELEMENT (parent))
    look_at_element (self, GST_ELEMENT (parent));
  if (target && self->found == NULL)
    look_at_source (self, target);
  gst_clear_object (&target);
  gst_clear_object (&parent);
}

/* Of a sink pad. */
static void
look_above (Search * self, GstPad * pad)
{
  GstPad *peer = gst_pad_get_peer (pad);

  if (peer)
    look_at_source (self, peer);
  gst_clear_object (&peer);
}

/* Nothing is linked that could be followed. */
static void
look_beside (Search * self, GstElement * sink)
{
  GstObject *bin = gst_object_get_parent (GST_OBJECT (sink));
  GList *elements = NULL, *l;

  if (GST_IS_BIN (bin)) {
    GST_OBJECT_LOCK (bin);
    elements = g_list_copy_deep (GST_BIN_CHILDREN (bin), hold, NULL);
    GST_OBJECT_UNLOCK (bin);
  }
  for (l = elements; l && self->found == NULL; l = l->next)
    look_at_sources (self, l->data);
  free_pads (elements);
  gst_clear_object (&bin);
}

static void
search (Search * self, GstElement * sink)
{
  GList *pads = list_pads (sink, FALSE), *l;
  gboolean is_linked = FALSE;

  for (l = pads; l && self->found == NULL; l = l->next) {
    is_linked |= gst_pad_is_linked (l->data);
    look_above (self, l->data);
  }
  free_pads (pads);
  if (!is_linked)
    look_beside (self, sink);
}

/* "H.263 (video/x-h263)" */
static gchar *
name_codec (GstCaps * caps)
{
  const gchar *type = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  gchar *codec = gst_pb_utils_get_codec_description (caps), *name;

  if (codec != NULL && !g_str_equal (codec, type))
    name = g_strdup_printf ("%s (%s)", codec, type);
  else
    name = g_strdup (type);
  g_free (codec);

  return name;
}

static const gchar *
advise_on (GstCaps * caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);

  if (gst_structure_has_name (structure, "video/x-raw"))
    return
        "Encode it first, videoconvert ! x264enc ! h264parse; for a file, take "
        "parsebin instead of decodebin.";
  if (codec != NULL && codec->video)
    return "Link it to the pad named sink.";

  return "identifaisink doesn't take that: judge the file as it is, filesrc ! "
      "identifaisink, or encode the video anew, decodebin ! videoconvert ! "
      "x264enc ! h264parse.";
}

gchar *
gst_identifai_upstream_advise (GstElement * sink)
{
  Search self = { g_hash_table_new (NULL, NULL), NULL, NULL };
  GstObject *owner;
  gchar *advice, *codec;
  guint n_seen;

  search (&self, sink);
  n_seen = g_hash_table_size (self.seen);
  g_hash_table_unref (self.seen);
  if (self.found == NULL)
    GST_INFO_OBJECT (sink, "of %u elements upstream and beside, none has video "
        "that is linked to nothing", n_seen);
  if (self.found == NULL)
    return
        g_strdup ("Check the source, and that its video is linked to the pad "
        "named sink. A file of a codec that identifaisink doesn't take can be "
        "judged as it is: filesrc ! identifaisink.");

  GST_INFO_OBJECT (sink, "%" GST_PTR_FORMAT " is linked to nothing: %"
      GST_PTR_FORMAT, self.found, self.caps);
  owner = gst_object_get_parent (GST_OBJECT (self.found));
  codec = name_codec (self.caps);
  advice = g_strdup_printf ("%s has video that is linked to nothing, %s. %s",
      owner ? GST_OBJECT_NAME (owner) : "The source", codec,
      advise_on (self.caps));
  g_free (codec);
  gst_clear_object (&owner);
  gst_object_unref (self.found);
  gst_caps_unref (self.caps);

  return advice;
}
