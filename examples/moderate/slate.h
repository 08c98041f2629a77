/* identifai-moderate: the built-in slate: dark grey, and silence
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * H.264 and AAC, made once when a stream first wants it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define MOD_SLATE_BUILTIN "builtin"

/* Its path; NULL with error. Main thread. */
const gchar *mod_slate_get_builtin (GError ** error);
/* Removes it, at the end. */
void mod_slate_clear (void);

G_END_DECLS
