/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One look at results: a batch call for many of them; the single call for a
 * single one, or for a service that has no batch call.
 */

#include "log.h"
#include "pollerprivate.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* Servers commonly take a request line of 8 KiB. */
#define MAX_URL_BYTES 8000

/* Where a batch names others, each of these batches a result that it doesn't name
 * is asked for alone. */
#define UNNAMED_PERIOD 20

/* Where single results are: the service's documents disagree. */
static const gchar *const single_paths[] = {
  "/api/classification_video/", "/api/classification/"
};

/* How a job ends. Users hear first how the look went, and then what came of it:
 * with the last outcome, they may be done. */
typedef struct
{
  IdentifaiJob *job;            /* a reference */
  IdentifaiOutcome outcome;     /* owned */
} Ending;

static void
ending_clear (gpointer data)
{
  Ending *self = data;

  if (self->outcome.result)
    identifai_result_free (self->outcome.result);
  g_free (self->outcome.message);
  identifai_job_unref (self->job);
}

static void
look_free (IdentifaiPoll * look)
{
  look->poller->n_looks--;
  identifai_launch_end (look->poller->client, IDENTIFAI_CALL_GET, look,
      &look->ticket);
  g_ptr_array_unref (look->watches);
  g_array_unref (look->endings);
  g_free (look);
}

void
identifai_poll_lose (IdentifaiPending * watch, gpointer user_data)
{
  IdentifaiPoll *look = watch->look;
  guint index;

  if (!look || !g_ptr_array_find (look->watches, watch, &index))
    return;

  look->watches->pdata[index] = NULL;
  look->n_watches--;
  /* Nobody is interested in the answer any more. */
  if (look->n_watches == 0 && look->exchange) {
    identifai_exchange_cancel (look->exchange);
    look_free (look);
  }
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

static void
look_take (IdentifaiPoll * look, IdentifaiPending * watch, gint64 now)
{
  identifai_pending_set_hold (look->poller->watches, watch);
  watch->look = look;
  watch->looked_at = now;
  g_ptr_array_add (look->watches, watch);
  look->n_watches++;
}

/* Fills look with first and what may come along. Returns the URL. */
static gchar *
gather_batch (IdentifaiPoller * self, IdentifaiPoll * look,
    IdentifaiPending * first, gint64 now)
{
  GString *url = g_string_new (self->client->endpoint);
  IdentifaiPending *watch, *next;

  g_string_append (url, "/api/classifications_video");
  for (watch = first; watch; watch = next) {
    next = identifai_pending_set_after (self->watches, watch);
    if (!identifai_client_shares_polls (watch->lane, first->lane)
        || watch->alone
        || (watch != first && !identifai_poller_may_join (watch, now)))
      continue;

    if (!batch_url_add (url, watch->identifier, watch == first))
      break;
    look_take (look, watch, now);
    if (look->n_watches >= self->max_batch)
      break;
  }

  return g_string_free (url, FALSE);
}

static gchar *
gather_single (IdentifaiPoller * self, IdentifaiPoll * look,
    IdentifaiPending * watch, gint64 now)
{
  gchar *escaped = g_uri_escape_string (watch->identifier, NULL, FALSE);
  gchar *url = g_strconcat (self->client->endpoint, single_paths[look->path],
      escaped, NULL);

  look_take (look, watch, now);
  g_free (escaped);

  return url;
}

/* The jobs that look asks for, each with a reference. */
static GPtrArray *
look_list_jobs (IdentifaiPoll * look)
{
  GPtrArray *jobs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) identifai_job_unref);
  guint i;

  for (i = 0; i < look->watches->len; i++) {
    IdentifaiPending *watch = g_ptr_array_index (look->watches, i);
    GList *walk;

    for (walk = watch ? watch->jobs.head : NULL; walk; walk = walk->next)
      g_ptr_array_add (jobs, identifai_job_ref (walk->data));
  }

  return jobs;
}

/* Looks in a row that failed; a job whose result came waits for none. */
static guint
count_failures (const IdentifaiJob * job)
{
  return job->watch ? job->watch->failures : 0;
}

/* One job a lane, of those that aren't gone. */
static GHashTable *
choose_spokesmen (GPtrArray * jobs)
{
  GHashTable *chosen = g_hash_table_new (NULL, NULL);
  guint i;

  identifai_account_lock ();
  for (i = 0; i < jobs->len; i++) {
    IdentifaiJob *job = g_ptr_array_index (jobs, i);
    IdentifaiJob *other = g_hash_table_lookup (chosen, job->lane);

    if (job->state == IDENTIFAI_JOB_WAITING
        && (!other || count_failures (other) < count_failures (job)))
      g_hash_table_insert (chosen, job->lane, job);
  }
  identifai_account_unlock ();

  return chosen;
}

