/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element with elementary video through everything that a pipeline does to
 * it: ends, flushes, seeks, new caps, pauses and stops, in the middle of a
 * segment, of a file that is made, and of an upload. Every segment has its one
 * outcome (sink_run_free() checks that).
 */

#include "clientlog.h"
#include "scene.h"

#include <string.h>

#define GOP SCENE_GOP
#define FRAMES SCENE_FRAMES
#define SEGMENTS (FRAMES / GOP)

#define SINK SCENE_SINK "segment-duration=200000000 "

static const FaultStep silent[] = {
  {FAULT_POST, 0, FAULT_SILENT},
};

/* Takes the file, and gives no result. */
static const FaultStep no_result[] = {
  {FAULT_GET, 0, FAULT_SILENT},
  {FAULT_BATCH, 0, FAULT_SILENT},
};

/* Waits for it: in GStreamer 1.22, a pause while PLAYING is still on its way may
 * leave a pipeline in PAUSED for good, with any sink. */
static void
change_state (Scene * scene, GstState state)
{
  GstElement *pipeline = sink_run_get_pipeline (scene->run);

  gst_element_set_state (pipeline, state);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
}

/* Where a segment is when something happens. */
typedef enum
{
  AT_START,                     /* nothing came yet */
  AT_CAPS,                      /* caps, but no frame */
  AT_OPEN,                      /* in the middle of the first segment */
  AT_MUXING,                    /* it was just closed */
  AT_UPLOAD,
  AT_WAIT_FOR_RESULT,
  AT_END,                       /* EOS waits for all of them */
  AT_BETWEEN,                   /* all have their outcomes */
  N_MOMENTS
} Moment;

static void
go_to (Scene * scene, Moment moment)
{
  switch (moment) {
    case AT_START:
    case AT_CAPS:
      break;
    case AT_OPEN:
      scene_push (scene, 0, GOP - 1);
      break;
    case AT_MUXING:
      scene_push (scene, 0, GOP + 1);
      break;
    case AT_UPLOAD:
      scene_push (scene, 0, GOP + 1);
      fail_unless (fault_server_wait (scene->server, FAULT_POST, 1));
      break;
    case AT_WAIT_FOR_RESULT:
      scene_push (scene, 0, GOP + 1);
      sink_run_wait (scene->run, "identifai-submitted", 1);
      break;
    case AT_END:
      feed_start (scene->feed, scene->clip, 0, 2 * GOP, TRUE);
      sink_run_wait (scene->run, "identifai-segment", 2);
      break;
    case AT_BETWEEN:
      scene_push (scene, 0, GOP + 1);
      sink_run_wait (scene->run, "identifai-verdict", 1);
      break;
    case N_MOMENTS:
      break;
  }
}

static void
scene_init_for (Scene * scene, Moment moment)
{
  if (moment == AT_UPLOAD || moment == AT_END)
    scene_init (scene, silent, G_N_ELEMENTS (silent), SINK);
  else if (moment == AT_WAIT_FOR_RESULT)
    scene_init (scene, no_result, G_N_ELEMENTS (no_result), SINK);
  else
    scene_init (scene, NULL, 0, SINK);
}

static guint
count_expected (Moment moment)
{
  switch (moment) {
    case AT_START:
    case AT_CAPS:
      return 0;
    case AT_OPEN:
      return 1;
    default:
      return 2;
  }
}

/* Stop: what is outstanding is dropped as "stopped", and it can start again. */
GST_START_TEST (test_stop)
{
  guint round, expected = count_expected (__i__), verdicts;
  Scene scene;

  scene_init_for (&scene, __i__);
  for (round = 0; round < 2; round++) {
    if (__i__ == AT_START)
      fail_unless (sink_run_start (scene.run));
    else
      scene_start (&scene, NULL);
    go_to (&scene, __i__);
    sink_run_stop (scene.run);
    if (__i__ == AT_END)
      fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_FLUSHING);

    verdicts = sink_run_count (scene.run, "identifai-verdict");
    fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"),
        expected);
    fail_unless_equals_int (sink_run_count (scene.run, "identifai-dropped"),
        expected - verdicts);
    if (expected > 0)
      fail_unless_equals_string (scene_get_reason (&scene, "identifai-dropped",
              0), "stopped");
    fail_unless_equals_int (sink_run_count (scene.run, "error"), 0);
    sink_run_forget (scene.run);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* Flush: what is not handed on is dropped as "flushed", the rest is judged. */
