/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which steps of time break a stream that flags nothing, and which are those of
 * a sparse or reordered one; and that files last as long as their segments.
 */

#include "segmenterrun.h"

#include <string.h>

#define MS ((gint64) GST_MSECOND)
#define BASE 100000             /* ms, of the first frame decoded */
#define VP8_ANY "video/x-vp8, width = 320, height = 240"        /* no frame rate */
#define PLAIN "K0p1p2p3p4"
#define PYRAMID "K0p4p2p1p3"

/* What the frames of a stream have. */
typedef enum
{
  HAS_PTS = 1,
  HAS_DTS = 2,
  HAS_DURATION = 4,             /* to the next one, but for the jump */
  HAS_BOTH = HAS_PTS | HAS_DTS,
  HAS_ALL = HAS_BOTH | HAS_DURATION,
} Has;

/* What else tells that nothing is missing. */
typedef enum
{
  HINT_NONE,
  HINT_GAP,                     /* GAP events between the frames */
  HINT_CLOCK,                   /* as much time goes by */
  HINT_RESENT,                  /* not the stream jumps, one DTS does */
} Hint;

/* Frames in decoding order, each a letter (K: key frame) and the place where it
 * is shown. Times in ms. Expected: start-end:frames of the segments. */
typedef struct
{
  const gchar *name;
  const gchar *caps;
  const gchar *gop;
  guint n_gops;
  guint distance;
  Has has;
  guint at;                     /* the first frame after the jump; 0: none */
  gint jump;
  Hint hint;
  guint duration, interval;     /* settings */
  const gchar *expected;
  guint skipped;
  guint missed;                 /* seen and in no segment */
} Row;

