/* identifai-moderate: where all that happens is told
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "hub.h"

typedef struct
{
  ModListener call;
  gpointer user_data;
} Listener;

struct _ModHub
{
  ModLines *lines;
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

ModLines *
mod_hub_get_lines (ModHub * self)
{
  return self->lines;
}
