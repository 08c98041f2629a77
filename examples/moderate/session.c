/* identifai-moderate: one run of a stream's pipeline, from start to end
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "session.h"
#include "order.h"
#include "pipeline.h"
#include "pipelineend.h"
#include "record.h"
#include "settings.h"

#include <stdatomic.h>
#include <string.h>

/* A silence is told after that, and a look is made each second: within 10 s. */
#define SILENCE (8 * G_USEC_PER_SEC)
/* So long a source may take to send its EOS on; then what judges is given one. */
#define OWN_EOS (2 * G_USEC_PER_SEC)
#define DRAIN_LOOK 100          /* ms */
/* A source that can't be stopped (in a system call that nothing ends) is left behind. */
#define LONGEST_STOP 10         /* s */
/* What drains after a failure: outcomes of what was sent. */
#define FAILED_DRAIN (12 * GST_SECOND)

struct _ModSession
{
  const ModStreamConfig *config;
  ModSessionCalls calls;
  gpointer user_data;

  /* main thread */
  ModSessionState state;
  GstElement *pipeline, *judge; /* judge: borrowed */
  guint watch, drain_timer, stop_timer;
  guint operations;             /* on worker threads */
  gint64 since;                 /* monotonic, when it was started */
  gint64 drain_start, drain_end;        /* monotonic */
  gboolean over, failed, own_eos, file;
  gboolean closed;              /* that was told */
  gboolean abandoned;           /* closed while an operation went on */
  guint *left;                  /* how many of the stream are, and still go on */
  gboolean orphan;              /* freed by its owner then */
  gboolean held;                /* the element said that it holds the stream */
  ModOrder *order;
  GHashTable *closed_segments;  /* number -> GstStructure *, until the outcome */

  /* atomic, written by streaming threads */
  _Atomic gint64 latest;        /* monotonic, when a buffer came; 0: none yet */
  _Atomic gint eos;             /* EOS came to what judges */
};

static void close_pipeline (ModSession * self);

static const gchar *const state_names[] = {
  "starting", "running", "silent", "draining", "closing", "closed"
};

const gchar *
mod_session_state_name (ModSessionState state)
{
  return state_names[state];
}

static void
enter (ModSession * self, ModSessionState state)
{
  if (self->state == state)
    return;
  self->state = state;
  if (state != MOD_SESSION_CLOSED)
    self->calls.changed (self, self->user_data);
}

/* Worker threads. */

typedef struct
{
  ModSession *session;
  void (*work) (GstElement * pipeline, GstElement * judge);
  void (*done) (ModSession * self);     /* main thread; NULL: nothing */
  GstElement *judge;
} Operation;

static void
finish (ModSession * self)
{
  if (self->orphan && self->operations == 0) {
    mod_session_free (self);
  } else if (self->state == MOD_SESSION_CLOSED && !self->closed
      && (self->operations == 0 || self->abandoned)) {
    self->closed = TRUE;
    self->calls.closed (self, self->user_data);
  }
}

static gboolean
on_done (gpointer user_data)
{
  Operation *operation = user_data;
  ModSession *self = operation->session;

  self->operations--;
  if (operation->done != NULL && !self->abandoned)
    operation->done (self);
  g_free (operation);
  finish (self);
  return G_SOURCE_REMOVE;
}

static void
run_operation (GstElement * pipeline, gpointer user_data)
{
  Operation *operation = user_data;

  operation->work (pipeline, operation->judge);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_done, operation, NULL);
}

static void
start_operation (ModSession * self, void (*work) (GstElement *, GstElement *),
    void (*done) (ModSession *))
{
  Operation *operation = g_new0 (Operation, 1);

  operation->session = self;
  operation->work = work;
  operation->done = done;
  operation->judge = self->judge;
  self->operations++;
  gst_element_call_async (self->pipeline, run_operation, operation, NULL);
}

static void
play (GstElement * pipeline, GstElement * judge)
{
  pipeline_set_state (pipeline, GST_STATE_PLAYING);
}

/* The clock that was taken is gone, with a source for example. */
static void
take_new_clock (GstElement * pipeline, GstElement * judge)
{
  pipeline_set_state (pipeline, GST_STATE_PAUSED);
  pipeline_set_state (pipeline, GST_STATE_PLAYING);
}

static gboolean
send_eos_to_pad (GstElement * judge, GstPad * pad, gpointer unused)
{
  gst_pad_send_event (pad, gst_event_new_eos ());
  return TRUE;
}

