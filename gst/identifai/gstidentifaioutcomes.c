/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutcomes.h"

#include "log.h"
#include "serialqueue.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

struct _GstIdentifaiOutcomes
{
  GstElement *element;          /* borrowed */
  GstIdentifaiReporter *reporter;       /* borrowed */
  GstIdentifaiOutcomeFunc outcome_func; /* or NULL */
  GstIdentifaiPolicyFunc policy_func;   /* or NULL */
  gpointer user_data;           /* theirs */
  IdentifaiSerialQueue *calls;  /* of Call */

  GMutex lock;

  /* All below: lock. */
  IdentifaiPolicy *policy;
  gboolean counts;              /* there is one */
  gboolean enforced;            /* what the messages say of it */
  gint boosted;                 /* atomic: written with the lock */
  GHashTable *overrides;        /* number of a segment -> static classification */
};

/* Calls. */

/* Of one of the callbacks. */
typedef struct
{
  GstIdentifaiOutcome outcome;  /* unless there is a change */
  IdentifaiResult *result;      /* owned; or NULL */
  GstStructure *structure;      /* owned; or NULL */
  IdentifaiPolicyChange *change;        /* owned; or NULL */
  gboolean enforced;
} Call;

static void
call_free (gpointer data)
{
  Call *call = data;

  g_clear_pointer (&call->result, identifai_result_free);
  gst_clear_structure (&call->structure);
  if (call->change != NULL)
    identifai_policy_change_clear (call->change);
  g_free (call->change);
  g_free (call);
}

static void
make_call (gpointer item, gpointer user_data)
{
  GstIdentifaiOutcomes *self = user_data;
  Call *call = item;

  if (call->change != NULL)
    self->policy_func (call->change, call->enforced, self->user_data);
  else
    self->outcome_func (&call->outcome, self->user_data);
  call_free (call);
}

/* result, structure: transfer full, or NULL. */
static void
queue_outcome (GstIdentifaiOutcomes * self,
    const GstIdentifaiOutcome * outcome, IdentifaiResult * result,
    GstStructure * structure)
{
  Call *call;

  if (self->outcome_func == NULL) {
    g_clear_pointer (&result, identifai_result_free);
    gst_clear_structure (&structure);
    return;
  }
  call = g_new0 (Call, 1);
  call->outcome = *outcome;
  call->outcome.structure = structure;
  call->result = result;
  call->structure = structure;
  identifai_serial_queue_push (self->calls, call);
}

/* Takes over what is in change. */
static void
queue_change (GstIdentifaiOutcomes * self, IdentifaiPolicyChange * change,
    gboolean enforced)
{
  Call *call;

  if (self->policy_func == NULL) {
    identifai_policy_change_clear (change);
    return;
  }
  call = g_new0 (Call, 1);
  call->change = g_memdup2 (change, sizeof (*change));
  call->enforced = enforced;
  identifai_serial_queue_push (self->calls, call);
}

void
gst_identifai_outcomes_deliver (GstIdentifaiOutcomes * self)
{
  identifai_serial_queue_run (self->calls);
}

void
gst_identifai_outcomes_deliver_elsewhere (GstIdentifaiOutcomes * self)
{
  identifai_serial_queue_run_elsewhere (self->calls);
}

void
gst_identifai_outcomes_deliver_all (GstIdentifaiOutcomes * self)
{
  identifai_serial_queue_finish (self->calls);
}

/* Policy. */

static void
set_boosted_locked (GstIdentifaiOutcomes * self, gboolean boosted)
{
  if (boosted == g_atomic_int_get (&self->boosted))
    return;
  GST_INFO_OBJECT (self->element, "%s", boosted ?
      "in review: no pauses between segments, and first in turn" :
      "no longer boosted");
  g_atomic_int_set (&self->boosted, boosted);
}

