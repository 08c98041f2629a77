/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Container input of the always pad: its bytes are gathered until EOS, and go out
 * as they came. All of it runs on the video streaming thread.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"

#include "gstidentifaicapturetime.h"
#include "gstidentifaierrors.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* What has no known length by then may not end at all, in µs. */
#define MAX_WAIT (30 * G_TIME_SPAN_SECOND)

/* The rest of it is thrown away. */
static void
fail_locked (GstIdentifaiSink * self, guint64 bytes, IdentifaiReason reason,
    const gchar * text)
{
  IdentifaiSegment *segment = g_steal_pointer (&self->open);

  segment->bytes = bytes;
  self->lost_bytes += bytes;
  self->refused_bytes = 0;
  identifai_segment_fail (segment, reason, text);
  gst_identifai_outbox_offer (self->outbox, segment);
  self->input = GST_IDENTIFAI_INPUT_REFUSED;
}

static void
too_large_locked (GstIdentifaiSink * self, guint64 bytes)
{
  gchar *text = g_strdup_printf ("the file has %" G_GUINT64_FORMAT " bytes%s, "
      "max-segment-bytes allows %" G_GUINT64_FORMAT, bytes,
      self->input == GST_IDENTIFAI_INPUT_RAW ? "" : " or more",
      self->settings.max_segment_bytes);

  fail_locked (self, bytes, IDENTIFAI_REASON_TOO_LARGE, text);
  g_free (text);
}

