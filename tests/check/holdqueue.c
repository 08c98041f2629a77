/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is held back leaves when it should, and what shouldn't doesn't: rows of frames and
 * of times that go back, and an operator's figures.
 */

#include "holdworld.h"

#include <stdlib.h>
#include <string.h>

/* Frames as hold_world_read_frames takes them. Outcomes, which come when the segment is
 * settled: c clean, a artificial, u unknown, f failed, . none; behind them the same, much
 * later, or -.
 * Orders, "ms:what": d dump the last 200 ms, r release, F, P and N force drop, pass
 * and none, h shorter by half, H longer by half, 0 nothing held any more, i
 * behind a hole to go on at closed points only.
 * Expected: P passes, F passes as the first one, else why it is withheld: v verdict,
 * u unknown, j unjudged, s unsampled, f forced, d dumped, k skipped, o overflow, t start. */
typedef struct
{
  const gchar *name;
  const gchar *frames;
  const gchar *outcomes;
  const gchar *orders;
  const gchar *actions;         /* c closed, o open, e the end */
  IdentifaiUnsampled on_unsampled;
  guint max_bytes;              /* 10 a frame; 0: plenty */
  const gchar *expected;
} Row;

#define FOLLOW IDENTIFAI_UNSAMPLED_FOLLOW

