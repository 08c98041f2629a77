/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Windows, scores and states of the policy. Under its owner's lock.
 */

#include "policy.h"
#include "log.h"

#include <gio/gio.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_ANSWER)

/* A segment that counts. */
typedef struct
{
  guint segment;
  gboolean artificial;
} Judged;

struct _IdentifaiPolicy
{
  gchar *name;                  /* the element's, or NULL */
  IdentifaiPolicySettings settings;
  gboolean counts;              /* there are settings */

  guint next;                   /* the segment whose turn it is */
  GTree *early;                 /* number -> IdentifaiPolicyOutcome, owned: those
                                 * that wait for others */

  IdentifaiPolicyState state;
  GstClockTime since;           /* running time at which it began, or NONE */
  GArray *window;               /* of Judged: the last ones, since it was clear */
  GArray *clean;                /* of guint: the last ones in a row */
  GQueue changes;               /* of IdentifaiPolicyChange, owned */
};

const gchar *
identifai_policy_state_to_string (IdentifaiPolicyState state)
{
  static const gchar *const names[] = { "clear", "review", "blocked" };

  return names[state];
}

/* Settings. */

static const IdentifaiPolicySettings defaults = {
  .review = 0.5,
  .block = 0.8,
  .enter = 2,
  .window = 3,
  .leave = 3,
  .min_time = 30 * GST_SECOND,
  .boost = TRUE,
  .enforce = TRUE,
};

void
identifai_policy_settings_init (IdentifaiPolicySettings * self)
{
  *self = defaults;
}

typedef gboolean (*ReadFunc) (gpointer field, const GValue * value);

/* gst-launch-1.0 takes "1" for a number, and what is too large for an int for a
 * double. */
static gboolean
read_number (const GValue * value, gdouble max, gdouble * number)
{
  GValue converted = G_VALUE_INIT;
  gboolean read;

  g_value_init (&converted, G_TYPE_DOUBLE);
  read = !G_VALUE_HOLDS_STRING (value) && !G_VALUE_HOLDS_BOOLEAN (value)
      && g_value_transform (value, &converted);
  if (read)
    *number = g_value_get_double (&converted);
  g_value_unset (&converted);

  return read && *number >= 0 && *number <= max;
}

static gboolean
read_score (gpointer field, const GValue * value)
{
  return read_number (value, 1, field);
}

static gboolean
read_count (gpointer field, const GValue * value)
{
  gdouble number;

  if (!read_number (value, 1000, &number) || number != (guint) number)
    return FALSE;
  *(guint *) field = number;

  return TRUE;
}

static gboolean
read_time (gpointer field, const GValue * value)
{
  gdouble number;

  if (G_VALUE_HOLDS_UINT64 (value)) {
    *(guint64 *) field = g_value_get_uint64 (value);
    return GST_CLOCK_TIME_IS_VALID (*(guint64 *) field);
  }
  if (!read_number (value, G_MAXINT64 / 2, &number))
    return FALSE;
  *(guint64 *) field = number;

  return TRUE;
}

static gboolean
read_flag (gpointer field, const GValue * value)
{
  if (!G_VALUE_HOLDS_BOOLEAN (value))
    return FALSE;
  *(gboolean *) field = g_value_get_boolean (value);

  return TRUE;
}

static gboolean
read_vote (gpointer field, const GValue * value)
{
  static const gchar *const names[] = { "keep", "clean", "artificial" };
  guint i;

  if (!G_VALUE_HOLDS_STRING (value))
    return FALSE;
  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_strcmp0 (g_value_get_string (value), names[i]) == 0) {
      *(IdentifaiPolicyVote *) field = i;
      return TRUE;
    }
  }

  return FALSE;
}

#define OFFSET(field) G_STRUCT_OFFSET (IdentifaiPolicySettings, field)
static const struct
{
  const gchar *name;
  gsize offset;
  ReadFunc read;
  const gchar *wanted;
} fields[] = {
  {"review", OFFSET (review), read_score, "a score from 0 to 1"},
  {"block", OFFSET (block), read_score, "a score from 0 to 1"},
  {"enter", OFFSET (enter), read_count, "a number of segments up to 1000"},
  {"window", OFFSET (window), read_count, "a number of segments up to 1000"},
  {"leave", OFFSET (leave), read_count, "a number of segments up to 1000"},
  {"min-time", OFFSET (min_time), read_time, "a time in ns"},
  {"frames", OFFSET (frames), read_count, "a number of frames up to 1000"},
  {"unjudged", OFFSET (unjudged), read_vote, "keep, clean or artificial"},
  {"unknown", OFFSET (unknown), read_vote, "keep, clean or artificial"},
  {"boost", OFFSET (boost), read_flag, "a boolean"},
  {"enforce", OFFSET (enforce), read_flag, "a boolean"},
};

