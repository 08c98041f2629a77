/* identifai-moderate: --test: what the streams' policies would have cut of what was recorded
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one place that has something of the plugin's: the gate's own decisions.
 */

#include "replay.h"
#include "jsontext.h"
#include "pipeline.h"

#include <gio/gio.h>
#include <string.h>

#include "decisions.h"

typedef struct
{
  IdentifaiPolicyOutcome outcome;
  gboolean artificial;          /* by the service's classification */
  GQuark session;
  guint order;                  /* of sessions: as they appear */
  guint line;                   /* of all that were read */
  gchar start[32];              /* as it was written; may be empty */
} Segment;

typedef struct
{
  GHashTable *streams;          /* name, "" if there is none -> GArray of Segment */
  GHashTable *sessions;         /* GQuark -> their order, from 1 */
  guint lines;
  guint unreadable;             /* lines of this file */
} Recorded;

typedef struct
{
  guint sessions, artificial, unjudged, blocked, cuts, cut, shadow;
  GstClockTime time, cut_time;
} Sums;

/* Reading. */

static JsonNode *
get_value (JsonObject * line, const gchar * name)
{
  JsonNode *node = json_object_get_member (line, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

static const gchar *
get_text (JsonObject * line, const gchar * name)
{
  return mod_json_get_text (line, name, "");
}

static gdouble
get_number (JsonObject * line, const gchar * name, gdouble missing)
{
  JsonNode *node = get_value (line, name);

  return node != NULL && json_node_get_value_type (node) != G_TYPE_STRING ?
      json_node_get_double (node) : missing;
}

/* Ours are in seconds and have _, messages in nanoseconds, and have -. */
static GstClockTime
get_time (JsonObject * line, const gchar * ours, const gchar * theirs)
{
  gdouble time = get_number (line, ours, -1) * GST_SECOND;

  if (time < 0 || strcmp (ours, theirs) == 0)
    time = get_number (line, theirs, -1);
  if (strcmp (ours, theirs) == 0 && get_value (line, "event") != NULL)
    time *= GST_SECOND;
  return time >= 0 && time < (gdouble) G_MAXINT64 ? (GstClockTime) time :
      GST_CLOCK_TIME_NONE;
}

/* "verdict", "failed", "dropped"; NULL: it tells of no outcome. */
static const gchar *
get_outcome (JsonObject * line)
{
  static const gchar *const outcomes[] =
      { "verdict", "failed", "dropped", NULL };
  const gchar *event = get_text (line, "event");

  if (*event == '\0')
    event = get_text (line, "message");
  if (g_str_has_prefix (event, "identifai-"))
    event += strlen ("identifai-");
  return g_strv_contains (outcomes, event) ? event : NULL;
}

/* FALSE: it is none. What came late cuts nothing. */
static gboolean
read_segment (JsonObject * line, Segment * segment)
{
  const gchar *outcome = get_outcome (line);
  const gchar *classification = get_text (line, "classification");
  gdouble number = get_number (line, "segment", -1), frames;

  if (outcome == NULL || number < 0 || number >= G_MAXUINT
      || get_value (line, "late") != NULL)
    return FALSE;
  memset (segment, 0, sizeof (Segment));
  segment->artificial = strcmp (classification, "artificial") == 0;
  segment->outcome.segment = number;
  segment->outcome.judged = strcmp (outcome, "verdict") == 0
      && get_value (line, "score") != NULL;
  segment->outcome.unknown = strcmp (classification, "unknown") == 0;
  segment->outcome.score = get_number (line, "score", 0.5);
  frames = get_number (line, "artificial_frames",
      get_number (line, "artificial-frames", 0));
  segment->outcome.artificial_frames = CLAMP (frames, 0, G_MAXUINT);
  segment->outcome.running_time =
      get_time (line, "running_time", "running-time");
  segment->outcome.stream_time = get_time (line, "stream_time", "stream-time");
  segment->outcome.duration = get_time (line, "duration", "duration");
  segment->outcome.utc = -1;
  g_strlcpy (segment->start, get_text (line, "start"), sizeof segment->start);
  return TRUE;
}

static void
take_line (Recorded * self, JsonObject * line)
{
  const gchar *stream = get_text (line, "stream");
  GArray *segments = g_hash_table_lookup (self->streams, stream);
  gpointer order;
  Segment segment;

  if (!read_segment (line, &segment))
    return;
  segment.session = g_quark_from_string (get_text (line, "session"));
  order = g_hash_table_lookup (self->sessions,
      GUINT_TO_POINTER (segment.session));
  if (order == NULL) {
    order = GUINT_TO_POINTER (g_hash_table_size (self->sessions) + 1);
    g_hash_table_insert (self->sessions, GUINT_TO_POINTER (segment.session),
        order);
  }
  segment.order = GPOINTER_TO_UINT (order);
  segment.line = self->lines++;
  if (segments == NULL) {
    segments = g_array_new (FALSE, FALSE, sizeof (Segment));
    g_hash_table_insert (self->streams, g_strdup (stream), segments);
  }
  g_array_append_val (segments, segment);
}

static gboolean
read_file (Recorded * self, const gchar * path)
{
  g_autoptr (GFile) file =
      g_file_new_for_path (strcmp (path, "-") == 0 ? "/dev/stdin" : path);
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, &error);
  g_autoptr (GDataInputStream) data = NULL;
  gchar *text;

  if (stream == NULL) {
    g_printerr ("%s\n", error->message);
    return FALSE;
  }
  data = g_data_input_stream_new (G_INPUT_STREAM (stream));
  self->unreadable = 0;
  while ((text = g_data_input_stream_read_line (data, NULL, NULL, &error))) {
    g_autoptr (JsonObject) line = mod_json_from_text (text);

    if (line != NULL)
      take_line (self, line);
    else
      self->unreadable += *g_strstrip (text) != '\0';
    g_free (text);
  }
  if (self->unreadable > 0)
    g_printerr ("%s: %u lines are no JSON objects, and are left out\n", path,
        self->unreadable);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return error == NULL;
}

/* In their order, whatever order they were written in. */
static gint
compare (gconstpointer a, gconstpointer b)
{
  const Segment *left = a, *right = b;

  if (left->order != right->order)
    return left->order < right->order ? -1 : 1;
  if (left->outcome.segment != right->outcome.segment)
    return left->outcome.segment < right->outcome.segment ? -1 : 1;
  if (left->outcome.judged != right->outcome.judged)
    return left->outcome.judged ? 1 : -1;
  return left->line < right->line ? -1 : left->line > right->line;
}

/* Of a segment that is told of more than once, as it was overridden or resumed, the
 * latest verdict counts. */
static void
sort (GArray * segments)
{
  guint i, n = 0;

  g_array_sort (segments, compare);
  for (i = 0; i < segments->len; i++) {
    const Segment *segment = &g_array_index (segments, Segment, i);

    if (i + 1 < segments->len && segment[1].session == segment->session
        && segment[1].outcome.segment == segment->outcome.segment)
      continue;
    g_array_index (segments, Segment, n++) = *segment;
  }
  g_array_set_size (segments, n);
}

/* Settings. */

static void
read_action (GstElement * judge, const gchar * name, IdentifaiAction * action)
{
  static const struct
  {
    const gchar *nick;
    IdentifaiAction action;
  } actions[] = {
    {"pass", IDENTIFAI_ACTION_PASS}, {"slate", IDENTIFAI_ACTION_SLATE},
    {"drop", IDENTIFAI_ACTION_DROP}, {"eos", IDENTIFAI_ACTION_EOS}
  };
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (judge), name);
  const GEnumValue *word;
  gint value;
  guint i;

  if (pspec == NULL)
    return;
  g_object_get (judge, name, &value, NULL);
  word = g_enum_get_value (G_PARAM_SPEC_ENUM (pspec)->enum_class, value);
  for (i = 0; i < G_N_ELEMENTS (actions); i++)
    if (strcmp (actions[i].nick, word->value_nick) == 0)
      *action = actions[i].action;
}

