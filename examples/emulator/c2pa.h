/* identifai-emulator: finds a C2PA manifest in a file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure. Says whether there is one and what it is called; nothing is verified.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Looks for a manifest store in an MP4-like file (the C2PA uuid box), a JPEG
 * (JUMBF in APP11), a PNG (caBX) or a RIFF file (C2PA). TRUE if there is one;
 * *label (to be freed) is its last manifest's label, or NULL if that can't be
 * read. */
gboolean emu_c2pa_find (const guint8 * data, gsize length, gchar ** label);

G_END_DECLS
