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

#define POLL (50 * GST_MSECOND)
#define MAX_IDLE_POLLS 10
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define SOUND_FORMAT "S16LE"
#else
#define SOUND_FORMAT "S16BE"
#endif
#define SOUND_FILTER "audioconvert ! audioresample ! capsfilter caps=" \
    "audio/x-raw,format=" SOUND_FORMAT ",rate=16000,channels=1"
#define PICTURE_FILTER "videoscale add-borders=false ! videoconvert ! " \
    "capsfilter caps=video/x-raw,format=RGB,pixel-aspect-ratio=1/1,"
#define MAX_SURVEYED_FRAMES 1000000     /* nine hours at 30 a second */

/* One pass over the file. Until the pipeline is stopped the streaming thread
 * of the video stream owns the lower part. */
typedef struct
{
  const EmuDecodeRequest *request;
  GCancellable *cancellable;
  gint64 deadline;              /* monotonic µs */
  GstElement *pipeline;
  const gchar *filter;          /* what the video goes through, NULL = nothing */
  GCallback handoff;            /* gets the video's frames */
  gint n_streams;               /* atomic */
  gint has_video, has_sound;    /* atomic: the first stream of the kind is linked */

  GArray *frames;               /* first pass: of EmuFrame */
  guint8 *previous;             /* first pass: the small picture before */
  gsize previous_size;

  GArray *wanted;               /* second pass: of EmuFrame, the chosen ones */
  gboolean by_time;
  guint next;                   /* in wanted */
  guint seen;                   /* frames */
  gint width, height;           /* of the last one that was let through */
  GPtrArray *pictures;

  EmuSound *sound;              /* owned by the thread of the sound stream; NULL:
                                 * not wanted */
} Pass;

EmuPicture *
emu_picture_new (guint width, guint height, GBytes * rgb)
{
  EmuPicture *self = g_new0 (EmuPicture, 1);

  self->width = self->full_width = width;
  self->height = self->full_height = height;
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
  g_clear_pointer (&self->sound, emu_sound_free);
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

/* What comes before the frames of Theora, say. Key frames, too, have the flag
 * where they carry headers. */
static gboolean
is_only_header (GstBuffer * buffer, GstPad * pad)
{
  g_autoptr (GstCaps) caps = NULL;

  if (!GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))
    return FALSE;
  caps = gst_pad_get_current_caps (pad);
  return gst_buffer_get_size (buffer) == 0 || (caps != NULL
      && gst_structure_has_field (gst_caps_get_structure (caps, 0),
          "streamheader"));
}

static void
survey_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    gpointer user_data)
{
  Pass *pass = user_data;
  EmuFrame frame = { 0, };

  if (is_only_header (buffer, pad))
    return;
  frame.pts = GST_BUFFER_PTS (buffer);
  frame.key = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (pass->filter != NULL) {
    GstVideoInfo info;
    g_autoptr (GBytes) rgb = pack_from_pad (buffer, pad, &info);

    if (rgb != NULL)
      measure (pass, &frame, rgb);
  }
  g_array_append_val (pass->frames, frame);
  if (pass->frames->len >= MAX_SURVEYED_FRAMES)
    post_done (pass);
}

static void
note_size (Pass * pass, GstPad * pad)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstStructure *structure = caps != NULL ? gst_caps_get_structure (caps, 0)
      : NULL;

  if (structure == NULL || !gst_structure_get (structure, "width", G_TYPE_INT,
          &pass->width, "height", G_TYPE_INT, &pass->height, NULL))
    pass->width = pass->height = 0;
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
  if (!pick)
    return GST_PAD_PROBE_DROP;
  note_size (pass, pad);
  return GST_PAD_PROBE_OK;
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
  if (pass->width > 0 && pass->height > 0) {
    picture->full_width = pass->width;
    picture->full_height = pass->height;
  }
  g_ptr_array_add (pass->pictures, picture);
  if (pass->next >= pass->wanted->len && pass->sound == NULL)
    post_done (pass);
}

