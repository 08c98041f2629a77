/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaiimagesink: pictures are judged, one a segment; what comes in, and what of it is
 * judged. Threads and locks: gstidentifaibasesink.h.
 */

/**
 * SECTION:element-identifaiimagesink
 * @title: identifaiimagesink
 * @short_description: judges images with identifAI's classification service
 *
 * identifaiimagesink posts JPEG, PNG, WebP, GIF and TIFF images to identifAI's image
 * classification endpoint, byte for byte, and posts the verdicts as element messages
 * and as tags. Each image is a segment.
 *
 * A buffer with a time is an image (an encoder's, say). Bytes without times are put
 * together to images by their content, or to the one file that a source reads.
 *
 * Messages, tags, statistics and what goes wrong are those of identifaisink.
 *
 * ## Example
 * |[
 * IDENTIFAI_API_KEY=… gst-launch-1.0 -m filesrc location=photo.png ! identifaiimagesink
 * ]| Judges a picture.
 * |[
 * … multifilesrc location=%05d.jpg ! identifaiimagesink
 * ]| Judges the pictures of a folder.
 * |[
 * … videorate ! video/x-raw,framerate=1/10 ! jpegenc ! identifaiimagesink
 * ]| Judges a picture of a video each ten seconds.
 *
 * Since: 0.2
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiimagesink.h"

#include "gstidentifaicapturetime.h"
#include "gstidentifaidrain.h"
#include "clock.h"
#include "heldbuffer.h"
#include "log.h"

#include <gst/base/gsttypefindhelper.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#define LONGEST (G_MAXINT64 / 4)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (IDENTIFAI_IMAGE_CAPS));

G_DEFINE_TYPE (GstIdentifaiImageSink, gst_identifai_image_sink,
    GST_TYPE_IDENTIFAI_BASE_SINK);
GST_ELEMENT_REGISTER_DEFINE (identifaiimagesink, "identifaiimagesink",
    GST_RANK_NONE, GST_TYPE_IDENTIFAI_IMAGE_SINK);

static void
reset_locked (GstIdentifaiBaseSink * base)
{
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (base);

  self->skips = self->has_next = FALSE;
  self->n_seen = self->n_posted = 0;
}

static void
forget_passed_locked (GstIdentifaiImageSink * self)
{
  g_clear_pointer (&self->passed, identifai_memory_file_unref);
}

static void
drop_locked (GstIdentifaiBaseSink * base, GstIdentifaiDrop reason)
{
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (base);

  gst_identifai_engine_drop_locked (self->engine, reason);
  forget_passed_locked (self);
  if (self->open != NULL)
    gst_identifai_outbox_drop (self->engine->outbox,
        g_steal_pointer (&self->open), reason);
}

static gdouble
get_coverage_locked (GstIdentifaiBaseSink * base)
{
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (base);

  return self->n_seen > 0 ? (gdouble) self->n_posted / self->n_seen : 0.0;
}

/* Images. */

/* The image's segment, with no file yet. */
static void
open_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  const GstSegment *pad_segment = &GST_BASE_SINK (self)->segment;
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiCaptureTime arrival;

  gst_identifai_capture_time_read (GST_ELEMENT (self), pad_segment, buffer,
      self->engine->live, &arrival);
  segment->utc = arrival.utc;
  segment->last_buffer = arrival.monotonic;
  segment->running_time = gst_identifai_base_sink_get_running_time
      (&self->parent, GST_BUFFER_PTS (buffer));
  if (pad_segment->format == GST_FORMAT_TIME)
    segment->stream_time = gst_segment_to_stream_time (pad_segment,
        GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (GST_CLOCK_TIME_IS_VALID (segment->running_time))
    segment->duration = GST_BUFFER_DURATION (buffer);
  segment->frames = segment->keyframes = 1;
  segment->file = identifai_memory_file_new ();
  gst_identifai_engine_open_segment_locked (self->engine, segment);

  self->open = segment;
  self->scan = (IdentifaiImageScan) {
  NULL,};
}

