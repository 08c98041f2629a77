/* identifai-watch: has media judged, and tells at a terminal what the service says
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pattern for applications that react to the plugin's messages: job.c runs a pipeline
 * and ends it so that no outcome is lost, report.c reads the messages.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "inputs.h"
#include "job.h"
#include "options.h"
#include "pipeline.h"
#include "report.h"

#include <gio/gio.h>
#include <gst/gst.h>

#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

/* How often the status on a terminal is drawn, in ms. */
#define STATUS_INTERVAL 250
#define STATUS_CANNOT_BEGIN 2

typedef struct
{
  WatchOptions options;
  WatchReport report;
  GPtrArray *inputs;
  GPtrArray *jobs;              /* those that run */
  GMainLoop *loop;
  guint next;                   /* input */
  gboolean ending;              /* Ctrl-C was pressed, SIGTERM came, or the key is refused */
  gboolean cannot_begin;
  gboolean left;                /* threads may still run: nothing may be taken from them */
} App;

static void start_more (App * app);

static void
on_ended (WatchJob * job, gpointer user_data)
{
  App *app = user_data;

  if (watch_job_is_refused (job))
    app->ending = TRUE;
  app->left |= watch_job_is_left (job);
  g_ptr_array_remove_fast (app->jobs, job);
  start_more (app);
}

static void
start_one (App * app)
{
  WatchJob *job = watch_job_new (g_ptr_array_index (app->inputs, app->next++),
      &app->options, &app->report, on_ended, app);

  g_ptr_array_add (app->jobs, job);
  if (watch_job_start (job))
    return;
  app->cannot_begin = TRUE;
  g_ptr_array_remove_fast (app->jobs, job);
}

static void
start_more (App * app)
{
  while (!app->ending && app->next < app->inputs->len
      && app->jobs->len < (guint) app->options.jobs)
    start_one (app);
  if (app->jobs->len == 0)
    g_main_loop_quit (app->loop);
}

static void
on_each_job (gpointer job, gpointer act)
{
  void (*function) (WatchJob *) = act;

  function (job);
}

static gboolean
on_interrupt (gpointer user_data)
{
  App *app = user_data;
  gboolean again = app->ending;

  app->ending = TRUE;
  if (!again)
    watch_terminal_print_problem (&app->report.terminal, "Ending; waiting for "
        "outstanding verdicts (Ctrl-C again stops at once)");
  g_ptr_array_foreach (app->jobs, on_each_job,
      again ? watch_job_stop : watch_job_end);

  return G_SOURCE_CONTINUE;
}

static gboolean
draw_status (gpointer user_data)
{
  App *app = user_data;
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  gchar *line;
  guint i;

  for (i = 0; i < app->jobs->len; i++) {
    line = watch_job_describe (g_ptr_array_index (app->jobs, i));
    if (line != NULL)
      g_ptr_array_add (lines, line);
  }
  if (app->inputs->len > 1)
    g_ptr_array_add (lines, g_strdup_printf ("%u of %u done",
            app->next - app->jobs->len, app->inputs->len));
  watch_terminal_draw (&app->report.terminal, lines);

  return G_SOURCE_CONTINUE;
}

static void
tell_left_out (App * app)
{
  for (; app->next < app->inputs->len; app->next++) {
    WatchInput *input = g_ptr_array_index (app->inputs, app->next);

    watch_report_problem (&app->report, input->label, "error",
        "not judged, as this was ended before", NULL);
    watch_report_broken (&app->report, input->label);
  }
}

static gint
run (App * app)
{
  guint status = 0;

  app->jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) watch_job_free);
  app->loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGINT, on_interrupt, app);
  g_unix_signal_add (SIGTERM, on_interrupt, app);
  if (app->report.terminal.status)
    status = g_timeout_add (STATUS_INTERVAL, draw_status, app);
  start_more (app);
  if (app->jobs->len > 0)
    g_main_loop_run (app->loop);

  g_clear_handle_id (&status, g_source_remove);
  watch_terminal_draw (&app->report.terminal, NULL);
  g_ptr_array_unref (app->jobs);
  g_main_loop_unref (app->loop);
  if (app->cannot_begin)
    return STATUS_CANNOT_BEGIN;
  tell_left_out (app);

  return watch_report_finish (&app->report);
}

static gint
watch (App * app, GError ** error)
{
  gint status;

  if (watch_settings_check (app->options.settings, error))
    app->inputs = watch_inputs_new (app->options.arguments, error);
  if (app->inputs == NULL)
    return STATUS_CANNOT_BEGIN;
  watch_report_init (&app->report, &app->options);
  status = run (app);
  if (app->left) {
    fflush (NULL);
    _exit (status);
  }
  watch_report_clear (&app->report);
  g_ptr_array_unref (app->inputs);

  return status;
}

int
main (int argc, char **argv)
{
  App app = { 0, };
  g_autoptr (GError) error = NULL;
  gint status = STATUS_CANNOT_BEGIN;

  setlocale (LC_ALL, "");
  /* Else GLib 2.74 may stand still where elements are made on two threads: one that has it
   * in its class waits for one that asks for it under the lock of all classes. */
  g_type_ensure (G_TYPE_SOCKET);
  if (watch_options_parse (&app.options, &argc, &argv, &error)) {
    if (app.options.version) {
      printf ("identifai-watch %s\n", VERSION);
      status = 0;
    } else {
      status = watch (&app, &error);
    }
  }
  if (error != NULL)
    fprintf (stderr, "identifai-watch: %s\n"
        "\"identifai-watch --help\" tells how it is used.\n", error->message);
  watch_options_clear (&app.options);

  return status;
}
