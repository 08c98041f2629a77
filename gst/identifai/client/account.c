/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accounts: one an endpoint and key, with its limits, transports and calls. It
 * comes with the first client's queue and goes with the last one.
 */

#include "clientprivate.h"
#include "clientsettings.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* In which the minute's polls are evenly spread. */
#define POLL_PERIOD (61 * G_TIME_SPAN_SECOND)

/* A connection that takes longer doesn't hold up the other calls. */
#define PATIENCE (5 * G_TIME_SPAN_SECOND)
/* The longest time that the first call on a connection takes to arrive. */
#define NEW_CONNECTION G_TIME_SPAN_SECOND

/* Waits that are longer are told. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

static const gchar *const call_names[IDENTIFAI_N_CALLS] = { "upload", "poll" };

static gint n_accounts;         /* atomic */

guint
identifai_network_count_accounts (void)
{
  return g_atomic_int_get (&n_accounts);
}

/* Limits. */

/* The strictest of what the clients ask for. */
static IdentifaiLimit
strictest_limit (IdentifaiAccount * self, IdentifaiCall call)
{
  IdentifaiLimit strictest = { 0, 0 };
  GList *walk;

  for (walk = self->queues.head; walk; walk = walk->next) {
    IdentifaiQueue *queue = walk->data;
    const IdentifaiLimit *limit = &queue->client->settings.limits[call];

    /* 0, no limit, wraps around to the largest. */
    if (limit->per_second - 1 < strictest.per_second - 1)
      strictest.per_second = limit->per_second;
    if (limit->per_minute - 1 < strictest.per_minute - 1)
      strictest.per_minute = limit->per_minute;
  }

  return strictest;
}

static void
update_limits (IdentifaiAccount * self)
{
  IdentifaiLimit limit = { 0, 0 };
  guint call;

  for (call = 0; call < IDENTIFAI_N_CALLS; call++) {
    limit = strictest_limit (self, call);
    identifai_key_limits_set_limit (self->limits, call, &limit);
    GST_DEBUG ("%s: %u %ss in a second, %u in a minute (0 = no limit) for %u "
        "clients", self->host, limit.per_second, call_names[call],
        limit.per_minute, self->queues.length);
  }
  self->poll_distance = limit.per_minute > 0 ? POLL_PERIOD / limit.per_minute :
      0;
}

/* Its life. */

static void
account_free (IdentifaiAccount * self)
{
  guint kind;

  GST_DEBUG ("account at %s ends", self->host);
  g_queue_remove (&self->network->accounts, self);
  g_atomic_int_add (&n_accounts, -1);
  identifai_timer_free (self->pump);
  g_hash_table_unref (self->transports);
  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++)
    identifai_poller_free (self->pollers[kind]);
  g_sequence_free (self->schedule);
  g_sequence_free (self->deadlines);
  identifai_key_limits_release (self->limits);
  identifai_network_unref (self->network);
  g_free (self->endpoint);
  g_free (self->host);
  memset (self->id, 0, strlen (self->id));
  g_free (self->id);
  g_free (self);
}

/* All that happens, but for commands and the answers to calls under way. */
static void
on_pump (gpointer user_data)
{
  IdentifaiAccount *self = user_data;
  gint64 now = identifai_clock_now (), next;

  self->woken = FALSE;
  if (self->ending && self->n_transports == 0) {
    account_free (self);
    return;
  }

  next = identifai_credits_run (self, now);
  next = MIN (next, identifai_service_calls_run (self, now));
  next = MIN (next, identifai_uploader_run (self, now));
  next = MIN (next, identifai_early_uploads_run (self, now));
  next = MIN (next, identifai_pollers_run (self, now));
  if (!self->woken)
    identifai_timer_set (self->pump, next);
}

void
identifai_account_wake (IdentifaiAccount * self)
{
  if (self->woken)
    return;
  self->woken = TRUE;
  identifai_timer_set (self->pump, 0);
}

