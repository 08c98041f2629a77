/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Room for what is to come: who waits for it, and what is given up.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

/* In µs: what is on the wire whole, and isn't answered, is asked for so often. */
#define ASK_AGAIN G_TIME_SPAN_SECOND

GstIdentifaiOverflow
gst_identifai_outbox_get_overflow_locked (GstIdentifaiOutbox * self)
{
  if (self->overflow != GST_IDENTIFAI_OVERFLOW_AUTO)
    return self->overflow;

  return self->live ? GST_IDENTIFAI_OVERFLOW_DROP_OLDEST :
      GST_IDENTIFAI_OVERFLOW_BLOCK;
}

gboolean
gst_identifai_outbox_has_room_locked (GstIdentifaiOutbox * self, guint64 bytes)
{
  return identifai_ledger_get_obstacle (self->ledger, bytes) == NULL;
}

/* result: what is done about it. */
void
gst_identifai_outbox_log_no_room_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment, const gchar * result)
{
  guint64 bytes = identifai_ledger_get_need (segment);

  GST_DEBUG_OBJECT (self->element, "segment %u: no room for %" G_GUINT64_FORMAT
      " bytes, %s; %" IDENTIFAI_TOTALS_FORMAT ": %s", segment->number, bytes,
      identifai_ledger_get_obstacle (self->ledger, bytes),
      IDENTIFAI_TOTALS_ARGS (identifai_ledger_get_totals (self->ledger)),
      result);
}

/* It isn't uploaded after all. */
void
gst_identifai_outbox_give_back_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment)
{
  if (!segment->beyond_budget)
    identifai_hourly_quota_give_back (&self->quota, segment->counted);
}

/* Whether the segment could still be taken back from where it is; from the wire, too,
 * as far as that can be, if by is identifai_client_abandon. It doesn't count as uploaded
 * then, unless the service may have it. */
static gboolean
take_back_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    gboolean (*by) (IdentifaiClient *, gpointer, gboolean *))
{
  gboolean withdrawn = FALSE, maybe_taken = FALSE;

  switch (identifai_ledger_get_stage (self->ledger, segment)) {
    case IDENTIFAI_STAGE_MUXING:
      withdrawn = identifai_mux_worker_remove (self->worker, segment);
      break;
    case IDENTIFAI_STAGE_UPLOADING:
      withdrawn = by (self->client, segment, &maybe_taken);
      break;
    case IDENTIFAI_STAGE_SUBMITTED:
      break;
  }
  GST_DEBUG_OBJECT (self->element, "segment %u %s", segment->number,
      !withdrawn ? "can't be taken back any more" : maybe_taken ?
      "is taken back, but the service may have it" : "is taken back");
  if (withdrawn && !maybe_taken)
    gst_identifai_outbox_give_back_locked (self, segment);

  return withdrawn;
}

gboolean
gst_identifai_outbox_withdraw_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  return take_back_locked (self, segment, identifai_client_withdraw);
}

/* For a later one. FALSE: everything that waits is on its way already. */
static gboolean
drop_oldest_locked (GstIdentifaiOutbox * self, const IdentifaiSegment * later)
{
  IdentifaiSegment *segment;
  guint i;

  for (i = 0; (segment = identifai_ledger_peek (self->ledger, i)); i++) {
    if (gst_identifai_outbox_withdraw_locked (self, segment)) {
      GST_DEBUG_OBJECT (self->element, "segment %u goes, as segment %u finds "
          "no room and it is the oldest", segment->number, later->number);
      gst_identifai_outbox_end_dropped_locked (self, segment,
          GST_IDENTIFAI_DROP_OVERFLOW);
      return TRUE;
    }
  }
  GST_DEBUG_OBJECT (self->element, "segment %u: none before it can be taken "
      "back", later->number);

  return FALSE;
}

