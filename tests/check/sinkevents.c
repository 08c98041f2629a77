/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Events and state changes with sound on a branch of its own: what the application
 * sends reaches both, and what it does in a message's handler holds up nothing.
 */

#include "scene.h"

#include <gst/check/gstharness.h>

#define SINK SCENE_SINK "segment-duration=900000000 " \
    "send-keyframe-requests=false "
#define SECONDS 2
#define VIDEO "videotestsrc num-buffers=50 ! video/x-raw,width=64,height=48," \
    "framerate=25/1 ! x264enc key-int-max=25 tune=zerolatency ! h264parse"
#define SOUND "audiotestsrc samplesperbuffer=1024 num-buffers=86 ! " \
    "audio/x-raw,rate=44100,channels=1 ! avenc_aac ! aacparse"


/* Flushes that came in at a pad. */
typedef struct
{
  guint n_starts, n_stops;
  guint32 seqnum;               /* of the latest; streaming or seeking thread */
} Flushes;

static GstPadProbeReturn
on_event (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  Flushes *flushes = user_data;

  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
    flushes->n_starts++;
  else if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP)
    flushes->n_stops++;
  flushes->seqnum = gst_event_get_seqnum (event);

  return GST_PAD_PROBE_OK;
}

static void
watch_pad (SinkRun * run, const gchar * name, Flushes * flushes)
{
  GstPad *pad = gst_element_get_static_pad (sink_run_get_sink (run), name);

  *flushes = (Flushes) {
  0};
  fail_unless (pad != NULL, "no pad %s", name);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_event, flushes,
      NULL);
  gst_object_unref (pad);
}

static void
check_sound (SinkRun * run, guint segments)
{
  guint64 missing = 1;
  guint i;

  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), segments);
  fail_unless_equals_int (sink_run_count (run, "warning"), 0);
  for (i = 0; i < segments; i++) {
    fail_unless (gst_structure_get_uint64 (sink_run_get_structure (run,
                "identifai-segment", i), "audio-missing", &missing));
    fail_unless_equals_uint64 (missing, 0);
  }
  fail_unless_equals_int (feed_decode (feed_server, segments, "v"),
      25 * segments);
  fail_unless (feed_decode (feed_server, segments, "a") >= 42 * segments);
}

/* Pipelines with both branches. */

static gchar *
make_two_files (void)
{
  gchar *video = sink_make_file (feed_folder, "video", VIDEO " ! matroskamux");
  gchar *sound = sink_make_file (feed_folder, "sound", SOUND " ! matroskamux");
  gchar *line = g_strdup_printf (SINK " filesrc location=%s ! matroskademux ! "
      "h264parse ! queue ! sink.sink  filesrc location=%s ! matroskademux ! "
      "aacparse ! queue ! sink.audio_0", video, sound);

  g_free (video);
  g_free (sound);

  return line;
}

static gchar *
make_one_file (const gchar * muxer, const gchar * demuxer)
{
  gchar *make = g_strdup_printf (VIDEO " ! m. " SOUND " ! m. %s name=m", muxer);
  gchar *file = sink_make_file (feed_folder, "both", make);
  gchar *line = g_strdup_printf (SINK " filesrc location=%s ! %s name=d "
      "d. ! h264parse ! queue ! sink.sink  d. ! aacparse ! queue ! "
      "sink.audio_0", file, demuxer);

  g_free (make);
  g_free (file);

  return line;
}

static gchar *
make_line (guint row)
{
  return row == 0 ? make_two_files () : make_one_file ("matroskamux",
      "matroskademux");
}

#define N_LINES 2

/* The same event on each branch, and all of the sound is there again. */
GST_START_TEST (test_seek)
{
  gchar *line = make_line (__i__);
  SinkRun *run = sink_run_new (feed_url, line);
  Flushes video, sound;

  watch_pad (run, "sink", &video);
  watch_pad (run, "audio_0", &sound);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  fail_unless (gst_element_seek_simple (sink_run_get_pipeline (run),
          GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0));
  sink_run_wait (run, "eos", 2);

  fail_unless_equals_int (video.n_starts, 1);
  fail_unless_equals_int (sound.n_starts, 1);
  fail_unless_equals_int (video.n_stops, 1);
  fail_unless_equals_int (sound.n_stops, 1);
  fail_unless (video.seqnum == sound.seqnum);
  check_sound (run, 2 * SECONDS);
  sink_run_free (run);
  g_free (line);
}

GST_END_TEST;

