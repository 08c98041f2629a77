/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a call that waits for its time to its answer. All of it is the network
 * thread's, but for identifai_client_call().
 */

#include "clientprivate.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

#define NAME(self) (self)->client->settings.name

typedef struct
{
  IdentifaiClient *client;      /* a reference */
  gchar *what, *method, *path, *accept, *content_type;
  GBytes *body;
  gboolean once;
  IdentifaiServiceAnswerFunc func;
  void (*dropped) (gpointer data);      /* of the account's own; or NULL */
  gpointer data;

  IdentifaiQueue *queue;        /* is kept by it */
  GList link;                   /* in the account's service_calls */
  IdentifaiWire wire;           /* not on it: it waits */
  gint64 not_before;            /* monotonic µs: of another attempt */
  gint64 deadline;              /* the same: of the last one */
  IdentifaiTries tries;
} ServiceCall;

static void
service_call_free (gpointer data)
{
  ServiceCall *self = data;

  identifai_client_unref (self->client);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self->what);
  g_free (self->method);
  g_free (self->path);
  g_free (self->accept);
  g_free (self->content_type);
  g_free (self);
}

/* Where it is. */

static void
join (ServiceCall * self, IdentifaiQueue * queue)
{
  self->queue = queue;
  queue->n_jobs++;
  g_queue_push_tail_link (&queue->account->service_calls, &self->link);
  identifai_account_wake (queue->account);
}

static void
leave (ServiceCall * self)
{
  IdentifaiQueue *queue = g_steal_pointer (&self->queue);

  g_queue_unlink (&queue->account->service_calls, &self->link);
  queue->n_jobs--;
  identifai_queue_check (queue);
}

/* What becomes of it. */

static void
finish (ServiceCall * self, const IdentifaiAttempt * attempt, GBytes * body)
{
  IdentifaiServiceAnswer answer = { attempt->reason, attempt->http_status,
    attempt->message, body
  };
  IdentifaiClient *client = self->client;

  if (self->dropped != NULL) {
    self->func (&answer, self->data);
  } else {
    g_rec_mutex_lock (&client->calling);
    if (!identifai_client_is_closed (client))
      self->func (&answer, self->data);
    g_rec_mutex_unlock (&client->calling);
  }

  leave (self);
  service_call_free (self);
}

static void
retry (ServiceCall * self, gint64 at)
{
  identifai_client_count (self->client, retries, 1);
  self->not_before = at;
  identifai_account_wake (self->queue->account);
}

static void
move (ServiceCall * self)
{
  IdentifaiQueue *to = self->client->queue;

  if (self->queue == to)
    return;
  leave (self);
  join (self, to);
  self->not_before = 0;
}

/* It went out, and what came of it nobody knows. */
static gboolean
is_ambiguous (const ServiceCall * self, const IdentifaiResponse * answer)
{
  return self->once && answer->sent_whole && !answer->from_proxy
      && (answer->http_status == 0 || answer->http_status / 100 == 5);
}

static void
fail (ServiceCall * self, const IdentifaiResponse * answer,
    IdentifaiAttempt * attempt)
{
  gboolean ambiguous = is_ambiguous (self, answer);
  gint64 now = identifai_clock_now (), at;
  gchar *message;

  identifai_tries_plan (&self->tries, attempt, &self->client->settings,
      self->wire.call);
  if (identifai_attempt_is_throttled (attempt)) {
    identifai_wire_throttled (&self->wire, now + attempt->pause);
    identifai_client_count (self->client, throttled, 1);
  }
  if (identifai_attempt_is_unauthorized (attempt) && self->dropped == NULL
      && identifai_queue_rekey (self->queue, &self->tries, &at)) {
    GST_DEBUG_ID (NAME (self), "%s %s", self->what, at > 0 ?
        "waits for the key file" : "is tried again, with the other key");
    move (self);
    retry (self, at);
    return;
  }
  if (!ambiguous && attempt->retry_in >= 0 && now < self->deadline) {
    GST_INFO_ID (NAME (self), "%s: %s; trying again in %.2f s", self->what,
        attempt->message, attempt->retry_in / (gdouble) G_TIME_SPAN_SECOND);
    retry (self, now + attempt->retry_in);
    return;
  }

  if (ambiguous) {
    message = g_strdup_printf ("%s. It may have been done all the same, and so "
        "it isn't tried again", attempt->message);
    g_free (attempt->message);
    attempt->message = message;
  }
  finish (self, attempt, answer->body);
}

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  ServiceCall *self = user_data;
  g_auto (IdentifaiAttempt) attempt = { 0, };

  identifai_attempt_init (&attempt, NAME (self), answer,
      self->queue->account->host);
  GST_INFO_ID (NAME (self), "%s: %s%.0u in %.2f s%s%s", self->what,
      answer->http_status > 0 ? "" : "no answer", answer->http_status,
      answer->duration / (gdouble) GST_SECOND, attempt.message ? ": " : "",
      attempt.message ? attempt.message : "");
  if (attempt.reason != IDENTIFAI_REASON_NONE) {
    fail (self, answer, &attempt);
    return;
  }
  identifai_wire_succeeded (&self->wire);
  finish (self, &attempt, answer->body);
}

