/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The policy against a table, and against a model that looks at the whole story
 * anew after each segment.
 */

#include <gst/check/gstcheck.h>
#include <gio/gio.h>
#include <string.h>

#include "policy.h"

#define DURATION (10 * GST_SECOND)

/* A segment is a letter: c clean, r suspicious, a artificial, ? unknown,
 * - without a verdict, 1 to 9 clean with so many artificial frames. A state, too:
 * . clear, r review, B blocked. */
typedef struct
{
  const gchar *settings;        /* after "policy" */
  const gchar *segments;
  const gchar *states;          /* after each */
} Row;

#define NOW ",min-time=0"       /* min-time out of the way */

static const Row rows[] = {
  /* the defaults, but for the time */
  {NOW, "", ""},
  {NOW, "c", "."},
  {NOW, "r", "r"},
  {NOW, "a", "r"},
  {NOW, "aa", "rB"},
  {NOW, "aca", "rrB"},
  {NOW, "acca", "rrrr"},
  {NOW, "accaa", "rrrrB"},
  {NOW, "ra", "rr"},
  {NOW, "rra", "rrr"},
  {NOW, "ara", "rrB"},
  {NOW, "rccc", "rrr."},
  {NOW, "accc", "rrr."},
  {NOW, "aaccc", "rBBB."},
  {NOW, "aaccrccc", "rBBBBBB."},
  {NOW, "aaccaccc", "rBBBBBB."},
  {NOW, "aacccc", "rBBB.."},
  {NOW, "aaccca", "rBBB.r"},
  {NOW, "aacccaa", "rBBB.rB"},
  {NOW, "rcrcrc", "rrrrrr"},
  {NOW, "rccrccc", "rrrrrr."},
  {NOW, "cccaa", "...rB"},
  {NOW, "cacac", ".rrBB"},
  {NOW, "arara", "rrBBB"},
  {NOW, "aaaaaaccc", "rBBBBBBB."},
  /* without a verdict */
  {NOW, "-", "."},
  {NOW, "?", "."},
  {NOW, "a-a", "rrB"},
  {NOW, "a?a", "rrB"},
  {NOW, "a---a", "rrrrB"},
  {NOW, "a--c--a", "rrrrrrB"},
  {NOW, "aac-c?c", "rBBBBB."},
  {NOW, "aa---", "rBBBB"},
  {NOW, "r?????", "rrrrrr"},
  {NOW ",unjudged=clean", "aa---", "rBBB."},
  {NOW ",unjudged=clean", "aa?-?-?-", "rBBBBBB."},
  {NOW ",unjudged=clean", "a--a", "rrrr"},
  {NOW ",unknown=clean", "aa???", "rBBB."},
  {NOW ",unknown=clean", "aa---", "rBBBB"},
  {NOW ",unjudged=artificial", "-", "r"},
  {NOW ",unjudged=artificial", "--", "rB"},
  {NOW ",unjudged=artificial", "a-", "rB"},
  {NOW ",unjudged=artificial", "?-?-", ".rrB"},
  {NOW ",unknown=artificial", "??", "rB"},
  {NOW ",unknown=artificial", "a-?", "rrB"},
  {NOW ",unjudged=artificial,unknown=artificial", "-?", "rB"},
  {NOW ",unjudged=artificial", "aacc-ccc", "rBBBBBB."},
  /* enter, window, leave */
  {NOW ",enter=1", "a", "B"},
  {NOW ",enter=1,window=1", "ca", ".B"},
  {NOW ",enter=1,window=1,leave=1", "acac", "B.B."},
  {NOW ",enter=1,window=1,leave=1", "arc", "BB."},
  {NOW ",enter=3", "aaca", "rrrr"},
  {NOW ",enter=3", "aaa", "rrB"},
  {NOW ",enter=3,window=5", "acaca", "rrrrB"},
  {NOW ",enter=3,window=5", "acacca", "rrrrrr"},
  {NOW ",enter=3,window=5", "ac-a-ca", "rrrrrrB"},
  {NOW ",enter=2,window=10,leave=1", "aca", "r.r"},
  {NOW ",enter=2,window=10,leave=1", "aacc", "rB.."},
  {NOW ",enter=2,window=10,leave=1", "aaca", "rB.r"},
  {NOW ",leave=5", "aaccccc", "rBBBBB."},
  {NOW ",leave=5", "aaccccrccccc", "rBBBBBBBBBB."},
  {NOW ",leave=1", "rcrc", "r.r."},
  {NOW ",leave=1", "rc?a", "r..r"},
  /* scores */
  {NOW ",review=0.95,block=0.95", "aaaa", "...."},
  {NOW ",review=0.9,block=0.95", "aaaa", "rrrr"},
  {NOW ",review=0.1", "cc", "rr"},
  {NOW ",review=0,block=0", "cc", "rB"},
  {NOW ",review=0.6,block=0.6", "rr", "rB"},
  {NOW ",review=0.5,block=0.5", "crr", ".rB"},
  {NOW ",review=1,block=1", "aaa", "..."},
  /* frames */
  {NOW ",frames=2", "1", "."},
  {NOW ",frames=2", "2", "r"},
  {NOW ",frames=2", "22", "rB"},
  {NOW ",frames=2", "21", "rr"},
  {NOW ",frames=2", "313", "rrB"},
  {NOW ",frames=2", "aaa", "rrr"},
  {NOW ",frames=9", "989", "rrB"},
  {NOW ",frames=1", "1cc1", "rrrr"},
  /* min-time: segments of 10 s */
  {"", "aa", "rB"},
  {"", "aaccc", "rBBB."},
  {"", "accc", "rrr."},
  {",min-time=40000000000", "aaccc", "rBBB."},
  {",min-time=40000000001", "aacccc", "rBBBB."},
  {",min-time=60000000000", "aaccccc", "rBBBBB."},
  {",min-time=60000000000", "aacaccc", "rBBBBB."},
  {",min-time=60000000000", "accaccca", "rrrrrr.r"},
  {",min-time=60000000000,leave=1", "accccca", "rrrrr.r"},
  {",min-time=30000000000,leave=1", "aac", "rBB"},
  {",min-time=30000000000,leave=1", "aa--c", "rBBB."},
  {",min-time=100000000000", "aacccccccca", "rBBBBBBBBBB"},
  {",min-time=100000000000", "aaccccccccca", "rBBBBBBBBB.r"},
  /* for the caller only */
  {NOW ",enforce=false,boost=false", "aa", "rB"},
};

