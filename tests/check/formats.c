/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All accepted codecs through the element, as pipelines send them: every file
 * that is posted decodes with no error, and together they have every frame.
 * Encoders that aren't installed are left out, and said so.
 */

#include "feed.h"

#include <string.h>

#define FRAMES 50

#define VIDEO "videotestsrc num-buffers=50 ! " \
    "video/x-raw,width=64,height=48,framerate=25/1 ! "
#define X264 "x264enc key-int-max=10 threads=1 option-string=scenecut=0 "
#define AUDIO "audiotestsrc num-buffers=88 samplesperbuffer=1024 ! " \
    "audio/x-raw,rate=44100,channels=1 ! audioconvert ! audioresample ! "
#define SINK " identifaisink name=sink segment-duration=400000000 "

typedef struct
{
  const gchar *launch;
  const gchar *content_type;
  gboolean sound;
} Row;

static const Row rows[] = {
  /* H.264: byte-stream straight from the encoder, avc, B-frames, RTP. */
  {VIDEO X264 "tune=zerolatency !" SINK, "video/mp4"},
  {VIDEO X264 "bframes=3 !" SINK, "video/mp4"},
  {VIDEO X264 "bframes=3 b-adapt=false ! h264parse !" SINK, "video/mp4"},
  {VIDEO X264 "bframes=2 ! h264parse ! video/x-h264,stream-format=avc !" SINK,
      "video/mp4"},
  {VIDEO X264 "! h264parse ! video/x-h264,stream-format=avc3 !" SINK,
      "video/mp4"},
  {VIDEO X264 "bframes=0 ! rtph264pay config-interval=1 ! rtph264depay !" SINK,
      "video/mp4"},
  {VIDEO X264 "aud=false bframes=2 ! h264parse ! mpegtsmux ! tsdemux ! "
        "h264parse !" SINK, "video/mp4"},
  /* H.265 */
  {VIDEO "x265enc key-int-max=10 option-string=scenecut=0:pools=1:"
        "frame-threads=1:open-gop=0 !" SINK, "video/mp4"},
  {VIDEO "x265enc key-int-max=10 tune=zerolatency option-string=scenecut=0:"
        "pools=1:frame-threads=1 ! h265parse !" SINK, "video/mp4"},
  /* AV1, in temporal units and in frames; the encoder alone may not say that
   * it makes an obu-stream */
  {VIDEO "av1enc keyframe-max-dist=10 cpu-used=8 lag-in-frames=0 !" SINK,
      "video/mp4"},
  {VIDEO "av1enc keyframe-max-dist=10 cpu-used=8 lag-in-frames=0 ! av1parse !"
        SINK, "video/mp4"},
  {VIDEO "av1enc keyframe-max-dist=10 cpu-used=8 lag-in-frames=0 ! av1parse ! "
        "video/x-av1,alignment=frame !" SINK, "video/mp4"},
  /* Theora, whose headers come as buffers, too */
  {VIDEO "theoraenc keyframe-freq=10 keyframe-force=10 !" SINK,
      "video/x-matroska"},
  /* VP8, VP9 */
  {VIDEO "vp8enc keyframe-max-dist=10 deadline=1 !" SINK, "video/webm"},
  {VIDEO "vp8enc keyframe-max-dist=10 deadline=1 auto-alt-ref=true "
        "lag-in-frames=5 !" SINK, "video/webm"},
  {VIDEO "vp9enc keyframe-max-dist=10 deadline=1 !" SINK, NULL},
  /* MPEG-1, -2, -4, JPEG */
  {VIDEO "mpeg2enc format=3 min-gop-size=10 max-gop-size=10 ! mpegvideoparse !"
        SINK, NULL},
  {VIDEO "mpeg2enc format=0 min-gop-size=10 max-gop-size=10 ! mpegvideoparse !"
        SINK, NULL},
  {VIDEO "avenc_mpeg4 gop-size=10 ! mpeg4videoparse !" SINK, NULL},
  {VIDEO "jpegenc !" SINK, NULL},
  /* With sound. */
  {VIDEO X264 "! queue !" SINK AUDIO "avenc_aac ! queue ! sink.", "video/mp4",
      TRUE},
  {VIDEO X264 "! queue !" SINK AUDIO "lamemp3enc ! queue ! sink.", "video/mp4",
      TRUE},
  {VIDEO X264 "! queue !" SINK AUDIO "opusenc ! queue ! sink.", "video/mp4",
      TRUE},
  {VIDEO X264 "! queue !" SINK AUDIO "avenc_ac3 ! ac3parse ! queue ! sink.",
      NULL, TRUE},
  {VIDEO X264 "! queue !" SINK AUDIO "flacenc ! flacparse ! queue ! sink.",
      NULL, TRUE},
  {VIDEO X264 "! queue !" SINK AUDIO "vorbisenc ! queue ! sink.", NULL, TRUE},
  {VIDEO "vp8enc keyframe-max-dist=10 deadline=1 ! queue !" SINK AUDIO
        "vorbisenc ! queue ! sink.", "video/webm", TRUE},
  {VIDEO "vp8enc keyframe-max-dist=10 deadline=1 ! queue !" SINK AUDIO
        "opusenc ! queue ! sink.", "video/webm", TRUE},
  {VIDEO "vp8enc keyframe-max-dist=10 deadline=1 ! queue !" SINK AUDIO
        "avenc_aac ! queue ! sink.", NULL, TRUE},
  {VIDEO "jpegenc ! queue !" SINK AUDIO "lamemp3enc ! queue ! sink.", NULL,
      TRUE},
  /* Both link by themselves, the sound first. */
  {"identifaisink name=sink segment-duration=400000000 " AUDIO
        "avenc_aac ! queue ! sink. " VIDEO X264 "! queue ! sink.", "video/mp4",
      TRUE},
};

