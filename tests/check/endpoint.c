/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the client is told: endpoints, keys, settings.
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include "clientlog.h"
#include "keyfile.h"
#include "endpoint.h"

static const struct
{
  const gchar *endpoint;
  gboolean allow_plain_http;
  const gchar *checked;         /* NULL: refused */
  const gchar *message;         /* is in the error */
} endpoints[] = {
  {"https://backend.identifai.net", FALSE, "https://backend.identifai.net"},
  {"https://backend.identifai.net/", FALSE, "https://backend.identifai.net"},
  {"https://a.example/x/y//", FALSE, "https://a.example/x/y"},
  {"HTTPS://A.example", FALSE, "https://A.example"},
  {"https://a.example:8443/x", FALSE, "https://a.example:8443/x"},
  {"https://[2001:db8::1]:8443", FALSE, "https://[2001:db8::1]:8443"},
  {"https://[fe80::1%25eth0]:8443/x%2Fy", FALSE,
      "https://[fe80::1%25eth0]:8443/x%2Fy"},
  {"http://localhost:1234", FALSE, "http://localhost:1234"},
  {"http://LOCALHOST", FALSE, "http://LOCALHOST"},
  {"http://127.0.0.1:1", FALSE, "http://127.0.0.1:1"},
  {"http://127.200.3.4", FALSE, "http://127.200.3.4"},
  {"http://[::1]:8080/", FALSE, "http://[::1]:8080"},
  {"http://10.0.0.1", TRUE, "http://10.0.0.1"},

  {NULL, FALSE, NULL, "empty"},
  {"", FALSE, NULL, "empty"},
  {"backend.identifai.net", FALSE, NULL, "no absolute URL"},
  {"//backend.identifai.net", FALSE, NULL, "no absolute URL"},
  {"/api", TRUE, NULL, "no absolute URL"},
  {"ftp://backend.identifai.net", TRUE, NULL, "neither https nor http"},
  {"file:///etc/passwd", TRUE, NULL, "neither https nor http"},
  {"https://", TRUE, NULL, "host"},
  {"https:///x", TRUE, NULL, "host"},
  {"https://a.example:99999", TRUE, NULL, "no absolute URL"},
  {"https://a b.example", TRUE, NULL, "characters"},
  {"https://name%40a.example", TRUE, NULL, "characters"},
  {"https://a.example%2Fb.example", TRUE, NULL, "characters"},
  {"https://a.example%3A80", TRUE, NULL, "characters"},
  {"https://a.example%2540b.example", TRUE, NULL, "characters"},
  {"https://a%0D%0Ab.example", TRUE, NULL, "characters"},
  {"https://a.example?x=1", TRUE, NULL, "query"},
  {"https://a.example/#top", TRUE, NULL, "fragment"},
  {"https://me:hunter2@a.example", TRUE, NULL, "password"},
  {"https://me@a.example", TRUE, NULL, "user name"},
  {"http://10.0.0.1", FALSE, NULL, "allow-plain-http"},
  {"http://backend.identifai.net", FALSE, NULL, "in clear"},
  {"http://localhost.example", FALSE, NULL, "in clear"},
  {"http://127.0.0.1.example", FALSE, NULL, "in clear"},
  {"http://0.0.0.0", FALSE, NULL, "in clear"},
  {"http://[::]", FALSE, NULL, "in clear"},
};

GST_START_TEST (test_endpoint)
{
  GError *error = NULL;
  gchar *checked = identifai_endpoint_check
      (endpoints[__i__].endpoint, endpoints[__i__].allow_plain_http, &error);

  fail_unless_equals_string (checked, endpoints[__i__].checked);
  fail_unless_equals_int (checked == NULL, error != NULL);
  if (error) {
    fail_unless (strstr (error->message, endpoints[__i__].message), "%s: %s",
        endpoints[__i__].endpoint, error->message);
    fail_unless (!strstr (error->message, "hunter2"));
    g_error_free (error);
  }
  g_free (checked);
}

GST_END_TEST;

static const struct
{
  const gchar *content;
  gssize length;                /* -1 = strlen */
  const gchar *key;             /* NULL: refused */
} key_files[] = {
  {"sk-123", -1, "sk-123"},
  {"sk-123\n", -1, "sk-123"},
  {"  sk-123\t\r\nsecond line\n", -1, "sk-123"},
  {"\357\273\277sk-123\r\n", -1, "sk-123"},
  {"\357\273\277\n", -1, NULL},
  {"\377\376s\000k\000", 6, NULL},
  {"", -1, NULL},
  {"\n", -1, NULL},
  {"\nsk-123\n", -1, NULL},
  {"   \n", -1, NULL},
  {"sk 123\n", -1, NULL},
  {"sk-123\rX-Evil: yes\n", -1, NULL},
  {"sk-\xc3\xa9\n", -1, NULL},
  {"sk-\x01\n", -1, NULL},
  {"\0sk-123\n", 8, NULL},
};