static void
fetch_sound (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    gpointer user_data)
{
  Pass *pass = user_data;
  GstMapInfo map;

  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return;
  emu_sound_push (pass->sound, (const gint16 *) map.data,
      map.size / sizeof (gint16));
  gst_buffer_unmap (buffer, &map);
  if (pass->request->enough > 0
      && emu_sound_get_samples (pass->sound) >= pass->request->enough)
    post_done (pass);
}

static gboolean
needs_pictures (const EmuDecodeRequest * request)
{
  return request->choice == EMU_CHOICE_COLOR
      || request->choice == EMU_CHOICE_FLOW;
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

/* Links the pad through these elements (NULL: none) to a sink. */
static void
link_to_sink (Pass * pass, GstPad * pad, const gchar * filter,
    GCallback handoff)
{
  GstElement *sink = make_sink (pass, handoff);
  GstElement *first = sink;
  g_autoptr (GstPad) sink_pad = NULL;

  if (filter != NULL)
    first = gst_parse_bin_from_description (filter, TRUE, NULL);
  if (first == NULL) {
    GST_ELEMENT_ERROR (pass->pipeline, CORE, MISSING_PLUGIN,
        ("GStreamer's base plugins are missing."), ("%s", filter));
    gst_object_unref (gst_object_ref_sink (sink));
    return;
  }
  gst_bin_add (GST_BIN (pass->pipeline), sink);
  if (first != sink) {
    gst_bin_add (GST_BIN (pass->pipeline), first);
    gst_element_link (first, sink);
    gst_element_sync_state_with_parent (first);
  }
  gst_element_sync_state_with_parent (sink);
  sink_pad = gst_element_get_static_pad (first, "sink");
  gst_pad_link (pad, sink_pad);
}

typedef enum
{
  STREAM_VIDEO,
  STREAM_SOUND,
  STREAM_OTHER,
} Stream;

static Stream
classify (GstPad * pad)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const gchar *name;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  if (gst_caps_is_any (caps) || gst_caps_is_empty (caps))
    return STREAM_OTHER;
  name = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  if (g_str_has_prefix (name, "video/") || g_str_has_prefix (name, "image/"))
    return STREAM_VIDEO;
  return g_str_equal (name, "audio/x-raw") ? STREAM_SOUND : STREAM_OTHER;
}

static void
pad_added (GstElement * element, GstPad * pad, gpointer user_data)
{
  Pass *pass = user_data;
  Stream stream = classify (pad);

  g_atomic_int_inc (&pass->n_streams);
  if (stream == STREAM_VIDEO && pass->handoff != NULL
      && g_atomic_int_compare_and_exchange (&pass->has_video, 0, 1)) {
    if (pass->wanted != NULL)
      gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, pick_frame, pass,
          NULL);
    link_to_sink (pass, pad, pass->filter, pass->handoff);
  } else if (stream == STREAM_SOUND && pass->sound != NULL
      && g_atomic_int_compare_and_exchange (&pass->has_sound, 0, 1)) {
    link_to_sink (pass, pad, SOUND_FILTER, G_CALLBACK (fetch_sound));
  } else {
    link_to_sink (pass, pad, NULL, NULL);
  }
}

/* Whether decodebin shall look into a stream any further. */
static gboolean
autoplug_continue (GstElement * element, GstPad * pad, GstCaps * caps,
    gpointer user_data)
{
  Pass *pass = user_data;
  const gchar *name = gst_structure_get_name (gst_caps_get_structure (caps, 0));

  if (g_str_has_prefix (name, "audio/"))
    return pass->sound != NULL;
  return !g_str_has_prefix (name, "text/")
      && !g_str_has_prefix (name, "subpicture/");
}

/* The size of a TIFF, 0 of anything else. */
static gsize
measure_tiff (const gchar * path)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);
  gsize size = file != NULL ? g_mapped_file_get_length (file) : 0;
  const gchar *data = file != NULL ? g_mapped_file_get_contents (file) : NULL;

  return size > 4 && (memcmp (data, "II*\0", 4) == 0
      || memcmp (data, "MM\0*", 4) == 0) ? size : 0;
}

/* avdec_tiff (1.22) takes each buffer for a whole picture, and there is no
 * parser: pushed, not pulled, the file comes as one buffer. */
