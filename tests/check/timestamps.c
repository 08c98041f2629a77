/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The times of segments where streams stop and go on: sources that reconnect,
 * streams one after another, pauses, clocks. The clock is the test's.
 */

#include "scene.h"

#include <gst/check/gsttestclock.h>

#include <string.h>

#define S GST_SECOND
#define MS GST_MSECOND
#define GOP SCENE_GOP
#define FRAME SCENE_FRAME

/* Pausing does not wait for a frame. */
#define SINK SCENE_SINK "segment-duration=0 async=false"

/* One stream goes on as another. */

typedef struct
{
  const gchar *what;
  gboolean other_stream;        /* stream-start with another id */
  gboolean segment;             /* a new one: */
  GstClockTime start, time, base;
  guint from, to;               /* frames after frames 0 to 7 */
  GstClockTime first;           /* timestamp of the first of them */
  gboolean discont;
  /* What comes of it: the frames of the segments; of the last one: */
  const gchar *frames;
  GstClockTime running_time, stream_time, duration;
} LinkRow;

static const LinkRow link_rows[] = {
  {"a source is back after 20 s, with other timestamps", TRUE, TRUE, 100 * S,
        100 * S, 20 * S, 10, 20, 100 * S, TRUE, "8 10", 20 * S, 100 * S,
      400 * MS},
  {"it says so by its stream only", TRUE, TRUE, 100 * S, 100 * S, 20 * S, 10,
      20, 100 * S, FALSE, "8 10", 20 * S, 100 * S, 400 * MS},
  {"not at a key frame", TRUE, TRUE, 100 * S, 100 * S, 20 * S, 12, 20,
        100 * S, TRUE, "8 5", 20 * S + 3 * FRAME, 100 * S + 3 * FRAME,
      200 * MS},
  {"right behind, but not at a key frame", TRUE, TRUE, 0, 0, 320 * MS, 12, 20,
      0, FALSE, "8 5", 320 * MS + 3 * FRAME, 3 * FRAME, 200 * MS},
  {"one file behind another", TRUE, TRUE, 0, 0, 320 * MS, 10, 20, 0, FALSE,
      "8 10", 320 * MS, 0, 400 * MS},
  {"the same stream again", FALSE, TRUE, 0, 320 * MS, 320 * MS, 8, 18, 0,
      FALSE, "18", 0, 0, 720 * MS},
  {"running time starts over", TRUE, TRUE, 0, 0, 0, 10, 20, 0, TRUE, "8 10",
      0, 0, 400 * MS},
  {"frames lost, and flagged", FALSE, FALSE, 0, 0, 0, 18, 30, 10 * S, TRUE,
      "8 10", 10 * S + 2 * FRAME, 10 * S + 2 * FRAME, 400 * MS},
  {"silence", FALSE, FALSE, 0, 0, 0, 8, 18, 10 * S, FALSE, "18", 0, 0,
      10 * S + 400 * MS},
  {"a seek without flush", FALSE, TRUE, 50 * S, 50 * S, 320 * MS, 10, 20,
      50 * S, TRUE, "8 10", 320 * MS, 50 * S, 400 * MS},
  {"a segment that starts before its first frame", FALSE, TRUE, 50 * S, 70 * S,
        3 * S,
      10, 20, 51 * S, TRUE, "8 10", 4 * S, 71 * S, 400 * MS},
};

static void
change_stream (Scene * scene, const LinkRow * row)
{
  GstSegment segment;

  if (row->other_stream)
    fail_unless (feed_event (scene->feed, gst_event_new_stream_start ("b")));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = row->start;
  segment.time = row->time;
  segment.base = row->base;
  if (row->other_stream)
    fail_unless (feed_event (scene->feed,
            gst_event_new_caps (scene->clip->caps)));
  if (row->segment)
    fail_unless (feed_event (scene->feed, gst_event_new_segment (&segment)));
}

