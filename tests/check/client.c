/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client against a server that misbehaves by table. Delays between attempts
 * are a hundredth of what they are in real life; limits and timeouts are real.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <glib/gstdio.h>
#include "clientrows.h"
#include "backoff.h"
#include "clientworld.h"

#define TIME_SCALE 0.01
#define KEY "sk-one-5ecret"

static void
check_texts (const ClientRow * row, const ClientLog * log)
{
  const gchar *attempts = log->attempts->str;

  fail_unless (!row->message || (log->message
          && strstr (log->message, row->message)),
      "\"%s\" is not in the message \"%s\"", row->message, log->message);
  fail_unless (!row->no_message || !strstr (log->message, row->no_message),
      "\"%s\" is in the message \"%s\"", row->no_message, log->message);
  fail_unless (!row->attempt || strstr (attempts, row->attempt),
      "\"%s\" is not in the attempts \"%s\"", row->attempt, attempts);
  fail_unless (!row->no_attempt || !strstr (attempts, row->no_attempt),
      "\"%s\" is in the attempts \"%s\"", row->no_attempt, attempts);
  fail_unless (!log->message || !strstr (log->message, KEY));
  fail_unless (!strstr (attempts, KEY));
  fail_unless (!log->message || !strstr (log->message, "5ecret"));
  fail_unless (!strstr (attempts, "5ecret"));
}

static void
check_outcome (const ClientRow * row, const ClientLog * log)
{
  fail_unless (log->reason == row->reason, "%s, not %s: %s",
      identifai_reason_to_string (log->reason),
      identifai_reason_to_string (row->reason), log->message);
  fail_unless_equals_string (log->classification,
      row->reason == IDENTIFAI_REASON_NONE ? "human" : NULL);
  if (row->http_status > 0)
    fail_unless_equals_int (log->http_status, row->http_status);
  fail_unless_equals_int (log->n_finished, 1);
  fail_unless_equals_int (log->n_freed, 1);
}

static void
check_stats (const ClientRow * row, FaultServer * server,
    const IdentifaiClientStats * stats)
{
  guint posts = fault_server_count (server, FAULT_POST);
  guint gets = fault_server_count (server, FAULT_GET)
      + fault_server_count (server, FAULT_BATCH)
      + fault_server_count (server, FAULT_PLAIN);

  fail_unless_equals_int (stats->in_flight, 0);
  fail_unless_equals_uint64 (stats->bytes_sending, 0);
  /* Attempts that didn't get there count, too. */
  if (!row->deaf && !row->endpoint && !row->proxy)
    fail_unless_equals_uint64 (stats->post_requests, posts);
  /* The last one may have been taken back before it got there. */
  fail_unless (stats->get_requests == gets
      || (row->reason == IDENTIFAI_REASON_TIMEOUT
          && stats->get_requests == gets + 1), "%" G_GUINT64_FORMAT
      " looks, of which %u came", stats->get_requests, gets);
  fail_unless_equals_uint64 (stats->bytes_uploaded,
      gets > 0 ? (row->size ? row->size : 1000) : 0);
}

static void
check_requests (const ClientRow * row, FaultServer * server)
{
  const guint expected[FAULT_N_CALLS] = {
    [FAULT_POST] = row->posts,
    [FAULT_GET] = row->gets,
    [FAULT_BATCH] = row->batches,
    [FAULT_PLAIN] = row->plains,
  };
  const FaultRequest *request;
  guint call, count, i;

  for (call = 0; call < FAULT_N_CALLS; call++) {
    count = fault_server_count (server, call);
    fail_unless (expected[call] == ANY || expected[call] == count,
        "%u requests of call %u, not %u", count, call, expected[call]);
    for (i = 0; (request = fault_server_get (server, call, i)); i++) {
      fail_unless (request->key != NULL);
      fail_unless (strstr (request->headers, "identifai-test/1") != NULL);
      fail_unless (strstr (request->headers, "Accept-Encoding: identity\r\n"));
    }
  }
}

