/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The segmenter: what is in which segment, with which times and headers.
 */

#include "segmenterrun.h"

#include "codecs.h"
#include "waste.h"

#include <string.h>

/*** reordered streams ***/

/* A frame is a letter and where it is shown, from 0, one digit or capital
 * letter from 10 on; in decoding order.
 * I closed point, O open point, i other intra frame, P, B, R leading but
 * decodable (RADL), r leading and not (RASL). Expected: places by segment, in
 * decoding order. */
typedef struct
{
  const gchar *name;
  const gchar *caps;
  const gchar *stream;
  guint duration;               /* ms */
  const gchar *expected;
  guint64 skipped;
} OrderRow;

static const OrderRow order_rows[] = {
  {"H.264 closed", AVC, "I0P3B1B2I4P7B5B6", 300, "0312 4756", 0},
  {"H.264 intra frames that are no points", AVC, "I0P1i2P3i4P5I6", 200,
      "012345 6", 0},
  {"H.264 open without leading pictures", AVC, "I0P1P2O3P4P5O6", 300,
      "012 345 6", 0},
  {"H.264 open: the leading ones stay behind", AVC,
      "I0P1O4B2B3P5O8B6B7P9OCBABBPD", 300, "01423 45867 89CAB CD", 0},
  {"H.264 open: no closed one is waited for", AVC, "I0P1O4B2B3P5O8B6B7I9PA",
      500, "014235867 89A", 0},
  {"H.264 open at the start", AVC, "O2B0B1P3I4P5", 200, "23 45", 2},
  {"H.265 closed with leading pictures", HVC, "I0P1P2I5R3R4P6", 300,
      "012 5346", 0},
  {"H.265 open with decodable ones only", HVC, "I0P1P2O5R3R4P6", 300,
      "012 5346", 0},
  {"H.265 open, at the start", HVC, "O2r0r1P3P4", 300, "234", 2},
};

static gint
place_of (gchar letter)
{
  return g_ascii_isdigit (letter) ? letter - '0' : letter - 'A' + 10;
}

static void
log_places (SegmenterRun * run, IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  guint i;

  if (run->log->len)
    g_string_append_c (run->log, ' ');
  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);
    guint place = (GST_BUFFER_PTS (buffer) - IDENTIFAI_TRACK_EPOCH) / FRAME;

    g_string_append_c (run->log, place < 10 ? '0' + place : 'A' + place - 10);
  }
}

