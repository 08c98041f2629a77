/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Clients: what their users call, and what becomes of it on the network thread.
 */

#include "clientprivate.h"
#include "clientsettings.h"
#include "boundedread.h"
#include "keyfile.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long a whole upload's answer is waited for by who doesn't need it, in µs. */
#define ANSWER_PATIENCE (5 * G_TIME_SPAN_SECOND)

static gboolean renew_key (IdentifaiQueue * refused);

/* Before the work, while there still is somebody to tell. */

/* The key, or who calls without one. */
static gchar *
find_account_id (const IdentifaiClientSettings * settings, GError ** error)
{
  gchar *id;

  if (settings->api_key && settings->api_key[0])
    return identifai_key_check (settings->api_key, error);
  if (settings->api_key_file && settings->api_key_file[0])
    return identifai_key_file_read (settings->api_key_file, error);

  id = identifai_client_get_keyless_account (settings->extra_headers);
  if (id == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "no API key: set IDENTIFAI_API_KEY or IDENTIFAI_API_KEY_FILE in the "
        "environment, or the property api-key or api-key-file (or, where a "
        "gateway has the key, extra-headers with what authorises there)");

  return id;
}

static gboolean
check_tls (const gchar * endpoint, GError ** error)
{
  if (!g_str_has_prefix (endpoint, "https:")
      || g_tls_backend_supports_tls (g_tls_backend_get_default ()))
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "https needs GIO's TLS module: install the package glib-networking");

  return FALSE;
}

/* An IdentifaiReadFunc. */
static gpointer
read_authorities (const gchar * path, GError ** error)
{
  return g_tls_file_database_new (path, error);
}

static gboolean
load_authorities (const gchar * path, GTlsDatabase ** authorities,
    GError ** error)
{
  *authorities = path != NULL ? identifai_bounded_read (path, read_authorities,
      g_object_unref, IDENTIFAI_READ_PATIENCE, error) : NULL;
  if (path != NULL && *authorities == NULL)
    g_prefix_error (error, "tls-ca-file %s can't be used: ", path);

  return path == NULL || *authorities != NULL;
}

/* Clients with the same text share an account's transport. */
static gchar *
make_transport_key (const IdentifaiClientSettings * settings)
{
  const gchar *proxy = settings->proxy ? settings->proxy : "";
  const gchar *agent = settings->user_agent ? settings->user_agent : "";
  const gchar *ca_file = settings->tls_ca_file ? settings->tls_ca_file : "";

  return g_strdup_printf ("%u\n%s\n%s\n%s", settings->timeout, proxy, agent,
      ca_file);
}

static void
on_open (IdentifaiClient * self, gpointer argument)
{
  const IdentifaiClientSettings *settings = &self->settings;

  GST_DEBUG_ID (settings->name, "calls %s: timeout %u s, %d retries, poll "
      "interval %" GST_TIME_FORMAT ", verdict timeout %" GST_TIME_FORMAT,
      settings->endpoint, settings->timeout, settings->retries,
      GST_TIME_ARGS (settings->poll_interval),
      GST_TIME_ARGS (settings->verdict_timeout));
  self->queue = identifai_queue_get (self, self->settings.api_key);
}

IdentifaiClient *
identifai_client_new (const IdentifaiClientSettings * settings,
    const IdentifaiClientCallbacks * callbacks, gpointer user_data,
    GError ** error)
{
  GTlsDatabase *authorities = NULL;
  IdentifaiNetwork *network;
  IdentifaiClient *self;
  gchar *id = NULL;

  if (!identifai_client_check_settings (settings, error)
      || (id = find_account_id (settings, error)) == NULL
      || !check_tls (settings->endpoint, error)
      || !load_authorities (settings->tls_ca_file, &authorities, error)
      || (network = identifai_network_get (error)) == NULL) {
    GST_DEBUG_ID (settings->name, "no client: %s", error != NULL
        && *error != NULL ? (*error)->message : "it can't be made");
    g_clear_object (&authorities);
    g_free (id);
    return NULL;
  }

  GST_DEBUG_ID (settings->name, "a client, %s",
      settings->api_key != NULL ? "with a key of its own" :
      settings->api_key_file != NULL ? "with a key from a file" :
      "without a key");
  self = g_new0 (IdentifaiClient, 1);
  self->refcount = 1;
  identifai_client_settings_copy (settings, &self->settings);
  if (self->settings.name == NULL)
    self->settings.name = g_strdup ("client");
  g_free (self->settings.api_key);
  self->settings.api_key = id;
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->tls_database = authorities;
  self->transport_key = make_transport_key (settings);
  g_rec_mutex_init (&self->calling);
  g_mutex_init (&self->lock);
  self->network = network;
  self->renew_key = renew_key;
  identifai_demand_join (&self->demand, self->settings.endpoint, id);
  identifai_client_send (self, on_open, NULL, NULL);

  return self;
}

