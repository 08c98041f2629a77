/* identifai-watch: a GstStructure as JSON
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tojson.h"

static void add_value (JsonBuilder * builder, const GValue * value);

static void
add_unsigned (JsonBuilder * builder, guint64 number)
{
  if (number > G_MAXINT64)
    json_builder_add_null_value (builder);
  else
    json_builder_add_int_value (builder, number);
}

static void
add_text (JsonBuilder * builder, gchar * text)
{
  json_builder_add_string_value (builder, text);
  g_free (text);
}

static void
add_array (JsonBuilder * builder, const GValue * array)
{
  guint i;

  json_builder_begin_array (builder);
  for (i = 0; i < gst_value_array_get_size (array); i++)
    add_value (builder, gst_value_array_get_value (array, i));
  json_builder_end_array (builder);
}

static void
add_boxed (JsonBuilder * builder, const GValue * value)
{
  if (GST_VALUE_HOLDS_ARRAY (value)) {
    add_array (builder, value);
  } else if (GST_VALUE_HOLDS_STRUCTURE (value)) {
    json_builder_begin_object (builder);
    watch_json_add_structure (builder, gst_value_get_structure (value));
    json_builder_end_object (builder);
  } else if (G_VALUE_HOLDS (value, GST_TYPE_DATE_TIME)) {
    add_text (builder, gst_date_time_to_iso8601_string (g_value_get_boxed
            (value)));
  } else {
    add_text (builder, gst_value_serialize (value));
  }
}

static void
add_value (JsonBuilder * builder, const GValue * value)
{
  switch (G_VALUE_TYPE (value)) {
    case G_TYPE_STRING:
      json_builder_add_string_value (builder, g_value_get_string (value));
      break;
    case G_TYPE_BOOLEAN:
      json_builder_add_boolean_value (builder, g_value_get_boolean (value));
      break;
    case G_TYPE_INT:
      json_builder_add_int_value (builder, g_value_get_int (value));
      break;
    case G_TYPE_UINT:
      json_builder_add_int_value (builder, g_value_get_uint (value));
      break;
    case G_TYPE_INT64:
      json_builder_add_int_value (builder, g_value_get_int64 (value));
      break;
    case G_TYPE_UINT64:
      add_unsigned (builder, g_value_get_uint64 (value));
      break;
    case G_TYPE_DOUBLE:
      json_builder_add_double_value (builder, g_value_get_double (value));
      break;
    default:
      add_boxed (builder, value);
      break;
  }
}

static gboolean
add_field (GQuark field, const GValue * value, gpointer builder)
{
  if (GST_VALUE_HOLDS_BUFFER (value))
    return TRUE;
  json_builder_set_member_name (builder, g_quark_to_string (field));
  add_value (builder, value);

  return TRUE;
}

void
watch_json_add_structure (JsonBuilder * builder, const GstStructure * s)
{
  gst_structure_foreach (s, add_field, builder);
}

gchar *
watch_json_to_line (JsonBuilder * builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);

  return json_to_string (root, FALSE);
}
