/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element when segments come faster than they are judged: what holds the
 * video pad, what is dropped, what is said about it, and that the bounds hold
 * at every moment.
 */

#include "feed.h"

/* The clip: a key frame each GOP frames, and a segment each key frame. */
#define GOP 5
#define FRAMES 100
/* Of them, the last one is closed by EOS only. */
#define SEGMENTS (FRAMES / GOP)

#define SINK "identifaisink name=sink segment-duration=200000000 "

/* Calls that are on the wire at once, at most; see transport.h. */
#define UPLOADS 4

static const FaultStep silent[] = {
  {FAULT_POST, 0, FAULT_SILENT},
};

/* Silent at first, until the server is told to answer. */
static const FaultStep held[] = {
  {FAULT_POST, 0, FAULT_HELD},
};

static const FaultStep slow[] = {
  {FAULT_POST, 0, FAULT_ANSWER,.delay = 20},
};

/* Looks at stats all the time. */
typedef struct
{
  SinkRun *run;
  GThread *thread;
  gint stop;                    /* atomic */
  guint64 max_bytes;
  guint64 max_pending;
  guint64 max_held;             /* closed, and not taken by the service; right if
                                 * nothing fails or is dropped */
} Sampler;

static guint64
field (const GstStructure * stats, const gchar * name)
{
  guint64 value = 0;

  gst_structure_get_uint64 (stats, name, &value);

  return value;
}

static gpointer
sample (gpointer data)
{
  Sampler *self = data;
  GstStructure *stats;

  do {
    g_object_get (sink_run_get_sink (self->run), "stats", &stats, NULL);
    self->max_bytes = MAX (self->max_bytes, field (stats, "pending-bytes"));
    self->max_pending = MAX (self->max_pending, field (stats, "pending"));
    self->max_held = MAX (self->max_held, field (stats, "segments")
        - field (stats, "submitted"));
    gst_structure_free (stats);
    g_usleep (200);
  } while (!g_atomic_int_get (&self->stop));

  return NULL;
}

static void
sampler_start (Sampler * self, SinkRun * run)
{
  *self = (Sampler) {
  .run = run,};
  self->thread = g_thread_new ("sampler", sample, self);
}

static void
sampler_stop (Sampler * self)
{
  g_atomic_int_set (&self->stop, TRUE);
  g_thread_join (self->thread);
}

/* A service, an element and a clip. */
typedef struct
{
  FaultServer *server;
  SinkRun *run;
  Clip *clip;
  Feed *feed;
} Scene;

static void
scene_init (Scene * scene, const FaultStep * steps, guint n_steps,
    const gchar * description, gboolean live)
{
  gchar *url;

  scene->server = fault_server_new (steps, n_steps);
  url = fault_server_get_url (scene->server);
  scene->run = sink_run_new (url, description);
  scene->clip = clip_new_h264 (FRAMES, GOP);
  fail_unless (sink_run_start (scene->run));
  scene->feed = feed_new (scene->run, "sink", scene->clip->caps, NULL, live);
  g_free (url);
}

/* Whatever goes on, stopping ends it and gives all segments their outcomes. */
static void
scene_clear (Scene * scene)
{
  sink_run_stop (scene->run);
  feed_free (scene->feed);
  sink_run_free (scene->run);
  fault_server_free (scene->server);
  clip_free (scene->clip);
}

static GstStructure *
get_dropped (SinkRun * run, guint nth, guint * number)
{
  const GstStructure *dropped =
      sink_run_get_structure (run, "identifai-dropped", nth);

  fail_unless_equals_string (gst_structure_get_string (dropped, "reason"),
      "overflow");
  fail_unless (gst_structure_get_uint (dropped, "segment", number));

  return (GstStructure *) dropped;
}

static void
check_warning (SinkRun * run, guint nth, const gchar * text)
{
  GError *error = NULL;

  gst_message_parse_warning (sink_run_get (run, "warning", nth), &error, NULL);
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
  g_error_free (error);
}

/* overflow=block, or auto and not live: the thread stands still when the bound
 * is reached, and goes on when it is told to stop. */

typedef struct
{
  const gchar *properties;
  guint held;                   /* segments when it stands still */
} BlockRow;