GST_START_TEST (test_order)
{
  const OrderRow *row = &order_rows[__i__];
  gboolean h265 = g_str_has_prefix (row->caps, "video/x-h265");
  IdentifaiSegmenterStats stats;
  IdentifaiSegment *segment;
  const gchar *at;
  SegmenterRun run;

  run_init (&run, row->caps);
  run_configure (&run, row->duration, 0, 0);
  for (at = row->stream; *at; at += 2)
    run_push (&run, 0, make_unit (h265, at[0], place_of (at[1])));
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = pop_whole (run.segmenter, 0))) {
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

/* The picture of an overlapping cut is in both files and counts once. */
GST_START_TEST (test_overlap_counts_once)
{
  static const gchar *const stream = "I0P1O4B2B3P5O8B6B7P9";
  IdentifaiSegment *one, *two;
  const gchar *at;
  SegmenterRun run;

  run_init (&run, AVC);
  run_configure (&run, 200, 0, 0);
  for (at = stream; *at; at += 2)
    run_push (&run, 0, make_unit (FALSE, at[0], place_of (at[1])));
  identifai_segmenter_eos (run.segmenter, 0, 0);
  one = pop_whole (run.segmenter, 0);
  two = pop_whole (run.segmenter, 0);

  fail_unless (one && two);
  fail_unless_equals_uint64 (one->running_time + one->duration,
      two->running_time);
  fail_unless_equals_uint64 (one->duration, 4 * FRAME);
  fail_unless_equals_int (one->frames, 4);
  fail_unless_equals_int (one->frames + two->frames, 8);
  identifai_segment_free (one);
  identifai_segment_free (two);
  run_clear (&run);
}

GST_END_TEST;

/*** times ***/

/* MPEG-4 of an AVI file has only decoding times: D for delta P, B, I by the
 * first byte of the VOP. */
static GstBuffer *
make_vop (gchar type, guint index, gboolean with_pts)
{
  guint8 vop[] = { 0, 0, 1, 0xb6, 0 };
  GstBuffer *buffer;

  vop[4] = type == 'I' ? 0x00 : type == 'B' ? 0x80 : 0x40;
  buffer = make_buffer (vop, sizeof (vop), type == 'n' ? 0 : SMALL,
      GST_CLOCK_TIME_NONE);
  GST_BUFFER_DTS (buffer) = index * FRAME;
  if (with_pts)
    GST_BUFFER_PTS (buffer) = index * FRAME;

  return buffer;
}

typedef struct
{
  const gchar *name;
  const gchar *types;           /* n: a VOP that is not coded */
  const gchar *expected;        /* places shown, in decoding order */
  const gchar *caps;            /* MPEG4 if NULL */
} ReorderRow;

/* The codec's header says that there are B pictures, and that they are packed. */
#define WITH_B MPEG4 "0886842e"
#define PACKED WITH_B "000001b2446976583530336231333933" "70"

static const ReorderRow reorder_rows[] = {
  {"no B pictures", "IPPPIPP", "0123456", NULL},
  {"B pictures", "IPBBPBBIBB", "142375" "6A89"},
  {"B pictures that come late", "IPPPPBPB", "01234587"},
  {"I and EOS", "I", "0"},
  {"I, P and EOS", "IP", "01"},
  {"B pictures that are announced", "IPPPPBPB", "12346587", WITH_B},
  {"announced, but none comes", "IPPPI", "12345", WITH_B},
  {"packed", "IPBBnPBBn", "1534978", PACKED},
  {"packed, which is not announced", "IPBBnPBBn", "1534978", WITH_B},
  {"packed, and two references in a row", "IIPBBnP", "126457", PACKED},
  {"packed, without the last VOP", "IPBB", "1423", PACKED},
};

GST_START_TEST (test_missing_pts)
{
  const ReorderRow *row = &reorder_rows[__i__];
  IdentifaiSegment *segment;
  guint i;
  SegmenterRun run;

  run_init (&run, row->caps ? row->caps : MPEG4);
  run_configure (&run, 0, 0, 0);
  for (i = 0; row->types[i]; i++)
    run_push (&run, 0, make_vop (row->types[i], i, row->types[i] == 'I'));
  identifai_segmenter_eos (run.segmenter, 0, 0);
  segment = pop_whole (run.segmenter, 0);
  fail_unless (segment != NULL, "%s", row->name);
  log_places (&run, segment);
  fail_unless (strcmp (run.log->str, row->expected) == 0,
      "%s: %s instead of %s", row->name, run.log->str, row->expected);
  identifai_segment_free (segment);
  run_clear (&run);
}

GST_END_TEST;

/* Demuxers of program streams give out some of the times; a stream without B
 * pictures may be shown later than decoded, too. */
GST_START_TEST (test_missing_pts_of_late_pictures)
{
  static const gchar *const types = "IPPIPPIPPI";
  IdentifaiSegment *segment;
  guint i;
  SegmenterRun run;

  run_init (&run, MPEG4);
  for (i = 0; types[i]; i++) {
    GstBuffer *buffer = make_vop (types[i], i, FALSE);

    if (i == 0 || i == 7)
      GST_BUFFER_PTS (buffer) = (i + 1) * FRAME;
    run_push (&run, 0, buffer);
  }
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = pop_whole (run.segmenter, 0))) {
    log_places (&run, segment);
    identifai_segment_free (segment);
  }
  fail_unless (strcmp (run.log->str, "123 456 789 A") == 0, "%s", run.log->str);
  run_clear (&run);
}

GST_END_TEST;

