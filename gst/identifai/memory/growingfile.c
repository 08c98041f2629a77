/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pieces, with a lock around them. One thread appends, another reads.
 */

#include "growingfile.h"
#include "clock.h"

struct _IdentifaiGrowingFile
{
  gatomicrefcount refcount;
  IdentifaiMemoryFile *file;    /* owned; its bytes: lock */

  GMutex lock;
  GSource *waiting;             /* lock; or NULL */
  gboolean ended;               /* lock */
  gint64 fed_at;                /* lock: µs, when who waited last got more */
};

IdentifaiGrowingFile *
identifai_growing_file_new (void)
{
  IdentifaiGrowingFile *self = g_new0 (IdentifaiGrowingFile, 1);

  g_atomic_ref_count_init (&self->refcount);
  self->file = identifai_memory_file_new ();
  g_mutex_init (&self->lock);

  return self;
}

IdentifaiGrowingFile *
identifai_growing_file_ref (IdentifaiGrowingFile * self)
{
  g_atomic_ref_count_inc (&self->refcount);

  return self;
}

void
identifai_growing_file_unref (IdentifaiGrowingFile * self)
{
  if (!g_atomic_ref_count_dec (&self->refcount))
    return;
  g_clear_pointer (&self->waiting, g_source_unref);
  identifai_memory_file_unref (self->file);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
wake_locked (IdentifaiGrowingFile * self)
{
  if (self->waiting != NULL) {
    self->fed_at = identifai_clock_now ();
    g_source_set_ready_time (self->waiting, 0);
  }
  g_clear_pointer (&self->waiting, g_source_unref);
}

gboolean
identifai_growing_file_append (IdentifaiGrowingFile * self,
    const IdentifaiMemoryFile * more)
{
  gboolean ok;

  g_mutex_lock (&self->lock);
  identifai_memory_file_append (self->file, more, 0, G_MAXINT64);
  ok = !identifai_memory_file_is_broken (self->file);
  wake_locked (self);
  g_mutex_unlock (&self->lock);

  return ok;
}

IdentifaiMemoryFile *
identifai_growing_file_get_file (IdentifaiGrowingFile * self)
{
  return self->file;
}

guint64
identifai_growing_file_get_size (IdentifaiGrowingFile * self)
{
  guint64 size;

  g_mutex_lock (&self->lock);
  size = identifai_memory_file_get_size (self->file);
  g_mutex_unlock (&self->lock);

  return size;
}

gsize
identifai_growing_file_read (IdentifaiGrowingFile * self, guint64 offset,
    gpointer dest, gsize length)
{
  gsize got;

  g_mutex_lock (&self->lock);
  got = identifai_memory_file_read (self->file, offset, dest, length);
  g_mutex_unlock (&self->lock);

  return got;
}

void
identifai_growing_file_wake (IdentifaiGrowingFile * self, guint64 offset,
    GSource * source)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->waiting, g_source_unref);
  if (source != NULL)
    self->waiting = g_source_ref (source);
  if (self->ended || identifai_memory_file_get_size (self->file) > offset)
    wake_locked (self);
  g_mutex_unlock (&self->lock);
}

gint64
identifai_growing_file_get_fed_at (IdentifaiGrowingFile * self)
{
  gint64 fed_at;

  g_mutex_lock (&self->lock);
  fed_at = self->waiting != NULL ? identifai_clock_now () : self->fed_at;
  g_mutex_unlock (&self->lock);

  return fed_at;
}

void
identifai_growing_file_end (IdentifaiGrowingFile * self)
{
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  wake_locked (self);
  g_mutex_unlock (&self->lock);
}

gboolean
identifai_growing_file_has_ended (IdentifaiGrowingFile * self)
{
  gboolean ended;

  g_mutex_lock (&self->lock);
  ended = self->ended;
  g_mutex_unlock (&self->lock);

  return ended;
}
