/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers that are packed although `Accept-Encoding: identity` was asked for: some
 * fronts do, and a small answer may unpack to a very large one (workaround UNPACK).
 * Pure.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Whether a Content-Encoding says that there is something to unpack. */
gboolean identifai_content_is_encoded (const gchar * coding);

/* Unpacks data, as its Content-Encoding says: gzip, deflate, identity, or two of
 * them in a row. What is longer than max bytes, broken, or packed in another way
 * is an error of G_IO_ERROR, G_IO_ERROR_INVALID_DATA, and what breaks off
 * G_IO_ERROR_PARTIAL_INPUT; *unpacked, never NULL, then has what could be unpacked
 * of it. */
gboolean identifai_content_decode (GBytes * data, const gchar * coding, gsize max,
    GBytes ** unpacked, GError ** error);

G_END_DECLS
