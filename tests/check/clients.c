/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What clients of a key share: limits and calls; and their keys.
 */

#include <glib/gstdio.h>
#include "backoff.h"
#include "keylimits.h"
#include "clientworld.h"
#include "network.h"

#define TIME_SCALE 0.01
#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND

/* Sharing. */

GST_START_TEST (test_one_thread_for_all)
{
  ClientWorld world;

  client_world_init (&world, NULL, 0);
  fail_unless_equals_int (client_log_count_threads (), 0);
  client_world_open (&world);
  client_world_open (&world);
  g_free (world.settings.user_agent);
  world.settings.user_agent = g_strdup ("another-agent/2");
  client_world_open (&world);
  fail_unless (client_log_wait_for_accounts (1));
  g_free (world.settings.api_key);
  world.settings.api_key = g_strdup ("key-two");
  client_world_open (&world);
  fail_unless (client_log_wait_for_accounts (2));
  fail_unless (client_log_wait_for_threads (1));

  /* Transport settings are the client's own, whoever has the same key. */
  client_world_push (&world, 0, 1, 1);
  client_world_wait (&world, 0, 1);
  client_world_push (&world, 2, 1, 1);
  client_world_wait (&world, 2, 1);
  fail_unless (strstr (fault_server_get (world.server, FAULT_POST, 0)->headers,
          "identifai-test/1"));
  fail_unless (strstr (fault_server_get (world.server, FAULT_POST, 1)->headers,
          "another-agent/2"));

  identifai_client_close (g_steal_pointer (&world.clients[3]));
  fail_unless (client_log_wait_for_accounts (1));
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  identifai_client_close (g_steal_pointer (&world.clients[1]));
  fail_unless_equals_int (client_log_count_threads (), 1);
  identifai_client_close (g_steal_pointer (&world.clients[2]));
  fail_unless (client_log_wait_for_threads (0));
  fail_unless_equals_int (identifai_network_count_accounts (), 0);
  client_world_clear (&world);
}

GST_END_TEST;

/* Which client a submit call came from: by the range of its file's size. */
static guint
count_posts_between (FaultServer * server, guint first, guint last,
    gsize min_size, gsize max_size)
{
  const FaultRequest *request;
  guint i, count = 0;

  for (i = first; i < last
      && (request = fault_server_get (server, FAULT_POST, i)); i++) {
    gchar *length = strstr (request->headers, "Content-Length: ");
    guint64 size = g_ascii_strtoull (length + 16, NULL, 10);

    if (size >= min_size && size < max_size)
      count++;
  }

  return count;
}

GST_START_TEST (test_clients_take_turns)
{
  ClientWorld world;
  guint i, gone;

  client_world_init (&world, NULL, 0);
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 1;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 1);
  client_world_wait (&world, 0, 1);
  client_world_open (&world);
  client_world_open (&world);
  for (i = 2; i <= 30; i++)
    client_log_push_new (&world.logs[0], world.clients[0], i, 100000);
  for (i = 1; i <= 2; i++) {
    client_log_push_new (&world.logs[1], world.clients[1], i, 200000);
    client_log_push_new (&world.logs[2], world.clients[2], i, 300000);
  }
  /* The first one took the token, so that nothing has gone meanwhile; on a slow
   * machine, a few have, and one may be on its way. */
  gone = fault_server_count (world.server, FAULT_POST) + 1;
  client_world_wait (&world, 1, 2);
  client_world_wait (&world, 2, 2);

  /* Two jobs of each go in six calls, the busy client between them. */
  fail_unless_equals_int (count_posts_between (world.server, 0, gone + 6,
          200000, 210000), 2);
  fail_unless_equals_int (count_posts_between (world.server, 0, gone + 6,
          300000, 310000), 2);
  client_world_clear (&world);
}

GST_END_TEST;

/* Of clients with jobs, the one that is first; also where it came to the key
 * later. */
