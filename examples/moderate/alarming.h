/* identifai-moderate: whom a line is sent to: a command, an address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "config.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Whether alert= and webhook-out= of the stream are about this line (alert-on=). */
gboolean mod_is_alarming (const ModStreamConfig * config, JsonObject * line);

G_END_DECLS
