/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads an identifier, of JSON or of plain text. Pure.
 */

#include "identifier.h"
#include "result.h"

#include <string.h>

static gboolean
identifier_is_usable (const gchar * text, gsize length)
{
  gsize i;

  if (length == 0 || length > IDENTIFAI_MAX_IDENTIFIER_BYTES)
    return FALSE;
  for (i = 0; i < length; i++) {
    if (!g_ascii_isgraph (text[i]))
      return FALSE;
  }

  /* no URL can hold these as a path's segment, escaped or not */
  return strncmp (text, "..", length) != 0;
}

gchar *
identifai_identifier_dup (JsonNode * node)
{
  const gchar *text = identifai_json_get_string (node);

  if (identifai_json_get_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  if (text == NULL || !identifier_is_usable (text, strlen (text)))
    return NULL;

  return g_strdup (text);
}

/* Text as it is, if it can't be meant as a page or as broken JSON. */
static gchar *
identifier_from_text (const gchar * data, gsize length)
{
  while (length > 0 && g_ascii_isspace (*data)) {
    data++;
    length--;
  }
  while (length > 0 && g_ascii_isspace (data[length - 1]))
    length--;

  if (length == 0 || strchr ("<{[\"", *data) != NULL
      || !identifier_is_usable (data, length))
    return NULL;

  return g_strndup (data, length);
}

static gchar *
identifier_from_json (JsonNode * node)
{
  return identifai_identifier_dup (node != NULL
      && JSON_NODE_HOLDS_OBJECT (node) ? identifai_json_get_member (node,
          "identifier") : node);
}

gchar *
identifai_identifier_parse (const gchar * data, gsize length, GError ** error)
{
  gchar *identifier;
  JsonNode *node;
  GType type;

  if (length > IDENTIFAI_MAX_ANSWER_BYTES) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The answer is too large");
    return NULL;
  }

  node = identifai_json_skim (data, length, 1, NULL, NULL);
  type = identifai_json_get_type (node);
  if (node == NULL || type == G_TYPE_INT64 || type == G_TYPE_DOUBLE)
    identifier = identifier_from_text (data, length);
  else
    identifier = identifier_from_json (node);
  if (identifier == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "It has no usable identifier");
  g_clear_pointer (&node, json_node_unref);

  return identifier;
}