/* A gate's own, or the defaults of one with the policy of what is watched. policy: as it
 * is shown; free it. */
static gboolean
read_settings (GstElement * judge, IdentifaiDecisionSettings * settings,
    gchar ** policy, GError ** error)
{
  GstStructure *structure = NULL;
  gboolean good = TRUE;

  identifai_decision_settings_init (settings);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (judge), "policy"))
    g_object_get (judge, "policy", &structure, NULL);
  settings->has_policy = structure != NULL;
  *policy = structure == NULL ? g_strdup ("no policy") :
      gst_structure_to_string (structure);
  if (structure != NULL)
    good = identifai_policy_settings_read (&settings->policy, structure, error);
  gst_clear_structure (&structure);
  read_action (judge, "on-artificial", &settings->on_artificial);
  read_action (judge, "on-unknown", &settings->on_unknown);
  read_action (judge, "on-unjudged", &settings->on_unjudged);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (judge), "pre-roll"))
    g_object_get (judge, "pre-roll", &settings->pre_roll, "post-roll",
        &settings->post_roll, NULL);
  return good;
}

/* Replaying. */

static GstClockTime
get_duration (const Segment * segment)
{
  return GST_CLOCK_TIME_IS_VALID (segment->outcome.duration) ?
      segment->outcome.duration : 0;
}