static const Row rows[] = {
  /* nothing is missing */
  {"steady", AVC, PLAIN, 12, 40, HAS_BOTH, 0, 0, 0, 0, 0,
      "100000-102400:60"},
  {"reordered", AVC, PYRAMID, 12, 40, HAS_BOTH, 0, 0, 0, 0, 0,
      "100080-102480:60"},
  {"reordered, without DTS", AVC, PYRAMID, 12, 40, HAS_PTS, 0, 0, 0, 0, 0,
      "100080-102480:60"},
  {"a frame each 5 s, reordered", AVC, PYRAMID, 4, 5000, HAS_BOTH, 0, 0, 0, 0,
      0, "110000-210000:20"},
  {"a frame each 5 s, reordered, without DTS", AVC, PYRAMID, 4, 5000, HAS_PTS,
      0, 0, 0, 0, 0, "110000-210000:20"},
  {"a frame each 20 s", AVC, PLAIN, 4, 20000, HAS_PTS, 0, 0, 0, 0, 0,
      "100000-500000:20"},
  {"a slide each 60 s, by its duration", VP8_ANY, PLAIN, 2, 60000,
      HAS_PTS | HAS_DURATION, 0, 0, 0, 0, 0, "100000-700000:10"},
  {"a slide each 60 s, by the frame rate", VP8_ANY ", framerate = 1/60", PLAIN,
        2,
      60000, HAS_PTS, 0, 0, 0, 0, 0, "100000-700000:10"},
  {"a slide each 60 s, by GAP events", VP8_ANY, PLAIN, 2, 60000, HAS_PTS, 0, 0,
      HINT_GAP, 0, 0, "100000-700000:10"},
  {"a slide each 60 s, by the clock", VP8_ANY, PLAIN, 2, 60000, HAS_PTS, 0, 0,
      HINT_CLOCK, 0, 0, "100000-700000:10"},
  {"a slide each 60 s, that nothing tells of", VP8_ANY, "K0", 5, 60000, HAS_PTS,
        0,
      0, 0, 0, 0, "100000-100040:1 160000-400000:4"},
  {"a frame each 20 s, reordered, without DTS", AVC, PYRAMID, 4, 20000, HAS_PTS,
      0, 0, 0, 0, 0, "140000-140040:1 240000-540000:15", 4, 80000},
  {"20 s without a frame", AVC, PLAIN, 12, 40, HAS_ALL, 32, 20000, 0, 0, 0,
      "100000-122400:60"},
  {"a packet that was sent again", AVC, PLAIN, 12, 40, HAS_BOTH, 32, 500,
      HINT_RESENT, 0, 0, "100000-102400:60"},
  {"a bad clock", VP8_ANY, PLAIN, 12, 40, HAS_PTS | HAS_DURATION, 32, -120, 0,
        0, 0,
      "100000-102280:60"},

  /* forwards */
  {"forwards", AVC, PLAIN, 12, 40, HAS_BOTH, 32, 1000000, 0, 0, 0,
      "100000-101280:32 1101400-1102400:25", 3, 120},
  {"forwards at a key frame", AVC, PLAIN, 12, 40, HAS_ALL, 35, 1000000, 0, 0, 0,
      "100000-101400:35 1101400-1102400:25"},
  {"forwards, without DTS", AVC, PLAIN, 12, 40, HAS_PTS, 32, 1000000, 0, 0, 0,
      "100000-101280:32 1101400-1102400:25", 3, 120},
  {"forwards, without PTS", VP8_ANY, PLAIN, 12, 40, HAS_DTS, 32, 1000000, 0, 0,
        0,
      "100000-101280:32 1101400-1102400:25", 3, 120},
  {"forwards among reordered ones", AVC, PYRAMID, 12, 40, HAS_ALL, 32, 1000000,
      0, 0, 0, "100080-101480:32 1101480-1102480:25", 3, 160},
  {"forwards by 50 s", AVC, PLAIN, 12, 40, HAS_BOTH, 35, 50000, 0, 0, 0,
      "100000-101400:35 151400-152400:25"},
  {"forwards, slides", VP8_ANY, PLAIN, 2, 5000, HAS_PTS, 5, 100000, 0, 0, 0,
      "100000-125000:5 225000-250000:5"},

  /* backwards */
  {"backwards", AVC, PLAIN, 12, 40, HAS_BOTH, 32, -5000, 0, 0, 0,
      "100000-101280:32 96400-97400:25", 3, 120},
  {"backwards by 50 s", AVC, PLAIN, 12, 40, HAS_ALL, 32, -50000, 0, 0, 0,
      "100000-101280:32 51400-52400:25", 3, 120},
  {"backwards, without DTS", AVC, PLAIN, 12, 40, HAS_PTS, 32, -5000, 0, 0, 0,
      "100000-101280:32 96400-97400:25", 3, 120},
  {"backwards, without PTS", VP8_ANY, PLAIN, 12, 40, HAS_DTS, 32, -5000, 0, 0,
      0, "100000-101280:32 96400-97400:25", 3, 120},
  {"backwards among reordered ones", AVC, PYRAMID, 12, 40, HAS_ALL, 32, -5000,
      0, 0, 0, "100080-101480:32 96480-97480:25", 3, 160},
  {"backwards while sampling", VP8_ANY, PLAIN, 14, 40, HAS_ALL, 32, -50000, 0,
        200,
      1000, "100000-100200:5 101000-101200:5 52400-52600:5", 0, 2200},

  /* back by less than a second: the times are wrong */
  {"back a little", AVC, PLAIN, 12, 40, HAS_BOTH, 32, -1000, 0, 0, 0,
      "100000-102400:60"},
  {"back a little, at a key frame", AVC, PLAIN, 12, 40, HAS_ALL, 35, -1000, 0,
      0, 0, "100000-102400:60"},
  {"back a little, without DTS", AVC, PLAIN, 12, 40, HAS_PTS, 32, -1000, 0, 0,
      0, "100000-102400:60"},
  {"back by less than might be reordered", AVC, PLAIN, 12, 40,
      HAS_PTS | HAS_DURATION, 32, -500, 0, 0, 0, "100000-102280:60"},
  {"back a little, without DTS, a codec in order", VP8_ANY, PLAIN, 12, 40,
      HAS_PTS, 32, -200, 0, 0, 0, "100000-102400:60"},
  {"back a little, without PTS", VP8_ANY, PLAIN, 12, 40, HAS_DTS, 32, -1000, 0,
      0, 0, "100000-102400:60"},
  {"back a little among reordered ones", AVC, PYRAMID, 12, 40, HAS_ALL, 32,
      -1000, 0, 0, 0, "100080-102480:60"},

  /* and are told as they came */
  {"back a little, and cut behind it", AVC, PLAIN, 12, 40, HAS_BOTH, 32, -1000,
      0, 1600, 0, "100000-101600:40 100600-101400:20"},
  {"back a little, and cut there", AVC, PLAIN, 12, 40, HAS_BOTH, 40, -1000, 0,
      1600, 0, "100000-101600:40 100600-101400:20"},
  {"back a little, and cut behind it, reordered", AVC, PYRAMID, 12, 40,
        HAS_ALL, 32, -1000, 0, 1600, 0,
      "100080-101680:40 100680-101480:20"},

  /* a file lasts up to the next segment */
  {"a pause before a cut", VP8_ANY, PLAIN, 2, 40, HAS_PTS | HAS_DURATION, 5,
        8000,
      0, 200, 0, "100000-108200:5 108200-108400:5"},
  {"a pause before a cut, without durations", VP8_ANY, PLAIN, 2, 40, HAS_PTS, 5,
      8000, 0, 200, 0, "100000-108200:5 108200-108400:5"},
  {"a pause before a cut, reordered", AVC, PYRAMID, 2, 40, HAS_ALL, 5, 8000, 0,
      200, 0, "100080-108280:5 108280-108480:5"},
};