GST_START_TEST (test_flush)
{
  guint64 segments;
  guint number = 0;
  Scene scene;

  scene_init_for (&scene, __i__);
  scene_start (&scene, NULL);
  go_to (&scene, __i__);
  fail_unless (feed_event (scene.feed, gst_event_new_flush_start ()));
  if (__i__ == AT_END)
    fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_FLUSHING);
  fail_unless (feed_event (scene.feed, gst_event_new_flush_stop (TRUE)));
  if (__i__ == AT_OPEN) {
    sink_run_wait (scene.run, "identifai-dropped", 1);
    fail_unless_equals_string (scene_get_reason (&scene, "identifai-dropped",
            0), "flushed");
  }

  /* It goes on with another number, from another place. */
  segments = sink_run_get_stat (scene.run, "segments");
  feed_flush (scene.feed, NULL);
  scene_push (&scene, 20, 20 + GOP + 1);
  sink_run_wait (scene.run, "identifai-segment", segments + 1);
  fail_unless (gst_structure_get_uint (sink_run_get_structure (scene.run,
              "identifai-segment", segments), "segment", &number));
  fail_unless_equals_int (number, segments);
  scene_clear (&scene);
}

GST_END_TEST;

/* Pause, and on: nothing is lost. */
GST_START_TEST (test_pause)
{
  Scene scene;
  guint i;

  scene_init (&scene, NULL, 0, SINK);
  scene_start (&scene, NULL);
  feed_start (scene.feed, scene.clip, 0, FRAMES, TRUE);
  change_state (&scene, GST_STATE_PLAYING);
  for (i = 0; i < 10; i++) {
    feed_wait (scene.feed, i * FRAMES / 10);
    change_state (&scene, GST_STATE_PAUSED);
    change_state (&scene, GST_STATE_PLAYING);
  }
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  fail_unless (sink_run_wait_end (scene.run));
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"),
      SEGMENTS);
  fail_unless_equals_int (feed_decode (scene.server, SEGMENTS, "v"), FRAMES);
  scene_clear (&scene);
}

GST_END_TEST;

/* A pause while EOS waits for verdicts: the EOS message comes in PLAYING. */
GST_START_TEST (test_pause_at_end)
{
  static const FaultStep held[] = { {FAULT_POST, 1, FAULT_HELD} };
  Scene scene;

  scene_init (&scene, held, G_N_ELEMENTS (held), SINK);
  scene_start (&scene, NULL);
  feed_start (scene.feed, scene.clip, 0, GOP, TRUE);
  sink_run_wait (scene.run, "identifai-segment", 1);
  change_state (&scene, GST_STATE_PAUSED);
  fault_server_release (scene.server);
  sink_run_wait (scene.run, "identifai-verdict", 1);
  fail_unless_equals_int (sink_run_count (scene.run, "eos"), 0);
  fail_unless (sink_run_start (scene.run));
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  fail_unless (sink_run_wait_end (scene.run));
  scene_clear (&scene);
}

GST_END_TEST;

/* All the way up and down, with frames that come at any time. */

#define MAX_STEPS 4

static const GstState ways[][MAX_STEPS] = {
  {GST_STATE_PLAYING},
  {GST_STATE_PAUSED},
  {GST_STATE_PLAYING, GST_STATE_PAUSED},
  {GST_STATE_PAUSED, GST_STATE_PLAYING},
  {GST_STATE_PLAYING, GST_STATE_PAUSED, GST_STATE_PLAYING},
  {GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_PAUSED},
};

