/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaispeechsink: what each kind of sound becomes, and what is missing at the
 * cuts; rests that are too short; what it can't take.
 */

#include <string.h>
#include "faultserver.h"
#include "feed.h"

#define SINK "identifaispeechsink name=sink "
#define TONE "audiotestsrc wave=ticks samplesperbuffer=441 num-buffers=2000 ! " \
    "audio/x-raw,format=S16LE,rate=44100,channels=1 ! "
#define TONE_48 "audiotestsrc wave=ticks samplesperbuffer=480 num-buffers=2000 ! " \
    "audio/x-raw,format=S16LE,rate=48000,channels=1 ! "
#define TONE_8 "audiotestsrc wave=ticks samplesperbuffer=80 num-buffers=2000 ! " \
    "audio/x-raw,format=S16LE,rate=8000,channels=1 ! "


/* Twenty seconds of sound. */
static const struct
{
  const gchar *source;
  const gchar *element;         /* skipped where it is missing */
  const gchar *content_type, *extension;
  guint rate;
  guint slack;                  /* samples that may be missing, or too many: what an
                                 * encoder adds, and a file can't hide */
} codecs[] = {
  {TONE, "flacenc", "audio/flac", "flac", 44100, 0},
  {TONE "audioconvert ! audio/x-raw,format=F32LE,channels=2", "flacenc",
      "audio/flac", "flac", 44100, 0},
  {TONE "audioconvert ! audio/x-raw,format=S32BE", "flacenc", "audio/flac",
      "flac", 44100, 0},
  {TONE "flacenc ! flacparse", "flacparse", "audio/flac", "flac", 44100, 0},
  {TONE "audioconvert ! vorbisenc", "vorbisenc", "audio/ogg", "ogg", 44100,
      1024},
  {TONE "audioconvert ! vorbisenc ! vorbisparse", "vorbisparse", "audio/ogg",
      "ogg", 44100, 1024},
  {TONE_48 "opusenc", "opusenc", "audio/ogg", "ogg", 48000, 0},
  {TONE_48 "opusenc ! opusparse ! rtpopuspay ! rtpopusdepay", "opusparse",
      "audio/ogg", "ogg", 48000, 2000},
  {TONE "audioconvert ! avenc_aac ! aacparse", "avenc_aac", "audio/mp4", "m4a",
      44100, 2048},
  {TONE "audioconvert ! avenc_aac ! aacparse ! audio/mpeg,stream-format=adts",
      "avenc_aac", "audio/mp4", "m4a", 44100, 2048},
  {TONE "audioconvert ! avenc_ac3 ! ac3parse", "avenc_ac3", "audio/mp4", "m4a",
      44100, 1536},
  {TONE "audioconvert ! avenc_alac", "avenc_alac", "audio/mp4", "m4a", 44100,
      0},
  {TONE "lamemp3enc ! mpegaudioparse", "lamemp3enc", "audio/mpeg", "mp3", 44100,
      2 * 1152},
  {TONE_8 "alawenc", "alawenc", "audio/wav", "wav", 8000, 0},
  {TONE_8 "mulawenc", "mulawenc", "audio/wav", "wav", 8000, 0},
  {TONE_8 "speexenc", "speexenc", "audio/ogg", "ogg", 8000, 320},
};

static gboolean
has_element (const gchar * name)
{
  GstElementFactory *factory = gst_element_factory_find (name);
  gboolean found = factory != NULL;

  gst_clear_object (&factory);

  return found;
}

/* Samples of all files that were posted, as ffmpeg decodes them. */
static guint64
count_samples (guint n, const gchar * extension, guint rate)
{
  guint64 samples = 0;
  guint i;

  for (i = 0; i < n; i++) {
    GBytes *file = feed_get_file (feed_server, i);
    gchar *path = g_strdup_printf ("%s/%u.%s", feed_folder, i, extension);
    gchar *text =
        g_strdup_printf ("ffmpeg -v error -i %s -ac 1 -ar %u -f s16le -",
        path, rate);
    gchar *argv[] = { (gchar *) "sh", (gchar *) "-c", NULL, NULL }, *output;
    gchar *counted = g_strconcat (text, " | wc -c", NULL);

    argv[2] = counted;
    fail_unless (g_file_set_contents (path, g_bytes_get_data (file, NULL),
            g_bytes_get_size (file), NULL));
    fail_unless (g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
            NULL, &output, NULL, NULL, NULL));
    samples += g_ascii_strtoull (output, NULL, 10) / 2;
    g_free (output);
    g_free (counted);
    g_free (text);
    g_free (path);
    g_bytes_unref (file);
  }

  return samples;
}

