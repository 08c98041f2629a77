/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One name a reason. Static: any thread.
 */

#include "reason.h"

static const gchar *const names[IDENTIFAI_N_REASONS] = {
  [IDENTIFAI_REASON_NONE] = "none",
  [IDENTIFAI_REASON_TOO_LARGE] = "too-large",
  [IDENTIFAI_REASON_MUX] = "mux",
  [IDENTIFAI_REASON_REJECTED] = "rejected",
  [IDENTIFAI_REASON_UNAUTHORIZED] = "unauthorized",
  [IDENTIFAI_REASON_NO_CREDITS] = "no-credits",
  [IDENTIFAI_REASON_THROTTLED] = "throttled",
  [IDENTIFAI_REASON_NETWORK] = "network",
  [IDENTIFAI_REASON_BAD_RESPONSE] = "bad-response",
  [IDENTIFAI_REASON_SERVICE_ERROR] = "service-error",
  [IDENTIFAI_REASON_TIMEOUT] = "timeout",
};

const gchar *
identifai_reason_to_string (IdentifaiReason reason)
{
  g_return_val_if_fail ((guint) reason < IDENTIFAI_N_REASONS, "none");

  return names[reason];
}
