/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaigate: its slate while a delay is built, and where times go another way.
 */

#include "slateutil.h"
#include "heldclock.h"

/* From the first frame's arrival on, and then the stream, as much later. */
GST_START_TEST (test_start)
{
  SlateGate gate;
  SlateSeen seen;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=700000000");
  fail_unless_equals_uint64 (slate_gate_get_latency (&gate), 700 * GST_MSECOND);
  slate_gate_play (&gate, 0, 40);
  slate_gate_wait_for (&gate, TRUE, 1);
  fail_unless_equals_uint64 (slate_gate_get_latency (&gate), 0);
  slate_gate_wait_for (&gate, FALSE, 40);
  slate_gate_look (&gate, &seen, "start");
  slate_check_groups (&seen, "PPPPPPPP", "start");
  fail_unless (seen.n_slates >= 13 && seen.n_slates <= 18, "%u", seen.n_slates);
  fail_unless_equals_int (seen.slates[0], seen.n_slates);
  /* running times go by the clock */
  fail_unless (slate_gate_get_first (&gate,
          TRUE)->dts < (gint64) (200 * GST_MSECOND));
  fail_unless_equals_int64 (slate_gate_get_first (&gate, FALSE)->dts,
      700 * GST_MSECOND);
  slate_gate_check_messages (&gate, "slate/start pass/verdict");
  feed_join (gate.feed);
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* Raised, and lowered again. */
GST_START_TEST (test_hold)
{
  GstElement *element;
  SlateGate gate;
  SlateSeen seen;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=200000000");
  element = sink_run_get_sink (gate.run);
  slate_gate_play (&gate, 0, 90);
  slate_gate_wait_for (&gate, FALSE, 22);
  g_object_set (element, "hold", (guint64) 700 * GST_MSECOND, NULL);
  fail_unless_equals_uint64 (slate_gate_get_latency (&gate), 0);
  slate_gate_wait_for (&gate, FALSE, 40);
  g_object_set (element, "hold", (guint64) 300 * GST_MSECOND, NULL);
  fail_unless_equals_uint64 (slate_gate_get_latency (&gate), 0);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  slate_gate_finish (&gate);
  slate_gate_look (&gate, &seen, "hold");
  /* the start and the raise */
  fail_unless_equals_int (seen.n_edges, 3);
  fail_unless (seen.n_slates > 10, "%u", seen.n_slates);
  fail_unless (seen.passed[89]);
  slate_gate_clear (&gate);
}

GST_END_TEST;

static void
check_later (const SlateSound * sound)
{
  guint i;

  for (i = 1; i < sound->outs->len; i++) {
    const SlateOut *heard = &g_array_index (sound->outs, SlateOut, i);

    fail_unless (heard->pts > heard[-1].pts, "frame %u goes back %d us", i,
        (gint) ((heard[-1].pts - heard->pts) / 1000));
  }
}

/* Less time is jumped over than the delay gets shorter by, as upstream stood still. */
GST_START_TEST (test_shorter)
{
  Clip *aac = clip_new_aac (110);
  SlateGate gate;
  SlateSeen seen;
  SlateSound out;
  Feed *sound;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=700000000");
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, TRUE);
  slate_sound_init (&out, &gate);
  /* sound is 0.4 s ahead */
  feed_push (sound, aac, 0, 70, 0);
  slate_gate_push (&gate, 0, 31);
  sink_let_pass (350);
  feed_push (sound, aac, 70, 77, 0);
  slate_gate_push (&gate, 31, 35);
  sink_let_pass (300);
  feed_push (sound, aac, 77, 110, 0);
  slate_gate_push (&gate, 35, 50);
  slate_gate_wait_for (&gate, FALSE, 31);
  g_object_set (sink_run_get_sink (gate.run), "hold",
      (guint64) 300 * GST_MSECOND, NULL);
  fail_unless (feed_event (sound, gst_event_new_eos ()));
  slate_gate_finish (&gate);
  slate_sound_wait (&out);
  slate_gate_look (&gate, &seen, "shorter");
  fail_unless (out.outs->len > 70);
  check_later (&out);
  fail_unless (seen.passed[30]);
  fail_if (seen.passed[31]);
  fail_unless (seen.passed[49]);
  feed_free (sound);
  clip_free (aac);
  slate_gate_clear (&gate);
  slate_sound_clear (&out);
}

GST_END_TEST;

