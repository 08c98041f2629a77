/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Submit calls: clients take turns, a job that may be tried again waits its time. Those
 * that begin before their file is whole get what is left.
 */

#include "clientprivate.h"
#include "identifier.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long before an upload its connection is made, if it can be known. */
#define CONNECT_AHEAD (3 * G_TIME_SPAN_SECOND)

/* An upload isn't held at its end for longer than a front may wait for it. */
#define MAX_HOLD (5 * G_TIME_SPAN_SECOND)

/* Waits that are longer are told. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

#define NAME(job) (job)->client->settings.name

/* What becomes of the job. */

/* The service's are alike: one that isn't may be somebody else's word. */
static void
compare_identifier (IdentifaiJob * job, const gchar * identifier)
{
  IdentifaiAccount *account = job->queue->account;
  gsize length = strlen (identifier);

  if (account->identifier_bytes > 0 && length != account->identifier_bytes)
    GST_DEBUG_ID (NAME (job),
        "segment %u: the identifier %s is of another form, " "%" G_GSIZE_FORMAT
        " characters long: the one before had %" G_GSIZE_FORMAT, job->segment,
        identifier, length, account->identifier_bytes);
  account->identifier_bytes = length;
}

/* Takes over identifier. */
static void
accept_job (IdentifaiJob * job, gchar * identifier, GstClockTime upload_time)
{
  IdentifaiRequest *request = NULL;

  compare_identifier (job, identifier);
  job->identifier = identifier;
  job->tries.failures = 0;
  identifai_wire_succeeded (&job->wire);
  identifai_pollers_reached (job->queue->account);

  g_mutex_lock (&job->client->lock);
  request = g_steal_pointer (&job->held.request);
  if (request)
    job->client->stats.bytes_uploaded +=
        identifai_memory_file_get_size (request->file);
  g_mutex_unlock (&job->client->lock);
  g_clear_pointer (&request, identifai_request_unref);

  identifai_job_wait (job);
  identifai_job_tell_submitted (job, upload_time);
}

static void
retry_job (IdentifaiJob * job, gint64 at)
{
  job->reposts++;
  g_mutex_lock (&job->client->lock);
  job->sent = FALSE;
  job->whole_at = 0;
  g_mutex_unlock (&job->client->lock);
  identifai_job_queue (job, at);
}

static void
refuse_job (IdentifaiJob * job, const IdentifaiAttempt * attempt)
{
  gint64 at;

  if (!identifai_queue_rekey (job->queue, &job->tries, &at)) {
    identifai_job_fail (job, attempt);
    return;
  }

  GST_DEBUG_ID (NAME (job), "segment %u %s", job->segment, at > 0 ?
      "waits for the key file" : "is posted again, with the other key");
  retry_job (job, at);
  identifai_job_move (job);
}

static void
plan_retry (IdentifaiJob * job, IdentifaiAttempt * attempt)
{
  const IdentifaiTries *tries = &job->tries;
  gint64 refused = tries->refused_since;

  identifai_tries_plan (&job->tries, attempt, &job->client->settings,
      IDENTIFAI_CALL_POST);
  GST_DEBUG_ID (NAME (job),
      "segment %u: failed %u times in a row, of %d retries "
      "(-1: endless) allowed; the fault is %s%s", job->segment, tries->failures,
      job->client->settings.retries,
      attempt->temporary ? "temporary" : "for good",
      attempt->lasting ? ", but lasts" : "");
  if (refused > 0)
    GST_DEBUG_ID (NAME (job), "segment %u has been refused for %d s: others "
        "use the key", job->segment, (gint) ((identifai_clock_now () - refused)
            / G_TIME_SPAN_SECOND));
}

