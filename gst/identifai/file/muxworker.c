/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A task at a time, on a thread of a pool that the process shares, which calls func
 * without the lock. All other functions may be called on any thread.
 */

#include "muxworker.h"

#include "clock.h"
#include "log.h"
#include "muxer.h"
#include "pool.h"
#include "soundfile.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

/* In µs: a longer wait is told of. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  IdentifaiSegment *segment;    /* NULL: it is a stretch */
  IdentifaiEarlyFile *early;    /* of the segment; owned, or NULL */
  IdentifaiEarlyStretch *stretch;       /* owned, or NULL */
  gint64 since;                 /* monotonic µs, when it was pushed */
} Task;

static void
task_free (gpointer data)
{
  Task *task = data;

  g_clear_pointer (&task->stretch, identifai_early_stretch_free);
  g_clear_pointer (&task->early, identifai_early_file_unref);
  g_free (task);
}

struct _IdentifaiMuxWorker
{
  gint refcount;                /* atomic: the owner's, and the pool's */
  gchar *name;
  IdentifaiMuxedFunc func;
  gpointer user_data;           /* there as long as there are tasks */
  gchar *muxer;
  guint64 max_bytes;
  gboolean sha256;              /* is wanted */

  GMutex lock;
  GCond idle;                   /* nothing runs any more */

  /* All below: lock. */
  GQueue tasks;                 /* of Task */
  GCancellable *cancellable;    /* of what runs */
  gboolean running;             /* a thread muxes, or calls func */
  gboolean requested;           /* from when a thread is asked for until it ends */
};

IdentifaiMuxWorker *
identifai_mux_worker_new (IdentifaiMuxedFunc func, gpointer user_data)
{
  IdentifaiMuxWorker *self = g_new0 (IdentifaiMuxWorker, 1);

  self->refcount = 1;
  self->func = func;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  g_queue_init (&self->tasks);

  return self;
}

static void
mux_worker_unref (IdentifaiMuxWorker * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;

  g_object_unref (self->cancellable);
  g_cond_clear (&self->idle);
  g_mutex_clear (&self->lock);
  g_free (self->muxer);
  g_free (self->name);
  g_free (self);
}

void
identifai_mux_worker_free (IdentifaiMuxWorker * self)
{
  identifai_mux_worker_halt (self);
  mux_worker_unref (self);
}

void
identifai_mux_worker_configure (IdentifaiMuxWorker * self, const gchar * name,
    const gchar * muxer, guint64 max_bytes, gboolean sha256)
{
  g_free (self->name);
  self->name = g_strdup (name);
  g_free (self->muxer);
  self->muxer = g_strdup (muxer);
  self->max_bytes = max_bytes;
  self->sha256 = sha256;
}

static void
log_start (IdentifaiMuxWorker * self, const Task * task)
{
  gint64 waited = identifai_clock_now () - task->since;

  if (waited >= LONG_WAIT)
    GST_DEBUG_ID (self->name, "segment %u waited %" G_GINT64_FORMAT
        " ms for a muxing thread, others are at work", task->segment->number,
        waited / 1000);
}

static void
log_end (IdentifaiMuxWorker * self, const IdentifaiSegment * segment,
    gint64 start, const GError * error)
{
  gint64 ms = (identifai_clock_now () - start) / 1000;

  if (error != NULL)
    GST_DEBUG_ID (self->name, "segment %u: no file after %" G_GINT64_FORMAT
        " ms, which isn't tried again: %s", segment->number, ms,
        error->message);
  else
    GST_DEBUG_ID (self->name,
        "segment %u: after %" G_GINT64_FORMAT " ms a file of %"
        G_GUINT64_FORMAT " bytes of %s, SHA-256 %s", segment->number, ms,
        identifai_memory_file_get_size (segment->file), segment->content_type,
        segment->sha256 != NULL ? segment->sha256 : "not wanted");
}

static gboolean
mux (IdentifaiMuxWorker * self, IdentifaiSegment * segment,
    IdentifaiEarlyFile * early, GCancellable * cancellable, GError ** error)
{
  if (early != NULL
      && identifai_early_file_complete (early, segment, cancellable))
    return TRUE;
  if (early != NULL)
    GST_DEBUG_ID (self->name, "segment %u is muxed whole, after all",
        segment->number);
  if (segment->kind == IDENTIFAI_KIND_SPEECH)
    return identifai_sound_file_run (segment, self->max_bytes, cancellable,
        error);

  return identifai_muxer_run (self->muxer, segment, self->max_bytes,
      cancellable, error);
}

static gboolean
make_file (IdentifaiMuxWorker * self, IdentifaiSegment * segment,
    IdentifaiEarlyFile * early, GCancellable * cancellable, GError ** error)
{
  if (segment->file == NULL && !mux (self, segment, early, cancellable, error))
    return FALSE;
  if (self->sha256)
    segment->sha256 = identifai_memory_file_compute_sha256 (segment->file,
        cancellable);

  return TRUE;
}

