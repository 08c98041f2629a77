/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The segmenter with audio: which segment has it, which one waits for it.
 */

#include "segmenterrun.h"

#include "overhead.h"

/* All of it before the video, or after, or in between: the same segments. */
GST_START_TEST (test_audio_goes_where_it_belongs)
{
  IdentifaiSegmenterStats stats;
  guint start = 0, stream;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  switch (__i__) {
    case 0:
      run_push_audio (&run, stream, 0, 700);
      run_push_video (&run, 0, 7);
      break;
    case 1:
      run_push_video (&run, 0, 7);
      run_push_audio (&run, stream, 0, 700);
      break;
    case 2:
      run_push_video (&run, 0, 4);
      run_push_audio (&run, stream, 0, 640);
      run_push_video (&run, 4, 7);
      run_push_audio (&run, stream, 640, 700);
      break;
  }
  identifai_segmenter_eos (run.segmenter, stream, 0);
  identifai_segmenter_eos (run.segmenter, 0, 0);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 15);
  fail_unless_equals_int (start, 0);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 15);
  fail_unless_equals_int (start, 300);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 5);
  fail_unless_equals_int (start, 600);
  run_push_audio (&run, stream, 700, 2000);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless_equals_uint64 (stats.bytes, 0);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), -1);
  run_clear (&run);
}

GST_END_TEST;

/* What lets a segment go that waits for its audio. */
typedef enum
{
  GO_AUDIO,
  GO_DEADLINE,
  GO_EOS,
  GO_REMOVED,
  GO_GAP,
  GO_N
} Go;

GST_START_TEST (test_audio_is_waited_for)
{
  guint start = 0, stream;
  gint64 now = 1000;
  gint expected = 14;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run.monotonic = now;
  fail_unless_equals_int64 (identifai_segmenter_next_deadline (run.segmenter),
      -1);
  run_push_audio (&run, stream, 0, 280);
  run_push_video (&run, 0, 4);
  fail_unless_equals_int (run_pop_audio (&run, now, 1, &start), -1);
  fail_unless_equals_int64 (identifai_segmenter_next_deadline (run.segmenter),
      now + IDENTIFAI_AUDIO_PATIENCE);
  switch ((Go) __i__) {
    case GO_AUDIO:
      run_push_audio (&run, stream, 280, 320);
      expected = 15;
      break;
    case GO_DEADLINE:
      fail_unless_equals_int (run_pop_audio (&run,
              now + IDENTIFAI_AUDIO_PATIENCE - 1, 1, &start), -1);
      now += IDENTIFAI_AUDIO_PATIENCE;
      break;
    case GO_EOS:
      identifai_segmenter_eos (run.segmenter, stream, now);
      break;
    case GO_REMOVED:
      identifai_segmenter_remove_audio (run.segmenter, stream);
      break;
    case GO_GAP:
      identifai_segmenter_gap (run.segmenter, stream, 280 * GST_MSECOND,
          20 * GST_MSECOND);
      break;
    default:
      g_assert_not_reached ();
  }
  fail_unless_equals_int (run_pop_audio (&run, now, 1, &start), expected);
  run_clear (&run);
}

GST_END_TEST;

/* qtdemux says that there is nothing for three seconds, and then it comes. */
GST_START_TEST (test_gap_that_is_none)
{
  IdentifaiSegment *segment;
  IdentifaiTrack *track;
  SegmenterRun run;
  guint stream, i;

  stream = run_init_with_audio (&run);
  run_push_audio (&run, stream, 0, 100);
  identifai_segmenter_gap (run.segmenter, stream, 100 * GST_MSECOND,
      3 * GST_SECOND);
  run_push_audio (&run, stream, 100, 400);
  run_push_video (&run, 0, 4);
  segment = run_pop (&run, 0);
  fail_unless (segment != NULL);
  track = g_ptr_array_index (segment->tracks, 1);
  fail_unless_equals_int (track->buffers->len, 15);
  for (i = 0; i < 15; i++)
    fail_unless_equals_uint64 (GST_BUFFER_PTS (g_ptr_array_index
            (track->buffers, i)), IDENTIFAI_TRACK_EPOCH + i * 20 * GST_MSECOND);
  identifai_segment_free (segment);
  run_clear (&run);
}