/* All but the last state are reached. */
static void
go_way (Scene * scene, const GstState * way)
{
  guint i;

  for (i = 0; i < MAX_STEPS && way[i] != GST_STATE_VOID_PENDING; i++) {
    if (i + 1 < MAX_STEPS && way[i + 1] != GST_STATE_VOID_PENDING)
      change_state (scene, way[i]);
    else
      gst_element_set_state (sink_run_get_pipeline (scene->run), way[i]);
  }
}

GST_START_TEST (test_cycles)
{
  const guint rounds = 100;
  Scene scene;
  guint i;

  scene_init (&scene, NULL, 0, SINK);
  for (i = 0; i < rounds; i++) {
    gst_element_set_state (sink_run_get_pipeline (scene.run), GST_STATE_PAUSED);
    if (scene.feed != NULL)
      feed_free (scene.feed);
    scene.feed = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
    feed_start (scene.feed, scene.clip, 0, (i * 7) % FRAMES + 1, TRUE);
    go_way (&scene, ways[i % G_N_ELEMENTS (ways)]);
    if (i % G_N_ELEMENTS (ways) == 0)
      feed_wait (scene.feed, 1 + i % 3);
    /* Checks the outcomes. */
    sink_run_stop (scene.run);
    feed_join (scene.feed);
    fail_unless_equals_int (sink_run_count (scene.run, "error"), 0);
    sink_run_forget (scene.run);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* Other sizes in the middle: another file. */
GST_START_TEST (test_new_caps)
{
  Clip *other = clip_new ("videotestsrc num-buffers=10 ! video/x-raw,width=96,"
      "height=64,framerate=25/1 ! x264enc bframes=0 tune=zerolatency threads=1 "
      "key-int-max=5 ! video/x-h264,stream-format=avc,alignment=au");
  guint i, frames;
  Scene scene;

  scene_init (&scene, NULL, 0, "identifaisink name=sink segment-duration=0");
  scene_start (&scene, NULL);
  scene_push (&scene, 0, 7);
  /* The same caps again change nothing. */
  fail_unless (feed_event (scene.feed, gst_event_new_caps (scene.clip->caps)));
  scene_push (&scene, 7, 8);
  fail_unless (feed_event (scene.feed, gst_event_new_caps (other->caps)));
  for (i = 0; i < 10; i++)
    GST_BUFFER_PTS (g_ptr_array_index (other->buffers, i)) =
        GST_BUFFER_DTS (g_ptr_array_index (other->buffers, i)) =
        (8 + i) * 40 * GST_MSECOND;
  fail_unless_equals_int (feed_push (scene.feed, other, 0, 10, 0), GST_FLOW_OK);
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene.run));

  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"), 2);
  fail_unless (gst_structure_get_uint (sink_run_get_structure (scene.run,
              "identifai-segment", 0), "frames", &frames));
  fail_unless_equals_int (frames, 8);
  fail_unless_equals_int (feed_decode (scene.server, 2, "v"), 18);
  clip_free (other);
  scene_clear (&scene);
}

GST_END_TEST;

