/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Segments a clip, or the output of a pipeline, and writes the files into a
 * folder: what tests/exact.py looks at. One line of JSON a segment on stdout.
 *
 *   segment-file [OPTIONS] CLIP FOLDER
 *   segment-file [OPTIONS] --pipeline 'videotestsrc ! x264enc name=video' FOLDER
 */

#include "codecs.h"
#include "earlyfile.h"
#include "muxer.h"
#include "overhead.h"
#include "segmenter.h"

#include <glib/gstdio.h>
#include <string.h>

static gint64 duration_ms = 10000;
static gint64 interval_ms = 0;
static gint64 max_bytes = 50000000;
static gchar *pipeline_text;
static gchar *muxer;
static gboolean no_audio;
static gboolean ask;
static gboolean early;
static gchar **arguments;

static const GOptionEntry options[] = {
  {"duration", 0, 0, G_OPTION_ARG_INT64, &duration_ms, "of a segment", "MS"},
  {"interval", 0, 0, G_OPTION_ARG_INT64, &interval_ms, "of starts", "MS"},
  {"max-bytes", 0, 0, G_OPTION_ARG_INT64, &max_bytes, "of a file", "N"},
  {"pipeline", 0, 0, G_OPTION_ARG_STRING, &pipeline_text,
      "with elements named video and audio at its end", "TEXT"},
  {"muxer", 0, 0, G_OPTION_ARG_STRING, &muxer, "factory, or auto", "NAME"},
  {"no-audio", 0, 0, G_OPTION_ARG_NONE, &no_audio, "video only", NULL},
  {"ask", 0, 0, G_OPTION_ARG_NONE, &ask, "ask for key frames", NULL},
  {"early", 0, 0, G_OPTION_ARG_NONE, &early,
      "write what is open, as early-upload does", NULL},
  {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments,
      NULL, "[CLIP] FOLDER"},
  {NULL}
};

typedef struct
{
  GMutex lock;
  IdentifaiSegmenter *segmenter;
  GAsyncQueue *closed;          /* of IdentifaiSegment, for the main thread */
  GMainLoop *loop;
  const gchar *folder;
  GHashTable *early;            /* of IdentifaiEarlyFile, by the segment's number */
  guint count;
  guint running;                /* streams before EOS */
  gboolean has_video;
  gboolean waits_for_sinks;     /* the pipeline has some of its own */
  gint failures;
} App;

/* A short clip may be over before the loop runs, and a loop that doesn't run yet
 * can't be told to quit: so the loop does it itself. */
static gboolean
quit (gpointer user_data)
{
  App *app = user_data;

  g_main_loop_quit (app->loop);

  return G_SOURCE_REMOVE;
}

typedef struct
{
  App *app;
  guint stream;
} Input;

static void
on_open (IdentifaiSegment * segment, gpointer user_data)
{
  App *app = user_data;

  segment->number = app->count++;
}

static void
write_file (App * app, IdentifaiSegment * segment)
{
  gsize size = identifai_memory_file_get_size (segment->file);
  gchar *data = g_malloc (size);
  gchar *name = g_strdup_printf ("%s/%05u.%s", app->folder, segment->number,
      segment->extension);

  identifai_memory_file_read (segment->file, 0, data, size);
  if (!g_file_set_contents (name, data, size, NULL))
    app->failures++;
  g_free (name);
  g_free (data);
}

static IdentifaiEarlyFile *
find_early_locked (App * app, const IdentifaiSegment * segment)
{
  gpointer key = GUINT_TO_POINTER (segment->number);
  IdentifaiEarlyFile *file = g_hash_table_lookup (app->early, key);

  if (file == NULL) {
    file = identifai_early_file_new ("segment-file", segment->number,
        max_bytes);
    g_hash_table_insert (app->early, key, file);
  }

  return file;
}

/* What the element leaves to a worker. */
static void
write_open_locked (App * app)
{
  IdentifaiEarlyStretch *stretch = NULL;
  IdentifaiOpenSegment open;

  if (early && identifai_segmenter_peek (app->segmenter, &open)
      && open.has_sound)
    stretch = identifai_early_file_take (find_early_locked (app, open.segment),
        open.frames, open.segment->tracks);
  if (stretch != NULL)
    identifai_early_stretch_write (stretch, NULL);
}

static gboolean
complete_early (App * app, IdentifaiSegment * segment)
{
  IdentifaiEarlyFile *file;

  g_mutex_lock (&app->lock);
  file = find_early_locked (app, segment);
  g_mutex_unlock (&app->lock);

  return identifai_early_file_complete (file, segment, NULL);
}

