/* identifai-moderate: from the elements' messages to lines
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "record.h"

#include <string.h>

/* In nanoseconds, whatever field of whatever message. */
static const gchar *const times[] = {
  "running-time", "stream-time", "duration", "latency", "upload-time", "delay",
  "audio-missing", "held-time", "margin-last", "margin-min", "latency-last",
  "latency-average", "latency-max", NULL
};

/* Everything the service said is in the evidence, not in each line. */
static const gchar *const left_out[] = {
  "json", "results", "file", "heatmap", "verdicts", NULL
};

static const gchar *const outcomes[] = {
  "identifai-verdict", "identifai-failed", "identifai-dropped", NULL
};

gboolean
mod_is_outcome (const GstStructure * s)
{
  return g_strv_contains (outcomes, gst_structure_get_name (s));
}

JsonObject *
mod_record_new (const gchar * event, const gchar * stream)
{
  JsonObject *line = json_object_new ();
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S");
  g_autofree gchar *precise = g_strdup_printf ("%s.%03dZ", time,
      g_date_time_get_microsecond (now) / 1000);

  json_object_set_string_member (line, "time", precise);
  json_object_set_string_member (line, "event", event);
  if (stream != NULL)
    json_object_set_string_member (line, "stream", stream);
  return line;
}

void
mod_record_add_time (JsonObject * line, const gchar * name, guint64 ns)
{
  /* of a time that may be negative the greatest stands for none */
  if (ns == GST_CLOCK_TIME_NONE || ns == G_MAXINT64)
    json_object_set_null_member (line, name);
  else
    json_object_set_double_member (line, name, (gint64) ns / 1e9);
}

static void
add_date (JsonObject * line, const gchar * name, const GValue * value)
{
  GstDateTime *date = g_value_get_boxed (value);
  gchar *text = date != NULL ? gst_date_time_to_iso8601_string (date) : NULL;

  if (text != NULL)
    json_object_set_string_member (line, name, text);
  g_free (text);
}

static JsonNode *to_node (const GValue * value);

static JsonNode *
array_to_node (const GValue * value)
{
  JsonArray *array = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  guint i;

  for (i = 0; i < gst_value_array_get_size (value); i++) {
    JsonNode *element = to_node (gst_value_array_get_value (value, i));

    if (element != NULL)
      json_array_add_element (array, element);
  }
  json_node_take_array (node, array);
  return node;
}

static JsonNode *
structure_to_node (const GstStructure * s)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  if (s != NULL)
    mod_record_add (object, s);
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
number_to_node (const GValue * value)
{
  JsonNode *node = json_node_new (JSON_NODE_VALUE);
  GValue number = G_VALUE_INIT;

  g_value_init (&number, G_TYPE_INT64);
  g_value_transform (value, &number);
  json_node_set_int (node, g_value_get_int64 (&number));
  return node;
}

/* NULL: what has no place in JSON. */
static JsonNode *
to_node (const GValue * value)
{
  JsonNode *node;

  if (GST_VALUE_HOLDS_ARRAY (value))
    return array_to_node (value);
  if (GST_VALUE_HOLDS_STRUCTURE (value))
    return structure_to_node (gst_value_get_structure (value));
  if (G_VALUE_HOLDS_UINT (value) || G_VALUE_HOLDS_INT (value)
      || G_VALUE_HOLDS_UINT64 (value) || G_VALUE_HOLDS_INT64 (value))
    return number_to_node (value);
  if (!G_VALUE_HOLDS_STRING (value) && !G_VALUE_HOLDS_BOOLEAN (value)
      && !G_VALUE_HOLDS_DOUBLE (value))
    return NULL;
  if (G_VALUE_HOLDS_STRING (value) && g_value_get_string (value) == NULL)
    return json_node_new (JSON_NODE_NULL);
  node = json_node_new (JSON_NODE_VALUE);
  json_node_set_value (node, value);
  return node;
}

static gchar *
make_name (const gchar * field)
{
  if (strcmp (field, "date-time") == 0)
    return g_strdup ("start");
  return g_strdelimit (g_strdup (field), "-", '_');
}

static gboolean
is_time (const gchar * field, const GValue * value)
{
  return g_strv_contains (times, field)
      && (G_VALUE_HOLDS_UINT64 (value) || G_VALUE_HOLDS_INT64 (value));
}

static gboolean
add_field (GQuark id, const GValue * value, gpointer user_data)
{
  JsonObject *line = user_data;
  const gchar *field = g_quark_to_string (id);
  g_autofree gchar *name = make_name (field);
  JsonNode *node;

  if (g_strv_contains (left_out, field))
    return TRUE;
  if (is_time (field, value)) {
    mod_record_add_time (line, name, G_VALUE_HOLDS_UINT64 (value) ?
        g_value_get_uint64 (value) : (guint64) g_value_get_int64 (value));
  } else if (G_VALUE_TYPE (value) == GST_TYPE_DATE_TIME) {
    add_date (line, name, value);
  } else {
    node = to_node (value);
    if (node != NULL)
      json_object_set_member (line, name, node);
  }
  return TRUE;
}

void
mod_record_add (JsonObject * line, const GstStructure * s)
{
  gst_structure_foreach (s, add_field, line);
}

/* Each heuristic's word in short. */
static void
add_heuristics (JsonObject * line, const GstStructure * s)
{
  const GValue *verdicts = gst_structure_get_value (s, "verdicts");
  JsonObject *words = json_object_new ();
  guint i;

  for (i = 0; i < gst_value_array_get_size (verdicts); i++) {
    const GstStructure *one =
        gst_value_get_structure (gst_value_array_get_value (verdicts, i));
    const gchar *name = gst_structure_get_string (one, "heuristic");

    if (name != NULL)
      json_object_set_string_member (words, name,
          gst_structure_get_string (one, "classification"));
  }
  json_object_set_object_member (line, "heuristics", words);
}

JsonObject *
mod_record_message (const gchar * stream, const GstStructure * s)
{
  const gchar *name = gst_structure_get_name (s);
  JsonObject *line = mod_record_new (g_str_has_prefix (name, "identifai-") ?
      name + strlen ("identifai-") : name, stream);

  mod_record_add (line, s);
  if (gst_structure_has_field_typed (s, "verdicts", GST_TYPE_ARRAY))
    add_heuristics (line, s);
  return line;
}

JsonObject *
mod_record_trouble (const gchar * stream, GstMessage * message)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;
  const GstStructure *details = NULL;
  const gchar *kind = gst_message_type_get_name (GST_MESSAGE_TYPE (message));
  JsonObject *line = mod_record_new (kind, stream), *more;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, &debug);
    gst_message_parse_error_details (message, &details);
  } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING) {
    gst_message_parse_warning (message, &error, &debug);
    gst_message_parse_warning_details (message, &details);
  } else {
    gst_message_parse_info (message, &error, &debug);
    gst_message_parse_info_details (message, &details);
  }
  json_object_set_string_member (line, "text", error->message);
  json_object_set_string_member (line, "element",
      GST_MESSAGE_SRC_NAME (message));
  if (details == NULL)
    return line;
  more = json_object_new ();
  mod_record_add (more, details);
  json_object_set_string_member (more, "name", gst_structure_get_name
      (details));
  json_object_set_object_member (line, "details", more);
  return line;
}
