/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "decisions.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HOLD)

typedef enum
{
  NOTHING_YET,
  CLEAN,
  ARTIFICIAL,                   /* by the service's word */
  UNKNOWN,
  UNJUDGED,
} Result;

typedef struct
{
  Result result;
  gboolean is_late;             /* UNJUDGED as it had to leave */
  gboolean given;               /* to the policy, which counts it as: */
  IdentifaiPolicyVote vote;
  gboolean counted;             /* the policy has it, and so is blocked known */
  gboolean blocked;             /* the policy's state from it on */
  gboolean implicated;          /* one of those that made it */
  gboolean overridden;          /* result is the operator's */
  gboolean made;                /* decision is */
  IdentifaiDecision decision;
} Entry;

struct _IdentifaiDecisions
{
  gchar *name;                  /* the element's */
  IdentifaiDecisionSettings settings;
  IdentifaiPolicy *policy;
  GQueue changes;               /* of IdentifaiPolicyChange */
  guint end;                    /* no segment from it on; G_MAXUINT: unknown */
  guint closed;                 /* those below it had to leave, with an outcome or
                                 * without */

  guint64 n_late;
  GArray *entries;              /* of Entry, from number first on */
  guint first;
  guint next;                   /* the first one that isn't counted */
  gboolean blocked;             /* state after those that are */
};

/* For the log: of Result, and IdentifaiAction. */
static const gchar *const result_names[] = { "none yet", "clean", "artificial",
  "unknown", "not judged"
};

static const gchar *const action_names[] = {
  [IDENTIFAI_ACTION_PASS] = "passes",
  [IDENTIFAI_ACTION_DROP] = "is dropped",
  [IDENTIFAI_ACTION_SLATE] = "gives way to the slate",
  [IDENTIFAI_ACTION_EOS] = "ends the stream",
};

const gchar *
identifai_why_to_string (IdentifaiWhy why)
{
  static const gchar *const names[IDENTIFAI_N_WHYS] = { "verdict", "unknown",
    "unjudged", "unsampled", "forced", "dumped", "skipped", "overflow", "start"
  };

  return names[why];
}

void
identifai_decision_settings_init (IdentifaiDecisionSettings * self)
{
  *self = (IdentifaiDecisionSettings) {
  .on_artificial = IDENTIFAI_ACTION_DROP,.on_unknown =
        IDENTIFAI_ACTION_PASS,.on_unjudged =
        IDENTIFAI_ACTION_DROP,.has_policy = TRUE,};
  identifai_policy_settings_init (&self->policy);
}

IdentifaiDecisions *
identifai_decisions_new (const gchar * name)
{
  IdentifaiDecisions *self = g_new0 (IdentifaiDecisions, 1);
  IdentifaiDecisionSettings settings;

  self->name = g_strdup (name);
  self->end = G_MAXUINT;
  self->policy = identifai_policy_new ();
  identifai_policy_set_name (self->policy, name);
  self->entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  g_queue_init (&self->changes);
  identifai_decision_settings_init (&settings);
  identifai_decisions_configure (self, &settings);

  return self;
}

void
identifai_decisions_set_name (IdentifaiDecisions * self, const gchar * name)
{
  g_free (self->name);
  self->name = g_strdup (name);
  identifai_policy_set_name (self->policy, name);
}

static void
change_free (gpointer data)
{
  identifai_policy_change_clear (data);
  g_free (data);
}

void
identifai_decisions_free (IdentifaiDecisions * self)
{
  g_queue_clear_full (&self->changes, change_free);
  g_array_unref (self->entries);
  identifai_policy_free (self->policy);
  g_free (self->name);
  g_free (self);
}

void
identifai_decisions_configure (IdentifaiDecisions * self,
    const IdentifaiDecisionSettings * settings)
{
  self->settings = *settings;
  GST_DEBUG_ID (self->name, "artificial: %s, unknown: %s, not judged: %s; "
      "%u segments before and %u after go along; by %s",
      action_names[settings->on_artificial], action_names[settings->on_unknown],
      action_names[settings->on_unjudged], settings->pre_roll,
      settings->post_roll, !settings->has_policy ? "their own verdicts" :
      settings->policy.enforce ? "a policy" : "a policy that isn't enforced");
  identifai_policy_configure (self->policy,
      settings->has_policy ? &settings->policy : NULL);
  self->blocked = identifai_policy_get_state (self->policy) ==
      IDENTIFAI_POLICY_BLOCKED;
}

