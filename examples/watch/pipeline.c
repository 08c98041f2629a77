/* identifai-watch: the pipeline of a file or an address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is posted as it is: filesrc ! SINK. What is cut: urisourcebin ! parsebin, whose
 * streams go to the element that judges them. A stream that comes before that is known
 * waits, blocked.
 */

#include "pipeline.h"

#include <string.h>

/* No picture has come this long after the first sound: there is none, in ms. */
#define SOUND_ALONE 1500

static const gchar *const judges[] = {
  "identifaisink", "identifaigate", "identifaispeechsink", "identifaiimagesink"
};

typedef struct
{
  GstElement *pipeline;         /* borrowed */
  gchar **settings;             /* borrowed */
  gboolean speech;              /* no picture will come */

  GMutex lock;
  GstElement *judge;            /* borrowed from the pipeline; NULL: not known */
  GList *waiting;               /* GstPad, of sound */
  guint timer;
} Streams;

static GstElement *
make (const gchar * factory, GError ** error)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  if (element == NULL)
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "the element %s isn't installed", factory);

  return element;
}

/* What a setting makes of element; pspec stays NULL if it has no such property. */
static gboolean
read_setting (GstElement * element, const gchar * setting, GValue * value,
    GParamSpec ** pspec)
{
  const gchar *text = strchr (setting, '=');
  g_autofree gchar *name = g_strndup (setting, text - setting);

  *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);
  if (*pspec == NULL || ((*pspec)->flags & G_PARAM_WRITABLE) == 0)
    return FALSE;
  g_value_init (value, (*pspec)->value_type);

  return gst_value_deserialize_with_pspec (value, text + 1, *pspec);
}

void
watch_element_set (GstElement * element, gchar ** settings)
{
  gchar *const *setting;

  for (setting = settings; setting != NULL && *setting != NULL; setting++) {
    GValue value = G_VALUE_INIT;
    GParamSpec *pspec;

    if (read_setting (element, *setting, &value, &pspec))
      g_object_set_property (G_OBJECT (element), pspec->name, &value);
    if (G_VALUE_TYPE (&value) != 0)
      g_value_unset (&value);
  }
}

static gboolean
check_setting (const gchar * setting, GError ** error)
{
  gboolean known = FALSE, suits = FALSE;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (judges) && !suits; i++) {
    g_autoptr (GstElement) element = gst_element_factory_make (judges[i], NULL);
    GValue value = G_VALUE_INIT;
    GParamSpec *pspec = NULL;

    if (element == NULL)
      continue;
    gst_object_ref_sink (element);
    suits = read_setting (element, setting, &value, &pspec);
    known |= pspec != NULL;
    if (G_VALUE_TYPE (&value) != 0)
      g_value_unset (&value);
  }
  if (!suits)
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        known ? "--set %s: it can't have that value" :
        "--set %s: no element that judges has that property", setting);

  return suits;
}

gboolean
watch_settings_check (gchar ** settings, GError ** error)
{
  gchar *const *setting;

  for (setting = settings; setting != NULL && *setting != NULL; setting++)
    if (!check_setting (*setting, error))
      return FALSE;

  return TRUE;
}

