/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file in memory against a model that is a plain byte array, and what it
 * does with the memories that it is given.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

#include "faultmemory.h"
#include "filebuffer.h"
#include "heldbuffer.h"
#include "memoryfile.h"

/* Above and below what memoryfile.c gathers, and its blocks' size. */
#define SMALL 100
#define LARGE 1000
#define BLOCK (16 * 1024)

/* A file and what has to be in it. */
typedef struct
{
  IdentifaiMemoryFile *bytes;
  GByteArray *model;
  gsize position;
  guint8 next;                  /* so that no two writes look the same */
} Pair;

static void
pair_init (Pair * pair)
{
  pair->bytes = identifai_memory_file_new ();
  pair->model = g_byte_array_new ();
  pair->position = 0;
  pair->next = 1;
}

static void
pair_clear (Pair * pair)
{
  identifai_memory_file_unref (pair->bytes);
  g_byte_array_unref (pair->model);
}

static GstBuffer *
make_buffer (Pair * pair, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;
  gsize i;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (i = 0; i < size; i++)
    map.data[i] = pair->next + i / 7;
  gst_buffer_unmap (buffer, &map);
  pair->next += 31;

  return buffer;
}

static void
model_write (Pair * pair, GstBuffer * buffer)
{
  gsize size = gst_buffer_get_size (buffer), old = pair->model->len;
  gsize end = pair->position + size;

  if (size == 0)
    return;
  if (end > old) {
    g_byte_array_set_size (pair->model, end);
    memset (pair->model->data + old, 0, end - old);
  }
  gst_buffer_extract (buffer, 0, pair->model->data + pair->position, size);
  pair->position = end;
}

static void
pair_write_buffer (Pair * pair, GstBuffer * buffer)
{
  model_write (pair, buffer);
  identifai_memory_file_write (pair->bytes, buffer);
  gst_buffer_unref (buffer);
  fail_unless_equals_uint64 (identifai_memory_file_get_position (pair->bytes),
      pair->position);
}

static void
pair_write (Pair * pair, gsize size)
{
  pair_write_buffer (pair, make_buffer (pair, size));
}

static void
pair_seek (Pair * pair, gsize position)
{
  pair->position = position;
  identifai_memory_file_seek (pair->bytes, position);
}

static void
pair_check_range (Pair * pair, gsize offset, gsize length)
{
  gsize size = pair->model->len;
  gsize expected = offset < size ? MIN (length, size - offset) : 0;
  guint8 *data = g_malloc (length + 1);

  data[expected] = 0xa5;
  fail_unless_equals_uint64 (identifai_memory_file_read (pair->bytes, offset,
          data, length), expected);
  fail_unless (data[expected] == 0xa5);
  if (expected > 0)
    fail_unless (memcmp (data, pair->model->data + offset, expected) == 0);
  g_free (data);
}

static void
pair_check (Pair * pair)
{
  gchar *expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256,
      pair->model->data, pair->model->len);
  gchar *sha256 = identifai_memory_file_compute_sha256 (pair->bytes, NULL);

  fail_unless_equals_uint64 (identifai_memory_file_get_size (pair->bytes),
      pair->model->len);
  pair_check_range (pair, 0, pair->model->len + 10);
  fail_unless_equals_string (sha256, expected);
  g_free (sha256);
  g_free (expected);
}

GST_START_TEST (test_sha256_cancelled)
{
  GCancellable *cancellable = g_cancellable_new ();
  Pair pair;

  pair_init (&pair);
  pair_write (&pair, LARGE);
  g_cancellable_cancel (cancellable);
  fail_unless (identifai_memory_file_compute_sha256 (pair.bytes, cancellable)
      == NULL);
  pair_clear (&pair);
  g_object_unref (cancellable);
}

GST_END_TEST;

GST_START_TEST (test_empty)
{
  Pair pair;

  pair_init (&pair);
  pair_check (&pair);
  pair_check_range (&pair, 5, 5);
  pair_write (&pair, 0);
  pair_check (&pair);
  /* A seek alone makes no file longer, and neither does an empty write. */
  pair_seek (&pair, 100);
  pair_check (&pair);
  pair_write (&pair, 10);
  pair_check (&pair);
  pair_clear (&pair);
}

GST_END_TEST;

