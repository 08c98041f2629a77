/* identifai-moderate: one stream: its sessions one after another, and the waits between them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "stream.h"
#include "record.h"

/* Waits between a failure and the next try, each up to half as long again or half as
 * short, so that what failed together doesn't come back together. */
#define FIRST_WAIT 1000         /* ms */
#define LONGEST_WAIT 60000      /* ms */
/* After so long a run the waits begin anew. */
#define MOST_LEFT 3             /* sources that can't be stopped, and keep what they have */
#define GOOD_RUN (60 * G_USEC_PER_SEC)

struct _ModStream
{
  const ModStreamConfig *config;
  ModHub *hub;
  ModStreamCalls calls;
  gpointer user_data;

  ModStreamState state;
  ModSession *session;
  gint64 since;                 /* monotonic, of the session */
  guint wait;                   /* ms, the next one without jitter */
  guint wait_timer, finish_source;
  guint restarts;
  guint64 totals[MOD_STREAM_N_TOTALS];  /* of sessions that are over */
  gboolean again, failed;       /* after this session; of the latest one */
  guint *left;                  /* sources that can't be stopped; sessions share it */
  gchar *reason;                /* why the session was over; NULL: it isn't */
};

static void start (ModStream * self);

static JsonObject *
make_line (ModStream * self, const gchar * state)
{
  JsonObject *line = mod_record_new ("stream", self->config->name);

  json_object_set_string_member (line, "state", state);
  return line;
}

static void
tell_state (ModStream * self, const gchar * state, const gchar * reason)
{
  JsonObject *line = make_line (self, state);

  if (reason != NULL)
    json_object_set_string_member (line, "reason", reason);
  mod_hub_tell (self->hub, line);
}

/* The end. */

