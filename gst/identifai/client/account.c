/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an account has for those who call: queues, limits, transports, and the way of
 * a call from the decision to send to its answer. It comes and runs in dispatcher.c.
 */

#include "clientprivate.h"
#include "boundedread.h"
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

/* Its turn, and its end. */

void
identifai_account_wake (IdentifaiAccount * self)
{
  if (self->woken)
    return;
  self->woken = TRUE;
  identifai_timer_set (self->pump, 0);
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
identifai_queue_new (IdentifaiAccount * account, IdentifaiClient * client)
{
  IdentifaiQueue *queue = g_new0 (IdentifaiQueue, 1);

  GST_DEBUG_ID (client->settings.name, "joins the account at %s, with %u other "
      "clients", account->host, account->queues.length);
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

gboolean
identifai_queue_rekey (IdentifaiQueue * refused, IdentifaiTries * tries,
    gint64 * at)
{
  IdentifaiClient *client = refused->client;
  gboolean again = !tries->rekeyed && client->renew_key (refused);
  gboolean later = !tries->rekeyed && !again && client->reads_key;

  tries->rekeyed = TRUE;
  if (again)
    tries->failures = 0;
  *at = later ? identifai_clock_now () + IDENTIFAI_READ_PATIENCE : 0;

  return again || later;
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
  IdentifaiLimiter *limiter = self->account->limits->starts;
  gdouble before = identifai_limiter_get_part (limiter, self->call), part;

  identifai_limiter_succeeded (limiter, self->call, &self->booking,
      identifai_clock_now ());
  part = identifai_limiter_get_part (limiter, self->call);
  if (part != before)
    GST_DEBUG_ID (self->name, "%ss to %s have %d %% of the limit now, after "
        "%d %%", call_names[self->call], self->account->host,
        (gint) (part * 100), (gint) (before * 100));
}
