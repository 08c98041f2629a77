/* identifai-watch: whether a pipeline that was told to end gets there
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Zeroed: it was told just now. */
typedef struct
{
  gint64 since;                 /* monotonic, us: nothing has moved since */
  guint counters;               /* of all elements, mixed */
} WatchEnding;

/* To be called every now and then. FALSE: it doesn't get there. */
gboolean watch_ending_check (WatchEnding * self, GstElement * pipeline,
    GError ** error);

G_END_DECLS
