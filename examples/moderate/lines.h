/* identifai-moderate: lines of JSON in a file, each with the hash of the one before
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _ModLines ModLines;

/* path "-": stdout. A file is appended to, and its last line is the first one's prev; it
 * is refused while another process has it. max_bytes: then a new one begins; 0: never. */
ModLines *mod_lines_new (const gchar * path, guint64 max_bytes,
    GError ** error);
/* Tries once more to write what could not be written. */
void mod_lines_free (ModLines * self);

/* Adds the member prev, and writes the line; returns its text, without the newline, valid
 * until the next call. A line that can't be written waits, and is written before the
 * next one; prev of the next one counts it either way. */
const gchar *mod_lines_write (ModLines * self, JsonObject * line);

/* The file is renamed, PATH.20261126T101500Z, and a new one goes on with the chain. */
gboolean mod_lines_rotate (ModLines * self, GError ** error);

guint mod_lines_waiting (const ModLines * self);        /* bytes that could not be written */
guint64 mod_lines_lost (const ModLines * self); /* lines, beyond what may wait */
/* NULL while all is written; else the system's words. */
const gchar *mod_lines_trouble (const ModLines * self);

/* Calls visit with each line of the log and of the file that it was before that has one of
 * words in its text; NULL: any. */
typedef void (*ModLineVisitor) (JsonObject * line, gpointer user_data);
void mod_lines_visit (const gchar * path, const gchar * const *words,
    ModLineVisitor visit, gpointer user_data);

G_END_DECLS
