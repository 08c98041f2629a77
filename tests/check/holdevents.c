/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is held back: events, flush, streams, slate, and what isn't paced.
 */

#include "holdworld.h"

static HoldWorld world;

static void
setup (void)
{
  hold_world_init (&world, "c");
}

static void
teardown (void)
{
  hold_world_clear (&world);
}

static void
open_world (void)
{
  hold_world_clear (&world);
  hold_world_init (&world, "o");
}

static void
as_file (void)
{
  world.settings.paced = FALSE;
  hold_world_configure (&world);
}

static void
push_event (guint stream, GstEvent * event)
{
  identifai_hold_queue_push_event (world.hold, stream, GST_MINI_OBJECT (event),
      GST_EVENT_TYPE (event) == GST_EVENT_EOS, world.now * 1000);
}

/* Frames of 100 ms that are there at once. */
static void
push_now (const gchar * text)
{
  guint first = world.n[0];

  hold_world_read_frames (&world, text);
  for (; first < world.n[0]; first++) {
    world.frames[0][first].arrival = world.now;
    world.frames[0][first].running += world.came[0] * HOLD_FRAME;
  }
  hold_world_come (&world, 0, HOLD_FRAME);
}

/* Types of events, and B for buffers that pass, b for those that don't, S for those
 * that a slate replaces. */
static gchar *
pop_list (guint stream)
{
  GString *list = g_string_new (NULL);
  IdentifaiHeld held;

  while (identifai_hold_queue_pop (world.hold, stream, world.now * 1000, &held)) {
    if (held.is_buffer)
      g_string_append_c (list, held.passes ? 'B' : held.slate ? 'S' : 'b');
    else
      g_string_append_c (list,
          gst_event_type_get_name (GST_EVENT_TYPE (held.object))[0]);
    gst_mini_object_unref (held.object);
  }

  return g_string_free (list, FALSE);
}

static void
check_list (guint stream, const gchar * expected)
{
  gchar *list = pop_list (stream);

  fail_unless_equals_string (list, expected);
  g_free (list);
}

/* They pass, in order, as late as buffers, whatever becomes of those. */
GST_START_TEST (test_events)
{
  hold_world_add_outcome (&world, 0, 'a');
  push_event (0, gst_event_new_stream_start ("s"));
  push_now ("K0p0");
  push_event (0, gst_event_new_gap (0, 1));
  push_now ("p0");
  push_event (0, gst_event_new_eos ());
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 0, 0),
      HOLD_TIME * 1000);
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 1, 0),
      G_MAXINT64);
  world.now = HOLD_TIME - 1;
  check_list (0, "");
  world.now++;
  check_list (0, "sbbgbe");
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 0, 0),
      G_MAXINT64);
}

GST_END_TEST;

static void
push_sound_now (void)
{
  HoldFrame *frame = hold_world_add_frame (&world, 1, world.now, world.now);

  hold_world_push (&world, 1, frame, HOLD_FRAME);
}

static void
force (IdentifaiForce force)
{
  world.settings.force = force;
  hold_world_configure (&world);
}

/* At once, until the next key frame; sound comes back with that. */
GST_START_TEST (test_slate)
{
  static const gchar *const frames[] = { "K0", "p0", "p0", "K1", "p1" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (frames); i++, world.now += HOLD_FRAME) {
    push_now (frames[i]);
    push_sound_now ();
  }
  hold_world_add_outcome (&world, 0, 'c');
  hold_world_add_outcome (&world, 1, 'c');
  world.now = HOLD_TIME;
  check_list (0, "B");
  check_list (1, "B");
  force (IDENTIFAI_FORCE_SLATE);
  world.now += HOLD_FRAME;
  check_list (1, "S");
  check_list (0, "S");
  force (IDENTIFAI_FORCE_NONE);
  world.now += HOLD_FRAME;
  check_list (1, "S");
  check_list (0, "S");
  world.now += 2 * HOLD_FRAME;
  check_list (1, "BB");
  check_list (0, "BB");
}

GST_END_TEST;

