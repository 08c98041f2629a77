/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client against a server that misbehaves by table. Delays between attempts
 * are a hundredth of what they are in real life; limits and timeouts are real.
 */

#include <gst/check/gstcheck.h>
#include <glib/gstdio.h>
#include "clientrows.h"
#include "identifaibackoff.h"
#include "identifaiclient.h"

#define TIME_SCALE 0.01
#define PATIENCE (20 * G_TIME_SPAN_SECOND)
#define KEY "key-one"

/* What the callbacks of a lane were told. Jobs are their numbers from 1. */
typedef struct
{
  GMutex lock;
  GCond changed;
  guint n_submitted, n_finished, n_freed, n_attempts;
  IdentifaiReason reason;       /* of the latest outcome */
  guint http_status;
  gchar *message;
  gchar *identifier;
  gchar *classification;
  GString *attempts;            /* texts of the failed ones */
  guint finished[1000];         /* how often, by job */
} Log;

static void
log_init (Log * log)
{
  memset (log, 0, sizeof (Log));
  g_mutex_init (&log->lock);
  g_cond_init (&log->changed);
  log->attempts = g_string_new (NULL);
}

static void
log_clear (Log * log)
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
  Log *log = user_data;

  g_mutex_lock (&log->lock);
  log->n_submitted++;
  fail_unless (identifier != NULL);
  fail_unless (GST_CLOCK_TIME_IS_VALID (upload_time));
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

static void
on_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  Log *log = user_data;

  g_mutex_lock (&log->lock);
  log->n_finished++;
  log->finished[GPOINTER_TO_UINT (data)]++;
  log->reason = outcome->reason;
  log->http_status = outcome->http_status;
  g_free (log->message);
  log->message = g_strdup (outcome->message);
  g_free (log->identifier);
  log->identifier = g_strdup (outcome->identifier);
  g_free (log->classification);
  log->classification = outcome->result ?
      g_strdup (outcome->result->classification) : NULL;
  fail_unless_equals_int (outcome->reason == IDENTIFAI_REASON_NONE,
      outcome->result != NULL
      && outcome->result->state == IDENTIFAI_RESULT_FINAL);
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

static void
on_attempted (IdentifaiCall call, IdentifaiReason reason, guint http_status,
    const gchar * message, gpointer user_data)
{
  Log *log = user_data;

  g_mutex_lock (&log->lock);
  log->n_attempts++;
  fail_unless_equals_int (reason != IDENTIFAI_REASON_NONE, message != NULL);
  if (message)
    g_string_append_printf (log->attempts, "%s\n", message);
  g_cond_broadcast (&log->changed);
  g_mutex_unlock (&log->lock);
}

static const IdentifaiLaneCallbacks callbacks = {
  on_submitted, on_finished, on_attempted
};

/* FALSE after PATIENCE. */
static gboolean
log_wait (Log * log, const guint * counter, guint count)
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

/* Requests. */

static IdentifaiRequest *
make_request (gsize size)
{
  IdentifaiBytes *file = identifai_bytes_new ();
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  IdentifaiRequest *request;

  gst_buffer_memset (buffer, 0, 0x55, size);
  identifai_bytes_write (file, buffer);
  gst_buffer_unref (buffer);
  request = identifai_request_new (file, "segment-00000.mp4", "video/mp4");

  return request;
}

static Log *count_freed_in;

static void
count_freed (gpointer data)
{
  g_mutex_lock (&count_freed_in->lock);
  count_freed_in->n_freed++;
  g_mutex_unlock (&count_freed_in->lock);
}

static void
push (IdentifaiLane * lane, guint number, gsize size)
{
  IdentifaiRequest *request = make_request (size);

  identifai_lane_push (lane, request, GUINT_TO_POINTER (number), count_freed);
  identifai_request_unref (request);
}

/* The table. */

static void
fill_settings (const ClientRow * row, IdentifaiClientSettings * settings)
{
  settings->retries = row->retries;
  settings->timeout = row->timeout ? row->timeout : 20;
  settings->poll_interval = row->poll_interval * GST_MSECOND;
  settings->verdict_timeout = row->verdict_timeout ?
      row->verdict_timeout * GST_MSECOND : 20 * GST_SECOND;
  settings->user_agent = (gchar *) "identifai-test/1";
}

