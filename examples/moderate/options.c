/* identifai-moderate: what the command line says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "options.h"

#include <gst/gst.h>

static const gchar summary[] =
    "Judges many live streams, day and night: CONFIG is a key file with a section\n"
    "for each stream. Writes a line of JSON for each outcome and each event, restarts\n"
    "what fails, and ends in order on SIGTERM.";

static const gchar description[] =
    "A first CONFIG:\n"
    "  [defaults]\n"
    "  api-key-file=/etc/identifai.key\n"
    "  [door]\n"
    "  uri=rtsp://camera7/stream\n"
    "\n"
    "SIGHUP reads CONFIG again: only streams that changed are touched. SIGUSR1 begins\n"
    "a new log file. Exit status: 0; 1 if a stream ended for good by an error, a log\n"
    "doesn't verify, or there is nothing in it to test; 64 and 78 if the command line\n"
    "or CONFIG can't be used.\n" "All keys: docs/moderation.md";

static GOptionContext *
make_context (ModOptions * self)
{
  GOptionContext *context = g_option_context_new ("CONFIG");
  const GOptionEntry entries[] = {
    {"check", 'c', 0, G_OPTION_ARG_NONE, &self->check,
        "Check CONFIG, what it asks of the service, and whether that answers; "
          "run nothing", NULL},
    {"offline", 0, 0, G_OPTION_ARG_NONE, &self->offline,
        "With --check: don't ask the service", NULL},
    {"verify-log", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->verify,
        "Look for gaps and edits in a log; given again, the files are one log "
          "in that order", "FILE"},
    {"test", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->test,
        "Tell what CONFIG's policies would have cut of the outcomes in a log; "
          "given again, the files are one log in that order", "FILE"},
    {"mqtt", 0, 0, G_OPTION_ARG_STRING, &self->mqtt,
        "Publish each line to this broker, mqtt://[USER@]HOST[:PORT]", "URL"},
    {"version", 0, 0, G_OPTION_ARG_NONE, &self->version,
        "Print the version", NULL},
    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->rest,
        NULL, NULL},
    {NULL}
  };

  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  return context;
}

static gboolean
check_options (ModOptions * self, GError ** error)
{
  guint rest = self->rest != NULL ? g_strv_length (self->rest) : 0;
  const gchar *what = NULL;

  if (self->version)
    return TRUE;
  if (self->verify != NULL && (rest > 0 || self->check))
    what = "--verify-log goes alone; give it again for each further file";
  else if (self->verify == NULL && rest != 1)
    what = "one CONFIG is wanted";
  else if (self->test != NULL && self->check)
    what = "--test and --check exclude each other";
  else if (self->offline && !self->check)
    what = "--offline goes with --check";
  if (what != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, what);
  else if (rest == 1)
    self->config = self->rest[0];
  return what == NULL;
}

gboolean
mod_options_parse (ModOptions * self, gint * argc, gchar *** argv,
    GError ** error)
{
  g_autoptr (GOptionContext) context = make_context (self);

  return g_option_context_parse (context, argc, argv, error)
      && check_options (self, error);
}

void
mod_options_clear (ModOptions * self)
{
  g_strfreev (self->verify);
  g_strfreev (self->test);
  g_free (self->mqtt);
  g_strfreev (self->rest);
}