void
identifai_client_set_demand (IdentifaiClient * self, gdouble per_minute,
    IdentifaiDemand * all)
{
  identifai_demand_set (&self->demand, per_minute, all);
}

/* Keys. */

/* Takes over key. */
static void
change_key (IdentifaiClient * self, gchar * key)
{
  IdentifaiQueue *from = self->queue;

  g_free (self->settings.api_key);
  self->settings.api_key = key;
  self->queue = identifai_queue_get (self, key);
  if (self->queue == from)
    return;
  /* What the file had when the one before was refused is of no interest. */
  self->reads_key = FALSE;
  /* Who closes leaves, after that. */
  g_mutex_lock (&self->lock);
  if (!self->closed)
    identifai_demand_join (&self->demand, self->settings.endpoint, key);
  g_mutex_unlock (&self->lock);

  GST_INFO_ID (self->settings.name, "calls with another key from now on; %u "
      "jobs are under way with the old one", from->n_jobs);
  identifai_queue_check (from);
}

/* The one of now was refused: what waits to be sent would only be refused, too. */
static void
replace_key (IdentifaiClient * self, gchar * key)
{
  IdentifaiQueue *refused = self->queue;
  gboolean waits = refused->n_jobs > 0;

  change_key (self, key);
  if (waits)
    identifai_queue_move_waiting (refused);
}

static void
on_set_key (IdentifaiClient * self, gpointer key)
{
  GST_DEBUG_ID (self->settings.name, "is given a key");
  if (self->reads_key)
    replace_key (self, key);
  else
    change_key (self, key);
}

void
identifai_client_set_key (IdentifaiClient * self, const gchar * api_key)
{
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
    GST_WARNING_ID (self->settings.name, "the key is unchanged: %s",
        error->message);
    g_error_free (error);
  } else {
    identifai_client_send (self, on_set_key, key, g_free);
  }
}

/* key: NULL if there is none. */
static void
on_late_key (IdentifaiClient * self, gpointer key)
{
  gboolean wanted = self->reads_key;

  self->reads_key = FALSE;
  GST_DEBUG_ID (self->settings.name, "the key file was read at last, %s%s",
      key != NULL ? "with a key" : "in vain", wanted ? "" :
      "; another was set meanwhile");
  if (key == NULL || !wanted || g_str_equal (key, self->settings.api_key))
    g_free (key);
  else
    replace_key (self, key);
}

/* On the thread that read it. */
static void
bring_late_key (gpointer key, gpointer user_data)
{
  IdentifaiClient *self = user_data;

  identifai_client_send (self, on_late_key, key, g_free);
  identifai_client_unref (self);
}

/* The network thread, of all clients, waits for no disk. */
static gchar *
read_key_soon (IdentifaiClient * self, GError ** error)
{
  IdentifaiLateRead late = { bring_late_key, identifai_client_ref (self) };
  gchar *key = identifai_key_file_read_or_late (self->settings.api_key_file,
      &late, error);

  self->reads_key = late.expected;
  if (!late.expected)
    identifai_client_unref (self);

  return key;
}

/* The key of the file, if it isn't the one that was refused. */
static gchar *
read_other_key (IdentifaiClient * self, const gchar * refused)
{
  GError *error = NULL;
  gchar *key;

  if (!self->settings.api_key_file || self->reads_key)
    return NULL;

  key = read_key_soon (self, &error);
  if (!key) {
    if (self->reads_key)
      GST_INFO_ID (self->settings.name, "the key file takes long to read");
    else
      GST_WARNING_ID (self->settings.name, "no new key: %s", error->message);
    g_error_free (error);
  } else if (g_str_equal (key, refused)) {
    GST_DEBUG_ID (self->settings.name, "the file still has the key that was "
        "refused");
    g_clear_pointer (&key, g_free);
  }

  return key;
}