GST_START_TEST (test_links)
{
  const LinkRow *row = &link_rows[__i__];
  GstClockTimeDiff offset = (GstClockTimeDiff) row->first
      - (GstClockTimeDiff) (row->from * FRAME);
  guint last;
  Scene scene;

  scene_open (&scene, SINK, NULL);
  scene_push (&scene, 0, 8);
  change_stream (&scene, row);
  if (row->discont)
    GST_BUFFER_FLAG_SET (GST_BUFFER (g_ptr_array_index (scene.clip->buffers,
                row->from)), GST_BUFFER_FLAG_DISCONT);
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, row->from,
          row->to, offset), GST_FLOW_OK);
  scene_finish (&scene);

  scene_check_frames (&scene, row->frames);
  last = sink_run_count (scene.run, "identifai-segment") - 1;
  fail_unless_equals_uint64 (scene_get_time (&scene, last, "running-time"),
      row->running_time);
  fail_unless_equals_uint64 (scene_get_time (&scene, last, "stream-time"),
      row->stream_time);
  fail_unless_equals_uint64 (scene_get_time (&scene, last, "duration"),
      row->duration);
  if (last > 0) {
    fail_unless_equals_uint64 (scene_get_time (&scene, 0, "running-time"), 0);
    fail_unless_equals_uint64 (scene_get_time (&scene, 0, "duration"),
        8 * FRAME);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* The times step back, and the pictures go on counting: tsdemux does so where
 * clock references are rare. */

static const struct
{
  guint at;                     /* frame; each fifth one is a key frame */
  GstClockTimeDiff back;
  const gchar *frames;
} step_rows[] = {
  {12, 3 * S, "50"},
  {12, 3000 * S, "50"},
  {15, 460 * MS, "50"},
  {40, 1200 * MS, "50"},
  /* too far, where they start over */
  {15, 30 * S, "15 35"},
  /* to the start */
  {40, 1600 * MS, "40 10"},
};

GST_START_TEST (test_steps)
{
  GstClockTime start = step_rows[__i__].at == 40 ? 0 : 4000 * S;
  guint at = step_rows[__i__].at;
  Scene scene;

  scene_open (&scene, SINK, NULL);
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, at, start),
      GST_FLOW_OK);
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, at, 50,
          start - step_rows[__i__].back), GST_FLOW_OK);
  scene_finish (&scene);
  scene_check_frames (&scene, step_rows[__i__].frames);
  if (strlen (step_rows[__i__].frames) == 2)
    fail_unless_equals_uint64 (scene_get_time (&scene, 0, "duration"), 2 * S);
  scene_clear (&scene);
}

GST_END_TEST;

/* Two pictures with one time. */

static const gchar *const pair_encoders[] = {
  "x264enc bframes=0 key-int-max=10 ! video/x-h264,stream-format=byte-stream",
  "x264enc bframes=2 key-int-max=10 ! video/x-h264,stream-format=byte-stream",
  "x265enc key-int-max=10 speed-preset=ultrafast option-string=log-level=none "
      "! video/x-h265,stream-format=byte-stream",
  "vp8enc keyframe-max-dist=10 deadline=1",
};

GST_START_TEST (test_pairs)
{
  gchar *description = g_strdup_printf ("videotestsrc num-buffers=50 ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! %s",
      pair_encoders[__i__]);
  Clip *clip = clip_new (description);
  GstClockTime start = GST_BUFFER_PTS (g_ptr_array_index (clip->buffers, 0));
  Scene scene;
  guint i, n;

  for (i = 0; i < clip->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (clip->buffers, i);
    GstClockTime place = (GST_BUFFER_PTS (buffer) - start + MS) / FRAME;

    GST_BUFFER_PTS (buffer) = place / 2 * 2 * FRAME;
    GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DISCONT);
  }
  scene_init (&scene, NULL, 0, SINK);
  fail_unless (sink_run_start (scene.run));
  scene.feed = feed_new (scene.run, "sink", clip->caps, NULL, FALSE);
  fail_unless_equals_int (feed_push (scene.feed, clip, 0, 50, 0), GST_FLOW_OK);
  scene_finish (&scene);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-failed"), 0);
  n = sink_run_count (scene.run, "identifai-verdict");
  fail_unless_equals_int (feed_decode (scene.server, n, "v"), 50);
  clip_free (clip);
  scene_clear (&scene);
  g_free (description);
}

GST_END_TEST;

/* Time of day. */

static GstClock *
use_test_clock (Scene * scene)
{
  GstClock *clock = gst_test_clock_new_with_start_time (1000 * S);

  gst_pipeline_use_clock (GST_PIPELINE (sink_run_get_pipeline (scene->run)),
      clock);

  return clock;
}

static gint64
get_date_time (Scene * scene, guint nth)
{
  GstDateTime *when = NULL;
  GDateTime *utc;
  gint64 time;

  fail_unless (gst_structure_get (sink_run_get_structure (scene->run,
              "identifai-segment", nth), "date-time", GST_TYPE_DATE_TIME,
          &when, NULL));
  utc = gst_date_time_to_g_date_time (when);
  time = g_date_time_to_unix (utc) * G_USEC_PER_SEC
      + g_date_time_get_microsecond (utc);
  g_date_time_unref (utc);
  gst_date_time_unref (when);

  return time;
}

