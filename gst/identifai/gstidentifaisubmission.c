/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisubmission.h"

typedef struct
{
  IdentifaiRequest *request;    /* without a file until the segment has one */
  GstIdentifaiReporter *reporter;
  guint number;
} Submission;

static void
submission_free (gpointer data)
{
  Submission *self = data;

  gst_identifai_reporter_forget (self->reporter, self->number);
  gst_identifai_reporter_unref (self->reporter);
  identifai_request_unref (self->request);
  g_free (self);
}

void
gst_identifai_submission_attach (IdentifaiSegment * segment,
    const GstIdentifaiSettings * settings, GstIdentifaiReporter * reporter)
{
  Submission *self = g_new0 (Submission, 1);

  segment->ref_id =
      gst_identifai_ref_id_format (settings->ref_id, segment->number);
  self->request = gst_identifai_settings_to_request (settings, segment->ref_id);
  self->reporter = gst_identifai_reporter_ref (reporter);
  self->number = segment->number;
  segment->user_data = self;
  segment->free_user_data = submission_free;
  gst_identifai_reporter_open (reporter, segment->number);
}

IdentifaiRequest *
gst_identifai_submission_complete (IdentifaiSegment * segment)
{
  IdentifaiRequest *request = ((Submission *) segment->user_data)->request;

  request->segment = segment->number;
  request->file = identifai_memory_file_ref (segment->file);
  request->filename = segment->filename ? g_strdup (segment->filename) :
      g_strdup_printf ("segment-%05u.%s", segment->number, segment->extension);
  request->content_type = g_strdup (segment->content_type);
  segment->bytes = identifai_memory_file_get_size (segment->file);

  return request;
}

void
gst_identifai_submission_release_file (IdentifaiSegment * segment)
{
  IdentifaiRequest *request = ((Submission *) segment->user_data)->request;

  g_clear_pointer (&request->file, identifai_memory_file_unref);
}

gboolean
gst_identifai_submission_wants_heatmap (const IdentifaiSegment * segment)
{
  const Submission *self = segment->user_data;

  return !segment->resumed && self->request->with_heatmap;
}
