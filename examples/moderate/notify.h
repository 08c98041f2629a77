/* identifai-moderate: words to systemd
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The protocol is a datagram to $NOTIFY_SOCKET (sd_notify(3)); without one, nothing is said.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "READY=1", "STOPPING=1", "STATUS=…", lines of them. */
void mod_notify (const gchar * state);
/* Of a reload that begins: systemd wants the time with it. */
void mod_notify_reloading (void);
/* Says that the main loop runs, as often as $WATCHDOG_USEC wants. A source, or 0. */
guint mod_notify_watchdog_start (void);

G_END_DECLS
