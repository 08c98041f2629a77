/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From outcomes to what is done with each segment.
 */

#include "decisions.h"

#include <gst/check/gstcheck.h>
#include <string.h>

#define SEEDS 400
#define MOST 40                 /* segments */

/* Outcomes: c clean, s suspicious, a artificial, u unknown, f failed, . none. */
static IdentifaiPolicyOutcome
make_outcome (guint segment, gchar letter)
{
  return (IdentifaiPolicyOutcome) {
  .segment = segment,.judged = letter != 'f',.unknown = letter == 'u',.score =
        letter == 'a' ? 0.9 : letter == 's' ? 0.6 : 0.1,.running_time =
        segment * GST_SECOND,.stream_time = segment * GST_SECOND,.duration =
        GST_SECOND,.utc = -1,};
}

static void
add (IdentifaiDecisions * decisions, guint segment, gchar letter)
{
  IdentifaiPolicyOutcome outcome = make_outcome (segment, letter);

  if (letter != '.')
    identifai_decisions_add (decisions, &outcome, letter == 'a');
}

static void
override (IdentifaiDecisions * decisions, guint segment, gboolean artificial)
{
  IdentifaiPolicyOutcome outcome =
      make_outcome (segment, artificial ? 'a' : 'c');

  identifai_decisions_override (decisions, &outcome, artificial);
}

/* "none", or a policy's fields. */
static void
read_settings (IdentifaiDecisionSettings * settings, const gchar * policy)
{
  GstStructure *structure;
  gchar *text;

  identifai_decision_settings_init (settings);
  settings->has_policy = strcmp (policy, "none") != 0;
  if (!settings->has_policy || *policy == '\0')
    return;
  text = g_strdup_printf ("policy,%s", policy);
  structure = gst_structure_from_string (text, NULL);
  fail_unless (structure != NULL, "%s", text);
  fail_unless (identifai_policy_settings_read (&settings->policy, structure,
          NULL), "%s", text);
  gst_structure_free (structure);
  g_free (text);
}

static gchar
letter_of (IdentifaiDecision decision)
{
  static const gchar whys[] = "vuj";
  static const gchar kept[] = "VUJ";

  fail_unless (decision.why <= IDENTIFAI_WHY_UNJUDGED);
  if (decision.action == IDENTIFAI_ACTION_EOS)
    return 'E';

  return decision.action == IDENTIFAI_ACTION_PASS ? kept[decision.why] :
      whys[decision.why];
}

/* ahead: so many segments' outcomes are known besides the one that leaves.
 * Expected: V passes by its verdict, v is withheld by it, U and u the same of what
 * is unknown, J and j of what isn't judged. */
typedef struct
{
  const gchar *name;
  const gchar *policy;
  guint pre_roll, post_roll;
  const gchar *actions;         /* on artificial, unknown, unjudged: p, d, e */
  guint ahead;
  const gchar *outcomes;
  const gchar *expected;
} Row;