static const BlockRow block_rows[] = {
  {"overflow=block max-pending-segments=1", 1},
  {"overflow=block max-pending-segments=3", 3},
  {"overflow=auto max-pending-segments=2", 2},
  /* Too few bytes for any: a single one always may. */
  {"overflow=block max-pending-bytes=1", 1},
};

GST_START_TEST (test_block_stands_still)
{
  const BlockRow *row = &block_rows[__i__];
  gchar *launch = g_strconcat (SINK, row->properties, NULL);
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), launch, FALSE);
  feed_start (scene.feed, scene.clip, 0, FRAMES, TRUE);
  sink_run_wait (scene.run, "identifai-segment", row->held);
  /* One more is in its hand, with the frame that closed it. */
  feed_wait (scene.feed, (row->held + 1) * GOP);
  sink_let_pass (200);
  fail_if (feed_is_done (scene.feed));
  fail_unless (feed_get_pushed (scene.feed) <= (row->held + 1) * GOP + 1);
  fail_unless_equals_uint64 (sink_run_get_stat (scene.run, "pending"),
      row->held);

  sink_run_stop (scene.run);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_FLUSHING);
  fail_unless (sink_run_count (scene.run, "identifai-dropped") > row->held);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);

  scene_clear (&scene);
  g_free (launch);
}

GST_END_TEST;

/* A slow service loses nothing, and the bounds hold. */
GST_START_TEST (test_block_slow)
{
  static const gchar *const properties[] = {
    SINK "max-pending-segments=1", SINK "max-pending-segments=2",
    SINK "overflow=block max-pending-segments=5",
  };
  static const guint bounds[] = { 1, 2, 5 };
  Sampler sampler;
  Scene scene;

  scene_init (&scene, slow, G_N_ELEMENTS (slow), properties[__i__], FALSE);
  sampler_start (&sampler, scene.run);
  feed_start (scene.feed, scene.clip, 0, FRAMES, TRUE);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  sampler_stop (&sampler);
  fail_unless (sink_run_wait_end (scene.run));

  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"),
      SEGMENTS);
  fail_unless (sampler.max_held <= bounds[__i__], "%" G_GUINT64_FORMAT
      " segments were held", sampler.max_held);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);
  scene_clear (&scene);
}

GST_END_TEST;

/* By bytes, whatever the muxer adds. */
GST_START_TEST (test_bytes_bound)
{
  static const gchar *const policies[] = { "block", "drop-oldest",
    "drop-newest"
  };
  Clip *clip = clip_new_h264 (FRAMES, GOP);
  guint64 bound = clip_count_bytes (clip, 0, 12 * GOP) + 100;
  gchar *launch = g_strdup_printf (SINK "overflow=%s max-pending-bytes=%"
      G_GUINT64_FORMAT, policies[__i__], bound);
  Sampler sampler;
  Scene scene;

  scene_init (&scene, slow, G_N_ELEMENTS (slow), launch, FALSE);
  sampler_start (&sampler, scene.run);
  feed_start (scene.feed, scene.clip, 0, FRAMES, TRUE);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  sampler_stop (&sampler);
  fail_unless (sink_run_wait_end (scene.run));

  fail_unless (sampler.max_bytes > 0);
  fail_unless (sampler.max_bytes <= bound, "%" G_GUINT64_FORMAT " bytes of %"
      G_GUINT64_FORMAT " were held", sampler.max_bytes, bound);
  scene_clear (&scene);
  clip_free (clip);
  g_free (launch);
}

GST_END_TEST;

/* The other policies: the thread never waits. */

typedef struct
{
  const gchar *properties;
  gboolean live;
  gboolean newest;              /* what is dropped */
  guint bound;
} DropRow;

static const DropRow drop_rows[] = {
  {"overflow=drop-oldest max-pending-segments=8", FALSE, FALSE, 8},
  {"overflow=drop-newest max-pending-segments=8", FALSE, TRUE, 8},
  {"overflow=auto max-pending-segments=8", TRUE, FALSE, 8},
  {"overflow=drop-oldest max-pending-segments=1", FALSE, FALSE, 1},
  {"overflow=drop-newest max-pending-segments=1", TRUE, TRUE, 1},
};