static void
finish_segment (App * app, IdentifaiSegment * segment)
{
  gboolean done = FALSE;
  guint64 payload = segment->bytes;
  guint n_buffers = 0, n_tracks = 0, i;
  GError *error = NULL;

  for (i = 0; segment->tracks && i < segment->tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (segment->tracks, i);

    n_buffers += i == 0 ? segment->pictures->len : track->buffers->len;
    n_tracks++;
  }
  if (early && segment->failure == IDENTIFAI_REASON_NONE)
    done = complete_early (app, segment);
  if (segment->failure == IDENTIFAI_REASON_NONE) {
    if (done
        || identifai_muxer_run (muxer ? muxer : "auto", segment, max_bytes,
            NULL, &error))
      write_file (app, segment);
    else
      app->failures++;
  }
  g_print ("{\"number\": %u, \"running_time\": %" G_GINT64_FORMAT
      ", \"stream_time\": %" G_GINT64_FORMAT ", \"duration\": %"
      G_GINT64_FORMAT
      ", \"frames\": %u, \"keyframes\": %u, \"discontinuities\": %u, \"payload\": %"
      G_GUINT64_FORMAT ", \"bytes\": %" G_GUINT64_FORMAT ", \"overhead\": %"
      G_GUINT64_FORMAT
      ", \"early\": %s, \"failure\": \"%s\", \"error\": \"%s\"}\n",
      segment->number, (gint64) segment->running_time,
      (gint64) segment->stream_time, (gint64) segment->duration,
      segment->frames, segment->keyframes, segment->discontinuities, payload,
      segment->bytes, identifai_container_overhead (n_tracks, n_buffers,
          payload), done ? "true" : "false",
      identifai_reason_to_string (segment->failure),
      error ? error->message : "");
  g_clear_error (&error);
  identifai_segment_free (segment);
}

/* Time stands still until the end: a file's sound may be waited for, and how
 * busy the machine is makes no difference. */
static void
collect (App * app, gint64 now)
{
  IdentifaiSegment *segment;

  while ((segment = identifai_segmenter_pop (app->segmenter, now)))
    g_async_queue_push (app->closed, segment);
}

static gboolean
input_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Input *input = gst_pad_get_element_private (pad);
  App *app = input->app;
  const GstSegment *segment;
  GstClockTime time, duration;
  gboolean ok = TRUE;
  GstCaps *caps;

  g_mutex_lock (&app->lock);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      ok = identifai_segmenter_set_caps (app->segmenter, input->stream, caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      identifai_segmenter_set_segment (app->segmenter, input->stream, segment);
      break;
    case GST_EVENT_GAP:
      gst_event_parse_gap (event, &time, &duration);
      identifai_segmenter_gap (app->segmenter, input->stream, time, duration);
      break;
    case GST_EVENT_EOS:
      identifai_segmenter_eos (app->segmenter, input->stream, 0);
      collect (app, 0);
      if (--app->running == 0 && !app->waits_for_sinks)
        g_idle_add (quit, app);
      break;
    default:
      break;
  }
  g_mutex_unlock (&app->lock);
  gst_event_unref (event);

  return ok;
}

static void
send_key_frame_request (GstPad * pad, GstClockTime time)
{
  GstStructure *structure = gst_structure_new ("GstForceKeyUnit",
      "running-time", GST_TYPE_CLOCK_TIME, time, "all-headers",
      G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 0, NULL);

  gst_pad_push_event (pad, gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
          structure));
}

static GstFlowReturn
input_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Input *input = gst_pad_get_element_private (pad);
  App *app = input->app;
  IdentifaiCaptureTime arrival = { 0, g_get_real_time () };
  GstClockTime wish = 0;
  gboolean wanted;

  g_mutex_lock (&app->lock);
  identifai_segmenter_push (app->segmenter, input->stream, buffer, &arrival);
  write_open_locked (app);
  collect (app, 0);
  wanted = identifai_segmenter_take_keyframe_request (app->segmenter, &wish);
  g_mutex_unlock (&app->lock);
  if (wanted && input->stream == IDENTIFAI_SEGMENTER_VIDEO)
    send_key_frame_request (pad, wish);

  return GST_FLOW_OK;
}

/* Without a template, a pad takes nothing but the caps that it has. */
static GstStaticPadTemplate any_template = GST_STATIC_PAD_TEMPLATE ("input_%u",
    GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

static void
add_input (App * app, GstPad * source, guint stream)
{
  GstPad *pad = gst_pad_new_from_static_template (&any_template, NULL);
  Input *input = g_new0 (Input, 1);

  input->app = app;
  input->stream = stream;
  gst_pad_set_element_private (pad, input);
  gst_pad_set_chain_function (pad, input_chain);
  gst_pad_set_event_function (pad, input_event);
  g_object_set_data_full (G_OBJECT (pad), "input", input, g_free);
  g_object_set_data_full (G_OBJECT (source), "sink", gst_object_ref_sink (pad),
      gst_object_unref);
  gst_pad_set_active (pad, TRUE);
  app->running++;
  if (gst_pad_link (source, pad) != GST_PAD_LINK_OK)
    g_printerr ("pad %s does not link\n", GST_PAD_NAME (source));
}

static gboolean
is_wanted (App * app, const GstCaps * caps)
{
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);

  if (codec == NULL)
    return FALSE;

  return codec->video ? !app->has_video : !no_audio;
}

