/* identifai-emulator: answers with recorded results
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "replay.h"

#include <gio/gio.h>
#include <string.h>

struct _EmuReplay
{
  GPtrArray *results;           /* of JsonNode, all objects */
  guint next[EMU_N_KINDS];
};

static gboolean
add_result (EmuReplay * self, JsonNode * node)
{
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return FALSE;
  g_ptr_array_add (self->results, json_node_copy (node));
  return TRUE;
}

static gboolean
add_results (EmuReplay * self, JsonNode * root)
{
  JsonArray *array;
  guint i;

  if (root == NULL || !JSON_NODE_HOLDS_ARRAY (root))
    return root != NULL && add_result (self, root);
  array = json_node_get_array (root);
  for (i = 0; i < json_array_get_length (array); i++) {
    if (!add_result (self, json_array_get_element (array, i)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
load (EmuReplay * self, const gchar * path, GError ** error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();

  if (!json_parser_load_from_file (parser, path, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  if (add_results (self, json_parser_get_root (parser)))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      "%s: neither a result nor an array of results", path);
  return FALSE;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar * const *) a, *(const gchar * const *) b);
}

static GPtrArray *
list_names (const gchar * directory, GError ** error)
{
  GDir *dir = g_dir_open (directory, 0, error);
  GPtrArray *names;
  const gchar *name;

  if (dir == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (dir)) != NULL) {
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (names, g_build_filename (directory, name, NULL));
  }
  g_dir_close (dir);
  g_ptr_array_sort (names, compare_names);
  return names;
}

EmuReplay *
emu_replay_new (const gchar * directory, GError ** error)
{
  EmuReplay *self;
  g_autoptr (GPtrArray) names = list_names (directory, error);
  gboolean ok = TRUE;
  guint i;

  if (names == NULL)
    return NULL;
  self = g_new0 (EmuReplay, 1);
  self->results =
      g_ptr_array_new_with_free_func ((GDestroyNotify) json_node_unref);
  for (i = 0; i < names->len && ok; i++)
    ok = load (self, g_ptr_array_index (names, i), error);
  if (ok && self->results->len == 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "%s has no recorded results (*.json)", directory);
    ok = FALSE;
  }
  if (!ok)
    g_clear_pointer (&self, emu_replay_free);
  return self;
}

void
emu_replay_free (EmuReplay * self)
{
  g_ptr_array_unref (self->results);
  g_free (self);
}

static const gchar *
recorded_hash (JsonNode * node)
{
  JsonNode *hash = json_object_get_member (json_node_get_object (node), "hash");

  if (hash == NULL || json_node_get_value_type (hash) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (hash);
}

/* By its shape. What shows none may be of any. */
static gboolean
is_of_kind (JsonNode * node, EmuKind kind)
{
  JsonObject *object = json_node_get_object (node);
  JsonNode *results = json_object_get_member (object, "results");
  JsonNode *details = json_object_get_member (object, "details");

  if (results != NULL && JSON_NODE_HOLDS_OBJECT (results))
    return kind == EMU_KIND_VIDEO;
  if (json_object_has_member (object, "has_heatmap"))
    return kind == EMU_KIND_IMAGE;
  if (details != NULL && JSON_NODE_HOLDS_OBJECT (details))
    return kind == EMU_KIND_AUDIO;
  return results == NULL || !JSON_NODE_HOLDS_ARRAY (results)
      || kind != EMU_KIND_VIDEO;
}

JsonNode *
emu_replay_next (EmuReplay * self, EmuKind kind, const gchar * hash)
{
  guint i, n = self->results->len;

  for (i = 0; i < n; i++) {
    JsonNode *node = g_ptr_array_index (self->results, i);

    if (g_strcmp0 (recorded_hash (node), hash) == 0 && is_of_kind (node, kind))
      return node;
  }
  for (i = 0; i < n; i++) {
    JsonNode *node = g_ptr_array_index (self->results, self->next[kind]++ % n);

    if (is_of_kind (node, kind))
      return node;
  }
  return NULL;
}
