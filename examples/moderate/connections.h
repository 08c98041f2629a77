/* identifai-moderate: who is connected to the page, and for how long without a word
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whoever is logged in on the machine may connect: they must not use up descriptors that
 * streams need. Main thread only.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _ModConnections ModConnections;

/* What `listen` says: of this machine alone. NULL with error. */
GInetAddress *mod_connections_parse_address (const gchar * text, guint * port,
    GError ** error);
/* Listens for server, which it keeps. NULL with error; port: which it is. */
ModConnections *mod_connections_new (SoupServer * server,
    GInetAddress * address, guint * port, GError ** error);
/* Before the server's end. */
void mod_connections_free (ModConnections * self);

/* The answer has no end: only a closed connection ends it. */
void mod_connections_keep (ModConnections * self, SoupServerMessage * message);
void mod_connections_close (ModConnections * self,
    SoupServerMessage * message);

G_END_DECLS
