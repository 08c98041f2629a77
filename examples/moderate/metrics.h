/* identifai-moderate: everything that can be asked about
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the page and the metrics read; borrowed all of it.
 */

#pragma once

#include "board.h"
#include "evidence.h"
#include "mqtt.h"
#include "pendingstate.h"
#include "supervisor.h"
#include "webhookout.h"

G_BEGIN_DECLS

typedef struct
{
  ModHub *hub;
  ModBoard *board;
  ModSupervisor *supervisor;
  ModEvidence *evidence;        /* NULL: none is kept */
  ModPendingState *pending;     /* NULL: not kept */
  ModMqtt *mqtt;                /* NULL: none is wanted */
  ModWebhookOut *webhook_out;
} ModViews;

/* For Prometheus, in its text format. Free it. */
gchar *mod_metrics_render (const ModViews * views);

G_END_DECLS
