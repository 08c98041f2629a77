/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaigate: what leaves, and what doesn't. The stream is a file where only that
 * matters, as a file leaves with its verdicts, however slow the machine is.
 */

#include "gateutil.h"
#include "heldclock.h"

#include <string.h>

#define GOP GATE_GOP
#define FRAMES GATE_FRAMES
#define SEGMENTS GATE_SEGMENTS
#define FRAME GATE_FRAME

/*** what leaves ***/

typedef struct
{
  const gchar *name;
  const gchar *properties;
  const gchar *verdicts;
  const gchar *expected;
} Row;

static const Row rows[] = {
  {"all clean", "", "", "PPPPPPPPPP"},
  {"closed", "", "cacuf.cacc", "P-FP--F-FP"},
  {"open", "on-unjudged=pass", "cacuf.cacc", "P-FPPPP-FP"},
  {"only told", "on-artificial=pass on-unjudged=pass", "cacuf.cacc",
      "PPPPPPPPPP"},
  {"what is unknown withheld", "on-unknown=drop", "cuccc", "P-FPPPPPPP"},
  {"from the start", "", "aac", "--FPPPPPPP"},
  {"to the end", "", "ccccccccca", "PPPPPPPPP-"},
  {"all of it", "", "aaaaaaaaaa", "----------"},
  {"neighbours", "pre-roll=1 post-roll=2", "ccccacccca", "PPP----F--"},
  {"the policy: one is not enough", "policy=policy", "ccaccccccc",
      "PPPPPPPPPP"},
  {"the policy: two are", "policy=policy", "ccaaccccc", "PP--------"},
  {"the policy: two, and back",
        "policy=\"policy,min-time=(guint64)0,leave=2\"", "ccaacccccc",
      "PP---FPPPP"},
  {"the policy: shadow", "policy=\"policy,enforce=false\"", "ccaafcccc",
      "PPPPPPPPPP"},
  {"forced", "force=pass", "aaaaaaaaaa", "PPPPPPPPPP"},
  {"forced not to", "force=drop", "", "----------"},
  {"between samples as the one before", "segment-interval=400000000", "ca",
      "PP--FPPPPP"},
  {"between samples all pass", "segment-interval=400000000 on-unsampled=pass",
      "ca", "PP-FPPPPPP"},
  {"between samples nothing does",
      "segment-interval=400000000 on-unsampled=drop", "", "P-F-F-F-F-"},
  {"the end", "on-artificial=eos", "cca", "PP--------"},
};

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  Gate gate;

  gate_open (&gate, row->verdicts, row->properties, FALSE);
  feed_push (gate.feed, gate.clip, 0, FRAMES, 0);
  feed_event (gate.feed, gst_event_new_eos ());
  fail_unless (sink_run_wait_end (gate.run) || !strstr (row->verdicts, "c"));
  gate_check_segments (&gate, row->expected, row->name);
  gate_check_law (&gate);
  fail_unless_equals_int64 (gate_get_stat (&gate, "held-bytes"), 0);
  gate_clear (&gate);
}

GST_END_TEST;

/*** when ***/

/* Never earlier than hold after it came, nor much later, and not in bursts. */
GST_START_TEST (test_steady)
{
  guint in_time = 0, i;
  Gate gate;

  held_clock_use ();
  gate_open (&gate, "", "hold=1000000000 on-unjudged=pass", TRUE);
  gate.feed->burst = 0;
  feed_start (gate.feed, gate.clip, 0, 40, TRUE);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  sink_run_wait (gate.run, "eos", 1);
  for (i = 0; i < 40; i++) {
    gint64 delay = gate_get_time (&gate, i) - gate.came[i];

    fail_unless (gate_get_time (&gate, i) >= 0, "frame %u", i);
    fail_unless (delay >= 999 * 1000, "frame %u after %d us", i, (gint) delay);
    in_time += delay < 1040 * 1000;
  }
  fail_unless_equals_int (in_time, 40);
  gate_clear (&gate);
}

