/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The one network thread: its start and end, and the commands that it is sent. What
 * has a lock here is what other threads touch.
 */

#include "log.h"
#include "network.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long the end of the last client waits for the thread to end. */
#define STOP_PATIENCE (50 * G_TIME_SPAN_MILLISECOND)
/* Waits that are longer are told. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

/* Taken for moments; but for the main context's own, nothing is taken within it. */
static GMutex lock;
static GCond ended;
static IdentifaiNetwork *current;       /* whose thread hasn't ended; borrowed */

static struct
{
  GMainContext *context;
  const IdentifaiTransportFuncs *transport;
} simulation;

void
identifai_network_unref (IdentifaiNetwork * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;

  g_clear_pointer (&self->thread, g_thread_unref);
  g_main_context_unref (self->context);
  g_free (self);
}

/* Without clients, accounts, and commands of the last client's. */
static gboolean
is_over (IdentifaiNetwork * self)
{
  gboolean over;

  g_mutex_lock (&lock);
  over = self->n_clients == 0 && self->accounts.length == 0
      && !g_main_context_pending (self->context);
  if (over)
    current = NULL;
  g_mutex_unlock (&lock);

  return over;
}

static gpointer
run (gpointer user_data)
{
  IdentifaiNetwork *self = user_data;

  GST_DEBUG ("network thread starts");
  g_main_context_push_thread_default (self->context);
  do {
    g_main_context_iteration (self->context, TRUE);
  } while (!is_over (self));
  g_main_context_pop_thread_default (self->context);
  GST_DEBUG ("network thread ends");

  g_mutex_lock (&lock);
  self->done = TRUE;
  g_cond_broadcast (&ended);
  g_mutex_unlock (&lock);
  identifai_network_unref (self);

  return NULL;
}

static IdentifaiNetwork *
network_new (GError ** error)
{
  IdentifaiNetwork *self = g_new0 (IdentifaiNetwork, 1);

  self->refcount = 1;
  if (simulation.context != NULL) {
    self->context = g_main_context_ref (simulation.context);
    self->transport = simulation.transport;
  } else {
    self->context = g_main_context_new ();
    self->transport = &identifai_http_transport;
    self->thread = g_thread_try_new ("identifai-net", run, self, error);
  }
  if (self->thread == NULL && simulation.context == NULL)
    g_clear_pointer (&self, identifai_network_unref);

  return self;
}

IdentifaiNetwork *
identifai_network_get (GError ** error)
{
  IdentifaiNetwork *self;

  g_mutex_lock (&lock);
  if (current == NULL)
    current = network_new (error);
  self = current;
  if (self != NULL) {
    self->n_clients++;
    g_atomic_int_inc (&self->refcount);
  }
  g_mutex_unlock (&lock);

  return self;
}

/* One that is stuck in a callback, or that this is, ends on its own; or goes on,
 * with another client. */
static void
wait_for_end (IdentifaiNetwork * self)
{
  gint64 until = g_get_monotonic_time () + STOP_PATIENCE;
  GThread *thread = NULL;
  gboolean done;
  gint64 waited;

  g_mutex_lock (&lock);
  while (!self->done && self->n_clients == 0 && self->thread != g_thread_self ()
      && g_cond_wait_until (&ended, &lock, until));
  done = self->done;
  if (done)
    thread = g_steal_pointer (&self->thread);
  g_mutex_unlock (&lock);

  g_clear_pointer (&thread, g_thread_join);
  waited = STOP_PATIENCE - (until - g_get_monotonic_time ());
  if (waited >= LONG_WAIT)
    GST_DEBUG ("waited %d ms for the network thread to end%s", (gint) (waited
            / G_TIME_SPAN_MILLISECOND), done ? "" : ", which it doesn't");
}

void
identifai_network_release (IdentifaiNetwork * self)
{
  gboolean last, simulated = self->transport == simulation.transport;

  g_mutex_lock (&lock);
  last = --self->n_clients == 0;
  if (last && simulated)
    current = NULL;
  g_mutex_unlock (&lock);

  if (last && simulated) {
    identifai_network_unref (self);
  } else if (last) {
    g_main_context_wakeup (self->context);
    wait_for_end (self);
  }
}

/* The main context keeps those of one priority in order. */
void
identifai_network_send (IdentifaiNetwork * self, GSourceFunc func,
    gpointer data, GDestroyNotify free_data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, free_data);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

void
identifai_network_simulate (GMainContext * context,
    const IdentifaiTransportFuncs * transport)
{
  simulation.context = context;
  simulation.transport = transport;
}
