/* identifai-emulator: decodes what was posted
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "decoder.h"

#include <gst/video/video.h>
#include <string.h>

GST_DEBUG_CATEGORY_STATIC (emu_decoder_debug);
#define GST_CAT_DEFAULT emu_decoder_debug

#define CANCEL_POLL (50 * GST_MSECOND)
#define MAX_SURVEYED_FRAMES 1000000     /* nine hours at 30 a second */

/* One pass over the file. Until the pipeline is stopped the streaming thread
 * of the video stream owns the lower part. */
typedef struct
{
  const EmuDecodeRequest *request;
  GCancellable *cancellable;
  gint64 deadline;              /* monotonic µs */
  GstElement *pipeline;
  GstElement *video;            /* bin that the video stream goes to; borrowed */
  gint linked;                  /* atomic: there is a video stream already */

  GArray *frames;               /* first pass: of EmuFrame */
  guint8 *previous;             /* first pass: the small picture before */
  gsize previous_size;

  GArray *wanted;               /* second pass: of EmuFrame, the chosen ones */
  gboolean by_time;
  guint next;                   /* in wanted */
  guint seen;                   /* frames */
  GPtrArray *pictures;
} Pass;

EmuPicture *
emu_picture_new (guint width, guint height, GBytes * rgb)
{
  EmuPicture *self = g_new0 (EmuPicture, 1);

  self->width = width;
  self->height = height;
  self->rgb = rgb;
  return self;
}

void
emu_picture_free (EmuPicture * self)
{
  g_bytes_unref (self->rgb);
  g_free (self);
}

void
emu_decoded_free (EmuDecoded * self)
{
  g_ptr_array_unref (self->pictures);
  g_free (self);
}

/* Copies the rows of an RGB buffer, without their padding. */
static GBytes *
pack_rgb (GstBuffer * buffer, const GstVideoInfo * info)
{
  GstVideoFrame frame;
  gsize row = (gsize) GST_VIDEO_INFO_WIDTH (info) * 3;
  guint8 *data;
  gint y;

  if (!gst_video_frame_map (&frame, info, buffer, GST_MAP_READ))
    return NULL;
  data = g_malloc (row * GST_VIDEO_INFO_HEIGHT (info));
  for (y = 0; y < GST_VIDEO_INFO_HEIGHT (info); y++)
    memcpy (data + y * row, (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
        + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0), row);
  gst_video_frame_unmap (&frame);
  return g_bytes_new_take (data, row * GST_VIDEO_INFO_HEIGHT (info));
}

static GBytes *
pack_from_pad (GstBuffer * buffer, GstPad * pad, GstVideoInfo * info)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);

  if (caps == NULL || !gst_video_info_from_caps (info, caps))
    return NULL;
  return pack_rgb (buffer, info);
}

static void
post_done (Pass * pass)
{
  gst_element_post_message (pass->pipeline,
      gst_message_new_application (GST_OBJECT (pass->pipeline),
          gst_structure_new_empty ("emulator-done")));
}

/* First pass: what a small picture tells about its frame. */
static void
measure (Pass * pass, EmuFrame * frame, GBytes * rgb)
{
  gsize size, i;
  const guint8 *data = g_bytes_get_data (rgb, &size);
  guint64 sum[3] = { 0, }, motion = 0;

  for (i = 0; i < size; i++)
    sum[i % 3] += data[i];
  for (i = 0; i < 3 && size >= 3; i++)
    frame->mean[i] = sum[i] / (size / 3);
  if (pass->previous_size == size) {
    for (i = 0; i < size; i++)
      motion += ABS ((gint) data[i] - (gint) pass->previous[i]);
    frame->motion = MIN (motion, G_MAXUINT);
  }
  g_free (pass->previous);
  pass->previous = g_memdup2 (data, size);
  pass->previous_size = size;
}

