/* identifai-moderate: a pipeline for a URI: what is needed between it and what judges
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "source.h"
#include "output.h"

#include <string.h>

/* What a picture or a sound has to become if nothing else fits. A key frame each two
 * seconds: segments end at those. */
#define VIDEO_ANEW "queue name=first ! decodebin ! videoconvert ! x264enc " \
    "tune=zerolatency speed-preset=veryfast bitrate=2500 key-int-max=50 ! " \
    "h264parse name=last"
#define AUDIO_ANEW "queue name=first ! decodebin ! audioconvert ! " \
    "audioresample ! avenc_aac ! aacparse name=last"

static const gchar *const schemes[] = {
  "rtmp", "rtmps", "rtmpt", "rtsp", "rtsps", "rtspt", "rtspu", "rtsph", "srt",
  "udp", "http", "https", "file", NULL
};

/* Lives as long as its pipeline. Pads come on the source's threads. */
typedef struct
{
  GstElement *pipeline, *judge; /* borrowed */
  GstElement *mux;              /* borrowed; NULL: nothing goes out */
  gint video;                   /* atomic: whether there is a picture already */
} Source;

static GstElement *
add (Source * self, GstElement * element)
{
  gst_bin_add (GST_BIN (self->pipeline), element);
  gst_element_sync_state_with_parent (element);
  return element;
}

static void
link_pads (Source * self, GstPad * src, GstElement * element,
    const gchar * name)
{
  GstPad *sink = gst_element_get_static_pad (element, name);
  GstPadLinkReturn done = gst_pad_link (src, sink);

  if (GST_PAD_LINK_FAILED (done))
    GST_ELEMENT_ERROR (self->pipeline, STREAM, FORMAT,
        ("%s can't be linked with %s.", GST_PAD_NAME (src),
            GST_PAD_NAME (sink)), ("%s", gst_pad_link_get_name (done)));
  gst_object_unref (sink);
}

static gboolean
template_takes (GstElement * element, const gchar * name, GstCaps * caps)
{
  GstPadTemplate *template = gst_element_get_pad_template (element, name);

  return template != NULL
      && gst_caps_can_intersect (gst_pad_template_get_caps (template), caps);
}

/* The parser's own would take the pad that decodebin is going to be linked with. */
static void
add_ghost (GstElement * bin, const gchar * element, const gchar * name)
{
  GstElement *inside = gst_bin_get_by_name (GST_BIN (bin), element);
  GstPad *pad = gst_element_get_static_pad (inside, name);

  gst_element_add_pad (bin, gst_ghost_pad_new (name, pad));
  gst_object_unref (pad);
  gst_object_unref (inside);
}

static GstElement *
make_encoder (const gchar * description, GError ** error)
{
  GstElement *bin = gst_parse_bin_from_description (description, FALSE, error);

  if (bin != NULL) {
    add_ghost (bin, "first", "sink");
    add_ghost (bin, "last", "src");
  }
  return bin;
}

/* What stands between: a queue, or an encoder for what isn't taken as it is. */
static GstElement *
make_way (Source * self, gboolean fits, const gchar * anew)
{
  g_autoptr (GError) error = NULL;
  GstElement *way = fits ? gst_element_factory_make ("queue", NULL) :
      make_encoder (anew, &error);

  if (way == NULL)
    GST_ELEMENT_ERROR (self->pipeline, CORE, MISSING_PLUGIN,
        ("This has to be encoded anew, and that can't be done: %s",
            error != NULL ? error->message : "no queue"), (NULL));
  return way;
}

static void
take_video (Source * self, GstPad * pad, GstCaps * caps)
{
  gboolean fits = template_takes (self->judge, "sink", caps)
      && (self->mux == NULL || mod_output_takes (self->mux, caps));
  GstElement *way = make_way (self, fits, VIDEO_ANEW);

  if (way == NULL)
    return;
  add (self, way);
  if (self->mux != NULL)
    mod_output_link (self->pipeline, self->judge, "src", self->mux,
        fits ? caps : NULL);
  gst_element_link_pads (way, "src", self->judge, "sink");
  link_pads (self, pad, way, "sink");
}

