/* identifai-replay: what a policy would have made of recorded outcomes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads one JSON object a line, as identifai-watch --json prints messages: what became
 * of each segment. Each policy is tried on all of them, with the gate's own code; it
 * begins anew with each session, as the numbers do.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "decisions.h"

typedef struct
{
  IdentifaiPolicyOutcome outcome;
  gboolean artificial;          /* by the service's classification */
  GQuark session;               /* they grow as sessions appear */
  guint line;
} Segment;

typedef struct
{
  guint segments, artificial, unjudged, blocked, withheld;
  GstClockTime time;            /* withheld */
} Sums;

static gdouble
get_number (JsonObject * object, const gchar * name, gdouble missing)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
      && json_node_get_value_type (node) != G_TYPE_STRING ?
      json_node_get_double (node) : missing;
}

static GstClockTime
get_time (JsonObject * object, const gchar * name)
{
  gdouble time = get_number (object, name, -1);

  return time >= 0 && time < G_MAXINT64 ? (GstClockTime) time :
      GST_CLOCK_TIME_NONE;
}

/* FALSE: it tells of no outcome. */
static gboolean
read_segment (JsonObject * object, Segment * segment)
{
  const gchar *message = json_object_get_string_member_with_default (object,
      "message", "identifai-verdict");
  const gchar *classification =
      json_object_get_string_member_with_default (object, "classification",
      "");
  gdouble number = get_number (object, "segment", -1);
  gboolean judged = g_str_equal (message, "identifai-verdict");

  if (number < 0 || number >= G_MAXUINT || (!judged
          && !g_str_equal (message, "identifai-failed")
          && !g_str_equal (message, "identifai-dropped")))
    return FALSE;
  segment->session =
      g_quark_from_string (json_object_get_string_member_with_default (object,
          "session", "none"));
  segment->artificial = g_str_equal (classification, "artificial");
  segment->outcome = (IdentifaiPolicyOutcome) {
  .segment = number,.judged = judged
        && json_object_has_member (object, "score"),.unknown =
        g_str_equal (classification, "unknown"),.score =
        get_number (object, "score", 0.5),.artificial_frames =
        get_number (object, "artificial-frames", 0),.running_time =
        get_time (object, "running-time"),.stream_time =
        get_time (object, "stream-time"),.duration =
        get_time (object, "duration"),.utc = -1,};

  return TRUE;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const Segment *left = a, *right = b;

  if (left->session != right->session)
    return left->session < right->session ? -1 : 1;

  if (left->outcome.segment != right->outcome.segment)
    return left->outcome.segment < right->outcome.segment ? -1 : 1;
  if (left->outcome.judged != right->outcome.judged)
    return left->outcome.judged ? 1 : -1;

  return left->line < right->line ? -1 : left->line > right->line;
}

/* Of a segment that is told of more than once, as it was overridden, judged late or
 * resumed, the latest verdict counts. They are sorted. */
static void
keep_latest (GArray * segments)
{
  guint i, n = 0;

  for (i = 0; i < segments->len; i++) {
    const Segment *segment = &g_array_index (segments, Segment, i);

    if (i + 1 < segments->len && segment[1].session == segment->session
        && segment[1].outcome.segment == segment->outcome.segment)
      continue;
    g_array_index (segments, Segment, n++) = *segment;
  }
  g_array_set_size (segments, n);
}

static gboolean
add_line (GArray * segments, const gchar * line, guint number)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  Segment segment;
  JsonNode *root;

  if (!json_parser_load_from_data (parser, line, -1, &error)) {
    g_printerr ("line %u: %s\n", number, error->message);
    return FALSE;
  }
  root = json_parser_get_root (parser);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root)
      && read_segment (json_node_get_object (root), &segment)) {
    segment.line = number;
    g_array_append_val (segments, segment);
  }

  return TRUE;
}

/* NULL: it can't be read, which was told. */
static GArray *
read_file (const gchar * path)
{
  g_autoptr (GArray) segments = g_array_new (FALSE, FALSE, sizeof (Segment));
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint i;

  if (!g_file_get_contents (g_str_equal (path, "-") ? "/dev/stdin" : path,
          &text, NULL, &error)) {
    g_printerr ("%s\n", error->message);
    return NULL;
  }
  lines = g_strsplit (text, "\n", -1);
  for (i = 0; lines[i] != NULL; i++) {
    if (*g_strstrip (lines[i]) != '\0' && !add_line (segments, lines[i], i + 1))
      return NULL;
  }
  g_array_sort (segments, compare);
  keep_latest (segments);

  return g_steal_pointer (&segments);
}

/* Replaying. */

