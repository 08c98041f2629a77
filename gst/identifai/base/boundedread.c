/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A thread a read, which is left behind when it is too late. Any thread.
 */

#include "boundedread.h"

#define MAX_ABANDONED 8

/* Of both threads: who comes second frees it. */
typedef struct
{
  gatomicrefcount refcount;
  gchar *path;
  IdentifaiReadFunc func;
  GDestroyNotify free_result;

  GMutex lock;
  GCond cond;
  gboolean done, abandoned;     /* lock, as all below */
  gpointer result;              /* owned; NULL once it is taken */
  GError *error;
  IdentifaiLateRead late;       /* once abandoned, if func isn't NULL */
} Read;

/* Threads that nobody waits for any more. Atomic. */
static gint n_abandoned = 0;

static void
read_unref (Read * self)
{
  if (!g_atomic_ref_count_dec (&self->refcount))
    return;
  if (self->result != NULL)
    self->free_result (self->result);
  g_clear_error (&self->error);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self->path);
  g_free (self);
}

static gpointer
run (gpointer data)
{
  Read *self = data;
  GError *error = NULL;
  gpointer result = self->func (self->path, &error);
  gboolean late;

  g_mutex_lock (&self->lock);
  late = self->abandoned && self->late.func != NULL;
  self->result = late ? NULL : result;
  self->error = error;
  self->done = TRUE;
  if (self->abandoned)
    g_atomic_int_add (&n_abandoned, -1);
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  if (late)
    self->late.func (result, self->late.user_data);
  read_unref (self);

  return NULL;
}

static void
set_timeout (GError ** error, const gchar * path)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s can't be read: it "
      "takes too long. Check the disk or the network mount that it lies on",
      path);
}

static gpointer
wait_for (Read * self, gint64 patience, IdentifaiLateRead * late,
    GError ** error)
{
  gint64 until = g_get_monotonic_time () + patience;
  gboolean in_time = TRUE;
  gpointer result;

  g_mutex_lock (&self->lock);
  while (!self->done && in_time)
    in_time = g_cond_wait_until (&self->cond, &self->lock, until);
  result = g_steal_pointer (&self->result);
  self->abandoned = !self->done;
  if (self->abandoned) {
    g_atomic_int_inc (&n_abandoned);
    set_timeout (error, self->path);
    if (late != NULL) {
      late->expected = TRUE;
      self->late = *late;
    }
  } else if (self->error != NULL) {
    g_propagate_error (error, g_steal_pointer (&self->error));
  }
  g_mutex_unlock (&self->lock);

  return result;
}

static Read *
read_new (const gchar * path, IdentifaiReadFunc func,
    GDestroyNotify free_result)
{
  Read *self = g_new0 (Read, 1);

  g_atomic_ref_count_init (&self->refcount);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->path = g_strdup (path);
  self->func = func;
  self->free_result = free_result;

  return self;
}

gpointer
identifai_bounded_read (const gchar * path, IdentifaiReadFunc func,
    GDestroyNotify free_result, gint64 patience, GError ** error)
{
  return identifai_bounded_read_or_late (path, func, free_result, patience,
      NULL, error);
}

gpointer
identifai_bounded_read_or_late (const gchar * path, IdentifaiReadFunc func,
    GDestroyNotify free_result, gint64 patience, IdentifaiLateRead * late,
    GError ** error)
{
  Read *self;
  GThread *thread;
  gpointer result;

  /* a mount that hangs is asked again and again */
  if (g_atomic_int_get (&n_abandoned) >= MAX_ABANDONED) {
    set_timeout (error, path);
    return NULL;
  }
  self = read_new (path, func, free_result);
  g_atomic_ref_count_inc (&self->refcount);
  thread = g_thread_try_new ("identifai-read", run, self, NULL);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    run (self);
  result = wait_for (self, patience, late, error);
  read_unref (self);

  return result;
}
