/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file, one pipeline:
 *
 *   appsrc [! parser] ! muxer ! output (a bare pad that writes into memory)
 *   appsrc [! parser] !
 *
 * Every track has an appsrc of its own, as muxers wait for each of their pads.
 * The appsrcs' queues have no bound: what they hold are references to what the
 * segment holds anyway. The output pad answers and obeys as filesink does, so
 * that muxers go back and complete their headers.
 *
 * Threads: the caller's feeds and waits; the appsrcs' and the muxer's exist
 * while the pipeline runs. Run.lock is a leaf: nothing is called under it.
 */

#include "muxer.h"
#include "codecs.h"
#include "log.h"
#include "mp4edit.h"
#include "muxerchoice.h"
#include "timestamps.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

/* How long a muxer may stand still, in ms, and in how many looks at it. */
#define PATIENCE 30000
#define PATIENCE_STEPS 30

static guint patience = PATIENCE;

typedef struct
{
  GMutex lock;
  GCond cond;
  /* lock: */
  gboolean finished;            /* EOS came out, or error is set, or cancelled */
  GError *error;                /* the first one */

  gint n_outputs;               /* atomic: what came out so far, of any kind */

  /* The muxer's streaming thread, until the pipeline is gone: */
  IdentifaiMemoryFile *file;
  guint64 max_bytes;
  GstCaps *caps;                /* of the file */
} Run;

/*** the output pad ***/

/* Takes over error. */
static void
finish (Run * run, GError * error)
{
  g_mutex_lock (&run->lock);
  if (run->error == NULL)
    run->error = g_steal_pointer (&error);
  run->finished = TRUE;
  g_cond_signal (&run->cond);
  g_mutex_unlock (&run->lock);
  g_clear_error (&error);
}

static GstFlowReturn
output_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Run *run = gst_pad_get_element_private (pad);
  guint64 end = identifai_memory_file_get_position (run->file)
      + gst_buffer_get_size (buffer);

  g_atomic_int_inc (&run->n_outputs);
  if (end > run->max_bytes) {
    gst_buffer_unref (buffer);
    finish (run, g_error_new (G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
            "The file would be larger than %" G_GUINT64_FORMAT " bytes",
            run->max_bytes));
    return GST_FLOW_ERROR;
  }
  identifai_memory_file_write (run->file, buffer);
  gst_buffer_unref (buffer);
  if (identifai_memory_file_is_broken (run->file)) {
    finish (run, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED,
            "What the muxer wrote can't be read: its memory can't be mapped"));
    return GST_FLOW_ERROR;
  }

  return GST_FLOW_OK;
}

static gboolean
output_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Run *run = gst_pad_get_element_private (pad);
  const GstSegment *segment;
  GstCaps *caps;

  g_atomic_int_inc (&run->n_outputs);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      gst_caps_replace (&run->caps, caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      if (segment->format == GST_FORMAT_BYTES)
        identifai_memory_file_seek (run->file, segment->start);
      break;
    case GST_EVENT_EOS:
      finish (run, NULL);
      break;
    default:
      break;
  }
  gst_event_unref (event);

  return TRUE;
}

static gboolean
output_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstFormat format;

  if (GST_QUERY_TYPE (query) != GST_QUERY_SEEKING)
    return gst_pad_query_default (pad, parent, query);

  gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
  if (format == GST_FORMAT_BYTES || format == GST_FORMAT_DEFAULT)
    gst_query_set_seeking (query, GST_FORMAT_BYTES, TRUE, 0, -1);
  else
    gst_query_set_seeking (query, format, FALSE, 0, -1);

  return TRUE;
}

static GstPad *
make_output (Run * run)
{
  GstPad *pad = gst_pad_new ("output", GST_PAD_SINK);

  gst_object_ref_sink (pad);
  gst_pad_set_element_private (pad, run);
  gst_pad_set_chain_function (pad, output_chain);
  gst_pad_set_event_function (pad, output_event);
  gst_pad_set_query_function (pad, output_query);
  gst_pad_set_active (pad, TRUE);

  return pad;
}

/*** the pipeline ***/