static void
streams_free (gpointer data)
{
  Streams *self = data;

  g_clear_handle_id (&self->timer, g_source_remove);
  g_list_free_full (self->waiting, gst_object_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Runs in a streaming thread, or the main one. */
static GstElement *
add_judge (Streams * self, const gchar * factory)
{
  GError *error = NULL;
  GstElement *judge = make (factory, &error);

  if (judge == NULL) {
    GST_ELEMENT_ERROR (self->pipeline, LIBRARY, SETTINGS, ("%s",
            error->message), (NULL));
    g_error_free (error);
    return NULL;
  }
  watch_element_set (judge, self->settings);
  gst_bin_add (GST_BIN (self->pipeline), judge);
  gst_element_sync_state_with_parent (judge);

  return judge;
}

static void
link_nowhere (Streams * self, GstPad * pad)
{
  GstElement *nowhere = gst_element_factory_make ("fakesink", NULL);
  GstPad *sink = gst_element_get_static_pad (nowhere, "sink");

  g_object_set (nowhere, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add (GST_BIN (self->pipeline), nowhere);
  gst_element_sync_state_with_parent (nowhere);
  gst_pad_link (pad, sink);
  gst_object_unref (sink);
}

/* A queue of its own in between, as streams of one source come in one thread. */
static void
link_stream (Streams * self, GstPad * pad, const gchar * name)
{
  GstElement *queue = gst_element_factory_make ("queue", NULL);
  GstPad *sink = gst_element_get_static_pad (queue, "sink");

  gst_bin_add (GST_BIN (self->pipeline), queue);
  if (!gst_element_link_pads (queue, "src", self->judge, name)
      || GST_PAD_LINK_FAILED (gst_pad_link (pad, sink)))
    GST_ELEMENT_ERROR (self->pipeline, STREAM, WRONG_TYPE,
        ("A stream can't be linked with what judges it."), ("%s", name));
  gst_element_sync_state_with_parent (queue);
  gst_object_unref (sink);
}

static GstPadProbeReturn
keep_blocked (GstPad * pad, GstPadProbeInfo * info, gpointer unused)
{
  return GST_PAD_PROBE_OK;
}

static void
let_waiting_locked (Streams * self, gboolean with_video)
{
  GList *item;

  for (item = self->waiting; item != NULL; item = item->next) {
    GstPad *pad = item->data;

    if (with_video)
      link_stream (self, pad, "audio_%u");
    else if (item == self->waiting)
      link_stream (self, pad, "sink");
    else
      link_nowhere (self, pad);
    gst_pad_remove_probe (pad,
        GPOINTER_TO_SIZE (g_object_get_data (G_OBJECT (pad), "block")));
  }
  g_list_free_full (g_steal_pointer (&self->waiting), gst_object_unref);
}

static gboolean
on_sound_alone (gpointer user_data)
{
  Streams *self = user_data;

  g_mutex_lock (&self->lock);
  self->timer = 0;
  if (self->judge == NULL) {
    self->judge = add_judge (self, "identifaispeechsink");
    if (self->judge != NULL)
      let_waiting_locked (self, FALSE);
  }
  g_mutex_unlock (&self->lock);

  return G_SOURCE_REMOVE;
}

static void
keep_waiting_locked (Streams * self, GstPad * pad)
{
  gulong block = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      keep_blocked, NULL, NULL);

  g_object_set_data (G_OBJECT (pad), "block", GSIZE_TO_POINTER (block));
  self->waiting = g_list_append (self->waiting, gst_object_ref (pad));
  if (self->timer == 0)
    self->timer = g_timeout_add (SOUND_ALONE, on_sound_alone, self);
}

static gboolean
takes_sound_too (GstElement * judge)
{
  return g_str_equal (GST_OBJECT_NAME (gst_element_get_factory (judge)),
      "identifaisink");
}

static void
add_sound_locked (Streams * self, GstPad * pad)
{
  if (self->judge == NULL && self->speech) {
    self->judge = add_judge (self, "identifaispeechsink");
    if (self->judge != NULL)
      link_stream (self, pad, "sink");
  } else if (self->judge == NULL) {
    keep_waiting_locked (self, pad);
  } else if (takes_sound_too (self->judge)) {
    link_stream (self, pad, "audio_%u");
  } else {
    link_nowhere (self, pad);
  }
}

static void
add_video_locked (Streams * self, GstPad * pad)
{
  if (self->judge != NULL) {
    link_nowhere (self, pad);
    return;
  }
  self->judge = add_judge (self, "identifaisink");
  if (self->judge == NULL)
    return;
  link_stream (self, pad, "sink");
  let_waiting_locked (self, TRUE);
}

static void
on_stream (GstElement * parser, GstPad * pad, gpointer user_data)
{
  Streams *self = user_data;
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const gchar *type;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  type = gst_caps_get_size (caps) > 0 ?
      gst_structure_get_name (gst_caps_get_structure (caps, 0)) : "";
  g_mutex_lock (&self->lock);
  if (g_str_has_prefix (type, "video/") || g_str_has_prefix (type, "image/"))
    add_video_locked (self, pad);
  else if (g_str_has_prefix (type, "audio/"))
    add_sound_locked (self, pad);
  else
    link_nowhere (self, pad);
  g_mutex_unlock (&self->lock);
}

static void
on_source (GstElement * source, GstPad * pad, gpointer user_data)
{
  Streams *self = user_data;
  GstElement *parser = gst_element_factory_make ("parsebin", NULL);
  GstPad *sink = gst_element_get_static_pad (parser, "sink");

  g_signal_connect (parser, "pad-added", G_CALLBACK (on_stream), self);
  gst_bin_add (GST_BIN (self->pipeline), parser);
  gst_element_sync_state_with_parent (parser);
  gst_pad_link (pad, sink);
  gst_object_unref (sink);
}

static gboolean
fill_streams (GstElement * pipeline, const gchar * uri, gboolean speech,
    gchar ** settings, GError ** error)
{
  GstElement *source = make ("urisourcebin", error);
  GstElement *parser = source != NULL ? make ("parsebin", error) : NULL;
  Streams *self;

  if (parser == NULL) {
    gst_clear_object (&source);
    return FALSE;
  }
  gst_object_unref (parser);
  self = g_new0 (Streams, 1);
  g_mutex_init (&self->lock);
  self->pipeline = pipeline;
  self->settings = settings;
  self->speech = speech;
  g_object_set_data_full (G_OBJECT (pipeline), "streams", self, streams_free);
  g_object_set (source, "uri", uri, NULL);
  g_signal_connect (source, "pad-added", G_CALLBACK (on_source), self);

  return gst_bin_add (GST_BIN (pipeline), source);
}

static gboolean
fill_whole (GstElement * pipeline, const gchar * path, const gchar * factory,
    gchar ** settings, GError ** error)
{
  GstElement *source = make ("filesrc", error);
  GstElement *judge = source != NULL ? make (factory, error) : NULL;

  if (source != NULL)
    gst_bin_add (GST_BIN (pipeline), source);
  if (judge == NULL)
    return FALSE;
  gst_bin_add (GST_BIN (pipeline), judge);
  g_object_set (source, "location", path, NULL);

  watch_element_set (judge, settings);

  return gst_element_link (source, judge);
}

static gboolean
fill (GstElement * pipeline, const WatchInput * input, WatchContent content,
    gchar ** settings, GError ** error)
{
  g_autofree gchar *uri = NULL;

  if (content == WATCH_CONTENT_WHOLE_VIDEO)
    return fill_whole (pipeline, input->location, "identifaisink", settings,
        error);
  if (content == WATCH_CONTENT_IMAGE)
    return fill_whole (pipeline, input->location, "identifaiimagesink",
        settings, error);
  uri = input->kind == WATCH_INPUT_FILE ?
      gst_filename_to_uri (input->location, error) : g_strdup (input->location);

  return uri != NULL && fill_streams (pipeline, uri,
      content == WATCH_CONTENT_SPEECH, settings, error);
}

GstElement *
watch_pipeline_new (const WatchInput * input, WatchContent content,
    gchar ** settings, GError ** error)
{
  GstElement *pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));

  if (!fill (pipeline, input, content, settings, error))
    gst_clear_object (&pipeline);

  return pipeline;
}
