/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Buffers that are kept for long. Pure.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A buffer that may be held for long, and can be read: buffer itself (a new
 * reference), or a copy of it if its memory belongs to a pool or is no plain system
 * memory. If its memory can't be read, an empty one with its flags and times, which
 * stands for it. */
GstBuffer *identifai_buffer_hold (GstBuffer * buffer);

/* Of a buffer that stands for one: what kind of memory can't be read, such as
 * "DmaBuf" (static). NULL: it is a buffer as others. */
const gchar *identifai_buffer_get_unreadable (GstBuffer * buffer);

G_END_DECLS
