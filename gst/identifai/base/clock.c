/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GLib's clock and timers, or a test's. Any thread, but one in a simulation.
 */

#include "clock.h"

struct _IdentifaiTimer
{
  IdentifaiTimerFunc func;
  gpointer user_data;
  GSource *source;              /* NULL in a simulation */
  gboolean is_set;              /* in a test, */
  GList link;                   /* which has it among its timers then */
  gint64 at;
};

/* By time. */
static GQueue timers = G_QUEUE_INIT;

/* Of a simulation; not written to outside of one. */
static struct
{
  gboolean runs;
  IdentifaiClockStep step;
  gint64 now;
  gint64 to_real;               /* what now lacks */
} simulation;

/* Somebody who waits, on whose stack it is. */
typedef struct
{
  GCond *cond;
  gint64 until;
  GList link;
} Wait;

/* Where time is held; nor to this one. */
static struct
{
  gboolean runs;
  gint64 start, real;
  gint ms;                      /* since then; atomic */
  GMutex lock;                  /* of waits, and of timers here */
  GQueue waits;
} hold;

static gint64
get_moved (void)
{
  return g_atomic_int_get (&hold.ms) * (gint64) 1000;
}

gint64
identifai_clock_now (void)
{
  if (simulation.runs)
    return simulation.now;

  return hold.runs ? hold.start + get_moved () : g_get_monotonic_time ();
}

gint64
identifai_clock_now_real (void)
{
  if (simulation.runs)
    return simulation.now + simulation.to_real;

  return hold.runs ? hold.real + get_moved () : g_get_real_time ();
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

static gboolean
wait_held (GCond * cond, GMutex * lock, gint64 until)
{
  Wait wait = {.cond = cond,.until = until,.link = {.data = &wait} };

  if (until <= identifai_clock_now ())
    return FALSE;
  g_mutex_lock (&hold.lock);
  g_queue_push_tail_link (&hold.waits, &wait.link);
  g_mutex_unlock (&hold.lock);
  g_cond_wait (cond, lock);
  g_mutex_lock (&hold.lock);
  g_queue_unlink (&hold.waits, &wait.link);
  g_mutex_unlock (&hold.lock);

  return identifai_clock_now () < until;
}

gboolean
identifai_clock_wait (GCond * cond, GMutex * lock, gint64 until)
{
  if (simulation.runs)
    return wait_simulated (lock, until);
  if (hold.runs && until != G_MAXINT64)
    return wait_held (cond, lock, until);
  if (until != G_MAXINT64)
    return g_cond_wait_until (cond, lock, until);
  g_cond_wait (cond, lock);

  return TRUE;
}

/* Timers. */

static void
unset (IdentifaiTimer * self)
{
  if (self->is_set) {
    g_mutex_lock (&hold.lock);
    g_queue_unlink (&timers, &self->link);
    g_mutex_unlock (&hold.lock);
  }
  self->is_set = FALSE;
  if (self->source != NULL)
    g_source_set_ready_time (self->source, -1);
}

static gboolean
on_ready (gpointer user_data)
{
  IdentifaiTimer *self = user_data;

  unset (self);
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

/* There are few, and most of them go last. */
static void
note (IdentifaiTimer * self)
{
  GList *before;

  g_mutex_lock (&hold.lock);
  before = timers.tail;

  while (before != NULL && ((IdentifaiTimer *) before->data)->at > self->at)
    before = before->prev;
  if (before != NULL)
    g_queue_insert_after_link (&timers, before, &self->link);
  else
    g_queue_push_head_link (&timers, &self->link);
  self->is_set = TRUE;
  g_mutex_unlock (&hold.lock);
}

static void
set_source (IdentifaiTimer * self)
{
  gint64 at = MAX (self->at, 0);

  if (hold.runs)
    at = self->at > identifai_clock_now ()? -1 : 0;
  g_source_set_ready_time (self->source, at);
}

void
identifai_timer_set (IdentifaiTimer * self, gint64 at)
{
  unset (self);
  if (at == G_MAXINT64)
    return;

  self->at = at;
  if (simulation.runs || hold.runs)
    note (self);
  if (self->source != NULL)
    set_source (self);
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
  IdentifaiTimer *timer = g_queue_peek_head (&timers);

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

/* Time that is held. */

void
identifai_clock_hold (void)
{
  hold.start = g_get_monotonic_time ();
  hold.real = g_get_real_time ();
  hold.runs = TRUE;
}

static gint64
get_next_locked (gint64 until)
{
  IdentifaiTimer *timer = g_queue_peek_head (&timers);
  GList *link;

  if (timer != NULL)
    until = MIN (until, timer->at);
  for (link = hold.waits.head; link != NULL; link = link->next)
    until = MIN (until, ((Wait *) link->data)->until);

  return until;
}

static void
wake_locked (void)
{
  GList *link;

  for (link = hold.waits.head; link != NULL; link = link->next) {
    Wait *wait = link->data;

    if (wait->until <= identifai_clock_now ())
      g_cond_broadcast (wait->cond);
  }
  for (link = timers.head; link != NULL; link = link->next)
    set_source (link->data);
}

gboolean
identifai_clock_move (gint64 until)
{
  gint64 next, ms;

  g_mutex_lock (&hold.lock);
  next = get_next_locked (until);
  ms = next == G_MAXINT64 ? 0 : (next - identifai_clock_now () + 999) / 1000;
  if (ms > 0) {
    g_atomic_int_add (&hold.ms, (gint) ms);
    wake_locked ();
  }
  g_mutex_unlock (&hold.lock);

  return ms > 0;
}