GST_START_TEST (test_times_of_a_seek)
{
  IdentifaiSegment *segment;
  GstSegment seek;
  guint i;
  SegmenterRun run;

  run_init (&run, VP8);
  gst_segment_init (&seek, GST_FORMAT_TIME);
  seek.rate = 2.0;
  seek.start = 30 * GST_SECOND;
  seek.time = 90 * GST_SECOND;
  seek.base = 7 * GST_SECOND;
  identifai_segmenter_set_segment (run.segmenter, 0, &seek);
  for (i = 0; i < 10; i++) {
    run.monotonic = 4500000 + MIN (i, 5) * 100000;
    run_push (&run, 0, make_vp8 (i % 6 == 0, SMALL,
            31 * GST_SECOND + i * FRAME));
  }

  segment = pop_whole (run.segmenter, run.monotonic);
  fail_unless (segment != NULL);
  fail_unless_equals_uint64 (segment->running_time, 7500 * GST_MSECOND);
  fail_unless_equals_uint64 (segment->stream_time, 91 * GST_SECOND);
  fail_unless_equals_uint64 (segment->duration, 300 * GST_MSECOND);
  fail_unless_equals_int64 (segment->utc, 5500000);
  fail_unless_equals_int64 (segment->last_buffer, 5000000);
  fail_unless_equals_int64 (segment->first_frame, 4500000);
  identifai_segment_free (segment);
  run_clear (&run);
}

GST_END_TEST;

/* Decoding starts before running time 0; the clip before a segment's start is
 * kept, as what follows needs it. */
GST_START_TEST (test_times_before_zero)
{
  IdentifaiSegment *segment;
  IdentifaiTrack *track;
  GstBuffer *buffer;
  SegmenterRun run;

  run_init (&run, VP8);
  run_set_segment (&run, 0, GST_SECOND, 0);
  buffer = make_vp8 (TRUE, SMALL, GST_SECOND);
  GST_BUFFER_DTS (buffer) = GST_SECOND - 2 * FRAME;
  run_push (&run, 0, buffer);
  run_finish (&run);
  fail_unless (strcmp (run.log->str, "0-100:1") == 0);

  buffer = make_vp8 (TRUE, SMALL, GST_SECOND - FRAME);
  GST_BUFFER_DTS (buffer) = GST_SECOND - 3 * FRAME;
  run_push (&run, 0, buffer);
  identifai_segmenter_eos (run.segmenter, 0, 0);
  segment = pop_whole (run.segmenter, run.monotonic);
  fail_unless_equals_uint64 (segment->running_time, 0);
  fail_unless_equals_uint64 (segment->stream_time, 9 * FRAME);
  track = g_ptr_array_index (segment->tracks, 0);
  buffer = g_ptr_array_index (track->buffers, 0);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer),
      IDENTIFAI_TRACK_EPOCH - FRAME);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (buffer),
      IDENTIFAI_TRACK_EPOCH - 3 * FRAME);
  identifai_segment_free (segment);
  run_clear (&run);
}

GST_END_TEST;

/* Some encoders give no times at all; the frame rate does. */
GST_START_TEST (test_times_from_frame_rate)
{
  guint i;
  SegmenterRun run;

  run_init (&run, VP8);
  for (i = 0; i < 6; i++) {
    GstBuffer *buffer = make_vp8 (i % 3 == 0, SMALL, GST_CLOCK_TIME_NONE);

    if (i & 1)                  /* what gst-libav makes of "no time" */
      GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) =
          G_GUINT64_CONSTANT (1) << 63;
    run_push (&run, 0, buffer);
  }
  run_finish (&run);
  fail_unless (strcmp (run.log->str, "0-300:3 300-600:3") == 0, "%s",
      run.log->str);
  run_clear (&run);
}

GST_END_TEST;

/* matroskademux sends a second segment with DISCONT when audio starts earlier:
 * nothing is lost. */
GST_START_TEST (test_segment_moves)
{
  GstBuffer *buffer;
  guint i;
  SegmenterRun run;

  run_init (&run, VP8);
  run_set_segment (&run, 0, 23 * GST_MSECOND, 0);
  run_push (&run, 0, make_vp8 (TRUE, SMALL, 23 * GST_MSECOND));
  run_set_segment (&run, 0, 0, 0);
  for (i = 1; i < 5; i++) {
    buffer = make_vp8 (FALSE, SMALL, 23 * GST_MSECOND + i * FRAME);
    if (i == 1)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    run_push (&run, 0, buffer);
  }
  run_finish (&run);
  fail_unless (strcmp (run.log->str, "23-523:5") == 0, "%s", run.log->str);
  run_clear (&run);
}

GST_END_TEST;

/*** the rest ***/

