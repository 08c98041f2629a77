/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client through what stands between it and a service in real life: nginx
 * with TLS, with and without HTTP/2, of which it has to take no notice, and
 * tinyproxy. Skipped where they aren't installed.
 */

#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>
#include "faultserver.h"
#include "backoff.h"
#include "clientlog.h"
#include "ports.h"
#include "programs.h"

#define MEGABYTE (1000 * 1000)

typedef struct
{
  gchar *dir;
  FaultServer *backend;
  GSubprocess *nginx, *tinyproxy;
  guint16 http1, http2, dead, plain, proxy;
  guint16 faulty[3];            /* by BAD_… */
} Front;

static Front front;

/* Certificates that don't verify, and their files' names. */
enum
{
  BAD_EXPIRED,
  BAD_SELF_SIGNED,
  BAD_HOST,
  N_BAD
};

static const gchar *const bad_names[N_BAD] = { "expired", "self", "elsewhere" };

/* Files and processes. */

static gchar *
path_of (const gchar * name)
{
  return g_build_filename (front.dir, name, NULL);
}

static void
write_file (const gchar * name, const gchar * format, ...)
{
  gchar *path = path_of (name);
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  fail_unless (g_file_set_contents (path, text, -1, NULL));
  g_free (text);
  g_free (path);
}

static gchar *
read_file (const gchar * name)
{
  gchar *path = path_of (name);
  gchar *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  g_free (path);

  return text ? text : g_strdup ("");
}

static void
run (const gchar * format, ...)
{
  va_list args;
  gchar *command, *errors = NULL;
  gint status = -1;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  fail_unless (g_spawn_command_line_sync (command, NULL, &errors, &status,
          NULL) && status == 0, "%s: %s", command, errors);
  g_free (command);
  g_free (errors);
}

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "

static void
sign (const gchar * name, const gchar * when, const gchar * names)
{
  const gchar *d = front.dir;

  run ("openssl req " NEW_KEY "-subj /CN=test -keyout %s/%s.key "
      "-out %s/%s.csr", d, name, d, name);
  run ("openssl x509 -req -in %s/%s.csr -CA %s/ca.pem -CAkey %s/ca.key "
      "%s -extfile %s/%s -out %s/%s.pem", d, name, d, d, when, d, names,
      d, name);
}

/* The option for a certificate whose time is over: OpenSSL 3.5 refuses negative
 * days, and 3.0 has no other way. */
static const gchar *
get_past (void)
{
  gchar *help = NULL;
  gboolean has_dates;

  g_spawn_command_line_sync ("openssl x509 -help", NULL, &help, NULL, NULL);
  has_dates = help != NULL && strstr (help, "-not_after") != NULL;
  g_free (help);

  return has_dates ?
      "-not_before 20200101000000Z -not_after 20200102000000Z" : "-days -1";
}

/* A CA, a certificate for 127.0.0.1, and those that are no good. */
static void
make_certificates (void)
{
  const gchar *d = front.dir;

  write_file ("here", "subjectAltName=IP:127.0.0.1");
  write_file ("there", "subjectAltName=DNS:a.example,DNS:b.example");
  run ("openssl req -x509 " NEW_KEY "-days 2 -subj /CN=test-ca "
      "-keyout %s/ca.key -out %s/ca.pem", d, d);
  run ("openssl req -x509 " NEW_KEY "-days 2 -subj /CN=127.0.0.1 -addext "
      "subjectAltName=IP:127.0.0.1 -keyout %s/self.key -out %s/self.pem", d, d);
  sign ("good", "-days 2", "here");
  sign ("expired", get_past (), "here");
  sign ("elsewhere", "-days 2", "there");
}

static gchar *
describe_server (guint16 port, const gchar * options, const gchar * name,
    guint16 backend)
{
  return g_strdup_printf ("server { listen 127.0.0.1:%u%s; "
      "ssl_certificate %s/%s.pem; ssl_certificate_key %s/%s.key; "
      "client_max_body_size 50m; "
      "location / { proxy_pass http://127.0.0.1:%u; } }\n", port, options,
      front.dir, name, front.dir, name, backend);
}