GST_END_TEST;

/* A stream without caps, data or end holds a segment up to the deadline only;
 * what comes too late is let go of. */
GST_START_TEST (test_audio_that_never_comes)
{
  IdentifaiSegmenterStats stats;
  guint start = 0, stream;
  SegmenterRun run;

  run_init (&run, VP8);
  stream = identifai_segmenter_add_audio (run.segmenter);
  run_push_video (&run, 0, 4);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), -1);
  fail_unless_equals_int (run_pop_audio (&run, IDENTIFAI_AUDIO_PATIENCE, 1,
          &start), 0);
  fail_unless (run_set_caps (&run, stream, OPUS));
  run_set_segment (&run, stream, 0, 0);
  run_push_audio (&run, stream, 0, 300);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless_equals_uint64 (stats.bytes, SMALL);
  run_clear (&run);
}

GST_END_TEST;

/* What waits for a video that doesn't come is bounded. */
GST_START_TEST (test_audio_without_video)
{
  IdentifaiSegmenterStats stats;
  guint stream;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run_push_audio (&run, stream, 0, 100000);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless (stats.bytes <= 30 * 50 * 10 + 10);
  run_clear (&run);
}

GST_END_TEST;

typedef struct
{
  const gchar *name;
  guint back_ms;                /* where the streams start over */
  guint ahead_ms;               /* of the video, by which sound is then */
  gboolean told;                /* by DISCONT */
} BackRow;

static const BackRow back_rows[] = {
  {"together", 0, 0, TRUE},
  {"a buffer ahead", 0, 20, TRUE},
  {"ahead", 0, 200, TRUE},
  {"ahead, nobody says so", 0, 200, FALSE},
  {"far ahead", 0, 3000, TRUE},
  {"to the middle", 12000, 200, TRUE},
};

/* A source that loops: what sound was ahead of the video belongs to no segment,
 * and what comes after it to those of its time, which wait for it. */
GST_START_TEST (test_audio_starts_over)
{
  const BackRow *row = &back_rows[__i__];
  guint start = 0, from = row->back_ms / 100, i, stream;
  SegmenterRun run;

  GST_INFO ("%s", row->name);
  stream = run_init_with_audio (&run);
  for (i = 0; i < 5; i++) {
    run_push_audio (&run, stream, i * 6000, i * 6000 + 6000);
    run_push_video (&run, i * 60, i * 60 + 60);
  }
  run_push_audio (&run, stream, 30000, 30000 + row->ahead_ms);
  for (i = 0; i < 99; i++)
    fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 15);
  for (i = from; i < from + 12; i += 3) {
    GstBuffer *buffer = make_vp8 (TRUE, SMALL, i * FRAME);

    if (row->told && i == from)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
    run_push_audio (&run, stream, i * 100, i * 100 + 240);
    run_push (&run, 0, buffer);
    run_push_video (&run, i + 1, i + 3);
    if (i > from)
      continue;
    fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 15);
    fail_unless_equals_int (start, 29700);
    fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), -1);
  }
  for (i = from; i < from + 9; i += 3) {
    fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 12);
    fail_unless_equals_int (start, i * 100);
  }
  run_clear (&run);
}

GST_END_TEST;

/* A clip that is played again and again: each round's sound goes with its video,
 * whoever starts over first, and is as far from it as in the clip. */

typedef enum
{
  TOLD_NONE,
  TOLD_BOTH,
  TOLD_VIDEO,
  TOLD_SOUND,
} Told;

typedef struct
{
  const gchar *name;
  guint video_ms, sound_ms;     /* length of the clip's */
  gint ahead_ms;                /* by which sound comes before its video */
  Told told;                    /* by DISCONT */
} LoopRow;