typedef struct
{
  SegmenterRun run;
  const Row *row;
  gint64 end;                   /* ms, of the frame before */
  GstClockTime covered;
} Stream;

/* From the first picture shown to the end of the last one. */
static GstClockTime
get_file_length (IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  GstClockTime start = GST_CLOCK_TIME_NONE, end = 0;
  guint i;

  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);
    GstClockTime stop = GST_BUFFER_PTS (buffer);

    start = MIN (start, stop);
    if (GST_BUFFER_DURATION_IS_VALID (buffer))
      stop += GST_BUFFER_DURATION (buffer);
    end = MAX (end, stop);
  }

  return end - start;
}

static void
collect (Stream * stream)
{
  SegmenterRun *run = &stream->run;
  IdentifaiSegment *segment;

  while ((segment = run_pop (run, run->monotonic))) {
    GstClockTime length = get_file_length (segment);

    run_log (run, segment);
    fail_unless (length == segment->duration, "%s: %s: a file of %"
        GST_TIME_FORMAT, stream->row->name, run->log->str,
        GST_TIME_ARGS (length));
    stream->covered += segment->duration;
    identifai_segment_free (segment);
  }
}

static GstBuffer *
make_frame (const Row * row, gboolean key)
{
  guint8 avc[] = { 0, 0, 0, 2, key ? 0x65 : 0x41, 0x80 };
  GstBuffer *buffer;

  if (g_str_equal (row->caps, AVC))
    buffer = make_buffer (avc, sizeof (avc), 0, GST_CLOCK_TIME_NONE);
  else
    buffer = make_vp8 (key, SMALL, GST_CLOCK_TIME_NONE);
  GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;

  return buffer;
}

/* How much later than decoded a stream's first frame is shown, so that no frame
 * is shown before it is decoded. */
static guint
get_delay (const gchar * gop)
{
  guint i, delay = 0;

  for (i = 0; gop[2 * i]; i++)
    delay = MAX (delay, i - MIN (i, (guint) (gop[2 * i + 1] - '0')));

  return delay;
}

static void
set_times (const Row * row, GstBuffer * buffer, gint64 dts, gint64 pts)
{
  if (row->has & HAS_DTS)
    GST_BUFFER_DTS (buffer) = dts * MS;
  if (row->has & HAS_PTS)
    GST_BUFFER_PTS (buffer) = pts * MS;
  if (row->has & HAS_DURATION)
    GST_BUFFER_DURATION (buffer) = row->distance * MS;
}

static void
give_hint (Stream * stream, gint64 dts)
{
  const Row *row = stream->row;

  if (row->hint == HINT_GAP && stream->end > 0)
    identifai_segmenter_gap (stream->run.segmenter, 0, stream->end * MS,
        (dts - stream->end) * MS);
  if (row->hint == HINT_CLOCK)
    stream->run.monotonic += row->distance * 1000;
  stream->end = dts;
}