#undef OFFSET

/* NULL: they go together. */
static const gchar *
find_contradiction (const IdentifaiPolicySettings * self)
{
  if (self->review > self->block)
    return "review is above block: a segment would be artificial before it is "
        "suspicious";
  if (self->enter < 1)
    return "enter is 0: the stream would be blocked without an artificial "
        "segment";
  if (self->enter > self->window)
    return "enter is above window: so many artificial segments are never among "
        "so few";
  if (self->leave < 1)
    return "leave is 0: the stream would be clear without a clean segment";

  return NULL;
}

typedef struct
{
  IdentifaiPolicySettings *settings;
  GError **error;
} Reading;

static gboolean
read_field (GQuark id, const GValue * value, gpointer user_data)
{
  const gchar *name = g_quark_to_string (id);
  Reading *reading = user_data;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    if (!g_str_equal (name, fields[i].name))
      continue;
    if (fields[i].read ((guint8 *) reading->settings + fields[i].offset, value))
      return TRUE;
    g_set_error (reading->error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "%s must be %s", name, fields[i].wanted);
    return FALSE;
  }
  g_set_error (reading->error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "there is no %s; there are review, block, enter, window, leave, min-time, "
      "frames, unjudged, unknown, boost, enforce", name);

  return FALSE;
}

gboolean
identifai_policy_settings_read (IdentifaiPolicySettings * self,
    const GstStructure * structure, GError ** error)
{
  IdentifaiPolicySettings settings = defaults;
  Reading reading = { &settings, error };
  const gchar *why;

  if (!gst_structure_foreach (structure, read_field, &reading))
    return FALSE;
  why = find_contradiction (&settings);
  if (why != NULL) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, why);
    return FALSE;
  }
  *self = settings;

  return TRUE;
}

/* Changes. */

void
identifai_policy_change_clear (IdentifaiPolicyChange * self)
{
  g_clear_pointer (&self->segments, g_array_unref);
}

static void
change_free (gpointer data)
{
  identifai_policy_change_clear (data);
  g_free (data);
}

/* Takes over segments. */
static void
change_state (IdentifaiPolicy * self, IdentifaiPolicyState state,
    const IdentifaiPolicyOutcome * cause, GArray * segments)
{
  IdentifaiPolicyChange *change = g_new (IdentifaiPolicyChange, 1);

  GST_DEBUG_ID (self->name, "%s after segment %u, score %.3f, was %s, because "
      "of %u segments", identifai_policy_state_to_string (state),
      cause->segment, cause->score,
      identifai_policy_state_to_string (self->state), segments->len);
  *change = (IdentifaiPolicyChange) {
  state, self->state, *cause, segments};
  g_queue_push_tail (&self->changes, change);
  self->state = state;
  self->since = cause->running_time;
}

static GArray *
list_one (guint segment)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (guint));

  return g_array_append_val (list, segment);
}

/* Segments that count. */

static GArray *
list_artificial (IdentifaiPolicy * self)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (guint));
  guint i;

  for (i = 0; i < self->window->len; i++) {
    const Judged *judged = &g_array_index (self->window, Judged, i);

    if (judged->artificial)
      g_array_append_val (list, judged->segment);
  }

  return list;
}

/* Keeps the last n. */
static void
trim (GArray * array, guint n)
{
  if (array->len > n)
    g_array_remove_range (array, 0, array->len - n);
}

static void
remember (IdentifaiPolicy * self, guint segment, gboolean artificial)
{
  Judged judged = { segment, artificial };

  g_array_append_val (self->window, judged);
  trim (self->window, self->settings.window);
}

static void
count_artificial (IdentifaiPolicy * self,
    const IdentifaiPolicyOutcome * outcome)
{
  GArray *list;

  g_array_set_size (self->clean, 0);
  remember (self, outcome->segment, TRUE);
  if (self->state == IDENTIFAI_POLICY_BLOCKED) {
    GST_DEBUG_ID (self->name, "segment %u is artificial: it stays blocked",
        outcome->segment);
    return;
  }

  list = list_artificial (self);
  if (list->len >= self->settings.enter) {
    change_state (self, IDENTIFAI_POLICY_BLOCKED, outcome, list);
    return;
  }
  GST_DEBUG_ID (self->name, "segment %u is artificial: %u of the last %u are, "
      "%u would block", outcome->segment, list->len, self->window->len,
      self->settings.enter);
  g_array_unref (list);
  if (self->state == IDENTIFAI_POLICY_CLEAR)
    change_state (self, IDENTIFAI_POLICY_REVIEW, outcome,
        list_one (outcome->segment));
}

