/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waits for what is outstanding, and what ends them.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

void
gst_identifai_outbox_set_flushing (GstIdentifaiOutbox * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  GST_DEBUG_OBJECT (self->element, "waits are %s",
      flushing ? "interrupted" : "possible again");
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_set_flushing (self->reporter, flushing);
}

/* Meanwhile another thread may stop it. */
static void
fail_all_locked (GstIdentifaiOutbox * self)
{
  IdentifaiClient *client = identifai_client_ref (self->client);
  IdentifaiSegment *segment;
  guint http_status;
  gchar *text;

  GST_INFO_OBJECT (self->element, "drain-timeout is over; %"
      IDENTIFAI_TOTALS_FORMAT,
      IDENTIFAI_TOTALS_ARGS (identifai_ledger_get_totals (self->ledger)));
  gst_identifai_outbox_begin_halt_locked (self);
  g_mutex_unlock (&self->lock);
  identifai_mux_worker_halt (self->worker);
  identifai_client_cancel (client);
  identifai_client_unref (client);
  g_mutex_lock (&self->lock);
  self->halting = self->client == NULL;

  text = gst_identifai_reporter_explain_timeout (self->reporter, &http_status);
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL)
    gst_identifai_outbox_end_failed_locked (self, segment,
        IDENTIFAI_REASON_TIMEOUT, http_status, text);
  g_free (text);
}

void
gst_identifai_outbox_expire (GstIdentifaiOutbox * self)
{
  g_mutex_lock (&self->lock);
  if (!self->flushing && self->client != NULL)
    fail_all_locked (self);
  gst_identifai_outbox_unlock (self);
  gst_identifai_reporter_post (self->reporter);
}

static gboolean
is_drained_locked (GstIdentifaiOutbox * self)
{
  const IdentifaiTotals *totals = identifai_ledger_get_totals (self->ledger);

  return totals->pending == 0 && totals->resumed_pending == 0;
}

/* Only _push brings more than may wait. */
static gboolean
is_within_bounds_locked (GstIdentifaiOutbox * self)
{
  return gst_identifai_outbox_get_overflow_locked (self) !=
      GST_IDENTIFAI_OVERFLOW_BLOCK
      || identifai_ledger_is_within_bounds (self->ledger);
}

static void
log_wait_locked (GstIdentifaiOutbox * self, const gchar * cause, gint64 since)
{
  gint64 waited = identifai_clock_now () - since;

  if (waited >= LONG_WAIT)
    GST_DEBUG_OBJECT (self->element, "waited %" G_GINT64_FORMAT " ms for %s%s; "
        "%" IDENTIFAI_TOTALS_FORMAT, waited / 1000, cause,
        self->flushing ? ", interrupted" : "",
        IDENTIFAI_TOTALS_ARGS (identifai_ledger_get_totals (self->ledger)));
}

/* Until it is so, flushing, or the deadline (monotonic µs, -1: none). */
static gboolean
wait_until (GstIdentifaiOutbox * self,
    gboolean (*is_so) (GstIdentifaiOutbox * self), gint64 deadline,
    const gchar * cause)
{
  gint64 since = identifai_clock_now ();
  gboolean done, in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (!(done = is_so (self)) && !self->flushing && in_time) {
    in_time = identifai_clock_wait (&self->cond, &self->lock,
        deadline < 0 ? G_MAXINT64 : deadline);
  }
  log_wait_locked (self, cause, since);
  g_mutex_unlock (&self->lock);

  return done;
}

gboolean
gst_identifai_outbox_wait_drained (GstIdentifaiOutbox * self, gint64 deadline)
{
  return wait_until (self, is_drained_locked, deadline, "outcomes, at the end");
}

gboolean
gst_identifai_outbox_wait_within_bounds (GstIdentifaiOutbox * self,
    gint64 deadline)
{
  return wait_until (self, is_within_bounds_locked, deadline,
      "room for what an earlier stream left");
}

void
gst_identifai_outbox_sum_up (GstIdentifaiOutbox * self, gboolean at_end)
{
  guint64 pending;

  g_mutex_lock (&self->lock);
  pending = identifai_ledger_get_totals (self->ledger)->pending;
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_sum_up (self->reporter, pending, at_end);
}
