/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TLS in front of a fault server: what that one does to a connection, the other
 * side sees through TLS, byte by byte, and its end as it came: a FIN or a reset.
 * Unlike real fronts it waits for nothing: no lingering, no buffering.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _TlsFront TlsFront;

/* A certificate for 127.0.0.1 that is its own authority: PEM files in a new
 * folder. By openssl(1); NULL if that isn't there. */
gchar *tls_front_make_folder (void);
/* With what is in it. Takes over folder, which may be NULL. */
void tls_front_remove_folder (gchar * folder);

/* offers_h2: HTTP/2, and only then HTTP/1.1. */
TlsFront *tls_front_new (const gchar * folder, guint16 backend,
    gboolean offers_h2);
/* Closes all connections and waits for all threads. */
void tls_front_free (TlsFront * self);

/* "https://127.0.0.1:PORT" */
gchar *tls_front_get_url (TlsFront * self);
/* Handshakes that ended with that protocol. */
guint tls_front_count (TlsFront * self, const gchar * protocol);

G_END_DECLS