static gchar *
describe_servers (void)
{
  guint16 backend = fault_server_get_port (front.backend);
  gchar *servers[4 + N_BAD + 1] = { NULL, };
  gchar *all;
  guint i;

  front.http1 = port_choose ();
  front.http2 = port_choose ();
  front.dead = port_choose ();
  front.plain = port_choose ();
  servers[0] = describe_server (front.http1, " ssl", "good", backend);
  servers[1] = describe_server (front.http2, " ssl http2", "good", backend);
  servers[2] = describe_server (front.dead, " ssl http2", "good", 1);
  servers[3] = describe_server (front.plain, "", "good", backend);
  for (i = 0; i < N_BAD; i++) {
    front.faulty[i] = port_choose ();
    servers[4 + i] = describe_server (front.faulty[i], " ssl", bad_names[i],
        backend);
  }
  all = g_strjoinv ("", servers);
  for (i = 0; servers[i]; i++)
    g_free (servers[i]);

  return all;
}

static void
start_nginx (void)
{
  gchar *servers = describe_servers ();
  gchar *config = path_of ("nginx.conf");
  const gchar *d = front.dir;

  write_file ("nginx.conf", "daemon off; worker_processes 1; pid %s/pid; "
      "error_log %s/error.log; events {}\nhttp { log_format short "
      "'$server_protocol $status $connection $request'; "
      "access_log %s/access.log short; client_body_temp_path %s/body; "
      "proxy_temp_path %s/proxy; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u;"
      " scgi_temp_path %s/s;\n%s}", d, d, d, d, d, d, d, d, servers);
  front.nginx = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL,
      "nginx", "-p", d, "-c", config, NULL);
  fail_unless (front.nginx != NULL);
  port_wait_for (front.http1);
  g_free (config);
  g_free (servers);
}

static GSubprocess *
start_tinyproxy (const gchar * name, guint16 * port, const gchar * extra)
{
  gchar *file = g_strconcat (name, ".conf", NULL);
  gchar *path = path_of (file);
  GSubprocess *process;

  *port = port_choose ();
  write_file (file, "Port %u\nListen 127.0.0.1\nTimeout 60\nLogFile "
      "\"%s/%s.log\"\nLogLevel Info\nMaxClients 20\n%s\n", *port, front.dir,
      name, extra);
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE
      | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, "tinyproxy", "-d", "-c", path,
      NULL);
  fail_unless (process != NULL);
  port_wait_for (*port);
  g_free (path);
  g_free (file);

  return process;
}

static void
setup (void)
{
  identifai_backoff_set_time_scale (0.01);
  front.dir = g_dir_make_tmp ("identifai-front-XXXXXX", NULL);
  /* nginx started by root serves as nobody. */
  fail_unless (front.dir && g_chmod (front.dir, 0755) == 0);
  front.backend = fault_server_new (NULL, 0);
  make_certificates ();
  start_nginx ();
}

static void
teardown (void)
{
  program_end (&front.nginx);
  program_end (&front.tinyproxy);
  port_release_all ();
  g_clear_pointer (&front.backend, fault_server_free);
  run ("rm -rf %s", front.dir);
  g_clear_pointer (&front.dir, g_free);
}

/* One job, from settings to outcome. */

typedef struct
{
  const gchar *ca;              /* file in the folder, or NULL */
  const gchar *host;            /* NULL = 127.0.0.1 */
  const gchar *scheme;          /* NULL = https */
  guint16 port;
  gchar *proxy;
  gsize size;
  guint n_jobs;
  guint timeout;                /* s; 0 = usual */
  gint retries;
} Call;

