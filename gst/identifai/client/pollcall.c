/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Polls of results, each from its URL to what its answer means: a batch call for
 * many of them; the single call for a single one, or for a service that has no
 * batch call. When the next one is due: poller.c.
 */

#include "log.h"
#include "pollerprivate.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* Servers commonly take a request line of 8 KiB. */
#define MAX_URL_BYTES 8000

/* A poll that had to wait for longer than that would have been of use then. */
#define LONG_WAIT (1 * G_TIME_SPAN_SECOND)

/* Where a batch names others, each of these batches a result that it doesn't name
 * is asked for alone. */
#define UNNAMED_PERIOD 20

/* How a job ends. Users hear first how the poll went, and then what came of it:
 * with the last outcome, they may be done. */
typedef struct
{
  IdentifaiJob *job;            /* pending until then */
  IdentifaiOutcome outcome;     /* owned */
} Ending;

static void
ending_clear (gpointer data)
{
  Ending *self = data;

  if (self->outcome.result)
    identifai_result_free (self->outcome.result);
  g_free (self->outcome.message);
}

/* What it asks for. */

static void
take_pending (IdentifaiPoll * poll, IdentifaiPending * pending, gint64 now)
{
  IdentifaiJob *job = identifai_pending_get_job (pending);

  GST_LOG_ID (job->client->settings.name, "segment %u (%s) is asked for, %s",
      job->segment, pending->identifier, poll->batch ? "with others" : "alone");
  identifai_pending_unschedule (pending);
  pending->poll = poll;
  pending->wanted = FALSE;
  pending->asked_at = now;
  pending->n_polls++;
  g_queue_push_tail_link (&poll->pending, &pending->poll_link);
  poll->size++;
}

/* FALSE: url is long enough. The service's own spelling, brackets unescaped,
 * keeps 100 identifiers of 64 characters below MAX_URL_BYTES. */
static gboolean
batch_url_add (GString * url, const gchar * identifier, gboolean first)
{
  gchar *escaped = g_uri_escape_string (identifier, NULL, FALSE);
  gboolean fits = first || url->len + strlen (escaped) < MAX_URL_BYTES;

  if (fits)
    g_string_append_printf (url, "%cidentifiers[]=%s", first ? '?' : '&',
        escaped);
  g_free (escaped);

  return fits;
}

/* Whether one call may ask for both clients' results. */
static gboolean
shares_polls (IdentifaiClient * self, IdentifaiClient * other)
{
  return g_str_equal (self->transport_key, other->transport_key)
      && identifai_extra_headers_equal (self->settings.extra_headers,
      other->settings.extra_headers);
}

/* Fills poll with first and what may come along. Returns the URL. */
static gchar *
gather_batch (IdentifaiPoller * self, IdentifaiPoll * poll,
    IdentifaiPending * first, gint64 now)
{
  GString *url = g_string_new (self->account->endpoint);
  IdentifaiClient *client = identifai_pending_get_job (first)->client;
  IdentifaiPending *pending, *next;

  g_string_append (url, self->kind->batch_path);
  for (pending = first; pending; pending = next) {
    next = identifai_pending_next (pending);
    if (pending->poller != self
        || !shares_polls (identifai_pending_get_job
            (pending)->client, client) || pending->alone || (pending != first
            && !identifai_poller_may_join (pending, now)))
      continue;

    if (!batch_url_add (url, pending->identifier, pending == first))
      break;
    take_pending (poll, pending, now);
    if (poll->size >= identifai_poller_get_max_batch (self))
      break;
  }

  return g_string_free (url, FALSE);
}

static gchar *
gather_single (IdentifaiPoller * self, IdentifaiPoll * poll,
    IdentifaiPending * pending, gint64 now)
{
  gchar *escaped = g_uri_escape_string (pending->identifier, NULL, FALSE);
  gchar *url = g_strconcat (self->account->endpoint,
      self->kind->single_paths[poll->path], escaped, NULL);

  take_pending (poll, pending, now);
  g_free (escaped);

  return url;
}