static void
configure_locked (GstIdentifaiOutcomes * self, const GstStructure * policy)
{
  IdentifaiPolicySettings settings;

  self->enforced = FALSE;
  self->counts = policy != NULL
      && identifai_policy_settings_read (&settings, policy, NULL);
  GST_DEBUG_OBJECT (self->element, "policy %" GST_PTR_FORMAT " %s", policy,
      self->counts ? "counts" : "doesn't count");
  if (!self->counts) {
    identifai_policy_configure (self->policy, NULL);
    set_boosted_locked (self, FALSE);
    return;
  }
  self->enforced = settings.enforce;
  identifai_policy_configure (self->policy, &settings);
}

static void
boost_locked (GstIdentifaiOutcomes * self)
{
  if (self->counts)
    set_boosted_locked (self, identifai_policy_wants_more (self->policy));
}

void
gst_identifai_outcomes_boost (GstIdentifaiOutcomes * self, gboolean boosted)
{
  g_mutex_lock (&self->lock);
  if (!self->counts)
    set_boosted_locked (self, boosted);
  g_mutex_unlock (&self->lock);
}

static void
count_locked (GstIdentifaiOutcomes * self, const IdentifaiSegment * segment,
    const GstIdentifaiOutcome * outcome)
{
  IdentifaiPolicyOutcome counted = {
    .segment = segment->number,
    .judged = (outcome->end == IDENTIFAI_END_VERDICT),
    .unknown = outcome->unknown,
    .score = outcome->score,
    .artificial_frames = outcome->artificial_frames,
    .running_time = segment->running_time,
    .stream_time = segment->stream_time,
    .duration = segment->duration,
    .utc = segment->utc,
  };
  IdentifaiPolicyChange change;

  GST_LOG_OBJECT (self->element, "segment %u goes to the policy: %s",
      counted.segment, counted.unknown ? "unknown" : counted.judged ?
      "judged" : outcome->reason);
  identifai_policy_add (self->policy, &counted);
  while (identifai_policy_pop (self->policy, &change)) {
    gst_identifai_reporter_policy (self->reporter, &change, self->enforced);
    queue_change (self, &change, self->enforced);
  }
  boost_locked (self);
}

void
gst_identifai_outcomes_set_policy (GstIdentifaiOutcomes * self,
    const GstStructure * policy)
{
  g_mutex_lock (&self->lock);
  configure_locked (self, policy);
  boost_locked (self);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_identifai_outcomes_is_boosted (GstIdentifaiOutcomes * self)
{
  return g_atomic_int_get (&self->boosted);
}

/* Overriding. */

static const struct
{
  const gchar *classification;
  gdouble score;
  guint artificial_frames;      /* a policy that goes by frames takes it, too */
} classifications[] = {
  {"human", 0.0, 0},
  {"artificial", 1.0, G_MAXUINT},
  {"unknown", 0.5, 0},
};

/* FALSE: there is no such classification. */
static gboolean
init_overridden (GstIdentifaiOutcome * outcome, guint segment,
    const gchar * classification)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (classifications); i++)
    if (g_strcmp0 (classifications[i].classification, classification) == 0)
      break;
  if (i == G_N_ELEMENTS (classifications))
    return FALSE;

  *outcome = (GstIdentifaiOutcome) {
  .segment = segment,.end = IDENTIFAI_END_VERDICT,.overridden =
        TRUE,.classification = classifications[i].classification,.unknown =
        g_str_equal (classification, "unknown"),.score =
        classifications[i].score,.artificial_frames =
        classifications[i].artificial_frames,.running_time =
        GST_CLOCK_TIME_NONE,.stream_time = GST_CLOCK_TIME_NONE,.duration =
        GST_CLOCK_TIME_NONE,.utc = -1,};

  return TRUE;
}

gboolean
gst_identifai_outcomes_override (GstIdentifaiOutcomes * self, guint segment,
    const gchar * classification)
{
  GstIdentifaiOutcome outcome;

  if (!init_overridden (&outcome, segment, classification)) {
    GST_DEBUG_OBJECT (self->element, "segment %u isn't overridden: %s is no "
        "classification", segment, GST_STR_NULL (classification));
    return FALSE;
  }

  GST_INFO_OBJECT (self->element, "segment %u is overridden: %s", segment,
      classification);
  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->overrides, GUINT_TO_POINTER (segment),
      (gpointer) outcome.classification);
  queue_outcome (self, &outcome, NULL, NULL);
  g_mutex_unlock (&self->lock);
  gst_identifai_outcomes_deliver_elsewhere (self);

  return TRUE;
}