/* What it is instead, for people. */
static gchar *
describe_other (IdentifaiMemoryFile * file)
{
  guint8 data[4096];
  gsize size = identifai_memory_file_read (file, 0, data, sizeof (data));
  GstCaps *caps = size > 0 ?
      gst_type_find_helper_for_data (NULL, data, size, NULL) : NULL;
  gchar *text;

  if (size == 0)
    return g_strdup ("The buffer is empty");
  text =
      g_strdup_printf ("This is %s; the service takes JPEG, PNG, WebP, GIF and "
      "TIFF images",
      caps ==
      NULL ? "no image" : gst_structure_get_name (gst_caps_get_structure (caps,
              0)));
  gst_clear_caps (&caps);

  return text;
}

/* Takes what is open. */
static void
fail_locked (GstIdentifaiImageSink * self, IdentifaiReason reason,
    const gchar * text)
{
  IdentifaiSegment *segment = g_steal_pointer (&self->open);

  GST_WARNING_OBJECT (self, "segment %u: %s", segment->number, text);
  identifai_segment_fail (segment, reason, text);
  g_queue_push_tail (&self->engine->files, segment);
}

static void
post_locked (GstIdentifaiImageSink * self)
{
  IdentifaiSegment *segment = g_steal_pointer (&self->open);

  segment->content_type = g_strdup (self->scan.type->content_type);
  segment->extension = self->scan.type->extension;
  if (self->uri != NULL)
    segment->filename = identifai_container_name_from_uri (segment->name,
        self->uri, NULL);
  self->n_posted++;
  GST_DEBUG_OBJECT (self, "segment %u is an image of %" G_GUINT64_FORMAT
      " bytes, %s", segment->number, segment->bytes, segment->content_type);
  g_queue_push_tail (&self->engine->files, segment);
}

/* No more comes of what is open. */
static void
close_locked (GstIdentifaiImageSink * self)
{
  gchar *text;

  if (self->open == NULL)
    return;
  identifai_image_scan (&self->scan, GST_OBJECT_NAME (self), self->open->file);
  if (self->scan.type != NULL) {
    post_locked (self);
    return;
  }
  text = describe_other (self->open->file);
  fail_locked (self, IDENTIFAI_REASON_MUX, text);
  g_free (text);
}

/* FALSE: it has failed. */
static gboolean
append_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  guint64 most = self->engine->settings.max_segment_bytes;
  IdentifaiSegment *segment = self->open;
  gchar *text;

  segment->last_buffer = identifai_clock_now ();
  identifai_memory_file_write (segment->file, buffer);
  segment->bytes = identifai_memory_file_get_size (segment->file);
  if (identifai_memory_file_is_broken (segment->file)) {
    fail_locked (self, IDENTIFAI_REASON_MUX,
        "A part of the image can't be read: " "its memory can't be mapped");
    return FALSE;
  }
  if (segment->bytes <= most)
    return TRUE;

  text = g_strdup_printf ("the image has %" G_GUINT64_FORMAT " bytes or more, "
      "max-segment-bytes allows %" G_GUINT64_FORMAT, segment->bytes, most);
  fail_locked (self, IDENTIFAI_REASON_TOO_LARGE, text);
  g_free (text);

  return FALSE;
}

/* Whether an image that begins with buffer is to be judged. */
static gboolean
is_wanted_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  GstClockTime running = gst_identifai_base_sink_get_running_time
      (&self->parent, GST_BUFFER_PTS (buffer));
  gboolean is_running = GST_CLOCK_TIME_IS_VALID (running);
  gint64 now = is_running ? (gint64) running :
      identifai_clock_now () * GST_USECOND;
  gint64 interval = MIN (self->engine->settings.segment_interval, LONGEST);

  if (!self->engine->settings.judging) {
    GST_LOG_OBJECT (self, "an image isn't judged, as judging is off");
    return FALSE;
  }
  self->n_seen++;
  if (gst_identifai_outbox_is_boosted (self->engine->outbox))
    interval = 0;
  if (interval > 0 && self->has_next && self->next_is_running == is_running
      && now < self->next && now >= self->next - interval) {
    GST_LOG_OBJECT (self, "an image is passed over, by segment-interval");
    return FALSE;
  }
  /* Without a drift, where they come more often than that. */
  if (self->has_next && self->next_is_running == is_running
      && now >= self->next && now < self->next + interval)
    self->next += interval;
  else
    self->next = now + interval;
  GST_LOG_OBJECT (self, "an image at %" GST_TIME_FORMAT " is judged, the next "
      "one from %" GST_STIME_FORMAT " on", GST_TIME_ARGS (running),
      GST_STIME_ARGS (self->next));
  self->next_is_running = is_running;
  self->has_next = TRUE;

  return TRUE;
}