GST_END_TEST;

/*** somebody knows better ***/

static void
override (Gate * gate, guint segment, const gchar * classification)
{
  g_signal_emit_by_name (sink_run_get_sink (gate->run), "override", segment,
      classification);
}

/* Before the service has answered, and after it; all waits for the first one. */
GST_START_TEST (test_override)
{
  static const gchar *const classifications[SEGMENTS] = { NULL, "artificial",
    NULL, "human", NULL, "unknown", "human", "human", "artificial", "human"
  };
  gchar *text;
  Gate gate;
  guint i;

  gate_open (&gate, ".caacc....", "verdict-timeout=60000000000", FALSE);
  gate_push (&gate, 0, FRAMES);
  fail_unless (feed_event (gate.feed, gst_event_new_eos ()));
  sink_run_wait (gate.run, "identifai-verdict", 5);
  for (i = 0; i < SEGMENTS; i++) {
    if (classifications[i] != NULL)
      override (&gate, i, classifications[i]);
  }
  override (&gate, 0, "human");
  sink_run_wait (gate.run, "identifai-gate", 4);
  gate_wait_for_stat (&gate, "withheld-verdict", 3 * GOP);
  gate_wait_for_frame (&gate, FRAMES - 1);
  gate_check_segments (&gate, "P--FPPPP-F", "overridden");
  gate_check_law (&gate);
  /* it has left: nothing changes, and is told so */
  override (&gate, 1, "human");
  sink_run_wait (gate.run, "info", 1);
  text = gate_describe (&gate);
  fail_unless (strncmp (text + GOP, "-----", GOP) == 0);
  g_free (text);
  gate_clear (&gate);
}

GST_END_TEST;

/* A file's segment leaves when somebody says what it is. */
GST_START_TEST (test_override_file)
{
  Gate gate;

  gate_open (&gate, "..........", "verdict-timeout=60000000000", FALSE);
  gate_push (&gate, 0, 12);
  override (&gate, 0, "human");
  gate_wait_for_frame (&gate, GOP - 1);
  override (&gate, 1, "artificial");
  gate_wait_for_stat (&gate, "withheld-verdict", GOP);
  fail_unless_equals_int64 (gate_get_stat (&gate, "passed"), GOP);
  gate_clear (&gate);
}

GST_END_TEST;

