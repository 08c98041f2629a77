/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Uploads that wait for leave to send their body, as they may well be refused.
 *
 * IDENTIFAI_OFFERS=5000 makes that many of each.
 */

#include <gst/check/gstcheck.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "backoff.h"
#include "clock.h"
#include "clientworld.h"
#include "transport.h"

#define SIZE (400 * 1000)
#define N_OFFERS 20
#define TOGETHER 4

typedef struct
{
  const gchar *name;
  FaultStep step;
  guint http_status;
  gboolean sent;                /* the body goes out nevertheless */
  gboolean often;               /* it takes no time */
} Row;

static const Row rows[] = {
  {"refused", {FAULT_POST, 0, FAULT_EARLY, 429,.body =
              "{\"error\":\"Slow down\"}"},
      429, FALSE, TRUE},
  {"refused without words", {FAULT_POST, 0, FAULT_EARLY, 429,.body = ""}, 429,
      FALSE, TRUE},
  {"closed", {FAULT_POST, 0, FAULT_EARLY_CLOSE}, 0, FALSE, TRUE},
  {"reset", {FAULT_POST, 0, FAULT_RESET}, 0, FALSE, TRUE},
  {"not understood", {FAULT_POST, 0, FAULT_ANSWER}, 200, TRUE, FALSE},
  {"refused late", {FAULT_POST, 0, FAULT_ANSWER, 429}, 429, TRUE, FALSE},
};

typedef struct
{
  const Row *row;
  IdentifaiTransport *transport;
  IdentifaiCallSpec spec;
  guint n_left, n_under_way;
  GMainLoop *loop;
} Offers;

static void offer (Offers * self);

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  Offers *self = user_data;

  fail_unless_equals_int (answer->http_status, self->row->http_status);
  fail_unless_equals_int (answer->sent_whole, self->row->sent);
  fail_unless (self->row->sent || self->row->http_status == 0
      || answer->bytes_sent == 0, "%s: %"
      G_GUINT64_FORMAT " bytes were sent", self->row->name, answer->bytes_sent);
  self->n_under_way--;
  offer (self);
}

static void
offer (Offers * self)
{
  for (; self->n_left > 0 && self->n_under_way < TOGETHER; self->n_left--) {
    self->n_under_way++;
    identifai_http_transport.send (self->transport, &self->spec, on_answer,
        self);
  }
  if (self->n_under_way == 0)
    g_main_loop_quit (self->loop);
}

static void
on_closed (gpointer loop)
{
  g_main_loop_quit (loop);
}

static guint
count_offers (const Row * row)
{
  const gchar *offers = g_getenv ("IDENTIFAI_OFFERS");

  if (!row->often)
    return 1;

  return offers ? (guint) atoi (offers) : N_OFFERS;
}

static void
check_requests (FaultServer * server)
{
  const FaultRequest *request = fault_server_get (server, FAULT_POST, 0);

  fail_unless (request != NULL);
  fail_unless (strstr (request->headers, "Expect: 100-continue") != NULL);
}

