/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * States, flushes, seeks, reuse: the element ends at any moment, whatever the
 * service does, and starts again.
 */

#include "faultserver.h"
#include "sinkutil.h"

#define SOURCE "videotestsrc num-buffers=5 ! video/x-raw,width=320 ! " \
    "jpegenc ! avimux ! "
#define SINK SOURCE "identifaisink name=sink "
#define FILE_SINK "filesrc name=source location=%s ! identifaisink name=sink"
#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND

/* It has a second; a machine that tests may be busy, or stand still. */
#define STOP_BOUND (10 * SECOND)

static FaultServer *server;
static gchar *url;
static gchar *folder;

static void
start_server (const FaultStep * steps, guint n_steps)
{
  server = fault_server_new (steps, n_steps);
  url = fault_server_get_url (server);
}

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
  folder = sink_folder_new ();
}

static void
teardown (void)
{
  g_clear_pointer (&server, fault_server_free);
  sink_folder_free (folder);
  g_free (url);
}

static SinkRun *
new_file_run (const gchar * path)
{
  gchar *line = g_strdup_printf (FILE_SINK, path);
  SinkRun *run = sink_run_new (url, line);

  g_free (line);

  return run;
}

static gchar *
make_clip (void)
{
  return sink_make_file (folder, "clip",
      "videotestsrc num-buffers=60 ! jpegenc ! avimux");
}

/* Bytes of a big file, as a silent server can't swallow it. */
static gchar *
make_large_clip (void)
{
  return sink_make_file (folder, "large", "videotestsrc num-buffers=40 "
      "pattern=snow ! video/x-raw,width=640,height=480 ! jpegenc ! avimux");
}

/* Stopping at every point of an exchange. */

static const FaultStep mute[] = {
  {FAULT_POST,.kind = FAULT_SILENT},
};

static const FaultStep half_read[] = {
  {FAULT_POST,.kind = FAULT_STUCK,.at = 10000},
};

static const FaultStep dripping[] = {
  {FAULT_POST,.kind = FAULT_DRIP,.delay = 200,.body = "{\"identifier\":\"i\"}"},
};

static const FaultStep early[] = {
  {FAULT_POST,.kind = FAULT_EARLY,.at = 10000,.status = 503,.body = ""},
};

static const FaultStep no_result[] = {
  {FAULT_GET,.kind = FAULT_SILENT},
  {FAULT_BATCH,.kind = FAULT_SILENT},
};

static const FaultStep endless_result[] = {
  {FAULT_GET,.kind = FAULT_ENDLESS_DRIP,.delay = 50},
  {FAULT_BATCH,.kind = FAULT_ENDLESS_DRIP,.delay = 50},
};

static const FaultStep never_done[] = {
  {FAULT_GET,.body = "{\"status\":\"new\"}"},
  {FAULT_BATCH,.body = "[]"},
};

static const FaultStep busy[] = {
  {FAULT_POST,.status = 503,.headers = "Retry-After: 60\r\n",.body = ""},
};

typedef struct
{
  const gchar *what;
  const FaultStep *steps;
  guint n_steps;
  FaultCall call;               /* stop when this came; UNUSED: at once */
} Point;

static const Point points[] = {
  {"at once", NULL, 0, FAULT_UNUSED},
  {"answers", NULL, 0, FAULT_POST},
  {"silent after the upload", mute, 1, FAULT_POST},
  {"half read upload", half_read, 1, FAULT_POST},
  {"dripping answer", dripping, 1, FAULT_POST},
  {"early answer", early, 1, FAULT_POST},
  {"waits for a retry", busy, 1, FAULT_POST},
  {"silent result", no_result, 2, FAULT_GET},
  {"endless result", endless_result, 2, FAULT_GET},
  {"no result yet", never_done, 2, FAULT_GET},
};

static SinkRun *
bring_to (const Point * point, const gchar * clip)
{
  SinkRun *run;

  start_server (point->steps, point->n_steps);
  run = new_file_run (clip);
  g_object_set (sink_run_get_sink (run), "retries", -1, NULL);
  fail_unless (sink_run_start (run));
  if (point->call != FAULT_UNUSED)
    fail_unless (fault_server_wait (server, point->call, 1));

  return run;
}

