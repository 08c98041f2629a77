/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaigate: what it warns of, how it takes what goes wrong around it, and what
 * an operator does then.
 */

#include "gateutil.h"
#include "heldclock.h"

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

  gate_open (&gate, "..........", "hold=60000000000 max-held-bytes=20000 "
      "verdict-timeout=60000000000", TRUE);
  for (i = 0; i < FRAMES; i++) {
    gate_push (&gate, i, i + 1);
    most = MAX (most, (guint64) gate_get_stat (&gate, "held-bytes"));
    gate_check_law (&gate);
  }
  gate_wait_for_stat (&gate, "withheld-overflow", 1);
  fail_unless (gate_get_stat (&gate, "held-bytes") <= 20000);
  fail_unless (most < 30000, "%u", (guint) most);
  fail_unless_equals_int (gate_get_stat (&gate, "withheld"),
      gate_get_stat (&gate, "withheld-overflow"));
  find_warning (gate.run, "identifaigate/held-bytes");
  sink_run_wait (gate.run, "identifai-gate", 2);
  fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
          (gate.run, "identifai-gate", 1), "reason"), "overflow");
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

/*** the operator ***/

/* At the outgoing end, at once, whatever is held. */
GST_START_TEST (test_force_at_once)
{
  gint64 pressed, latest = 0;
  Gate gate;
  guint i;

  gate_open (&gate, "", "hold=300000000 on-unjudged=pass", TRUE);
  gate.feed->burst = 0;
  feed_start (gate.feed, gate.clip, 0, FRAMES, FALSE);
  gate_wait_for_frame (&gate, 10);
  pressed = g_get_monotonic_time ();
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (gate.run)), "force",
      "drop");
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  gate_wait_for_stat (&gate, "withheld-forced", 1);
  for (i = 0; i < FRAMES; i++)
    latest = MAX (latest, gate_get_time (&gate, i));
  fail_unless (latest < pressed + 100 * 1000, "%d us", (gint) (latest -
          pressed));
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

/*** what would have been ***/

GST_START_TEST (test_shadow)
{
  Gate gate;

  gate_open (&gate, "ccaafccccc", "policy=\"policy,enforce=false,leave=1,"
      "min-time=(guint64)0\"", FALSE);
  gate_push (&gate, 0, FRAMES);
  gate_finish (&gate);
  gate_check_segments (&gate, "PPPPPPPPPP", "shadow");
  fail_unless_equals_int64 (gate_get_stat (&gate, "shadow-segments"), 3);
  fail_unless_equals_int64 (gate_get_stat (&gate, "passed-segments"),
      GATE_SEGMENTS);
  gate_clear (&gate);
}

GST_END_TEST;

/*** the end ***/

/* A file that is over waits no longer than drain-timeout for its verdicts. */
GST_START_TEST (test_drain_timeout)
{
  static const gchar *const timeouts[] = { "0", "200000000" };
  gchar *properties = g_strconcat ("verdict-timeout=60000000000 drain-timeout=",
      timeouts[__i__], NULL);
  Gate gate;

  gate_open (&gate, "", properties, FALSE);
  fault_server_set_delay (gate.server, FAULT_NEVER);
  gate_push (&gate, 0, FRAMES);
  fail_unless (feed_event (gate.feed, gst_event_new_eos ()));
  gate_wait_for_stat (&gate, "withheld-unjudged", FRAMES);
  gate_check_segments (&gate, "----------", "drained");
  gate_check_law (&gate);
  gate_clear (&gate);
  g_free (properties);
}

GST_END_TEST;

