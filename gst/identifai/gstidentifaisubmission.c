/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisubmission.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

typedef struct
{
  IdentifaiRequest *request;    /* without a file until the segment has one */
  GstIdentifaiReporter *reporter;
  guint number;
  GstIdentifaiEarly early;
} Submission;

static void
end_early (GstIdentifaiEarly * early, const gchar * why)
{
  if (early->file != NULL)
    identifai_early_file_break (early->file, why);
  g_clear_pointer (&early->file, identifai_early_file_unref);
  g_clear_pointer (&early->upload, identifai_early_upload_cancel);
}

static void
submission_free (gpointer data)
{
  Submission *self = data;

  end_early (&self->early, "the segment is gone");
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

GstIdentifaiEarly *
gst_identifai_submission_get_early (IdentifaiSegment * segment)
{
  return &((Submission *) segment->user_data)->early;
}

void
gst_identifai_submission_end_early (IdentifaiSegment * segment,
    const gchar * why)
{
  end_early (gst_identifai_submission_get_early (segment), why);
}

static gchar *
make_filename (const IdentifaiSegment * segment, const gchar * extension)
{
  return segment->filename ? g_strdup (segment->filename) :
      g_strdup_printf ("segment-%05u.%s", segment->number, extension);
}

void
gst_identifai_submission_begin_early (IdentifaiSegment * segment,
    IdentifaiClient * client)
{
  Submission *self = segment->user_data;
  IdentifaiRequest *request = identifai_request_copy (self->request);

  request->segment = segment->number;
  request->filename = make_filename (segment, "mp4");
  request->content_type = g_strdup ("video/mp4");
  request->growing =
      identifai_growing_file_ref (identifai_early_file_get_growing (self->
          early.file));
  GST_DEBUG_ID (segment->name,
      "segment %u begins to be sent as %s, while it is open", segment->number,
      request->filename);
  self->early.begun = TRUE;
  self->early.upload = identifai_early_upload_new (client, request);
  identifai_request_unref (request);
}

IdentifaiRequest *
gst_identifai_submission_complete (IdentifaiSegment * segment)
{
  IdentifaiRequest *request = ((Submission *) segment->user_data)->request;

  request->segment = segment->number;
  request->file = identifai_memory_file_ref (segment->file);
  request->filename = make_filename (segment, segment->extension);
  request->content_type = g_strdup (segment->content_type);
  segment->bytes = identifai_memory_file_get_size (segment->file);

  return request;
}

void
gst_identifai_submission_release_file (IdentifaiSegment * segment)
{
  Submission *self = segment->user_data;

  g_clear_pointer (&self->request->file, identifai_memory_file_unref);
  g_clear_pointer (&self->early.file, identifai_early_file_unref);
}

gboolean
gst_identifai_submission_wants_heatmap (const IdentifaiSegment * segment)
{
  const Submission *self = segment->user_data;

  return !segment->resumed && self->request->with_heatmap;
}
