/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Submit calls: lanes take turns, a job that may be tried again waits its time.
 */

#include "clientprivate.h"

/* How long before an upload its connection is made, if it can be known. */
#define CONNECT_AHEAD (3 * G_TIME_SPAN_SECOND)

/* An upload isn't given up for 429s before it has been refused for so long. */
#define SHARE_PATIENCE (2 * G_TIME_SPAN_MINUTE)

/* An upload isn't held at its end for longer than a front may wait for it. */
#define MAX_HOLD (5 * G_TIME_SPAN_SECOND)

/* Retries whose time has come get back into their queues. */
static gint64
release_retries (IdentifaiAccount * client, gint64 now)
{
  gint64 next = G_MAXINT64;

  identifai_account_lock ();
  while (!g_sequence_is_empty (client->retries)) {
    IdentifaiJob *job =
        g_sequence_get (g_sequence_get_begin_iter (client->retries));

    if (job->retry_at > now) {
      next = job->retry_at;
      break;
    }
    identifai_job_unqueue_locked (job);
    identifai_job_queue_locked (job);
  }
  identifai_account_unlock ();

  return next;
}

/* The first job of the lane whose turn it is, with a reference. */
static IdentifaiJob *
take_job (IdentifaiAccount * client)
{
  IdentifaiJob *job = NULL;
  IdentifaiSeat *seat;

  identifai_account_lock ();
  seat = g_queue_peek_head (&client->ready);
  if (seat) {
    job = g_queue_peek_head (&seat->queued);
    job->refcount++;
    identifai_job_unqueue_locked (job);
    job->state = IDENTIFAI_JOB_UPLOADING;
    job->lane->stats.post_requests++;
    job->lane->stats.in_flight++;
    if (job->reposts > 0)
      job->lane->stats.retries++;
    if (seat->ready)
      identifai_seat_turn_locked (seat);
  }
  identifai_account_unlock ();

  return job;
}

static gboolean
has_ready (IdentifaiAccount * client)
{
  gboolean ready;

  identifai_account_lock ();
  ready = !g_queue_is_empty (&client->ready);
  identifai_account_unlock ();

  return ready;
}

/* Forgets the call that ended or is cancelled. */
static void
leave_wire (IdentifaiAccount * client, IdentifaiJob * job)
{
  job->exchange = NULL;
  client->n_uploads--;
  identifai_launch_end (client, IDENTIFAI_CALL_POST, job, &job->ticket);

  identifai_account_lock ();
  job->lane->stats.in_flight--;
  identifai_account_wake_locked (client);
  identifai_account_unlock ();
}

/* What becomes of the job. */

static gint64
deadline_after (gint64 now, GstClockTime timeout)
{
  if (!GST_CLOCK_TIME_IS_VALID (timeout)
      || timeout / GST_USECOND > (guint64) (G_MAXINT64 - now))
    return G_MAXINT64;

  return now + timeout / GST_USECOND;
}

static void
accept_job (IdentifaiAccount * client, IdentifaiJob * job,
    gchar * identifier, GstClockTime upload_time)
{
  IdentifaiRequest *request = NULL;
  gint64 now = g_get_monotonic_time ();
  gboolean waiting;

  job->identifier = identifier;
  job->failures = 0;
  job->submitted_at = now;
  job->deadline = deadline_after (now, job->lane->settings.verdict_timeout);
  identifai_budget_succeeded (client->budget, IDENTIFAI_CALL_POST,
      &job->ticket, now);

  identifai_account_lock ();
  waiting = job->state == IDENTIFAI_JOB_UPLOADING;
  if (waiting) {
    job->state = IDENTIFAI_JOB_WAITING;
    request = g_steal_pointer (&job->request);
    job->lane->stats.bytes_uploaded +=
        identifai_memory_file_get_size (request->file);
  }
  identifai_account_unlock ();
  if (!waiting)
    return;

  identifai_request_unref (request);
  identifai_poller_add (client->poller, job);
  identifai_job_tell_submitted (job, upload_time);
}

static void
retry_job (IdentifaiJob * job, gint64 at)
{
  job->reposts++;

  identifai_account_lock ();
  if (job->state == IDENTIFAI_JOB_UPLOADING)
    identifai_job_retry_locked (job, at);
  identifai_account_unlock ();
}

