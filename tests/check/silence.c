/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream that doesn't come, or stops: the element says so, on a clock of the
 * test's own, and names video that is linked to nothing.
 */

#include "scene.h"

#include <gst/check/gsttestclock.h>

#include <string.h>

#define SINK SCENE_SINK "segment-duration=10000000000 "
#define TICK (5 * GST_SECOND)

static GstClock *test_clock;

static void
setup (void)
{
  test_clock = gst_test_clock_new_with_start_time (1000 * GST_SECOND);
  gst_system_clock_set_default (test_clock);
}

static void
teardown (void)
{
  gst_system_clock_set_default (NULL);
  gst_object_unref (test_clock);
}

/* One tick each; only the element waits on this clock. */
static void
wait_ticks (guint n)
{
  GstClockID id, done;

  while (n-- > 0) {
    gst_test_clock_wait_for_next_pending_id (GST_TEST_CLOCK (test_clock), &id);
    gst_test_clock_advance_time (GST_TEST_CLOCK (test_clock), TICK);
    done = gst_test_clock_process_next_clock_id (GST_TEST_CLOCK (test_clock));
    fail_unless (done == id);
    gst_clock_id_unref (done);
    gst_clock_id_unref (id);
  }
}

/* After a while, as others post them. */
static void
check_warnings (SinkRun * run, guint count)
{
  const GstStructure *details = NULL;
  guint i;

  if (count > 0)
    sink_run_wait (run, "warning", count);
  fail_unless_equals_int (sink_run_count (run, "warning"), count);
  for (i = 0; i < count; i++) {
    gst_message_parse_warning_details (sink_run_get (run, "warning", i),
        &details);
    fail_unless_equals_string (gst_structure_get_string (details, "reason"),
        "silence");
  }
}

/* In the words of the nth one, or in its advice. */
static void
check_words (SinkRun * run, guint nth, const gchar * words)
{
  GstMessage *message = sink_run_get (run, "warning", nth);
  GError *error = NULL;
  gchar *advice = NULL;

  gst_message_parse_warning (message, &error, &advice);
  fail_unless (strstr (error->message, words) || (advice
          && strstr (advice, words)), "%s (%s)", error->message, advice);
  g_error_free (error);
  g_free (advice);
}

/* Within ten seconds, and each minute. */
static void
check_told (SinkRun * run)
{
  wait_ticks (1);
  check_warnings (run, 0);
  wait_ticks (1);
  check_warnings (run, 1);
  wait_ticks (11);
  check_warnings (run, 1);
  wait_ticks (1);
  check_warnings (run, 2);
}

typedef enum
{
  NOTHING_LINKED,
  NOTHING_CAPS,                 /* but no buffer */
  NOTHING_PAUSED,               /* as gst-launch-1.0 waits for a file */
  NOTHING_N
} Nothing;