static guint64
get_time (SinkRun * run, guint nth, const gchar * field)
{
  guint64 time;

  fail_unless (gst_structure_get_uint64 (sink_run_get_structure (run,
              "identifai-segment", nth), field, &time));

  return time;
}

GST_START_TEST (test_codec)
{
  gchar *description = g_strconcat (codecs[__i__].source, codecs[__i__].source
      [strlen (codecs[__i__].source) - 2] == '!' ? "" : " ! ",
      SINK "segment-duration=5000000000", NULL);
  guint64 samples, end = 0;
  guint i, n;
  SinkRun *run;

  if (!has_element (codecs[__i__].element)) {
    GST_WARNING ("no %s", codecs[__i__].element);
    g_free (description);
    return;
  }
  run = sink_run_new (feed_url, description);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  n = sink_run_count (run, "identifai-segment");
  fail_unless (n >= 3 && n <= 4, "%u segments", n);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), n);
  /* One starts where the one before ends. */
  for (i = 0; i < n; i++) {
    if (i > 0)
      fail_unless (ABS ((gint64) (get_time (run, i, "running-time") - end)) <=
          1000);
    end = get_time (run, i, "running-time") + get_time (run, i, "duration");
    fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
            (run, "identifai-segment", i), "content-type"),
        codecs[__i__].content_type);
  }
  samples = count_samples (n, codecs[__i__].extension, codecs[__i__].rate);
  fail_unless (ABS ((gint64) samples - 20 * (gint64) codecs[__i__].rate)
      <= codecs[__i__].slack, "%" G_GUINT64_FORMAT " samples", samples);
  sink_run_free (run);
  g_free (description);
}

GST_END_TEST;

/* LOAS in a transport stream. aacparse lets go of what comes between the first frame
 * and the next one that has the configuration, up to 20 frames on. */
GST_START_TEST (test_loas)
{
  gchar *path = g_build_filename (feed_folder, "loas.ts", NULL);
  gchar *description = g_strdup_printf ("filesrc location=%s ! tsdemux ! "
      "aacparse ! " SINK "segment-duration=5000000000", path);
  const gchar *argv[] = { "ffmpeg", "-v", "error", "-f", "lavfi", "-i",
    "sine=f=440:r=44100:d=20", "-c:a", "aac", "-f", "mpegts", "-mpegts_flags",
    "latm", path, NULL
  };
  guint64 samples;
  SinkRun *run;
  guint n;

  fail_unless (g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_SEARCH_PATH,
          NULL, NULL, NULL, NULL, NULL, NULL));
  run = sink_run_new (feed_url, description);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  n = sink_run_count (run, "identifai-segment");
  fail_unless (n >= 3 && n <= 4, "%u segments", n);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), n);
  fail_unless_equals_string (sink_run_get_text (run, "identifai-segment", 0,
          "content-type"), "audio/mp4");
  samples = count_samples (n, "m4a", 44100);
  fail_unless (samples >= 20 * 44100 - 21 * 1024
      && samples <= 20 * 44100 + 2048, "%" G_GUINT64_FORMAT " samples",
      samples);
  sink_run_free (run);
  g_free (description);
  g_free (path);
}

GST_END_TEST;

/* An encoder that isn't there, and one that can't do it. */

typedef GstElement BrokenEncoder;
typedef GstElementClass BrokenEncoderClass;
GType broken_encoder_get_type (void);
G_DEFINE_TYPE (BrokenEncoder, broken_encoder, GST_TYPE_ELEMENT);

static GstStaticPadTemplate broken_sink = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("audio/x-raw"));
static GstStaticPadTemplate broken_src = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("audio/x-flac"));

static GstFlowReturn
break_down (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  gst_buffer_unref (buffer);
  GST_ELEMENT_ERROR (parent, STREAM, ENCODE, ("out of codes"), (NULL));

  return GST_FLOW_ERROR;
}

static void
broken_encoder_init (BrokenEncoder * self)
{
  GstPad *pad = gst_pad_new_from_static_template (&broken_sink, "sink");

  gst_pad_set_chain_function (pad, break_down);
  gst_element_add_pad (self, pad);
  gst_element_add_pad (self, gst_pad_new_from_static_template (&broken_src,
          "src"));
}