static void
refuse_job (IdentifaiJob * job, const IdentifaiAttempt * attempt)
{
  gboolean again = !job->rekeyed && identifai_client_renew_key (job);

  job->rekeyed = TRUE;
  if (!again) {
    identifai_job_fail (job, attempt);
    return;
  }

  /* With another key it starts over, perhaps at once on another thread. */
  job->failures = 0;
  job->reposts++;
  identifai_client_move_job (job);
}

/* What hardly passes is waited for only by those who wait for everything: the
 * others hear of it at once. A look goes on in any case, as its file is judged
 * and paid for. */
static gboolean
may_retry (const IdentifaiJob * job, const IdentifaiAttempt * attempt)
{
  return identifai_job_may_retry (job, attempt)
      && (!attempt->lasting || job->lane->settings.retries < 0);
}

/* With limits, a 429 says no more than that others use the key: where there is room
 * takes some of them to find out. */
static gboolean
may_share (IdentifaiJob * job, const IdentifaiAttempt * attempt)
{
  const IdentifaiClientSettings *settings = &job->lane->settings;
  const IdentifaiLimit *limit = &settings->limits[IDENTIFAI_CALL_POST];
  gint64 now = g_get_monotonic_time ();

  if (!identifai_attempt_is_throttled (attempt) || settings->retries == 0
      || (limit->per_second == 0 && limit->per_minute == 0))
    return FALSE;
  if (job->refused_since == 0)
    job->refused_since = now;

  return now - job->refused_since < identifai_backoff_scale (SHARE_PATIENCE);
}

/* A 401 may end in another attempt, too, with another key: that shows later. */
static void
plan_retry (IdentifaiJob * job, IdentifaiAttempt * attempt)
{
  job->failures++;
  if (!identifai_attempt_is_unauthorized (attempt) && (may_retry (job, attempt)
          || may_share (job, attempt)))
    attempt->retry_in = identifai_attempt_get_delay (attempt, job->failures);
}

static void
reject_job (IdentifaiAccount * client, IdentifaiJob * job,
    const IdentifaiAttempt * attempt)
{
  gint64 now = g_get_monotonic_time ();
  gint64 at = now + (attempt->retry_in >= 0 ? attempt->retry_in :
      identifai_attempt_get_delay (attempt, job->failures));

  if (identifai_attempt_is_throttled (attempt)) {
    identifai_budget_throttled (client->budget, IDENTIFAI_CALL_POST,
        &job->ticket, now, at);
    identifai_account_lock ();
    job->lane->stats.throttled++;
    identifai_account_unlock ();
  }

  if (identifai_attempt_is_unauthorized (attempt))
    refuse_job (job, attempt);
  else if (attempt->retry_in >= 0)
    retry_job (job, at);
  else
    identifai_job_fail (job, attempt);
}

/* The whole file went out and nothing came back, or nothing to be understood: the
 * service may have it, and with no_cache will charge for it again. */
static void
tell_ambiguous (IdentifaiJob * job, const IdentifaiResponse * answer,
    IdentifaiAttempt * attempt)
{
  gchar *message;

  if (!answer->sent_whole || !job->no_cache
      || !(answer->error || SOUP_STATUS_IS_SUCCESSFUL (answer->http_status)))
    return;

  message = g_strdup_printf ("%s. The file had been sent whole: with no-cache "
      "another attempt may be charged a second time", attempt->message);
  g_free (attempt->message);
  attempt->message = message;
}

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  IdentifaiJob *job = user_data;
  IdentifaiAccount *client = job->client;
  g_auto (IdentifaiAttempt) attempt = { 0, };
  gchar *identifier = NULL;
  GError *error = NULL;
  const gchar *data;
  gsize size;

  leave_wire (client, job);
  identifai_attempt_init (&attempt, answer, client->host);
  if (attempt.reason == IDENTIFAI_REASON_NONE) {
    data = g_bytes_get_data (answer->body, &size);
    identifier = identifai_result_parse_identifier (data, size, &error);
    if (!identifier)
      identifai_attempt_set_bad_response (&attempt, "upload", error->message,
          answer->body);
    g_clear_error (&error);
  }
  if (!identifier) {
    tell_ambiguous (job, answer, &attempt);
    plan_retry (job, &attempt);
  }

  identifai_client_tell_attempt (job, IDENTIFAI_CALL_POST, &attempt);
  if (identifier)
    accept_job (client, job, identifier, answer->duration);
  else
    reject_job (client, job, &attempt);
  identifai_job_unref (job);
}

