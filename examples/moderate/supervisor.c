/* identifai-moderate: all streams of a configuration: start, reload, stop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "supervisor.h"
#include "pipeline.h"
#include "record.h"

#include <string.h>

/* So long reading the file may take until that is told. */
#define LONGEST_READ 60         /* s */

struct _ModSupervisor
{
  ModConfig *config;            /* what runs */
  gchar *problem;               /* of the file as it is */
  ModHub *hub;
  ModSupervisorCalls calls;
  gpointer user_data;
  GPtrArray *streams;           /* of ModStream *, those that are stopping included */
  guint tick, statistics, read_timer;   /* sources */
  GCancellable *reading;        /* NULL: the file isn't being read */
  gboolean read_again;          /* after that */
  gboolean stopping, failed;
};

ModSupervisor *
mod_supervisor_new (ModConfig * config, ModHub * hub,
    const ModSupervisorCalls * calls, gpointer user_data)
{
  ModSupervisor *self = g_new0 (ModSupervisor, 1);

  self->config = config;
  self->hub = hub;
  self->calls = *calls;
  self->user_data = user_data;
  self->streams = g_ptr_array_new ();
  return self;
}

static void
call_each (ModSupervisor * self, void (*call) (ModStream * stream))
{
  guint i;

  for (i = 0; i < self->streams->len; i++)
    call (g_ptr_array_index (self->streams, i));
}

void
mod_supervisor_free (ModSupervisor * self)
{
  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_handle_id (&self->statistics, g_source_remove);
  g_clear_handle_id (&self->read_timer, g_source_remove);
  if (self->reading != NULL)
    g_cancellable_cancel (self->reading);
  g_clear_object (&self->reading);
  call_each (self, mod_stream_free);
  g_ptr_array_unref (self->streams);
  mod_config_free (self->config);
  g_free (self->problem);
  g_free (self);
}

static gboolean
on_statistics (gpointer user_data)
{
  ModSupervisor *self = user_data;

  call_each (self, mod_stream_tell_stats);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_tick (gpointer user_data)
{
  ModSupervisor *self = user_data;

  call_each (self, mod_stream_tick);
  return G_SOURCE_CONTINUE;
}

/* Streams. */

/* One that isn't on its way out. */
ModStream *
mod_supervisor_find (const ModSupervisor * self, const gchar * name)
{
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    ModStream *stream = g_ptr_array_index (self->streams, i);

    if (mod_stream_get_state (stream) < MOD_STREAM_STOPPING
        && strcmp (mod_stream_get_config (stream)->name, name) == 0)
      return stream;
  }
  return NULL;
}

/* The old one of a name ends before the new one starts, as they may want one port. */
static gboolean
is_in_use (const ModSupervisor * self, const gchar * name)
{
  guint i;

  for (i = 0; i < self->streams->len; i++)
    if (strcmp (mod_stream_get_config (g_ptr_array_index (self->streams,
                    i))->name, name) == 0)
      return TRUE;
  return FALSE;
}

gboolean
mod_supervisor_knows (const ModSupervisor * self, const gchar * name)
{
  return mod_config_find (self->config, name) != NULL || is_in_use (self, name);
}

static gboolean
is_alive (ModStream * stream)
{
  return mod_stream_get_state (stream) != MOD_STREAM_ENDED;
}

static gboolean
any_alive (ModSupervisor * self)
{
  guint i;

  for (i = 0; i < self->streams->len; i++)
    if (is_alive (g_ptr_array_index (self->streams, i)))
      return TRUE;
  return FALSE;
}

static void on_finished (ModStream * stream, gpointer user_data);
static void on_made (ModStream * stream, GstElement * judge,
    gpointer user_data);
static void on_message (ModStream * stream, const GstStructure * s,
    JsonObject * line, gpointer user_data);

static const ModStreamCalls stream_calls = { on_finished, on_made, on_message };