GST_START_TEST (test_append)
{
  static const gsize sizes[] = { 1, 511, 512, 513, LARGE, 3, BLOCK, 1, 0,
    BLOCK + 1, 511, 511, 2
  };
  Pair pair;
  guint i;

  pair_init (&pair);
  for (i = 0; i < G_N_ELEMENTS (sizes); i++)
    pair_write (&pair, sizes[i]);
  /* More short ones than a block takes. */
  for (i = 0; i < 3 * BLOCK / SMALL; i++)
    pair_write (&pair, SMALL);
  pair_check (&pair);
  pair_clear (&pair);
}

GST_END_TEST;

/* Every begin and end of a write over a file of three pieces, relative to their
 * boundaries; and what is appended afterwards. */
GST_START_TEST (test_overwrite)
{
  static const gsize pieces[][3] = {
    {LARGE, LARGE, LARGE}, {SMALL, SMALL, SMALL}, {LARGE, SMALL, LARGE},
    {SMALL, LARGE, SMALL},
  };
  const gsize *piece = pieces[__i__];
  const gsize marks[] = { 0, 1, piece[0] - 1, piece[0], piece[0] + 1,
    piece[0] + piece[1] - 1, piece[0] + piece[1], piece[0] + piece[1] + 1,
    piece[0] + piece[1] + piece[2] - 1, piece[0] + piece[1] + piece[2],
    piece[0] + piece[1] + piece[2] + 1, piece[0] + piece[1] + piece[2] + 700,
  };
  guint from, to;
  Pair pair;

  for (from = 0; from < G_N_ELEMENTS (marks) - 1; from++) {
    for (to = from + 1; to < G_N_ELEMENTS (marks); to++) {
      guint i;

      pair_init (&pair);
      for (i = 0; i < 3; i++)
        pair_write (&pair, piece[i]);
      pair_seek (&pair, marks[from]);
      pair_write (&pair, marks[to] - marks[from]);
      pair_check (&pair);
      /* Goes on in place, then at the end. */
      pair_write (&pair, 5);
      pair_seek (&pair, pair.model->len);
      pair_write (&pair, 5);
      pair_write (&pair, LARGE);
      pair_check (&pair);
      for (i = 0; i < G_N_ELEMENTS (marks); i++)
        pair_check_range (&pair, marks[i], 10);
      pair_clear (&pair);
    }
  }
}

GST_END_TEST;

/* What the muxers do: header, data, then the header again; twice. */
GST_START_TEST (test_rewrite_header)
{
  Pair pair;
  guint i;

  pair_init (&pair);
  pair_write (&pair, 32);
  pair_write (&pair, 16);
  for (i = 0; i < 100; i++)
    pair_write (&pair, i % 3 ? LARGE : 7);
  pair_seek (&pair, 32);
  pair_write (&pair, 16);
  pair_seek (&pair, 40);
  pair_write (&pair, 8);
  pair_seek (&pair, pair.model->len);
  pair_write (&pair, SMALL);
  pair_seek (&pair, 0);
  pair_write (&pair, 4);
  pair_check (&pair);
  pair_clear (&pair);
}

GST_END_TEST;

GST_START_TEST (test_gap)
{
  static const gsize gaps[] = { 1, 511, 512, BLOCK, 3 * BLOCK + 1 };
  const gsize gap = gaps[__i__];
  Pair pair;

  pair_init (&pair);
  pair_seek (&pair, gap);
  pair_write (&pair, SMALL);
  pair_check (&pair);
  pair_seek (&pair, pair.model->len + gap);
  pair_write (&pair, LARGE);
  pair_check (&pair);
  /* Into the gap. */
  pair_seek (&pair, gap / 2);
  pair_write (&pair, 3);
  pair_check (&pair);
  pair_clear (&pair);
}

GST_END_TEST;

static void
random_step (Pair * pair, GRand * rand)
{
  static const gsize limits[] = { 3, SMALL, 520, LARGE, 2 * BLOCK };
  gsize limit = limits[g_rand_int_range (rand, 0, G_N_ELEMENTS (limits))];

  switch (g_rand_int_range (rand, 0, 8)) {
    case 0:
      pair_seek (pair, g_rand_int_range (rand, 0, pair->model->len + 1));
      break;
    case 1:
      pair_seek (pair, pair->model->len);
      break;
    case 2:
      pair_seek (pair, pair->model->len + g_rand_int_range (rand, 0, 2000));
      break;
    case 3:
      pair_check_range (pair, g_rand_int_range (rand, 0,
              pair->model->len + 10), limit);
      break;
    default:
      pair_write (pair, g_rand_int_range (rand, 0, limit));
      break;
  }
}

