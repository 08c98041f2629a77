/* identifai-moderate: where all that happens is told
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hub.h"
#include "record.h"

typedef struct
{
  ModListener call;
  gpointer user_data;
} Listener;

struct _ModHub
{
  ModLines *lines;
  gboolean trouble;             /* of the log, that was told */
  guint64 lost;                 /* lines, that were told */
  GArray *listeners;            /* of Listener */
};

ModHub *
mod_hub_new (ModLines * lines)
{
  ModHub *self = g_new0 (ModHub, 1);

  self->lines = lines;
  self->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  return self;
}

void
mod_hub_free (ModHub * self)
{
  mod_lines_free (self->lines);
  g_array_unref (self->listeners);
  g_free (self);
}

void
mod_hub_listen (ModHub * self, ModListener call, gpointer user_data)
{
  Listener listener = { call, user_data };

  g_array_append_val (self->listeners, listener);
}

void
mod_hub_tell (ModHub * self, JsonObject * line)
{
  g_autofree gchar *text = g_strdup (mod_lines_write (self->lines, line));
  guint i;

  for (i = 0; i < self->listeners->len; i++) {
    Listener *listener = &g_array_index (self->listeners, Listener, i);

    listener->call (line, text, listener->user_data);
  }
  json_object_unref (line);
}

ModLogWriter *
mod_hub_get_log (ModHub * self)
{
  return mod_lines_get_writer (self->lines);
}

/* Who reads the page or has the broker sees it at once, the log's reader later. */
static void
tell_log (ModHub * self, const gchar * trouble, guint64 lost)
{
  JsonObject *line = mod_record_new ("log", NULL);

  json_object_set_boolean_member (line, "written", trouble == NULL);
  if (trouble != NULL)
    json_object_set_string_member (line, "error", trouble);
  if (lost > 0)
    json_object_set_int_member (line, "lost", lost);
  if (trouble != NULL)
    g_printerr ("the log can't be written: %s\n", trouble);
  mod_hub_tell (self, line);
}

void
mod_hub_look_at_log (ModHub * self)
{
  ModLogWriter *log = mod_hub_get_log (self);
  const gchar *trouble = mod_log_writer_get_trouble (log);
  guint64 lost = mod_log_writer_get_lost (log);

  if (trouble == NULL && lost > self->lost && !self->trouble)
    trouble = "more came at once than may wait";
  if ((trouble != NULL) == self->trouble
      || (trouble == NULL && mod_log_writer_get_waiting (log) > 0))
    return;
  self->trouble = trouble != NULL;
  tell_log (self, trouble, self->trouble ? 0 : lost - self->lost);
  if (!self->trouble)
    self->lost = lost;
}
