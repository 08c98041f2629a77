/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When calls arrive: a service counts them by their headers, and the first ones on
 * a connection take longer to get there.
 */

#include "backoff.h"
#include "clientworld.h"

#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND

/* Passes everything on, but lets each connection wait first, as name servers, TCP
 * and TLS do, or a balancer that has to find a server. */
typedef struct
{
  GSocketListener *listener;
  GCancellable *cancellable;
  GThread *thread;
  guint16 port, to;
  guint delay;                  /* ms a connection */
} Forwarder;

typedef struct
{
  GSocketConnection *from, *to;
} Way;

static gpointer
pass_on (gpointer data)
{
  Way *way = data;
  guint8 buffer[4096];
  gssize got;

  while ((got = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM
                  (way->from)), buffer, sizeof (buffer), NULL, NULL)) > 0
      && g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM
              (way->to)), buffer, got, NULL, NULL, NULL));
  g_socket_shutdown (g_socket_connection_get_socket (way->to), TRUE, TRUE,
      NULL);
  g_socket_shutdown (g_socket_connection_get_socket (way->from), TRUE, TRUE,
      NULL);
  g_object_unref (way->from);
  g_object_unref (way->to);
  g_free (way);

  return NULL;
}

static void
start_way (GSocketConnection * from, GSocketConnection * to)
{
  Way *way = g_new (Way, 1);

  way->from = g_object_ref (from);
  way->to = g_object_ref (to);
  g_thread_unref (g_thread_new ("way", pass_on, way));
}

typedef struct
{
  Forwarder *forwarder;
  GSocketConnection *from;
} Incoming;

static gpointer
connect_on (gpointer data)
{
  Incoming *incoming = data;
  GSocketConnection *from = incoming->from;
  Forwarder *self = incoming->forwarder;
  GSocketClient *client = g_socket_client_new ();
  GSocketConnection *to;

  /* the network's */
  g_usleep (self->delay * 1000);
  to = g_socket_client_connect_to_host (client, "127.0.0.1", self->to, NULL,
      NULL);
  if (to) {
    start_way (from, to);
    start_way (to, from);
    g_object_unref (to);
  }
  g_object_unref (client);
  g_object_unref (from);
  g_free (incoming);

  return NULL;
}

static gpointer
accept_all (gpointer data)
{
  Forwarder *self = data;
  GSocketConnection *from;

  while ((from = g_socket_listener_accept (self->listener, NULL,
              self->cancellable, NULL))) {
    Incoming *incoming = g_new (Incoming, 1);

    incoming->forwarder = self;
    incoming->from = from;
    g_thread_unref (g_thread_new ("incoming", connect_on, incoming));
  }

  return NULL;
}

static void
forwarder_init (Forwarder * self, guint16 to, guint delay)
{
  GSocketAddress *any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  GSocketAddress *bound = NULL;

  self->listener = g_socket_listener_new ();
  self->cancellable = g_cancellable_new ();
  self->to = to;
  self->delay = delay;
  fail_unless (g_socket_listener_add_address (self->listener, any,
          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound, NULL));
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->thread = g_thread_new ("forwarder", accept_all, self);
  g_object_unref (any);
  g_object_unref (bound);
}

static void
forwarder_clear (Forwarder * self)
{
  g_cancellable_cancel (self->cancellable);
  g_thread_join (self->thread);
  g_socket_listener_close (self->listener);
  g_object_unref (self->listener);
  g_object_unref (self->cancellable);
}

/* A service that is strict with each second refuses none of them. */
static const struct
{
  const gchar *name;
  FaultStep step;
  guint delay;                  /* ms */
} rows[] = {
  {"kept connections", {FAULT_UNUSED}, 300},
  {"no connection is kept", {FAULT_POST, 0,.headers =
              "Connection: close\r\n"}, 300},
  {"uploads that overlap", {FAULT_POST, 0,.delay = 2500}, 300},
  {"slow ones", {FAULT_UNUSED}, 800},
};

