/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the fault server reads of a request.
 */

#pragma once

#include "faultserver.h"

G_BEGIN_DECLS

/* headers: the request line and the rest, without the empty line. */
FaultRequest *fault_request_new (const gchar * headers, gsize length);
void fault_request_free (FaultRequest * request);
/* Of its body. */
gsize fault_request_get_length (const FaultRequest * request);

G_END_DECLS
