/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memories are mapped one by one, and each is looked at: gst_buffer_copy_deep()
 * would ask the device's allocator for the copy, and gst_buffer_extract(), like
 * what merges memories, takes no notice of one that can't be mapped.
 */

#include "heldbuffer.h"

#include <string.h>

static GQuark unreadable_quark (void);
G_DEFINE_QUARK (identifai_unreadable, unreadable);

static gboolean
is_pooled (GstBuffer * buffer)
{
  GstParentBufferMeta *parent;

  /* A part of a pool's buffer has no pool, but keeps that buffer alive. */
  while (buffer->pool == NULL) {
    parent = gst_buffer_get_parent_buffer_meta (buffer);
    if (parent == NULL)
      return FALSE;
    buffer = parent->buffer;
  }

  return TRUE;
}

static gboolean
is_plain (GstBuffer * buffer)
{
  guint i, n = gst_buffer_n_memory (buffer);
  gboolean plain = !is_pooled (buffer);

  for (i = 0; plain && i < n; i++)
    plain = gst_memory_is_type (gst_buffer_peek_memory (buffer, i),
        GST_ALLOCATOR_SYSMEM);

  return plain;
}

/* Returns the first memory that can't be read, or NULL. copy: NULL, or room for
 * all of them. */
static GstMemory *
read_memories (GstBuffer * buffer, guint8 * copy)
{
  guint i, n = gst_buffer_n_memory (buffer);
  GstMapInfo map;

  for (i = 0; i < n; i++) {
    GstMemory *memory = gst_buffer_peek_memory (buffer, i);
    gsize size = memory->size;

    if (!gst_memory_map (memory, &map, GST_MAP_READ))
      return memory;
    if (copy != NULL && map.size == size) {
      memcpy (copy, map.data, size);
      copy += size;
    }
    gst_memory_unmap (memory, &map);
    if (map.size != size)
      return memory;
  }

  return NULL;
}

static GstBuffer *
make_stand_in (GstMemory * memory)
{
  const gchar *type = memory->allocator->mem_type;
  GstBuffer *buffer = gst_buffer_new ();

  GST_INFO ("memory of type %s can't be read", GST_STR_NULL (type));
  gst_mini_object_set_qdata (GST_MINI_OBJECT (buffer), unreadable_quark (),
      (gpointer) g_intern_string (type != NULL ? type : "unknown"), NULL);

  return buffer;
}

GstBuffer *
identifai_buffer_hold (GstBuffer * buffer)
{
  guint8 *data = NULL;
  GstMemory *unreadable;
  gsize size = 0;
  GstBuffer *held;

  if (!is_plain (buffer)) {
    size = gst_buffer_get_size (buffer);
    data = g_malloc (size);
  }
  unreadable = read_memories (buffer, data);

  if (unreadable != NULL) {
    g_free (data);
    held = make_stand_in (unreadable);
  } else if (data != NULL) {
    held = gst_buffer_new_wrapped (data, size);
  } else {
    return gst_buffer_ref (buffer);
  }
  gst_buffer_copy_into (held, buffer,
      GST_BUFFER_COPY_FLAGS | GST_BUFFER_COPY_TIMESTAMPS, 0, -1);

  return held;
}

const gchar *
identifai_buffer_get_unreadable (GstBuffer * buffer)
{
  return gst_mini_object_get_qdata (GST_MINI_OBJECT (buffer),
      unreadable_quark ());
}
