/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "clock.h"

struct _IdentifaiTimer
{
  GSource source;
  GSequenceIter *entry;         /* in a simulation, when set */
  gint64 at;
};

/* Of a simulation; not written to outside of one. */
static struct
{
  gboolean runs;
  gint64 now;
  gint64 to_real;               /* what now lacks */
  GSequence *timers;            /* that are set, by time */
} simulation;

gint64
identifai_clock_now (void)
{
  return simulation.runs ? simulation.now : g_get_monotonic_time ();
}

gint64
identifai_clock_now_real (void)
{
  return simulation.runs ? simulation.now + simulation.to_real :
      g_get_real_time ();
}

/* Timers. */

static gboolean
timer_dispatch (GSource * source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  ((IdentifaiTimerFunc) (void (*)(void)) callback) (user_data);

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = {.dispatch = timer_dispatch };

IdentifaiTimer *
identifai_timer_new (GMainContext * context, const gchar * name,
    IdentifaiTimerFunc func, gpointer user_data)
{
  GSource *source = g_source_new (&timer_funcs, sizeof (IdentifaiTimer));
  IdentifaiTimer *self = (IdentifaiTimer *) source;

  self->entry = NULL;
  g_source_set_name (source, name);
  g_source_set_callback (source, (GSourceFunc) (void (*)(void)) func,
      user_data, NULL);
  g_source_attach (source, context);

  return self;
}

static gint
compare_at (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const IdentifaiTimer *one = a, *other = b;

  return one->at < other->at ? -1 : one->at > other->at;
}

static void
unset (IdentifaiTimer * self)
{
  if (self->entry != NULL)
    g_sequence_remove (self->entry);
  self->entry = NULL;
  g_source_set_ready_time (&self->source, -1);
}

void
identifai_timer_set (IdentifaiTimer * self, gint64 at)
{
  unset (self);
  if (at == G_MAXINT64)
    return;

  self->at = at;
  if (simulation.runs)
    self->entry = g_sequence_insert_sorted (simulation.timers, self,
        compare_at, NULL);
  else
    g_source_set_ready_time (&self->source, MAX (at, 0));
}

void
identifai_timer_free (IdentifaiTimer * self)
{
  unset (self);
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

/* Simulation. */

void
identifai_clock_simulate (gint64 now, gint64 real)
{
  simulation.runs = TRUE;
  simulation.now = now;
  simulation.to_real = real - now;
  if (simulation.timers == NULL)
    simulation.timers = g_sequence_new (NULL);
}

gboolean
identifai_clock_advance (gint64 until)
{
  GSequenceIter *first = g_sequence_get_begin_iter (simulation.timers);
  IdentifaiTimer *timer = g_sequence_iter_is_end (first) ? NULL :
      g_sequence_get (first);

  if (timer == NULL || timer->at > until) {
    simulation.now = MAX (simulation.now, until);
    return FALSE;
  }
  unset (timer);
  simulation.now = MAX (simulation.now, timer->at);
  g_source_set_ready_time (&timer->source, 0);

  return TRUE;
}

void
identifai_clock_shift_real (gint64 by)
{
  simulation.to_real += by;
}