GST_START_TEST (test_calls_arrive_apart)
{
  Forwarder forwarder;
  ClientWorld world;
  guint i;

  client_world_init (&world, &rows[__i__].step, 1);
  forwarder_init (&forwarder, fault_server_get_port (world.server),
      rows[__i__].delay);
  g_free (world.settings.endpoint);
  world.settings.endpoint =
      g_strdup_printf ("http://127.0.0.1:%u", forwarder.port);
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 1;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 3);
  client_world_wait (&world, 0, 3);

  for (i = 1; i < 3; i++) {
    gint64 apart = fault_server_get (world.server, FAULT_POST, i)->time
        - fault_server_get (world.server, FAULT_POST, i - 1)->time;

    fail_unless (apart >= SECOND, "%s: call %u came after %d ms",
        rows[__i__].name, i, (int) (apart / MS));
  }
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 3);
  client_world_clear (&world);
  forwarder_clear (&forwarder);
}

GST_END_TEST;

/* With limits, the key may be somebody else's, too: an upload isn't lost for that. */
static const struct
{
  guint per_second;
  gint retries;
  IdentifaiReason reason;
  guint posts;
} refusals[] = {
  {0, 2, IDENTIFAI_REASON_THROTTLED, 3},
  {50, 2, IDENTIFAI_REASON_NONE, 8},
  {50, 0, IDENTIFAI_REASON_THROTTLED, 1},
};

GST_START_TEST (test_refused_often)
{
  FaultStep steps[7];
  ClientWorld world;
  guint i;

  identifai_backoff_set_time_scale (0.1);
  for (i = 0; i < 7; i++)
    steps[i] = (FaultStep) {
    FAULT_POST, i + 1,.status = 429,.headers = "Retry-After: 0\r\n",.body = ""};
  client_world_init (&world, steps, 7);
  world.settings.retries = refusals[__i__].retries;
  world.settings.limits[IDENTIFAI_CALL_POST].per_second =
      refusals[__i__].per_second;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 1);
  client_world_wait (&world, 0, 1);
  fail_unless_equals_int (world.logs[0].reason, refusals[__i__].reason);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST),
      refusals[__i__].posts);
  client_world_clear (&world);
}

GST_END_TEST;

/* While a connection can't be made, other calls aren't held up for long, and closing
 * ends it at once. */
GST_START_TEST (test_connecting_ends)
{
  gint64 started;
  ClientWorld world;

  client_world_init (&world, NULL, 0);
  fault_server_free (world.server);
  world.server = fault_server_new_deaf ();
  g_free (world.settings.endpoint);
  world.settings.endpoint = fault_server_get_url (world.server);
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 1;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 3);
  /* between two calls of the limit, at any place */
  g_usleep (__i__ * 700 * 1000);
  started = g_get_monotonic_time ();
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  fail_unless (client_log_wait_for_threads (0));
  fail_unless (g_get_monotonic_time () - started < 5 * SECOND);
  client_world_clear (&world);
}

GST_END_TEST;

/* Polls that failed say nothing of how long a result takes. */
GST_START_TEST (test_failed_poll_is_not_learned)
{
  static const FaultStep step = { FAULT_GET, 1, FAULT_ANSWER, 503,.delay = 1500
  };
  gint64 took, waited;
  ClientWorld world;
  guint i;

  identifai_backoff_set_time_scale (0.01);
  client_world_init (&world, &step, 1);
  client_world_open (&world);
  for (i = 1; i <= 2; i++) {
    client_world_push (&world, 0, i, 1);
    client_world_wait (&world, 0, i);
  }
  took = fault_server_get (world.server, FAULT_GET, 1)->time
      - fault_server_get (world.server, FAULT_POST, 0)->whole_at;
  waited = fault_server_get (world.server, FAULT_GET, 2)->time
      - fault_server_get (world.server, FAULT_POST, 1)->whole_at;
  fail_unless (waited < took / 3, "%d ms, then %d", (int) (took / MS),
      (int) (waited / MS));
  client_world_clear (&world);
}

GST_END_TEST;

static Suite *
pacing_suite (void)
{
  Suite *suite = suite_create ("pacing");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_set_timeout (general, 180);
  tcase_add_loop_test (general, test_calls_arrive_apart, 0,
      G_N_ELEMENTS (rows));
  tcase_add_loop_test (general, test_refused_often, 0, G_N_ELEMENTS (refusals));
  tcase_add_loop_test (general, test_connecting_ends, 0, 2);
  tcase_add_test (general, test_failed_poll_is_not_learned);

  return suite;
}

GST_CHECK_MAIN (pacing);
