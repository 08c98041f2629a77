/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service says when it refuses or gives up, made fit for people. The
 * functions for whole answers are in identifairesult.h.
 */

#pragma once

#include "identifaijson.h"

G_BEGIN_DECLS

/* One line of valid UTF-8 without control characters, white space collapsed,
 * cut with an ellipsis at max_bytes. NULL if no letter or digit is left. */
gchar *identifai_error_clean (const gchar * data, gsize length,
    gsize max_bytes);

/* The words in what the service calls an error, whatever its form. NULL if
 * there are none. */
gchar *identifai_error_words (JsonNode * node);

G_END_DECLS
