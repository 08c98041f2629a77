/* identifai-moderate: what leaves a gate: RTMP, SRT, UDP
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "output.h"

#include <string.h>

/* Without a latency, sound that comes late, as the machine stood still for a moment, gets the
 * times of pictures that went before it. */
#define FLV "flvmux streamable=true latency=500000000"

typedef struct
{
  const gchar *scheme, *muxer, *sink;
  const gchar *address;         /* the sink's property for it */
} Kind;

static const Kind kinds[] = {
  {"rtmp", FLV, "rtmp2sink async-connect=false", "location"},
  {"rtmps", FLV, "rtmp2sink async-connect=false", "location"},
  {"srt", "mpegtsmux alignment=7", "srtsink wait-for-connection=false", "uri"},
  {"udp", "mpegtsmux alignment=7", "udpsink", NULL},
};

/* Which parser frames it as the muxer wants it. */
static const struct
{
  const gchar *caps, *parser;
} parsers[] = {
  {"video/x-h264", "h264parse config-interval=-1"},
  {"video/x-h265", "h265parse config-interval=-1"},
  {"video/mpeg,mpegversion=(int){1,2}", "mpegvideoparse"},
  {"audio/mpeg,mpegversion=(int){2,4}", "aacparse"},
  {"audio/mpeg,mpegversion=(int)1", "mpegaudioparse"},
  {"audio/x-ac3", "ac3parse"},
};

static const Kind *
find_kind (const gchar * uri)
{
  g_autofree gchar *scheme = gst_uri_get_protocol (uri);
  guint i;

  for (i = 0; scheme != NULL && i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].scheme, scheme) == 0)
      return &kinds[i];
  return NULL;
}

static void
set_address (GstElement * sink, const Kind * kind, const gchar * uri)
{
  if (kind->address != NULL) {
    g_object_set (sink, kind->address, uri, NULL);
  } else {
    g_autoptr (GstUri) address = gst_uri_from_string (uri);

    g_object_set (sink, "host", gst_uri_get_host (address), "port",
        gst_uri_get_port (address), NULL);
  }
}

/* rtmp2sink alone has async-connect, of no use while this connects anyway. */
static GstElement *
make (const gchar * description, GError ** error)
{
  return gst_parse_bin_from_description_full (description, FALSE, NULL,
      GST_PARSE_FLAG_NO_SINGLE_ELEMENT_BINS | GST_PARSE_FLAG_FATAL_ERRORS,
      error);
}

GstElement *
mod_output_new (GstElement * pipeline, const gchar * uri, GError ** error)
{
  const Kind *kind = find_kind (uri);
  GstElement *mux, *sink;

  if (kind == NULL) {
    g_set_error_literal (error, GST_URI_ERROR,
        GST_URI_ERROR_UNSUPPORTED_PROTOCOL,
        "output= wants an address that begins with rtmp://, rtmps://, srt:// "
        "or udp://");
    return NULL;
  }
  mux = make (kind->muxer, error);
  sink = mux != NULL ? make (kind->sink, error) : NULL;
  if (sink == NULL) {
    gst_clear_object (&mux);
    return NULL;
  }
  /* what comes out begins seconds later: PLAYING doesn't wait for it */
  g_object_set (sink, "async", FALSE, NULL);
  set_address (sink, kind, uri);
  gst_bin_add_many (GST_BIN (pipeline), mux, sink, NULL);
  gst_element_link (mux, sink);
  return mux;
}

/* What it is, without how it is framed. */
static GstCaps *
strip (GstCaps * caps)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  GstCaps *bare = gst_caps_new_empty_simple (gst_structure_get_name (s));
  gint number;

  if (gst_structure_get_int (s, "mpegversion", &number))
    gst_caps_set_simple (bare, "mpegversion", G_TYPE_INT, number, NULL);
  if (gst_structure_get_int (s, "layer", &number))
    gst_caps_set_simple (bare, "layer", G_TYPE_INT, number, NULL);
  return bare;
}

gboolean
mod_output_takes (GstElement * mux, GstCaps * caps)
{
  const GList *l = gst_element_get_pad_template_list (mux);
  GstCaps *bare = strip (caps);
  gboolean takes = FALSE;

  for (; l != NULL && !takes; l = l->next)
    takes = GST_PAD_TEMPLATE_DIRECTION (l->data) == GST_PAD_SINK
        && gst_caps_can_intersect (gst_pad_template_get_caps (l->data), bare);
  gst_caps_unref (bare);
  return takes;
}

static const gchar *
find_parser (GstCaps * caps)
{
  guint i;

  for (i = 0; caps != NULL && i < G_N_ELEMENTS (parsers); i++) {
    GstCaps *of = gst_caps_from_string (parsers[i].caps);
    gboolean found = gst_caps_can_intersect (of, caps);

    gst_caps_unref (of);
    if (found)
      return parsers[i].parser;
  }
  return "identity";
}

void
mod_output_link (GstElement * pipeline, GstElement * gate, const gchar * pad,
    GstElement * mux, GstCaps * caps)
{
  GstElement *queue = gst_element_factory_make ("queue", NULL);
  const gchar *anew = g_str_has_prefix (pad, "audio") ? "aacparse" :
      "h264parse config-interval=-1";
  GstElement *parser = make (caps != NULL ? find_parser (caps) : anew, NULL);

  gst_bin_add_many (GST_BIN (pipeline), queue, parser, NULL);
  if (!gst_element_link_pads (gate, pad, queue, "sink")
      || !gst_element_link (queue, parser) || !gst_element_link (parser, mux))
    GST_ELEMENT_ERROR (pipeline, STREAM, FORMAT,
        ("The output doesn't take what the source sends."), ("pad %s", pad));
  gst_element_sync_state_with_parent (parser);
  gst_element_sync_state_with_parent (queue);
}