static const LoopRow loop_rows[] = {
  {"together", 3600, 3600, 0, TOLD_NONE},
  {"ahead", 3600, 3600, 300, TOLD_NONE},
  {"a buffer ahead", 3600, 3600, 20, TOLD_NONE},
  {"far ahead", 3600, 3600, 2500, TOLD_NONE},
  {"behind", 3600, 3600, -300, TOLD_NONE},
  {"far behind", 3600, 3600, -2500, TOLD_NONE},
  {"nearly a round behind", 3600, 3600, -3500, TOLD_NONE},
  {"sound is much shorter", 3600, 2000, 0, TOLD_NONE},
  {"sound is much shorter, and told", 3600, 2000, 0, TOLD_BOTH},
  {"sound is shorter, and ahead", 3600, 3400, 300, TOLD_NONE},
  {"sound is shorter, and behind", 3600, 3400, -300, TOLD_NONE},
  {"sound is longer, and ahead", 3600, 3800, 300, TOLD_NONE},
  {"sound is longer, and behind", 3600, 3800, -300, TOLD_NONE},
  {"told, ahead", 3600, 3600, 300, TOLD_BOTH},
  {"told, shorter, ahead", 3600, 3400, 300, TOLD_BOTH},
  {"told, behind", 3600, 3600, -300, TOLD_BOTH},
  {"video is told, ahead", 3600, 3600, 300, TOLD_VIDEO},
  {"video is told, behind", 3600, 3600, -300, TOLD_VIDEO},
  {"sound is told, ahead", 3600, 3600, 300, TOLD_SOUND},
  {"sound is told, behind", 3600, 3600, -300, TOLD_SOUND},
  {"15 s, ahead", 15000, 15000, 300, TOLD_NONE},
  {"15 s, shorter, ahead", 15000, 14700, 300, TOLD_NONE},
  {"15 s, told, behind", 15000, 15000, -300, TOLD_BOTH},
  {"short: times are re-based", 900, 900, 0, TOLD_NONE},
  {"short, ahead", 900, 900, 300, TOLD_NONE},
  {"short, behind", 900, 900, -300, TOLD_NONE},
  {"short, sound is shorter", 900, 860, 300, TOLD_NONE},
  {"short, told, ahead", 900, 900, 300, TOLD_BOTH},
  {"short, told, shorter, behind", 900, 860, -300, TOLD_BOTH},
};

#define LOOPS 6
#define ROUND 1000000           /* in marks */

/* Where a buffer is in its clip. */
static GstBuffer *
mark (GstBuffer * buffer, guint round, guint ms, gboolean told)
{
  GST_BUFFER_OFFSET (buffer) = round * ROUND + ms;
  if (told && ms == 0 && round > 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);

  return buffer;
}

static void
push_loop_sound (SegmenterRun * run, const LoopRow * row, guint stream,
    guint at_ms)
{
  guint round = at_ms / row->sound_ms, ms = at_ms % row->sound_ms;
  GstBuffer *buffer = make_buffer ((guint8 *) "", 1, 10, ms * GST_MSECOND);

  GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
  run_push (run, stream, mark (buffer, round, ms, row->told == TOLD_BOTH
          || row->told == TOLD_SOUND));
}

static void
push_loop_video (SegmenterRun * run, const LoopRow * row, guint at_ms)
{
  guint round = at_ms / row->video_ms, ms = at_ms % row->video_ms;

  run_push (run, 0, mark (make_vp8 (ms % 300 == 0, SMALL, ms * GST_MSECOND),
          round, ms, row->told == TOLD_BOTH || row->told == TOLD_VIDEO));
}

/* From a buffer's place in its round to where it is in the segment; those of different
 * rounds are far from each other, unless one goes on where the other ends. */
static gint64
get_shift (const LoopRow * row, GPtrArray * buffers, guint i)
{
  GstBuffer *buffer = g_ptr_array_index (buffers, i);
  gint64 round = GST_BUFFER_OFFSET (buffer) / ROUND;
  gint64 length = row->video_ms < 1000 && row->told == TOLD_NONE ?
      row->video_ms : ROUND;

  return (gint64) (GST_BUFFER_PTS (buffer) / GST_MSECOND) - round * length
      - (gint64) (GST_BUFFER_OFFSET (buffer) % ROUND);
}

