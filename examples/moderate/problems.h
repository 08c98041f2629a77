/* identifai-moderate: what is wrong with a configuration, and where
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All that is wrong is told at once, a line each: "FILE:LINE: [SECTION] KEY: what". */
typedef struct
{
  gchar *path;
  GPtrArray *lines;             /* of gchar *, in the order they were found */
} ModProblems;

ModProblems *mod_problems_new (const gchar * path);
void mod_problems_free (ModProblems * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ModProblems, mod_problems_free)

/* line: from 1; 0 = of the file as a whole. section and key may be NULL. */
void mod_problems_add (ModProblems * self, guint line, const gchar * section,
    const gchar * key, const gchar * format, ...) G_GNUC_PRINTF (5, 6);
gboolean mod_problems_any (const ModProblems * self);
/* All lines in one text; free it. */
gchar *mod_problems_to_string (const ModProblems * self);

G_END_DECLS
