/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which statuses are worth another attempt. Pure.
 */

#include "status.h"

IdentifaiReason
identifai_status_to_reason (guint status, gboolean of_credits)
{
  switch (status) {
    case 0:
      return IDENTIFAI_REASON_NETWORK;
    case 400:
      return of_credits ?
          IDENTIFAI_REASON_NO_CREDITS : IDENTIFAI_REASON_REJECTED;
    case 401:
    case 403:
      return IDENTIFAI_REASON_UNAUTHORIZED;
    case 402:
      return IDENTIFAI_REASON_NO_CREDITS;
    case IDENTIFAI_STATUS_THROTTLED:
      return IDENTIFAI_REASON_THROTTLED;
    default:
      break;
  }

  switch (status / 100) {
    case 2:
      return IDENTIFAI_REASON_NONE;
    case 4:
      return IDENTIFAI_REASON_REJECTED;
    case 5:
      return IDENTIFAI_REASON_SERVICE_ERROR;
    default:
      return IDENTIFAI_REASON_BAD_RESPONSE;
  }
}

gboolean
identifai_status_is_temporary (guint status)
{
  return status == 408 || status == 417 || status == 425
      || status == IDENTIFAI_STATUS_THROTTLED || status / 100 == 5;
}