/* A GFunc. */
static void
choose_job (gpointer data, gpointer user_data)
{
  IdentifaiJob *job = data;
  GPtrArray *chosen = user_data;
  guint i;

  if (!identifai_job_is_open (job))
    return;

  for (i = 0; i < chosen->len; i++) {
    IdentifaiJob *other = g_ptr_array_index (chosen, i);

    if (other->client != job->client)
      continue;
    if (other->pending->failures < job->pending->failures)
      chosen->pdata[i] = job;
    return;
  }
  g_ptr_array_add (chosen, job);
}

/* One job a client, of those that poll asks for and that aren't gone: the one that
 * failed most. */
static GPtrArray *
choose_jobs (IdentifaiPoll * poll)
{
  GPtrArray *chosen = g_ptr_array_new ();
  GList *walk;

  for (walk = poll->pending.head; walk; walk = walk->next)
    g_queue_foreach (&((IdentifaiPending *) walk->data)->jobs,
        choose_job, chosen);

  return chosen;
}

/* Counts the poll for each client whose results are asked for, and names them. */
static gchar *
count_poll (IdentifaiPoll * poll)
{
  GPtrArray *chosen = choose_jobs (poll);
  GString *names = g_string_new (NULL);
  guint i;

  for (i = 0; i < chosen->len; i++) {
    IdentifaiJob *job = g_ptr_array_index (chosen, i);

    identifai_client_count (job->client, get_requests, 1);
    identifai_client_count (job->client, retries, job->pending->failures > 0);
    g_string_append_printf (names, "%s%s", i > 0 ? "," : "",
        job->client->settings.name);
  }
  g_ptr_array_unref (chosen);

  return g_string_free (names, FALSE);
}

/* To each client once. */
static void
tell_clients (IdentifaiPoll * poll, const IdentifaiAttempt * attempt)
{
  GPtrArray *chosen = choose_jobs (poll);
  guint i;

  for (i = 0; i < chosen->len; i++) {
    IdentifaiJob *job = g_ptr_array_index (chosen, i);

    if (identifai_attempt_is_throttled (attempt))
      identifai_client_count (job->client, throttled, 1);
    identifai_job_tell_attempt (job, IDENTIFAI_CALL_GET, attempt);
  }
  g_ptr_array_unref (chosen);
}

static void on_answer (const IdentifaiResponse * answer, gpointer user_data);

static IdentifaiPoll *
poll_new (IdentifaiPoller * self)
{
  IdentifaiPoll *poll = g_new0 (IdentifaiPoll, 1);

  poll->poller = self;
  poll->endings = g_array_new (FALSE, FALSE, sizeof (Ending));
  g_array_set_clear_func (poll->endings, ending_clear);
  poll->path = self->path;
  poll->wire = (IdentifaiWire) {
  IDENTIFAI_CALL_GET, &self->account->n_polls, on_answer, poll};

  return poll;
}

static void
poll_start (IdentifaiPending * first, gint64 now)
{
  IdentifaiPoller *self = first->poller;
  IdentifaiAccount *account = self->account;
  IdentifaiClient *client = identifai_pending_get_job (first)->client;
  IdentifaiPoll *poll = poll_new (self);
  IdentifaiCallSpec spec = { NULL, };
  gchar *url, *what;

  poll->waited = now - first->due > LONG_WAIT;
  poll->batch = !first->alone && identifai_poller_uses_batch (self, now);
  if (poll->batch)
    url = gather_batch (self, poll, first, now);
  else
    url = gather_single (self, poll, first, now);
  poll->names = count_poll (poll);
  what = g_strdup_printf ("poll of %u results of %s", poll->size,
      self->kind->name);

  GST_DEBUG_ID (poll->names, "%s of %s starts, %s", what, account->host,
      poll->batch ? "as a batch" : "alone");
  account->latest_poll = now;
  spec.name = poll->names;
  spec.what = what;
  spec.url = url;
  identifai_account_send (account, &poll->wire, client, &spec, now);
  g_free (what);
  g_free (url);
}