GST_START_TEST (test_offers)
{
  const Row *row = &rows[__i__];
  IdentifaiTransportSettings settings = {.timeout = 600,.max_bytes =
        10000,.max_connections = 14
  };
  FaultServer *server = fault_server_new (&row->step, 1);
  gchar *url = g_strdup_printf ("http://127.0.0.1:%u/api/classification_video",
      fault_server_get_port (server));
  Offers offers = {.row = row,.n_left = count_offers (row),.spec =
        {.url = url,.api_key = "key",.name = "offers",.what = "offer",
      .expects = TRUE}
  };

  offers.loop = g_main_loop_new (NULL, FALSE);
  offers.spec.upload = client_log_request (SIZE);
  offers.transport = identifai_http_transport.open (&settings);
  offer (&offers);
  g_main_loop_run (offers.loop);
  check_requests (server);
  identifai_http_transport.close (offers.transport, on_closed, offers.loop);
  g_main_loop_run (offers.loop);
  identifai_request_unref (offers.spec.upload);
  g_main_loop_unref (offers.loop);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* The end of an upload waits while the service begins to say no, or resets the
 * connection: what has its answer, or can't arrive, takes no place among those that
 * arrive, and wasn't sent whole. The first error is the one that is told. */

typedef struct
{
  GSocketListener *listener;
  GSocketConnection *connection;
  gboolean resets;
  gint held, said;              /* atomic */
  guint n_asked, n_booked;
  IdentifaiResponse answer;
  gboolean was_reset;
  GMainLoop *loop;
} HeldEnd;

static void
reset_once_held (HeldEnd * self)
{
  struct linger at_once = { 1, 0 };

  while (!g_atomic_int_get (&self->held))
    g_usleep (1000);
  setsockopt (g_socket_get_fd (g_socket_connection_get_socket
          (self->connection)), SOL_SOCKET, SO_LINGER, &at_once,
      sizeof (at_once));
  g_io_stream_close (G_IO_STREAM (self->connection), NULL, NULL);
  g_atomic_int_set (&self->said, TRUE);
}

static gpointer
say_beginning (gpointer user_data)
{
  static const gchar beginning[] = "HTTP/1.1 429 Too Many Requests\r\n"
      "Content-Length: 20\r\n\r\nSlow";
  HeldEnd *self = user_data;

  self->connection =
      g_socket_listener_accept (self->listener, NULL, NULL, NULL);
  if (self->resets) {
    reset_once_held (self);
    return NULL;
  }
  fail_unless (g_output_stream_write_all (g_io_stream_get_output_stream
          (G_IO_STREAM (self->connection)), beginning, strlen (beginning), NULL,
          NULL, NULL));
  g_atomic_int_set (&self->said, TRUE);
  while (g_input_stream_skip (g_io_stream_get_input_stream (G_IO_STREAM
              (self->connection)), 100000, NULL, NULL) > 0);

  return NULL;
}

static gint64
on_hold (gpointer user_data)
{
  HeldEnd *self = user_data;

  g_atomic_int_set (&self->held, TRUE);
  if (!g_atomic_int_get (&self->said) || self->n_asked++ < 3)
    return 20 * G_TIME_SPAN_MILLISECOND;
  self->n_booked++;

  return 0;
}

static void
on_refused (const IdentifaiResponse * answer, gpointer user_data)
{
  HeldEnd *self = user_data;

  self->answer = *answer;
  self->was_reset = g_error_matches (answer->error, G_IO_ERROR,
      G_IO_ERROR_CONNECTION_CLOSED)
      && strstr (answer->error->message, g_strerror (ECONNRESET)) != NULL;
  g_main_loop_quit (self->loop);
}

GST_START_TEST (test_held_end)
{
  IdentifaiTransportSettings settings = {.timeout = 600,.max_bytes =
        10000,.max_connections = 14
  };
  HeldEnd self = {.listener = g_socket_listener_new (),.resets = __i__ == 1 };
  guint16 port =
      g_socket_listener_add_any_inet_port (self.listener, NULL, NULL);
  gchar *url = g_strdup_printf ("http://127.0.0.1:%u/", port);
  IdentifaiCallSpec spec = {.url = url,.api_key = "key",.name = "offers",.what =
        "held end",.hold = on_hold
  };
  GThread *thread = g_thread_new ("server", say_beginning, &self);
  IdentifaiTransport *transport = identifai_http_transport.open (&settings);

  self.loop = g_main_loop_new (NULL, FALSE);
  spec.upload = client_log_request (SIZE);
  identifai_http_transport.send (transport, &spec, on_refused, &self);
  g_main_loop_run (self.loop);
  fail_unless_equals_int (self.answer.http_status, self.resets ? 0 : 429);
  fail_unless_equals_int (self.was_reset, self.resets);
  fail_if (self.answer.sent_whole);
  fail_unless (self.answer.bytes_sent < SIZE);
  fail_unless_equals_int (self.n_booked, 0);

  identifai_http_transport.close (transport, on_closed, self.loop);
  g_main_loop_run (self.loop);
  g_thread_join (thread);
  g_object_unref (self.connection);
  g_object_unref (self.listener);
  identifai_request_unref (spec.upload);
  g_main_loop_unref (self.loop);
  g_free (url);
}

GST_END_TEST;

/* An answer that stops in its headers is waited for as long as any, and no longer,
 * whoever waits for it. */

static const struct
{
  const gchar *name;
  gboolean expects;
  gsize size;
} half_rows[] = {
  {"for leave", TRUE, 1000},
  {"for the end to go out", FALSE, 12000},
  {"for the answer", FALSE, 1000},
};

typedef struct
{
  GMainLoop *loop;
  guint http_status;
  gboolean timed_out;
} Half;

static void
on_half (const IdentifaiResponse * answer, gpointer user_data)
{
  Half *self = user_data;

  self->http_status = answer->http_status;
  self->timed_out =
      g_error_matches (answer->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_main_loop_quit (self->loop);
}

GST_START_TEST (test_half_an_answer)
{
  static const FaultStep step = { FAULT_ACCEPT, 0,.body = "HTTP/1.1 429 Too" };
  IdentifaiTransportSettings settings = {.timeout = 1,.max_bytes =
        10000,.max_connections = 14
  };
  FaultServer *server = fault_server_new (&step, 1);
  gchar *url = g_strdup_printf ("http://127.0.0.1:%u/api/classification_video",
      fault_server_get_port (server));
  IdentifaiCallSpec spec = {.url = url,.name = "offers",.what = "half",
    .expects = half_rows[__i__].expects
  };
  IdentifaiTransport *transport = identifai_http_transport.open (&settings);
  Half self = {.loop = g_main_loop_new (NULL, FALSE) };

  spec.upload = client_log_request (half_rows[__i__].size);
  identifai_http_transport.send (transport, &spec, on_half, &self);
  g_main_loop_run (self.loop);
  fail_unless (self.timed_out, "%s: %u", half_rows[__i__].name,
      self.http_status);
  fail_unless_equals_int (self.http_status, 0);

  identifai_http_transport.close (transport, on_closed, self.loop);
  g_main_loop_run (self.loop);
  identifai_request_unref (spec.upload);
  g_main_loop_unref (self.loop);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* Silence is counted from the end of a pause that the file made, as it grew no further;
 * and it is counted. Time stands still, but the bytes go out. */

#define PAUSE_TIMEOUT 10
#define BEFORE_ITS_END (PAUSE_TIMEOUT * G_TIME_SPAN_SECOND - 100000)

static void
grow (IdentifaiGrowingFile * file, gsize size)
{
  IdentifaiRequest *request = client_log_request (size);

  fail_unless (identifai_growing_file_append (file, request->file));
  identifai_request_unref (request);
}

static void
move_to (gint64 time)
{
  while (identifai_clock_advance (time));
}

GST_START_TEST (test_pause)
{
  static const FaultStep silence = { FAULT_POST, 0, FAULT_SILENT };
  IdentifaiTransportSettings settings = {.timeout = PAUSE_TIMEOUT,.max_bytes =
        10000,.max_connections = 14
  };
  FaultServer *server = fault_server_new (&silence, 1);
  gchar *url = g_strdup_printf ("http://127.0.0.1:%u/api/classification_video",
      fault_server_get_port (server));
  IdentifaiCallSpec spec = {.url = url,.name = "offers",.what = "pause" };
  IdentifaiGrowingFile *file = identifai_growing_file_new ();
  IdentifaiTransport *transport;
  Half self = { NULL, };
  gint64 now;

  identifai_clock_simulate (1, 1, NULL);
  transport = identifai_http_transport.open (&settings);
  self.loop = g_main_loop_new (NULL, FALSE);
  spec.upload = client_log_request (1);
  spec.upload->growing = identifai_growing_file_ref (file);
  grow (file, 1000);
  identifai_http_transport.send (transport, &spec, on_half, &self);
  while (identifai_request_get_sent (spec.upload) < 1000
      || identifai_growing_file_get_fed_at (file) == 0)
    g_main_context_iteration (NULL, TRUE);
  now = identifai_clock_now ();

  move_to (now + BEFORE_ITS_END);
  grow (file, 1000);
  move_to (now + 2 * BEFORE_ITS_END);
  while (identifai_request_get_sent (spec.upload) < 2000 && !self.timed_out)
    g_main_context_iteration (NULL, TRUE);
  fail_if (self.timed_out);
  move_to (now + 4 * BEFORE_ITS_END);
  while (!self.timed_out)
    g_main_context_iteration (NULL, TRUE);

  identifai_http_transport.close (transport, on_closed, self.loop);
  g_main_loop_run (self.loop);
  identifai_request_unref (spec.upload);
  identifai_growing_file_unref (file);
  g_main_loop_unref (self.loop);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* Somebody on the way knows nothing of offers, and says so. That is nothing that the
 * file can help: it is posted again, whatever `retries` says, and no other one is
 * offered. */

static gboolean
is_offered (FaultServer * server, guint nth)
{
  const FaultRequest *request = fault_server_get (server, FAULT_POST, nth);

  fail_unless (request != NULL);

  return strstr (request->headers, "Expect: 100-continue") != NULL;
}

GST_START_TEST (test_unexpected)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 1,.status = 429},
    {FAULT_POST, 2, FAULT_EARLY, 417},
  };
  ClientLog *log;
  ClientWorld world;

  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.limits[IDENTIFAI_CALL_POST].per_minute = 1200;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 1);
  client_world_wait (&world, 0, 1);
  log = &world.logs[0];
  fail_unless_equals_int (log->reason, IDENTIFAI_REASON_THROTTLED);
  client_world_push (&world, 0, 2, 1);
  client_world_wait (&world, 0, 2);
  fail_unless (log->reason == IDENTIFAI_REASON_NONE, "%s", log->message);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 3);
  fail_if (is_offered (world.server, 0));
  fail_unless (is_offered (world.server, 1));
  fail_if (is_offered (world.server, 2));
  client_world_clear (&world);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (0.01);
}

static Suite *
offers_suite (void)
{
  Suite *suite = suite_create ("offers");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, NULL);
  if (g_getenv ("IDENTIFAI_OFFERS"))
    tcase_set_timeout (general, 0);
  tcase_add_loop_test (general, test_offers, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (general, test_held_end, 0, 2);
  tcase_add_test (general, test_pause);
  tcase_add_loop_test (general, test_half_an_answer, 0,
      G_N_ELEMENTS (half_rows));
  tcase_add_test (general, test_unexpected);

  return suite;
}

GST_CHECK_MAIN (offers);
