/* identifai-watch: what the command line says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "options.h"

#include <gst/gst.h>

#include <string.h>

#define DEFAULT_JOBS 4

static const gchar summary[] =
    "Has media judged by identifAI's classification service, and tells what it\n"
    "says. WHAT is a file, a folder, an address (rtsp://, srt://, http:// …), or a\n"
    "pipeline with an identifaisink in it, written as for gst-launch-1.0. Video,\n"
    "images and speech are told apart by their content.\n"
    "\n"
    "The service's key is in $IDENTIFAI_API_KEY, or in the file that\n"
    "$IDENTIFAI_API_KEY_FILE names; $IDENTIFAI_ENDPOINT may name another service,\n"
    "identifai-emulator for instance.";

static const gchar description[] =
    "Exit status:\n"
    "  0   all of it was judged\n"
    "  1   something was not, or a pipeline failed\n"
    "  2   it could not begin: the command line, or the pipeline, is wrong\n"
    "  3   a verdict was one of --fail-on's, whatever else happened\n"
    "\n"
    "Ctrl-C and SIGTERM end the streams and wait for the verdicts that are\n"
    "outstanding; a second one stops at once.\n"
    "\n"
    "Lines are coloured on a terminal unless $NO_COLOR is set.\n"
    "\n"
    "Examples:\n"
    "  identifai-watch clip.mp4 picture.jpg voice.wav\n"
    "  identifai-watch --fail-on artificial --json incoming/ >verdicts.jsonl\n"
    "  identifai-watch rtsp://camera7/stream\n"
    "  identifai-watch v4l2src ! videoconvert ! x264enc tune=zerolatency ! \\\n"
    "    h264parse ! identifaisink\n";

static const gchar *const classifications[] = {
  "artificial", "human", "unknown", NULL
};

static gboolean
check (const WatchOptions * self, GError ** error)
{
  gchar **word;

  for (word = self->fail_on; word != NULL && *word != NULL; word++) {
    if (!g_strv_contains (classifications, *word)) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          "--fail-on wants artificial, human or unknown, not \"%s\"", *word);
      return FALSE;
    }
  }
  for (word = self->settings; word != NULL && *word != NULL; word++) {
    if (strchr (*word, '=') == NULL || **word == '=') {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          "--set wants PROPERTY=VALUE, not \"%s\"", *word);
      return FALSE;
    }
  }
  if (self->jobs < 1 || self->jobs > 64) {
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--jobs must be between 1 and 64");
    return FALSE;
  }
  if (!self->version && self->arguments == NULL) {
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
        "there is nothing to judge: name a file, a folder, an address or a "
        "pipeline");
    return FALSE;
  }

  return TRUE;
}

gboolean
watch_options_parse (WatchOptions * self, gint * argc, gchar *** argv,
    GError ** error)
{
  const GOptionEntry entries[] = {
    {"set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &self->settings,
        "Set a property of whatever judges, frames=5 for instance; may be "
          "given again", "PROPERTY=VALUE"},
    {"fail-on", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->fail_on,
        "Exit with 3 if a verdict is artificial, human or unknown; may be "
          "given again", "CLASSIFICATION"},
    {"jobs", 'j', 0, G_OPTION_ARG_INT, &self->jobs,
        "Files and addresses that are judged at a time (4)", "N"},
    {"json", 0, 0, G_OPTION_ARG_NONE, &self->json,
        "Print each message as a line of JSON, and no table", NULL},
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &self->quiet,
        "Print problems only", NULL},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &self->verbose,
        "Print frames and heuristics, and whole identifiers", NULL},
    {"version", 0, 0, G_OPTION_ARG_NONE, &self->version,
        "Print the version", NULL},
    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->arguments,
        NULL, "WHAT…"},
    {NULL}
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  self->jobs = DEFAULT_JOBS;
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, description);
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  /* what follows may be a pipeline's */
  g_option_context_set_strict_posix (context, TRUE);

  return g_option_context_parse (context, argc, argv, error)
      && check (self, error);
}

void
watch_options_clear (WatchOptions * self)
{
  g_clear_pointer (&self->arguments, g_strfreev);
  g_clear_pointer (&self->settings, g_strfreev);
  g_clear_pointer (&self->fail_on, g_strfreev);
}
