/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE             /* memmem */
#include "identifaisockets.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_BYTES (64 * 1024)

struct _IdentifaiSockets
{
  GHashTable *entries;          /* connection id -> Entry */
};

typedef struct
{
  GSocket *socket;
  gboolean plain;               /* no TLS on it */
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_object_unref (entry->socket);
  g_free (entry);
}

IdentifaiSockets *
identifai_sockets_new (void)
{
  IdentifaiSockets *self = g_new0 (IdentifaiSockets, 1);

  self->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
      entry_free);

  return self;
}

void
identifai_sockets_free (IdentifaiSockets * self)
{
  g_hash_table_unref (self->entries);
  g_free (self);
}

static gboolean
is_closed (gpointer key, gpointer value, gpointer user_data)
{
  return g_socket_is_closed (((Entry *) value)->socket);
}

/* Down through TLS and what GIO wraps around a connection through a proxy. */
static GSocket *
find_socket (GIOStream * connection, gboolean * plain)
{
  GIOStream *base = NULL;
  GSocket *socket = NULL;

  *plain = !G_IS_TLS_CONNECTION (connection);
  if (!*plain)
    g_object_get (connection, "base-io-stream", &base, NULL);
  else
    base = g_object_ref (connection);

  if (G_IS_SOCKET_CONNECTION (base))
    socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (base));
  if (socket)
    g_object_ref (socket);
  g_clear_object (&base);

  return socket;
}

void
identifai_sockets_remember (IdentifaiSockets * self, SoupMessage * message,
    GIOStream * connection)
{
  guint64 id = soup_message_get_connection_id (message);
  gboolean plain;
  GSocket *socket;
  Entry *entry;

  g_hash_table_foreach_remove (self->entries, is_closed, NULL);
  if (id == 0 || !connection)
    return;
  socket = find_socket (connection, &plain);
  if (!socket)
    return;

  entry = g_new (Entry, 1);
  entry->socket = socket;
  entry->plain = plain;
  g_hash_table_insert (self->entries, g_memdup2 (&id, sizeof (id)), entry);
}

static Entry *
find_entry (IdentifaiSockets * self, SoupMessage * message)
{
  guint64 id = soup_message_get_connection_id (message);
  Entry *entry = g_hash_table_lookup (self->entries, &id);

  return entry && !g_socket_is_closed (entry->socket) ? entry : NULL;
}

int
identifai_sockets_keep (IdentifaiSockets * self, SoupMessage * message)
{
  Entry *entry = find_entry (self, message);

  if (!entry || !entry->plain)
    return -1;

  return fcntl (g_socket_get_fd (entry->socket), F_DUPFD_CLOEXEC, 0);
}

static void
shut (Entry * entry)
{
  if (!g_socket_is_closed (entry->socket))
    g_socket_shutdown (entry->socket, TRUE, TRUE, NULL);
}

void
identifai_sockets_shut (IdentifaiSockets * self, SoupMessage * message)
{
  GHashTableIter iter;
  gpointer entry;

  if (message) {
    entry = find_entry (self, message);
    if (entry)
      shut (entry);
    return;
  }

  g_hash_table_iter_init (&iter, self->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    shut (entry);
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
identifai_sockets_read_early (int fd, guint * http_status, GBytes ** body)
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
