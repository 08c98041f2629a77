/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What people are told of the gate: its messages and warnings, and stats.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include "gstidentifaierrors.h"
#include "gstidentifaimessages.h"
#include "clock.h"
#include "framereader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

#define NO_TIME IDENTIFAI_NO_TIME

/* The outgoing end. */

static void
tell_late_locked (GstIdentifaiGate * self, const IdentifaiHeld * held)
{
  GstIdentifaiEngine *engine = self->engine;
  guint64 count = identifai_decisions_count_late (self->decisions);
  IdentifaiHoldQueueStats stats;
  gboolean late = count > self->late;

  if (!held->starts_segment)
    return;
  identifai_hold_queue_get_stats (self->hold, identifai_clock_now (), &stats);
  self->late = count;
  if (late && identifai_alarm_bad (&self->late_alarm, 0))
    gst_identifai_engine_queue (engine,
        gst_identifai_warning_late (engine->element, held->segment,
            engine->settings.hold, stats.max_delay * GST_USECOND));
  else if (!late && identifai_alarm_good (&self->late_alarm))
    gst_identifai_engine_queue (engine, gst_identifai_info (engine->element,
            "Verdicts come in time again"));
}

static void
tell_overflow_locked (GstIdentifaiGate * self)
{
  GstIdentifaiEngine *engine = self->engine;

  if (!identifai_hold_queue_take_overflow (self->hold))
    return;
  if (identifai_alarm_bad (&self->overflow_alarm, 0))
    gst_identifai_engine_queue (engine,
        gst_identifai_warning_hold_full (engine->element,
            engine->settings.max_held_bytes));
}

/* The picture's, at which the outgoing end changes. TRUE: passing did. */
static gboolean
tell_state_locked (GstIdentifaiGate * self, const IdentifaiHeld * held)
{
  gboolean turned = held->passes != self->passing;

  if (self->told && !turned && held->why == self->why
      && held->slate == self->showing)
    return FALSE;
  self->told = TRUE;
  self->passing = held->passes;
  self->showing = held->slate;
  self->why = held->why;
  GST_INFO_OBJECT (self, "%s: %s, segment %d", held->passes ? "pass" :
      held->slate ? "slate" : "drop", identifai_why_to_string (held->why),
      held->in_segment ? (gint) held->segment : -1);
  gst_identifai_engine_queue (self->engine,
      gst_identifai_message_gate (GST_ELEMENT (self), held));

  return turned;
}

void
gst_identifai_gate_tell_start_locked (GstIdentifaiGate * self)
{
  const IdentifaiHeld held = {
    .why = IDENTIFAI_WHY_START,
    .arrival = identifai_clock_now (),
    .running = NO_TIME,
  };
  const GstIdentifaiBranch *video = g_ptr_array_index (self->branches, 0);

  if (!self->told && !video->build.due && self->engine->settings.hold > 0
      && gst_identifai_gate_is_paced_locked (self))
    tell_state_locked (self, &held);
}

gboolean
gst_identifai_gate_tell_held_locked (GstIdentifaiGate * self,
    const IdentifaiHeld * held)
{
  tell_late_locked (self, held);
  gst_identifai_gate_tell_policy_locked (self);
  tell_overflow_locked (self);

  return tell_state_locked (self, held);
}

/* The policy. */

void
gst_identifai_gate_tell_policy_locked (GstIdentifaiGate * self)
{
  const GstStructure *policy = self->engine->settings.policy;
  gboolean enforced = TRUE;
  IdentifaiPolicyChange change;

  if (policy != NULL)
    gst_structure_get_boolean (policy, "enforce", &enforced);
  while (identifai_hold_queue_pop_change (self->hold, &change)) {
    gst_identifai_reporter_policy (self->engine->reporter, &change, enforced);
    identifai_policy_change_clear (&change);
    gst_identifai_outbox_boost (self->engine->outbox,
        identifai_decisions_want_more (self->decisions));
  }
}

/* Whether what makes the policy block is known before the first of it leaves: by
 * arithmetic, and by what was seen. */