static void
push_frame (Stream * stream, guint i)
{
  const Row *row = stream->row;
  guint n = strlen (row->gop) / 2;
  const gchar *frame = row->gop + i % n * 2;
  guint place = i / n * n + (frame[1] - '0') + get_delay (row->gop);
  gint64 dts = BASE + (gint64) i * row->distance;
  gint64 pts = BASE + (gint64) place * row->distance;
  GstBuffer *buffer = make_frame (row, frame[0] == 'K');

  if (row->hint == HINT_RESENT) {
    dts += i == row->at - 1 ? row->jump : 0;
  } else if (row->at > 0 && i >= row->at) {
    dts += row->jump;
    pts += row->jump;
  }
  set_times (row, buffer, dts, pts);
  give_hint (stream, dts);
  run_push (&stream->run, 0, buffer);
  collect (stream);
}

static void
check_stats (Stream * stream, guint n)
{
  const Row *row = stream->row;
  IdentifaiSegmenterStats stats;

  identifai_segmenter_get_stats (stream->run.segmenter, &stats);
  fail_unless (stats.skipped == row->skipped, "%s: %u skipped", row->name,
      (guint) stats.skipped);
  fail_unless (stats.n_buffers == n, "%s", row->name);
  fail_unless (stats.covered == stream->covered, "%s", row->name);
  fail_unless (stats.seen - stats.covered == row->missed * MS,
      "%s: %" GST_TIME_FORMAT " missed", row->name,
      GST_TIME_ARGS (stats.seen - stats.covered));
}

GST_START_TEST (test_breaks)
{
  const Row *row = &rows[__i__];
  guint i, n = row->n_gops * strlen (row->gop) / 2;
  Stream stream = { {0,}, row };

  run_init (&stream.run, row->caps);
  run_configure (&stream.run, row->duration, row->interval, 0);
  for (i = 0; i < n; i++)
    push_frame (&stream, i);
  identifai_segmenter_eos (stream.run.segmenter, 0, stream.run.monotonic);
  collect (&stream);

  fail_unless (strcmp (stream.run.log->str, row->expected) == 0,
      "%s: %s instead of %s", row->name, stream.run.log->str, row->expected);
  check_stats (&stream, n);
  run_clear (&stream.run);
}

GST_END_TEST;

/*** times that nobody could mean ***/

static const GstClockTime edges[] = { 0, 1, GST_SECOND, 3600 * GST_SECOND,
  G_GUINT64_CONSTANT (1) << 61, (G_GUINT64_CONSTANT (1) << 62) - 1,
  G_GUINT64_CONSTANT (1) << 62, G_MAXINT64, (guint64) G_MAXINT64 + 1,
  G_MAXUINT64 - 1, GST_CLOCK_TIME_NONE
};

static GstClockTime
draw_time (GRand * random)
{
  if (g_rand_int (random) % 3)
    return g_rand_int_range (random, 0, 100) * FRAME;

  return edges[g_rand_int (random) % G_N_ELEMENTS (edges)];
}

static void
set_random_segment (SegmenterRun * run, guint stream, GRand * random)
{
  static const gdouble rates[] = { 1.0, 1.0, 2.0, 0.001, 1000.0, -1.0 };
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = rates[g_rand_int (random) % G_N_ELEMENTS (rates)];
  segment.start = MIN (draw_time (random), G_MAXUINT64 - 1);
  segment.base = MIN (draw_time (random), G_MAXUINT64 - 1);
  segment.time = draw_time (random);
  segment.stop = segment.rate < 0 ? G_MAXUINT64 - 1 : GST_CLOCK_TIME_NONE;
  identifai_segmenter_set_segment (run->segmenter, stream, &segment);
}

static GstBuffer *
make_random_buffer (const gchar * start, gsize n, GRand * random)
{
  GstBuffer *buffer = make_buffer ((const guint8 *) start, n, 0,
      draw_time (random));

  GST_BUFFER_DTS (buffer) = draw_time (random);
  GST_BUFFER_DURATION (buffer) = draw_time (random);
  if (g_rand_int (random) % 16 == 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);

  return buffer;
}