static void
broken_encoder_class_init (BrokenEncoderClass * klass)
{
  gst_element_class_add_static_pad_template (klass, &broken_sink);
  gst_element_class_add_static_pad_template (klass, &broken_src);
  gst_element_class_set_static_metadata (klass, "broken", "Encoder/Audio",
      "broken", "nobody");
}

static void
remove_flacenc (void)
{
  GstElementFactory *factory = gst_element_factory_find ("flacenc");

  if (factory != NULL)
    gst_registry_remove_feature (gst_registry_get (),
        GST_PLUGIN_FEATURE (factory));
  gst_clear_object (&factory);
}

GST_START_TEST (test_encoder)
{
  gboolean is_there = __i__ == 1;
  SinkRun *run;
  GError *error;

  remove_flacenc ();
  if (is_there)
    gst_element_register (NULL, "flacenc", GST_RANK_NONE,
        broken_encoder_get_type ());
  run = sink_run_new (feed_url, TONE SINK "segment-duration=5000000000");
  sink_run_start (run);
  fail_if (sink_run_wait_end (run));
  if (is_there) {
    fail_unless (sink_run_count (run, "identifai-failed") > 0);
    fail_unless_equals_string (sink_run_get_text (run, "identifai-failed", 0,
            "reason"), "mux");
    fail_unless (strstr (sink_run_get_text (run, "identifai-failed", 0,
                "message"), "out of codes") != NULL);
  } else {
    gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
    fail_unless (strstr (error->message, "no element flacenc") != NULL, "%s",
        error->message);
    g_error_free (error);
  }
  fail_unless_equals_int (fault_server_count (feed_server, FAULT_POST), 0);
  sink_run_check (run, TRUE);
  sink_run_free (run);
}

GST_END_TEST;

/* What is too short, with what it could join or without; numbers have no holes. */
static const struct
{
  guint seconds;
  const gchar *outcomes;        /* v: verdict, d: dropped */
  const gchar *durations;       /* s */
} rest_rows[] = {
  {2, "d", "2"},
  {3, "v", "3"},
  {5, "v", "5"},
  {7, "v", "7"},
  {8, "vv", "5 3"},
  {12, "vv", "5 7"},
};

GST_START_TEST (test_rest)
{
  gchar *description = g_strdup_printf ("audiotestsrc samplesperbuffer=8000 "
      "num-buffers=%u ! audio/x-raw,rate=8000,channels=1 ! " SINK
      "segment-duration=5000000000", rest_rows[__i__].seconds);
  SinkRun *run = sink_run_new (feed_url, description);
  GString *durations = g_string_new (NULL);
  guint i, n = strlen (rest_rows[__i__].outcomes);

  fail_unless (sink_run_start (run));
  sink_run_wait_end (run);
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), n);
  for (i = 0; i < n; i++)
    g_string_append_printf (durations, "%s%u", i ? " " : "",
        (guint) (get_time (run, i, "duration") / GST_SECOND));
  fail_unless_equals_string (durations->str, rest_rows[__i__].durations);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"),
      rest_rows[__i__].outcomes[0] == 'd' ? 0 : n);
  if (rest_rows[__i__].outcomes[0] == 'd') {
    fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
            (run, "identifai-dropped", 0), "reason"), "too-short");
  }
  g_string_free (durations, TRUE);
  sink_run_check (run, TRUE);
  sink_run_free (run);
  g_free (description);
}

GST_END_TEST;

/* What it can't take, and what to do. */
static const struct
{
  const gchar *source;
  const gchar *element;
  const gchar *text;
} refused_rows[] = {
  {"fakesrc num-buffers=3 sizetype=fixed", "fakesrc", "parsebin"},
  {TONE "audioconvert ! avenc_eac3", "avenc_eac3", "decodebin"},
  {TONE "flacenc ! capssetter caps=audio/x-flac replace=true", "capssetter",
      "flacparse"},
  {TONE "flacenc ! capssetter replace=true "
        "caps=\"audio/x-flac, streamheader=(int)< 1, 2 >\"", "capssetter",
      "flacparse"},
  {"audiotestsrc num-buffers=0", "audiotestsrc", "empty"},
  {"fakesrc num-buffers=3 sizetype=fixed filltype=zero ! capsfilter "
        "caps=audio/mpeg,mpegversion=1,layer=3", "fakesrc", "parser"},
};

