/* identifai-moderate: what was told lately, by stream
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "board.h"

#include <math.h>
#include <string.h>

#define LINES 200
#define OUTCOMES 60
/* Two segments' verdicts may be missing, and some time to judge one. */
#define MISSING 2
#define JUDGING (30 * G_USEC_PER_SEC)

struct _ModBoard
{
  GPtrArray *streams;
  GQueue lines;
  gdouble credits;
};

static void
free_stream (gpointer data)
{
  ModBoardStream *self = data;

  g_free (self->name);
  g_free (self->policy);
  g_free (self->gate);
  g_free (self->trouble);
  g_hash_table_unref (self->outcomes);
  g_queue_clear_full (&self->latest, (GDestroyNotify) json_object_unref);
  g_free (self);
}

ModBoardStream *
mod_board_find (const ModBoard * self, const gchar * name)
{
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    ModBoardStream *stream = g_ptr_array_index (self->streams, i);

    if (strcmp (stream->name, name) == 0)
      return stream;
  }
  return NULL;
}

static ModBoardStream *
get_stream (ModBoard * self, const gchar * name)
{
  ModBoardStream *stream = mod_board_find (self, name);

  if (stream != NULL)
    return stream;
  stream = g_new0 (ModBoardStream, 1);
  stream->name = g_strdup (name);
  stream->latency = NAN;
  stream->since = g_get_monotonic_time ();
  stream->outcomes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  g_queue_init (&stream->latest);
  g_ptr_array_add (self->streams, stream);
  return stream;
}

static const gchar *
get (JsonObject * line, const gchar * name)
{
  JsonNode *node = json_object_get_member (line, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ?
      json_node_get_string (node) : "";
}

/* What the page shows of an outcome. */
static JsonObject *
shorten (JsonObject * line)
{
  static const gchar *const members[] =
      { "event", "session", "segment", "start",
    "classification", "score", "reason", "identifier", "resumed", "late"
  };
  JsonObject *brief = json_object_new ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (members); i++) {
    JsonNode *node = json_object_get_member (line, members[i]);

    if (node != NULL)
      json_object_set_member (brief, members[i], json_node_copy (node));
  }
  return brief;
}

/* What is usual: not over an outage, and a single gap that nothing tells of (a pause) is
 * none of it either. */
static void
note_interval (ModBoardStream * stream, gint64 interval)
{
  if (stream->missed)
    return;
  stream->interval = stream->latest_interval == 0 ? interval :
      MIN (interval, stream->latest_interval);
  stream->latest_interval = interval;
}

static void
note_judged (ModBoardStream * stream, gdouble latency)
{
  gint64 end = g_get_monotonic_time () - (isnan (latency) ? 0 :
      (gint64) (latency * G_USEC_PER_SEC));

  if (stream->judged != 0 && end > stream->judged)
    note_interval (stream, end - stream->judged);
  stream->judged = MAX (stream->judged, end);
  stream->missed = FALSE;
  g_clear_pointer (&stream->trouble, g_free);
}

gdouble
mod_board_get_unjudged (const ModBoardStream * stream)
{
  gint64 since = stream->judged != 0 ? stream->judged : stream->since;

  return (g_get_monotonic_time () - since) / 1e6;
}

gboolean
mod_board_is_overdue (const ModBoardStream * stream)
{
  gint64 patience = JUDGING + MAX (MISSING * stream->interval, JUDGING);

  return mod_board_get_unjudged (stream) * G_USEC_PER_SEC > patience;
}