/* Sending. */

static void
start (ServiceCall * self, gint64 now)
{
  IdentifaiAccount *account = self->queue->account;
  gchar *url = g_strconcat (account->endpoint, self->path, NULL);
  IdentifaiCallSpec spec = {.name = NAME (self),.what = self->what,.url = url,
    .method = self->method,.accept = self->accept,.content_type =
        self->content_type,.body = self->body,.new_connection = self->once
  };

  GST_DEBUG_ID (NAME (self), "%s of %s starts, attempt %u", self->what,
      account->host, self->tries.failures + 1);
  if (self->wire.call == IDENTIFAI_CALL_GET)
    identifai_client_count (self->client, get_requests, 1);
  else
    identifai_client_count (self->client, post_requests, 1);
  self->wire.n_calls = &account->n_service_calls;
  identifai_account_send (account, &self->wire, self->client, &spec, now);
  g_free (url);
}

/* When it may start. */
static gint64
get_start (ServiceCall * self, gint64 now)
{
  if (self->not_before > now)
    return self->not_before;

  return identifai_account_next_call (self->queue->account, self->wire.call,
      now, NAME (self));
}

/* It has waited for its time for too long. */
static void
expire (ServiceCall * self)
{
  GBytes *body = g_bytes_new (NULL, 0);
  IdentifaiAttempt attempt = {.reason = IDENTIFAI_REASON_TIMEOUT,.message =
        (gchar *) "The limits, or calls that failed, left no time for it"
  };

  GST_INFO_ID (NAME (self), "%s: %s", self->what, attempt.message);
  finish (self, &attempt, body);
  g_bytes_unref (body);
}

gint64
identifai_service_calls_run (IdentifaiAccount * account, gint64 now)
{
  gint64 next = G_MAXINT64, at;
  GList *walk, *following;

  for (walk = account->service_calls.head; walk; walk = following) {
    ServiceCall *call = walk->data;

    following = walk->next;
    if (call->wire.exchange != NULL)
      continue;
    if (call->deadline <= now) {
      expire (call);
      continue;
    }
    /* One that ends wakes the account. */
    at = account->n_service_calls < IDENTIFAI_MAX_SERVICE_CALLS ?
        get_start (call, now) : G_MAXINT64;
    if (at <= now)
      start (call, now);
    else
      next = MIN (next, MIN (at, call->deadline));
  }

  return next;
}

/* Commands. */

static void
on_call (IdentifaiClient * client, gpointer call)
{
  join (call, client->queue);
}

static ServiceCall *
service_call_new (IdentifaiClient * client, const IdentifaiServiceCall * call,
    IdentifaiServiceAnswerFunc func, gpointer data)
{
  ServiceCall *copy = g_new0 (ServiceCall, 1);

  copy->client = identifai_client_ref (client);
  copy->what = g_strdup (call->what);
  copy->method = g_strdup (call->method);
  copy->path = g_strdup (call->path);
  copy->accept = g_strdup (call->accept);
  copy->content_type = g_strdup (call->content_type);
  copy->body = call->body != NULL ? g_bytes_ref (call->body) : NULL;
  copy->once = call->once;
  copy->deadline = call->deadline > 0 ? call->deadline : G_MAXINT64;
  copy->func = func;
  copy->data = data;
  copy->link.data = copy->wire.data = copy;
  copy->wire.func = on_answer;
  copy->wire.call = g_str_equal (call->method, "GET") ? IDENTIFAI_CALL_GET :
      IDENTIFAI_CALL_POST;

  return copy;
}

void
identifai_client_call (IdentifaiClient * self,
    const IdentifaiServiceCall * call, IdentifaiServiceAnswerFunc func,
    gpointer data)
{
  identifai_client_send (self, on_call, service_call_new (self, call, func,
          data), service_call_free);
}

void
identifai_service_call_add (IdentifaiQueue * queue,
    const IdentifaiServiceCall * call, IdentifaiServiceAnswerFunc func,
    void (*dropped) (gpointer data), gpointer data)
{
  ServiceCall *copy = service_call_new (queue->client, call, func, data);

  copy->dropped = dropped;
  join (copy, queue);
}

void
identifai_service_calls_move (IdentifaiQueue * queue)
{
  GList *walk, *next;

  for (walk = queue->account->service_calls.head; walk; walk = next) {
    ServiceCall *call = walk->data;

    next = walk->next;
    if (call->queue == queue && call->wire.exchange == NULL
        && call->dropped == NULL)
      move (call);
  }
}

static void
drop (ServiceCall * self)
{
  GST_DEBUG_ID (NAME (self), "%s: nobody waits for it any more", self->what);
  identifai_wire_cancel (&self->wire);
  if (self->dropped != NULL)
    self->dropped (self->data);
  leave (self);
  service_call_free (self);
}

void
identifai_service_calls_drop (IdentifaiAccount * account,
    IdentifaiClient * client)
{
  GList *walk, *next;

  for (walk = account->service_calls.head; walk; walk = next) {
    next = walk->next;
    if (((ServiceCall *) walk->data)->client == client)
      drop (walk->data);
  }
}