/* NULL: all elements of the description are there. */
static gchar *
find_missing (const gchar * description)
{
  GstParseContext *context = gst_parse_context_new ();
  GError *error = NULL;
  GstElement *element;
  gchar **names, *missing;

  sink_use_own_plugin ();
  element = gst_parse_launch_full (description, context,
      GST_PARSE_FLAG_FATAL_ERRORS, &error);
  names = gst_parse_context_get_missing_elements (context);
  missing = names != NULL ? g_strjoinv (", ", names) : NULL;
  fail_unless (missing != NULL || error == NULL, "%s: %s", description,
      error ? error->message : "");
  g_clear_error (&error);
  gst_clear_object (&element);
  g_strfreev (names);
  gst_parse_context_free (context);

  return missing;
}

static void
check_segments (SinkRun * run, guint n, const gchar * content_type)
{
  const GstStructure *segment;
  guint i;

  for (i = 0; i < n && content_type != NULL; i++) {
    segment = sink_run_get_structure (run, "identifai-segment", i);
    fail_unless_equals_string (gst_structure_get_string (segment,
            "content-type"), content_type);
  }
}

static void
run_row (const Row * row)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new (url, row->launch);
  guint n;

  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  n = sink_run_count (run, "identifai-verdict");
  fail_unless (n >= 2, "%u segments", n);
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), n);
  check_segments (run, n, row->content_type);
  fail_unless_equals_int (feed_decode (server, n, "v"), FRAMES);
  if (row->sound)
    fail_unless (feed_decode (server, n, "a") > 0);

  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_START_TEST (test_formats)
{
  gchar *missing = find_missing (rows[__i__].launch);

  if (missing != NULL)
    g_printerr ("not tested, %s is not installed: %s\n", missing,
        rows[__i__].launch);
  else
    run_row (&rows[__i__]);
  g_free (missing);
}

GST_END_TEST;

/* A file, cut again: parsebin links to the element by itself. */

static const gchar *const containers[] = {
  X264 "bframes=2 ! h264parse ! qtmux",
  X264 "bframes=2 ! h264parse ! matroskamux",
  X264 "bframes=2 ! h264parse ! mpegtsmux",
  "vp8enc keyframe-max-dist=10 deadline=1 ! webmmux",
  "avenc_mpeg4 gop-size=10 ! avimux",
};

GST_START_TEST (test_parsebin)
{
  gchar *folder = sink_folder_new ();
  gchar *make = g_strconcat (VIDEO, containers[__i__], NULL);
  gchar *path = sink_make_file (folder, "clip", make);
  gchar *launch = g_strdup_printf ("filesrc location=%s ! parsebin !" SINK,
      path);
  Row row = {.launch = launch };

  run_row (&row);
  g_free (launch);
  g_free (path);
  g_free (make);
  sink_folder_free (folder);
}

GST_END_TEST;

/* A demuxer's pads are not there yet: nothing says what a queue will carry. */

GST_START_TEST (test_queues)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch_full ("qtdemux name=demux "
      "demux. ! queue ! sink. demux. ! queue ! sink. identifaisink name=sink",
      NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);

  fail_unless (error == NULL, "%s", error ? error->message : "");
  gst_object_unref (pipeline);
}

GST_END_TEST;

static Suite *
formats_suite (void)
{
  Suite *suite = suite_create ("formats");
  TCase *tcase = tcase_create ("formats");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_formats, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (tcase, test_parsebin, 0, G_N_ELEMENTS (containers));
  tcase_add_test (tcase, test_queues);

  return suite;
}

GST_CHECK_MAIN (formats);