static gchar *
describe_host (const gchar * endpoint)
{
  GUri *uri = g_uri_parse (endpoint, G_URI_FLAGS_NONE, NULL);
  gchar *host;

  if (!uri)
    return g_strdup ("the service");
  if (g_uri_get_port (uri) > 0)
    host = g_strdup_printf (strchr (g_uri_get_host (uri), ':') ?
        "[%s]:%d" : "%s:%d", g_uri_get_host (uri), g_uri_get_port (uri));
  else
    host = g_strdup (g_uri_get_host (uri));
  g_uri_unref (uri);

  return host;
}

static IdentifaiAccount *
account_new (IdentifaiNetwork * network, const gchar * endpoint,
    const gchar * id)
{
  IdentifaiAccount *self = g_new0 (IdentifaiAccount, 1);
  guint kind;

  self->network = network;
  g_atomic_int_inc (&network->refcount);
  self->endpoint = g_strdup (endpoint);
  self->host = describe_host (endpoint);
  self->id = g_strdup (id);
  if (!identifai_client_account_is_keyless (id))
    self->api_key = self->id;
  self->pump = identifai_timer_new (network->context, "identifai pump",
      on_pump, self);
  self->transports = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      NULL);
  self->limits = identifai_key_limits_get (endpoint, id);
  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++)
    self->pollers[kind] = identifai_poller_new (self, kind);
  self->schedule = g_sequence_new (NULL);
  self->deadlines = g_sequence_new (NULL);
  g_queue_push_tail (&network->accounts, self);
  g_atomic_int_inc (&n_accounts);
  GST_DEBUG ("account at %s starts, %s", self->host, self->api_key ?
      "with a key" : "without a key");

  return self;
}

static IdentifaiAccount *
account_find (IdentifaiNetwork * network, const gchar * endpoint,
    const gchar * id)
{
  GList *walk;

  for (walk = network->accounts.head; walk; walk = walk->next) {
    IdentifaiAccount *account = walk->data;

    if (!account->ending && g_str_equal (account->endpoint, endpoint)
        && g_str_equal (account->id, id))
      return account;
  }

  return account_new (network, endpoint, id);
}

static void
on_transport_closed (gpointer user_data)
{
  IdentifaiAccount *self = user_data;

  self->n_transports--;
  GST_LOG ("%u transports to %s are left", self->n_transports, self->host);
  identifai_account_wake (self);
}

static void
account_end (IdentifaiAccount * self)
{
  GHashTableIter iter;
  gpointer transport;

  GST_DEBUG ("the last client leaves %s, %u transports are closed", self->host,
      self->n_transports);
  self->ending = TRUE;
  g_hash_table_iter_init (&iter, self->transports);
  while (g_hash_table_iter_next (&iter, NULL, &transport))
    self->network->transport->close (transport, on_transport_closed, self);
  identifai_account_wake (self);
}

IdentifaiTransport *
identifai_account_get_transport (IdentifaiAccount * self,
    IdentifaiClient * client)
{
  IdentifaiTransportSettings settings = {
    client->settings.proxy, client->settings.user_agent, client->tls_database,
    client->settings.timeout, IDENTIFAI_MAX_ANSWER_BYTES,
    IDENTIFAI_MAX_UPLOADS + IDENTIFAI_MAX_EARLY_UPLOADS + IDENTIFAI_MAX_POLLS
        + IDENTIFAI_MAX_SERVICE_CALLS
  };
  IdentifaiTransport *transport;

  transport = g_hash_table_lookup (self->transports, client->transport_key);
  if (!transport) {
    GST_DEBUG_ID (client->settings.name, "opens a transport to %s, the %u.",
        self->host, self->n_transports + 1);
    transport = self->network->transport->open (&settings);
    g_hash_table_insert (self->transports, g_strdup (client->transport_key),
        transport);
    self->n_transports++;
  }

  return transport;
}

