/* identifai-moderate: metrics for Prometheus
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "metrics.h"

#include <math.h>
#include <string.h>

typedef struct
{
  GString *out;
  const ModViews *views;
  const gchar *field, *name;    /* of stats; of the metric */
} Page;

/* Names of streams need no escapes. */

static void
begin (GString * out, const gchar * name, const gchar * type,
    const gchar * help)
{
  g_string_append_printf (out, "# HELP identifai_%s %s\n# TYPE identifai_%s "
      "%s\n", name, help, name, type);
}

static void
add_number (GString * out, gdouble value)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isnan (value))
    g_string_append (out, "NaN\n");
  else
    g_string_append_printf (out, "%s\n", g_ascii_formatd (text, sizeof text,
            "%.15g", value));
}

static void
add_single (GString * out, const gchar * name, const gchar * type,
    const gchar * help, gdouble value)
{
  begin (out, name, type, help);
  g_string_append_printf (out, "identifai_%s ", name);
  add_number (out, value);
}

static void
add_of_stream (GString * out, const gchar * name, const gchar * stream,
    gdouble value)
{
  g_string_append_printf (out, "identifai_%s{stream=\"%s\"} ", name, stream);
  add_number (out, value);
}

/* Of the board. */

static void
add_outcome (gpointer key, gpointer value, gpointer user_data)
{
  Page *page = user_data;
  g_auto (GStrv) parts = g_strsplit (key, "\n", 3);

  g_string_append_printf (page->out, "identifai_outcomes_total{stream=\"%s\","
      "outcome=\"%s\",reason=\"%s\",status=\"%s\"} %" G_GUINT64_FORMAT "\n",
      page->field, parts[0], parts[1], strcmp (parts[2], "0") == 0 ? "" :
      parts[2], *(guint64 *) value);
}

static void
add_outcomes (Page * page, const GPtrArray * streams)
{
  guint i;

  begin (page->out, "outcomes_total", "counter", "Segments by what became of "
      "them; the reason of a verdict is its classification.");
  for (i = 0; i < streams->len; i++) {
    const ModBoardStream *stream = g_ptr_array_index (streams, i);

    page->field = stream->name;
    g_hash_table_foreach (stream->outcomes, add_outcome, page);
  }
}

static void
add_state (GString * out, const gchar * name, const gchar * stream,
    const gchar * const *states, const gchar * state)
{
  for (; *states != NULL; states++)
    g_string_append_printf (out, "identifai_%s{stream=\"%s\",state=\"%s\"} "
        "%d\n", name, stream, *states, g_strcmp0 (state, *states) == 0);
}

static void
add_policies (GString * out, const GPtrArray * streams)
{
  static const gchar *const states[] = { "clear", "review", "blocked", NULL };
  static const gchar *const gates[] = { "pass", "drop", "slate", NULL };
  guint i;

  begin (out, "policy_state", "gauge", "1 for the state of the policy.");
  for (i = 0; i < streams->len; i++) {
    const ModBoardStream *stream = g_ptr_array_index (streams, i);

    if (stream->policy != NULL)
      add_state (out, "policy_state", stream->name, states, stream->policy);
  }
  begin (out, "gate_state", "gauge", "1 for the state of the outgoing end.");
  for (i = 0; i < streams->len; i++) {
    const ModBoardStream *stream = g_ptr_array_index (streams, i);

    if (stream->gate != NULL)
      add_state (out, "gate_state", stream->name, gates, stream->gate);
  }
}

static void
add_board (Page * page)
{
  const GPtrArray *streams = mod_board_get_streams (page->views->board);
  guint i;

  add_outcomes (page, streams);
  begin (page->out, "warnings_total", "counter", "Warnings of elements.");
  for (i = 0; i < streams->len; i++) {
    const ModBoardStream *stream = g_ptr_array_index (streams, i);

    add_of_stream (page->out, "warnings_total", stream->name, stream->warnings);
  }
  begin (page->out, "latency_seconds", "gauge",
      "From a segment's last frame to its verdict, of the latest one.");
  for (i = 0; i < streams->len; i++) {
    const ModBoardStream *stream = g_ptr_array_index (streams, i);

    if (!isnan (stream->latency))
      add_of_stream (page->out, "latency_seconds", stream->name,
          stream->latency);
  }
  add_policies (page->out, streams);
}

/* Of the streams that there are. */

static void
add_stream_state (gpointer stream, gpointer user_data)
{
  static const gchar *const states[] = { "starting", "running", "silent",
    "draining", "waiting", "closing", "ended", "stopped", NULL
  };
  Page *page = user_data;

  add_state (page->out, "stream_state", mod_stream_get_config (stream)->name,
      states, mod_stream_describe (stream));
}

static void
add_silence (gpointer stream, gpointer user_data)
{
  Page *page = user_data;
  ModSession *session = mod_stream_get_session (stream);

  if (session != NULL)
    add_of_stream (page->out, "silence_seconds",
        mod_stream_get_config (stream)->name,
        mod_session_get_silence (session));
}

static void
add_unjudged (gpointer stream, gpointer user_data)
{
  Page *page = user_data;
  const gchar *name = mod_stream_get_config (stream)->name;
  const ModBoardStream *told = mod_board_find (page->views->board, name);

  if (told != NULL && mod_stream_get_state (stream) < MOD_STREAM_ENDED)
    add_of_stream (page->out, "unjudged_seconds", name,
        mod_board_get_unjudged (told));
}