static void
reject_job (IdentifaiJob * job, const IdentifaiAttempt * attempt)
{
  gint64 at = identifai_clock_now () + attempt->pause;

  if (identifai_attempt_is_throttled (attempt)) {
    identifai_wire_throttled (&job->wire, at);
    identifai_client_count (job->client, throttled, 1);
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

  if (!answer->sent_whole
      || !(answer->error || SOUP_STATUS_IS_SUCCESSFUL (answer->http_status)))
    return;

  g_mutex_lock (&job->client->lock);
  job->maybe_taken = TRUE;
  g_mutex_unlock (&job->client->lock);
  GST_DEBUG_ID (NAME (job),
      "segment %u may have been taken: all of it was sent", job->segment);
  if (!job->no_cache)
    return;

  message = g_strdup_printf ("%s. The file had been sent whole: with no-cache "
      "another attempt may be charged a second time", attempt->message);
  g_free (attempt->message);
  attempt->message = message;
}

/* In one line what went out, what came back, and what happens next. */
static void
log_answer (IdentifaiJob * job, const IdentifaiResponse * answer,
    const IdentifaiAttempt * attempt, const gchar * identifier)
{
  gchar *next;

  if (identifier)
    next = g_strdup_printf ("it is %s", identifier);
  else if (identifai_attempt_is_unauthorized (attempt))
    next = g_strdup_printf ("again with another key only, if there is one: %s",
        attempt->message);
  else if (attempt->retry_in >= 0)
    next = g_strdup_printf ("again in %.2f s: %s",
        attempt->retry_in / (gdouble) G_TIME_SPAN_SECOND, attempt->message);
  else
    next = g_strdup_printf ("not again: %s", attempt->message);
  GST_INFO_ID (NAME (job), "POST of segment %u: %s%.0u in %.2f s, %.2f MB sent "
      "in %.2f s%s, attempt %u; %s", job->segment,
      answer->http_status > 0 ? "" : "no answer", answer->http_status,
      answer->duration / (gdouble) GST_SECOND, answer->bytes_sent / 1e6,
      answer->sending / (gdouble) GST_SECOND, answer->sent_whole ? "" :
      ", which isn't all", job->reposts + 1, next);
  g_free (next);
}

/* What went wrong is our way to send, or a connection that nobody used: the whole file is
 * sent at once, and nobody is told. */
static void
fall_back (IdentifaiJob * job, const IdentifaiResponse * answer,
    IdentifaiAttempt * attempt)
{
  attempt->retry_in = 0;
  tell_ambiguous (job, answer, attempt);
  log_answer (job, answer, attempt, NULL);
  retry_job (job, 0);
}

/* What was closed while nobody used it says nothing of the service: no attempt that
 * counts. The same file isn't charged for twice, unless it is judged anew each time. */
static gboolean
starts_over (IdentifaiJob * job, const IdentifaiResponse * answer)
{
  job->stale = answer->stale && !(job->no_cache && answer->sent_whole);

  return job->stale;
}

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  IdentifaiJob *job = user_data;
  IdentifaiEarlyUpload *early = g_steal_pointer (&job->early);
  g_auto (IdentifaiAttempt) attempt = { 0, };
  gchar *identifier = NULL;
  GError *error = NULL;
  const gchar *data;
  gsize size;

  identifai_client_count (job->client, in_flight, -1);
  identifai_attempt_init (&attempt, NAME (job), answer,
      job->queue->account->host);
  if (attempt.reason == IDENTIFAI_REASON_NONE) {
    data = g_bytes_get_data (answer->body, &size);
    identifier = identifai_identifier_parse (NAME (job), data, size, &error);
    if (!identifier)
      identifai_attempt_set_bad_response (&attempt, NAME (job), "upload",
          error->message, answer->body);
    g_clear_error (&error);
  }
  if (early != NULL ? identifai_early_upload_falls_back (job->queue->account,
          NAME (job), answer, &attempt) : starts_over (job, answer)) {
    fall_back (job, answer, &attempt);
    g_clear_pointer (&early, identifai_early_upload_unref);
    return;
  }
  g_clear_pointer (&early, identifai_early_upload_unref);
  if (!identifier) {
    tell_ambiguous (job, answer, &attempt);
    plan_retry (job, &attempt);
  }

  log_answer (job, answer, &attempt, identifier);
  identifai_job_tell_attempt (job, IDENTIFAI_CALL_POST, &attempt);
  if (identifier)
    accept_job (job, identifier, answer->duration);
  else
    reject_job (job, &attempt);
}

/* Sending. */

static gint64
find_hold (IdentifaiJob * job, gint64 now)
{
  if (job->held_since == 0)
    job->held_since = now;
  if (now - job->held_since >= MAX_HOLD) {
    GST_DEBUG_ID (NAME (job), "POST of segment %u: its end was held for long "
        "enough", job->segment);
    return 0;
  }

  return identifai_key_limits_arrive (job->queue->account->limits, now);
}

