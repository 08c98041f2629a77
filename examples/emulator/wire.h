/* identifai-emulator: connections that are treated badly on purpose
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A wire is a connection taken away from libsoup. All are closed, at the latest,
 * by emu_wires_close().
 */

#pragma once

#include "server.h"

G_BEGIN_DECLS

/* Resets the message's connection. */
void emu_wire_reset (SoupServerMessage * message);

/* Never sends anything more; closes when the peer does. */
void emu_wire_silence (EmuServer * server, SoupServerMessage * message);

/* Sends data, rate bytes a second (0 = at once), and closes. Takes over data. */
void emu_wire_send (EmuServer * server, SoupServerMessage * message,
    GBytes * data, guint rate);

void emu_wires_close (EmuServer * server);

G_END_DECLS