void
identifai_decisions_reset (IdentifaiDecisions * self)
{
  GST_DEBUG_ID (self->name, "forgets all from segment %u on, %"
      G_GUINT64_FORMAT " were late", self->first, self->n_late);
  g_queue_clear_full (&self->changes, change_free);
  identifai_policy_reset (self->policy);
  g_array_set_size (self->entries, 0);
  self->first = self->next = self->closed = 0;
  self->n_late = 0;
  self->blocked = FALSE;
  self->end = G_MAXUINT;
}

/* Entries. */

/* NULL: it was forgotten, or is none yet. */
static Entry *
find (IdentifaiDecisions * self, guint segment)
{
  if (segment < self->first || segment - self->first >= self->entries->len)
    return NULL;

  return &g_array_index (self->entries, Entry, segment - self->first);
}

static Entry *
get (IdentifaiDecisions * self, guint segment)
{
  g_return_val_if_fail (segment >= self->first, NULL);

  if (segment - self->first >= self->entries->len)
    g_array_set_size (self->entries, segment - self->first + 1);

  return find (self, segment);
}

static gboolean
has_result (IdentifaiDecisions * self, guint segment)
{
  const Entry *entry = find (self, segment);

  return segment < self->first || (entry != NULL
      && entry->result != NOTHING_YET);
}

/* The policy. */

static void
take_change (IdentifaiDecisions * self, const IdentifaiPolicyChange * change)
{
  guint i;

  self->blocked = change->state == IDENTIFAI_POLICY_BLOCKED;
  for (i = 0; self->blocked && i < change->segments->len; i++) {
    Entry *entry = find (self, g_array_index (change->segments, guint, i));

    if (entry != NULL)
      entry->implicated = TRUE;
    GST_DEBUG_ID (self->name, "segment %u is one of those that block: %s",
        g_array_index (change->segments, guint, i), entry == NULL ?
        "it is forgotten" : entry->made ? "it has left" : "it is held");
  }
}

/* The policy counts them in order, so that at most one state belongs to each. */
static void
count (IdentifaiDecisions * self, const IdentifaiPolicyOutcome * outcome)
{
  IdentifaiPolicyChange change;
  Entry *entry = get (self, outcome->segment);

  entry->given = TRUE;
  entry->vote = identifai_policy_settings_vote (&self->settings.policy,
      outcome);
  identifai_policy_add (self->policy, outcome);
  while (identifai_policy_pop (self->policy, &change)) {
    for (; self->next < change.cause.segment; self->next++) {
      entry = get (self, self->next);
      entry->counted = TRUE;
      entry->blocked = self->blocked;
    }
    take_change (self, &change);
    g_queue_push_tail (&self->changes, g_memdup2 (&change, sizeof (change)));
  }
  for (; (entry = find (self, self->next)) != NULL && entry->given;
      self->next++) {
    entry->counted = TRUE;
    entry->blocked = self->blocked;
  }
}

static Result
read_result (const IdentifaiPolicyOutcome * outcome, gboolean artificial)
{
  if (!outcome->judged)
    return UNJUDGED;
  if (outcome->unknown)
    return UNKNOWN;

  return artificial ? ARTIFICIAL : CLEAN;
}

/* use: what is made of it. */
static void
log_outcome (IdentifaiDecisions * self, const IdentifaiPolicyOutcome * outcome,
    gboolean artificial, const gchar * use)
{
  GST_DEBUG_ID (self->name, "segment %u: the outcome, %s, score %.3f, %s",
      outcome->segment, result_names[read_result (outcome, artificial)],
      outcome->score, use);
}