/* What waits is given up as it says; there is no block. */
GST_START_TEST (test_pending)
{
  GParamSpec *pspec;
  Gate gate;

  gate_open (&gate, "", __i__ == 0 ? "hold=60000000000 overflow=drop-oldest "
      "max-pending-segments=2 verdict-timeout=60000000000" :
      "hold=60000000000 overflow=drop-newest max-pending-segments=2 "
      "verdict-timeout=60000000000", TRUE);
  pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (sink_run_get_sink
          (gate.run)), "overflow");
  fail_unless (g_enum_get_value_by_nick (G_PARAM_SPEC_ENUM (pspec)->enum_class,
          "block") == NULL);
  fault_server_close (gate.server);
  gate_push (&gate, 0, FRAMES);
  sink_run_wait (gate.run, "identifai-dropped", 3);
  fail_unless_equals_int64 (gate_get_stat (&gate, "held"), FRAMES);
  gate_clear (&gate);
}

GST_END_TEST;

/* What waits for its upload when it has to leave isn't posted any more: the budget is
 * for those that can make it. Its file is there for who wants it. */
typedef struct
{
  const gchar *properties;
  guint late;                   /* of ten segments, of which one may be posted */
} LateRow;

static const LateRow late_rows[] = {
  {"attach-file=flagged", 9},
  {"attach-file=flagged on-unjudged=pass", 8},  /* the last one is leaving */
  {"attach-file=flagged on-unjudged=pass policy=policy,enter=1,window=1", 9},
  {"attach-file=flagged hold=0", 0},    /* verdicts are all that is wanted */
};

GST_START_TEST (test_late)
{
  const LateRow *row = &late_rows[__i__];
  gchar *properties =
      g_strconcat ("hold=600000000 verdict-timeout=60000000000 ",
      row->properties, NULL);
  guint i;
  Gate gate;

  gate_init (&gate, "..........", properties);
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (gate.run)),
      "rate-limits", "limits,post-per-second=(uint)0,post-per-minute=(uint)1");
  gate_start (&gate, TRUE);
  gate_push (&gate, 0, FRAMES);
  feed_event (gate.feed, gst_event_new_eos ());
  sink_run_wait (gate.run, "eos", 1);
  sink_run_wait (gate.run, "identifai-submitted", 1);
  for (i = 0; i < row->late; i++) {
    const GstStructure *dropped;

    sink_run_wait (gate.run, "identifai-dropped", i + 1);
    dropped = sink_run_get_structure (gate.run, "identifai-dropped", i);
    fail_unless_equals_string (gst_structure_get_string (dropped, "reason"),
        "late");
    fail_unless (gst_structure_has_field (dropped, "file"));
    fail_unless (!gst_structure_has_field (dropped, "identifier"));
  }
  fail_unless_equals_int64 (gate_get_stat (&gate, "dropped"), row->late);
  fail_unless_equals_int64 (gate_get_stat (&gate, "pending"), GATE_SEGMENTS -
      row->late);
  fail_unless_equals_int64 (gate_get_stat (&gate, "post-requests"), 1);
  gate_check_law (&gate);
  gate_clear (&gate);
  g_free (properties);
}

GST_END_TEST;

static GstPadProbeReturn
block (GstPad * pad, GstPadProbeInfo * info, gpointer unused)
{
  return GST_PAD_PROBE_OK;
}

/* What is held while the pipeline is paused leaves later: there is time to judge it, also
 * when it plays again. */
GST_START_TEST (test_judged_in_pause)
{
  guint in_pause = __i__ == 0 ? GATE_SEGMENTS : GATE_SEGMENTS / 2;
  GstElement *pipeline, *out;
  GstPad *pad;
  gulong probe;
  Gate gate;

  held_clock_use ();
  gate_init (&gate, "", "hold=3000000000 verdict-timeout=60000000000");
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (gate.run)),
      "rate-limits", "limits,post-per-second=(uint)1,post-per-minute=(uint)0");
  gate_start (&gate, TRUE);
  pipeline = sink_run_get_pipeline (gate.run);
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  pad = gst_element_get_static_pad (out, "sink");
  gate_push (&gate, 0, FRAMES);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  feed_event (gate.feed, gst_event_new_eos ());
  sink_run_wait (gate.run, "identifai-verdict", in_pause);
  /* as a sink does that waits for the time of each */
  probe = gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, block,
      NULL, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  sink_run_wait (gate.run, "identifai-verdict", GATE_SEGMENTS);
  gst_pad_remove_probe (pad, probe);
  sink_run_wait (gate.run, "eos", 1);
  gate_check_segments (&gate, "PPPPPPPPPP", "paused");
  gate_check_law (&gate);
  gst_object_unref (pad);
  gst_object_unref (out);
  gate_clear (&gate);
}

