/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a job is, and how it ends. From QUEUED it goes to UPLOADING, from there
 * to WAITING, or QUEUED again, from each of them to GONE.
 */

#include "clientprivate.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

IdentifaiJob *
identifai_job_new (IdentifaiClient * client, IdentifaiRequest * request,
    gpointer data, GDestroyNotify free_data)
{
  IdentifaiJob *job = g_new0 (IdentifaiJob, 1);

  job->refcount = 1;
  job->client = identifai_client_ref (client);
  job->kind = request->kind;
  job->segment = request->segment;
  job->heuristic = g_strdup (request->heuristic);
  job->no_cache = request->no_cache;
  job->identifier = g_strdup (request->identifier);
  job->sent = job->identifier != NULL;
  job->open = TRUE;
  job->held = (IdentifaiHeld) {
  data, free_data, identifai_request_ref (request)};
  job->deadline = G_MAXINT64;
  job->link.data = job->queue_link.data = job->pending_link.data = job;

  return job;
}

IdentifaiJob *
identifai_job_ref (IdentifaiJob * job)
{
  g_atomic_int_inc (&job->refcount);

  return job;
}

/* What the user gave was let go of before, so no code of theirs runs here. */
void
identifai_job_unref (IdentifaiJob * job)
{
  if (!g_atomic_int_dec_and_test (&job->refcount))
    return;

  identifai_client_unref (job->client);
  g_free (job->heuristic);
  g_free (job->identifier);
  g_free (job);
}

/* What its user may take back. */

IdentifaiHeld
identifai_job_close_locked (IdentifaiJob * job)
{
  IdentifaiHeld held = { NULL, };

  if (!job->open)
    return held;
  job->open = FALSE;
  g_queue_unlink (&job->client->jobs, &job->link);
  if (!job->called) {
    held = job->held;
    memset (&job->held, 0, sizeof (job->held));
  }
  identifai_job_unref (job);

  return held;
}

void
identifai_held_drop (IdentifaiHeld * held)
{
  g_clear_pointer (&held->request, identifai_request_unref);
  if (held->free_data)
    held->free_data (held->data);
}

gboolean
identifai_job_is_open (IdentifaiJob * job)
{
  gboolean open;

  g_mutex_lock (&job->client->lock);
  open = job->open;
  g_mutex_unlock (&job->client->lock);

  return open;
}

/* Where it waits to be sent. */

void
identifai_job_queue (IdentifaiJob * job, gint64 not_before)
{
  IdentifaiQueue *queue = job->queue;
  GList *before = queue->jobs.tail;

  /* Nearly always the last one; another attempt comes before the later jobs. */
  while (before && ((IdentifaiJob *) before->data)->number > job->number)
    before = before->prev;
  if (before)
    g_queue_insert_after_link (&queue->jobs, before, &job->queue_link);
  else
    g_queue_push_head_link (&queue->jobs, &job->queue_link);

  GST_LOG_ID (job->client->settings.name,
      "segment %u is one of %u in the queue", job->segment, queue->jobs.length);
  job->state = IDENTIFAI_JOB_QUEUED;
  job->not_before = not_before;
  job->queued_at = identifai_clock_now ();
  identifai_account_wake (queue->account);
}

static gint64
deadline_after (gint64 now, GstClockTime timeout)
{
  if (!GST_CLOCK_TIME_IS_VALID (timeout)
      || timeout / GST_USECOND > (guint64) (G_MAXINT64 - now))
    return G_MAXINT64;

  return now + timeout / GST_USECOND;
}

void
identifai_job_wait (IdentifaiJob * job)
{
  GstClockTime timeout = job->client->settings.verdict_timeout;

  job->submitted_at = identifai_clock_now ();
  job->deadline = deadline_after (job->submitted_at, timeout);
  job->state = IDENTIFAI_JOB_WAITING;
  identifai_poller_add (job->queue->account->pollers[job->kind], job);
}

void
identifai_job_unqueue (IdentifaiJob * job)
{
  if (job->state == IDENTIFAI_JOB_QUEUED)
    g_queue_unlink (&job->queue->jobs, &job->queue_link);
}

void
identifai_job_move (IdentifaiJob * job)
{
  IdentifaiQueue *from = job->queue;
  IdentifaiQueue *to = job->client->queue;

  if (from == to)
    return;

  identifai_job_unqueue (job);
  from->n_jobs--;
  to->n_jobs++;
  job->queue = to;
  if (job->state == IDENTIFAI_JOB_WAITING)
    identifai_poller_add (to->account->pollers[job->kind], job);
  else
    identifai_job_queue (job, 0);
  GST_DEBUG_ID (job->client->settings.name, "segment %u goes on with another "
      "key", job->segment);
  identifai_queue_check (from);
}

/* The end. */

static const gchar *const state_names[] = {
  "queued", "uploading", "waiting for its result", "gone"
};