/* Queues. */

IdentifaiQueue *
identifai_queue_get (IdentifaiClient * client, const gchar * account_id)
{
  IdentifaiAccount *account = account_find (client->network,
      client->settings.endpoint, account_id);
  IdentifaiQueue *queue;
  GList *walk;

  for (walk = client->queues.head; walk; walk = walk->next) {
    queue = walk->data;
    if (queue->account == account)
      return queue;
  }

  GST_DEBUG_ID (client->settings.name, "joins the account at %s, with %u other "
      "clients", account->host, account->queues.length);
  queue = g_new0 (IdentifaiQueue, 1);
  queue->account = account;
  queue->client = client;
  g_queue_push_tail (&client->queues, queue);
  identifai_queue_turn (queue);
  update_limits (account);
  identifai_account_wake (account);

  return queue;
}

void
identifai_queue_check (IdentifaiQueue * queue)
{
  IdentifaiAccount *account = queue->account;

  if (queue->n_jobs > 0 || queue->client->queue == queue)
    return;

  GST_DEBUG_ID (queue->client->settings.name, "leaves the account at %s",
      account->host);
  g_queue_remove (&account->queues, queue);
  g_queue_remove (&queue->client->queues, queue);
  g_free (queue);
  /* What the last one asked for stays, and with it what is known of others that use
   * the key. */
  if (account->queues.length == 0) {
    account_end (account);
    return;
  }
  update_limits (account);
  identifai_account_wake (account);
}

/* Also of one that isn't among them yet. */
void
identifai_queue_turn (IdentifaiQueue * queue)
{
  GQueue *queues = &queue->account->queues;

  g_queue_remove (queues, queue);
  if (queue->client->first)
    g_queue_push_head (queues, queue);
  else
    g_queue_push_tail (queues, queue);
}

void
identifai_queue_move_waiting (IdentifaiQueue * queue)
{
  guint left;

  /* It would go with the last one. */
  queue->n_jobs++;
  identifai_service_calls_move (queue);
  for (left = queue->jobs.length; left > 0; left--)
    identifai_job_move (queue->jobs.head->data);
  queue->n_jobs--;
  identifai_queue_check (queue);
}

/* From the decision to send to the headers. */

/* Why a call has to wait: once a wait. */
static void
tell_wait (IdentifaiAccount * self, IdentifaiCall call, gint64 now,
    gint64 next, const gchar * name)
{
  if (next - now < LONG_WAIT || next < self->told_wait[call] + LONG_WAIT)
    return;
  self->told_wait[call] = next;
  GST_DEBUG_ID (name, "the next %s to %s waits %.2f s for %s", call_names[call],
      self->host, (next - now) / (gdouble) G_TIME_SPAN_SECOND,
      identifai_limiter_get_part (self->limits->starts, call) < 1 ?
      "its share of the rate limit, after a refusal (429)" : "the rate limit");
}

gint64
identifai_account_next_call (IdentifaiAccount * self, IdentifaiCall call,
    gint64 now, const gchar * name)
{
  const IdentifaiWire *launching = self->launching[call];
  IdentifaiLimiter *limiter = self->limits->starts;
  gint64 next;

  /* A device without a battery for its clock sets it while it runs. */
  identifai_limiter_set_epoch (limiter, identifai_clock_now_real ()
      - identifai_clock_now ());
  next = identifai_limiter_next (limiter, call, now);
  tell_wait (self, call, now, next, name);
  if (launching == NULL || !identifai_limiter_is_limited (limiter, call))
    return next;
  GST_LOG_ID (name, "the next %s to %s waits for the headers of the one before",
      call_names[call], self->host);

  return MAX (next, launching->patience);
}

