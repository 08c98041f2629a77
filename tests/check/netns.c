/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The network goes away and comes back: a cable pulled in the middle of an
 * upload, name resolution gone. In network and mount namespaces of the test's
 * own; skipped where they can't be made.
 */

#define _GNU_SOURCE             /* unshare, setns */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include "faultserver.h"
#include "backoff.h"
#include "clientlog.h"

#define SKIPPED 77
#define SERVER "10.99.0.1"
#define CLIENT "10.99.0.2"
#define MEGABYTE (1000 * 1000)
/* It takes a few ms; a busy machine gets some seconds. */
#define CLOSE_BOUND (10 * G_TIME_SPAN_SECOND)

/* Of both sides; a thread is on one of them, and so are those that it starts. */
static int server_side, client_side;
static gchar *hosts;            /* stands for /etc/hosts */
static gchar *resolver;         /* stands for /etc/resolv.conf */

static gboolean
run (const gchar * format, ...)
{
  va_list args;
  gchar *command;
  gint status = -1;
  gboolean done;

  va_start (args, format);
  command = g_strdup_vprintf (format, args);
  va_end (args);
  done = g_spawn_command_line_sync (command, NULL, NULL, &status, NULL)
      && status == 0;
  if (!done)
    g_printerr ("failed: %s\n", command);
  g_free (command);

  return done;
}