static void
take_frame_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  if (!is_wanted_locked (self, buffer))
    return;
  open_locked (self, buffer);
  if (append_locked (self, buffer))
    close_locked (self);
}

/* The whole stream is one image. */
static void
take_part_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  if (self->skips)
    return;
  if (self->open == NULL && !is_wanted_locked (self, buffer)) {
    self->skips = TRUE;
    return;
  }
  if (self->open == NULL)
    open_locked (self, buffer);
  self->skips = !append_locked (self, buffer);
}

static gboolean
begins_image (GstBuffer * buffer)
{
  guint8 data[12];
  gsize size = gst_buffer_extract (buffer, 0, data, sizeof (data));

  return identifai_image_recognise (data, size) != NULL;
}

static gboolean
excludes_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  guint8 data[12];
  gsize size = gst_buffer_extract (buffer, 0, data, sizeof (data));

  return identifai_image_excludes (&self->scan, data, size);
}

static GstBuffer *
copy_from (GstBuffer * buffer, gsize offset)
{
  return gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, offset, -1);
}

static gboolean
may_begin_image (GstBuffer * buffer)
{
  guint8 data[12];
  gsize size = gst_buffer_extract (buffer, 0, data, sizeof (data));

  return identifai_image_may_begin (data, size);
}

/* Where the image ends that begins at offset, if it does and is whole, else offset. */
static gsize
find_end (GstIdentifaiImageSink * self, GstBuffer * buffer, gsize offset,
    gboolean * begins)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  GstBuffer *rest = copy_from (buffer, offset);
  IdentifaiImageScan scan = { NULL, };

  *begins = may_begin_image (rest);
  identifai_memory_file_write (file, rest);
  if (*begins)
    identifai_image_scan (&scan, GST_OBJECT_NAME (self), file);
  identifai_memory_file_unref (file);
  gst_buffer_unref (rest);

  return offset + scan.end;
}

/* Whether the images in the buffer, from offset on, go on in the next one. */
static gboolean
goes_on (GstIdentifaiImageSink * self, GstBuffer * buffer, gsize offset)
{
  gsize size = gst_buffer_get_size (buffer), end = offset;
  gboolean begins;

  do {
    offset = end;
    end = find_end (self, buffer, offset, &begins);
  } while (end > offset && end < size);

  return begins && end == offset;
}

/* The image that is open, or passed over, is whole, size bytes of it in front of the buffer: another
 * one behind it has a segment of its own. Where all of a file comes in one buffer, so do
 * pictures of the same image that are in it, as cameras have them. Transfer full, or
 * NULL. */
static GstBuffer *
split_locked (GstIdentifaiImageSink * self, GstBuffer * buffer, guint64 size)
{
  gsize own = self->scan.end > size ? self->scan.end - size : 0;
  GstBuffer *rest;

  if (own == 0 || own >= gst_buffer_get_size (buffer)
      || (size == 0 && !self->splits && !goes_on (self, buffer, own)))
    return NULL;
  rest = copy_from (buffer, own);
  if (!may_begin_image (rest)) {
    gst_buffer_unref (rest);
    return NULL;
  }
  GST_LOG_OBJECT (self, "an image of %" G_GUINT64_FORMAT " bytes ends within a "
      "buffer, where another begins", self->scan.end);
  if (self->open != NULL) {
    identifai_memory_file_truncate (self->open->file, self->scan.end);
    self->open->bytes = self->scan.end;
  }

  return rest;
}