/* One group, the first frame of which is at running time time; pushed, and closed,
 * while the clock says now. Its date-time must be age before the push. */
static void
check_date_time (Scene * scene, guint nth, GstClockTime time, GstClockTime age)
{
  gint64 before = g_get_real_time (), after, found;

  fail_unless_equals_int (feed_push (scene->feed, scene->clip, nth * GOP,
          nth * GOP + GOP, time - nth * GOP * FRAME), GST_FLOW_OK);
  after = g_get_real_time ();
  fail_unless (feed_event (scene->feed, gst_event_new_stream_start ("next")));
  /* for the next round */
  fail_unless (feed_event (scene->feed, gst_event_new_stream_start ("sink")));
  sink_run_wait (scene->run, "identifai-segment", nth + 1);
  found = get_date_time (scene, nth) + age / GST_USECOND;
  fail_unless (found >= before && found <= after, "%" G_GINT64_FORMAT
      " µs off", found < before ? found - before : found - after);
  fail_unless_equals_uint64 (scene_get_time (scene, nth, "running-time"), time);
}

static void
start_with_clock (Scene * scene, GstClock ** clock)
{
  scene_init (scene, NULL, 0, SINK);
  *clock = use_test_clock (scene);
  scene_start (scene, NULL);
  fail_unless_equals_int (gst_element_get_state (sink_run_get_pipeline
          (scene->run), NULL, NULL, 20 * S), GST_STATE_CHANGE_SUCCESS);
}

/* How old a frame is tells when it was taken; what isn't in real time is taken
 * for new. */
GST_START_TEST (test_date_times)
{
  static const struct
  {
    GstClockTime now, time, age;
  } rows[] = {
    {0, 0, 0},
    {2 * S, 1500 * MS, 500 * MS},
    {20 * S, 4 * S, 16 * S},
    {21 * S, 25 * S, 0},        /* ahead of the clock */
    {100 * S, 30 * S, 0},       /* more than a minute behind it */
    {101 * S, 101 * S, 0},
  };
  GstClock *clock;
  Scene scene;
  guint i;

  start_with_clock (&scene, &clock);
  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    gst_test_clock_set_time (GST_TEST_CLOCK (clock), 1000 * S + rows[i].now);
    check_date_time (&scene, i, rows[i].time, rows[i].age);
  }
  scene_finish (&scene);
  scene_clear (&scene);
  gst_object_unref (clock);
}

GST_END_TEST;

static void
change_state (Scene * scene, GstState state)
{
  GstElement *pipeline = sink_run_get_pipeline (scene->run);

  fail_unless (gst_element_set_state (pipeline, state)
      != GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          20 * S), GST_STATE_CHANGE_SUCCESS);
}

/* Running time stands still in a pause; the time of day doesn't. */
GST_START_TEST (test_pause)
{
  GstTestClock *clock;
  Scene scene;

  start_with_clock (&scene, (GstClock **) & clock);
  gst_test_clock_set_time (clock, 1003 * S);
  check_date_time (&scene, 0, 1 * S, 2 * S);
  change_state (&scene, GST_STATE_PAUSED);
  gst_test_clock_set_time (clock, 1503 * S);
  change_state (&scene, GST_STATE_PLAYING);
  gst_test_clock_set_time (clock, 1504 * S);
  check_date_time (&scene, 1, 3500 * MS, 500 * MS);
  /* and the next start begins anew */
  change_state (&scene, GST_STATE_READY);
  sink_run_forget (scene.run);
  scene_start (&scene, NULL);
  change_state (&scene, GST_STATE_PLAYING);
  gst_test_clock_set_time (clock, 1510 * S);
  check_date_time (&scene, 0, 4 * S, 2 * S);
  scene_finish (&scene);
  scene_clear (&scene);
  gst_object_unref (clock);
}

GST_END_TEST;

static Suite *
timestamps_suite (void)
{
  Suite *suite = suite_create ("timestamps");
  TCase *times = tcase_create ("times");

  suite_add_tcase (suite, times);
  tcase_add_loop_test (times, test_links, 0, G_N_ELEMENTS (link_rows));
  tcase_add_loop_test (times, test_steps, 0, G_N_ELEMENTS (step_rows));
  tcase_add_loop_test (times, test_pairs, 0, G_N_ELEMENTS (pair_encoders));
  tcase_add_test (times, test_date_times);
  tcase_add_test (times, test_pause);

  return suite;
}

GST_CHECK_MAIN (timestamps);