/* Answers. */

static void
finish_jobs (IdentifaiPoll * poll)
{
  guint i;

  for (i = 0; i < poll->endings->len; i++) {
    Ending *ending = &g_array_index (poll->endings, Ending, i);

    identifai_job_finish (ending->job, &ending->outcome);
  }
}

/* Takes over result. */
static void
end_job (IdentifaiPoll * poll, IdentifaiJob * job, IdentifaiResult * result,
    guint status)
{
  Ending ending = { job, {.http_status = status,.result = result}
  };
  IdentifaiOutcome *outcome = &ending.outcome;

  if (result->state == IDENTIFAI_RESULT_ERRORED) {
    outcome->reason = IDENTIFAI_REASON_SERVICE_ERROR;
    outcome->message = g_strdup (result->error_text ? result->error_text :
        "The service could not judge the file and gave no reason");
  } else if (result->state == IDENTIFAI_RESULT_UNCHOSEN) {
    outcome->reason = IDENTIFAI_REASON_BAD_RESPONSE;
    outcome->message =
        g_strdup_printf ("The result is of no use: %s", result->error_text);
  }
  GST_DEBUG_ID (job->client->settings.name,
      "segment %u: result after %.2f s and " "%u polls, %s", job->segment,
      (identifai_clock_now ()
          - job->submitted_at) / (gdouble) G_TIME_SPAN_SECOND,
      job->pending->n_polls,
      outcome->message ? outcome->message : result->classification);
  g_array_append_val (poll->endings, ending);
}

/* What one job makes of its result: whether it is over. FALSE with error: there is
 * no result to go by. */
static gboolean
settle_job (IdentifaiPoll * poll, IdentifaiJob * job, GBytes * answer,
    guint status, GError ** error)
{
  gsize size;
  const gchar *data = g_bytes_get_data (answer, &size);
  IdentifaiResult *result =
      identifai_result_parse (job->client->settings.name, data, size,
      job->heuristic, error);

  if (!result)
    return FALSE;

  if (!identifai_result_is_of (result, job->identifier)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "It is the result of another classification");
  } else if (result->state == IDENTIFAI_RESULT_UNCHOSEN && poll->batch) {
    /* A list may be shorter than the result itself. */
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        result->error_text);
  } else if (result->state != IDENTIFAI_RESULT_PENDING) {
    end_job (poll, job, result, status);
    return TRUE;
  }
  identifai_result_free (result);

  return FALSE;
}

/* Gives an answer to all that wait for it; what isn't final is waited for on. FALSE
 * with error: not all understood it, and those wait, and are in no schedule. */
static gboolean
settle_jobs (IdentifaiPoll * poll, IdentifaiPending * pending, GBytes * answer,
    guint status, GError ** error)
{
  guint n_final = 0;
  GList *walk;

  for (walk = pending->jobs.head; walk; walk = walk->next)
    n_final += settle_job (poll, walk->data, answer, status,
        *error ? NULL : error);
  if (n_final > 0)
    identifai_poller_learn (pending);
  if (n_final < pending->jobs.length && *error == NULL)
    identifai_poller_keep_waiting (pending);

  return *error == NULL;
}

/* At once, in another way. */
static void
reschedule (IdentifaiPoll * poll)
{
  gint64 now = identifai_clock_now ();
  GList *walk;

  for (walk = poll->pending.head; walk; walk = walk->next)
    identifai_pending_schedule (walk->data, now);
}

