/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames without times, which are judged nevertheless, and what can't be: people
 * are told, and coverage counts it.
 */

#include "scene.h"
#include "segmenterrun.h"

#include <gst/check/gsttestclock.h>

#include <string.h>

#undef FRAME                    /* the scene's is another */
#define S GST_SECOND
#define MS GST_MSECOND
#define SINK SCENE_SINK "segment-duration=400000000 "

static gdouble
get_coverage (Scene * scene)
{
  GstStructure *stats;
  gdouble coverage = -1;

  g_object_get (sink_run_get_sink (scene->run), "stats", &stats, NULL);
  fail_unless (gst_structure_get_double (stats, "coverage", &coverage));
  gst_structure_free (stats);

  return coverage;
}

/* In the details of the nth warning. */
static const gchar *
get_warning (Scene * scene, guint nth)
{
  const GstStructure *details = NULL;

  gst_message_parse_warning_details (sink_run_get (scene->run, "warning", nth),
      &details);
  fail_unless (details != NULL);

  return gst_structure_get_string (details, "reason");
}

/*** without times ***/

typedef struct
{
  const gchar *name;
  const gchar *encoder;         /* NULL: the scene's clip, H.264 without B */
  gint rate;                    /* in the caps; 0: none there, -1: 0/1 */
  gboolean live;                /* a frame each 100 ms */
  gboolean stuck;               /* all have the same time, not none */
  const gchar *frames;          /* of the segments */
  GstClockTime duration;        /* of the last one */
} StampRow;

static const StampRow stamp_rows[] = {
  {"H.264", NULL, 25, FALSE, FALSE, "10 10 10 10 10", 400 * MS},
  {"H.264 without a frame rate", NULL, 0, FALSE, FALSE, "10 10 10 10 10",
      400 * MS},
  {"H.264 of an unknown frame rate", NULL, -1, FALSE, FALSE,
      "10 10 10 10 10", 400 * MS},
  {"50 frames a second", NULL, 50, FALSE, FALSE, "20 20 10", 200 * MS},
  {"live H.264", NULL, 0, TRUE, FALSE, "5 5 5 5 5 5 5 5 5 5", 500 * MS},
  {"live H.264, the caps being wrong", NULL, 25, TRUE, FALSE,
      "5 5 5 5 5 5 5 5 5 5", 440 * MS},
  {"times that stand still", NULL, 0, FALSE, TRUE, "25 10 10 5", 200 * MS},
  {"live, times that stand still", NULL, 0, TRUE, TRUE,
      "20 5 5 5 5 5 5", 500 * MS},
  {"H.264, reordered", "x264enc bframes=2 b-adapt=false key-int-max=10 "
        "option-string=scenecut=0 ! h264parse", 0, FALSE, FALSE,
      "10 10 10 10 10", 400 * MS},
  {"VP8", "vp8enc deadline=1 keyframe-max-dist=5", 0, FALSE, FALSE,
      "10 10 10 10 10", 400 * MS},
  {"live VP8", "vp8enc deadline=1 keyframe-max-dist=5", 0, TRUE, FALSE,
      "5 5 5 5 5 5 5 5 5 5", 500 * MS},
  {"JPEG", "jpegenc", 0, FALSE, FALSE, "10 10 10 10 10", 400 * MS},
  {"live JPEG", "jpegenc", 0, TRUE, FALSE, "4 4 4 4 4 4 4 4 4 4 4 4 2",
      200 * MS},
};

static Clip *
make_clip (const StampRow * row, Clip * usual)
{
  gchar *description;
  Clip *clip;

  if (row->encoder == NULL)
    return usual;
  description = g_strdup_printf ("videotestsrc num-buffers=%u ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! %s", SCENE_FRAMES,
      row->encoder);
  clip = clip_new (description);
  g_free (description);

  return clip;
}

static GstCaps *
make_caps (const StampRow * row, Clip * clip)
{
  GstCaps *caps = gst_caps_copy (clip->caps);
  GstStructure *structure = gst_caps_get_structure (caps, 0);

  gst_structure_remove_field (structure, "framerate");
  if (row->rate != 0)
    gst_structure_set (structure, "framerate", GST_TYPE_FRACTION,
        MAX (row->rate, 0), 1, NULL);

  return caps;
}

static void
push_stamped (Scene * scene, const StampRow * row, Clip * clip,
    GstTestClock * clock)
{
  guint i;

  for (i = 0; i < clip->buffers->len; i++) {
    GstBuffer *buffer = gst_buffer_copy (g_ptr_array_index (clip->buffers, i));

    GST_BUFFER_PTS (buffer) = row->stuck ? S : GST_CLOCK_TIME_NONE;
    GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DISCONT);
    gst_test_clock_set_time (clock, 1000 * S + i * 100 * MS);
    fail_unless_equals_int (gst_pad_push (scene->feed->pad, buffer),
        GST_FLOW_OK);
  }
}

