/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstidentifaiposter.h"

struct _GstIdentifaiPoster
{
  GstElement *element;

  GMutex lock;                  /* innermost: nothing is locked under it */
  GCond idle;
  GQueue messages;              /* of GstMessage, owned */
  GThread *posting;             /* the thread that posts now, or NULL */
  gboolean interrupted;
};

GstIdentifaiPoster *
gst_identifai_poster_new (GstElement * element)
{
  GstIdentifaiPoster *self = g_new0 (GstIdentifaiPoster, 1);

  self->element = element;
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  g_queue_init (&self->messages);

  return self;
}

void
gst_identifai_poster_free (GstIdentifaiPoster * self)
{
  g_queue_clear_full (&self->messages, (GDestroyNotify) gst_message_unref);
  g_cond_clear (&self->idle);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
gst_identifai_poster_queue (GstIdentifaiPoster * self, GstMessage * message)
{
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->messages, message);
  g_mutex_unlock (&self->lock);
}

static void
run_locked (GstIdentifaiPoster * self)
{
  GstMessage *message;

  self->posting = g_thread_self ();
  while ((message = g_queue_pop_head (&self->messages)) != NULL) {
    g_mutex_unlock (&self->lock);
    gst_element_post_message (self->element, message);
    g_mutex_lock (&self->lock);
  }
  self->posting = NULL;
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
  if (self->posting == NULL)
    run_locked (self);
  g_mutex_unlock (&self->lock);
}
