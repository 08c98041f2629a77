/* identifai-moderate: a key file, with the line of each entry
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GKeyFile keeps no lines, and takes the second of two equal keys without a word.
 */

#pragma once

#include "problems.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *key, *value;
  guint line;
} ModEntry;

typedef struct
{
  gchar *name;
  guint line;
  GPtrArray *entries;           /* of ModEntry *, in the file's order */
} ModSection;

/* Sections in the file's order, of ModSection *. What can't be read is added to
 * problems, and what can be is returned all the same; NULL if there is no such file. */
GPtrArray *mod_key_file_load (const gchar * path, ModProblems * problems);
GPtrArray *mod_key_file_parse (const gchar * text, ModProblems * problems);

const ModEntry *mod_section_find (const ModSection * self, const gchar * key);

G_END_DECLS