static void
poll_succeeded (IdentifaiPoll * poll, const IdentifaiAttempt * attempt)
{
  IdentifaiPoller *self = poll->poller;

  if (self->failures > 0)
    GST_INFO_ID (poll->names, "polls of %s work again, after %u that failed",
        self->account->host, self->failures);
  self->failures = 0;
  /* The next one hasn't asked yet, and would wait as long: more is wanted of what is
   * shared. */
  if (poll->waited)
    identifai_account_next_call (self->account, IDENTIFAI_CALL_GET,
        identifai_clock_now (), poll->names);
  identifai_wire_succeeded (&poll->wire);
  tell_clients (poll, attempt);
  finish_jobs (poll);
}

/* Failures. A poll is free, and its file is paid for: so it is made again, however
 * often it failed, until the job's deadline. */

static void
renew_key (IdentifaiJob * job, GHashTable * stuck)
{
  if (g_hash_table_contains (stuck, job->client))
    return;
  if (job->client->renew_key (job->queue)) {
    GST_DEBUG_ID (job->client->settings.name, "segment %u: polls go on with "
        "the other key", job->segment);
    identifai_pending_remove (job);
    identifai_job_move (job);
  } else {
    g_hash_table_add (stuck, job->client);
  }
}

/* The key was refused: those whose client has another one try that. A result goes
 * from the poll with its last job. */
static void
renew_keys (IdentifaiPoll * poll)
{
  GHashTable *stuck = g_hash_table_new (NULL, NULL);
  GList *walk, *next, *job, *next_job;

  for (walk = poll->pending.head; walk; walk = next) {
    next = walk->next;
    for (job = ((IdentifaiPending *) walk->data)->jobs.head; job;
        job = next_job) {
      next_job = job->next;
      renew_key (job->data, stuck);
    }
  }
  g_hash_table_unref (stuck);
}

static void
postpone (IdentifaiPoll * poll, IdentifaiAttempt * attempt)
{
  gint64 now = identifai_clock_now (), delay = 0;
  guint failures = 0;
  GList *walk;

  for (walk = poll->pending.head; walk; walk = walk->next) {
    IdentifaiPending *pending = walk->data;

    identifai_pending_note (pending, attempt->message, attempt->http_status);
    failures = MAX (failures, pending->failures);
    delay =
        identifai_backoff_delay_asked (pending->failures, attempt->retry_after);
    GST_DEBUG_ID (identifai_pending_get_job (pending)->client->settings.name,
        "segment %u (%s): its poll failed, the %u. in a row: %s",
        identifai_pending_get_job (pending)->segment, pending->identifier,
        pending->failures, attempt->message);
    identifai_pending_schedule (pending, now + delay);
  }
  GST_DEBUG_ID (poll->names,
      "%u polls in a row failed, the next one may be %.1f s from now",
      poll->poller->failures, MAX (poll->poller->account->no_poll_before - now,
          0)
      / (gdouble) G_TIME_SPAN_SECOND);
  attempt->retry_in = delay;
  GST_INFO_ID (poll->names, "poll of %u results of %s failed, %u in a row: %s; "
      "trying again in %.1f s", poll->pending.length,
      poll->poller->account->host, failures, attempt->message,
      delay / (gdouble) G_TIME_SPAN_SECOND);
}

static void
poll_failed (IdentifaiPoll * poll, IdentifaiAttempt * attempt)
{
  IdentifaiPoller *self = poll->poller;
  gint64 now = identifai_clock_now ();
  gint64 at = now + identifai_backoff_delay_asked (++self->failures,
      attempt->retry_after);

  if (identifai_attempt_is_throttled (attempt))
    identifai_wire_throttled (&poll->wire, at);
  /* What ails the service ails every poll. */
  if (attempt->reason == IDENTIFAI_REASON_NETWORK
      || attempt->http_status == SOUP_STATUS_SERVICE_UNAVAILABLE
      || self->doubt != IDENTIFAI_DOUBT_NONE)
    self->account->no_poll_before = MAX (self->account->no_poll_before, at);
  self->account->unreachable = attempt->reason == IDENTIFAI_REASON_NETWORK;
  if (!poll->batch)
    identifai_poller_end_doubt (self, poll->names, FALSE);

  postpone (poll, attempt);
  tell_clients (poll, attempt);
  if (identifai_attempt_is_unauthorized (attempt))
    renew_keys (poll);
  finish_jobs (poll);
}