static const Row rows[] = {
  {"clean", "K0p0p0K1p1K2", "ccc", "", "c", FOLLOW, 0, "PPPPPP"},
  {"artificial", "K0p0K1p1K2p2", "cac", "", "c", FOLLOW, 0, "PPvvFP"},
  {"artificial from the start", "K0p0K1p1", "ac", "", "c", FOLLOW, 0, "vvFP"},
  {"none, in time", "K0p0K1p1K2p2", "c.c", "", "c", FOLLOW, 0, "PPjjFP"},
  {"none, and open", "K0p0K1p1K2p2", "c.c", "", "o", FOLLOW, 0, "PPPPPP"},
  {"failed", "K0p0K1p1K2p2", "cfc", "", "c", FOLLOW, 0, "PPjjFP"},
  {"unknown passes", "K0p0K1p1K2p2", "cuc", "", "c", FOLLOW, 0, "PPPPPP"},
  {"the end", "K0p0K1p1", "ca", "", "e", FOLLOW, 0, "PPvv"},
  {"before the first key frame", "p-p-K0p0", "c", "", "c", FOLLOW, 0, "ttFP"},
  {"before it, and open", "p-p-K0p0", "c", "", "o", FOLLOW, 0, "PPPP"},
  {"not settled in time", "K0p0K?p?K2p2", "ccc", "", "c", FOLLOW, 0, "PPjjFP"},
  {"not settled, and open", "K0p0K?p?K2p2", "ccc", "", "o", FOLLOW, 0,
      "PPPPPP"},
  {"one in no segment spoils the group", "K0p-p0p0K0p0", "c", "", "c", FOLLOW,
        0,
      "PjjjFP"},
  {"headers go with their picture", "h-K0p0hhK1p1h-K2p2", "acc", "", "c",
        FOLLOW,
        0,
      "vvvPFPPPP"},
  {"headers of what is withheld", "K0h-K1p1h-K2", "cac", "", "c", FOLLOW, 0,
      "PvvvPF"},
  {"headers at the end", "K0h-", "c", "", "c", FOLLOW, 0, "Pj"},
  {"open group, both pass", "K0p0K1l0l0p1", "cc", "", "c", FOLLOW, 0,
      "PPPPPP"},
  {"open group behind what is withheld", "K0p0K1l0l0p1K2l1l1p2", "acc", "", "c",
      FOLLOW, 0, "vvFvvPPPPP"},
  {"open group in front of what is withheld", "K0p0K1l0l0p1K2l1l1p2", "cac", "",
      "c", FOLLOW, 0, "PPvvvvFvvP"},
  {"open group inside, behind a hole", "K0p-p0K0l0p0", "c", "", "c", FOLLOW, 0,
      "PjjFjP"},
  {"open group in no segment at the start", "K0l-l-p0", "c", "", "c", FOLLOW, 0,
      "PjjP"},
  {"behind a hole at a closed point only", "K0p0K1p1K2l1p2I2p2", "cac", "0:i",
      "c", FOLLOW, 0, "PPvvvvvFP"},
  {"no closed point comes", "K0p0K1p1K2p2", "cac", "0:i", "c", FOLLOW, 0,
      "PPvvvv"},
  {"no hole, no closed point needed", "K0p0K1l0p1", "cc", "0:i", "c", FOLLOW, 0,
      "PPPPP"},
  {"shorter, to a closed point", "K0p0p0p0K0p0p0p0I0p0p0p0", "c", "0:i 650:h",
      "c", FOLLOW, 0, "kkkkkkkkFPPP"},
  {"sampled", "K0p0K_p_K1p1K_p_", "ca", "", "c", FOLLOW, 0, "PPPPvvss"},
  {"sampled, the pause passes", "K0p0K_p_K1p1", "ac", "", "c",
      IDENTIFAI_UNSAMPLED_PASS, 0, "vvFPPP"},
  {"sampled, the pause is withheld", "K0p0K_p_K1p1", "cc", "", "c",
      IDENTIFAI_UNSAMPLED_DROP, 0, "PPssFP"},
  {"late, and clean", "K0p0p0p0K1p1", ".c", "1150:c", "c", FOLLOW, 0,
      "jjjjFP"},
  {"late, and artificial", "K0p0p0p0K1p1", ".c", "1150:a", "o", FOLLOW, 0,
      "PPvvFP"},
  {"in time by a moment", "K0p0p0K1", ".c", "999:c", "c", FOLLOW, 0, "PPPP"},
  {"too late by a moment", "K0p0p0K1", ".c", "1001:c", "c", FOLLOW, 0, "jjjF"},

  {"dumped: the last two, and on", "K0p0p0p0K0p0K0p0", "c", "350:d 450:r", "c",
      FOLLOW, 0, "PPddddFP"},
  {"dumped, what left stays", "K0p0K0p0", "c", "1350:d 1360:r", "c", FOLLOW, 0,
      "PPPP"},
  {"dumped beside force=pass", "K0p0p0K0p0", "c", "250:d 260:r 0:P", "c",
      FOLLOW, 0, "PddFP"},
  {"force drop at once, pass at a key frame", "K0p0p0K0p0p0K0p0", "c",
      "1150:F 1450:N", "c", FOLLOW, 0, "PPffffFP"},
  {"force pass", "K0p0K1p1K2p2", "aac", "1150:P", "c", FOLLOW, 0, "vvFPPP"},
  {"force pass waits for a key frame", "K0p0p0K1p1", "ac", "1050:P", "c",
      FOLLOW, 0, "vvvFP"},
  {"force drop over what is open", "K0p0p0K1p1", "..", "1050:F", "o", FOLLOW, 0,
      "Pffff"},
  {"shorter: jumps to a key frame", "K0p0p0p0K0p0p0p0K0p0p0p0", "c", "950:h",
      "c", FOLLOW, 0, "kkkkkkkkFPPP"},
  {"shorter, at a key frame", "K0p0p0p0K0p0p0p0", "c", "900:h", "c", FOLLOW, 0,
      "kkkkFPPP"},
  {"nothing held any more, but what was doesn't leave", "K0p0p0p0p0K1p1", "aa",
      "350:0", "c", FOLLOW, 0, "kkkkkFP"},
  {"longer", "K0p0p0p0K0p0p0p0", "c", "1150:H", "c", FOLLOW, 0, "PPPPPPPP"},
  {"more than may be held", "K0p0K1p1K2p2", "c.c", "", "c", FOLLOW, 20,
      "PPooFP"},
  {"more than may be held, and open", "K0p0K1p1K2p2", "c.c", "", "o", FOLLOW,
      30, "PPPPPP"},
};

