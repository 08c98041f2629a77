/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests that need programs of others.
 */

#pragma once

#include <gio/gio.h>
#include <gst/check/gstcheck.h>

G_BEGIN_DECLS

/* Runs the suite, or says which of the programs (NULL-terminated) is missing.
 * Returns the exit status of the test. */
gint program_run_suite (gint * argc, gchar *** argv,
    const gchar * const *programs, Suite * (*make) (void));
/* With SIGTERM; *process may be NULL, and is then. */
void program_end (GSubprocess ** process);

G_END_DECLS
