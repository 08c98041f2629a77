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
 * workaround HTTP2. */
void identifai_session_prepare (SoupSession * session);

/* That event of a message's way to its connection, which came took µs after what came
 * before it. name, what: the element and the call, for the log. */
void identifai_session_log_event (const gchar * name, const gchar * what,
    GSocketClientEvent event, gint64 took);

/* What message is sent on, with TLS where it has that; unref it. NULL if there is
 * none, or it is closed. */
GIOStream *identifai_session_find_connection (SoupSession * session,
    SoupMessage * message);

/* Nothing more goes out on what message is sent on, if it is: workaround CHUNKED. */
void identifai_session_break_off (SoupSession * session, SoupMessage * message);

G_END_DECLS
