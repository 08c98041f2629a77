/* identifai-moderate: what people may do to a stream
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each act is a line, whatever came of it.
 */

#pragma once

#include "hub.h"
#include "supervisor.h"

G_BEGIN_DECLS

/* act: "force" (force: none, pass, drop, slate), "dump" (back: s), "release", "override"
 * (segment or identifier, and classification), "split". Returns the HTTP status, and says
 * what is wrong. */
guint mod_act (ModSupervisor * supervisor, ModHub * hub, const gchar * stream,
    const gchar * act, JsonObject * arguments, gchar ** problem);

/* The service says that this result is there. */
gboolean mod_look (ModSupervisor * supervisor, const gchar * identifier);

G_END_DECLS
