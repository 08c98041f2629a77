/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "segment.h"
#include "waste.h"

static void
waste_array (GPtrArray * array)
{
  identifai_waste (array, (GDestroyNotify) g_ptr_array_unref, array->len);
}

static void
track_free (gpointer data)
{
  IdentifaiTrack *track = data;

  gst_clear_caps (&track->caps);
  waste_array (track->buffers);
  g_free (track);
}

IdentifaiSegment *
identifai_segment_new (guint number)
{
  IdentifaiSegment *self = g_new0 (IdentifaiSegment, 1);

  self->number = number;
  self->running_time = GST_CLOCK_TIME_NONE;
  self->stream_time = GST_CLOCK_TIME_NONE;
  self->duration = GST_CLOCK_TIME_NONE;
  self->utc = -1;

  return self;
}

static void
waste_file (IdentifaiMemoryFile * file)
{
  identifai_waste (file, (GDestroyNotify) identifai_memory_file_unref,
      identifai_memory_file_get_n_pieces (file));
}

static void
release_payload (IdentifaiSegment * self)
{
  g_clear_pointer (&self->tracks, g_ptr_array_unref);
  g_clear_pointer (&self->pictures, waste_array);
  g_clear_pointer (&self->file, waste_file);
}

void
identifai_segment_free (IdentifaiSegment * self)
{
  release_payload (self);
  if (self->free_user_data)
    self->free_user_data (self->user_data);
  g_free (self->session);
  g_free (self->ref_id);
  g_free (self->identifier);
  g_free (self->content_type);
  g_free (self->filename);
  g_free (self->sha256);
  gst_clear_buffer (&self->attachment);
  g_free (self->failure_text);
  g_free (self->audio_trouble);
  g_free (self->name);
  g_free (self);
}

IdentifaiTrack *
identifai_segment_add_track (IdentifaiSegment * self, GstCaps * caps)
{
  IdentifaiTrack *track = g_new0 (IdentifaiTrack, 1);

  track->caps = gst_caps_ref (caps);
  track->buffers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  if (self->tracks == NULL)
    self->tracks = g_ptr_array_new_with_free_func (track_free);
  g_ptr_array_add (self->tracks, track);

  return track;
}

static GstClockTime
get_length (const IdentifaiTrack * track)
{
  GstBuffer *first, *last;
  GstClockTime length;

  if (track->buffers->len == 0)
    return 0;
  first = g_ptr_array_index (track->buffers, 0);
  last = g_ptr_array_index (track->buffers, track->buffers->len - 1);
  length = GST_BUFFER_PTS (last) - GST_BUFFER_PTS (first);
  if (GST_BUFFER_DURATION_IS_VALID (last))
    length += GST_BUFFER_DURATION (last);

  return length;
}

void
identifai_segment_leave_out (IdentifaiSegment * self, guint track,
    const gchar * text)
{
  self->audio_missing += get_length (g_ptr_array_index (self->tracks, track));
  g_free (self->audio_trouble);
  self->audio_trouble = g_strdup (text);
  g_ptr_array_remove_index (self->tracks, track);
}

void
identifai_segment_fail (IdentifaiSegment * self, IdentifaiReason reason,
    const gchar * text)
{
  release_payload (self);
  self->failure = reason;
  g_free (self->failure_text);
  self->failure_text = g_strdup (text);
}

void
identifai_segment_swap_identity (IdentifaiSegment * self,
    IdentifaiSegment * other)
{
  IdentifaiSegment old = *self;

  self->number = other->number;
  self->ref_id = other->ref_id;
  self->user_data = other->user_data;
  self->free_user_data = other->free_user_data;
  other->number = old.number;
  other->ref_id = old.ref_id;
  other->user_data = old.user_data;
  other->free_user_data = old.free_user_data;
}
