/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How segments end: what is counted and told of it, and the policy that counts it.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

/* What threads of the element do, which hold locks. */
void
gst_identifai_outbox_unlock (GstIdentifaiOutbox * self)
{
  g_mutex_unlock (&self->lock);
  gst_identifai_outcomes_deliver_elsewhere (self->outcomes);
}

/* Policy. */

/* A stream that is boosted goes first among those of its key. */
static void
boost_locked (GstIdentifaiOutbox * self)
{
  gboolean boosted = gst_identifai_outcomes_is_boosted (self->outcomes);

  if (boosted != self->goes_first && self->client != NULL)
    identifai_client_set_first (self->client, boosted);
  self->goes_first = boosted;
}

void
gst_identifai_outbox_set_policy (GstIdentifaiOutbox * self,
    const GstStructure * policy)
{
  g_mutex_lock (&self->lock);
  if (!self->callbacks->has_policy)
    gst_identifai_outcomes_set_policy (self->outcomes, policy);
  boost_locked (self);
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_outbox_boost (GstIdentifaiOutbox * self, gboolean boosted)
{
  g_mutex_lock (&self->lock);
  gst_identifai_outcomes_boost (self->outcomes, boosted);
  boost_locked (self);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_identifai_outbox_is_boosted (GstIdentifaiOutbox * self)
{
  return gst_identifai_outcomes_is_boosted (self->outcomes);
}

/* Outcomes: who removes a segment from the ledger reports what became of it. */

static void
end_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  boost_locked (self);
  GST_DEBUG_OBJECT (self->element, "segment %u is over; %"
      IDENTIFAI_TOTALS_FORMAT, segment->number,
      IDENTIFAI_TOTALS_ARGS (identifai_ledger_get_totals (self->ledger)));
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

/* What follows from an outcome for the stream, which what is resumed is no part
 * of. */
static gboolean
is_of_stream (const IdentifaiSegment * segment)
{
  return !segment->resumed;
}

void
gst_identifai_outbox_end_dropped_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, GstIdentifaiDrop reason)
{
  GstStructure *structure;

  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
  gst_identifai_attachments_end (&self->attachments, segment, TRUE);
  structure = gst_identifai_reporter_dropped (self->reporter, segment, reason);
  if (is_of_stream (segment)) {
    gst_identifai_outcomes_dropped (self->outcomes, segment, reason, structure);
    gst_identifai_overrides_note_ended (self->overrides, segment, NULL);
  } else {
    gst_structure_free (structure);
  }
  end_locked (self, segment);
}

void
gst_identifai_outbox_end_failed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, IdentifaiReason reason, guint http_status,
    const gchar * text)
{
  GstStructure *structure;

  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_FAILED);
  gst_identifai_attachments_end (&self->attachments, segment, TRUE);
  structure = gst_identifai_reporter_failed (self->reporter, segment, reason,
      http_status, text);
  if (is_of_stream (segment)) {
    gst_identifai_outcomes_failed (self->outcomes, segment, reason, structure);
    gst_identifai_overrides_note_ended (self->overrides, segment, NULL);
  } else {
    gst_structure_free (structure);
  }
  end_locked (self, segment);
}

/* What nobody could judge is of interest, too. */
static gboolean
is_flagged (const IdentifaiResult * result)
{
  return result->unknown || !g_str_equal (result->classification, "human");
}

void
gst_identifai_outbox_end_judged_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, IdentifaiResult * result)
{
  GstClockTime latency = GST_CLOCK_TIME_NONE;
  GstStructure *structure;

  if (is_of_stream (segment)) {
    latency = (identifai_clock_now () - segment->last_buffer) * GST_USECOND;
    identifai_ledger_add_latency (self->ledger, latency);
    gst_identifai_outbox_note_judged_locked (self, segment);
  }
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_VERDICT);
  gst_identifai_attachments_end (&self->attachments, segment,
      is_flagged (result));
  structure = gst_identifai_reporter_verdict (self->reporter, segment, result,
      latency);
  if (is_of_stream (segment)) {
    gst_identifai_overrides_note_ended (self->overrides, segment, result->hash);
    gst_identifai_outcomes_judged (self->outcomes, segment, result, structure);
  } else {
    identifai_result_free (result);
    gst_structure_free (structure);
  }
  end_locked (self, segment);
}
