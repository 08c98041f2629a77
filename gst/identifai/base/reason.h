/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Why a segment has no verdict: the reasons of identifai-failed.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_REASON_NONE,
  IDENTIFAI_REASON_TOO_LARGE,
  IDENTIFAI_REASON_MUX,
  IDENTIFAI_REASON_REJECTED,
  IDENTIFAI_REASON_UNAUTHORIZED,
  IDENTIFAI_REASON_NO_CREDITS,
  IDENTIFAI_REASON_THROTTLED,
  IDENTIFAI_REASON_NETWORK,
  IDENTIFAI_REASON_BAD_RESPONSE,
  IDENTIFAI_REASON_SERVICE_ERROR,
  IDENTIFAI_REASON_TIMEOUT,
  IDENTIFAI_N_REASONS
} IdentifaiReason;

/* The public spelling: "too-large", "mux", …; "none" for no reason. */
const gchar *identifai_reason_to_string (IdentifaiReason reason);

G_END_DECLS
