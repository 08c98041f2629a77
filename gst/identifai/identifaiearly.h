/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers that came too early: a server that doesn't want a file says so at its
 * first bytes (413, 401) and closes. libsoup reads no answer before all is
 * sent, and then finds a broken connection; but the answer lies in the socket.
 *
 * For connections without TLS; through TLS such a server has to read on until
 * all is sent, as the usual ones do. One thread.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* The sockets of a session's connections. */
typedef struct _IdentifaiEarly IdentifaiEarly;

IdentifaiEarly *identifai_early_new (void);
void identifai_early_free (IdentifaiEarly * self);

/* From "network-event" with G_SOCKET_CLIENT_COMPLETE. */
void identifai_early_remember (IdentifaiEarly * self, SoupMessage * message,
    GIOStream * connection);

/* A second descriptor of the socket that message is sent on, which outlives
 * libsoup's; -1 if there is none. For identifai_early_read() and close(). */
int identifai_early_keep (IdentifaiEarly * self, SoupMessage * message);

/* What the server said before it closed: its status and body; FALSE if it
 * wasn't an answer. Never waits. */
gboolean identifai_early_read (int fd, guint * http_status, GBytes ** body);

G_END_DECLS
