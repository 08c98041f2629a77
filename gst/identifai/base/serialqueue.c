/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A queue and who handles it now. Its lock is a leaf, and is let go of for each
 * item.
 */

#include "serialqueue.h"
#include "cond.h"
#include "pool.h"

struct _IdentifaiSerialQueue
{
  gint refcount;                /* atomic: the owner's, and the pool's */
  IdentifaiSerialFunc func;
  gpointer user_data;
  GDestroyNotify free_item;

  GMutex lock;                  /* innermost: nothing is locked under it */
  IdentifaiCond idle;
  GQueue items;                 /* owned */
  GThread *running;             /* the thread that handles them now, or NULL */
  gboolean requested;           /* one of the pool is on its way */
  gboolean interrupted;
};

IdentifaiSerialQueue *
identifai_serial_queue_new (IdentifaiSerialFunc func, gpointer user_data,
    GDestroyNotify free_item)
{
  IdentifaiSerialQueue *self = g_new0 (IdentifaiSerialQueue, 1);

  self->refcount = 1;
  self->func = func;
  self->user_data = user_data;
  self->free_item = free_item;
  g_mutex_init (&self->lock);
  identifai_cond_init (&self->idle);
  g_queue_init (&self->items);

  return self;
}

static IdentifaiSerialQueue *
serial_queue_ref (IdentifaiSerialQueue * self)
{
  g_atomic_int_inc (&self->refcount);

  return self;
}

static void
serial_queue_unref (IdentifaiSerialQueue * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;

  g_queue_clear_full (&self->items, self->free_item);
  identifai_cond_clear (&self->idle);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
identifai_serial_queue_free (IdentifaiSerialQueue * self)
{
  serial_queue_unref (self);
}

void
identifai_serial_queue_push (IdentifaiSerialQueue * self, gpointer item)
{
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->items, item);
  g_mutex_unlock (&self->lock);
}

/* Also from within func, see _finish. */
static void
run_locked (IdentifaiSerialQueue * self)
{
  GThread *outer = self->running;
  gpointer item;

  self->running = g_thread_self ();
  while ((item = g_queue_pop_head (&self->items)) != NULL) {
    g_mutex_unlock (&self->lock);
    self->func (item, self->user_data);
    g_mutex_lock (&self->lock);
  }
  self->running = outer;
  identifai_cond_broadcast (&self->idle);
}

void
identifai_serial_queue_run (IdentifaiSerialQueue * self)
{
  g_mutex_lock (&self->lock);
  if (self->running == NULL && !g_queue_is_empty (&self->items))
    run_locked (self);
  g_mutex_unlock (&self->lock);
}

gboolean
identifai_serial_queue_is_empty (IdentifaiSerialQueue * self)
{
  gboolean empty;

  g_mutex_lock (&self->lock);
  empty = g_queue_is_empty (&self->items);
  g_mutex_unlock (&self->lock);

  return empty;
}

/* A thread of the pool. data: a queue, with a reference; what its user_data is may
 * be gone if there is nothing left to handle. */
static void
run_in_pool (gpointer data, gpointer unused)
{
  IdentifaiSerialQueue *self = data;

  g_mutex_lock (&self->lock);
  self->requested = FALSE;
  if (self->running == NULL)
    run_locked (self);
  g_mutex_unlock (&self->lock);

  serial_queue_unref (self);
}

/* Shared by all queues of the process, and as large as items are slow: one that
 * hangs must not keep other queues from going on. */
static GThreadPool *
get_pool (void)
{
  static GThreadPool *pool = NULL;

  if (g_once_init_enter (&pool)) {
    GThreadPool *made = g_thread_pool_new (run_in_pool, NULL, -1, FALSE, NULL);

    g_once_init_leave (&pool, made);
  }

  return pool;
}

void
identifai_serial_queue_run_elsewhere (IdentifaiSerialQueue * self)
{
  gboolean request, waits;

  g_mutex_lock (&self->lock);
  waits = self->requested;
  request = self->running == NULL && !waits && !g_queue_is_empty (&self->items);
  self->requested |= request;
  g_mutex_unlock (&self->lock);

  if (waits)
    identifai_pool_retry (get_pool ());
  else if (request)
    identifai_pool_push (get_pool (), serial_queue_ref (self));
}

void
identifai_serial_queue_set_interrupted (IdentifaiSerialQueue * self,
    gboolean interrupted)
{
  g_mutex_lock (&self->lock);
  self->interrupted = interrupted;
  identifai_cond_broadcast (&self->idle);
  g_mutex_unlock (&self->lock);
}

gboolean
identifai_serial_queue_drain (IdentifaiSerialQueue * self)
{
  gboolean drained;

  g_mutex_lock (&self->lock);
  while (self->running != NULL && !self->interrupted)
    identifai_cond_wait (&self->idle, &self->lock);
  drained = (self->running == NULL);
  if (drained)
    run_locked (self);
  g_mutex_unlock (&self->lock);

  return drained;
}

void
identifai_serial_queue_finish (IdentifaiSerialQueue * self)
{
  g_mutex_lock (&self->lock);
  while (self->running != NULL && self->running != g_thread_self ())
    identifai_cond_wait (&self->idle, &self->lock);
  run_locked (self);
  g_mutex_unlock (&self->lock);
}
