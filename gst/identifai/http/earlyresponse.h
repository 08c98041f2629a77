/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server that doesn't want a file says so at its first bytes (413, 401, 429),
 * and many close then, without reading the rest. This reads along while a body goes
 * out, through TLS, too; what comes before the end of the body is an answer
 * (workaround EARLY).
 *
 * One thread, in its thread-default main context.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _IdentifaiEarlyResponse IdentifaiEarlyResponse;

/* The answer is whole, or as much of it as will come. It may be freed then. */
typedef void (*IdentifaiEarlyResponseFunc) (gpointer user_data);

/* NULL: this connection can't be listened on. Nobody else may read from it
 * meanwhile. name, what: for the log, borrowed. */
IdentifaiEarlyResponse *identifai_early_response_new (GIOStream * connection,
    const gchar * name, const gchar * what, IdentifaiEarlyResponseFunc func,
    gpointer user_data);
void identifai_early_response_free (IdentifaiEarlyResponse * self);

/* Reads what is there at once; for a connection that is about to be closed. */
void identifai_early_response_read (IdentifaiEarlyResponse * self);
/* An answer has begun, and its end may still come: only this can read it. */
gboolean identifai_early_response_has_begun (IdentifaiEarlyResponse * self);

/* What broke the connection, from the other side or on the way: nothing that is
 * written arrives any more. NULL: it isn't broken, as far as is known. */
const GError *identifai_early_response_get_error (IdentifaiEarlyResponse * self);

/* The answer's status, 0 before it is known. The rest is good from then on. */
/* An interim answer (1xx) came, or nothing more will. */
gboolean identifai_early_response_is_welcome (IdentifaiEarlyResponse * self);
guint identifai_early_response_get_status (IdentifaiEarlyResponse * self);
SoupMessageHeaders *identifai_early_response_get_headers (IdentifaiEarlyResponse * self);
GBytes *identifai_early_response_get_body (IdentifaiEarlyResponse * self);

G_END_DECLS