static void
count_suspicious (IdentifaiPolicy * self,
    const IdentifaiPolicyOutcome * outcome)
{
  GST_DEBUG_ID (self->name, "segment %u is suspicious, score %.3f: review is "
      "%.3f, block %.3f", outcome->segment, outcome->score,
      self->settings.review, self->settings.block);
  g_array_set_size (self->clean, 0);
  remember (self, outcome->segment, FALSE);
  if (self->state == IDENTIFAI_POLICY_CLEAR)
    change_state (self, IDENTIFAI_POLICY_REVIEW, outcome,
        list_one (outcome->segment));
}

/* Where times are unknown, only the segments count. */
static gboolean
min_time_is_over (IdentifaiPolicy * self,
    const IdentifaiPolicyOutcome * outcome)
{
  GstClockTime end = outcome->running_time;

  if (!GST_CLOCK_TIME_IS_VALID (end) || !GST_CLOCK_TIME_IS_VALID (self->since))
    return TRUE;
  if (GST_CLOCK_TIME_IS_VALID (outcome->duration))
    end += outcome->duration;

  return end >= self->since && end - self->since >= self->settings.min_time;
}

static void
count_clean (IdentifaiPolicy * self, const IdentifaiPolicyOutcome * outcome)
{
  g_array_append_val (self->clean, outcome->segment);
  trim (self->clean, self->settings.leave);
  remember (self, outcome->segment, FALSE);
  if (self->state != IDENTIFAI_POLICY_CLEAR)
    GST_DEBUG_ID (self->name, "segment %u is clean: %u in a row, %u clear it "
        "after %" GST_TIME_FORMAT ", %s since %" GST_TIME_FORMAT,
        outcome->segment, self->clean->len, self->settings.leave,
        GST_TIME_ARGS (self->settings.min_time),
        identifai_policy_state_to_string (self->state),
        GST_TIME_ARGS (self->since));
  if (self->state == IDENTIFAI_POLICY_CLEAR
      || self->clean->len < self->settings.leave
      || !min_time_is_over (self, outcome))
    return;

  change_state (self, IDENTIFAI_POLICY_CLEAR, outcome,
      g_array_copy (self->clean));
  /* what led to the last state leads to no other one */
  g_array_set_size (self->window, 0);
}

static gboolean
is_artificial (const IdentifaiPolicySettings * settings,
    const IdentifaiPolicyOutcome * outcome)
{
  if (settings->frames > 0)
    return outcome->artificial_frames >= settings->frames;

  return outcome->score >= settings->block;
}

IdentifaiPolicyVote
identifai_policy_settings_vote (const IdentifaiPolicySettings * self,
    const IdentifaiPolicyOutcome * outcome)
{
  if (!outcome->judged)
    return self->unjudged;
  if (outcome->unknown)
    return self->unknown;

  return is_artificial (self, outcome) ? IDENTIFAI_POLICY_ARTIFICIAL :
      IDENTIFAI_POLICY_CLEAN;
}

static void
count_vote (IdentifaiPolicy * self, IdentifaiPolicyVote vote,
    const IdentifaiPolicyOutcome * outcome)
{
  switch (vote) {
    case IDENTIFAI_POLICY_KEEP:
      GST_DEBUG_ID (self->name, "segment %u, %s, changes nothing",
          outcome->segment, outcome->judged ? "unknown" : "not judged");
      break;
    case IDENTIFAI_POLICY_CLEAN:
      count_clean (self, outcome);
      break;
    case IDENTIFAI_POLICY_ARTIFICIAL:
      count_artificial (self, outcome);
      break;
  }
}

static void
count (IdentifaiPolicy * self, const IdentifaiPolicyOutcome * outcome)
{
  if (!outcome->judged)
    count_vote (self, self->settings.unjudged, outcome);
  else if (outcome->unknown)
    count_vote (self, self->settings.unknown, outcome);
  else if (is_artificial (&self->settings, outcome))
    count_artificial (self, outcome);
  else if (outcome->score >= self->settings.review)
    count_suspicious (self, outcome);
  else
    count_clean (self, outcome);
}

static void
log_counted (IdentifaiPolicy * self, const IdentifaiPolicyOutcome * outcome)
{
  GArray *artificial = list_artificial (self);

  GST_DEBUG_ID (self->name, "segment %u, %s, score %.3f, %u artificial frames: "
      "%u of the last %u are artificial, %u clean in a row, %s",
      outcome->segment, !outcome->judged ? "not judged" : outcome->unknown ?
      "unknown" : "judged", outcome->score, outcome->artificial_frames,
      artificial->len, self->window->len, self->clean->len,
      identifai_policy_state_to_string (self->state));
  g_array_unref (artificial);
}

