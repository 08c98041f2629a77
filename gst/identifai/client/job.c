/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a job holds for its user, and tells them. Where it is: jobstate.c.
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

/* What it tells. */

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

gboolean
identifai_job_ask (IdentifaiJob * job, gboolean contended)
{
  IdentifaiClient *client = job->client;
  gboolean wanted;

  if (client->callbacks->starting == NULL)
    return TRUE;
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
