/* identifai-emulator: connections that are treated badly on purpose
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "wire.h"

#include <sys/socket.h>

#define TICK 100                /* ms between two pieces */

typedef struct
{
  EmuServer *server;
  GIOStream *stream;
  GSocket *socket;
  GCancellable *cancellable;
  GSource *source;              /* tick, or the wait for the peer; or NULL */
  GBytes *data;                 /* NULL: silence */
  gsize sent, wanted;           /* bytes; wanted so far */
  guint rate;                   /* bytes a second, 0 = at once */
  gboolean writing;             /* a write is under way and will come back */
} Wire;

static void
set_source (Wire * self, GSource * source)
{
  if (self->source != NULL) {
    g_source_destroy (self->source);
    g_source_unref (self->source);
  }
  self->source = source;
  if (source != NULL)
    g_source_attach (source, NULL);
}

static void
free_wire (Wire * self)
{
  self->server->wires = g_list_remove (self->server->wires, self);
  set_source (self, NULL);
  g_io_stream_close (self->stream, NULL, NULL);
  g_object_unref (self->stream);
  g_object_unref (self->socket);
  g_object_unref (self->cancellable);
  g_clear_pointer (&self->data, g_bytes_unref);
  g_free (self);
}

/* NULL: the connection is no more. */
static Wire *
take (EmuServer * server, SoupServerMessage * message)
{
  GSocket *socket = soup_server_message_get_socket (message);
  Wire *self;

  if (socket == NULL)
    return NULL;
  self = g_new0 (Wire, 1);
  self->server = server;
  self->socket = g_object_ref (socket);
  self->cancellable = g_cancellable_new ();
  self->stream = soup_server_message_steal_connection (message);
  server->wires = g_list_prepend (server->wires, self);
  return self;
}

/* With this option closing sends a reset, whatever is still to be sent. */
static void
set_abrupt (GSocket * socket)
{
  struct linger linger = { 1, 0 };

  setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &linger,
      sizeof linger);
}

void
emu_wire_reset (SoupServerMessage * message)
{
  GSocket *socket = soup_server_message_get_socket (message);
  GIOStream *stream;

  if (socket == NULL)
    return;
  g_object_ref (socket);
  set_abrupt (socket);
  stream = soup_server_message_steal_connection (message);
  /* Not through the stream: TLS would say goodbye first. */
  g_socket_close (socket, NULL);
  g_object_unref (stream);
  g_object_unref (socket);
}

static gboolean
peer_spoke (GSocket * socket, GIOCondition condition, gpointer data)
{
  gchar buffer[4096];
  gssize n = g_socket_receive (socket, buffer, sizeof buffer, NULL, NULL);

  if (n > 0)
    return G_SOURCE_CONTINUE;
  free_wire (data);
  return G_SOURCE_REMOVE;
}

void
emu_wire_silence (EmuServer * server, SoupServerMessage * message)
{
  Wire *self = take (server, message);
  GSource *source;

  if (self == NULL)
    return;
  source = g_socket_create_source (self->socket, G_IO_IN | G_IO_HUP | G_IO_ERR,
      NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (peer_spoke), self, NULL);
  set_source (self, source);
}

static void send_more (Wire * self);

static gboolean
tick (gpointer data)
{
  Wire *self = data;

  self->wanted += MAX (self->rate * TICK / 1000, 1);
  send_more (self);
  return G_SOURCE_REMOVE;
}

static void
wrote (GObject * source, GAsyncResult * result, gpointer data)
{
  Wire *self = data;
  gssize n = g_output_stream_write_finish (G_OUTPUT_STREAM (source), result,
      NULL);

  self->writing = FALSE;
  self->sent += MAX (n, 0);
  if (n <= 0 || self->sent == g_bytes_get_size (self->data))
    free_wire (self);
  else
    send_more (self);
}

static void
send_more (Wire * self)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (self->data, &size);
  gsize end = self->rate > 0 ? MIN (self->wanted, size) : size;
  GSource *source;

  if (self->sent < end) {
    self->writing = TRUE;
    g_output_stream_write_async (g_io_stream_get_output_stream (self->stream),
        data + self->sent, end - self->sent, G_PRIORITY_DEFAULT,
        self->cancellable, wrote, self);
    return;
  }
  source = g_timeout_source_new (TICK);
  g_source_set_callback (source, tick, self, NULL);
  set_source (self, source);
}

void
emu_wire_send (EmuServer * server, SoupServerMessage * message, GBytes * data,
    guint rate)
{
  Wire *self = take (server, message);

  if (self == NULL) {
    g_bytes_unref (data);
    return;
  }
  self->data = data;
  self->rate = rate;
  if (g_bytes_get_size (data) == 0)
    free_wire (self);
  else
    send_more (self);
}

void
emu_wires_close (EmuServer * server)
{
  while (server->wires != NULL) {
    Wire *self = server->wires->data;

    if (self->writing) {
      /* Comes back at once, and frees the wire. */
      g_cancellable_cancel (self->cancellable);
      g_main_context_iteration (NULL, TRUE);
    } else {
      free_wire (self);
    }
  }
}
