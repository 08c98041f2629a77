/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How much larger than its streams a file is: for those who cut, before there is
 * one.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many bytes the container adds at most around n_buffers buffers in
 * n_tracks tracks: an upper bound, so that file <= payload + overhead. */
guint64 identifai_container_overhead (guint n_tracks, guint n_buffers,
    guint64 payload);

G_END_DECLS
