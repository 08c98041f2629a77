/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lanes: what their users call, and the way back to them.
 */

#include "clientprivate.h"
#include "clientsettings.h"
#include "keyfile.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* Before the work, while there still is somebody to tell. */

/* The key, or who calls without one. */
static gchar *
find_account (const IdentifaiClientSettings * settings, GError ** error)
{
  gchar *account;

  if (settings->api_key && settings->api_key[0])
    return identifai_key_check (settings->api_key, error);
  if (settings->api_key_file && settings->api_key_file[0])
    return identifai_key_file_read (settings->api_key_file, error);

  account = identifai_client_get_keyless_account (settings->extra_headers);
  if (account == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "no API key: set IDENTIFAI_API_KEY or IDENTIFAI_API_KEY_FILE in the "
        "environment, or the property api-key or api-key-file (or, where a "
        "gateway has the key, extra-headers with what authorises there)");

  return account;
}

static gboolean
load_authorities (IdentifaiClient * self, GError ** error)
{
  const gchar *path = self->settings.tls_ca_file;

  if (!path)
    return TRUE;

  self->tls_database = g_tls_file_database_new (path, error);
  if (!self->tls_database)
    g_prefix_error (error, "tls-ca-file %s can't be used: ", path);

  return self->tls_database != NULL;
}

static gboolean
check_tls (IdentifaiClient * self, GError ** error)
{
  if (!g_str_has_prefix (self->settings.endpoint, "https:")
      || g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "https needs GIO's TLS module: install the package glib-networking");

  return FALSE;
}

/* Lanes with the same text share a transport. */
static gchar *
make_transport_key (const IdentifaiClientSettings * settings)
{
  const gchar *proxy = settings->proxy ? settings->proxy : "";
  const gchar *agent = settings->user_agent ? settings->user_agent : "";
  const gchar *ca_file = settings->tls_ca_file ? settings->tls_ca_file : "";

  return g_strdup_printf ("%u\n%s\n%s\n%s", settings->timeout, proxy, agent,
      ca_file);
}

void
identifai_client_unref_locked (IdentifaiClient * self)
{
  if (--self->refcount > 0)
    return;

  identifai_client_settings_clear (&self->settings);
  g_clear_object (&self->tls_database);
  g_free (self->transport_key);
  g_cond_clear (&self->callers);
  g_free (self);
}

IdentifaiClient *
identifai_client_ref (IdentifaiClient * self)
{
  identifai_account_lock ();
  self->refcount++;
  identifai_account_unlock ();

  return self;
}

void
identifai_client_unref (IdentifaiClient * self)
{
  identifai_account_lock ();
  identifai_client_unref_locked (self);
  identifai_account_unlock ();
}

IdentifaiClient *
identifai_client_new (const IdentifaiClientSettings * settings,
    const IdentifaiClientCallbacks * callbacks, gpointer user_data,
    GError ** error)
{
  IdentifaiClient *self;
  gboolean usable;
  gchar *key;

  if (!identifai_client_check_settings (settings, error))
    return NULL;
  key = find_account (settings, error);
  if (!key)
    return NULL;

  self = g_new0 (IdentifaiClient, 1);
  self->refcount = 1;
  identifai_client_settings_copy (settings, &self->settings);
  g_free (self->settings.api_key);
  self->settings.api_key = key;
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->transport_key = make_transport_key (settings);
  g_cond_init (&self->callers);

  usable = check_tls (self, error) && load_authorities (self, error);

  identifai_account_lock ();
  if (usable)
    self->seat = identifai_seat_take_locked (self, key);
  else
    identifai_client_unref_locked (self);
  identifai_account_unlock ();

  return usable ? self : NULL;
}

/* Keys. */

/* Takes over key. Returns a client to stop. */
static IdentifaiAccount *
change_key_locked (IdentifaiClient * self, gchar * key)
{
  IdentifaiSeat *from = self->seat;

  g_free (self->settings.api_key);
  self->settings.api_key = key;
  self->seat = identifai_seat_take_locked (self, key);

  return from != self->seat ? identifai_seat_leave_locked (from) : NULL;
}

void
identifai_client_set_key (IdentifaiClient * self, const gchar * api_key)
{
  IdentifaiAccount *stop = NULL;
  GError *error = NULL;
  gchar *key;

  if (api_key && api_key[0])
    key = identifai_key_check (api_key, &error);
  else if (self->settings.api_key_file)
    key = identifai_key_file_read (self->settings.api_key_file, &error);
  else
    return;

  if (!key) {
    /* The service's answer to the old key will tell the user. */
    GST_WARNING ("the key is unchanged: %s", error->message);
    g_error_free (error);
    return;
  }

  identifai_account_lock ();
  if (!self->closed)
    stop = change_key_locked (self, g_steal_pointer (&key));
  identifai_account_unlock ();

  g_free (key);
  identifai_account_dismiss (stop);
}

/* Headers. */

