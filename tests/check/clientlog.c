/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "clientlog.h"
#include "network.h"

#define PATIENCE (30 * G_TIME_SPAN_SECOND)

/* A job's data. */
typedef struct
{
  ClientLog *log;
  guint number;
} Ticket;

void
client_log_init (ClientLog * log)
{
  memset (log, 0, sizeof (ClientLog));
  g_mutex_init (&log->lock);
  g_cond_init (&log->changed);
  log->attempts = g_string_new (NULL);
}

void
client_log_clear (ClientLog * log)
{
  g_mutex_clear (&log->lock);
  g_cond_clear (&log->changed);
  g_free (log->message);
  g_free (log->identifier);
  g_free (log->classification);
  g_string_free (log->attempts, TRUE);
}

static void
on_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  ClientLog *log = user_data;

  g_mutex_lock (&log->lock);
  log->n_submitted++;
  fail_unless (identifier != NULL);
  fail_unless (GST_CLOCK_TIME_IS_VALID (upload_time));
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

static void
replace (gchar ** text, const gchar * by)
{
  g_free (*text);
  *text = g_strdup (by);
}

static void
on_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  ClientLog *log = user_data;
  Ticket *ticket = data;

  g_mutex_lock (&log->lock);
  log->n_finished++;
  log->finished[ticket->number]++;
  log->finished_at[ticket->number] = g_get_monotonic_time ();
  log->reason = outcome->reason;
  log->http_status = outcome->http_status;
  replace (&log->message, outcome->message);
  replace (&log->identifier, outcome->identifier);
  replace (&log->classification,
      outcome->result ? outcome->result->classification : NULL);
  fail_unless_equals_int (outcome->reason == IDENTIFAI_REASON_NONE,
      outcome->result != NULL
      && outcome->result->state == IDENTIFAI_RESULT_FINAL);
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

static void
on_attempted (IdentifaiCall call, IdentifaiReason reason, guint http_status,
    const gchar * message, gint64 retry_in, gpointer user_data)
{
  ClientLog *log = user_data;

  g_mutex_lock (&log->lock);
  log->n_attempts++;
  fail_unless_equals_int (reason != IDENTIFAI_REASON_NONE, message != NULL);
  if (message)
    g_string_append_printf (log->attempts, "%s\n", message);
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

const IdentifaiClientCallbacks client_log_callbacks = {
  on_submitted, on_finished, on_attempted
};

gboolean
client_log_wait (ClientLog * log, const guint * counter, guint count)
{
  gint64 until = g_get_monotonic_time () + PATIENCE;
  gboolean reached;

  g_mutex_lock (&log->lock);
  while (*counter < count
      && g_cond_wait_until (&log->changed, &log->lock, until));
  reached = *counter >= count;
  g_mutex_unlock (&log->lock);

  return reached;
}

gboolean
client_log_has_attempt (ClientLog * log, const gchar * text)
{
  gboolean found;

  g_mutex_lock (&log->lock);
  found = strstr (log->attempts->str, text) != NULL;
  g_mutex_unlock (&log->lock);

  return found;
}

static void
ticket_free (gpointer data)
{
  Ticket *ticket = data;
  ClientLog *log = ticket->log;

  g_mutex_lock (&log->lock);
  log->n_freed++;
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
  g_free (ticket);
}

IdentifaiRequest *
client_log_request (gsize size)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, 0x55, size);
  identifai_memory_file_write (file, buffer);
  gst_buffer_unref (buffer);

  return identifai_request_new (file, "segment-00000.mp4", "video/mp4");
}

void
client_log_push (ClientLog * log, IdentifaiClient * client,
    IdentifaiRequest * request, guint number)
{
  Ticket *ticket = g_new (Ticket, 1);

  ticket->log = log;
  ticket->number = number;
  identifai_client_submit (client, request, ticket, ticket_free);
}

void
client_log_push_new (ClientLog * log, IdentifaiClient * client, guint number,
    gsize size)
{
  IdentifaiRequest *request = client_log_request (size);

  client_log_push (log, client, request, number);
  identifai_request_unref (request);
}

void
client_log_fill_settings (IdentifaiClientSettings * settings, gchar * endpoint,
    const gchar * api_key)
{
  memset (settings, 0, sizeof (IdentifaiClientSettings));
  settings->endpoint = endpoint;
  settings->api_key = g_strdup (api_key);
  settings->user_agent = g_strdup ("identifai-test/1");
  settings->timeout = 20;
  settings->verdict_timeout = 20 * GST_SECOND;
}

guint
client_log_count_threads (void)
{
  GDir *dir = g_dir_open ("/proc/self/task", 0, NULL);
  const gchar *name;
  guint count = 0;

  while (dir && (name = g_dir_read_name (dir))) {
    gchar *path = g_strdup_printf ("/proc/self/task/%s/comm", name);
    gchar *comm = NULL;

    if (g_file_get_contents (path, &comm, NULL, NULL)
        && g_str_has_prefix (comm, "identifai-net"))
      count++;
    g_free (comm);
    g_free (path);
  }
  g_clear_pointer (&dir, g_dir_close);

  return count;
}

static gboolean
wait_for (guint (*get_count) (void), guint count)
{
  gint64 until = g_get_monotonic_time () + PATIENCE;

  while (get_count () != count) {
    if (g_get_monotonic_time () > until)
      return FALSE;
    g_usleep (1000);
  }

  return TRUE;
}

gboolean
client_log_wait_for_threads (guint count)
{
  return wait_for (client_log_count_threads, count);
}

gboolean
client_log_wait_for_accounts (guint count)
{
  return wait_for (identifai_network_count_accounts, count);
}
