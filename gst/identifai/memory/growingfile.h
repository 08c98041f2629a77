/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file in memory that is sent while it is written: one thread appends to it,
 * another reads what is there. A lock of its own, a leaf.
 */

#pragma once

#include "memoryfile.h"

G_BEGIN_DECLS

typedef struct _IdentifaiGrowingFile IdentifaiGrowingFile;

IdentifaiGrowingFile *identifai_growing_file_new (void);
IdentifaiGrowingFile *identifai_growing_file_ref (IdentifaiGrowingFile * self);
void identifai_growing_file_unref (IdentifaiGrowingFile * self);

/* Whoever writes it. */

/* All of a file that is finished; refers to its memories. FALSE: they can't be read. */
gboolean identifai_growing_file_append (IdentifaiGrowingFile * self,
    const IdentifaiMemoryFile * more);
/* Borrowed: to be read without the lock once nothing is appended any more. */
IdentifaiMemoryFile *identifai_growing_file_get_file (IdentifaiGrowingFile *
    self);

/* Whoever sends it. */

/* So far. */
guint64 identifai_growing_file_get_size (IdentifaiGrowingFile * self);
/* As identifai_memory_file_read(). */
gsize identifai_growing_file_read (IdentifaiGrowingFile * self, guint64 offset,
    gpointer dest, gsize length);
/* The source's ready time is set when there is more, or all is there; NULL: nobody
 * waits. There already is more than offset: at once. */
void identifai_growing_file_wake (IdentifaiGrowingFile * self, guint64 offset,
    GSource * source);
/* Until when somebody waited for more, in monotonic µs: until now, if somebody does;
 * 0: nobody ever did. */
gint64 identifai_growing_file_get_fed_at (IdentifaiGrowingFile * self);

/* What is there is all of it. */
void identifai_growing_file_end (IdentifaiGrowingFile * self);
gboolean identifai_growing_file_has_ended (IdentifaiGrowingFile * self);

G_END_DECLS
