/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is judged, and when: segments that end with the clock on the wall, streams
 * that are judged at times only, and so many uploads an hour.
 */

#include "scene.h"
#include "segmenterrun.h"

#include "hourlyquota.h"
#include "schedule.h"

#define HOUR (3600 * G_TIME_SPAN_SECOND)
#define NOON (G_GINT64_CONSTANT (1767268800) * G_USEC_PER_SEC)

/* Where the next multiple is. All in ms, utc after noon. */
static const struct
{
  gint64 start, utc, duration;
  gboolean align;
  gint64 end;                   /* -1: none */
} ends[] = {
  {0, 0, 10000, TRUE, 10000},
  {5000, 3000, 10000, TRUE, 12000},
  {5000, 3000, 10000, FALSE, 15000},
  {-700, 9000, 10000, TRUE, 300},
  {0, 0, 0, TRUE, -1},
  /* An hour, a week: Monday is no multiple, and nobody says so. */
  {0, 1800000, 3600000, TRUE, 1800000},
  /* Nearly there: no segment of a frame. */
  {0, 9950, 10000, TRUE, 10050},
  {0, 9850, 10000, TRUE, 150},
  {0, 10, 40, TRUE, 30},
  {0, 35, 40, TRUE, 45},
  /* Nobody knows what time it is. */
  {5000, G_MININT64, 10000, TRUE, 15000},
};

GST_START_TEST (test_end)
{
  IdentifaiSegmenterSettings settings = {
    .duration = ends[__i__].duration * GST_MSECOND,
    .interval = ends[__i__].duration * GST_MSECOND,
    .align = ends[__i__].align,
  };
  gint64 start = ends[__i__].start * (gint64) GST_MSECOND, end;
  gint64 utc = ends[__i__].utc == G_MININT64 ? -1 : NOON
      + ends[__i__].utc * 1000;

  end = ends[__i__].end < 0 ? IDENTIFAI_NO_TIME :
      ends[__i__].end * (gint64) GST_MSECOND;
  fail_unless_equals_int64 (identifai_schedule_end (&settings, start, utc),
      end);
  fail_unless_equals_int64 (identifai_schedule_next (&settings, start, utc),
      end);
}

GST_END_TEST;

/* The segmenter, and what it asks for. A frame is 100 ms, each third one is a key
 * frame. */

/* It came when the clock showed utc ms after noon at running time 0. */
static void
push_at (SegmenterRun * run, guint from, guint to, gint64 utc)
{
  guint i;

  for (i = from; i < to; i++) {
    IdentifaiCaptureTime arrival =
        { run->monotonic, NOON + (utc + i * 100) * 1000 };

    identifai_segmenter_push (run->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
        make_vp8 (i % 3 == 0, SMALL, i * FRAME), &arrival);
  }
}

static const struct
{
  guint duration, interval;     /* ms */
  gint64 utc;
  const gchar *log;
  guint request;                /* ms, the first one */
} cuts[] = {
  {1000, 0, 400, "0-600:6 600-1800:12 1800-2700:9 2700-3000:3", 600},
  {1000, 0, 0, "0-1200:12 1200-2100:9 2100-3000:9", 1000},
  /* A part of each second and a half. */
  {500, 1500, 200, "0-300:3 1500-1800:3", 300},
};

GST_START_TEST (test_cuts_by_clock)
{
  IdentifaiSegmenterSettings settings = {
    .duration = cuts[__i__].duration * GST_MSECOND,
    .interval = cuts[__i__].interval * GST_MSECOND,
    .max_bytes = PLENTY,.keyframe_requests = TRUE,.align = TRUE
  };
  GstClockTime request = 0;
  SegmenterRun run;

  run_init (&run, VP8);
  identifai_segmenter_configure (run.segmenter, &settings);
  push_at (&run, 0, 3, cuts[__i__].utc);
  fail_unless (identifai_segmenter_take_keyframe_request (run.segmenter,
          &request));
  fail_unless_equals_uint64 (request, cuts[__i__].request * GST_MSECOND);
  push_at (&run, 3, 30, cuts[__i__].utc);
  run_finish (&run);
  fail_unless_equals_string (run.log->str, cuts[__i__].log);
  run_clear (&run);
}

