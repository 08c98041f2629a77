/* identifai-moderate: lines of JSON in a file, each with the hash of the one before
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "lines.h"
#include "jsontext.h"
#include "logwriter.h"

#include <gio/gio.h>
#include <string.h>

struct _ModLines
{
  ModLogWriter *writer;
  gchar *prev;                  /* hash of the latest line; NULL before the first */
  gchar *text;                  /* the latest line */
};

static gchar *
hash_line (const gchar * text)
{
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text,
      strlen (text));
}

ModLines *
mod_lines_new (const gchar * path, guint64 max_bytes, gboolean sync,
    GError ** error)
{
  g_autofree gchar *last = NULL;
  ModLogWriter *writer =
      mod_log_writer_new (strcmp (path, "-") != 0 ? path : NULL, max_bytes,
      sync, &last, error);
  ModLines *self;

  if (writer == NULL)
    return NULL;
  self = g_new0 (ModLines, 1);
  self->writer = writer;
  self->prev = last != NULL ? hash_line (last) : NULL;
  return self;
}

void
mod_lines_free (ModLines * self)
{
  mod_log_writer_free (self->writer);
  g_free (self->prev);
  g_free (self->text);
  g_free (self);
}

const gchar *
mod_lines_write (ModLines * self, JsonObject * line)
{
  if (self->prev != NULL)
    json_object_set_string_member (line, "prev", self->prev);
  else
    json_object_set_null_member (line, "prev");
  g_free (self->text);
  g_free (self->prev);
  self->text = mod_json_to_text (line);
  self->prev = hash_line (self->text);
  mod_log_writer_push (self->writer, self->text);
  return self->text;
}

ModLogWriter *
mod_lines_get_writer (ModLines * self)
{
  return self->writer;
}

/* Looking back. */

static gboolean
has_any (const gchar * text, const gchar * const *words)
{
  const gchar *const *word;

  for (word = words; word != NULL && *word != NULL; word++)
    if (strstr (text, *word) != NULL)
      return TRUE;
  return words == NULL;
}

static void
visit_file (const gchar * path, const gchar * const *words,
    ModLineVisitor visit, gpointer user_data)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);
  g_autoptr (GDataInputStream) data = NULL;
  g_autoptr (GError) error = NULL;
  gchar *text;

  if (stream == NULL)
    return;
  data = g_data_input_stream_new (G_INPUT_STREAM (stream));
  while ((text = g_data_input_stream_read_line (data, NULL, NULL, &error))) {
    JsonObject *line = has_any (text, words) ? mod_json_from_text (text) : NULL;

    if (line != NULL) {
      visit (line, user_data);
      json_object_unref (line);
    }
    g_free (text);
  }
  if (error != NULL)
    g_printerr ("%s can't be read to its end: what has its line there may be "
        "asked for again: %s\n", path, error->message);
}

void
mod_lines_visit (const gchar * path, const gchar * const *words,
    ModLineVisitor visit, gpointer user_data)
{
  g_autofree gchar *old = NULL;

  if (strcmp (path, "-") == 0)
    return;
  old = mod_log_find_old (path);
  if (old != NULL)
    visit_file (old, words, visit, user_data);
  visit_file (path, words, visit, user_data);
}