static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  GError *error = NULL;
  gchar *details = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, &details);
    GST_INFO ("%s: %s (%s)", GST_MESSAGE_SRC_NAME (message), error->message,
        GST_STR_NULL (details));
    finish (user_data, g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
            "%s: %s", GST_MESSAGE_SRC_NAME (message), error->message));
    g_error_free (error);
    g_free (details);
  }
  gst_message_unref (message);

  return GST_BUS_DROP;
}

static GstElement *
make_element (GstElement * pipeline, const gchar * factory, GError ** error)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  if (element == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "There is no element %s", factory);
    return NULL;
  }
  gst_bin_add (GST_BIN (pipeline), element);

  return element;
}

static GstElement *
make_source (GstElement * pipeline, GstCaps * caps, GError ** error)
{
  GstElement *source = make_element (pipeline, "appsrc", error);

  if (source == NULL) {
    g_prefix_error (error, "gstreamer1.0-plugins-base: ");
    return NULL;
  }
  g_object_set (source, "caps", caps, "format", GST_FORMAT_TIME,
      "max-bytes", (guint64) 0, "handle-segment-change", TRUE, NULL);

  return source;
}

static gboolean
link_to_muxer (GstElement * from, GstElement * muxer,
    const gchar * pad_template, GError ** error)
{
  if (gst_element_link_pads (from, "src", muxer, pad_template))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "%s takes no further stream like this", GST_OBJECT_NAME (muxer));

  return FALSE;
}

/* The last element of a track before the muxer: a parser, or the source. */
static GstElement *
add_parser (GstElement * pipeline, GstElement * source,
    const IdentifaiMuxerFit * fit, IdentifaiTrack * track, GError ** error)
{
  GstElement *parser;

  if (fit->parser == NULL)
    return source;
  parser = make_element (pipeline, fit->parser, error);
  if (parser == NULL)
    return NULL;
  gst_element_link (source, parser);
  if (identifai_codec_of_caps (track->caps)->video)
    identifai_timestamps_keep (track, parser);

  return parser;
}

/* Adds the elements of a track; returns its appsrc (the pipeline's), or NULL. */
static GstElement *
add_track (GstElement * pipeline, GstElement * muxer, IdentifaiTrack * track,
    GError ** error)
{
  GstElement *source, *last = NULL;
  IdentifaiMuxerFit fit;

  identifai_muxer_fit (gst_element_get_factory (muxer), track->caps, &fit);
  source = make_source (pipeline, fit.caps, error);
  if (source)
    last = add_parser (pipeline, source, &fit, track, error);
  if (last && !link_to_muxer (last, muxer, fit.pad_template, error))
    last = NULL;
  if (last && identifai_codec_of_caps (track->caps)->video)
    identifai_timestamps_keep_precise (track, last);
  identifai_muxer_fit_clear (&fit);

  return last ? source : NULL;
}

/* matroskamux (1.22) flags no simple block of sound as one that can be decoded alone.
 * FFmpeg knows that of its codecs but for Speex, of which it leaves out what isn't
 * flagged at the start of a copy. Version 1 has no simple blocks. */
static void
prepare_muxer (GstElement * muxer, GPtrArray * tracks)
{
  gboolean is_speex = FALSE;
  guint i;

  for (i = 1; i < tracks->len; i++) {
    const GstCaps *caps =
        ((IdentifaiTrack *) g_ptr_array_index (tracks, i))->caps;

    is_speex |= gst_structure_has_name (gst_caps_get_structure (caps, 0),
        "audio/x-speex");
  }
  if (is_speex
      && g_object_class_find_property (G_OBJECT_GET_CLASS (muxer), "version"))
    gst_util_set_object_arg (G_OBJECT (muxer), "version", "1");
}