/* TRUE: there is room now. */
gboolean
gst_identifai_outbox_make_room_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment)
{
  guint64 bytes = identifai_ledger_get_need (segment);

  while (!gst_identifai_outbox_has_room_locked (self, bytes)) {
    if (gst_identifai_outbox_get_overflow_locked (self) !=
        GST_IDENTIFAI_OVERFLOW_DROP_OLDEST)
      return FALSE;
    if (!drop_oldest_locked (self, segment))
      return FALSE;
  }

  return TRUE;
}

/* So that later ones go in its place. What is being muxed is given up when it has its
 * file, for who wants that; what is on the wire is broken off, unless the service has
 * all of it and may answer soon; what it took is left alone. */
gint64
gst_identifai_outbox_give_up_before (GstIdentifaiOutbox * self, guint number)
{
  IdentifaiSegment *segment, *next;
  gboolean left = FALSE;

  g_mutex_lock (&self->lock);
  if (number > self->useless)
    GST_DEBUG_OBJECT (self->element, "segments before %u are past their time",
        number);
  self->useless = MAX (self->useless, number);
  segment = identifai_ledger_peek (self->ledger, 0);
  for (; segment != NULL; segment = next) {
    next = identifai_ledger_next (self->ledger, segment);
    if (!gst_identifai_outbox_is_useless_locked (self, segment)
        || identifai_ledger_get_stage (self->ledger, segment) !=
        IDENTIFAI_STAGE_UPLOADING)
      continue;
    if (take_back_locked (self, segment, identifai_client_abandon))
      gst_identifai_outbox_end_dropped_locked (self, segment,
          GST_IDENTIFAI_DROP_LATE);
    else
      left = TRUE;
  }
  gst_identifai_outbox_unlock (self);

  return left ? identifai_clock_now () + ASK_AGAIN : G_MAXINT64;
}

void
gst_identifai_outbox_want_room_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment)
{
  RoomWanted *wanted = &self->wanted;

  if (wanted->since == 0 || wanted->number != segment->number) {
    gst_identifai_outbox_log_no_room_locked (self, segment, "it waits");
    wanted->since = identifai_clock_now ();
  }
  wanted->notify = TRUE;
  wanted->number = segment->number;
  wanted->bytes = identifai_ledger_get_need (segment);
}

/* Whether the element gets to hear of room, once. */
gboolean
gst_identifai_outbox_take_room_locked (GstIdentifaiOutbox * self)
{
  if (!self->wanted.notify || self->halting || self->client == NULL
      || !gst_identifai_outbox_has_room_locked (self, self->wanted.bytes))
    return FALSE;
  self->wanted.notify = FALSE;
  GST_DEBUG_OBJECT (self->element, "there is room for segment %u",
      self->wanted.number);

  return self->callbacks->room != NULL;
}

gboolean
gst_identifai_outbox_has_waited_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment)
{
  gboolean waited = self->wanted.since != 0
      && self->wanted.number == segment->number;
  gint64 time = identifai_clock_now () - self->wanted.since;

  if (waited && time >= LONG_WAIT)
    GST_DEBUG_OBJECT (self->element, "segment %u waited %" G_GINT64_FORMAT
        " ms for room", segment->number, time / 1000);
  self->wanted = (RoomWanted) {
  0};

  return waited;
}

guint64
gst_identifai_outbox_get_space (GstIdentifaiOutbox * self)
{
  guint64 space;

  g_mutex_lock (&self->lock);
  space = identifai_ledger_get_space (self->ledger);
  g_mutex_unlock (&self->lock);

  return space;
}

gboolean
gst_identifai_outbox_blocks (GstIdentifaiOutbox * self)
{
  gboolean blocks;

  g_mutex_lock (&self->lock);
  blocks =
      gst_identifai_outbox_get_overflow_locked (self) ==
      GST_IDENTIFAI_OVERFLOW_BLOCK;
  g_mutex_unlock (&self->lock);

  return blocks;
}