static void
make_call (const Call * call, ClientLog * log)
{
  IdentifaiClientSettings settings;
  IdentifaiClient *client;
  GError *error = NULL;
  guint i, n_jobs = MAX (call->n_jobs, 1);

  client_log_fill_settings (&settings, g_strdup_printf ("%s://%s:%u",
          call->scheme ? call->scheme : "https",
          call->host ? call->host : "127.0.0.1", call->port), "key-one");
  settings.tls_ca_file = call->ca ? path_of (call->ca) : NULL;
  settings.proxy = g_strdup (call->proxy);
  settings.retries = call->retries;
  if (call->timeout)
    settings.timeout = call->timeout;

  client_log_init (log);
  client = identifai_client_new (&settings, &client_log_callbacks, log, &error);
  fail_unless (client != NULL, "%s", error ? error->message : "");
  for (i = 1; i <= n_jobs; i++) {
    client_log_push_new (log, client, i, MAX (call->size, 1000));
    fail_unless (client_log_wait (log, &log->n_freed, i), "no outcome: %s",
        log->attempts->str);
  }
  identifai_client_close (client);
  identifai_client_settings_clear (&settings);
}

static void
check_fine (const Call * call)
{
  ClientLog log;

  make_call (call, &log);
  fail_unless (log.reason == IDENTIFAI_REASON_NONE, "%s", log.message);
  client_log_clear (&log);
}

static void
check_fails (const Call * call, IdentifaiReason reason, guint status,
    const gchar * message)
{
  ClientLog log;

  make_call (call, &log);
  fail_unless (log.reason == reason, "%s: %s",
      identifai_reason_to_string (log.reason), log.message);
  fail_unless_equals_int (log.http_status, status);
  fail_unless (strstr (log.message, message), "\"%s\" is not in \"%s\"",
      message, log.message);
  client_log_clear (&log);
}

/* nginx may write its log a moment after its answer. */
static void
wait_for_log (const gchar * name, const gchar * text)
{
  gint64 until = g_get_monotonic_time () + 40 * G_TIME_SPAN_SECOND;
  gchar *log = read_file (name);

  while (!strstr (log, text) && g_get_monotonic_time () < until) {
    g_usleep (10000);
    g_free (log);
    log = read_file (name);
  }
  fail_unless (strstr (log, text), "\"%s\" is not in %s: %s", text, name, log);
  g_free (log);
}

/* TLS. */

static guint16
version_port (guint version)
{
  return version == 1 ? front.http1 : front.http2;
}

GST_START_TEST (test_tls)
{
  Call call = {.ca = "ca.pem",.port = version_port (__i__),.n_jobs = 3 };

  check_fine (&call);
  wait_for_log ("access.log", "HTTP/1.1 200");
}

GST_END_TEST;

/* Connections are kept: as many requests as there are, on few of them. */
GST_START_TEST (test_kept_alive)
{
  Call call = {.ca = "ca.pem",.port = version_port (__i__),.n_jobs = 5 };
  GHashTable *connections = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, NULL);
  gchar *log, **lines;
  guint i;

  check_fine (&call);
  wait_for_log ("access.log", "GET /api/classification_video/id-5");
  log = read_file ("access.log");
  lines = g_strsplit (log, "\n", -1);
  for (i = 0; lines[i] && lines[i][0]; i++) {
    gchar **words = g_strsplit (lines[i], " ", 4);

    g_hash_table_add (connections, g_strdup (words[2]));
    g_strfreev (words);
  }
  fail_unless (i >= 10, "%u requests", i);
  fail_unless_equals_int (g_hash_table_size (connections), 1);
  g_hash_table_unref (connections);
  g_strfreev (lines);
  g_free (log);
}

GST_END_TEST;

GST_START_TEST (test_large_file)
{
  Call call = {.ca = "ca.pem",.port = version_port (__i__),.size = 48 * MEGABYTE
  };
  const FaultRequest *request;

  check_fine (&call);
  request = fault_server_get (front.backend, FAULT_POST, 0);
  fail_unless (g_bytes_get_size (request->body) > 48 * MEGABYTE);
}

GST_END_TEST;

/* The front's own limit and page; the file never gets to the service. */
GST_START_TEST (test_too_large)
{
  Call call = {.ca = "ca.pem",.port = version_port (__i__),.size = 60 * MEGABYTE
  };

  check_fails (&call, IDENTIFAI_REASON_REJECTED, 413,
      "413 Request Entity Too Large");
  fail_unless_equals_int (fault_server_count (front.backend, FAULT_POST), 0);
}

GST_END_TEST;

