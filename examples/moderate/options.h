/* identifai-moderate: what the command line says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define MOD_NAME "identifai-moderate"

/* sysexits.h: what the command line or the file says can't be done. */
#define MOD_EXIT_USAGE 64
#define MOD_EXIT_CONFIG 78

typedef struct
{
  gboolean check, offline, version;
  gchar **verify;               /* log files; NULL: not asked for */
  gchar **test;                 /* log files; NULL: not asked for */
  gchar **rest;
  gchar *mqtt;                  /* goes before the file's */
  const gchar *config;          /* the one that remains */
} ModOptions;

/* FALSE with error. */
gboolean mod_options_parse (ModOptions * self, gint * argc, gchar *** argv,
    GError ** error);
void mod_options_clear (ModOptions * self);

G_END_DECLS
