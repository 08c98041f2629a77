/* identifai-watch: what is said of each input, and how it ends
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "report.h"
#include "tojson.h"

#include <stdio.h>
#include <string.h>

/* Of an identifier, which has 64. */
#define SHORT_IDENTIFIER 12

enum
{
  STATUS_JUDGED = 0,
  STATUS_NOT_JUDGED = 1,
  STATUS_FOUND = 3
};

static const gchar *const classifications[] = {
  "artificial", "human", "unknown", NULL
};

static void
row_free (gpointer data)
{
  WatchRow *row = data;

  g_free (row->label);
  g_free (row);
}

void
watch_report_init (WatchReport * self, const WatchOptions * options)
{
  self->options = options;
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->fatal = FALSE;
  watch_terminal_init (&self->terminal, !options->json && !options->quiet);
}

void
watch_report_clear (WatchReport * self)
{
  g_ptr_array_unref (self->rows);
}

static WatchRow *
find_row (WatchReport * self, const gchar * label)
{
  WatchRow *row;
  guint i;

  for (i = 0; i < self->rows->len; i++) {
    row = g_ptr_array_index (self->rows, i);
    if (g_str_equal (row->label, label))
      return row;
  }
  row = g_new0 (WatchRow, 1);
  row->label = g_strdup (label);
  g_ptr_array_add (self->rows, row);

  return row;
}

/* Lines for people. */

static const gchar *
get_text (const GstStructure * s, const gchar * field)
{
  const gchar *text = gst_structure_get_string (s, field);

  return text != NULL ? text : "";
}

static guint
get_uint (const GstStructure * s, const gchar * field)
{
  guint number = 0;

  gst_structure_get_uint (s, field, &number);

  return number;
}

static guint64
get_uint64 (const GstStructure * s, const gchar * field)
{
  guint64 number = 0;

  gst_structure_get_uint64 (s, field, &number);

  return number;
}

static gdouble
get_double (const GstStructure * s, const gchar * field)
{
  gdouble number = 0;

  gst_structure_get_double (s, field, &number);

  return number;
}

static void
append_identifier (WatchReport * self, GString * line, const GstStructure * s)
{
  const gchar *identifier = gst_structure_get_string (s, "identifier");

  if (identifier != NULL)
    g_string_append_printf (line, ", %.*s",
        self->options->verbose ? (gint) strlen (identifier) : SHORT_IDENTIFIER,
        identifier);
}

static void
say (WatchReport * self, WatchColour colour, const gchar * label,
    const gchar * ref_id, const gchar * text)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree gchar *time = g_date_time_format (now, "%H:%M:%S");
  g_autofree gchar *name = watch_terminal_shorten (label);
  g_autofree gchar *line = g_strdup_printf ("%s %s%s%s%s %s", time, name,
      ref_id != NULL ? " [" : "", ref_id != NULL ? ref_id : "",
      ref_id != NULL ? "]" : "", text);

  watch_terminal_print (&self->terminal, colour, line);
}

static WatchColour
describe_segment (WatchReport * self, WatchRow * row, const GstStructure * s,
    GString * line)
{
  guint64 missing = get_uint64 (s, "audio-missing");
  guint64 time = GST_CLOCK_TIME_NONE;

  gst_structure_get_uint64 (s, "running-time", &time);
  g_string_append_printf (line, "closed: %" G_GUINT64_FORMAT " bytes %s",
      get_uint64 (s, "bytes"), get_text (s, "content-type"));
  if (GST_CLOCK_TIME_IS_VALID (time))
    g_string_append_printf (line, " from %" GST_TIME_FORMAT,
        GST_TIME_ARGS (time));
  if (missing > 0)
    g_string_append_printf (line, ", without %.2f s of sound",
        (gdouble) missing / GST_SECOND);

  return WATCH_COLOUR_FAINT;
}

static WatchColour
describe_submitted (WatchReport * self, WatchRow * row, const GstStructure * s,
    GString * line)
{
  g_string_append_printf (line, "submitted in %.1f s",
      (gdouble) get_uint64 (s, "upload-time") / GST_SECOND);
  append_identifier (self, line, s);

  return WATCH_COLOUR_FAINT;
}

