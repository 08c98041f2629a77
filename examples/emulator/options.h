/* identifai-emulator: what the command line says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EMU_NAME "identifai-emulator"
#define EMU_NOTICE "made by " EMU_NAME " " VERSION ", which is no detector: " \
    "it applies documented rules to pixels and samples"

/* All of it is owned. */
typedef struct
{
  gchar *address;               /* "127.0.0.1" */
  gchar **host_names;           /* that the page may be asked by; NULL = none */
  gint port;                    /* 0 = any free one */
  gchar **api_keys;             /* see emu_keys_new(); NULL = any key */
  gchar **partners;             /* keys, see emu_keys_add_partner(); NULL = none */
  gdouble delay;                /* s, from submit to the final result */
  gdouble delay_spread;         /* s, up to so much longer */
  gchar *record_dir;            /* NULL = keep nothing */
  gint64 max_bytes;             /* of one file */
  gint jobs;                    /* files decoded at once */
  gdouble decode_timeout;       /* s, for one file */
  gchar *rate_limits;           /* see emu_rates_parse() */
  gboolean no_retry_after;
  gchar **faults;               /* see faults.h; NULL = none */
  gchar **rules;                /* see rules.h; NULL = none */
  gchar *verdict;               /* of what no rule is about; NULL = it is judged */
  gchar *replay_dir;            /* NULL = judge what comes */
  gchar *tls_certificate, *tls_key;     /* PEM files; NULL = plain HTTP */
  gboolean no_webhooks;
  gdouble webhook_retry_delay, webhook_timeout; /* s */
  gchar **fetch_hosts;          /* see emu_fetcher_new() */
  gdouble fetch_timeout;        /* s */
  gboolean openapi;             /* print what is served, and nothing else */
  gboolean quiet;
} EmuOptions;

/* NULL with error, or after --version. */
EmuOptions *emu_options_parse (gint * argc, gchar *** argv, GError ** error);
void emu_options_free (EmuOptions * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EmuOptions, emu_options_free)

G_END_DECLS
