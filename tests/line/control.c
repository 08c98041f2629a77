/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "control.h"

struct _Control
{
  gint64 hold;
  ControlFunc func;
  gpointer user_data;
  GThread *thread;

  GMutex lock;
  GCond cond;
  GQueue came;                  /* of gint64 * */
  gboolean over;
};

/* FALSE: it is over. Waits for the lock, which is part of it, as with the gate. */
static gboolean
wait_locked (Control * self, gint64 until)
{
  while (!self->over && g_get_monotonic_time () < until)
    g_cond_wait_until (&self->cond, &self->lock, until);

  return !self->over;
}

static gpointer
run (gpointer user_data)
{
  Control *self = user_data;

  g_mutex_lock (&self->lock);
  while (!self->over) {
    gint64 *came = g_queue_pop_head (&self->came);

    if (came == NULL) {
      g_cond_wait (&self->cond, &self->lock);
      continue;
    }
    if (wait_locked (self, *came + self->hold)) {
      gint64 late = g_get_monotonic_time () - *came - self->hold;

      g_mutex_unlock (&self->lock);
      self->func (*came, late, self->user_data);
      g_mutex_lock (&self->lock);
    }
    g_free (came);
  }
  g_mutex_unlock (&self->lock);

  return NULL;
}

Control *
control_new (gint64 hold, ControlFunc func, gpointer user_data)
{
  Control *self = g_new0 (Control, 1);

  self->hold = hold;
  self->func = func;
  self->user_data = user_data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->came);
  self->thread = g_thread_new ("control", run, self);

  return self;
}

void
control_free (Control * self)
{
  g_mutex_lock (&self->lock);
  self->over = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_queue_clear_full (&self->came, g_free);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
control_add (Control * self, gint64 came)
{
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->came, g_memdup2 (&came, sizeof came));
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}
