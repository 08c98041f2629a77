/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The base URL of the service.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Checks an endpoint: absolute http(s) URL, plain http only to loopback hosts
 * (localhost, 127.0.0.0/8, ::1) unless allow_plain_http, no query, no fragment,
 * no user:password. Returns it without a trailing slash, a path prefix kept, or
 * NULL with an error that says what to do. */
gchar *identifai_endpoint_check (const gchar * endpoint,
    gboolean allow_plain_http, GError ** error);

/* By its name or address. */
gboolean identifai_endpoint_is_loopback (const gchar * host);

G_END_DECLS
