/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The segmenter says in which segment each frame is judged: by hand for what is
 * decided on purpose, and of random streams, that each frame is told of once, and
 * in the segment whose file has it.
 */

#include "segmenterrun.h"

#include <string.h>

#define MOST 400                /* frames of a stream */
#define SEEDS 25                /* a process of the test */

typedef struct
{
  SegmenterRun run;             /* the first: what the functions get */
  guint8 open[MOST], settled[MOST];     /* how often it was told */
  guint8 rows[MOST];            /* in how many rows it was */
  guint n_rows;
  IdentifaiPlacement placements[MOST];  /* the last one, by id */
  GstClockTime time;
} Case;

static void
on_place (const IdentifaiPlacement * placement, gpointer user_data)
{
  Case *c = user_data;

  fail_unless (placement->id > 0 && placement->id < c->run.ids + 1);
  if (placement->kind == IDENTIFAI_PLACEMENT_OPEN) {
    fail_unless_equals_int (c->settled[placement->id], 0);
    fail_unless (GST_IS_BUFFER (placement->complete));
    c->open[placement->id]++;
  } else {
    c->settled[placement->id]++;
  }
  c->placements[placement->id] = *placement;
}

static void
on_settle (const IdentifaiSettlement * settlement, gpointer user_data)
{
  Case *c = user_data;
  guint64 id;

  fail_unless (settlement->from > 0 && settlement->from <= settlement->to);
  fail_unless (settlement->to < c->run.ids + 1);
  c->n_rows++;
  for (id = settlement->from; id <= settlement->to; id++) {
    fail_unless_equals_int (c->rows[id]++, 0);
    if (c->settled[id] > 0)
      continue;
    fail_unless_equals_int (c->open[id], 1);
    c->settled[id]++;
    c->placements[id].kind = settlement->kind;
    c->placements[id].segment = settlement->segment;
  }
}

static void
case_init (Case * c, const gchar * caps, guint duration, guint interval,
    guint64 max_bytes)
{
  memset (c, 0, sizeof (*c));
  run_init (&c->run, caps);
  run_configure (&c->run, duration, interval, max_bytes);
  identifai_segmenter_set_place_funcs (c->run.segmenter, on_place, on_settle);
  c->run.ids = 1;
}

static void
push (Case * c, GstBuffer * buffer)
{
  GST_BUFFER_OFFSET (buffer) = c->run.ids;
  run_push (&c->run, 0, buffer);
  run_collect (&c->run);
}

/* Letters as in segmentercuts.c, and 0 to 2 for nothing judged, judged again, and
 * a buffer that is no frame. */
static void
feed_letter (Case * c, gchar letter)
{
  gboolean key = letter == 'K';
  GstBuffer *buffer;

  switch (letter) {
    case 's':
      identifai_segmenter_split_now (c->run.segmenter);
      break;
    case 'c':
      run_set_caps (&c->run, 0, "video/x-vp8, width = 640, height = 480");
      break;
    case '0':
    case '1':
      identifai_segmenter_set_judging (c->run.segmenter, letter == '1');
      break;
    case '2':
      push (c, gst_buffer_new ());
      break;
    case '>':
      c->time = 70 * GST_SECOND;
      run_set_segment (&c->run, 0, c->time, 20 * GST_SECOND);
      break;
    case '-':
      c->time += 2 * GST_SECOND;
      break;
    default:
      buffer = make_vp8 (key, letter == 'B' ? BIG : SMALL, c->time);
      if (letter == 'X')
        GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
      push (c, buffer);
      c->time += FRAME;
      break;
  }
}

/* Parameter sets and no picture. */
static GstBuffer *
make_headers (gint place)
{
  static const guint8 units[] = { 0, 0, 0, 4, 0x67, 0x64, 0, 0x16, 0, 0, 0, 2,
    0x68, 0xee
  };

  return make_buffer (units, sizeof (units), 0, place * FRAME);
}

/* A letter and a place each; h: headers alone. */
static void
feed_units (Case * c, gboolean h265, const gchar * stream)
{
  for (; *stream; stream += 2) {
    gint place = g_ascii_isdigit (stream[1]) ? stream[1] - '0' :
        stream[1] - 'A' + 10;

    push (c, stream[0] == 'h' ? make_headers (place) : make_unit (h265,
            stream[0], place));
  }
}

