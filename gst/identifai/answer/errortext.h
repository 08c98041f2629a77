/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service says when it refuses or gives up, made fit for people. The
 * functions for whole answers are in result.h.
 */

#pragma once

#include "json.h"

G_BEGIN_DECLS

/* The words in what the service calls an error, whatever its form. NULL if
 * there are none. */
gchar *identifai_error_text (JsonNode * node);

/* Whether words of the service are about credits. */
gboolean identifai_error_speaks_of_credits (const gchar * text);

G_END_DECLS
