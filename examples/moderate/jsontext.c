/* identifai-moderate: JSON as text, in one line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "jsontext.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 64

static void write_node (GString * out, JsonNode * node);

static void
write_text (GString * out, const gchar * text)
{
  const guchar *c;

  g_string_append_c (out, '"');
  for (c = (const guchar *) text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_printf (out, "\\%c", *c);
    else if (*c < 0x20 || *c == 0x7f)
      g_string_append_printf (out, "\\u%04x", *c);
    else
      g_string_append_c (out, *c);
  }
  g_string_append_c (out, '"');
}

static void
write_double (GString * out, gdouble number)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (number)) {
    g_string_append (out, "null");
    return;
  }
  g_ascii_formatd (text, sizeof text, "%.15g", number);
  if (g_ascii_strtod (text, NULL) != number)
    g_ascii_dtostr (text, sizeof text, number);
  g_string_append (out, text);
}

static void
write_value (GString * out, JsonNode * node)
{
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_STRING)
    write_text (out, json_node_get_string (node));
  else if (type == G_TYPE_BOOLEAN)
    g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
  else if (type == G_TYPE_DOUBLE)
    write_double (out, json_node_get_double (node));
  else
    g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
}

static void
write_member (JsonObject * object, const gchar * name, JsonNode * node,
    gpointer out)
{
  GString *text = out;

  if (text->str[text->len - 1] != '{')
    g_string_append_c (text, ',');
  write_text (text, name);
  g_string_append_c (text, ':');
  write_node (text, node);
}

static void
write_element (JsonArray * array, guint index, JsonNode * node, gpointer out)
{
  if (index > 0)
    g_string_append_c (out, ',');
  write_node (out, node);
}

static void
write_object (GString * out, JsonObject * object)
{
  g_string_append_c (out, '{');
  json_object_foreach_member (object, write_member, out);
  g_string_append_c (out, '}');
}

static void
write_node (GString * out, JsonNode * node)
{
  switch (JSON_NODE_TYPE (node)) {
    case JSON_NODE_OBJECT:
      write_object (out, json_node_get_object (node));
      break;
    case JSON_NODE_ARRAY:
      g_string_append_c (out, '[');
      json_array_foreach_element (json_node_get_array (node), write_element,
          out);
      g_string_append_c (out, ']');
      break;
    case JSON_NODE_VALUE:
      write_value (out, node);
      break;
    case JSON_NODE_NULL:
      g_string_append (out, "null");
      break;
  }
}

gchar *
mod_json_to_text (JsonObject * object)
{
  GString *out = g_string_sized_new (512);

  write_object (out, object);
  return g_string_free (out, FALSE);
}

/* json-glib (1.6) reads what is nested by recursion, until the stack is full. It takes
 * comments and '…', too, in which a " would lead us astray: they are no JSON. */
static gboolean
is_readable (const gchar * text)
{
  guint depth = 0;
  gboolean quoted = FALSE;

  for (; *text != '\0'; text++) {
    if (*text == '"')
      quoted = !quoted;
    else if (quoted && *text == '\\' && text[1] != '\0')
      text++;
    else if (!quoted && strchr ("/'#", *text) != NULL)
      return FALSE;
    else if (!quoted && strchr ("{[", *text) != NULL && ++depth > DEEPEST)
      return FALSE;
    else if (!quoted && strchr ("}]", *text) != NULL && depth > 0)
      depth--;
  }
  return TRUE;
}

JsonNode *
mod_json_node_from_text (const gchar * text)
{
  return is_readable (text) ? json_from_string (text, NULL) : NULL;
}

JsonObject *
mod_json_from_text (const gchar * text)
{
  g_autoptr (JsonNode) node = mod_json_node_from_text (text);

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  return json_node_dup_object (node);
}

const gchar *
mod_json_get_text (JsonObject * object, const gchar * name,
    const gchar * missing)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
      && json_node_get_value_type (node) == G_TYPE_STRING ?
      json_node_get_string (node) : missing;
}