GST_END_TEST;

/*** what is told downstream ***/

/* A letter a segment of which an event told: the first one of its classification, or
 * of what became of it; and a number of frames behind it. */
static gchar *
list_verdicts (Gate * gate)
{
  GString *list = g_string_new (NULL);
  guint i, n = 0;

  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++) {
    GateOut *out = &g_array_index (gate->outs, GateOut, i);
    const GstStructure *structure;
    const gchar *text;

    n += out->buffer != NULL;
    if (out->event == NULL
        || GST_EVENT_TYPE (out->event) != GST_EVENT_CUSTOM_DOWNSTREAM)
      continue;
    structure = gst_event_get_structure (out->event);
    fail_if (gst_structure_has_field (structure, "file"));
    text = gst_structure_has_name (structure, "identifai-verdict") ?
        gst_structure_get_string (structure, "classification") :
        gst_structure_get_name (structure) + strlen ("identifai-");
    g_string_append_printf (list, "%u%c", n, text[0]);
    n = 0;
  }
  g_mutex_unlock (&gate->lock);
  g_string_append_printf (list, "%u", n);

  return g_string_free (list, FALSE);
}

/* In front of each segment, also of one that doesn't leave; the message's fields, but
 * for the file, which would be held outside of all bounds. */
GST_START_TEST (test_verdict_events)
{
  gchar *list;
  Gate gate;

  gate_open (&gate, "cacufc.ccc", "attach-file=all", FALSE);
  gate_push (&gate, 0, FRAMES);
  g_signal_emit_by_name (sink_run_get_sink (gate.run), "override", 8,
      "artificial");
  gate_finish (&gate);
  list = list_verdicts (&gate);
  fail_unless_equals_string (list, "0h5a0h5u5f0h5f0h5a0h5");
  fail_unless (gst_structure_has_field (sink_run_get_structure (gate.run,
              "identifai-verdict", 0), "file"));
  g_free (list);
  gate_clear (&gate);
}

GST_END_TEST;

/*** the outgoing end goes and comes ***/

static GstPadProbeReturn
count_buffers (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GArray *frames = user_data;
  guint index = gate_get_index (GST_PAD_PROBE_INFO_BUFFER (info));

  g_array_append_val (frames, index);

  return GST_PAD_PROBE_OK;
}

static GstFlowReturn
push_some (Gate * gate, guint from, guint to)
{
  return feed_push (gate->feed, gate->clip, from, to, 0);
}