/* Of the number of buffers. */
static guint
check_loop_segment (const LoopRow * row, IdentifaiSegment * segment)
{
  GPtrArray *video = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks,
          0))->buffers;
  GPtrArray *sound = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks,
          1))->buffers;
  guint i, k = 0;

  for (i = 0; i < sound->len; i++) {
    while (k + 1 < video->len
        && GST_BUFFER_PTS (g_ptr_array_index (video, k + 1)) <=
        GST_BUFFER_PTS (g_ptr_array_index (sound, i)))
      k++;
    fail_unless (ABS (get_shift (row, video, k) - get_shift (row, sound, i)) <=
        (row->video_ms < 1000 ? 100 : 0), "%s: sound %" G_GUINT64_FORMAT
        " beside picture %" G_GUINT64_FORMAT, row->name,
        GST_BUFFER_OFFSET (g_ptr_array_index (sound, i)),
        GST_BUFFER_OFFSET (g_ptr_array_index (video, k)));
  }
  fail_unless_equals_uint64 (segment->audio_missing, 0);

  return sound->len;
}

GST_START_TEST (test_audio_loops)
{
  const LoopRow *row = &loop_rows[__i__];
  guint video_at = 0, sound_at = 0, count = 0, least, stream;
  guint video_end = LOOPS * row->video_ms, sound_end = LOOPS * row->sound_ms;
  IdentifaiSegment *segment;
  SegmenterRun run;

  GST_INFO ("%s", row->name);
  stream = run_init_with_audio (&run);
  run_configure (&run, 1200, 0, 0);
  identifai_segmenter_set_patience (run.segmenter, -1, 0);
  while (video_at < video_end || sound_at < sound_end) {
    /* the same share of the clip has come of both, but for the lead */
    gint64 due = (gint64) sound_at * row->video_ms / row->sound_ms;

    if (sound_at < sound_end && (video_at >= video_end
            || due < (gint64) video_at + row->ahead_ms)) {
      push_loop_sound (&run, row, stream, sound_at);
      sound_at += 20;
    } else {
      push_loop_video (&run, row, video_at);
      video_at += 100;
    }
    while ((segment = run_pop (&run, 0)) != NULL) {
      count += check_loop_segment (row, segment);
      identifai_segment_free (segment);
    }
  }
  identifai_segmenter_eos (run.segmenter, stream, 0);
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = run_pop (&run, G_MAXINT64)) != NULL) {
    count += check_loop_segment (row, segment);
    identifai_segment_free (segment);
  }
  /* what is longer than its video belongs to none of it */
  least = LOOPS * MIN (row->sound_ms, row->video_ms) / 20;
  fail_unless (count >= least - (row->video_ms < 1000 ? 15 : 0)
      && count <= sound_end / 20, "%s: %u buffers, not %u", row->name, count,
      least);
  run_clear (&run);
}

GST_END_TEST;

/* Only one of them starts over, and the other goes on or stops: what segments lack
 * is counted. */
typedef struct
{
  const gchar *name;
  gboolean video_restarts, sound_restarts;
  gboolean sound_goes_on;       /* after 3.6 s */
  guint missing_ms;             /* of 3.6 s or more of video after that */
} OneRow;

static const OneRow one_rows[] = {
  {"neither", FALSE, FALSE, TRUE, 0},
  {"only the video, sound stops", TRUE, FALSE, FALSE, 3600},
  {"only the sound: it goes on", FALSE, TRUE, TRUE, 0},
};

GST_START_TEST (test_audio_starts_over_alone)
{
  const OneRow *row = &one_rows[__i__];
  guint missing = 0, stream, i;
  IdentifaiSegment *segment;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run_configure (&run, 1200, 0, 0);
  for (i = 0; i < 72; i++) {
    guint video = row->video_restarts ? i % 36 : i;
    guint sound = row->sound_restarts ? i % 36 : i;

    run.monotonic = i * 100000;
    identifai_segmenter_set_patience (run.segmenter, 500000, run.monotonic);
    if (i < 36 || row->sound_goes_on)
      run_push_audio (&run, stream, sound * 100, sound * 100 + 100);
    run_push (&run, 0, make_vp8 (video % 3 == 0, SMALL, video * FRAME));
    while ((segment = run_pop (&run, run.monotonic)) != NULL) {
      missing += segment->audio_missing / GST_MSECOND;
      identifai_segment_free (segment);
    }
  }
  run.monotonic += 10000000;
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = run_pop (&run, run.monotonic)) != NULL) {
    missing += segment->audio_missing / GST_MSECOND;
    identifai_segment_free (segment);
  }
  fail_unless_equals_int (missing, row->missing_ms);
  run_clear (&run);
}