static gint64
hold_end (IdentifaiJob * job)
{
  gint64 now = identifai_clock_now (), wait = find_hold (job, now);

  if (wait == 0) {
    g_mutex_lock (&job->client->lock);
    job->whole_at = now;
    g_mutex_unlock (&job->client->lock);
  }

  return wait;
}

static gint64
on_hold (gpointer wire)
{
  return hold_end (((IdentifaiWire *) wire)->data);
}

/* From now on it can't be withdrawn. NULL: it was, a moment ago. */
static IdentifaiRequest *
commit_job (IdentifaiJob * job)
{
  IdentifaiClient *client = job->client;
  IdentifaiRequest *request = NULL;

  g_mutex_lock (&client->lock);
  if (job->open) {
    job->sent = TRUE;
    request = identifai_request_ref (job->held.request);
    client->stats.post_requests++;
    client->stats.in_flight++;
    if (job->reposts > 0)
      client->stats.retries++;
  }
  g_mutex_unlock (&client->lock);

  return request;
}

static gchar *
make_url (IdentifaiAccount * account, IdentifaiKind kind)
{
  return g_strconcat (account->endpoint,
      identifai_kind_get_info (kind)->submit_path, NULL);
}

/* So that the headers of the next upload go out at its time. */
static void
connect_ahead (IdentifaiAccount * account, IdentifaiJob * job, gint64 now)
{
  IdentifaiCallSpec spec = {.name = NAME (job),.what =
        "connection for an upload"
  };
  gchar *url;

  if (account->connected_at > now - CONNECT_AHEAD)
    return;
  url = make_url (account, job->kind);
  spec.url = url;
  account->connected_at = now;
  GST_DEBUG_ID (NAME (job), "makes a connection for segment %u", job->segment);
  account->network->transport->connect (identifai_account_get_transport
      (account, job->client), &spec);
  g_free (url);
}

/* Of which part was its own, to try again, or for the key file. The limits tell of
 * theirs. */
static void
log_wait (IdentifaiJob * job, gint64 now)
{
  gint64 own = MAX (job->not_before - job->queued_at, 0);

  if (now - job->queued_at >= LONG_WAIT)
    GST_DEBUG_ID (NAME (job),
        "segment %u waited %.2f s to be sent: %.2f s to try "
        "again, then for its turn, the limits and the %u uploads under way",
        job->segment, (now - job->queued_at) / (gdouble) G_TIME_SPAN_SECOND,
        own / (gdouble) G_TIME_SPAN_SECOND, job->queue->account->n_uploads);
}

static void
start_job (IdentifaiAccount * account, IdentifaiJob * job, gint64 now)
{
  IdentifaiCallSpec spec = {.name = NAME (job),.hold = on_hold };
  gchar *url = make_url (account, job->kind);
  gchar *what = g_strdup_printf ("POST of segment %u", job->segment);

  log_wait (job, now);
  identifai_job_unqueue (job);
  job->state = IDENTIFAI_JOB_UPLOADING;
  identifai_queue_turn (job->queue);
  spec.url = url;
  spec.what = what;
  spec.upload = commit_job (job);
  spec.new_connection = job->stale;
  /* Else the command to remove it is on its way. */
  GST_DEBUG_ID (NAME (job), "%s %s, attempt %u", what, spec.upload ? "starts" :
      "doesn't start: it was withdrawn", job->reposts + 1);
  if (spec.upload) {
    account->connected_at = 0;
    job->held_since = 0;
    job->wire = (IdentifaiWire) {
    IDENTIFAI_CALL_POST, &account->n_uploads, on_answer, job};
    identifai_account_send (account, &job->wire, job->client, &spec, now);
    identifai_request_unref (spec.upload);
  }
  g_free (what);
  g_free (url);
}

static void
log_full (IdentifaiAccount * account)
{
  GList *walk;

  for (walk = account->queues.head; walk; walk = walk->next) {
    IdentifaiQueue *queue = walk->data;

    if (queue->jobs.length > 0)
      GST_LOG_ID (queue->client->settings.name, "%u uploads to %s wait for the "
          "end of one of %u", queue->jobs.length, account->host,
          account->n_uploads);
  }
}

/* The first one that may go of the client whose turn it is. next: when there will
 * be one, at most. */
