/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SHA-256 by nettle, which uses the processor's instructions for it, if the plugin was
 * built with it; else by GLib, which takes two to three times as long.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IdentifaiSha256 IdentifaiSha256;

IdentifaiSha256 *identifai_sha256_new (void);
void identifai_sha256_update (IdentifaiSha256 * self, const guint8 * data,
    gsize size);
/* Frees it. Returns the digest in hexadecimal. */
gchar *identifai_sha256_finish (IdentifaiSha256 * self);

G_END_DECLS