/* What is given up has its number and its times, and nothing stays behind. */
GST_START_TEST (test_flush)
{
  IdentifaiSegmenterStats stats;
  IdentifaiSegment *segment;
  guint stream, i;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run_push_audio (&run, stream, 0, 900);
  identifai_segmenter_flush (run.segmenter, stream);
  run_push_video (&run, 0, 8);  /* two wait for audio, one is open */
  fail_unless (pop_whole (run.segmenter, 0) == NULL);
  if (__i__ == 0)
    identifai_segmenter_flush (run.segmenter, 0);
  else
    identifai_segmenter_reset (run.segmenter);
  for (i = 0; i < 3; i++) {
    segment = identifai_segmenter_pop_flushed (run.segmenter);
    fail_unless (segment != NULL);
    fail_unless_equals_int (segment->number, i);
    fail_unless_equals_uint64 (segment->duration, i < 2 ? 3 * FRAME :
        2 * FRAME);
    identifai_segment_free (segment);
  }
  fail_unless (identifai_segmenter_pop_flushed (run.segmenter) == NULL);
  fail_unless (pop_whole (run.segmenter, G_MAXINT64) == NULL);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless_equals_uint64 (stats.bytes, 0);

  /* and it goes on from there */
  if (__i__ == 1)
    fail_unless (run_set_caps (&run, 0, VP8));
  run_set_segment (&run, 0, 0, 0);
  run_push_video (&run, 0, 4);
  run_finish (&run);
  fail_unless (strcmp (run.log->str, "0-300:3 300-400:1") == 0);
  run_clear (&run);
}

GST_END_TEST;

typedef struct
{
  const gchar *video;
  const gchar *audio;
  gboolean ok;
} CapsRow;

static const CapsRow caps_rows[] = {
  {VP8, OPUS, TRUE},
  {AVC, "audio/x-vorbis, channels = 2, rate = 48000", TRUE},
  {"video/x-raw", NULL, FALSE},
  {OPUS, NULL, FALSE},
  {VP8, VP8, FALSE},
  {VP8, "audio/x-wma", TRUE},
  {VP8, "text/x-raw", FALSE},
  {"video/x-h264, stream-format = byte-stream, alignment = nal", NULL, FALSE},
};

GST_START_TEST (test_caps)
{
  const CapsRow *row = &caps_rows[__i__];
  gboolean ok;
  guint stream;
  SegmenterRun run;

  run_init (&run, VP8);
  stream = identifai_segmenter_add_audio (run.segmenter);
  ok = run_set_caps (&run, 0, row->video);
  if (row->audio)
    ok = run_set_caps (&run, stream, row->audio) && ok;
  fail_unless (ok == row->ok, "%s + %s", row->video, row->audio);
  run_clear (&run);
}

GST_END_TEST;

/* Every segment of a byte-stream has the parameter sets, though they came only
 * once; its access unit delimiter stays first. */
GST_START_TEST (test_parameter_sets)
{
  static const guint8 sets[] = { 0, 0, 0, 1, 0x09, 0x10,
    0, 0, 0, 1, 0x67, 0x42, 0, 0x1f, 0xe9, 0, 0, 0, 1, 0x68, 0xce, 0x3c
  };
  static const guint8 key[] = { 0, 0, 0, 1, 0x09, 0x10, 0, 0, 1, 0x65, 0x88 };
  static const guint8 expected[] = { 0, 0, 0, 1, 0x09, 0x10,
    0, 0, 0, 1, 0x67, 0x42, 0, 0x1f, 0xe9, 0, 0, 0, 1, 0x68, 0xce, 0x3c,
    0, 0, 1, 0x65, 0x88
  };
  IdentifaiSegment *segment;
  IdentifaiTrack *track;
  GstBuffer *buffer;
  guint i;
  SegmenterRun run;

  run_init (&run, "video/x-h264, stream-format = byte-stream, alignment = au");
  run_configure (&run, 100, 0, 0);
  buffer = make_buffer (sets, sizeof (sets), 0, 0);
  run_push (&run, 0, gst_buffer_append (buffer, make_buffer (key + 6, 5, 0,
              0)));
  run_push (&run, 0, make_buffer (key, sizeof (key), 0, FRAME));
  identifai_segmenter_eos (run.segmenter, 0, 0);
  for (i = 0; i < 2; i++) {
    segment = pop_whole (run.segmenter, 0);
    fail_unless (segment != NULL);
    track = g_ptr_array_index (segment->tracks, 0);
    buffer = g_ptr_array_index (track->buffers, 0);
    fail_unless_equals_int (gst_buffer_get_size (buffer), sizeof (expected));
    fail_unless (gst_buffer_memcmp (buffer, 0, expected,
            sizeof (expected)) == 0);
    identifai_segment_free (segment);
  }
  run_clear (&run);
}

