/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaigate: what it warns of, how it takes what goes wrong around it, and what
 * an operator does then.
 */

#include "gateutil.h"

#include <string.h>

#define GOP GATE_GOP
#define FRAMES GATE_FRAMES

/*** demand ***/

typedef struct
{
  const gchar *name;
  const gchar *elements[4];
  const gchar *limits;
  gdouble wanted, limit;        /* of the last one's warning; 0: there is none */
  guint64 fitting;              /* ms */
} DemandRow;

#define LIMITS "limits,post-per-second=(uint)1,post-per-minute=(uint)30"
#define SECONDS(element, duration) element " segment-duration=" duration "000000000 "

static const DemandRow demand_rows[] = {
  {"two of 4 s fill a key", {"identifaigate", "identifaigate"}, LIMITS, 0},
  {"a third is too much", {"identifaigate", "identifaigate", "identifaigate"},
      LIMITS, 45, 30, 6000},
  {"longer segments fit", {SECONDS ("identifaigate", "6"), SECONDS
              ("identifaigate", "6"), SECONDS ("identifaigate", "6")}, "limits",
      0},
  {"a duty cycle", {"identifaigate", "identifaigate",
          SECONDS ("identifaigate", "5") "segment-interval=60000000000"},
      LIMITS, 31, 30, 62000},
  {"sinks count, too", {"identifaisink", "identifaisink", "identifaisink",
          "identifaigate"}, LIMITS, 33, 30, 4400},
  {"another key's don't", {"identifaigate", "identifaigate api-key=other",
          "identifaigate"}, LIMITS, 0},
  {"another limit", {"identifaigate"},
      "limits,post-per-second=(uint)1,post-per-minute=(uint)10", 15,
      10,
      6000},
  {"a limit a second", {SECONDS ("identifaigate", "0") "", "identifaigate"},
      "limits,post-per-second=(uint)1,post-per-minute=(uint)0", 0},
  {"no limit", {"identifaigate", "identifaigate", "identifaigate"}, "none", 0},
};

/* Waits for it. */
static const GstStructure *
find_warning (SinkRun * run, const gchar * name)
{
  const GstStructure *details;
  guint i;

  for (i = 0;; i++) {
    sink_run_wait (run, "warning", i + 1);
    gst_message_parse_warning_details (sink_run_get (run, "warning", i),
        &details);
    if (details != NULL && gst_structure_has_name (details, name))
      return details;
  }
}

static void
check_demand (SinkRun * run, const DemandRow * row)
{
  const GstStructure *details;
  gdouble wanted = 0, limit = 0;
  guint64 fitting = 0;

  if (row->wanted <= 0) {
    fail_unless_equals_int (sink_run_count (run, "warning"), 0);
    return;
  }
  details = find_warning (run, "identifai/demand");
  fail_unless (gst_structure_get (details, "uploads-per-minute", G_TYPE_DOUBLE,
          &wanted, "limit-per-minute", G_TYPE_DOUBLE, &limit,
          "segment-duration", G_TYPE_UINT64, &fitting, NULL));
  fail_unless (wanted == row->wanted && limit == row->limit,
      "%s: %g of %g", row->name, wanted, limit);
  fail_unless_equals_uint64 (fitting, row->fitting * GST_MSECOND);
}

static SinkRun *
start_element (const gchar * url, const gchar * element, const gchar * limits)
{
  gboolean is_gate = g_str_has_prefix (element, "identifaigate");
  gchar *text = g_strdup_printf ("%s name=sink%s", element,
      is_gate ? " ! fakesink sync=false async=false" : "");
  SinkRun *run = sink_run_new (url, text);

  g_free (text);
  if (strstr (element, "api-key=") != NULL)
    g_object_set (sink_run_get_sink (run), "api-key", "other", NULL);
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (run)), "rate-limits",
      limits);
  if (is_gate)
    g_object_set (sink_run_get_sink (run), "policy", NULL, NULL);
  fail_unless (sink_run_start (run));

  return run;
}

