/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifai-watch PIPELINE…: runs a pipeline as gst-launch-1.0 does and prints a
 * line for everything that identifaisink says. A pattern for applications that
 * react to its messages.
 *
 * Ctrl-C and SIGTERM end the stream and wait for the verdicts that are outstanding;
 * a second one stops at once. Exit status: 0 if every segment was judged, 1 if one
 * was not or the pipeline failed, 2 if the pipeline can't be built.
 */

#include <gst/gst.h>

#include <glib-unix.h>
#include <locale.h>
#include <string.h>

typedef struct
{
  GMainLoop *loop;
  GstElement *pipeline;
  gboolean ending;              /* Ctrl-C was pressed, or SIGTERM came */
  guint judged, failed, dropped;        /* segments */
  gboolean broken;              /* the pipeline failed, or was stopped */
} App;

static guint
segment_number (const GstStructure * s)
{
  guint number = 0;

  gst_structure_get_uint (s, "segment", &number);

  return number;
}

static void
print_segment (const GstStructure * s)
{
  const gchar *type = gst_structure_get_string (s, "content-type");
  guint64 bytes = 0, time = GST_CLOCK_TIME_NONE, missing = 0;

  gst_structure_get_uint64 (s, "bytes", &bytes);
  gst_structure_get_uint64 (s, "audio-missing", &missing);
  gst_structure_get_uint64 (s, "running-time", &time);
  g_print ("segment %u closed: %" G_GUINT64_FORMAT " bytes %s",
      segment_number (s), bytes, *type != '\0' ? type : "(no file)");
  if (GST_CLOCK_TIME_IS_VALID (time))
    g_print (" from %" GST_TIME_FORMAT, GST_TIME_ARGS (time));
  if (missing > 0)
    g_print (", without %.2f s of sound", (gdouble) missing / GST_SECOND);
  g_print ("\n");
}

static void
print_verdict (const GstStructure * s)
{
  gdouble confidence = 0;
  guint64 latency = 0;

  gst_structure_get_double (s, "confidence", &confidence);
  gst_structure_get_uint64 (s, "latency", &latency);
  g_print ("segment %u verdict: %s, confidence %.2f (%s), after %.1f s\n",
      segment_number (s), gst_structure_get_string (s, "classification"),
      confidence, gst_structure_get_string (s, "heuristic"),
      (gdouble) latency / GST_SECOND);
}

static void
print_failed (const GstStructure * s)
{
  guint status = 0;

  gst_structure_get_uint (s, "http-status", &status);
  g_print ("segment %u failed: %s", segment_number (s),
      gst_structure_get_string (s, "reason"));
  if (status >= 300)
    g_print (", HTTP status %u", status);
  g_print (": %s\n", gst_structure_get_string (s, "message"));
}

static void
on_element_message (App * app, const GstStructure * s)
{
  if (gst_structure_has_name (s, "identifai-segment")) {
    print_segment (s);
  } else if (gst_structure_has_name (s, "identifai-submitted")) {
    g_print ("segment %u submitted: %s\n", segment_number (s),
        gst_structure_get_string (s, "identifier"));
  } else if (gst_structure_has_name (s, "identifai-verdict")) {
    print_verdict (s);
    app->judged++;
  } else if (gst_structure_has_name (s, "identifai-failed")) {
    print_failed (s);
    app->failed++;
  } else if (gst_structure_has_name (s, "identifai-dropped")) {
    g_print ("segment %u dropped: %s\n", segment_number (s),
        gst_structure_get_string (s, "reason"));
    app->dropped++;
  }
}

static void
print_problem (GstMessage * message, const gchar * kind,
    void (*parse) (GstMessage *, GError **, gchar **))
{
  GError *error = NULL;
  gchar *debug = NULL;

  parse (message, &error, &debug);
  g_printerr ("%s: %s\n", kind, error->message);
  if (debug != NULL)
    g_printerr ("  %s\n", debug);
  g_clear_error (&error);
  g_free (debug);
}

