/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a session of libsoup has to be kept from.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* HTTP/1.1 is all that the session's connections speak from now on. libsoup's
 * HTTP/2 (3.2.3 to 3.6.5) isn't made for a server that answers or gives up
 * before a request's body is over: it aborts the process when a flow-control
 * window shrinks below what was read of a body that isn't always ready
 * (soup-client-message-io-http2.c, "buffer_len <= length"), and uses a message
 * after it was freed when a stream ends while its body is being read. */
void identifai_session_refuse_http2 (SoupSession * session);

G_END_DECLS
