/* identifai-moderate: memory that is let go goes back to the system
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Before there are threads. */
void mod_memory_share (void);
/* Once there is a main loop, for good. */
void mod_memory_give_back (void);

G_END_DECLS
