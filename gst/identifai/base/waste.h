/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lets go of much at once, a long segment's frames say, on a thread of its own: who
 * gives a segment up is a streaming thread as often as not, which mustn't pay for its
 * length. Any thread.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Takes over data, of n parts: few are let go of at once. */
void identifai_waste (gpointer data, GDestroyNotify free_func, guint n);
/* Until all is let go of that came before; by this thread, where no other is there. */
void identifai_waste_wait (void);

G_END_DECLS