static void
check_latency (Gate * gate, GstClockTime expected)
{
  GstPad *pad = gst_element_get_static_pad (sink_run_get_sink (gate->run),
      "src");
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min, max;
  gboolean live;

  fail_unless (gst_pad_query (pad, query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live);
  fail_unless_equals_uint64 (min, expected);
  fail_unless_equals_uint64 (max, GST_CLOCK_TIME_NONE);
  gst_query_unref (query);
  gst_object_unref (pad);
}

GST_START_TEST (test_latency)
{
  guint told;
  Gate gate;

  gate_open (&gate, "", "hold=3000000000", TRUE);
  check_latency (&gate, 3 * GST_SECOND);
  told = sink_run_count (gate.run, "latency");
  g_object_set (sink_run_get_sink (gate.run), "hold",
      (guint64) 5 * GST_SECOND, NULL);
  fail_unless_equals_int (sink_run_count (gate.run, "latency"), told + 1);
  check_latency (&gate, 5 * GST_SECOND);
  g_object_set (sink_run_get_sink (gate.run), "hold", (guint64) G_MAXINT64,
      NULL);
  check_latency (&gate, G_MAXINT64);
  gate_clear (&gate);
}

GST_END_TEST;

static void
count_notify (GObject * element, GParamSpec * pspec, gpointer count)
{
  g_atomic_int_inc ((gint *) count);
}

/* A file's pictures leave with their outcome. */
GST_START_TEST (test_delay_is_notified)
{
  gint notified = 0;
  guint64 delay;
  Gate gate;

  gate_open (&gate, "", "", FALSE);
  g_signal_connect (sink_run_get_sink (gate.run), "notify::max-observed-delay",
      G_CALLBACK (count_notify), &notified);
  gate_push (&gate, 0, FRAMES);
  gate_finish (&gate);
  g_object_get (sink_run_get_sink (gate.run), "max-observed-delay", &delay,
      NULL);
  fail_unless (delay > 0);
  fail_unless (g_atomic_int_get (&notified) > 0);
  fail_unless (g_atomic_int_get (&notified) <= SEGMENTS);
  gate_clear (&gate);
}

GST_END_TEST;

static void
check_state (Gate * gate, guint nth, const gchar * state, const gchar * reason)
{
  const GstStructure *structure;

  sink_run_wait (gate->run, "identifai-gate", nth + 1);
  structure = sink_run_get_structure (gate->run, "identifai-gate", nth);
  fail_unless_equals_string (gst_structure_get_string (structure, "state"),
      state);
  fail_unless_equals_string (gst_structure_get_string (structure, "reason"),
      reason);
}

/* Closed, and the service says nothing: nothing leaves, and a warning says why. */
GST_START_TEST (test_late)
{
  const GstStructure *details;
  Gate gate;

  gate_open (&gate, "..........", "hold=300000000 verdict-timeout=60000000000",
      TRUE);
  gate_push (&gate, 0, FRAMES);
  gate_wait_for_stat (&gate, "withheld-unjudged", FRAMES);
  gate_check_segments (&gate, "----------", "late");
  sink_run_wait (gate.run, "warning", 1);
  gst_message_parse_warning_details (sink_run_get (gate.run, "warning", 0),
      &details);
  fail_unless (gst_structure_has_name (details,
          "identifaigate/excessive-delay"));
  check_state (&gate, 0, "drop", "start");
  check_state (&gate, 1, "drop", "unjudged");
  fail_unless (gate_get_stat (&gate, "late-segments") >= SEGMENTS - 1);
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

/* Open, and there is no service: all leaves. */
GST_START_TEST (test_open_without_service)
{
  Gate gate;

  gate_open (&gate, "", "hold=300000000 on-unjudged=pass", TRUE);
  fault_server_close (gate.server);
  gate_push (&gate, 0, FRAMES);
  gate_finish (&gate);
  gate_check_segments (&gate, "PPPPPPPPPP", "open");
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

/* Nothing is held, of a file either. */
GST_START_TEST (test_only_told)
{
  Gate gate;

  gate_open (&gate, "aaaaaaaaaa", "hold=0", __i__ == 0);
  gate_push (&gate, 0, FRAMES);
  gate_wait_for_frame (&gate, FRAMES - 1);
  gate_finish (&gate);
  gate_check_segments (&gate, "PPPPPPPPPP", "only told");
  gate_clear (&gate);
}

GST_END_TEST;

/*** the operator ***/

GST_START_TEST (test_dump)
{
  GstElement *element;
  Gate gate;

  gate_open (&gate, "", "", FALSE);
  element = sink_run_get_sink (gate.run);
  fault_server_set_delay (gate.server, FAULT_NEVER);
  gate_push (&gate, 0, 20);
  g_signal_emit_by_name (element, "dump", (guint64) 3600 * GST_SECOND);
  gate_push (&gate, 20, 27);
  g_signal_emit_by_name (element, "release");
  gate_push (&gate, 27, FRAMES);
  fault_server_set_delay (gate.server, 0);
  gate_finish (&gate);
  gate_check_segments (&gate, "------FPPP", "dumped");
  fail_unless_equals_int64 (gate_get_stat (&gate, "withheld-dumped"), 30);
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

GST_START_TEST (test_force)
{
  GstElement *element;
  gboolean passing;
  Gate gate;

  gate_open (&gate, "", "hold=0", TRUE);
  element = sink_run_get_sink (gate.run);
  gate_push (&gate, 0, 7);
  gate_wait_for_stat (&gate, "passed", 7);
  gst_util_set_object_arg (G_OBJECT (element), "force", "drop");
  gate_push (&gate, 7, 12);
  gate_wait_for_stat (&gate, "withheld-forced", 5);
  g_object_get (element, "passing", &passing, NULL);
  fail_if (passing);
  gst_util_set_object_arg (G_OBJECT (element), "force", "none");
  gate_push (&gate, 12, 25);
  gate_finish (&gate);
  gate_check_segments (&gate, "P?-FP", "forced");
  fail_unless_equals_int64 (gate_get_stat (&gate, "passed"), 17);
  fail_unless_equals_int (sink_run_count (gate.run, "identifai-gate"), 3);
  gate_clear (&gate);
}

GST_END_TEST;

/* Lowered while it is full: what is jumped over doesn't leave. */
GST_START_TEST (test_lower_hold)
{
  Gate gate;

  gate_open (&gate, "", "hold=60000000000 on-unjudged=pass", TRUE);
  gate_push (&gate, 0, 25);
  /* what is to be jumped over is older than the new delay */
  sink_let_pass (300);
  gate_push (&gate, 25, FRAMES);
  g_object_set (sink_run_get_sink (gate.run), "hold",
      (guint64) 150 * GST_MSECOND, NULL);
  gate_finish (&gate);
  gate_check_segments (&gate, "-----FPPPP", "lowered");
  fail_unless_equals_int64 (gate_get_stat (&gate, "withheld-skipped"), 25);
  gate_clear (&gate);
}

GST_END_TEST;

/* Raised: nothing leaves until the delay is built. If nothing is held any more, what
 * was doesn't leave by that. */
GST_START_TEST (test_raise_hold)
{
  GstElement *element;
  Gate gate;

  gate_open (&gate, "", "hold=100000000 on-unjudged=pass", TRUE);
  element = sink_run_get_sink (gate.run);
  gate_push (&gate, 0, 10);
  gate_wait_for_frame (&gate, 9);
  g_object_set (element, "hold", (guint64) 60 * GST_SECOND, NULL);
  gate_push (&gate, 10, 20);
  sink_let_pass (200);
  fail_unless (gate_get_time (&gate, 10) < 0);
  fail_unless_equals_int64 (gate_get_stat (&gate, "held"), 10);
  g_object_set (element, "hold", (guint64) 0, NULL);
  gate_push (&gate, 20, 25);
  gate_wait_for_frame (&gate, 24);
  gate_check_segments (&gate, "PP--F-----", "raised");
  fail_unless_equals_int64 (gate_get_stat (&gate, "withheld-skipped"), 10);
  gate_clear (&gate);
}

GST_END_TEST;

/*** ends, flushes and the like ***/

typedef enum
{
  AT_START,
  AT_OPEN,                      /* in the middle of a segment */
  AT_HELD,                      /* with much that waits for its time */
  AT_VERDICT,                   /* or for its verdict, of a file */
  AT_END,                       /* and EOS behind it */
  N_MOMENTS
} Moment;

static void
go_to (Gate * gate, Moment moment)
{
  gate_open (gate, "..........", "hold=60000000000 verdict-timeout=60000000000",
      moment != AT_VERDICT);
  if (moment == AT_OPEN)
    gate_push (gate, 0, 3);
  if (moment >= AT_HELD)
    gate_push (gate, 0, 28);
  if (moment == AT_END)
    fail_unless (feed_event (gate->feed, gst_event_new_eos ()));
}

/* And again. */
GST_START_TEST (test_stop)
{
  Gate gate;

  go_to (&gate, __i__);
  fail_unless (sink_run_stop (gate.run) < G_USEC_PER_SEC);
  sink_run_check (gate.run, TRUE);
  gate_check_law (&gate);
  fail_unless_equals_int64 (gate_get_stat (&gate, "held"), 0);
  feed_free (gate.feed);
  sink_run_forget (gate.run);
  fault_server_set_verdicts (gate.server, "ca");
  g_object_set (sink_run_get_sink (gate.run), "hold", (guint64) 0, NULL);
  gate_start (&gate, TRUE);
  gate_push (&gate, 0, 10);
  gate_finish (&gate);
  gate_check_segments (&gate, "PP", "again");
  gate_clear (&gate);
}

GST_END_TEST;

/* What is held goes, and what comes then leaves. */
GST_START_TEST (test_flush)
{
  gint64 start;
  Gate gate;

  go_to (&gate, __i__);
  start = g_get_monotonic_time ();
  feed_flush (gate.feed, NULL);
  fail_unless (g_get_monotonic_time () - start < G_USEC_PER_SEC);
  gate_check_law (&gate);
  fail_unless_equals_int64 (gate_get_stat (&gate, "held"), 0);
  g_object_set (sink_run_get_sink (gate.run), "hold", (guint64) 0, NULL);
  gate.feed->duration = 0;
  feed_event (gate.feed, gst_event_new_stream_start ("another"));
  feed_event (gate.feed, gst_event_new_caps (gate.clip->caps));
  gate_push (&gate, 0, 10);
  gate_wait_for_frame (&gate, 9);
  gate_check_segments (&gate, "PP--------", "flushed");
  gate_clear (&gate);
}

GST_END_TEST;

static GstPadProbeReturn
refuse (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GPOINTER_TO_INT (user_data);
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));

  return GST_PAD_PROBE_HANDLED;
}

/* What downstream says goes upstream with the next buffer, and nothing waits. */
GST_START_TEST (test_flow)
{
  static const GstFlowReturn flows[] = { GST_FLOW_ERROR, GST_FLOW_EOS,
    GST_FLOW_NOT_LINKED, GST_FLOW_NOT_NEGOTIATED
  };
  GstFlowReturn flow = GST_FLOW_OK;
  GstPad *pad;
  Gate gate;
  gint64 until;

  gate_open (&gate, "", "hold=0", TRUE);
  pad = gst_element_get_static_pad (sink_run_get_sink (gate.run), "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, refuse,
      GINT_TO_POINTER (flows[__i__]), NULL);
  gst_object_unref (pad);
  until = g_get_monotonic_time () + SINK_PATIENCE;
  while (flow == GST_FLOW_OK && g_get_monotonic_time () < until)
    flow = feed_push (gate.feed, gate.clip, 0, 1, 0);
  fail_unless_equals_int (flow, flows[__i__]);
  gate_check_law (&gate);
  gate_clear (&gate);
}

GST_END_TEST;

/* Other caps come out where they came in; the same ones once. */
GST_START_TEST (test_caps)
{
  GstCaps *caps;
  GString *order = g_string_new (NULL);
  Gate gate;
  guint i;

  gate_open (&gate, "ca", "", FALSE);
  gate_push (&gate, 0, 10);
  fail_unless (feed_event (gate.feed, gst_event_new_caps (gate.clip->caps)));
  caps = gst_caps_copy (gate.clip->caps);
  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 30, 1, NULL);
  fail_unless (feed_event (gate.feed, gst_event_new_caps (caps)));
  gate_push (&gate, 10, 12);
  fail_unless (feed_event (gate.feed, gst_event_new_caps (caps)));
  gst_caps_unref (caps);
  gate_push (&gate, 12, 15);
  gate_finish (&gate);
  for (i = 0; i < gate.outs->len; i++) {
    GateOut *out = &g_array_index (gate.outs, GateOut, i);

    if (out->buffer != NULL)
      g_string_append_c (order, 'b');
    else if (GST_EVENT_TYPE (out->event) == GST_EVENT_CAPS
        || GST_EVENT_TYPE (out->event) == GST_EVENT_GAP
        || GST_EVENT_TYPE (out->event) == GST_EVENT_EOS)
      g_string_append_c (order, GST_EVENT_TYPE_NAME (out->event)[0]);
  }
  fail_unless_equals_string (order->str, "cbbbbbgggggcbbbbbe");
  g_string_free (order, TRUE);
  gate_clear (&gate);
}

GST_END_TEST;

/* A file that is larger than what may be held waits at the door. */
GST_START_TEST (test_back_pressure)
{
  guint pushed;
  Gate gate;

  gate_open (&gate, "", "max-held-bytes=15000 verdict-timeout=60000000000",
      FALSE);
  fault_server_set_delay (gate.server, FAULT_NEVER);
  feed_start (gate.feed, gate.clip, 0, FRAMES, TRUE);
  sink_run_wait (gate.run, "identifai-submitted", 1);
  sink_let_pass (300);
  pushed = feed_get_pushed (gate.feed);
  fail_unless (pushed < FRAMES, "all came");
  fail_unless (gate_get_stat (&gate, "held-bytes") < 30000);
  fault_server_set_delay (gate.server, 0);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  sink_run_wait (gate.run, "eos", 1);
  gate_check_segments (&gate, "PPPPPPPPPP", "back-pressure");
  gate_clear (&gate);
}

GST_END_TEST;

/*** sound ***/

typedef struct
{
  GstPad *pad;
  GMutex lock;
  GString *times;               /* in ms */
  gboolean eos;
} SoundOut;

static GstFlowReturn
on_sound (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  SoundOut *out = gst_pad_get_element_private (pad);

  g_mutex_lock (&out->lock);
  g_string_append_printf (out->times, "%s%u", out->times->len ? " " : "",
      (guint) (GST_BUFFER_PTS (buffer) / GST_MSECOND));
  g_mutex_unlock (&out->lock);
  gst_buffer_unref (buffer);

  return GST_FLOW_OK;
}

static gboolean
on_sound_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  SoundOut *out = gst_pad_get_element_private (pad);

  g_mutex_lock (&out->lock);
  out->eos |= GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  g_mutex_unlock (&out->lock);
  gst_event_unref (event);

  return TRUE;
}