/* The policy. */

static gint
compare_numbers (gconstpointer a, gconstpointer b, gpointer unused)
{
  guint left = GPOINTER_TO_UINT (a), right = GPOINTER_TO_UINT (b);

  return left < right ? -1 : left > right;
}

IdentifaiPolicy *
identifai_policy_new (void)
{
  IdentifaiPolicy *self = g_new0 (IdentifaiPolicy, 1);

  self->early = g_tree_new_full (compare_numbers, NULL, NULL, g_free);
  self->window = g_array_new (FALSE, FALSE, sizeof (Judged));
  self->clean = g_array_new (FALSE, FALSE, sizeof (guint));
  g_queue_init (&self->changes);
  self->since = GST_CLOCK_TIME_NONE;

  return self;
}

void
identifai_policy_set_name (IdentifaiPolicy * self, const gchar * name)
{
  g_free (self->name);
  self->name = g_strdup (name);
}

void
identifai_policy_free (IdentifaiPolicy * self)
{
  g_free (self->name);
  g_queue_clear_full (&self->changes, change_free);
  g_tree_unref (self->early);
  g_array_unref (self->window);
  g_array_unref (self->clean);
  g_free (self);
}

static void
forget (IdentifaiPolicy * self)
{
  g_array_set_size (self->window, 0);
  g_array_set_size (self->clean, 0);
  self->state = IDENTIFAI_POLICY_CLEAR;
  self->since = GST_CLOCK_TIME_NONE;
}

void
identifai_policy_configure (IdentifaiPolicy * self,
    const IdentifaiPolicySettings * settings)
{
  GST_DEBUG_ID (self->name, "%s", settings != NULL ? "outcomes count from now "
      "on, by these settings" : "outcomes don't count");
  self->counts = (settings != NULL);
  if (settings == NULL) {
    forget (self);
    return;
  }
  self->settings = *settings;
  GST_DEBUG_ID (self->name, "review from %.3f, block from %.3f (or %u frames), "
      "if %u of %u; clear after %u and %" GST_TIME_FORMAT "%s",
      settings->review, settings->block, settings->frames, settings->enter,
      settings->window, settings->leave, GST_TIME_ARGS (settings->min_time),
      settings->boost ? ", with boost" : "");
  trim (self->window, settings->window);
  trim (self->clean, settings->leave);
}

void
identifai_policy_reset (IdentifaiPolicy * self)
{
  GST_DEBUG_ID (self->name, "starts over: was %s after %u segments, %d came "
      "early", identifai_policy_state_to_string (self->state), self->next,
      g_tree_nnodes (self->early));
  g_queue_clear_full (&self->changes, change_free);
  g_tree_remove_all (self->early);
  self->next = 0;
  forget (self);
}

void
identifai_policy_add (IdentifaiPolicy * self,
    const IdentifaiPolicyOutcome * outcome)
{
  const IdentifaiPolicyOutcome *turn;

  if (outcome->segment < self->next) {
    GST_DEBUG_ID (self->name, "segment %u has counted before",
        outcome->segment);
    return;
  }
  if (outcome->segment > self->next)
    GST_DEBUG_ID (self->name, "segment %u counts when %u has an outcome",
        outcome->segment, self->next);
  if (g_tree_lookup (self->early, GUINT_TO_POINTER (outcome->segment)) == NULL)
    g_tree_insert (self->early, GUINT_TO_POINTER (outcome->segment),
        g_memdup2 (outcome, sizeof (*outcome)));
  while ((turn = g_tree_lookup (self->early,
              GUINT_TO_POINTER (self->next))) != NULL) {
    if (self->counts) {
      count (self, turn);
      log_counted (self, turn);
    }
    g_tree_remove (self->early, GUINT_TO_POINTER (self->next));
    self->next++;
  }
}

gboolean
identifai_policy_pop (IdentifaiPolicy * self, IdentifaiPolicyChange * change)
{
  IdentifaiPolicyChange *oldest = g_queue_pop_head (&self->changes);

  if (oldest == NULL)
    return FALSE;
  *change = *oldest;
  g_free (oldest);

  return TRUE;
}

IdentifaiPolicyState
identifai_policy_get_state (IdentifaiPolicy * self)
{
  return self->state;
}

gboolean
identifai_policy_wants_more (IdentifaiPolicy * self)
{
  return self->counts && self->settings.boost
      && self->state == IDENTIFAI_POLICY_REVIEW;
}