gboolean
identifai_decisions_add (IdentifaiDecisions * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial)
{
  Entry *entry;

  if (outcome->segment < self->first) {
    log_outcome (self, outcome, artificial, "is of one that is forgotten");
    return FALSE;
  }
  entry = get (self, outcome->segment);
  if (entry->overridden) {
    log_outcome (self, outcome, artificial, "yields to the operator's word");
    return TRUE;
  }
  /* what is late makes it stricter, or nothing */
  if (entry->is_late && outcome->judged && artificial) {
    entry->result = ARTIFICIAL;
    log_outcome (self, outcome, artificial,
        "is late, and counts for what is left of it");
    return FALSE;
  }
  if (entry->result != NOTHING_YET) {
    log_outcome (self, outcome, artificial, entry->is_late ?
        "is late, and changes nothing" : "isn't its first one");
    return FALSE;
  }
  entry->result = read_result (outcome, artificial);
  log_outcome (self, outcome, artificial, "counts");
  count (self, outcome);

  return TRUE;
}

void
identifai_decisions_override (IdentifaiDecisions * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial)
{
  Entry *entry;

  if (outcome->segment < self->first) {
    log_outcome (self, outcome, artificial,
        "the operator's, is of one that is forgotten");
    return;
  }
  entry = get (self, outcome->segment);
  log_outcome (self, outcome, artificial, entry->made ?
      "the operator's, replaces a decision" : "is the operator's");
  entry->result = read_result (outcome, artificial);
  entry->overridden = TRUE;
  entry->made = FALSE;
  if (!entry->given)
    count (self, outcome);
}

void
identifai_decisions_end (IdentifaiDecisions * self, guint end)
{
  if (self->end != end)
    GST_DEBUG_ID (self->name, "no segment comes from %u on: none waits for one",
        end);
  self->end = end;
}

/* Decisions. */

static gboolean
is_enforced (IdentifaiDecisions * self)
{
  return !self->settings.has_policy || self->settings.policy.enforce;
}

/* By the policy, or, where there is none, by its own verdict. */
static gboolean
is_artificial (IdentifaiDecisions * self, const Entry * entry)
{
  if (entry->overridden)
    return entry->result == ARTIFICIAL;
  if (!self->settings.has_policy)
    return entry->result == ARTIFICIAL;

  return entry->blocked || entry->implicated;
}

typedef gboolean (*EntryFunc) (IdentifaiDecisions * self, const Entry * entry);

static gboolean
is_blocked (IdentifaiDecisions * self, const Entry * entry)
{
  return entry->blocked && !entry->overridden;
}

/* Of the segments from one on, n of them. */
static gboolean
any (IdentifaiDecisions * self, guint from, guint n, EntryFunc func)
{
  guint i;

  for (i = 0; i < n; i++) {
    const Entry *entry = find (self, from + i);

    if (entry != NULL && func (self, entry))
      return TRUE;
  }

  return FALSE;
}

/* The policy's own look back: a segment waits for those that could block it. */
static guint
get_look_back (IdentifaiDecisions * self)
{
  return self->settings.has_policy ? self->settings.policy.enter - 1 : 0;
}

static gboolean
is_withheld (IdentifaiDecisions * self, guint segment, const Entry * entry)
{
  guint before = MIN (self->settings.post_roll, segment);

  if (is_artificial (self, entry))
    return TRUE;
  if (entry->overridden)
    return FALSE;

  return any (self, segment + 1, get_look_back (self), is_blocked)
      || any (self, segment + 1, self->settings.pre_roll, is_artificial)
      || any (self, segment - before, before, is_artificial);
}

static IdentifaiDecision
decide_by_result (IdentifaiDecisions * self, const Entry * entry,
    IdentifaiWhy why_not)
{
  switch (entry->result) {
    case UNKNOWN:
    return (IdentifaiDecision) {
    self->settings.on_unknown, IDENTIFAI_WHY_UNKNOWN};
    case NOTHING_YET:
    case UNJUDGED:
    return (IdentifaiDecision) {
    self->settings.on_unjudged, why_not};
    default:
    return (IdentifaiDecision) {
    IDENTIFAI_ACTION_PASS, IDENTIFAI_WHY_VERDICT};
  }
}