GST_END_TEST;

/* x264 says in its first frame only which release it is; decoders need that for
 * files of old ones. */
GST_START_TEST (test_encoder_note)
{
  static const guint8 note[] = { 0, 0, 0, 19, 0x06, 0x05, 0x10, 0xdc, 0x45,
    0xe9, 0xbd, 0xe6, 0xd9, 0x48, 0xb7, 0x96, 0x2c, 0xd8, 0x20, 0xd9, 0x23,
    0xee, 0xef
  };
  static const guint8 key[] = { 0, 0, 0, 2, 0x65, 0x88 };
  IdentifaiSegment *segment;
  IdentifaiTrack *track;
  GstBuffer *buffer;
  guint i;
  SegmenterRun run;

  run_init (&run, AVC);
  run_configure (&run, 200, 0, 0);
  buffer = make_buffer (note, sizeof (note), 0, 0);
  run_push (&run, 0, gst_buffer_append (buffer, make_buffer (key, 6, 0, 0)));
  for (i = 1; i < 6; i++)
    run_push (&run, 0, make_buffer (key, 6, 0, i * FRAME));
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = pop_whole (run.segmenter, 0))) {
    track = g_ptr_array_index (segment->tracks, 0);
    fail_unless_equals_int (track->buffers->len, 2);
    buffer = g_ptr_array_index (track->buffers, 0);
    fail_unless_equals_int (gst_buffer_get_size (buffer), sizeof (note) + 6);
    fail_unless (gst_buffer_memcmp (buffer, 0, note, sizeof (note)) == 0);
    buffer = g_ptr_array_index (track->buffers, 1);
    fail_unless_equals_int (gst_buffer_get_size (buffer), 6);
    identifai_segment_free (segment);
  }
  run_clear (&run);
}

GST_END_TEST;

static guint n_copied, n_let_go_here;
static gint n_let_go;           /* atomic: also on a thread of its own, meanwhile */
static GThread *here;

static GstMiniObject *
copy_counted (const GstMiniObject * buffer)
{
  n_copied++;

  return GST_MINI_OBJECT (gst_buffer_copy_region ((GstBuffer *) buffer,
          GST_BUFFER_COPY_ALL, 0, -1));
}

static void
let_go (gpointer unused, GstMiniObject * buffer)
{
  g_atomic_int_inc (&n_let_go);
  if (g_thread_self () == here)
    n_let_go_here++;
}

/* One segment of n frames that are counted. upstream gets a reference to each, or
 * is NULL. */
static void
push_counted (SegmenterRun * run, guint n, GPtrArray * upstream)
{
  guint i;

  n_copied = n_let_go_here = 0;
  g_atomic_int_set (&n_let_go, 0);
  here = g_thread_self ();
  for (i = 0; i < n; i++) {
    GstBuffer *buffer = make_vp8 (i == 0, SMALL, i * FRAME);

    GST_MINI_OBJECT (buffer)->copy = copy_counted;
    gst_mini_object_weak_ref (GST_MINI_OBJECT (buffer), let_go, NULL);
    if (upstream != NULL)
      g_ptr_array_add (upstream, gst_buffer_ref (buffer));
    run_push (run, 0, buffer);
  }
  identifai_segmenter_eos (run->segmenter, 0, 0);
}

/* What is done at its end, on a streaming thread, doesn't grow with the segment:
 * frames are copied and let go of where the file is made. Upstream still has each. */
GST_START_TEST (test_close_of_many_frames)
{
  guint n = __i__ == 0 ? 10 : 2000;
  GPtrArray *upstream =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  IdentifaiSegment *segment;
  SegmenterRun run;

  run_init (&run, VP8);
  run_configure (&run, 0, 0, 0);
  push_counted (&run, n, upstream);
  segment = identifai_segmenter_pop (run.segmenter, 0);
  fail_unless (segment != NULL);
  fail_unless_equals_int (segment->frames, n);
  fail_unless_equals_int (n_copied, 0);
  g_ptr_array_unref (upstream);
  fail_unless_equals_int (g_atomic_int_get (&n_let_go), 0);
  identifai_video_track_make (segment);
  fail_unless_equals_int (n_copied, 0);
  fail_unless_equals_int (((IdentifaiTrack *) g_ptr_array_index
          (segment->tracks, 0))->buffers->len, n);
  identifai_segment_free (segment);
  identifai_waste_wait ();
  fail_unless_equals_int (g_atomic_int_get (&n_let_go), n);
  run_clear (&run);
}