GST_END_TEST;

/* Sound that has no times, or not from its start. */
typedef struct
{
  const gchar *name;
  guint untimed;                /* buffers before the first one with a time */
  gboolean has_length;
  gboolean live;
  guint from, to;               /* ms: of what is in the segments */
  gboolean told, lost;
} UntimedRow;

static const UntimedRow untimed_rows[] = {
  {"the first three", 3, TRUE, FALSE, 0, 1200, FALSE, FALSE},
  {"one", 1, TRUE, FALSE, 0, 1200, FALSE, FALSE},
  {"all", 999, TRUE, FALSE, 0, 1200, TRUE, FALSE},
  {"all, live", 999, TRUE, TRUE, 0, 1200, TRUE, FALSE},
  {"all, live, without lengths", 999, FALSE, TRUE, 0, 1200, TRUE, FALSE},
  {"all, without lengths", 999, FALSE, FALSE, 0, 0, TRUE, TRUE},
};

GST_START_TEST (test_audio_without_times)
{
  const UntimedRow *row = &untimed_rows[__i__];
  guint stream, i, count = 0, missing = 0, n_told = 0;
  IdentifaiSegment *segment;
  IdentifaiNews news;
  SegmenterRun run;

  GST_INFO ("%s", row->name);
  stream = run_init_with_audio (&run);
  run.live = row->live;
  run_configure (&run, 600, 0, 0);
  for (i = 0; i < 60; i++) {
    GstBuffer *buffer =
        make_buffer ((guint8 *) "", 1, 10, i * 20 * GST_MSECOND);

    GST_BUFFER_DURATION (buffer) = row->has_length ? 20 * GST_MSECOND :
        GST_CLOCK_TIME_NONE;
    if (i < row->untimed)
      GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    run.monotonic = i * 20000;
    if (i % 5 == 0)
      run_push (&run, 0, make_vp8 (i % 15 == 0, SMALL, i * 20 * GST_MSECOND));
    run_push (&run, stream, buffer);
  }
  identifai_segmenter_eos (run.segmenter, stream, 0);
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = run_pop (&run, G_MAXINT64)) != NULL) {
    GPtrArray *sound = segment->tracks->len > 1 ?
        ((IdentifaiTrack *) g_ptr_array_index (segment->tracks, 1))->buffers :
        NULL;

    count += sound ? sound->len : 0;
    missing += segment->audio_missing / GST_MSECOND;
    identifai_segment_free (segment);
  }
  while (identifai_segmenter_take_news (run.segmenter, &news)) {
    fail_unless_equals_int (news.kind, IDENTIFAI_NEWS_SOUND_TIMES);
    fail_unless_equals_int (news.is_lost, row->lost);
    n_told++;
  }
  fail_unless_equals_int (n_told, row->told);
  /* live, a moment at the end belongs to video that hasn't come */
  fail_unless (count >= (row->to - row->from) / 20 - (row->live ? 10 : 0)
      && count <= (row->to - row->from) / 20, "%s: %u", row->name, count);
  fail_unless (missing >= (row->lost ? 1100 : 0) && (row->lost
          || missing == 0), "%s: %u", row->name, missing);
  run_clear (&run);
}

GST_END_TEST;

/* At the end of a file, sound may be shorter than the video: nobody knows before it
 * ends, too, which it can't where one thread feeds both. It is late if it comes. */
GST_START_TEST (test_audio_ends_earlier)
{
  gboolean comes = __i__ == 1, told = FALSE;
  IdentifaiSegment *segment;
  IdentifaiNews news;
  SegmenterRun run;
  guint stream;

  stream = run_init_with_audio (&run);
  run_configure (&run, 900, 0, 0);
  identifai_segmenter_set_patience (run.segmenter, -1, 0);
  run_push_audio (&run, stream, 0, 1000);
  run_push_video (&run, 0, 12);
  identifai_segmenter_eos (run.segmenter, 0, run.monotonic);
  run.monotonic += IDENTIFAI_AUDIO_PATIENCE;
  while ((segment = run_pop (&run, run.monotonic)) != NULL)
    identifai_segment_free (segment);
  if (comes)
    run_push_audio (&run, stream, 1000, 1200);
  while (identifai_segmenter_take_news (run.segmenter, &news))
    told |= news.kind == IDENTIFAI_NEWS_LATE_SOUND;
  fail_unless_equals_int (told, comes);
  run_clear (&run);
}