GST_START_TEST (test_fuzz)
{
  GRand *rand = g_rand_new_with_seed (4711 + __i__);
  guint step;
  Pair pair;

  pair_init (&pair);
  for (step = 0; step < 400; step++)
    random_step (&pair, rand);
  pair_check (&pair);
  pair_clear (&pair);
  g_rand_free (rand);
}

GST_END_TEST;

/* A buffer of several memories, of which one is a part of another. */
GST_START_TEST (test_many_memories)
{
  GstBuffer *buffer;
  GstMemory *memory;
  Pair pair;

  pair_init (&pair);
  buffer = make_buffer (&pair, LARGE);
  memory = gst_memory_share (gst_buffer_peek_memory (buffer, 0), 100, 600);
  gst_buffer_append_memory (buffer, memory);
  buffer = gst_buffer_append (buffer, make_buffer (&pair, SMALL));
  buffer = gst_buffer_append (buffer, make_buffer (&pair, LARGE));
  gst_buffer_resize (buffer, 17, LARGE + 600);
  pair_write (&pair, SMALL);
  pair_write_buffer (&pair, buffer);
  pair_check (&pair);
  pair_clear (&pair);
}

GST_END_TEST;

/* Copies or not. */

static guint n_freed;

static void
count_free (gpointer data)
{
  g_free (data);
  n_freed++;
}

static GstBuffer *
make_counted_buffer (guint8 * data)
{
  return gst_buffer_new_wrapped_full (0, data, LARGE, 0, LARGE, data,
      count_free);
}

static guint8
read_byte (IdentifaiMemoryFile * bytes, guint64 offset)
{
  guint8 byte = 0;

  fail_unless_equals_uint64 (identifai_memory_file_read (bytes, offset, &byte,
          1), 1);

  return byte;
}

/* Plain memory is referenced, and let go of when all of it is written over. */
GST_START_TEST (test_references)
{
  IdentifaiMemoryFile *bytes = identifai_memory_file_new ();
  guint8 *data = g_malloc0 (LARGE);
  GstBuffer *buffer = make_counted_buffer (data);
  GstBuffer *patch = gst_buffer_new_allocate (NULL, 600, NULL);

  n_freed = 0;
  identifai_memory_file_write (bytes, buffer);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (n_freed, 0);

  /* A change of the memory shows in the file: it is the same one. */
  data[LARGE - 1] = 77;
  fail_unless_equals_int (read_byte (bytes, LARGE - 1), 77);

  identifai_memory_file_seek (bytes, 0);
  identifai_memory_file_write (bytes, patch);
  fail_unless_equals_int (n_freed, 0);
  fail_unless_equals_int (read_byte (bytes, LARGE - 1), 77);
  identifai_memory_file_write (bytes, patch);
  fail_unless_equals_int (n_freed, 1);

  gst_buffer_unref (patch);
  identifai_memory_file_unref (bytes);
}

GST_END_TEST;

/* Who still has the buffer can't write to what the file holds. */
GST_START_TEST (test_locked_memory)
{
  IdentifaiMemoryFile *bytes = identifai_memory_file_new ();
  guint8 *data = g_malloc0 (LARGE);
  GstBuffer *buffer = make_counted_buffer (data);
  GstMapInfo map;

  n_freed = 0;
  identifai_memory_file_write (bytes, buffer);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  map.data[10] = 99;
  gst_buffer_unmap (buffer, &map);
  fail_unless_equals_int (read_byte (bytes, 10), 0);

  gst_buffer_unref (buffer);
  identifai_memory_file_unref (bytes);
  fail_unless_equals_int (n_freed, 1);
}

GST_END_TEST;

GST_START_TEST (test_refcount)
{
  IdentifaiMemoryFile *bytes = identifai_memory_file_new ();
  GstBuffer *buffer = make_counted_buffer (g_malloc0 (LARGE));

  n_freed = 0;
  identifai_memory_file_write (bytes, buffer);
  gst_buffer_unref (buffer);
  fail_unless (identifai_memory_file_ref (bytes) == bytes);
  identifai_memory_file_unref (bytes);
  fail_unless_equals_int (n_freed, 0);
  identifai_memory_file_unref (bytes);
  fail_unless_equals_int (n_freed, 1);
}

