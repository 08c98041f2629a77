/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The programs start and stop a pipeline on worker threads: whichever comes first, it is
 * stopped in the end.
 */

#include "../../examples/common/pipelineend.h"

#include <gst/check/gstcheck.h>

static GstElement *
make_pipeline (void)
{
  GstElement *pipeline = gst_parse_launch ("fakesrc ! fakesink", NULL);

  fail_unless (pipeline != NULL);

  return pipeline;
}

static void
check_stopped (GstElement * pipeline)
{
  GstState state, pending;

  fail_unless_equals_int (gst_element_get_state (pipeline, &state, &pending,
          GST_CLOCK_TIME_NONE), GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (state, GST_STATE_NULL);
  fail_unless_equals_int (pending, GST_STATE_VOID_PENDING);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_stop)
{
  GstElement *pipeline = make_pipeline ();

  fail_unless (pipeline_set_state (pipeline, GST_STATE_PLAYING) !=
      GST_STATE_CHANGE_FAILURE);
  pipeline_stop (pipeline);
  check_stopped (pipeline);
}

GST_END_TEST;

GST_START_TEST (test_start_behind_stop)
{
  GstElement *pipeline = make_pipeline ();

  pipeline_stop (pipeline);
  fail_unless_equals_int (pipeline_set_state (pipeline, GST_STATE_PLAYING),
      GST_STATE_CHANGE_FAILURE);
  check_stopped (pipeline);
}

GST_END_TEST;

static gpointer
start (gpointer pipeline)
{
  pipeline_set_state (pipeline, GST_STATE_PLAYING);

  return NULL;
}

GST_START_TEST (test_both_at_once)
{
  guint i;

  for (i = 0; i < 200; i++) {
    GstElement *pipeline = make_pipeline ();
    GThread *thread = g_thread_new ("start", start, pipeline);

    pipeline_stop (pipeline);
    g_thread_join (thread);
    check_stopped (pipeline);
  }
}

GST_END_TEST;

static Suite *
pipelineend_suite (void)
{
  Suite *s = suite_create ("pipelineend");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_stop);
  tcase_add_test (tc, test_start_behind_stop);
  tcase_add_test (tc, test_both_at_once);

  return s;
}

GST_CHECK_MAIN (pipelineend);
