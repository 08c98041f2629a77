/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * early-upload: a segment is sent as its frames come, while a call is free, its file can
 * be written that way, and nobody refuses that; else, from wherever it breaks off, as
 * if there had been nothing of it.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "clock.h"
#include "gstidentifaisubmission.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

/* A stream of which no segment can be sent early is tried ever more rarely: 1, 3, 7 …
 * segments are left out between two that are. */
#define MAX_DOUBLINGS 7

/* Once a segment. */
static void
try_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  GstIdentifaiEarly *early = gst_identifai_submission_get_early (segment);

  early->tried = TRUE;
  if (self->early_pause > 0) {
    self->early_pause--;
    GST_DEBUG_OBJECT (self->element, "segment %u isn't sent early, as those "
        "before couldn't be", segment->number);
  } else if (self->may_be_early && identifai_hourly_quota_is_left (&self->quota,
          identifai_clock_now ())) {
    early->file = identifai_early_file_new (GST_OBJECT_NAME (self->element),
        segment->number, self->max_segment_bytes);
  } else {
    GST_LOG_OBJECT (self->element, "segment %u isn't sent early: %s",
        segment->number, self->may_be_early ? "the hour's calls are used up" :
        "it may not be");
  }
}

static void
grow_locked (GstIdentifaiOutbox * self, const IdentifaiOpenSegment * open)
{
  IdentifaiSegment *segment = open->segment;
  GstIdentifaiEarly *early = gst_identifai_submission_get_early (segment);
  IdentifaiEarlyStretch *stretch;

  if (!early->tried)
    try_locked (self, segment);
  if (early->file == NULL)
    return;
  if (early->upload != NULL && identifai_early_upload_is_over (early->upload)) {
    early->unsent = TRUE;
    gst_identifai_submission_end_early (segment, "its upload has ended");
    return;
  }
  stretch = identifai_early_file_take (early->file, open->frames,
      segment->tracks);
  if (stretch != NULL)
    identifai_mux_worker_write (self->worker, stretch);
  if (stretch != NULL && early->upload == NULL)
    gst_identifai_submission_begin_early (segment, self->client);
  if (early->upload != NULL && identifai_early_file_is_broken (early->file))
    g_clear_pointer (&early->upload, identifai_early_upload_cancel);
}

void
gst_identifai_outbox_grow (GstIdentifaiOutbox * self,
    const IdentifaiOpenSegment * open)
{
  if (!open->has_sound)
    return;
  g_mutex_lock (&self->lock);
  if (self->client != NULL && !self->halting)
    grow_locked (self, open);
  g_mutex_unlock (&self->lock);
}

static void
note_miss_locked (GstIdentifaiOutbox * self, const IdentifaiSegment * segment)
{
  self->early_misses = MIN (self->early_misses + 1, MAX_DOUBLINGS);
  self->early_pause = (1u << self->early_misses) - 1;
  GST_DEBUG_OBJECT (self->element,
      "segment %u couldn't be sent early: the next " "%u aren't tried",
      segment->number, self->early_pause);
}

IdentifaiEarlyUpload *
gst_identifai_outbox_take_early_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  GstIdentifaiEarly *early = gst_identifai_submission_get_early (segment);
  gboolean whole = early->file != NULL
      && !identifai_early_file_is_broken (early->file);

  if (whole) {
    self->early_misses = 0;
    g_clear_pointer (&early->file, identifai_early_file_unref);
    return g_steal_pointer (&early->upload);
  }
  if (early->begun && !early->unsent)
    note_miss_locked (self, segment);
  gst_identifai_submission_end_early (segment, "it was another");

  return NULL;
}
