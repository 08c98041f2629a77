/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE             /* memmem */
#include "identifaiearly.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_BYTES (64 * 1024)

struct _IdentifaiEarly
{
  GHashTable *sockets;          /* connection id -> GSocket */
};

IdentifaiEarly *
identifai_early_new (void)
{
  IdentifaiEarly *self = g_new0 (IdentifaiEarly, 1);

  self->sockets = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
      g_object_unref);

  return self;
}

void
identifai_early_free (IdentifaiEarly * self)
{
  g_hash_table_unref (self->sockets);
  g_free (self);
}

static gboolean
is_closed (gpointer key, gpointer value, gpointer user_data)
{
  return g_socket_is_closed (value);
}

void
identifai_early_remember (IdentifaiEarly * self, SoupMessage * message,
    GIOStream * connection)
{
  guint64 id = soup_message_get_connection_id (message);

  g_hash_table_foreach_remove (self->sockets, is_closed, NULL);
  if (id == 0 || !G_IS_SOCKET_CONNECTION (connection))
    return;

  g_hash_table_insert (self->sockets, g_memdup2 (&id, sizeof (id)),
      g_object_ref (g_socket_connection_get_socket
          (G_SOCKET_CONNECTION (connection))));
}

int
identifai_early_keep (IdentifaiEarly * self, SoupMessage * message)
{
  guint64 id = soup_message_get_connection_id (message);
  GSocket *socket = g_hash_table_lookup (self->sockets, &id);

  if (!socket || g_socket_is_closed (socket))
    return -1;

  return fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);
}

static GByteArray *
read_rest (int fd)
{
  GByteArray *bytes = g_byte_array_new ();
  guint8 buffer[4096];
  gssize got;

  do {
    got = recv (fd, buffer, sizeof (buffer), MSG_DONTWAIT);
    if (got > 0)
      g_byte_array_append (bytes, buffer, got);
  } while ((got > 0 && bytes->len < MAX_BYTES) || (got < 0 && errno == EINTR));

  return bytes;
}

gboolean
identifai_early_read (int fd, guint * http_status, GBytes ** body)
{
  GByteArray *bytes = read_rest (fd);
  const gchar *text = (const gchar *) bytes->data;
  const gchar *end = bytes->len > 0 ?
      memmem (text, bytes->len, "\r\n\r\n", 4) : NULL;
  SoupMessageHeaders *headers =
      soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  gboolean understood;

  /* The parser wants the headers without the empty line. */
  understood = end && soup_headers_parse_response (text, end + 2 - text,
      headers, NULL, http_status, NULL);
  if (understood)
    *body = g_bytes_new (end + 4, bytes->len - (end + 4 - text));
  soup_message_headers_unref (headers);
  g_byte_array_unref (bytes);

  return understood;
}
