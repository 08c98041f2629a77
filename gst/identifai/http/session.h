/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a session of libsoup doesn't offer itself.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* Once, before its first message. HTTP/1.1 is all that its connections speak:
 * libsoup's HTTP/2 (3.2.3 to 3.6.5) isn't made for a server that answers or gives
 * up before a request's body is over. It aborts the process when a flow-control
 * window shrinks below what was read of a body that isn't always ready
 * (soup-client-message-io-http2.c, "buffer_len <= length"), and uses a message
 * after it was freed when a stream ends while its body is being read. */
void identifai_session_prepare (SoupSession * session);

/* What message is sent on, with TLS where it has that. Borrowed; NULL if there is
 * none, or it is closed. */
GIOStream *identifai_session_find_connection (SoupSession * session,
    SoupMessage * message);

G_END_DECLS