static void
check_each_once (Case * c, const gchar * name)
{
  guint64 id;

  for (id = 1; id < c->run.ids; id++) {
    fail_unless (c->settled[id] == 1, "%s: frame %u told %u times", name,
        (guint) id, c->settled[id]);
    fail_unless (c->open[id] <= 1, "%s: frame %u", name, (guint) id);
  }
}

static gchar *
describe (Case * c)
{
  GString *text = g_string_new (NULL);
  guint64 id;

  for (id = 1; id < c->run.ids; id++) {
    const IdentifaiPlacement *placement = &c->placements[id];

    switch (placement->kind) {
      case IDENTIFAI_PLACEMENT_SEGMENT:
        g_string_append_printf (text, "%u", placement->segment);
        break;
      case IDENTIFAI_PLACEMENT_PAUSE:
        g_string_append_c (text, '_');
        break;
      case IDENTIFAI_PLACEMENT_HEADERS:
        g_string_append_c (text, 'h');
        break;
      default:
        g_string_append_c (text, '-');
        break;
    }
    if (placement->is_point)
      g_string_append_c (text, '!');
    if (placement->is_leading)
      g_string_append_c (text, '*');
  }

  return g_string_free (text, FALSE);
}

/* Expected: the segment of each frame, _ in a pause, - in none, h headers; ! a
 * point, * a leading picture. */
typedef struct
{
  const gchar *name;
  const gchar *caps;            /* NULL: VP8, and letters without places */
  const gchar *stream;
  guint duration, interval;     /* ms */
  guint64 max_bytes;
  const gchar *expected;
} Row;

static const Row rows[] = {
  {"nothing", NULL, "", 300, 0, 0, ""},
  {"no key frame", NULL, "ppp", 300, 0, 0, "---"},
  {"before the first key frame", NULL, "ppKppKp", 300, 0, 0, "--0!001!1"},
  {"segments", NULL, "KppKppKp", 300, 0, 0, "0!001!112!2"},
  {"key frames inside", NULL, "KpKpKpKp", 400, 0, 0, "0!00!01!11!1"},
  {"sampling", NULL, "KpKpKpKpKp", 200, 600, 0, "0!0_!__!_1!1_!_"},
  {"sampling, a late key frame", NULL, "KpKppppKp", 200, 400, 0,
      "0!0_!____1!1"},
  {"a break without a key frame", NULL, "Kp-XpKp", 9000, 0, 0, "0!0--1!1"},
  {"other caps", NULL, "KpcpKp", 9000, 0, 0, "0!0-1!1"},
  {"a seek without flush", NULL, "Kp>Kp", 9000, 0, 0, "0!01!1"},
  {"split-now", NULL, "KpspKp", 9000, 0, 0, "0!001!1"},
  {"nothing judged", NULL, "Kp0pKp1pKp", 9000, 0, 0, "0!0----1!1"},
  {"no frame", NULL, "K2pK", 300, 0, 0, "0!-00!"},
  {"too large", NULL, "KBBBBpKp", 9000, 0, 36000, "0!000001!1"},
  {"too large until EOS", NULL, "KBBBBp", 9000, 0, 30000, "0!00000"},
  {"cut early", NULL, "KBpKBpKBpK", 9000, 0, 36000, "0!000!001!111!"},
  {"cut early at the last key frame", NULL, "KBKpppBBp", 9000, 0, 36000,
      "0!01!111111"},
  {"sampling and cut early", NULL, "KBKBBpKpKpK", 9000, 600, 36000,
      "0!0_!___1!11!11!"},
  {"closed", AVC, "I0P3B1B2I4P7B5B6", 300, 0, 0, "0!0001!111"},
  {"intra frames that are no points", AVC, "I0P1i2P3i4P5I6", 200, 0, 0,
      "0!000001!"},
  {"open: leading pictures are the old segment's", AVC,
        "I0P1O4B2B3P5O8B6B7P9OCBABBPD", 300, 0, 0,
      "0!01!0*0*12!1*1*23!2*2*3"},
  {"open, no cut", AVC, "I0P1O4B2B3P5", 9000, 0, 0, "0!00!0*0*0"},
  {"open at the start", AVC, "O2B0B1P3I4P5", 200, 0, 0, "0!-*-*01!1"},
  {"open where a pause begins", AVC, "I0P1O4B2B3P5I6P7", 300, 600, 0,
      "0!0_!0*0*_1!1"},
  {"open in a pause", AVC, "I0P1I2O5B3B4P6I7P8", 200, 700, 0,
      "0!0_!_!_*_*_1!1"},
  {"H.265 closed with leading pictures", HVC, "I0P1P2I5R3R4P6", 300, 0, 0,
      "0!001!111"},
  {"H.265 open with decodable ones only", HVC, "I0P1P2O5R3R4P6", 300, 0, 0,
      "0!001!111"},
  {"H.265 open", HVC, "I0P1P2O5r3r4P6", 300, 0, 0, "0!001!0*0*1"},
  {"H.265 open at the start", HVC, "O2r0r1P3P4", 300, 0, 0, "0!-*-*00"},
  {"headers alone", AVC, "I0P1h2P2I3", 200, 0, 0, "0!0h01!"},
};

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  gchar *told;
  Case c;
  const gchar *at;

  case_init (&c, row->caps ? row->caps : VP8, row->duration, row->interval,
      row->max_bytes);
  if (row->caps != NULL)
    feed_units (&c, g_str_equal (row->caps, HVC), row->stream);
  for (at = row->stream; row->caps == NULL && *at; at++)
    feed_letter (&c, *at);
  run_finish (&c.run);
  check_each_once (&c, row->name);
  told = describe (&c);
  fail_unless (strcmp (told, row->expected) == 0, "%s: %s instead of %s",
      row->name, told, row->expected);
  g_free (told);
  run_clear (&c.run);
}