static IdentifaiDecision
decide (IdentifaiDecisions * self, guint segment, const Entry * entry,
    IdentifaiWhy why_not)
{
  IdentifaiDecision decision = decide_by_result (self, entry,
      entry->is_late ? why_not : IDENTIFAI_WHY_UNJUDGED);

  if (is_withheld (self, segment, entry)
      && self->settings.on_artificial >= decision.action)
    decision = (IdentifaiDecision) {
    self->settings.on_artificial, IDENTIFAI_WHY_VERDICT};
  if (is_enforced (self) || entry->overridden)
    return decision;

  return (IdentifaiDecision) {
  IDENTIFAI_ACTION_PASS, IDENTIFAI_WHY_VERDICT, decision.action !=
        IDENTIFAI_ACTION_PASS};
}

/* They count as not judged: nothing later waits for them. */
static void
close_up_to (IdentifaiDecisions * self, guint segment)
{
  guint i;

  for (i = MAX (self->next, self->first); i <= segment; i++) {
    IdentifaiPolicyOutcome outcome = {
      .segment = i,
      .running_time = GST_CLOCK_TIME_NONE,
      .stream_time = GST_CLOCK_TIME_NONE,
      .duration = GST_CLOCK_TIME_NONE,
      .utc = -1,
    };
    Entry *entry = get (self, i);

    if (entry->given)
      continue;
    if (entry->result == NOTHING_YET) {
      entry->result = UNJUDGED;
      entry->is_late = TRUE;
      self->n_late++;
      GST_DEBUG_ID (self->name, "segment %u has no outcome when segment %u has "
          "to leave: it counts as not judged, %" G_GUINT64_FORMAT " did so", i,
          segment, self->n_late);
    }
    count (self, &outcome);
  }
  self->closed = MAX (self->closed, segment + 1);
}

/* Once, and again where it becomes stricter. */
static void
log_decision (IdentifaiDecisions * self, guint segment, const Entry * entry,
    IdentifaiDecision decision)
{
  if (entry->made && decision.action <= entry->decision.action)
    return;
  GST_DEBUG_ID (self->name, "segment %u %s%s: its result is %s%s%s%s%s",
      segment, action_names[decision.action],
      decision.in_shadow ? ", as nothing is enforced" : "",
      result_names[entry->result], entry->is_late ? ", late" : "",
      entry->overridden ? ", the operator's" : "",
      entry->blocked ? ", the stream is blocked" : "",
      entry->implicated ? ", it made it so" : "");
}

IdentifaiDecision
identifai_decisions_make (IdentifaiDecisions * self, guint segment,
    IdentifaiWhy why_not)
{
  IdentifaiDecision decision;
  Entry *entry;

  if (segment < self->first)
    return (IdentifaiDecision) {
    identifai_decisions_get_unjudged (self), why_not};
  close_up_to (self, segment);
  entry = get (self, segment);
  decision = decide (self, segment, entry, why_not);
  log_decision (self, segment, entry, decision);
  if (!entry->made || decision.action > entry->decision.action) {
    if (decision.action == IDENTIFAI_ACTION_PASS)
      GST_DEBUG_ID (self->name, "segment %u passes: %s", segment,
          identifai_why_to_string (decision.why));
    else
      GST_INFO_ID (self->name, "segment %u is withheld: %s", segment,
          identifai_why_to_string (decision.why));
    entry->decision = decision;
  }
  entry->made = TRUE;

  return entry->decision;
}

IdentifaiDecision
identifai_decisions_foresee (IdentifaiDecisions * self, guint segment)
{
  const Entry *entry = find (self, segment);
  static const Entry none = { NOTHING_YET, };

  if (segment < self->first)
    return (IdentifaiDecision) {
    identifai_decisions_get_unjudged (self), IDENTIFAI_WHY_UNJUDGED};

  return entry != NULL && entry->made ? entry->decision :
      decide (self, segment, entry ? entry : &none, IDENTIFAI_WHY_UNJUDGED);
}

