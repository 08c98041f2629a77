/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How segments end, and what the bus is told of it.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "gstidentifaierrors.h"
#include "gstidentifaimessages.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_REPORTER)

/* Two calls are a submit and a look: one that got through after failures is
 * not the end of trouble yet. */
#define GOOD_CALLS 2
#define GOOD_SEGMENTS 3

/* For the next summary. */
static void
forget_losses_locked (GstIdentifaiOutbox * self)
{
  self->judged = 0;
  g_free (self->losses.text);
  memset (&self->losses, 0, sizeof (self->losses));
}

static void
note_call_locked (GstIdentifaiOutbox * self, const gchar * failure,
    guint http_status)
{
  g_free (self->call_failure);
  self->call_failure = g_strdup (failure);
  self->call_status = http_status;
}

void
gst_identifai_outbox_reset_outcomes_locked (GstIdentifaiOutbox * self)
{
  forget_losses_locked (self);
  note_call_locked (self, NULL, 0);
  self->key_worked = FALSE;
  self->refused = self->told_sound = FALSE;
  identifai_alarm_init (&self->call_trouble, GOOD_CALLS);
  identifai_alarm_init (&self->file_trouble, 1);
  identifai_alarm_init (&self->overflow_trouble, GOOD_SEGMENTS);
  identifai_alarm_init (&self->hold_trouble, GOOD_SEGMENTS);
  identifai_alarm_init (&self->budget_trouble, 1);
}

/* Outcomes. The segment belongs to the caller, and isn't in the ledger. */

void
gst_identifai_outbox_announce_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  GstIdentifaiTicket *ticket = gst_identifai_outbox_ticket (segment);

  if (ticket->announced)
    return;
  ticket->announced = TRUE;
  gst_identifai_outbox_queue (self,
      gst_identifai_message_segment (self->element, segment, ticket->ref_id));
}

static void
lost_locked (GstIdentifaiOutbox * self, guint reason, guint http_status,
    const gchar * text)
{
  IdentifaiLosses *losses = &self->losses;

  losses->total++;
  losses->by_reason[reason]++;
  losses->reason = reason;
  losses->http_status = http_status;
  g_free (losses->text);
  losses->text = g_strdup (text);
  losses->key_worked = self->key_worked;
}

