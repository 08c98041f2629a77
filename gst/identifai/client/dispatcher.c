/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Accounts, one an endpoint and key: each comes with the first client's queue, runs all
 * that it has to do in its order, and goes with the last queue.
 */

#include "clientprivate.h"
#include "clientsettings.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

static gint n_accounts;         /* atomic */

guint
identifai_network_count_accounts (void)
{
  return g_atomic_int_get (&n_accounts);
}

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

  return identifai_queue_new (account, client);
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