static void
open_file_locked (GstIdentifaiSink * self, GstBuffer * buffer)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiCaptureTime arrival;

  gst_identifai_capture_time_read (GST_ELEMENT (self), &bsink->segment, buffer,
      FALSE, &arrival);
  segment->utc = arrival.utc;
  segment->last_buffer = arrival.monotonic;
  segment->file = identifai_memory_file_new ();
  if (bsink->segment.format == GST_FORMAT_TIME && buffer != NULL) {
    segment->running_time = gst_segment_to_running_time (&bsink->segment,
        GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
    segment->stream_time = gst_segment_to_stream_time (&bsink->segment,
        GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  }
  gst_identifai_sink_open_segment (segment, self);
  self->open = segment;
  self->file_start = arrival.monotonic;
  self->unwanted = FALSE;
}

/* Once the container is known: it may be late to judge it when it ends. */
static void
warn_locked (GstIdentifaiSink * self)
{
  gboolean endless = self->live || (!self->has_length
      && g_get_monotonic_time () - self->file_start >= MAX_WAIT);
  GstElement *src = GST_ELEMENT (self);
  gchar *idle;

  if (endless && !self->told_container)
    gst_identifai_reporter_queue (self->reporter,
        gst_identifai_warning_container (src, self->container->content_type,
            self->settings.max_segment_bytes));
  self->told_container = self->told_container || endless;
  if (self->told_idle)
    return;

  self->told_idle = TRUE;
  idle = gst_identifai_settings_list_idle (&self->settings);
  if (idle != NULL)
    gst_identifai_reporter_queue (self->reporter,
        gst_identifai_warning_idle (src, idle));
  g_free (idle);
}

/* The rest of a file that failed. A stream that goes on fails again and again, as
 * nobody would know else that it isn't judged. */
static void
refuse_locked (GstIdentifaiSink * self, gsize size)
{
  if (self->unwanted)
    return;
  if (!self->told_container) {
    self->lost_bytes += size;
    return;
  }
  self->refused_bytes += size;
  if (self->refused_bytes < self->settings.max_segment_bytes)
    return;
  open_file_locked (self, NULL);
  too_large_locked (self, self->refused_bytes);
}

gdouble
gst_identifai_file_get_coverage_locked (GstIdentifaiSink * self)
{
  guint64 seen = self->posted_bytes + self->lost_bytes + self->refused_bytes;

  if (self->open != NULL)
    seen += self->open->bytes;

  return seen > 0 ? (gdouble) self->posted_bytes / seen : 0.0;
}

static gboolean
wants_file (GstIdentifaiSink * self)
{
  gboolean wanted;

  g_mutex_lock (&self->lock);
  wanted = self->settings.judging;
  g_mutex_unlock (&self->lock);

  return wanted;
}

/* A source without caps knows how long its file is: no need to read it first. */
gboolean
gst_identifai_file_fits (GstIdentifaiSink * self, GstBuffer * buffer)
{
  gint64 bytes = -1;
  gboolean fits;

  if (self->input != GST_IDENTIFAI_INPUT_RAW || !wants_file (self)
      || !gst_pad_peer_query_duration (GST_BASE_SINK_PAD (self),
          GST_FORMAT_BYTES, &bytes) || bytes < 0)
    return TRUE;

  g_mutex_lock (&self->lock);
  fits = (guint64) bytes <= self->settings.max_segment_bytes;
  if (!fits) {
    open_file_locked (self, buffer);
    too_large_locked (self, bytes);
  }
  g_mutex_unlock (&self->lock);

  return fits;
}

static GstFlowReturn
typefind_locked (GstIdentifaiSink * self, gboolean at_end, GError ** error)
{
  switch (identifai_container_typefind (self->open->file, at_end,
          &self->container, error)) {
    case IDENTIFAI_TYPE_UNSURE:
      return GST_FLOW_OK;
    case IDENTIFAI_TYPE_CONTAINER:
      self->input = GST_IDENTIFAI_INPUT_CONTAINER;
      return GST_FLOW_OK;
    case IDENTIFAI_TYPE_OTHER:
      break;
  }
  /* Nothing that the service takes: no segment. */
  g_clear_pointer (&self->open, identifai_segment_free);
  self->input = GST_IDENTIFAI_INPUT_REFUSED;

  return GST_FLOW_ERROR;
}

static GstFlowReturn
append_locked (GstIdentifaiSink * self, GstBuffer * buffer, GError ** error)
{
  guint64 max_bytes = self->settings.max_segment_bytes;
  gsize size = gst_buffer_get_size (buffer);
  GstFlowReturn ret = GST_FLOW_OK;
  IdentifaiSegment *segment;
  guint64 position;

  if (size == 0)
    return GST_FLOW_OK;
  if (self->input == GST_IDENTIFAI_INPUT_REFUSED) {
    refuse_locked (self, size);
    return GST_FLOW_OK;
  }
  if (self->open == NULL && !self->settings.judging) {
    self->input = GST_IDENTIFAI_INPUT_REFUSED;
    self->unwanted = TRUE;
    return GST_FLOW_OK;
  }
  if (self->open == NULL)
    open_file_locked (self, buffer);

  segment = self->open;
  segment->last_buffer = g_get_monotonic_time ();
  /* Before it is written: what a seek has left out is filled with zeros. */
  position = identifai_memory_file_get_position (segment->file);
  if (position > max_bytes || size > max_bytes - position) {
    too_large_locked (self, position + size);
    return GST_FLOW_OK;
  }
  identifai_memory_file_write (segment->file, buffer);
  if (identifai_memory_file_is_broken (segment->file)) {
    fail_locked (self, position + size, IDENTIFAI_REASON_MUX,
        "A part of the file can't be read: its memory can't be mapped");
    return GST_FLOW_OK;
  }
  segment->bytes = identifai_memory_file_get_size (segment->file);
  if (self->container == NULL)
    ret = typefind_locked (self, FALSE, error);
  if (self->container != NULL)
    warn_locked (self);

  return ret;
}

GstFlowReturn
gst_identifai_file_render (GstIdentifaiSink * self, GstBuffer * buffer)
{
  GError *error = NULL;
  GstFlowReturn ret;

  g_mutex_lock (&self->lock);
  ret = append_locked (self, buffer, &error);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_post_error (self, error);

  return ret;
}

/* A muxer goes back to rewrite what it wrote, as into filesink. */
void
gst_identifai_file_seek_locked (GstIdentifaiSink * self,
    const GstSegment * segment)
{
  if (segment->format != GST_FORMAT_BYTES
      || self->input == GST_IDENTIFAI_INPUT_REFUSED)
    return;
  if (self->open == NULL && segment->start == 0)
    return;
  if (self->open == NULL)
    open_file_locked (self, NULL);

  GST_DEBUG_OBJECT (self, "writing from byte %" G_GUINT64_FORMAT,
      segment->start);
  identifai_memory_file_seek (self->open->file, segment->start);
}

/* The first file of a stream is the one that the URI names; a muxer may have made
 * another one of it. */
static void
name_locked (GstIdentifaiSink * self, IdentifaiSegment * segment)
{
  if (self->uri != NULL)
    segment->filename = identifai_container_name_from_uri (self->uri,
        self->has_size ? NULL : segment->extension);
  g_clear_pointer (&self->uri, g_free);
}

gboolean
gst_identifai_file_close_locked (GstIdentifaiSink * self, GError ** error)
{
  IdentifaiSegment *segment;

  if (self->open != NULL && self->open->bytes > 0 && self->container == NULL
      && typefind_locked (self, TRUE, error) != GST_FLOW_OK)
    return FALSE;

  segment = g_steal_pointer (&self->open);
  if (segment != NULL && segment->bytes == 0) {
    /* a seek and nothing after it: the number is free again, unless late sound
     * split an earlier segment meanwhile */
    if (segment->number + 1 == self->next_number)
      self->next_number--;
    g_clear_pointer (&segment, identifai_segment_free);
  }
  if (segment != NULL) {
    segment->content_type = g_strdup (self->container->content_type);
    segment->extension = self->container->extension;
    self->posted_bytes += segment->bytes;
    name_locked (self, segment);
    g_queue_push_tail (&self->files, segment);
  }

  return TRUE;
}

/* Muxers ask whether they may seek back; the answers are filesink's. */

static void
answer_seeking (GstIdentifaiSink * self, GstQuery * query)
{
  GstFormat format;

  gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
  if (format == GST_FORMAT_BYTES || format == GST_FORMAT_DEFAULT)
    gst_query_set_seeking (query, GST_FORMAT_BYTES, TRUE, 0, -1);
  else
    gst_query_set_seeking (query, format, FALSE, 0, -1);
}

static gboolean
answer_position_locked (GstIdentifaiSink * self, GstQuery * query)
{
  GstFormat format;

  gst_query_parse_position (query, &format, NULL);
  if (format != GST_FORMAT_BYTES && format != GST_FORMAT_DEFAULT)
    return FALSE;
  gst_query_set_position (query, GST_FORMAT_BYTES,
      self->open ? identifai_memory_file_get_position (self->open->file) : 0);

  return TRUE;
}

gboolean
gst_identifai_file_query_locked (GstIdentifaiSink * self, GstQuery * query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_SEEKING:
      answer_seeking (self, query);
      return TRUE;
    case GST_QUERY_POSITION:
      return answer_position_locked (self, query);
    case GST_QUERY_FORMATS:
      gst_query_set_formats (query, 2, GST_FORMAT_DEFAULT, GST_FORMAT_BYTES);
      return TRUE;
    default:
      return FALSE;
  }
}
