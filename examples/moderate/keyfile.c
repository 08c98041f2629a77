/* identifai-moderate: a key file, with the line of each entry
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "keyfile.h"

#include <string.h>

typedef struct
{
  GPtrArray *sections;
  ModSection *section;          /* the latest one; NULL before the first */
  guint line;
  ModProblems *problems;
} Reader;

static void
free_entry (ModEntry * self)
{
  g_free (self->key);
  g_free (self->value);
  g_free (self);
}

static void
free_section (ModSection * self)
{
  g_free (self->name);
  g_ptr_array_unref (self->entries);
  g_free (self);
}

static ModSection *
find_section (GPtrArray * sections, const gchar * name)
{
  guint i;

  for (i = 0; i < sections->len; i++) {
    ModSection *section = g_ptr_array_index (sections, i);

    if (strcmp (section->name, name) == 0)
      return section;
  }
  return NULL;
}

const ModEntry *
mod_section_find (const ModSection * self, const gchar * key)
{
  guint i;

  for (i = 0; i < self->entries->len; i++) {
    const ModEntry *entry = g_ptr_array_index (self->entries, i);

    if (strcmp (entry->key, key) == 0)
      return entry;
  }
  return NULL;
}

static void
read_section (Reader * self, const gchar * text)
{
  const gchar *end = strchr (text, ']');
  g_autofree gchar *name = NULL;
  ModSection *before;

  if (end == NULL || end[1] != '\0' || end == text + 1) {
    mod_problems_add (self->problems, self->line, NULL, NULL,
        "a section is written [NAME], not %s", text);
    return;
  }
  name = g_strndup (text + 1, end - text - 1);
  before = find_section (self->sections, name);
  if (before != NULL)
    mod_problems_add (self->problems, self->line, name, NULL,
        "this section has begun in line %u already", before->line);
  self->section = g_new0 (ModSection, 1);
  self->section->name = g_steal_pointer (&name);
  self->section->line = self->line;
  self->section->entries =
      g_ptr_array_new_with_free_func ((GDestroyNotify) free_entry);
  g_ptr_array_add (self->sections, self->section);
}

static void
read_entry (Reader * self, const gchar * text)
{
  const gchar *equals = strchr (text, '=');
  const ModEntry *before;
  ModEntry *entry;

  if (equals == NULL || equals == text || self->section == NULL) {
    mod_problems_add (self->problems, self->line, NULL, NULL,
        "%s", self->section == NULL ? "an entry stands before the first section"
        : "this is neither [SECTION] nor KEY=VALUE nor a # comment");
    return;
  }
  entry = g_new0 (ModEntry, 1);
  entry->key = g_strchomp (g_strndup (text, equals - text));
  entry->value = g_strstrip (g_strdup (equals + 1));
  entry->line = self->line;
  before = mod_section_find (self->section, entry->key);
  if (before != NULL)
    mod_problems_add (self->problems, self->line, self->section->name,
        entry->key, "is in line %u already", before->line);
  g_ptr_array_add (self->section->entries, entry);
}

static void
read_line (Reader * self, gchar * text)
{
  g_strstrip (text);
  if (*text == '\0' || *text == '#')
    return;
  if (!g_utf8_validate (text, -1, NULL))
    mod_problems_add (self->problems, self->line, NULL, NULL, "is no UTF-8");
  else if (*text == '[')
    read_section (self, text);
  else
    read_entry (self, text);
}

GPtrArray *
mod_key_file_parse (const gchar * text, ModProblems * problems)
{
  Reader reader = { NULL, NULL, 0, problems };
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  reader.sections =
      g_ptr_array_new_with_free_func ((GDestroyNotify) free_section);
  for (; lines[reader.line] != NULL;) {
    gchar *line = lines[reader.line++];

    read_line (&reader, line);
  }
  return reader.sections;
}

GPtrArray *
mod_key_file_load (const gchar * path, ModProblems * problems)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &error)) {
    mod_problems_add (problems, 0, NULL, NULL, "%s", error->message);
    return NULL;
  }
  if (strlen (text) != length) {
    mod_problems_add (problems, 0, NULL, NULL, "has zero bytes in it");
    return NULL;
  }
  return mod_key_file_parse (text, problems);
}
