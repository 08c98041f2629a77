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

#define IDENTIFAI_TROUBLE_MAX_NEEDED 64
/* So many times what ended it, in good events: it is over, it didn't pause. */
#define IDENTIFAI_TROUBLE_OVER 32

typedef struct
{
  guint32 active;               /* a bit a kind */
  guint least;                  /* good events in a row that end all trouble */
  guint needed;                 /* the same, now */
  guint good;                   /* so many came since the last bad one */
} IdentifaiTrouble;

static inline void
identifai_trouble_init (IdentifaiTrouble * self, guint needed)
{
  *self = (IdentifaiTrouble) {
    .least = needed,
    .needed = needed,
    .good = IDENTIFAI_TROUBLE_MAX_NEEDED * IDENTIFAI_TROUBLE_OVER,
  };
}

/* TRUE: this kind (below 32) starts now. */
static inline gboolean
identifai_trouble_bad (IdentifaiTrouble * self, guint kind)
{
  guint32 bit = 1u << kind;
  gboolean starts = (self->active & bit) == 0;

  if (self->active == 0) {
    if (self->good >= self->needed * IDENTIFAI_TROUBLE_OVER)
      self->needed = self->least;
    else
      self->needed = MIN (self->needed * 2, IDENTIFAI_TROUBLE_MAX_NEEDED);
  }
  self->active |= bit;
  self->good = 0;

  return starts;
}

/* TRUE: all trouble ends now. */
static inline gboolean
identifai_trouble_good (IdentifaiTrouble * self)
{
  if (self->good < G_MAXUINT)
    self->good++;
  if (self->active == 0 || self->good < self->needed)
    return FALSE;

  self->active = 0;

  return TRUE;
}

G_END_DECLS
