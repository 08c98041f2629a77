/* identifai-moderate: webhook-out=: posts what is alarming to an address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One post at a time and address, in order, again and again until it is taken.
 */

#pragma once

#include "hub.h"
#include "supervisor.h"

G_BEGIN_DECLS

typedef struct _ModWebhookOut ModWebhookOut;

ModWebhookOut *mod_webhook_out_new (ModHub * hub);
/* What waits is lost, which is told. */
void mod_webhook_out_free (ModWebhookOut * self);

void mod_webhook_out_post (ModWebhookOut * self, const gchar * stream,
    const gchar * uri, const gchar * text);
/* Now and then: what waits for an address that no stream has any more, as the file was read
 * again, goes to the new one of its stream, or is given up, which is told. */
void mod_webhook_out_sweep (ModWebhookOut * self, ModSupervisor * supervisor);
/* Posts that wait. */
guint mod_webhook_out_waiting (const ModWebhookOut * self);

G_END_DECLS
