/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Uploads that overlap through a front that offers HTTP/2 with the windows of its
 * standard: nghttpx. Skipped where that isn't installed.
 */

#include <glib/gstdio.h>
#include "clientworld.h"
#include "ports.h"
#include "programs.h"
#include "tlsfront.h"

#define UPLOADS 4
#define SIZE (400 * 1000)

typedef struct
{
  gchar *folder;
  guint16 port;
  GSubprocess *process;
} Front;

static Front front;

static gchar *
path_of (const gchar * name)
{
  return g_build_filename (front.folder, name, NULL);
}

static void
start_nghttpx (guint16 backend)
{
  gchar *frontend, *service, *access_log;
  gchar *key = path_of ("key.pem"), *certificate = path_of ("cert.pem");
  gchar *log = path_of ("access.log");

  front.port = port_choose ();
  frontend = g_strdup_printf ("--frontend=127.0.0.1,%u", front.port);
  service = g_strdup_printf ("--backend=127.0.0.1,%u", backend);
  access_log = g_strconcat ("--accesslog-file=", log, NULL);
  front.process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE
      | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, "nghttpx", "--conf=/dev/null",
      "--workers=1", frontend, service, "--frontend-http2-window-size=65535",
      "--frontend-http2-connection-window-size=65535", access_log,
      "--errorlog-file=/dev/null", key, certificate, NULL);
  fail_unless (front.process != NULL);
  port_wait_for (front.port);
  g_free (frontend);
  g_free (service);
  g_free (access_log);
  g_free (key);
  g_free (certificate);
  g_free (log);
}

static void
setup (void)
{
  front.folder = tls_front_make_folder ();
  fail_unless (front.folder != NULL);
}

static void
teardown (void)
{
  gchar *log = path_of ("access.log");

  program_end (&front.process);
  port_release_all ();
  g_unlink (log);
  g_free (log);
  tls_front_remove_folder (front.folder);
  front.folder = NULL;
}

static void
check_protocol (void)
{
  gchar *path = path_of ("access.log"), *log = NULL;

  fail_unless (g_file_get_contents (path, &log, NULL, NULL));
  fail_unless (strstr (log, " HTTP/1.1\"") && !strstr (log, " HTTP/2\""), "%s",
      log);
  g_free (log);
  g_free (path);
}

GST_START_TEST (test_windows)
{
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  start_nghttpx (fault_server_get_port (world.server));
  g_free (world.settings.endpoint);
  world.settings.endpoint = g_strdup_printf ("https://127.0.0.1:%u",
      front.port);
  world.settings.tls_ca_file = path_of ("cert.pem");
  client_world_open (&world);
  for (i = 1; i <= UPLOADS; i++)
    client_log_push_new (&world.logs[0], world.clients[0], i, SIZE + i * 10000);
  client_world_wait (&world, 0, UPLOADS);
  fail_unless (world.logs[0].attempts->len == 0, "%s",
      world.logs[0].attempts->str);
  for (i = 1; i <= UPLOADS; i++)
    fail_unless_equals_int (world.logs[0].finished[i], 1);
  client_world_clear (&world);
  check_protocol ();
}

GST_END_TEST;

static Suite *
nghttpx_suite (void)
{
  Suite *suite = suite_create ("nghttpx");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, teardown);
  tcase_add_test (general, test_windows);

  return suite;
}

int
main (int argc, char **argv)
{
  static const gchar *const programs[] = { "nghttpx", "openssl", NULL };

  return program_run_suite (&argc, &argv, programs, nghttpx_suite);
}