static gboolean
on_finish (gpointer user_data)
{
  ModStream *self = user_data;

  self->finish_source = 0;
  self->calls.finished (self, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
finish (ModStream * self, ModStreamState state)
{
  self->state = state;
  tell_state (self, mod_stream_describe (self), self->reason);
  self->finish_source = g_idle_add (on_finish, self);
}

/* Waiting. */

static gboolean
on_wait_over (gpointer user_data)
{
  ModStream *self = user_data;

  self->wait_timer = 0;
  self->restarts++;
  start (self);
  return G_SOURCE_REMOVE;
}

static guint
take_wait (ModStream * self, gint64 run)
{
  guint wait = run >= GOOD_RUN ? FIRST_WAIT : self->wait;

  self->wait = MIN (2 * wait, LONGEST_WAIT);
  return wait * g_random_double_range (0.5, 1.5);
}

static void
wait (ModStream * self)
{
  guint wait = take_wait (self, g_get_monotonic_time () - self->since);
  JsonObject *line = make_line (self, "waiting");

  self->state = MOD_STREAM_WAITING;
  json_object_set_string_member (line, "reason", self->reason);
  json_object_set_double_member (line, "retry_in", wait / 1000.0);
  mod_hub_tell (self->hub, line);
  self->wait_timer = g_timeout_add (wait, on_wait_over, self);
}

/* What a session says. */

static void
on_tell (JsonObject * line, gpointer user_data)
{
  ModStream *self = user_data;

  mod_hub_tell (self->hub, line);
}

static void
on_made (GstElement * judge, gpointer user_data)
{
  ModStream *self = user_data;

  self->calls.made (self, judge, self->user_data);
}

static void
on_session_message (const GstStructure * s, JsonObject * line,
    gpointer user_data)
{
  ModStream *self = user_data;

  self->calls.message (self, s, line, self->user_data);
}

static void
on_changed (ModSession * session, gpointer user_data)
{
  ModStream *self = user_data;
  ModSessionState state = mod_session_get_state (session);
  JsonObject *line;

  if (state == MOD_SESSION_CLOSING)
    return;
  line = make_line (self, mod_session_state_name (state));
  if (state == MOD_SESSION_SILENT)
    json_object_set_double_member (line, "silence",
        mod_session_get_silence (session));
  mod_hub_tell (self->hub, line);
}

void
mod_stream_tell_stats (ModStream * self)
{
  GstStructure *stats = NULL;
  JsonObject *line;

  if (self->session == NULL)
    return;
  g_object_get (mod_session_get_judge (self->session), "stats", &stats, NULL);
  if (stats == NULL)
    return;
  line = mod_record_new ("stats", self->config->name);
  mod_record_add (line, stats);
  gst_structure_free (stats);
  mod_hub_tell (self->hub, line);
}

static guint64
get_of_session (ModStream * self, ModStreamTotal total)
{
  static const gchar *const names[] = { "throttled", "retries" };
  GstStructure *stats = NULL;
  guint64 number = 0;

  if (self->session == NULL)
    return 0;
  g_object_get (mod_session_get_judge (self->session), "stats", &stats, NULL);
  if (stats != NULL)
    gst_structure_get_uint64 (stats, names[total], &number);
  gst_clear_structure (&stats);
  return number;
}

guint64
mod_stream_get_total (ModStream * self, ModStreamTotal total)
{
  return self->totals[total] + get_of_session (self, total);
}

static gboolean
goes_on (ModStream * self, ModSession * session, gboolean failed)
{
  if (self->state == MOD_STREAM_STOPPING)
    return FALSE;
  if (self->config->at_end != MOD_AT_END_AUTO || failed)
    return failed || self->config->at_end == MOD_AT_END_RESTART;
  return !mod_session_is_file (session);
}

static void
on_over (ModSession * session, const gchar * reason, gboolean failed,
    gpointer user_data)
{
  ModStream *self = user_data;

  g_free (self->reason);
  self->reason = g_strdup (reason);
  self->failed = failed;
  self->again = goes_on (self, session, failed);
}

static void
on_closed (ModSession * session, gpointer user_data)
{
  ModStream *self = user_data;
  ModStreamTotal total;

  for (total = 0; total < MOD_STREAM_N_TOTALS; total++)
    self->totals[total] = mod_stream_get_total (self, total);
  if (mod_session_is_abandoned (session))
    tell_state (self, "abandoned", "its source can't be stopped");
  mod_stream_tell_stats (self);
  mod_session_free (session);
  self->session = NULL;
  if (self->state == MOD_STREAM_STOPPING)
    finish (self, MOD_STREAM_STOPPED);
  else if (self->again)
    wait (self);
  else
    finish (self, MOD_STREAM_ENDED);
}

static const ModSessionCalls session_calls = {
  on_tell, on_made, on_session_message, on_changed, on_over, on_closed
};

static void
start (ModStream * self)
{
  g_autoptr (GError) error = NULL;

  self->state = MOD_STREAM_UP;
  self->since = g_get_monotonic_time ();
  g_clear_pointer (&self->reason, g_free);
  if (*self->left < MOST_LEFT) {
    tell_state (self, "starting", NULL);
    self->session = mod_session_new (self->config, self->left, &session_calls,
        self, &error);
  } else {
    g_set_error (&error, GST_CORE_ERROR, GST_CORE_ERROR_STATE_CHANGE,
        "%u of its sources can't be stopped", *self->left);
  }
  if (self->session != NULL)
    return;
  self->reason = g_strdup (error->message);
  self->failed = TRUE;
  wait (self);
}

ModStream *
mod_stream_new (const ModStreamConfig * config, ModHub * hub,
    const ModStreamCalls * calls, gpointer user_data)
{
  ModStream *self = g_new0 (ModStream, 1);

  self->config = mod_stream_config_ref (config);
  self->hub = hub;
  self->calls = *calls;
  self->user_data = user_data;
  self->wait = FIRST_WAIT;
  self->left = g_rc_box_new0 (guint);
  start (self);
  return self;
}

void
mod_stream_free (ModStream * self)
{
  g_clear_handle_id (&self->wait_timer, g_source_remove);
  g_clear_handle_id (&self->finish_source, g_source_remove);
  g_rc_box_release (self->left);
  mod_stream_config_unref (self->config);
  g_free (self->reason);
  g_free (self);
}

void
mod_stream_stop (ModStream * self, guint64 limit)
{
  switch (self->state) {
    case MOD_STREAM_UP:
    case MOD_STREAM_STOPPING:
      self->state = MOD_STREAM_STOPPING;
      mod_session_drain (self->session, limit);
      break;
    case MOD_STREAM_WAITING:
      g_clear_handle_id (&self->wait_timer, g_source_remove);
      finish (self, MOD_STREAM_STOPPED);
      break;
    case MOD_STREAM_ENDED:
    case MOD_STREAM_STOPPED:
      break;
  }
}

void
mod_stream_tick (ModStream * self)
{
  if (self->session != NULL)
    mod_session_tick (self->session);
}

ModStreamState
mod_stream_get_state (const ModStream * self)
{
  return self->state;
}

const gchar *
mod_stream_describe (const ModStream * self)
{
  static const gchar *const names[] =
      { "starting", "waiting", "ended", "draining", "stopped" };

  if (self->session != NULL)
    return mod_session_state_name (mod_session_get_state (self->session));
  return names[self->state];
}

const ModStreamConfig *
mod_stream_get_config (const ModStream * self)
{
  return self->config;
}

ModSession *
mod_stream_get_session (const ModStream * self)
{
  return self->session;
}

gboolean
mod_stream_has_failed (const ModStream * self)
{
  return self->failed;
}

guint
mod_stream_get_restarts (const ModStream * self)
{
  return self->restarts;
}