static void
check_which (const DropRow * row, SinkRun * run, guint n_closed)
{
  guint n = n_closed - row->bound, number, i;
  /* On the wire or with the muxer. */
  guint stuck = MIN (UPLOADS + 1, row->bound);

  fail_unless_equals_uint64 (sink_run_get_stat (run, "dropped"), n);
  /* They are told of when those in front of them are announced. */
  sink_run_wait (run, "identifai-dropped", n);
  for (i = 0; i < n; i++) {
    get_dropped (run, i, &number);
    if (row->newest)
      fail_unless (number >= row->bound);
    else
      fail_unless (row->bound == 1 || number < n_closed - (row->bound - stuck));
  }
}

GST_START_TEST (test_drop_silent)
{
  const DropRow *row = &drop_rows[__i__];
  gchar *launch = g_strconcat (SINK, row->properties, NULL);
  Sampler sampler;
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), launch, row->live);
  sampler_start (&sampler, scene.run);
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, FRAMES, 0),
      GST_FLOW_OK);
  sampler_stop (&sampler);
  check_which (row, scene.run, SEGMENTS - 1);
  fail_unless (sampler.max_pending <= row->bound);
  /* Once, when it starts. */
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1);
  fail_unless_equals_int (sink_run_count (scene.run, "info"), 0);
  check_warning (scene.run, 0, "drop");

  scene_clear (&scene);
  g_free (launch);
}

GST_END_TEST;

/* Nobody listens there, and every attempt is made again without end. */
GST_START_TEST (test_drop_gone)
{
  guint warnings;
  Scene scene;

  scene_init (&scene, NULL, 0, SINK "max-pending-segments=2", TRUE);
  fault_server_close (scene.server);
  gst_element_set_state (sink_run_get_pipeline (scene.run), GST_STATE_NULL);
  g_object_set (sink_run_get_sink (scene.run), "retries", -1, NULL);
  sink_run_forget (scene.run);
  fail_unless (sink_run_start (scene.run));
  feed_free (scene.feed);
  scene.feed = feed_new (scene.run, "sink", scene.clip->caps, NULL, TRUE);

  fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, FRAMES, 0),
      GST_FLOW_OK);
  sink_run_wait (scene.run, "identifai-dropped", SEGMENTS - 1 - 2);
  /* One for what is dropped, and one for the network. */
  sink_run_wait (scene.run, "warning", 2);
  warnings = sink_run_count (scene.run, "warning");
  fail_unless_equals_int (warnings, 2);
  fail_unless_equals_uint64 (sink_run_get_stat (scene.run, "pending"), 2);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-failed"), 0);

  scene_clear (&scene);
}

GST_END_TEST;

/* The service comes back: the trouble ends once, and can start again. */
GST_START_TEST (test_trouble_ends)
{
  guint verdicts, i;
  Scene scene;

  scene_init (&scene, held, G_N_ELEMENTS (held),
      SINK "max-pending-segments=4", TRUE);
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, FRAMES, 0),
      GST_FLOW_OK);
  sink_run_wait (scene.run, "warning", 1);
  fault_server_release (scene.server);
  verdicts = SEGMENTS - 1 - sink_run_get_stat (scene.run, "dropped");
  sink_run_wait (scene.run, "identifai-verdict", verdicts);
  fail_unless_equals_int (sink_run_count (scene.run, "info"), 0);

  /* One after the other, now. */
  for (i = 0; i < 5; i++) {
    fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, GOP,
            (4 + i / 5.) * GST_SECOND), GST_FLOW_OK);
    sink_run_wait (scene.run, "identifai-verdict", ++verdicts);
  }
  fail_unless_equals_int (sink_run_count (scene.run, "info"), 1);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1);

  scene_clear (&scene);
}

GST_END_TEST;

/* The end of the stream while the service is silent: drain-timeout holds for
 * what still waits for room, too. */
GST_START_TEST (test_drain_timeout)
{
  guint i;
  GError *error = NULL;
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent),
      SINK "overflow=block max-pending-segments=1 drain-timeout=300000000",
      FALSE);
  /* One is out, the other is closed by EOS. */
  feed_start (scene.feed, scene.clip, 0, 2 * GOP, TRUE);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  sink_run_wait (scene.run, "eos", 1);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-failed"), 2);
  for (i = 0; i < 2; i++)
    fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
            (scene.run, "identifai-failed", i), "reason"), "timeout");
  /* Nothing was judged: that is an error, and it says why. */
  fail_unless_equals_int (sink_run_count (scene.run, "error"), 1);
  gst_message_parse_error (sink_run_get (scene.run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, "None of the 2 segments") != NULL
      && strstr (error->message, "(2 timeout)") != NULL, "%s", error->message);
  g_error_free (error);

  scene_clear (&scene);
}

