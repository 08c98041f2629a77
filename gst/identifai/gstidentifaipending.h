/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service has and has not judged yet, for the next run: entries of
 * the property `pending`, and segments made of them. Pure.
 */

#pragma once

#include "segment.h"

G_BEGIN_DECLS

/* session: of this run. The segment has its identifier. */
GstStructure *gst_identifai_pending_write (const IdentifaiSegment * segment,
    const gchar * session);
/* NULL: it has no identifier that may be one. Of the other fields, what is missing or
 * of a wrong type is unknown; kind: what it is then. */
IdentifaiSegment *gst_identifai_pending_read (const GstStructure * entry,
    IdentifaiKind kind);

G_END_DECLS