static void
count_blocked (IdentifaiDecisions * decisions, Sums * sums)
{
  IdentifaiPolicyChange change;

  while (identifai_decisions_pop (decisions, &change)) {
    sums->blocked += change.state == IDENTIFAI_POLICY_BLOCKED;
    identifai_policy_change_clear (&change);
  }
}

static void
count (Sums * sums, const Segment * segment, const IdentifaiDecision * decision)
{
  sums->artificial += segment->artificial;
  sums->unjudged += !segment->outcome.judged;
  sums->time += get_duration (segment);
  sums->shadow += decision->in_shadow;
  if (decision->action == IDENTIFAI_ACTION_PASS)
    return;
  sums->cut++;
  sums->cut_time += get_duration (segment);
}

/* Where the log has no time of day (identifai-watch), the running time says when. */
static void
print_cut (const Segment * first, guint n, IdentifaiWhy why, guint number)
{
  GstClockTime time = 0;
  guint i;

  for (i = 0; i < n; i++)
    time += get_duration (&first[i]);
  if (*first->start != '\0')
    g_print ("  %s", first->start);
  else if (GST_CLOCK_TIME_IS_VALID (first->outcome.running_time))
    g_print ("  %.3f s", first->outcome.running_time / (gdouble) GST_SECOND);
  else
    g_print ("  at an unknown time");
  g_print (": %.1f s, %u segments from %u on, %s\n",
      time / (gdouble) GST_SECOND, n, number, identifai_why_to_string (why));
}

static IdentifaiDecision
decide (IdentifaiDecisions * decisions, guint segment)
{
  return identifai_decisions_make (decisions, segment, IDENTIFAI_WHY_UNJUDGED);
}

static void
replay_decided (IdentifaiDecisions * decisions, const Segment * segments,
    const guint * numbers, guint n, Sums * sums)
{
  IdentifaiDecision decision = { IDENTIFAI_ACTION_PASS, };
  guint i, from = 0;

  for (i = 0; i < n; i++) {
    IdentifaiDecision next = decide (decisions, i);

    count (sums, &segments[i], &next);
    if (next.action != decision.action || next.why != decision.why) {
      if (decision.action != IDENTIFAI_ACTION_PASS)
        print_cut (&segments[from], i - from, decision.why, numbers[from]);
      sums->cuts += next.action != IDENTIFAI_ACTION_PASS;
      from = i;
    }
    decision = next;
  }
  if (decision.action != IDENTIFAI_ACTION_PASS)
    print_cut (&segments[from], n - from, decision.why, numbers[from]);
}

/* As a gate that holds long enough. Numbers count anew, where some are missing. */
static void
replay_session (IdentifaiDecisions * decisions, const Segment * segments,
    guint n, Sums * sums)
{
  g_autofree guint *numbers = g_new (guint, n);
  guint i;

  identifai_decisions_reset (decisions);
  for (i = 0; i < n; i++) {
    IdentifaiPolicyOutcome outcome = segments[i].outcome;

    numbers[i] = outcome.segment;
    outcome.segment = i;
    identifai_decisions_add (decisions, &outcome, segments[i].artificial);
  }
  identifai_decisions_end (decisions, n);
  count_blocked (decisions, sums);
  replay_decided (decisions, segments, numbers, n, sums);
  sums->sessions++;
}

