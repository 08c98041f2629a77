/* identifai-moderate: server-sent events
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A page that doesn't read is let go, as what it has not read is kept in memory.
 */

#pragma once

#include "connections.h"
#include "hub.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _ModEvents ModEvents;

ModEvents *mod_events_new (ModHub * hub, ModConnections * connections);
/* After the hub's last line. */
void mod_events_free (ModEvents * self);
/* Something that is no line. name: of the event. */
void mod_events_tell (ModEvents * self, const gchar * name,
    JsonObject * data);
/* Takes over the answer; the connection stays. */
void mod_events_add (ModEvents * self, SoupServerMessage * message);

G_END_DECLS