GST_END_TEST;

/* What a stream that fell silent long ago would have brought by now is not
 * reckoned as part of a segment of today. */
GST_START_TEST (test_audio_falls_silent)
{
  guint start = 0, stream, i;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run_configure (&run, 900, 0, 200000);
  run_push_audio (&run, stream, 0, 900);
  for (i = 0; i < 1000; i++) {
    run_push_video (&run, 9 * i, 9 * i + 9);
    if (i > 0)
      fail_unless_equals_int (run_pop_audio (&run, G_MAXINT64, 1, &start),
          i == 1 ? 45 : 0);
    fail_unless (pop_whole (run.segmenter, G_MAXINT64) == NULL,
        "segment %u was cut early", i);
  }
  run_clear (&run);
}

GST_END_TEST;

/* Early cuts divide the audio, too, and count its bytes. */
GST_START_TEST (test_audio_counts_for_the_size)
{
  guint start = 0, stream, i;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run_configure (&run, 9000, 0, 50000);
  for (i = 0; i < 7; i++) {
    GstBuffer *sound = make_buffer ((guint8 *) "", 1, 5000, i * FRAME);

    run_push (&run, stream, sound);
    run_push (&run, 0, make_vp8 (i % 3 == 0, SMALL, i * FRAME));
  }
  identifai_segmenter_eos (run.segmenter, stream, 0);
  identifai_segmenter_eos (run.segmenter, 0, 0);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 3);
  fail_unless_equals_int (start, 0);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 4);
  fail_unless_equals_int (start, 300);
  run_clear (&run);
}

GST_END_TEST;

/* Two streams, each in its own track; one is released in the middle. */
GST_START_TEST (test_audio_removed)
{
  IdentifaiSegment *segment;
  guint one, two;
  SegmenterRun run;

  one = run_init_with_audio (&run);
  two = identifai_segmenter_add_audio (run.segmenter);
  fail_unless (run_set_caps (&run, two, OPUS));
  run_set_segment (&run, two, 0, 0);
  run_push_audio (&run, one, 0, 200);
  run_push_audio (&run, two, 0, 200);
  run_push_video (&run, 0, 3);
  identifai_segmenter_remove_audio (run.segmenter, one);
  run_push_audio (&run, one, 200, 300);
  run_push_audio (&run, two, 200, 320);
  run_push_video (&run, 3, 4);
  segment = pop_whole (run.segmenter, 0);
  fail_unless (segment != NULL);
  fail_unless_equals_int (segment->tracks->len, 3);
  fail_unless_equals_int (((IdentifaiTrack *)
          g_ptr_array_index (segment->tracks, 1))->buffers->len, 10);
  fail_unless_equals_int (((IdentifaiTrack *)
          g_ptr_array_index (segment->tracks, 2))->buffers->len, 15);
  identifai_segment_free (segment);
  run_clear (&run);
}

GST_END_TEST;

/* Other audio caps need a new file: from the next key frame on. */
GST_START_TEST (test_audio_caps_change)
{
  guint start = 0, stream;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run_configure (&run, 9000, 0, 0);
  run_push_audio (&run, stream, 0, 200);
  fail_unless (run_set_caps (&run, stream, OPUS ", bitrate = 1"));
  run_push_audio (&run, stream, 200, 300);
  fail_unless (run_set_caps (&run, stream, "audio/x-ac3, rate = 48000, "
          "channels = 2"));
  run_push_audio (&run, stream, 300, 1300);
  run_push_video (&run, 0, 12);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 15);
  identifai_segmenter_eos (run.segmenter, 0, 0);
  fail_unless_equals_int (run_pop_audio (&run, 0, 1, &start), 30);
  fail_unless_equals_int (start, 600);
  run_clear (&run);
}

GST_END_TEST;

