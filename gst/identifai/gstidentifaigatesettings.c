/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the settings say, for the hold queue, the decisions, the slate and the outbox.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

/* A GstBuffer with its GstMemory, and what the queue and the segmenter note of it: 1.1 kB
 * were measured. */
#define ITEM_BYTES 1024

static IdentifaiAction
get_action (GstIdentifaiGateAction action)
{
  switch (action) {
    case GST_IDENTIFAI_GATE_PASS:
      return IDENTIFAI_ACTION_PASS;
    case GST_IDENTIFAI_GATE_SLATE:
      return IDENTIFAI_ACTION_SLATE;
    case GST_IDENTIFAI_GATE_EOS:
      return IDENTIFAI_ACTION_EOS;
    default:
      return IDENTIFAI_ACTION_DROP;
  }
}

void
gst_identifai_gate_configure_decisions_locked (GstIdentifaiGate * self)
{
  const GstIdentifaiSettings *settings = &self->engine->settings;
  IdentifaiDecisionSettings decisions = {
    .on_artificial = get_action (settings->on_artificial),
    .on_unknown = get_action (settings->on_unknown),
    .on_unjudged = get_action (settings->on_unjudged),
    .pre_roll = settings->pre_roll,
    .post_roll = settings->post_roll,
    .has_policy = settings->policy != NULL,
  };

  if (settings->policy != NULL)
    identifai_policy_settings_read (&decisions.policy, settings->policy, NULL);
  identifai_decisions_configure (self->decisions, &decisions);
}

/* While the pipeline is paused, nothing leaves, and what is held then does so later. */
static gboolean
is_behind_pause_locked (GstIdentifaiGate * self, GstClockTime hold)
{
  return self->paused != 0 || (self->resumed != 0
      && identifai_clock_now () <
      self->resumed + (gint64) (hold / GST_USECOND));
}

/* By when a verdict has to be there. */
static void
tell_hold_locked (GstIdentifaiGate * self)
{
  GstClockTime hold = self->engine->settings.hold;

  if (!gst_identifai_gate_is_paced_locked (self)
      || is_behind_pause_locked (self, hold)
      || identifai_decisions_want_late (self->decisions))
    hold = 0;
  if (hold == self->hold_told)
    return;
  self->hold_told = hold;
  gst_identifai_outbox_set_hold (self->engine->outbox, hold);
}

void
gst_identifai_gate_tell_hold (GstIdentifaiGate * self)
{
  g_mutex_lock (&self->engine->lock);
  tell_hold_locked (self);
  g_mutex_unlock (&self->engine->lock);
}

void
gst_identifai_gate_configure_locked (GstIdentifaiGate * self)
{
  const GstIdentifaiSettings *settings = &self->engine->settings;
  IdentifaiHoldQueueSettings hold = {
    .hold = settings->hold,
    .paced = gst_identifai_gate_is_paced_locked (self),
    .max_bytes = settings->max_held_bytes,
    .item_bytes = ITEM_BYTES,
    .on_unsampled = (IdentifaiUnsampled) settings->on_unsampled,
    .force = (IdentifaiForce) settings->force,
    .at_idr = settings->resume_at_idr,
  };

  if (settings->hold != self->hold_set) {
    GST_DEBUG_OBJECT (self, "held for %" GST_TIME_FORMAT ", was %"
        GST_TIME_FORMAT, GST_TIME_ARGS (settings->hold),
        GST_TIME_ARGS (self->hold_set));
    gst_identifai_gate_slate_hold_locked (self, self->hold_set, settings->hold);
    self->hold_set = settings->hold;
    if (settings->hold == 0)
      g_hash_table_remove_all (self->verdicts);
  }
  identifai_hold_queue_configure (self->hold, &hold, identifai_clock_now ());
  tell_hold_locked (self);
}

void
gst_identifai_gate_apply (GstIdentifaiGate * self, guint id)
{
  g_mutex_lock (&self->engine->lock);
  identifai_hold_queue_set_name (self->hold, GST_OBJECT_NAME (self));
  if (id == PROP_HOLD || id == PROP_FORCE || id == PROP_MAX_HELD_BYTES
      || id == PROP_ON_UNSAMPLED || id == PROP_RESUME_AT_IDR)
    gst_identifai_gate_configure_locked (self);
  else
    gst_identifai_gate_configure_decisions_locked (self);
  tell_hold_locked (self);
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);

  if (id == PROP_HOLD)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}