static IdentifaiJob *
next_job (IdentifaiAccount * account, gint64 now, gint64 * next)
{
  GList *queue, *walk;

  /* An upload that ends wakes the account. */
  if (account->n_uploads >= IDENTIFAI_MAX_UPLOADS) {
    log_full (account);
    return NULL;
  }

  for (queue = account->queues.head; queue; queue = queue->next) {
    walk = ((IdentifaiQueue *) queue->data)->jobs.head;
    for (; walk; walk = walk->next) {
      IdentifaiJob *job = walk->data;

      if (job->not_before <= now)
        return job;
      *next = MIN (*next, job->not_before);
    }
  }

  return NULL;
}

/* Another job of the key could start instead. */
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

gint64
identifai_uploader_run (IdentifaiAccount * account, gint64 now)
{
  gint64 next = G_MAXINT64, start;
  IdentifaiJob *job;

  while ((job = next_job (account, now, &next))) {
    start = identifai_account_next_call (account, IDENTIFAI_CALL_POST, now,
        NAME (job));
    if (start > now) {
      if (start - CONNECT_AHEAD <= now)
        connect_ahead (account, job, now);
      else
        start -= CONNECT_AHEAD;
      next = MIN (next, start);
      break;
    }
    if (identifai_job_ask (job, is_contended (job, now)))
      start_job (account, job, now);
    else
      identifai_job_remove (job);
  }

  return next;
}

/* Those whose files aren't whole yet. */

static void
on_early_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  IdentifaiEarlyUpload *self = user_data;
  IdentifaiJob *job = g_steal_pointer (&self->job);

  if (job == NULL) {
    identifai_early_upload_fail (self, answer);
    return;
  }
  job->wire = self->wire;
  on_answer (answer, job);
}

/* The end is there once it is a job's. */
static gint64
on_early_hold (gpointer wire)
{
  IdentifaiEarlyUpload *self = ((IdentifaiWire *) wire)->data;

  return self->job != NULL ? hold_end (self->job) : 0;
}

static void
start_early (IdentifaiEarlyUpload * self, gint64 now)
{
  IdentifaiAccount *account = self->queue->account;
  gchar *what = g_strdup_printf ("early POST of segment %u",
      self->request->segment);
  gchar *url = make_url (account, self->request->kind);
  IdentifaiCallSpec spec = {.name = NAME (self),.what = what,.url = url,
    .upload = self->request,.hold = on_early_hold
  };

  GST_DEBUG_ID (NAME (self), "%s starts", what);
  identifai_client_count (self->client, post_requests, 1);
  identifai_client_count (self->client, in_flight, 1);
  account->connected_at = 0;
  self->wire = (IdentifaiWire) {
  IDENTIFAI_CALL_POST, &account->n_early, on_early_answer, self};
  identifai_account_send (account, &self->wire, self->client, &spec, now);
  g_free (url);
  g_free (what);
}

/* A whole file waits for the call. */
static gboolean
is_wanted_else (IdentifaiAccount * account)
{
  GList *walk;

  for (walk = account->queues.head; walk != NULL; walk = walk->next) {
    if (!g_queue_is_empty (&((IdentifaiQueue *) walk->data)->jobs))
      return TRUE;
  }

  return FALSE;
}

/* When one that waits may start: now, or to be asked again, not later than it gives
 * up. */
static gint64
get_early_start (IdentifaiEarlyUpload * self, gint64 now)
{
  IdentifaiAccount *account = self->queue->account;
  gint64 start;

  if (is_wanted_else (account)
      || account->n_early >= IDENTIFAI_MAX_EARLY_UPLOADS)
    return self->give_up_at;
  start = identifai_account_next_call (account, IDENTIFAI_CALL_POST, now,
      NAME (self));

  return start <= now ? now : MIN (start, self->give_up_at);
}

gint64
identifai_early_uploads_run (IdentifaiAccount * account, gint64 now)
{
  gint64 next = G_MAXINT64, at;
  GList *walk, *after;

  for (walk = account->early.head; walk != NULL; walk = after) {
    IdentifaiEarlyUpload *upload = walk->data;

    after = walk->next;
    if (upload->wire.exchange != NULL)
      continue;
    at = get_early_start (upload, now);
    if (now < account->limits->no_early_until)
      identifai_early_upload_drop (upload, "none was taken a while ago");
    else if (now >= upload->give_up_at)
      identifai_early_upload_drop (upload, "no call is left for it");
    else if (at <= now)
      start_early (upload, now);
    else
      next = MIN (next, at);
  }

  return next;
}
