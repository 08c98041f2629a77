/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ports of 127.0.0.1 for programs that have to be told theirs.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One where nobody listens, and nobody will but those that are told of it: a
 * socket that is bound shares its port only with one that asks for that. */
guint16 port_choose (void);
void port_release_all (void);
/* Until somebody listens there; else the test fails. */
void port_wait_for (guint16 port);

G_END_DECLS
