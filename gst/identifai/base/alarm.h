/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tells when a kind of trouble starts and when all is well again, so that
 * people read one warning and one info for it instead of one a segment.
 *
 * Trouble that comes and goes (every second connection fails) is told of like
 * trouble that stays: each time that it comes back soon, twice as many good
 * events in a row are needed to end it.
 *
 * Not thread-safe: its owner's lock guards it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define IDENTIFAI_ALARM_MAX_NEEDED 64
/* So many times what ended it, in good events: it is over, it didn't pause. */
#define IDENTIFAI_ALARM_OVER 32

typedef struct
{
  guint32 active;               /* a bit a kind */
  guint least;                  /* good events in a row that end all trouble */
  guint needed;                 /* the same, now */
  guint good;                   /* so many came since the last bad one */
} IdentifaiAlarm;

static inline void
identifai_alarm_init (IdentifaiAlarm * self, guint needed)
{
  *self = (IdentifaiAlarm) {
    .least = needed,
    .needed = needed,
    .good = IDENTIFAI_ALARM_MAX_NEEDED * IDENTIFAI_ALARM_OVER,
  };
}

/* TRUE: this kind (below 32) starts now. */
static inline gboolean
identifai_alarm_bad (IdentifaiAlarm * self, guint kind)
{
  guint32 bit = 1u << kind;
  gboolean starts = (self->active & bit) == 0;

  if (self->active == 0) {
    if (self->good >= self->needed * IDENTIFAI_ALARM_OVER)
      self->needed = self->least;
    else
      self->needed = MIN (self->needed * 2, IDENTIFAI_ALARM_MAX_NEEDED);
  }
  self->active |= bit;
  self->good = 0;

  return starts;
}

/* TRUE: all trouble ends now. */
static inline gboolean
identifai_alarm_good (IdentifaiAlarm * self)
{
  if (self->good < G_MAXUINT)
    self->good++;
  if (self->active == 0 || self->good < self->needed)
    return FALSE;

  self->active = 0;

  return TRUE;
}

G_END_DECLS