/* Nothing is linked; what comes goes on where decoding can start. */
GST_START_TEST (test_linked_late)
{
  GArray *frames = g_array_new (FALSE, FALSE, sizeof (guint));
  GstElement *element, *out;
  GstFlowReturn flow = GST_FLOW_OK;
  GstPad *pad;
  Gate gate;
  guint i;

  gate_open (&gate, "", "hold=0", TRUE);
  element = sink_run_get_sink (gate.run);
  out = gst_bin_get_by_name (GST_BIN (sink_run_get_pipeline (gate.run)), "out");
  gst_element_unlink (element, out);
  for (i = 0; flow == GST_FLOW_OK && i < 7; i++) {
    flow = push_some (&gate, i, i + 1);
    g_usleep (20 * 1000);
  }
  fail_unless_equals_int (flow, GST_FLOW_NOT_LINKED);
  /* what comes meanwhile isn't kept, but for what sticks */
  for (i = 0; i < 1000; i++)
    feed_event (gate.feed, gst_event_new_gap (0, GST_SECOND));
  fail_unless (feed_event (gate.feed, gst_event_new_tag
          (gst_tag_list_new (GST_TAG_TITLE, "title", NULL))));
  fail_unless_equals_int64 (gate_get_stat (&gate, "held"), 0);
  pad = gst_element_get_static_pad (out, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count_buffers, frames,
      NULL);
  fail_unless (gst_element_link (element, out));
  gate_push (&gate, 8, 20);
  gate_wait_for_frame (&gate, 19);
  fail_unless_equals_int (frames->len, 10);
  fail_unless_equals_int (g_array_index (frames, guint, 0), 10);
  fail_unless_equals_int64 (gate_get_stat (&gate, "withheld-start"), 2);
  fail_unless (gst_pad_get_sticky_event (pad, GST_EVENT_TAG, 0) != NULL);
  gate_check_law (&gate);
  gate_clear (&gate);
  gst_object_unref (pad);
  gst_object_unref (out);
  g_array_unref (frames);
}

GST_END_TEST;

static GstPadProbeReturn
note_discont (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gboolean is_discont = GST_BUFFER_FLAG_IS_SET (GST_PAD_PROBE_INFO_BUFFER
      (info), GST_BUFFER_FLAG_DISCONT);

  g_array_append_val ((GArray *) user_data, is_discont);

  return GST_PAD_PROBE_OK;
}

/* Sound, too: its first buffer says that some were lost. */
GST_START_TEST (test_sound_linked_late)
{
  GArray *disconts = g_array_new (FALSE, FALSE, sizeof (gboolean));
  GstElement *late = gst_element_factory_make ("fakesink", NULL);
  Clip *aac = clip_new_aac (40);
  GstFlowReturn flow = GST_FLOW_OK;
  GstPad *src, *pad;
  Feed *sound;
  Gate gate;
  guint i;

  gate_open (&gate, "", "hold=0", TRUE);
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, TRUE);
  gate_push (&gate, 0, 10);
  for (i = 0; flow == GST_FLOW_OK && i < 20; i++) {
    flow = feed_push (sound, aac, i, i + 1, 0);
    g_usleep (10 * 1000);
  }
  fail_unless_equals_int (flow, GST_FLOW_NOT_LINKED);
  g_object_set (late, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add (GST_BIN (sink_run_get_pipeline (gate.run)), late);
  pad = gst_element_get_static_pad (late, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, note_discont, disconts,
      NULL);
  gst_element_sync_state_with_parent (late);
  src = gst_element_get_static_pad (sink_run_get_sink (gate.run),
      "audio_src_0");
  fail_unless_equals_int (gst_pad_link (src, pad), GST_PAD_LINK_OK);
  fail_unless_equals_int (feed_push (sound, aac, 20, 40, 0), GST_FLOW_OK);
  feed_event (sound, gst_event_new_eos ());
  gate_finish (&gate);
  fail_unless_equals_int (disconts->len, 20);
  for (i = 0; i < disconts->len; i++)
    fail_unless_equals_int (g_array_index (disconts, gboolean, i), i == 0);
  gst_object_unref (src);
  gst_object_unref (pad);
  feed_free (sound);
  clip_free (aac);
  gate_clear (&gate);
  g_array_unref (disconts);
}

GST_END_TEST;

/* It was ended by a decision; a flush starts anew. */
GST_START_TEST (test_end_and_again)
{
  Gate gate;

  gate_open (&gate, "ca", "on-artificial=eos", FALSE);
  feed_push (gate.feed, gate.clip, 0, 20, 0);
  sink_run_wait (gate.run, "eos", 1);
  gate_check_segments (&gate, "P---------", "the end");
  fail_unless_equals_int (push_some (&gate, 20, 21), GST_FLOW_EOS);
  feed_flush (gate.feed, NULL);
  fault_server_set_verdicts (gate.server, "cccccccccccccccc");
  gate_push (&gate, 30, FRAMES);
  feed_event (gate.feed, gst_event_new_eos ());
  gate_wait_for_frame (&gate, FRAMES - 1);
  gate_check_segments (&gate, "P-----PPPP", "and again");
  gate_clear (&gate);
}