GST_END_TEST;

GST_START_TEST (test_judged_at_times)
{
  IdentifaiSegmenterStats stats;
  GstClockTime request = 0;
  SegmenterRun run;
  guint stream, i;

  stream = run_init_with_audio (&run);
  run_configure (&run, 60000, 0, 0);
  run_push_video (&run, 0, 6);
  run_push_audio (&run, stream, 0, 600);
  while (identifai_segmenter_take_keyframe_request (run.segmenter, &request));

  /* Twice the same is once. */
  for (i = 0; i < 2; i++)
    identifai_segmenter_set_judging (run.segmenter, FALSE);
  fail_if (identifai_segmenter_take_keyframe_request (run.segmenter, &request));
  run_push_video (&run, 6, 16);
  run_push_audio (&run, stream, 600, 1600);
  run_collect (&run);
  fail_unless_equals_string (run.log->str, "0-600:6");
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless_equals_uint64 (stats.bytes, 0);
  fail_unless_equals_uint64 (stats.withheld, 10);
  fail_unless_equals_uint64 (stats.seen, 600 * GST_MSECOND);
  fail_unless_equals_uint64 (stats.covered, 600 * GST_MSECOND);

  /* What comes before the key frame is seen, and judged nowhere. */
  identifai_segmenter_set_judging (run.segmenter, TRUE);
  fail_unless (identifai_segmenter_take_keyframe_request (run.segmenter,
          &request) && !GST_CLOCK_TIME_IS_VALID (request));
  run_push_video (&run, 16, 24);
  run_push_audio (&run, stream, 1600, 2400);
  run_finish (&run);
  fail_unless_equals_string (run.log->str, "0-600:6 1800-2400:6");
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless_equals_uint64 (stats.seen, 1400 * GST_MSECOND);
  fail_unless_equals_uint64 (stats.covered, 1200 * GST_MSECOND);
  run_clear (&run);
}

GST_END_TEST;

/* The element. */

static gdouble
get_coverage (Scene * scene)
{
  GstStructure *stats;
  gdouble coverage = -1;

  g_object_get (sink_run_get_sink (scene->run), "stats", &stats, NULL);
  gst_structure_get_double (stats, "coverage", &coverage);
  gst_structure_free (stats);

  return coverage;
}

GST_START_TEST (test_judging)
{
  GstElement *sink;
  guint requests;
  Scene scene;

  scene_open (&scene, SCENE_SINK, NULL);
  sink = sink_run_get_sink (scene.run);
  scene_push (&scene, 0, 12);
  requests = feed_count_requests (scene.feed);
  g_object_set (sink, "judging", FALSE, NULL);
  /* Without a further frame. */
  sink_run_wait (scene.run, "identifai-segment", 1);
  scene_push (&scene, 12, 30);
  fail_unless (get_coverage (&scene) == 1);
  g_object_set (sink, "judging", TRUE, NULL);
  fail_unless_equals_int (feed_count_requests (scene.feed), requests + 1);
  scene_push (&scene, 30, 45);
  scene_finish (&scene);
  scene_check_frames (&scene, "12 15");
  fail_unless (get_coverage (&scene) == 1);
  scene_clear (&scene);
}

GST_END_TEST;

/* Nothing was to be judged: that is no error, and no segment. */
GST_START_TEST (test_nothing_wanted)
{
  static const gchar *const streams[] = {
    SCENE_SINK "judging=false",
    "videotestsrc num-buffers=5 ! jpegenc ! avimux ! " SCENE_SINK
        "judging=false segment-duration=1000000000 max-segment-bytes=1000",
    "filesrc location=/proc/self/exe ! " SCENE_SINK
        "judging=false max-segment-bytes=1000",
  };
  Scene scene;

  scene_init (&scene, NULL, 0, streams[__i__]);
  if (__i__ == 0) {
    scene_start (&scene, NULL);
    scene_push (&scene, 0, 20);
  } else {
    fail_unless (sink_run_start (scene.run));
  }
  scene_finish (&scene);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"), 0);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);
  fail_unless_equals_int (sink_run_count (scene.run, "error"), 0);
  scene_clear (&scene);
}

