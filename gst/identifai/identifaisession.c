/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "identifaisession.h"

/* libsoup (3.2) has no setting for it; its soup_message_set_force_http1() came
 * with 3.4. What it offers is changed before the handshake instead. */
static void
on_network_event (SoupMessage * message, GSocketClientEvent event,
    GIOStream * connection, gpointer user_data)
{
  static const gchar *const protocols[] = { "http/1.1", NULL };

  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING
      && G_IS_TLS_CONNECTION (connection))
    g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (connection),
        protocols);
}

/* Also for messages of libsoup's own, those to proxies. */
static void
on_request_queued (SoupSession * session, SoupMessage * message,
    gpointer user_data)
{
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event),
      NULL);
}

void
identifai_session_refuse_http2 (SoupSession * session)
{
  g_signal_connect (session, "request-queued", G_CALLBACK (on_request_queued),
      NULL);
}