/* What to put in between, for what identifaisink doesn't link with. */
static const gchar *
find_advice (const gchar * media_type)
{
  if (g_str_equal (media_type, "video/x-raw"))
    return "is not encoded: put videoconvert ! x264enc ! h264parse in between; "
        "for a file, take parsebin instead of decodebin";
  if (g_str_equal (media_type, "application/x-rtp"))
    return
        "is RTP: put the depayloader and the parser of its codec in between, "
        "rtph264depay ! h264parse for instance";
  if (g_str_has_prefix (media_type, "video/")
      || g_str_has_prefix (media_type, "image/"))
    return "is of no codec that identifaisink takes: judge the file as it is, "
        "filesrc ! identifaisink, or encode it anew, "
        "decodebin ! videoconvert ! x264enc ! h264parse";

  return NULL;
}

static void
explain_pad (const GValue * item, gpointer unused)
{
  GstPad *pad = g_value_get_object (item);
  GstCaps *caps = gst_pad_get_current_caps (pad);
  const gchar *media_type, *advice;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  if (!gst_pad_is_linked (pad) && gst_caps_get_size (caps) > 0) {
    media_type = gst_structure_get_name (gst_caps_get_structure (caps, 0));
    advice = find_advice (media_type);
    if (advice != NULL)
      g_printerr ("  %s (%s) %s\n", GST_PAD_NAME (pad), media_type, advice);
  }
  gst_caps_unref (caps);
}

static void
explain_element (const GValue * item, gpointer unused)
{
  GstIterator *pads = gst_element_iterate_src_pads (g_value_get_object (item));

  gst_iterator_foreach (pads, explain_pad, NULL);
  gst_iterator_free (pads);
}

/* Nothing came to it: its neighbours may have what it doesn't take. */
static void
explain_sink (const GValue * item, gpointer unused)
{
  GstElement *sink = g_value_get_object (item);
  GstPad *pad = gst_element_get_static_pad (sink, "sink");
  GstObject *parent = gst_object_get_parent (GST_OBJECT (sink));
  GstIterator *elements;

  if (pad && !gst_pad_has_current_caps (pad) && GST_IS_BIN (parent)) {
    elements = gst_bin_iterate_elements (GST_BIN (parent));
    gst_iterator_foreach (elements, explain_element, NULL);
    gst_iterator_free (elements);
  }
  g_clear_object (&pad);
  gst_clear_object (&parent);
}

/* "Delayed linking failed" and "not-linked" say neither what nor why. */
static void
explain_links (App * app)
{
  GstIterator *sinks = gst_bin_iterate_all_by_element_factory_name (GST_BIN
      (app->pipeline), "identifaisink");

  gst_iterator_foreach (sinks, explain_sink, NULL);
  gst_iterator_free (sinks);
}

/* How long a stream may take through queues, in ms. */
#define ON_ITS_WAY 1000

static void
count_streams (const GValue * item, gpointer count)
{
  GstPad *pad = gst_element_get_static_pad (g_value_get_object (item), "sink");
  GstEvent *event = gst_pad_get_sticky_event (pad, GST_EVENT_STREAM_START, 0);

  if (event != NULL) {
    (*(guint *) count)++;
    gst_event_unref (event);
  }
  gst_object_unref (pad);
}

/* All pads are there, or all of a file was read, a while ago: what didn't come never
 * comes, and nothing would end the pipeline. */
static gboolean
on_all_pads (gpointer user_data)
{
  App *app = user_data;
  GstIterator *sinks = gst_bin_iterate_all_by_element_factory_name (GST_BIN
      (app->pipeline), "identifaisink");
  guint streams = 0;

  gst_iterator_foreach (sinks, count_streams, &streams);
  gst_iterator_free (sinks);
  if (streams == 0 && !app->broken) {
    g_printerr ("error: there is no video that identifaisink takes\n");
    explain_links (app);
    app->broken = TRUE;
    g_main_loop_quit (app->loop);
  }

  return G_SOURCE_REMOVE;
}

/* A streaming thread; parsebin says "drained" instead of "no-more-pads". */
static void
on_no_more_pads (GstElement * element, gpointer user_data)
{
  g_timeout_add (ON_ITS_WAY, on_all_pads, user_data);
}

static void
watch_pads (const GValue * item, gpointer app)
{
  GstElement *element = g_value_get_object (item);

  g_signal_connect (element, "no-more-pads", G_CALLBACK (on_no_more_pads), app);
  if (g_signal_lookup ("drained", G_OBJECT_TYPE (element)) != 0)
    g_signal_connect (element, "drained", G_CALLBACK (on_no_more_pads), app);
}

