/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstidentifaiposter.h"

struct _GstIdentifaiPoster
{
  gint refcount;                /* atomic: the owner's, and a kick's */
  GstElement *element;

  GMutex lock;                  /* innermost: nothing is locked under it */
  GCond idle;
  GQueue messages;              /* of GstMessage, owned */
  GThread *posting;             /* the thread that posts now, or NULL */
  gboolean kicked;              /* one of the pool is on its way */
  gboolean interrupted;
};

GstIdentifaiPoster *
gst_identifai_poster_new (GstElement * element)
{
  GstIdentifaiPoster *self = g_new0 (GstIdentifaiPoster, 1);

  self->refcount = 1;
  self->element = element;
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  g_queue_init (&self->messages);

  return self;
}

static GstIdentifaiPoster *
poster_ref (GstIdentifaiPoster * self)
{
  g_atomic_int_inc (&self->refcount);

  return self;
}

static void
poster_unref (GstIdentifaiPoster * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;

  g_queue_clear_full (&self->messages, (GDestroyNotify) gst_message_unref);
  g_cond_clear (&self->idle);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
gst_identifai_poster_free (GstIdentifaiPoster * self)
{
  poster_unref (self);
}

void
gst_identifai_poster_queue (GstIdentifaiPoster * self, GstMessage * message)
{
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->messages, message);
  g_mutex_unlock (&self->lock);
}

/* A message keeps the element that it is from, until it is posted. A handler may
 * let go of the element for good. */
static void
post (GstIdentifaiPoster * self, GstMessage * message)
{
  GstElement *element = gst_object_ref (self->element);

  gst_element_post_message (element, message);
  gst_object_unref (element);
}

/* Also from within a handler that it runs, see _finish. */
static void
run_locked (GstIdentifaiPoster * self)
{
  GThread *outer = self->posting;
  GstMessage *message;

  self->posting = g_thread_self ();
  while ((message = g_queue_pop_head (&self->messages)) != NULL) {
    g_mutex_unlock (&self->lock);
    post (self, message);
    g_mutex_lock (&self->lock);
  }
  self->posting = outer;
  g_cond_broadcast (&self->idle);
}

void
gst_identifai_poster_run (GstIdentifaiPoster * self)
{
  g_mutex_lock (&self->lock);
  if (self->posting == NULL)
    run_locked (self);
  g_mutex_unlock (&self->lock);
}

/* A thread of the pool. data: a poster, with a reference; its element may be
 * gone if there is nothing left to post. */
static void
run_kicked (gpointer data, gpointer user_data)
{
  GstIdentifaiPoster *self = data;

  g_mutex_lock (&self->lock);
  self->kicked = FALSE;
  if (self->posting == NULL)
    run_locked (self);
  g_mutex_unlock (&self->lock);

  poster_unref (self);
}

/* Shared by all elements of the process, and as large as handlers are slow: one
 * that hangs must not keep other elements from posting. */
static GThreadPool *
posting_pool (void)
{
  static GThreadPool *pool = NULL;

  if (g_once_init_enter (&pool)) {
    GThreadPool *made = g_thread_pool_new (run_kicked, NULL, -1, FALSE, NULL);

    g_once_init_leave (&pool, made);
  }

  return pool;
}

void
gst_identifai_poster_kick (GstIdentifaiPoster * self)
{
  gboolean kick;

  g_mutex_lock (&self->lock);
  kick = self->posting == NULL && !self->kicked
      && !g_queue_is_empty (&self->messages);
  self->kicked |= kick;
  g_mutex_unlock (&self->lock);

  if (kick)
    g_thread_pool_push (posting_pool (), poster_ref (self), NULL);
}

void
gst_identifai_poster_set_interrupted (GstIdentifaiPoster * self,
    gboolean interrupted)
{
  g_mutex_lock (&self->lock);
  self->interrupted = interrupted;
  g_cond_broadcast (&self->idle);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_identifai_poster_drain (GstIdentifaiPoster * self)
{
  gboolean drained;

  g_mutex_lock (&self->lock);
  while (self->posting != NULL && !self->interrupted)
    g_cond_wait (&self->idle, &self->lock);
  drained = (self->posting == NULL);
  if (drained)
    run_locked (self);
  g_mutex_unlock (&self->lock);

  return drained;
}

void
gst_identifai_poster_finish (GstIdentifaiPoster * self)
{
  g_mutex_lock (&self->lock);
  while (self->posting != NULL && self->posting != g_thread_self ())
    g_cond_wait (&self->idle, &self->lock);
  run_locked (self);
  g_mutex_unlock (&self->lock);
}
