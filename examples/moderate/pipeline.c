/* identifai-moderate: a stream's pipeline, made from its section
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pipeline.h"
#include "settings.h"
#include "source.h"

#include <string.h>

static void
add_judge (const GValue * item, gpointer judges)
{
  if (mod_is_judge (g_value_get_object (item)))
    g_ptr_array_add (judges, g_value_get_object (item));
}

/* Borrowed; NULL unless there is exactly one. */
static GstElement *
find_judge (GstElement * pipeline, GError ** error)
{
  g_autoptr (GPtrArray) judges = g_ptr_array_new ();
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (pipeline));

  gst_iterator_foreach (elements, add_judge, judges);
  gst_iterator_free (elements);
  if (judges->len == 1)
    return g_ptr_array_index (judges, 0);
  g_set_error (error, GST_PARSE_ERROR, GST_PARSE_ERROR_SYNTAX,
      "wants one identifaisink, identifaigate, identifaispeechsink or "
      "identifaiimagesink, and has %u of them", judges->len);
  return NULL;
}

static GstElement *
wrap (GstElement * element)
{
  GstElement *pipeline;

  if (GST_IS_PIPELINE (element))
    return element;
  pipeline = gst_pipeline_new (NULL);
  gst_bin_add (GST_BIN (pipeline), element);
  return pipeline;
}

static GstElement *
parse_pipeline (const ModStreamConfig * config, GstElement ** judge,
    GError ** error)
{
  GstElement *element = gst_parse_launch_full (config->pipeline, NULL,
      GST_PARSE_FLAG_FATAL_ERRORS, error);

  if (element == NULL)
    return NULL;
  element = gst_object_ref_sink (wrap (element));
  *judge = find_judge (element, error);
  if (*judge == NULL)
    gst_clear_object (&element);
  return element;
}

GstElement *
mod_pipeline_new (const ModStreamConfig * config, GstElement ** judge,
    ModProblems * problems, GError ** error)
{
  GstElement *pipeline = config->pipeline != NULL ?
      parse_pipeline (config, judge, error) :
      mod_source_pipeline_new (config, judge, error);

  if (pipeline == NULL)
    return NULL;
  gst_object_set_name (GST_OBJECT (pipeline), config->name);
  mod_settings_apply (config, *judge, problems);
  return pipeline;
}

/* An element says with an error why it can't start: no key, an endpoint that is none. */
static void
check_start (const ModStreamConfig * config, GstElement * judge,
    ModProblems * problems)
{
  g_autoptr (GstElement) alone =
      gst_element_factory_create (gst_element_get_factory (judge), NULL);
  g_autoptr (GstBus) bus = gst_bus_new ();
  GstMessage *message;

  gst_object_ref_sink (alone);
  mod_settings_apply (config, alone, NULL);
  gst_element_set_bus (alone, bus);
  gst_element_set_state (alone, GST_STATE_PAUSED);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  if (message != NULL) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    mod_problems_add (problems, config->line, config->name, NULL, "%s",
        error->message);
    gst_message_unref (message);
  }
  gst_element_set_state (alone, GST_STATE_NULL);
}

static void
check_stream (const ModStreamConfig * config, gboolean start,
    ModProblems * problems)
{
  g_autoptr (GError) error = NULL;
  GstElement *judge = NULL;
  g_autoptr (GstElement) pipeline =
      mod_pipeline_new (config, &judge, problems, &error);

  if (pipeline == NULL)
    mod_problems_add (problems, config->line, config->name,
        config->pipeline != NULL ? "pipeline" : "uri", "%s", error->message);
  else if (start && !mod_problems_any (problems) && config->pipeline == NULL)
    check_start (config, judge, problems);
}

void
mod_pipelines_check (const ModConfig * config, gboolean start,
    ModProblems * problems)
{
  guint i;

  for (i = 0; i < config->streams->len; i++)
    check_stream (g_ptr_array_index (config->streams, i), start, problems);
}

gdouble
mod_pipeline_get_uploads (GstElement * judge)
{
  guint64 duration = 0, interval = 0;

  if (!g_object_class_find_property (G_OBJECT_GET_CLASS (judge),
          "segment-duration"))
    return 0;
  g_object_get (judge, "segment-duration", &duration, "segment-interval",
      &interval, NULL);
  duration = MAX (duration, interval);
  return duration > 0 ? 60.0 * GST_SECOND / duration : 0;
}

gchar *
mod_pipeline_get_account (GstElement * judge)
{
  g_autofree gchar *endpoint = NULL, *file = NULL;

  g_object_get (judge, "endpoint", &endpoint, "api-key-file", &file, NULL);
  return g_strdup_printf ("%s\n%s", endpoint, file != NULL ? file : "");
}
