/* identifai-moderate: what runs: signals, hub, supervisor, main loop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "config.h"

G_BEGIN_DECLS

/* Takes config. Returns the exit status. */
gint mod_app_run (ModConfig * config);

G_END_DECLS