static void
link_source (Pass * pass, GstElement * source, GstElement * decoder,
    const gchar * path)
{
  gsize tiff = measure_tiff (path);
  GstElement *queue = tiff > 0 ? gst_element_factory_make ("queue", NULL)
      : NULL;

  g_object_set (source, "location", path, NULL);
  if (queue == NULL) {
    gst_element_link (source, decoder);
    return;
  }
  g_object_set (source, "blocksize", (guint) MIN (tiff, G_MAXUINT), NULL);
  gst_bin_add (GST_BIN (pass->pipeline), queue);
  gst_element_link_many (source, queue, decoder, NULL);
}

static gboolean
build (Pass * pass, const gchar * path, const gchar * reader, GError ** error)
{
  GstElement *source = gst_element_factory_make ("filesrc", NULL);
  GstElement *decoder = gst_element_factory_make (reader, NULL);

  pass->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  if (source == NULL || decoder == NULL) {
    g_clear_pointer (&source, gst_object_unref);
    g_clear_pointer (&decoder, gst_object_unref);
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "GStreamer's base plugins are missing");
    return FALSE;
  }
  gst_bin_add_many (GST_BIN (pass->pipeline), source, decoder, NULL);
  link_source (pass, source, decoder, path);
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

static gboolean
element_runs (GstElement * element, GstPad * pad, gpointer runs)
{
  if (gst_pad_get_task_state (pad) == GST_TASK_STARTED)
    *(gboolean *) runs = TRUE;
  return TRUE;
}

/* Whether any streaming thread of the pipeline is at work. */
static gboolean
something_runs (Pass * pass)
{
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (pass->pipeline));
  GValue item = G_VALUE_INIT;
  gboolean runs = FALSE;

  while (!runs && gst_iterator_next (elements, &item) == GST_ITERATOR_OK) {
    gst_element_foreach_pad (g_value_get_object (&item), element_runs, &runs);
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (elements);
  return runs;
}

/* parsebin and decodebin (1.22) lose the error of a demuxer that fails before
 * they are done plugging it: then there are no streams and nothing runs. */
static gboolean
is_stalled (Pass * pass, guint * idle_polls, GError ** error)
{
  if (g_atomic_int_get (&pass->n_streams) > 0 || something_runs (pass))
    *idle_polls = 0;
  else if (++*idle_polls >= MAX_IDLE_POLLS) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_DEMUX,
        "This file contains no playable streams.");
    return TRUE;
  }
  return FALSE;
}

/* Until EOS, an error, the deadline, or the last chosen frame. */
static gboolean
wait (Pass * pass, GError ** error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pass->pipeline);
  guint idle_polls = 0;

  while (g_get_monotonic_time () < pass->deadline) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
        POLL, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);

    if (g_cancellable_set_error_if_cancelled (pass->cancellable, error))
      return FALSE;
    if (message != NULL)
      return take_message (pass, message, error);
    if (is_stalled (pass, &idle_polls, error))
      return FALSE;
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

