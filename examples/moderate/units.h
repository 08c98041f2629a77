/* identifai-moderate: times and sizes as people write them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "10s", "250ms", "5min", "2h", "7d", "none" (2^64-1), "0": nanoseconds. A number without
 * a unit is refused: the elements' own unit, nanoseconds, is nobody's first thought. */
gboolean mod_parse_time (const gchar * text, guint64 * ns);

/* "5000000", "64M", "10G", in powers of 1000; "64MiB" in powers of 1024: bytes. */
gboolean mod_parse_size (const gchar * text, guint64 * bytes);

G_END_DECLS