static void
watch_all_pads (App * app)
{
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (app->pipeline));

  gst_iterator_foreach (elements, watch_pads, app);
  gst_iterator_free (elements);
}

/* The pipeline can't be built: nothing of it is left to look at. */
static void
explain_parse_error (const GError * error)
{
  if (!g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_LINK)
      || strstr (error->message, "identifaisink") == NULL)
    return;
  g_printerr ("  identifaisink takes containers, and encoded video in frames. "
      "Put in between: behind raw video\n  videoconvert ! x264enc ! h264parse; "
      "behind RTP the depayloader and parser of its codec,\n  rtph264depay ! "
      "h264parse say; instead of decodebin, parsebin.\n");
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  App *app = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      on_element_message (app, gst_message_get_structure (message));
      break;
    case GST_MESSAGE_ERROR:
      print_problem (message, "error", gst_message_parse_error);
      explain_links (app);
      app->broken = TRUE;
      g_main_loop_quit (app->loop);
      break;
    case GST_MESSAGE_WARNING:
      print_problem (message, "warning", gst_message_parse_warning);
      break;
    case GST_MESSAGE_INFO:
      print_problem (message, "info", gst_message_parse_info);
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (app->loop);
      break;
    default:
      break;
  }

  return G_SOURCE_CONTINUE;
}

static gboolean
on_interrupt (gpointer user_data)
{
  App *app = user_data;

  if (app->ending) {
    app->broken = TRUE;
    g_main_loop_quit (app->loop);
  } else {
    g_printerr ("Ending; waiting for outstanding verdicts (Ctrl-C again stops "
        "at once)\n");
    app->ending = TRUE;
    gst_element_send_event (app->pipeline, gst_event_new_eos ());
  }

  return G_SOURCE_CONTINUE;
}

/* What was posted while the pipeline stopped: segments without a verdict are
 * dropped then. From READY, as a pipeline's bus is emptied on the way to NULL. */
static void
read_rest (App * app, GstBus * bus)
{
  GstMessage *message;

  while ((message = gst_bus_pop (bus)) != NULL) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
      on_element_message (app, gst_message_get_structure (message));
    gst_message_unref (message);
  }
}

static void
run (App * app)
{
  GstBus *bus = gst_element_get_bus (app->pipeline);

  gst_bus_add_watch (bus, on_message, app);
  g_unix_signal_add (SIGINT, on_interrupt, app);
  g_unix_signal_add (SIGTERM, on_interrupt, app);

  watch_all_pads (app);
  gst_element_set_state (app->pipeline, GST_STATE_PLAYING);
  g_main_loop_run (app->loop);

  gst_bus_remove_watch (bus);
  gst_element_set_state (app->pipeline, GST_STATE_READY);
  read_rest (app, bus);
  gst_element_set_state (app->pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
}

static gint
sum_up (App * app)
{
  g_print ("%u judged, %u failed, %u dropped\n", app->judged, app->failed,
      app->dropped);

  return app->broken || app->failed + app->dropped > 0 ? 1 : 0;
}

int
main (int argc, char **argv)
{
  App app = { NULL, };
  GError *error = NULL;

  setlocale (LC_ALL, "");
  gst_init (&argc, &argv);
  if (argc < 2 || g_str_equal (argv[1], "--help")) {
    g_printerr ("usage: %s PIPELINE, written as for gst-launch-1.0\n", argv[0]);
    return 2;
  }

  app.pipeline = gst_parse_launchv_full ((const gchar **) argv + 1, NULL,
      GST_PARSE_FLAG_FATAL_ERRORS | GST_PARSE_FLAG_PLACE_IN_BIN, &error);
  if (app.pipeline == NULL) {
    g_printerr ("error: %s\n", error->message);
    explain_parse_error (error);
    g_error_free (error);
    return 2;
  }
  if (!GST_IS_PIPELINE (app.pipeline)) {
    GstElement *pipeline = gst_pipeline_new (NULL);

    gst_bin_add (GST_BIN (pipeline), app.pipeline);
    app.pipeline = pipeline;
  }

  app.loop = g_main_loop_new (NULL, FALSE);
  run (&app);
  g_main_loop_unref (app.loop);
  gst_object_unref (app.pipeline);

  return sum_up (&app);
}
