/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A condition that costs nothing to tell while nobody waits for it: GLib's is a
 * system call each time, and streaming threads tell of each buffer.
 */

#pragma once

#include <glib.h>

#include "clock.h"

G_BEGIN_DECLS

typedef struct
{
  GCond cond;
  guint n_waiting;              /* the mutex that all of these are called with */
} IdentifaiCond;

static inline void
identifai_cond_init (IdentifaiCond * self)
{
  g_cond_init (&self->cond);
  self->n_waiting = 0;
}

static inline void
identifai_cond_clear (IdentifaiCond * self)
{
  g_cond_clear (&self->cond);
}

static inline void
identifai_cond_wait (IdentifaiCond * self, GMutex * mutex)
{
  self->n_waiting++;
  g_cond_wait (&self->cond, mutex);
  self->n_waiting--;
}

/* until: monotonic µs, by clock.h. FALSE: that is over. */
static inline gboolean
identifai_cond_wait_until (IdentifaiCond * self, GMutex * mutex, gint64 until)
{
  gboolean in_time;

  self->n_waiting++;
  in_time = identifai_clock_wait (&self->cond, mutex, until);
  self->n_waiting--;

  return in_time;
}

static inline void
identifai_cond_broadcast (IdentifaiCond * self)
{
  if (self->n_waiting > 0)
    g_cond_broadcast (&self->cond);
}

G_END_DECLS