GST_END_TEST;

/* Uploads an hour. */

GST_START_TEST (test_allowance)
{
  IdentifaiHourlyQuota allowance;
  gint64 now = NOON;
  guint i;

  identifai_hourly_quota_init (&allowance);
  identifai_hourly_quota_set_most (&allowance, 3);
  for (i = 0; i < 3; i++) {
    fail_unless (identifai_hourly_quota_is_left (&allowance, now));
    identifai_hourly_quota_take (&allowance, now);
    now += HOUR / 4;
  }
  fail_if (identifai_hourly_quota_is_left (&allowance, now));
  identifai_hourly_quota_give_back (&allowance, now - HOUR / 4);
  fail_unless (identifai_hourly_quota_is_left (&allowance, now));
  identifai_hourly_quota_take (&allowance, now);

  /* In any hour, not in each of the clock's. */
  fail_if (identifai_hourly_quota_is_left (&allowance, NOON + HOUR - 1));
  fail_unless (identifai_hourly_quota_is_left (&allowance, NOON + HOUR));
  identifai_hourly_quota_set_most (&allowance, 2);
  fail_if (identifai_hourly_quota_is_left (&allowance, NOON + HOUR));
  identifai_hourly_quota_set_most (&allowance, 1);
  fail_unless (identifai_hourly_quota_is_left (&allowance, NOON + 10 * HOUR));
  identifai_hourly_quota_give_back (&allowance, now);
  identifai_hourly_quota_clear (&allowance);
}

GST_END_TEST;

/* What waited for long and isn't posted takes nobody else's with it. */
GST_START_TEST (test_allowance_given_back)
{
  IdentifaiHourlyQuota allowance;

  identifai_hourly_quota_init (&allowance);
  identifai_hourly_quota_set_most (&allowance, 2);
  identifai_hourly_quota_take (&allowance, NOON);
  identifai_hourly_quota_take (&allowance, NOON + HOUR / 2);
  identifai_hourly_quota_give_back (&allowance, NOON);
  identifai_hourly_quota_take (&allowance, NOON + HOUR);
  fail_if (identifai_hourly_quota_is_left (&allowance, NOON + HOUR));
  identifai_hourly_quota_give_back (&allowance, NOON);
  fail_if (identifai_hourly_quota_is_left (&allowance, NOON + HOUR));
  identifai_hourly_quota_clear (&allowance);
}

GST_END_TEST;

/* They count where there is no bound, too, and in another one, in whatever order. */
GST_START_TEST (test_allowance_goes_on)
{
  IdentifaiHourlyQuota allowance, next;
  GArray *times = g_array_new (FALSE, FALSE, sizeof (gint64));
  const GArray *were;
  gint64 now = NOON;
  guint i;

  identifai_hourly_quota_init (&allowance);
  for (i = 0; i < 6; i++) {
    identifai_hourly_quota_take (&allowance, now);
    now += HOUR / 4;
  }
  were = identifai_hourly_quota_get_times (&allowance, now);
  fail_unless_equals_int (were->len, 3);
  for (i = were->len; i-- > 0;)
    g_array_append_val (times, g_array_index (were, gint64, i));
  identifai_hourly_quota_init (&next);
  identifai_hourly_quota_set_most (&next, 3);
  identifai_hourly_quota_set_times (&next, times);
  fail_if (identifai_hourly_quota_is_left (&next, now));
  fail_unless (identifai_hourly_quota_is_left (&next, now + HOUR / 4));
  identifai_hourly_quota_clear (&next);
  identifai_hourly_quota_clear (&allowance);
}

