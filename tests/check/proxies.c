/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client and a proxy that follows a table: what it is sent, and what comes of
 * its answers. What goes through a proxy's tunnel is front.c's.
 */

#include "backoff.h"
#include "clientworld.h"

#define TIME_SCALE 0.01
#define RIGHT "Basic dXNlcjpzZWNyZXQ="  /* user:secret */
#define ASKS "Proxy-Authenticate: Basic realm=\"x\"\r\n"
#define PROXY_STATUS(n) .status = n,.headers = n == 407 ? ASKS : NULL,.body = ""

typedef struct
{
  const gchar *name;
  gboolean tls;                 /* of the target */
  const gchar *property;        /* user info of `proxy`; NULL = not set */
  const gchar *variable;        /* of the environment, or NULL */
  const gchar *userinfo;        /* in that */
  const gchar *no_proxy;
  FaultStep step;
  guint n_jobs;
  gboolean together;

  IdentifaiReason reason;
  guint http_status;
  const gchar *message;
  const gchar *header;          /* of the first request; NULL = none */
  guint n_sent;                 /* requests with a password */
} ProxyRow;

#define NETWORK IDENTIFAI_REASON_NETWORK
#define NONE IDENTIFAI_REASON_NONE
#define USER "user:secret@"

static const ProxyRow rows[] = {
  {"no password", FALSE, "",.reason = NONE},
  {"password", FALSE, USER,.reason = NONE,.header = RIGHT,.n_sent = 4},
  {"password, by variable", FALSE, NULL, "http_proxy", USER,.reason = NONE,
      .header = RIGHT,.n_sent = 4},
  {"password, for all", FALSE, NULL, "all_proxy", USER,.reason = NONE,
      .header = RIGHT,.n_sent = 4},
  {"user alone", FALSE, "user@",.reason = NONE,.header = "Basic dXNlcjo=",
      .n_sent = 4},
  {"odd characters", FALSE, "u%40x:p%2F%3A%25%23@",.reason = NONE,
      .header = "Basic dUB4OnAvOiUj",.n_sent = 4},
  {"odd characters as they are", FALSE, "user:s@cr:t@",.reason = NONE,
      .header = "Basic dXNlcjpzQGNyOnQ=",.n_sent = 4},
  {"many at once", FALSE, USER,.n_jobs = 6,.together = TRUE,.reason = NONE,
      .header = RIGHT,.n_sent = G_MAXUINT},
  {"password, refused", FALSE, USER,.step = {FAULT_POST, 0,
          PROXY_STATUS (407)},.reason = NETWORK,.http_status = 407,
      .message = "it refused the user name",.header = RIGHT,.n_sent = 1},
  {"password, refused, many at once", FALSE, USER,.step = {FAULT_POST, 0,
          PROXY_STATUS (407)},.n_jobs = 6,.together = TRUE,
      .reason = NETWORK,.http_status = 407,.message =
      "it refused the user name",.header = RIGHT,.n_sent = 1},
  /* once: without a password, it asks for one */
  {"password, refused as tinyproxy does", FALSE, USER,.step = {FAULT_POST, 1,
              .status = 401,.headers = "WWW-Authenticate: Basic realm=x\r\n",
          .body = ""},.reason = NONE,.message =
      "it refused the user name",.header = RIGHT,.n_sent = 1},
  {"the service's 401", FALSE, USER,.step = {FAULT_POST, 0,.status = 401,
          .body = "{\"error\":\"Unauthorized\"}"},
      .reason = IDENTIFAI_REASON_UNAUTHORIZED,.http_status = 401,
      .message = "Unauthorized",.header = RIGHT,.n_sent = 2},
  {"no password, refused", FALSE, "",.step = {FAULT_POST, 0,
          PROXY_STATUS (407)},.reason = NETWORK,.http_status = 407,
      .message = "it wants a user name"},

  {"password, refused, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0,
          PROXY_STATUS (407)},.reason = NETWORK,.http_status = 407,
      .message = "it refused the user name",.header = RIGHT,.n_sent = 1},
  {"password, refused and closed, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0,
          FAULT_EARLY, PROXY_STATUS (407)},.reason = NETWORK,
      .http_status = 407,.message = "it refused the user name",
      .header = RIGHT,.n_sent = 1},
  {"password, refused, TLS, many at once", TRUE, USER,.step = {FAULT_CONNECT,
          0, PROXY_STATUS (407)},.n_jobs = 6,.together = TRUE,
      .reason = NETWORK,.http_status = 407,.message =
      "it refused the user name",.header = RIGHT,.n_sent = 1},
  {"password, refused, TLS, by variable", TRUE, NULL, "https_proxy", USER,
        .step = {FAULT_CONNECT, 0, PROXY_STATUS (407)},.reason = NETWORK,
        .http_status = 407,.message = "it refused the user name",
      .header = RIGHT,.n_sent = 1},
  {"no password, refused, TLS", TRUE, "",.step = {FAULT_CONNECT, 0,
          PROXY_STATUS (407)},.reason = NETWORK,.http_status = 407,
      .message = "it wants a user name"},
  {"forbidden, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0,
          PROXY_STATUS (403)},.reason = NETWORK,.http_status = 403,
      .message = "doesn't let through to 127.0.0.1:9: HTTP 403",
      .header = RIGHT,.n_sent = 2},
  {"password, refused as tinyproxy does, TLS", TRUE, USER,.step =
        {FAULT_CONNECT, 0,.status = 401,.body = ""},.reason = NETWORK,
      .http_status = 401,.message = "it refused the user name",
      .header = RIGHT,.n_sent = 1},
  {"401, TLS", TRUE, "",.step = {FAULT_CONNECT, 0,.status = 401,.body = ""},
      .reason = NETWORK,.http_status = 401,.message = "HTTP 401"},
  {"bad gateway, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0,
          PROXY_STATUS (502)},.reason = NETWORK,.http_status = 502,
      .message = "HTTP 502",.header = RIGHT,.n_sent = G_MAXUINT},
  {"throttled, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0, PROXY_STATUS (429)},
      .reason = NETWORK,.http_status = 429,.message = "HTTP 429",
      .header = RIGHT,.n_sent = G_MAXUINT},
  {"a redirect, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0,
          PROXY_STATUS (302)},.reason = NETWORK,.http_status = 302,
      .message = "HTTP 302",.header = RIGHT,.n_sent = G_MAXUINT},
  {"closed, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0, FAULT_CLOSE},
      .reason = NETWORK,.header = RIGHT,.n_sent = G_MAXUINT},
  {"reset, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0, FAULT_RESET},
      .reason = NETWORK,.header = RIGHT,.n_sent = G_MAXUINT},
  {"half an answer, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0, FAULT_RAW,
          .body = "HTTP/1.1 2"},.reason = NETWORK,.header = RIGHT,
      .n_sent = G_MAXUINT},
  {"no HTTP, TLS", TRUE, USER,.step = {FAULT_CONNECT, 0, FAULT_RAW,
          .body = "SSH-2.0\r\n\r\n"},.reason = NETWORK,.header = RIGHT,
      .n_sent = G_MAXUINT},
  {"no TLS behind it", TRUE, USER,.step = {FAULT_CONNECT, 0, FAULT_RAW,
          .body = "HTTP/1.1 200 OK\r\n\r\nSSH-2.0\r\n"},.reason = NETWORK,
      .header = RIGHT,.n_sent = G_MAXUINT},
};