GST_START_TEST (test_first_client_goes_first)
{
  ClientWorld world;
  guint i, gone;

  client_world_init (&world, NULL, 0);
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 1;
  for (i = 0; i < 3; i++)
    client_world_open (&world);
  identifai_client_set_first (world.clients[1], TRUE);
  identifai_client_set_key (world.clients[1], "key-two");
  client_world_push (&world, 0, 1, 1);
  client_world_wait (&world, 0, 1);
  for (i = 2; i <= 30; i++)
    client_log_push_new (&world.logs[0], world.clients[0], i, 100000);
  for (i = 1; i <= 2; i++)
    client_log_push_new (&world.logs[2], world.clients[2], i, 300000);
  identifai_client_set_key (world.clients[1], "key-one");
  for (i = 1; i <= 3; i++)
    client_log_push_new (&world.logs[1], world.clients[1], i, 200000);
  gone = fault_server_count (world.server, FAULT_POST) + 1;
  client_world_wait (&world, 1, 3);
  fail_unless_equals_int (count_posts_between (world.server, 0, gone + 3,
          200000, 210000), 3);

  /* and then it has its turns again */
  identifai_client_set_first (world.clients[1], FALSE);
  for (i = 4; i <= 5; i++)
    client_log_push_new (&world.logs[1], world.clients[1], i, 200000);
  gone = fault_server_count (world.server, FAULT_POST) + 1;
  client_world_wait (&world, 1, 5);
  fail_unless (fault_server_count (world.server, FAULT_POST) >= gone + 3);
  client_world_clear (&world);
}

GST_END_TEST;

/* count of them take so many seconds, at max in each. The distances between them
 * are the limiter's test: here, the machine may hold up what tells the time. */
static void
check_posts_took (ClientWorld * world, gint64 started, guint count, guint max)
{
  const FaultRequest *last =
      fault_server_get (world->server, FAULT_POST, count - 1);

  fail_unless_equals_int (fault_server_count (world->server, FAULT_POST),
      count);
  fail_unless (last->time - started >= (count - 1) / max * SECOND,
      "%u calls in %d ms", count, (int) ((last->time - started) / MS));
}

/* The strictest client's limit is the key's, whichever client calls. */
GST_START_TEST (test_limits_are_shared)
{
  gint64 started = g_get_monotonic_time ();
  ClientWorld world;
  guint client;

  client_world_init (&world, NULL, 0);
  for (client = 0; client < 3; client++) {
    world.settings.limits[IDENTIFAI_CALL_POST].per_second =
        client == 1 ? 2 : 50;
    client_world_open (&world);
  }
  for (client = 0; client < 3; client++)
    client_world_push (&world, client, 1, 2);
  for (client = 0; client < 3; client++)
    client_world_wait (&world, client, 2);
  check_posts_took (&world, started, 6, 2);
  client_world_clear (&world);
}

GST_END_TEST;

/* A pipeline after the other, each with a client of its own. */
GST_START_TEST (test_limits_outlive_clients)
{
  gint64 started = g_get_monotonic_time ();
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 2;
  for (i = 0; i < 4; i++) {
    client_world_open (&world);
    client_world_push (&world, i, 1, 1);
    client_world_wait (&world, i, 1);
    identifai_client_close (g_steal_pointer (&world.clients[i]));
    fail_unless (client_log_wait_for_threads (0));
  }
  check_posts_took (&world, started, 4, 2);
  client_world_clear (&world);
}

GST_END_TEST;

