/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "programs.h"

#include <signal.h>

#define SKIPPED 77

gint
program_run_suite (gint * argc, gchar *** argv, const gchar * const *programs,
    Suite * (*make) (void))
{
  for (; *programs != NULL; programs++) {
    gchar *path = g_find_program_in_path (*programs);

    if (path == NULL) {
      g_printerr ("skipped: %s is not installed\n", *programs);
      return SKIPPED;
    }
    g_free (path);
  }
  gst_check_init (argc, argv);

  return gst_check_run_suite (make (), (*argv)[0], __FILE__);
}

void
program_end (GSubprocess ** process)
{
  if (*process == NULL)
    return;

  g_subprocess_send_signal (*process, SIGTERM);
  g_subprocess_wait (*process, NULL, NULL);
  g_clear_object (process);
}