/* A seek in a file, flushing, while the service is silent. */
GST_START_TEST (test_seek)
{
  gchar *folder = sink_folder_new ();
  gchar *path = sink_make_file (folder, "clip",
      "videotestsrc num-buffers=200 ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! x264enc bframes=0 "
      "key-int-max=5 threads=1 ! h264parse ! qtmux");
  gchar *launch =
      g_strdup_printf ("filesrc location=%s ! qtdemux ! h264parse " "! " SINK
      "max-pending-segments=2", path);
  guint64 stream_time = 0;
  guint segments;
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), launch);
  fail_unless (sink_run_start (scene.run));
  sink_run_wait (scene.run, "identifai-segment", 2);
  fail_unless (gst_element_seek_simple (sink_run_get_pipeline (scene.run),
          GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT,
          4 * GST_SECOND));
  sink_run_wait (scene.run, "identifai-dropped", 1);
  fail_unless_equals_string (scene_get_reason (&scene, "identifai-dropped", 0),
      "flushed");
  segments = sink_run_get_stat (scene.run, "segments");
  sink_run_stop (scene.run);
  fail_unless (sink_run_count (scene.run, "identifai-segment") >= segments);
  gst_structure_get_uint64 (sink_run_get_structure (scene.run,
          "identifai-segment", sink_run_count (scene.run,
              "identifai-segment") - 1), "stream-time", &stream_time);
  fail_unless (stream_time == GST_CLOCK_TIME_NONE || stream_time < 9
      * GST_SECOND);

  scene_clear (&scene);
  g_free (launch);
  g_free (path);
  sink_folder_free (folder);
}

GST_END_TEST;

/* Ends without anything to judge say so. */

typedef struct
{
  guint from, to;
  const gchar *text;
} EmptyRow;

static const EmptyRow empty_rows[] = {
  {0, 0, "empty"},
  {1, GOP, "key frame"},
};

GST_START_TEST (test_empty)
{
  const EmptyRow *row = &empty_rows[__i__];
  GError *error = NULL;
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  scene_start (&scene, NULL);
  feed_start (scene.feed, scene.clip, row->from, row->to, TRUE);
  sink_run_wait (scene.run, "error", 1);
  gst_message_parse_error (sink_run_get (scene.run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, row->text) != NULL, "%s",
      error->message);
  g_error_free (error);
  /* An error stops the way up to PLAYING, so only this ends the wait. */
  sink_run_stop (scene.run);
  feed_join (scene.feed);
  scene_clear (&scene);
}

GST_END_TEST;

/* A handler that stops the pipeline from another thread while the messages keep
 * coming: nothing hangs, nothing is lost. */
GST_START_TEST (test_stop_while_posting)
{
  guint i;
  Scene scene;

  for (i = 0; i < 10; i++) {
    scene_init (&scene, NULL, 0, SINK);
    scene_start (&scene, NULL);
    feed_start (scene.feed, scene.clip, 0, FRAMES, TRUE);
    sink_run_wait (scene.run, i % 2 ? "identifai-segment" :
        "identifai-verdict", 1 + i / 4);
    sink_run_stop (scene.run);
    feed_join (scene.feed);
    scene_clear (&scene);
  }
}

GST_END_TEST;

/* Threads of this process with that name. */
static guint
count_threads (const gchar * prefix)
{
  GDir *dir = g_dir_open ("/proc/self/task", 0, NULL);
  const gchar *task;
  guint n = 0;

  fail_unless (dir != NULL);
  while ((task = g_dir_read_name (dir)) != NULL) {
    gchar *path = g_build_filename ("/proc/self/task", task, "comm", NULL);
    gchar *name = NULL;

    if (g_file_get_contents (path, &name, NULL, NULL))
      n += g_str_has_prefix (name, prefix);
    g_free (name);
    g_free (path);
  }
  g_dir_close (dir);

  return n;
}