static void
append_verdicts (GString * line, const GstStructure * s)
{
  const GValue *verdicts = gst_structure_get_value (s, "verdicts");
  guint i;

  if (verdicts == NULL || !GST_VALUE_HOLDS_ARRAY (verdicts))
    return;
  for (i = 0; i < gst_value_array_get_size (verdicts); i++) {
    const GstStructure *v =
        gst_value_get_structure (gst_value_array_get_value (verdicts, i));

    g_string_append_printf (line, "\n  %s: %s, confidence %.2f",
        get_text (v, "heuristic"), get_text (v, "classification"),
        get_double (v, "confidence"));
  }
}

static void
append_frame (GString * line, guint number, const GValue * value)
{
  const GstStructure *frame = GST_VALUE_HOLDS_STRUCTURE (value) ?
      gst_value_get_structure (value) : NULL;
  const GValue *verdict = frame != NULL ?
      gst_structure_get_value (frame, "verdict") : NULL;
  const GstStructure *v = verdict != NULL && GST_VALUE_HOLDS_STRUCTURE (verdict)
      ? gst_value_get_structure (verdict) : NULL;

  if (v != NULL)
    g_string_append_printf (line, "\n  frame %u: %s, confidence %.2f", number,
        get_text (v, "classification"), get_double (v, "confidence"));
}

/* Of a video's results; NULL: none. */
static const GValue *
get_frames (const GstStructure * s)
{
  const GValue *results = gst_structure_get_value (s, "results");
  const GValue *frames = results != NULL && GST_VALUE_HOLDS_STRUCTURE (results)
      ? gst_structure_get_value (gst_value_get_structure (results), "images") :
      NULL;

  return frames != NULL && GST_VALUE_HOLDS_ARRAY (frames) ? frames : NULL;
}

static guint
count_frames (const GstStructure * s)
{
  const GValue *frames = get_frames (s);

  return frames != NULL ? gst_value_array_get_size (frames) : 0;
}

static void
append_frames (GString * line, const GstStructure * s)
{
  const GValue *frames = get_frames (s);
  guint i;

  for (i = 0; i < count_frames (s); i++)
    append_frame (line, i, gst_value_array_get_value (frames, i));
}

static WatchColour
describe_verdict (WatchReport * self, WatchRow * row, const GstStructure * s,
    GString * line)
{
  static const WatchColour colours[] = {
    WATCH_COLOUR_BAD, WATCH_COLOUR_GOOD, WATCH_COLOUR_DOUBTFUL
  };
  const gchar *classification = get_text (s, "classification");
  guint which = 0;

  while (which < 2 && !g_str_equal (classifications[which], classification))
    which++;
  row->verdicts[which]++;
  self->fatal |= self->options->fail_on != NULL
      && g_strv_contains ((const gchar * const *) self->options->fail_on,
      classification);
  g_string_append_printf (line, "verdict: %s, confidence %.2f (%s",
      classification, get_double (s, "confidence"), get_text (s, "heuristic"));
  if (count_frames (s) > 0)
    g_string_append_printf (line, "; %u of %u frames artificial",
        get_uint (s, "artificial-frames"), count_frames (s));
  g_string_append_printf (line, "), after %.1f s",
      (gdouble) get_uint64 (s, "latency") / GST_SECOND);
  append_identifier (self, line, s);
  if (self->options->verbose) {
    append_verdicts (line, s);
    append_frames (line, s);
  }

  return colours[which];
}

static WatchColour
describe_failed (WatchReport * self, WatchRow * row, const GstStructure * s,
    GString * line)
{
  guint status = get_uint (s, "http-status");
  const gchar *words = get_text (s, "message");

  row->failed++;
  g_string_append_printf (line, "failed: %s", get_text (s, "reason"));
  if (status >= 300)
    g_string_append_printf (line, ", HTTP status %u", status);
  if (*words != '\0')
    g_string_append_printf (line, ": %s", words);
  append_identifier (self, line, s);

  return WATCH_COLOUR_DOUBTFUL;
}

