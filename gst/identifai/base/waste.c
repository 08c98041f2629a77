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
static guint n_waiting;         /* lock: pushed, and not let go of yet */

static void
run (gpointer item, gpointer unused)
{
  Waste *waste = item;

  waste->free_func (waste->data);
  g_free (waste);
  g_mutex_lock (&lock);
  if (--n_waiting == 0)
    g_cond_broadcast (&cond);
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
  n_waiting++;
  g_mutex_unlock (&lock);
  identifai_pool_push (get_pool (), waste);
}

/* What found no thread is tried again, as nothing else may come that does. */
void
identifai_waste_wait (void)
{
  g_mutex_lock (&lock);
  while (n_waiting > 0) {
    identifai_pool_retry (get_pool ());
    g_cond_wait_until (&cond, &lock,
        g_get_monotonic_time () + 100 * G_TIME_SPAN_MILLISECOND);
  }
  g_mutex_unlock (&lock);
}
