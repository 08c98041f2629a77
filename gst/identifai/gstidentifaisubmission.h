/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a segment is submitted with: the settings as of when it opened, and its
 * file as soon as it has one. A segment's user_data. No lock: the segment's owner.
 */

#pragma once

#include "gstidentifaireporter.h"
#include "gstidentifaisettings.h"
#include "earlyfile.h"
#include "earlyupload.h"
#include "request.h"
#include "segment.h"

G_BEGIN_DECLS

/* The segment has its number. The reporter knows of it as long as it is there. */
void gst_identifai_submission_attach (IdentifaiSegment * segment,
    const GstIdentifaiSettings * settings, GstIdentifaiReporter * reporter);

/* What is sent of it while it is open: early-upload. */
typedef struct
{
  gboolean tried;               /* whether it can be: it was looked at */
  gboolean begun;               /* it went out, or waited for a call */
  gboolean unsent;              /* it could be written, and not sent */
  IdentifaiEarlyFile *file;     /* owned, or NULL */
  IdentifaiEarlyUpload *upload; /* owned, or NULL */
} GstIdentifaiEarly;

/* Borrowed. */
GstIdentifaiEarly *gst_identifai_submission_get_early (IdentifaiSegment *
    segment);
/* Its file has something: begins to send it. */
void gst_identifai_submission_begin_early (IdentifaiSegment * segment,
    IdentifaiClient * client);
/* What is sent breaks off, and the file is broken. */
void gst_identifai_submission_end_early (IdentifaiSegment * segment,
    const gchar * why);

/* The segment has its file: the request has it, too, and all else that is sent.
 * Borrowed. */
IdentifaiRequest *gst_identifai_submission_complete (IdentifaiSegment *
    segment);

/* The service has the file: it is let go of, but for the segment's reference. */
void gst_identifai_submission_release_file (IdentifaiSegment * segment);

/* Of an image: the setting, as of when it opened. */
gboolean gst_identifai_submission_wants_heatmap (const IdentifaiSegment *
    segment);

G_END_DECLS