GST_START_TEST (test_nothing)
{
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  if (__i__ == NOTHING_PAUSED) {
    gst_element_set_state (sink_run_get_pipeline (scene.run), GST_STATE_PAUSED);
  } else {
    fail_unless (sink_run_start (scene.run));
  }
  if (__i__ != NOTHING_LINKED)
    scene.feed = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  check_told (scene.run);
  check_words (scene.run, 0, "No video has come within 10 s");
  check_words (scene.run, 1, "No video has come within 70 s");
  fail_unless_equals_int (sink_run_count (scene.run, "info"), 0);
  if (__i__ == NOTHING_CAPS) {
    scene_push (&scene, 0, 5);
    sink_run_wait (scene.run, "info", 1);
    wait_ticks (20);            /* what isn't live pauses as it likes */
    check_warnings (scene.run, 2);
    scene_finish (&scene);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* Neither where nothing is to be judged, nor once it is over. */
GST_START_TEST (test_nothing_wanted)
{
  Scene scene;

  scene_init (&scene, NULL, 0, SINK "judging=false");
  fail_unless (sink_run_start (scene.run));
  wait_ticks (3);
  check_warnings (scene.run, 0);
  g_object_set (sink_run_get_sink (scene.run), "judging", TRUE, NULL);
  wait_ticks (1);
  check_warnings (scene.run, 0);
  wait_ticks (1);
  check_warnings (scene.run, 1);
  sink_run_stop (scene.run);
  fail_unless_equals_int (gst_test_clock_peek_id_count (GST_TEST_CLOCK
          (test_clock)), 0);
  scene_clear (&scene);
}

GST_END_TEST;

static void
push_gap (Scene * scene, guint i)
{
  fail_unless (feed_event (scene->feed, gst_event_new_gap (i * GST_SECOND,
              GST_SECOND)));
}

GST_START_TEST (test_stops)
{
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  fail_unless (sink_run_start (scene.run));
  scene.feed = feed_new (scene.run, "sink", scene.clip->caps, NULL, TRUE);
  scene_push (&scene, 0, 5);
  wait_ticks (1);               /* of what came before */
  check_told (scene.run);
  check_words (scene.run, 0, "The stream has stopped: nothing has come for 10");
  scene_push (&scene, 5, 10);
  sink_run_wait (scene.run, "info", 1);

  /* it may pause like that: twice as long is told of */
  wait_ticks (28);
  check_warnings (scene.run, 2);
  wait_ticks (1);
  check_warnings (scene.run, 3);
  push_gap (&scene, 1);
  sink_run_wait (scene.run, "info", 2);
  push_gap (&scene, 2);
  wait_ticks (1);
  push_gap (&scene, 3);
  wait_ticks (1);
  gst_element_set_state (sink_run_get_pipeline (scene.run), GST_STATE_PAUSED);
  wait_ticks (100);
  check_warnings (scene.run, 3);
  gst_element_set_state (sink_run_get_pipeline (scene.run), GST_STATE_PLAYING);
  scene_finish (&scene);
  wait_ticks (1);
  fail_unless_equals_int (sink_run_count (scene.run, "info"), 2);
  scene_clear (&scene);
}

GST_END_TEST;

/*** video that is linked to nothing ***/

#define MSMPEG "video/x-msmpeg,msmpegversion=43,width=64,height=48,framerate=5/1"
#define RAW "video/x-raw,format=I420,width=64,height=48,framerate=5/1"

static const struct
{
  const gchar *video, *muxer, *demuxer, *words;
} unlinked_rows[] = {
  {"fakesrc num-buffers=9 sizetype=2 sizemax=100 format=3 datarate=500 ! "
        MSMPEG, "avimux", "avidemux", "Microsoft MPEG-4 4.3 (video/x-msmpeg)"},
  {"videotestsrc num-buffers=9 ! " RAW, "matroskamux", "matroskademux",
      "Encode it first"},
  {"videotestsrc num-buffers=9 ! " RAW " ! jpegenc", "matroskamux",
      "matroskademux", "Link it to the pad named sink"},
};

static const gchar *const branches[] = {
  "d. ! opusparse ! sink.audio_0",
  "d.audio_0 ! queue ! tee ! queue ! opusparse ! sink.audio_0",
};

GST_START_TEST (test_unlinked)
{
  guint row = __i__ / 2, branch = __i__ % 2;
  gchar *folder = sink_folder_new (), *file, *text, *sound;
  GError *error = NULL;
  SinkRun *run;

  if (row == 0)                 /* avimux takes no Opus */
    sound = g_strdup ("audiotestsrc num-buffers=50 ! audioconvert ! "
        "audio/x-raw,format=S16LE,rate=8000");
  else
    sound = g_strdup ("audiotestsrc num-buffers=50 ! opusenc");
  text = g_strdup_printf ("%s ! m. %s ! %s name=m", unlinked_rows[row].video,
      sound, unlinked_rows[row].muxer);
  file = sink_make_file (folder, "clip", text);
  g_free (text);
  g_free (sound);
  sound = row == 0 ? g_strdup (branch ? "d. ! queue ! sink.audio_0" :
      "d. ! sink.audio_0") : g_strdup (branches[branch]);
  text = g_strdup_printf ("identifaisink name=sink filesrc location=%s ! %s "
      "name=d  %s", file, unlinked_rows[row].demuxer, sound);
  run = sink_run_new ("http://127.0.0.1:1", text);
  sink_run_start (run);
  fail_if (sink_run_wait_end (run));
  gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, "no video in this stream, only sound. d "
          "has video that is linked to nothing"), "%s", error->message);
  fail_unless (strstr (error->message, unlinked_rows[row].words), "%s",
      error->message);
  g_error_free (error);
  sink_run_free (run);
  g_free (sound);
  g_free (text);
  g_free (file);
  sink_folder_free (folder);
}

GST_END_TEST;

static Suite *
silence_suite (void)
{
  Suite *suite = suite_create ("silence");
  TCase *ticks = tcase_create ("ticks");
  TCase *links = tcase_create ("links");

  suite_add_tcase (suite, ticks);
  tcase_add_checked_fixture (ticks, setup, teardown);
  tcase_add_loop_test (ticks, test_nothing, 0, NOTHING_N);
  tcase_add_test (ticks, test_nothing_wanted);
  tcase_add_test (ticks, test_stops);
  suite_add_tcase (suite, links);
  tcase_add_loop_test (links, test_unlinked, 0,
      2 * G_N_ELEMENTS (unlinked_rows));

  return suite;
}

GST_CHECK_MAIN (silence);