static void
set_environment (const ProxyRow * row, guint16 port)
{
  static const gchar *const names[] = { "http_proxy", "https_proxy",
    "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"
  };
  gchar *url = g_strdup_printf ("http://%s127.0.0.1:%u",
      row->userinfo ? row->userinfo : "", port);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++)
    g_unsetenv (names[i]);
  if (row->variable)
    g_setenv (row->variable, url, TRUE);
  g_free (url);
}

static gchar *
find_password (const FaultRequest * request)
{
  const gchar *start = strstr (request->headers, "Proxy-Authorization: ");

  if (!start)
    return NULL;
  start += strlen ("Proxy-Authorization: ");

  return g_strndup (start, strcspn (start, "\r"));
}

/* To the proxy, for the target, and with the password as often as it may be. */
static void
check_requests (const ProxyRow * row, FaultServer * server)
{
  FaultCall call = row->tls ? FAULT_CONNECT : FAULT_POST;
  const FaultRequest *request;
  guint i, sent = 0;
  gchar *password;

  fail_unless_equals_int (fault_server_count (server, FAULT_OTHER), 0);
  for (i = 0; (request = fault_server_get (server, call, i)); i++) {
    fail_unless_equals_string (request->target, row->tls ? "127.0.0.1:9" :
        "http://127.0.0.1:9/api/classification_video");
    fail_unless (strstr (request->headers, "\r\nHost: 127.0.0.1:9\r\n"));
    /* Through a tunnel only. */
    fail_unless (!row->tls || !request->key);
    password = find_password (request);
    if (i == 0)
      fail_unless_equals_string (password, row->header);
    sent += password != NULL;
    g_free (password);
  }
  fail_unless (i >= MAX (row->n_jobs, 2));
  for (i = 0; (request = fault_server_get (server, FAULT_GET, i)); i++)
    sent += strstr (request->headers, "Proxy-Authorization") != NULL;
  fail_unless (row->n_sent == G_MAXUINT ? sent > 0 : sent == row->n_sent,
      "%s: %u times", row->name, sent);
}

