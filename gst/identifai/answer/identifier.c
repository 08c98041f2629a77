/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads an identifier, of JSON or of plain text. Pure.
 */

#include "identifier.h"
#include "log.h"
#include "result.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_ANSWER)

/* Why a text can't be one; NULL: it can. */
static const gchar *
find_fault (const gchar * text, gsize length)
{
  gsize i;

  if (length == 0)
    return "it is empty";
  if (length > IDENTIFAI_MAX_IDENTIFIER_BYTES)
    return "it is too long";
  for (i = 0; i < length; i++) {
    if (!g_ascii_isgraph (text[i]))
      return "it isn't printable ASCII without spaces";
  }

  /* no URL can hold these as a path's segment, escaped or not */
  return strncmp (text, "..", length) == 0 ? "it is dots" : NULL;
}

static gboolean
identifier_is_usable (const gchar * text, gsize length)
{
  return find_fault (text, length) == NULL;
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
identifier_from_json (const gchar * name, JsonNode * node)
{
  gboolean is_object = node != NULL && JSON_NODE_HOLDS_OBJECT (node);
  JsonNode *member = is_object ? identifai_json_get_member (node,
      "identifier") : node;
  gchar *identifier = identifai_identifier_dup (member);
  const gchar *text = identifai_json_get_string (member);

  if (identifier == NULL)
    GST_DEBUG_ID (name, "no identifier in %s: %s", is_object ? "an object" :
        "an answer that is no object", text ? find_fault (text, strlen (text))
        : "there is neither string nor whole number");
  else if (!is_object)
    GST_DEBUG_ID (name, "the identifier %s stands alone, without an object",
        identifier);

  return identifier;
}

gchar *
identifai_identifier_parse (const gchar * name, const gchar * data,
    gsize length, GError ** error)
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
  if (node == NULL || type == G_TYPE_INT64 || type == G_TYPE_DOUBLE) {
    identifier = identifier_from_text (data, length);
    GST_DEBUG_ID (name, "an answer of %" G_GSIZE_FORMAT " bytes is no JSON: %s",
        length, identifier ? "taken for the identifier as it is" :
        "nor can it be an identifier");
  } else {
    identifier = identifier_from_json (name, node);
  }
  if (identifier == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "It has no usable identifier");
  g_clear_pointer (&node, json_node_unref);

  return identifier;
}