/* Those that the configuration has and that aren't there yet. */
static void
start_missing (ModSupervisor * self)
{
  guint i;

  for (i = 0; i < self->config->streams->len && !self->stopping; i++) {
    const ModStreamConfig *config =
        g_ptr_array_index (self->config->streams, i);

    if (!is_in_use (self, config->name))
      g_ptr_array_add (self->streams, mod_stream_new (config, self->hub,
              &stream_calls, self));
  }
}

static void
on_made (ModStream * stream, GstElement * judge, gpointer user_data)
{
  ModSupervisor *self = user_data;

  self->calls.made (stream, judge, self->user_data);
}

static void
on_message (ModStream * stream, const GstStructure * s, JsonObject * line,
    gpointer user_data)
{
  ModSupervisor *self = user_data;

  self->calls.message (stream, s, line, self->user_data);
}

/* One that ended by itself stays, to be seen, until the file says otherwise. */
static void
on_finished (ModStream * stream, gpointer user_data)
{
  ModSupervisor *self = user_data;

  if (mod_stream_get_state (stream) == MOD_STREAM_STOPPED) {
    g_ptr_array_remove (self->streams, stream);
    mod_stream_free (stream);
    start_missing (self);
  } else if (mod_stream_has_failed (stream)) {
    self->failed = TRUE;
  }
  if (!any_alive (self))
    self->calls.finished (self->user_data);
}

void
mod_supervisor_start (ModSupervisor * self)
{
  guint64 interval = self->config->program.statistics_interval;

  self->tick = g_timeout_add_seconds (1, on_tick, self);
  if (interval > 0 && interval != G_MAXUINT64)
    self->statistics = g_timeout_add (interval / 1000000, on_statistics, self);
  start_missing (self);
}

/* Reading again. */

static gboolean
is_changed (const ModConfig * config, const ModStreamConfig * old)
{
  const ModStreamConfig *now = mod_config_find (config, old->name);

  return now == NULL || strcmp (now->fingerprint, old->fingerprint) != 0;
}

static void
stop_changed (ModSupervisor * self, JsonArray * changed)
{
  g_autoptr (GPtrArray) streams = g_ptr_array_copy (self->streams, NULL, NULL);
  guint i;

  for (i = 0; i < streams->len; i++) {
    ModStream *stream = g_ptr_array_index (streams, i);
    const ModStreamConfig *old = mod_stream_get_config (stream);

    if (!is_changed (self->config, old))
      continue;
    json_array_add_string_element (changed, old->name);
    if (is_alive (stream)) {
      mod_stream_stop (stream, self->config->program.stop_timeout);
    } else {
      g_ptr_array_remove (self->streams, stream);
      mod_stream_free (stream);
    }
  }
}

static void
tell_problem (ModSupervisor * self)
{
  JsonObject *line = mod_record_new ("config", NULL);

  json_object_set_string_member (line, "path", self->config->path);
  json_object_set_boolean_member (line, "taken", FALSE);
  json_object_set_string_member (line, "problem", self->problem);
  mod_hub_tell (self->hub, line);
}

/* What [program] says is taken at a start only. */
static void
tell_taken (ModSupervisor * self, JsonArray * changed, gboolean restart)
{
  JsonObject *line = mod_record_new ("config", NULL);

  json_object_set_string_member (line, "path", self->config->path);
  json_object_set_boolean_member (line, "taken", TRUE);
  json_object_set_array_member (line, "changed", changed);
  if (restart)
    json_object_set_boolean_member (line, "restart_needed", TRUE);
  mod_hub_tell (self->hub, line);
}

/* What runs goes by what was read at the start, however often it is read again. */
static void
keep_program (ModSupervisor * self, ModConfig * config)
{
  ModProgramConfig program = config->program;
  gchar *fingerprint = config->program_fingerprint;

  config->program = self->config->program;
  config->program_fingerprint = self->config->program_fingerprint;
  self->config->program = program;
  self->config->program_fingerprint = fingerprint;
}