static int
open_side (void)
{
  return open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* A cable between two network namespaces. */
static gboolean
connect_sides (void)
{
  gchar *peer;
  gboolean done;

  if (unshare (CLONE_NEWNET) < 0)
    return FALSE;
  client_side = open_side ();
  if (!run ("ip link set lo up") || unshare (CLONE_NEWNET) < 0)
    return FALSE;
  server_side = open_side ();

  peer = g_strdup_printf ("/proc/%d/fd/%d", (int) getpid (), client_side);
  done = run ("ip link set lo up")
      && run ("ip link add vs type veth peer name vc netns %s", peer)
      && run ("ip addr add " SERVER "/24 dev vs") && run ("ip link set vs up");
  g_free (peer);
  if (!done || setns (client_side, CLONE_NEWNET) < 0)
    return FALSE;

  return run ("ip addr add " CLIENT "/24 dev vc")
      && run ("ip link set vc up");
}

/* Names are looked up in a file of the test's, and else not found. */
static gboolean
replace_names (void)
{
  int fd;

  if (unshare (CLONE_NEWNS) < 0
      || mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return FALSE;

  fd = g_file_open_tmp ("identifai-hosts-XXXXXX", &hosts, NULL);
  close (fd);
  fd = g_file_open_tmp ("identifai-resolver-XXXXXX", &resolver, NULL);
  close (fd);
  g_file_set_contents (resolver, "nameserver 127.0.0.1\n", -1, NULL);
  if (mount (hosts, "/etc/hosts", NULL, MS_BIND, NULL) < 0
      || mount (resolver, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0)
    return FALSE;

  return TRUE;
}

/* In place, as the file is mounted. */
static void
overwrite (const gchar * path, const gchar * text)
{
  FILE *file = g_fopen (path, "w");

  fail_unless (file != NULL);
  fail_unless (fputs (text, file) >= 0);
  fail_unless (fclose (file) == 0);
}

static void
plug (gboolean in)
{
  fail_unless (setns (server_side, CLONE_NEWNET) == 0);
  fail_unless (run ("ip link set vs %s", in ? "up" : "down"));
  fail_unless (setns (client_side, CLONE_NEWNET) == 0);
}

static FaultServer *
start_server (const FaultStep * steps, guint n_steps)
{
  FaultServer *server;

  fail_unless (setns (server_side, CLONE_NEWNET) == 0);
  server = fault_server_new_everywhere (steps, n_steps);
  fail_unless (setns (client_side, CLONE_NEWNET) == 0);

  return server;
}

static IdentifaiClient *
open_client (FaultServer * server, const gchar * host, ClientLog * log)
{
  IdentifaiClientSettings settings;
  IdentifaiClient *client;

  client_log_init (log);
  client_log_fill_settings (&settings, g_strdup_printf ("http://%s:%u", host,
          fault_server_get_port (server)), "key-one");
  settings.retries = -1;
  settings.timeout = 1;
  client = identifai_client_new (&settings, &client_log_callbacks, log, NULL);
  fail_unless (client != NULL);
  identifai_client_settings_clear (&settings);

  return client;
}

static void
check_all_fine (const ClientLog * log, guint n_jobs)
{
  guint i;

  fail_unless_equals_int (log->n_finished, n_jobs);
  for (i = 1; i <= n_jobs; i++)
    fail_unless_equals_int (log->finished[i], 1);
  fail_unless_equals_int (log->reason, IDENTIFAI_REASON_NONE);
}

static guint
count_attempts (ClientLog * log)
{
  guint count;

  g_mutex_lock (&log->lock);
  count = log->n_attempts;
  g_mutex_unlock (&log->lock);

  return count;
}

GST_START_TEST (test_cable)
{
  static const FaultStep steps[] = { {FAULT_POST, 1, FAULT_STUCK,.at = MEGABYTE}
  };
  FaultServer *server = start_server (steps, G_N_ELEMENTS (steps));
  const FaultRequest *request;
  ClientLog log;
  IdentifaiClient *client = open_client (server, SERVER, &log);
  guint i;

  client_log_push_new (&log, client, 1, 30 * MEGABYTE);
  fail_unless (fault_server_wait (server, FAULT_POST, 1));
  plug (FALSE);

  /* Meanwhile, segments come as ever. */
  for (i = 2; i <= 10; i++)
    client_log_push_new (&log, client, i, 1000);
  fail_unless (client_log_wait (&log, &log.n_attempts, 5));
  fail_unless_equals_int (log.n_finished, 0);
  fail_unless (client_log_has_attempt (&log, SERVER));

  plug (TRUE);
  fail_unless (client_log_wait (&log, &log.n_freed, 10), "%u of 10: %s",
      log.n_freed, log.attempts->str);
  check_all_fine (&log, 10);

  /* The half sent file started over. */
  for (i = 0; (request = fault_server_get (server, FAULT_POST, i)); i++) {
    /* NULL of those that didn't come in whole. */
    if (request->body && g_bytes_get_size (request->body) > 30 * MEGABYTE)
      break;
  }
  fail_unless (request != NULL);
  identifai_client_close (client);
  fault_server_free (server);
  client_log_clear (&log);
}

GST_END_TEST;

/* Results that are waited for are looked at again, too. */
GST_START_TEST (test_cable_while_waiting)
{
  FaultServer *server = start_server (NULL, 0);
  ClientLog log;
  IdentifaiClient *client = open_client (server, SERVER, &log);
  guint i, attempts;

  fault_server_set_delay (server, FAULT_NEVER);
  for (i = 1; i <= 5; i++)
    client_log_push_new (&log, client, i, 1000);
  fail_unless (client_log_wait (&log, &log.n_submitted, 5));
  plug (FALSE);
  attempts = count_attempts (&log);
  fail_unless (client_log_wait (&log, &log.n_attempts, attempts + 3));
  fault_server_set_delay (server, 0);
  plug (TRUE);
  fail_unless (client_log_wait (&log, &log.n_freed, 5), "%u of 5: %s",
      log.n_freed, log.attempts->str);
  check_all_fine (&log, 5);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), 5);
  identifai_client_close (client);
  fault_server_free (server);
  client_log_clear (&log);
}

GST_END_TEST;

GST_START_TEST (test_close_without_cable)
{
  FaultServer *server = start_server (NULL, 0);
  gint64 started;
  ClientLog log;
  IdentifaiClient *client = open_client (server, SERVER, &log);

  plug (FALSE);
  client_log_push_new (&log, client, 1, MEGABYTE);
  fail_unless (client_log_wait (&log, &log.n_attempts, 1));
  started = g_get_monotonic_time ();
  identifai_client_close (client);
  fail_unless (g_get_monotonic_time () - started < CLOSE_BOUND);
  fail_unless (client_log_wait_for_threads (0));
  plug (TRUE);
  fault_server_free (server);
  client_log_clear (&log);
}

GST_END_TEST;

GST_START_TEST (test_names)
{
  FaultServer *server = start_server (NULL, 0);
  ClientLog log;
  IdentifaiClient *client;

  overwrite (hosts, "");
  client = open_client (server, "service.test", &log);
  client_log_push_new (&log, client, 1, 1000);
  fail_unless (client_log_wait (&log, &log.n_attempts, 3));
  fail_unless_equals_int (log.n_finished, 0);
  fail_unless (client_log_has_attempt (&log, "No connection to service.test"));
  fail_unless (client_log_has_attempt (&log, "name server"));

  overwrite (hosts, SERVER " service.test\n");
  fail_unless (client_log_wait (&log, &log.n_freed, 1), "%s",
      log.attempts->str);
  check_all_fine (&log, 1);
  identifai_client_close (client);
  fault_server_free (server);
  client_log_clear (&log);
}

GST_END_TEST;

/* A name server that takes questions and doesn't answer. */
GST_START_TEST (test_close_in_lookup)
{
  struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons (53) };
  FaultServer *server = start_server (NULL, 0);
  guint8 question[512];
  IdentifaiClient *client;
  gint64 started;
  ClientLog log;
  int fd;

  fail_unless (setns (server_side, CLONE_NEWNET) == 0);
  fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  fail_unless (bind (fd, (struct sockaddr *) &address, sizeof (address)) == 0);
  fail_unless (setns (client_side, CLONE_NEWNET) == 0);
  overwrite (hosts, "");
  /* Far longer than it may take to close. */
  overwrite (resolver, "nameserver " SERVER "\noptions timeout:30\n");

  client = open_client (server, "service.test", &log);
  client_log_push_new (&log, client, 1, 1000);
  fail_unless (recv (fd, question, sizeof (question), 0) > 0);
  started = g_get_monotonic_time ();
  identifai_client_close (client);
  fail_unless (g_get_monotonic_time () - started < CLOSE_BOUND);
  fail_unless (client_log_wait_for_threads (0));
  fail_unless (g_get_monotonic_time () - started < CLOSE_BOUND,
      "it waited for the lookup");
  fail_unless_equals_int (log.n_finished, 0);
  overwrite (resolver, "nameserver 127.0.0.1\n");
  close (fd);
  fault_server_free (server);
  client_log_clear (&log);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (0.01);
}

static Suite *
netns_suite (void)
{
  Suite *suite = suite_create ("netns");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_set_timeout (general, 180);
  tcase_add_test (general, test_cable);
  tcase_add_test (general, test_cable_while_waiting);
  tcase_add_test (general, test_close_without_cable);
  tcase_add_test (general, test_names);
  tcase_add_test (general, test_close_in_lookup);

  return suite;
}

int
main (int argc, char **argv)
{
  gchar *ip = g_find_program_in_path ("ip");
  gint failed;

  /* Before there is a second thread, which would stay where it is. */
  if (!ip || !connect_sides () || !replace_names ()) {
    g_printerr ("skipped: %s\n", ip ? "no permission to make namespaces "
        "(needs root)" : "ip (iproute2) is not installed");
    return SKIPPED;
  }
  g_free (ip);

  gst_check_init (&argc, &argv);
  failed = gst_check_run_suite (netns_suite (), "netns", __FILE__);
  g_unlink (hosts);
  g_unlink (resolver);
  g_free (hosts);
  g_free (resolver);

  return failed;
}