static void
sound_out_init (SoundOut * out, Gate * gate)
{
  GstPad *src = gst_element_get_static_pad (sink_run_get_sink (gate->run),
      "audio_src_0");

  g_mutex_init (&out->lock);
  out->times = g_string_new (NULL);
  out->eos = FALSE;
  out->pad = gst_pad_new ("out", GST_PAD_SINK);
  gst_pad_set_element_private (out->pad, out);
  gst_pad_set_chain_function (out->pad, on_sound);
  gst_pad_set_event_function (out->pad, on_sound_event);
  gst_pad_set_active (out->pad, TRUE);
  fail_unless (src != NULL);
  fail_unless_equals_int (gst_pad_link (src, out->pad), GST_PAD_LINK_OK);
  gst_object_unref (src);
}

static void
sound_out_clear (SoundOut * out)
{
  GstPad *peer = gst_pad_get_peer (out->pad);

  if (peer != NULL) {
    gst_pad_unlink (peer, out->pad);
    gst_object_unref (peer);
  }
  gst_pad_set_active (out->pad, FALSE);
  gst_object_unref (out->pad);
  g_string_free (out->times, TRUE);
  g_mutex_clear (&out->lock);
}

static void
wait_for_sound_end (SoundOut * out)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  gboolean eos = FALSE;

  while (!eos) {
    fail_unless (g_get_monotonic_time () < until);
    g_usleep (2000);
    g_mutex_lock (&out->lock);
    eos = out->eos;
    g_mutex_unlock (&out->lock);
  }
}