/* As for one that is judged. */
static GstBuffer *
pass_over_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  guint64 size = identifai_memory_file_get_size (self->passed);
  IdentifaiImageState state;
  GstBuffer *rest = NULL;

  identifai_memory_file_write (self->passed, buffer);
  state =
      identifai_image_scan (&self->scan, GST_OBJECT_NAME (self), self->passed);
  self->skips = state == IDENTIFAI_IMAGE_OTHER
      || identifai_memory_file_is_broken (self->passed)
      || identifai_memory_file_get_size (self->passed) >
      self->engine->settings.max_segment_bytes;
  if (state == IDENTIFAI_IMAGE_WHOLE)
    rest = split_locked (self, buffer, size);
  if (self->skips)
    GST_DEBUG_OBJECT (self, "an image that is passed over can't be read, after "
        "%" G_GUINT64_FORMAT " bytes: so is all before the next one", size);
  if (state == IDENTIFAI_IMAGE_WHOLE || self->skips)
    forget_passed_locked (self);

  return rest;
}

static GstBuffer *
judge_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  guint64 size = self->open->bytes;
  GstBuffer *rest = NULL;

  if (!append_locked (self, buffer)) {
    self->skips = TRUE;
  } else if (self->open->bytes == 0
      || identifai_image_scan (&self->scan, GST_OBJECT_NAME (self),
          self->open->file)
      != IDENTIFAI_IMAGE_UNSURE) {
    rest = split_locked (self, buffer, size);
    close_locked (self);
  }

  return rest;
}

/* An image begins. */
static void
begin_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  self->skips = FALSE;
  if (is_wanted_locked (self, buffer)) {
    open_locked (self, buffer);
    return;
  }
  self->passed = identifai_memory_file_new ();
  self->scan = (IdentifaiImageScan) {
  NULL,};
}

/* As an image's structure tells; what has none is as long as its buffer. What is left
 * of the buffer then, or NULL. */
static GstBuffer *
take_image_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  gboolean goes_on = self->open != NULL || self->passed != NULL;

  if (goes_on && excludes_locked (self, buffer)) {
    GST_INFO_OBJECT (self, "an image is cut off: another begins");
    close_locked (self);
    forget_passed_locked (self);
    goes_on = FALSE;
  }
  if (!goes_on && self->skips && !begins_image (buffer)) {
    GST_LOG_OBJECT (self, "%" G_GSIZE_FORMAT " bytes are of no image",
        gst_buffer_get_size (buffer));
    return NULL;
  }
  if (!goes_on)
    begin_locked (self, buffer);

  return self->open != NULL ? judge_locked (self, buffer) :
      pass_over_locked (self, buffer);
}

static void
take_bytes_locked (GstIdentifaiImageSink * self, GstBuffer * buffer)
{
  GstBuffer *rest = gst_buffer_ref (buffer), *next;

  self->splits = FALSE;
  while (rest != NULL) {
    next = take_image_locked (self, rest);
    gst_buffer_unref (rest);
    rest = next;
    self->splits = TRUE;
  }
}

/* Takes over a held buffer. */
static GstFlowReturn
take (GstIdentifaiBaseSink * base, GstBuffer * buffer)
{
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (base);
  GstClockTime position = gst_identifai_base_sink_get_running_time (base,
      GST_BUFFER_PTS (buffer));
  GstIdentifaiEngine *engine = self->engine;
  gboolean waits;
  GstFlowReturn ret;

  g_mutex_lock (&engine->lock);
  if (self->images == GST_IDENTIFAI_IMAGES_FRAMED)
    take_frame_locked (self, buffer);
  else if (self->images == GST_IDENTIFAI_IMAGES_FILE)
    take_part_locked (self, buffer);
  else
    take_bytes_locked (self, buffer);
  if (GST_CLOCK_TIME_IS_VALID (position))
    gst_identifai_engine_watch_pace_locked (engine, buffer, position,
        identifai_clock_now ());
  else
    identifai_arrival_pace_end_trial (&engine->pace);
  gst_identifai_engine_dispatch_locked (engine);
  waits = (engine->in_hand != NULL && !engine->pace.on_trial);
  g_mutex_unlock (&engine->lock);
  gst_buffer_unref (buffer);

  ret = gst_identifai_drain_act (base);

  return ret == GST_FLOW_OK && waits ? gst_identifai_drain_hold (base) : ret;
}