GST_START_TEST (test_stamped)
{
  const StampRow *row = &stamp_rows[__i__];
  GstClock *clock = gst_test_clock_new_with_start_time (1000 * S);
  GstCaps *caps;
  Scene scene;
  Clip *clip;
  guint last;

  scene_init (&scene, NULL, 0, SINK);
  clip = make_clip (row, scene.clip);
  caps = make_caps (row, clip);
  gst_pipeline_use_clock (GST_PIPELINE (sink_run_get_pipeline (scene.run)),
      clock);
  fail_unless (sink_run_start (scene.run));
  scene.feed = feed_new (scene.run, "sink", caps, NULL, row->live);
  push_stamped (&scene, row, clip, GST_TEST_CLOCK (clock));
  scene_finish (&scene);

  scene_check_frames (&scene, row->frames);
  last = sink_run_count (scene.run, "identifai-segment") - 1;
  fail_unless_equals_uint64 (scene_get_time (&scene, last, "duration"),
      row->duration);
  fail_unless_equals_int (feed_decode (scene.server, last + 1, "v"),
      SCENE_FRAMES);
  fail_unless (get_coverage (&scene) == 1.0, "%f", get_coverage (&scene));
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1);
  fail_unless_equals_string (get_warning (&scene, 0), "no-timestamps");
  gst_caps_unref (caps);
  if (clip != scene.clip)
    clip_free (clip);
  scene_clear (&scene);
  gst_object_unref (clock);
}

GST_END_TEST;

/*** what is no picture ***/

/* So many buffers of nonsense, a frame apart from the time of frame at on. */
static void
push_nonsense (Scene * scene, guint at, guint n)
{
  guint i;

  for (i = 0; i < n; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);

    gst_buffer_memset (buffer, 0, 0, 100);
    GST_BUFFER_PTS (buffer) = (at + i) * SCENE_FRAME;
    fail_unless_equals_int (gst_pad_push (scene->feed->pad, buffer),
        GST_FLOW_OK);
  }
}

/* Seconds in the middle of a stream. */
GST_START_TEST (test_nonsense)
{
  gdouble coverage;
  Scene scene;

  scene_open (&scene, SINK, NULL);
  scene_push (&scene, 0, 10);
  push_nonsense (&scene, 10, 100);
  /* told at once, not at the end */
  sink_run_wait (scene.run, "warning", 1);
  fail_unless_equals_string (get_warning (&scene, 0), "no-picture");
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, 10, SCENE_FRAMES,
          100 * SCENE_FRAME), GST_FLOW_OK);
  sink_run_wait (scene.run, "info", 1);
  scene_finish (&scene);
  scene_check_frames (&scene, "10 10 10 10 10");
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1);
  coverage = get_coverage (&scene);
  fail_unless (ABS (coverage - 1 / 3.0) < 0.01, "%f", coverage);
  scene_clear (&scene);
}

GST_END_TEST;

/* Nothing else. */
GST_START_TEST (test_only_nonsense)
{
  GError *error = NULL;
  Scene scene;

  scene_open (&scene, SINK, NULL);
  push_nonsense (&scene, 0, 300);
  sink_run_wait (scene.run, "warning", 1);
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_if (sink_run_wait_end (scene.run));
  gst_message_parse_error (sink_run_get (scene.run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, "without a picture of H.264 in 300 "
          "buffers"), "%s", error->message);
  g_error_free (error);
  fail_unless (get_coverage (&scene) == 0.0);
  scene_clear (&scene);
}

GST_END_TEST;

/* A file in blocks, as filesrc makes them: the first one starts like a picture. */
GST_START_TEST (test_jpeg_in_blocks)
{
  GstCaps *caps = gst_caps_from_string ("image/jpeg, width=64, height=48");
  Clip *clip = clip_new ("videotestsrc num-buffers=1 ! "
      "video/x-raw,width=64,height=48 ! jpegenc");
  GstBuffer *jpeg = g_ptr_array_index (clip->buffers, 0);
  gsize size = gst_buffer_get_size (jpeg), at;
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  fail_unless (sink_run_start (scene.run));
  scene.feed = feed_new (scene.run, "sink", caps, NULL, FALSE);
  for (at = 0; at < size; at += 500)
    fail_unless_equals_int (gst_pad_push (scene.feed->pad,
            gst_buffer_copy_region (jpeg, GST_BUFFER_COPY_ALL, at, MIN (500,
                    size - at))), GST_FLOW_OK);
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_if (sink_run_wait_end (scene.run));
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"), 0);
  clip_free (clip);
  gst_caps_unref (caps);
  scene_clear (&scene);
}

