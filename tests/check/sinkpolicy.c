/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element's policy: its messages, and what review changes.
 */

#include "scene.h"

#define GOP 5
#define MESSAGE "identifai-policy"

/* Failed submit calls count as artificial, the service's verdicts as human. */
#define POLICY "policy,unjudged=artificial,min-time=0,enter=2,window=2,leave=2"
#define SINK "retries=0 segment-duration=200000000 max-pending-segments=50 " \
    "overflow=block on-refusal=warn "

static const FaultStep steps[] = {
  {FAULT_POST, 2,.status = 500},
  {FAULT_POST, 3,.status = 500},
};

/* One segment after the other, so that the n-th call is the n-th segment's. */
static void
push_segments (Scene * scene, guint from, guint to)
{
  guint i;

  for (i = from; i < to; i++) {
    scene_push (scene, i * GOP, (i + 1) * GOP);
    if (i > 0)
      sink_run_wait (scene->run, "identifai-segment", i);
    if (i > 0)
      fault_server_wait (scene->server, FAULT_POST, i);
  }
}

static void
check_message (Scene * scene, guint nth, const gchar * state,
    const gchar * previous, guint segment, gboolean enforced,
    const gchar * segments)
{
  const GstStructure *message =
      sink_run_get_structure (scene->run, MESSAGE, nth);
  GString *list = g_string_new (NULL);
  gboolean is_enforced;
  const GValue *array;
  guint64 time;
  guint i, number;

  fail_unless_equals_string (gst_structure_get_string (message, "state"),
      state);
  fail_unless_equals_string (gst_structure_get_string (message, "previous"),
      previous);
  fail_unless (gst_structure_get_uint (message, "segment", &number));
  fail_unless_equals_int (number, segment);
  fail_unless (gst_structure_get_boolean (message, "enforced", &is_enforced));
  fail_unless_equals_int (is_enforced, enforced);
  fail_unless (gst_structure_get_uint64 (message, "running-time", &time));
  fail_unless_equals_uint64 (time, segment * 200 * GST_MSECOND);
  array = gst_structure_get_value (message, "segments");
  for (i = 0; i < gst_value_array_get_size (array); i++)
    g_string_append_printf (list, "%s%u", i ? " " : "",
        g_value_get_uint (gst_value_array_get_value (array, i)));
  fail_unless_equals_string (list->str, segments);
  g_string_free (list, TRUE);
}

static void
run_stream (Scene * scene, const gchar * properties)
{
  scene_init (scene, steps, G_N_ELEMENTS (steps), properties);
  scene_start (scene, NULL);
  push_segments (scene, 0, 8);
  scene_finish (scene);
}

GST_START_TEST (test_messages)
{
  Scene scene;

  run_stream (&scene, "identifaisink name=sink " SINK "policy=\"" POLICY "\"");
  fail_unless_equals_int (sink_run_count (scene.run, MESSAGE), 3);
  check_message (&scene, 0, "review", "clear", 1, TRUE, "1");
  check_message (&scene, 1, "blocked", "review", 2, TRUE, "1 2");
  check_message (&scene, 2, "clear", "blocked", 4, TRUE, "3 4");
  scene_clear (&scene);
}

GST_END_TEST;

GST_START_TEST (test_shadow)
{
  Scene scene;

  run_stream (&scene, "identifaisink name=sink " SINK "policy=\"" POLICY
      ",enforce=false\"");
  fail_unless_equals_int (sink_run_count (scene.run, MESSAGE), 3);
  check_message (&scene, 1, "blocked", "review", 2, FALSE, "1 2");
  scene_clear (&scene);
}

GST_END_TEST;

GST_START_TEST (test_none)
{
  Scene scene;

  run_stream (&scene, "identifaisink name=sink " SINK);
  fail_unless_equals_int (sink_run_count (scene.run, MESSAGE), 0);
  scene_clear (&scene);
}

GST_END_TEST;

/* What one round says nothing of, the next one doesn't know. */
GST_START_TEST (test_again)
{
  Scene scene;
  guint round;

  scene_init (&scene, NULL, 0, "identifaisink name=sink " SINK "policy=\""
      "policy,min-time=0,review=0,block=0,enter=2,window=2\"");
  for (round = 0; round < 2; round++) {
    scene_start (&scene, NULL);
    push_segments (&scene, 0, 3);
    scene_finish (&scene);
    fail_unless_equals_int (sink_run_count (scene.run, MESSAGE), 2);
    check_message (&scene, 0, "review", "clear", 0, TRUE, "0");
    check_message (&scene, 1, "blocked", "review", 1, TRUE, "0 1");
    sink_run_stop (scene.run);
    sink_run_forget (scene.run);
    g_clear_pointer (&scene.feed, feed_free);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* Segments are far apart, until one of them is suspicious. */
static const struct
{
  const gchar *properties;
  const gchar *frames;
} boost_rows[] = {
  {"segment-interval=60000000000 policy=\"policy,review=0,block=1\"",
      "5 5 5 5 5 5"},
  {"segment-interval=60000000000 policy=\"policy,review=0,block=1,boost=false\"",
      "5"},
  {"segment-interval=60000000000 policy=\"policy,review=1,block=1\"", "5"},
  {"segment-interval=60000000000", "5"},
};

GST_START_TEST (test_boost)
{
  gchar *description = g_strconcat ("identifaisink name=sink " SINK,
      boost_rows[__i__].properties, NULL);
  Scene scene;

  scene_open (&scene, description, NULL);
  scene_push (&scene, 0, 2 * GOP);
  sink_run_wait (scene.run, "identifai-verdict", 1);
  if (__i__ == 0)
    sink_run_wait (scene.run, MESSAGE, 1);
  scene_push (&scene, 2 * GOP, 7 * GOP);
  scene_finish (&scene);
  scene_check_frames (&scene, boost_rows[__i__].frames);
  scene_clear (&scene);
  g_free (description);
}

GST_END_TEST;

/* Taken away in review, pauses come back. */
GST_START_TEST (test_taken_away)
{
  Scene scene;

  scene_open (&scene, "identifaisink name=sink " SINK "segment-interval="
      "60000000000 policy=\"policy,review=0,block=1\"", NULL);
  scene_push (&scene, 0, 2 * GOP);
  sink_run_wait (scene.run, MESSAGE, 1);
  scene_push (&scene, 2 * GOP, 4 * GOP);
  g_object_set (sink_run_get_sink (scene.run), "policy", NULL, NULL);
  scene_push (&scene, 4 * GOP, 8 * GOP);
  scene_finish (&scene);
  scene_check_frames (&scene, "5 5 5");
  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
sinkpolicy_suite (void)
{
  Suite *suite = suite_create ("sinkpolicy");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_messages);
  tcase_add_test (tcase, test_shadow);
  tcase_add_test (tcase, test_none);
  tcase_add_test (tcase, test_again);
  tcase_add_loop_test (tcase, test_boost, 0, G_N_ELEMENTS (boost_rows));
  tcase_add_test (tcase, test_taken_away);

  return suite;
}

GST_CHECK_MAIN (sinkpolicy);