static void
read_settings (const gchar * text, IdentifaiPolicySettings * settings)
{
  gchar *all = g_strconcat ("policy", text, NULL);
  GstStructure *structure = gst_structure_from_string (all, NULL);
  GError *error = NULL;

  fail_unless (structure != NULL, "%s", all);
  fail_unless (identifai_policy_settings_read (settings, structure, &error),
      "%s: %s", all, error ? error->message : "");
  gst_structure_free (structure);
  g_free (all);
}

static IdentifaiPolicy *
new_policy (const IdentifaiPolicySettings * settings)
{
  IdentifaiPolicy *policy = identifai_policy_new ();

  identifai_policy_configure (policy, settings);

  return policy;
}

static gdouble
score_of (gchar letter)
{
  return letter == 'a' ? 0.9 : letter == 'r' ? 0.6 : 0.1;
}

static guint
frames_of (gchar letter)
{
  return g_ascii_isdigit (letter) ? letter - '0' : 0;
}

static IdentifaiPolicyOutcome
make_outcome (guint segment, gchar letter)
{
  IdentifaiPolicyOutcome outcome = {
    segment, letter != '-', letter == '?', score_of (letter),
    frames_of (letter), segment * DURATION, segment * DURATION, DURATION, -1
  };

  return outcome;
}

static gchar
letter_of (IdentifaiPolicyState state)
{
  return ".rB"[state];
}

/* The states that the changes tell of, written over a story of so many. */
static gchar *
take_states (IdentifaiPolicy * policy, guint n)
{
  gchar *states = g_strnfill (n, '.');
  IdentifaiPolicyChange change;

  while (identifai_policy_pop (policy, &change)) {
    guint at = change.cause.segment;

    fail_unless (at < n && change.segments->len > 0);
    fail_unless_equals_int (states[at], letter_of (change.previous));
    memset (states + at, letter_of (change.state), n - at);
    fail_unless_equals_int (g_array_index (change.segments, guint,
            change.segments->len - 1), at);
    identifai_policy_change_clear (&change);
  }

  return states;
}

static void
add_in_order (IdentifaiPolicy * policy, const gchar * segments,
    const guint * order)
{
  guint i, n = strlen (segments);

  for (i = 0; i < n; i++) {
    guint at = order ? order[i] : i;
    IdentifaiPolicyOutcome outcome = make_outcome (at, segments[at]);

    identifai_policy_add (policy, &outcome);
  }
}

