/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * API keys, and the files that they lie in.
 */

#pragma once

#include "boundedread.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The key without spaces around it, or NULL with an error that doesn't quote
 * it. */
gchar *identifai_key_check (const gchar * key, GError ** error);

/* The first line of a key file, stripped; an empty or unprintable key, or a
 * file that can't be read within IDENTIFAI_READ_PATIENCE, is an error that doesn't
 * quote the content. */
gchar *identifai_key_file_read (const gchar * path, GError ** error);
/* The same for a thread that others wait for: what doesn't come within a moment
 * is given to late, if error is G_IO_ERROR_TIMED_OUT and it is expected. */
gchar *identifai_key_file_read_or_late (const gchar * path,
    IdentifaiLateRead * late, GError ** error);

G_END_DECLS
