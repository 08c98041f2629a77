/* identifai-emulator: connections that wait for another request
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "idle.h"

#include <errno.h>
#include <sys/socket.h>

typedef struct
{
  SoupServerMessage *message;   /* the last one of the connection; owned */
  GSource *source;              /* something came, or the client is gone */
} Idle;

static gboolean
is_needed (void)
{
  return !soup_check_version (3, 4, 0);
}

/* libsoup asks for it when a connection is taken from it, and warns when there
 * is none any more; what it has asked for once it remembers. */
static void
remember_peer (SoupServerMessage * message)
{
  GSocket *socket = soup_server_message_get_socket (message);
  struct sockaddr_storage address;
  socklen_t length = sizeof address;

  if (socket != NULL && getpeername (g_socket_get_fd (socket),
          (struct sockaddr *) &address, &length) == 0)
    soup_server_message_get_remote_address (message);
}

void
emu_idle_prepare (SoupServerMessage * message, gboolean https)
{
  remember_peer (message);
  if (is_needed () && https)
    soup_message_headers_replace (soup_server_message_get_response_headers
        (message), "Connection", "close");
}

/* The source keeps its data until it has returned. */
static void
free_idle (gpointer data)
{
  Idle *self = data;

  g_signal_handlers_disconnect_by_data (self->message, self);
  g_object_unref (self->message);
  g_free (self);
}

static void
disconnected (SoupServerMessage * message, gpointer user_data)
{
  Idle *self = user_data;

  g_source_destroy (self->source);
}

/* What can be read is left to libsoup. */
static gboolean
is_gone (GSocket * socket)
{
  gchar byte;
  gssize n = recv (g_socket_get_fd (socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* A socket that was reset is in error until somebody has read that: libsoup has then, and
 * let go of what it reads with. To take the connection from it would be a crash. */
static gboolean
is_over (GIOCondition condition)
{
  return (condition & (G_IO_HUP | G_IO_ERR)) == G_IO_HUP;
}

static gboolean
woken (GSocket * socket, GIOCondition condition, gpointer user_data)
{
  Idle *self = user_data;
  GIOStream *stream = NULL;

  if (!is_gone (socket))
    return G_SOURCE_REMOVE;
  g_signal_handlers_disconnect_by_data (self->message, self);
  g_object_ref (socket);
  if (!is_over (condition))
    stream = soup_server_message_steal_connection (self->message);
  g_clear_object (&stream);
  g_socket_close (socket, NULL);
  g_object_unref (socket);
  return G_SOURCE_REMOVE;
}

/* Before libsoup sees the end: afterwards nothing is left to take from it. */
void
emu_idle_begin (SoupServerMessage * message)
{
  GSocket *socket = soup_server_message_get_socket (message);
  Idle *self;

  if (!is_needed () || socket == NULL || g_socket_is_closed (socket))
    return;
  self = g_new0 (Idle, 1);
  self->message = g_object_ref (message);
  g_signal_connect (message, "disconnected", G_CALLBACK (disconnected), self);
  self->source = g_socket_create_source (socket, G_IO_IN | G_IO_HUP | G_IO_ERR,
      NULL);
  g_source_set_priority (self->source, G_PRIORITY_HIGH);
  g_source_set_callback (self->source, G_SOURCE_FUNC (woken), self, free_idle);
  g_source_attach (self->source, NULL);
  g_source_unref (self->source);
}
