/* identifai-watch: whether a pipeline that was told to end gets there
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An end comes behind what is on its way, and a sink that waits for the start of all
 * sinks lets nothing through: where one of them gets nothing, because its source waits
 * in another, no end arrives either. What waits for verdicts, or is held by a gate,
 * moves on by itself, and has bounds of its own.
 */

#include "ending.h"

/* So long nothing moves in what won't end, in us: where a sink has had nothing yet, and
 * where all play. */
#define STALLED_START (5 * G_USEC_PER_SEC)
#define STALLED (30 * G_USEC_PER_SEC)

typedef struct
{
  guint counters;
  guint64 pending;              /* segments without an outcome */
  guint64 hold;                 /* ns, of a gate that holds something */
  GString *unstarted, *unended; /* names of sinks */
} Look;

static guint64
get_stat (const GstStructure * stats, const gchar * name)
{
  guint64 number = 0;

  gst_structure_get_uint64 (stats, name, &number);

  return number;
}

/* But held-time, which is a clock. */
static gboolean
mix_counter (GQuark id, const GValue * value, gpointer counters)
{
  if (G_VALUE_HOLDS_UINT64 (value)
      && id != g_quark_from_static_string ("held-time"))
    *(guint *) counters =
        *(guint *) counters *31 + (guint) g_value_get_uint64 (value);

  return TRUE;
}

/* Of what judges, and of each sink: how many buffers it has shown. */
static void
look_at_stats (Look * self, GstElement * element)
{
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (element), "stats");
  g_autoptr (GstStructure) stats = NULL;
  guint64 hold = 0;

  if (pspec == NULL || pspec->value_type != GST_TYPE_STRUCTURE)
    return;
  g_object_get (element, "stats", &stats, NULL);
  if (stats == NULL)
    return;
  gst_structure_foreach (stats, mix_counter, &self->counters);
  self->pending += get_stat (stats, "pending");
  if (get_stat (stats, "held-bytes") > 0)
    g_object_get (element, "hold", &hold, NULL);
  self->hold = MAX (self->hold, hold);
}

static void
add_name (GString * names, GstElement * element)
{
  g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "",
      GST_OBJECT_NAME (element));
}

static gboolean
is_pad_ended (GstElement * element, GstPad * pad, gpointer unused)
{
  return GST_PAD_IS_EOS (pad);
}

static void
look_at_element (const GValue * item, gpointer user_data)
{
  GstElement *element = g_value_get_object (item);
  Look *self = user_data;

  look_at_stats (self, element);
  if (GST_IS_BIN (element)
      || !GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK))
    return;
  if (gst_element_get_state (element, NULL, NULL, 0) == GST_STATE_CHANGE_ASYNC)
    add_name (self->unstarted, element);
  if (!gst_element_foreach_sink_pad (element, is_pad_ended, NULL))
    add_name (self->unended, element);
}

static void
set_error (const Look * self, GError ** error)
{
  if (self->unstarted->len > 0)
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_STATE_CHANGE,
        "can't end, stopped: nothing has come to %s, and all other sinks wait "
        "until something does. async=false on a sink that gets little, or late "
        "(fakesink async=false say), lets the others start",
        self->unstarted->str);
  else
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_STATE_CHANGE,
        "doesn't end, stopped: nothing moves any more, and the end isn't through %s",
        self->unended->len > 0 ? self->unended->str : "sinks");
}

static gboolean
is_stalled (WatchEnding * self, const Look * look)
{
  gint64 now = g_get_monotonic_time ();
  gint64 bound = look->unstarted->len > 0 ? STALLED_START : STALLED;

  if (self->since == 0 || look->pending > 0 || look->counters != self->counters)
    self->since = now;
  self->counters = look->counters;

  return now - self->since > bound + (gint64) (look->hold / GST_USECOND);
}

gboolean
watch_ending_check (WatchEnding * self, GstElement * pipeline, GError ** error)
{
  Look look = { 0, };
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (pipeline));
  gboolean stalled;

  look.unstarted = g_string_new (NULL);
  look.unended = g_string_new (NULL);
  gst_iterator_foreach (elements, look_at_element, &look);
  gst_iterator_free (elements);
  stalled = is_stalled (self, &look);
  if (stalled)
    set_error (&look, error);
  g_string_free (look.unstarted, TRUE);
  g_string_free (look.unended, TRUE);

  return !stalled;
}