static void
check_story (const IdentifaiPolicySettings * settings, const gchar * segments,
    const guint * order, const gchar * expected)
{
  IdentifaiPolicy *policy = new_policy (settings);
  gchar *states;

  add_in_order (policy, segments, order);
  states = take_states (policy, strlen (segments));
  fail_unless (g_str_equal (states, expected), "%s: %s instead of %s", segments,
      states, expected);
  g_free (states);
  identifai_policy_free (policy);
}

/* -- the model -- */

/* As c, r, a, or NUL for what doesn't count. */
static gchar
vote_of (const IdentifaiPolicySettings * s, gchar letter)
{
  static const gchar votes[] = { '\0', 'c', 'a' };

  if (letter == '-')
    return votes[s->unjudged];
  if (letter == '?')
    return votes[s->unknown];
  if (s->frames > 0 ? frames_of (letter) >= s->frames
      : score_of (letter) >= s->block)
    return 'a';

  return score_of (letter) >= s->review ? 'r' : 'c';
}

/* How many of the last n votes of the story's part are of that kind; only those
 * in a row if that is asked for. */
static guint
count_last (const IdentifaiPolicySettings * s, const gchar * segments,
    guint from, guint to, guint n, gchar kind, gboolean in_a_row)
{
  guint found = 0, seen = 0, i;

  for (i = to + 1; i > from && seen < n; i--) {
    gchar vote = vote_of (s, segments[i - 1]);

    if (vote == '\0')
      continue;
    seen++;
    if (vote == kind)
      found++;
    else if (in_a_row)
      break;
  }

  return found;
}

static gchar *
model (const IdentifaiPolicySettings * s, const gchar * segments)
{
  guint i, began = 0, cleared = 0, n = strlen (segments);
  gchar *states = g_strnfill (n, '.');
  gchar state = '.';

  for (i = 0; i < n; i++) {
    gchar vote = vote_of (s, segments[i]), next = state;

    if (vote == 'a'
        && count_last (s, segments, cleared, i, s->window, 'a',
            FALSE) >= s->enter)
      next = 'B';
    else if ((vote == 'a' || vote == 'r') && state == '.')
      next = 'r';
    else if (vote == 'c' && state != '.'
        && count_last (s, segments, 0, i, s->leave, 'c', TRUE) >= s->leave
        && (i + 1 - began) * DURATION >= s->min_time)
      next = '.';
    if (next != state)
      began = i;
    if (next == '.' && state != '.')
      cleared = i + 1;
    states[i] = state = next;
  }

  return states;
}

/* -- tests -- */

static void
shuffle (GRand * rand, guint * order, guint n)
{
  guint i;

  for (i = 0; i < n; i++)
    order[i] = i;
  for (i = n; i > 1; i--) {
    guint other = g_rand_int_range (rand, 0, i), kept = order[i - 1];

    order[i - 1] = order[other];
    order[other] = kept;
  }
}

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  GRand *rand = g_rand_new_with_seed (__i__);
  guint order[64], i, n = strlen (row->segments);
  IdentifaiPolicySettings settings;
  gchar *expected;

  read_settings (row->settings, &settings);
  expected = model (&settings, row->segments);
  fail_unless (g_str_equal (expected, row->states),
      "the model says %s for %s", expected, row->segments);
  check_story (&settings, row->segments, NULL, row->states);
  for (i = 0; i < 20; i++) {
    shuffle (rand, order, n);
    check_story (&settings, row->segments, order, row->states);
  }
  g_free (expected);
  g_rand_free (rand);
}

GST_END_TEST;

static void
choose_settings (GRand * rand, IdentifaiPolicySettings * settings)
{
  identifai_policy_settings_init (settings);
  settings->window = g_rand_int_range (rand, 1, 8);
  settings->enter = g_rand_int_range (rand, 1, settings->window + 1);
  settings->leave = g_rand_int_range (rand, 1, 6);
  settings->min_time = g_rand_int_range (rand, 0, 12) * DURATION;
  settings->frames = g_rand_int_range (rand, -5, 4) > 0 ? 2 : 0;
  settings->unjudged = g_rand_int_range (rand, 0, 3);
  settings->unknown = g_rand_int_range (rand, 0, 3);
}