GST_START_TEST (test_service_down)
{
  Call call = {.ca = "ca.pem",.port = front.dead };

  check_fails (&call, IDENTIFAI_REASON_SERVICE_ERROR, 502, "502 Bad Gateway");
}

GST_END_TEST;

static void
script_backend (const FaultStep * steps, guint n_steps)
{
  FaultServer *old = front.backend;

  fault_server_close (old);
  front.backend = fault_server_new_at (fault_server_get_port (old), steps,
      n_steps);
  fault_server_free (old);
}

/* Silence is noticed through TLS, too, and the next attempt isn't made on the
 * connection that is silent. */
GST_START_TEST (test_silence)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 1, FAULT_SILENT}, {FAULT_POST, 3, FAULT_SILENT}
  };
  Call call = {.ca = "ca.pem",.port = version_port (__i__),.timeout = 3 };

  script_backend (steps, G_N_ELEMENTS (steps));
  check_fails (&call, IDENTIFAI_REASON_NETWORK, 0, "nothing was heard for 3 s");
  call.retries = 1;
  check_fine (&call);
  check_fine (&call);
}

GST_END_TEST;

/* Nor does closing wait for it. */
GST_START_TEST (test_close_in_silence)
{
  static const FaultStep steps[] = { {FAULT_POST, 0, FAULT_SILENT} };
  IdentifaiClientSettings settings;
  IdentifaiClient *client;
  ClientLog log;
  gint64 started;

  script_backend (steps, G_N_ELEMENTS (steps));
  client_log_init (&log);
  client_log_fill_settings (&settings, g_strdup_printf ("https://127.0.0.1:%u",
          version_port (__i__)), "key-one");
  settings.tls_ca_file = path_of ("ca.pem");
  settings.timeout = 600;
  client = identifai_client_new (&settings, &client_log_callbacks, &log, NULL);
  client_log_push_new (&log, client, 1, 1000);
  fail_unless (fault_server_wait (front.backend, FAULT_POST, 1));

  started = g_get_monotonic_time ();
  identifai_client_close (client);
  /* It takes a few ms; a busy machine gets some seconds. */
  fail_unless (g_get_monotonic_time () - started < 10 * G_TIME_SPAN_SECOND);
  fail_unless_equals_int (log.n_finished, 0);
  fail_unless_equals_int (log.n_freed, 1);
  fail_unless (client_log_wait_for_threads (0));
  identifai_client_settings_clear (&settings);
  client_log_clear (&log);
}

GST_END_TEST;

/* Certificates that don't verify: what people read of them, and that they read it
 * at once. */
static const struct
{
  const gchar *name;
  guint bad;                    /* N_BAD: the good one */
  const gchar *ca;
  const gchar *host;
  const gchar *texts[3];
} certificate_rows[] = {
  {"unknown authority", N_BAD, NULL, NULL,
        {"not signed by a known authority.", "its authority in tls-ca-file",
          "ca-certificates"}},
  {"another authority", N_BAD, "self.pem", NULL,
      {"not signed by a known authority.", "tls-ca-file"}},
  {"self-signed", BAD_SELF_SIGNED, NULL, NULL,
      {"not signed by a known authority (but by itself)", "tls-ca-file"}},
  {"expired", BAD_EXPIRED, "ca.pem", NULL,
      {"has expired (on 2", "UTC)", "the system's clock"}},
  {"expired, and of an unknown authority", BAD_EXPIRED, NULL, NULL,
        {"not signed by a known authority and has expired", "tls-ca-file",
          "the system's clock"}},
  {"another host", BAD_HOST, "ca.pem", NULL,
      {"for another host (a.example, b.example)", "Set endpoint"}},
  {"an address's certificate for a name", N_BAD, "ca.pem", "localhost",
      {"No secure connection to localhost", "for another host."}},
};

static void
fill_certificate_call (guint row, Call * call)
{
  guint bad = certificate_rows[row].bad;

  *call = (Call) {
  .ca = certificate_rows[row].ca,.host = certificate_rows[row].host,.port =
        bad == N_BAD ? front.http1 : front.faulty[bad],.retries = 5,};
}