static void
check_took (const gchar * what, gint64 took)
{
  g_print ("%-40s %6.1f ms\n", what, took / 1000.0);
  fail_unless (took < STOP_BOUND, "%s: %" G_GINT64_FORMAT " us", what, took);
}

GST_START_TEST (test_stop)
{
  gchar *clip = make_large_clip ();
  SinkRun *run = bring_to (&points[__i__], clip);

  check_took (points[__i__].what, sink_run_stop (run));
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* To READY, where the outcome must be there, and the element starts again. */
GST_START_TEST (test_stop_to_ready)
{
  gchar *clip = make_large_clip ();
  SinkRun *run = bring_to (&points[__i__], clip);
  GstElement *pipeline = sink_run_get_pipeline (run);

  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  sink_run_check (run, TRUE);
  sink_run_check_stats (run);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "pending"), 0);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "pending-bytes"), 0);
  sink_run_forget (run);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-segment", 1);
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* A server that never accepts. */
GST_START_TEST (test_stop_deaf)
{
  gchar *clip = make_clip ();
  SinkRun *run;

  server = fault_server_new_deaf ();
  url = fault_server_get_url (server);
  run = new_file_run (clip);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-segment", 1);
  check_took ("never accepts", sink_run_stop (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-dropped"), 1);
  fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
          (run, "identifai-dropped", 0), "reason"), "stopped");
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* Cycling. */

/* One of the points in each round, and no wait for anything. */
GST_START_TEST (test_cycling)
{
  SinkRun *run;
  guint i;

  start_server (NULL, 0);
  run = sink_run_new (url, SINK);
  for (i = 0; i < 100; i++) {
    fail_unless (sink_run_start (run));
    if (i % 4 == 1)
      sink_run_wait (run, "identifai-segment", 1);
    else if (i % 4 == 2)
      sink_run_wait (run, "identifai-submitted", 1);
    else if (i % 4 == 3)
      gst_element_get_state (sink_run_get_pipeline (run), NULL, NULL,
          20 * GST_SECOND);
    sink_run_stop (run);
    sink_run_forget (run);
  }
  sink_run_free (run);
}

GST_END_TEST;

/* With an upload under way that never ends. */
GST_START_TEST (test_cycling_in_upload)
{
  SinkRun *run;
  guint i;

  start_server (half_read, 1);
  run = sink_run_new (url, "videotestsrc num-buffers=8 pattern=snow ! "
      "video/x-raw,width=320,height=240 ! jpegenc ! avimux ! "
      "identifaisink name=sink");
  for (i = 0; i < 100; i++) {
    fail_unless (sink_run_start (run));
    fail_unless (fault_server_wait (server, FAULT_POST, i + 1));
    sink_run_stop (run);
    fail_unless_equals_int (sink_run_count (run, "identifai-dropped"), 1);
    sink_run_forget (run);
  }
  sink_run_free (run);
}

GST_END_TEST;

/* The element alone, through all states, and with the reference gone. */
GST_START_TEST (test_cycling_alone)
{
  guint i;

  for (i = 0; i < 100; i++) {
    GstElement *sink = gst_check_setup_element ("identifaisink");

    g_object_set (sink, "endpoint", "http://127.0.0.1:9", "api-key", "k", NULL);
    fail_unless (gst_element_set_state (sink, i % 2 ? GST_STATE_PAUSED :
            GST_STATE_PLAYING) == GST_STATE_CHANGE_ASYNC);
    fail_unless (gst_element_set_state (sink, GST_STATE_NULL)
        == GST_STATE_CHANGE_SUCCESS);
    ASSERT_OBJECT_REFCOUNT (sink, "sink", 1);
    gst_object_unref (sink);
  }
}

GST_END_TEST;

/* Another clip with the same element. */
GST_START_TEST (test_reuse)
{
  static const gchar list[] = "identifai-segment identifai-submitted "
      "identifai-verdict tag eos";
  gchar *clip = make_clip ();
  SinkRun *run;
  gchar *got;
  guint i;

  start_server (NULL, 0);
  run = new_file_run (clip);
  for (i = 0; i < 3; i++) {
    guint number = 4711;

    fail_unless (sink_run_start (run));
    fail_unless (sink_run_wait_end (run));
    got = sink_run_list (run);
    fail_unless_equals_string (got, list);
    g_free (got);
    fail_unless (gst_structure_get_uint (sink_run_get_structure (run,
                "identifai-verdict", 0), "segment", &number));
    fail_unless_equals_int (number, 0);
    fail_unless_equals_uint64 (sink_run_get_stat (run, "segments"), 1);
    sink_run_stop (run);
    sink_run_forget (run);
  }
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* Seeks: a flush drops what is open, and what waits goes on. */

static void
seek_to_start (SinkRun * run)
{
  fail_unless (gst_element_seek_simple (sink_run_get_pipeline (run),
          GST_FORMAT_BYTES, GST_SEEK_FLAG_FLUSH, 0));
}

/* Lets so many buffers through, then holds the streaming thread. */
typedef struct
{
  GMutex lock;
  GCond cond;
  guint left;
  gboolean held, open;
} Gate;

static GstPadProbeReturn
on_gate (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Gate *gate = user_data;

  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_FLUSH) {
    g_mutex_lock (&gate->lock);
    gate->open = TRUE;
    g_cond_broadcast (&gate->cond);
    g_mutex_unlock (&gate->lock);
    return GST_PAD_PROBE_OK;
  }

  g_mutex_lock (&gate->lock);
  if (gate->left > 0) {
    gate->left--;
  } else {
    gate->held = TRUE;
    g_cond_broadcast (&gate->cond);
    while (!gate->open)
      g_cond_wait (&gate->cond, &gate->lock);
  }
  g_mutex_unlock (&gate->lock);

  return GST_PAD_PROBE_OK;
}

static void
gate_add (Gate * gate, SinkRun * run, guint buffers)
{
  GstPad *pad = gst_element_get_static_pad (sink_run_get_sink (run), "sink");

  *gate = (Gate) {
  .left = buffers,};
  g_mutex_init (&gate->lock);
  g_cond_init (&gate->cond);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_EVENT_FLUSH, on_gate, gate, NULL);
  gst_object_unref (pad);
}