static void
count_look (GPtrArray * jobs)
{
  GHashTable *chosen = choose_spokesmen (jobs);
  GHashTableIter iter;
  gpointer lane, job;

  identifai_account_lock ();
  g_hash_table_iter_init (&iter, chosen);
  while (g_hash_table_iter_next (&iter, &lane, &job)) {
    ((IdentifaiClient *) lane)->stats.get_requests++;
    if (count_failures (job) > 0)
      ((IdentifaiClient *) lane)->stats.retries++;
  }
  identifai_account_unlock ();
  g_hash_table_unref (chosen);
}

/* To each lane once. jobs holds the lanes. */
static void
tell_lanes (GPtrArray * jobs, const IdentifaiAttempt * attempt)
{
  GHashTable *chosen = choose_spokesmen (jobs);
  GHashTableIter iter;
  gpointer lane, job;

  g_hash_table_iter_init (&iter, chosen);
  while (g_hash_table_iter_next (&iter, &lane, &job)) {
    if (identifai_attempt_is_throttled (attempt)) {
      identifai_account_lock ();
      ((IdentifaiClient *) lane)->stats.throttled++;
      identifai_account_unlock ();
    }
    identifai_client_tell_attempt (job, IDENTIFAI_CALL_GET, attempt);
  }
  g_hash_table_unref (chosen);
}

static void on_answer (const IdentifaiResponse * answer, gpointer user_data);

static void
on_sent (gboolean fresh, gpointer user_data)
{
  IdentifaiPoll *look = user_data;

  identifai_launch_sent (look->poller->client, IDENTIFAI_CALL_GET, look,
      &look->ticket, fresh);
}

void
identifai_poll_start (IdentifaiPoller * self, IdentifaiPending * first,
    gint64 now)
{
  IdentifaiPoll *look = g_new0 (IdentifaiPoll, 1);
  IdentifaiClient *lane = first->lane;
  IdentifaiCallSpec spec = {.api_key = self->client->api_key };
  GPtrArray *jobs;
  gchar *url = NULL;

  look->poller = self;
  look->watches = g_ptr_array_new ();
  look->endings = g_array_new (FALSE, FALSE, sizeof (Ending));
  g_array_set_clear_func (look->endings, ending_clear);
  look->path = self->path;
  look->batch = !first->alone && identifai_poller_uses_batch (self, now);
  if (look->batch)
    url = gather_batch (self, look, first, now);
  else
    url = gather_single (self, look, first, now);

  jobs = look_list_jobs (look);
  count_look (jobs);
  g_ptr_array_unref (jobs);

  self->n_looks++;
  self->next_start = now + self->client->look_distance;
  identifai_launch_start (self->client, IDENTIFAI_CALL_GET, look,
      &look->ticket, now);
  spec.url = url;
  spec.sent = on_sent;
  spec.extra_headers = identifai_client_get_headers (lane);
  look->exchange = identifai_transport_send (identifai_account_get_transport
      (self->client, lane), &spec, on_answer, look);
  identifai_extra_headers_unref (spec.extra_headers);
  g_free (url);
}

/* Answers. */

static void
look_finish_jobs (IdentifaiPoll * look)
{
  guint i;

  for (i = 0; i < look->endings->len; i++) {
    Ending *ending = &g_array_index (look->endings, Ending, i);

    identifai_job_finish (ending->job, &ending->outcome);
  }
}

typedef enum
{
  SETTLED_NOT,                  /* the service is at it */
  SETTLED,
  SETTLED_BADLY                 /* no result to go by */
} Settled;

/* NULL with error also for a result that says that it is another's. */
static IdentifaiResult *
read_result (IdentifaiJob * job, const gchar * data, gsize size,
    GError ** error)
{
  IdentifaiResult *result =
      identifai_result_parse (data, size, job->heuristic, error);

  if (result && !identifai_result_is_of (result, job->identifier)) {
    g_clear_pointer (&result, identifai_result_free);
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "It is the result of another classification");
  }

  return result;
}

/* Takes over result. */
static void
end_job (IdentifaiPoll * look, IdentifaiJob * job, IdentifaiResult * result,
    guint status)
{
  Ending ending = { NULL, {.http_status = status,.result = result} };
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
  ending.job = identifai_job_ref (job);
  g_array_append_val (look->endings, ending);
  identifai_pending_set_remove (look->poller->watches, job);
}