/* Borrowed appsrcs in the order of the tracks; NULL where a track is empty. */
static GPtrArray *
build (GstElement * pipeline, const gchar * factory, GPtrArray * tracks,
    GstPad * output, GError ** error)
{
  GPtrArray *sources = g_ptr_array_new ();
  GstElement *muxer = make_element (pipeline, factory, error);
  GstPad *pad;
  guint i;

  if (muxer)
    prepare_muxer (muxer, tracks);
  for (i = 0; muxer && i < tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (tracks, i);
    GstElement *source = NULL;

    if (track->buffers->len > 0) {
      source = add_track (pipeline, muxer, track, error);
      if (source == NULL)
        break;
    }
    g_ptr_array_add (sources, source);
  }
  if (sources->len < tracks->len) {
    g_ptr_array_unref (sources);
    return NULL;
  }
  pad = gst_element_get_static_pad (muxer, "src");
  gst_pad_link (pad, output);
  gst_object_unref (pad);

  return sources;
}

/* For the muxers that know it; MP4's is written into the file afterwards. */
static void
send_orientation (GstElement * source, IdentifaiTrack * track)
{
  const gchar *orientation = identifai_codec_get_orientation (track->caps);

  if (orientation)
    gst_element_send_event (source,
        gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION,
                orientation, NULL)));
}

/* The first buffer brings the segment by which the first frame shown is at
 * running time 0, and frames decoded before it have a negative DTS. */
static void
feed (GstElement * source, IdentifaiTrack * track, GstClockTime origin)
{
  GstFlowReturn result;
  GstSegment segment;
  GstSample *sample;
  GstCaps *caps;
  guint i;

  send_orientation (source, track);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = origin;
  g_object_get (source, "caps", &caps, NULL);
  sample = gst_sample_new (g_ptr_array_index (track->buffers, 0), caps,
      &segment, NULL);
  gst_caps_unref (caps);
  g_signal_emit_by_name (source, "push-sample", sample, &result);
  gst_sample_unref (sample);
  for (i = 1; i < track->buffers->len && result == GST_FLOW_OK; i++)
    g_signal_emit_by_name (source, "push-buffer",
        g_ptr_array_index (track->buffers, i), &result);
  g_signal_emit_by_name (source, "end-of-stream", &result);
}

/* A muxer that is stopped between its first word and its first byte: those of
 * the qtmux family read back the caps that they have just set, and up to GStreamer
 * 1.22 without a look at whether the pad, flushing by then, kept them. So it has
 * caps from the start; what the muxer sets later takes their place. Called while
 * the pad is active and before there is data, so the muxer's thread sleeps. */
static void
set_first_caps (GstPad * pad)
{
  GstCaps *caps = gst_pad_get_pad_template_caps (pad);
  GstEvent *event;

  if (!gst_caps_is_any (caps) && !gst_caps_is_empty (caps)) {
    event = gst_event_new_stream_start ("file");
    gst_pad_store_sticky_event (pad, event);
    gst_event_unref (event);
    caps = gst_caps_fixate (caps);
    event = gst_event_new_caps (caps);
    gst_pad_store_sticky_event (pad, event);
    gst_event_unref (event);
  }
  gst_caps_unref (caps);
}

/* lead: how much the first picture is shown after its leading ones, or before
 * the first that isn't hidden. mp4mux puts
 * it where the first one shown belongs, so the sound goes with it; the edit list
 * is moved back afterwards. */
static void
feed_all (GPtrArray * sources, GPtrArray * tracks, GstClockTimeDiff lead)
{
  GstClockTime origin =
      identifai_timestamps_first_shown (g_ptr_array_index (tracks,
          0));
  guint i;

  for (i = 0; i < tracks->len; i++) {
    if (g_ptr_array_index (sources, i))
      feed (g_ptr_array_index (sources, i), g_ptr_array_index (tracks, i),
          i == 0 ? origin : origin - lead);
  }
}

static void
start (GPtrArray * sources, GPtrArray * tracks, GstPad * output,
    GstClockTimeDiff lead)
{
  GstPad *pad = gst_pad_get_peer (output);

  set_first_caps (pad);
  gst_object_unref (pad);
  feed_all (sources, tracks, lead);
}

static void
on_cancelled (GCancellable * cancellable, gpointer user_data)
{
  finish (user_data, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
          "Cancelled"));
}

/* What has gone in and come out so far: a number that changes as long as
 * something goes on. */
