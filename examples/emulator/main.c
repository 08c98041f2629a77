/* identifai-emulator: stands in for identifAI's service on this machine
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "control.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

/* The last one comes when the terminal is closed. */
static const gint signals[] = { SIGINT, SIGTERM, SIGHUP };

/* It stays: a second signal would end the process before it has cleaned up. */
static gboolean
quit (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_CONTINUE;
}

/* nohup has SIGHUP ignored, and so it stays. */
static void
watch_signal (gint number, GMainLoop * loop)
{
  struct sigaction old;

  if (number == SIGHUP && sigaction (number, NULL, &old) == 0
      && old.sa_handler == SIG_IGN)
    return;
  g_unix_signal_add_full (G_PRIORITY_HIGH, number, quit, loop, NULL);
}

static void
serve (EmuServer * server, GMainLoop * loop)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (signals); i++)
    watch_signal (signals[i], loop);
  /* Scripts wait for this line. */
  printf ("%s: listening on %s\n", EMU_NAME, server->base);
  fflush (stdout);
  emu_log (server, "results are %s", EMU_NOTICE);
  g_main_loop_run (loop);
}

static gint
print_openapi (void)
{
  g_autoptr (GBytes) document = emu_control_get_openapi ();
  gsize size;
  const gchar *text = g_bytes_get_data (document, &size);

  return fwrite (text, 1, size, stdout) == size && fflush (stdout) == 0 ? 0 : 1;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EmuOptions) options = NULL;
  GMainLoop *loop;
  EmuServer *server;

  /* HTTP/2 in libsoup's server (3.2) takes no body above 64 KiB, and aborts the
   * process when a fault takes a connection out of its hands. */
  g_unsetenv ("SOUP_SERVER_HTTP2");
  setlocale (LC_ALL, "");
  options = emu_options_parse (&argc, &argv, &error);
  if (options == NULL && error == NULL)
    return 0;
  if (options != NULL && options->openapi)
    return print_openapi ();
  server = options != NULL ? emu_server_new (options, &error) : NULL;
  if (server == NULL) {
    g_printerr ("%s: %s\n%s", EMU_NAME, error->message, options != NULL ? "" :
        "\"" EMU_NAME " --help\" tells how it is used.\n");
    return 1;
  }
  loop = g_main_loop_new (NULL, FALSE);
  serve (server, loop);
  emu_server_free (server);
  g_main_loop_unref (loop);
  gst_deinit ();
  return 0;
}
