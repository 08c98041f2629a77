/* identifai-emulator: what is wrong with the fields of a call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "problems.h"

void
emu_problems_add_sentence (JsonObject * self, const gchar * field,
    const gchar * sentence)
{
  JsonArray *sentences = json_array_new ();

  json_array_add_string_element (sentences, sentence);
  json_object_set_array_member (self, field, sentences);
}

void
emu_problems_add (JsonObject * self, const gchar * field, const gchar * problem)
{
  g_autofree gchar *words = g_strdelimit (g_strdup (field), "_", ' ');
  g_autofree gchar *sentence = problem != NULL
      ? g_strdup_printf ("The %s field %s.", words, problem)
      : g_strdup_printf ("The selected %s is invalid.", words);

  emu_problems_add_sentence (self, field, sentence);
}

gchar *
emu_problems_to_string (JsonObject * self)
{
  g_autoptr (JsonNode) node = NULL;

  if (json_object_get_size (self) == 0)
    return NULL;
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, self);
  return json_to_string (node, FALSE);
}

gboolean
emu_read_boolean (const gchar * text, gboolean * value)
{
  static const gchar *const yes[] = { "true", "1", NULL };
  static const gchar *const no[] = { "false", "0", NULL };

  *value = g_strv_contains (yes, text);
  return *value || g_strv_contains (no, text);
}
