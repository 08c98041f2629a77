/* identifai-emulator: what the command line says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "options.h"
#include "rules.h"

#include <gst/gst.h>

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_MAX_BYTES 50000000
#define DEFAULT_DELAY 1.0
#define DEFAULT_DECODE_TIMEOUT 60.0
#define DEFAULT_WEBHOOK_RETRY_DELAY 1.0
#define DEFAULT_WEBHOOK_TIMEOUT 10.0
#define DEFAULT_FETCH_TIMEOUT 30.0
#define DEFAULT_RATE_LIMITS "published"

static const gchar summary[] =
    "Stands in for identifAI's classification service on this machine, so that\n"
    "nobody needs a key or credits to try, test or demonstrate what talks to it.\n"
    "\n"
    "It is no detector. It decodes what it is sent and applies simple rules to\n"
    "the frames: magenta pixels (videotestsrc pattern=solid-color\n"
    "foreground-color=0xffff00ff) make a frame artificial, a black frame can't\n"
    "be judged, everything else is human. A tone of 1 kHz makes sound artificial.";

static const gchar description[] =
    "Faults:\n"
    "  CALLS: submit, result, batch, credits, override, heatmap, fromurl,\n"
    "    users; post, get, delete; chunked (of unknown length); any\n"
    "  REQUESTS, counted from 1: 3, 2-4, 2+, %3 (every third); none: all\n"
    "  ACTION: delay=SECONDS, status=CODE, header=NAME: VALUE, reset, silence,\n"
    "    reset-upload=BYTES, truncate=BYTES, drip=BYTES (a second), body=TEXT\n"
    "  e.g. --fault 'submit#2-3:status=503,header=Retry-After: 2'\n"
    "  At run time: curl -d 'batch#%2:reset' http://127.0.0.1:PORT/emulator/faults\n"
    "    and to end them: curl -X DELETE http://127.0.0.1:PORT/emulator/faults\n"
    "\n"
    "Example:\n"
    "  identifai-emulator --port 8080 &\n"
    "  export IDENTIFAI_ENDPOINT=http://127.0.0.1:8080 IDENTIFAI_API_KEY=any\n"
    "  gst-launch-1.0 -m filesrc location=clip.mp4 ! identifaisink";

static gboolean
check_options (EmuOptions * self, GError ** error)
{
  const gchar *what = NULL;

  if (self->port < 0 || self->port > 65535)
    what = "--port must be between 0 and 65535";
  else if (!(self->delay >= 0 && self->delay <= 86400))
    what = "--delay must be between 0 and 86400 seconds";
  else if (!(self->delay_spread >= 0 && self->delay_spread <= 86400))
    what = "--delay-spread must be between 0 and 86400 seconds";
  else if (self->max_bytes < 1)
    what = "--max-bytes must be at least 1";
  else if (self->jobs < 1 || self->jobs > 64)
    what = "--jobs must be between 1 and 64";
  else if (!(self->webhook_retry_delay >= 0
          && self->webhook_retry_delay <= 3600))
    what = "--webhook-retry-delay must be between 0 and 3600 seconds";
  else if (!(self->webhook_timeout > 0 && self->webhook_timeout <= 3600))
    what = "--webhook-timeout must be between 0 and 3600 seconds";
  else if (!(self->fetch_timeout > 0 && self->fetch_timeout <= 3600))
    what = "--fetch-timeout must be between 0 and 3600 seconds";
  else if (self->verdict != NULL
      && emu_ruling_from_string (self->verdict) == EMU_RULING_NONE)
    what = "--verdict must be artificial, human, unknown or errored";
  else if (self->tls_key != NULL && self->tls_certificate == NULL)
    what = "--tls-key needs --tls-certificate";
  else if (!(self->decode_timeout > 0 && self->decode_timeout <= 86400))
    what = "--decode-timeout must be between 0 and 86400 seconds";

  if (what == NULL)
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, what);
  return FALSE;
}

static void
set_defaults (EmuOptions * self)
{
  self->delay = DEFAULT_DELAY;
  self->webhook_retry_delay = DEFAULT_WEBHOOK_RETRY_DELAY;
  self->webhook_timeout = DEFAULT_WEBHOOK_TIMEOUT;
  self->fetch_timeout = DEFAULT_FETCH_TIMEOUT;
  self->max_bytes = DEFAULT_MAX_BYTES;
  self->decode_timeout = DEFAULT_DECODE_TIMEOUT;
  self->jobs = MIN (g_get_num_processors (), 8);
}

/* --allow-fetch or --allow-fetch=HOST */
static gboolean
allow_fetch (const gchar * name, const gchar * value, gpointer data,
    GError ** error)
{
  EmuOptions *self = data;
  g_autoptr (GStrvBuilder) hosts = g_strv_builder_new ();

  if (self->fetch_hosts != NULL)
    g_strv_builder_addv (hosts, (const gchar **) self->fetch_hosts);
  if (value != NULL)
    g_strv_builder_add (hosts, value);
  g_strfreev (self->fetch_hosts);
  self->fetch_hosts = g_strv_builder_end (hosts);
  return TRUE;
}

