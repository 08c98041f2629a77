/* identifai-moderate: --test: what the streams' policies would have cut of what was recorded
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "config.h"

G_BEGIN_DECLS

/* logs: our own lines, or those of identifai-watch --json, which are of no stream and are
 * tried with each; one after another, the oldest first. FALSE: one can't be read, or there
 * is no outcome in them, which was told. */
gboolean mod_replay (const ModConfig * config, gchar ** logs);

G_END_DECLS