/* What one job makes of its result. */
static Settled
settle (IdentifaiPoll * look, IdentifaiJob * job, const gchar * data,
    gsize size, guint status, GError ** error)
{
  IdentifaiResult *result = read_result (job, data, size, error);

  if (!result)
    return SETTLED_BADLY;
  if (result->state == IDENTIFAI_RESULT_PENDING) {
    identifai_result_free (result);
    return SETTLED_NOT;
  }
  /* A list may be shorter than the result itself. */
  if (result->state == IDENTIFAI_RESULT_UNCHOSEN && look->batch) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        result->error_text);
    identifai_result_free (result);
    return SETTLED_BADLY;
  }
  end_job (look, job, result, status);

  return SETTLED;
}

/* Gives an answer to all that wait for it. FALSE with error: not all that still
 * wait understood it. */
static gboolean
settle_jobs (IdentifaiPoll * look, IdentifaiPending * watch, GBytes * answer,
    guint status, guint * waiting, GError ** error)
{
  gint64 took = identifai_poller_estimate (watch, g_get_monotonic_time ());
  gboolean final = FALSE;
  GList *walk, *next;
  const gchar *data;
  gsize size;

  data = g_bytes_get_data (answer, &size);
  *waiting = g_queue_get_length (&watch->jobs);
  for (walk = watch->jobs.head; walk; walk = next) {
    next = walk->next;
    if (settle (look, walk->data, data, size, status,
            *error ? NULL : error) == SETTLED) {
      final = TRUE;
      --*waiting;
    }
  }
  if (final)
    identifai_poller_learn (look->poller, took);

  return *error == NULL;
}

/* The service says that it is at it, or nothing yet. */
static void
keep_waiting (IdentifaiPoller * self, IdentifaiPending * watch)
{
  watch->alone = FALSE;
  identifai_pending_note (watch, NULL, 0);
  identifai_pending_set_schedule (self->watches, watch,
      identifai_poller_next_due (watch, g_get_monotonic_time ()));
}

/* At once, in another way. */
static void
look_reschedule (IdentifaiPoll * look)
{
  gint64 now = g_get_monotonic_time ();
  guint i;

  for (i = 0; i < look->watches->len; i++) {
    IdentifaiPending *watch = g_ptr_array_index (look->watches, i);

    if (watch)
      identifai_pending_set_schedule (look->poller->watches, watch, now);
  }
}

static void
look_succeeded (IdentifaiPoll * look, GPtrArray * jobs,
    const IdentifaiAttempt * attempt)
{
  IdentifaiPoller *self = look->poller;

  self->failures = 0;
  identifai_budget_succeeded (self->client->budget, IDENTIFAI_CALL_GET,
      &look->ticket, g_get_monotonic_time ());
  tell_lanes (jobs, attempt);
  look_finish_jobs (look);
}

/* Failures. A look is free, and its file is paid for: so it is made again, however
 * often it failed, until the job's deadline. */

/* The key was refused: those whose lane has another one try that. */
static void
renew_keys (IdentifaiPoller * self, GPtrArray * jobs)
{
  GHashTable *stuck = g_hash_table_new (NULL, NULL);
  guint i;

  for (i = 0; i < jobs->len; i++) {
    IdentifaiJob *job = g_ptr_array_index (jobs, i);

    /* Gone while the lanes were told. */
    if (!job->watch || g_hash_table_contains (stuck, job->lane))
      continue;
    if (identifai_client_renew_key (job)) {
      identifai_pending_set_remove (self->watches, job);
      identifai_client_move_job (job);
    } else {
      g_hash_table_add (stuck, job->lane);
    }
  }
  g_hash_table_unref (stuck);
}

static void
look_postpone (IdentifaiPoll * look, IdentifaiAttempt * attempt)
{
  gint64 now = g_get_monotonic_time (), delay = 0;
  guint i, failures = 0;

  for (i = 0; i < look->watches->len; i++) {
    IdentifaiPending *watch = g_ptr_array_index (look->watches, i);

    if (!watch)
      continue;
    identifai_pending_note (watch, attempt->message, attempt->http_status);
    failures = MAX (failures, watch->failures);
    delay = identifai_attempt_get_delay (attempt, watch->failures);
    identifai_pending_set_schedule (look->poller->watches, watch, now + delay);
  }
  attempt->retry_in = delay;
  GST_INFO ("look at %u results of %s failed, %u in a row: %s; trying again in "
      "%.1f s",
      look->n_watches, look->poller->client->host, failures, attempt->message,
      delay / (gdouble) G_TIME_SPAN_SECOND);
}