static gchar *
make_file (const gchar * content, gssize length)
{
  gchar *path = NULL;
  int fd = g_file_open_tmp ("identifai-key-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  close (fd);
  fail_unless (g_file_set_contents (path, content, length, NULL));

  return path;
}

static void
check_key (const gchar * path, const gchar * expected)
{
  GError *error = NULL;
  gchar *key = identifai_key_file_read (path, &error);

  fail_unless_equals_string (key, expected);
  fail_unless_equals_int (key == NULL, error != NULL);
  if (error) {
    fail_unless (strstr (error->message, path), "%s", error->message);
    fail_unless (!strstr (error->message, "sk"), "%s", error->message);
    g_error_free (error);
  }
  g_free (key);
}

GST_START_TEST (test_key_file)
{
  gchar *path = make_file (key_files[__i__].content, key_files[__i__].length);

  check_key (path, key_files[__i__].key);
  g_unlink (path);
  g_free (path);
}

GST_END_TEST;

GST_START_TEST (test_key_file_unreadable)
{
  gchar *path = make_file ("x", -1);
  gchar *fifo = g_strconcat (path, ".fifo", NULL);
  gchar *filler = g_strnfill (100000, 'k');

  g_unlink (path);
  check_key (path, NULL);
  check_key ("/tmp", NULL);
  check_key ("/dev/null", NULL);

  /* One that nobody writes into doesn't make it wait. */
  fail_unless (mkfifo (fifo, 0600) == 0);
  check_key (fifo, NULL);
  g_unlink (fifo);

  /* One without a line's end in sight is no key, or a cut one. */
  fail_unless (g_file_set_contents (path, filler, -1, NULL));
  check_key (path, NULL);
  g_unlink (path);
  g_free (filler);
  g_free (fifo);
  g_free (path);
}

GST_END_TEST;

/* What keeps a client from being made. */
static const struct
{
  const gchar *key, *key_file, *proxy, *user_agent, *ca_file;
  const gchar *message;         /* NULL: it is made */
} clients[] = {
  {"k3y"},
  {" k3y\n"},
  {"k3y",.proxy = "http://user:hunter2@127.0.0.1:1"},
  {"k3y",.proxy = "127.0.0.1:3128"},
  {"k3y",.proxy = "socks5://127.0.0.1"},
  {NULL,.message = "IDENTIFAI_API_KEY"},
  {"",.message = "api-key-file"},
  {"k3y\nX-Evil: yes",.message = "printable"},
  {"k3y k3y",.message = "printable"},
  {NULL,.key_file = "/nowhere/key",.message = "/nowhere/key"},
  {"k3y",.proxy = "nonsense://hunter2",.message = "proxy"},
  {"k3y",.proxy = "http://",.message = "proxy"},
  {"k3y",.proxy = "user:hunter2#@127.0.0.1:1",.message = "%23"},
  {"k3y",.proxy = "127.0.0.1:99999",.message = "proxy"},
  {"k3y",.proxy = "socks5://user:hunter2/@127.0.0.1",.message = "proxy"},
  {"k3y",.user_agent = "a\r\nX-Evil: yes",.message = "user-agent"},
  {"k3y",.ca_file = "/nowhere/ca.pem",.message = "tls-ca-file /nowhere"},
  {"k3y",.ca_file = "/dev/null",.message = "tls-ca-file /dev/null"},
  {"k3y",.ca_file = "/dev",.message = "tls-ca-file /dev can't be used"},
  /* a text, but no PEM */
  {"k3y",.ca_file = "/proc/version",.message = "tls-ca-file /proc/version"},
};

GST_START_TEST (test_client)
{
  IdentifaiClientSettings settings = {
    .endpoint = (gchar *) "http://127.0.0.1:1",
    .api_key = (gchar *) clients[__i__].key,
    .api_key_file = (gchar *) clients[__i__].key_file,
    .proxy = (gchar *) clients[__i__].proxy,
    .user_agent = (gchar *) clients[__i__].user_agent,
    .tls_ca_file = (gchar *) clients[__i__].ca_file,
  };
  GError *error = NULL;
  IdentifaiClient *client =
      identifai_client_new (&settings, &client_log_callbacks,
      NULL, &error);

  fail_unless_equals_int (client == NULL, clients[__i__].message != NULL);
  fail_unless_equals_int (client == NULL, error != NULL);
  if (error) {
    fail_unless (strstr (error->message, clients[__i__].message), "%s",
        error->message);
    fail_unless (!strstr (error->message, "k3y"));
    fail_unless (!strstr (error->message, "hunter2"));
    g_error_free (error);
  } else {
    /* Neither a bad key nor none replaces a good one. */
    identifai_client_set_key (client, "bad key\n1");
    identifai_client_set_key (client, NULL);
    identifai_client_close (client);
  }
}

GST_END_TEST;

/* What GIO would print with its password, or leave out: the variables that count. */
GST_START_TEST (test_environment)
{
  static const struct
  {
    const gchar *variable, *value, *no_proxy, *endpoint;
    gboolean made;
  } rows[] = {
    {"http_proxy", "http://user:hunter2#@127.0.0.1:1", NULL,
        "http://a.example"},
    {"http_proxy", "user:hunter2/@127.0.0.1:1", NULL, "http://a.example"},
    {"https_proxy", "socks5://u:hunter2#@127.0.0.1", NULL, "https://a.example"},
    {"all_proxy", "http://user:hunter2#@127.0.0.1:1", NULL,
        "https://a.example"},
    {"http_proxy", "http://user:hunter2@a.example;8080", NULL,
        "http://a.example"},
    {"http_proxy", "http://hunter2#@127.0.0.1:1", NULL, "https://a.example",
        TRUE},
    {"all_proxy", "http://hunter2#@127.0.0.1:1", "a.example",
        "http://a.example", TRUE},
    {"all_proxy", "http://hunter2#@127.0.0.1:1", "*", "http://a.example", TRUE},
    {"all_proxy", "http://user:hunter2@127.0.0.1:1", NULL, "http://a.example",
        TRUE},
    {"http_proxy", "http://user:hunter2@[fe80::1%25lo]:1", NULL,
        "http://a.example", TRUE},
    {"http_proxy", "http://user:hunter2#@127.0.0.1:1", NULL,
        "http://[fe80::1%25lo]"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    IdentifaiClientSettings settings = {.api_key = (gchar *) "k3y",
      .endpoint = (gchar *) rows[i].endpoint
    };
    IdentifaiClient *client;
    GError *error = NULL;

    g_setenv (rows[i].variable, rows[i].value, TRUE);
    g_setenv ("no_proxy", rows[i].no_proxy ? rows[i].no_proxy : "", TRUE);
    client =
        identifai_client_new (&settings, &client_log_callbacks, NULL, &error);
    fail_unless_equals_int (client != NULL, rows[i].made);
    if (error) {
      fail_unless (strstr (error->message, "environment"), "%s",
          error->message);
      fail_unless (!strstr (error->message, "hunter2"));
      g_error_free (error);
    } else {
      identifai_client_close (client);
    }
    g_unsetenv (rows[i].variable);
    g_setenv ("no_proxy", "*", TRUE);
  }
}

GST_END_TEST;

GST_START_TEST (test_settings_copy)
{
  IdentifaiClientSettings settings, copy;

  client_log_fill_settings (&settings, g_strdup ("https://a.example"), "key");
  settings.retries = 7;
  settings.limits[IDENTIFAI_CALL_GET].per_minute = 60;
  identifai_client_settings_copy (&settings, &copy);
  fail_if (copy.endpoint == settings.endpoint);
  fail_unless_equals_string (copy.endpoint, "https://a.example");
  fail_unless_equals_string (copy.api_key, "key");
  fail_unless_equals_int (copy.retries, 7);
  fail_unless_equals_int (copy.limits[IDENTIFAI_CALL_GET].per_minute, 60);
  identifai_client_settings_clear (&settings);
  fail_unless (settings.endpoint == NULL && settings.api_key == NULL);
  identifai_client_settings_clear (&settings);
  identifai_client_settings_clear (&copy);
}

GST_END_TEST;

/* Writes a byte now and then, as long as somebody reads. */
static gpointer
drip (gpointer path)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  while (write (fd, "k", 1) == 1)
    g_usleep (50000);
  close (fd);

  return NULL;
}

/* One that doesn't come to an end is waited for, but not for long: whoever starts
 * the element waits, too. */
GST_START_TEST (test_key_file_drips)
{
  gchar *path = make_file ("x", -1);
  gint64 started;
  GThread *thread;
  int fd;

  g_unlink (path);
  fail_unless (mkfifo (path, 0600) == 0);
  signal (SIGPIPE, SIG_IGN);
  /* So that both ends are there before the key is read. */
  fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  thread = g_thread_new ("drip", drip, path);
  started = g_get_monotonic_time ();
  check_key (path, NULL);
  /* It takes two seconds; a busy machine gets some more. */
  fail_unless (g_get_monotonic_time () - started < 10 * G_TIME_SPAN_SECOND);
  close (fd);
  g_thread_join (thread);
  g_unlink (path);
  g_free (path);
}

GST_END_TEST;

static Suite *
endpoint_suite (void)
{
  Suite *suite = suite_create ("endpoint");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_endpoint, 0, G_N_ELEMENTS (endpoints));
  tcase_add_loop_test (general, test_key_file, 0, G_N_ELEMENTS (key_files));
  tcase_add_test (general, test_key_file_unreadable);
  tcase_add_test (general, test_key_file_drips);
  tcase_add_loop_test (general, test_client, 0, G_N_ELEMENTS (clients));
  tcase_add_test (general, test_environment);
  tcase_add_test (general, test_settings_copy);

  return suite;
}

GST_CHECK_MAIN (endpoint);