/* What a stream starts with leaves at once, the stream from a key frame on. */
GST_START_TEST (test_begin)
{
  gint64 decoding, due;

  open_world ();
  push_event (0, gst_event_new_stream_start ("s"));
  check_list (0, "");
  push_now ("p0K0");
  identifai_hold_queue_begin (world.hold);
  check_list (0, "s");
  fail_unless (identifai_hold_queue_peek (world.hold, 0, &decoding, &due));
  fail_unless_equals_int64 (decoding, 0);
  fail_unless_equals_int64 (due, HOLD_TIME * 1000);
  /* but for the end of sound of which there is none */
  push_event (1, gst_event_new_stream_start ("s"));
  push_event (1, gst_event_new_eos ());
  check_list (1, "s");
  world.now = HOLD_TIME;
  check_list (1, "e");
  check_list (0, "SB");
  fail_if (identifai_hold_queue_peek (world.hold, 0, &decoding, &due));
  push_event (0, gst_event_new_gap (0, 1));
  check_list (0, "");
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  GQueue events = G_QUEUE_INIT;
  IdentifaiHoldQueueStats stats;

  hold_world_add_outcome (&world, 0, 'a');
  push_now ("K0p0p0");
  world.now = HOLD_TIME;
  check_list (0, "bbb");
  push_now ("K0p0");
  push_event (0, gst_event_new_eos ());
  identifai_hold_queue_flush (world.hold, 0, &events);
  fail_unless_equals_int (events.length, 1);
  g_queue_clear_full (&events, (GDestroyNotify) gst_event_unref);
  hold_world_check_law (&world);
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_uint64 (stats.flushed, 2);
  fail_unless_equals_uint64 (stats.held_bytes, 0);
  /* what comes behind it is another stream: there is no hole in it */
  push_now ("p1");
  identifai_hold_queue_dump (world.hold, 0, (world.now + 1) * 1000);
  push_now ("p1");
  hold_world_add_outcome (&world, 1, 'c');
  world.now += HOLD_TIME;
  check_list (0, "Bb");
  identifai_hold_queue_reset (world.hold);
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_uint64 (stats.came + stats.passed + stats.flushed, 0);
}

GST_END_TEST;

GST_START_TEST (test_streams)
{
  guint two;

  two = identifai_hold_queue_add_stream (world.hold);
  fail_unless_equals_int (two, 2);
  push_event (1, gst_event_new_eos ());
  push_event (two, gst_event_new_eos ());
  identifai_hold_queue_remove_stream (world.hold, 1);
  world.now = HOLD_TIME;
  check_list (1, "");
  check_list (two, "e");
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 1, 0),
      G_MAXINT64);
  fail_unless_equals_int (identifai_hold_queue_add_stream (world.hold), 3);
}

GST_END_TEST;

/* A file: what is decided leaves at once, and nothing else, however late it gets. */
GST_START_TEST (test_not_paced)
{
  world.settings.max_bytes = 40;
  as_file ();
  push_now ("p-h-K0p0h-K1p1");
  fail_unless (identifai_hold_queue_is_full (world.hold) == FALSE);
  /* what no segment has isn't waited for */
  check_list (0, "b");
  world.now = 10 * HOLD_TIME;
  check_list (0, "");
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 0,
          world.now), G_MAXINT64);
  hold_world_add_outcome (&world, 1, 'c');
  check_list (0, "");
  hold_world_add_outcome (&world, 0, 'a');
  check_list (0, "bbbBBB");
  push_event (0, gst_event_new_gap (0, 1));
  push_now ("K2p2p2p2p2p2");
  fail_unless (identifai_hold_queue_is_full (world.hold));
  hold_world_add_outcome (&world, 2, 'c');
  check_list (0, "gBBBBBB");
  fail_if (identifai_hold_queue_is_full (world.hold));
  /* nor do headers in front of it let more in */
  push_now ("h-K3p3p3p3");
  fail_unless (identifai_hold_queue_is_full (world.hold));
  hold_world_add_outcome (&world, 3, 'c');
  check_list (0, "BBBBB");
  /* a segment that is larger than the bound has to come whole */
  push_now ("K?p?p?p?p?p?p?");
  fail_if (identifai_hold_queue_is_full (world.hold));
}

