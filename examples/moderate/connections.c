/* identifai-moderate: who is connected to the page, and for how long without a word
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "connections.h"

#include <string.h>

#define MOST 128
/* For a whole request, and between two; for the answer to be read. */
#define LONGEST_REQUEST (10 * G_USEC_PER_SEC)
#define LONGEST_ANSWER (60 * G_USEC_PER_SEC)
#define TICK 5                  /* s */

struct _ModConnections
{
  SoupServer *server;
  GSocketService *service;
  GHashTable *all;              /* remote address (the object) -> Connection * */
  guint tick;
};

typedef struct
{
  ModConnections *of;
  GSocketConnection *connection;        /* the server's */
  GSocketAddress *remote;       /* names it in the server's calls */
  gint64 since;                 /* of what it does now, monotonic */
  gboolean answered;            /* or else something of it is awaited */
  gboolean kept;                /* its answer has no end */
  gboolean leaving;
} Connection;

static void
on_gone (gpointer user_data, GObject * connection)
{
  Connection *self = user_data;

  self->connection = NULL;
  g_hash_table_remove (self->of->all, self->remote);
}

static void
free_connection (gpointer data)
{
  Connection *self = data;

  if (self->connection != NULL)
    g_object_weak_unref (G_OBJECT (self->connection), on_gone, self);
  g_object_unref (self->remote);
  g_free (self);
}

/* The server sees its end, and lets go of it. */
static void
send_away (Connection * self)
{
  self->leaving = TRUE;
  g_socket_shutdown (g_socket_connection_get_socket (self->connection), TRUE,
      TRUE, NULL);
}

static Connection *
find (ModConnections * self, SoupServerMessage * message)
{
  return g_hash_table_lookup (self->all,
      soup_server_message_get_remote_address (message));
}

static void
note (ModConnections * self, SoupServerMessage * message, gboolean answered)
{
  Connection *connection = find (self, message);

  if (connection == NULL)
    return;
  connection->since = g_get_monotonic_time ();
  connection->answered = answered;
}

static void
on_read (SoupServer * server, SoupServerMessage * message, gpointer self)
{
  note (self, message, TRUE);
}

static void
on_over (SoupServer * server, SoupServerMessage * message, gpointer self)
{
  note (self, message, FALSE);
}

static gboolean
is_too_long (const Connection * self, gint64 now)
{
  return !self->leaving && !self->kept && now - self->since
      > (self->answered ? LONGEST_ANSWER : LONGEST_REQUEST);
}

static gboolean
on_tick (gpointer user_data)
{
  ModConnections *self = user_data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer connection;

  g_hash_table_iter_init (&iter, self->all);
  while (g_hash_table_iter_next (&iter, NULL, &connection))
    if (is_too_long (connection, now))
      send_away (connection);
  return G_SOURCE_CONTINUE;
}

/* The one that has had nothing to say for the longest time makes room. FALSE: each is
 * being answered. */
static gboolean
make_room (ModConnections * self)
{
  GHashTableIter iter;
  gpointer value;
  Connection *oldest = NULL;

  g_hash_table_iter_init (&iter, self->all);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Connection *connection = value;

    if (!connection->answered && !connection->leaving
        && (oldest == NULL || connection->since < oldest->since))
      oldest = connection;
  }
  if (oldest != NULL)
    send_away (oldest);
  return oldest != NULL;
}

static void
add (ModConnections * self, GSocketConnection * connection,
    GSocketAddress * remote)
{
  Connection *new = g_new0 (Connection, 1);

  new->of = self;
  new->connection = connection;
  new->remote = g_object_ref (remote);
  new->since = g_get_monotonic_time ();
  g_hash_table_insert (self->all, new->remote, new);
  g_object_weak_ref (G_OBJECT (connection), on_gone, new);
}

/* What isn't taken is closed by GIO. Those that leave are still there for a moment. */
static gboolean
on_incoming (GSocketService * service, GSocketConnection * connection,
    GObject * source, gpointer user_data)
{
  ModConnections *self = user_data;
  g_autoptr (GSocketAddress) local =
      g_socket_connection_get_local_address (connection, NULL);
  g_autoptr (GSocketAddress) remote =
      g_socket_connection_get_remote_address (connection, NULL);
  guint count = g_hash_table_size (self->all);

  if (local == NULL || remote == NULL || count >= 2 * MOST
      || (count >= MOST && !make_room (self)))
    return TRUE;
  add (self, connection, remote);
  if (!soup_server_accept_iostream (self->server, G_IO_STREAM (connection),
          local, remote, NULL))
    g_hash_table_remove (self->all, remote);
  return TRUE;
}

static gboolean
listen_at (ModConnections * self, GInetAddress * address, guint * port,
    GError ** error)
{
  g_autoptr (GSocketAddress) wanted =
      g_inet_socket_address_new (address, *port);
  g_autoptr (GSocketAddress) at = NULL;

  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), wanted,
          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &at, error))
    return FALSE;
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (at));
  return TRUE;
}

GInetAddress *
mod_connections_parse_address (const gchar * text, guint * port,
    GError ** error)
{
  const gchar *colon = strrchr (text, ':');
  g_autofree gchar *host = colon != NULL ?
      g_strndup (text, colon - text) : NULL;
  g_autoptr (GInetAddress) address = host == NULL ? NULL :
      g_inet_address_new_from_string (strcmp (host, "[::1]") == 0 ? "::1" :
      strcmp (host, "localhost") == 0 ? "127.0.0.1" : host);
  guint64 number = 0;

  if (address != NULL && g_inet_address_get_is_loopback (address)
      && g_ascii_string_to_unsigned (colon + 1, 10, 0, 65535, &number, NULL)) {
    *port = number;
    return g_steal_pointer (&address);
  }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "listen wants 127.0.0.1:PORT or [::1]:PORT; for others put a web server "
      "in front that knows who asks");
  return NULL;
}

ModConnections *
mod_connections_new (SoupServer * server, GInetAddress * address, guint * port,
    GError ** error)
{
  ModConnections *self = g_new0 (ModConnections, 1);

  self->server = g_object_ref (server);
  self->service = g_socket_service_new ();
  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self->service), MOST);
  self->all = g_hash_table_new_full (NULL, NULL, NULL, free_connection);
  g_signal_connect (self->service, "incoming", G_CALLBACK (on_incoming), self);
  g_signal_connect (server, "request-read", G_CALLBACK (on_read), self);
  g_signal_connect (server, "request-finished", G_CALLBACK (on_over), self);
  g_signal_connect (server, "request-aborted", G_CALLBACK (on_over), self);
  self->tick = g_timeout_add_seconds (TICK, on_tick, self);
  if (listen_at (self, address, port, error))
    return self;
  mod_connections_free (self);
  return NULL;
}

void
mod_connections_free (ModConnections * self)
{
  g_source_remove (self->tick);
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  g_object_unref (self->service);
  g_signal_handlers_disconnect_by_data (self->server, self);
  g_hash_table_unref (self->all);
  g_object_unref (self->server);
  g_free (self);
}

void
mod_connections_keep (ModConnections * self, SoupServerMessage * message)
{
  Connection *connection = find (self, message);

  if (connection != NULL)
    connection->kept = TRUE;
}

void
mod_connections_close (ModConnections * self, SoupServerMessage * message)
{
  Connection *connection = find (self, message);

  if (connection != NULL && !connection->leaving)
    send_away (connection);
}
