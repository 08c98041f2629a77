/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SHA-256 by the processor's own instructions, where it has them: GLib's doesn't use
 * them, and takes four times as long or more. One owner.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IdentifaiSha256 IdentifaiSha256;

/* plain: by GLib, whatever the processor has; for tests. */
IdentifaiSha256 *identifai_sha256_new (gboolean plain);
void identifai_sha256_free (IdentifaiSha256 * self);

void identifai_sha256_update (IdentifaiSha256 * self, const guint8 * data,
    gsize size);
/* In hexadecimal. No update may follow. */
gchar *identifai_sha256_finish (IdentifaiSha256 * self);

G_END_DECLS