static void
obey (HoldWorld * world, gchar order)
{
  gint64 hold = world->settings.hold;

  switch (order) {
    case 'd':
      identifai_hold_queue_dump (world->hold, 200 * HOLD_MS, world->now * 1000);
      return;
    case 'r':
      identifai_hold_queue_release (world->hold);
      return;
    case 'c':
    case 'a':
      hold_world_add_outcome (world, 0, order);
      return;
    case 'h':
    case 'H':
      world->settings.hold = order == 'h' ? hold / 2 : hold + hold / 2;
      break;
    case 'i':
      world->settings.at_idr = TRUE;
      break;
    case '0':
      world->settings.hold = 0;
      break;
    default:
      world->settings.force = order == 'F' ? IDENTIFAI_FORCE_DROP :
          order == 'P' ? IDENTIFAI_FORCE_PASS : IDENTIFAI_FORCE_NONE;
      break;
  }
  hold_world_configure (world);
}

static const gchar *
obey_until_now (HoldWorld * world, const gchar * orders)
{
  while (*orders && strtoll (orders, NULL, 10) <= world->now) {
    orders = strchr (orders, ':');
    obey (world, orders[1]);
    orders += orders[2] ? 3 : 2;
  }

  return orders;
}

static gchar
describe (const HoldFrame * frame)
{
  static const gchar letters[] = "vujsfdkot";

  if (frame->left < 0)
    return '?';
  if (frame->held.passes)
    return frame->held.is_first ? 'F' : 'P';

  return letters[frame->held.why];
}

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  const gchar *orders = row->orders;
  GString *made = g_string_new (NULL);
  HoldWorld world;
  guint i;

  hold_world_init (&world, row->actions);
  world.settings.on_unsampled = row->on_unsampled;
  world.settings.max_bytes = row->max_bytes ? row->max_bytes : G_MAXUINT64;
  hold_world_configure (&world);
  hold_world_read_frames (&world, row->frames);
  for (i = 0; row->outcomes[i]; i++) {
    if (row->outcomes[i] != '.')
      hold_world_add_outcome (&world, i, row->outcomes[i]);
  }
  for (; world.now < 4000; world.now++) {
    hold_world_come (&world, 0, HOLD_FRAME);
    orders = obey_until_now (&world, orders);
    hold_world_pop_all (&world, 0);
    hold_world_check_law (&world);
  }
  for (i = 0; i < world.n[0]; i++) {
    g_string_append_c (made, describe (&world.frames[0][i]));
    if (world.settings.hold == HOLD_TIME * HOLD_MS && row->max_bytes == 0)
      fail_unless_equals_int64 (world.frames[0][i].left,
          world.frames[0][i].arrival + HOLD_TIME);
  }
  fail_unless (strcmp (made->str, row->expected) == 0, "%s: %s instead of %s",
      row->name, made->str, row->expected);
  g_string_free (made, TRUE);
  hold_world_clear (&world);
}

GST_END_TEST;

/*** sound, where times go back ***/

/* Frames that come in [from, to) ms, with times that start at running; video is of
 * one segment each. */
typedef struct
{
  gint64 from, to, running;
} Stretch;

/* A stretch of video is a segment, of which outcomes says what it is: c clean, a
 * artificial, . none in time. expected: of the stretches of sound, P all of it
 * passes, - none of it, ? either. */
typedef struct
{
  const gchar *name;
  Stretch video[6], sound[6];
  const gchar *outcomes, *expected;
  gint64 skew;                  /* of sound, ms: so much later than its video */
  gboolean reordered;           /* each other picture is shown before the one in
                                 * front of it */
} Turn;

#define TURN_HOLD 3000
#define TWO(running) { {0, 2000, 10000}, {2000, 4000, running} }
#define THREE { {0, 2000, 10000}, {2000, 4000, 10000}, {4000, 6000, 10000} }
#define FOUR { {0, 1000, 10000}, {1000, 2000, 10000}, {2000, 3000, 10000}, \
    {3000, 4000, 10000} }

