/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifairecorder.h"

#include "gstidentifaicapturetime.h"
#include "gstidentifaierrors.h"
#include "clock.h"
#include "heldbuffer.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* What has no known length by then may not end at all, in µs. */
#define MAX_WAIT (30 * G_TIME_SPAN_SECOND)

struct _GstIdentifaiRecorder
{
  GstIdentifaiEngine *engine;   /* borrowed */

  /* All below: the engine's lock. */
  const IdentifaiContainer *container;  /* once it is known */
  gboolean refused;             /* the rest of a file: it is thrown away */
  gboolean unwanted;            /* refused, as it began while judging was off */
  IdentifaiSegment *open;       /* the file so far */
  gint64 file_start;            /* monotonic µs, of the first byte of it */

  gboolean has_length;          /* upstream knows its end */
  gboolean has_size;            /* in bytes: they are a file's */
  gchar *uri;                   /* of the file, until it is closed; or NULL */

  guint64 refused_bytes;        /* of a stream that goes on: since it failed last */
  guint64 lost_bytes, posted_bytes;     /* since the start */
  gboolean told_container;      /* that it isn't judged before its end */
  gboolean told_idle;           /* which settings do nothing */
};

GstIdentifaiRecorder *
gst_identifai_recorder_new (GstIdentifaiEngine * engine)
{
  GstIdentifaiRecorder *self = g_new0 (GstIdentifaiRecorder, 1);

  self->engine = engine;

  return self;
}

void
gst_identifai_recorder_free (GstIdentifaiRecorder * self)
{
  g_clear_pointer (&self->open, identifai_segment_free);
  g_free (self->uri);
  g_free (self);
}

void
gst_identifai_recorder_reset_locked (GstIdentifaiRecorder * self)
{
  self->container = NULL;
  self->refused = FALSE;
  self->refused_bytes = self->lost_bytes = self->posted_bytes = 0;
  self->told_container = self->told_idle = FALSE;
}

void
gst_identifai_recorder_restart_locked (GstIdentifaiRecorder * self)
{
  self->refused = FALSE;
}

void
gst_identifai_recorder_forget_type_locked (GstIdentifaiRecorder * self)
{
  if (self->open == NULL)
    self->container = NULL;
}

gboolean
gst_identifai_recorder_set_container_locked (GstIdentifaiRecorder * self,
    const IdentifaiContainer * container, GError ** error)
{
  gboolean changes = self->container != NULL && self->container != container;
  gboolean closed = TRUE;

  GST_INFO_OBJECT (self->engine->element, "the bytes are %s",
      container->content_type);
  if (changes)
    closed = gst_identifai_recorder_close_locked (self, error);
  if (changes)
    self->refused = FALSE;
  self->container = container;

  return closed;
}

/* Takes what is open. */
static void
fail_locked (GstIdentifaiRecorder * self, IdentifaiReason reason, guint64 bytes,
    const gchar * text)
{
  IdentifaiSegment *segment = g_steal_pointer (&self->open);

  GST_WARNING_OBJECT (self->engine->element,
      "segment %u: %s; the rest of it is " "thrown away", segment->number,
      text);
  segment->bytes = bytes;
  self->lost_bytes += bytes;
  self->refused_bytes = 0;
  identifai_segment_fail (segment, reason, text);
  gst_identifai_outbox_offer (self->engine->outbox, segment);
  self->refused = TRUE;
}

static void
too_large_locked (GstIdentifaiRecorder * self, guint64 bytes)
{
  gchar *text = g_strdup_printf ("the file has %" G_GUINT64_FORMAT " bytes%s, "
      "max-segment-bytes allows %" G_GUINT64_FORMAT, bytes,
      self->container == NULL ? "" : " or more",
      self->engine->settings.max_segment_bytes);

  fail_locked (self, IDENTIFAI_REASON_TOO_LARGE, bytes, text);
  g_free (text);
}