static void
send_eos_to_judge (GstElement * pipeline, GstElement * judge)
{
  gst_element_foreach_sink_pad (judge, send_eos_to_pad, NULL);
}

static void
stop (GstElement * pipeline, GstElement * judge)
{
  pipeline_stop (pipeline);
}

/* What comes to what judges: streaming threads. */

static GstPadProbeReturn
on_data (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  ModSession *self = user_data;

  if ((info->type & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) == 0)
    atomic_store (&self->latest, g_get_monotonic_time ());
  else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
    atomic_store (&self->eos, 1);
  return GST_PAD_PROBE_OK;
}

static void
watch_pad (ModSession * self)
{
  GstPad *pad = gst_element_get_static_pad (self->judge, "sink");

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER
      | GST_PAD_PROBE_TYPE_BUFFER_LIST | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_data, self, NULL);
  gst_object_unref (pad);
}

gdouble
mod_session_get_silence (const ModSession * self)
{
  gint64 latest = atomic_load (&self->latest);

  return (g_get_monotonic_time () - MAX (latest, self->since)) / 1e6;
}

/* The end. */

static guint64
get_pending (ModSession * self)
{
  GstStructure *stats = NULL;
  guint64 pending = 0;

  g_object_get (self->judge, "stats", &stats, NULL);
  if (stats != NULL) {
    gst_structure_get_uint64 (stats, "pending", &pending);
    gst_structure_free (stats);
  }
  return pending;
}

static gboolean
note_cut (GstElement * judge, GstPad * pad, gpointer cut)
{
  if (gst_pad_get_last_flow_return (pad) <= GST_FLOW_NOT_NEGOTIATED)
    *(gboolean *) cut = TRUE;
  return TRUE;
}

/* What a gate sends to has failed: what it still holds goes nowhere. */
static gboolean
is_cut_off (ModSession * self)
{
  gboolean cut = FALSE;

  gst_element_foreach_src_pad (self->judge, note_cut, &cut);
  return cut;
}

/* What failed at its other end may never see the EOS that all sinks have to. */
static gboolean
is_drained (ModSession * self)
{
  if (g_get_monotonic_time () >= self->drain_end)
    return TRUE;
  return (self->failed || is_cut_off (self)) && atomic_load (&self->eos)
      && get_pending (self) == 0;
}

static gboolean
on_drain_look (gpointer user_data)
{
  ModSession *self = user_data;
  gint64 waited = g_get_monotonic_time () - self->drain_start;

  if (is_drained (self)) {
    self->drain_timer = 0;
    close_pipeline (self);
    return G_SOURCE_REMOVE;
  }
  if (!self->own_eos && !atomic_load (&self->eos) && waited >= OWN_EOS) {
    self->own_eos = TRUE;
    start_operation (self, send_eos_to_judge, NULL);
  }
  return G_SOURCE_CONTINUE;
}

void
mod_session_drain (ModSession * self, guint64 limit)
{
  gint64 now = g_get_monotonic_time ();
  gint64 end = now + MIN (limit / 1000, (guint64) G_MAXINT64 / 4);

  if (self->state >= MOD_SESSION_CLOSING)
    return;
  if (self->state == MOD_SESSION_DRAINING) {
    self->drain_end = MIN (self->drain_end, end);
    return;
  }
  self->over = TRUE;
  self->drain_start = now;
  self->drain_end = end;
  if (atomic_load (&self->latest) == 0) {
    close_pipeline (self);
    return;
  }
  enter (self, MOD_SESSION_DRAINING);
  pipeline_end_streams (self->pipeline);
  self->drain_timer = g_timeout_add (DRAIN_LOOK, on_drain_look, self);
}

static void
end (ModSession * self, const gchar * reason, gboolean failed)
{
  if (self->over)
    return;
  self->over = TRUE;
  self->failed = failed;
  self->calls.over (self, reason, failed, self->user_data);
  mod_session_drain (self, FAILED_DRAIN);
}

/* Messages. */

/* What the closed segment was like is said with what became of it. */
static void
add_segment (ModSession * self, JsonObject * line, guint number)
{
  GstStructure *s =
      g_hash_table_lookup (self->closed_segments, GUINT_TO_POINTER (number));

  if (s == NULL)
    return;
  gst_structure_remove_fields (s, "segment", "running-time", "stream-time",
      "duration", "date-time", "bytes", "ref-id", "session", "sha256", NULL);
  mod_record_add (line, s);
  g_hash_table_remove (self->closed_segments, GUINT_TO_POINTER (number));
}

