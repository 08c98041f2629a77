/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tells when a kind of trouble starts and when all is well again, so that
 * people read one warning and one info for it instead of one a segment.
 *
 * Not thread-safe: its owner's lock guards it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 active;               /* a bit a kind */
  guint needed;                 /* good events in a row that end all trouble */
  guint good;                   /* so many came since the last bad one */
} IdentifaiTrouble;

static inline void
identifai_trouble_init (IdentifaiTrouble * self, guint needed)
{
  *self = (IdentifaiTrouble) {
    .needed = needed,
  };
}

/* TRUE: this kind (below 32) starts now. */
static inline gboolean
identifai_trouble_bad (IdentifaiTrouble * self, guint kind)
{
  guint32 bit = 1u << kind;
  gboolean starts = (self->active & bit) == 0;

  self->active |= bit;
  self->good = 0;

  return starts;
}

/* TRUE: all trouble ends now. */
static inline gboolean
identifai_trouble_good (IdentifaiTrouble * self)
{
  if (self->active == 0 || ++self->good < self->needed)
    return FALSE;

  self->active = 0;
  self->good = 0;

  return TRUE;
}

G_END_DECLS
