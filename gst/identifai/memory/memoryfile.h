/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file in memory, written as filesink writes one: buffers are appended, or
 * written over what is there after a seek (muxers go back to rewrite their
 * headers). It holds references to the memories that it was given and copies
 * none of them, except those that a pool or a device would miss.
 *
 * Not thread-safe while it is written; any number of threads may read one that
 * is finished. The reference count is atomic.
 */

#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _IdentifaiMemoryFile IdentifaiMemoryFile;

IdentifaiMemoryFile *identifai_memory_file_new (void);
IdentifaiMemoryFile *identifai_memory_file_ref (IdentifaiMemoryFile * self);
void identifai_memory_file_unref (IdentifaiMemoryFile * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdentifaiMemoryFile, identifai_memory_file_unref)

/* Where the next write goes, in bytes from the start. Past the end, the gap is
 * filled with zeros by the next write, as a file system would. */
void identifai_memory_file_seek (IdentifaiMemoryFile * self, guint64 position);
guint64 identifai_memory_file_get_position (IdentifaiMemoryFile * self);

/* Writes the whole buffer (borrowed, held: see heldbuffer.h) at the position and moves it
 * on. */
void identifai_memory_file_write (IdentifaiMemoryFile * self, GstBuffer * buffer);
/* Behind what is there: a part of another file, which is finished. Refers to its
 * memories, too. */
void identifai_memory_file_append (IdentifaiMemoryFile * self,
    const IdentifaiMemoryFile * other, guint64 offset, guint64 size);
/* Whether the memory of something that was to be written can't be read, or somebody
 * else writes to it: the file is of no use, and nothing more goes into it. */
gboolean identifai_memory_file_is_broken (IdentifaiMemoryFile * self);

guint64 identifai_memory_file_get_size (IdentifaiMemoryFile * self);
/* How many memories it refers to. */
guint identifai_memory_file_get_n_pieces (IdentifaiMemoryFile * self);

/* What is behind size goes; the next write comes there, at most. */
void identifai_memory_file_truncate (IdentifaiMemoryFile * self, guint64 size);

/* Copies up to length bytes from offset to dest; returns how many there were.
 * A read costs O(log pieces) and what it copies. */
gsize identifai_memory_file_read (IdentifaiMemoryFile * self, guint64 offset,
    gpointer dest, gsize length);

/* SHA-256 of all bytes, where they lie, in hexadecimal. NULL: cancelled, or a memory
 * can't be read. Takes 3 ms a MB or so. */
gchar *identifai_memory_file_compute_sha256 (IdentifaiMemoryFile * self,
    GCancellable * cancellable);

G_END_DECLS