/* That others use the key, the next pipeline knows, too. */
GST_START_TEST (test_share_outlives_clients)
{
  static const FaultStep step = { FAULT_POST, 0, FAULT_ANSWER, 429 };
  IdentifaiKeyLimits *budget;
  ClientWorld world;

  client_world_init (&world, &step, 1);
  world.settings.retries = 0;
  world.settings.limits[IDENTIFAI_CALL_POST] = (IdentifaiLimit) {
  1, 30};
  client_world_open (&world);
  client_world_push (&world, 0, 1, 1);
  client_world_wait (&world, 0, 1);
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  fail_unless (client_log_wait_for_threads (0));

  budget = identifai_key_limits_get (world.settings.endpoint,
      world.settings.api_key);
  fail_unless (identifai_limiter_get_part (budget->starts,
          IDENTIFAI_CALL_POST) < 1);
  identifai_key_limits_release (budget);
  client_world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_few_uploads_at_once)
{
  static const FaultStep steps[] = { {FAULT_POST, 0, FAULT_SILENT} };
  ClientWorld world;
  IdentifaiClientStats stats;

  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  client_world_open (&world);
  client_world_push (&world, 0, 1, 20);
  fail_unless (fault_server_wait (world.server, FAULT_POST, 4));
  /* Their headers came; what follows may take a moment. */
  do
    identifai_client_get_stats (world.clients[0], &stats);
  while (stats.bytes_sending < 1001 + 1002 + 1003 + 1004);
  fail_unless_equals_int (stats.in_flight, 4);
  fail_unless_equals_uint64 (stats.bytes_sending, 1001 + 1002 + 1003 + 1004);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 4);
  client_world_clear (&world);
}

GST_END_TEST;

/* Connections. */

/* A kept connection is used again, by submit calls, too. A call on one that the
 * server has closed meanwhile is made on another one. */
static const struct
{
  const gchar *name;
  FaultStep step;
  gboolean together;
  guint max;
} connection_rows[] = {
  {"one after the other", {FAULT_UNUSED}, FALSE, 1},
  {"together", {FAULT_UNUSED}, TRUE, 8},
  {"submits aren't kept", {FAULT_POST, 0,.headers = "Connection: close\r\n"},
      FALSE, 21},
  {"a front's limit on a connection", {FAULT_POST, 10,.headers =
              "Connection: close\r\n"}, FALSE, 2},
};

GST_START_TEST (test_connections)
{
  ClientWorld world;
  guint i, count;

  client_world_init (&world, &connection_rows[__i__].step, 1);
  client_world_open (&world);
  for (i = 1; i <= 20; i++) {
    client_world_push (&world, 0, i, 1);
    if (!connection_rows[__i__].together)
      client_world_wait (&world, 0, i);
  }
  client_world_wait (&world, 0, 20);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);
  /* Nothing was sent twice. */
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 20);
  count = fault_server_count_connections (world.server);
  GST_INFO ("%s: %u connections", connection_rows[__i__].name, count);
  fail_unless (count <= connection_rows[__i__].max, "%s: %u connections",
      connection_rows[__i__].name, count);
  client_world_clear (&world);
}

GST_END_TEST;

/* The batch call. */

GST_START_TEST (test_batch)
{
  const FaultRequest *request;
  guint i, asked, before;
  ClientWorld world;

  client_world_init (&world, NULL, 0);
  world.settings.limits[IDENTIFAI_CALL_GET].per_second = 10;
  fault_server_set_delay (world.server, FAULT_NEVER);
  client_world_open (&world);
  client_world_push (&world, 0, 1, 250);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted,
          250));
  fault_server_set_delay (world.server, 0);
  before = fault_server_count (world.server, FAULT_BATCH);
  client_world_wait (&world, 0, 250);
  for (i = 1; i <= 250; i++)
    fail_unless_equals_int (world.logs[0].finished[i], 1);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);

  /* As many as fit, and few calls for many results. */
  for (i = 0, asked = 0; (request = fault_server_get (world.server,
              FAULT_BATCH, i)); i++) {
    gchar **parts = g_strsplit (request->target, "identifiers[]=", -1);

    fail_unless (g_strv_length (parts) - 1 <= 100);
    asked = MAX (asked, g_strv_length (parts) - 1);
    g_strfreev (parts);
  }
  fail_unless_equals_int (asked, 100);
  fail_unless (i <= before + 10, "%u batch calls", i - before);
  client_world_clear (&world);
}

GST_END_TEST;

/* What a batch call answers, and how the client gets at the results. Up to four
 * of them may be on the wire before the first one is answered; one more tells
 * that it is this call that is broken. */
