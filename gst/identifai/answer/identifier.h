/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service calls a file that it took. Pure.
 */

#pragma once

#include "json.h"

G_BEGIN_DECLS

#define IDENTIFAI_MAX_IDENTIFIER_BYTES 256

/* A string, or the digits of a number, that can be an identifier, else NULL. */
gchar *identifai_identifier_dup (JsonNode * node);

/* name: the element's, for the log. A 2xx of the submit call: JSON object with "identifier", a JSON string, or
 * the bare identifier as text, whatever was asked for. The identifier is not
 * empty, at most IDENTIFAI_MAX_IDENTIFIER_BYTES, printable ASCII without
 * spaces; it may hold slashes, dots and percent signs (the URL escapes them). */
gchar *identifai_identifier_parse (const gchar * name, const gchar * data,
    gsize length, GError ** error);

G_END_DECLS
