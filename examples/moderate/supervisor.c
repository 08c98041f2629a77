/* identifai-moderate: all streams of a configuration: start, reload, stop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "supervisor.h"
#include "pipeline.h"
#include "record.h"

#include <string.h>

struct _ModSupervisor
{
  ModConfig *config;            /* what runs */
  gchar *problem;               /* of the file as it is */
  ModHub *hub;
  ModSupervisorCalls calls;
  gpointer user_data;
  GPtrArray *streams;           /* of ModStream *, those that are stopping included */
  guint tick, statistics;       /* sources */
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
is_in_use (ModSupervisor * self, const gchar * name)
{
  guint i;

  for (i = 0; i < self->streams->len; i++)
    if (strcmp (mod_stream_get_config (g_ptr_array_index (self->streams,
                    i))->name, name) == 0)
      return TRUE;
  return FALSE;
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

static void on_message (ModStream * stream, const GstStructure * s,
    JsonObject * line, gpointer user_data);
static void on_finished (ModStream * stream, gpointer user_data);

static const ModStreamCalls stream_calls = { on_finished, on_message };

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

void
mod_supervisor_reload (ModSupervisor * self)
{
  g_autoptr (ModProblems) problems = mod_problems_new (self->config->path);
  ModConfig *config;

  if (self->stopping)
    return;
  config = mod_config_load (self->config->path, problems);
  if (config != NULL)
    mod_pipelines_check (config, TRUE, problems);
  g_clear_pointer (&self->problem, g_free);
  if (!mod_problems_any (problems)) {
    take_config (self, config);
    return;
  }
  g_clear_pointer (&config, mod_config_free);
  self->problem = mod_problems_to_string (problems);
  tell_problem (self);
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
