/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the tests of clients share: a server that follows a table, and clients
 * of it with a log each. Whatever goes wrong here fails the test.
 */

#pragma once

#include "faultserver.h"
#include "tlsfront.h"
#include "clientlog.h"

G_BEGIN_DECLS

#define MAX_CLIENTS 8

typedef struct
{
  FaultServer *server;
  IdentifaiClientSettings settings;
  IdentifaiClient *clients[MAX_CLIENTS];
  ClientLog logs[MAX_CLIENTS];
  guint n_clients;
} ClientWorld;

void client_world_init (ClientWorld * world, const FaultStep * steps,
    guint n_steps);
/* Closes what is open. */
void client_world_clear (ClientWorld * world);

/* TLS between clients that are opened from now on and the server, with the
 * certificate in folder. It is freed after the world. */
TlsFront *client_world_put_front (ClientWorld * world, const gchar * folder,
    gboolean offers_h2);
/* Another client, with the settings as they are now. */
IdentifaiClient *client_world_open (ClientWorld * world);
/* Jobs with the numbers from first on. */
void client_world_push (ClientWorld * world, guint client, guint first,
    guint count);
/* Until so many jobs of the client are over. */
void client_world_wait (ClientWorld * world, guint client, guint finished);

G_END_DECLS