void
gst_identifai_outbox_end_failed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const IdentifaiOutcome * outcome)
{
  GST_WARNING_OBJECT (self->element, "segment %u failed: %s, HTTP status %u, "
      "%s", segment->number, identifai_reason_to_string (outcome->reason),
      outcome->http_status, GST_STR_NULL (outcome->message));

  gst_identifai_outbox_announce_locked (self, segment);
  gst_identifai_outbox_queue (self,
      gst_identifai_message_failed (self->element, segment,
          gst_identifai_outbox_ticket (segment)->ref_id, outcome));
  lost_locked (self, outcome->reason, outcome->http_status, outcome->message);
  gst_identifai_outbox_count_locked (self, segment, NULL);
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

void
gst_identifai_outbox_end_dropped_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const gchar * reason)
{
  GST_INFO_OBJECT (self->element, "segment %u dropped: %s", segment->number,
      reason);

  gst_identifai_outbox_announce_locked (self, segment);
  gst_identifai_outbox_queue (self,
      gst_identifai_message_dropped (self->element, segment,
          gst_identifai_outbox_ticket (segment)->ref_id,
          gst_identifai_outbox_ticket (segment)->identifier, reason));
  gst_identifai_outbox_count_locked (self, segment, NULL);
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

static void
end_verdict_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    const IdentifaiOutcome * outcome)
{
  const IdentifaiResult *result = outcome->result;
  GstClockTime latency = (g_get_monotonic_time () - segment->last_buffer)
      * GST_USECOND;
  const gchar *identifier = outcome->identifier ? outcome->identifier : "";

  GST_INFO_OBJECT (self->element, "segment %u is %s, confidence %f, after %"
      GST_TIME_FORMAT, segment->number, result->classification,
      result->confidence, GST_TIME_ARGS (latency));

  self->judged++;
  identifai_ledger_add_latency (self->ledger, latency);
  gst_identifai_outbox_queue (self,
      gst_identifai_message_verdict (self->element, segment,
          gst_identifai_outbox_ticket (segment)->ref_id, identifier, result,
          latency));
  gst_identifai_outbox_queue (self, gst_identifai_message_tags (self->element,
          identifier, result));
  gst_identifai_outbox_count_locked (self, segment, result);
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

/* What the client says, on its network thread. The outbox is there as long as
 * the client, which waits for these when it is closed. */

static void
on_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  IdentifaiSegment *segment = data;

  g_mutex_lock (&self->lock);
  if (identifai_ledger_has (self->ledger, segment)) {
    gst_identifai_outbox_queue (self,
        gst_identifai_message_submitted (self->element, segment,
            gst_identifai_outbox_ticket (segment)->ref_id, identifier,
            upload_time));
    gst_identifai_outbox_ticket (segment)->identifier = g_strdup (identifier);
    g_clear_pointer (&segment->file, identifai_memory_file_unref);
    g_clear_pointer (&gst_identifai_outbox_ticket (segment)->request->file,
        identifai_memory_file_unref);
    identifai_ledger_move (self->ledger, segment, IDENTIFAI_PLACE_TAKEN);
    g_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_tell_room (self);
  gst_identifai_poster_kick (self->poster);
}

static gboolean
is_refusal (IdentifaiReason reason)
{
  return reason == IDENTIFAI_REASON_UNAUTHORIZED
      || reason == IDENTIFAI_REASON_NO_CREDITS;
}

static void
refuse_locked (GstIdentifaiOutbox * self, const IdentifaiOutcome * outcome)
{
  GstIdentifaiFailure failure = { IDENTIFAI_CALL_POST, outcome->reason,
    outcome->http_status, outcome->message, self->key_worked, -1
  };

  if (self->on_refusal != GST_IDENTIFAI_ON_REFUSAL_ERROR || self->refused)
    return;
  self->refused = TRUE;
  gst_identifai_outbox_queue (self,
      gst_identifai_error_refused (self->element, &failure));
}

static void
on_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  IdentifaiSegment *segment = data;
  gboolean good = (outcome->reason == IDENTIFAI_REASON_NONE);

  g_mutex_lock (&self->lock);
  if (identifai_ledger_remove (self->ledger, segment,
          good ? IDENTIFAI_END_VERDICT : IDENTIFAI_END_FAILED)) {
    if (good)
      end_verdict_locked (self, segment, outcome);
    else
      gst_identifai_outbox_end_failed_locked (self, segment, outcome);
    if (is_refusal (outcome->reason))
      refuse_locked (self, outcome);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_tell_room (self);
  gst_identifai_poster_kick (self->poster);
}

static void
call_succeeded_locked (GstIdentifaiOutbox * self)
{
  note_call_locked (self, NULL, 0);
  self->key_worked = TRUE;
  if (identifai_alarm_good (&self->call_trouble))
    gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
            "The classification service works again"));
}

static void
log_failure (GstIdentifaiOutbox * self, const GstIdentifaiFailure * failure)
{
  const gchar *call = failure->call == IDENTIFAI_CALL_POST ? "submit call" :
      "look at results";

  if (failure->retry_in < 0)
    GST_INFO_OBJECT (self->element, "%s failed: %s", call,
        GST_STR_NULL (failure->text));
  else
    GST_INFO_OBJECT (self->element, "%s failed: %s; trying again in %.1f s",
        call, GST_STR_NULL (failure->text),
        failure->retry_in / (gdouble) G_TIME_SPAN_SECOND);
}

static void
call_failed_locked (GstIdentifaiOutbox * self,
    const GstIdentifaiFailure * failure)
{
  /* A look that is refused costs no segment: it is made again. */
  gboolean as_error = failure->call == IDENTIFAI_CALL_POST
      && is_refusal (failure->reason)
      && self->on_refusal == GST_IDENTIFAI_ON_REFUSAL_ERROR;

  log_failure (self, failure);
  note_call_locked (self, failure->text, failure->http_status);
  if (identifai_alarm_bad (&self->call_trouble, failure->reason) && !as_error)
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_call (self->element, failure));
}