static guint
count_session (const GArray * segments, guint from)
{
  const Segment *first = &g_array_index (segments, Segment, from);
  guint n = 1;

  while (from + n < segments->len && first[n].session == first->session)
    n++;
  return n;
}

static void
print_sums (const Sums * sums, const GArray * segments)
{
  g_print ("  %u segments in %u sessions, %.1f s; %u artificial, %u not "
      "judged\n", segments->len, sums->sessions,
      sums->time / (gdouble) GST_SECOND, sums->artificial, sums->unjudged);
  g_print ("  blocked %u times; %u cuts, %u segments, %.1f s\n", sums->blocked,
      sums->cuts, sums->cut, sums->cut_time / (gdouble) GST_SECOND);
  if (sums->shadow > 0)
    g_print ("  enforce=false: %u segments more would be cut\n", sums->shadow);
}

static void
replay (const GArray * segments, const IdentifaiDecisionSettings * settings)
{
  IdentifaiDecisions *decisions = identifai_decisions_new ("test");
  Sums sums = { 0, };
  guint from, n;

  identifai_decisions_configure (decisions, settings);
  for (from = 0; from < segments->len; from += n) {
    n = count_session (segments, from);
    replay_session (decisions, &g_array_index (segments, Segment, from), n,
        &sums);
  }
  print_sums (&sums, segments);
  identifai_decisions_free (decisions);
}

static void
replay_stream (const ModStreamConfig * config, const GArray * segments)
{
  g_autoptr (GError) error = NULL;
  GstElement *judge = NULL;
  g_autoptr (GstElement) pipeline =
      mod_pipeline_new (config, &judge, NULL, &error);
  g_autofree gchar *policy = NULL;
  IdentifaiDecisionSettings settings;

  if (pipeline == NULL || !read_settings (judge, &settings, &policy, &error)) {
    g_printerr ("%s: %s\n", config->name, error->message);
    return;
  }
  g_print ("%s: %s%s\n", config->name, policy,
      g_object_class_find_property (G_OBJECT_GET_CLASS (judge),
          "on-artificial") != NULL ? "" :
      " (it has no gate; as if it had one)");
  if (segments != NULL)
    replay (segments, &settings);
  else
    g_print ("  nothing is recorded of it\n");
}

static void
tell_others (const Recorded * self, const ModConfig * config)
{
  GHashTableIter iter;
  gpointer name, segments;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &name, &segments))
    if (*(gchar *) name != '\0' && mod_config_find (config, name) == NULL)
      g_printerr ("%s: recorded (%u segments), and no stream of the file\n",
          (gchar *) name, ((GArray *) segments)->len);
}

static void
replay_all (const Recorded * self, const ModConfig * config)
{
  const GArray *of_none = g_hash_table_lookup (self->streams, "");
  GHashTableIter iter;
  gpointer segments;
  guint i;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &segments))
    sort (segments);
  for (i = 0; i < config->streams->len; i++) {
    const ModStreamConfig *stream = g_ptr_array_index (config->streams, i);
    const GArray *own = g_hash_table_lookup (self->streams, stream->name);

    replay_stream (stream, own != NULL ? own : of_none);
  }
  tell_others (self, config);
}

gboolean
mod_replay (const ModConfig * config, gchar ** logs)
{
  Recorded self = {
    g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
        (GDestroyNotify) g_array_unref),
    g_hash_table_new (NULL, NULL)
  };
  gboolean good = TRUE;

  for (; good && *logs != NULL; logs++)
    good = read_file (&self, *logs);
  if (good && g_hash_table_size (self.streams) == 0) {
    g_printerr ("there is no outcome of a segment in it\n");
    good = FALSE;
  }
  if (good)
    replay_all (&self, config);
  g_hash_table_unref (self.streams);
  g_hash_table_unref (self.sessions);
  return good;
}