/* Whether a segment is one that counts, of those that the policy's window has. */
static gboolean
is_in_window (IdentifaiDecisions * self, guint segment)
{
  const Entry *entry = find (self, segment);

  return entry != NULL && entry->vote != IDENTIFAI_POLICY_KEEP;
}

/* Whether the outcomes are known of all after it that may change its decision: it may
 * be one of those that block the stream, or stand before one. */
static gboolean
is_followed (IdentifaiDecisions * self, guint segment, const Entry * entry)
{
  guint plain = MAX (self->settings.pre_roll, get_look_back (self));
  guint counting = 0, i;

  if (self->settings.has_policy && (self->settings.pre_roll > 0
          || self->settings.post_roll > 0
          || entry->vote == IDENTIFAI_POLICY_ARTIFICIAL))
    counting = self->settings.policy.window - 1;
  for (i = segment + 1; i < self->end; i++) {
    if (i > segment + plain && counting == 0)
      break;
    if (!has_result (self, i)) {
      GST_LOG_ID (self->name, "segment %u waits for the outcome of %u",
          segment, i);
      return FALSE;
    }
    if (i > segment + self->settings.pre_roll && counting > 0
        && is_in_window (self, i))
      counting--;
  }

  return TRUE;
}

gboolean
identifai_decisions_is_settled (IdentifaiDecisions * self, guint segment)
{
  const Entry *entry = find (self, segment);

  if (entry == NULL)
    return segment < self->first;
  if (entry->made || entry->overridden)
    return TRUE;
  if (!entry->counted) {
    GST_LOG_ID (self->name, "segment %u waits to count, after %u", segment,
        self->next);
    return FALSE;
  }
  if (is_withheld (self, segment, entry))
    return TRUE;

  return is_followed (self, segment, entry);
}

IdentifaiAction
identifai_decisions_get_unjudged (IdentifaiDecisions * self)
{
  return is_enforced (self) ? self->settings.on_unjudged :
      IDENTIFAI_ACTION_PASS;
}

IdentifaiAction
identifai_decisions_get_withheld (IdentifaiDecisions * self)
{
  return self->settings.on_artificial == IDENTIFAI_ACTION_SLATE ?
      IDENTIFAI_ACTION_SLATE : IDENTIFAI_ACTION_DROP;
}

gboolean
identifai_decisions_has_outcome (IdentifaiDecisions * self, guint segment)
{
  return has_result (self, segment);
}

/* With a policy, what was late never counts. Without one, a late word makes stricter
 * what is left of the segment, until the next one, and what post-roll adds. */
gboolean
identifai_decisions_want_late (IdentifaiDecisions * self)
{
  return !self->settings.has_policy && (self->settings.post_roll > 0
      || self->settings.on_artificial > self->settings.on_unjudged);
}

guint
identifai_decisions_get_useless (IdentifaiDecisions * self)
{
  guint wanted = identifai_decisions_want_late (self) ?
      self->settings.post_roll + 1 : 0;

  return self->closed - MIN (wanted, self->closed);
}

guint64
identifai_decisions_count_late (IdentifaiDecisions * self)
{
  return self->n_late;
}

/* Those that are looked back at stay. */
void
identifai_decisions_forget (IdentifaiDecisions * self, guint segment)
{
  guint kept = self->settings.post_roll;

  if (segment < self->first + kept)
    return;
  segment = MIN (segment - kept, self->next);
  if (segment <= self->first)
    return;
  g_array_remove_range (self->entries, 0, MIN (segment - self->first,
          self->entries->len));
  self->first = segment;
}

gboolean
identifai_decisions_pop (IdentifaiDecisions * self,
    IdentifaiPolicyChange * change)
{
  IdentifaiPolicyChange *oldest = g_queue_pop_head (&self->changes);

  if (oldest == NULL)
    return FALSE;
  *change = *oldest;
  g_free (oldest);

  return TRUE;
}

IdentifaiPolicyState
identifai_decisions_get_state (IdentifaiDecisions * self)
{
  return identifai_policy_get_state (self->policy);
}

gboolean
identifai_decisions_want_more (IdentifaiDecisions * self)
{
  return identifai_policy_wants_more (self->policy);
}