static void
stop_launching (const IdentifaiWire * wire)
{
  IdentifaiAccount *self = wire->account;

  gint64 took = PATIENCE - (wire->patience - identifai_clock_now ());

  if (self->launching[wire->call] != wire)
    return;
  GST_LOG_ID (wire->name, "the next %s to %s may leave", call_names[wire->call],
      self->host);
  if (took >= LONG_WAIT)
    GST_DEBUG_ID (wire->name,
        "the headers of the %s took %d ms: so long the next " "one waits",
        call_names[wire->call], (gint) (took / G_TIME_SPAN_MILLISECOND));
  self->launching[wire->call] = NULL;
  identifai_account_wake (self);
}

static void
on_sent (gboolean fresh, gpointer user_data)
{
  IdentifaiWire *wire = user_data;
  IdentifaiAccount *self = wire->account;
  gint64 now = identifai_clock_now ();

  GST_LOG_ID (wire->name, "%s to %s left %d ms after it was booked",
      call_names[wire->call], self->host, (gint) ((now - wire->booking.start)
          / G_TIME_SPAN_MILLISECOND));
  identifai_limiter_sent (self->limits->starts, wire->call, &wire->booking,
      now + (fresh ? NEW_CONNECTION : 0));
  stop_launching (wire);
}

/* It is over, sent or not. The service has counted it before it answers. For one
 * without a body that is soon after, and known better than when it got there. An upload
 * that is broken off keeps its place, too: with its headers out it was a call, whatever
 * became of its body. It costs no credits, which are for whole files. */
static void
leave_wire (IdentifaiWire * wire)
{
  gint64 now = identifai_clock_now ();

  wire->exchange = NULL;
  (*wire->n_calls)--;
  if (wire->call == IDENTIFAI_CALL_GET || wire->booking.start > now)
    identifai_limiter_sent (wire->account->limits->starts, wire->call,
        &wire->booking, now);
  stop_launching (wire);
  identifai_account_wake (wire->account);
}

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  IdentifaiWire *wire = user_data;

  leave_wire (wire);
  wire->func (answer, wire->data);
}

void
identifai_account_send (IdentifaiAccount * self, IdentifaiWire * wire,
    IdentifaiClient * client, IdentifaiCallSpec * spec, gint64 now)
{
  identifai_limiter_take (self->limits->starts, wire->call, now,
      &wire->booking);
  GST_LOG_ID (spec->name, "%s to %s is booked%s", call_names[wire->call],
      self->host, wire->booking.doubtful ?
      ", in a place that may be another process's" : "");
  self->launching[wire->call] = wire;
  self->told_wait[wire->call] = 0;
  wire->patience = now + PATIENCE;
  (*wire->n_calls)++;
  wire->account = self;
  wire->name = spec->name;
  spec->api_key = self->api_key;
  spec->extra_headers = client->settings.extra_headers;
  spec->expects = wire->booking.doubtful;
  spec->sent = on_sent;
  wire->exchange = self->network->transport->send
      (identifai_account_get_transport (self, client), spec, on_answer, wire);
}

void
identifai_wire_cancel (IdentifaiWire * self)
{
  IdentifaiExchange *exchange = self->exchange;

  if (exchange == NULL)
    return;
  leave_wire (self);
  self->account->network->transport->cancel (exchange);
}

void
identifai_wire_throttled (const IdentifaiWire * self, gint64 until)
{
  IdentifaiLimiter *limiter = self->account->limits->starts;
  gint64 now = identifai_clock_now ();

  identifai_limiter_throttled (limiter, self->call, &self->booking, now, until);
  GST_INFO_ID (self->name,
      "the %s was refused by %s (429): none for %d ms, then %d %% of the "
      "limit", call_names[self->call], self->account->host,
      (gint) ((until - now) / G_TIME_SPAN_MILLISECOND),
      (gint) (identifai_limiter_get_part (limiter, self->call) * 100));
}

void
identifai_wire_succeeded (const IdentifaiWire * self)
{
  identifai_limiter_succeeded (self->account->limits->starts, self->call,
      &self->booking, identifai_clock_now ());
}