static const struct
{
  const gchar *name;
  FaultStep steps[3];
  guint max_batches;
  gboolean singles;
} batch_rows[] = {
  {"no such call", {{FAULT_BATCH, 0,.status = 404}}, 8, TRUE},
  {"not allowed", {{FAULT_BATCH, 0,.status = 405}}, 8, TRUE},
  {"501", {{FAULT_BATCH, 0,.status = 501}}, 8, TRUE},
  {"elsewhere", {{FAULT_BATCH, 0,.status = 301,.headers =
                    "Location: https://elsewhere.example/\r\n"}}, 8, TRUE},
  {"garbage", {{FAULT_BATCH, 0,.body = "<html>hello</html>"}}, 8, TRUE},
  {"garbage, once", {{FAULT_BATCH, 1,.body = "<html>hello</html>"}}, G_MAXUINT,
      FALSE},
  {"an empty answer", {{FAULT_BATCH, 0,.body = ""}}, 8, TRUE},
  {"a complaint", {{FAULT_BATCH, 0,.body = "{\"error\":\"no\"}"}}, 8, TRUE},
  {"too long an answer", {{FAULT_BATCH, 0, FAULT_ENDLESS_BODY}}, 12, TRUE},
  {"too long an URL", {{FAULT_BATCH, 0,.status = 414}}, 20, TRUE},
  {"too long an URL, once", {{FAULT_BATCH, 1,.status = 414}}, G_MAXUINT, FALSE},
  {"too many", {{FAULT_BATCH, 0,.status = 422}}, 20, TRUE},
  {"not for this key", {{FAULT_BATCH, 0,.status = 403}}, 16, TRUE},
  {"500 for good", {{FAULT_BATCH, 0,.status = 500}}, 16, TRUE},
  {"500 once", {{FAULT_BATCH, 1,.status = 500}}, G_MAXUINT, FALSE},
  {"429 once", {{FAULT_BATCH, 1,.status = 429}}, G_MAXUINT, FALSE},
  {"no answer, once", {{FAULT_BATCH, 1, FAULT_RAW,.body = "HTTP"}}, G_MAXUINT,
      FALSE},
  {"no answer, for good", {{FAULT_BATCH, 0, FAULT_RAW,.body = "HTTP"}}, 16,
      TRUE},
  {"nothing yet", {{FAULT_BATCH, 1,.body = "[]"}}, G_MAXUINT, FALSE},
  {"nothing, for good", {{FAULT_BATCH, 0,.body = "[]"}}, 20, TRUE},
  {"others only, for good", {{FAULT_BATCH, 0,.body =
                    "[{\"identifier\":\"x\"}]"}}, 20, TRUE},
  {"202, 204", {{FAULT_BATCH, 1,.status = 202}, {FAULT_BATCH, 2,
              .status = 204}}, G_MAXUINT, FALSE},
  {"204, for good", {{FAULT_BATCH, 0,.status = 204}}, 20, TRUE},
  /* one that is broken, among others that aren't named */
  {"a part, for good", {{FAULT_BATCH, 0,.body = "[{\"identifier\":\"id-1\","
                    "\"status\":\"done\"}]"}}, G_MAXUINT, TRUE},
};

GST_START_TEST (test_batch_faults)
{
  ClientWorld world;

  client_world_init (&world, batch_rows[__i__].steps,
      G_N_ELEMENTS (batch_rows[__i__].steps));
  world.settings.retries = 3;
  world.settings.poll_interval = 50 * GST_MSECOND;
  /* None is final before all have been submitted. */
  fault_server_set_delay (world.server, FAULT_NEVER);
  client_world_open (&world);
  client_world_push (&world, 0, 1, 8);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted, 8));
  fault_server_set_delay (world.server, 0);
  client_world_wait (&world, 0, 8);
  fail_unless_equals_int (world.logs[0].n_finished, 8);
  fail_unless (world.logs[0].reason == IDENTIFAI_REASON_NONE, "%s: %s",
      batch_rows[__i__].name, world.logs[0].message);
  fail_unless (fault_server_count (world.server, FAULT_BATCH)
      <= batch_rows[__i__].max_batches, "%s: %u batch calls",
      batch_rows[__i__].name, fault_server_count (world.server, FAULT_BATCH));
  fail_unless (fault_server_count (world.server, FAULT_BATCH) > 0);
  if (batch_rows[__i__].singles)
    fail_unless (fault_server_count (world.server, FAULT_GET) >= 8);
  client_world_clear (&world);
}