static void
check_outcome (const ClientRow * row, const Log * log)
{
  fail_unless_equals_string (identifai_reason_to_string (log->reason),
      identifai_reason_to_string (row->reason));
  fail_unless (!row->message || (log->message
          && strstr (log->message, row->message)),
      "\"%s\" is not in the message \"%s\"", row->message, log->message);
  fail_unless (!row->attempt || strstr (log->attempts->str, row->attempt),
      "\"%s\" is not in the attempts \"%s\"", row->attempt, log->attempts->str);
  fail_unless_equals_string (log->classification,
      row->reason == IDENTIFAI_REASON_NONE ? "human" : NULL);
  fail_unless (!row->no_attempt || !strstr (log->attempts->str,
          row->no_attempt), "\"%s\" is in the attempts \"%s\"",
      row->no_attempt, log->attempts->str);
  if (row->http_status > 0)
    fail_unless_equals_int (log->http_status, row->http_status);
  fail_unless_equals_int (log->n_finished, 1);
  fail_unless_equals_int (log->n_freed, 1);
  fail_unless (!log->message || !strstr (log->message, KEY));
  fail_unless (!strstr (log->attempts->str, KEY));
}

static void
check_requests (const ClientRow * row, FaultServer * server,
    const IdentifaiLaneStats * stats)
{
  const guint expected[FAULT_N_CALLS] = {
    [FAULT_POST] = row->posts,
    [FAULT_GET] = row->gets,
    [FAULT_BATCH] = row->batches,
    [FAULT_PLAIN] = row->plains,
  };
  const FaultRequest *request;
  guint call, count, i;

  if (!server)
    return;

  for (call = 0; call < FAULT_N_CALLS; call++) {
    count = fault_server_count (server, call);
    fail_unless (expected[call] == ANY || expected[call] == count,
        "%u requests of call %u, not %u", count, call, expected[call]);
    for (i = 0; (request = fault_server_get (server, call, i)); i++)
      fail_unless (request->key != NULL);
  }
  if (!row->deaf && !row->endpoint)
    fail_unless_equals_uint64 (stats->post_requests,
        fault_server_count (server, FAULT_POST));
  fail_unless_equals_uint64 (stats->get_requests,
      fault_server_count (server, FAULT_GET)
      + fault_server_count (server, FAULT_BATCH)
      + fault_server_count (server, FAULT_PLAIN));
  fail_unless_equals_int (stats->in_flight, 0);
}

static void
push_row (const ClientRow * row, IdentifaiLane * lane)
{
  IdentifaiRequest *request = make_request (row->size ? row->size : 1000);

  request->no_cache = row->no_cache;
  request->accept_text = row->accept_text;
  request->heuristic = g_strdup (row->heuristic);
  identifai_lane_push (lane, request, GUINT_TO_POINTER (1), count_freed);
  identifai_request_unref (request);
}

static gchar *
write_key_file (const gchar * key)
{
  gchar *path = NULL;
  int fd = g_file_open_tmp ("identifai-key-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  close (fd);
  fail_unless (g_file_set_contents (path, key, -1, NULL));

  return path;
}

static void
run_row (const ClientRow * row)
{
  IdentifaiClientSettings settings = { 0, };
  IdentifaiLaneStats stats;
  FaultServer *server;
  IdentifaiLane *lane;
  gint64 started = g_get_monotonic_time ();
  Log log;

  GST_INFO ("row: %s", row->name);
  server = row->deaf ? fault_server_new_deaf () :
      fault_server_new (row->steps, G_N_ELEMENTS (row->steps));
  fault_server_set_key (server, row->server_key);
  fill_settings (row, &settings);
  settings.endpoint = row->endpoint ? g_strdup (row->endpoint) :
      fault_server_get_url (server);
  settings.api_key_file = write_key_file (KEY "\n");
  if (row->gone)
    g_clear_pointer (&server, fault_server_free);

  log_init (&log);
  count_freed_in = &log;
  lane = identifai_lane_new (&settings, &callbacks, &log, NULL);
  fail_unless (lane != NULL);
  if (row->new_key)
    fail_unless (g_file_set_contents (settings.api_key_file, row->new_key, -1,
            NULL));
  push_row (row, lane);
  fail_unless (log_wait (&log, &log.n_finished, 1), "no outcome: %s",
      log.attempts->str);
  identifai_lane_get_stats (lane, &stats);
  identifai_lane_close (lane);

  check_outcome (row, &log);
  check_requests (row, server, &stats);
  fail_unless (g_get_monotonic_time () - started
      >= row->min_ms * G_TIME_SPAN_MILLISECOND);

  g_clear_pointer (&server, fault_server_free);
  g_unlink (settings.api_key_file);
  g_free (settings.endpoint);
  g_free (settings.api_key_file);
  log_clear (&log);
}

GST_START_TEST (test_row)
{
  run_row (&client_rows[__i__]);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (TIME_SCALE);
}

static Suite *
client_suite (void)
{
  Suite *suite = suite_create ("client");
  TCase *rows = tcase_create ("rows");

  tcase_add_checked_fixture (rows, setup, NULL);
  tcase_add_loop_test (rows, test_row, 0, n_client_rows);
  suite_add_tcase (suite, rows);

  return suite;
}

GST_CHECK_MAIN (client);