static void
survey_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    gpointer user_data)
{
  Pass *pass = user_data;
  EmuFrame frame = { 0, };

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER)
      && gst_buffer_get_size (buffer) == 0)
    return;
  frame.pts = GST_BUFFER_PTS (buffer);
  frame.key = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (pass->request->choice == EMU_CHOICE_COLOR
      || pass->request->choice == EMU_CHOICE_FLOW) {
    GstVideoInfo info;
    g_autoptr (GBytes) rgb = pack_from_pad (buffer, pad, &info);

    if (rgb != NULL)
      measure (pass, &frame, rgb);
  }
  g_array_append_val (pass->frames, frame);
  if (pass->frames->len >= MAX_SURVEYED_FRAMES)
    post_done (pass);
}

/* Second pass: lets only the chosen frames through to the conversion. */
static GstPadProbeReturn
pick_frame (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Pass *pass = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  guint number = pass->seen++;
  gboolean pick = FALSE;

  while (pass->next < pass->wanted->len) {
    const EmuFrame *wanted = &g_array_index (pass->wanted, EmuFrame,
        pass->next);

    /* Parsers and decoders round a time by a unit or two. */
    if (pass->by_time ? GST_BUFFER_PTS (buffer) + GST_USECOND < wanted->pts
        : number < wanted->motion)
      break;
    pick = TRUE;
    pass->next++;
  }
  return pick ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

static void
fetch_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    gpointer user_data)
{
  Pass *pass = user_data;
  GstVideoInfo info;
  GBytes *rgb = pack_from_pad (buffer, pad, &info);
  EmuPicture *picture;

  if (rgb == NULL)
    return;
  picture = emu_picture_new (info.width, info.height, rgb);
  picture->pts = GST_BUFFER_PTS (buffer);
  picture->number = pass->seen - 1;
  g_ptr_array_add (pass->pictures, picture);
  if (pass->next >= pass->wanted->len)
    post_done (pass);
}

static GstElement *
make_sink (Pass * pass, GCallback handoff)
{
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  if (handoff != NULL) {
    g_object_set (sink, "signal-handoffs", TRUE, NULL);
    g_signal_connect (sink, "handoff", handoff, pass);
  }
  return sink;
}

/* Where a stream goes that nobody looks at. */
static void
link_to_nowhere (Pass * pass, GstPad * pad)
{
  GstElement *sink = make_sink (pass, NULL);
  GstPad *sink_pad = gst_element_get_static_pad (sink, "sink");

  gst_bin_add (GST_BIN (pass->pipeline), sink);
  gst_pad_link (pad, sink_pad);
  gst_element_sync_state_with_parent (sink);
  gst_object_unref (sink_pad);
}

static gboolean
pad_is_video (GstPad * pad)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const gchar *name;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return FALSE;
  name = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  return g_str_has_prefix (name, "video/") || g_str_has_prefix (name, "image/");
}

static void
pad_added (GstElement * element, GstPad * pad, gpointer user_data)
{
  Pass *pass = user_data;
  g_autoptr (GstPad) sink_pad = NULL;

  if (!pad_is_video (pad)
      || !g_atomic_int_compare_and_exchange (&pass->linked, 0, 1)) {
    link_to_nowhere (pass, pad);
    return;
  }
  sink_pad = gst_element_get_static_pad (pass->video, "sink");
  if (pass->wanted != NULL)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, pick_frame, pass, NULL);
  gst_pad_link (pad, sink_pad);
}

/* Whether decodebin shall look into a stream any further. */
static gboolean
autoplug_continue (GstElement * element, GstPad * pad, GstCaps * caps,
    gpointer user_data)
{
  const gchar *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  return !g_str_has_prefix (name, "audio/")
      && !g_str_has_prefix (name, "text/")
      && !g_str_has_prefix (name, "subpicture/");
}

/* A bin of these elements with a ghost sink pad, ending in sink. */
static GstElement *
make_video_bin (const gchar * description, GstElement * sink)
{
  GstElement *bin, *filter;
  GstPad *pad;

  if (description == NULL)
    return sink;
  bin = gst_bin_new (NULL);
  filter = gst_parse_bin_from_description (description, TRUE, NULL);
  if (filter == NULL) {
    gst_object_unref (gst_object_ref_sink (sink));
    gst_object_unref (gst_object_ref_sink (bin));
    return NULL;
  }
  gst_bin_add_many (GST_BIN (bin), filter, sink, NULL);
  gst_element_link (filter, sink);
  pad = gst_element_get_static_pad (filter, "sink");
  gst_element_add_pad (bin, gst_ghost_pad_new ("sink", pad));
  gst_object_unref (pad);
  return bin;
}

