/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The books: what is held, the bounds, and one outcome a segment, also over a
 * long random life against books kept the simple way.
 */

#include <gst/check/gstcheck.h>

#include "ledger.h"

static IdentifaiSegment *
make_segment (guint number, guint64 bytes)
{
  IdentifaiSegment *segment = identifai_segment_new (number);

  segment->bytes = bytes;

  return segment;
}

static void
take_out (IdentifaiLedger * ledger, IdentifaiSegment * segment,
    IdentifaiEnd end)
{
  fail_unless (identifai_ledger_remove (ledger, segment, end));
  /* One outcome only. */
  fail_if (identifai_ledger_remove (ledger, segment, end));
  identifai_segment_free (segment);
}

GST_START_TEST (test_one_outcome)
{
  IdentifaiLedger *ledger = identifai_ledger_new ();
  const IdentifaiTotals *totals = identifai_ledger_get_totals (ledger);
  IdentifaiSegment *a = make_segment (0, 10), *b = make_segment (1, 20);

  fail_if (identifai_ledger_has (ledger, NULL));
  fail_if (identifai_ledger_has (ledger, a));
  fail_if (identifai_ledger_remove (ledger, a, IDENTIFAI_END_FAILED));
  fail_unless_equals_uint64 (totals->ends[IDENTIFAI_END_FAILED], 0);

  identifai_ledger_add (ledger, a, 10, IDENTIFAI_STAGE_MUXING);
  identifai_ledger_add (ledger, b, 20, IDENTIFAI_STAGE_MUXING);
  fail_unless (identifai_ledger_has (ledger, a));
  fail_unless (identifai_ledger_peek (ledger, 0) == a);
  fail_unless (identifai_ledger_peek (ledger, 1) == b);
  fail_unless (identifai_ledger_peek (ledger, 2) == NULL);
  fail_unless (identifai_ledger_next (ledger, a) == b);
  fail_unless (identifai_ledger_next (ledger, b) == NULL);

  take_out (ledger, a, IDENTIFAI_END_DROPPED);
  fail_unless (identifai_ledger_peek (ledger, 0) == b);
  take_out (ledger, b, IDENTIFAI_END_VERDICT);
  fail_unless (identifai_ledger_peek (ledger, 0) == NULL);
  fail_unless_equals_uint64 (totals->segments, 2);
  fail_unless_equals_uint64 (totals->pending, 0);
  fail_unless_equals_uint64 (totals->ends[IDENTIFAI_END_DROPPED], 1);
  fail_unless_equals_uint64 (totals->ends[IDENTIFAI_END_VERDICT], 1);

  identifai_ledger_reset (ledger);
  fail_unless_equals_uint64 (totals->segments, 0);
  fail_unless_equals_uint64 (totals->ends[IDENTIFAI_END_VERDICT], 0);
  identifai_ledger_free (ledger);
}

GST_END_TEST;

/* A file is larger than its payload, and costs nothing once it is taken. */
GST_START_TEST (test_stages)
{
  IdentifaiLedger *ledger = identifai_ledger_new ();
  const IdentifaiTotals *totals = identifai_ledger_get_totals (ledger);
  IdentifaiSegment *segment = make_segment (0, 100);

  identifai_ledger_add (ledger, segment, 150, IDENTIFAI_STAGE_MUXING);
  /* The muxer changes it unseen; until it is done, the most counts. */
  segment->bytes = 130;
  fail_unless_equals_uint64 (totals->held_bytes, 150);
  identifai_ledger_move (ledger, segment, IDENTIFAI_STAGE_UPLOADING);
  fail_unless_equals_uint64 (totals->held_bytes, 130);
  fail_unless_equals_uint64 (totals->submitted, 0);

  identifai_ledger_move (ledger, segment, IDENTIFAI_STAGE_SUBMITTED);
  identifai_ledger_move (ledger, segment, IDENTIFAI_STAGE_SUBMITTED);
  fail_unless_equals_uint64 (totals->held_bytes, 0);
  fail_unless_equals_uint64 (totals->held_segments, 0);
  fail_unless_equals_uint64 (totals->submitted, 1);
  fail_unless_equals_uint64 (totals->pending, 1);
  fail_unless_equals_int (identifai_ledger_get_stage (ledger, segment),
      IDENTIFAI_STAGE_SUBMITTED);

  take_out (ledger, segment, IDENTIFAI_END_FAILED);
  fail_unless_equals_uint64 (totals->held_bytes, 0);
  identifai_ledger_free (ledger);
}

GST_END_TEST;

typedef struct
{
  guint64 held[3];              /* sizes of what is there; 0 = no more */
  guint64 bytes, max_bytes;
  guint max_segments;
  gboolean room;
} RoomRow;

static const RoomRow room_rows[] = {
  /* A single one always may, however large. */
  {{0}, 1000, 10, 1, TRUE},
  {{0}, G_MAXUINT64, 10, 1, TRUE},
  /* By count. */
  {{1}, 1, 100, 1, FALSE},
  {{1}, 1, 100, 2, TRUE},
  {{1, 1}, 1, 100, 2, FALSE},
  {{1, 1, 1}, 0, 100, 2, FALSE},
  /* By bytes. */
  {{40}, 60, 100, 9, TRUE},
  {{40}, 61, 100, 9, FALSE},
  {{100}, 0, 100, 9, TRUE},
  {{100}, 1, 100, 9, FALSE},
  {{200}, 0, 100, 9, FALSE},
  {{200}, 1, 100, 9, FALSE},
  /* No overflow of the sum. */
  {{50}, G_MAXUINT64, 100, 9, FALSE},
  {{50}, G_MAXUINT64 - 50, G_MAXUINT64, 9, TRUE},
  {{50}, G_MAXUINT64, G_MAXUINT64, 9, FALSE},
};