static guint64
measure_progress (Run * run, GPtrArray * sources)
{
  guint64 progress = (guint) g_atomic_int_get (&run->n_outputs);
  guint i;

  for (i = 0; i < sources->len; i++) {
    guint64 waiting = 0;

    if (g_ptr_array_index (sources, i))
      g_object_get (g_ptr_array_index (sources, i), "current-level-bytes",
          &waiting, NULL);
    progress -= waiting;
  }

  return progress;
}

/* FALSE: not finished yet. */
static gboolean
wait_a_moment (Run * run)
{
  gint64 until = g_get_monotonic_time ()
      + (gint64) patience * 1000 / PATIENCE_STEPS;
  gboolean finished;

  g_mutex_lock (&run->lock);
  while (!run->finished && g_cond_wait_until (&run->cond, &run->lock, until));
  finished = run->finished;
  g_mutex_unlock (&run->lock);

  return finished;
}

/* A muxer that stands still for too long fails, however long the file takes. Time
 * is counted in steps that this thread has waited for: those in which the process
 * was stopped, or got no turn, don't count. */
static void
wait_until_finished (Run * run, const gchar * factory, GPtrArray * sources)
{
  guint64 progress = measure_progress (run, sources);
  guint still = 0;

  while (!wait_a_moment (run)) {
    guint64 now = measure_progress (run, sources);

    still = now == progress ? still + 1 : 0;
    progress = now;
    if (still >= PATIENCE_STEPS)
      finish (run, g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
              "%s doesn't finish the file: nothing went in or came out for "
              "%u s", factory, patience / 1000));
  }
}

/* The cancellable's callback never waits for this thread, and disconnecting
 * waits for the callback: so it is done without the lock. */
static void
wait_for_end (Run * run, const gchar * factory, GPtrArray * sources,
    GCancellable * cancellable)
{
  gulong id = 0;

  if (cancellable)
    id = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), run,
        NULL);
  wait_until_finished (run, factory, sources);
  g_cancellable_disconnect (cancellable, id);
}

static void
run_pipeline (Run * run, const gchar * factory, GPtrArray * tracks,
    GstClockTimeDiff lead, GCancellable * cancellable)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstPad *output = make_output (run);
  GstBus *bus = gst_element_get_bus (pipeline);
  GError *error = NULL;
  GPtrArray *sources;

  gst_bus_set_sync_handler (bus, on_message, run, NULL);
  sources = build (pipeline, factory, tracks, output, &error);
  if (sources == NULL) {
    finish (run, error);
  } else {
    if (gst_element_set_state (pipeline, GST_STATE_PLAYING) ==
        GST_STATE_CHANGE_FAILURE)
      finish (run, g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
              "%s does not start", factory));
    else
      start (sources, tracks, output, lead);
    wait_for_end (run, factory, sources, cancellable);
    g_ptr_array_unref (sources);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  gst_pad_set_active (output, FALSE);
  gst_object_unref (output);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

/*** the file ***/

typedef struct
{
  const gchar *caps;            /* name of the structure */
  const gchar *content_type;
  const gchar *extension;
} FileType;

static const FileType *
find_file_type (const GstCaps * caps)
{
  static const FileType types[] = {
    {"video/x-matroska", "video/x-matroska", "mkv"},
    {"video/webm", "video/webm", "webm"},
    {"video/mpegts", "video/mp2t", "ts"},
    {"video/mpeg", "video/mpeg", "mpg"},
    {"video/x-msvideo", "video/x-msvideo", "avi"},
    {"video/x-flv", "video/x-flv", "flv"},
    {"application/ogg", "video/ogg", "ogv"},
  };
  static const FileType mp4 = { NULL, "video/mp4", "mp4" };
  static const FileType mov = { NULL, "video/quicktime", "mov" };
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *variant = gst_structure_get_string (structure, "variant");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (gst_structure_has_name (structure, types[i].caps))
      return &types[i];
  }

  return g_strcmp0 (variant, "apple") == 0 ? &mov : &mp4;
}

/* Negative: pictures from the first one on are hidden. */
static GstClockTimeDiff
find_lead (IdentifaiSegment * segment)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);
  GstBuffer *first = g_ptr_array_index (video->buffers, 0);

  return GST_CLOCK_DIFF (identifai_timestamps_shown_from (video),
      GST_BUFFER_PTS (first));
}

