/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GLib's clock and timers, or a test's. Any thread with the first; one with the
 * second.
 */

#include "clock.h"

struct _IdentifaiTimer
{
  IdentifaiTimerFunc func;
  gpointer user_data;
  GSource *source;              /* NULL in a simulation */
  gboolean is_set;              /* in a simulation, */
  GList link;                   /* in which it is one of the timers then */
  gint64 at;
};

/* Of a simulation; not written to outside of one. */
static struct
{
  gboolean runs;
  IdentifaiClockStep step;
  gint64 now;
  gint64 to_real;               /* what now lacks */
  GQueue timers;                /* that are set, by time */
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

/* Waits. */

/* Nobody else is there to do what is waited for. */
static gboolean
wait_simulated (GMutex * lock, gint64 until)
{
  gboolean went_on;

  g_mutex_unlock (lock);
  went_on = simulation.step (until);
  g_mutex_lock (lock);
  if (!went_on && until == G_MAXINT64)
    g_error ("nothing will ever end this wait");

  return went_on || simulation.now < until;
}

gboolean
identifai_clock_wait (GCond * cond, GMutex * lock, gint64 until)
{
  if (simulation.runs)
    return wait_simulated (lock, until);
  if (until != G_MAXINT64)
    return g_cond_wait_until (cond, lock, until);
  g_cond_wait (cond, lock);

  return TRUE;
}

/* Timers. */

static gboolean
on_ready (gpointer user_data)
{
  IdentifaiTimer *self = user_data;

  g_source_set_ready_time (self->source, -1);
  self->func (self->user_data);

  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_ready (GSource * source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs ready_funcs = {.dispatch = dispatch_ready };

IdentifaiTimer *
identifai_timer_new (GMainContext * context, const gchar * name,
    IdentifaiTimerFunc func, gpointer user_data)
{
  IdentifaiTimer *self = g_new0 (IdentifaiTimer, 1);

  self->func = func;
  self->user_data = user_data;
  self->link.data = self;
  if (simulation.runs)
    return self;

  self->source = g_source_new (&ready_funcs, sizeof (GSource));
  g_source_set_name (self->source, name);
  g_source_set_callback (self->source, on_ready, self, NULL);
  g_source_attach (self->source, context);

  return self;
}

static void
unset (IdentifaiTimer * self)
{
  if (self->is_set)
    g_queue_unlink (&simulation.timers, &self->link);
  self->is_set = FALSE;
  if (self->source != NULL)
    g_source_set_ready_time (self->source, -1);
}

/* There are few, and most of them go last. */
static void
set_simulated (IdentifaiTimer * self)
{
  GList *before = simulation.timers.tail;

  while (before != NULL && ((IdentifaiTimer *) before->data)->at > self->at)
    before = before->prev;
  if (before != NULL)
    g_queue_insert_after_link (&simulation.timers, before, &self->link);
  else
    g_queue_push_head_link (&simulation.timers, &self->link);
  self->is_set = TRUE;
}

void
identifai_timer_set (IdentifaiTimer * self, gint64 at)
{
  unset (self);
  if (at == G_MAXINT64)
    return;

  self->at = at;
  if (self->source == NULL)
    set_simulated (self);
  else
    g_source_set_ready_time (self->source, MAX (at, 0));
}

void
identifai_timer_free (IdentifaiTimer * self)
{
  unset (self);
  if (self->source != NULL) {
    g_source_destroy (self->source);
    g_source_unref (self->source);
  }
  g_free (self);
}

/* Simulation. */

void
identifai_clock_simulate (gint64 now, gint64 real, IdentifaiClockStep step)
{
  simulation.runs = TRUE;
  simulation.step = step;
  simulation.now = now;
  simulation.to_real = real - now;
}

gboolean
identifai_clock_advance (gint64 until)
{
  IdentifaiTimer *timer = g_queue_peek_head (&simulation.timers);

  if (timer == NULL || timer->at > until) {
    simulation.now = MAX (simulation.now, until);
    return FALSE;
  }
  unset (timer);
  simulation.now = MAX (simulation.now, timer->at);
  timer->func (timer->user_data);

  return TRUE;
}

void
identifai_clock_shift_real (gint64 by)
{
  simulation.to_real += by;
}
