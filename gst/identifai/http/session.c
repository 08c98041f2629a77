/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is set up on a session and on each message for the workarounds. The thread of
 * the session's main context.
 */

#include "session.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

/* Waits that are longer are told. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

#define TABLE "identifai-connections"   /* id -> GWeakRef * to a GIOStream */

/* Libsoup's reference is the one that counts: a connection that could not be made is
 * never closed, it is let go of. */
static GWeakRef *
refer (GIOStream * connection)
{
  GWeakRef *ref = g_new0 (GWeakRef, 1);

  g_weak_ref_init (ref, connection);
  return ref;
}

static void
free_ref (gpointer ref)
{
  g_weak_ref_clear (ref);
  g_free (ref);
}

/* NULL: closed, or gone. */
static GIOStream *
get_open (GWeakRef * ref)
{
  GIOStream *connection = g_weak_ref_get (ref);

  if (connection != NULL && g_io_stream_is_closed (connection))
    g_clear_object (&connection);
  return connection;
}

static gboolean
is_closed (gpointer key, gpointer ref, gpointer user_data)
{
  GIOStream *connection = get_open (ref);
  gboolean closed = connection == NULL;

  g_clear_object (&connection);
  return closed;
}

static void
remember (SoupSession * session, guint64 id, GIOStream * connection)
{
  GHashTable *table = g_object_get_data (G_OBJECT (session), TABLE);

  g_hash_table_foreach_remove (table, is_closed, NULL);
  GST_TRACE ("%u connections are open", g_hash_table_size (table));
  g_hash_table_insert (table, g_memdup2 (&id, sizeof (id)), refer (connection));
}

/* Workarounds HTTP2 and FORCE1: what is offered is changed before the handshake. */
static void
on_network_event (SoupMessage * message, GSocketClientEvent event,
    GIOStream * connection, SoupSession * session)
{
  static const gchar *const protocols[] = { "http/1.1", NULL };
  guint64 id = soup_message_get_connection_id (message);

  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING
      && G_IS_TLS_CONNECTION (connection)) {
    GST_LOG ("connection %" G_GUINT64_FORMAT ": offers HTTP/1.1 only", id);
    g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (connection),
        protocols);
  }
  if (id != 0 && connection != NULL)
    remember (session, id, connection);
}

/* Workaround 421: what libsoup itself has connected to the end of an answer starts
 * over, and nothing else. */
static void
never_start_over (SoupMessage * message)
{
  guint got_body = g_signal_lookup ("got-body", SOUP_TYPE_MESSAGE);
  gulong handler;

  while ((handler = g_signal_handler_find (message, G_SIGNAL_MATCH_ID, got_body,
              0, NULL, NULL, NULL)) != 0)
    g_signal_handler_disconnect (message, handler);
}

/* Also for messages of libsoup's own, those to proxies. */
static void
on_request_queued (SoupSession * session, SoupMessage * message,
    gpointer user_data)
{
  never_start_over (message);
  g_signal_connect_object (message, "network-event",
      G_CALLBACK (on_network_event), session, 0);
}

void
identifai_session_log_event (const gchar * name, const gchar * what,
    GSocketClientEvent event, gint64 took)
{
  static const gchar *const ends[] = {
    [G_SOCKET_CLIENT_RESOLVED] = "the host's address",
    [G_SOCKET_CLIENT_CONNECTED] = "the connection",
    [G_SOCKET_CLIENT_PROXY_NEGOTIATED] = "the proxy to let it through",
    [G_SOCKET_CLIENT_TLS_HANDSHAKED] = "TLS to be agreed on",
    [G_SOCKET_CLIENT_COMPLETE] = NULL,
  };
  GEnumClass *events = g_type_class_ref (G_TYPE_SOCKET_CLIENT_EVENT);
  GEnumValue *value = g_enum_get_value (events, event);

  GST_LOG_ID (name, "%s: %s", what, value ? value->value_nick : "?");
  if (took >= LONG_WAIT && event < G_N_ELEMENTS (ends) && ends[event] != NULL)
    GST_DEBUG_ID (name, "%s: waited %d ms for %s", what,
        (gint) (took / G_TIME_SPAN_MILLISECOND), ends[event]);
  g_type_class_unref (events);
}

void
identifai_session_prepare (SoupSession * session)
{
  GST_LOG ("session speaks HTTP/1.1 only");
  g_object_set_data_full (G_OBJECT (session), TABLE,
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
          free_ref), (GDestroyNotify) g_hash_table_unref);
  g_signal_connect (session, "request-queued", G_CALLBACK (on_request_queued),
      NULL);
}

GIOStream *
identifai_session_find_connection (SoupSession * session, SoupMessage * message)
{
  GHashTable *table = g_object_get_data (G_OBJECT (session), TABLE);
  guint64 id = soup_message_get_connection_id (message);
  GWeakRef *ref = g_hash_table_lookup (table, &id);

  return ref != NULL ? get_open (ref) : NULL;
}

/* Of what lies below TLS; NULL: none is known. */
static GSocket *
find_socket (GIOStream * connection)
{
  GIOStream *below = NULL;
  GSocket *socket;

  if (G_IS_SOCKET_CONNECTION (connection))
    return g_socket_connection_get_socket (G_SOCKET_CONNECTION (connection));
  if (connection == NULL || !G_IS_TLS_CONNECTION (connection))
    return NULL;
  g_object_get (connection, "base-io-stream", &below, NULL);
  socket = find_socket (below);
  g_clear_object (&below);

  return socket;
}

void
identifai_session_break_off (SoupSession * session, SoupMessage * message)
{
  GSocket *socket = find_socket (identifai_session_find_connection (session,
          message));

  GST_DEBUG ("%s", socket != NULL ? "the connection is broken off" :
      "there is no connection to be broken off");
  if (socket != NULL)
    g_socket_shutdown (socket, FALSE, TRUE, NULL);
}