static gboolean
build (Pass * pass, const gchar * path, const gchar * reader,
    const gchar * filter, GCallback handoff, GError ** error)
{
  GstElement *source = gst_element_factory_make ("filesrc", NULL);
  GstElement *decoder = gst_element_factory_make (reader, NULL);

  pass->pipeline = gst_pipeline_new (NULL);
  pass->video = make_video_bin (filter, make_sink (pass, handoff));
  if (source == NULL || decoder == NULL || pass->video == NULL) {
    g_clear_pointer (&source, gst_object_unref);
    g_clear_pointer (&decoder, gst_object_unref);
    g_clear_pointer (&pass->video, gst_object_unref);
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "GStreamer's base plugins are missing");
    return FALSE;
  }
  gst_bin_add_many (GST_BIN (pass->pipeline), source, decoder, pass->video,
      NULL);
  gst_element_link (source, decoder);
  g_object_set (source, "location", path, NULL);
  g_signal_connect (decoder, "pad-added", G_CALLBACK (pad_added), pass);
  if (g_str_equal (reader, "decodebin")) {
    g_object_set (decoder, "force-sw-decoders", TRUE, NULL);
    g_signal_connect (decoder, "autoplug-continue",
        G_CALLBACK (autoplug_continue), pass);
  }
  return TRUE;
}

/* FALSE with error; the error's debug text goes to the log only. */
static gboolean
take_message (Pass * pass, GstMessage * message, GError ** error)
{
  g_autofree gchar *debug = NULL;

  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return TRUE;
  gst_message_parse_error (message, error, &debug);
  GST_INFO ("file doesn't decode: %s", GST_STR_NULL (debug));
  return FALSE;
}

/* Until EOS, an error, the deadline, or the last chosen frame. */
static gboolean
wait (Pass * pass, GError ** error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pass->pipeline);

  while (g_get_monotonic_time () < pass->deadline) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
        CANCEL_POLL, GST_MESSAGE_EOS | GST_MESSAGE_ERROR
        | GST_MESSAGE_APPLICATION);

    if (g_cancellable_set_error_if_cancelled (pass->cancellable, error))
      return FALSE;
    if (message != NULL)
      return take_message (pass, message, error);
  }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
      "decoding took too long");
  return FALSE;
}

static gboolean
run (Pass * pass, GError ** error)
{
  gboolean ok;

  gst_element_set_state (pass->pipeline, GST_STATE_PLAYING);
  ok = wait (pass, error);
  gst_element_set_state (pass->pipeline, GST_STATE_NULL);
  return ok;
}

static gint
compare_frames (gconstpointer a, gconstpointer b)
{
  const EmuFrame *one = a, *other = b;

  return one->pts < other->pts ? -1 : one->pts > other->pts;
}

static gboolean
times_are_known (GArray * frames)
{
  guint i;

  for (i = 0; i < frames->len; i++) {
    if (!GST_CLOCK_TIME_IS_VALID (g_array_index (frames, EmuFrame, i).pts))
      return FALSE;
  }
  return TRUE;
}

static gboolean
survey (Pass * pass, const gchar * path, GError ** error)
{
  gboolean decode = pass->request->choice == EMU_CHOICE_COLOR
      || pass->request->choice == EMU_CHOICE_FLOW;

  if (!build (pass, path, decode ? "decodebin" : "parsebin",
          decode ? "videoconvert ! videoscale add-borders=false ! "
          "video/x-raw,format=RGB,width=32,height=32,pixel-aspect-ratio=1/1"
          : NULL, G_CALLBACK (survey_frame), error))
    return FALSE;
  if (!run (pass, error))
    return FALSE;
  pass->by_time = times_are_known (pass->frames);
  if (pass->by_time)
    g_array_sort (pass->frames, compare_frames);
  return TRUE;
}