/* segment and buffer: NULL if not known. */
static void
open_file_locked (GstIdentifaiRecorder * self, const GstSegment * pad_segment,
    GstBuffer * buffer)
{
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiCaptureTime arrival;

  gst_identifai_capture_time_read (self->engine->element, pad_segment, buffer,
      FALSE, &arrival);
  segment->utc = arrival.utc;
  segment->last_buffer = arrival.monotonic;
  segment->file = identifai_memory_file_new ();
  if (buffer != NULL && pad_segment->format == GST_FORMAT_TIME) {
    segment->running_time = gst_segment_to_running_time (pad_segment,
        GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
    segment->stream_time = gst_segment_to_stream_time (pad_segment,
        GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  }
  gst_identifai_engine_open_segment_locked (self->engine, segment);
  self->open = segment;
  self->file_start = arrival.monotonic;
  self->unwanted = FALSE;
}

/* A live source, or a muxer, may not end at all. */
static void
warn_if_endless_locked (GstIdentifaiRecorder * self)
{
  gboolean endless = self->engine->live || (!self->has_length
      && identifai_clock_now () - self->file_start >= MAX_WAIT);

  if (!endless || self->told_container)
    return;
  self->told_container = TRUE;
  gst_identifai_engine_queue (self->engine,
      gst_identifai_warning_container (self->engine->element,
          self->container->content_type,
          self->engine->settings.max_segment_bytes));
}

/* Once the container is known: it may be late to judge it when it ends. */
static void
warn_locked (GstIdentifaiRecorder * self)
{
  gchar *idle;

  warn_if_endless_locked (self);
  if (self->told_idle)
    return;

  self->told_idle = TRUE;
  idle = gst_identifai_settings_list_idle (&self->engine->settings);
  if (idle != NULL)
    gst_identifai_engine_queue (self->engine,
        gst_identifai_warning_idle (self->engine->element, idle));
  g_free (idle);
}

/* The rest of a file that failed. A stream that goes on fails again and again, as
 * nobody would know else that it isn't judged. */
static void
refuse_locked (GstIdentifaiRecorder * self, gsize size)
{
  GST_LOG_OBJECT (self->engine->element, "%" G_GSIZE_FORMAT " bytes are thrown "
      "away, %s", size, self->unwanted ? "as judging was off when the file "
      "began" : "as the file has failed");
  if (self->unwanted)
    return;
  if (!self->told_container) {
    self->lost_bytes += size;
    return;
  }
  self->refused_bytes += size;
  if (self->refused_bytes < self->engine->settings.max_segment_bytes)
    return;
  open_file_locked (self, NULL, NULL);
  too_large_locked (self, self->refused_bytes);
}

gboolean
gst_identifai_recorder_has_refused_locked (GstIdentifaiRecorder * self)
{
  return self->refused;
}

gdouble
gst_identifai_recorder_get_coverage_locked (GstIdentifaiRecorder * self)
{
  guint64 seen = self->posted_bytes + self->lost_bytes + self->refused_bytes;

  if (self->open != NULL)
    seen += self->open->bytes;

  return seen > 0 ? (gdouble) self->posted_bytes / seen : 0.0;
}

static gchar *
dup_uri (GstPad * pad)
{
  GstQuery *query = gst_query_new_uri ();
  gchar *uri = NULL;

  if (gst_pad_peer_query (pad, query))
    gst_query_parse_uri (query, &uri);
  gst_query_unref (query);

  return uri;
}

static gint64
get_length (GstPad * pad, GstFormat format)
{
  gint64 length = -1;

  return gst_pad_peer_query_duration (pad, format, &length) ? length : -1;
}

/* A source without caps knows how long its file is: no need to read it first. */
gboolean
gst_identifai_recorder_start_stream (GstIdentifaiRecorder * self,
    const GstSegment * segment, GstBuffer * buffer)
{
  GstPad *pad = self->engine->video_pad;
  gint64 bytes = get_length (pad, GST_FORMAT_BYTES);
  gint64 time = get_length (pad, GST_FORMAT_TIME);
  gchar *uri = dup_uri (pad);
  gboolean fits = TRUE;

  GST_DEBUG_OBJECT (self->engine->element, "upstream knows of %" G_GINT64_FORMAT
      " bytes, %" G_GINT64_FORMAT " ns, %s", bytes, time, uri ? "a URI" :
      "no URI");

  g_mutex_lock (&self->engine->lock);
  self->has_size = bytes > 0;
  self->has_length = bytes > 0 || time > 0;
  g_free (self->uri);
  self->uri = uri;
  if (self->container == NULL && !self->refused && bytes >= 0
      && self->engine->settings.judging)
    fits = (guint64) bytes <= self->engine->settings.max_segment_bytes;
  if (!fits) {
    open_file_locked (self, segment, buffer);
    too_large_locked (self, bytes);
  }
  g_mutex_unlock (&self->engine->lock);

  return fits;
}

static GstFlowReturn
typefind_locked (GstIdentifaiRecorder * self, gboolean at_end, GError ** error)
{
  switch (identifai_container_typefind (self->open->name, self->open->file,
          at_end, &self->container, error)) {
    case IDENTIFAI_TYPE_UNSURE:
      return GST_FLOW_OK;
    case IDENTIFAI_TYPE_CONTAINER:
      GST_INFO_OBJECT (self->engine->element, "the first %" G_GUINT64_FORMAT
          " bytes say %s", self->open->bytes, self->container->content_type);
      return GST_FLOW_OK;
    case IDENTIFAI_TYPE_OTHER:
      break;
  }
  /* Nothing that the service takes: no segment. */
  g_clear_pointer (&self->open, identifai_segment_free);
  self->refused = TRUE;

  return GST_FLOW_ERROR;
}

static GstFlowReturn
append_locked (GstIdentifaiRecorder * self, GstBuffer * buffer, GError ** error)
{
  guint64 max_bytes = self->engine->settings.max_segment_bytes;
  gsize size = gst_buffer_get_size (buffer);
  IdentifaiSegment *segment = self->open;
  GstFlowReturn ret = GST_FLOW_OK;
  guint64 position;

  segment->last_buffer = identifai_clock_now ();
  /* Before it is written: what a seek has left out is filled with zeros. */
  position = identifai_memory_file_get_position (segment->file);
  if (position > max_bytes || size > max_bytes - position) {
    too_large_locked (self, position + size);
    return GST_FLOW_OK;
  }
  identifai_memory_file_write (segment->file, buffer);
  if (identifai_memory_file_is_broken (segment->file)) {
    fail_locked (self, IDENTIFAI_REASON_MUX, position + size, "A part of the "
        "file can't be read: its memory can't be mapped");
    return GST_FLOW_OK;
  }
  segment->bytes = identifai_memory_file_get_size (segment->file);
  GST_LOG_OBJECT (self->engine->element, "%" G_GSIZE_FORMAT " bytes at %"
      G_GUINT64_FORMAT " of segment %u", size, position, segment->number);
  if (self->container == NULL)
    ret = typefind_locked (self, FALSE, error);
  if (self->container != NULL)
    warn_locked (self);

  return ret;
}

GstFlowReturn
gst_identifai_recorder_write_locked (GstIdentifaiRecorder * self,
    const GstSegment * segment, GstBuffer * buffer, GError ** error)
{
  gsize size = gst_buffer_get_size (buffer);

  if (size == 0 && !identifai_buffer_get_unreadable (buffer)) {
    GST_LOG_OBJECT (self->engine->element, "an empty buffer isn't used");
    return GST_FLOW_OK;
  }
  if (self->refused) {
    refuse_locked (self, size);
    return GST_FLOW_OK;
  }
  if (self->open == NULL && !self->engine->settings.judging) {
    GST_INFO_OBJECT (self->engine->element,
        "the file isn't judged, as it began " "while judging is off");
    self->refused = self->unwanted = TRUE;
    return GST_FLOW_OK;
  }
  if (self->open == NULL)
    open_file_locked (self, segment, buffer);

  return append_locked (self, buffer, error);
}

void
gst_identifai_recorder_seek_locked (GstIdentifaiRecorder * self,
    const GstSegment * segment)
{
  if (segment->format != GST_FORMAT_BYTES || self->refused)
    return;
  if (self->open == NULL && segment->start == 0)
    return;
  if (self->open == NULL)
    open_file_locked (self, NULL, NULL);

  GST_DEBUG_OBJECT (self->engine->element, "writing from byte %"
      G_GUINT64_FORMAT, segment->start);
  identifai_memory_file_seek (self->open->file, segment->start);
}

/* The first file of a stream is the one that the URI names; a muxer may have made
 * another one of it. */
static void
name_locked (GstIdentifaiRecorder * self, IdentifaiSegment * segment)
{
  if (self->uri != NULL)
    segment->filename =
        identifai_container_name_from_uri (segment->name, self->uri,
        self->has_size ? NULL : segment->extension);
  g_clear_pointer (&self->uri, g_free);
}

/* A seek and nothing after it: the number is free again, unless late sound split an
 * earlier segment meanwhile. */
static void
forget_empty_locked (GstIdentifaiRecorder * self)
{
  GST_DEBUG_OBJECT (self->engine->element, "segment %u is empty, and none",
      self->open->number);
  if (self->open->number + 1 == self->engine->next_number)
    self->engine->next_number--;
  g_clear_pointer (&self->open, identifai_segment_free);
}

gboolean
gst_identifai_recorder_close_locked (GstIdentifaiRecorder * self,
    GError ** error)
{
  IdentifaiSegment *segment;

  if (self->open != NULL && self->open->bytes > 0 && self->container == NULL
      && typefind_locked (self, TRUE, error) != GST_FLOW_OK)
    return FALSE;
  if (self->open != NULL && self->open->bytes == 0)
    forget_empty_locked (self);
  if (self->open == NULL)
    return TRUE;

  segment = g_steal_pointer (&self->open);
  segment->content_type = g_strdup (self->container->content_type);
  segment->extension = self->container->extension;
  self->posted_bytes += segment->bytes;
  name_locked (self, segment);
  GST_INFO_OBJECT (self->engine->element, "segment %u is a file of %"
      G_GUINT64_FORMAT " bytes, %s", segment->number, segment->bytes,
      segment->content_type);
  g_queue_push_tail (&self->engine->files, segment);

  return TRUE;
}

void
gst_identifai_recorder_drop_locked (GstIdentifaiRecorder * self,
    GstIdentifaiDrop reason)
{
  if (self->open == NULL)
    return;
  GST_DEBUG_OBJECT (self->engine->element, "the file so far, segment %u, is %s",
      self->open->number, gst_identifai_drop_to_string (reason));
  gst_identifai_outbox_drop (self->engine->outbox,
      g_steal_pointer (&self->open), reason);
}

static void
answer_seeking (GstQuery * query)
{
  GstFormat format;

  gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
  if (format == GST_FORMAT_BYTES || format == GST_FORMAT_DEFAULT)
    gst_query_set_seeking (query, GST_FORMAT_BYTES, TRUE, 0, -1);
  else
    gst_query_set_seeking (query, format, FALSE, 0, -1);
}

static gboolean
answer_position_locked (GstIdentifaiRecorder * self, GstQuery * query)
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
gst_identifai_recorder_query_locked (GstIdentifaiRecorder * self,
    GstQuery * query)
{
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_SEEKING:
      answer_seeking (query);
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