GST_END_TEST;

/* The stream breaks off, and goes on in the middle of a group of pictures: nothing of
 * that leaves, closed; all of it, open. */
GST_START_TEST (test_break)
{
  Gate gate;

  gate_open (&gate, "", __i__ == 0 ? "on-unjudged=drop" : "on-unjudged=pass",
      FALSE);
  gate_push (&gate, 0, 8);
  gate.feed->duration = 0;
  fail_unless_equals_int (feed_push (gate.feed, gate.clip, 12, 20,
          60 * GST_SECOND), GST_FLOW_OK);
  feed_event (gate.feed, gst_event_new_eos ());
  sink_run_wait_end (gate.run);
  fail_unless_equals_int64 (gate_get_stat (&gate, "withheld"),
      __i__ == 0 ? 3 : 0);
  fail_unless_equals_int64 (gate_get_stat (&gate, "passed"),
      __i__ == 0 ? 13 : 16);
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

/* Upstream flushes and forgets the segment, of which GStreamer warns: times can't be
 * known, and all else goes on. */
GST_START_TEST (test_no_segment)
{
  Gate gate;

  gate_open (&gate, "", "hold=60000000000", TRUE);
  gate_push (&gate, 0, 5);
  feed_event (gate.feed, gst_event_new_flush_start ());
  feed_event (gate.feed, gst_event_new_flush_stop (TRUE));
  ASSERT_WARNING (gate_push (&gate, 5, 6));
  fail_unless_equals_int64 (gate_get_stat (&gate, "held"), 1);
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

/* Pads go while events come by them. */
typedef struct
{
  Feed *sound;
  gint over;                    /* atomic */
} Flood;

static gpointer
flood (gpointer user_data)
{
  Flood *data = user_data;

  while (!g_atomic_int_get (&data->over)) {
    feed_event (data->sound, gst_event_new_flush_start ());
    feed_event (data->sound, gst_event_new_flush_stop (TRUE));
  }

  return NULL;
}

GST_START_TEST (test_release_in_flood)
{
  Clip *aac = clip_new_aac (3);
  Gate gate;
  guint i;

  gate_open (&gate, "", "", TRUE);
  for (i = 0; i < 50; i++) {
    Flood data = { feed_new (gate.run, "audio_0", aac->caps, NULL, TRUE), 0 };
    GThread *thread = g_thread_new ("flood", flood, &data);
    GstPad *pad = gst_pad_get_peer (data.sound->pad);

    g_usleep (i * 20);
    gst_element_release_request_pad (sink_run_get_sink (gate.run), pad);
    g_atomic_int_set (&data.over, TRUE);
    g_thread_join (thread);
    gst_object_unref (pad);
    feed_free (data.sound);
  }
  gate_push (&gate, 0, 5);
  clip_free (aac);
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
  tcase_add_test (tc, test_force_at_once);
  tcase_add_test (tc, test_shadow);
  tcase_add_loop_test (tc, test_drain_timeout, 0, 2);
  tcase_add_loop_test (tc, test_pending, 0, 2);
  tcase_add_loop_test (tc, test_late, 0, G_N_ELEMENTS (late_rows));
  tcase_add_loop_test (tc, test_judged_in_pause, 0, 2);
  tcase_add_test (tc, test_verdict_events);
  tcase_add_test (tc, test_linked_late);
  tcase_add_test (tc, test_sound_linked_late);
  tcase_add_test (tc, test_end_and_again);
  tcase_add_loop_test (tc, test_break, 0, 2);
  tcase_add_test (tc, test_no_segment);
  tcase_add_test (tc, test_release_in_flood);

  return suite;
}

GST_CHECK_MAIN (gatetrouble);
