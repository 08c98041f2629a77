/* identifai-moderate: what runs: signals, hub, supervisor, main loop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "app.h"
#include "alarming.h"
#include "alert.h"
#include "evidence.h"
#include "jsontext.h"
#include "late.h"
#include "memory.h"
#include "mqtt.h"
#include "notify.h"
#include "options.h"
#include "pendingstate.h"
#include "record.h"
#include "slate.h"
#include "supervisor.h"
#include "uploads.h"
#include "web.h"
#include "webhookout.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

/* After the time that the end may take, whatever still blocks. */
#define LAST_WAIT 5             /* s */

typedef struct
{
  GMainLoop *loop;
  ModHub *hub;
  ModSupervisor *supervisor;
  ModUploads *uploads;
  ModEvidence *evidence;        /* NULL: none is kept */
  ModPendingState *pending;     /* NULL: not kept */
  ModLate *late;                /* NULL: nothing is judged later */
  ModMqtt *mqtt;                /* NULL: none is wanted */
  ModAlert *alert;
  ModBoard *board;
  ModViews views;               /* of the page */
  ModWeb *web;                  /* NULL: none is wanted */
  ModWebhookOut *webhook_out;
  guint signals[4];
  guint give_up, watchdog, tick;
  gboolean running, stopping, gave_up;
  gboolean reading;             /* at the end the file is still being read */
} App;

static void
alarm_people (App * self, const ModStreamConfig * config, JsonObject * line)
{
  const ModStreamConfig *now =
      mod_config_find (mod_supervisor_get_config (self->supervisor),
      config->name);
  const gchar *webhook = now != NULL ? now->webhook_out : config->webhook_out;
  g_autofree gchar *text = NULL;

  if (!mod_is_alarming (config, line))
    return;
  text = mod_json_to_text (line);
  if (config->alert != NULL)
    mod_alert_run (self->alert, config->name, config->alert, text);
  if (webhook != NULL)
    mod_webhook_out_post (self->webhook_out, config->name, webhook, text);
}

/* What was resumed is told as of the stream that it came from. */
static void
keep_pending (App * self, ModStream * stream, const GstStructure * s,
    JsonObject * line)
{
  ModSession *session = mod_stream_get_session (stream);
  const gchar *of;

  if (session != NULL)
    mod_pending_state_take (self->pending, mod_stream_get_config (stream)->name,
        NULL, mod_session_get_judge (session), s);
  of = line != NULL && mod_is_outcome (s) ?
      mod_pending_state_find_stream (self->pending, s) : NULL;
  if (of != NULL)
    json_object_set_string_member (line, "stream", of);
}

static gboolean
on_tick (gpointer user_data)
{
  App *self = user_data;

  mod_hub_look_at_log (self->hub);
  mod_webhook_out_sweep (self->webhook_out, self->supervisor);
  mod_uploads_sweep (self->uploads, self->supervisor);
  mod_board_sweep (self->board, self->supervisor);
  if (self->evidence != NULL)
    mod_evidence_sweep (self->evidence, self->supervisor);
  if (self->late != NULL)
    mod_late_sweep (self->late);
  if (self->pending != NULL && !self->stopping)
    mod_pending_state_resume (self->pending, self->supervisor);
  return G_SOURCE_CONTINUE;
}

static void
on_stream_made (ModStream * stream, GstElement * judge, gpointer user_data)
{
  App *self = user_data;

  mod_uploads_give (self->uploads, mod_stream_get_config (stream)->name, judge);
}

/* What counts in max-uploads-per-hour changes with these. */
static void
take_uploads (App * self, ModStream * stream)
{
  ModSession *session = mod_stream_get_session (stream);

  if (session != NULL && mod_uploads_take (self->uploads, mod_stream_get_config
          (stream)->name, mod_session_get_judge (session))
      && self->pending != NULL)
    mod_pending_state_take_uploads (self->pending);
}

static void
on_stream_message (ModStream * stream, const GstStructure * s,
    JsonObject * line, gpointer user_data)
{
  App *self = user_data;
  const ModStreamConfig *config = mod_stream_get_config (stream);

  take_uploads (self, stream);
  if (self->pending != NULL)
    keep_pending (self, stream, s, line);
  if (self->late != NULL)
    mod_late_take (self->late, stream, s, line);
  if (line == NULL)
    return;
  if (mod_is_outcome (s) && self->evidence != NULL)
    mod_evidence_take (self->evidence, config, line, s);
  if (mod_is_outcome (s) && self->web != NULL)
    mod_web_take (self->web, config, line, s);
  alarm_people (self, config, line);
}

