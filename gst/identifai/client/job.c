/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a job is, and how it ends. From QUEUED it goes to UPLOADING, from there
 * to WAITING or RETRY (and QUEUED again), from each of them to GONE.
 */

#include "clientprivate.h"

IdentifaiJob *
identifai_job_ref (IdentifaiJob * job)
{
  identifai_account_lock ();
  job->refcount++;
  identifai_account_unlock ();

  return job;
}

/* What the caller gave was let go of before, so no code of theirs runs here. */
void
identifai_job_unref_locked (IdentifaiJob * job)
{
  if (--job->refcount > 0)
    return;

  identifai_client_unref_locked (job->lane);
  g_free (job->heuristic);
  g_free (job->identifier);
  g_free (job);
}

void
identifai_job_unref (IdentifaiJob * job)
{
  identifai_account_lock ();
  identifai_job_unref_locked (job);
  identifai_account_unlock ();
}

void
identifai_job_take_holdings_locked (IdentifaiJob * job,
    IdentifaiHoldings * holdings)
{
  holdings->request = g_steal_pointer (&job->request);
  holdings->data = g_steal_pointer (&job->data);
  holdings->free_data = job->free_data;
  job->free_data = NULL;
}

void
identifai_holdings_drop (IdentifaiHoldings * self)
{
  g_clear_pointer (&self->request, identifai_request_unref);
  if (self->free_data)
    self->free_data (self->data);
}

/* Where it waits to be sent. */

void
identifai_seat_turn_locked (IdentifaiSeat * seat)
{
  GQueue *ready = &seat->client->ready;

  if (seat->ready)
    g_queue_unlink (ready, &seat->ready_link);
  seat->ready = TRUE;
  if (seat->lane->first)
    g_queue_push_head_link (ready, &seat->ready_link);
  else
    g_queue_push_tail_link (ready, &seat->ready_link);
}

void
identifai_job_queue_locked (IdentifaiJob * job)
{
  IdentifaiSeat *seat = job->seat;
  GList *before = seat->queued.tail;

  /* Nearly always the last one; a retry comes before the later jobs. */
  while (before && ((IdentifaiJob *) before->data)->number > job->number)
    before = before->prev;
  if (before)
    g_queue_insert_after_link (&seat->queued, before, &job->queue_link);
  else
    g_queue_push_head_link (&seat->queued, &job->queue_link);

  job->state = IDENTIFAI_JOB_QUEUED;
  if (!seat->ready)
    identifai_seat_turn_locked (seat);
  identifai_account_wake_locked (seat->client);
}

static gint
compare_retry_at (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const IdentifaiJob *one = a, *other = b;

  return one->retry_at < other->retry_at ? -1 : one->retry_at > other->retry_at;
}

void
identifai_job_retry_locked (IdentifaiJob * job, gint64 at)
{
  IdentifaiAccount *client = job->seat->client;

  job->state = IDENTIFAI_JOB_RETRY;
  job->retry_at = at;
  job->retry = g_sequence_insert_sorted (client->retries, job,
      compare_retry_at, NULL);
  identifai_account_wake_locked (client);
}

void
identifai_job_unqueue_locked (IdentifaiJob * job)
{
  IdentifaiSeat *seat = job->seat;

  if (job->state == IDENTIFAI_JOB_RETRY) {
    g_sequence_remove (job->retry);
    job->retry = NULL;
  } else if (job->state == IDENTIFAI_JOB_QUEUED) {
    g_queue_unlink (&seat->queued, &job->queue_link);
    if (g_queue_is_empty (&seat->queued)) {
      seat->ready = FALSE;
      g_queue_unlink (&seat->client->ready, &seat->ready_link);
    }
  }
}

IdentifaiAccount *
identifai_job_move_locked (IdentifaiJob * job)
{
  IdentifaiSeat *from = job->seat;
  IdentifaiSeat *to = job->lane->seat;

  if (from == to)
    return NULL;

  identifai_job_unqueue_locked (job);
  from->n_jobs--;
  to->n_jobs++;
  job->seat = to;
  if (job->state == IDENTIFAI_JOB_WAITING) {
    job->refcount++;
    g_queue_push_tail (&to->client->newcomers, job);
    identifai_account_wake_locked (to->client);
  } else {
    identifai_job_queue_locked (job);
  }

  return identifai_seat_leave_locked (from);
}

/* The end. */

void
identifai_job_remove_locked (IdentifaiJob * job)
{
  IdentifaiSeat *seat = job->seat;

  identifai_job_unqueue_locked (job);
  if (job->state == IDENTIFAI_JOB_UPLOADING
      || job->state == IDENTIFAI_JOB_WAITING) {
    job->refcount++;
    g_queue_push_tail (&seat->client->gone, job);
    identifai_account_wake_locked (seat->client);
  }

  job->state = IDENTIFAI_JOB_GONE;
  job->seat = NULL;
  seat->n_jobs--;
  g_queue_unlink (&job->lane->jobs, &job->link);
  identifai_job_unref_locked (job);
}

void
identifai_job_finish (IdentifaiJob * job, IdentifaiOutcome * outcome)
{
  IdentifaiClient *lane = job->lane;
  IdentifaiHoldings holdings;
  IdentifaiAccount *stop;
  IdentifaiSeat *seat;

  if (!identifai_client_enter (job))
    return;

  outcome->identifier = job->identifier;
  identifai_account_lock ();
  seat = job->seat;
  identifai_job_take_holdings_locked (job, &holdings);
  identifai_job_remove_locked (job);
  stop = identifai_seat_leave_locked (seat);
  identifai_account_unlock ();

  g_clear_pointer (&holdings.request, identifai_request_unref);
  lane->callbacks->finished (holdings.data, outcome, lane->user_data);
  identifai_holdings_drop (&holdings);

  identifai_client_leave (job);
  identifai_account_dismiss (stop);
}

gboolean
identifai_job_may_retry (const IdentifaiJob * job,
    const IdentifaiAttempt * attempt)
{
  gint retries = job->lane->settings.retries;

  return attempt->temporary
      && (retries < 0 || job->failures <= (guint) retries);
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

void
identifai_job_tell_submitted (IdentifaiJob * job, GstClockTime upload_time)
{
  IdentifaiClient *lane = job->lane;

  if (!identifai_client_enter (job))
    return;

  lane->callbacks->submitted (job->data, job->identifier, upload_time,
      lane->user_data);
  identifai_client_leave (job);
}