/* Sound starts as each frame of 23 ms does; that of 400 to 600 ms is withheld with its
 * video. */
GST_START_TEST (test_sound)
{
  GString *expected = g_string_new (NULL);
  Clip *aac = clip_new_aac (40);
  SoundOut out;
  Feed *sound;
  Gate gate;
  guint i;

  gate_init (&gate, "cca", "");
  fail_unless (sink_run_start (gate.run));
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, FALSE);
  sound_out_init (&out, &gate);
  gate.feed = feed_new (gate.run, "sink", gate.clip->caps, NULL, FALSE);
  gate.feed->duration = GST_SECOND;
  for (i = 0; i < 5; i++) {
    fail_unless_equals_int (feed_push (sound, aac, i * 8, i * 8 + 8, 0),
        GST_FLOW_OK);
    gate_push (&gate, i * 5, i * 5 + 5);
  }
  fail_unless (feed_event (sound, gst_event_new_eos ()));
  gate_finish (&gate);
  wait_for_sound_end (&out);
  gate_check_segments (&gate, "PP-FP", "with sound");
  for (i = 0; i < 40; i++) {
    GstClockTime time = GST_BUFFER_PTS (g_ptr_array_index (aac->buffers, i));

    if (time < 400 * GST_MSECOND || time >= 600 * GST_MSECOND)
      g_string_append_printf (expected, "%s%u", expected->len ? " " : "",
          (guint) (time / GST_MSECOND));
  }
  fail_unless_equals_string (out.times->str, expected->str);
  g_string_free (expected, TRUE);
  sound_out_clear (&out);
  feed_free (sound);
  clip_free (aac);
  gate_clear (&gate);
}