GST_START_TEST (test_room)
{
  const RoomRow *row = &room_rows[__i__];
  IdentifaiLedger *ledger = identifai_ledger_new ();
  IdentifaiSegment *taken = make_segment (99, 1000);
  guint i;

  /* What the service took doesn't count. */
  identifai_ledger_add (ledger, taken, 1000, IDENTIFAI_STAGE_SUBMITTED);
  for (i = 0; i < G_N_ELEMENTS (row->held) && row->held[i] > 0; i++)
    identifai_ledger_add (ledger, make_segment (i, row->held[i]), row->held[i],
        i == 1 ? IDENTIFAI_STAGE_UPLOADING : IDENTIFAI_STAGE_MUXING);
  identifai_ledger_set_bounds (ledger, row->max_bytes, row->max_segments);
  fail_unless_equals_int (identifai_ledger_get_obstacle (ledger, row->bytes) ==
      NULL, row->room);
  /* Frees what is left in it. */
  identifai_ledger_free (ledger);
}

GST_END_TEST;

GST_START_TEST (test_latency)
{
  IdentifaiLedger *ledger = identifai_ledger_new ();
  const IdentifaiTotals *totals = identifai_ledger_get_totals (ledger);

  identifai_ledger_add_latency (ledger, 5 * GST_SECOND);
  identifai_ledger_add_latency (ledger, 7 * GST_SECOND);
  identifai_ledger_add_latency (ledger, 3 * GST_SECOND);
  fail_unless_equals_uint64 (totals->latency_last, 3 * GST_SECOND);
  fail_unless_equals_uint64 (totals->latency_max, 7 * GST_SECOND);
  fail_unless_equals_uint64 (totals->latency_sum, 15 * GST_SECOND);
  identifai_ledger_free (ledger);
}

GST_END_TEST;

/* Recomputed from the ledger's segments, in their order. What they may need is
 * kept in their number of frames. */
static void
check_books (IdentifaiLedger * ledger)
{
  const IdentifaiTotals *totals = identifai_ledger_get_totals (ledger);
  guint64 bytes = 0, held = 0, ends = 0;
  IdentifaiSegment *segment;
  IdentifaiStage stage;
  guint i, last = 0;

  for (i = 0; (segment = identifai_ledger_peek (ledger, i)); i++) {
    fail_unless (i == 0 || segment->number > last);
    last = segment->number;
    stage = identifai_ledger_get_stage (ledger, segment);
    held += (stage != IDENTIFAI_STAGE_SUBMITTED);
    if (stage == IDENTIFAI_STAGE_UPLOADING)
      bytes += segment->bytes;
    else if (stage != IDENTIFAI_STAGE_SUBMITTED)
      bytes += segment->frames;
  }
  fail_unless_equals_uint64 (totals->pending, i);
  fail_unless_equals_uint64 (totals->held_bytes, bytes);
  fail_unless_equals_uint64 (totals->held_segments, held);
  for (i = 0; i < IDENTIFAI_N_ENDS; i++)
    ends += totals->ends[i];
  fail_unless_equals_uint64 (totals->segments, ends + totals->pending);
}

static void
random_step (IdentifaiLedger * ledger, GRand * rand, guint number)
{
  guint n = identifai_ledger_get_totals (ledger)->pending;
  IdentifaiSegment *segment = NULL;

  if (n > 0)
    segment = identifai_ledger_peek (ledger, g_rand_int_range (rand, 0, n));
  switch (g_rand_int_range (rand, 0, 4)) {
    case 0:
    case 1:
      segment = make_segment (number, g_rand_int_range (rand, 0, 1000));
      segment->frames = g_rand_int_range (rand, 0, 1000);
      identifai_ledger_add (ledger, segment, segment->frames,
          g_rand_int_range (rand, 0, IDENTIFAI_STAGE_SUBMITTED + 1));
      break;
    case 2:
      if (segment != NULL) {
        segment->bytes = g_rand_int_range (rand, 0, 1000);
        identifai_ledger_move (ledger, segment,
            g_rand_int_range (rand, identifai_ledger_get_stage (ledger,
                    segment), IDENTIFAI_STAGE_SUBMITTED + 1));
      }
      break;
    case 3:
      if (segment != NULL)
        take_out (ledger, segment, g_rand_int_range (rand, 0,
                IDENTIFAI_N_ENDS));
      break;
  }
}

GST_START_TEST (test_fuzz)
{
  IdentifaiLedger *ledger = identifai_ledger_new ();
  GRand *rand = g_rand_new_with_seed (2000 + __i__);
  guint i;

  for (i = 0; i < 500; i++) {
    random_step (ledger, rand, i);
    check_books (ledger);
  }
  g_rand_free (rand);
  identifai_ledger_free (ledger);
}

GST_END_TEST;

static Suite *
ledger_suite (void)
{
  Suite *suite = suite_create ("ledger");
  TCase *tcase = tcase_create ("ledger");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_one_outcome);
  tcase_add_test (tcase, test_stages);
  tcase_add_loop_test (tcase, test_room, 0, G_N_ELEMENTS (room_rows));
  tcase_add_test (tcase, test_latency);
  tcase_add_loop_test (tcase, test_fuzz, 0, 10);

  return suite;
}

GST_CHECK_MAIN (ledger);