/* A sink is asked when its stream turns out to come in real time. */
GST_START_TEST (test_demand)
{
  const DemandRow *row = &demand_rows[__i__];
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  Clip *clip = clip_new_h264 (FRAMES, GOP);
  SinkRun *runs[4] = { NULL, };
  Feed *feeds[4] = { NULL, };
  guint i;

  for (i = 0; i < 4 && row->elements[i] != NULL; i++) {
    runs[i] = start_element (url, row->elements[i], row->limits);
    feeds[i] = feed_new (runs[i], "sink", clip->caps, NULL, TRUE);
    fail_unless_equals_int (feed_push (feeds[i], clip, 0, 1, 0), GST_FLOW_OK);
  }
  check_demand (runs[i - 1], row);
  while (i-- > 0) {
    sink_run_stop (runs[i]);
    feed_free (feeds[i]);
    sink_run_free (runs[i]);
  }
  clip_free (clip);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* What has stopped wants nothing any more. */
GST_START_TEST (test_demand_ends)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  guint i;

  for (i = 0; i < 4; i++) {
    SinkRun *run = start_element (url, "identifaigate", LIMITS);

    fail_unless_equals_int (sink_run_count (run, "warning"), 0);
    sink_run_free (run);
  }
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/*** a hold that is too short ***/

typedef struct
{
  const gchar *properties;
  gboolean warned;
} HoldRow;

static const HoldRow hold_rows[] = {
  {"hold=8000000000 segment-duration=4000000000 policy=policy", TRUE},
  {"hold=8100000000 segment-duration=4000000000 policy=policy", FALSE},
  {"hold=8000000000 segment-duration=4000000000", FALSE},
  {"hold=8000000000 segment-duration=4000000000 "
        "policy=\"policy,enforce=false\"", FALSE},
  {"hold=12000000000 segment-duration=4000000000 "
        "policy=\"policy,enter=3,window=5\"", TRUE},
  {"hold=0 policy=policy", FALSE},
};

GST_START_TEST (test_short_hold)
{
  const HoldRow *row = &hold_rows[__i__];
  Gate gate;

  gate_open (&gate, "", row->properties, TRUE);
  if (row->warned)
    find_warning (gate.run, "identifaigate/short-hold");
  fail_unless_equals_int (sink_run_count (gate.run, "warning"), row->warned);
  gate_clear (&gate);
}

GST_END_TEST;

/* By what was seen: outcomes take as long as it is held. Once. */
GST_START_TEST (test_short_hold_seen)
{
  const GstStructure *details;
  guint64 needed;
  Gate gate;

  gate_open (&gate, "", "hold=650000000 policy=policy on-unjudged=pass "
      "verdict-timeout=60000000000", TRUE);
  fail_unless_equals_int (sink_run_count (gate.run, "warning"), 0);
  fault_server_set_delay (gate.server, 500);
  gate_push (&gate, 0, FRAMES);
  details = find_warning (gate.run, "identifaigate/short-hold");
  fail_unless (gst_structure_get_uint64 (details, "needed", &needed));
  fail_unless (needed >= 650 * GST_MSECOND);
  gate_clear (&gate);
}

GST_END_TEST;

/*** more than may be held ***/

/* The oldest leaves early, by on-unjudged, with one warning, and memory stays below. */
GST_START_TEST (test_overflow)
{
  guint64 most = 0;
  Gate gate;
  guint i;

  gate_open (&gate, "..........", "hold=60000000000 max-held-bytes=6000 "
      "verdict-timeout=60000000000", TRUE);
  for (i = 0; i < FRAMES; i++) {
    gate_push (&gate, i, i + 1);
    most = MAX (most, (guint64) gate_get_stat (&gate, "held-bytes"));
    gate_check_law (&gate);
  }
  gate_wait_for_stat (&gate, "withheld-overflow", 1);
  fail_unless (gate_get_stat (&gate, "held-bytes") <= 6000);
  fail_unless (most < 30000, "%u", (guint) most);
  fail_unless_equals_int (gate_get_stat (&gate, "withheld"),
      gate_get_stat (&gate, "withheld-overflow"));
  find_warning (gate.run, "identifaigate/held-bytes");
  fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
          (gate.run, "identifai-gate", 0), "reason"), "overflow");
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

static Suite *
gatetrouble_suite (void)
{
  Suite *suite = suite_create ("gatetrouble");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_demand, 0, G_N_ELEMENTS (demand_rows));
  tcase_add_test (tc, test_demand_ends);
  tcase_add_loop_test (tc, test_short_hold, 0, G_N_ELEMENTS (hold_rows));
  tcase_add_test (tc, test_short_hold_seen);
  tcase_add_test (tc, test_overflow);

  return suite;
}

GST_CHECK_MAIN (gatetrouble);
