/* identifai-emulator: calls webhooks
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Main thread only.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _EmuWebhooks EmuWebhooks;

/* What became of a call, once, after the last attempt. ok: it was
 * answered with a 2xx. */
typedef void (*EmuWebhookFunc) (gboolean ok, guint attempts, gpointer data);

/* retry_delay: seconds before the second attempt, doubled for each further;
 * timeout: seconds for one attempt. */
EmuWebhooks *emu_webhooks_new (gdouble retry_delay, gdouble timeout);
/* Cancels what is under way; no callback comes any more. */
void emu_webhooks_free (EmuWebhooks * self);

/* POSTs the JSON to the URL, up to five times until a 2xx answers. Takes over
 * json. free_data is called after the callback, or in its stead. */
void emu_webhooks_call (EmuWebhooks * self, const gchar * url, gchar * json,
    EmuWebhookFunc done, gpointer data, GDestroyNotify free_data);

G_END_DECLS
