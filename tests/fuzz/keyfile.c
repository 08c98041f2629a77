/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of a configuration of identifai-moderate, and its values as times and sizes.
 *
 * What has to hold: what is read says in which line it stands, sections and lines in the
 * file's order.
 */

#include "target.h"

#include "../../examples/moderate/keyfile.h"
#include "../../examples/moderate/units.h"

#include <string.h>

static void
check_section (const ModSection * section, guint * line, guint lines)
{
  guint64 number;
  guint i, last = section->line;

  g_assert_nonnull (section->name);
  g_assert_cmpuint (last, >, *line);
  for (i = 0; i < section->entries->len; i++) {
    const ModEntry *entry = g_ptr_array_index (section->entries, i);

    g_assert_cmpuint (entry->line, >=, last);
    g_assert_cmpuint (entry->line, <=, lines);
    g_assert_nonnull (mod_section_find (section, entry->key));
    last = entry->line;
    (void) mod_parse_time (entry->value, &number);
    (void) mod_parse_size (entry->value, &number);
  }
  *line = last;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gchar *text = size > 0 ? g_strndup ((const gchar *) data, size) :
      g_strdup (""), *all;
  ModProblems *problems = mod_problems_new ("fuzz");
  GPtrArray *sections;
  guint i, line = 0, lines = 1;

  for (i = 0; text[i]; i++)
    lines += text[i] == '\n';
  sections = mod_key_file_parse (text, problems);
  for (i = 0; i < sections->len; i++)
    check_section (g_ptr_array_index (sections, i), &line, lines);
  all = mod_problems_to_string (problems);
  g_free (all);
  g_ptr_array_unref (sections);
  mod_problems_free (problems);
  g_free (text);

  return 0;
}