GST_END_TEST;

static GstBufferPool *
make_pool (guint n_buffers)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, NULL, LARGE, n_buffers, n_buffers);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  fail_unless (gst_buffer_pool_set_active (pool, TRUE));

  return pool;
}

/* NULL: all are lent out. */
static GstBuffer *
try_acquire (GstBufferPool * pool)
{
  GstBufferPoolAcquireParams params = {
    .flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT,
  };
  GstBuffer *buffer = NULL;

  gst_buffer_pool_acquire_buffer (pool, &buffer, &params);

  return buffer;
}

typedef GstBuffer *(*PartFunc) (GstBuffer * buffer);

static GstBuffer *
part_itself (GstBuffer * buffer)
{
  return gst_buffer_ref (buffer);
}

/* As parsers cut frames out of what they get. The pool itself lets go of a buffer
 * whose memory is shared when it comes back, so this one needs no copy. */
static GstBuffer *
part_region (GstBuffer * buffer)
{
  return gst_buffer_copy_region (buffer, GST_BUFFER_COPY_ALL, 0, 600);
}

static GstBuffer *
part_of_parent (GstBuffer * buffer)
{
  GstBuffer *part = gst_buffer_new ();

  gst_buffer_append_memory (part, gst_buffer_get_memory (buffer, 0));
  gst_buffer_add_parent_buffer_meta (part, buffer);

  return part;
}

static GstBuffer *
part_of_grandparent (GstBuffer * buffer)
{
  GstBuffer *parent = part_of_parent (buffer);
  GstBuffer *part = part_of_parent (parent);

  gst_buffer_unref (parent);

  return part;
}

static const struct
{
  PartFunc make;
  gboolean copied;
} parts[] = {
  {part_itself, TRUE},
  {part_region, FALSE},
  {part_of_parent, TRUE},
  {part_of_grandparent, TRUE},
};

/* A pool gets its buffer back while its content is held. */
GST_START_TEST (test_pooled)
{
  IdentifaiMemoryFile *bytes = identifai_memory_file_new ();
  GstBufferPool *pool = make_pool (1);
  GstBuffer *lent, *part, *held, *again;
  guint i;

  for (i = 0; i < 20; i++) {
    lent = try_acquire (pool);
    fail_unless (lent != NULL, "the pool has no buffer left in round %u", i);
    gst_buffer_memset (lent, 0, i, LARGE);
    GST_BUFFER_PTS (lent) = i * GST_SECOND;
    part = parts[__i__].make (lent);
    gst_buffer_unref (lent);

    held = identifai_buffer_hold (part);
    fail_unless_equals_int (held != part, parts[__i__].copied);
    identifai_memory_file_write (bytes, held);
    /* Copied once: the copy is held as it is. */
    again = identifai_buffer_hold (held);
    fail_unless (again == held);
    gst_buffer_unref (again);
    gst_buffer_unref (held);
    gst_buffer_unref (part);
  }
  for (i = 0; i < 20; i++)
    fail_unless_equals_int (read_byte (bytes,
            i * identifai_memory_file_get_size (bytes) / 20), i);

  fail_unless (gst_buffer_pool_set_active (pool, FALSE));
  gst_object_unref (pool);
  identifai_memory_file_unref (bytes);
}

GST_END_TEST;

/* Memory of a device: can be read, but neither shared nor held for long. */

typedef struct
{
  GstMemory memory;
  guint8 data[LARGE];
} DeviceMemory;

typedef GstAllocator DeviceAllocator;
typedef GstAllocatorClass DeviceAllocatorClass;
GType device_allocator_get_type (void);
G_DEFINE_TYPE (DeviceAllocator, device_allocator, GST_TYPE_ALLOCATOR);

static GstMemory *
device_alloc (GstAllocator * allocator, gsize size,
    GstAllocationParams * params)
{
  DeviceMemory *self = g_new0 (DeviceMemory, 1);

  gst_memory_init (&self->memory, 0, allocator, NULL, size, 0, 0, size);

  return &self->memory;
}

static void
device_free (GstAllocator * allocator, GstMemory * memory)
{
  n_freed++;
  g_free (memory);
}

