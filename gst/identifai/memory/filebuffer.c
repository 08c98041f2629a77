/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A GstMemory over the pieces of a file, merged at its first map. Any thread: its
 * lock is a leaf.
 */

#include "filebuffer.h"

typedef GstAllocator IdentifaiFileAllocator;
typedef GstAllocatorClass IdentifaiFileAllocatorClass;

GType identifai_file_allocator_get_type (void);
G_DEFINE_TYPE (IdentifaiFileAllocator, identifai_file_allocator,
    GST_TYPE_ALLOCATOR);

typedef struct
{
  GstMemory memory;

  /* Of the one that stands for the whole file, which parts of it have for a
   * parent. */
  GMutex lock;
  IdentifaiMemoryFile *file;    /* lock; NULL: put together */
  guint8 *data;                 /* lock; NULL: not yet */
} FileMemory;

static FileMemory *
get_whole (GstMemory * memory)
{
  return (FileMemory *) (memory->parent != NULL ? memory->parent : memory);
}

/* NULL: there is no room for it, or a piece can't be read. */
static guint8 *
put_together (IdentifaiMemoryFile * file)
{
  gsize size = identifai_memory_file_get_size (file);
  guint8 *data = g_try_malloc (MAX (size, 1));

  if (data != NULL && identifai_memory_file_read (file, 0, data, size) < size)
    g_clear_pointer (&data, g_free);

  return data;
}

static gpointer
file_memory_map (GstMemory * memory, gsize maxsize, GstMapFlags flags)
{
  FileMemory *whole = get_whole (memory);
  guint8 *data;

  g_mutex_lock (&whole->lock);
  if (whole->data == NULL)
    whole->data = put_together (whole->file);
  if (whole->data != NULL)
    g_clear_pointer (&whole->file, identifai_memory_file_unref);
  data = whole->data;
  g_mutex_unlock (&whole->lock);

  return data;
}

static void
file_memory_unmap (GstMemory * memory)
{
}

static FileMemory *
file_memory_new (GstAllocator * allocator, GstMemory * parent, gsize maxsize,
    gsize offset, gsize size)
{
  FileMemory *self = g_new0 (FileMemory, 1);

  gst_memory_init (&self->memory, GST_MEMORY_FLAG_READONLY, allocator, parent,
      maxsize, 0, offset, size);
  g_mutex_init (&self->lock);

  return self;
}

static GstMemory *
file_memory_share (GstMemory * memory, gssize offset, gssize size)
{
  if (size < 0)
    size = memory->size - offset;

  return (GstMemory *) file_memory_new (memory->allocator,
      (GstMemory *) get_whole (memory), memory->maxsize,
      memory->offset + offset, size);
}

static void
identifai_file_allocator_free (GstAllocator * allocator, GstMemory * memory)
{
  FileMemory *self = (FileMemory *) memory;

  g_clear_pointer (&self->file, identifai_memory_file_unref);
  g_free (self->data);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
identifai_file_allocator_class_init (IdentifaiFileAllocatorClass * klass)
{
  GST_ALLOCATOR_CLASS (klass)->free = identifai_file_allocator_free;
}

static void
identifai_file_allocator_init (IdentifaiFileAllocator * self)
{
  self->mem_type = "IdentifaiFile";
  self->mem_map = file_memory_map;
  self->mem_unmap = file_memory_unmap;
  self->mem_share = file_memory_share;
  GST_OBJECT_FLAG_SET (self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

/* One for the process. */
static GstAllocator *
get_allocator (void)
{
  static GstAllocator *allocator = NULL;

  if (g_once_init_enter (&allocator)) {
    GstAllocator *made = g_object_new (identifai_file_allocator_get_type (),
        NULL);

    gst_object_ref_sink (made);
    GST_OBJECT_FLAG_SET (made, GST_OBJECT_FLAG_MAY_BE_LEAKED);
    g_once_init_leave (&allocator, made);
  }

  return allocator;
}

GstBuffer *
identifai_file_buffer_new (IdentifaiMemoryFile * file)
{
  gsize size = identifai_memory_file_get_size (file);
  FileMemory *memory = file_memory_new (get_allocator (), NULL, size, 0, size);
  GstBuffer *buffer = gst_buffer_new ();

  memory->file = identifai_memory_file_ref (file);
  gst_buffer_append_memory (buffer, (GstMemory *) memory);

  return buffer;
}