GST_START_TEST (test_refused)
{
  gchar *description = g_strconcat (refused_rows[__i__].source, " ! " SINK,
      NULL);
  GError *error = NULL;
  SinkRun *run;
  guint i, n;
  gboolean found = FALSE;

  if (!has_element (refused_rows[__i__].element)) {
    g_free (description);
    return;
  }
  run = sink_run_new (feed_url, description);
  sink_run_start (run);
  fail_if (sink_run_wait_end (run));
  n = sink_run_count (run, "error");
  for (i = 0; i < n && !found; i++) {
    gst_message_parse_error (sink_run_get (run, "error", i), &error, NULL);
    found = strstr (error->message, refused_rows[__i__].text) != NULL;
    g_clear_error (&error);
  }
  fail_unless (found, "nobody speaks of %s", refused_rows[__i__].text);
  fail_unless_equals_int (fault_server_count (feed_server, FAULT_POST), 0);
  sink_run_free (run);
  g_free (description);
}

GST_END_TEST;

/* A flush drops what is open and what is kept; what follows is judged. */
GST_START_TEST (test_flush)
{
  GstCaps *caps = gst_caps_from_string ("audio/x-raw,format=S16LE,"
      "layout=interleaved,rate=8000,channels=1");
  SinkRun *run = sink_run_new (feed_url, SINK "segment-duration=4000000000");
  Feed *feed;
  guint i;

  fail_unless (sink_run_start (run));
  feed = feed_new (run, "sink", caps, NULL, FALSE);
  for (i = 0; i < 9; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16000, NULL);

    gst_buffer_memset (buffer, 0, i, 16000);
    GST_BUFFER_PTS (buffer) = i % 5 * GST_SECOND;
    fail_unless_equals_int (gst_pad_push (feed->pad, buffer), GST_FLOW_OK);
    if (i == 4)
      feed_flush (feed, NULL);
  }
  fail_unless (feed_event (feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-dropped"), 2);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  sink_run_check (run, TRUE);
  sink_run_stop (run);
  feed_free (feed);
  sink_run_free (run);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* In reverse nothing is judged, which is told once; forwards it is again. */
GST_START_TEST (test_reverse)
{
  gboolean turns = __i__ == 1;
  GstCaps *caps = gst_caps_from_string ("audio/x-raw,format=S16LE,"
      "layout=interleaved,rate=8000,channels=1");
  SinkRun *run = sink_run_new (feed_url, SINK "segment-duration=4000000000");
  GstSegment segment;
  Feed *feed;
  guint i;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = -1;
  segment.stop = 4 * GST_SECOND;
  fail_unless (sink_run_start (run));
  feed = feed_new (run, "sink", caps, &segment, FALSE);
  for (i = 0; i < (turns ? 8 : 4); i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 16000, NULL);

    gst_buffer_memset (buffer, 0, i, 16000);
    GST_BUFFER_PTS (buffer) = (i < 4 ? 3 - i : i - 4) * GST_SECOND;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    if (i == 4)
      fail_unless (feed_event (feed, gst_event_new_segment (&segment)));
    fail_unless_equals_int (gst_pad_push (feed->pad, buffer), GST_FLOW_OK);
  }
  fail_unless (feed_event (feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (run) == turns);
  fail_unless_equals_int (sink_run_count (run, "warning"), 1);
  fail_unless_equals_int (sink_run_count (run, "info"), turns);
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), turns);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), turns);
  sink_run_check (run, TRUE);
  sink_run_stop (run);
  feed_free (feed);
  sink_run_free (run);
  gst_caps_unref (caps);
}

GST_END_TEST;

static Suite *
speechsink_suite (void)
{
  Suite *suite = suite_create ("speechsink");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_set_timeout (general, 60);
  tcase_add_checked_fixture (general, feed_set_up, feed_tear_down);
  tcase_add_test (general, test_loas);
  tcase_add_loop_test (general, test_encoder, 0, 2);
  tcase_add_loop_test (general, test_refused, 0, G_N_ELEMENTS (refused_rows));
  tcase_add_test (general, test_flush);
  tcase_add_loop_test (general, test_reverse, 0, 2);
  tcase_add_loop_test (general, test_rest, 0, G_N_ELEMENTS (rest_rows));
  tcase_add_loop_test (general, test_codec, 0, G_N_ELEMENTS (codecs));

  return suite;
}

GST_CHECK_MAIN (speechsink);