/* READY and again, with the pads as they are. */
GST_START_TEST (test_reuse)
{
  SinkRun *run = sink_run_new (feed_url,
      SINK VIDEO " ! queue ! sink.sink " SOUND " ! queue ! sink.audio_0");
  guint i;

  for (i = 0; i < 3; i++) {
    fail_unless (sink_run_start (run));
    fail_unless (sink_run_wait_end (run));
    fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), SECONDS);
    fail_unless_equals_int (sink_run_count (run, "warning"), 0);
    fail_unless_equals_int (gst_element_set_state (sink_run_get_pipeline (run),
            GST_STATE_READY), GST_STATE_CHANGE_SUCCESS);
    sink_run_check (run, TRUE);
    sink_run_forget (run);
  }
  sink_run_free (run);
}

GST_END_TEST;

/* Events to the element. */

static GstEvent *
make_upstream_event (guint row)
{
  switch (row) {
    case 0:
      return gst_event_new_seek (1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
          GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1);
    case 1:
      return gst_event_new_navigation (gst_structure_new_empty ("any"));
    case 2:
      return gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
          gst_structure_new_empty ("any"));
    case 3:
      return gst_event_new_step (GST_FORMAT_BUFFERS, 1, 1, FALSE, FALSE);
    default:
      return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
          gst_structure_new_empty ("any"));
  }
}

static guint
count_events (GstHarness * harness, guint32 seqnum)
{
  GstEvent *event;
  guint count = 0;

  while ((event = gst_harness_try_pull_upstream_event (harness))) {
    count += gst_event_get_seqnum (event) == seqnum;
    gst_event_unref (event);
  }

  return count;
}

GST_START_TEST (test_send_event)
{
  GstElement *sink = gst_element_factory_make ("identifaisink", NULL);
  GstHarness *video, *sound, *second;
  GstEvent *event = make_upstream_event (__i__);
  guint32 seqnum = gst_event_get_seqnum (event);
  GstPad *unlinked;
  gboolean goes_up = __i__ < 3;

  g_object_set (sink, "endpoint", feed_url, "api-key", SINK_KEY, NULL);
  unlinked = gst_element_request_pad_simple (sink, "audio_%u");
  video = gst_harness_new_with_element (sink, "sink", NULL);
  sound = gst_harness_new_with_element (sink, "audio_1", NULL);
  second = gst_harness_new_with_element (sink, "audio_2", NULL);
  gst_harness_play (video);

  gst_element_send_event (sink, event);
  fail_unless_equals_int (count_events (video, seqnum), goes_up);
  fail_unless_equals_int (count_events (sound, seqnum), goes_up);
  fail_unless_equals_int (count_events (second, seqnum), goes_up);

  gst_element_set_state (sink, GST_STATE_NULL);
  gst_harness_teardown (second);
  gst_harness_teardown (sound);
  gst_harness_teardown (video);
  gst_element_release_request_pad (sink, unlinked);
  gst_object_unref (unlinked);
  gst_object_unref (sink);
}

GST_END_TEST;

/* Handlers, while the thread of the video posts. */

static gpointer
pause_pipeline (gpointer pipeline)
{
  return GINT_TO_POINTER (gst_element_set_state (pipeline, GST_STATE_PAUSED));
}

/* As an application does whose main thread is waited for. */
static void
on_dropped (SinkRun * run, GstMessage * message, const gchar * name,
    gpointer user_data)
{
  gint *count = user_data;

  if (g_str_equal (name, "identifai-dropped")
      && g_atomic_int_add (count, 1) == 0)
    fail_unless (g_thread_join (g_thread_new ("pause", pause_pipeline,
                sink_run_get_pipeline (run))) !=
        GINT_TO_POINTER (GST_STATE_CHANGE_FAILURE));
}

GST_START_TEST (test_pause_from_handler)
{
  static const FaultStep silent[] = {
    {FAULT_POST, 0, FAULT_SILENT},
  };
  Scene scene;
  gint count = 0;

  scene_init (&scene, silent, 1, SCENE_SINK "segment-duration=200000000 "
      "overflow=drop-newest max-pending-segments=1 drain-timeout=0");
  sink_run_set_func (scene.run, on_dropped, &count);
  fail_unless (sink_run_start (scene.run));
  scene.feed = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  feed_start (scene.feed, scene.clip, 0, SCENE_FRAMES, TRUE);
  sink_run_wait (scene.run, "identifai-dropped", 1);
  fail_unless (sink_run_start (scene.run));
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  sink_run_wait (scene.run, "eos", 1);
  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
sinkevents_suite (void)
{
  Suite *suite = suite_create ("sinkevents");
  TCase *tcase = tcase_create ("events");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, feed_set_up, feed_tear_down);
  tcase_add_loop_test (tcase, test_seek, 0, N_LINES);
  tcase_add_test (tcase, test_reuse);
  tcase_add_loop_test (tcase, test_send_event, 0, 5);
  tcase_add_test (tcase, test_pause_from_handler);

  return suite;
}

GST_CHECK_MAIN (sinkevents);