GST_END_TEST;

/* Connections that break tell nothing of the batch call: it goes on, with fewer
 * results for a while. */
static const struct
{
  const gchar *name;
  FaultStep step;
} break_rows[] = {
  {"in its headers", {FAULT_BATCH, 0, FAULT_RAW,.body = "HTTP/1.1 20"}},
  {"in its body", {FAULT_BATCH, 0, FAULT_RAW,.body =
              "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n[{\"identi"}},
  {"before it", {FAULT_BATCH, 0, FAULT_RAW,.body = ""}},
};

GST_START_TEST (test_batch_breaks)
{
  FaultStep steps[5];
  ClientWorld world;
  guint singles;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    steps[i] = break_rows[__i__].step;
    steps[i].nth = i + 1;
  }
  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.poll_interval = 50 * GST_MSECOND;
  fault_server_set_delay (world.server, FAULT_NEVER);
  client_world_open (&world);
  client_world_push (&world, 0, 1, 40);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted,
          40));
  fail_unless (fault_server_wait (world.server, FAULT_BATCH, 7));
  fault_server_set_delay (world.server, 0);
  client_world_wait (&world, 0, 40);
  fail_unless (world.logs[0].reason == IDENTIFAI_REASON_NONE, "%s: %s",
      break_rows[__i__].name, world.logs[0].message);
  singles = fault_server_count (world.server, FAULT_GET);
  fail_unless (singles < 10, "%s: %u single calls", break_rows[__i__].name,
      singles);
  client_world_clear (&world);
}

GST_END_TEST;

/* What a front says to every look for a while is no matter of the batch call,
 * which is used again when the front is gone; and nothing is lost. */
static const struct
{
  const gchar *name;
  FaultStep answer;
} front_rows[] = {
  {"a page", {FAULT_UNUSED,.body =
              "<html><title>Just a moment</title></html>"}},
  {"nothing", {FAULT_UNUSED,.body = ""}},
  {"302", {FAULT_UNUSED,.status = 302,.headers = "Location: /login\r\n"}},
  {"400", {FAULT_UNUSED,.status = 400}},
  {"401", {FAULT_UNUSED,.status = 401}},
  {"403", {FAULT_UNUSED,.status = 403}},
  {"503", {FAULT_UNUSED,.status = 503}},
  {"no HTTP", {FAULT_UNUSED, 0, FAULT_RAW,.body = "SSH-2.0\r\n\r\n"}},
};

GST_START_TEST (test_front_before_polls)
{
  FaultStep steps[] = { front_rows[__i__].answer, front_rows[__i__].answer };
  FaultServer *front;
  ClientWorld world;
  guint batches;

  steps[0].call = FAULT_GET;
  steps[1].call = FAULT_BATCH;
  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.poll_interval = 50 * GST_MSECOND;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 25);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted,
          25));
  fail_unless (fault_server_wait (world.server, FAULT_BATCH, 3));
  fail_unless (fault_server_wait (world.server, FAULT_GET, 3));
  fail_unless_equals_int (world.logs[0].n_finished, 0);

  front = world.server;
  fault_server_close (front);
  world.server = fault_server_new_at (fault_server_get_port (front), NULL, 0);
  fault_server_free (front);
  client_world_wait (&world, 0, 25);
  fail_unless_equals_int (world.logs[0].n_finished, 25);
  fail_unless (world.logs[0].reason == IDENTIFAI_REASON_NONE, "%s: %s",
      front_rows[__i__].name, world.logs[0].message);
  batches = fault_server_count (world.server, FAULT_BATCH);
  fail_unless (batches >= 1
      && fault_server_count (world.server, FAULT_GET) < 20, "%s: %u batches",
      front_rows[__i__].name, batches);
  client_world_clear (&world);
}

GST_END_TEST;