GST_END_TEST;

/* Headers at the end wait for the end. */
GST_START_TEST (test_not_paced_end)
{
  as_file ();
  hold_world_add_outcome (&world, 0, 'c');
  push_now ("K0h-");
  check_list (0, "B");
  push_event (0, gst_event_new_eos ());
  check_list (0, "be");
}

GST_END_TEST;

static void
push_sound (gint64 running)
{
  hold_world_push (&world, 1, hold_world_add_frame (&world, 1, world.now,
          running), 20);
}

/* What was held of the round before has no pictures among those of the new one, nor
 * does it leave without them, also when open. */
GST_START_TEST (test_turn_by_flush)
{
  if (__i__ == 1)
    open_world ();
  push_now ("K0p0p0");
  push_sound (0);
  push_sound (100);
  identifai_hold_queue_flush (world.hold, 0, NULL);
  world.frames[0][3].running = 0;
  hold_world_read_frames (&world, "K1p1p1");
  hold_world_come (&world, 0, HOLD_FRAME);
  push_sound (0);
  hold_world_add_outcome (&world, 0, 'a');
  hold_world_add_outcome (&world, 1, 'c');
  world.now = HOLD_TIME;
  fail_if (identifai_hold_queue_has_begun (world.hold, 1));
  check_list (1, "bbB");
  fail_unless (identifai_hold_queue_has_begun (world.hold, 1));
}

GST_END_TEST;

/* Nor has what comes behind EOS, as long as there is no picture of it. */
GST_START_TEST (test_turn_by_end)
{
  as_file ();
  push_now ("K0p0p0");
  hold_world_add_outcome (&world, 0, 'c');
  push_sound (0);
  push_sound (250);
  push_event (0, gst_event_new_eos ());
  /* sound that is longer than its video goes with the last picture */
  push_sound (700);
  check_list (1, "BBB");
  push_sound (0);
  check_list (1, "b");
}

GST_END_TEST;

/* Sound came before its picture, or comes later. */
GST_START_TEST (test_dumped_sound)
{
  push_now ("K0");
  push_sound (0);
  push_sound (100);
  world.now = 300;
  push_now ("p0");
  identifai_hold_queue_dump (world.hold, 200 * HOLD_MS, world.now * 1000);
  push_now ("p0");
  identifai_hold_queue_release (world.hold);
  world.now = 400;
  push_sound (200);
  push_now ("K0");
  push_sound (300);
  hold_world_add_outcome (&world, 0, 'c');
  world.now += HOLD_TIME;
  check_list (1, "BbbB");
  check_list (0, "BbbB");
}

GST_END_TEST;

GST_START_TEST (test_nothing_held)
{
  world.settings.hold = 0;
  hold_world_configure (&world);
  push_now ("p-p-K0p0");
  hold_world_add_outcome (&world, 0, 'a');
  push_event (0, gst_event_new_eos ());
  check_list (0, "BBBBe");
}

GST_END_TEST;

GST_START_TEST (test_margins)
{
  IdentifaiHoldQueueStats stats;

  push_now ("K0p0");
  identifai_hold_queue_get_stats (world.hold, 0, &stats);
  fail_unless_equals_int64 (stats.margin_min, G_MAXINT64);
  world.now = 400;
  hold_world_add_outcome (&world, 0, 'c');
  push_now ("K1p1");
  world.now = 500;
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_int64 (stats.margin_last, 600 * 1000);
  fail_unless_equals_int64 (stats.max_delay, 400 * 1000);
  fail_unless_equals_int64 (stats.held_time, 500 * 1000);
  world.now = 1500;
  check_list (0, "BBbb");
  hold_world_add_outcome (&world, 1, 'c');
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_int64 (stats.margin_min, -100 * 1000);
  fail_unless_equals_uint64 (stats.late_segments, 1);
  fail_unless_equals_uint64 (stats.passed_segments, 1);
  fail_unless_equals_uint64 (stats.withheld_segments, 1);
}