/* All of the sound comes when the video's segment is closed, and is more than
 * the file has room for: the segment ends at an earlier key frame. */

typedef struct
{
  guint gop;                    /* frames */
  guint interval;               /* ms */
  gsize sound;                  /* bytes each 100 ms */
  const gchar *expected;        /* ms of video, and buffers of sound */
} LateRow;

static const LateRow late_rows[] = {
  {3, 0, 5000, "0-900:9+9 900-1200:3+3"},
  {3, 0, 9000, "0-600:6+6 600-900:3+3 900-1200:3+3"},
  {3, 0, 15000, "0-300:3+3 300-600:3+3 600-900:3+3 900-1200:3+3"},
  /* too early for a segment of its own */
  {3, 900, 9000, "0-600:6+6 900-1200:3+3"},
  /* a group of pictures that doesn't fit with its sound keeps what does */
  {9, 0, 9000, "0-900:9+6 900-1200:3+3"},
};

static void
log_late (SegmenterRun * run, IdentifaiSegment * segment)
{
  guint start = segment->running_time / GST_MSECOND;
  GPtrArray *sound = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks,
          1))->buffers;

  g_string_append_printf (run->log, "%s%u-%u:%u+%u", run->log->len ? " " : "",
      start, start + (guint) (segment->duration / GST_MSECOND),
      segment->frames, sound->len);
  fail_unless (segment->bytes + identifai_container_overhead (2, segment->frames
          + sound->len, segment->bytes) <= 80000);
}

GST_START_TEST (test_late_audio_ends_a_segment_earlier)
{
  const LateRow *row = &late_rows[__i__];
  IdentifaiSegmenterStats stats;
  IdentifaiSegment *segment;
  guint stream, i;
  SegmenterRun run;

  stream = run_init_with_audio (&run);
  run_configure (&run, 900, row->interval, 80000);
  for (i = 0; i < 12; i++)
    run_push (&run, 0, make_vp8 (i % row->gop == 0, SMALL, i * FRAME));
  for (i = 0; i < 12; i++)
    run_push (&run, stream, make_buffer ((guint8 *) "", 1, row->sound,
            i * FRAME));
  identifai_segmenter_eos (run.segmenter, stream, 0);
  identifai_segmenter_eos (run.segmenter, 0, 0);
  while ((segment = run_pop (&run, 0))) {
    log_late (&run, segment);
    identifai_segment_free (segment);
  }
  fail_unless_equals_string (run.log->str, row->expected);
  identifai_segmenter_get_stats (run.segmenter, &stats);
  fail_unless_equals_uint64 (stats.bytes, 0);
  fail_unless_equals_uint64 (stats.covered,
      (row->interval ? 900 : 1200) * GST_MSECOND);
  run_clear (&run);
}

GST_END_TEST;

static Suite *
segmenteraudio_suite (void)
{
  Suite *suite = suite_create ("segmenteraudio");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_audio_goes_where_it_belongs, 0, 3);
  tcase_add_loop_test (tc, test_audio_is_waited_for, 0, GO_N);
  tcase_add_test (tc, test_gap_that_is_none);
  tcase_add_test (tc, test_audio_that_never_comes);
  tcase_add_test (tc, test_audio_without_video);
  tcase_add_loop_test (tc, test_audio_starts_over, 0, G_N_ELEMENTS (back_rows));
  tcase_add_loop_test (tc, test_audio_loops, 0, G_N_ELEMENTS (loop_rows));
  tcase_add_loop_test (tc, test_audio_starts_over_alone, 0,
      G_N_ELEMENTS (one_rows));
  tcase_add_loop_test (tc, test_audio_without_times, 0,
      G_N_ELEMENTS (untimed_rows));
  tcase_add_loop_test (tc, test_audio_ends_earlier, 0, 2);
  tcase_add_test (tc, test_audio_falls_silent);
  tcase_add_test (tc, test_audio_counts_for_the_size);
  tcase_add_test (tc, test_audio_removed);
  tcase_add_test (tc, test_audio_caps_change);

  tcase_add_loop_test (tc, test_late_audio_ends_a_segment_earlier, 0,
      G_N_ELEMENTS (late_rows));

  return suite;
}

GST_CHECK_MAIN (segmenteraudio);