/* Answers of the single call. */

static void
single_not_found (IdentifaiPoll * poll, IdentifaiPending * pending)
{
  IdentifaiPoller *self = poll->poller;

  if (!self->path_known)
    self->path = poll->path == 0 ? 1 : 0;

  GST_DEBUG_ID (poll->names, "segment %u (%s) isn't found at %s",
      identifai_pending_get_job (pending)->segment, pending->identifier,
      self->kind->single_paths[poll->path]);
  pending->n_unknown++;
  if (!self->path_known && poll->path == 0) {
    reschedule (poll);
  } else {
    identifai_poller_single_found_nothing (self, poll->names);
    identifai_poller_keep_waiting (pending);
    /* what a time-out tells */
    pending->failure_status = SOUP_STATUS_NOT_FOUND;
  }
}

/* FALSE: the poll failed, as the attempt says. */
static gboolean
single_settle (IdentifaiPoll * poll, IdentifaiPending * pending, GBytes * body,
    IdentifaiAttempt * attempt)
{
  IdentifaiPoller *self = poll->poller;
  GError *error = NULL;

  if (!settle_jobs (poll, pending, body, attempt->http_status, &error)) {
    identifai_attempt_set_bad_response (attempt, poll->names,
        "look at a result", error->message, body);
    g_error_free (error);
    return FALSE;
  }

  self->path = poll->path;
  self->path_known = TRUE;
  identifai_poller_end_doubt (self, poll->names, TRUE);

  return TRUE;
}

static void
single_answered (IdentifaiPoll * poll, const IdentifaiResponse * answer,
    IdentifaiAttempt * attempt)
{
  IdentifaiPending *pending = poll->pending.head->data;
  gboolean good = TRUE;

  switch (answer->http_status) {
    case SOUP_STATUS_NOT_FOUND:
      identifai_attempt_clear (attempt);
      attempt->reason = IDENTIFAI_REASON_NONE;
      single_not_found (poll, pending);
      break;
    case SOUP_STATUS_ACCEPTED:
    case SOUP_STATUS_NO_CONTENT:
      identifai_poller_single_found_nothing (poll->poller, poll->names);
      identifai_poller_keep_waiting (pending);
      break;
    default:
      good = attempt->reason == IDENTIFAI_REASON_NONE
          && single_settle (poll, pending, answer->body, attempt);
  }
  if (good)
    poll_succeeded (poll, attempt);
  else
    poll_failed (poll, attempt);
}

/* Answers of the batch call. */

/* Not in the list: the service doesn't say anything of it yet, or keeps to
 * others. */
static void
batch_unnamed (IdentifaiPoll * poll, IdentifaiPending * pending,
    gboolean others)
{
  GST_DEBUG_ID (poll->names, "segment %u (%s) isn't in the answer%s",
      identifai_pending_get_job (pending)->segment, pending->identifier,
      others ? ", others are" : ", nor is another that was asked for");
  pending->n_unknown++;
  if (others)
    pending->n_unnamed++;
  identifai_poller_keep_waiting (pending);
  pending->alone = pending->n_unnamed >= UNNAMED_PERIOD;
  if (!pending->alone)
    return;
  GST_DEBUG_ID (poll->names,
      "%u batches in a row named others than %s, which is asked for alone",
      pending->n_unnamed, pending->identifier);
  pending->n_unnamed = 0;
}

/* What isn't understood is asked for alone: that tells. */
static void
batch_settle_one (IdentifaiPoll * poll, IdentifaiPending * pending,
    GBytes * body, guint status)
{
  GError *error = NULL;

  pending->n_unnamed = 0;
  if (settle_jobs (poll, pending, body, status, &error))
    return;

  GST_INFO_ID (poll->names, "asking for %s of %s alone: %s",
      pending->identifier, poll->poller->account->host, error->message);
  g_error_free (error);
  pending->alone = TRUE;
  identifai_pending_schedule (pending, identifai_clock_now ());
}