GST_END_TEST;

typedef struct
{
  gint64 pause;                 /* ms */
  gboolean discont;
  gint64 times;                 /* ms, by which the times are later */
  gint64 delay;                 /* ms, without that */
} AwayRow;

static const AwayRow away_rows[] = {
  {20000, TRUE, 20000, 700},
  {20000, TRUE, 0, 700},
  {1000, TRUE, 1000, 700},
  {20000, FALSE, -20000, 700},
  /* a stall, and a short loss: hold has to be as long */
  {20000, FALSE, 20000, 20700},
  {20000, FALSE, 0, 20700},
  {900, TRUE, 900, 1600},
};

/* A source that comes back ends the segment that was open when it went, and begins
 * the next one; or goes on in it. Its absence isn't the verdict's delay. */
static void
come_back (const AwayRow * row, const gchar * text)
{
  HoldFrame *frame = &world.frames[0][world.n[0]];
  guint i;

  hold_world_read_frames (&world, text);
  frame->discont = row->discont;
  for (i = 0; frame + i < &world.frames[0][world.n[0]]; i++) {
    frame[i].arrival = world.now;
    frame[i].running += 30000 + row->times;
  }
  hold_world_come (&world, 0, HOLD_FRAME);
}

GST_START_TEST (test_away)
{
  const AwayRow *row = &away_rows[__i__ / 2];
  IdentifaiHoldQueueStats stats;
  guint i;

  hold_world_read_frames (&world, "K0p0p0");
  for (i = 0; i < world.n[0]; i++) {
    world.frames[0][i].arrival = 0;
    world.frames[0][i].running += 30000;
  }
  hold_world_come (&world, 0, HOLD_FRAME);
  world.now = row->pause;
  come_back (row, __i__ % 2 ? "p0K1p1" : "K1p1p1");
  world.now += 700;
  hold_world_add_outcome (&world, 0, 'c');
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_int64 (stats.max_delay, row->delay * 1000);
  fail_unless_equals_int64 (stats.margin_last, (HOLD_TIME - row->delay) * 1000);
  fail_unless_equals_int64 (stats.margin_min, stats.margin_last);
  hold_world_add_outcome (&world, 1, 'c');
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_int64 (stats.margin_last, 300 * 1000);
}

GST_END_TEST;

/* In an open group, pictures of the segment before leave behind the key frame. */
GST_START_TEST (test_count_open_groups)
{
  IdentifaiHoldQueueStats stats;

  as_file ();
  push_now ("K0p0K1l0l0p1K2l1l1p2");
  hold_world_add_outcome (&world, 0, 'c');
  hold_world_add_outcome (&world, 1, 'a');
  hold_world_add_outcome (&world, 2, 'c');
  check_list (0, "BBbbbbBbbB");
  identifai_hold_queue_get_stats (world.hold, 0, &stats);
  fail_unless_equals_uint64 (stats.passed_segments, 2);
  fail_unless_equals_uint64 (stats.withheld_segments, 1);
}

GST_END_TEST;

static Suite *
holdevents_suite (void)
{
  Suite *suite = suite_create ("holdevents");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_loop_test (tc, test_turn_by_flush, 0, 2);
  tcase_add_test (tc, test_turn_by_end);
  tcase_add_test (tc, test_events);
  tcase_add_test (tc, test_slate);
  tcase_add_test (tc, test_begin);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_streams);
  tcase_add_test (tc, test_not_paced);
  tcase_add_test (tc, test_not_paced_end);
  tcase_add_test (tc, test_dumped_sound);
  tcase_add_test (tc, test_nothing_held);
  tcase_add_test (tc, test_margins);
  tcase_add_loop_test (tc, test_away, 0, 2 * G_N_ELEMENTS (away_rows));
  tcase_add_test (tc, test_count_open_groups);

  return suite;
}

GST_CHECK_MAIN (holdevents);
