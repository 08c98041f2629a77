/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * That files arrive as filesink would have written them, byte for byte, and that
 * the emulator can decode them.
 */

#include <glib/gstdio.h>
#include <string.h>
#include "sinkutil.h"

#define CLIPS "/usr/share/forensics-samples/original-files"

#define RAW "video/x-raw,format=I420,width=160,height=120,framerate=25/1"
#define VIDEO "videotestsrc num-buffers=75 ! " RAW " ! "
#define AUDIO " audiotestsrc num-buffers=130 ! audio/x-raw,rate=44100," \
    "channels=2 ! "

#define H264 VIDEO "x264enc key-int-max=25 ! h264parse ! m."
#define AAC AUDIO "avenc_aac ! aacparse ! m."
#define MP2 AUDIO "avenc_mp2 ! mpegaudioparse ! m."
#define VORBIS AUDIO "audioconvert ! vorbisenc ! m."

/* What goes into which muxer, and how the file is called. */
static const struct
{
  const gchar *muxer;
  const gchar *streams;         /* into the element "m" */
  const gchar *content_type;
  const gchar *extension;
} muxers[] = {
  {"mp4mux", H264 AAC, "video/mp4", "mp4"},
  {"mp4mux faststart=true", H264, "video/mp4", "mp4"},
  {"mp4mux fragment-duration=1000", H264 AAC, "video/mp4", "mp4"},
  {"qtmux", H264 AAC, "video/quicktime", "mov"},
  {"3gppmux", H264 AAC, "video/3gpp", "3gp"},
  {"avimux", VIDEO "jpegenc ! m." AUDIO "m.", "video/x-msvideo", "avi"},
  {"matroskamux", H264 AAC, "video/x-matroska", "mkv"},
  {"matroskamux streamable=true", H264, "video/x-matroska", "mkv"},
  /* Negative: at a speed that isn't the machine's, so the same each time. */
  {"webmmux", VIDEO "vp8enc deadline=1 cpu-used=-8 ! m." VORBIS,
      "video/webm", "webm"},
  {"flvmux", H264 AAC, "video/x-flv", "flv"},
  {"mpegtsmux", H264 AAC, "video/mp2t", "ts"},
  {"mpegpsmux", H264 MP2, "video/mpeg", "mpg"},
  {"oggmux", VIDEO "theoraenc ! m." VORBIS, "video/ogg", "ogv"},
  {"asfmux", VIDEO "avenc_wmv2 ! m.", "video/x-ms-asf", "wmv"},
};

static SinkEmulator *emulator;
static gchar *folder;

static void
setup (void)
{
  static const gchar *const options[] = { "--delay=0", "--max-bytes=60000000",
    NULL
  };

  g_unsetenv ("IDENTIFAI_ENDPOINT");
  emulator = sink_emulator_new (options);
  folder = sink_folder_new ();
}

static void
teardown (void)
{
  sink_emulator_free (emulator);
  sink_folder_free (folder);
}

static gboolean
has_element (const gchar * name)
{
  gchar **words = g_strsplit (name, " ", 2);
  GstElementFactory *factory = gst_element_factory_find (words[0]);

  g_strfreev (words);
  if (factory == NULL)
    return FALSE;
  gst_object_unref (factory);

  return TRUE;
}

static gint64
size_of (const gchar * path)
{
  GStatBuf info;

  fail_unless_equals_int (g_stat (path, &info), 0);

  return info.st_size;
}

static void
check_record (guint number, const gchar * content_type, const gchar * filename)
{
  JsonObject *record = sink_emulator_read (emulator, number);

  fail_unless_equals_string (json_object_get_string_member (record,
          "content_type"), content_type);
  fail_unless_equals_string (json_object_get_string_member (record,
          "filename"), filename);
  fail_unless_equals_int (json_array_get_length
      (json_object_get_array_member (record, "sent")), 0);
  json_object_unref (record);
}

/* The file on disk and the one that was posted, and what the messages say. */
static void
check_same (SinkRun * run, const gchar * name, const gchar * path, guint number)
{
  gchar *posted = sink_emulator_get_path (emulator, number);
  gchar *hash = sink_sha256 (path), *posted_hash = sink_sha256 (posted);
  const GstStructure *message =
      sink_run_get_structure (run, "identifai-segment", 0);
  guint64 bytes = 0;

  g_print ("%-30s %9" G_GINT64_FORMAT " bytes\n  filesink      %s\n"
      "  identifaisink %s\n", name, size_of (path), hash, posted_hash);
  fail_unless_equals_string (hash, posted_hash);
  fail_unless_equals_string (gst_structure_get_string (message, "sha256"),
      hash);
  fail_unless (gst_structure_get_uint64 (message, "bytes", &bytes));
  fail_unless_equals_uint64 (bytes, size_of (path));
  g_free (posted_hash);
  g_free (posted);
  g_free (hash);
}

