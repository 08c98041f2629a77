/* identifai-account: what it prints
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include "cleantext.h"
#include "json.h"

#include <string.h>

#define MAX_BYTES 200

gint
account_fail (Account * self, gint status, const gchar * format, ...)
{
  g_autofree gchar *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_printerr ("identifai-account: %s\n", text);

  return status;
}

static gchar *
number_to_text (JsonNode * node)
{
  gdouble number;

  if (!identifai_json_get_double (node, &number))
    return g_strdup ("-");

  return g_strdup_printf ("%.15g", number);
}

gchar *
account_get_text (JsonNode * object, const gchar * name)
{
  JsonNode *node = identifai_json_get_member (object, name);
  const gchar *text = identifai_json_get_string (node);
  gchar *clean = NULL;

  if (identifai_json_get_type (node) == G_TYPE_BOOLEAN)
    return g_strdup (json_node_get_boolean (node) ? "yes" : "no");
  if (text == NULL)
    return number_to_text (node);
  clean = identifai_clean_text (text, strlen (text), MAX_BYTES);

  return clean != NULL ? clean : g_strdup ("-");
}

void
account_print_json (JsonNode * node)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autofree gchar *text = NULL;

  json_generator_set_root (generator, node);
  json_generator_set_pretty (generator, TRUE);
  text = json_generator_to_data (generator, NULL);
  g_print ("%s\n", text);
}

JsonArray *
account_get_array (JsonNode * root)
{
  JsonNode *data = identifai_json_get_member (root, "data");

  if (identifai_json_get_type (root) == JSON_TYPE_ARRAY)
    return json_node_get_array (root);

  return identifai_json_get_type (data) == JSON_TYPE_ARRAY ?
      json_node_get_array (data) : NULL;
}
