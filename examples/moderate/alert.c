/* identifai-moderate: alert=: a command for what is alarming
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "alert.h"
#include "record.h"

#include <gio/gio.h>

#define MOST_RUNNING 8
#define MOST_WAITING 256
/* A command that hangs must not keep those after it from running. */
#define LONGEST_RUN 60          /* s */

struct _ModAlert
{
  ModHub *hub;
  guint running;
  GQueue waiting;               /* of Run * */
  GHashTable *runs;             /* of Run *, those that run */
};

typedef struct
{
  ModAlert *alert;              /* NULL: it was freed meanwhile */
  gchar *stream, *command, *text;
  GSubprocess *process;
  guint timer;
} Run;

static void start_next (ModAlert * self);

static void
free_run (Run * self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->process);
  g_free (self->stream);
  g_free (self->command);
  g_free (self->text);
  g_free (self);
}

static void
tell_failure (ModAlert * self, const Run * run, const gchar * what)
{
  JsonObject *line = mod_record_new ("alert", run->stream);
  g_auto (GStrv) words = NULL;

  /* not its arguments: there may be a token among them */
  g_shell_parse_argv (run->command, NULL, &words, NULL);
  json_object_set_string_member (line, "command",
      words != NULL ? words[0] : "");
  json_object_set_string_member (line, "error", what);
  mod_hub_tell (self->hub, line);
}

static void
tell_end (ModAlert * self, Run * run)
{
  g_autofree gchar *what = NULL;

  if (g_subprocess_get_if_signaled (run->process))
    what = g_strdup_printf ("ended by signal %d",
        g_subprocess_get_term_sig (run->process));
  else if (g_subprocess_get_exit_status (run->process) != 0)
    what = g_strdup_printf ("exit status %d",
        g_subprocess_get_exit_status (run->process));
  if (what != NULL)
    tell_failure (self, run, what);
}

static void
on_end (GObject * process, GAsyncResult * result, gpointer user_data)
{
  Run *run = user_data;
  ModAlert *self = run->alert;

  g_subprocess_wait_finish (run->process, result, NULL);
  if (self != NULL) {
    self->running--;
    g_hash_table_remove (self->runs, run);
    tell_end (self, run);
    start_next (self);
  }
  free_run (run);
}

static gboolean
on_too_long (gpointer user_data)
{
  Run *run = user_data;

  run->timer = 0;
  g_subprocess_force_exit (run->process);
  return G_SOURCE_REMOVE;
}

static gboolean
launch (Run * run, GError ** error)
{
  g_auto (GStrv) words = NULL;
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();
  g_auto (GStrv) argv = NULL;

  if (!g_shell_parse_argv (run->command, NULL, &words, error))
    return FALSE;
  g_strv_builder_addv (all, (const gchar **) words);
  g_strv_builder_add (all, run->text);
  argv = g_strv_builder_end (all);
  run->process = g_subprocess_newv ((const gchar * const *) argv,
      G_SUBPROCESS_FLAGS_STDOUT_SILENCE, error);
  return run->process != NULL;
}

static void
start (ModAlert * self, Run * run)
{
  g_autoptr (GError) error = NULL;

  if (!launch (run, &error)) {
    tell_failure (self, run, error->message);
    free_run (run);
    return;
  }
  self->running++;
  g_hash_table_add (self->runs, run);
  run->timer = g_timeout_add_seconds (LONGEST_RUN, on_too_long, run);
  g_subprocess_wait_async (run->process, NULL, on_end, run);
}

static void
start_next (ModAlert * self)
{
  while (self->running < MOST_RUNNING && self->waiting.length > 0)
    start (self, g_queue_pop_head (&self->waiting));
}

void
mod_alert_run (ModAlert * self, const gchar * stream, const gchar * command,
    const gchar * text)
{
  Run *run = g_new0 (Run, 1);

  run->alert = self;
  run->stream = g_strdup (stream);
  run->command = g_strdup (command);
  run->text = g_strdup (text);
  if (self->waiting.length < MOST_WAITING) {
    g_queue_push_tail (&self->waiting, run);
    start_next (self);
    return;
  }
  tell_failure (self, run, "is not run: too many wait before it");
  free_run (run);
}

ModAlert *
mod_alert_new (ModHub * hub)
{
  ModAlert *self = g_new0 (ModAlert, 1);

  self->hub = hub;
  self->runs = g_hash_table_new (NULL, NULL);
  return self;
}

guint
mod_alert_waiting (const ModAlert * self)
{
  return self->waiting.length + self->running;
}

void
mod_alert_free (ModAlert * self)
{
  GHashTableIter iter;
  gpointer run;

  while ((run = g_queue_pop_head (&self->waiting)) != NULL) {
    tell_failure (self, run, "is not run: the program ends");
    free_run (run);
  }

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, &run, NULL))
    ((Run *) run)->alert = NULL;
  g_hash_table_unref (self->runs);
  g_free (self);
}