static WatchColour
describe_dropped (WatchReport * self, WatchRow * row, const GstStructure * s,
    GString * line)
{
  row->dropped++;
  g_string_append_printf (line, "dropped: %s", get_text (s, "reason"));

  return WATCH_COLOUR_DOUBTFUL;
}

static WatchColour
describe_state (WatchReport * self, WatchRow * row, const GstStructure * s,
    GString * line)
{
  const gchar *reason = get_text (s, "reason");

  g_string_append_printf (line, "%s: %s", gst_structure_get_name (s) +
      strlen ("identifai-"), get_text (s, "state"));
  if (*reason != '\0')
    g_string_append_printf (line, " (%s)", reason);

  return WATCH_COLOUR_NONE;
}

static const struct
{
  const gchar *name;
  gboolean step;                /* on the way to an outcome: not where there is a status */
    WatchColour (*describe) (WatchReport *, WatchRow *, const GstStructure *,
      GString *);
} messages[] = {
  {"identifai-segment", TRUE, describe_segment},
  {"identifai-submitted", TRUE, describe_submitted},
  {"identifai-verdict", FALSE, describe_verdict},
  {"identifai-failed", FALSE, describe_failed},
  {"identifai-dropped", FALSE, describe_dropped},
  {"identifai-policy", FALSE, describe_state},
  {"identifai-gate", FALSE, describe_state}
};

static void
say_lines (WatchReport * self, WatchColour colour, const gchar * label,
    const gchar * ref_id, const gchar * text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gchar **line;

  say (self, colour, label, ref_id, lines[0]);
  for (line = lines + 1; *line != NULL; line++)
    watch_terminal_print (&self->terminal, WATCH_COLOUR_NONE, *line);
}

static void
say_json (WatchReport * self, const gchar * label, const gchar * kind,
    const GstStructure * s, const gchar * text)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *time = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");
  g_autofree gchar *line = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "message");
  json_builder_add_string_value (builder, kind);
  json_builder_set_member_name (builder, "time");
  json_builder_add_string_value (builder, time);
  json_builder_set_member_name (builder, "source");
  json_builder_add_string_value (builder, label);
  if (text != NULL) {
    json_builder_set_member_name (builder, "text");
    json_builder_add_string_value (builder, text);
  }
  if (s != NULL)
    watch_json_add_structure (builder, s);
  json_builder_end_object (builder);
  line = watch_json_to_line (builder);
  printf ("%s\n", line);
  fflush (stdout);
}

/* Where there is a status, or one wants quiet, steps aren't told. */
static gboolean
is_told (WatchReport * self, gboolean step)
{
  if (self->options->json || self->options->quiet)
    return FALSE;

  return !step || self->options->verbose || !self->terminal.status;
}

static void
describe (WatchReport * self, guint which, const gchar * label,
    const GstStructure * s)
{
  g_autoptr (GString) line = g_string_new (NULL);
  WatchColour colour;

  if (gst_structure_has_field (s, "segment"))
    g_string_append_printf (line, "segment %u ", get_uint (s, "segment"));
  colour = messages[which].describe (self, find_row (self, label), s, line);
  if (is_told (self, messages[which].step))
    say_lines (self, colour, label, gst_structure_get_string (s, "ref-id"),
        line->str);
}

void
watch_report_message (WatchReport * self, const gchar * label,
    const GstStructure * s)
{
  guint i;

  if (!g_str_has_prefix (gst_structure_get_name (s), "identifai-"))
    return;
  for (i = 0; i < G_N_ELEMENTS (messages); i++)
    if (gst_structure_has_name (s, messages[i].name))
      describe (self, i, label, s);
  if (self->options->json)
    say_json (self, label, gst_structure_get_name (s) + strlen ("identifai-"),
        s, NULL);
}

/* GStreamer's own words may hold an address with its password. */
static gchar *
hide_passwords (const gchar * text)
{
  g_autoptr (GRegex) regex =
      g_regex_new ("(://[^/@:\\s]*):[^/@\\s]*@", 0, 0, NULL);

  return g_regex_replace (regex, text, -1, 0, "\\1@", 0, NULL);
}

