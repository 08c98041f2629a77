/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operator's words on what is held: it is dumped, or its hold becomes shorter. His
 * word at the outgoing end, force, is in holdjudge.c.
 */

#include "holdqueueprivate.h"
#include "framereader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HOLD)

#define NO_TIME IDENTIFAI_NO_TIME
#define VIDEO IDENTIFAI_HOLD_VIDEO
#define NEVER G_MAXINT64

static void
mark_dumped (IdentifaiHeldItem * item, gint64 since, gint64 unused)
{
  if (item->arrival >= since)
    item->dumped = TRUE;
}

/* Sound of theirs may have come before, or come later. */
static void
mark_dumped_pictures (IdentifaiHoldQueue * self)
{
  GList *link = identifai_hold_queue_get_stream (self, VIDEO)->items.head;

  for (; link != NULL; link = link->next) {
    const IdentifaiHeldItem *item = link->data;
    IdentifaiMark *mark = identifai_marks_find (self->marks, item->id);

    if (mark != NULL)
      mark->dumped = item->dumped;
  }
}

void
identifai_hold_queue_dump (IdentifaiHoldQueue * self, GstClockTime back,
    gint64 now)
{
  gint64 since = now - (gint64) (MIN (back, G_MAXINT64 / 2) / 1000);

  GST_INFO_ID (self->name, "dumped: what came in the last %" GST_TIME_FORMAT
      ", and comes", GST_TIME_ARGS (back));
  self->dumping = TRUE;
  identifai_hold_queue_for_each (self, mark_dumped, since, NO_TIME);
  mark_dumped_pictures (self);
}

void
identifai_hold_queue_release (IdentifaiHoldQueue * self)
{
  GST_INFO_ID (self->name, "what comes isn't dumped any more");
  self->dumping = FALSE;
}

/* Video that came before, or sound of that time. */
static void
mark_skipped (IdentifaiHeldItem * item, gint64 before, gint64 running)
{
  if (running != NO_TIME && item->running != NO_TIME)
    item->skipped |= item->running < running;
  else
    item->skipped |= item->arrival < before;
}

/* The first point that is not overdue is what goes on; all is, if nothing is held any
 * more. */
void
identifai_hold_queue_jump (IdentifaiHoldQueue * self, gint64 now)
{
  gint64 before = self->settings.hold > 0 ?
      now - (gint64) (self->settings.hold / 1000) : NEVER;
  IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, VIDEO);
  gint64 running = NO_TIME;
  GList *link;

  for (link = stream->items.head; link; link = link->next) {
    IdentifaiHeldItem *item = link->data;
    const IdentifaiMark *mark = identifai_marks_find (self->marks, item->id);

    if (item->arrival < before || mark == NULL
        || !identifai_hold_can_resume (self, mark))
      continue;
    before = item->arrival;
    running = item->running;
    break;
  }
  GST_DEBUG_ID (self->name, "the hold is shorter, %" GST_TIME_FORMAT ": %s %"
      GST_STIME_FORMAT, GST_TIME_ARGS (self->settings.hold), link != NULL ?
      "skips to the point at" : "skips what is overdue, no point is held;",
      GST_STIME_ARGS (running));
  identifai_hold_queue_for_each (self, mark_skipped, before, running);
}
