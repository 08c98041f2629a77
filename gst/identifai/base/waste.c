/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "waste.h"
#include "pool.h"

/* To free so many takes a tenth of a millisecond, as long as to wake a thread does. */
#define FEW 300

typedef struct
{
  gpointer data;
  GDestroyNotify free_func;
} Waste;

static GMutex lock;
static GCond cond;
static GQueue queue = G_QUEUE_INIT;     /* lock: of Waste */
static guint n_busy;            /* lock: taken out, and not let go of yet */

/* FALSE: there is nothing. Entered and left with the lock held. */
static gboolean
let_go_locked (void)
{
  Waste *waste = g_queue_pop_head (&queue);

  if (waste == NULL)
    return FALSE;
  n_busy++;
  g_mutex_unlock (&lock);
  waste->free_func (waste->data);
  g_free (waste);
  g_mutex_lock (&lock);
  n_busy--;
  g_cond_broadcast (&cond);

  return TRUE;
}

/* Once for each. */
static void
run (gpointer item, gpointer unused)
{
  g_mutex_lock (&lock);
  let_go_locked ();
  g_mutex_unlock (&lock);
}

static GThreadPool *
get_pool (void)
{
  static GThreadPool *pool = NULL;

  if (g_once_init_enter (&pool)) {
    GThreadPool *made = g_thread_pool_new (run, NULL, 1, FALSE, NULL);

    g_once_init_leave (&pool, made);
  }

  return pool;
}

void
identifai_waste (gpointer data, GDestroyNotify free_func, guint n)
{
  Waste *waste;

  if (n <= FEW) {
    free_func (data);
    return;
  }
  waste = g_new (Waste, 1);
  waste->data = data;
  waste->free_func = free_func;
  g_mutex_lock (&lock);
  g_queue_push_tail (&queue, waste);
  g_mutex_unlock (&lock);
  identifai_pool_push (get_pool (), &queue);
}

void
identifai_waste_wait (void)
{
  g_mutex_lock (&lock);
  while (let_go_locked ());
  while (n_busy > 0)
    g_cond_wait (&cond, &lock);
  g_mutex_unlock (&lock);
}