/* FALSE: it is no policy, which was told. */
static gboolean
read_policy (const gchar * text, IdentifaiDecisionSettings * settings)
{
  g_autoptr (GError) error = NULL;
  GstStructure *structure;
  gboolean usable;

  identifai_decision_settings_init (settings);
  settings->has_policy = !g_str_equal (text, "none");
  if (!settings->has_policy)
    return TRUE;
  structure = gst_structure_from_string (text, NULL);
  if (structure == NULL || !gst_structure_has_name (structure, "policy")) {
    gst_clear_structure (&structure);
    g_printerr
        ("\"%s\" can't be read; write policy,enter=2,window=3, or none\n",
        text);
    return FALSE;
  }
  usable = identifai_policy_settings_read (&settings->policy, structure,
      &error);
  if (!usable)
    g_printerr ("%s: %s\n", text, error->message);
  gst_structure_free (structure);

  return usable;
}

static void
print_changes (IdentifaiDecisions * decisions, Sums * sums, gboolean verbose)
{
  IdentifaiPolicyChange change;

  while (identifai_decisions_pop (decisions, &change)) {
    sums->blocked += change.state == IDENTIFAI_POLICY_BLOCKED;
    if (verbose)
      g_print ("  segment %u: %s, was %s\n", change.cause.segment,
          identifai_policy_state_to_string (change.state),
          identifai_policy_state_to_string (change.previous));
    identifai_policy_change_clear (&change);
  }
}

static void
count (Sums * sums, const Segment * segment, gboolean withheld)
{
  sums->segments++;
  sums->artificial += segment->artificial;
  sums->unjudged += !segment->outcome.judged;
  sums->withheld += withheld;
  if (withheld && GST_CLOCK_TIME_IS_VALID (segment->outcome.duration))
    sums->time += segment->outcome.duration;
}

/* As a gate that holds long enough. Numbers count anew, where some are missing. */
static void
replay_session (IdentifaiDecisions * decisions, Segment * segments, guint n,
    gboolean verbose, Sums * sums)
{
  guint i;

  identifai_decisions_reset (decisions);
  for (i = 0; i < n; i++) {
    segments[i].outcome.segment = i;
    identifai_decisions_add (decisions, &segments[i].outcome,
        segments[i].artificial);
  }
  identifai_decisions_end (decisions, n);
  print_changes (decisions, sums, verbose);
  for (i = 0; i < n; i++)
    count (sums, &segments[i], identifai_decisions_make (decisions, i,
            IDENTIFAI_WHY_UNJUDGED).action != IDENTIFAI_ACTION_PASS);
}

static guint
count_session (GArray * segments, guint from)
{
  const Segment *first = &g_array_index (segments, Segment, from);
  guint n = 1;

  while (from + n < segments->len && first[n].session == first->session)
    n++;

  return n;
}

static void
replay (GArray * segments, const gchar * text,
    const IdentifaiDecisionSettings * settings, gboolean verbose)
{
  IdentifaiDecisions *decisions = identifai_decisions_new ("replay");
  Sums sums = { 0, };
  guint from, n;

  identifai_decisions_configure (decisions, settings);
  if (verbose)
    g_print ("%s\n", text);
  for (from = 0; from < segments->len; from += n) {
    n = count_session (segments, from);
    replay_session (decisions, &g_array_index (segments, Segment, from), n,
        verbose, &sums);
  }
  g_print ("%s: %u segments, %u artificial, %u not judged; blocked %u times, "
      "%u withheld, %.1f s\n", text, sums.segments, sums.artificial,
      sums.unjudged, sums.blocked, sums.withheld,
      (gdouble) sums.time / GST_SECOND);
  identifai_decisions_free (decisions);
}

static gboolean
replay_all (GArray * segments, gchar ** policies, const gchar * unjudged,
    gboolean verbose)
{
  IdentifaiDecisionSettings settings;

  if (unjudged != NULL && !g_str_equal (unjudged, "pass")
      && !g_str_equal (unjudged, "drop")) {
    g_printerr ("--on-unjudged is drop or pass, not \"%s\"\n", unjudged);
    return FALSE;
  }
  for (; *policies != NULL; policies++) {
    if (!read_policy (*policies, &settings))
      return FALSE;
    if (g_strcmp0 (unjudged, "pass") == 0)
      settings.on_unjudged = IDENTIFAI_ACTION_PASS;
    replay (segments, *policies, &settings, verbose);
  }

  return TRUE;
}

int
main (int argc, char **argv)
{
  gchar *unjudged = NULL;
  gboolean verbose = FALSE, good;
  const GOptionEntry entries[] = {
    {"on-unjudged", 'u', 0, G_OPTION_ARG_STRING, &unjudged,
          "What is done with what has no verdict: drop (the default) or pass",
        "ACTION"},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose,
        "Print each change of the policy's state, too", NULL},
    {NULL}
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new
      ("FILE POLICY… - what policies would have withheld");
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) segments = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 3) {
    g_printerr ("%s\n", error ? error->message :
        "usage: identifai-replay FILE POLICY…   (- is the standard input)");
    return 2;
  }
  segments = read_file (argv[1]);
  good = segments != NULL && replay_all (segments, argv + 2, unjudged, verbose);
  g_free (unjudged);

  return good ? 0 : 2;
}
