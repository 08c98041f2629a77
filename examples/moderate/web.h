/* identifai-moderate: a page and its calls, on loopback
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GET /, /api/streams, /api/lines, /api/events (server-sent events), /metrics, /health;
 * GET /api/streams/NAME/thumbnails/ID and POST /api/streams/NAME/ACT with the token; POST /webhook/SECRET from the service.
 */

#pragma once

#include "config.h"
#include "metrics.h"

G_BEGIN_DECLS

typedef struct _ModWeb ModWeb;

/* Listens. The token's and the secret's file are made if they aren't there (mode 0600).
 * views outlives it. NULL with error. */
ModWeb *mod_web_new (const ModProgramConfig * config, const ModViews * views,
    GError ** error);
void mod_web_free (ModWeb * self);
/* An outcome, as it comes: the page shows what was flagged. */
void mod_web_take (ModWeb * self, const ModStreamConfig * config,
    JsonObject * line, const GstStructure * s);
/* http://127.0.0.1:PORT */
const gchar *mod_web_get_address (const ModWeb * self);

G_END_DECLS