static const Row rows[] = {
  {"each by itself", "none", 0, 0, "dpd", 0, "cacufc", "VvVUjV"},
  {"open", "none", 0, 0, "dpp", 0, "cacuf.c", "VvVUJJV"},
  {"only told", "none", 0, 0, "ppp", 0, "cacuf.c", "VVVUJJV"},
  {"unknown withheld", "none", 0, 0, "ddp", 0, "cauf", "VvuJ"},
  {"the end", "none", 0, 0, "epd", 0, "cac", "VEV"},
  {"none in time", "none", 0, 0, "dpd", 0, "c.c.", "VjVj"},
  {"suspicious passes", "none", 0, 0, "dpd", 0, "csc", "VVV"},
  {"post-roll", "none", 0, 2, "dpd", 0, "caccca", "VvvvVv"},
  {"pre-roll, known", "none", 2, 0, "dpd", 2, "cccacc", "VvvvVV"},
  {"pre-roll, not known in time", "none", 2, 0, "dpd", 1, "cccacc", "VVvvVV"},
  {"both", "none", 1, 1, "dpd", 1, "cccacc", "VVvvvV"},
  {"what is unknown beside it", "none", 1, 1, "dpd", 1, "cuauc", "VvvvV"},
  {"what isn't judged has no neighbours", "none", 1, 1, "dpd", 1, "cfc", "VjV"},
  {"one is not enough", "", 0, 0, "dpd", 3, "cacccc", "VVVVVV"},
  {"two are", "", 0, 0, "dpd", 3, "ccaaac", "VVvvvv"},
  {"two, known too late for the first", "", 0, 0, "dpd", 0, "ccaacc", "VVVvvv"},
  {"two of three", "", 0, 0, "dpd", 3, "cacac", "Vvvvv"},
  {"until three clean ones", "min-time=(guint64)0", 0, 0, "dpd", 1,
      "caaccccc", "VvvvvVVV"},
  {"what isn't judged while blocked", "", 0, 0, "dpp", 1, "caafuc", "Vvvvvv"},
  {"what isn't judged counts as artificial", "unjudged=artificial", 0, 0, "dpp",
      2, "cffc", "Vvvv"},
  {"shadow", "enforce=false", 0, 0, "dpd", 2, "caaf.c", "VVVVVV"},
  {"blocked, and only told", "", 0, 0, "ppd", 2, "caafc", "VVVjV"},
  {"one of one", "enter=1,window=1,leave=1,min-time=(guint64)0", 0, 0, "dpd", 0,
      "cacuf.ac", "VvVUjjvV"},
  {"one that is late holds none up", "enter=1,window=1,leave=1,"
        "min-time=(guint64)0", 0, 0, "dpd", 0, "c.ac", "VjvV"},
};

static IdentifaiAction
read_action (gchar letter)
{
  return letter == 'p' ? IDENTIFAI_ACTION_PASS : letter == 'd' ?
      IDENTIFAI_ACTION_DROP : IDENTIFAI_ACTION_EOS;
}

static IdentifaiDecisions *
make_decisions (const gchar * policy, guint pre_roll, guint post_roll,
    const gchar * actions)
{
  IdentifaiDecisions *decisions = identifai_decisions_new ("gate");
  IdentifaiDecisionSettings settings;

  read_settings (&settings, policy);
  settings.pre_roll = pre_roll;
  settings.post_roll = post_roll;
  settings.on_artificial = read_action (actions[0]);
  settings.on_unknown = read_action (actions[1]);
  settings.on_unjudged = read_action (actions[2]);
  identifai_decisions_configure (decisions, &settings);

  return decisions;
}

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  IdentifaiDecisions *decisions = make_decisions (row->policy, row->pre_roll,
      row->post_roll, row->actions);
  guint i, told = 0, n = strlen (row->outcomes);
  GString *made = g_string_new (NULL);

  for (i = 0; i < n; i++) {
    for (; told < MIN (n, i + row->ahead + 1); told++)
      add (decisions, told, row->outcomes[told]);
    g_string_append_c (made, letter_of (identifai_decisions_make (decisions, i,
                IDENTIFAI_WHY_UNJUDGED)));
  }
  fail_unless (strcmp (made->str, row->expected) == 0, "%s: %s instead of %s",
      row->name, made->str, row->expected);
  g_string_free (made, TRUE);
  identifai_decisions_free (decisions);
}

GST_END_TEST;

/*** against a model ***/

typedef struct
{
  IdentifaiDecisionSettings settings;
  gchar outcomes[MOST + 1];
  gboolean blocked[MOST], artificial[MOST];
} Model;