static void
cancel_upload (IdentifaiJob * job)
{
  if (!job->wire.exchange && job->early == NULL)
    return;

  GST_DEBUG_ID (job->client->settings.name, "POST of segment %u is cancelled",
      job->segment);
  identifai_client_count (job->client, in_flight, -1);
  g_clear_pointer (&job->early, identifai_early_upload_abandon);
  identifai_wire_cancel (&job->wire);
}

/* Its own reference is the queue's. */
void
identifai_job_remove (IdentifaiJob * job)
{
  IdentifaiQueue *queue = job->queue;

  if (job->state == IDENTIFAI_JOB_GONE)
    return;

  GST_LOG_ID (job->client->settings.name, "segment %u is gone, it was %s",
      job->segment, state_names[job->state]);
  identifai_job_unqueue (job);
  cancel_upload (job);
  identifai_poller_remove (job);
  job->state = IDENTIFAI_JOB_GONE;
  job->queue = NULL;
  queue->n_jobs--;
  identifai_queue_check (queue);
  identifai_job_unref (job);
}

void
identifai_job_finish (IdentifaiJob * job, IdentifaiOutcome * outcome)
{
  IdentifaiClient *client = job->client;
  IdentifaiHeld held;
  gboolean open;

  outcome->identifier = job->identifier;
  g_rec_mutex_lock (&client->calling);
  g_mutex_lock (&client->lock);
  open = job->open;
  held = identifai_job_close_locked (job);
  g_mutex_unlock (&client->lock);

  g_clear_pointer (&held.request, identifai_request_unref);
  GST_DEBUG_ID (client->settings.name, "segment %u ends: %s%s", job->segment,
      outcome->result ? "with a result" :
      identifai_reason_to_string (outcome->reason),
      open ? "" : "; nobody waits for it any more");
  if (open)
    client->callbacks->finished (held.data, outcome, client->user_data);
  identifai_held_drop (&held);
  g_rec_mutex_unlock (&client->calling);

  identifai_job_remove (job);
}

void
identifai_job_fail (IdentifaiJob * job, const IdentifaiAttempt * attempt)
{
  IdentifaiOutcome outcome = {
    .reason = attempt->reason,
    .http_status = attempt->http_status,
    .message = attempt->message,
  };

  identifai_job_finish (job, &outcome);
}

/* A callback is about to use the job's data. FALSE: its user took it back. */
static gboolean
begin_call (IdentifaiJob * job)
{
  IdentifaiClient *client = job->client;

  g_rec_mutex_lock (&client->calling);
  g_mutex_lock (&client->lock);
  job->called = job->open;
  g_mutex_unlock (&client->lock);

  return job->called;
}

static void
end_call (IdentifaiJob * job)
{
  IdentifaiClient *client = job->client;
  IdentifaiHeld held = { NULL, };

  g_mutex_lock (&client->lock);
  /* Cancelled from within the callback, which went on using the job's data. */
  if (job->called && !job->open)
    held = job->held;
  job->called = FALSE;
  g_mutex_unlock (&client->lock);
  identifai_held_drop (&held);
  g_rec_mutex_unlock (&client->calling);
}

void
identifai_job_tell_submitted (IdentifaiJob * job, GstClockTime upload_time)
{
  IdentifaiClient *client = job->client;

  if (begin_call (job))
    client->callbacks->submitted (job->held.data, job->identifier, upload_time,
        client->user_data);
  end_call (job);
}

static gboolean
is_contended (IdentifaiJob * job, gint64 now)
{
  GList *queue, *walk;

  for (queue = job->queue->account->queues.head; queue; queue = queue->next) {
    walk = ((IdentifaiQueue *) queue->data)->jobs.head;
    for (; walk != NULL; walk = walk->next)
      if (walk->data != job && ((IdentifaiJob *) walk->data)->not_before <= now)
        return TRUE;
  }

  return FALSE;
}

gboolean
identifai_job_ask (IdentifaiJob * job, gint64 now)
{
  IdentifaiClient *client = job->client;
  gboolean contended, wanted;

  if (client->callbacks->starting == NULL)
    return TRUE;
  contended = is_contended (job, now);
  wanted = !begin_call (job) || client->callbacks->starting (job->held.data,
      contended, job->maybe_taken, client->user_data);
  if (!wanted) {
    GST_DEBUG_ID (client->settings.name, "segment %u isn't posted, as its user "
        "doesn't want it any more", job->segment);
    g_mutex_lock (&client->lock);
    identifai_job_close_locked (job);
    g_mutex_unlock (&client->lock);
  }
  end_call (job);
  if (!wanted)
    identifai_job_remove (job);

  return wanted;
}

void
identifai_job_tell_attempt (IdentifaiJob * job, IdentifaiCall call,
    const IdentifaiAttempt * attempt)
{
  IdentifaiClient *client = job->client;

  g_rec_mutex_lock (&client->calling);
  if (identifai_job_is_open (job))
    client->callbacks->attempted (call, attempt->reason, attempt->http_status,
        attempt->message, attempt->retry_in, client->user_data);
  g_rec_mutex_unlock (&client->calling);
}