static void
look_failed (IdentifaiPoll * look, GPtrArray * jobs, IdentifaiAttempt * attempt)
{
  IdentifaiPoller *self = look->poller;
  gint64 now = g_get_monotonic_time ();
  gint64 at = now + identifai_attempt_get_delay (attempt, ++self->failures);

  if (identifai_attempt_is_throttled (attempt))
    identifai_budget_throttled (self->client->budget, IDENTIFAI_CALL_GET,
        &look->ticket, now, at);
  /* What ails the service ails every look. */
  if (attempt->reason == IDENTIFAI_REASON_NETWORK
      || attempt->http_status == SOUP_STATUS_SERVICE_UNAVAILABLE
      || self->doubt != IDENTIFAI_DOUBT_NONE)
    self->next_start = MAX (self->next_start, at);
  if (!look->batch)
    identifai_poller_single_failed (self);

  look_postpone (look, attempt);
  tell_lanes (jobs, attempt);
  if (identifai_attempt_is_unauthorized (attempt))
    renew_keys (self, jobs);
  look_finish_jobs (look);
}

/* Answers of the single call. */

static void
single_not_found (IdentifaiPoll * look, IdentifaiPending * watch)
{
  IdentifaiPoller *self = look->poller;

  if (!self->path_known)
    self->path = look->path == 0 ? 1 : 0;

  if (!self->path_known && look->path == 0) {
    look_reschedule (look);
  } else {
    identifai_poller_single_found_nothing (self);
    keep_waiting (self, watch);
  }
}

/* FALSE: the look failed, as the attempt says. */
static gboolean
single_settle (IdentifaiPoll * look, IdentifaiPending * watch, GBytes * body,
    IdentifaiAttempt * attempt)
{
  IdentifaiPoller *self = look->poller;
  GError *error = NULL;
  guint waiting;

  watch->n_looks++;
  if (!settle_jobs (look, watch, body, attempt->http_status, &waiting, &error)) {
    identifai_attempt_set_bad_response (attempt, "look at a result",
        error->message, body);
    g_error_free (error);
    return FALSE;
  }

  self->path = look->path;
  self->path_known = TRUE;
  identifai_poller_single_worked (self);
  /* Else the watch has gone with its last job. */
  if (waiting > 0)
    keep_waiting (self, watch);

  return TRUE;
}

static void
single_answered (IdentifaiPoll * look, GPtrArray * jobs,
    const IdentifaiResponse * answer, IdentifaiAttempt * attempt)
{
  IdentifaiPending *watch = g_ptr_array_index (look->watches, 0);
  gboolean good = TRUE;

  switch (answer->http_status) {
    case SOUP_STATUS_NOT_FOUND:
      identifai_attempt_clear (attempt);
      attempt->reason = IDENTIFAI_REASON_NONE;
      watch->n_looks++;
      single_not_found (look, watch);
      break;
    case SOUP_STATUS_ACCEPTED:
    case SOUP_STATUS_NO_CONTENT:
      watch->n_looks++;
      identifai_poller_single_found_nothing (look->poller);
      keep_waiting (look->poller, watch);
      break;
    default:
      good = attempt->reason == IDENTIFAI_REASON_NONE
          && single_settle (look, watch, answer->body, attempt);
  }
  if (good)
    look_succeeded (look, jobs, attempt);
  else
    look_failed (look, jobs, attempt);
}

/* Answers of the batch call. */

/* Not in the list: the service doesn't say anything of it yet, or keeps to
 * others. */
static void
batch_unnamed (IdentifaiPoll * look, IdentifaiPending * watch, gboolean others)
{
  if (others)
    watch->n_unnamed++;
  keep_waiting (look->poller, watch);
  watch->alone = watch->n_unnamed >= UNNAMED_PERIOD;
  if (watch->alone)
    watch->n_unnamed = 0;
}

/* What isn't understood is asked for alone: that tells. */
static void
batch_settle_one (IdentifaiPoll * look, IdentifaiPending * watch, GBytes * body,
    guint status)
{
  IdentifaiPoller *self = look->poller;
  GError *error = NULL;
  guint waiting;

  watch->n_looks++;
  watch->n_unnamed = 0;
  if (!settle_jobs (look, watch, body, status, &waiting, &error)) {
    GST_INFO ("asking for %s of %s alone: %s", watch->identifier,
        self->client->host, error->message);
    g_error_free (error);
    watch->alone = TRUE;
    identifai_pending_set_schedule (self->watches, watch,
        g_get_monotonic_time ());
  } else if (waiting > 0) {
    keep_waiting (self, watch);
  }
}

