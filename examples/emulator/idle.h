/* identifai-emulator: connections that wait for another request
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libsoup's server before 3.4 ("server: do not leak idle connections closed by
 * the client") keeps the descriptor of a connection whose client went after its
 * answer. All of this but what is said of the peer can go with Debian 12. Main
 * thread only.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* A request came; https: through TLS, where the end of the connection can't be
 * seen from outside, and so it ends with the answer. */
void emu_idle_prepare (SoupServerMessage * message, gboolean https);

/* Its answer is out: once the client is gone, the connection is closed. */
void emu_idle_begin (SoupServerMessage * message);

G_END_DECLS
