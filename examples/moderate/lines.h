/* identifai-moderate: lines of JSON in a file, each with the hash of the one before
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "logwriter.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _ModLines ModLines;

/* path "-": stdout. A file is appended to, and its last line is the first one's prev. The
 * rest as mod_log_writer_new(). */
ModLines *mod_lines_new (const gchar * path, guint64 max_bytes, gboolean sync,
    GError ** error);
/* As mod_log_writer_free(). */
void mod_lines_free (ModLines * self);

/* Adds the member prev, and has the line written; returns its text, without the newline,
 * valid until the next call. prev of the next one counts it, also if it is lost. */
const gchar *mod_lines_write (ModLines * self, JsonObject * line);

/* Who writes them. */
ModLogWriter *mod_lines_get_writer (ModLines * self);

/* Calls visit with each line of the log and of the file that it was before that has one of
 * words in its text; NULL: any. */
typedef void (*ModLineVisitor) (JsonObject * line, gpointer user_data);
void mod_lines_visit (const gchar * path, const gchar * const *words,
    ModLineVisitor visit, gpointer user_data);

G_END_DECLS
