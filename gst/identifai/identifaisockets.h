/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sockets below a session's connections, for two things that libsoup (3.2)
 * can't do:
 *
 * A server that doesn't want a file says so at its first bytes (413, 401) and
 * closes. libsoup reads no answer before all is sent, and then finds a broken
 * connection; but the answer lies in the socket. Through TLS it can't be had
 * so; there such a server has to read on until all is sent, as the usual ones
 * do.
 *
 * A message on an HTTP/2 connection that has gone silent can't be cancelled,
 * and the next one would be sent on the same connection. So that one is shut.
 *
 * One thread.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _IdentifaiSockets IdentifaiSockets;

IdentifaiSockets *identifai_sockets_new (void);
void identifai_sockets_free (IdentifaiSockets * self);

/* From "network-event". */
void identifai_sockets_remember (IdentifaiSockets * self,
    SoupMessage * message, GIOStream * connection);

/* A second descriptor of the socket that message is sent on, which outlives
 * libsoup's; -1 if it isn't a plain one. For identifai_sockets_read_early()
 * and close(). */
int identifai_sockets_keep (IdentifaiSockets * self, SoupMessage * message);

/* What the server said before it closed: its status and body; FALSE if it
 * wasn't an answer. Never waits. */
gboolean identifai_sockets_read_early (int fd, guint * http_status,
    GBytes ** body);

/* Ends the connection that message is on, NULL: all of them. */
void identifai_sockets_shut (IdentifaiSockets * self, SoupMessage * message);

G_END_DECLS
