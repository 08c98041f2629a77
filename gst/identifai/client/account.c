/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The clients of the process: one an endpoint and key, each with a thread that
 * comes with the first seat and goes with the last.
 */

#include "clientprivate.h"
#include "clientsettings.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long closing the last lane waits for the thread to end. */
#define STOP_PATIENCE (50 * G_TIME_SPAN_MILLISECOND)

/* In which the minute's looks are evenly spread, and how far they are apart
 * even without a limit, so that one asks for many results. */
#define LOOK_PERIOD (61 * G_TIME_SPAN_SECOND)
#define LOOK_DISTANCE (100 * G_TIME_SPAN_MILLISECOND)

GMutex identifai_account_mutex;

/* [L] of IdentifaiAccount, those that aren't quitting. */
static GQueue clients = G_QUEUE_INIT;

/* The thread. */

/* The strictest of what the lanes ask for. */
static IdentifaiLimit
strictest_limit_locked (IdentifaiAccount * self, IdentifaiCall call)
{
  IdentifaiLimit strictest = { 0, 0 };
  GList *walk;

  for (walk = self->seats.head; walk; walk = walk->next) {
    IdentifaiSeat *seat = walk->data;
    const IdentifaiLimit *limit = &seat->lane->settings.limits[call];

    /* 0, no limit, wraps around to the largest. */
    if (limit->per_second - 1 < strictest.per_second - 1)
      strictest.per_second = limit->per_second;
    if (limit->per_minute - 1 < strictest.per_minute - 1)
      strictest.per_minute = limit->per_minute;
  }

  return strictest;
}

static void
update_limits_locked (IdentifaiAccount * self)
{
  IdentifaiLimit limit;
  guint call;

  if (!self->limits_changed)
    return;
  self->limits_changed = FALSE;

  for (call = 0; call < IDENTIFAI_N_CALLS; call++) {
    limit = strictest_limit_locked (self, call);
    identifai_budget_set_limit (self->budget, call, &limit);
  }
  limit = strictest_limit_locked (self, IDENTIFAI_CALL_GET);
  self->look_distance = MAX (identifai_backoff_scale (LOOK_DISTANCE),
      limit.per_minute > 0 ? LOOK_PERIOD / limit.per_minute : 0);
}

/* Cancels what belonged to jobs that are gone. */
static void
sweep (IdentifaiAccount * self)
{
  IdentifaiJob *job;

  identifai_account_lock ();
  update_limits_locked (self);
  while ((job = g_queue_pop_head (&self->gone))) {
    identifai_account_unlock ();
    identifai_submit_cancel (self, job);
    identifai_poller_remove (self->poller, job);
    identifai_account_lock ();
    identifai_job_unref_locked (job);
  }
  identifai_account_unlock ();
}

static void
welcome (IdentifaiAccount * self)
{
  IdentifaiJob *job;

  identifai_account_lock ();
  while ((job = g_queue_pop_head (&self->newcomers))) {
    gboolean waiting = job->state == IDENTIFAI_JOB_WAITING;

    identifai_account_unlock ();
    if (waiting)
      identifai_poller_add (self->poller, job);
    identifai_job_unref (job);
    identifai_account_lock ();
  }
  identifai_account_unlock ();
}

/* How many calls still wind up. */
static guint
count_exchanges (IdentifaiAccount * self)
{
  GHashTableIter iter;
  gpointer transport;
  guint count = 0;

  g_hash_table_iter_init (&iter, self->transports);
  while (g_hash_table_iter_next (&iter, NULL, &transport))
    count += identifai_transport_count (transport);

  return count;
}

/* All that the thread does, but for the answers to calls under way. */
static gboolean
on_pump (gpointer user_data)
{
  IdentifaiAccount *self = user_data;
  gint64 now = g_get_monotonic_time ();
  gint64 next_submit, next_look, next;
  gboolean quitting;

  identifai_account_lock ();
  self->woken = FALSE;
  g_source_set_ready_time (self->pump, -1);
  identifai_account_unlock ();

  sweep (self);
  welcome (self);
  next_submit = identifai_submit_run (self, now);
  next_look = identifai_poller_run (self->poller, now);
  next = MIN (next_submit, next_look);

  identifai_account_lock ();
  quitting = self->quitting;
  if (!self->woken && !quitting && next < G_MAXINT64)
    g_source_set_ready_time (self->pump, next);
  identifai_account_unlock ();

  if (quitting)
    g_main_loop_quit (self->loop);

  return G_SOURCE_CONTINUE;
}

static void
stop_connecting (IdentifaiAccount * self)
{
  GHashTableIter iter;
  gpointer transport;

  g_hash_table_iter_init (&iter, self->transports);
  while (g_hash_table_iter_next (&iter, NULL, &transport))
    identifai_transport_stop_connecting (transport);
}

static void
wind_up (IdentifaiAccount * self)
{
  /* Cancelled calls end in their callbacks, after which nothing is left. */
  welcome (self);
  sweep (self);
  stop_connecting (self);
  while (count_exchanges (self) > 0)
    g_main_context_iteration (self->context, TRUE);

  g_source_destroy (self->pump);
  g_hash_table_unref (self->transports);
  identifai_poller_free (self->poller);
  identifai_budget_release (self->budget);
  /* libsoup closes connections from idle sources. */
  while (g_main_context_iteration (self->context, FALSE));
}

static void
client_unref_locked (IdentifaiAccount * self)
{
  if (--self->refcount > 0)
    return;

  g_source_unref (self->pump);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_sequence_free (self->retries);
  g_cond_clear (&self->finished);
  g_free (self->endpoint);
  g_free (self->host);
  memset (self->account, 0, strlen (self->account));
  g_free (self->account);
  g_free (self);
}