/* With all outcomes before end, and those from it on unknown. */
static void
model_run (Model * model, guint end)
{
  IdentifaiPolicy *policy = identifai_policy_new ();
  IdentifaiPolicyChange change;
  guint i, k;

  memset (model->blocked, 0, sizeof (model->blocked));
  memset (model->artificial, 0, sizeof (model->artificial));
  if (model->settings.has_policy)
    identifai_policy_configure (policy, &model->settings.policy);
  for (i = 0; i < end; i++) {
    IdentifaiPolicyOutcome outcome = make_outcome (i, model->outcomes[i]);

    identifai_policy_add (policy, &outcome);
    model->blocked[i] =
        identifai_policy_get_state (policy) == IDENTIFAI_POLICY_BLOCKED;
    model->artificial[i] |= model->settings.has_policy ? model->blocked[i] :
        model->outcomes[i] == 'a';
    while (identifai_policy_pop (policy, &change)) {
      for (k = 0; k < change.segments->len; k++)
        model->artificial[g_array_index (change.segments, guint, k)] |=
            change.state == IDENTIFAI_POLICY_BLOCKED;
      identifai_policy_change_clear (&change);
    }
  }
  identifai_policy_free (policy);
}

static gboolean
model_passes (const Model * model, guint n)
{
  const IdentifaiDecisionSettings *settings = &model->settings;
  guint enter = settings->has_policy ? settings->policy.enter : 1;
  gint i;

  for (i = 0; i < MOST; i++) {
    gint distance = i - (gint) n;

    if (model->artificial[i] && distance >= -(gint) settings->post_roll
        && distance <= (gint) settings->pre_roll)
      return FALSE;
    if (model->blocked[i] && distance >= 0 && distance < (gint) enter)
      return FALSE;
  }

  return model->outcomes[n] != 'f';
}

/* What has an order of its own: outcomes come in any, and all before its turn. */
static void
run_any (guint seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  static const gchar letters[] = "ccccccsaaaauf";
  IdentifaiDecisions *decisions;
  guint order[MOST], i, k, ahead;
  Model model;

  read_settings (&model.settings, g_rand_boolean (rand) ? "none" :
      g_rand_boolean (rand) ? "" : "enter=3,window=4,leave=2,"
      "min-time=(guint64)5000000000,unjudged=artificial");
  model.settings.pre_roll = g_rand_int_range (rand, 0, 3);
  model.settings.post_roll = g_rand_int_range (rand, 0, 3);
  decisions = identifai_decisions_new ("gate");
  identifai_decisions_configure (decisions, &model.settings);
  for (i = 0; i < MOST; i++) {
    model.outcomes[i] = letters[g_rand_int_range (rand, 0,
            sizeof (letters) - 1)];
    order[i] = i;
  }
  model.outcomes[MOST] = '\0';
  ahead = g_rand_int_range (rand, 0, 8);
  /* in blocks of ahead + 1, each shuffled */
  for (i = 0; i < MOST; i++) {
    guint block = i - i % (ahead + 1);
    guint other = block + g_rand_int_range (rand, 0, i - block + 1);
    guint swapped = order[i];

    order[i] = order[other];
    order[other] = swapped;
  }
  for (i = 0; i < MOST; i++) {
    guint known = MIN (MOST, i - i % (ahead + 1) + ahead + 1);
    IdentifaiDecision decision;

    for (k = i; i % (ahead + 1) == 0 && k < known; k++)
      add (decisions, order[k], model.outcomes[order[k]]);
    model_run (&model, known);
    if (identifai_decisions_is_settled (decisions, i) && known < MOST) {
      gboolean passes = model_passes (&model, i);

      model_run (&model, MOST);
      fail_unless (passes == model_passes (&model, i),
          "seed %u: segment %u is settled too soon", seed, i);
      model_run (&model, known);
    }
    decision = identifai_decisions_make (decisions, i, IDENTIFAI_WHY_UNJUDGED);
    fail_unless ((decision.action == IDENTIFAI_ACTION_PASS) ==
        model_passes (&model, i), "seed %u: segment %u of %s, %u ahead", seed,
        i, model.outcomes, ahead);
    if (i >= 10)
      identifai_decisions_forget (decisions, i - 10);
  }
  identifai_decisions_free (decisions);
  g_rand_free (rand);
}