GST_END_TEST;

/* A segment that fits, and one that doesn't: it is told of once, however long. */
GST_START_TEST (test_one_row)
{
  guint i;
  Case c;

  case_init (&c, VP8, 9000000, 0, __i__ == 0 ? 0 : 30000);
  feed_letter (&c, 'K');
  for (i = 0; i < MOST - 10; i++)
    feed_letter (&c, __i__ == 1 && i < 5 ? 'B' : 'p');
  run_finish (&c.run);
  check_each_once (&c, "long");
  fail_unless_equals_int (c.n_rows, 1);
  run_clear (&c.run);
}

GST_END_TEST;

/* The VOP that stands for another isn't lost. */
GST_START_TEST (test_placeholders)
{
  static const gchar *const stream = "IPBBnPBBn";
  gchar *told;
  Case c;
  guint i;

  case_init (&c, MPEG4 "0886842e" "000001b2446976583530336231333933" "70", 9000,
      0, 0);
  for (i = 0; stream[i]; i++) {
    guint8 vop[] = { 0, 0, 1, 0xb6, stream[i] == 'I' ? 0x00 :
          stream[i] == 'B' ? 0x80 : 0x40
    };
    GstBuffer *buffer = make_buffer (vop, sizeof (vop),
        stream[i] == 'n' ? 0 : SMALL, GST_CLOCK_TIME_NONE);

    GST_BUFFER_DTS (buffer) = i * FRAME;
    push (&c, buffer);
  }
  run_finish (&c.run);
  check_each_once (&c, "packed");
  told = describe (&c);
  fail_unless_equals_string (told, "0!000h000h");
  g_free (told);
  run_clear (&c.run);
}

GST_END_TEST;

/*** any stream ***/

/* Whether its file has the frame that was placed in it, and no other but the first
 * of the next one. */
static void
check_segment (Case * c, const IdentifaiSegment * segment, guint seed)
{
  IdentifaiTrack *track = segment->tracks ?
      g_ptr_array_index (segment->tracks, 0) : NULL;
  guint8 in_file[MOST] = { 0, };
  guint64 id;
  guint i;

  for (i = 0; track && i < track->buffers->len; i++)
    in_file[GST_BUFFER_OFFSET (g_ptr_array_index (track->buffers, i))]++;
  for (id = 1; track && id < c->run.ids; id++) {
    const IdentifaiPlacement *placement = &c->placements[id];
    gboolean placed = placement->kind == IDENTIFAI_PLACEMENT_SEGMENT
        && placement->segment == segment->number;

    fail_unless (in_file[id] <= 1, "seed %u: frame %u twice", seed, (guint) id);
    fail_if (placed && !in_file[id], "seed %u: frame %u isn't in the file of "
        "segment %u", seed, (guint) id, segment->number);
    fail_if (in_file[id] && !placed && !placement->is_point, "seed %u: frame "
        "%u is in the file of segment %u", seed, (guint) id, segment->number);
  }
}

