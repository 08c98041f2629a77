/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory that can't be mapped, now and then, as that of a device that is gone.
 * One thread at a time maps it.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* From now on count maps fail, from the first-th (from 1) on; 0: none. */
void fault_memory_fail (guint first, guint count);

/* The same bytes, flags and times in such memory, in n pieces. */
GstBuffer *fault_memory_copy (GstBuffer * buffer, guint n);

/* Memories of that kind that are there now. */
guint fault_memory_count (void);

G_END_DECLS