/* The service knows a file again: two jobs, one identifier, two clients. */
GST_START_TEST (test_shared_identifier)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 0,.body = "{\"identifier\":\"same\"}"},
  };
  ClientWorld world;
  guint before;

  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.poll_interval = 100 * GST_MSECOND;
  fault_server_set_delay (world.server, FAULT_NEVER);
  client_world_open (&world);
  client_world_open (&world);
  client_world_push (&world, 0, 1, 2);
  client_world_push (&world, 1, 1, 1);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted, 2));
  fail_unless (client_log_wait (&world.logs[1], &world.logs[1].n_submitted, 1));
  fault_server_set_delay (world.server, 0);
  before = fault_server_count (world.server, FAULT_GET);
  client_world_wait (&world, 0, 2);
  client_world_wait (&world, 1, 1);
  fail_unless_equals_int (world.logs[0].n_finished, 2);
  fail_unless_equals_int (world.logs[1].n_finished, 1);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_BATCH), 0);
  fail_unless (fault_server_count (world.server, FAULT_GET) <= before + 1);
  client_world_clear (&world);
}

GST_END_TEST;

/* Keys. */

GST_START_TEST (test_set_key)
{
  const FaultRequest *look;
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  client_world_open (&world);
  fault_server_set_delay (world.server, 200);
  client_world_push (&world, 0, 1, 1);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted, 1));
  identifai_client_set_key (world.clients[0], "key-two");
  client_world_push (&world, 0, 2, 1);
  client_world_wait (&world, 0, 2);
  fail_unless_equals_string (fault_server_get (world.server, FAULT_POST,
          0)->key, "key-one");
  fail_unless_equals_string (fault_server_get (world.server, FAULT_POST,
          1)->key, "key-two");
  /* The service has the first file under the first key. */
  for (i = 0; (look = fault_server_get (world.server, FAULT_GET, i)); i++) {
    fail_unless_equals_string (look->key,
        g_str_has_suffix (look->target, "/id-1") ? "key-one" : "key-two");
  }
  fail_unless (i >= 2);
  /* The old account goes with its last job. */
  fail_unless (client_log_wait_for_accounts (1));
  client_world_clear (&world);
  fail_unless (client_log_wait_for_threads (0));
}

GST_END_TEST;

/* Extra headers. */

static IdentifaiExtraHeaders *
make_headers (const gchar * name, const gchar * value)
{
  IdentifaiExtraHeaders *headers = identifai_extra_headers_new ();

  fail_unless (identifai_extra_headers_add (headers, name, value, NULL));

  return headers;
}

static guint
count_requests_with (FaultServer * server, FaultCall call, const gchar * line)
{
  const FaultRequest *request;
  guint i, count = 0;

  for (i = 0; (request = fault_server_get (server, call, i)); i++)
    count += strstr (request->headers, line) != NULL;

  return count;
}

/* Clients with other headers share the key's account, and no poll. */
GST_START_TEST (test_headers_keep_polls_apart)
{
  static const gchar *const cameras[] = { "1", "2", "2" };
  const FaultRequest *look;
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  world.settings.poll_interval = 50 * GST_MSECOND;
  fault_server_set_delay (world.server, FAULT_NEVER);
  for (i = 0; i < 3; i++) {
    world.settings.extra_headers = make_headers ("X-Camera", cameras[i]);
    client_world_open (&world);
    g_clear_pointer (&world.settings.extra_headers,
        identifai_extra_headers_unref);
  }
  fail_unless (client_log_wait_for_accounts (1));
  /* The files of the first client are id-1 to id-3. */
  for (i = 0; i < 3; i++) {
    client_world_push (&world, i, 1, 3);
    fail_unless (client_log_wait (&world.logs[i], &world.logs[i].n_submitted,
            3));
  }
  fault_server_set_delay (world.server, 0);
  for (i = 0; i < 3; i++)
    client_world_wait (&world, i, 3);

  fail_unless_equals_int (count_requests_with (world.server, FAULT_POST,
          "X-Camera: 1\r\n"), 3);
  fail_unless_equals_int (count_requests_with (world.server, FAULT_POST,
          "X-Camera: 2\r\n"), 6);
  for (i = 0; (look = fault_server_get (world.server, FAULT_BATCH, i)); i++) {
    gboolean is_one = strstr (look->headers, "X-Camera: 1\r\n") != NULL;
    gchar **asked = g_strsplit (look->target, "identifiers[]=id-", -1);
    guint j;

    for (j = 1; asked[j]; j++)
      fail_unless_equals_int (g_ascii_strtoull (asked[j], NULL, 10) <= 3,
          is_one);
    g_strfreev (asked);
  }
  fail_unless (i > 0);
  client_world_clear (&world);
}

