/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the elements give to programs beside verdicts: sessions, files, and calls of
 * the service.
 */

#include <string.h>
#include "faultserver.h"
#include "sinkutil.h"

#define SOURCE "videotestsrc num-buffers=3 ! jpegenc ! avimux ! "
#define SINK SOURCE "identifaisink name=sink "

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
}

/* Sessions. */

static const gchar *
get_string (SinkRun * run, const gchar * name, guint nth, const gchar * field)
{
  const gchar *text = gst_structure_get_string (sink_run_get_structure (run,
          name, nth), field);

  fail_unless (text != NULL, "%s has no %s", name, field);

  return text;
}

/* One for all messages of a run, and another one for the next. */
GST_START_TEST (test_session)
{
  static const gchar *const names[] = { "identifai-segment",
    "identifai-submitted", "identifai-verdict"
  };
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server), *sessions[2];
  SinkRun *run = sink_run_new (url, SINK);
  guint round, i;

  for (round = 0; round < 2; round++) {
    sink_run_start (run);
    fail_unless (sink_run_wait_end (run));
    sessions[round] = g_strdup (get_string (run, names[0], 0, "session"));
    for (i = 0; i < G_N_ELEMENTS (names); i++)
      fail_unless_equals_string (get_string (run, names[i], 0, "session"),
          sessions[round]);
    sink_run_stop (run);
    sink_run_forget (run);
  }
  fail_if (g_str_equal (sessions[0], sessions[1]));

  g_free (sessions[0]);
  g_free (sessions[1]);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

static Suite *
sinkcalls_suite (void)
{
  Suite *s = suite_create ("sinkcalls");
  TCase *tc = tcase_create ("sessions");

  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, setup, NULL);
  tcase_add_test (tc, test_session);

  return s;
}

GST_CHECK_MAIN (sinkcalls);