static const Turn turns[] = {
  {"over and over", THREE, THREE, "cac", "P-P"},
  {"over and over, the other ones", THREE, THREE, "aca", "-P-"},
  {"over and over, sound early", THREE, THREE, "cac", "P-P", -500},
  {"over and over, sound late", THREE, THREE, "cac", "P-P", 500},
  {"over and over, reordered", THREE, THREE, "cac", "P-P", 0, TRUE},
  {"over and over, not judged in time", THREE, THREE, "c.c", "P-P"},
  {"short rounds", FOUR, FOUR, "caca", "P-P-"},
  {"short rounds, sound early", FOUR, FOUR, "acac", "-P-P", -300},
  {"short rounds, sound late", FOUR, FOUR, "acac", "-P-P", 300},
  {"back by half", TWO (11000), TWO (11000), "ca", "P-"},
  {"back by half, and clean", TWO (11000), TWO (11000), "ac", "-P"},
  {"back a little", TWO (11800), TWO (11800), "ca", "P-"},
  {"back a little, late", TWO (11800), TWO (11800), "ca", "P-", 400},
  {"back a little, early", TWO (11800), TWO (11800), "ac", "-P", -400},
  {"back a long way", TWO (100), TWO (100), "ca", "P-"},
  {"forward", TWO (90000), TWO (90000), "ca", "P-"},
  {"forward, early", TWO (90000), TWO (90000), "ac", "-P", -400},
  {"the new round has sound first", {{0, 2000, 10000}, {3000, 4000, 11000}},
      {{0, 2000, 10000}, {2000, 3000, 10000}, {3000, 4000, 11000}}, "cc",
      "P-P"},
  {"the new round has no pictures yet", {{0, 2000, 10000}}, TWO (10000), "c",
      "P-"},
  {"only the video goes back", TWO (10000), {{0, 4000, 10000}}, "ca", "?"},
  {"only the sound goes back", {{0, 2000, 10000}, {2000, 4000, 12000}},
      {{0, 2000, 10000}, {2000, 2500, 11500}, {2500, 4000, 12500}}, "ca",
      "PP-"},
  {"sound before the first picture", {{1000, 2000, 11000}},
      {{0, 1000, 10000}, {1000, 2000, 11000}}, "c", "-P"},
  {"sound alone", {{0, 0, 0}}, {{0, 2000, 10000}}, "", "-"},
};

static guint
add_stretches (HoldWorld * world, guint stream, const Turn * turn)
{
  const Stretch *stretches = stream == 0 ? turn->video : turn->sound;
  gint64 step = stream == 0 ? 40 : 20, time;
  guint i;

  for (i = 0; i < 6 && stretches[i].to > 0; i++) {
    for (time = stretches[i].from; time < stretches[i].to; time += step) {
      gint64 skew = stream == 0 ? 0 : turn->skew;
      HoldFrame *frame =
          hold_world_add_frame (world, stream, MAX (0, time + skew),
          stretches[i].running + time - stretches[i].from);

      frame->kind = IDENTIFAI_PLACEMENT_SEGMENT;
      frame->segment = i;
      frame->is_point = time == stretches[i].from;
      frame->decoding = stream == 0 ? frame->running - 80 : 0;
      if (stream == 0 && turn->reordered)
        frame->running += (time / step) % 2 ? -step : step;
    }
  }

  return i;
}

static gchar
sum_up (const HoldWorld * world, guint stretch)
{
  guint passed = 0, withheld = 0, i;

  for (i = 0; i < world->n[1]; i++) {
    const HoldFrame *frame = &world->frames[1][i];

    fail_unless (frame->left >= 0);
    passed += frame->segment == stretch && frame->held.passes;
    withheld += frame->segment == stretch && !frame->held.passes;
  }

  return withheld == 0 ? 'P' : passed == 0 ? '-' : 'x';
}