static gboolean
batch_names_any (IdentifaiPoll * look, GHashTable * results)
{
  guint i;

  for (i = 0; i < look->watches->len; i++) {
    IdentifaiPending *watch = g_ptr_array_index (look->watches, i);

    if (watch && g_hash_table_contains (results, watch->identifier))
      return TRUE;
  }

  return FALSE;
}

static void
batch_settle (IdentifaiPoll * look, GPtrArray * jobs, GHashTable * results,
    const IdentifaiAttempt * attempt)
{
  gboolean named = batch_names_any (look, results);
  guint i;

  for (i = 0; i < look->watches->len; i++) {
    IdentifaiPending *watch = g_ptr_array_index (look->watches, i);
    GBytes *result = NULL;

    if (!watch)
      continue;
    result = g_hash_table_lookup (results, watch->identifier);
    if (result) {
      batch_settle_one (look, watch, result, attempt->http_status);
    } else {
      watch->n_looks++;
      batch_unnamed (look, watch, named);
    }
  }
  identifai_poller_batch_worked (look->poller, named);
  look_succeeded (look, jobs, attempt);
}

typedef enum
{
  BATCH_WORKS,
  BATCH_TOO_LONG,               /* perhaps: try it with fewer */
  BATCH_UNKNOWN,                /* the service has no such call */
  BATCH_FAILED                  /* as any call may */
} BatchState;

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
batch_broken (IdentifaiPoll * look)
{
  identifai_poller_doubt_batch (look->poller, IDENTIFAI_DOUBT_BROKEN);
  look_reschedule (look);
}

static void
batch_too_long (IdentifaiPoll * look)
{
  IdentifaiPoller *self = look->poller;

  self->max_batch = look->watches->len / 2;
  if (self->max_batch < 2)
    batch_broken (look);
  else
    look_reschedule (look);
}

static void
batch_failed (IdentifaiPoll * look, GPtrArray * jobs,
    IdentifaiAttempt * attempt)
{
  gboolean again = look->poller->failures > 0;

  look_failed (look, jobs, attempt);
  /* Perhaps only this call is broken. */
  if (again && !identifai_attempt_is_throttled (attempt))
    identifai_poller_doubt_batch (look->poller, IDENTIFAI_DOUBT_BROKEN);
}

static void
batch_answered (IdentifaiPoll * look, GPtrArray * jobs,
    const IdentifaiResponse * answer, IdentifaiAttempt * attempt)
{
  GHashTable *results = NULL;
  BatchState state = classify_batch (attempt);
  gboolean empty = answer->http_status == SOUP_STATUS_ACCEPTED
      || answer->http_status == SOUP_STATUS_NO_CONTENT;

  if (state == BATCH_WORKS && empty) {
    results = g_hash_table_new (g_str_hash, g_str_equal);
  } else if (state == BATCH_WORKS) {
    results = identifai_result_split_batch (answer->body, NULL);
    if (!results)
      state = BATCH_UNKNOWN;
  }

  switch (state) {
    case BATCH_WORKS:
      batch_settle (look, jobs, results, attempt);
      break;
    case BATCH_TOO_LONG:
      batch_too_long (look);
      break;
    case BATCH_UNKNOWN:
      batch_broken (look);
      break;
    case BATCH_FAILED:
      batch_failed (look, jobs, attempt);
      break;
  }
  g_clear_pointer (&results, g_hash_table_unref);
}

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  IdentifaiPoll *look = user_data;
  IdentifaiAccount *client = look->poller->client;
  GPtrArray *jobs = look_list_jobs (look);
  g_auto (IdentifaiAttempt) attempt = { 0, };
  guint i;

  look->exchange = NULL;
  for (i = 0; i < look->watches->len; i++) {
    IdentifaiPending *watch = g_ptr_array_index (look->watches, i);

    if (watch)
      watch->look = NULL;
  }

  identifai_attempt_init (&attempt, answer, client->host);
  if (look->batch)
    batch_answered (look, jobs, answer, &attempt);
  else
    single_answered (look, jobs, answer, &attempt);

  look_free (look);
  g_ptr_array_unref (jobs);
  identifai_account_lock ();
  identifai_account_wake_locked (client);
  identifai_account_unlock ();
}
