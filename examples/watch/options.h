/* identifai-watch: what the command line says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gchar **arguments;            /* what is to be judged */
  gchar **settings;             /* PROPERTY=VALUE, of all that judges */
  gchar **fail_on;              /* classifications */
  gint jobs;                    /* files at a time */
  gboolean json, quiet, verbose;
  gboolean version;
} WatchOptions;

/* Takes GStreamer's options out of argv, too, and initialises it. FALSE with an error
 * that says what is wrong, also where nothing is to be judged. */
gboolean watch_options_parse (WatchOptions * self, gint * argc, gchar *** argv,
    GError ** error);
void watch_options_clear (WatchOptions * self);

G_END_DECLS