/* The chosen frames; those without a time are told by their number, which
 * takes the place of the motion that is of no use any more. */
static void
choose (Pass * first, Pass * second)
{
  g_autofree guint *chosen = g_new (guint, first->request->max_frames);
  guint i, n;

  n = emu_frames_choose ((EmuFrame *) first->frames->data, first->frames->len,
      first->request->choice, first->request->max_frames, chosen);
  second->wanted = g_array_new (FALSE, FALSE, sizeof (EmuFrame));
  second->by_time = first->by_time;
  for (i = 0; i < n; i++) {
    EmuFrame frame = g_array_index (first->frames, EmuFrame, chosen[i]);

    frame.motion = chosen[i];
    g_array_append_val (second->wanted, frame);
  }
}

static gboolean
fetch (Pass * pass, const gchar * path, GError ** error)
{
  g_autofree gchar *filter = g_strdup_printf ("videoconvert ! "
      "videoscale add-borders=false ! video/x-raw,format=RGB,"
      "width=[1,%d],height=[1,%d],pixel-aspect-ratio=1/1",
      EMU_PICTURE_MAX_SIDE, EMU_PICTURE_MAX_SIDE);

  pass->pictures = g_ptr_array_new_with_free_func (
      (GDestroyNotify) emu_picture_free);
  return build (pass, path, "decodebin", filter, G_CALLBACK (fetch_frame),
      error) && run (pass, error);
}

static void
clear_pass (Pass * pass)
{
  g_clear_object (&pass->pipeline);
  g_clear_pointer (&pass->frames, g_array_unref);
  g_clear_pointer (&pass->wanted, g_array_unref);
  g_clear_pointer (&pass->pictures, g_ptr_array_unref);
  g_clear_pointer (&pass->previous, g_free);
}

/* Times count from the first frame: containers start anywhere. */
static void
rebase (GPtrArray * pictures, GArray * frames)
{
  GstClockTime start = g_array_index (frames, EmuFrame, 0).pts;
  guint i;

  for (i = 0; i < pictures->len; i++) {
    EmuPicture *picture = g_ptr_array_index (pictures, i);

    if (GST_CLOCK_TIME_IS_VALID (picture->pts)
        && GST_CLOCK_TIME_IS_VALID (start))
      picture->pts = picture->pts > start ? picture->pts - start : 0;
  }
}

static GstClockTime
length_of (GArray * frames, gboolean by_time)
{
  const EmuFrame *first = (EmuFrame *) frames->data;
  GstClockTime span;

  if (!by_time || frames->len < 2)
    return 0;
  span = first[frames->len - 1].pts - first[0].pts;
  return span + span / (frames->len - 1);
}

EmuDecoded *
emu_decode (const gchar * path, const EmuDecodeRequest * request,
    GCancellable * cancellable, GError ** error)
{
  Pass first = { request, cancellable, }, second = { request, cancellable, };
  EmuDecoded *decoded = NULL;

  GST_DEBUG_CATEGORY_INIT (emu_decoder_debug, "emu-decoder", 0,
      "identifai-emulator's decoder");
  first.deadline = g_get_monotonic_time () + request->timeout / 1000;
  second.deadline = first.deadline;
  first.frames = g_array_new (FALSE, FALSE, sizeof (EmuFrame));
  if (survey (&first, path, error)) {
    choose (&first, &second);
    if (second.wanted->len == 0 || fetch (&second, path, error)) {
      if (second.pictures != NULL)
        rebase (second.pictures, first.frames);
      decoded = g_new0 (EmuDecoded, 1);
      decoded->n_frames = first.frames->len;
      decoded->duration = length_of (first.frames, first.by_time);
      decoded->pictures = second.pictures != NULL
          ? g_steal_pointer (&second.pictures) : g_ptr_array_new ();
    }
  }
  clear_pass (&first);
  clear_pass (&second);
  return decoded;
}