static gboolean
renew_key (IdentifaiQueue * refused)
{
  IdentifaiClient *self = refused->client;
  gchar *key;

  GST_DEBUG_ID (self->settings.name, "the key was refused%s",
      refused == self->queue ? "" : ", there is another by now");
  if (refused == self->queue) {
    key = read_other_key (self, refused->account->id);
    if (!key)
      return FALSE;
    /* Who calls this is still there, and so the queue. What waits to be sent with
     * the old key would only be refused, too. */
    change_key (self, key);
    identifai_queue_move_waiting (refused);
  }

  return self->queue != refused;
}

/* Headers. */

static void
on_set_headers (IdentifaiClient * self, gpointer headers)
{
  identifai_extra_headers_unref (self->settings.extra_headers);
  self->settings.extra_headers = headers;
  GST_DEBUG_ID (self->settings.name, "sends other extra headers from now on");
}

void
identifai_client_set_headers (IdentifaiClient * self,
    IdentifaiExtraHeaders * headers)
{
  identifai_client_send (self, on_set_headers,
      identifai_extra_headers_ref (headers),
      (GDestroyNotify) identifai_extra_headers_unref);
}

/* Jobs. */

static void
on_queue (IdentifaiClient * self, gpointer argument)
{
  IdentifaiJob *job = argument;

  job->number = self->next_number++;
  job->queue = self->queue;
  job->queue->n_jobs++;
  if (job->identifier != NULL)
    identifai_job_wait (job);
  else if (job->early == NULL
      || !identifai_early_upload_join (g_steal_pointer (&job->early), job))
    identifai_job_queue (job, 0);
}

/* upload: the call that began before, which is taken over; or NULL. */
static void
submit (IdentifaiClient * self,
    IdentifaiRequest * request, IdentifaiEarlyUpload * upload, gpointer data,
    GDestroyNotify free_data)
{
  IdentifaiJob *job = identifai_job_new (self, request, data, free_data);

  job->early = upload;
  if (request->identifier != NULL)
    GST_DEBUG_ID (self->settings.name, "segment %u is resumed: %s",
        request->segment, request->identifier);
  else
    GST_DEBUG_ID (self->settings.name,
        "segment %u is submitted, %" G_GUINT64_FORMAT " bytes",
        request->segment, identifai_memory_file_get_size (request->file));
  g_mutex_lock (&self->lock);
  g_queue_push_tail_link (&self->jobs, &job->link);
  identifai_client_send_locked (self, on_queue, identifai_job_ref (job));
  g_mutex_unlock (&self->lock);
}

void
identifai_client_submit (IdentifaiClient * self, IdentifaiRequest * request,
    gpointer data, GDestroyNotify free_data)
{
  submit (self, request, NULL, data, free_data);
}

void
identifai_early_upload_submit (IdentifaiEarlyUpload * self,
    IdentifaiMemoryFile * file, gpointer data, GDestroyNotify free_data)
{
  self->request->file = identifai_memory_file_ref (file);
  submit (self->client, self->request, self, data, free_data);
}

static void
on_remove (IdentifaiClient * self, gpointer argument)
{
  IdentifaiJob *job = argument;

  identifai_job_remove (job);
  identifai_job_unref (job);
}

/* From its user, and has the network thread forget it. */
static IdentifaiHeld
take_back_locked (IdentifaiClient * self, IdentifaiJob * job)
{
  identifai_client_send_locked (self, on_remove, identifai_job_ref (job));

  return identifai_job_close_locked (job);
}

/* Of an upload that is under way: a service that has all of it may answer soon. */
static gboolean
may_break_off_locked (IdentifaiJob * job)
{
  const IdentifaiRequest *request = job->held.request;

  return request != NULL && request->identifier == NULL
      && (job->whole_at == 0
      || identifai_clock_now () - job->whole_at >=
      identifai_backoff_scale (ANSWER_PATIENCE));
}

