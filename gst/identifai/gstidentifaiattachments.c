/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiattachments.h"

#include "filebuffer.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

void
gst_identifai_attachments_configure (GstIdentifaiAttachments * self,
    const GstIdentifaiSettings * settings)
{
  g_assert (g_queue_is_empty (&self->waiting));
  self->mode = settings->attach_file;
  self->max_bytes = settings->max_attached_bytes;
  self->bytes = 0;
}

/* Takes the file from a segment that waits, at its head. */
static void
drop_oldest (GstIdentifaiAttachments * self)
{
  IdentifaiSegment *segment = g_queue_pop_head (&self->waiting);

  self->bytes -= segment->bytes;
  g_clear_pointer (&segment->file, identifai_memory_file_unref);
}

void
gst_identifai_attachments_set_mode (GstIdentifaiAttachments * self,
    GstIdentifaiAttachFile mode)
{
  self->mode = mode;
  while (mode == GST_IDENTIFAI_ATTACH_FILE_NONE
      && !g_queue_is_empty (&self->waiting))
    drop_oldest (self);
}

static gint
compare_numbers (gconstpointer a, gconstpointer b, gpointer unused)
{
  const IdentifaiSegment *one = a, *other = b;

  return one->number < other->number ? -1 : one->number > other->number;
}

void
gst_identifai_attachments_keep (GstIdentifaiAttachments * self,
    IdentifaiSegment * segment)
{
  if (self->mode == GST_IDENTIFAI_ATTACH_FILE_NONE) {
    g_clear_pointer (&segment->file, identifai_memory_file_unref);
    return;
  }
  g_queue_insert_sorted (&self->waiting, segment, compare_numbers, NULL);
  self->bytes += segment->bytes;
  while (self->bytes > self->max_bytes) {
    IdentifaiSegment *oldest = g_queue_peek_head (&self->waiting);

    GST_DEBUG_ID (oldest->name,
        "segment %u: its outcome comes without its file, " "as %"
        G_GUINT64_FORMAT " bytes wait for theirs", oldest->number, self->bytes);
    oldest->file_dropped = TRUE;
    drop_oldest (self);
  }
}

void
gst_identifai_attachments_end (GstIdentifaiAttachments * self,
    IdentifaiSegment * segment, gboolean flagged)
{
  gboolean wanted = self->mode == GST_IDENTIFAI_ATTACH_FILE_ALL
      || (self->mode == GST_IDENTIFAI_ATTACH_FILE_FLAGGED && flagged);

  if (g_queue_remove (&self->waiting, segment))
    self->bytes -= segment->bytes;
  if (wanted && segment->file != NULL)
    segment->attachment = identifai_file_buffer_new (segment->file);
  if (wanted)
    GST_LOG_ID (segment->name, "segment %u: its file %s", segment->number,
        segment->attachment ? "goes along" : "is missing");
  segment->file_dropped &= wanted;
}