GST_END_TEST;

/* A token that is renewed counts from the next request on, for old jobs, too. */
GST_START_TEST (test_headers_change)
{
  IdentifaiExtraHeaders *headers = make_headers ("Authorization", "Bearer two");
  ClientWorld world;

  client_world_init (&world, NULL, 0);
  g_clear_pointer (&world.settings.api_key, g_free);
  world.settings.extra_headers = make_headers ("Authorization", "Bearer one");
  world.settings.poll_interval = 20 * GST_MSECOND;
  fault_server_set_delay (world.server, FAULT_NEVER);
  client_world_open (&world);
  client_world_push (&world, 0, 1, 1);
  fail_unless (fault_server_wait (world.server, FAULT_GET, 1));
  fail_unless (fault_server_get (world.server, FAULT_POST, 0)->key == NULL);
  identifai_client_set_headers (world.clients[0], headers);
  identifai_extra_headers_unref (headers);
  fail_unless (fault_server_wait (world.server, FAULT_GET,
          fault_server_count (world.server, FAULT_GET) + 2));
  fault_server_set_delay (world.server, 0);
  client_world_push (&world, 0, 2, 1);
  client_world_wait (&world, 0, 2);

  fail_unless (count_requests_with (world.server, FAULT_GET,
          "Authorization: Bearer one\r\n") >= 1);
  fail_unless (count_requests_with (world.server, FAULT_GET,
          "Authorization: Bearer two\r\n") >= 1);
  fail_unless_equals_int (count_requests_with (world.server, FAULT_POST,
          "Authorization: Bearer two\r\n"), 1);
  /* Still the same account. */
  fail_unless (client_log_wait_for_accounts (1));
  client_world_clear (&world);
}

GST_END_TEST;

/* Without a key, each authorisation is an account with limits of its own. */
GST_START_TEST (test_headers_are_accounts)
{
  static const gchar *const tokens[] = { "one", "one", "two" };
  gint64 started = g_get_monotonic_time ();
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  g_clear_pointer (&world.settings.api_key, g_free);
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 2;
  for (i = 0; i < 3; i++) {
    world.settings.extra_headers = make_headers ("X-Token", tokens[i]);
    client_world_open (&world);
    g_clear_pointer (&world.settings.extra_headers,
        identifai_extra_headers_unref);
    fail_unless (client_log_wait_for_accounts (i < 2 ? 1 : 2));
  }
  for (i = 0; i < 3; i++)
    client_world_push (&world, i, 1, 3);
  for (i = 0; i < 3; i++)
    client_world_wait (&world, i, 3);
  /* Six of the first token take longer than three of the second. */
  check_posts_took (&world, started, 9, 4);
  client_world_clear (&world);
}

GST_END_TEST;

/* One refusal moves all that waits; nothing is lost, nothing sent twice. */
GST_START_TEST (test_new_key_moves_all)
{
  const FaultRequest *request;
  ClientWorld world;
  gchar *path = NULL;
  guint i, refused = 0;
  int fd = g_file_open_tmp ("identifai-key-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  close (fd);
  fail_unless (g_file_set_contents (path, "key-one", -1, NULL));
  client_world_init (&world, NULL, 0);
  g_clear_pointer (&world.settings.api_key, g_free);
  world.settings.api_key_file = path;
  fault_server_set_key (world.server, "key-two");
  client_world_open (&world);
  fail_unless (g_file_set_contents (path, "key-two", -1, NULL));
  client_world_push (&world, 0, 1, 40);
  client_world_wait (&world, 0, 40);
  fail_unless_equals_int (world.logs[0].n_finished, 40);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);
  for (i = 0; (request = fault_server_get (world.server, FAULT_POST, i)); i++) {
    if (g_str_equal (request->key, "key-one"))
      refused++;
  }
  /* Those that were on the wire when the first refusal came. */
  fail_unless (refused >= 1 && refused <= 5, "%u refused", refused);
  fail_unless_equals_int (i, 40 + refused);
  fail_unless (client_log_wait_for_accounts (1));
  g_unlink (path);
  client_world_clear (&world);
}

