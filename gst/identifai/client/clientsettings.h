/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks of what the client is told.
 */

#pragma once

#include "client.h"

G_BEGIN_DECLS

/* Proxy and user agent. */
gboolean identifai_client_check_settings (
    const IdentifaiClientSettings * settings, GError ** error);

/* Stands for the key of those who call without one: the extra headers that
 * authorise, as a checksum. NULL: none does. No key is like it. */
gchar *identifai_client_get_keyless_account (IdentifaiExtraHeaders * headers);
gboolean identifai_client_account_is_keyless (const gchar * account);

G_END_DECLS