static void
do_random (SegmenterRun * run, guint sound, GRand * random,
    const gchar * const *frames, gsize size)
{
  guint stream = g_rand_boolean (random) ? sound : IDENTIFAI_SEGMENTER_VIDEO;
  guint kind = g_rand_int (random) % 64;

  if (kind == 0)
    set_random_segment (run, stream, random);
  else if (kind == 1)
    identifai_segmenter_gap (run->segmenter, stream, draw_time (random),
        draw_time (random));
  else if (kind == 2)
    identifai_segmenter_split_now (run->segmenter);
  else if (kind == 3)
    identifai_segmenter_eos (run->segmenter, stream, run->monotonic);
  else if (kind < 20)
    run_push (run, sound, make_random_buffer ("sound", 5, random));
  else
    run_push (run, IDENTIFAI_SEGMENTER_VIDEO,
        make_random_buffer (frames[g_rand_int (random) % 2], size, random));
}

typedef struct
{
  const gchar *caps;
  const gchar *frames[2];       /* a key frame, and another */
  gsize size;
} EdgeRow;

static const EdgeRow edge_rows[] = {
  {VP8, {"\x10\0\0\x9d\1\x2a\x40\1\xf0\0", "\x11\0\0\0\0\0\0\0\0\0"}, 10},
  {AVC, {"\0\0\0\x08\x65\x88\x84\0\0\0\0\x80",
          "\0\0\0\x08\x41\x9a\x84\0\0\0\0\x80"}, 12},
  {MPEG4, {"\0\0\1\xb6\x10\0\0\0\0", "\0\0\1\xb6\x90\0\0\0\0"}, 9},
};

/* Nothing overflows (sanitizers), and what was counted adds up. */
GST_START_TEST (test_edges)
{
  const EdgeRow *row = &edge_rows[__i__ % G_N_ELEMENTS (edge_rows)];
  GRand *random = g_rand_new_with_seed (__i__);
  IdentifaiSegmenterStats stats;
  SegmenterRun run;
  guint sound, i;

  run_init (&run, row->caps);
  run_configure (&run, 300, __i__ % 2 ? 1000 : 0, __i__ % 4 < 2 ? 0 : 20000);
  sound = identifai_segmenter_add_audio (run.segmenter);
  fail_unless (run_set_caps (&run, sound, OPUS));
  run_set_segment (&run, sound, 0, 0);
  for (i = 0; i < 5000; i++) {
    do_random (&run, sound, random, row->frames, row->size);
    run.monotonic += 1000;
    run_collect (&run);
  }
  run_finish (&run);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless (stats.n_buffers > 1000);
  fail_unless (run.opened > 10, "%u segments", run.opened);
  g_rand_free (random);
  run_clear (&run);
}

GST_END_TEST;

/* A reference and nothing but B pictures after it, which wait for another. */
GST_START_TEST (test_endless_b)
{
  IdentifaiSegmenterStats stats;
  SegmenterRun run;
  guint i;

  run_init (&run, MPEG4);
  for (i = 0; i < 500; i++) {
    const gchar *frame = edge_rows[2].frames[i == 0 ? 0 : 1];
    GstBuffer *buffer = make_buffer ((const guint8 *) frame, 9, 0,
        GST_CLOCK_TIME_NONE);

    GST_BUFFER_DTS (buffer) = i * FRAME;
    run_push (&run, 0, buffer);
  }
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless (stats.seen > 400 * FRAME, "%" GST_TIME_FORMAT,
      GST_TIME_ARGS (stats.seen));
  run_finish (&run);
  run_clear (&run);
}

GST_END_TEST;

static Suite *
breaks_suite (void)
{
  Suite *suite = suite_create ("breaks");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_breaks, 0, G_N_ELEMENTS (rows));

  tcase_add_loop_test (tc, test_edges, 0, 6);
  tcase_add_test (tc, test_endless_b);

  return suite;
}

GST_CHECK_MAIN (breaks);
