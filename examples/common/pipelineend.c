/* Examples: the end of a pipeline in which something may be blocked
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who sends EOS to a source waits until the buffer that it pushes has got through, and
 * holds the lock of the source's state meanwhile. Pausing the pipeline makes sinks keep
 * the next buffer, so it never gets through, and then wants that lock. So EOS goes out on
 * threads of their own, and the sinks are stopped first: they let go of what they keep.
 */

#include "pipelineend.h"

/* Set on a pipeline; kept apart from changes of its state by their lock. */
#define STOPPED "pipeline-stopped"

gboolean
pipeline_element_judges (GstElement * element)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  return factory != NULL
      && g_strcmp0 (gst_plugin_feature_get_plugin_name (GST_PLUGIN_FEATURE
          (factory)), "identifai") == 0;
}

static void
send_end (GstElement * source, gpointer unused)
{
  gst_element_send_event (source, gst_event_new_eos ());
}

static void
begin_end (const GValue * item, gpointer unused)
{
  gst_element_call_async (g_value_get_object (item), send_end, NULL, NULL);
}

/* Not by the pipeline, which couldn't be stopped before that has returned. */
void
pipeline_end_streams (GstElement * pipeline)
{
  GstIterator *sources = gst_bin_iterate_sources (GST_BIN (pipeline));

  while (gst_iterator_foreach (sources, begin_end, NULL) == GST_ITERATOR_RESYNC)
    gst_iterator_resync (sources);
  gst_iterator_free (sources);
}

/* Each once, however often the iterator starts over. */
static void
add_sink (const GValue * item, gpointer sinks)
{
  GstElement *element = g_value_get_object (item);

  if (!GST_IS_BIN (element)
      && GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK)
      && !g_ptr_array_find (sinks, element, NULL))
    g_ptr_array_add (sinks, gst_object_ref (element));
}

static GPtrArray *
find_sinks (GstElement * pipeline)
{
  GPtrArray *sinks = g_ptr_array_new_with_free_func (gst_object_unref);
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (pipeline));

  while (gst_iterator_foreach (elements, add_sink,
          sinks) == GST_ITERATOR_RESYNC)
    gst_iterator_resync (elements);
  gst_iterator_free (elements);

  return sinks;
}

static void
stop_sinks (GPtrArray * sinks, gboolean that_judge)
{
  guint i;

  for (i = 0; i < sinks->len; i++) {
    GstElement *sink = g_ptr_array_index (sinks, i);

    if (pipeline_element_judges (sink) == that_judge
        && GST_STATE_TARGET (sink) > GST_STATE_READY)
      gst_element_set_state (sink, GST_STATE_READY);
  }
}

GstStateChangeReturn
pipeline_set_state (GstElement * pipeline, GstState state)
{
  GstStateChangeReturn result = GST_STATE_CHANGE_FAILURE;

  GST_STATE_LOCK (pipeline);
  if (g_object_get_data (G_OBJECT (pipeline), STOPPED) == NULL)
    result = gst_element_set_state (pipeline, state);
  GST_STATE_UNLOCK (pipeline);

  return result;
}

void
pipeline_stop (GstElement * pipeline)
{
  GPtrArray *sinks = find_sinks (pipeline);

  g_object_set_data (G_OBJECT (pipeline), STOPPED, pipeline);
  stop_sinks (sinks, TRUE);
  stop_sinks (sinks, FALSE);
  g_ptr_array_unref (sinks);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
