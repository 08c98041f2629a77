/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * H.264 as camcorders and broadcasters write it: fields that are coded apart, and
 * pictures that are shown before the IDR that they refer to. And VP9 with frames
 * that are never shown. And streams that are decoded from before they are shown,
 * or end before their segment does.
 */

#include "segmenterrun.h"

#include <string.h>

/* Interlaced, 4 bits of frame_num and of the order; how much is reordered isn't
 * said. */
#define INTERLACED "video/x-h264, stream-format = avc, alignment = au, " \
    "width = 320, height = 288, codec_data = (buffer) 014d001effe10008" \
    "674d001ef40a0924010004" "68ce3880"
#define NOT_REFERENCE 0x01
#define REFERENCE 0x41
#define IDR 0x65

/* A picture is a letter and where it is shown, as in segmenter.c: I IDR, O open
 * point, P, B, which is no reference. Small letters are second fields. Expected:
 * by segment, ms, frames, and places in decoding order. */
typedef struct
{
  const gchar *name;
  gboolean fields;
  const gchar *stream;
  const gchar *expected;
  guint64 skipped;
} FieldRow;

static const FieldRow field_rows[] = {
  {"fields, closed", TRUE, "I0p1P2p3I4p5P6p7", "0-400:2 0123 400-800:2 4567",
      0},
  {"fields, open: the leading ones stay behind", TRUE,
        "I0p1P4p5B2b3O8p9B6b7PCpDBAbB",
      "0-800:4 0145238967 800-1400:3 89CDAB", 0},
  {"fields, both of them points", TRUE, "I0p1P4p5B2b3O8o9B6b7PCpDBAbB",
      "0-800:4 0145238967 800-1400:3 89CDAB", 0},
  {"fields, open at the start", TRUE, "O2p3B0b1P4p5", "200-600:2 2345", 2},
  {"fields, open without leading ones", TRUE, "I0p1P2p3O4p5P6p7",
      "0-400:2 0123 400-800:2 4567", 0},
  {"fields before the IDR", TRUE, "I2p3B0b1P6p7B4b5IApBB8b9",
      "0-800:4 23016745 800-1200:2 AB89", 0},
  {"fields whose other one is lost", TRUE, "I0P4p5B2b3O8B6b7P9",
      "0-800:4 04523867 800-1000:2 89", 0},
  {"frames before the IDR", FALSE, "I2B0B1P5B3B4I8B6B7PBB9BA",
      "0-600:6 201534 600-1200:6 867B9A", 0},
  {"frames before the first IDR, and no others", FALSE, "I1B0P2P3I4P5",
      "0-400:4 1023 400-600:2 45", 0},
};

/* The first slice, from its first macroblock's number on. */
static GstBuffer *
make_picture (gchar type, gboolean field, guint place, guint frame_num)
{
  static const guint8 recovery_point[] = { 0, 0, 0, 4, 6, 6, 1, 0x80 };
  gchar letter = g_ascii_toupper (type);
  guint8 unit[16] = { 0, 0, 0, 6 };
  guint32 bits = 1 << 8 | 8 << 1 | 1;   /* 0, type 7, parameter set 0 */
  GByteArray *bytes = g_byte_array_new ();
  GstBuffer *buffer;
  guint n = 9;

  bits = bits << 4 | (frame_num & 15);
  bits = field ? bits << 2 | 2 | (g_ascii_islower (type) ? 1 : 0) : bits << 1;
  n += field ? 6 : 5;
  if (letter == 'I') {
    bits = bits << 1 | 1;
    n++;
  }
  bits = bits << 4 | (place & 15);
  n += 4;
  bits = bits << (32 - n) | ((1u << (32 - n)) - 1);
  unit[4] = type == 'I' ? IDR : letter == 'B' ? NOT_REFERENCE : REFERENCE;
  bits = GUINT32_TO_BE (bits);
  memcpy (unit + 5, &bits, 4);
  if (letter == 'O')
    g_byte_array_append (bytes, recovery_point, sizeof (recovery_point));
  g_byte_array_append (bytes, unit, 10);
  buffer = make_buffer (bytes->data, bytes->len, 0, place * FRAME);
  g_byte_array_unref (bytes);

  return buffer;
}

static gint
place_of (gchar letter)
{
  return g_ascii_isdigit (letter) ? letter - '0' : letter - 'A' + 10;
}

