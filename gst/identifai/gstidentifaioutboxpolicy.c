/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the outcomes of segments mean for their stream.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "gstidentifaimessages.h"

void
gst_identifai_outbox_set_policy_locked (GstIdentifaiOutbox * self,
    const GstStructure * policy)
{
  IdentifaiPolicySettings settings;

  self->enforced = FALSE;
  if (policy == NULL
      || !identifai_policy_settings_read (&settings, policy, NULL)) {
    identifai_policy_configure (self->policy, NULL);
    return;
  }
  self->enforced = settings.enforce;
  identifai_policy_configure (self->policy, &settings);
}

/* In review, a stream that is boosted is judged without pauses, and first. */
static void
boost_locked (GstIdentifaiOutbox * self)
{
  gboolean boosted = identifai_policy_wants_more (self->policy);

  if (boosted == g_atomic_int_get (&self->boosted))
    return;
  GST_INFO_OBJECT (self->element, "%s", boosted ?
      "in review: no pauses between segments, and first in turn" :
      "no longer boosted");
  g_atomic_int_set (&self->boosted, boosted);
  if (self->client != NULL)
    identifai_client_set_first (self->client, boosted);
}

void
gst_identifai_outbox_set_policy (GstIdentifaiOutbox * self,
    const GstStructure * policy)
{
  g_mutex_lock (&self->lock);
  gst_identifai_outbox_set_policy_locked (self, policy);
  boost_locked (self);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_identifai_outbox_is_boosted (GstIdentifaiOutbox * self)
{
  return g_atomic_int_get (&self->boosted);
}

void
gst_identifai_outbox_count_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment, const IdentifaiResult * result)
{
  IdentifaiPolicyOutcome outcome = {
    .segment = segment->number,
    .judged = (result != NULL),
    .running_time = segment->running_time,
    .stream_time = segment->stream_time,
    .duration = segment->duration,
    .utc = segment->utc,
  };
  IdentifaiPolicyChange change;

  if (result != NULL) {
    outcome.unknown = result->unknown;
    outcome.score = result->score;
    outcome.artificial_frames = result->artificial_frames;
  }
  identifai_policy_add (self->policy, &outcome);
  while (identifai_policy_pop (self->policy, &change)) {
    GST_INFO_OBJECT (self->element, "policy: %s after segment %u, was %s",
        identifai_policy_state_to_string (change.state), change.cause.segment,
        identifai_policy_state_to_string (change.previous));
    gst_identifai_outbox_queue (self,
        gst_identifai_message_policy (self->element, &change, self->enforced));
    identifai_policy_change_clear (&change);
  }
  boost_locked (self);
}