static void
take_audio (Source * self, GstPad * pad, GstCaps * caps)
{
  gboolean fits = self->mux == NULL || mod_output_takes (self->mux, caps);
  GstElement *way = make_way (self, fits, AUDIO_ANEW);
  GstPad *sink, *src;
  g_autofree gchar *out = NULL;

  if (way == NULL)
    return;
  add (self, way);
  sink = gst_element_request_pad_simple (self->judge, "audio_%u");
  if (self->mux != NULL) {
    out = g_strdup_printf ("audio_src_%s", GST_PAD_NAME (sink) + strlen
        ("audio_"));
    mod_output_link (self->pipeline, self->judge, out, self->mux,
        fits ? caps : NULL);
  }
  src = gst_element_get_static_pad (way, "src");
  gst_pad_link (src, sink);
  gst_object_unref (src);
  gst_object_unref (sink);
  link_pads (self, pad, way, "sink");
}

/* Subtitles, data, a second picture: nobody judges them, and a pad that isn't linked
 * would end its source. */
static void
take_other (Source * self, GstPad * pad)
{
  GstElement *nowhere = gst_element_factory_make ("fakesink", NULL);

  g_object_set (nowhere, "async", FALSE, "sync", FALSE, NULL);
  link_pads (self, pad, add (self, nowhere), "sink");
}

static void
on_parsed (GstElement * parser, GstPad * pad, gpointer user_data)
{
  Source *self = user_data;
  GstCaps *caps = gst_pad_get_current_caps (pad);
  const gchar *type;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  type = gst_caps_get_size (caps) > 0 ?
      gst_structure_get_name (gst_caps_get_structure (caps, 0)) : "";
  if ((g_str_has_prefix (type, "video/") || g_str_has_prefix (type, "image/"))
      && g_atomic_int_compare_and_exchange (&self->video, 0, 1))
    take_video (self, pad, caps);
  else if (g_str_has_prefix (type, "audio/"))
    take_audio (self, pad, caps);
  else
    take_other (self, pad);
  gst_caps_unref (caps);
}

static void
on_source_pad (GstElement * source, GstPad * pad, gpointer user_data)
{
  Source *self = user_data;
  GstElement *parser = gst_element_factory_make ("parsebin", NULL);

  g_signal_connect (parser, "pad-added", G_CALLBACK (on_parsed), self);
  add (self, parser);
  link_pads (self, pad, parser, "sink");
}

static gboolean
check_uri (const gchar * uri, GError ** error)
{
  g_autofree gchar *scheme = gst_uri_get_protocol (uri);
  g_autofree gchar *known = g_strjoinv (", ", (gchar **) schemes);

  if (scheme == NULL || !g_strv_contains (schemes, scheme)) {
    g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_UNSUPPORTED_PROTOCOL,
        "wants an address that begins with one of %s; other sources go with "
        "pipeline=", known);
    return FALSE;
  }
  if (gst_uri_protocol_is_supported (GST_URI_SRC, scheme))
    return TRUE;
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_UNSUPPORTED_PROTOCOL,
      "no installed element reads %s://", scheme);
  return FALSE;
}

static GstElement *
make (const gchar * factory, GError ** error)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  if (element == NULL)
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "the element %s is missing", factory);
  return element;
}

static gboolean
fill (Source * self, const ModStreamConfig * config, GError ** error)
{
  GstElement *source = make ("urisourcebin", error);

  if (source == NULL)
    return FALSE;
  g_object_set (source, "uri", config->uri, NULL);
  g_signal_connect (source, "pad-added", G_CALLBACK (on_source_pad), self);
  gst_bin_add (GST_BIN (self->pipeline), source);
  self->judge = make (config->mode == MOD_MODE_GATE ? "identifaigate" :
      "identifaisink", error);
  if (self->judge == NULL)
    return FALSE;
  gst_bin_add (GST_BIN (self->pipeline), self->judge);
  if (config->output == NULL)
    return TRUE;
  self->mux = mod_output_new (self->pipeline, config->output, error);
  return self->mux != NULL;
}

GstElement *
mod_source_pipeline_new (const ModStreamConfig * config, GstElement ** judge,
    GError ** error)
{
  Source *self;
  GstElement *pipeline;

  if (!check_uri (config->uri, error))
    return NULL;
  self = g_new0 (Source, 1);
  pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  self->pipeline = pipeline;
  g_object_set_data_full (G_OBJECT (pipeline), "moderate-source", self, g_free);
  if (!fill (self, config, error)) {
    gst_object_unref (pipeline);
    return NULL;
  }
  *judge = self->judge;
  return pipeline;
}
