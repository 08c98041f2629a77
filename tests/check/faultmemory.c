/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "faultmemory.h"

#include <gst/check/gstcheck.h>

typedef struct
{
  GstMemory memory;
  guint8 *data;
} FaultMemory;

typedef GstAllocator FaultAllocator;
typedef GstAllocatorClass FaultAllocatorClass;
static GType fault_allocator_get_type (void);
G_DEFINE_TYPE (FaultAllocator, fault_allocator, GST_TYPE_ALLOCATOR);

static guint n_maps, fail_first, fail_count;
static gint n_memories;         /* atomic */

static void
fault_free (GstAllocator * allocator, GstMemory * memory)
{
  g_atomic_int_add (&n_memories, -1);
  g_free (((FaultMemory *) memory)->data);
  g_free (memory);
}

static gpointer
fault_map (GstMemory * memory, gsize maxsize, GstMapFlags flags)
{
  n_maps++;
  if (fail_first > 0 && n_maps >= fail_first
      && n_maps - fail_first < fail_count)
    return NULL;

  return ((FaultMemory *) memory)->data;
}

static void
fault_unmap (GstMemory * memory)
{
}

static void
fault_allocator_class_init (FaultAllocatorClass * klass)
{
  klass->free = fault_free;
}

static void
fault_allocator_init (FaultAllocator * self)
{
  self->mem_type = "TestFault";
  self->mem_map = fault_map;
  self->mem_unmap = fault_unmap;
}

void
fault_memory_fail (guint first, guint count)
{
  n_maps = 0;
  fail_first = first;
  fail_count = count;
}

guint
fault_memory_count (void)
{
  return g_atomic_int_get (&n_memories);
}

static GstMemory *
make_memory (GstAllocator * allocator, GstBuffer * buffer, gsize from,
    gsize size)
{
  FaultMemory *self = g_new0 (FaultMemory, 1);

  self->data = g_malloc (size + 1);
  fail_unless_equals_uint64 (gst_buffer_extract (buffer, from, self->data,
          size), size);
  gst_memory_init (&self->memory, 0, allocator, NULL, size, 0, 0, size);
  g_atomic_int_inc (&n_memories);

  return &self->memory;
}

GstBuffer *
fault_memory_copy (GstBuffer * buffer, guint n)
{
  GstAllocator *allocator = g_object_new (fault_allocator_get_type (), NULL);
  GstBuffer *copy = gst_buffer_new ();
  gsize size = gst_buffer_get_size (buffer), from = 0;
  guint i;

  for (i = 0; i < n; i++, from = size * i / n)
    gst_buffer_append_memory (copy, make_memory (allocator, buffer, from,
            size * (i + 1) / n - from));
  gst_buffer_copy_into (copy, buffer,
      GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_object_unref (allocator);

  return copy;
}
