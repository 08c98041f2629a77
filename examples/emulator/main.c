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

static gboolean
quit (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

static void
serve (EmuServer * server)
{
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);
  guint interrupt = g_unix_signal_add (SIGINT, quit, loop);
  guint terminate = g_unix_signal_add (SIGTERM, quit, loop);

  /* Scripts wait for this line. */
  printf ("%s: listening on %s\n", EMU_NAME, server->base);
  fflush (stdout);
  emu_log (server, "results are %s", EMU_NOTICE);
  g_main_loop_run (loop);
  /* Of the two, the one that came has removed itself. */
  if (g_main_context_find_source_by_id (NULL, interrupt) != NULL)
    g_source_remove (interrupt);
  if (g_main_context_find_source_by_id (NULL, terminate) != NULL)
    g_source_remove (terminate);
  g_main_loop_unref (loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (EmuOptions) options = NULL;
  EmuServer *server;

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
