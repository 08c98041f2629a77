/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file is a list of pieces without gaps, each a part of a GstMemory. Writing
 * over existing bytes cuts the pieces that it meets; muxers do that a handful
 * of times a file, so moving the list's tail costs nothing that counts.
 *
 * Tiny writes (a muxer's element headers, 4 KiB reads of filesrc) would cost
 * more in memory headers than in bytes: short ones are gathered in blocks of
 * our own.
 */

#include "memoryfile.h"
#include "heldbuffer.h"

#include <string.h>

#define SMALL_BYTES 512         /* shorter pieces are gathered, not referenced */
#define BLOCK_BYTES (16 * 1024) /* size of a block that gathers them */
#define HASH_BYTES (1024 * 1024)        /* some ms of work, which can't be cancelled */

typedef struct
{
  GstMemory *memory;            /* owned, with an exclusive lock: nobody else who
                                 * holds it may write to it meanwhile */
  guint64 offset;               /* in the file */
  gsize start;                  /* in the memory */
  gsize size;
} Piece;

struct _IdentifaiMemoryFile
{
  gatomicrefcount refcount;

  GArray *pieces;               /* of Piece, by offset, without gaps */
  guint64 position;
  guint64 size;
  gboolean broken;              /* something could not be written */

  GstMemory *block;             /* borrowed from the last piece, or NULL: room for
                                 * short writes is left in it */
  guint8 *block_data;           /* its bytes */
  gsize block_used;
};

/* FALSE: somebody else writes to it. */
static gboolean
hold_memory (GstMemory * memory)
{
  if (!gst_memory_lock (memory, GST_LOCK_FLAG_EXCLUSIVE))
    return FALSE;
  gst_memory_ref (memory);

  return TRUE;
}

static void
piece_clear (gpointer data)
{
  Piece *piece = data;

  gst_memory_unlock (piece->memory, GST_LOCK_FLAG_EXCLUSIVE);
  gst_memory_unref (piece->memory);
}

IdentifaiMemoryFile *
identifai_memory_file_new (void)
{
  IdentifaiMemoryFile *self = g_new0 (IdentifaiMemoryFile, 1);

  g_atomic_ref_count_init (&self->refcount);
  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_set_clear_func (self->pieces, piece_clear);

  return self;
}

IdentifaiMemoryFile *
identifai_memory_file_ref (IdentifaiMemoryFile * self)
{
  g_atomic_ref_count_inc (&self->refcount);

  return self;
}

void
identifai_memory_file_unref (IdentifaiMemoryFile * self)
{
  if (!g_atomic_ref_count_dec (&self->refcount))
    return;
  g_array_unref (self->pieces);
  g_free (self);
}

void
identifai_memory_file_seek (IdentifaiMemoryFile * self, guint64 position)
{
  self->position = position;
}

guint64
identifai_memory_file_get_position (IdentifaiMemoryFile * self)
{
  return self->position;
}

guint64
identifai_memory_file_get_size (IdentifaiMemoryFile * self)
{
  return self->size;
}

guint
identifai_memory_file_get_n_pieces (IdentifaiMemoryFile * self)
{
  return self->pieces->len;
}

/* Index of the piece that holds offset; offset < size. */
static guint
find_piece (IdentifaiMemoryFile * self, guint64 offset)
{
  guint low = 0, high = self->pieces->len - 1;

  while (low < high) {
    guint middle = low + (high - low + 1) / 2;

    if (g_array_index (self->pieces, Piece, middle).offset <= offset)
      low = middle;
    else
      high = middle - 1;
  }

  return low;
}

/* Makes offset a boundary between two pieces; index is that of the one which
 * starts there then (pieces->len at the end). */
static gboolean
split_at (IdentifaiMemoryFile * self, guint64 offset, guint * index)
{
  Piece *piece, rest;

  *index = self->pieces->len;
  if (offset >= self->size)
    return TRUE;

  *index = find_piece (self, offset);
  piece = &g_array_index (self->pieces, Piece, *index);
  if (piece->offset == offset)
    return TRUE;

  rest = *piece;
  if (!hold_memory (rest.memory))
    return FALSE;
  piece->size = offset - piece->offset;
  rest.offset = offset;
  rest.start += piece->size;
  rest.size -= piece->size;
  *index += 1;
  g_array_insert_val (self->pieces, *index, rest);

  return TRUE;
}

static gboolean
insert_memory (IdentifaiMemoryFile * self, guint index, GstMemory * memory,
    gsize start, gsize size)
{
  Piece piece = { memory, self->position, start, size };

  if (!hold_memory (memory))
    return FALSE;
  g_array_insert_val (self->pieces, index, piece);
  self->position += size;
  self->size = MAX (self->size, self->position);

  return TRUE;
}

/* Only this object knows the block until all is written, so its bytes are written
 * to without a mapping. */
static void
open_block (IdentifaiMemoryFile * self)
{
  self->block_data = g_malloc (BLOCK_BYTES);
  self->block_used = 0;
  self->block = gst_memory_new_wrapped (0, self->block_data, BLOCK_BYTES, 0,
      BLOCK_BYTES, self->block_data, g_free);
}

/* Appends bytes to the open block, or to a new one. */
static void
append_small (IdentifaiMemoryFile * self, const guint8 * data, gsize size)
{
  Piece *last = NULL;
  gboolean fresh;
  gsize at;

  if (self->pieces->len > 0)
    last = &g_array_index (self->pieces, Piece, self->pieces->len - 1);
  fresh = self->block == NULL || self->block_used + size > BLOCK_BYTES;
  if (fresh)
    open_block (self);
  at = self->block_used;
  memcpy (self->block_data + at, data, size);
  self->block_used += size;

  if (last != NULL && last->memory == self->block
      && last->start + last->size == at) {
    last->size += size;
    self->position += size;
    self->size = self->position;
  } else {
    insert_memory (self, self->pieces->len, self->block, at, size);
  }
  if (fresh)
    gst_memory_unref (self->block);
}

static void
fill_gap (IdentifaiMemoryFile * self)
{
  static const guint8 zeros[SMALL_BYTES];
  guint64 end = self->position;

  self->position = self->size;
  while (self->position < end)
    append_small (self, zeros, MIN (sizeof zeros, end - self->position));
}

static gboolean
append_memory (IdentifaiMemoryFile * self, GstMemory * memory)
{
  gsize size = memory->size;
  GstMapInfo map;

  if (size >= SMALL_BYTES)
    return insert_memory (self, self->pieces->len, memory, 0, size);
  if (!gst_memory_map (memory, &map, GST_MAP_READ))
    return FALSE;
  append_small (self, map.data, size);
  gst_memory_unmap (memory, &map);

  return TRUE;
}

static gboolean
write_memory (IdentifaiMemoryFile * self, GstMemory * memory)
{
  gsize size = memory->size;
  guint first, next;

  if (size == 0)
    return TRUE;
  if (self->position > self->size)
    fill_gap (self);
  if (self->position == self->size)
    return append_memory (self, memory);

  if (!split_at (self, self->position, &first)
      || !split_at (self, self->position + size, &next))
    return FALSE;
  /* The block may go with the pieces that are written over. */
  self->block = NULL;
  if (next > first)
    g_array_remove_range (self->pieces, first, next - first);

  return insert_memory (self, first, memory, 0, size);
}

void
identifai_memory_file_write (IdentifaiMemoryFile * self, GstBuffer * buffer)
{
  guint i, n = gst_buffer_n_memory (buffer);

  if (identifai_buffer_get_unreadable (buffer) != NULL)
    self->broken = TRUE;
  for (i = 0; !self->broken && i < n; i++)
    self->broken = !write_memory (self, gst_buffer_peek_memory (buffer, i));
}

/* size bytes of a piece, from start on. */
static void
append_part (IdentifaiMemoryFile * self, const Piece * piece, gsize start,
    gsize size)
{
  GstMapInfo map;

  if (size >= SMALL_BYTES) {
    self->broken |= !insert_memory (self, self->pieces->len, piece->memory,
        piece->start + start, size);
  } else if (gst_memory_map (piece->memory, &map, GST_MAP_READ)) {
    append_small (self, map.data + piece->start + start, size);
    gst_memory_unmap (piece->memory, &map);
  } else {
    self->broken = TRUE;
  }
}

void
identifai_memory_file_append (IdentifaiMemoryFile * self,
    const IdentifaiMemoryFile * other, guint64 offset, guint64 size)
{
  guint64 end = offset + size;
  guint i;

  self->position = self->size;
  for (i = 0; !self->broken && i < other->pieces->len; i++) {
    const Piece *piece = &g_array_index (other->pieces, Piece, i);
    guint64 from = MAX (offset, piece->offset);
    guint64 to = MIN (end, piece->offset + piece->size);

    if (from < to)
      append_part (self, piece, from - piece->offset, to - from);
  }
}

gboolean
identifai_memory_file_is_broken (IdentifaiMemoryFile * self)
{
  return self->broken;
}

void
identifai_memory_file_truncate (IdentifaiMemoryFile * self, guint64 size)
{
  Piece *last;

  self->block = NULL;
  self->size = MIN (self->size, size);
  self->position = MIN (self->position, size);
  while (self->pieces->len > 0) {
    last = &g_array_index (self->pieces, Piece, self->pieces->len - 1);
    if (last->offset < size) {
      last->size = MIN (last->size, size - last->offset);
      return;
    }
    g_array_set_size (self->pieces, self->pieces->len - 1);
  }
}

gsize
identifai_memory_file_read (IdentifaiMemoryFile * self, guint64 offset,
    gpointer dest, gsize length)
{
  gsize done = 0;
  guint index;

  if (offset >= self->size)
    return 0;

  length = MIN (length, self->size - offset);
  for (index = find_piece (self, offset); done < length; index++) {
    const Piece *piece = &g_array_index (self->pieces, Piece, index);
    gsize skip = offset + done - piece->offset;
    gsize part = MIN (piece->size - skip, length - done);
    GstMapInfo map;

    if (!gst_memory_map (piece->memory, &map, GST_MAP_READ)) {
      GST_ERROR ("memory %p can't be read", piece->memory);
      break;
    }
    memcpy ((guint8 *) dest + done, map.data + piece->start + skip, part);
    gst_memory_unmap (piece->memory, &map);
    done += part;
  }

  return done;
}

/* FALSE: cancelled. */
static gboolean
hash_bytes (GChecksum * checksum, const guint8 * data, gsize size,
    GCancellable * cancellable)
{
  gsize part;

  for (; size > 0; data += part, size -= part) {
    if (g_cancellable_is_cancelled (cancellable))
      return FALSE;
    part = MIN (size, HASH_BYTES);
    g_checksum_update (checksum, data, part);
  }

  return TRUE;
}

static gboolean
hash_piece (GChecksum * checksum, const Piece * piece,
    GCancellable * cancellable)
{
  GstMapInfo map;
  gboolean whole;

  if (!gst_memory_map (piece->memory, &map, GST_MAP_READ))
    return FALSE;
  whole = hash_bytes (checksum, map.data + piece->start, piece->size,
      cancellable);
  gst_memory_unmap (piece->memory, &map);

  return whole;
}

gchar *
identifai_memory_file_compute_sha256 (IdentifaiMemoryFile * self,
    GCancellable * cancellable)
{
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gboolean whole = TRUE;
  gchar *text = NULL;
  guint i;

  for (i = 0; whole && i < self->pieces->len; i++)
    whole = hash_piece (checksum, &g_array_index (self->pieces, Piece, i),
        cancellable);
  if (whole)
    text = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);

  return text;
}