GST_START_TEST (test_certificate)
{
  const gchar *const *texts = certificate_rows[__i__].texts;
  ClientLog log;
  Call call;
  guint i;

  fill_certificate_call (__i__, &call);
  make_call (&call, &log);
  fail_unless_equals_int (log.reason, IDENTIFAI_REASON_NETWORK);
  for (i = 0; i < G_N_ELEMENTS (certificate_rows[0].texts) && texts[i]; i++)
    fail_unless (strstr (log.message, texts[i]), "%s: \"%s\" is not in \"%s\"",
        certificate_rows[__i__].name, texts[i], log.message);
  /* The warning's text is the same. */
  fail_unless (strstr (log.attempts->str, log.message) != NULL);
  fail_unless_equals_int (log.n_attempts, 1);
  fail_unless_equals_int (fault_server_count (front.backend, FAULT_POST), 0);
  client_log_clear (&log);
}

GST_END_TEST;

/* Who waits for everything waits for a new certificate, too. */
GST_START_TEST (test_certificate_is_renewed)
{
  IdentifaiClientSettings settings;
  IdentifaiClient *client;
  ClientLog log;

  client_log_init (&log);
  client_log_fill_settings (&settings, g_strdup_printf ("https://127.0.0.1:%u",
          front.faulty[BAD_EXPIRED]), "key-one");
  settings.tls_ca_file = path_of ("ca.pem");
  settings.retries = -1;
  client = identifai_client_new (&settings, &client_log_callbacks, &log, NULL);
  client_log_push_new (&log, client, 1, 1000);
  fail_unless (client_log_wait (&log, &log.n_attempts, 3));
  fail_unless_equals_int (log.n_finished, 0);

  run ("cp %s/good.pem %s/expired.pem", front.dir, front.dir);
  run ("cp %s/good.key %s/expired.key", front.dir, front.dir);
  g_subprocess_send_signal (front.nginx, SIGHUP);
  fail_unless (client_log_wait (&log, &log.n_freed, 1));
  fail_unless (log.reason == IDENTIFAI_REASON_NONE, "%s", log.message);
  identifai_client_close (client);
  identifai_client_settings_clear (&settings);
  client_log_clear (&log);
}

GST_END_TEST;

/* What answers there doesn't speak TLS: that is no matter of certificates. */
GST_START_TEST (test_tls_to_plain)
{
  Call call = {.port = front.plain,.retries = 1 };
  ClientLog log;

  make_call (&call, &log);
  fail_unless_equals_int (log.reason, IDENTIFAI_REASON_NETWORK);
  fail_unless (strstr (log.message, "No secure connection to 127.0.0.1")
      && strstr (log.message, "Check endpoint"), "%s", log.message);
  fail_unless (!strstr (log.message, "certificate"), "%s", log.message);
  fail_unless_equals_int (log.n_attempts, 2);
  client_log_clear (&log);
}

GST_END_TEST;

GST_START_TEST (test_plain_to_tls)
{
  Call call = {.scheme = "http",.port = front.http1 };

  check_fails (&call, IDENTIFAI_REASON_REJECTED, 400, "plain HTTP request");
}

GST_END_TEST;

/* Proxies. */

static void
use_proxy (const gchar * extra)
{
  front.tinyproxy = start_tinyproxy ("tinyproxy", &front.proxy, extra);
}

static gchar *
proxy_url (const gchar * userinfo)
{
  return g_strdup_printf ("http://%s127.0.0.1:%u", userinfo, front.proxy);
}