static void
gate_wait (Gate * gate)
{
  g_mutex_lock (&gate->lock);
  while (!gate->held)
    g_cond_wait (&gate->cond, &gate->lock);
  g_mutex_unlock (&gate->lock);
}

static void
gate_clear (Gate * gate)
{
  g_mutex_clear (&gate->lock);
  g_cond_clear (&gate->cond);
}

GST_START_TEST (test_flush_in_the_middle)
{
  gchar *clip = make_clip (), *list;
  SinkRun *run;
  Gate gate;

  start_server (NULL, 0);
  run = new_file_run (clip);
  gate_add (&gate, run, 3);
  fail_unless (sink_run_start (run));
  gate_wait (&gate);
  fail_unless_equals_int (gst_element_get_state (sink_run_get_pipeline (run),
          NULL, NULL, 20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  seek_to_start (run);
  fail_unless (sink_run_wait_end (run));
  list = sink_run_list (run);
  fail_unless_equals_string (list, "identifai-segment identifai-dropped "
      "identifai-segment identifai-submitted identifai-verdict tag eos");
  fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
          (run, "identifai-dropped", 0), "reason"), "flushed");
  sink_run_check_stats (run);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "dropped"), 1);
  sink_run_free (run);
  gate_clear (&gate);
  g_free (list);
  g_free (clip);
}

GST_END_TEST;

/* While EOS waits for a verdict, which still comes, as does that of the second
 * round. */