static void
release_outcome (gpointer line, gpointer user_data)
{
  ModSession *self = user_data;

  self->calls.tell (line, self->user_data);
}

static void
take_outcome (ModSession * self, const GstStructure * s)
{
  JsonObject *line = mod_record_message (self->config->name, s);
  guint number = 0;
  gboolean resumed = FALSE;

  gst_structure_get_uint (s, "segment", &number);
  gst_structure_get_boolean (s, "resumed", &resumed);
  if (!resumed)
    add_segment (self, line, number);
  self->calls.message (s, line, self->user_data);
  if (resumed) {
    self->calls.tell (line, self->user_data);
    return;
  }
  mod_order_push (self->order, number, line);
}

static void
take_message (ModSession * self, const GstStructure * s)
{
  JsonObject *line = NULL;
  guint number = 0;

  if (mod_is_outcome (s)) {
    take_outcome (self, s);
    return;
  }
  if (gst_structure_has_name (s, "identifai-segment")) {
    gst_structure_get_uint (s, "segment", &number);
    g_hash_table_replace (self->closed_segments, GUINT_TO_POINTER (number),
        gst_structure_copy (s));
  } else if (!gst_structure_has_name (s, "identifai-submitted")) {
    line = mod_record_message (self->config->name, s);
  }
  self->calls.message (s, line, self->user_data);
  if (line != NULL)
    self->calls.tell (line, self->user_data);
}

/* overflow=block holds a source that isn't to blame for sending nothing. */
static void
note_hold (ModSession * self, GstMessage * message)
{
  const GstStructure *details = NULL;
  gboolean warning = GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING;

  if (warning)
    gst_message_parse_warning_details (message, &details);
  else
    gst_message_parse_info_details (message, &details);
  if (details != NULL
      && g_strcmp0 (gst_structure_get_string (details, "reason"), "held") == 0)
    self->held = warning;
}

static void
take_trouble (ModSession * self, GstMessage * message)
{
  g_autoptr (GError) error = NULL;

  /* a source whose farewell fails while we stop it is no news */
  if (self->state >= MOD_SESSION_CLOSING
      && GST_MESSAGE_SRC (message) != GST_OBJECT (self->judge))
    return;
  self->calls.tell (mod_record_trouble (self->config->name, message),
      self->user_data);
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR) {
    note_hold (self, message);
    return;
  }
  gst_message_parse_error (message, &error, NULL);
  end (self, error->message, TRUE);
}

static void
take_eos (ModSession * self)
{
  if (!self->over) {
    self->over = TRUE;
    self->file = mod_session_is_file (self);
    self->calls.over (self, "the stream ended", FALSE, self->user_data);
  }
  close_pipeline (self);
}

static void
take (ModSession * self, GstMessage * message)
{
  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      if (GST_MESSAGE_SRC (message) == GST_OBJECT (self->judge))
        take_message (self, gst_message_get_structure (message));
      break;
    case GST_MESSAGE_WARNING:
    case GST_MESSAGE_ERROR:
    case GST_MESSAGE_INFO:
      take_trouble (self, message);
      break;
    case GST_MESSAGE_EOS:
      take_eos (self);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (self->pipeline));
      break;
    case GST_MESSAGE_CLOCK_LOST:
      if (self->state < MOD_SESSION_DRAINING)
        start_operation (self, take_new_clock, NULL);
      break;
    default:
      break;
  }
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  take (user_data, message);
  return G_SOURCE_CONTINUE;
}

/* Looking. */

static gboolean
is_held (ModSession * self)
{
  return self->held && get_pending (self) > 0;
}

/* Once EOS is in, what judges has what it needs. */
static void
look_at_silence (ModSession * self, gint64 silence)
{
  guint64 timeout = self->config->stall_timeout;
  g_autofree gchar *reason = NULL;

  if (silence < SILENCE) {
    if (atomic_load (&self->latest) != 0)
      enter (self, MOD_SESSION_RUNNING);
    return;
  }
  if (atomic_load (&self->eos) || is_held (self))
    return;
  enter (self, MOD_SESSION_SILENT);
  if (timeout == G_MAXUINT64 || (guint64) silence < timeout / 1000)
    return;
  reason = g_strdup_printf ("nothing came for %.0f s", silence / 1e6);
  end (self, reason, TRUE);
}