static void
take_config (ModSupervisor * self, ModConfig * config)
{
  JsonArray *changed = json_array_new ();
  gboolean restart = strcmp (config->program_fingerprint,
      self->config->program_fingerprint) != 0;

  keep_program (self, config);
  mod_config_free (self->config);
  self->config = config;
  stop_changed (self, changed);
  tell_taken (self, changed, restart);
  start_missing (self);
}

/* A thread of its own: plugins are loaded, slates made, key files read, and any disk may
 * hang. */
static void
read_file (GTask * task, gpointer source, gpointer path, GCancellable * unused)
{
  g_autoptr (ModProblems) problems = mod_problems_new (path);
  ModConfig *config = mod_config_load (path, problems);
  g_autofree gchar *text = NULL;

  if (config != NULL)
    mod_pipelines_check (config, TRUE, problems);
  if (!mod_problems_any (problems)) {
    g_task_return_pointer (task, config, (GDestroyNotify) mod_config_free);
    return;
  }
  g_clear_pointer (&config, mod_config_free);
  text = mod_problems_to_string (problems);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s",
      text);
}

static void
take_read (ModSupervisor * self, ModConfig * config, const GError * error)
{
  g_clear_pointer (&self->problem, g_free);
  if (config != NULL) {
    take_config (self, config);
    return;
  }
  self->problem = g_strdup (error->message);
  tell_problem (self);
}

/* Cancelled: the supervisor is gone. */
static void
on_read (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  ModConfig *config = g_task_propagate_pointer (G_TASK (result), &error);
  ModSupervisor *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&self->reading);
  g_clear_handle_id (&self->read_timer, g_source_remove);
  if (!self->stopping)
    take_read (self, config, error);
  else if (config != NULL)
    mod_config_free (config);
  if (self->read_again)
    mod_supervisor_reload (self);
  else
    self->calls.reloaded (self->user_data);
}

static gboolean
on_read_too_long (gpointer user_data)
{
  ModSupervisor *self = user_data;

  self->read_timer = 0;
  g_free (self->problem);
  self->problem = g_strdup_printf ("%s isn't read and checked after %d s: "
      "something that it names, a file or a folder, doesn't answer",
      self->config->path, LONGEST_READ);
  tell_problem (self);
  self->calls.reloaded (self->user_data);
  return G_SOURCE_REMOVE;
}

void
mod_supervisor_reload (ModSupervisor * self)
{
  GTask *task;

  self->read_again = self->reading != NULL && !self->stopping;
  if (self->stopping || self->reading != NULL)
    return;
  self->reading = g_cancellable_new ();
  self->read_timer = g_timeout_add_seconds (LONGEST_READ, on_read_too_long,
      self);
  task = g_task_new (NULL, self->reading, on_read, self);
  g_task_set_task_data (task, g_strdup (self->config->path), g_free);
  g_task_run_in_thread (task, read_file);
  g_object_unref (task);
}

gboolean
mod_supervisor_is_reading (const ModSupervisor * self)
{
  return self->reading != NULL;
}

static void
stop_one (gpointer stream, gpointer user_data)
{
  ModSupervisor *self = user_data;

  mod_stream_stop (stream, self->config->program.stop_timeout);
}

void
mod_supervisor_stop (ModSupervisor * self)
{
  g_autoptr (GPtrArray) streams = g_ptr_array_copy (self->streams, NULL, NULL);

  self->stopping = TRUE;
  g_clear_handle_id (&self->read_timer, g_source_remove);
  g_ptr_array_foreach (streams, stop_one, self);
  if (!any_alive (self))
    self->calls.finished (self->user_data);
}

const ModConfig *
mod_supervisor_get_config (const ModSupervisor * self)
{
  return self->config;
}

const gchar *
mod_supervisor_get_problem (const ModSupervisor * self)
{
  return self->problem;
}

void
mod_supervisor_foreach (const ModSupervisor * self, GFunc call,
    gpointer user_data)
{
  g_ptr_array_foreach (self->streams, call, user_data);
}

gboolean
mod_supervisor_has_failed (const ModSupervisor * self)
{
  return self->failed;
}
