/* identifai-emulator: stands in for identifAI's service on this machine
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "server.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

/* The last one comes when the terminal is closed. */
static const gint signals[] = { SIGINT, SIGTERM, SIGHUP };

static gboolean
quit (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

/* NULL: nohup has SIGHUP ignored, and so it stays. */
static GSource *
watch_signal (gint number, GMainLoop * loop)
{
  struct sigaction old;
  GSource *source;

  if (number == SIGHUP && sigaction (number, NULL, &old) == 0
      && old.sa_handler == SIG_IGN)
    return NULL;
  source = g_unix_signal_source_new (number);
  g_source_set_callback (source, quit, loop, NULL);
  g_source_attach (source, NULL);
  return source;
}

static void
serve (EmuServer * server)
{
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);
  GSource *sources[G_N_ELEMENTS (signals)];
  guint i;

  for (i = 0; i < G_N_ELEMENTS (signals); i++)
    sources[i] = watch_signal (signals[i], loop);
  /* Scripts wait for this line. */
  printf ("%s: listening on %s\n", EMU_NAME, server->base);
  fflush (stdout);
  emu_log (server, "results are %s", EMU_NOTICE);
  g_main_loop_run (loop);
  for (i = 0; i < G_N_ELEMENTS (signals); i++) {
    if (sources[i] != NULL)
      g_source_destroy (sources[i]);
    g_clear_pointer (&sources[i], g_source_unref);
  }
  g_main_loop_unref (loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EmuOptions) options = NULL;
  EmuServer *server;

  /* HTTP/2 in libsoup's server (3.2) takes no body above 64 KiB, and aborts the
   * process when a fault takes a connection out of its hands. */
  g_unsetenv ("SOUP_SERVER_HTTP2");
  setlocale (LC_ALL, "");
  options = emu_options_parse (&argc, &argv, &error);
  if (options == NULL && error == NULL)
    return 0;
  server = options != NULL ? emu_server_new (options, &error) : NULL;
  if (server == NULL) {
    g_printerr ("%s: %s\n", EMU_NAME, error->message);
    return 1;
  }
  serve (server);
  emu_server_free (server);
  gst_deinit ();
  return 0;
}