static GOptionContext *
make_context (EmuOptions * self, gboolean * version)
{
  GOptionContext *context = g_option_context_new (NULL);
  GOptionGroup *main;
  const GOptionEntry entries[] = {
    {"address", 'a', 0, G_OPTION_ARG_STRING, &self->address,
        "Address to listen on (127.0.0.1)", "ADDRESS"},
    {"port", 'p', 0, G_OPTION_ARG_INT, &self->port,
        "Port to listen on; 0, the default, takes a free one", "PORT"},
    {"host-name", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->host_names,
        "Serve the page and its calls by this name, too, and not only by "
          "address and as localhost; may be given again", "NAME"},
    {"api-key", 'k', 0, G_OPTION_ARG_STRING_ARRAY, &self->api_keys,
        "Accept this key, with so many credits, or as one that is forbidden, "
          "revoked or a partner's; may be given again; without it any key will "
          "do", "KEY[=STATE]"},
    {"partner", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->partners,
        "This key is a partner's, which may create and delete users; may be "
          "given again", "KEY"},
    {"delay", 'd', 0, G_OPTION_ARG_DOUBLE, &self->delay,
        "Time from a submit to its final result (1.0)", "SECONDS"},
    {"delay-spread", 0, 0, G_OPTION_ARG_DOUBLE, &self->delay_spread,
        "Up to so much longer, at random, for each file (0)", "SECONDS"},
    {"record", 'r', 0, G_OPTION_ARG_FILENAME, &self->record_dir,
        "Keep every file that is sent, and its form fields as JSON", "DIR"},
    {"max-bytes", 0, 0, G_OPTION_ARG_INT64, &self->max_bytes,
        "Largest file that is taken (50000000)", "BYTES"},
    {"rate-limits", 0, 0, G_OPTION_ARG_STRING, &self->rate_limits,
          "published (1 POST a second and 30 a minute, 2 GETs a second and 60 "
          "a minute, the default), off, or POST/s,POST/min,GET/s,GET/min",
        "LIMITS"},
    {"no-retry-after", 0, 0, G_OPTION_ARG_NONE, &self->no_retry_after,
        "Don't say in a 429 when to come back", NULL},
    {"fault", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &self->faults,
        "Go wrong: CALLS[#REQUESTS]:ACTION[,ACTION...], see below; may be "
          "given again", "FAULT"},
    {"rule", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->rules,
        "Files whose name or ref_id is like PATTERN ('cam7*') get that "
          "verdict: artificial, human, unknown or errored; may be given again, "
          "the first one that fits counts", "PATTERN=VERDICT"},
    {"verdict", 0, 0, G_OPTION_ARG_STRING, &self->verdict,
        "Files that no rule is about get that verdict", "VERDICT"},
    {"replay", 0, 0, G_OPTION_ARG_FILENAME, &self->replay_dir,
        "Answer with recorded results, DIR/*.json, instead of judging", "DIR"},
    {"tls-certificate", 0, 0, G_OPTION_ARG_FILENAME, &self->tls_certificate,
        "Serve HTTPS with this certificate (PEM)", "FILE"},
    {"tls-key", 0, 0, G_OPTION_ARG_FILENAME, &self->tls_key,
        "The certificate's key, if it is not in the same file", "FILE"},
    {"no-webhooks", 0, 0, G_OPTION_ARG_NONE, &self->no_webhooks,
        "Ignore webhook_url, as for accounts without webhooks", NULL},
    {"webhook-retry-delay", 0, 0, G_OPTION_ARG_DOUBLE,
          &self->webhook_retry_delay,
          "Time until a failed webhook is called again, then doubled (1.0)",
        "SECONDS"},
    {"webhook-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &self->webhook_timeout,
        "Longest time that a webhook may take to answer (10)", "SECONDS"},
    {"allow-fetch", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK,
        allow_fetch, "Fetch files that are named by their address "
          "(/api/video_fromurl) from this machine, and from HOST; may be given "
          "again", "HOST"},
    {"fetch-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &self->fetch_timeout,
        "Longest time that such a file may take (30)", "SECONDS"},
    {"jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
        "Files decoded at once (one a processor)", "N"},
    {"decode-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &self->decode_timeout,
        "Longest time spent on decoding one file (60)", "SECONDS"},
    {"openapi", 0, 0, G_OPTION_ARG_NONE, &self->openapi,
        "Print what is served, as an OpenAPI 3 document, and end", NULL},
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet,
        "Don't log requests to the standard error output", NULL},
    {"version", 'v', 0, G_OPTION_ARG_NONE, version, "Print the version", NULL},
    {NULL}
  };

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  main = g_option_group_new ("", "", "", self, NULL);
  g_option_group_add_entries (main, entries);
  g_option_context_set_main_group (context, main);
  g_option_context_add_group (context, gst_init_get_option_group ());
  return context;
}

EmuOptions *
emu_options_parse (gint * argc, gchar *** argv, GError ** error)
{
  g_autoptr (EmuOptions) self = g_new0 (EmuOptions, 1);
  gboolean version = FALSE;
  g_autoptr (GOptionContext) context = make_context (self, &version);
  set_defaults (self);
  if (!g_option_context_parse (context, argc, argv, error))
    return NULL;
  if (version) {
    g_print ("%s %s\n", EMU_NAME, VERSION);
    return NULL;
  }
  if (self->address == NULL)
    self->address = g_strdup (DEFAULT_ADDRESS);
  if (self->rate_limits == NULL)
    self->rate_limits = g_strdup (DEFAULT_RATE_LIMITS);
  if (*argc > 1) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
        "Unexpected argument: %s", (*argv)[1]);
    return NULL;
  }
  return check_options (self, error) ? g_steal_pointer (&self) : NULL;
}

void
emu_options_free (EmuOptions * self)
{
  g_free (self->address);
  g_strfreev (self->api_keys);
  g_strfreev (self->partners);
  g_strfreev (self->host_names);
  g_strfreev (self->fetch_hosts);
  g_free (self->record_dir);
  g_free (self->rate_limits);
  g_strfreev (self->faults);
  g_strfreev (self->rules);
  g_free (self->verdict);
  g_free (self->replay_dir);
  g_free (self->tls_certificate);
  g_free (self->tls_key);
  g_free (self);
}