GST_START_TEST (test_random)
{
  static const gchar letters[] = "cccccccaarr?-123";
  GRand *rand = g_rand_new_with_seed (42);
  gchar story[60] = "";
  guint order[60], i, k;

  for (i = 0; i < 3000; i++) {
    guint n = g_rand_int_range (rand, 1, sizeof (story));
    IdentifaiPolicySettings settings;
    gchar *expected;

    choose_settings (rand, &settings);
    for (k = 0; k < n; k++)
      story[k] = letters[g_rand_int_range (rand, 0, sizeof (letters) - 1)];
    story[n] = '\0';
    shuffle (rand, order, n);
    expected = model (&settings, story);
    check_story (&settings, story, order, expected);
    g_free (expected);
  }
  g_rand_free (rand);
}

GST_END_TEST;

static void
check_change (IdentifaiPolicy * policy, IdentifaiPolicyState state,
    guint segment, const guint * segments, guint n)
{
  IdentifaiPolicyChange change;
  guint i;

  fail_unless (identifai_policy_pop (policy, &change));
  fail_unless_equals_int (change.state, state);
  fail_unless_equals_int (change.cause.segment, segment);
  fail_unless_equals_int (change.segments->len, n);
  for (i = 0; i < n; i++)
    fail_unless_equals_int (g_array_index (change.segments, guint, i),
        segments[i]);
  identifai_policy_change_clear (&change);
}

GST_START_TEST (test_what_made_it)
{
  static const guint first[] = { 1 }, both[] = { 1, 3 }, clean[] = { 6, 8, 9 };
  IdentifaiPolicySettings settings;
  IdentifaiPolicy *policy;
  IdentifaiPolicyChange change;

  read_settings (NOW, &settings);
  policy = new_policy (&settings);
  add_in_order (policy, "cacacrc-cc", NULL);
  check_change (policy, IDENTIFAI_POLICY_REVIEW, 1, first, 1);
  check_change (policy, IDENTIFAI_POLICY_BLOCKED, 3, both, 2);
  check_change (policy, IDENTIFAI_POLICY_CLEAR, 9, clean, 3);
  fail_if (identifai_policy_pop (policy, &change));
  identifai_policy_free (policy);
}

GST_END_TEST;

/* Nothing counts before its turn, and nothing twice. */
GST_START_TEST (test_turns)
{
  IdentifaiPolicyOutcome second = make_outcome (1, 'a');
  IdentifaiPolicyOutcome first = make_outcome (0, 'a');
  IdentifaiPolicySettings settings;
  IdentifaiPolicy *policy;
  gchar *states;

  read_settings (NOW, &settings);
  policy = new_policy (&settings);
  identifai_policy_add (policy, &second);
  identifai_policy_add (policy, &second);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_CLEAR);
  identifai_policy_add (policy, &first);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_BLOCKED);
  identifai_policy_add (policy, &first);
  states = take_states (policy, 2);
  fail_unless_equals_string (states, "rB");
  g_free (states);

  /* and after a reset, all is new */
  identifai_policy_add (policy, &second);
  identifai_policy_reset (policy);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_CLEAR);
  identifai_policy_add (policy, &first);
  states = take_states (policy, 1);
  fail_unless_equals_string (states, "r");
  g_free (states);
  identifai_policy_free (policy);
}

GST_END_TEST;

GST_START_TEST (test_unknown_times)
{
  IdentifaiPolicySettings settings;
  IdentifaiPolicy *policy;
  guint i;

  identifai_policy_settings_init (&settings);
  policy = new_policy (&settings);
  for (i = 0; i < 5; i++) {
    IdentifaiPolicyOutcome outcome = make_outcome (i, "aaccc"[i]);

    outcome.running_time = outcome.duration = GST_CLOCK_TIME_NONE;
    identifai_policy_add (policy, &outcome);
  }
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_CLEAR);
  identifai_policy_free (policy);
}

GST_END_TEST;

/* Other settings count from the next segment on. */
GST_START_TEST (test_configure)
{
  IdentifaiPolicySettings settings;
  IdentifaiPolicyOutcome outcome;
  IdentifaiPolicy *policy;

  read_settings (NOW ",enter=5,window=5", &settings);
  policy = new_policy (&settings);
  add_in_order (policy, "aaaa", NULL);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_REVIEW);
  read_settings (NOW ",enter=2,window=2", &settings);
  identifai_policy_configure (policy, &settings);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_REVIEW);
  outcome = make_outcome (4, 'a');
  identifai_policy_add (policy, &outcome);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_BLOCKED);
  identifai_policy_free (policy);
}