static void
count_outcome (ModBoardStream * stream, JsonObject * line)
{
  gboolean judged = strcmp (get (line, "event"), "verdict") == 0;
  gint64 status =
      json_object_get_int_member_with_default (line, "http_status", 0);
  gboolean late = json_object_has_member (line, "late");
  g_autofree gchar *key = g_strdup_printf ("%s\n%s\n%d",
      late ? "late" : get (line, "event"),
      judged ? get (line, "classification") : get (line, "reason"),
      (gint) status);
  guint64 *count = g_hash_table_lookup (stream->outcomes, key);

  if (count == NULL) {
    count = g_new0 (guint64, 1);
    g_hash_table_insert (stream->outcomes, g_steal_pointer (&key), count);
  }
  (*count)++;
  if (judged && !late)
    stream->latency =
        json_object_get_double_member_with_default (line, "latency", NAN);
  if (!late && !json_object_has_member (line, "resumed")) {
    if (judged)
      note_judged (stream, stream->latency);
    else
      stream->missed = TRUE;
  }
  g_queue_push_tail (&stream->latest, shorten (line));
  if (stream->latest.length > OUTCOMES)
    json_object_unref (g_queue_pop_head (&stream->latest));
}

static void
set_text (gchar ** text, const gchar * value)
{
  g_free (*text);
  *text = g_strdup (value);
}

static void
take_state (ModBoardStream * stream, JsonObject * line)
{
  const gchar *state = get (line, "state");

  if (strcmp (state, "waiting") == 0)
    set_text (&stream->trouble, get (line, "reason"));
  if (strcmp (state, "waiting") == 0 || strcmp (state, "silent") == 0)
    stream->missed = TRUE;
  if (strcmp (state, "starting") != 0)
    return;
  /* both begin anew with a session */
  g_clear_pointer (&stream->policy, g_free);
  g_clear_pointer (&stream->gate, g_free);
}

static void
take_trouble (ModBoardStream * stream, JsonObject * line, guint64 * count)
{
  (*count)++;
  set_text (&stream->trouble, get (line, "text"));
}

static void
take_stream_line (ModBoardStream * stream, JsonObject * line)
{
  const gchar *event = get (line, "event");

  if (strcmp (event, "verdict") == 0 || strcmp (event, "failed") == 0
      || strcmp (event, "dropped") == 0)
    count_outcome (stream, line);
  else if (strcmp (event, "policy") == 0)
    set_text (&stream->policy, get (line, "state"));
  else if (strcmp (event, "gate") == 0)
    set_text (&stream->gate, get (line, "state"));
  else if (strcmp (event, "warning") == 0)
    take_trouble (stream, line, &stream->warnings);
  else if (strcmp (event, "error") == 0)
    take_trouble (stream, line, &stream->errors);
  else if (strcmp (event, "stream") == 0)
    take_state (stream, line);
}

static void
on_line (JsonObject * line, const gchar * text, gpointer user_data)
{
  ModBoard *self = user_data;
  const gchar *stream = get (line, "stream");

  if (strcmp (get (line, "event"), "credits") == 0)
    self->credits =
        json_object_get_double_member_with_default (line, "available", NAN);
  if (*stream != '\0')
    take_stream_line (get_stream (self, stream), line);
  g_queue_push_tail (&self->lines, g_strdup (text));
  if (self->lines.length > LINES)
    g_free (g_queue_pop_head (&self->lines));
}

ModBoard *
mod_board_new (ModHub * hub)
{
  ModBoard *self = g_new0 (ModBoard, 1);

  self->streams = g_ptr_array_new_with_free_func (free_stream);
  g_queue_init (&self->lines);
  self->credits = NAN;
  mod_hub_listen (hub, on_line, self);
  return self;
}

void
mod_board_free (ModBoard * self)
{
  g_ptr_array_unref (self->streams);
  g_queue_clear_full (&self->lines, g_free);
  g_free (self);
}

void
mod_board_sweep (ModBoard * self, const ModSupervisor * supervisor)
{
  guint i;

  for (i = self->streams->len; i-- > 0;) {
    const ModBoardStream *stream = g_ptr_array_index (self->streams, i);

    if (!mod_supervisor_knows (supervisor, stream->name))
      g_ptr_array_remove_index (self->streams, i);
  }
}

const GPtrArray *
mod_board_get_streams (const ModBoard * self)
{
  return self->streams;
}

GQueue *
mod_board_get_lines (ModBoard * self)
{
  return &self->lines;
}

gdouble
mod_board_get_credits (const ModBoard * self)
{
  return self->credits;
}
