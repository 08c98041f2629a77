/* identifai-watch: what is to be judged, of what the command line names
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "inputs.h"

#include <gst/gst.h>

#include <string.h>

static void
input_free (gpointer data)
{
  WatchInput *input = data;

  g_free (input->label);
  g_free (input->location);
  g_free (input);
}

static WatchInput *
add_input (GPtrArray * inputs, WatchInputKind kind, const gchar * location)
{
  WatchInput *input = g_new0 (WatchInput, 1);

  input->kind = kind;
  input->location = g_strdup (location);
  input->label = g_filename_display_name (location);
  g_ptr_array_add (inputs, input);

  return input;
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar * const *) a, *(const gchar * const *) b);
}

static GPtrArray *
list_folder (const gchar * path, GError ** error)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, error);
  GPtrArray *names;
  const gchar *name;

  if (folder == NULL)
    return NULL;
  names = g_ptr_array_new_with_free_func (g_free);
  while ((name = g_dir_read_name (folder)) != NULL)
    if (*name != '.')
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);

  return names;
}

static gboolean
add_folder (GPtrArray * inputs, const gchar * path, GError ** error)
{
  g_autoptr (GPtrArray) names = list_folder (path, error);
  guint i;

  if (names == NULL)
    return FALSE;
  for (i = 0; i < names->len; i++) {
    g_autofree gchar *below =
        g_build_filename (path, g_ptr_array_index (names, i), NULL);

    if (g_file_test (below, G_FILE_TEST_IS_REGULAR))
      add_input (inputs, WATCH_INPUT_FILE, below)->found = TRUE;
    else if (g_file_test (below, G_FILE_TEST_IS_DIR)
        && !g_file_test (below, G_FILE_TEST_IS_SYMLINK)
        && !add_folder (inputs, below, error))
      return FALSE;
  }

  return TRUE;
}

static gchar *
hide_password (const gchar * address)
{
  g_autoptr (GUri) uri = g_uri_parse (address,
      G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_ENCODED |
      G_URI_FLAGS_PARSE_RELAXED, NULL);

  return uri != NULL ? g_uri_to_string_partial (uri,
      G_URI_HIDE_PASSWORD | G_URI_HIDE_QUERY) : g_strdup (address);
}

static gboolean
add_address (GPtrArray * inputs, const gchar * address, GError ** error)
{
  g_autofree gchar *scheme = gst_uri_get_protocol (address);
  g_autofree gchar *path = NULL;
  WatchInput *input;

  if (g_strcmp0 (scheme, "file") == 0) {
    path = g_filename_from_uri (address, NULL, error);
    if (path != NULL)
      add_input (inputs, WATCH_INPUT_FILE, path);
    return path != NULL;
  }
  input = add_input (inputs, WATCH_INPUT_ADDRESS, address);
  g_free (input->label);
  input->label = hide_password (address);
  if (gst_uri_protocol_is_supported (GST_URI_SRC, scheme))
    return TRUE;
  g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_UNSUPPORTED_PROTOCOL,
      "%s: no installed element reads %s://", input->label, scheme);

  return FALSE;
}

static gboolean
add_argument (GPtrArray * inputs, const gchar * argument, GError ** error)
{
  if (g_file_test (argument, G_FILE_TEST_IS_DIR))
    return add_folder (inputs, argument, error);
  if (g_file_test (argument, G_FILE_TEST_EXISTS)) {
    add_input (inputs, WATCH_INPUT_FILE, argument);
    return TRUE;
  }
  if (gst_uri_is_valid (argument))
    return add_address (inputs, argument, error);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
      "%s: there is no such file, and no pipeline without a \"!\"", argument);

  return FALSE;
}

/* Its words apart, or one that was quoted; but a file may be called anything. */
static gboolean
is_pipeline (gchar ** arguments)
{
  gchar **word;

  if (arguments[1] == NULL)
    return strchr (arguments[0], '!') != NULL
        && !g_file_test (arguments[0], G_FILE_TEST_EXISTS)
        && !gst_uri_is_valid (arguments[0]);
  for (word = arguments; *word != NULL; word++)
    if (g_str_equal (*word, "!"))
      return TRUE;

  return FALSE;
}

GPtrArray *
watch_inputs_new (gchar ** arguments, GError ** error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func (input_free);

  if (is_pipeline (arguments)) {
    add_input (inputs, WATCH_INPUT_PIPELINE, "pipeline")->words = arguments;
    return g_steal_pointer (&inputs);
  }
  for (; *arguments != NULL; arguments++)
    if (!add_argument (inputs, *arguments, error))
      return NULL;
  if (inputs->len > 0)
    return g_steal_pointer (&inputs);
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
      "there is no file in these folders");

  return NULL;
}