GST_END_TEST;

/*** in reverse ***/

/* With a stop, and without, of which GstSegment itself would complain. */
GST_START_TEST (test_reverse)
{
  GError *error = NULL;
  GstSegment segment;
  Scene scene;
  guint i;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = -1.0;
  if (__i__ == 0)
    segment.stop = SCENE_FRAMES * SCENE_FRAME;
  scene_open (&scene, SINK, &segment);
  for (i = 0; i < 3; i++)
    scene_push (&scene, 0, SCENE_FRAMES);
  sink_run_wait (scene.run, "warning", 1);
  fail_unless_equals_string (get_warning (&scene, 0), "reverse");
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_if (sink_run_wait_end (scene.run));
  gst_message_parse_error (sink_run_get (scene.run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, "in reverse"), "%s", error->message);
  g_error_free (error);
  fail_unless (get_coverage (&scene) == 0.0);
  scene_clear (&scene);
}

GST_END_TEST;

/*** when people are told ***/

/* Each letter takes 100 ms: K key frame, p other, x no picture, with a time, h the
 * same without one; a number after it: so many of them. Expected: the number of
 * the letter, then ! it can't be judged, or - it can be again, or t it has no
 * times; then coverage in percent. */
static const struct
{
  const gchar *stream;
  const gchar *expected;
} told_rows[] = {
  {"Kp59", "100"},
  {"Kp9x9p9", "100"},
  {"x60", "30! 0"},
  {"x1300", "30! 630! 1230! 0"},
  {"Kp9x60", "40! 14"},
  {"Kp9x60Kp60", "40! 94- 54"},
  {"xKp9x60Kp60", "30! 95- 54"},
  /* headers of their own are no flaw */
  {"hhKhphphphphphphphphphphphphphphphphphphphphphph", "100"},
  {"hKphKphKphKphKphKphKphKphKphKphKphKphKphKp", "100"},
  /* most of it is none */
  {"Khhpppphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhphhhp",
      "31! 100"},
};

static void
push_letter (SegmenterRun * run, gchar letter)
{
  GstClockTime time = run->monotonic * 1000;
  GstBuffer *buffer = make_vp8 (letter == 'K', 100, time);

  if (letter == 'h')
    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
  if (letter == 'h' || letter == 'x')
    gst_buffer_memset (buffer, 0, 0xff, -1);
  GST_BUFFER_DURATION (buffer) = 100 * MS;
  run_push (run, 0, buffer);
  run->monotonic += 100 * 1000;
}

static void
log_told (SegmenterRun * run, guint at, GString * log)
{
  IdentifaiNews news;

  while (identifai_segmenter_take_news (run->segmenter, &news)) {
    if (news.kind == IDENTIFAI_NEWS_FLAW)
      g_string_append_printf (log, "%u%c ", at, news.is_over ? '-' : '!');
    else if (news.kind == IDENTIFAI_NEWS_STAMPED)
      g_string_append_printf (log, "%ut ", at);
  }
}

GST_START_TEST (test_told)
{
  const gchar *at = told_rows[__i__].stream;
  GString *log = g_string_new (NULL);
  IdentifaiSegmenterStats stats;
  SegmenterRun run;
  guint n_letters = 0;

  run_init (&run, VP8);
  run_configure (&run, 0, 0, 0);
  while (*at) {
    gchar letter = *at++;
    guint n = g_ascii_isdigit (*at) ? strtoul (at, (gchar **) & at, 10) : 1;

    for (; n > 0; n--) {
      push_letter (&run, letter);
      log_told (&run, n_letters++, log);
    }
  }
  run_finish (&run);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  g_string_append_printf (log, "%u", stats.seen ?
      (guint) (100 * stats.covered / stats.seen) : 0);
  fail_unless_equals_string (log->str, told_rows[__i__].expected);
  g_string_free (log, TRUE);
  run_clear (&run);
}

GST_END_TEST;

static Suite *
unusable_suite (void)
{
  Suite *suite = suite_create ("unusable");
  TCase *tc = tcase_create ("unusable");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_stamped, 0, G_N_ELEMENTS (stamp_rows));
  tcase_add_test (tc, test_nonsense);
  tcase_add_test (tc, test_only_nonsense);
  tcase_add_test (tc, test_jpeg_in_blocks);
  tcase_add_loop_test (tc, test_reverse, 0, 2);
  tcase_add_loop_test (tc, test_told, 0, G_N_ELEMENTS (told_rows));

  return suite;
}

GST_CHECK_MAIN (unusable);
