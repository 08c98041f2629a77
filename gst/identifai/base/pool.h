/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of threads on a system that may have none to give for a moment. GLib keeps
 * what was pushed then, but doesn't try again by itself.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void identifai_pool_push (GThreadPool * pool, gpointer item);
/* Tries again for items that found no thread, if there are any. */
void identifai_pool_retry (GThreadPool * pool);

G_END_DECLS
