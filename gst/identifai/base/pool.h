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
/* For tests: what is pushed from now on goes to func, which has it handled in the
 * test's own thread, by the pool's func, when it likes; NULL: to threads again. */
typedef void (*IdentifaiPoolFunc) (GThreadPool * pool, gpointer item);
void identifai_pool_simulate (IdentifaiPoolFunc func);
/* Tries again for items that found no thread, if there are any. */
void identifai_pool_retry (GThreadPool * pool);

G_END_DECLS