GST_END_TEST;

/* A redirect doesn't take the key, or the file, to another host. */
GST_START_TEST (test_redirect_keeps_key)
{
  static const guint statuses[] = { 301, 302, 303, 307, 308 };
  FaultServer *other = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (other);
  gchar *location = g_strdup_printf ("Location: %s/api/x\r\n", url);
  FaultStep step = { FAULT_POST, 1,.status = statuses[__i__ % 5],.headers =
        location
  };
  gboolean post = __i__ < 5;
  guint call;
  ClientWorld world;

  step.call = post ? FAULT_POST : FAULT_GET;
  client_world_init (&world, &step, 1);
  world.settings.retries = 3;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 1);
  client_world_wait (&world, 0, 1);
  fail_unless_equals_int (world.logs[0].reason,
      post ? IDENTIFAI_REASON_BAD_RESPONSE : IDENTIFAI_REASON_NONE);
  for (call = 0; call < FAULT_N_CALLS; call++)
    fail_unless_equals_int (fault_server_count (other, call), 0);
  client_world_clear (&world);
  fault_server_free (other);
  g_free (location);
  g_free (url);
}

GST_END_TEST;

/* The service is away for a while: uploads resume by themselves. */
GST_START_TEST (test_service_comes_back)
{
  FaultServer *gone;
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  world.settings.retries = -1;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 3);
  client_world_wait (&world, 0, 3);
  gone = world.server;
  fault_server_close (gone);

  client_world_push (&world, 0, 4, 5);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_attempts, 40));
  fail_unless_equals_int (world.logs[0].n_finished, 3);
  world.server = fault_server_new_at (fault_server_get_port (gone), NULL, 0);
  fault_server_free (gone);
  client_world_wait (&world, 0, 8);
  for (i = 1; i <= 8; i++)
    fail_unless_equals_int (world.logs[0].finished[i], 1);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 5);
  client_world_clear (&world);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (TIME_SCALE);
}

static Suite *
clients_suite (void)
{
  Suite *suite = suite_create ("clients");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_set_timeout (general, 180);
  tcase_add_test (general, test_one_thread_for_all);
  tcase_add_test (general, test_clients_take_turns);
  tcase_add_test (general, test_first_client_goes_first);
  tcase_add_test (general, test_limits_are_shared);
  tcase_add_test (general, test_limits_outlive_clients);
  tcase_add_test (general, test_share_outlives_clients);
  tcase_add_test (general, test_few_uploads_at_once);
  tcase_add_loop_test (general, test_connections, 0,
      G_N_ELEMENTS (connection_rows));
  tcase_add_test (general, test_batch);
  tcase_add_loop_test (general, test_batch_faults, 0,
      G_N_ELEMENTS (batch_rows));
  tcase_add_loop_test (general, test_batch_breaks, 0,
      G_N_ELEMENTS (break_rows));
  tcase_add_loop_test (general, test_front_before_polls, 0,
      G_N_ELEMENTS (front_rows));
  tcase_add_test (general, test_shared_identifier);
  tcase_add_test (general, test_set_key);
  tcase_add_test (general, test_headers_keep_polls_apart);
  tcase_add_test (general, test_headers_change);
  tcase_add_test (general, test_headers_are_accounts);
  tcase_add_test (general, test_new_key_moves_all);
  tcase_add_loop_test (general, test_redirect_keeps_key, 0, 10);
  tcase_add_test (general, test_service_comes_back);

  return suite;
}

GST_CHECK_MAIN (clients);