static void
check_verdict (SinkRun * run)
{
  gchar *list = sink_run_list (run);
  const GstStructure *verdict;

  fail_unless_equals_string (list, "identifai-segment identifai-submitted "
      "identifai-verdict tag eos");
  verdict = sink_run_get_structure (run, "identifai-verdict", 0);
  fail_unless_equals_string (gst_structure_get_string (verdict,
          "classification"), "human");
  g_free (list);
}

/* What both sinks are sent at once. */
GST_START_TEST (test_muxer)
{
  gchar *path, *line, *name;
  SinkRun *run;

  if (!has_element (muxers[__i__].muxer))
    return;
  path = g_build_filename (folder, "filesink", NULL);
  line = g_strdup_printf ("%s name=m ! tee name=t  t. ! queue ! filesink "
      "location=%s  t. ! queue ! identifaisink name=sink  %s",
      muxers[__i__].muxer, path, muxers[__i__].streams);
  run = sink_run_new (sink_emulator_get_url (emulator), line);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run), "%s", muxers[__i__].muxer);
  check_same (run, muxers[__i__].muxer, path, 1);
  name = g_strdup_printf ("segment-00000.%s", muxers[__i__].extension);
  check_record (1, muxers[__i__].content_type, name);
  check_verdict (run);
  sink_run_free (run);
  g_free (name);
  g_free (line);
  g_free (path);
}

GST_END_TEST;

/* Muxers ask what is behind them whether they may seek back, and write another
 * file if not: without a duration, without an index. They differ in dates and
 * random numbers from run to run, and Matroska's take a byte less now and then,
 * but an index takes more. */
#define RANDOM_BYTES 8

GST_START_TEST (test_muxer_alone)
{
  gchar *line, *path, *posted;
  SinkRun *run;

  if (!has_element (muxers[__i__].muxer))
    return;
  line = g_strdup_printf ("%s %s name=m", muxers[__i__].streams,
      muxers[__i__].muxer);
  path = sink_make_file (folder, "filesink", line);
  g_free (line);

  line = g_strdup_printf ("%s %s name=m ! identifaisink name=sink",
      muxers[__i__].streams, muxers[__i__].muxer);
  run = sink_run_new (sink_emulator_get_url (emulator), line);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-submitted", 1);
  posted = sink_emulator_get_path (emulator, 1);
  g_print ("%-30s filesink %9" G_GINT64_FORMAT " identifaisink %9"
      G_GINT64_FORMAT "\n", muxers[__i__].muxer, size_of (path),
      size_of (posted));
  fail_unless (ABS (size_of (posted) - size_of (path)) <= RANDOM_BYTES);
  sink_run_free (run);
  g_free (posted);
  g_free (path);
  g_free (line);
}

GST_END_TEST;

/* Real files, without caps. */

static const struct
{
  const gchar *path;
  const gchar *content_type;
} clips[] = {
  {CLIPS "/movie1/VID_20191220_170832.mp4", "video/mp4"},
  {CLIPS "/movie2/movie-hello.avi", "video/x-msvideo"},
  {CLIPS "/movie2/movie-hello.mp4", "video/mp4"},
  {CLIPS "/movie2/movie-hello.mpeg", "video/mpeg"},
  {CLIPS "/movie2/movie-hello.ogg", "video/ogg"},
};

GST_START_TEST (test_clip)
{
  const gchar *path = clips[__i__].path;
  gchar *line, *name;
  SinkRun *run;

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_print ("%s is not there: forensics-samples-files\n", path);
    return;
  }
  line = g_strdup_printf ("filesrc location=%s ! identifaisink name=sink",
      path);
  name = g_path_get_basename (path);
  run = sink_run_new (sink_emulator_get_url (emulator), line);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run), "%s", path);
  check_same (run, name, path, 1);
  check_record (1, clips[__i__].content_type, name);
  check_verdict (run);
  sink_run_free (run);
  g_free (line);
  g_free (name);
}

GST_END_TEST;

/* A source of any piece size, and of caps that come late or not at all. */
static const gchar *const feeds[] = {
  "filesrc location=%s blocksize=1",
  "filesrc location=%s blocksize=37",
  "filesrc location=%s blocksize=4096",
  "filesrc location=%s blocksize=100000000",
  "filesrc location=%s ! typefind",
  "filesrc location=%s ! capsfilter caps=video/webm",
  "filesrc location=%s ! queue ! identity",
  "pushfilesrc location=%s",
};

