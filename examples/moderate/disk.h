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

G_END_DECLS