static gboolean
batch_names_any (IdentifaiPoll * poll, GHashTable * results)
{
  GList *walk;

  for (walk = poll->pending.head; walk; walk = walk->next)
    if (g_hash_table_contains (results,
            ((IdentifaiPending *) walk->data)->identifier))
      return TRUE;

  return FALSE;
}

static void
batch_settle (IdentifaiPoll * poll, GHashTable * results,
    const IdentifaiAttempt * attempt)
{
  gboolean named = batch_names_any (poll, results);
  GList *walk;

  for (walk = poll->pending.head; walk; walk = walk->next) {
    IdentifaiPending *pending = walk->data;
    GBytes *result = g_hash_table_lookup (results, pending->identifier);

    if (result)
      batch_settle_one (poll, pending, result, attempt->http_status);
    else
      batch_unnamed (poll, pending, named);
  }
  identifai_poller_batch_worked (poll->poller, poll->names, named);
  poll_succeeded (poll, attempt);
}

typedef enum
{
  BATCH_WORKS,
  BATCH_TOO_LONG,               /* perhaps: try it with fewer */
  BATCH_UNKNOWN,                /* the service has no such call */
  BATCH_FAILED                  /* as any call may */
} BatchState;

static const gchar *const batch_states[] = {
  "it works", "perhaps too long", "not there", "failed, as any call may"
};

static BatchState
classify_batch (const IdentifaiAttempt * attempt)
{
  if (attempt->reason == IDENTIFAI_REASON_NONE)
    return BATCH_WORKS;
  if (attempt->reason == IDENTIFAI_REASON_NETWORK)
    return BATCH_FAILED;

  switch (attempt->http_status) {
    case SOUP_STATUS_BAD_REQUEST:
    case SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE:
    case SOUP_STATUS_REQUEST_URI_TOO_LONG:
    case SOUP_STATUS_UNPROCESSABLE_ENTITY:
    case 431:                  /* header fields too large */
      return attempt->reason == IDENTIFAI_REASON_NO_CREDITS ?
          BATCH_FAILED : BATCH_TOO_LONG;
    case SOUP_STATUS_UNAUTHORIZED:
    case SOUP_STATUS_PAYMENT_REQUIRED:
    case SOUP_STATUS_FORBIDDEN:
      return BATCH_FAILED;
    case SOUP_STATUS_NOT_IMPLEMENTED:
      return BATCH_UNKNOWN;
    default:
      return attempt->temporary ? BATCH_FAILED : BATCH_UNKNOWN;
  }
}

static void
batch_broken (IdentifaiPoll * poll)
{
  identifai_poller_doubt_batch (poll->poller, poll->names,
      IDENTIFAI_DOUBT_BROKEN);
  reschedule (poll);
}

static void
batch_too_long (IdentifaiPoll * poll)
{
  IdentifaiPoller *self = poll->poller;

  self->max_batch = poll->size / 2;
  GST_DEBUG_ID (poll->names, "%u results may be too many for one poll",
      poll->size);
  if (self->max_batch < 2)
    batch_broken (poll);
  else
    reschedule (poll);
}

/* A connection broke, which says more of the connection than of the call. */
static gboolean
has_broken_off (const IdentifaiResponse * answer)
{
  const GError *error = answer->error;

  return !answer->from_proxy
      && (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT)
      || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_EOF)
      || g_error_matches (error, SOUP_SESSION_ERROR,
          SOUP_SESSION_ERROR_PARSING));
}

