/* identifai-moderate: outcomes in the order of their segments
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elements tell each outcome as it comes, and a segment that is tried again may be
 * overtaken. Each segment has exactly one, so what is held back here comes out.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ModOrder ModOrder;

typedef void (*ModOrderRelease) (gpointer item, gpointer user_data);

/* release is called with each item, which it takes. */
ModOrder *mod_order_new (ModOrderRelease release, gpointer user_data);
/* What is still held back comes out first. */
void mod_order_free (ModOrder * self);

/* Takes item. A number that was before comes out at once. */
void mod_order_push (ModOrder * self, guint number, gpointer item);
/* Lets all out, as nothing more will come. */
void mod_order_flush (ModOrder * self);

G_END_DECLS