/* Paced, and as a file, of which all is there before anything is judged. */
static void
run_turn (const Turn * turn, gboolean paced)
{
  HoldWorld world;
  guint n, i;

  hold_world_init (&world, "c");
  world.settings.hold = TURN_HOLD * HOLD_MS;
  world.settings.paced = paced;
  hold_world_configure (&world);
  add_stretches (&world, 0, turn);
  n = add_stretches (&world, 1, turn);
  for (i = 0; turn->outcomes[i]; i++) {
    if (turn->outcomes[i] != '.')
      hold_world_add_outcome (&world, i, turn->outcomes[i]);
    else if (!paced)
      hold_world_add_outcome (&world, i, 'f');
  }
  for (; world.now < 10000; world.now++) {
    hold_world_come (&world, 0, 40);
    hold_world_come (&world, 1, 20);
    if (world.now < 9900)
      hold_world_pop_all (&world, 0);
    else if (world.now == 9900)
      identifai_hold_queue_push_event (world.hold, 0,
          GST_MINI_OBJECT (gst_event_new_eos ()), TRUE, world.now * 1000);
    hold_world_pop_all (&world, 1);
  }
  for (i = 0; i < n; i++) {
    gchar made = sum_up (&world, i);

    fail_unless (turn->expected[i] == '?' || made == turn->expected[i],
        "%s, %s: stretch %u: %c", turn->name, paced ? "paced" : "a file", i,
        made);
  }
  hold_world_clear (&world);
}

GST_START_TEST (test_turns)
{
  run_turn (&turns[__i__], TRUE);
  run_turn (&turns[__i__], FALSE);
}

GST_END_TEST;

/*** an operator's figures ***/

#define BAD_FROM 30000          /* ms; in the middle of a group */
#define BAD_TO 41300
#define STEP 40
#define GROUP 1000

static gboolean
is_bad (const HoldFrame * frame)
{
  return frame->running >= BAD_FROM && frame->running < BAD_TO;
}

/* 20 s are held, and all is judged clean. He presses 2 s after the first bad frame came,
 * with as much for his reaction, and again when it is over: no bad frame leaves, and of
 * the good ones no more than 4 s are lost. */
GST_START_TEST (test_operator)
{
  guint bad = 0, lost = 0, i;
  gint64 time;
  HoldWorld world;

  hold_world_init (&world, "c");
  world.settings.hold = 20000 * HOLD_MS;
  hold_world_configure (&world);
  hold_world_add_outcome (&world, 0, 'c');
  for (time = 0; time < 60000; time += STEP) {
    HoldFrame *frame = hold_world_add_frame (&world, 0, time, time);

    frame->kind = IDENTIFAI_PLACEMENT_SEGMENT;
    frame->is_point = time % GROUP == 0;
  }
  for (; world.now < 81000; world.now++) {
    hold_world_come (&world, 0, STEP);
    if (world.now == BAD_FROM + 2000)
      identifai_hold_queue_dump (world.hold, 2000 * HOLD_MS, world.now * 1000);
    if (world.now == BAD_TO + 1000)
      identifai_hold_queue_release (world.hold);
    hold_world_pop_all (&world, 0);
    hold_world_check_law (&world);
  }
  for (i = 0; i < world.n[0]; i++) {
    const HoldFrame *frame = &world.frames[0][i];

    fail_unless (frame->left >= 0);
    bad += is_bad (frame) && frame->held.passes;
    lost += !is_bad (frame) && !frame->held.passes;
  }
  fail_unless_equals_int (bad, 0);
  fail_unless (lost * STEP <= 4000, "%u good frames are lost", lost);
  hold_world_clear (&world);
}

GST_END_TEST;

static Suite *
holdqueue_suite (void)
{
  Suite *suite = suite_create ("holdqueue");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (tc, test_turns, 0, G_N_ELEMENTS (turns));
  tcase_add_test (tc, test_operator);

  return suite;
}

GST_CHECK_MAIN (holdqueue);