static void
batch_failed (IdentifaiPoll * poll, const IdentifaiResponse * answer,
    IdentifaiAttempt * attempt)
{
  gboolean again = poll->poller->failures > 0;
  gboolean fewer = has_broken_off (answer)
      && identifai_poller_batch_broke (poll->poller, poll->names, poll->size);

  poll_failed (poll, attempt);
  /* Perhaps only this call is broken. */
  if (again && !fewer && !identifai_attempt_is_throttled (attempt))
    identifai_poller_doubt_batch (poll->poller, poll->names,
        IDENTIFAI_DOUBT_BROKEN);
}

static void
batch_answered (IdentifaiPoll * poll, const IdentifaiResponse * answer,
    IdentifaiAttempt * attempt)
{
  GHashTable *results = NULL;
  BatchState state = classify_batch (attempt);
  gboolean empty = answer->http_status == SOUP_STATUS_ACCEPTED
      || answer->http_status == SOUP_STATUS_NO_CONTENT;

  if (state == BATCH_WORKS && empty) {
    results = g_hash_table_new (g_str_hash, g_str_equal);
  } else if (state == BATCH_WORKS) {
    results = identifai_result_split_batch (poll->names, answer->body, NULL);
    if (!results)
      state = BATCH_UNKNOWN;
  }

  GST_DEBUG_ID (poll->names, "batch call: %s", batch_states[state]);
  switch (state) {
    case BATCH_WORKS:
      batch_settle (poll, results, attempt);
      break;
    case BATCH_TOO_LONG:
      batch_too_long (poll);
      break;
    case BATCH_UNKNOWN:
      batch_broken (poll);
      break;
    case BATCH_FAILED:
      batch_failed (poll, answer, attempt);
      break;
  }
  g_clear_pointer (&results, g_hash_table_unref);
}

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  IdentifaiPoll *poll = user_data;
  IdentifaiAccount *account = poll->poller->account;
  g_auto (IdentifaiAttempt) attempt = { 0, };

  identifai_attempt_init (&attempt, poll->names, answer, account->host);
  if (poll->batch)
    batch_answered (poll, answer, &attempt);
  else
    single_answered (poll, answer, &attempt);

  GST_DEBUG_ID (poll->names, "poll of %u results: %u in %.2f s, %u are final",
      poll->size, answer->http_status,
      answer->duration / (gdouble) GST_SECOND, poll->endings->len);
  identifai_poll_free (poll);
  identifai_account_wake (account);
}

/* Which of them start, and who has waited for too long. */

/* The latest poll may tell why. */
static void
expire (IdentifaiJob * job)
{
  GstClockTime timeout = job->client->settings.verdict_timeout;
  gboolean whole = timeout % GST_SECOND == 0;
  const gchar *failure = job->pending->failure;
  IdentifaiOutcome outcome = {.reason = IDENTIFAI_REASON_TIMEOUT,
    .http_status = job->pending->failure_status
  };

  outcome.message = g_strdup_printf ("No final result within %.15g %s of the "
      "upload (verdict-timeout), for which it was asked %u times; %u answers had "
      "no word of it (404, or a list without it)%s%s",
      timeout / (gdouble) (whole ? GST_SECOND : GST_MSECOND),
      whole ? "s" : "ms", job->pending->n_polls, job->pending->n_unknown,
      failure ? ". The latest look at it: " : "", failure ? failure : "");
  GST_INFO_ID (job->client->settings.name, "segment %u (%s): %s", job->segment,
      job->identifier, outcome.message);
  identifai_job_finish (job, &outcome);
  g_free (outcome.message);
}

gint64
identifai_pollers_run (IdentifaiAccount * account, gint64 now)
{
  IdentifaiJob *job;
  gint64 next;

  while ((job = identifai_pending_first_deadline (account))
      && job->deadline <= now)
    expire (job);

  /* Of all kinds, who has waited for longest goes first. */
  while ((next = identifai_pollers_next (account, now)) <= now)
    poll_start (identifai_pending_first (account), now);
  job = identifai_pending_first_deadline (account);

  return job ? MIN (next, job->deadline) : next;
}
