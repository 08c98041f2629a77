/* identifai-moderate: what stays after a power cut
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The names in a folder: of what was made, renamed or deleted there. FALSE with errno; a
 * file system that knows no such thing is no failure. */
gboolean mod_disk_sync_folder (const gchar * folder);

/* For this process alone, as long as the descriptor that is returned is open: a folder, or
 * PATH.lock for what is replaced by renaming. Below 0 with error. */
gint mod_disk_lock (const gchar * path, GError ** error);

G_END_DECLS