static void
clear_pass (Pass * pass)
{
  g_clear_pointer (&pass->pipeline, gst_object_unref);
  g_clear_pointer (&pass->frames, g_array_unref);
  g_clear_pointer (&pass->wanted, g_array_unref);
  g_clear_pointer (&pass->pictures, g_ptr_array_unref);
  g_clear_pointer (&pass->previous, g_free);
  g_clear_pointer (&pass->sound, emu_sound_free);
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
survey (Pass * pass, const gchar * path, const gchar * reader, GError ** error)
{
  pass->frames = g_array_new (FALSE, FALSE, sizeof (EmuFrame));
  pass->handoff = G_CALLBACK (survey_frame);
  if (!build (pass, path, reader, error) || !run (pass, error))
    return FALSE;
  pass->by_time = times_are_known (pass->frames);
  if (pass->by_time)
    g_array_sort (pass->frames, compare_frames);
  return TRUE;
}

/* Decoders (1.22) don't tell which frames were key frames: parsers do. */
static void
copy_keys (Pass * to, const Pass * from)
{
  guint i, at = 0;

  for (i = 0; i < to->frames->len; i++) {
    EmuFrame *frame = &g_array_index (to->frames, EmuFrame, i);

    if (!to->by_time || !from->by_time)
      at = i;
    else
      while (at < from->frames->len && g_array_index (from->frames, EmuFrame,
              at).pts + GST_USECOND < frame->pts)
        at++;
    frame->key = at < from->frames->len
        && (!to->by_time || !from->by_time || g_array_index (from->frames,
            EmuFrame, at).pts <= frame->pts + GST_USECOND)
        && g_array_index (from->frames, EmuFrame, at).key;
  }
}

/* What frames there are, and for some choices what they look like. */
static gboolean
look_through (Pass * pass, const gchar * path, GError ** error)
{
  Pass parsed = { pass->request, pass->cancellable, pass->deadline, };
  gboolean ok;

  if (!needs_pictures (pass->request))
    return survey (pass, path, "parsebin", error);
  pass->filter = PICTURE_FILTER "width=32,height=32";
  ok = survey (&parsed, path, "parsebin", error)
      && survey (pass, path, "decodebin", error);
  if (ok)
    copy_keys (pass, &parsed);
  clear_pass (&parsed);
  return ok;
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
  pass->pictures = g_ptr_array_new_with_free_func (
      (GDestroyNotify) emu_picture_free);
  if (pass->wanted->len > 0) {
    pass->handoff = G_CALLBACK (fetch_frame);
    pass->filter = PICTURE_FILTER "width=[1," G_STRINGIFY
        (EMU_PICTURE_MAX_SIDE) "],height=[1," G_STRINGIFY
        (EMU_PICTURE_MAX_SIDE) "]";
  }
  if (pass->request->sound)
    pass->sound = emu_sound_new ();
  if (pass->handoff == NULL && pass->sound == NULL)
    return TRUE;
  return build (pass, path, "decodebin", error) && run (pass, error);
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

/* First pass, if the kind of file needs one, and what the second one is to look
 * for. */
static gboolean
prepare (Pass * first, Pass * second, const gchar * path, GError ** error)
{
  EmuFrame still = { GST_CLOCK_TIME_NONE, TRUE, };

  switch (first->request->kind) {
    case EMU_KIND_VIDEO:
      if (!look_through (first, path, error))
        return FALSE;
      break;
    case EMU_KIND_IMAGE:
      first->frames = g_array_new (FALSE, FALSE, sizeof (EmuFrame));
      g_array_append_val (first->frames, still);
      break;
    default:
      first->frames = g_array_new (FALSE, FALSE, sizeof (EmuFrame));
      break;
  }
  choose (first, second);
  return TRUE;
}

static EmuDecoded *
collect (Pass * first, Pass * second)
{
  EmuDecoded *decoded = g_new0 (EmuDecoded, 1);

  if (first->frames->len > 0)
    rebase (second->pictures, first->frames);
  decoded->n_frames = first->frames->len;
  decoded->duration = length_of (first->frames, first->by_time);
  decoded->pictures = g_steal_pointer (&second->pictures);
  if (second->has_sound)
    decoded->sound = g_steal_pointer (&second->sound);
  return decoded;
}

/* Several files are decoded at a time. */
static void
init_log (void)
{
  static gsize once;

  if (!g_once_init_enter (&once))
    return;
  GST_DEBUG_CATEGORY_INIT (emu_decoder_debug, "emu-decoder", 0,
      "identifai-emulator's decoder");
  g_once_init_leave (&once, 1);
}

EmuDecoded *
emu_decode (const gchar * path, const EmuDecodeRequest * request,
    GCancellable * cancellable, GError ** error)
{
  Pass first = { request, cancellable, }, second = { request, cancellable, };
  EmuDecoded *decoded = NULL;

  init_log ();
  first.deadline = g_get_monotonic_time () + request->timeout / 1000;
  second.deadline = first.deadline;
  if (prepare (&first, &second, path, error) && fetch (&second, path, error))
    decoded = collect (&first, &second);
  clear_pass (&first);
  clear_pass (&second);
  return decoded;
}