GST_END_TEST;

/* drain-timeout=0: EOS waits for nothing, not for room either. What is left goes
 * on, and the next stream is held until it has found its room, and says so; for a
 * second only if nobody knows whether it may be held. */
GST_START_TEST (test_drain_without_wait)
{
  static const gchar *const policies[] = { "block", "auto" };
  gchar *launch = g_strdup_printf (SINK "overflow=%s max-pending-segments=1 "
      "drain-timeout=0", policies[__i__]);
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), launch, FALSE);
  feed_start (scene.feed, scene.clip, 0, 2 * GOP, TRUE);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  sink_run_wait (scene.run, "eos", 1);
  fail_unless_equals_uint64 (sink_run_get_stat (scene.run, "pending"), 2);
  fail_unless_equals_int (sink_run_count (scene.run, "error"), 0);

  /* After a seek: the first frame stays there. */
  feed_flush (scene.feed, NULL);
  feed_start (scene.feed, scene.clip, 0, 2 * GOP, FALSE);
  if (__i__ == 0) {
    sink_run_wait (scene.run, "warning", 1);
    check_warning (scene.run, 0, "held");
    fail_unless_equals_int (feed_get_pushed (scene.feed), 0);
  } else {
    fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
    fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);
  }
  fail_unless_equals_uint64 (sink_run_get_stat (scene.run, "segments"), 2);
  sink_run_stop (scene.run);
  fail_unless (sink_run_count (scene.run, "identifai-dropped") >= 2);

  scene_clear (&scene);
  g_free (launch);
}

GST_END_TEST;

/* Upstream says that it is not live, as rtmp2src, fdsrc and souphttpsrc do, but
 * the frames come in real time, maybe after a server's cache. Bounds that are
 * reached before that is known hold the pad for a second at most; and nobody
 * ever answers. */

static const struct
{
  guint burst;                  /* frames */
  guint bound;
  const gchar *launch;
} pace_rows[] = {
  {0, 12, SINK "max-pending-segments=12"},
  {0, 1, SINK "max-pending-segments=1"},
  {25, 2, SINK "max-pending-segments=2"},
  {0, 1, SINK "max-pending-bytes=1"},   /* also of what waits for the other */
};

GST_START_TEST (test_real_time)
{
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), pace_rows[__i__].launch,
      FALSE);
  clip_free (scene.clip);
  scene.clip = clip_new_h264 (10 * FRAMES, GOP);
  scene.feed->burst = pace_rows[__i__].burst;
  feed_start (scene.feed, scene.clip, 0, 10 * FRAMES, FALSE);
  sink_run_wait (scene.run, "identifai-dropped", 1);
  fail_unless (sink_run_get_stat (scene.run, "pending") <=
      pace_rows[__i__].bound);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1);
  check_warning (scene.run, 0, "drop");
  fail_if (feed_is_done (scene.feed));

  scene_clear (&scene);
}

GST_END_TEST;

/* What comes at once loses nothing, however long it lasts. How long it is,
 * nobody knows: so the pad is not held for ever before that is clear. */
GST_START_TEST (test_unknown_pace)
{
  Sampler sampler;
  Scene scene;

  scene_init (&scene, held, G_N_ELEMENTS (held), SINK "max-pending-segments=2",
      FALSE);
  sampler_start (&sampler, scene.run);
  feed_start (scene.feed, scene.clip, 0, FRAMES, TRUE);
  feed_wait (scene.feed, FRAMES);
  fail_unless_equals_uint64 (sink_run_get_stat (scene.run, "segments"), 2);
  fault_server_release (scene.server);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  sampler_stop (&sampler);
  fail_unless (sink_run_wait_end (scene.run));
  fail_unless (sampler.max_held <= 2);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"),
      SEGMENTS);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);

  scene_clear (&scene);
}

GST_END_TEST;