/* A second field has its frame's number, a picture behind a reference the next. */
static void
push_stream (SegmenterRun * run, const FieldRow * row)
{
  const gchar *at;
  guint next = 0, frame_num = 0;

  for (at = row->stream; *at; at += 2) {
    if (at[0] == 'I')
      next = 0;
    if (g_ascii_isupper (at[0])) {
      frame_num = next;
      next += at[0] == 'B' ? 0 : 1;
    }
    run_push (run, 0, make_picture (at[0], row->fields, place_of (at[1]),
            frame_num));
  }
  identifai_segmenter_eos (run->segmenter, 0, 0);
}

static void
log_places (SegmenterRun * run, IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  guint i;

  g_string_append_c (run->log, ' ');
  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);
    guint place = (GST_BUFFER_PTS (buffer) - IDENTIFAI_TRACK_EPOCH) / FRAME;

    g_string_append_c (run->log, place < 10 ? '0' + place : 'A' + place - 10);
  }
}

GST_START_TEST (test_fields)
{
  const FieldRow *row = &field_rows[__i__];
  IdentifaiSegmenterStats stats;
  IdentifaiSegment *segment;
  SegmenterRun run;

  run_init (&run, INTERLACED);
  run_configure (&run, 400, 0, 0);
  push_stream (&run, row);
  while ((segment = pop_whole (run.segmenter, 0))) {
    run_log (&run, segment);
    log_places (&run, segment);
    identifai_segment_free (segment);
  }
  fail_unless (strcmp (run.log->str, row->expected) == 0,
      "%s: %s instead of %s", row->name, run.log->str, row->expected);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless (stats.skipped == row->skipped, "%s: %" G_GUINT64_FORMAT
      " skipped", row->name, stats.skipped);
  run_clear (&run);
}

GST_END_TEST;

/* K key frame, p other, h one that is hidden, s a superframe of a hidden and a
 * shown one; n no time: parsers take away what is repeated. */
typedef struct
{
  const gchar *stream;
  const gchar *expected;
} HiddenRow;

static const HiddenRow hidden_rows[] = {
  {"K0p1h2pnp3", "0-400:4 01223"},
  {"K0h1pnh2pnp3K4", "0-400:4 011223 400-500:1 4"},
  {"K0s1snp3", "0-400:4 0123"},
  {"K0p1pnp3", "0-400:4 0123"},
};

static GstBuffer *
make_vp9 (gchar type)
{
  static const guint8 key[] = { 0x82, 0x49, 0x83, 0x42, 0, 0x13, 0xf0, 0x0e,
    0xf0, 0, 0
  };
  guint8 frame[] = { 0x86, 0, 1, 2, 3, 4, 5, 0 };
  guint8 superframe[] = { 0x84, 0, 0x86, 0, 0xc1, 2, 2, 0xc1 };

  if (type == 'K')
    return make_buffer (key, sizeof (key), 0, 0);
  if (type == 's')
    return make_buffer (superframe, sizeof (superframe), 0, 0);
  if (type == 'h')
    frame[0] = 0x84;

  return make_buffer (frame, sizeof (frame), 0, 0);
}

GST_START_TEST (test_hidden)
{
  const HiddenRow *row = &hidden_rows[__i__];
  IdentifaiSegment *segment;
  const gchar *at;
  SegmenterRun run;

  run_init (&run, "video/x-vp9, width = 320, height = 240, framerate = 10/1");
  run_configure (&run, 400, 0, 0);
  for (at = row->stream; *at; at += 2) {
    GstBuffer *buffer = make_vp9 (at[0]);

    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    if (at[1] != 'n')
      GST_BUFFER_PTS (buffer) = place_of (at[1]) * FRAME;
    run_push (&run, 0, buffer);
  }
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = pop_whole (run.segmenter, 0))) {
    run_log (&run, segment);
    log_places (&run, segment);
    identifai_segment_free (segment);
  }
  fail_unless (strcmp (run.log->str, row->expected) == 0,
      "%s: %s instead of %s", row->stream, run.log->str, row->expected);
  run_clear (&run);
}

GST_END_TEST;

/* The segment starts at place 4: K key frames and p others, and sound all along. */
typedef struct
{
  const gchar *stream;
  const gchar *expected;
  guint64 stream_time;          /* of the first one, ms */
  guint sound;                  /* buffers in the first one */
} EarlyRow;

static const EarlyRow early_rows[] = {
  {"K4p5p6p7K8p9", "0-400:4 4567 400-600:2 89", 1000, 20},
  {"K0p1p2p3p4p5p6p7K8p9", "0-400:4 01234567 400-600:2 89", 1000, 20},
  {"K0p1p2K3p4p5p6p7K8p9", "0-400:4 01234567 400-600:2 89", 1000, 20},
  {"K0p1p2p3p4p5K6p7K8p9", "0-400:4 01234567 400-600:2 89", 1000, 20},
};