static void
push_row (const ClientRow * row, ClientLog * log, IdentifaiClient * client)
{
  IdentifaiRequest *request = client_log_request (row->size ? row->size : 1000);

  request->no_cache = row->no_cache;
  request->accept_text = row->accept_text;
  request->heuristic = g_strdup (row->heuristic);
  client_log_push (log, client, request, 1);
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
fill_settings (const ClientRow * row, FaultServer * server,
    IdentifaiClientSettings * settings)
{
  client_log_fill_settings (settings, row->endpoint ?
      g_strdup (row->endpoint) : fault_server_get_url (server), NULL);
  settings->api_key_file = write_key_file (KEY "\n");
  settings->extra_headers = identifai_extra_headers_new ();
  identifai_extra_headers_add (settings->extra_headers, "Authorization",
      "Bearer t0ken-5ecret", NULL);
  settings->retries = row->retries;
  settings->proxy = g_strdup (row->proxy);
  settings->poll_interval = row->poll_interval * GST_MSECOND;
  if (row->timeout)
    settings->timeout = row->timeout;
  if (row->verdict_timeout)
    settings->verdict_timeout = row->verdict_timeout * GST_MSECOND;
}

/* Until the job has its outcome and the client is closed. */
static void
exchange (const ClientRow * row, const IdentifaiClientSettings * settings,
    ClientLog * log, IdentifaiClientStats * stats)
{
  IdentifaiClient *client;

  client = identifai_client_new (settings, &client_log_callbacks, log, NULL);
  fail_unless (client != NULL);
  if (row->new_key)
    fail_unless (g_file_set_contents (settings->api_key_file, row->new_key,
            -1, NULL));
  push_row (row, log, client);
  fail_unless (client_log_wait (log, &log->n_freed, 1), "no outcome: %s",
      log->attempts->str);
  identifai_client_get_stats (client, stats);
  identifai_client_close (client);
}

static void
run_row (const ClientRow * row)
{
  gint64 started = g_get_monotonic_time ();
  IdentifaiClientSettings settings;
  IdentifaiClientStats stats;
  FaultServer *server;
  ClientLog log;

  GST_INFO ("row: %s", row->name);
  server = row->deaf ? fault_server_new_deaf () :
      fault_server_new (row->steps, G_N_ELEMENTS (row->steps));
  fault_server_set_key (server, row->server_key);
  fill_settings (row, server, &settings);
  if (row->gone)
    fault_server_close (server);

  client_log_init (&log);
  exchange (row, &settings, &log, &stats);

  check_texts (row, &log);
  check_outcome (row, &log);
  if (!row->gone) {
    check_stats (row, server, &stats);
    check_requests (row, server);
  }
  fault_server_free (server);
  fail_unless (g_get_monotonic_time () - started
      >= row->min_ms * G_TIME_SPAN_MILLISECOND);

  g_unlink (settings.api_key_file);
  identifai_client_settings_clear (&settings);
  client_log_clear (&log);
}

GST_START_TEST (test_row)
{
  run_row (&client_rows[__i__]);
}

GST_END_TEST;

/* Those that let a time pass: libsoup's are in seconds. */
GST_START_TEST (test_slow_row)
{
  run_row (&client_rows[__i__]);
}

GST_END_TEST;

static gboolean
is_slow (const ClientRow * row)
{
  return row->timeout > 0 || row->verdict_timeout > 0 || row->min_ms >= 500;
}

/* Both calls' answers end after so many bytes: a broken connection, wherever that
 * is. */
GST_START_TEST (test_cut_at_each_byte)
{
  static const gchar post[] =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json"
      "\r\nContent-Length: 21\r\n\r\n{\"identifier\":\"id-1\"}";
  static const gchar look[] =
      "HTTP/1.1 200 OK\r\nContent-Length: 79\r\n\r\n"
      "{\"identifier\":\"id-1\",\"status\":\"done\",\"verdict\":"
      "{\"classification\":\"artificial\"}}";
  ClientRow row = {.name = "cut",.retries = 1,.steps = {
          {FAULT_POST, 1, FAULT_RAW,.body = post},
          {FAULT_GET, 1, FAULT_RAW,.body = look},
      },.posts = 2,.gets = 2
  };
  gsize length;

  for (length = 1; length < sizeof (post) - 1; length++) {
    row.steps[0].body_length = row.steps[1].body_length = length;
    run_row (&row);
  }
}

GST_END_TEST;

/* Until somebody reads it. Returns the end to write to. */
static int
await_reader (const gchar * fifo)
{
  int fd;

  while ((fd = g_open (fifo, O_WRONLY | O_NONBLOCK, 0)) < 0)
    g_usleep (1000);

  return fd;
}

/* What is set while the file is read is newer: what was refused goes with that, and
 * what the file had, at last, is of no interest. */
GST_START_TEST (test_key_set_while_file_hangs)
{
  static const gchar old[] = "sk-old\n";
  gchar *folder = g_dir_make_tmp ("identifai-key-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, "key", NULL);
  ClientWorld world;
  int fifo;
  guint i;

  signal (SIGPIPE, SIG_IGN);
  fail_unless_equals_int (mkfifo (path, 0600), 0);
  fifo = g_open (path, O_RDWR, 0);
  fail_unless (write (fifo, old, strlen (old)) > 0);

  client_world_init (&world, NULL, 0);
  fault_server_set_key (world.server, "sk-new");
  g_free (world.settings.api_key);
  world.settings.api_key = NULL;
  world.settings.api_key_file = path;
  client_world_open (&world);
  world.settings.api_key_file = NULL;
  close (fifo);
  client_world_push (&world, 0, 1, 1);
  fifo = await_reader (path);
  identifai_client_set_key (world.clients[0], "sk-new");
  client_world_wait (&world, 0, 1);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);
  /* Unless the machine is so busy that the file was given up. */
  if (write (fifo, old, strlen (old)) < 0)
    fail_unless_equals_int (errno, EPIPE);
  for (i = 2; i < 7; i++) {
    client_world_push (&world, 0, i, 1);
    client_world_wait (&world, 0, i);
    fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);
  }
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 7);

  client_world_clear (&world);
  close (fifo);
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
}

