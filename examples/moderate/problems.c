/* identifai-moderate: what is wrong with a configuration, and where
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "problems.h"

ModProblems *
mod_problems_new (const gchar * path)
{
  ModProblems *self = g_new0 (ModProblems, 1);

  self->path = g_strdup (path);
  self->lines = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
mod_problems_free (ModProblems * self)
{
  g_free (self->path);
  g_ptr_array_unref (self->lines);
  g_free (self);
}

void
mod_problems_add (ModProblems * self, guint line, const gchar * section,
    const gchar * key, const gchar * format, ...)
{
  GString *text = g_string_new (self->path);
  va_list args;

  if (line > 0)
    g_string_append_printf (text, ":%u", line);
  g_string_append (text, ": ");
  if (section != NULL)
    g_string_append_printf (text, "[%s] ", section);
  if (key != NULL)
    g_string_append_printf (text, "%s: ", key);
  va_start (args, format);
  g_string_append_vprintf (text, format, args);
  va_end (args);
  /* what is wrong in [defaults] is found once for each stream */
  if (g_ptr_array_find_with_equal_func (self->lines, text->str, g_str_equal,
          NULL))
    g_string_free (text, TRUE);
  else
    g_ptr_array_add (self->lines, g_string_free (text, FALSE));
}

gboolean
mod_problems_any (const ModProblems * self)
{
  return self->lines->len > 0;
}

gchar *
mod_problems_to_string (const ModProblems * self)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < self->lines->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "\n" : "",
        (const gchar *) g_ptr_array_index (self->lines, i));
  return g_string_free (text, FALSE);
}