/* While the delay is built: the slate's B frames are shown later than the stream's. */
GST_START_TEST (test_shorter_at_start)
{
  SlateGate gate;
  SlateSeen seen;

  held_clock_use ();
  slate_gate_init (&gate, "", "on-unjudged=pass hold=1500000000",
      SLATE_CLIP (SLATE_NO_B, SLATE_AVC), SLATE_OUT);
  slate_gate_set_slate (&gate, SLATE_FILE, "slate.mp4");
  slate_gate_start (&gate, TRUE);
  slate_gate_play (&gate, 0, 50);
  slate_gate_wait_for (&gate, TRUE, 22 + __i__);
  g_object_set (sink_run_get_sink (gate.run), "hold",
      (guint64) 500 * GST_MSECOND, NULL);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  slate_gate_finish (&gate);
  slate_gate_look (&gate, &seen, "shorter at the start");
  fail_unless (seen.passed[49]);
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* The stream's times went back: the slate isn't shown behind what was before. */
GST_START_TEST (test_back)
{
  const SlateOut *slate;
  SlateGate gate;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=0");
  fail_unless_equals_int (feed_push (gate.feed, gate.clip, 0, 25,
          100 * GST_SECOND), GST_FLOW_OK);
  slate_gate_push (&gate, 25, 50);
  slate_gate_wait_for (&gate, FALSE, 50);
  slate_gate_set_force (&gate, "slate");
  slate_gate_push (&gate, 50, 75);
  slate_gate_wait_for (&gate, TRUE, 1);
  slate_gate_finish (&gate);
  slate = slate_gate_get_first (&gate, TRUE);
  fail_unless (slate->pts - slate->dts < (gint64) GST_SECOND,
      "shown %d ms after it is decoded", (gint) ((slate->pts - slate->dts) /
          (gint64) GST_MSECOND));
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* They do so under the slate, by less than that is long. */
GST_START_TEST (test_back_under_slate)
{
  const SlateOut *out;
  SlateGate gate;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=0");
  feed_push (gate.feed, gate.clip, 0, 25, 100 * GST_SECOND);
  slate_gate_wait_for (&gate, FALSE, 25);
  slate_gate_set_force (&gate, "slate");
  feed_push (gate.feed, gate.clip, 25, 50, 100 * GST_SECOND);
  slate_gate_wait_for (&gate, TRUE, 23);
  feed_push (gate.feed, gate.clip, 50, 60, 98500 * GST_MSECOND);
  slate_gate_wait_for (&gate, TRUE, 31);
  slate_gate_set_force (&gate, "none");
  feed_push (gate.feed, gate.clip, 60, 70, 98500 * GST_MSECOND);
  slate_gate_wait_for (&gate, FALSE, 35);
  g_mutex_lock (&gate.lock);
  out = &g_array_index (gate.outs, SlateOut, gate.outs->len - 1);
  fail_unless (out->pts < (gint64) (101600 * GST_MSECOND), "at %d ms",
      (gint) (out->pts / (gint64) GST_MSECOND));
  g_mutex_unlock (&gate.lock);
  slate_gate_finish (&gate);
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* By how much the last frame of the stream left later than it came. */
static GstClockTimeDiff
get_last_shift (SlateGate * gate)
{
  const SlateOut *out;

  g_mutex_lock (&gate->lock);
  out = &g_array_index (gate->outs, SlateOut, gate->outs->len - 1);
  fail_if (out->width == SLATE_WIDTH);
  g_mutex_unlock (&gate->lock);

  return out->pts - (GstClockTimeDiff) GST_BUFFER_PTS (out->buffer);
}

/* They go forward under it, by less than that is long: it goes there, and doesn't fill the
 * time between all at once. */
GST_START_TEST (test_forward_under_slate)
{
  SlateGate gate;
  guint n;

  held_clock_use ();
  slate_gate_init (&gate, "", "on-unjudged=pass hold=0",
      SLATE_CLIP (SLATE_WITH_B, SLATE_AVC), SLATE_OUT);
  slate_gate_set_slate (&gate, "videotestsrc num-buffers=250"
      SLATE_ENCODE (SLATE_SIZE, SLATE_WITH_B) "mp4mux", "slate.mp4");
  slate_gate_start (&gate, TRUE);
  slate_gate_push (&gate, 0, 25);
  slate_gate_wait_for (&gate, FALSE, 25);
  slate_gate_set_force (&gate, "slate");
  slate_gate_push (&gate, 25, 35);
  slate_gate_wait_for (&gate, TRUE, 8);
  feed_push (gate.feed, gate.clip, 35, 45, 4 * GST_SECOND);
  slate_gate_wait_for (&gate, TRUE, 16);
  slate_gate_set_force (&gate, "none");
  feed_push (gate.feed, gate.clip, 45, 55, 4 * GST_SECOND);
  slate_gate_wait_for (&gate, FALSE, 35);
  n = slate_gate_count (&gate, TRUE);
  fail_unless (n < 60, "%u", n);
  slate_gate_finish (&gate);
  /* the slate's times are rounded */
  fail_unless (ABS (get_last_shift (&gate)) < (gint64) GST_USECOND);
  slate_gate_clear (&gate);
}

GST_END_TEST;

static gboolean
was_heard (SlateSound * sound, Clip * aac, guint frame)
{
  GstClockTime pts = GST_BUFFER_PTS (g_ptr_array_index (aac->buffers, frame));
  gboolean heard = FALSE;
  guint i;

  g_mutex_lock (&sound->lock);
  for (i = 0; i < sound->outs->len; i++)
    heard |= GST_BUFFER_PTS (g_array_index (sound->outs, SlateOut, i).buffer)
        == pts;
  g_mutex_unlock (&sound->lock);

  return heard;
}

/* Upstream stands still: the slate goes on, by the clock, for as long as nothing else
 * is to be shown. What comes then, with times that went on meanwhile or that didn't,
 * is shown behind it. */
GST_START_TEST (test_stall)
{
  const guint again = __i__ == 0 ? 20 : 80;
  Clip *aac = clip_new_aac (180);
  SlateGate gate;
  SlateSeen seen;
  SlateSound out;
  Feed *sound;
  guint i;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=200000000");
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, TRUE);
  slate_sound_init (&out, &gate);
  feed_push (sound, aac, 0, 17, 0);
  slate_gate_push (&gate, 0, 10);
  slate_gate_wait_for (&gate, FALSE, 10);
  slate_gate_set_force (&gate, "slate");
  feed_push (sound, aac, 17, 34, 0);
  slate_gate_push (&gate, 10, 20);
  slate_gate_wait_for (&gate, TRUE, 60);
  slate_gate_set_force (&gate, "none");
  i = again * 43 / 25;
  slate_gate_push (&gate, again, again + 1);
  feed_push (sound, aac, i, i + 34, 0);
  slate_gate_push (&gate, again + 1, again + 20);
  slate_gate_wait_for (&gate, FALSE, 30);
  fail_unless (feed_event (sound, gst_event_new_eos ()));
  fail_unless_equals_uint64 (slate_gate_get_latency (&gate), 0);
  slate_gate_finish (&gate);
  slate_gate_look (&gate, &seen, "stall");
  fail_unless_equals_int (seen.n_edges, 3);
  fail_unless (seen.passed[again]);
  slate_sound_wait (&out);
  fail_unless (was_heard (&out, aac, i + 20));
  check_later (&out);
  feed_free (sound);
  clip_free (aac);
  slate_gate_clear (&gate);
  slate_sound_clear (&out);
}

GST_END_TEST;

/* last: the frame that passes at the end, and not much later than it came. */
static void
finish_in_time (SlateGate * gate, guint last, const gchar * name)
{
  GstClockTimeDiff shift;
  SlateSeen seen;

  slate_gate_finish (gate);
  slate_gate_look (gate, &seen, name);
  fail_unless (seen.passed[last], "%s", name);
  shift = get_last_shift (gate);
  fail_unless (shift < (gint64) GST_SECOND, "%s: %d ms", name,
      (gint) (shift / (gint64) GST_MSECOND));
}

static GstPadProbeReturn
on_blocked (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  return GST_PAD_PROBE_OK;
}

/* Upstream stands still and the slate goes on, until EOS, a flush, or a stop. */
GST_START_TEST (test_stall_ends)
{
  SlateGate gate;
  SlateSeen seen;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=200000000");
  slate_gate_set_force (&gate, "slate");
  slate_gate_push (&gate, 0, 10);
  slate_gate_wait_for (&gate, TRUE, 30);
  if (__i__ == 0) {
    slate_gate_finish (&gate);
    slate_gate_look (&gate, &seen, "stall and EOS");
    fail_unless_equals_int (seen.n_edges, 0);
  } else if (__i__ == 1) {
    slate_gate_set_force (&gate, "none");
    feed_flush (gate.feed, NULL);
    slate_gate_push (&gate, 20, 30);
    slate_gate_wait_for (&gate, FALSE, 10);
    slate_gate_finish (&gate);
    /* the delay is built anew, and is all by which times are later */
    fail_unless_equals_int64 (get_last_shift (&gate), 200 * GST_MSECOND);
  }
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* Downstream takes nothing for a while, but upstream goes on: that is no stall. */
GST_START_TEST (test_blocked)
{
  SlateGate gate;
  GstPad *src;
  gulong id;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=200000000");
  src = gst_element_get_static_pad (sink_run_get_sink (gate.run), "src");
  slate_gate_set_force (&gate, "slate");
  slate_gate_push (&gate, 0, 10);
  slate_gate_wait_for (&gate, TRUE, 5);
  id = gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, on_blocked,
      NULL, NULL);
  slate_gate_play (&gate, 10, 55);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  gst_pad_remove_probe (src, id);
  slate_gate_wait_for (&gate, TRUE, 50);
  slate_gate_set_force (&gate, "none");
  slate_gate_push (&gate, 55, 60);
  finish_in_time (&gate, 59, "blocked");
  gst_object_unref (src);
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* What upstream kept while it stood still comes at once: nothing is late by it. */
GST_START_TEST (test_burst)
{
  SlateGate gate;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=200000000");
  slate_gate_set_force (&gate, "slate");
  slate_gate_push (&gate, 0, 10);
  slate_gate_wait_for (&gate, TRUE, 60);
  slate_gate_push (&gate, 10, 60);
  slate_gate_play (&gate, 60, 70);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  slate_gate_set_force (&gate, "none");
  slate_gate_push (&gate, 70, 80);
  finish_in_time (&gate, 79, "burst");
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* The slate doesn't count while the pipeline is paused. */
GST_START_TEST (test_paused)
{
  GstElement *pipeline;
  SlateGate gate;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=200000000");
  pipeline = sink_run_get_pipeline (gate.run);
  slate_gate_set_force (&gate, "slate");
  slate_gate_push (&gate, 0, 10);
  slate_gate_wait_for (&gate, TRUE, 5);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  sink_let_pass (1500);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  slate_gate_play (&gate, 10, 25);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  slate_gate_wait_for (&gate, TRUE, 15);
  slate_gate_set_force (&gate, "none");
  slate_gate_push (&gate, 25, 30);
  finish_in_time (&gate, 29, "paused");
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* Linked anew: nobody is shown what the slate was meanwhile. */
GST_START_TEST (test_linked_anew)
{
  GstElement *gate_element, *out;
  GstFlowReturn flow = GST_FLOW_OK;
  GstClockTimeDiff before, first;
  SlateGate gate;
  guint n;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=200000000");
  gate_element = sink_run_get_sink (gate.run);
  out = gst_bin_get_by_name (GST_BIN (sink_run_get_pipeline (gate.run)), "out");
  slate_gate_set_force (&gate, "slate");
  slate_gate_push (&gate, 0, 10);
  slate_gate_wait_for (&gate, TRUE, 5);
  gst_element_unlink (gate_element, out);
  while (flow == GST_FLOW_OK) {
    flow = feed_push (gate.feed, gate.clip, 10, 11, 0);
    held_clock_go_on ();
  }
  fail_unless_equals_int (flow, GST_FLOW_NOT_LINKED);
  n = slate_gate_count (&gate, TRUE);
  before = g_array_index (gate.outs, SlateOut, gate.outs->len - 1).dts;
  sink_let_pass (1200);
  fail_unless (gst_element_link (gate_element, out));
  slate_gate_push (&gate, 50, 60);
  slate_gate_wait_for (&gate, TRUE, n + 5);
  g_mutex_lock (&gate.lock);
  first = g_array_index (gate.outs, SlateOut, n).dts;
  g_mutex_unlock (&gate.lock);
  fail_unless (first > before + (gint64) (500 * GST_MSECOND), "%d ms behind",
      (gint) ((first - before) / (gint64) GST_MSECOND));
  gst_object_unref (out);
  slate_gate_clear (&gate);
}

GST_END_TEST;

static void
play (SlateGate * gate, guint from, guint to)
{
  slate_gate_play (gate, from, to);
  fail_unless_equals_int (feed_join (gate->feed), GST_FLOW_OK);
}

/* Upstream stands still while the slate is shown, and then catches up: what that makes
 * up for is shown no later. At once, as far as is known by then; or a while after, which
 * counts from the next slate on. */
GST_START_TEST (test_catch_up)
{
  const gboolean at_once = __i__ == 0;
  gint64 shift;
  SlateGate gate;
  SlateSeen seen;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=300000000");
  play (&gate, 0, 10);
  slate_gate_set_force (&gate, "slate");
  play (&gate, 10, 20);
  sink_let_pass (1200);
  slate_gate_set_force (&gate, "none");
  if (at_once)
    slate_gate_push (&gate, 20, 50);
  else
    play (&gate, 20, 35);
  if (!at_once) {
    slate_gate_push (&gate, 35, 65);
    slate_gate_set_force (&gate, "slate");
    play (&gate, 65, 75);
    slate_gate_set_force (&gate, "none");
    play (&gate, 75, 125);
  } else {
    play (&gate, 50, 80);
  }
  slate_gate_finish (&gate);
  slate_gate_look (&gate, &seen, "catch up");
  shift = get_last_shift (&gate);
  fail_unless (ABS (shift - 300 * (gint64) GST_MSECOND) <
      100 * (gint64) GST_MSECOND, "%d ms", (gint) (shift / 1000000));
  fail_unless_equals_int (seen.passed[20], !at_once);
  fail_unless (seen.passed[at_once ? 79 : 124]);
  fail_unless_equals_int (seen.n_edges, at_once ? 3 : 5);
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* The pipeline was paused while the stream was later: what came before that tells nothing
 * of what upstream has caught up with. */
GST_START_TEST (test_paused_later)
{
  GstElement *pipeline;
  SlateGate gate;
  gint64 before, after;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=1500000000");
  pipeline = sink_run_get_pipeline (gate.run);
  play (&gate, 0, 10);
  slate_gate_set_force (&gate, "slate");
  play (&gate, 10, 20);
  sink_let_pass (2000);
  slate_gate_set_force (&gate, "none");
  play (&gate, 20, 100);
  before = get_last_shift (&gate);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  sink_let_pass (1000);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  slate_gate_set_force (&gate, "slate");
  play (&gate, 100, 105);
  slate_gate_set_force (&gate, "none");
  play (&gate, 105, 155);
  after = get_last_shift (&gate);
  fail_unless (after > before - 300 * (gint64) GST_MSECOND,
      "%d ms, then %d ms", (gint) (before / 1000000), (gint) (after / 1000000));
  slate_gate_finish (&gate);
  slate_gate_clear (&gate);
}

GST_END_TEST;

/* The video alone is flushed: sound of its pictures goes with them, and what comes
 * goes on behind what was heard. */
GST_START_TEST (test_flush_of_video)
{
  Clip *aac = clip_new_aac (90);
  SlateGate gate;
  SlateSound out;
  Feed *sound;

  slate_gate_open_live (&gate, "on-unjudged=pass hold=400000000");
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, TRUE);
  slate_sound_init (&out, &gate);
  feed_push (sound, aac, 0, 40, 0);
  slate_gate_push (&gate, 0, 25);
  slate_gate_wait_for (&gate, FALSE, 25);
  feed_push (sound, aac, 45, 60, 0);
  slate_gate_push (&gate, 25, 35);
  feed_flush (gate.feed, NULL);
  feed_push (sound, aac, 65, 90, 0);
  slate_gate_push (&gate, 40, 60);
  slate_gate_wait_for (&gate, FALSE, 45);
  fail_unless (feed_event (sound, gst_event_new_eos ()));
  slate_gate_finish (&gate);
  slate_sound_wait (&out);
  fail_unless (was_heard (&out, aac, 30));
  fail_if (was_heard (&out, aac, 50));
  fail_unless (was_heard (&out, aac, 80));
  check_later (&out);
  feed_free (sound);
  clip_free (aac);
  slate_gate_clear (&gate);
  slate_sound_clear (&out);
}

GST_END_TEST;

static Suite *
gatedelay_suite (void)
{
  Suite *suite = suite_create ("gatedelay");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_start);
  tcase_add_test (tc, test_hold);
  tcase_add_test (tc, test_shorter);
  tcase_add_loop_test (tc, test_shorter_at_start, 0, 2);
  tcase_add_test (tc, test_back);
  tcase_add_test (tc, test_back_under_slate);
  tcase_add_test (tc, test_forward_under_slate);
  tcase_add_loop_test (tc, test_stall, 0, 2);
  tcase_add_loop_test (tc, test_stall_ends, 0, 3);
  tcase_add_test (tc, test_blocked);
  tcase_add_test (tc, test_burst);
  tcase_add_test (tc, test_paused);
  tcase_add_test (tc, test_paused_later);
  tcase_add_test (tc, test_linked_anew);
  tcase_add_loop_test (tc, test_catch_up, 0, 2);
  tcase_add_test (tc, test_flush_of_video);

  return suite;
}

GST_CHECK_MAIN (gatedelay);