/* Outcomes. */

/* result: transfer full, or NULL; structure: transfer full. */
static void
add (GstIdentifaiOutcomes * self, const IdentifaiSegment * segment,
    GstIdentifaiOutcome * outcome, IdentifaiResult * result,
    GstStructure * structure)
{
  const gchar *classification;

  outcome->running_time = segment->running_time;
  outcome->stream_time = segment->stream_time;
  outcome->duration = segment->duration;
  outcome->utc = segment->utc;

  g_mutex_lock (&self->lock);
  classification = g_hash_table_lookup (self->overrides,
      GUINT_TO_POINTER (segment->number));
  if (init_overridden (outcome, segment->number, classification)) {
    GST_DEBUG_OBJECT (self->element, "segment %u was overridden before: %s",
        segment->number, classification);
    g_clear_pointer (&result, identifai_result_free);
    gst_clear_structure (&structure);
  } else {
    queue_outcome (self, outcome, result, structure);
  }
  /* the result may be gone by now */
  count_locked (self, segment, outcome);
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_outcomes_judged (GstIdentifaiOutcomes * self,
    const IdentifaiSegment * segment, IdentifaiResult * result,
    GstStructure * structure)
{
  GstIdentifaiOutcome outcome = {
    .segment = segment->number,
    .end = IDENTIFAI_END_VERDICT,
    .classification = result->classification,
    .unknown = result->unknown,
    .score = result->score,
    .artificial_frames = result->artificial_frames,
    .result = result,
  };

  add (self, segment, &outcome, result, structure);
}

void
gst_identifai_outcomes_failed (GstIdentifaiOutcomes * self,
    const IdentifaiSegment * segment, IdentifaiReason reason,
    GstStructure * structure)
{
  GstIdentifaiOutcome outcome = {
    .segment = segment->number,
    .end = IDENTIFAI_END_FAILED,
    .reason = identifai_reason_to_string (reason),
  };

  add (self, segment, &outcome, NULL, structure);
}

void
gst_identifai_outcomes_dropped (GstIdentifaiOutcomes * self,
    const IdentifaiSegment * segment, GstIdentifaiDrop reason,
    GstStructure * structure)
{
  GstIdentifaiOutcome outcome = {
    .segment = segment->number,
    .end = IDENTIFAI_END_DROPPED,
    .reason = gst_identifai_drop_to_string (reason),
  };

  add (self, segment, &outcome, NULL, structure);
}

/* Starting. */

GstIdentifaiOutcomes *
gst_identifai_outcomes_new (GstElement * element,
    GstIdentifaiReporter * reporter, GstIdentifaiOutcomeFunc outcome_func,
    GstIdentifaiPolicyFunc policy_func, gpointer user_data)
{
  GstIdentifaiOutcomes *self = g_new0 (GstIdentifaiOutcomes, 1);

  self->element = element;
  self->reporter = reporter;
  self->outcome_func = outcome_func;
  self->policy_func = policy_func;
  self->user_data = user_data;
  self->calls = identifai_serial_queue_new (make_call, self, call_free);
  self->policy = identifai_policy_new ();
  self->overrides = g_hash_table_new (NULL, NULL);
  g_mutex_init (&self->lock);

  return self;
}

void
gst_identifai_outcomes_free (GstIdentifaiOutcomes * self)
{
  identifai_serial_queue_free (self->calls);
  identifai_policy_free (self->policy);
  g_hash_table_unref (self->overrides);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
gst_identifai_outcomes_start (GstIdentifaiOutcomes * self,
    const GstStructure * policy)
{
  g_mutex_lock (&self->lock);
  identifai_policy_set_name (self->policy, GST_OBJECT_NAME (self->element));
  configure_locked (self, policy);
  identifai_policy_reset (self->policy);
  g_atomic_int_set (&self->boosted, FALSE);
  g_hash_table_remove_all (self->overrides);
  g_mutex_unlock (&self->lock);
}