GST_END_TEST;

/* A key file that hangs holds up who needs it, not the others. */
GST_START_TEST (test_key_file_hangs)
{
  static const gchar first[] = "sk-old\n", second[] = "sk-new\n";
  gchar *folder = g_dir_make_tmp ("identifai-key-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, "key", NULL);
  gint64 started;
  ClientWorld world;
  int fifo;

  fail_unless_equals_int (mkfifo (path, 0600), 0);
  fifo = g_open (path, O_RDWR, 0);
  fail_unless (write (fifo, first, strlen (first)) > 0);

  client_world_init (&world, NULL, 0);
  fault_server_set_key (world.server, "sk-new");
  g_free (world.settings.api_key);
  world.settings.api_key = NULL;
  world.settings.api_key_file = path;
  client_world_open (&world);
  world.settings.api_key_file = NULL;
  world.settings.api_key = g_strdup ("sk-new");
  client_world_open (&world);
  client_world_push (&world, 0, 1, 2);
  fail_unless (fault_server_wait (world.server, FAULT_POST, 2));

  started = g_get_monotonic_time ();
  client_world_push (&world, 1, 1, 1);
  client_world_wait (&world, 1, 1);
  fail_unless_equals_int (world.logs[0].n_finished, 0);
  fail_unless (write (fifo, second, strlen (second)) > 0);
  client_world_wait (&world, 0, 2);
  /* Unless the machine is so busy that the file was given up. */
  if (g_get_monotonic_time () - started < G_TIME_SPAN_SECOND)
    fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);

  client_world_clear (&world);
  close (fifo);
  g_unlink (path);
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
}

GST_END_TEST;

/* Whatever is logged while these run, tests/secrets looks through it. */
GST_START_TEST (test_secrets)
{
  static const gchar *const names[] = {
    "all well", "503 for good", "401", "503 once", "301", "no answer, once",
    "nobody listens", "no proxy there", "new key in the file",
    "another wrong key in the file", "401 on looks, for good",
    "ambiguous for good",
    "no HTTP, for good", "pending for good",
  };
  guint i, j;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    for (j = 0; j < n_client_rows
        && !g_str_equal (client_rows[j].name, names[i]); j++);
    fail_unless (j < n_client_rows, "no row \"%s\"", names[i]);
    run_row (&client_rows[j]);
  }
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
  guint i;

  tcase_add_checked_fixture (rows, setup, NULL);
  tcase_set_timeout (rows, 180);
  for (i = 0; i < n_client_rows; i++)
    if (is_slow (&client_rows[i]))
      tcase_add_loop_test (rows, test_slow_row, i, i + 1);
    else
      tcase_add_loop_test (rows, test_row, i, i + 1);
  tcase_add_test (rows, test_cut_at_each_byte);
  tcase_add_test (rows, test_key_file_hangs);
  tcase_add_test (rows, test_key_set_while_file_hangs);
  tcase_add_test (rows, test_secrets);
  suite_add_tcase (suite, rows);

  return suite;
}

GST_CHECK_MAIN (client);
