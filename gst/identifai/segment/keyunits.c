/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "keyunits.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

/* Longer than encoders let pass between two by themselves, mostly. */
#define PATIENCE (15 * (gint64) GST_SECOND)
#define AGAIN (60 * (gint64) GST_SECOND)        /* people are told */
#define ENOUGH 2                /* segments in a row */
#define KIND 0

void
identifai_key_units_init (IdentifaiKeyUnits * self)
{
  *self = (IdentifaiKeyUnits) {
  .name = self->name,.when = GST_CLOCK_TIME_NONE};
  identifai_alarm_init (&self->trouble, ENOUGH);
}

void
identifai_key_units_ask (IdentifaiKeyUnits * self, GstClockTime when)
{
  if (!self->enabled)
    return;
  self->wanted = TRUE;
  self->when = when;
}

void
identifai_key_units_ask_late (IdentifaiKeyUnits * self)
{
  if (self->asked_late)
    return;
  GST_DEBUG_ID (self->name, "a key frame is overdue, or there is little room: "
      "one is asked for");
  self->asked_late = TRUE;
  identifai_key_units_ask (self, GST_CLOCK_TIME_NONE);
}

void
identifai_key_units_reset_late (IdentifaiKeyUnits * self)
{
  self->asked_late = FALSE;
}

gboolean
identifai_key_units_take_request (IdentifaiKeyUnits * self, GstClockTime * when)
{
  if (!self->wanted)
    return FALSE;
  self->wanted = FALSE;
  *when = self->when;

  return TRUE;
}

void
identifai_key_units_drop_request (IdentifaiKeyUnits * self)
{
  self->wanted = FALSE;
}

static gboolean
is_too_late (gint64 late, gint64 duration)
{
  return late > MAX (PATIENCE, duration);
}

static void
tell (IdentifaiKeyUnits * self, gboolean missing)
{
  GST_DEBUG_ID (self->name, "key frames %s", missing ? "are missing" :
      "come in time again");
  self->has_news = TRUE;
  self->missing = missing;
}

gboolean
identifai_key_units_wait (IdentifaiKeyUnits * self, gint64 late,
    gint64 duration)
{
  self->told_late = MIN (self->told_late, late);
  if (!is_too_late (late, duration))
    return FALSE;
  GST_LOG_ID (self->name, "a key frame is %" GST_STIME_FORMAT " late",
      GST_STIME_ARGS (late));
  if (identifai_alarm_bad (&self->trouble, KIND)
      || late - self->told_late >= AGAIN) {
    tell (self, TRUE);
    self->told_late = late;
  }

  return TRUE;
}

void
identifai_key_units_come (IdentifaiKeyUnits * self, gint64 late,
    gint64 duration)
{
  if (!is_too_late (late, duration) && identifai_alarm_good (&self->trouble))
    tell (self, FALSE);
}

gboolean
identifai_key_units_take_news (IdentifaiKeyUnits * self, gboolean * missing)
{
  gboolean has_news = self->has_news;

  self->has_news = FALSE;
  *missing = self->missing;

  return has_news;
}