GST_START_TEST (test_any)
{
  guint i;

  for (i = 0; i < SEEDS; i++)
    run_any (__i__ * SEEDS + i);
}

GST_END_TEST;

/*** what comes late, and the operator ***/

GST_START_TEST (test_late)
{
  IdentifaiDecisions *decisions = make_decisions ("none", 0, 0, "dpp");

  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 0,
              IDENTIFAI_WHY_UNJUDGED)), 'J');
  fail_unless_equals_uint64 (identifai_decisions_count_late (decisions), 1);
  add (decisions, 0, 'a');
  /* the rest of it is withheld */
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 0,
              IDENTIFAI_WHY_UNJUDGED)), 'v');
  add (decisions, 1, 'c');
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 1,
              IDENTIFAI_WHY_UNJUDGED)), 'V');
  identifai_decisions_free (decisions);
}

GST_END_TEST;

/* What was withheld stays so. */
GST_START_TEST (test_late_and_closed)
{
  IdentifaiDecisions *decisions = make_decisions ("none", 0, 0, "dpd");

  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 0,
              IDENTIFAI_WHY_UNJUDGED)), 'j');
  add (decisions, 0, 'c');
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 0,
              IDENTIFAI_WHY_UNJUDGED)), 'j');
  identifai_decisions_free (decisions);
}

GST_END_TEST;

/* Each before its segment leaves: before the service answered, after it, and what
 * says the opposite of the policy. */
GST_START_TEST (test_override)
{
  IdentifaiDecisions *decisions = make_decisions ("", 0, 0, "dpd");
  static const gchar outcomes[] = "caacc";
  GString *made = g_string_new (NULL);
  guint i;

  override (decisions, 0, TRUE);
  for (i = 0; i < 5; i++)
    add (decisions, i, outcomes[i]);
  override (decisions, 2, FALSE);
  override (decisions, 5, FALSE);
  for (i = 0; i < 6; i++) {
    fail_unless (i != 0 || identifai_decisions_is_settled (decisions, i));
    g_string_append_c (made, letter_of (identifai_decisions_make (decisions, i,
                IDENTIFAI_WHY_UNJUDGED)));
  }
  fail_unless_equals_string (made->str, "vvVvvV");
  /* what has not left of it */
  override (decisions, 4, FALSE);
  override (decisions, 5, TRUE);
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 4,
              IDENTIFAI_WHY_UNJUDGED)), 'V');
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 5,
              IDENTIFAI_WHY_UNJUDGED)), 'v');
  g_string_free (made, TRUE);
  identifai_decisions_free (decisions);
}

GST_END_TEST;

/* It counts for the policy, once, and beside one that isn't enforced. */
GST_START_TEST (test_override_counts)
{
  IdentifaiDecisions *decisions = make_decisions ("enforce=false", 0, 0, "dpd");
  IdentifaiPolicyChange change;

  override (decisions, 0, TRUE);
  override (decisions, 1, TRUE);
  override (decisions, 1, FALSE);
  add (decisions, 0, 'c');
  add (decisions, 1, 'c');
  add (decisions, 2, 'c');
  fail_unless (identifai_decisions_pop (decisions, &change));
  fail_unless_equals_int (change.state, IDENTIFAI_POLICY_REVIEW);
  identifai_policy_change_clear (&change);
  fail_unless (identifai_decisions_pop (decisions, &change));
  fail_unless_equals_int (change.state, IDENTIFAI_POLICY_BLOCKED);
  fail_unless_equals_int (change.cause.segment, 1);
  identifai_policy_change_clear (&change);
  fail_if (identifai_decisions_pop (decisions, &change));
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 0,
              IDENTIFAI_WHY_UNJUDGED)), 'v');
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 1,
              IDENTIFAI_WHY_UNJUDGED)), 'V');
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 2,
              IDENTIFAI_WHY_UNJUDGED)), 'V');
  identifai_decisions_free (decisions);
}

GST_END_TEST;

