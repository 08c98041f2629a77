/* identifai-moderate: the log's file, written on a thread of its own
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A disk may take its time, and who reads a pipe may stand still: what is to be written
 * waits then, up to a bound, and nobody else does. All calls but the thread's own are the
 * main thread's. Positions are bytes since the start.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ModLogWriter ModLogWriter;

/* path NULL: stdout, until the program ends. sync: what is written is on the disk before
 * it counts as safe. A file is refused while another process has it; last: the text of its
 * last line, NULL if it has none. */
ModLogWriter *mod_log_writer_new (const gchar * path, guint64 max_bytes,
    gboolean sync, gchar ** last, GError ** error);
/* Waits for all to be written, 2 s at most with mod_log_writer_flush() counted in. Tells
 * on stderr what is missing. What hangs is left as it is, with all it uses. */
void mod_log_writer_free (ModLogWriter * self);

/* A line and its newline. FALSE: too much waits, and it is lost. */
gboolean mod_log_writer_push (ModLogWriter * self, const gchar * line);
/* The file is renamed, PATH.20261126T101500Z, at the end of a line, and a new one begins. */
void mod_log_writer_rotate (ModLogWriter * self);
/* At the end of the program: waits until all is safe, for as long as that may take. */
void mod_log_writer_flush (ModLogWriter * self);

/* Called when the safe position changed; NULL: no more. */
typedef void (*ModLogSafe) (gpointer user_data);
void mod_log_writer_watch (ModLogWriter * self, ModLogSafe safe,
    gpointer user_data);

/* Where the latest line that was pushed ends, G_MAXUINT64 if it is lost; where what will be
 * there after a kill ends. */
guint64 mod_log_writer_get_latest (ModLogWriter * self);
guint64 mod_log_writer_get_safe (ModLogWriter * self);
guint64 mod_log_writer_get_waiting (ModLogWriter * self);       /* bytes */
guint64 mod_log_writer_get_lost (ModLogWriter * self);  /* lines */
/* NULL while all is well; else words for it. */
const gchar *mod_log_writer_get_trouble (ModLogWriter * self);

/* The latest of the files that path was before, whose names sort by time; NULL: none. */
gchar *mod_log_find_old (const gchar * path);

G_END_DECLS