GST_END_TEST;

/* Once as it is, once with the files of what isn't posted. */
GST_START_TEST (test_budget)
{
  GError *error = NULL;
  Scene scene;
  guint round;

  scene_init (&scene, NULL, 0, __i__ == 0 ? SCENE_SINK
      "segment-duration=200000000 max-uploads-per-hour=3" : SCENE_SINK
      "segment-duration=200000000 max-uploads-per-hour=3 attach-file=flagged");
  for (round = 0; round < 2; round++) {
    guint verdicts = round ? 0 : 3;

    scene_start (&scene, NULL);
    scene_push (&scene, 0, SCENE_FRAMES);
    /* A restart gives nobody another hour; nothing was judged then. */
    fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
    sink_run_wait (scene.run, "eos", 1);
    fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"),
        verdicts);
    fail_unless_equals_int (sink_run_count (scene.run, "identifai-dropped"),
        SCENE_FRAMES / SCENE_GOP - verdicts);
    fail_unless_equals_string (scene_get_reason (&scene, "identifai-dropped",
            0), "budget");
    fail_unless_equals_int (gst_structure_has_field (sink_run_get_structure
            (scene.run, "identifai-dropped", 0), "file"), __i__);
    fail_unless_equals_int (sink_run_count (scene.run, "warning"),
        round ? 1 : 2);
    gst_message_parse_warning (sink_run_get (scene.run, "warning", 0), &error,
        NULL);
    fail_unless (strstr (error->message, "max-uploads-per-hour"), "%s",
        error->message);
    g_clear_error (&error);
    sink_run_stop (scene.run);
    sink_run_forget (scene.run);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* Nor does another element. */
GST_START_TEST (test_budget_goes_on)
{
  GValue uploads = G_VALUE_INIT;
  Scene scene;
  guint round;

  g_value_init (&uploads, GST_TYPE_ARRAY);
  for (round = 0; round < 2; round++) {
    scene_init (&scene, NULL, 0, SCENE_SINK
        "segment-duration=200000000 max-uploads-per-hour=3");
    if (round == 1)
      g_object_set_property (G_OBJECT (sink_run_get_sink (scene.run)),
          "uploads", &uploads);
    scene_start (&scene, NULL);
    scene_push (&scene, 0, SCENE_FRAMES);
    fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
    sink_run_wait (scene.run, "eos", 1);
    fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"),
        round == 0 ? 3 : 0);
    g_object_get_property (G_OBJECT (sink_run_get_sink (scene.run)), "uploads",
        &uploads);
    fail_unless_equals_int (gst_value_array_get_size (&uploads), 3);
    fail_unless (g_value_get_uint64 (gst_value_array_get_value (&uploads,
                0)) >= g_value_get_uint64 (gst_value_array_get_value (&uploads,
                2)));
    scene_clear (&scene);
  }
  g_value_unset (&uploads);
}

GST_END_TEST;

/* As an application's language, or a text, has numbers. */
GST_START_TEST (test_budget_in_words)
{
  static const struct
  {
    const gchar *text;
    guint count;
  } rows[] = {
    {"<(guint64)5000000000, (guint64)1>", 2},
    {"<1, 2000000000>", 2},
    {"<(gint64)3000000000, 2.5>", 2},
    {"<(guint64)3700000000000, 1>", 1},
    {"<-1, (string)1, (guint64)18446744073709551615>", 0},
    {"<>", 0},
  };
  GstElement *sink = gst_check_setup_element ("identifaisink");
  GValue uploads = G_VALUE_INIT;
  guint i;

  g_value_init (&uploads, GST_TYPE_ARRAY);
  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    /* GStreamer 1.22 writes into what it reads */
    gchar *text = g_strdup (rows[i].text);

    gst_util_set_object_arg (G_OBJECT (sink), "uploads", text);
    g_free (text);
    g_object_get_property (G_OBJECT (sink), "uploads", &uploads);
    fail_unless_equals_int (gst_value_array_get_size (&uploads), rows[i].count);
  }
  g_value_unset (&uploads);
  gst_object_unref (sink);
}