static const struct
{
  const gchar *name;
  const gchar *extra;           /* of the proxy's settings */
  gboolean tls;
  const gchar *property;        /* user info of `proxy`; NULL = not set */
  const gchar *variable;        /* of the environment, or NULL */
  const gchar *no_proxy;
  gboolean used;                /* and so in the proxy's log */
  const gchar *message;         /* of the failure; NULL = fine */
  const gchar *userinfo;        /* in the variable, or NULL */
} proxy_rows[] = {
  {"property, plain", "", FALSE, "", NULL, NULL, TRUE},
  {"property, TLS", "", TRUE, "", NULL, NULL, TRUE},
  {"http_proxy, plain", "", FALSE, NULL, "http_proxy", NULL, TRUE},
  {"http_proxy, TLS", "", TRUE, NULL, "http_proxy", NULL, FALSE},
  {"https_proxy, TLS", "", TRUE, NULL, "https_proxy", NULL, TRUE},
  {"HTTPS_PROXY, TLS", "", TRUE, NULL, "HTTPS_PROXY", NULL, TRUE},
  {"https_proxy, plain", "", FALSE, NULL, "https_proxy", NULL, FALSE},
  {"all_proxy, plain", "", FALSE, NULL, "all_proxy", NULL, TRUE},
  {"all_proxy, TLS", "", TRUE, NULL, "all_proxy", NULL, TRUE},
  {"no_proxy, its address", "", TRUE, NULL, "https_proxy", "127.0.0.1",
      FALSE},
  {"no_proxy, its network", "", TRUE, NULL, "https_proxy",
      "example.com, 127.0.0.0/8", FALSE},
  {"no_proxy, all", "", TRUE, NULL, "https_proxy", "*", FALSE},
  {"no_proxy, others", "", TRUE, NULL, "https_proxy", "example.com", TRUE},
  {"property wins over no_proxy", "", TRUE, "", "https_proxy", "*", TRUE},
  {"password, plain", "BasicAuth user secret", FALSE, "user:secret@", NULL,
      NULL, TRUE},
  {"password, TLS", "BasicAuth user secret", TRUE, "user:secret@", NULL, NULL,
      TRUE},
  {"wrong password, TLS", "BasicAuth user secret", TRUE, "user:wrong@", NULL,
      NULL, TRUE, "The proxy doesn't let through"},
  {"wrong password, plain", "BasicAuth user secret", FALSE, "user:wrong@",
      NULL, NULL, TRUE, "it refused the user name"},
  {"password, http_proxy", "BasicAuth user secret", FALSE, NULL, "http_proxy",
      NULL, TRUE, NULL, "user:secret@"},
  {"password, https_proxy", "BasicAuth user secret", TRUE, NULL, "https_proxy",
      NULL, TRUE, NULL, "user:secret@"},
  {"password, all_proxy", "BasicAuth user secret", TRUE, NULL, "all_proxy",
      NULL, TRUE, NULL, "user:secret@"},
  {"wrong password, https_proxy", "BasicAuth user secret", TRUE, NULL,
      "https_proxy", NULL, TRUE, "it refused the user name", "user:wrong@"},
  {"no password, plain", "BasicAuth user secret", FALSE, "", NULL, NULL, TRUE,
      "it wants a user name"},
  {"no password, TLS", "BasicAuth user secret", TRUE, "", NULL, NULL, TRUE,
      "it wants a user name"},
};

static void
set_environment (guint row)
{
  const gchar *names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
    "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"
  };
  const gchar *userinfo = proxy_rows[row].userinfo;
  gchar *url = proxy_url (userinfo ? userinfo : "");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++)
    g_unsetenv (names[i]);
  if (proxy_rows[row].variable)
    g_setenv (proxy_rows[row].variable, url, TRUE);
  if (proxy_rows[row].no_proxy)
    g_setenv ("no_proxy", proxy_rows[row].no_proxy, TRUE);
  g_free (url);
}

GST_START_TEST (test_proxy)
{
  Call call = {.ca = proxy_rows[__i__].tls ? "ca.pem" : NULL,.n_jobs = 2 };
  const FaultRequest *request;
  ClientLog log;
  gchar *text;
  guint i;

  use_proxy (proxy_rows[__i__].extra);
  set_environment (__i__);
  call.scheme = proxy_rows[__i__].tls ? "https" : "http";
  call.port = proxy_rows[__i__].tls ? front.http2 :
      fault_server_get_port (front.backend);
  if (proxy_rows[__i__].property)
    call.proxy = proxy_url (proxy_rows[__i__].property);
  make_call (&call, &log);
  fail_unless ((log.reason == IDENTIFAI_REASON_NONE)
      == (proxy_rows[__i__].message == NULL), "%s: %s",
      proxy_rows[__i__].name, log.message);
  if (proxy_rows[__i__].message)
    fail_unless (strstr (log.message, proxy_rows[__i__].message)
        && !strstr (log.message, "wrong"), "%s: %s", proxy_rows[__i__].name,
        log.message);
  /* The service never gets the proxy's password. */
  for (i = 0; (request = fault_server_get (front.backend, FAULT_POST, i)); i++)
    fail_unless (!strstr (request->headers, "Proxy-"), "%s", request->headers);
  fail_unless_equals_int (i, proxy_rows[__i__].message ? 0 : 2);
  text = read_file ("tinyproxy.log");
  fail_unless ((strstr (text, "Request (file descriptor") != NULL)
      == proxy_rows[__i__].used, "%s: %s", proxy_rows[__i__].name, text);
  g_free (text);
  g_free (call.proxy);
  client_log_clear (&log);
}

