/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a verdict is of use any more: by how long judging took lately.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

gboolean
gst_identifai_outbox_is_useless_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment)
{
  return segment->number < self->useless && !segment->resumed;
}

/* Where others wait for the call: the longest but one, as there are stragglers, and half
 * as long again, as looks wait, too, behind trouble. Else the shortest. */
static gint64
get_judging_locked (GstIdentifaiOutbox * self, gboolean contended)
{
  guint n = MIN (self->n_judged, JUDGED), i;
  gint64 longest = 0, next = 0, shortest = n > 0 ? G_MAXINT64 : 0;

  for (i = 0; i < n; i++) {
    next = MAX (next, MIN (longest, self->judging[i]));
    longest = MAX (longest, self->judging[i]);
    shortest = MIN (shortest, self->judging[i]);
  }
  if (n == 1)
    next = longest;

  return contended ? next + next / 2 : shortest;
}

void
gst_identifai_outbox_note_judged_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment)
{
  if (segment->posted == 0)
    return;
  self->judging[self->n_judged++ % JUDGED] = identifai_clock_now ()
      - segment->posted;
}

/* µs until its pictures have to leave, less what judging takes. */
static gint64
get_time_left_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment, gint64 judging)
{
  if (self->hold == 0 || segment->first_frame == 0 || segment->resumed)
    return G_MAXINT64;

  return segment->first_frame + self->hold - judging - identifai_clock_now ();
}

void
gst_identifai_outbox_note_submitted_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  gint64 judging = get_judging_locked (self, FALSE);
  gint64 left = get_time_left_locked (self, segment, judging);

  segment->in_time = left > 0;
  if (left != G_MAXINT64)
    GST_DEBUG_OBJECT (self->element, "segment %u may wait for its call for %"
        G_GINT64_FORMAT " ms, as judging takes %" G_GINT64_FORMAT " ms, or if "
        "others wait, %" G_GINT64_FORMAT " ms%s", segment->number, left / 1000,
        judging / 1000, get_judging_locked (self, TRUE) / 1000,
        left > 0 ? "" : ": it is late, and goes all the same");
}

/* What was late from the start is posted nevertheless: so it is known when the service
 * has become faster. */
gboolean
gst_identifai_outbox_is_too_late_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment, gboolean contended)
{
  gint64 judging = get_judging_locked (self, contended);
  gint64 left = get_time_left_locked (self, segment, judging);

  if (left > 0 || !segment->in_time)
    return FALSE;
  GST_INFO_OBJECT (self->element, "segment %u isn't posted: its verdict would "
      "be %" G_GINT64_FORMAT " ms late, as judging takes %" G_GINT64_FORMAT
      " ms%s", segment->number, -left / 1000, judging / 1000,
      contended ? ", and others wait" : "");

  return TRUE;
}

void
gst_identifai_outbox_set_hold (GstIdentifaiOutbox * self, GstClockTime hold)
{
  g_mutex_lock (&self->lock);
  self->hold = MIN (hold, G_MAXINT64 / 2) / GST_USECOND;
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (self->element, "verdicts are of use for %" GST_TIME_FORMAT
      " from a segment's first frame on (0: for ever)", GST_TIME_ARGS (hold));
}
