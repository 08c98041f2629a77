/* identifai-moderate: many streams, day and night, from one file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pattern for applications: it uses the elements as anybody can, by their properties,
 * signals and messages, and has nothing else of the plugin's but, for --test, the code of
 * the gate's decisions.
 */

#include "app.h"
#include "check.h"
#include "memory.h"
#include "options.h"
#include "pipeline.h"
#include "replay.h"
#include "slate.h"
#include "verify.h"

#include <gio/gio.h>
#include <gst/gst.h>
#include <locale.h>

/* NULL after a word on what is wrong. */
static ModConfig *
load (const ModOptions * options)
{
  g_autoptr (ModProblems) problems = mod_problems_new (options->config);
  g_autoptr (ModConfig) config = mod_config_load (options->config, problems);
  g_autofree gchar *text = NULL;

  if (config != NULL)
    mod_pipelines_check (config, options->test == NULL, problems);
  if (!mod_problems_any (problems))
    return g_steal_pointer (&config);
  text = mod_problems_to_string (problems);
  g_printerr ("%s\n", text);
  return NULL;
}

static gint
check (const ModOptions * options, const ModConfig * config)
{
  g_autoptr (ModProblems) problems = mod_problems_new (options->config);
  g_autofree gchar *demand = mod_demand_describe (config, problems);
  g_autofree gchar *service = NULL;
  g_autofree gchar *text = NULL;

  g_print ("%s", demand);
  if (!options->offline) {
    service = mod_service_check (config, problems);
    g_print ("%s", service);
  }
  if (!mod_problems_any (problems)) {
    g_print ("%s can be used\n", options->config);
    return 0;
  }
  text = mod_problems_to_string (problems);
  g_printerr ("%s\n", text);
  return MOD_EXIT_CONFIG;
}

static gint
run (const ModOptions * options)
{
  ModConfig *config;
  gint status;

  if (options->version) {
    g_print (MOD_NAME " " VERSION "\n");
    return 0;
  }
  if (options->verify != NULL)
    return mod_verify_log (options->verify) ? 0 : 1;
  config = load (options);
  if (config == NULL)
    return MOD_EXIT_CONFIG;
  if (options->mqtt != NULL) {
    g_free (config->program.mqtt);
    config->program.mqtt = g_strdup (options->mqtt);
  }
  if (!options->check && options->test == NULL)
    return mod_app_run (config);
  status = options->check ? check (options, config) :
      mod_replay (config, options->test) ? 0 : 1;
  mod_config_free (config);
  return status;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  ModOptions options = { FALSE };
  gint status;

  mod_memory_share ();
  setlocale (LC_ALL, "");
  /* udpsrc's class asks for it under GObject's lock for classes, while tcpclientsrc's
   * waits for that lock in it: GLib 2.74 stands still. */
  g_type_ensure (G_TYPE_SOCKET);
  if (mod_options_parse (&options, &argc, &argv, &error)) {
    status = run (&options);
  } else {
    g_printerr (MOD_NAME ": %s\n\"" MOD_NAME
        " --help\" tells how it is used.\n", error->message);
    status = MOD_EXIT_USAGE;
  }
  mod_slate_clear ();
  mod_options_clear (&options);
  return status;
}