static void
on_pad (GstElement * element, GstPad * pad, App * app)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  g_mutex_lock (&app->lock);
  if (!is_wanted (app, caps)) {
    gst_printerr ("not wanted: %" GST_PTR_FORMAT "\n", caps);
  } else if (!identifai_codec_of_caps (caps)->video) {
    add_input (app, pad, identifai_segmenter_add_audio (app->segmenter));
  } else {
    app->has_video = TRUE;
    add_input (app, pad, IDENTIFAI_SEGMENTER_VIDEO);
  }
  g_mutex_unlock (&app->lock);
  gst_caps_unref (caps);
}

static void
add_named_input (App * app, GstElement * pipeline, const gchar * name,
    guint stream)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstPad *pad = gst_element_get_static_pad (element, "src");

  add_input (app, pad, stream);
  gst_object_unref (pad);
  gst_object_unref (element);
}

static GstElement *
make_pipeline (App * app, GError ** error)
{
  GstElement *pipeline, *element;

  if (pipeline_text) {
    pipeline = gst_parse_launch_full (pipeline_text, NULL,
        GST_PARSE_FLAG_FATAL_ERRORS, error);
    if (pipeline == NULL)
      return NULL;
    app->waits_for_sinks = strstr (pipeline_text, "sink") != NULL;
    add_named_input (app, pipeline, "video", IDENTIFAI_SEGMENTER_VIDEO);
    element = gst_bin_get_by_name (GST_BIN (pipeline), "audio");
    if (element) {
      add_named_input (app, pipeline, "audio",
          identifai_segmenter_add_audio (app->segmenter));
      gst_object_unref (element);
    }
    return pipeline;
  }
  pipeline = gst_parse_launch ("filesrc name=clip ! parsebin name=streams",
      error);
  if (pipeline == NULL)
    return NULL;
  element = gst_bin_get_by_name (GST_BIN (pipeline), "clip");
  g_object_set (element, "location", arguments[0], NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "streams");
  g_signal_connect (element, "pad-added", G_CALLBACK (on_pad), app);
  gst_object_unref (element);

  return pipeline;
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  App *app = user_data;
  GError *error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    g_printerr ("%s: %s\n", GST_MESSAGE_SRC_NAME (message), error->message);
    g_error_free (error);
    app->failures++;
    g_main_loop_quit (app->loop);
  }
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS) {
    g_mutex_lock (&app->lock);
    app->waits_for_sinks = FALSE;
    if (app->running == 0)
      g_main_loop_quit (app->loop);
    g_mutex_unlock (&app->lock);
  }

  return TRUE;
}

static gboolean
mux_some (gpointer user_data)
{
  App *app = user_data;
  IdentifaiSegment *segment;

  while ((segment = g_async_queue_try_pop (app->closed)))
    finish_segment (app, segment);

  return TRUE;
}

static void
report_stats (App * app)
{
  IdentifaiSegmenterStats stats;

  identifai_segmenter_get_stats (app->segmenter, &stats);
  g_print ("{\"skipped\": %" G_GUINT64_FORMAT ", \"seen\": %" G_GUINT64_FORMAT
      ", \"covered\": %" G_GUINT64_FORMAT ", \"held\": %" G_GUINT64_FORMAT
      "}\n", stats.skipped, stats.seen, stats.covered, stats.bytes);
}

static void
run (App * app, GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  guint tick = g_timeout_add (20, mux_some, app);

  gst_bus_add_watch (bus, on_message, app);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (app->loop);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_bus_remove_watch (bus);
  gst_object_unref (bus);
  g_source_remove (tick);
  collect (app, G_MAXINT64);
  mux_some (app);
  report_stats (app);
}

int
main (int argc, char *argv[])
{
  GOptionContext *context = g_option_context_new ("[CLIP] FOLDER");
  IdentifaiSegmenterSettings settings = { 0, };
  App app = { 0, };
  GError *error = NULL;
  GstElement *pipeline;

  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error))
    g_error ("%s", error->message);
  g_option_context_free (context);
  if (arguments == NULL || g_strv_length (arguments) != (pipeline_text ? 1 : 2))
    g_error ("a clip and a folder, please");

  app.folder = arguments[pipeline_text ? 0 : 1];
  g_mkdir_with_parents (app.folder, 0777);
  app.loop = g_main_loop_new (NULL, FALSE);
  app.closed = g_async_queue_new ();
  app.early = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) identifai_early_file_unref);
  app.segmenter = identifai_segmenter_new (on_open, &app);
  settings.duration = duration_ms * GST_MSECOND;
  settings.interval = interval_ms * GST_MSECOND;
  settings.max_bytes = max_bytes;
  settings.keyframe_requests = ask;
  identifai_segmenter_configure (app.segmenter, &settings);

  pipeline = make_pipeline (&app, &error);
  if (pipeline == NULL)
    g_error ("%s", error->message);
  run (&app, pipeline);
  gst_object_unref (pipeline);
  identifai_segmenter_free (app.segmenter);
  g_async_queue_unref (app.closed);
  g_hash_table_unref (app.early);
  g_main_loop_unref (app.loop);
  g_strfreev (arguments);

  return app.failures ? 1 : 0;
}