/* Sending. */

static gint64
on_hold (gpointer user_data)
{
  IdentifaiJob *job = user_data;
  IdentifaiAccount *client = job->client;
  gint64 now = g_get_monotonic_time ();

  if (job->held_since == 0)
    job->held_since = now;
  if (now - job->held_since >= MAX_HOLD)
    return 0;

  return identifai_budget_arrive (client->budget, now);
}

static void
on_sent (gboolean fresh, gpointer user_data)
{
  IdentifaiJob *job = user_data;

  identifai_launch_sent (job->client, IDENTIFAI_CALL_POST, job, &job->ticket,
      fresh);
}

static gchar *
make_url (IdentifaiAccount * client)
{
  return g_strconcat (client->endpoint, "/api/classification_video", NULL);
}

/* So that the headers of the next upload go out at its time. */
static void
connect_ahead (IdentifaiAccount * client, gint64 now)
{
  IdentifaiClient *lane = NULL;
  IdentifaiSeat *seat;
  gchar *url;

  if (client->connected_at > now - CONNECT_AHEAD)
    return;
  client->connected_at = now;

  identifai_account_lock ();
  seat = g_queue_peek_head (&client->ready);
  if (seat)
    lane = ((IdentifaiJob *) g_queue_peek_head (&seat->queued))->lane;
  if (lane)
    lane->refcount++;
  identifai_account_unlock ();
  if (!lane)
    return;

  url = make_url (client);
  identifai_transport_connect (identifai_account_get_transport (client, lane),
      url);
  g_free (url);
  identifai_client_unref (lane);
}

/* Takes over the reference on job. */
static void
start_job (IdentifaiAccount * client, IdentifaiJob * job)
{
  gchar *url = make_url (client);
  IdentifaiRequest *request = NULL;
  IdentifaiCallSpec spec = {.url = url,.api_key = client->api_key,.hold =
        on_hold,.sent = on_sent
  };

  identifai_account_lock ();
  if (job->request)
    request = identifai_request_ref (job->request);
  identifai_account_unlock ();

  job->client = client;
  job->held_since = 0;
  client->n_uploads++;
  if (request) {
    spec.upload = request;
    spec.extra_headers = identifai_client_get_headers (job->lane);
    job->exchange = identifai_transport_send (identifai_account_get_transport
        (client, job->lane), &spec, on_answer, job);
    identifai_extra_headers_unref (spec.extra_headers);
    identifai_request_unref (request);
  } else {
    /* Closed a moment ago. */
    leave_wire (client, job);
    identifai_job_unref (job);
  }
  g_free (url);
}

gint64
identifai_submit_run (IdentifaiAccount * client, gint64 now)
{
  gint64 next = release_retries (client, now);

  while (has_ready (client)) {
    IdentifaiJob *job;
    gint64 start;

    /* An upload that ends wakes the client. */
    if (client->n_uploads >= IDENTIFAI_MAX_UPLOADS)
      return next;

    start = identifai_launch_next (client, IDENTIFAI_CALL_POST, now);
    if (start > now + CONNECT_AHEAD)
      return MIN (next, start - CONNECT_AHEAD);
    if (start > now) {
      connect_ahead (client, now);
      return MIN (next, start);
    }

    job = take_job (client);
    if (!job)
      break;
    identifai_launch_start (client, IDENTIFAI_CALL_POST, job, &job->ticket,
        now);
    client->connected_at = 0;
    start_job (client, job);
  }

  return next;
}

void
identifai_submit_cancel (IdentifaiAccount * client, IdentifaiJob * job)
{
  IdentifaiExchange *exchange = job->exchange;

  if (!exchange)
    return;

  leave_wire (client, job);
  identifai_exchange_cancel (exchange);
  identifai_job_unref (job);
}