GST_END_TEST;

/* A policy that is taken away, and one that comes in the middle of a stream. */
GST_START_TEST (test_none)
{
  IdentifaiPolicySettings settings;
  IdentifaiPolicy *policy = identifai_policy_new ();
  gchar *states;

  read_settings (NOW, &settings);
  add_in_order (policy, "aaaa", NULL);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_CLEAR);
  identifai_policy_configure (policy, &settings);
  add_in_order (policy, "aaaara", NULL);
  states = take_states (policy, 6);
  fail_unless_equals_string (states, "....rr");
  fail_unless (identifai_policy_wants_more (policy));
  g_free (states);
  identifai_policy_configure (policy, NULL);
  fail_unless_equals_int (identifai_policy_get_state (policy),
      IDENTIFAI_POLICY_CLEAR);
  fail_if (identifai_policy_wants_more (policy));
  identifai_policy_free (policy);
}

GST_END_TEST;

static const struct
{
  const gchar *settings, *words;
} refused[] = {
  {"policy,review=0.9", "review is above block"},
  {"policy,block=0.4", "review is above block"},
  {"policy,enter=4", "enter is above window"},
  {"policy,enter=0", "enter is 0"},
  {"policy,window=0", "enter is above window"},
  {"policy,leave=0", "leave is 0"},
  {"policy,review=1.5", "review must be"},
  {"policy,block=-0.5", "block must be"},
  {"policy,block=high", "block must be"},
  {"policy,enter=1.5", "enter must be"},
  {"policy,enter=true", "enter must be"},
  {"policy,leave=100000", "leave must be"},
  {"policy,min-time=-1", "min-time must be"},
  {"policy,min-time=soon", "min-time must be"},
  {"policy,unjudged=maybe", "unjudged must be"},
  {"policy,unknown=true", "unknown must be"},
  {"policy,boost=7", "boost must be"},
  {"policy,enforce=maybe", "enforce must be"},
  {"policy,threshold=0.5", "there is no threshold"},
};

GST_START_TEST (test_refused)
{
  GstStructure *structure =
      gst_structure_from_string (refused[__i__].settings, NULL);
  IdentifaiPolicySettings settings = {.enter = 77 };
  GError *error = NULL;

  fail_if (identifai_policy_settings_read (&settings, structure, &error));
  fail_unless (error != NULL
      && strstr (error->message, refused[__i__].words) != NULL, "%s",
      error ? error->message : "no error");
  fail_unless_equals_int (settings.enter, 77);
  g_error_free (error);
  gst_structure_free (structure);
}

GST_END_TEST;

GST_START_TEST (test_types)
{
  GstStructure *structure = gst_structure_new ("policy",
      "review", G_TYPE_FLOAT, 0.25f, "block", G_TYPE_INT, 1,
      "enter", G_TYPE_UINT, 3, "window", G_TYPE_INT64, (gint64) 4,
      "min-time", G_TYPE_UINT64, (guint64) 5000000000, "unknown", G_TYPE_STRING,
      "artificial", "enforce", G_TYPE_BOOLEAN, FALSE, NULL);
  IdentifaiPolicySettings settings;

  fail_unless (identifai_policy_settings_read (&settings, structure, NULL));
  fail_unless (settings.review == 0.25 && settings.block == 1);
  fail_unless (settings.enter == 3 && settings.window == 4);
  fail_unless (settings.leave == 3 && settings.min_time == 5 * GST_SECOND);
  fail_unless (settings.unknown == IDENTIFAI_POLICY_ARTIFICIAL);
  fail_unless (settings.unjudged == IDENTIFAI_POLICY_KEEP);
  fail_unless (settings.boost && !settings.enforce);
  gst_structure_free (structure);
}

GST_END_TEST;

static Suite *
policy_suite (void)
{
  Suite *s = suite_create ("policy");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_refused, 0, G_N_ELEMENTS (refused));
  tcase_add_test (tc, test_types);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_test (tc, test_random);
  tcase_add_test (tc, test_what_made_it);
  tcase_add_test (tc, test_turns);
  tcase_add_test (tc, test_unknown_times);
  tcase_add_test (tc, test_configure);
  tcase_add_test (tc, test_none);

  return s;
}

GST_CHECK_MAIN (policy);
