/* identifai-emulator: what the command line says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "options.h"

#include <gst/gst.h>

#define DEFAULT_MAX_BYTES 50000000
#define DEFAULT_DELAY 1.0
#define DEFAULT_DECODE_TIMEOUT 60.0

static const gchar summary[] =
    "Stands in for identifAI's classification service on this machine, so that\n"
    "nobody needs a key or credits to try, test or demonstrate what talks to it.\n"
    "\n"
    "It is no detector. It decodes what it is sent and applies simple rules to\n"
    "the frames: magenta pixels (videotestsrc pattern=solid-color\n"
    "foreground-color=0xffff00ff) make a frame artificial, a black frame can't\n"
    "be judged, everything else is human.";

static const gchar description[] =
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
  else if (self->max_bytes < 1)
    what = "--max-bytes must be at least 1";
  else if (self->jobs < 1 || self->jobs > 64)
    what = "--jobs must be between 1 and 64";
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
  self->max_bytes = DEFAULT_MAX_BYTES;
  self->decode_timeout = DEFAULT_DECODE_TIMEOUT;
  self->jobs = MIN (g_get_num_processors (), 8);
}

EmuOptions *
emu_options_parse (gint * argc, gchar *** argv, GError ** error)
{
  g_autoptr (EmuOptions) self = g_new0 (EmuOptions, 1);
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    {"address", 'a', 0, G_OPTION_ARG_STRING, &self->address,
        "Address to listen on (127.0.0.1)", "ADDRESS"},
    {"port", 'p', 0, G_OPTION_ARG_INT, &self->port,
        "Port to listen on; 0, the default, takes a free one", "PORT"},
    {"api-key", 'k', 0, G_OPTION_ARG_STRING_ARRAY, &self->api_keys,
          "Accept this key, may be given again; without it any key will do",
        "KEY"},
    {"delay", 'd', 0, G_OPTION_ARG_DOUBLE, &self->delay,
        "Time from a submit to its final result (1.0)", "SECONDS"},
    {"record", 'r', 0, G_OPTION_ARG_FILENAME, &self->record_dir,
        "Keep every file that is sent, and its form fields as JSON", "DIR"},
    {"max-bytes", 0, 0, G_OPTION_ARG_INT64, &self->max_bytes,
        "Largest file that is taken (50000000)", "BYTES"},
    {"rate-limits", 0, 0, G_OPTION_ARG_STRING, &self->rate_limits,
        "Requests per key: off", "LIMITS"},
    {"jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
        "Files decoded at once (one a processor)", "N"},
    {"decode-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &self->decode_timeout,
        "Longest time spent on decoding one file (60)", "SECONDS"},
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet,
        "Don't log requests to the standard error output", NULL},
    {"version", 'v', 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL},
    {NULL}
  };

  set_defaults (self);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, argc, argv, error))
    return NULL;
  if (version) {
    g_print ("%s %s\n", EMU_NAME, VERSION);
    return NULL;
  }
  if (self->address == NULL)
    self->address = g_strdup ("127.0.0.1");
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
  g_free (self->record_dir);
  g_free (self->rate_limits);
  g_free (self);
}