static void
on_attempted (IdentifaiCall call, IdentifaiReason reason, guint http_status,
    const gchar * message, gint64 retry_in, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  GstIdentifaiFailure failure = { call, reason, http_status, message, FALSE,
    retry_in
  };

  g_mutex_lock (&self->lock);
  failure.key_worked = self->key_worked;
  if (reason == IDENTIFAI_REASON_NONE)
    call_succeeded_locked (self);
  else
    call_failed_locked (self, &failure);
  g_mutex_unlock (&self->lock);

  gst_identifai_poster_kick (self->poster);
}

const IdentifaiClientCallbacks gst_identifai_outbox_callbacks = {
  .submitted = on_submitted,
  .finished = on_finished,
  .attempted = on_attempted,
};

/* What there is to say without the client. */

void
gst_identifai_outbox_uncount_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  GstIdentifaiTicket *ticket = gst_identifai_outbox_ticket (segment);

  if (ticket->counted)
    identifai_hourly_quota_give_back (&self->allowance);
  ticket->counted = FALSE;
}

void
gst_identifai_outbox_file_failed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  IdentifaiOutcome outcome = {
    .reason = segment->failure,
    .message = segment->failure_text,
  };

  if (identifai_alarm_bad (&self->file_trouble, segment->failure))
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_file (self->element, segment->failure,
            segment->failure_text));
  gst_identifai_outbox_uncount_locked (self, segment);
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_FAILED);
  gst_identifai_outbox_end_failed_locked (self, segment, &outcome);
}

void
gst_identifai_outbox_over_budget_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  if (identifai_alarm_bad (&self->budget_trouble, 0))
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_budget (self->element, self->max_uploads));
  lost_locked (self, GST_IDENTIFAI_LOSS_BUDGET, 0, NULL);
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
  gst_identifai_outbox_end_dropped_locked (self, segment, "budget");
}

void
gst_identifai_outbox_within_budget_locked (GstIdentifaiOutbox * self)
{
  if (identifai_alarm_good (&self->budget_trouble))
    gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
            "Segments are posted again, within max-uploads-per-hour"));
}

void
gst_identifai_outbox_overflowed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  if (identifai_alarm_bad (&self->overflow_trouble, 0))
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_overflow (self->element));
  lost_locked (self, GST_IDENTIFAI_LOSS_OVERFLOW, 0, NULL);
  gst_identifai_outbox_uncount_locked (self, segment);
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
  gst_identifai_outbox_end_dropped_locked (self, segment, "overflow");
}

void
gst_identifai_outbox_file_made_locked (GstIdentifaiOutbox * self)
{
  if (identifai_alarm_good (&self->file_trouble))
    gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
            "Files can be made of the segments again"));
}

void
gst_identifai_outbox_tell_sound_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  if (segment->audio_trouble == NULL || self->told_sound)
    return;
  self->told_sound = TRUE;
  gst_identifai_outbox_queue (self, gst_identifai_warning_sound (self->element,
          NULL, segment->audio_trouble));
}

void
gst_identifai_outbox_found_room_locked (GstIdentifaiOutbox * self)
{
  if (identifai_alarm_good (&self->overflow_trouble))
    gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
            "No more segments are dropped"));
}

void
gst_identifai_outbox_held_locked (GstIdentifaiOutbox * self)
{
  GST_INFO_OBJECT (self->element, "the stream is held for want of room");
  if (identifai_alarm_bad (&self->hold_trouble, 0))
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_held (self->element));
}

void
gst_identifai_outbox_not_held_locked (GstIdentifaiOutbox * self)
{
  if (identifai_alarm_good (&self->hold_trouble))
    gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
            "The stream is not held any more"));
}

GstMessage *
gst_identifai_outbox_summary (GstIdentifaiOutbox * self, gboolean at_end)
{
  GstMessage *message = NULL;
  guint64 segments;

  g_mutex_lock (&self->lock);
  segments = self->judged + self->losses.total
      + identifai_ledger_get_totals (self->ledger)->pending;
  if (self->losses.total > 0 && !self->refused)
    message = gst_identifai_summary (self->element, &self->losses, segments,
        !at_end || self->on_refusal == GST_IDENTIFAI_ON_REFUSAL_ERROR);
  forget_losses_locked (self);
  g_mutex_unlock (&self->lock);

  return message;
}