static void
on_late_verdict (const ModStreamConfig * config, JsonObject * line,
    const GstStructure * s, gpointer user_data)
{
  App *self = user_data;

  if (self->evidence != NULL)
    mod_evidence_take (self->evidence, config, line, s);
  alarm_people (self, config, line);
}

static void
on_finished (gpointer user_data)
{
  App *self = user_data;

  g_main_loop_quit (self->loop);
}

static void
on_reloaded (gpointer user_data)
{
  App *self = user_data;

  if (!self->stopping)
    mod_notify ("READY=1");
}

static const ModSupervisorCalls supervisor_calls = {
  on_finished, on_stream_made, on_stream_message, on_reloaded
};

/* A source that can't be stopped must not keep the program from its end. */
static gboolean
on_give_up (gpointer user_data)
{
  App *self = user_data;

  self->give_up = 0;
  self->gave_up = TRUE;
  g_printerr (MOD_NAME ": a stream can't be stopped; leaving it\n");
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

/* Behind all that it shows. */
static gboolean
open_page (App * self, const ModProgramConfig * config, ModProblems * problems)
{
  ModViews views = { self->hub, self->board, self->supervisor, self->evidence,
    self->pending, self->mqtt, self->webhook_out
  };
  g_autoptr (GError) error = NULL;

  self->views = views;
  if (config->listen == NULL)
    return TRUE;
  self->web = mod_web_new (config, &self->views, &error);
  if (self->web == NULL)
    mod_problems_add (problems, 0, "program", "listen", "%s", error->message);
  return self->web != NULL;
}

static void
tell_program (App * self, const gchar * state)
{
  JsonObject *line = mod_record_new ("program", NULL);

  json_object_set_string_member (line, "state", state);
  json_object_set_int_member (line, "pid", getpid ());
  if (self->web != NULL)
    json_object_set_string_member (line, "page", mod_web_get_address
        (self->web));
  mod_hub_tell (self->hub, line);
}

/* Again: at once. */
static gboolean
on_stop (gpointer user_data)
{
  App *self = user_data;
  guint64 limit =
      mod_supervisor_get_config (self->supervisor)->program.stop_timeout;

  if (self->stopping) {
    self->gave_up = TRUE;
    g_main_loop_quit (self->loop);
    return G_SOURCE_CONTINUE;
  }
  self->stopping = TRUE;
  mod_notify ("STOPPING=1");
  tell_program (self, "stopping");
  self->give_up = g_timeout_add_seconds (limit / 1000000000 + LAST_WAIT,
      on_give_up, self);
  if (self->late != NULL)
    mod_late_stop (self->late);
  mod_supervisor_stop (self->supervisor);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_reload (gpointer user_data)
{
  App *self = user_data;

  if (self->stopping)
    return G_SOURCE_CONTINUE;
  mod_notify_reloading ();
  mod_supervisor_reload (self->supervisor);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_rotate (gpointer user_data)
{
  App *self = user_data;

  mod_log_writer_rotate (mod_hub_get_log (self->hub));
  return G_SOURCE_CONTINUE;
}

static void
watch_signals (App * self)
{
  /* what reads our stdout may go, and a line is not worth an end */
  signal (SIGPIPE, SIG_IGN);
  self->signals[0] = g_unix_signal_add (SIGTERM, on_stop, self);
  self->signals[1] = g_unix_signal_add (SIGINT, on_stop, self);
  self->signals[2] = g_unix_signal_add (SIGHUP, on_reload, self);
  self->signals[3] = g_unix_signal_add (SIGUSR1, on_rotate, self);
}

static gint
end (App * self)
{
  gint status = mod_supervisor_has_failed (self->supervisor) ? 1 : 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (self->signals); i++)
    g_source_remove (self->signals[i]);
  g_clear_handle_id (&self->give_up, g_source_remove);
  g_clear_handle_id (&self->watchdog, g_source_remove);
  g_clear_handle_id (&self->tick, g_source_remove);
  if (self->gave_up) {
    /* threads still run in what is left: nothing may be taken from them */
    mod_log_writer_free (mod_hub_get_log (self->hub));
    _exit (1);
  }
  return status;
}

/* What the file names has to be usable; else nothing is started. */
static gboolean
prepare (App * self, const ModProgramConfig * config, ModProblems * problems)
{
  g_autoptr (GError) error = NULL;
  ModLines *lines = mod_lines_new (config->log, config->log_max_bytes,
      config->state_file != NULL, &error);

  if (lines == NULL) {
    mod_problems_add (problems, 0, "program", "log", "%s", error->message);
    return FALSE;
  }
  self->hub = mod_hub_new (lines);
  self->uploads = mod_uploads_new ();
  self->board = mod_board_new (self->hub);
  self->alert = mod_alert_new (self->hub);
  self->webhook_out = mod_webhook_out_new (self->hub);
  if (config->evidence_folder != NULL) {
    self->evidence = mod_evidence_new (config, self->hub, &error);
    if (self->evidence == NULL)
      mod_problems_add (problems, 0, "program", "evidence-folder", "%s",
          error->message);
  }
  if (config->state_file != NULL && error == NULL) {
    self->pending = mod_pending_state_new (config->state_file, config->log,
        self->hub, self->uploads, &error);
    if (self->pending == NULL)
      mod_problems_add (problems, 0, "program", "state-file", "%s",
          error->message);
  }
  if (config->late_folder != NULL && error == NULL) {
    self->late = mod_late_new (config, self->hub, self->uploads, self->pending,
        on_late_verdict, self, &error);
    if (self->late == NULL)
      mod_problems_add (problems, 0, "program", "late-folder", "%s",
          error->message);
  }
  if (config->mqtt != NULL && error == NULL) {
    self->mqtt = mod_mqtt_new (config, self->hub, &error);
    if (self->mqtt == NULL)
      mod_problems_add (problems, 0, "program", "mqtt", "%s", error->message);
  }
  return error == NULL;
}

static guint
count_waiting (App * self)
{
  guint waiting = 0;

  if (self->late != NULL)
    waiting += mod_late_waiting (self->late);
  if (self->evidence != NULL)
    waiting += mod_evidence_store_waiting (mod_evidence_get_store
        (self->evidence));
  if (self->alert != NULL)
    waiting += mod_alert_waiting (self->alert);
  if (self->webhook_out != NULL)
    waiting += mod_webhook_out_waiting (self->webhook_out);
  return waiting;
}

static gboolean
on_end (gpointer over)
{
  *(gboolean *) over = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Files, commands and posts: a disk or a server that hangs keeps nobody from the end. */
static void
wait_for_rest (App * self)
{
  gboolean over = FALSE;
  guint end = g_timeout_add_seconds (LAST_WAIT, on_end, &over);

  while (!over && count_waiting (self) > 0)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (end);
}

/* Who tells goes before who listens. */
static void
clear (App * self)
{
  wait_for_rest (self);
  g_clear_pointer (&self->late, mod_late_free);
  g_clear_pointer (&self->evidence, mod_evidence_free);
  g_clear_pointer (&self->alert, mod_alert_free);
  g_clear_pointer (&self->webhook_out, mod_webhook_out_free);
  if (self->running)
    tell_program (self, "stopped");
  if (self->hub != NULL)
    mod_log_writer_flush (mod_hub_get_log (self->hub));
  g_clear_pointer (&self->web, mod_web_free);
  self->reading = self->supervisor != NULL
      && mod_supervisor_is_reading (self->supervisor);
  g_clear_pointer (&self->supervisor, mod_supervisor_free);
  g_clear_pointer (&self->pending, mod_pending_state_free);
  g_clear_pointer (&self->uploads, mod_uploads_free);
  g_clear_pointer (&self->mqtt, mod_mqtt_free);
  g_clear_pointer (&self->board, mod_board_free);
  g_clear_pointer (&self->hub, mod_hub_free);
}

static gint
fail (App * self, ModProblems * problems)
{
  g_autofree gchar *text = mod_problems_to_string (problems);

  g_printerr ("%s\n", text);
  clear (self);
  return MOD_EXIT_CONFIG;
}

static gint
run (App * self)
{
  gint status;

  watch_signals (self);
  self->running = TRUE;
  tell_program (self, "started");
  if (self->late != NULL)
    mod_late_start (self->late, self->supervisor);
  mod_supervisor_start (self->supervisor);
  self->tick = g_timeout_add_seconds (1, on_tick, self);
  self->watchdog = mod_notify_watchdog_start ();
  mod_memory_give_back ();
  mod_notify ("READY=1");
  g_main_loop_run (self->loop);
  status = end (self);
  clear (self);
  if (self->reading) {
    mod_slate_clear ();
    _exit (status);
  }
  return status;
}

gint
mod_app_run (ModConfig * config)
{
  App self = { NULL };
  g_autoptr (ModProblems) problems = mod_problems_new (config->path);
  gint status;

  if (!prepare (&self, &config->program, problems)) {
    mod_config_free (config);
    return fail (&self, problems);
  }
  self.loop = g_main_loop_new (NULL, FALSE);
  self.supervisor = mod_supervisor_new (config, self.hub, &supervisor_calls,
      &self);
  status = open_page (&self, &config->program, problems) ? run (&self) :
      fail (&self, problems);
  g_main_loop_unref (self.loop);
  return status;
}