static gchar *
get_places (IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  GString *places = g_string_new (NULL);
  guint i;

  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);
    gint64 time = GST_BUFFER_PTS (buffer);

    time += 4 * (gint64) FRAME - (gint64) IDENTIFAI_TRACK_EPOCH;
    g_string_append_c (places, '0' + time / (gint64) FRAME);
  }

  return g_string_free (places, FALSE);
}

static void
check_first (const EarlyRow * row, IdentifaiSegment * segment)
{
  IdentifaiTrack *sound = g_ptr_array_index (segment->tracks, 1);

  fail_unless (segment->stream_time == row->stream_time * GST_MSECOND,
      "%s: %" GST_TIME_FORMAT, row->stream,
      GST_TIME_ARGS (segment->stream_time));
  fail_unless (sound->buffers->len == row->sound, "%s: %u", row->stream,
      sound->buffers->len);
}

static void
start_at (SegmenterRun * run, guint stream, GstClockTime start)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = start;
  segment.time = GST_SECOND;
  identifai_segmenter_set_segment (run->segmenter, stream, &segment);
}

GST_START_TEST (test_early)
{
  const EarlyRow *row = &early_rows[__i__];
  IdentifaiSegment *segment;
  const gchar *at;
  SegmenterRun run;
  guint sound;

  sound = run_init_with_audio (&run);
  run_configure (&run, 400, 0, 0);
  start_at (&run, 0, 4 * FRAME);
  start_at (&run, sound, 4 * FRAME);
  run_push_audio (&run, sound, 0, 1000);
  for (at = row->stream; *at; at += 2)
    run_push (&run, 0, make_vp8 (at[0] == 'K', SMALL, place_of (at[1])
            * FRAME));
  identifai_segmenter_eos (run.segmenter, 0, 0);
  identifai_segmenter_eos (run.segmenter, sound, 0);
  while ((segment = pop_whole (run.segmenter, 0))) {
    gchar *places = get_places (segment);

    if (run.log->len == 0)
      check_first (row, segment);
    run_log (&run, segment);
    g_string_append_printf (run.log, " %s", places);
    identifai_segment_free (segment);
    g_free (places);
  }
  fail_unless (strcmp (run.log->str, row->expected) == 0,
      "%s: %s instead of %s", row->stream, run.log->str, row->expected);
  run_clear (&run);
}

GST_END_TEST;

/* Pictures so far apart; the segment stops at stop. */
typedef struct
{
  GstClockTime step, stop;      /* ms; 0: none */
  guint n_pushed;
  GstClockTime expected;        /* ms, 0: nothing is said */
} ShortRow;

static const ShortRow short_rows[] = {
  {100, 0, 10, 0},
  {100, 1000, 10, 0},
  {100, 900, 10, 0},
  {100, 1900, 10, 0},
  {100, 3500, 10, 2500},
  {100, 3500, 0, 0},
  {2000, 21500, 10, 0},
  {2000, 33000, 10, 14900},
};

GST_START_TEST (test_short)
{
  const ShortRow *row = &short_rows[__i__];
  GstClockTime found = 0;
  IdentifaiNews news;
  GstSegment bounds;
  SegmenterRun run;
  guint i;

  run_init (&run, VP8);
  gst_segment_init (&bounds, GST_FORMAT_TIME);
  if (row->stop > 0)
    bounds.stop = row->stop * GST_MSECOND;
  identifai_segmenter_set_segment (run.segmenter, 0, &bounds);
  for (i = 0; i < row->n_pushed; i++)
    run_push (&run, 0, make_vp8 (i == 0, SMALL, i * row->step * GST_MSECOND));
  run_finish (&run);
  while (identifai_segmenter_take_news (run.segmenter, &news)) {
    if (news.kind == IDENTIFAI_NEWS_SHORT)
      found = news.step;
  }
  fail_unless (found == row->expected * GST_MSECOND, "row %d: %"
      GST_TIME_FORMAT, __i__, GST_TIME_ARGS (found));
  run_clear (&run);
}

GST_END_TEST;

static Suite *
fields_suite (void)
{
  Suite *suite = suite_create ("fields");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_fields, 0, G_N_ELEMENTS (field_rows));
  tcase_add_loop_test (tc, test_early, 0, G_N_ELEMENTS (early_rows));
  tcase_add_loop_test (tc, test_short, 0, G_N_ELEMENTS (short_rows));
  tcase_add_loop_test (tc, test_hidden, 0, G_N_ELEMENTS (hidden_rows));

  return suite;
}

GST_CHECK_MAIN (fields);