/* The stream. */

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

static GstFlowReturn
start_stream (GstIdentifaiBaseSink * base, GstBuffer * buffer)
{
  static const gchar *const names[] = { "an image each", "a file of one image",
    "bytes of images"
  };
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (base);
  GstPad *pad = GST_BASE_SINK_PAD (self);
  gint64 length = -1;

  g_mutex_lock (&self->engine->lock);
  g_clear_pointer (&self->uri, g_free);
  self->skips = FALSE;
  self->images = GST_BASE_SINK (self)->segment.format == GST_FORMAT_TIME ?
      GST_IDENTIFAI_IMAGES_FRAMED : GST_IDENTIFAI_IMAGES_BYTES;
  g_mutex_unlock (&self->engine->lock);

  if (self->images == GST_IDENTIFAI_IMAGES_BYTES
      && gst_pad_peer_query_duration (pad, GST_FORMAT_BYTES, &length)
      && length > 0) {
    gchar *uri = dup_uri (pad);

    g_mutex_lock (&self->engine->lock);
    self->images = GST_IDENTIFAI_IMAGES_FILE;
    self->uri = uri;
    g_mutex_unlock (&self->engine->lock);
  }
  GST_INFO_OBJECT (self, "buffers are %s", names[self->images]);

  return GST_FLOW_OK;
}

static void
finish_locked (GstIdentifaiBaseSink * base, GError ** error)
{
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (base);

  close_locked (self);
  forget_passed_locked (self);
  if (self->engine->next_number == 0 && self->n_seen == 0
      && self->engine->settings.judging)
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "The stream is empty: nothing was judged. Check the source.");
}

static void
restart_locked (GstIdentifaiImageSink * self)
{
  self->skips = self->has_next = FALSE;
  gst_identifai_engine_restart_locked (self->engine);
}

static void
handle_event_locked (GstIdentifaiBaseSink * base, GstEvent * event)
{
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (base);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      close_locked (self);
      forget_passed_locked (self);
      restart_locked (self);
      break;
    case GST_EVENT_FLUSH_STOP:
      restart_locked (self);
      break;
    default:
      break;
  }
}

/* Its life. */

static void
gst_identifai_image_sink_finalize (GObject * object)
{
  GstIdentifaiImageSink *self = GST_IDENTIFAI_IMAGE_SINK (object);

  g_clear_pointer (&self->open, identifai_segment_free);
  forget_passed_locked (self);
  g_free (self->uri);

  G_OBJECT_CLASS (gst_identifai_image_sink_parent_class)->finalize (object);
}

static void
gst_identifai_image_sink_init (GstIdentifaiImageSink * self)
{
  gst_identifai_base_sink_set_up (&self->parent,
      GST_IDENTIFAI_ELEMENT_IMAGE_SINK);
  self->engine = self->parent.engine;
}

static void
gst_identifai_image_sink_class_init (GstIdentifaiImageSinkClass * klass)
{
  GstIdentifaiBaseSinkClass *base_class = GST_IDENTIFAI_BASE_SINK_CLASS (klass);

  gst_identifai_base_sink_set_up_class (klass,
      GST_IDENTIFAI_ELEMENT_IMAGE_SINK, gst_identifai_image_sink_finalize,
      &sink_template, "identifAI image sink", "Image", "images");

  base_class->reset_locked = reset_locked;
  base_class->drop_locked = drop_locked;
  base_class->get_coverage_locked = get_coverage_locked;
  base_class->handle_event_locked = handle_event_locked;
  base_class->start_stream = start_stream;
  base_class->take = take;
  base_class->finish_locked = finish_locked;
}