/* Twenty elements with open segments: one network thread, no others. */
GST_START_TEST (test_threads)
{
  guint before = count_threads (""), i;
  Feed *feeds[20];
  GString *launch = g_string_new ("pipeline.( ");
  SinkRun *run;
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  Clip *clip = clip_new_h264 (FRAMES, GOP);

  for (i = 0; i < G_N_ELEMENTS (feeds); i++)
    g_string_append_printf (launch, "identifaisink name=sink%u api-key=any "
        "endpoint=%s ", i, url);
  g_string_append (launch, ")");
  before = count_threads ("");
  run = sink_run_new (NULL, launch->str);
  fail_unless (sink_run_start (run));
  for (i = 0; i < G_N_ELEMENTS (feeds); i++) {
    gchar *name = g_strdup_printf ("sink%u", i);

    feeds[i] = feed_new_to (gst_bin_get_by_name (GST_BIN
            (sink_run_get_pipeline (run)), name), "sink", clip->caps, NULL,
        FALSE);
    feed_start (feeds[i], clip, 0, FRAMES, FALSE);
    g_free (name);
  }
  for (i = 0; i < G_N_ELEMENTS (feeds); i++)
    fail_unless_equals_int (feed_join (feeds[i]), GST_FLOW_OK);

  fail_unless (client_log_wait_for_threads (1));
  fail_unless_equals_int (count_threads ("identifai"), 1);
  /* GStreamer's own are the bin's and the clock's. */
  fail_unless (count_threads ("") <= before + 6, "%u threads more",
      count_threads ("") - before);

  sink_run_stop (run);
  for (i = 0; i < G_N_ELEMENTS (feeds); i++) {
    GstElement *sink = feeds[i]->sink;

    feed_free (feeds[i]);
    gst_object_unref (sink);
  }
  sink_run_free (run);
  fail_unless_equals_int (count_threads ("identifai"), 0);
  fault_server_free (server);
  clip_free (clip);
  g_string_free (launch, TRUE);
  g_free (url);
}

GST_END_TEST;

/* An encoder that lends buffers of a pool of three goes on encoding while a
 * segment holds fifty of them. */
GST_START_TEST (test_pool)
{
  GstBufferPool *pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstBufferPoolAcquireParams params = {
    .flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT,
  };
  Scene scene;
  guint i;

  gst_buffer_pool_config_set_params (config, NULL, 100000, 3, 3);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  fail_unless (gst_buffer_pool_set_active (pool, TRUE));
  scene_init (&scene, NULL, 0, "identifaisink name=sink segment-duration=0");
  scene_start (&scene, NULL);
  for (i = 0; i < FRAMES; i++) {
    GstBuffer *frame = g_ptr_array_index (scene.clip->buffers, i);
    GstBuffer *lent = NULL;
    GstMapInfo map;

    fail_unless_equals_int (gst_buffer_pool_acquire_buffer (pool, &lent,
            &params), GST_FLOW_OK);
    fail_unless (gst_buffer_map (frame, &map, GST_MAP_READ));
    gst_buffer_fill (lent, 0, map.data, map.size);
    gst_buffer_unmap (frame, &map);
    gst_buffer_set_size (lent, gst_buffer_get_size (frame));
    gst_buffer_copy_into (lent, frame, GST_BUFFER_COPY_TIMESTAMPS |
        GST_BUFFER_COPY_FLAGS, 0, -1);
    fail_unless_equals_int (gst_pad_push (scene.feed->pad, lent), GST_FLOW_OK);
  }
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene.run));
  fail_unless_equals_int (feed_decode (scene.server, 1, "v"), FRAMES);

  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
live_suite (void)
{
  Suite *suite = suite_create ("live");
  TCase *stop = tcase_create ("stop");
  TCase *change = tcase_create ("change");
  TCase *cost = tcase_create ("cost");

  suite_add_tcase (suite, stop);
  tcase_add_loop_test (stop, test_stop, 0, N_MOMENTS);
  tcase_add_test (stop, test_cycles);
  tcase_add_test (stop, test_stop_while_posting);
  tcase_add_loop_test (stop, test_empty, 0, G_N_ELEMENTS (empty_rows));

  suite_add_tcase (suite, change);
  tcase_add_loop_test (change, test_flush, AT_CAPS, N_MOMENTS);
  tcase_add_test (change, test_pause);
  tcase_add_test (change, test_pause_at_end);
  tcase_add_test (change, test_new_caps);
  tcase_add_test (change, test_seek);

  suite_add_tcase (suite, cost);
  tcase_add_test (cost, test_threads);
  tcase_add_test (cost, test_pool);

  return suite;
}

GST_CHECK_MAIN (live);