static gpointer
device_map (GstMemory * memory, gsize maxsize, GstMapFlags flags)
{
  return ((DeviceMemory *) memory)->data;
}

static void
device_unmap (GstMemory * memory)
{
}

static void
device_allocator_class_init (DeviceAllocatorClass * klass)
{
  klass->alloc = device_alloc;
  klass->free = device_free;
}

static void
device_allocator_init (DeviceAllocator * self)
{
  self->mem_type = "TestDevice";
  self->mem_map = device_map;
  self->mem_unmap = device_unmap;
}

GST_START_TEST (test_device_memory)
{
  GstAllocator *device = g_object_new (device_allocator_get_type (), NULL);
  GstBuffer *buffer = gst_buffer_new_allocate (device, LARGE, NULL);
  GstBuffer *held;
  guint8 last = 0;

  n_freed = 0;
  /* One memory of several suffices. */
  gst_buffer_memset (buffer, 0, 42, LARGE);
  gst_buffer_prepend_memory (buffer, gst_allocator_alloc (NULL, 10, NULL));
  GST_BUFFER_PTS (buffer) = 5;
  GST_BUFFER_DTS (buffer) = 4;
  GST_BUFFER_DURATION (buffer) = 3;
  GST_BUFFER_OFFSET (buffer) = 2;
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  held = identifai_buffer_hold (buffer);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (n_freed, 1);
  fail_unless (gst_memory_is_type (gst_buffer_peek_memory (held, 0),
          GST_ALLOCATOR_SYSMEM));
  fail_unless_equals_uint64 (gst_buffer_get_size (held), LARGE + 10);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (held), 5);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (held), 4);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (held), 3);
  fail_unless (GST_BUFFER_FLAG_IS_SET (held, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_extract (held, LARGE + 9, &last, 1);
  fail_unless_equals_int (last, 42);

  gst_buffer_unref (held);
  gst_object_unref (device);
}

GST_END_TEST;

/* What can't be read is stood for, whichever piece of it that is. */
GST_START_TEST (test_unreadable)
{
  guint piece = __i__ / 2, n_first = __i__ % 2 * SMALL;
  GstBuffer *plain = gst_buffer_new_allocate (NULL, LARGE, NULL);
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  GstBuffer *first = gst_buffer_new_allocate (NULL, n_first, NULL);
  GstBuffer *buffer, *held, *again;

  GST_BUFFER_PTS (plain) = 5;
  GST_BUFFER_FLAG_SET (plain, GST_BUFFER_FLAG_DELTA_UNIT);
  buffer = fault_memory_copy (plain, 3);
  fault_memory_fail (piece, 1);
  held = identifai_buffer_hold (buffer);
  fail_unless_equals_int (identifai_buffer_get_unreadable (held) != NULL,
      piece > 0);
  fail_unless_equals_uint64 (gst_buffer_get_size (held), piece ? 0 : LARGE);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (held), 5);
  fail_unless (GST_BUFFER_FLAG_IS_SET (held, GST_BUFFER_FLAG_DELTA_UNIT));
  again = identifai_buffer_hold (held);
  fail_unless (again == held);

  fault_memory_fail (piece, 1);
  identifai_memory_file_write (file, first);
  fail_if (identifai_memory_file_is_broken (file));
  identifai_memory_file_write (file, buffer);
  identifai_memory_file_write (file, first);
  fail_unless_equals_int (identifai_memory_file_is_broken (file), piece > 0);

  identifai_memory_file_unref (file);
  gst_buffer_unref (again);
  gst_buffer_unref (held);
  gst_buffer_unref (buffer);
  gst_buffer_unref (first);
  gst_buffer_unref (plain);
  fail_unless_equals_int (fault_memory_count (), 0);
}

GST_END_TEST;

/* Plain memory that somebody still writes to can't be read, either. */
GST_START_TEST (test_written_to)
{
  gsize size = __i__ == 0 ? SMALL : LARGE;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  GstBuffer *held;
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  identifai_memory_file_write (file, buffer);
  fail_unless (identifai_memory_file_is_broken (file));
  held = identifai_buffer_hold (buffer);
  fail_unless_equals_string (identifai_buffer_get_unreadable (held),
      GST_ALLOCATOR_SYSMEM);
  gst_buffer_unmap (buffer, &map);
  identifai_memory_file_unref (file);
  file = identifai_memory_file_new ();
  identifai_memory_file_write (file, buffer);
  fail_if (identifai_memory_file_is_broken (file));
  fail_unless_equals_uint64 (identifai_memory_file_get_size (file), size);
  gst_buffer_unref (held);
  gst_buffer_unref (buffer);
  identifai_memory_file_unref (file);
}

