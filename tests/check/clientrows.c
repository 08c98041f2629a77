/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "clientrows.h"

/* *INDENT-OFF* */
const ClientRow client_rows[] = {
  {"all well", .posts = 1, .gets = 1},
  {"busy once", .retries = 1, .steps = {{FAULT_POST, 1, .status = 503}}, .posts = 2, .gets = 1},
  {"busy for good", .retries = 2, .steps = {{FAULT_POST, .status = 503, .body = "{\"error\":\"Down\"}"}},
      .reason = IDENTIFAI_REASON_SERVICE_ERROR, .http_status = 503, .message = "Down", .posts = 3},
};
/* *INDENT-ON* */

const guint n_client_rows = G_N_ELEMENTS (client_rows);