GST_END_TEST;

/* Who waits helps. */
static gpointer
wait_for_waste (gpointer unused)
{
  identifai_waste_wait ();

  return NULL;
}

/* Nor is it let go of there when nothing comes of it: it is dropped, doesn't fit, or the
 * stream is flushed. */
GST_START_TEST (test_waste_of_many_frames)
{
  const guint n = 2000;
  IdentifaiSegment *segment;
  SegmenterRun run;

  run_init (&run, VP8);
  run_configure (&run, 0, 0, __i__ == 1 ? n * SMALL : 0);
  push_counted (&run, n, NULL);
  if (__i__ == 2)
    identifai_segmenter_reset (run.segmenter);
  segment = __i__ == 2 ? identifai_segmenter_pop_flushed (run.segmenter) :
      identifai_segmenter_pop (run.segmenter, 0);
  fail_unless (segment != NULL);
  fail_unless_equals_int (segment->failure, __i__ == 1 ?
      IDENTIFAI_REASON_TOO_LARGE : IDENTIFAI_REASON_NONE);
  identifai_segment_free (segment);
  g_thread_join (g_thread_new ("waiter", wait_for_waste, NULL));
  fail_unless_equals_int (g_atomic_int_get (&n_let_go), n);
  if (__i__ == 1)               /* what comes behind it isn't kept at all */
    fail_unless (n - n_let_go_here > 500, "%u", n_let_go_here);
  else
    fail_unless_equals_int (n_let_go_here, 0);
  fail_unless_equals_int (n_copied, 0);
  run_clear (&run);
}

GST_END_TEST;

/* Whatever the bytes are. */
GST_START_TEST (test_noise)
{
  static const gchar *const all[] = { AVC, HVC, VP8, MPEG4,
    "video/x-vp9, width = 320, height = 240",
    "video/x-av1, stream-format = obu-stream, alignment = frame",
    "video/mpeg, mpegversion = 2, systemstream = false",
    "video/x-h264, stream-format = byte-stream, alignment = au",
    "video/x-h265, stream-format = byte-stream, alignment = au",
  };
  GRand *random = g_rand_new_with_seed (__i__);
  guint i, j;
  SegmenterRun run;

  run_init (&run, all[__i__]);
  for (i = 0; i < 3000; i++) {
    guint8 data[64];
    guint size = g_rand_int_range (random, 0, sizeof (data));

    for (j = 0; j < size; j++)
      data[j] = g_rand_int (random) >> (g_rand_boolean (random) ? 0 : 30);
    run_push (&run, 0, make_buffer (data, size, 0, i * FRAME / 7));
    run_collect (&run);
  }
  run_finish (&run);
  g_rand_free (random);
  run_clear (&run);
}

GST_END_TEST;

static Suite *
segmenter_suite (void)
{
  Suite *suite = suite_create ("segmenter");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_order, 0, G_N_ELEMENTS (order_rows));
  tcase_add_test (tc, test_overlap_counts_once);
  tcase_add_loop_test (tc, test_missing_pts, 0, G_N_ELEMENTS (reorder_rows));
  tcase_add_test (tc, test_missing_pts_of_late_pictures);
  tcase_add_test (tc, test_times_of_a_seek);
  tcase_add_test (tc, test_times_before_zero);
  tcase_add_test (tc, test_times_from_frame_rate);
  tcase_add_test (tc, test_segment_moves);
  tcase_add_loop_test (tc, test_flush, 0, 2);
  tcase_add_loop_test (tc, test_caps, 0, G_N_ELEMENTS (caps_rows));
  tcase_add_test (tc, test_parameter_sets);
  tcase_add_test (tc, test_encoder_note);
  tcase_add_loop_test (tc, test_close_of_many_frames, 0, 2);
  tcase_add_loop_test (tc, test_waste_of_many_frames, 0, 3);
  tcase_add_loop_test (tc, test_noise, 0, 9);

  return suite;
}

GST_CHECK_MAIN (segmenter);