/* What waits for its decision waits for those after it, as far as they count. */
GST_START_TEST (test_settled)
{
  IdentifaiDecisions *decisions = make_decisions ("", 1, 0, "dpd");

  add (decisions, 1, 'c');
  fail_if (identifai_decisions_is_settled (decisions, 1));
  add (decisions, 0, 'c');
  fail_if (identifai_decisions_is_settled (decisions, 0));
  add (decisions, 2, 'c');
  fail_if (identifai_decisions_is_settled (decisions, 0));
  add (decisions, 3, 'c');
  fail_unless (identifai_decisions_is_settled (decisions, 0));
  fail_if (identifai_decisions_is_settled (decisions, 1));
  identifai_decisions_end (decisions, 4);
  fail_unless (identifai_decisions_is_settled (decisions, 1));
  fail_unless (identifai_decisions_is_settled (decisions, 3));
  identifai_decisions_free (decisions);
}

GST_END_TEST;

GST_START_TEST (test_reset)
{
  IdentifaiDecisions *decisions = make_decisions ("", 0, 0, "dpd");
  IdentifaiPolicyChange change;
  guint n = 0;

  add (decisions, 0, 'a');
  add (decisions, 1, 'a');
  fail_unless_equals_int (identifai_decisions_get_state (decisions),
      IDENTIFAI_POLICY_BLOCKED);
  while (identifai_decisions_pop (decisions, &change)) {
    identifai_policy_change_clear (&change);
    n++;
  }
  fail_unless_equals_int (n, 2);
  add (decisions, 2, 'a');
  identifai_decisions_reset (decisions);
  fail_if (identifai_decisions_pop (decisions, &change));
  add (decisions, 0, 'c');
  fail_unless_equals_int (letter_of (identifai_decisions_make (decisions, 0,
              IDENTIFAI_WHY_UNJUDGED)), 'V');
  identifai_decisions_free (decisions);
}

GST_END_TEST;

/* Of segments that have left without an outcome: what would one still be good for? */
typedef struct
{
  const gchar *policy;
  guint post_roll;
  const gchar *actions;         /* on artificial, unknown, unjudged */
  guint left;                   /* so many segments had to leave */
  guint useless;
} UselessRow;

static const UselessRow useless_rows[] = {
  {"none", 0, "dpd", 0, 0},
  {"none", 0, "dpd", 3, 3},     /* they are withheld anyway */
  {"none", 0, "dpp", 3, 2},     /* the rest of the third may still be withheld */
  {"none", 0, "ppp", 3, 3},
  {"none", 0, "epd", 3, 2},     /* may still end it */
  {"none", 1, "dpd", 3, 1},     /* and those behind it */
  {"none", 4, "dpd", 3, 0},
  {"", 0, "dpd", 3, 3},         /* a policy doesn't count what is late */
  {"", 2, "dpp", 3, 3},
};

GST_START_TEST (test_useless)
{
  const UselessRow *row = &useless_rows[__i__];
  IdentifaiDecisions *decisions = make_decisions (row->policy, 0,
      row->post_roll, row->actions);

  if (row->left > 0)
    identifai_decisions_make (decisions, row->left - 1, IDENTIFAI_WHY_UNJUDGED);
  fail_unless_equals_int (identifai_decisions_get_useless (decisions),
      row->useless);
  identifai_decisions_reset (decisions);
  fail_unless_equals_int (identifai_decisions_get_useless (decisions), 0);
  identifai_decisions_free (decisions);
}

GST_END_TEST;

static Suite *
decisions_suite (void)
{
  Suite *suite = suite_create ("decisions");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (tc, test_any, 0, 4);
  tcase_add_test (tc, test_late);
  tcase_add_test (tc, test_late_and_closed);
  tcase_add_test (tc, test_override);
  tcase_add_test (tc, test_override_counts);
  tcase_add_test (tc, test_settled);
  tcase_add_test (tc, test_reset);
  tcase_add_loop_test (tc, test_useless, 0, G_N_ELEMENTS (useless_rows));

  return suite;
}

GST_CHECK_MAIN (decisions);