static gpointer
run (gpointer user_data)
{
  IdentifaiAccount *self = user_data;

  GST_DEBUG ("client for %s starts", self->host);
  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  wind_up (self);
  g_main_context_pop_thread_default (self->context);
  GST_DEBUG ("client for %s ends", self->host);

  identifai_account_lock ();
  self->done = TRUE;
  g_cond_broadcast (&self->finished);
  client_unref_locked (self);
  identifai_account_unlock ();

  return NULL;
}

static gboolean
dispatch_pump (GSource * source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs pump_funcs = {.dispatch = dispatch_pump };

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
client_new_locked (const gchar * endpoint, const gchar * account)
{
  IdentifaiAccount *self = g_new0 (IdentifaiAccount, 1);

  self->refcount = 1;
  self->endpoint = g_strdup (endpoint);
  self->host = describe_host (endpoint);
  self->account = g_strdup (account);
  if (!identifai_client_account_is_keyless (account))
    self->api_key = self->account;
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->pump = g_source_new (&pump_funcs, sizeof (GSource));
  g_source_set_name (self->pump, "identifai pump");
  g_source_set_callback (self->pump, on_pump, self, NULL);
  g_source_attach (self->pump, self->context);
  g_cond_init (&self->finished);
  self->retries = g_sequence_new (NULL);
  self->transports = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) identifai_transport_free);
  self->budget = identifai_budget_get (endpoint, account);
  self->poller = identifai_poller_new (self);
  self->thread = g_thread_new ("identifai-net", run, self);
  g_queue_push_tail (&clients, self);

  return self;
}

void
identifai_account_wake_locked (IdentifaiAccount * self)
{
  self->woken = TRUE;
  g_source_set_ready_time (self->pump, 0);
}

static gboolean
wait_until_done_locked (IdentifaiAccount * self)
{
  gint64 until = g_get_monotonic_time () + STOP_PATIENCE;

  while (!self->done
      && g_cond_wait_until (&self->finished, &identifai_account_mutex, until));

  return self->done;
}

static void
let_go (IdentifaiAccount * self, gboolean wait)
{
  GThread *thread;
  gboolean done;

  identifai_account_lock ();
  thread = g_steal_pointer (&self->thread);
  done = wait && thread != g_thread_self () && wait_until_done_locked (self);
  client_unref_locked (self);
  identifai_account_unlock ();

  /* One that is stuck in a callback, or that this is, ends on its own. */
  if (done)
    g_thread_join (thread);
  else
    g_thread_unref (thread);
}

void
identifai_account_stop (IdentifaiAccount * self)
{
  if (self)
    let_go (self, TRUE);
}

void
identifai_account_dismiss (IdentifaiAccount * self)
{
  if (self)
    let_go (self, FALSE);
}

IdentifaiTransport *
identifai_account_get_transport (IdentifaiAccount * self,
    IdentifaiClient * lane)
{
  IdentifaiTransportSettings settings = {
    lane->settings.proxy, lane->settings.user_agent, lane->tls_database,
    lane->settings.timeout, IDENTIFAI_MAX_ANSWER_BYTES
  };
  IdentifaiTransport *transport;

  transport = g_hash_table_lookup (self->transports, lane->transport_key);
  if (!transport) {
    transport = identifai_transport_new (&settings);
    g_hash_table_insert (self->transports, g_strdup (lane->transport_key),
        transport);
  }

  return transport;
}

/* Seats. */

static IdentifaiAccount *
find_client_locked (const gchar * endpoint, const gchar * account)
{
  GList *walk;

  for (walk = clients.head; walk; walk = walk->next) {
    IdentifaiAccount *client = walk->data;

    if (g_str_equal (client->endpoint, endpoint)
        && g_str_equal (client->account, account))
      return client;
  }

  return client_new_locked (endpoint, account);
}

static IdentifaiSeat *
find_seat_locked (IdentifaiClient * lane, IdentifaiAccount * client)
{
  GList *walk;

  for (walk = lane->seats.head; walk; walk = walk->next) {
    IdentifaiSeat *seat = walk->data;

    if (seat->client == client)
      return seat;
  }

  return NULL;
}

IdentifaiSeat *
identifai_seat_take_locked (IdentifaiClient * lane, const gchar * account)
{
  IdentifaiAccount *client = find_client_locked (lane->settings.endpoint,
      account);
  IdentifaiSeat *seat = find_seat_locked (lane, client);

  if (seat)
    return seat;

  seat = g_new0 (IdentifaiSeat, 1);
  seat->lane = lane;
  seat->client = client;
  client->refcount++;
  seat->client_link.data = seat->lane_link.data = seat->ready_link.data = seat;
  g_queue_push_tail_link (&client->seats, &seat->client_link);
  g_queue_push_tail_link (&lane->seats, &seat->lane_link);
  client->limits_changed = TRUE;
  identifai_account_wake_locked (client);

  return seat;
}

IdentifaiAccount *
identifai_seat_leave_locked (IdentifaiSeat * seat)
{
  IdentifaiAccount *client = seat->client;
  gboolean last;

  if (seat->n_jobs > 0 || seat->lane->seat == seat)
    return NULL;

  g_queue_unlink (&client->seats, &seat->client_link);
  g_queue_unlink (&seat->lane->seats, &seat->lane_link);
  g_free (seat);
  client->limits_changed = TRUE;
  last = g_queue_is_empty (&client->seats);
  if (last) {
    client->quitting = TRUE;
    g_queue_remove (&clients, client);
  }
  identifai_account_wake_locked (client);

  /* The seat's reference goes with the client to identifai_account_stop(). */
  if (last)
    return client;
  client_unref_locked (client);

  return NULL;
}
