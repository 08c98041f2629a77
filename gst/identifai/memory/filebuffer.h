/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file in memory as a GstBuffer, for applications. A buffer has room for 16
 * memories, and would merge more, while a file has hundreds of pieces. So it gets one
 * memory that stands for all of them. Nothing is copied until somebody maps it: then
 * the bytes are put together once, and the pieces are let go of.
 */

#pragma once

#include "memoryfile.h"

G_BEGIN_DECLS

/* Takes a reference. The file is finished. Read-only; any thread may map it. */
GstBuffer *identifai_file_buffer_new (IdentifaiMemoryFile * file);

G_END_DECLS