GST_START_TEST (test_flush_at_eos)
{
  gchar *clip = make_clip ();
  SinkRun *run;

  start_server (NULL, 0);
  fault_server_set_delay (server, FAULT_NEVER);
  run = new_file_run (clip);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-submitted", 1);
  fail_unless_equals_int (gst_element_get_state (sink_run_get_pipeline (run),
          NULL, NULL, 20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  seek_to_start (run);
  fault_server_set_delay (server, 0);
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 2);
  fail_unless_equals_int (sink_run_count (run, "eos"), 1);
  sink_run_check (run, TRUE);
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* PAUSED and back while EOS waits. */
GST_START_TEST (test_pause_at_eos)
{
  gchar *clip = make_clip ();
  GstElement *pipeline;
  SinkRun *run;
  guint i;

  start_server (NULL, 0);
  fault_server_set_delay (server, FAULT_NEVER);
  run = new_file_run (clip);
  pipeline = sink_run_get_pipeline (run);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-submitted", 1);
  for (i = 0; i < 5; i++) {
    fail_unless (gst_element_set_state (pipeline, GST_STATE_PAUSED)
        != GST_STATE_CHANGE_FAILURE);
    fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
            20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
    fail_unless_equals_int (sink_run_count (run, "eos"), 0);
    fail_unless (sink_run_start (run));
  }
  fault_server_set_delay (server, 0);
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);

  /* And a verdict that comes while it is paused. */
  sink_run_stop (run);
  sink_run_forget (run);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-submitted", 1);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  sink_run_wait (run, "identifai-verdict", 1);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* Pauses that are over before the waiting thread sees them: none of the state
 * changes may wait for the verdict, which never comes. */
GST_START_TEST (test_pause_storm_at_eos)
{
  gchar *clip = make_clip ();
  GstElement *pipeline;
  SinkRun *run;
  guint i;

  start_server (NULL, 0);
  fault_server_set_delay (server, FAULT_NEVER);
  run = new_file_run (clip);
  pipeline = sink_run_get_pipeline (run);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-submitted", 1);
  for (i = 0; i < 500; i++) {
    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
  }
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), 0);
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* drain-timeout. */

GST_START_TEST (test_no_drain)
{
  gchar *clip = make_clip ();
  SinkRun *run;

  start_server (NULL, 0);
  fault_server_set_delay (server, FAULT_NEVER);
  run = new_file_run (clip);
  g_object_set (sink_run_get_sink (run), "drain-timeout", G_GUINT64_CONSTANT
      (0), NULL);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 0);
  /* What is outstanding goes on until the end. */
  fault_server_set_delay (server, 0);
  sink_run_wait (run, "identifai-verdict", 1);
  sink_run_stop (run);
  fail_unless_equals_int (sink_run_count (run, "identifai-dropped"), 0);
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

GST_START_TEST (test_endless_drain)
{
  gchar *clip = make_clip ();
  SinkRun *run;

  start_server (NULL, 0);
  fault_server_set_delay (server, 2000);
  run = new_file_run (clip);
  g_object_set (sink_run_get_sink (run), "drain-timeout", GST_CLOCK_TIME_NONE,
      NULL);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* After a drain that was cut short, another round judges as before. */
GST_START_TEST (test_short_drain)
{
  gchar *clip = make_clip ();
  SinkRun *run;

  start_server (NULL, 0);
  fault_server_set_delay (server, FAULT_NEVER);
  run = new_file_run (clip);
  g_object_set (sink_run_get_sink (run), "drain-timeout",
      300 * GST_MSECOND, NULL);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "eos", 1);
  fail_unless_equals_int (sink_run_count (run, "error"), 1);
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), 1);
  sink_run_check_stats (run);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "pending"), 0);

  sink_run_stop (run);
  sink_run_forget (run);
  fault_server_set_delay (server, 0);
  g_object_set (sink_run_get_sink (run), "drain-timeout",
      60 * GST_SECOND, NULL);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* Handlers. */

static void
stop_pipeline (GstElement * pipeline, gpointer user_data)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_atomic_int_set ((gint *) user_data, 1);
}

typedef struct
{
  const gchar *at;              /* the message at which it acts */
  gint done;                    /* atomic */
} Handler;

/* As many applications do: out of the handler, from another thread. */
static void
on_message_stop (SinkRun * run, GstMessage * message, const gchar * name,
    gpointer user_data)
{
  Handler *handler = user_data;

  if (g_str_equal (name, handler->at))
    gst_element_call_async (sink_run_get_pipeline (run), stop_pipeline,
        &handler->done, NULL);
}

static const gchar *const moments[] = {
  "identifai-segment", "identifai-submitted", "identifai-verdict", "tag", "eos"
};

