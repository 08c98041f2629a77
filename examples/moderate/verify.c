/* identifai-moderate: whether a log is whole
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "verify.h"
#include "jsontext.h"

#include <gio/gio.h>
#include <string.h>

typedef struct
{
  const gchar *path;
  guint line;                   /* of this file, from 1 */
  guint64 lines, notes;         /* of all files */
  gchar *prev;                  /* hash of the line before; NULL at the very first */
  gboolean wrong;
} Verifier;

G_GNUC_PRINTF (2, 3)
     static void complain (Verifier * self, const gchar * format, ...)
{
  g_autofree gchar *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s:%u: %s\n", self->path, self->line, what);
  self->wrong = TRUE;
}

static void
check_link (Verifier * self, JsonObject * line)
{
  JsonNode *node = json_object_get_member (line, "prev");
  const gchar *prev = node != NULL && JSON_NODE_HOLDS_VALUE (node) ?
      json_node_get_string (node) : NULL;

  if (node == NULL)
    complain (self, "has no prev: it is no line of a log");
  else if (self->lines > 1 && g_strcmp0 (prev, self->prev) != 0)
    complain (self, "the line before isn't the one that was written there: "
        "it was changed, or lines were taken out or put in");
  else if (self->lines == 1 && prev != NULL)
    g_print ("%s:%u: goes on from an earlier file, whose last line has the "
        "SHA-256 %s\n", self->path, self->line, prev);
}

/* What stands behind a zero is nothing that we wrote, and isn't in the hash. */
static void
check_line (Verifier * self, const gchar * text, gsize length)
{
  JsonObject *line = strlen (text) == length ? mod_json_from_text (text) : NULL;

  self->line++;
  self->lines++;
  if (line != NULL) {
    check_link (self, line);
    json_object_unref (line);
  } else {
    g_print ("%s:%u: is broken off, as by a kill or a full disk\n",
        self->path, self->line);
    self->notes++;
  }
  g_free (self->prev);
  self->prev = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

static void
check_file (Verifier * self, const gchar * path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, &error);
  g_autoptr (GDataInputStream) data = NULL;
  gchar *text;
  gsize length;

  self->path = path;
  self->line = 0;
  if (stream == NULL) {
    complain (self, "%s", error->message);
    return;
  }
  data = g_data_input_stream_new (G_INPUT_STREAM (stream));
  g_data_input_stream_set_newline_type (data, G_DATA_STREAM_NEWLINE_TYPE_LF);
  while ((text = g_data_input_stream_read_line (data, &length, NULL, &error))) {
    check_line (self, text, length);
    g_free (text);
  }
  if (error != NULL)
    complain (self, "%s", error->message);
}

gboolean
mod_verify_log (gchar ** paths)
{
  Verifier self = { NULL };
  guint i;

  for (i = 0; paths[i] != NULL; i++)
    check_file (&self, paths[i]);
  if (self.lines == 0)
    self.wrong = TRUE;
  g_print ("%" G_GUINT64_FORMAT " lines, %s; the last one has the SHA-256 %s\n",
      self.lines, self.wrong ? "not as they were written" :
      "each as it was written", self.prev != NULL ? self.prev : "(none)");
  g_free (self.prev);
  return !self.wrong;
}