void
gst_identifai_gate_tell_short_locked (GstIdentifaiGate * self)
{
  const GstIdentifaiSettings *settings = &self->engine->settings;
  IdentifaiPolicySettings policy;
  IdentifaiHoldQueueStats stats;
  GstClockTime needed, longest;

  if (self->told_short || settings->policy == NULL || settings->hold == 0
      || !gst_identifai_gate_is_paced_locked (self)
      || !identifai_policy_settings_read (&policy, settings->policy, NULL)
      || policy.enter < 2 || !policy.enforce)
    return;
  identifai_hold_queue_get_stats (self->hold, identifai_clock_now (), &stats);
  longest = MAX (settings->segment_duration,
      (GstClockTime) stats.max_delay * GST_USECOND);
  needed = (policy.enter - 1) * MAX (settings->segment_duration,
      settings->segment_interval) + longest;
  if (settings->hold > needed)
    return;
  GST_DEBUG_OBJECT (self, "hold is %" GST_TIME_FORMAT ", a policy of %u "
      "segments needs %" GST_TIME_FORMAT ": the first may leave before",
      GST_TIME_ARGS (settings->hold), policy.enter, GST_TIME_ARGS (needed));
  self->told_short = TRUE;
  gst_identifai_engine_queue (self->engine,
      gst_identifai_warning_short_hold (GST_ELEMENT (self), settings->hold,
          needed, policy.enter));
}

/* Statistics. */

gdouble
gst_identifai_gate_get_coverage_locked (GstIdentifaiGate * self)
{
  IdentifaiSegmenterStats stats;

  if (!self->engine->running)
    return self->last_coverage;
  identifai_segmenter_get_stats (self->engine->segmenter, &stats);

  return stats.seen > 0 ? CLAMP ((gdouble) stats.covered / stats.seen, 0, 1)
      : 0.0;
}

static gint64
to_nanoseconds (gint64 margin)
{
  return margin == G_MAXINT64 ? G_MAXINT64 : margin * (gint64) GST_USECOND;
}

static void
add_hold (GstStructure * structure, const IdentifaiHoldQueueStats * stats)
{
  guint64 withheld = 0;
  guint i;

  for (i = 0; i < IDENTIFAI_N_WHYS; i++) {
    gchar *name = g_strdup_printf ("withheld-%s", identifai_why_to_string (i));

    withheld += stats->withheld[i];
    gst_structure_set (structure, name, G_TYPE_UINT64, stats->withheld[i],
        NULL);
    g_free (name);
  }
  gst_structure_set (structure,
      "came", G_TYPE_UINT64, stats->came,
      "passed", G_TYPE_UINT64, stats->passed,
      "withheld", G_TYPE_UINT64, withheld,
      "flushed", G_TYPE_UINT64, stats->flushed,
      "held", G_TYPE_UINT64, stats->held,
      "held-bytes", G_TYPE_UINT64, stats->held_bytes,
      "held-time", G_TYPE_UINT64, stats->held_time * GST_USECOND,
      "passed-segments", G_TYPE_UINT64, stats->passed_segments,
      "withheld-segments", G_TYPE_UINT64, stats->withheld_segments,
      "shadow-segments", G_TYPE_UINT64, stats->shadow_segments,
      "late-segments", G_TYPE_UINT64, stats->late_segments,
      "margin-last", G_TYPE_INT64, to_nanoseconds (stats->margin_last),
      "margin-min", G_TYPE_INT64, to_nanoseconds (stats->margin_min), NULL);
}

GstStructure *
gst_identifai_gate_get_stats (GstIdentifaiGate * self)
{
  GstStructure *structure = gst_structure_new_empty ("stats");
  IdentifaiHoldQueueStats stats;

  gst_identifai_outbox_get_stats (self->engine->outbox, structure);
  g_mutex_lock (&self->engine->lock);
  gst_structure_set (structure, "coverage", G_TYPE_DOUBLE,
      gst_identifai_gate_get_coverage_locked (self), NULL);
  identifai_hold_queue_get_stats (self->hold, identifai_clock_now (), &stats);
  g_mutex_unlock (&self->engine->lock);
  add_hold (structure, &stats);

  return structure;
}