static gboolean
take_back (IdentifaiClient * self, gpointer data, gboolean breaks_off,
    gboolean * maybe_taken)
{
  IdentifaiHeld held = { NULL, };
  IdentifaiJob *job = NULL;
  GList *walk;

  g_mutex_lock (&self->lock);
  for (walk = self->jobs.head; walk; walk = walk->next) {
    job = walk->data;
    if (job->held.data == data && (!job->sent
            || (breaks_off && may_break_off_locked (job))))
      break;
  }
  if (walk != NULL && maybe_taken != NULL)
    *maybe_taken = job->maybe_taken || job->whole_at != 0;
  if (walk != NULL)
    held = take_back_locked (self, job);
  g_mutex_unlock (&self->lock);

  identifai_held_drop (&held);

  return walk != NULL;
}

gboolean
identifai_client_withdraw (IdentifaiClient * self, gpointer data,
    gboolean * maybe_taken)
{
  return take_back (self, data, FALSE, maybe_taken);
}

gboolean
identifai_client_abandon (IdentifaiClient * self, gpointer data,
    gboolean * maybe_taken)
{
  return take_back (self, data, TRUE, maybe_taken);
}

static void
on_set_first (IdentifaiClient * self, gpointer first)
{
  GList *walk;

  self->first = GPOINTER_TO_INT (first);
  GST_DEBUG_ID (self->settings.name, "its jobs %s", self->first ?
      "go before all others of the key" : "take turns with others");
  for (walk = self->queues.head; walk; walk = walk->next)
    identifai_queue_turn (walk->data);
}

void
identifai_client_set_first (IdentifaiClient * self, gboolean first)
{
  identifai_client_send (self, on_set_first, GINT_TO_POINTER (first), NULL);
}

static void
on_look (IdentifaiClient * self, gpointer identifier)
{
  GList *walk;
  guint kind;

  for (walk = self->queues.head; walk; walk = walk->next) {
    IdentifaiAccount *account = ((IdentifaiQueue *) walk->data)->account;

    for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++)
      identifai_poller_look (account->pollers[kind], identifier);
  }
  g_free (identifier);
}

void
identifai_client_look (IdentifaiClient * self, const gchar * identifier)
{
  identifai_client_send (self, on_look, g_strdup (identifier), g_free);
}

void
identifai_client_get_stats (IdentifaiClient * self,
    IdentifaiClientStats * stats)
{
  GList *item;

  g_mutex_lock (&self->lock);
  *stats = self->stats;
  for (item = self->jobs.head; item != NULL; item = item->next) {
    const IdentifaiJob *job = item->data;

    if (job->sent && job->held.request != NULL)
      stats->bytes_sending += identifai_request_get_sent (job->held.request);
  }
  stats->bytes_sending += identifai_early_uploads_count_sent_locked (self);
  g_mutex_unlock (&self->lock);
}

/* The end. */

/* Its jobs were removed before. */
static void
on_close (IdentifaiClient * self, gpointer argument)
{
  GList *walk, *next;

  GST_LOG_ID (self->settings.name, "leaves %u accounts", self->queues.length);
  /* A queue goes with its last call, unless it is the current one. */
  for (walk = self->queues.head; walk; walk = next) {
    IdentifaiAccount *account = ((IdentifaiQueue *) walk->data)->account;

    next = walk->next;
    identifai_service_calls_drop (account, self);
    identifai_early_uploads_drop (account, self);
  }
  self->queue = NULL;
  for (walk = self->queues.head; walk; walk = next) {
    next = walk->next;
    identifai_queue_check (walk->data);
  }
}

static void
end_jobs (IdentifaiClient * self, gboolean close)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (IdentifaiHeld));
  IdentifaiHeld held;
  guint i;

  /* While this is held no callback runs, unless it is on this thread. */
  g_rec_mutex_lock (&self->calling);
  g_mutex_lock (&self->lock);
  while (self->jobs.head) {
    held = take_back_locked (self, self->jobs.head->data);
    g_array_append_val (all, held);
  }
  if (close) {
    self->closed = TRUE;
    identifai_client_send_locked (self, on_close, NULL);
  }
  g_mutex_unlock (&self->lock);
  g_rec_mutex_unlock (&self->calling);

  GST_DEBUG_ID (self->settings.name, "%s, with %u jobs", close ? "closed" :
      "cancelled", all->len);
  for (i = 0; i < all->len; i++)
    identifai_held_drop (&g_array_index (all, IdentifaiHeld, i));
  g_array_unref (all);
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
  identifai_demand_leave (&self->demand);
  identifai_network_release (self->network);
  identifai_client_unref (self);
}