/* Leading pictures of the first one are shown before it; a picture at or after
 * the segment's end is there for the others to be decoded, and the next
 * segment's to show. Other containers than MP4 show all they have. */
static void
set_shown_range (IdentifaiSegment * segment, IdentifaiMemoryFile * file,
    GstClockTimeDiff lead)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);
  GstClockTime range = identifai_timestamps_last_shown (video)
      - identifai_timestamps_shown_from (video);
  GstClockTime shown = GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (segment->duration) && segment->duration > 0
      && (range >= segment->duration || lead < 0))
    shown = segment->duration;
  if (lead == 0 && shown == GST_CLOCK_TIME_NONE)
    return;
  if (!identifai_mp4_edit (file, lead, shown))
    GST_INFO ("segment %u: the edit list could not be changed",
        segment->number);
}

/* What mp4mux can't be told. FALSE: the file would lie. */
static gboolean
complete_mp4 (IdentifaiSegment * segment, IdentifaiMemoryFile * file,
    GstClockTimeDiff lead, GError ** error)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);

  const gchar *orientation = identifai_codec_get_orientation (video->caps);

  set_shown_range (segment, file, lead);
  if (orientation && !identifai_mp4_orient (file, orientation))
    GST_WARNING ("segment %u: can't say that its pictures are %s",
        segment->number, orientation);
  identifai_mp4_mend_lengths (file);
  if (identifai_codec_of_caps (video->caps)->id != IDENTIFAI_CODEC_MPEG12
      || identifai_mp4_call_mpeg2 (file))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
      "mp4mux wrote another kind of file than expected");

  return FALSE;
}

static void
put_file (IdentifaiSegment * segment, Run * run)
{
  const FileType *type = find_file_type (run->caps);

  g_clear_pointer (&segment->tracks, g_ptr_array_unref);
  g_clear_pointer (&segment->file, identifai_memory_file_unref);
  segment->file = g_steal_pointer (&run->file);
  segment->bytes = identifai_memory_file_get_size (segment->file);
  g_free (segment->content_type);
  segment->content_type = g_strdup (type->content_type);
  segment->extension = type->extension;
}

/* Sound whose codec changed after it was decided to take it along. */
static void
leave_out_unfit (const gchar * muxer, IdentifaiSegment * segment)
{
  guint n = segment->tracks->len, i;
  GstCaps **caps = g_new (GstCaps *, n);
  gchar **obstacles = g_new0 (gchar *, n);

  for (i = 0; i < n; i++)
    caps[i] = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks, i))->caps;
  identifai_muxer_leave_out (muxer, caps, n, obstacles);
  for (i = n; i > 0; i--) {
    if (obstacles[i - 1])
      identifai_segment_leave_out (segment, i - 1, obstacles[i - 1]);
    g_free (obstacles[i - 1]);
  }
  g_free (obstacles);
  g_free (caps);
}

/* Pictures that are to be turned go into MP4 or QuickTime, if they can: matroskamux
 * can say so since 1.26 only. */
static const gchar *
choose_for_caps (const gchar * muxer, GstCaps ** caps, guint n, GError ** error)
{
  static const gchar *const oriented[] = { "mp4mux", "qtmux" };
  const gchar *chosen = NULL;
  guint i;

  if (identifai_codec_get_orientation (caps[0])
      && g_str_equal (muxer, "auto")) {
    for (i = 0; i < G_N_ELEMENTS (oriented) && chosen == NULL; i++)
      chosen = identifai_muxer_choose (oriented[i], caps, n, NULL);
  }

  return chosen ? chosen : identifai_muxer_choose (muxer, caps, n, error);
}

static const gchar *
choose_for_segment (const gchar * muxer, IdentifaiSegment * segment,
    GError ** error)
{
  GstCaps **caps = g_new (GstCaps *, segment->tracks->len);
  const gchar *chosen;
  guint i;

  for (i = 0; i < segment->tracks->len; i++)
    caps[i] = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks, i))->caps;
  chosen = choose_for_caps (muxer, caps, segment->tracks->len, error);
  g_free (caps);

  return chosen;
}

