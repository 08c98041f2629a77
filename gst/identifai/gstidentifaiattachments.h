/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that outcomes are told with: those that the service took are kept until
 * their outcome, within max-attached-bytes. No lock: the outbox's.
 */

#pragma once

#include "gstidentifaisettings.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct
{
  GstIdentifaiAttachFile mode;
  guint64 max_bytes;
  guint64 bytes;                /* of those that wait */
  GQueue waiting;               /* of IdentifaiSegment, borrowed, by number */
} GstIdentifaiAttachments;

/* Nothing waits. */
void gst_identifai_attachments_configure (GstIdentifaiAttachments * self,
    const GstIdentifaiSettings * settings);
/* Lets go of what won't be wanted any more. */
void gst_identifai_attachments_set_mode (GstIdentifaiAttachments * self,
    GstIdentifaiAttachFile mode);

/* The service took the file of segment, which keeps it if that is wanted. Beyond the
 * bound the oldest ones go. */
void gst_identifai_attachments_keep (GstIdentifaiAttachments * self,
    IdentifaiSegment * segment);
/* Its outcome is there: it gets the attachment that the message will have. flagged:
 * it is artificial, or wasn't judged. */
void gst_identifai_attachments_end (GstIdentifaiAttachments * self,
    IdentifaiSegment * segment, gboolean flagged);

G_END_DECLS