static void
add_restarts (gpointer stream, gpointer user_data)
{
  Page *page = user_data;

  add_of_stream (page->out, "restarts_total",
      mod_stream_get_config (stream)->name, mod_stream_get_restarts (stream));
}

static void
add_stat (gpointer stream, gpointer user_data)
{
  Page *page = user_data;
  ModSession *session = mod_stream_get_session (stream);
  GstStructure *stats = NULL;
  const GValue *value;
  GValue number = G_VALUE_INIT;

  if (session == NULL)
    return;
  g_object_get (mod_session_get_judge (session), "stats", &stats, NULL);
  value = stats != NULL ? gst_structure_get_value (stats, page->field) : NULL;
  g_value_init (&number, G_TYPE_DOUBLE);
  if (value != NULL && g_value_transform (value, &number))
    add_of_stream (page->out, page->name,
        mod_stream_get_config (stream)->name, g_value_get_double (&number));
  g_value_unset (&number);
  g_clear_pointer (&stats, gst_structure_free);
}

static void
add_stats (Page * page)
{
  static const struct
  {
    const gchar *field, *name, *type, *help;
  } fields[] = {
    {"coverage", "coverage_ratio", "gauge",
        "Share of the session's time in closed segments."},
    {"pending", "pending_segments", "gauge",
        "Closed segments without an outcome."},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    begin (page->out, fields[i].name, fields[i].type, fields[i].help);
    page->field = fields[i].field;
    page->name = fields[i].name;
    mod_supervisor_foreach (page->views->supervisor, add_stat, page);
  }
}

static void
add_throttled (gpointer stream, gpointer user_data)
{
  add_of_stream (((Page *) user_data)->out, "throttled_total",
      mod_stream_get_config (stream)->name, mod_stream_get_total (stream,
          MOD_STREAM_THROTTLED));
}

static void
add_retries (gpointer stream, gpointer user_data)
{
  add_of_stream (((Page *) user_data)->out, "retries_total",
      mod_stream_get_config (stream)->name, mod_stream_get_total (stream,
          MOD_STREAM_RETRIES));
}

static void
add_streams (Page * page)
{
  const ModSupervisor *supervisor = page->views->supervisor;

  begin (page->out, "stream_state", "gauge", "1 for the state of the stream.");
  mod_supervisor_foreach (supervisor, add_stream_state, page);
  begin (page->out, "silence_seconds", "gauge",
      "Since something came from the source.");
  mod_supervisor_foreach (supervisor, add_silence, page);
  begin (page->out, "unjudged_seconds", "gauge",
      "Since the end of what was judged last, of streams that go on.");
  mod_supervisor_foreach (supervisor, add_unjudged, page);
  begin (page->out, "restarts_total", "counter", "Sessions after the first.");
  mod_supervisor_foreach (supervisor, add_restarts, page);
  begin (page->out, "throttled_total", "counter", "Answers with status 429.");
  mod_supervisor_foreach (supervisor, add_throttled, page);
  begin (page->out, "retries_total", "counter", "Requests made again.");
  mod_supervisor_foreach (supervisor, add_retries, page);
  add_stats (page);
}

/* Of the program. */

static void
add_evidence (GString * out, ModEvidence * evidence)
{
  guint64 pairs, bytes, failed;

  if (evidence == NULL)
    return;
  mod_evidence_store_count (mod_evidence_get_store (evidence), &pairs, &bytes,
      &failed);
  add_single (out, "evidence_files", "gauge", "Pieces of evidence kept.",
      pairs);
  add_single (out, "evidence_bytes", "gauge", "What they take.", bytes);
  add_single (out, "evidence_failed_total", "counter",
      "Pieces that could not be written.", failed);
}

static void
add_mqtt (GString * out, ModMqtt * mqtt)
{
  if (mqtt == NULL)
    return;
  add_single (out, "mqtt_connected", "gauge", "1 while there is a broker.",
      mod_mqtt_is_connected (mqtt));
  add_single (out, "mqtt_waiting", "gauge", "Lines that no broker has yet.",
      mod_mqtt_waiting (mqtt));
  add_single (out, "mqtt_lost_total", "counter",
      "Lines that no broker will have.", mod_mqtt_lost (mqtt));
}

static void
add_program (GString * out, const ModViews * views)
{
  ModLogWriter *log = mod_hub_get_log (views->hub);
  gdouble credits = mod_board_get_credits (views->board);

  add_single (out, "config_good", "gauge",
      "0 while the file, as it was read last, has something wrong in it.",
      mod_supervisor_get_problem (views->supervisor) == NULL);
  add_single (out, "log_waiting_bytes", "gauge",
      "Lines that could not be written yet.", mod_log_writer_get_waiting (log));
  add_single (out, "log_lost_lines_total", "counter",
      "Lines that were not written.", mod_log_writer_get_lost (log));
  add_single (out, "webhook_waiting", "gauge",
      "Posts to webhook-out that wait.",
      mod_webhook_out_waiting (views->webhook_out));
  if (views->pending != NULL)
    add_single (out, "pending_identifiers", "gauge",
        "What is in the state file.", mod_pending_state_count (views->pending));
  if (!isnan (credits))
    add_single (out, "credits_available", "gauge", "Of the account.", credits);
  add_evidence (out, views->evidence);
  add_mqtt (out, views->mqtt);
}

gchar *
mod_metrics_render (const ModViews * views)
{
  Page page = { g_string_new (NULL), views };

  add_board (&page);
  add_streams (&page);
  add_program (page.out, views);
  return g_string_free (page.out, FALSE);
}