void
watch_report_problem (WatchReport * self, const gchar * label,
    const gchar * kind, const gchar * words, const gchar * details)
{
  g_autofree gchar *text = hide_passwords (words);
  g_autofree gchar *rest = hide_passwords (details != NULL ? details : "");
  g_autofree gchar *line = g_strdup_printf ("%s: %s: %s", kind, label, text);
  g_auto (GStrv) more = g_strsplit (rest, "\n", -1);
  gchar **detail;

  if (self->options->json)
    say_json (self, label, kind, NULL, text);
  watch_terminal_print_problem (&self->terminal, line);
  for (detail = more; *detail != NULL; detail++) {
    g_autofree gchar *indented = g_strdup_printf ("  %s", *detail);

    if (**detail != '\0')
      watch_terminal_print_problem (&self->terminal, indented);
  }
}

void
watch_report_broken (WatchReport * self, const gchar * label)
{
  find_row (self, label)->broken = TRUE;
}

void
watch_report_skipped (WatchReport * self, const gchar * label,
    const gchar * why)
{
  g_autofree gchar *text = g_strdup_printf ("skipped: %s", why);

  if (self->options->json)
    say_json (self, label, "skipped", NULL, why);
  else if (self->options->verbose)
    say (self, WATCH_COLOUR_FAINT, label, NULL, text);
}

/* The table. */

static guint
count_verdicts (const WatchRow * row)
{
  return row->verdicts[0] + row->verdicts[1] + row->verdicts[2];
}

static void
print_row (WatchReport * self, const WatchRow * row, gint width)
{
  g_autofree gchar *name = watch_terminal_shorten (row->label);
  g_autofree gchar *padding = g_strnfill (MAX (0, width -
          (gint) g_utf8_strlen (name, -1)), ' ');
  g_autofree gchar *line = g_strdup_printf ("%s%s %10u %6u %8u %7u %8u%s",
      name, padding, row->verdicts[0], row->verdicts[1],
      row->verdicts[2], row->failed, row->dropped,
      row->broken ? "  broken off" : "");
  WatchColour colour = WATCH_COLOUR_GOOD;

  if (row->verdicts[0] > 0)
    colour = WATCH_COLOUR_BAD;
  else if (row->broken || row->failed + row->dropped + row->verdicts[2] > 0
      || row->verdicts[1] == 0)
    colour = WATCH_COLOUR_DOUBTFUL;
  watch_terminal_print (&self->terminal, colour, line);
}

static void
print_table (WatchReport * self)
{
  g_autofree gchar *padding = NULL;
  g_autofree gchar *header = NULL;
  gint width = 0;
  guint i;

  for (i = 0; i < self->rows->len; i++) {
    const WatchRow *row = g_ptr_array_index (self->rows, i);
    g_autofree gchar *name = watch_terminal_shorten (row->label);

    width = MAX (width, (gint) g_utf8_strlen (name, -1));
  }
  padding = g_strnfill (width, ' ');
  header = g_strdup_printf ("%s artificial  human  unknown  failed  dropped",
      padding);
  watch_terminal_print (&self->terminal, WATCH_COLOUR_NONE, header);
  for (i = 0; i < self->rows->len; i++)
    print_row (self, g_ptr_array_index (self->rows, i), width);
}

gint
watch_report_finish (WatchReport * self)
{
  WatchRow sum = { NULL, };
  g_autofree gchar *line = NULL;
  guint judged = 0, i;

  for (i = 0; i < self->rows->len; i++) {
    const WatchRow *row = g_ptr_array_index (self->rows, i);

    judged += count_verdicts (row);
    sum.failed += row->failed;
    sum.dropped += row->dropped;
    sum.broken |= row->broken;
  }
  if (!self->options->json && !self->options->quiet) {
    if (self->rows->len > 0)
      print_table (self);
    line = g_strdup_printf ("%u judged, %u failed, %u dropped", judged,
        sum.failed, sum.dropped);
    watch_terminal_print (&self->terminal, WATCH_COLOUR_NONE, line);
  }
  if (self->fatal)
    return STATUS_FOUND;

  return sum.broken || sum.failed + sum.dropped > 0 ?
      STATUS_NOT_JUDGED : STATUS_JUDGED;
}
