/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What keeps a client, and the commands that its users send to the network thread.
 */

#include "clientprivate.h"

IdentifaiClient *
identifai_client_ref (IdentifaiClient * self)
{
  g_atomic_int_inc (&self->refcount);

  return self;
}

void
identifai_client_unref (IdentifaiClient * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;

  identifai_network_unref (self->network);
  identifai_client_settings_clear (&self->settings);
  g_clear_object (&self->tls_database);
  g_free (self->transport_key);
  g_rec_mutex_clear (&self->calling);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
identifai_client_is_closed (IdentifaiClient * self)
{
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  g_mutex_unlock (&self->lock);

  return closed;
}

typedef struct
{
  IdentifaiCommand command;
  IdentifaiClient *client;      /* a reference */
  gpointer argument;
} Order;

static gboolean
on_order (gpointer user_data)
{
  Order *order = user_data;

  order->command (order->client, order->argument);

  return G_SOURCE_REMOVE;
}

static void
order_free (gpointer data)
{
  Order *order = data;

  identifai_client_unref (order->client);
  g_free (order);
}

void
identifai_client_send_locked (IdentifaiClient * self, IdentifaiCommand command,
    gpointer argument)
{
  Order *order = g_new (Order, 1);

  order->command = command;
  order->client = identifai_client_ref (self);
  order->argument = argument;
  identifai_network_send (self->network, on_order, order, order_free);
}

void
identifai_client_send (IdentifaiClient * self, IdentifaiCommand command,
    gpointer argument, GDestroyNotify free_argument)
{
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  if (!closed)
    identifai_client_send_locked (self, command, argument);
  g_mutex_unlock (&self->lock);

  if (closed && free_argument != NULL)
    free_argument (argument);
}
