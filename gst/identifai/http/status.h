/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an HTTP status means here. Pure.
 */

#pragma once

#include <glib.h>
#include "reason.h"

G_BEGIN_DECLS

#define IDENTIFAI_STATUS_THROTTLED 429  /* not among libsoup's */

/* NONE for 2xx. of_credits: the answer's words are about them, which tells a 400
 * for want of credits. 0: no answer. Statuses that no rule names: other 4xx
 * REJECTED, other 5xx SERVICE_ERROR, 1xx and 3xx BAD_RESPONSE. */
IdentifaiReason identifai_status_to_reason (guint status, gboolean of_credits);

/* Whether trying again may help: 408, 417, 425, 429 and 5xx. */
gboolean identifai_status_is_temporary (guint status);

G_END_DECLS