GST_END_TEST;

/* A pad that goes with all that it holds keeps nobody. */
GST_START_TEST (test_release)
{
  Clip *aac = clip_new_aac (10);
  Feed *sound;
  Gate gate;
  gint64 start;
  GstPad *pad;

  gate_init (&gate, "", "hold=60000000000");
  fail_unless (sink_run_start (gate.run));
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, TRUE);
  gate.feed = feed_new (gate.run, "sink", gate.clip->caps, NULL, TRUE);
  fail_unless_equals_int (feed_push (sound, aac, 0, 10, 0), GST_FLOW_OK);
  gate_push (&gate, 0, 10);
  start = g_get_monotonic_time ();
  feed_free (sound);
  fail_unless (g_get_monotonic_time () - start < G_USEC_PER_SEC);
  pad = gst_element_get_static_pad (sink_run_get_sink (gate.run),
      "audio_src_0");
  fail_unless (pad == NULL);
  g_object_set (sink_run_get_sink (gate.run), "hold", (guint64) 0, NULL);
  gate_push (&gate, 10, 20);
  gate_wait_for_frame (&gate, 19);
  clip_free (aac);
  gate_clear (&gate);
}

GST_END_TEST;

static Suite *
gate_suite (void)
{
  Suite *suite = suite_create ("gate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_test (tc, test_steady);
  tcase_add_test (tc, test_override);
  tcase_add_test (tc, test_override_file);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_delay_is_notified);
  tcase_add_test (tc, test_late);
  tcase_add_test (tc, test_open_without_service);
  tcase_add_loop_test (tc, test_only_told, 0, 2);
  tcase_add_test (tc, test_dump);
  tcase_add_test (tc, test_force);
  tcase_add_test (tc, test_lower_hold);
  tcase_add_test (tc, test_raise_hold);
  tcase_add_loop_test (tc, test_stop, 0, N_MOMENTS);
  tcase_add_loop_test (tc, test_flush, 0, N_MOMENTS);
  tcase_add_loop_test (tc, test_flow, 0, 4);
  tcase_add_test (tc, test_caps);
  tcase_add_test (tc, test_back_pressure);
  tcase_add_test (tc, test_sound);
  tcase_add_test (tc, test_release);

  return suite;
}

GST_CHECK_MAIN (gate);
