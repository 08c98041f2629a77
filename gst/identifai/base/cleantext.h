/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text of others, for messages and logs. Pure.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One line of valid UTF-8 without control characters, white space collapsed,
 * cut with an ellipsis at max_bytes. NULL if no letter or digit is left. */
gchar *identifai_clean_text (const gchar * data, gsize length,
    gsize max_bytes);

G_END_DECLS