GST_END_TEST;

GST_START_TEST (test_plain_is_held)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, LARGE, NULL);
  GstBuffer *part = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_ALL, 1, 9);
  GstBuffer *empty = gst_buffer_new ();
  GstBuffer *all[] = { buffer, part, empty };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (all); i++) {
    GstBuffer *held = identifai_buffer_hold (all[i]);

    fail_unless (held == all[i]);
    gst_buffer_unref (held);
  }
  for (i = 0; i < G_N_ELEMENTS (all); i++)
    gst_buffer_unref (all[i]);
}

GST_END_TEST;

/* The buffer of a file refers to its memories until it is mapped, and holds them no
 * longer. */
GST_START_TEST (test_file_buffer)
{
  GstBuffer *buffers[100], *buffer, *part;
  guint i, refs = __i__ ? 1 : 2;
  GstMapInfo map, again;
  Pair pair;

  pair_init (&pair);
  for (i = 0; i < G_N_ELEMENTS (buffers); i++) {
    buffers[i] = gst_buffer_ref (make_buffer (&pair, LARGE + i));
    pair_write_buffer (&pair, buffers[i]);
  }
  buffer = identifai_file_buffer_new (pair.bytes);
  part = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, 1500, 3000);
  identifai_memory_file_unref (pair.bytes);
  fail_unless_equals_int (gst_buffer_n_memory (buffer), 1);
  fail_unless_equals_int (gst_buffer_get_size (buffer), pair.model->len);
  if (__i__) {
    fail_unless (gst_buffer_map (part, &map, GST_MAP_READ));
    fail_unless (memcmp (map.data, pair.model->data + 1500, 3000) == 0);
    fail_unless (gst_buffer_map (buffer, &again, GST_MAP_READ));
    fail_unless (memcmp (again.data, pair.model->data, pair.model->len) == 0);
    fail_unless (map.data == again.data + 1500);
    gst_buffer_unmap (buffer, &again);
    gst_buffer_unmap (part, &map);
  }
  for (i = 0; i < G_N_ELEMENTS (buffers); i++) {
    GstMemory *memory = gst_buffer_peek_memory (buffers[i], 0);

    fail_unless_equals_int (GST_MINI_OBJECT_REFCOUNT_VALUE (memory), refs);
  }
  gst_buffer_unref (buffer);
  gst_buffer_unref (part);
  for (i = 0; i < G_N_ELEMENTS (buffers); i++) {
    fail_unless_equals_int (GST_MINI_OBJECT_REFCOUNT_VALUE
        (gst_buffer_peek_memory (buffers[i], 0)), 1);
    gst_buffer_unref (buffers[i]);
  }
  g_byte_array_unref (pair.model);
}

GST_END_TEST;

static Suite *
memoryfile_suite (void)
{
  Suite *suite = suite_create ("memoryfile");
  TCase *file = tcase_create ("file");
  TCase *memory = tcase_create ("memory");

  suite_add_tcase (suite, file);
  tcase_add_test (file, test_sha256_cancelled);
  tcase_add_test (file, test_empty);
  tcase_add_test (file, test_append);
  tcase_add_loop_test (file, test_overwrite, 0, 4);
  tcase_add_test (file, test_rewrite_header);
  tcase_add_loop_test (file, test_gap, 0, 5);
  tcase_add_loop_test (file, test_fuzz, 0, 50);
  tcase_add_test (file, test_many_memories);

  suite_add_tcase (suite, memory);
  tcase_add_test (memory, test_references);
  tcase_add_test (memory, test_locked_memory);
  tcase_add_test (memory, test_refcount);
  tcase_add_loop_test (memory, test_file_buffer, 0, 2);
  tcase_add_loop_test (memory, test_pooled, 0, G_N_ELEMENTS (parts));
  tcase_add_test (memory, test_device_memory);
  tcase_add_loop_test (memory, test_unreadable, 0, 8);
  tcase_add_loop_test (memory, test_written_to, 0, 2);
  tcase_add_test (memory, test_plain_is_held);

  return suite;
}

GST_CHECK_MAIN (memoryfile);