static void
run_segment (IdentifaiMuxWorker * self, Task * task, GCancellable * cancellable)
{
  gint64 start = identifai_clock_now ();
  GError *error = NULL;
  gboolean done;

  log_start (self, task);
  done = make_file (self, task->segment, task->early, cancellable, &error);
  log_end (self, task->segment, start, error);
  if (done || !g_cancellable_is_cancelled (cancellable))
    self->func (task->segment, error, self->user_data);
  g_clear_error (&error);
}

/* Entered and left with the lock held. */
static void
run_task_locked (IdentifaiMuxWorker * self, Task * task)
{
  GCancellable *cancellable = g_object_ref (self->cancellable);

  g_mutex_unlock (&self->lock);
  if (task->stretch != NULL)
    identifai_early_stretch_write (g_steal_pointer (&task->stretch),
        cancellable);
  else
    run_segment (self, task, cancellable);
  g_object_unref (cancellable);
  g_mutex_lock (&self->lock);
}

/* A thread of the pool. data: a worker, with a reference. */
static void
run (gpointer data, gpointer unused)
{
  IdentifaiMuxWorker *self = data;
  Task *task;

  g_mutex_lock (&self->lock);
  while ((task = g_queue_pop_head (&self->tasks)) != NULL) {
    /* Not before: it may start after the end, when nobody waits for it. */
    self->running = TRUE;
    run_task_locked (self, task);
    task_free (task);
  }
  self->running = self->requested = FALSE;
  g_cond_broadcast (&self->idle);
  g_mutex_unlock (&self->lock);

  mux_worker_unref (self);
}

static GThreadPool *
get_pool (void)
{
  static GThreadPool *pool = NULL;

  if (g_once_init_enter (&pool)) {
    GThreadPool *made = g_thread_pool_new (run, NULL,
        g_get_num_processors (), FALSE, NULL);

    g_once_init_leave (&pool, made);
  }

  return pool;
}

/* Takes over task. */
static void
push (IdentifaiMuxWorker * self, Task * task)
{
  gboolean request;

  task->since = identifai_clock_now ();
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->tasks, task);
  request = !self->requested;
  self->requested = TRUE;
  g_mutex_unlock (&self->lock);

  if (!request) {
    identifai_pool_retry (get_pool ());
    return;
  }
  g_atomic_int_inc (&self->refcount);
  identifai_pool_push (get_pool (), self);
}

void
identifai_mux_worker_push (IdentifaiMuxWorker * self,
    IdentifaiSegment * segment, IdentifaiEarlyFile * early)
{
  Task *task = g_new0 (Task, 1);

  task->segment = segment;
  if (early != NULL)
    task->early = identifai_early_file_ref (early);
  push (self, task);
}

void
identifai_mux_worker_write (IdentifaiMuxWorker * self,
    IdentifaiEarlyStretch * stretch)
{
  Task *task = g_new0 (Task, 1);

  task->stretch = stretch;
  push (self, task);
}

static gint
compare_segment (gconstpointer task, gconstpointer segment)
{
  return ((const Task *) task)->segment != segment;
}

gboolean
identifai_mux_worker_remove (IdentifaiMuxWorker * self,
    IdentifaiSegment * segment)
{
  GList *link;
  gboolean found;

  g_mutex_lock (&self->lock);
  link = g_queue_find_custom (&self->tasks, segment, compare_segment);
  found = (link != NULL);
  GST_DEBUG_ID (self->name, "segment %u %s, %u tasks wait", segment->number,
      found ? "is taken back before it is muxed" : "is being muxed, or was",
      g_queue_get_length (&self->tasks));
  if (found) {
    task_free (link->data);
    g_queue_delete_link (&self->tasks, link);
  }
  g_mutex_unlock (&self->lock);

  return found;
}

void
identifai_mux_worker_halt (IdentifaiMuxWorker * self)
{
  gint64 waited = identifai_clock_now ();

  g_mutex_lock (&self->lock);
  GST_DEBUG_ID (self->name, "muxing halts: %u tasks are left%s",
      g_queue_get_length (&self->tasks),
      self->running ? ", one is at work" : "");
  g_cancellable_cancel (self->cancellable);
  g_queue_clear_full (&self->tasks, task_free);
  while (self->running)
    g_cond_wait (&self->idle, &self->lock);
  waited = identifai_clock_now () - waited;
  if (waited >= LONG_WAIT)
    GST_DEBUG_ID (self->name, "waited %" G_GINT64_FORMAT " ms for the muxer to "
        "stop", waited / 1000);
  g_object_unref (self->cancellable);
  self->cancellable = g_cancellable_new ();
  g_mutex_unlock (&self->lock);
}