GST_START_TEST (test_feed)
{
  gchar *path, *feed, *line, *posted, *hash, *posted_hash;
  SinkRun *run;

  path = sink_make_file (folder, "small", "videotestsrc num-buffers=10 ! "
      "video/x-raw,width=64,height=64 ! vp8enc ! webmmux");
  feed = g_strdup_printf (feeds[__i__], path);
  line = g_strconcat (feed, " ! identifaisink name=sink", NULL);
  run = sink_run_new (sink_emulator_get_url (emulator), line);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-submitted", 1);
  posted = sink_emulator_get_path (emulator, 1);
  hash = sink_sha256 (path);
  posted_hash = sink_sha256 (posted);
  fail_unless_equals_string (posted_hash, hash);
  check_record (1, "video/webm", "small");
  sink_run_free (run);
  g_free (posted_hash);
  g_free (hash);
  g_free (posted);
  g_free (line);
  g_free (feed);
  g_free (path);
}

GST_END_TEST;

/* Its name, and what it becomes when a muxer made another file of it. */
static const struct
{
  const gchar *name;            /* of a WebM file */
  const gchar *between;         /* the source and the sink */
  const gchar *posted;
} names[] = {
  {"two words, 50 %.webm", "", "two words, 50 %.webm"},
  {"caf\303\251 \"x\".WEBM", "", "caf\303\251 %22x%22.WEBM"},
  {"no extension", " ! identity", "no extension"},
  {"clip.webm", " ! matroskademux ! matroskamux", "clip.mkv"},
  /* Elementary video is no file. */
  {"clip.webm", " ! matroskademux", "segment-00000.webm"},
};

GST_START_TEST (test_name)
{
  gchar *path = sink_make_file (folder, "made", "videotestsrc num-buffers=10 ! "
      "video/x-raw,width=64,height=64 ! vp8enc ! webmmux");
  gchar *named = g_build_filename (folder, names[__i__].name, NULL), *line;
  GstElement *source;
  SinkRun *run;

  fail_unless_equals_int (g_rename (path, named), 0);
  line = g_strdup_printf ("filesrc name=source%s ! identifaisink name=sink",
      names[__i__].between);
  run = sink_run_new (sink_emulator_get_url (emulator), line);
  source = gst_bin_get_by_name (GST_BIN (sink_run_get_pipeline (run)),
      "source");
  g_object_set (source, "location", named, NULL);
  gst_object_unref (source);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  check_record (1, strstr (names[__i__].posted, ".mkv") ? "video/x-matroska" :
      "video/webm", names[__i__].posted);
  sink_run_free (run);
  g_free (line);
  g_free (named);
  g_free (path);
}

GST_END_TEST;

/* The verdict is about the frames that were posted. */
static const struct
{
  const gchar *pattern;
  const gchar *classification;
} pictures[] = {
  {"pattern=solid-color foreground-color=0xffff00ff", "artificial"},
  {"pattern=ball", "human"},
};

GST_START_TEST (test_picture)
{
  gchar *line = g_strdup_printf ("videotestsrc num-buffers=25 %s ! " RAW
      " ! x264enc ! mp4mux ! identifaisink name=sink",
      pictures[__i__].pattern);
  SinkRun *run = sink_run_new (sink_emulator_get_url (emulator), line);
  const GstStructure *verdict;

  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  verdict = sink_run_get_structure (run, "identifai-verdict", 0);
  fail_unless_equals_string (gst_structure_get_string (verdict,
          "classification"), pictures[__i__].classification);
  sink_run_free (run);
  g_free (line);
}

GST_END_TEST;

static Suite *
sinkfiles_suite (void)
{
  Suite *suite = suite_create ("sinkfiles");
  TCase *tcase = tcase_create ("files");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_loop_test (tcase, test_muxer, 0, G_N_ELEMENTS (muxers));
  tcase_add_loop_test (tcase, test_muxer_alone, 0, G_N_ELEMENTS (muxers));
  tcase_add_loop_test (tcase, test_clip, 0, G_N_ELEMENTS (clips));
  tcase_add_loop_test (tcase, test_feed, 0, G_N_ELEMENTS (feeds));
  tcase_add_loop_test (tcase, test_name, 0, G_N_ELEMENTS (names));
  tcase_add_loop_test (tcase, test_picture, 0, G_N_ELEMENTS (pictures));

  return suite;
}

GST_CHECK_MAIN (sinkfiles);