/* matroskamux writes it since 1.26. */
static gboolean
says_orientation (const gchar * factory)
{
  GstElementFactory *found = gst_element_factory_find (factory);
  gboolean says;

  if (g_str_equal (factory, "mp4mux") || g_str_equal (factory, "qtmux"))
    says = TRUE;
  else
    says = (g_str_equal (factory, "matroskamux")
        || g_str_equal (factory, "webmmux"))
        && gst_plugin_feature_check_version (GST_PLUGIN_FEATURE (found), 1, 25,
        0);
  gst_object_unref (found);

  return says;
}

static void
note_orientation (const gchar * factory, IdentifaiSegment * segment)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);
  const gchar *orientation = identifai_codec_get_orientation (video->caps);

  segment->lost_orientation = orientation != NULL
      && !says_orientation (factory) ? g_intern_string (orientation) : NULL;
}

static gboolean
check_result (Run * run, GError ** error)
{
  if (run->error) {
    g_propagate_error (error, g_steal_pointer (&run->error));
    return FALSE;
  }
  if (run->caps == NULL || identifai_memory_file_get_size (run->file) == 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "The muxer made no file of the stream");
    return FALSE;
  }

  return TRUE;
}

static void
complete_durations (gpointer track, gpointer unused)
{
  identifai_timestamps_complete_durations (track);
}

/* One file of all tracks. */
static gboolean
make_file (const gchar * muxer, IdentifaiSegment * segment,
    guint64 max_bytes, GCancellable * cancellable, GError ** error)
{
  Run run = { 0, };
  GstClockTimeDiff lead = 0;
  const gchar *factory = choose_for_segment (muxer, segment, error);
  gboolean is_mp4;
  gboolean ok;

  if (factory == NULL)
    return FALSE;

  note_orientation (factory, segment);
  g_mutex_init (&run.lock);
  g_cond_init (&run.cond);
  run.file = identifai_memory_file_new ();
  run.max_bytes = max_bytes;
  is_mp4 = g_str_equal (factory, "mp4mux") || g_str_equal (factory, "qtmux");
  if (is_mp4)
    lead = find_lead (segment);
  run_pipeline (&run, factory, segment->tracks, lead, cancellable);
  ok = check_result (&run, error);
  if (ok && is_mp4)
    ok = complete_mp4 (segment, run.file, lead, error);
  if (ok)
    put_file (segment, &run);
  g_clear_error (&run.error);
  g_clear_pointer (&run.file, identifai_memory_file_unref);
  gst_clear_caps (&run.caps);
  g_cond_clear (&run.cond);
  g_mutex_clear (&run.lock);

  return ok;
}

/* Whether it may be the sound that a file can't be made with. */
static gboolean
may_be_sound (IdentifaiSegment * segment, const GError * error)
{
  return segment->tracks->len > 1 && error->domain == G_IO_ERROR
      && (error->code == G_IO_ERROR_FAILED
      || error->code == G_IO_ERROR_NOT_SUPPORTED
      || error->code == G_IO_ERROR_NOT_FOUND
      || error->code == G_IO_ERROR_TIMED_OUT);
}

gboolean
identifai_muxer_run (const gchar * muxer, IdentifaiSegment * segment,
    guint64 max_bytes, GCancellable * cancellable, GError ** error)
{
  GError *trouble = NULL;
  gboolean ok;

  leave_out_unfit (muxer, segment);
  identifai_timestamps_complete_dts (g_ptr_array_index (segment->tracks, 0));
  g_ptr_array_foreach (segment->tracks, complete_durations, NULL);
  ok = make_file (muxer, segment, max_bytes, cancellable, &trouble);
  if (!ok && may_be_sound (segment, trouble)) {
    GST_WARNING ("segment %u goes without its sound: %s", segment->number,
        trouble->message);
    while (segment->tracks->len > 1)
      identifai_segment_leave_out (segment, segment->tracks->len - 1,
          trouble->message);
    g_clear_error (&trouble);
    ok = make_file (muxer, segment, max_bytes, cancellable, &trouble);
  }
  if (!ok)
    g_propagate_error (error, trouble);

  return ok;
}

void
identifai_muxer_set_patience (guint ms)
{
  patience = ms;
}