static void
collect (Case * c, guint seed)
{
  IdentifaiSegment *segment;

  while ((segment = run_pop (&c->run, c->run.monotonic))) {
    check_segment (c, segment, seed);
    identifai_segment_free (segment);
  }
}

static void
push_any (Case * c, GstBuffer * buffer, guint seed)
{
  GST_BUFFER_OFFSET (buffer) = c->run.ids;
  run_push (&c->run, 0, buffer);
  if (g_random_int_range (0, 3) == 0)
    collect (c, seed);
}

/* Groups that are open or not, of up to six pictures with up to two leading ones. */
static void
feed_group (Case * c, GRand * rand, gint * place, guint seed)
{
  gint lead = g_rand_int_range (rand, 0, 3), i;
  gboolean open = lead > 0 || g_rand_boolean (rand);

  push_any (c, make_unit (TRUE, open ? 'O' : 'I', *place + lead), seed);
  for (i = 0; i < lead; i++)
    push_any (c, make_unit (TRUE, g_rand_int_range (rand, 0, 4) ? 'r' : 'R',
            *place + i), seed);
  *place += lead + 1;
  for (i = g_rand_int_range (rand, 0, 4); i > 0; i--)
    push_any (c, make_unit (TRUE, 'P', (*place)++), seed);
}

static void
disturb (Case * c, GRand * rand, gint * place)
{
  switch (g_rand_int_range (rand, 0, 24)) {
    case 0:
      identifai_segmenter_split_now (c->run.segmenter);
      break;
    case 1:
      identifai_segmenter_set_judging (c->run.segmenter, FALSE);
      break;
    case 2:
      *place += 30;
      break;
    case 3:
      identifai_segmenter_change_stream (c->run.segmenter);
      break;
    default:
      identifai_segmenter_set_judging (c->run.segmenter, TRUE);
      break;
  }
}

/* With sound that comes late and makes files too large, so that what is closed is
 * split again. */
static void
run_any_stream (guint seed)
{
  guint audio, at = 0;
  GRand *rand = g_rand_new_with_seed (seed);
  gint place = 0;
  Case c;

  g_random_set_seed (seed);
  case_init (&c, HVC, g_rand_int_range (rand, 0, 20) * 100,
      g_rand_boolean (rand) ? 0 : g_rand_int_range (rand, 0, 30) * 100,
      g_rand_boolean (rand) ? 0 : g_rand_int_range (rand, 3000, 8000));
  audio = identifai_segmenter_add_audio (c.run.segmenter);
  fail_unless (run_set_caps (&c.run, audio, OPUS));
  run_set_segment (&c.run, audio, 0, 0);
  while (c.run.ids < MOST - 30) {
    disturb (&c, rand, &place);
    feed_group (&c, rand, &place, seed);
    if (g_rand_int_range (rand, 0, 8) == 0) {
      guint64 ids = c.run.ids;

      c.run.ids = 0;
      run_push_audio (&c.run, audio, at, place * 100);
      at = place * 100;
      c.run.ids = ids;
    }
  }
  identifai_segmenter_eos (c.run.segmenter, 0, c.run.monotonic);
  c.run.monotonic += 10 * IDENTIFAI_AUDIO_PATIENCE;
  collect (&c, seed);
  check_each_once (&c, "any stream");
  g_rand_free (rand);
  run_clear (&c.run);
}

GST_START_TEST (test_any_stream)
{
  guint i;

  for (i = 0; i < SEEDS; i++)
    run_any_stream (__i__ * SEEDS + i);
}

GST_END_TEST;

static Suite *
framenotices_suite (void)
{
  Suite *suite = suite_create ("framenotices");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (tc, test_one_row, 0, 2);
  tcase_add_test (tc, test_placeholders);
  tcase_add_loop_test (tc, test_any_stream, 0, 4);

  return suite;
}

GST_CHECK_MAIN (framenotices);