GST_END_TEST;

/* What isn't posted after all doesn't count. */
static const FaultStep silent[] = {
  {FAULT_POST, 0, FAULT_SILENT},
};

GST_START_TEST (test_budget_and_room)
{
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), SCENE_SINK
      "segment-duration=200000000 max-uploads-per-hour=9 overflow=drop-oldest "
      "max-pending-segments=8");
  scene_start (&scene, NULL);
  scene_push (&scene, 0, SCENE_FRAMES);
  fail_unless (feed_event (scene.feed, gst_event_new_custom
          (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty ("x"))));
  sink_run_wait (scene.run, "identifai-dropped", 1);
  fail_unless_equals_string (scene_get_reason (&scene, "identifai-dropped", 0),
      "overflow");
  fail_unless_equals_uint64 (sink_run_get_stat (scene.run, "pending"), 8);
  scene_clear (&scene);
}

GST_END_TEST;

static guint
count_over_budget (Scene * scene)
{
  guint i, n = 0;

  for (i = 0; i < sink_run_count (scene->run, "identifai-dropped"); i++)
    n += g_str_equal (scene_get_reason (scene, "identifai-dropped", i),
        "budget");

  return n;
}

/* One was on the wire, the others never were: neither those of a stop nor those
 * that drain-timeout ended. */
GST_START_TEST (test_budget_and_end)
{
  /* the last segment ends with the stream, if that ends */
  static const guint over[] = { 5, 7, 6 };
  GstElement *sink;
  Scene scene;
  guint round;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), SCENE_SINK
      "segment-duration=200000000 max-uploads-per-hour=4 drain-timeout=1000000");
  sink = sink_run_get_sink (scene.run);
  gst_util_set_object_arg (G_OBJECT (sink), "rate-limits",
      "limits,post-per-minute=1");
  for (round = 0; round < G_N_ELEMENTS (over); round++) {
    scene_start (&scene, NULL);
    scene_push (&scene, 0, SCENE_FRAMES);
    if (round == 0)
      fail_unless (fault_server_wait (scene.server, FAULT_POST, 1));
    if (round == 1) {
      fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
      sink_run_wait (scene.run, "eos", 1);
      fail_unless_equals_int (sink_run_count (scene.run, "identifai-failed"),
          3);
    }
    sink_run_stop (scene.run);
    fail_unless_equals_int (count_over_budget (&scene), over[round]);
    sink_run_forget (scene.run);
  }
  fail_unless_equals_int (fault_server_count (scene.server, FAULT_POST), 1);
  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
schedule_suite (void)
{
  Suite *suite = suite_create ("schedule");
  TCase *clock = tcase_create ("clock");
  TCase *judging = tcase_create ("judging");
  TCase *budget = tcase_create ("budget");

  suite_add_tcase (suite, clock);
  tcase_add_loop_test (clock, test_end, 0, G_N_ELEMENTS (ends));
  tcase_add_loop_test (clock, test_cuts_by_clock, 0, G_N_ELEMENTS (cuts));

  suite_add_tcase (suite, judging);
  tcase_add_test (judging, test_judged_at_times);
  tcase_add_test (judging, test_judging);
  tcase_add_loop_test (judging, test_nothing_wanted, 0, 3);

  suite_add_tcase (suite, budget);
  tcase_add_test (budget, test_allowance);
  tcase_add_test (budget, test_allowance_given_back);
  tcase_add_test (budget, test_allowance_goes_on);
  tcase_add_loop_test (budget, test_budget, 0, 2);
  tcase_add_test (budget, test_budget_goes_on);
  tcase_add_test (budget, test_budget_in_words);
  tcase_add_test (budget, test_budget_and_room);
  tcase_add_test (budget, test_budget_and_end);

  return suite;
}

GST_CHECK_MAIN (schedule);
