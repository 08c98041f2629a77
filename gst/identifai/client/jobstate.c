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

#define NAME(job) (job)->client->settings.name

static const gchar *const state_names[] = {
  "queued", "uploading", "waiting for its result", "gone"
};

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

  GST_LOG_ID (NAME (job),
      "segment %u is one of %u in the queue", job->segment, queue->jobs.length);
  job->state = IDENTIFAI_JOB_QUEUED;
  job->not_before = not_before;
  job->queued_at = identifai_clock_now ();
  identifai_account_wake (queue->account);
}

void
identifai_job_unqueue (IdentifaiJob * job)
{
  if (job->state == IDENTIFAI_JOB_QUEUED)
    g_queue_unlink (&job->queue->jobs, &job->queue_link);
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
  GST_DEBUG_ID (NAME (job), "segment %u goes on with another "
      "key", job->segment);
  identifai_queue_check (from);
}

/* The end. */

static void
cancel_upload (IdentifaiJob * job)
{
  if (!job->wire.exchange && job->early == NULL)
    return;

  GST_DEBUG_ID (NAME (job), "POST of segment %u is cancelled", job->segment);
  identifai_client_count (job->client, in_flight, -1);
  g_clear_pointer (&job->early, identifai_early_upload_abandon);
  identifai_wire_cancel (&job->wire);
}

/* A process that gives up what is late has no queue, however little of the limit it has:
 * so it gets more. */
static void
tell_limiter (IdentifaiJob * job)
{
  gint64 now = identifai_clock_now ();

  if (job->state == IDENTIFAI_JOB_QUEUED && job->not_before <= now)
    identifai_limiter_gave_up (job->queue->account->limits->starts,
        IDENTIFAI_CALL_POST, now);
}

/* Its own reference is the queue's. */
void
identifai_job_remove (IdentifaiJob * job)
{
  IdentifaiQueue *queue = job->queue;

  if (job->state == IDENTIFAI_JOB_GONE)
    return;

  GST_LOG_ID (NAME (job), "segment %u is gone, it was %s",
      job->segment, state_names[job->state]);
  tell_limiter (job);
  identifai_job_unqueue (job);
  cancel_upload (job);
  identifai_pending_remove (job);
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