void
identifai_client_set_headers (IdentifaiClient * self,
    IdentifaiExtraHeaders * headers)
{
  IdentifaiExtraHeaders *old;

  identifai_account_lock ();
  old = self->settings.extra_headers;
  self->settings.extra_headers = identifai_extra_headers_ref (headers);
  identifai_account_unlock ();

  identifai_extra_headers_unref (old);
}

IdentifaiExtraHeaders *
identifai_client_get_headers (IdentifaiClient * self)
{
  IdentifaiExtraHeaders *headers;

  identifai_account_lock ();
  headers = identifai_extra_headers_ref (self->settings.extra_headers);
  identifai_account_unlock ();

  return headers;
}

gboolean
identifai_client_shares_polls (IdentifaiClient * self, IdentifaiClient * other)
{
  gboolean shares;

  identifai_account_lock ();
  shares = g_str_equal (self->transport_key, other->transport_key)
      && identifai_extra_headers_equal (self->settings.extra_headers,
      other->settings.extra_headers);
  identifai_account_unlock ();

  return shares;
}

/* What waits to be sent with the old key would only be refused, too. */
static void
move_queued_locked (IdentifaiClient * self, IdentifaiSeat * from)
{
  GList *walk;

  for (walk = self->jobs.head; walk; walk = walk->next) {
    IdentifaiJob *job = walk->data;

    if (job->seat == from && (job->state == IDENTIFAI_JOB_QUEUED
            || job->state == IDENTIFAI_JOB_RETRY))
      identifai_job_move_locked (job);
  }
}

/* The key of the file, if it isn't the one that was refused. */
static gchar *
read_other_key (IdentifaiClient * self, const gchar * refused)
{
  GError *error = NULL;
  gchar *key;

  if (!self->settings.api_key_file)
    return NULL;

  key = identifai_key_file_read (self->settings.api_key_file, &error);
  if (!key) {
    GST_WARNING ("no new key: %s", error->message);
    g_error_free (error);
  } else if (g_str_equal (key, refused)) {
    g_clear_pointer (&key, g_free);
  }

  return key;
}

gboolean
identifai_client_renew_key (IdentifaiJob * job)
{
  IdentifaiClient *self = job->lane;
  IdentifaiSeat *refused;
  gboolean renewed;
  gchar *key = NULL;

  identifai_account_lock ();
  refused = job->seat;
  if (refused && refused == self->seat) {
    /* The job keeps its seat and the seat its client, unless it is closed. */
    const gchar *old = refused->client->account;

    identifai_account_unlock ();
    key = read_other_key (self, old);
    identifai_account_lock ();
  }
  /* The job itself still sits there, so no client is left to be stopped yet. */
  if (key && !self->closed && self->seat == refused) {
    change_key_locked (self, g_steal_pointer (&key));
    move_queued_locked (self, refused);
  }
  renewed = job->state != IDENTIFAI_JOB_GONE && self->seat != refused;
  identifai_account_unlock ();
  g_free (key);

  return renewed;
}

void
identifai_client_move_job (IdentifaiJob * job)
{
  IdentifaiAccount *stop = NULL;

  identifai_account_lock ();
  if (job->state != IDENTIFAI_JOB_GONE)
    stop = identifai_job_move_locked (job);
  identifai_account_unlock ();

  identifai_account_dismiss (stop);
}

/* Jobs. */

void
identifai_client_submit (IdentifaiClient * self, IdentifaiRequest * request,
    gpointer data, GDestroyNotify free_data)
{
  IdentifaiJob *job = g_new0 (IdentifaiJob, 1);

  job->refcount = 1;
  job->lane = self;
  job->data = data;
  job->free_data = free_data;
  job->request = identifai_request_ref (request);
  job->heuristic = g_strdup (request->heuristic);
  job->no_cache = request->no_cache;
  job->deadline = G_MAXINT64;
  job->link.data = job->queue_link.data = job->watch_link.data = job;

  identifai_account_lock ();
  self->refcount++;
  job->number = self->next_number++;
  job->seat = self->seat;
  job->seat->n_jobs++;
  g_queue_push_tail_link (&self->jobs, &job->link);
  identifai_job_queue_locked (job);
  identifai_account_unlock ();
}

static IdentifaiJob *
find_unsent_locked (IdentifaiClient * self, gpointer data)
{
  GList *walk;

  for (walk = self->jobs.head; walk; walk = walk->next) {
    IdentifaiJob *job = walk->data;

    if (job->data == data && (job->state == IDENTIFAI_JOB_QUEUED
            || job->state == IDENTIFAI_JOB_RETRY))
      return job;
  }

  return NULL;
}

gboolean
identifai_client_withdraw (IdentifaiClient * self, gpointer data)
{
  IdentifaiHoldings holdings = { NULL, };
  IdentifaiAccount *stop = NULL;
  IdentifaiSeat *seat;
  IdentifaiJob *job;

  identifai_account_lock ();
  job = find_unsent_locked (self, data);
  if (job) {
    seat = job->seat;
    identifai_job_take_holdings_locked (job, &holdings);
    identifai_job_remove_locked (job);
    stop = identifai_seat_leave_locked (seat);
  }
  identifai_account_unlock ();

  identifai_holdings_drop (&holdings);
  identifai_account_dismiss (stop);

  return job != NULL;
}