GST_START_TEST (test_proxy)
{
  const ProxyRow *row = &rows[__i__];
  gint64 started = g_get_monotonic_time ();
  guint i, n_jobs = MAX (row->n_jobs, 2);
  ClientWorld world;
  gchar *url;

  client_world_init (&world, &row->step, 1);
  set_environment (row, fault_server_get_port (world.server));
  url = g_strdup_printf ("http://%s127.0.0.1:%u",
      row->property ? row->property : "", fault_server_get_port (world.server));
  world.settings.proxy = row->property ? g_strdup (url) : NULL;
  world.settings.retries = 2;
  world.settings.timeout = 600;
  g_free (world.settings.endpoint);
  world.settings.endpoint = g_strdup (row->tls ? "https://127.0.0.1:9" :
      "http://127.0.0.1:9");
  client_world_open (&world);
  for (i = 1; i <= n_jobs; i++) {
    client_world_push (&world, 0, i, 1);
    if (!row->together)
      client_world_wait (&world, 0, i);
  }
  client_world_wait (&world, 0, n_jobs);
  /* No closed connection is waited for. */
  fail_unless (g_get_monotonic_time () - started < 60 * G_TIME_SPAN_SECOND);

  fail_unless (world.logs[0].reason == row->reason, "%s: %s: %s", row->name,
      identifai_reason_to_string (world.logs[0].reason), world.logs[0].message);
  if (row->reason != NONE)
    fail_unless_equals_int (world.logs[0].http_status, row->http_status);
  fail_unless (!row->message || strstr (world.logs[0].attempts->str,
          row->message), "%s: %s", row->name, world.logs[0].attempts->str);
  fail_unless (!strstr (world.logs[0].attempts->str, "secret"));
  check_requests (row, world.server);
  client_world_clear (&world);
  g_free (url);
}

GST_END_TEST;

/* Other clients, and those of a pipeline that is started again, know of it. */
GST_START_TEST (test_refusal_outlives_clients)
{
  static const FaultStep steps[] = {
    {FAULT_CONNECT, 0, PROXY_STATUS (407)}
  };
  const FaultRequest *request;
  ClientWorld world;
  guint i, sent = 0;

  client_world_init (&world, steps, 1);
  world.settings.proxy = g_strdup_printf ("http://" USER "127.0.0.1:%u",
      fault_server_get_port (world.server));
  g_free (world.settings.endpoint);
  world.settings.endpoint = g_strdup ("https://127.0.0.1:9");
  for (i = 0; i < 4; i++) {
    g_free (world.settings.api_key);
    world.settings.api_key = g_strdup_printf ("key-%u", i / 2);
    client_world_open (&world);
    client_world_push (&world, i, 1, 1);
    client_world_wait (&world, i, 1);
    identifai_client_close (g_steal_pointer (&world.clients[i]));
    fail_unless_equals_int (world.logs[i].http_status, 407);
  }
  for (i = 0; (request = fault_server_get (world.server, FAULT_CONNECT, i));
      i++)
    sent += strstr (request->headers, "Proxy-Authorization") != NULL;
  fail_unless_equals_int (i, 4);
  fail_unless_equals_int (sent, 1);
  client_world_clear (&world);
}

GST_END_TEST;

/* A client may end while calls wait for what the proxy says of the first one. */
GST_START_TEST (test_close_on_trial)
{
  static const FaultStep steps[] = { {FAULT_CONNECT, 0, FAULT_SILENT} };
  ClientWorld world;

  client_world_init (&world, steps, 1);
  world.settings.proxy = g_strdup_printf ("http://" USER "127.0.0.1:%u",
      fault_server_get_port (world.server));
  g_free (world.settings.endpoint);
  world.settings.endpoint = g_strdup ("https://127.0.0.1:9");
  client_world_open (&world);
  client_world_push (&world, 0, 1, 4);
  fail_unless (fault_server_wait (world.server, FAULT_CONNECT, 1));
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  fail_unless_equals_int (world.logs[0].n_finished, 0);
  fail_unless_equals_int (world.logs[0].n_freed, 4);
  fail_unless (client_log_wait_for_threads (0));
  fail_unless_equals_int (fault_server_count (world.server, FAULT_CONNECT), 1);
  client_world_clear (&world);
}

GST_END_TEST;

/* Of a plain request the proxy's silence is an answer, too: the others don't wait
 * for the end of a long upload, and one that goes out behind it may end sooner. */
GST_START_TEST (test_long_trial)
{
  static const FaultStep steps[] = { {FAULT_POST, 1, FAULT_HELD} };
  ClientWorld world;

  client_world_init (&world, steps, 1);
  world.settings.proxy = g_strdup_printf ("http://" USER "127.0.0.1:%u",
      fault_server_get_port (world.server));
  client_world_open (&world);
  client_world_push (&world, 0, 1, 6);
  client_world_wait (&world, 0, 5);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 6);
  fault_server_release (world.server);
  client_world_wait (&world, 0, 6);
  client_world_clear (&world);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (TIME_SCALE);
}

static Suite *
proxies_suite (void)
{
  Suite *suite = suite_create ("proxies");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_add_loop_test (general, test_proxy, 0, G_N_ELEMENTS (rows));
  tcase_add_test (general, test_refusal_outlives_clients);
  tcase_add_test (general, test_close_on_trial);
  tcase_add_test (general, test_long_trial);

  return suite;
}

GST_CHECK_MAIN (proxies);
