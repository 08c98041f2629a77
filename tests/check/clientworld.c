/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "clientworld.h"

void
client_world_init (ClientWorld * world, const FaultStep * steps, guint n_steps)
{
  memset (world, 0, sizeof (ClientWorld));
  world->server = fault_server_new (steps, n_steps);
  client_log_fill_settings (&world->settings,
      fault_server_get_url (world->server), "key-one");
}

TlsFront *
client_world_put_front (ClientWorld * world, const gchar * folder,
    gboolean offers_h2)
{
  TlsFront *front = tls_front_new (folder,
      fault_server_get_port (world->server), offers_h2);

  g_free (world->settings.endpoint);
  world->settings.endpoint = tls_front_get_url (front);
  world->settings.tls_ca_file = g_build_filename (folder, "cert.pem", NULL);

  return front;
}

IdentifaiClient *
client_world_open (ClientWorld * world)
{
  guint index = world->n_clients++;
  GError *error = NULL;

  client_log_init (&world->logs[index]);
  world->clients[index] = identifai_client_new (&world->settings,
      &client_log_callbacks, &world->logs[index], &error);
  fail_unless (world->clients[index] != NULL, "%s",
      error ? error->message : "");

  return world->clients[index];
}

void
client_world_clear (ClientWorld * world)
{
  guint i;

  for (i = 0; i < world->n_clients; i++) {
    if (world->clients[i])
      identifai_client_close (world->clients[i]);
    client_log_clear (&world->logs[i]);
  }
  g_clear_pointer (&world->server, fault_server_free);
  identifai_client_settings_clear (&world->settings);
}

void
client_world_push (ClientWorld * world, guint client, guint first, guint count)
{
  guint i;

  for (i = 0; i < count; i++)
    client_log_push_new (&world->logs[client], world->clients[client],
        first + i, 1000 + first + i);
}

void
client_world_wait (ClientWorld * world, guint client, guint finished)
{
  fail_unless (client_log_wait (&world->logs[client],
          &world->logs[client].n_freed, finished), "%u of %u outcomes: %s",
      world->logs[client].n_finished, finished,
      world->logs[client].attempts->str);
}