void
mod_session_tick (ModSession * self)
{
  if (self->state < MOD_SESSION_DRAINING)
    look_at_silence (self, mod_session_get_silence (self) * G_USEC_PER_SEC);
}

ModSessionState
mod_session_get_state (const ModSession * self)
{
  return self->state;
}

GstElement *
mod_session_get_judge (const ModSession * self)
{
  return self->judge;
}

gboolean
mod_session_is_file (const ModSession * self)
{
  GstQuery *query;
  GstPad *pad;
  gboolean seekable = FALSE;

  if (self->state >= MOD_SESSION_CLOSING)
    return self->file;
  query = gst_query_new_seeking (GST_FORMAT_TIME);
  pad = gst_element_get_static_pad (self->judge, "sink");
  if (gst_pad_peer_query (pad, query))
    gst_query_parse_seeking (query, NULL, &seekable, NULL, NULL);
  gst_object_unref (pad);
  gst_query_unref (query);
  return seekable;
}

/* Closing. */

static void
take_the_rest (ModSession * self)
{
  GstBus *bus = gst_element_get_bus (self->pipeline);
  GstMessage *message;

  while ((message = gst_bus_pop (bus)) != NULL) {
    take (self, message);
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  g_clear_handle_id (&self->watch, g_source_remove);
  mod_order_flush (self->order);
  enter (self, MOD_SESSION_CLOSED);
}

static void
on_stopped (ModSession * self)
{
  g_clear_handle_id (&self->stop_timer, g_source_remove);
  take_the_rest (self);
}

/* What judges was stopped first: the outcomes are there. */
static gboolean
on_stop_timeout (gpointer user_data)
{
  ModSession *self = user_data;

  self->stop_timer = 0;
  self->abandoned = TRUE;
  (*self->left)++;
  take_the_rest (self);
  finish (self);
  return G_SOURCE_REMOVE;
}

gboolean
mod_session_is_abandoned (const ModSession * self)
{
  return self->abandoned;
}

static void
close_pipeline (ModSession * self)
{
  if (self->state >= MOD_SESSION_CLOSING)
    return;
  self->over = TRUE;
  g_clear_handle_id (&self->drain_timer, g_source_remove);
  enter (self, MOD_SESSION_CLOSING);
  self->stop_timer = g_timeout_add_seconds (LONGEST_STOP, on_stop_timeout,
      self);
  start_operation (self, stop, on_stopped);
}

static void
watch_bus (ModSession * self)
{
  GstBus *bus = gst_element_get_bus (self->pipeline);

  self->watch = gst_bus_add_watch (bus, on_message, self);
  gst_object_unref (bus);
  /* what a stop ends is told then, and read after it */
  gst_pipeline_set_auto_flush_bus (GST_PIPELINE (self->pipeline), FALSE);
}

ModSession *
mod_session_new (const ModStreamConfig * config, guint * left,
    const ModSessionCalls * calls, gpointer user_data, GError ** error)
{
  GstElement *judge;
  GstElement *pipeline = mod_pipeline_new (config, &judge, NULL, error);
  ModSession *self;

  if (pipeline == NULL)
    return NULL;
  self = g_new0 (ModSession, 1);
  self->config = mod_stream_config_ref (config);
  self->left = g_rc_box_acquire (left);
  self->calls = *calls;
  self->user_data = user_data;
  self->pipeline = pipeline;
  self->judge = judge;
  self->since = g_get_monotonic_time ();
  self->order = mod_order_new (release_outcome, self);
  self->closed_segments = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) gst_structure_free);
  watch_pad (self);
  watch_bus (self);
  calls->made (judge, user_data);
  start_operation (self, play, NULL);
  return self;
}

void
mod_session_free (ModSession * self)
{
  if (self->operations > 0) {
    self->orphan = TRUE;
    return;
  }
  if (self->abandoned)
    (*self->left)--;
  g_rc_box_release (self->left);
  g_clear_handle_id (&self->watch, g_source_remove);
  g_clear_handle_id (&self->drain_timer, g_source_remove);
  mod_order_free (self->order);
  gst_object_unref (self->pipeline);
  g_hash_table_unref (self->closed_segments);
  mod_stream_config_unref (self->config);
  g_free (self);
}
