/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts of a submit call. Filled by one thread; immutable after that.
 */

#include "request.h"

static void
field_free (gpointer data)
{
  IdentifaiField *field = data;

  g_free (field->name);
  g_free (field->value);
  g_free (field);
}

IdentifaiRequest *
identifai_request_new (IdentifaiMemoryFile * file, const gchar * filename,
    const gchar * content_type)
{
  IdentifaiRequest *self = g_new0 (IdentifaiRequest, 1);

  g_atomic_ref_count_init (&self->refcount);
  self->file = file;
  self->filename = g_strdup (filename);
  self->content_type = g_strdup (content_type);
  self->fields = g_ptr_array_new_with_free_func (field_free);

  return self;
}

void
identifai_request_add_field (IdentifaiRequest * self, const gchar * name,
    const gchar * value)
{
  IdentifaiField *field = g_new (IdentifaiField, 1);

  field->name = g_strdup (name);
  field->value = g_strdup (value);
  g_ptr_array_add (self->fields, field);
}

IdentifaiRequest *
identifai_request_copy (const IdentifaiRequest * self)
{
  IdentifaiRequest *copy = identifai_request_new (NULL, NULL, NULL);
  guint i;

  copy->kind = self->kind;
  copy->segment = self->segment;
  copy->accept_text = self->accept_text;
  copy->no_cache = self->no_cache;
  copy->with_heatmap = self->with_heatmap;
  copy->heuristic = g_strdup (self->heuristic);
  for (i = 0; i < self->fields->len; i++) {
    const IdentifaiField *field = g_ptr_array_index (self->fields, i);

    identifai_request_add_field (copy, field->name, field->value);
  }

  return copy;
}

void
identifai_request_set_sent (IdentifaiRequest * self, guint64 bytes)
{
  g_atomic_pointer_set (&self->sent, (gsize) bytes);
}

guint64
identifai_request_get_sent (IdentifaiRequest * self)
{
  return (gsize) g_atomic_pointer_get (&self->sent);
}

IdentifaiRequest *
identifai_request_ref (IdentifaiRequest * self)
{
  g_atomic_ref_count_inc (&self->refcount);
  return self;
}

void
identifai_request_unref (IdentifaiRequest * self)
{
  if (!g_atomic_ref_count_dec (&self->refcount))
    return;

  /* The file goes first, as soon as the service took it. */
  g_clear_pointer (&self->file, identifai_memory_file_unref);
  g_clear_pointer (&self->growing, identifai_growing_file_unref);
  g_free (self->filename);
  g_free (self->content_type);
  g_ptr_array_unref (self->fields);
  g_free (self->heuristic);
  g_free (self->identifier);
  g_free (self);
}