/* A pad that is held for long is told of, once, and that it isn't any more. */
GST_START_TEST (test_held_is_told)
{
  guint verdicts = 4, i;
  Scene scene;

  scene_init (&scene, held, G_N_ELEMENTS (held),
      SINK "overflow=block max-pending-segments=1", FALSE);
  feed_start (scene.feed, scene.clip, 0, 5 * GOP, FALSE);
  sink_run_wait (scene.run, "warning", 1);
  check_warning (scene.run, 0, "held");
  fail_if (feed_is_done (scene.feed));
  fault_server_release (scene.server);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  sink_run_wait (scene.run, "identifai-verdict", verdicts);

  for (i = 0; i < 4; i++) {
    fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, GOP,
            (1 + i / 5.) * GST_SECOND), GST_FLOW_OK);
    sink_run_wait (scene.run, "identifai-verdict", ++verdicts);
  }
  fail_unless_equals_int (sink_run_count (scene.run, "info"), 1);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1);

  scene_clear (&scene);
}

GST_END_TEST;

/* A held pad is let go of by a flush, and the stream starts afresh. */
GST_START_TEST (test_flush_while_blocked)
{
  GstSegment segment;
  guint flushed;
  Scene scene;

  scene_init (&scene, held, G_N_ELEMENTS (held),
      SINK "overflow=block max-pending-segments=1", FALSE);
  feed_start (scene.feed, scene.clip, 0, FRAMES, FALSE);
  sink_run_wait (scene.run, "identifai-segment", 1);
  feed_wait (scene.feed, 2 * GOP);
  fail_unless (feed_event (scene.feed, gst_event_new_flush_start ()));
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_FLUSHING);
  fail_unless (feed_event (scene.feed, gst_event_new_flush_stop (TRUE)));
  flushed = sink_run_get_stat (scene.run, "dropped");
  fail_unless (flushed >= 1);
  /* Another thread may be posting them. */
  sink_run_wait (scene.run, "identifai-dropped", flushed);
  fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
          (scene.run, "identifai-dropped", 0), "reason"), "flushed");

  fault_server_release (scene.server);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (feed_event (scene.feed, gst_event_new_segment (&segment)));
  feed_start (scene.feed, scene.clip, 0, 4 * GOP, TRUE);
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  fail_unless (sink_run_wait_end (scene.run));
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-dropped"),
      flushed);

  scene_clear (&scene);
}

GST_END_TEST;

/* A held pad stays held over a pause, and goes on after it. */
GST_START_TEST (test_pause_while_blocked)
{
  Scene scene;

  scene_init (&scene, held, G_N_ELEMENTS (held),
      SINK "overflow=block max-pending-segments=1", FALSE);
  feed_start (scene.feed, scene.clip, 0, 4 * GOP, TRUE);
  sink_run_wait (scene.run, "identifai-segment", 1);
  gst_element_set_state (sink_run_get_pipeline (scene.run), GST_STATE_PAUSED);
  fault_server_release (scene.server);
  fail_unless (gst_element_get_state (sink_run_get_pipeline (scene.run), NULL,
          NULL, 20 * GST_SECOND) != GST_STATE_CHANGE_FAILURE);
  fail_unless (sink_run_start (scene.run));
  fail_unless_equals_int (feed_join (scene.feed), GST_FLOW_OK);
  fail_unless (sink_run_wait_end (scene.run));
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"), 4);

  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
overflow_suite (void)
{
  Suite *suite = suite_create ("overflow");
  TCase *block = tcase_create ("block");
  TCase *drop = tcase_create ("drop");

  suite_add_tcase (suite, block);
  tcase_add_loop_test (block, test_block_stands_still, 0,
      G_N_ELEMENTS (block_rows));
  tcase_add_loop_test (block, test_block_slow, 0, 3);
  tcase_add_loop_test (block, test_real_time, 0, G_N_ELEMENTS (pace_rows));
  tcase_add_test (block, test_unknown_pace);
  tcase_add_test (block, test_held_is_told);
  tcase_add_test (block, test_drain_timeout);
  tcase_add_loop_test (block, test_drain_without_wait, 0, 2);
  tcase_add_test (block, test_flush_while_blocked);
  tcase_add_test (block, test_pause_while_blocked);

  suite_add_tcase (suite, drop);
  tcase_add_loop_test (drop, test_drop_silent, 0, G_N_ELEMENTS (drop_rows));
  tcase_add_test (drop, test_drop_gone);
  tcase_add_test (drop, test_trouble_ends);
  tcase_add_loop_test (drop, test_bytes_bound, 0, 3);

  return suite;
}

GST_CHECK_MAIN (overflow);