void
identifai_client_set_first (IdentifaiClient * self, gboolean first)
{
  GList *walk;

  identifai_account_lock ();
  self->first = first;
  for (walk = self->seats.head; walk; walk = walk->next) {
    IdentifaiSeat *seat = walk->data;

    if (seat->ready)
      identifai_seat_turn_locked (seat);
  }
  identifai_account_unlock ();
}

void
identifai_client_get_stats (IdentifaiClient * self,
    IdentifaiClientStats * stats)
{
  identifai_account_lock ();
  *stats = self->stats;
  identifai_account_unlock ();
}

/* Callbacks. A lane that has changed its key may have jobs at two clients, with
 * a thread each; only one of them at a time talks to the lane's user. */

gboolean
identifai_client_enter (IdentifaiJob * job)
{
  IdentifaiClient *self = job->lane;
  gboolean entered;

  identifai_account_lock ();
  while (self->caller && self->ending == 0)
    g_cond_wait (&self->callers, &identifai_account_mutex);
  entered = self->ending == 0 && job->state != IDENTIFAI_JOB_GONE;
  if (entered) {
    self->caller = g_thread_self ();
    self->called_for = job;
  }
  identifai_account_unlock ();

  return entered;
}

void
identifai_client_leave (IdentifaiJob * job)
{
  IdentifaiClient *self = job->lane;
  IdentifaiHoldings holdings = { NULL, };

  identifai_account_lock ();
  /* Cancelled from within the callback, which went on using the job's data. */
  if (job->state == IDENTIFAI_JOB_GONE)
    identifai_job_take_holdings_locked (job, &holdings);
  identifai_account_unlock ();

  identifai_holdings_drop (&holdings);

  identifai_account_lock ();
  self->caller = NULL;
  self->called_for = NULL;
  g_cond_broadcast (&self->callers);
  identifai_account_unlock ();
}

void
identifai_client_tell_attempt (IdentifaiJob * job, IdentifaiCall call,
    const IdentifaiAttempt * attempt)
{
  IdentifaiClient *self = job->lane;

  if (!identifai_client_enter (job))
    return;

  self->callbacks->attempted (call, attempt->reason, attempt->http_status,
      attempt->message, attempt->retry_in, self->user_data);
  identifai_client_leave (job);
}

/* The end. */

/* The job of a callback that this is called from keeps what it holds until that
 * returns. */
static void
remove_jobs_locked (IdentifaiClient * self, GArray * holdings)
{
  IdentifaiHoldings held;
  IdentifaiJob *job;

  while ((job = g_queue_peek_head (&self->jobs))) {
    if (job != self->called_for) {
      identifai_job_take_holdings_locked (job, &held);
      g_array_append_val (holdings, held);
    }
    identifai_job_remove_locked (job);
  }
}

/* All but the current one, if there is one. */
static void
leave_seats_locked (IdentifaiClient * self, GPtrArray * stop)
{
  GList *walk, *next;

  for (walk = self->seats.head; walk; walk = next) {
    IdentifaiAccount *client;

    next = walk->next;
    client = identifai_seat_leave_locked (walk->data);
    if (client)
      g_ptr_array_add (stop, client);
  }
}

/* Unlocks meanwhile. No other callback starts: those that wait for their turn
 * give up. */
static void
wait_for_callback_locked (IdentifaiClient * self)
{
  g_cond_broadcast (&self->callers);
  while (self->caller && self->caller != g_thread_self ())
    g_cond_wait (&self->callers, &identifai_account_mutex);
}

static void
end_jobs (IdentifaiClient * self, gboolean close)
{
  GArray *holdings = g_array_new (FALSE, FALSE, sizeof (IdentifaiHoldings));
  GPtrArray *stop = g_ptr_array_new ();
  guint i;

  identifai_account_lock ();
  self->closed |= close;
  self->ending++;
  wait_for_callback_locked (self);
  remove_jobs_locked (self, holdings);
  self->ending--;
  if (close)
    self->seat = NULL;
  leave_seats_locked (self, stop);
  if (close)
    identifai_client_unref_locked (self);
  identifai_account_unlock ();

  for (i = 0; i < holdings->len; i++)
    identifai_holdings_drop (&g_array_index (holdings, IdentifaiHoldings, i));
  for (i = 0; i < stop->len; i++)
    identifai_account_stop (g_ptr_array_index (stop, i));
  g_array_unref (holdings);
  g_ptr_array_unref (stop);
}

void
identifai_client_cancel (IdentifaiClient * self)
{
  end_jobs (self, FALSE);
}

void
identifai_client_close (IdentifaiClient * self)
{
  end_jobs (self, TRUE);
}