GST_END_TEST;

GST_START_TEST (test_proxy_gone)
{
  Call call = {.ca = "ca.pem",.port = front.http2 };

  call.proxy = g_strdup_printf ("http://127.0.0.1:%u", port_choose ());
  check_fails (&call, IDENTIFAI_REASON_NETWORK, 0, "proxy");
  g_free (call.proxy);
}

GST_END_TEST;

/* One client's end doesn't break another one's call on the same connection. */
GST_START_TEST (test_close_beside_another)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 1,.delay = 1000}, {FAULT_POST, 2,.delay = 1000},
  };
  IdentifaiClientSettings settings;
  IdentifaiClient *clients[2];
  ClientLog logs[2];
  guint i;

  script_backend (steps, G_N_ELEMENTS (steps));
  client_log_fill_settings (&settings, g_strdup_printf ("https://127.0.0.1:%u",
          version_port (__i__)), "key-one");
  settings.tls_ca_file = path_of ("ca.pem");
  for (i = 0; i < 2; i++) {
    client_log_init (&logs[i]);
    clients[i] =
        identifai_client_new (&settings, &client_log_callbacks, &logs[i], NULL);
    client_log_push_new (&logs[i], clients[i], 1, 1000);
    fail_unless (fault_server_wait (front.backend, FAULT_POST, i + 1));
  }
  identifai_client_close (clients[0]);
  fail_unless (client_log_wait (&logs[1], &logs[1].n_freed, 1));
  fail_unless_equals_int (logs[0].n_finished, 0);
  fail_unless_equals_int (logs[1].n_finished, 1);
  fail_unless_equals_int (logs[1].reason, IDENTIFAI_REASON_NONE);
  identifai_client_close (clients[1]);
  fail_unless (client_log_wait_for_threads (0));
  for (i = 0; i < 2; i++)
    client_log_clear (&logs[i]);
  identifai_client_settings_clear (&settings);
}

GST_END_TEST;

static Suite *
front_suite (void)
{
  Suite *suite = suite_create ("front");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, teardown);
  tcase_set_timeout (general, 180);
  tcase_add_loop_test (general, test_tls, 1, 3);
  tcase_add_loop_test (general, test_kept_alive, 1, 3);
  tcase_add_loop_test (general, test_large_file, 1, 3);
  tcase_add_loop_test (general, test_too_large, 1, 3);
  tcase_add_test (general, test_service_down);
  tcase_add_loop_test (general, test_silence, 1, 3);
  tcase_add_loop_test (general, test_close_in_silence, 1, 3);
  tcase_add_loop_test (general, test_close_beside_another, 1, 3);
  tcase_add_loop_test (general, test_certificate, 0,
      G_N_ELEMENTS (certificate_rows));
  tcase_add_test (general, test_certificate_is_renewed);
  tcase_add_test (general, test_tls_to_plain);
  tcase_add_test (general, test_plain_to_tls);
  tcase_add_loop_test (general, test_proxy, 0, G_N_ELEMENTS (proxy_rows));
  tcase_add_test (general, test_proxy_gone);

  return suite;
}

int
main (int argc, char **argv)
{
  static const gchar *const programs[] = { "nginx", "tinyproxy", "openssl",
    NULL
  };

  return program_run_suite (&argc, &argv, programs, front_suite);
}