GST_START_TEST (test_stop_from_handler)
{
  Handler handler = {.at = moments[__i__] };
  gchar *clip = make_clip ();
  SinkRun *run;
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;

  start_server (NULL, 0);
  run = new_file_run (clip);
  sink_run_set_func (run, on_message_stop, &handler);
  fail_unless (sink_run_start (run));
  while (!g_atomic_int_get (&handler.done)) {
    fail_unless (g_get_monotonic_time () < until, "at %s", moments[__i__]);
    g_usleep (MS);
  }
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* They may use the element's properties, whatever thread they run on. */
static void
on_message_look (SinkRun * run, GstMessage * message, const gchar * name,
    gpointer user_data)
{
  gint *count = user_data;

  if (!g_str_has_prefix (name, "identifai-"))
    return;
  sink_run_check_stats (run);
  g_object_set (sink_run_get_sink (run), "frames", 5, "api-key", "another",
      NULL);
  g_atomic_int_inc (count);
}

GST_START_TEST (test_stats_from_handler)
{
  gchar *clip = make_clip ();
  SinkRun *run;
  gint count = 0;

  start_server (NULL, 0);
  run = new_file_run (clip);
  sink_run_set_func (run, on_message_look, &count);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (g_atomic_int_get (&count), 3);
  sink_run_free (run);
  g_free (clip);
}

GST_END_TEST;

/* stats, at any moment. */

typedef struct
{
  SinkRun *run;
  gint stop;                    /* atomic */
  guint samples;
} Sampler;

static gpointer
sample (gpointer user_data)
{
  Sampler *sampler = user_data;

  while (!g_atomic_int_get (&sampler->stop)) {
    sink_run_check_stats (sampler->run);
    sampler->samples++;
  }

  return NULL;
}

GST_START_TEST (test_stats_sampled)
{
  Sampler sampler = { NULL, };
  GThread *thread;
  guint i;

  start_server (NULL, 0);
  sampler.run = sink_run_new (url, "videotestsrc num-buffers=100 ! "
      "video/x-raw,width=64,height=64,framerate=25/1 ! jpegenc ! "
      "identifaisink name=sink segment-duration=200000000 muxer=matroskamux");
  thread = g_thread_new ("sampler", sample, &sampler);
  for (i = 0; i < 4; i++) {
    fail_unless (sink_run_start (sampler.run));
    sink_run_wait (sampler.run, i % 2 ? "identifai-submitted" :
        "identifai-verdict", 3);
    sink_run_stop (sampler.run);
    sink_run_forget (sampler.run);
  }
  g_atomic_int_set (&sampler.stop, 1);
  g_thread_join (thread);
  fail_unless (sampler.samples > 10);
  sink_run_free (sampler.run);
}

GST_END_TEST;

static Suite *
sinklife_suite (void)
{
  Suite *suite = suite_create ("sinklife");
  TCase *tcase = tcase_create ("life");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_loop_test (tcase, test_stop, 0, G_N_ELEMENTS (points));
  tcase_add_loop_test (tcase, test_stop_to_ready, 0, G_N_ELEMENTS (points));
  tcase_add_test (tcase, test_stop_deaf);
  tcase_add_test (tcase, test_cycling);
  tcase_add_test (tcase, test_cycling_in_upload);
  tcase_add_test (tcase, test_cycling_alone);
  tcase_add_test (tcase, test_reuse);
  tcase_add_test (tcase, test_flush_in_the_middle);
  tcase_add_test (tcase, test_flush_at_eos);
  tcase_add_test (tcase, test_pause_at_eos);
  tcase_add_test (tcase, test_pause_storm_at_eos);
  tcase_add_test (tcase, test_no_drain);
  tcase_add_test (tcase, test_endless_drain);
  tcase_add_test (tcase, test_short_drain);
  tcase_add_loop_test (tcase, test_stop_from_handler, 0,
      G_N_ELEMENTS (moments));
  tcase_add_test (tcase, test_stats_from_handler);
  tcase_add_test (tcase, test_stats_sampled);

  return suite;
}

GST_CHECK_MAIN (sinklife);
