/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The segmenter with streams written as strings: where it cuts, when it asks for
 * key frames, and what it says when none come.
 */

#include "segmenterrun.h"

#include <stdlib.h>
#include <string.h>

/*** where it cuts ***/

/* Each letter is a frame of 100 ms or does something before the next one:
 * K key frame, p other, B big other, D and X key frame and other with DISCONT,
 * H headers without a picture, with DISCONT, s split-now, c other caps, e caps
 * that are equal, f caps with another field, . no frame, - two seconds without
 * one, < running time goes back by 5 s, > a seek with a new segment, = the same
 * segment again. "~2" in what is expected: two losses inside. */
typedef struct
{
  const gchar *name;
  const gchar *stream;
  guint duration, interval;     /* ms */
  guint64 max_bytes;            /* 0: plenty */
  const gchar *expected;
  guint64 skipped;
} CutRow;

static const CutRow cut_rows[] = {
  {"nothing", "", 300, 0, 0, "", 0},
  {"no key frame", "pppp", 300, 0, 0, "", 4},
  {"one frame", "K", 300, 0, 0, "0-100:1", 0},
  {"at the duration", "KppKppKpp", 300, 0, 0,
      "0-300:3 300-600:3 600-900:3", 0},
  {"after the duration", "KpppKppp", 200, 0, 0, "0-400:4 400-800:4", 0},
  {"not before the duration", "KpKpKpKp", 300, 0, 0, "0-400:4 400-800:4", 0},
  {"key frames only", "KKKKKK", 200, 0, 0, "0-200:2 200-400:2 400-600:2", 0},
  {"what comes before the first key frame", "ppKppK", 300, 0, 0,
      "200-500:3 500-600:1", 2},
  {"one segment until EOS", "KpKpKp", 0, 0, 0, "0-600:6", 0},
  {"sampling", "KpKpKpKpKpK", 200, 600, 0, "0-200:2 600-800:2", 0},
  {"sampling with an interval below the duration", "KpKpKp", 200, 100, 0,
      "0-200:2 200-400:2 400-600:2", 0},
  {"split-now", "KpspKpp", 9000, 0, 0, "0-300:3 300-600:3", 0},
  {"split-now twice is once", "KpsspKpKp", 9000, 0, 0, "0-300:3 300-700:4", 0},
  {"split-now before anything", "sKpKp", 9000, 0, 0, "0-400:4", 0},
  {"frames lost", "Kp.XpKpX", 9000, 0, 0, "0-800:7~2", 0},
  {"a key frame after a loss", "KpDp", 9000, 0, 0, "0-400:4~1", 0},
  {"a key frame after a loss that starts a segment", "KpXDpXK", 300, 0, 0,
      "0-300:3~2 300-600:3~1 600-700:1", 0},
  {"lost with a flag on headers alone", "KpHpKp", 9000, 0, 0, "0-500:5~1", 0},
  {"one loss, flagged twice", "KpHXKp", 9000, 0, 0, "0-500:5~1", 0},
  {"a flag at the start", "DpKp", 9000, 0, 0, "0-400:4", 0},
  {"lost while none is open", "KpKpXpKpKpXpKpK", 200, 600, 0,
      "0-200:2 600-800:2 1200-1400:2", 0},
  {"lost in what is too large", "KBXBBBBpDp", 9000, 0, 36000,
      "0-800:8!~2 800-1000:2", 0},
  {"two seconds lost", "Kp-XpKp", 9000, 0, 0, "0-200:2 2400-2600:2", 2},
  {"two seconds lost, flagged on headers alone", "Kp-HpKp", 9000, 0, 0,
      "0-200:2 2300-2500:2", 1},
  {"two seconds of nothing", "Kp-pKp", 9000, 0, 0, "0-2500:5", 0},
  {"lost where time goes back by two seconds",
        "KpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKp" "KpKpKpKpKpKpKpKpKpKpKp" "<Dp", 9000,
        0, 0,
      "0-5400:54 400-600:2", 0},
  {"lost while a frame comes each two seconds", "K-p-p-X-p-X-p", 90000, 0, 0,
      "0-12700:7~2", 0},
  {"the same segment again, and a loss", "Kp=XpKp", 9000, 0, 0, "0-600:6~1", 0},
  {"a new segment right behind, flagged", "Kp>XpKp", 9000, 0, 0,
      "0-200:2 20200-20400:2", 2},
  {"other caps", "KpcpKp", 9000, 0, 0, "0-200:2 300-500:2", 1},
  {"other caps at a key frame", "KpcKp", 9000, 0, 0, "0-200:2 200-400:2", 0},
  {"equal caps", "KpepKp", 9000, 0, 0, "0-500:5", 0},
  {"caps with another bit rate", "KpfpKp", 9000, 0, 0, "0-500:5", 0},
  {"a gap", "Kp..pKp", 9000, 0, 0, "0-700:5", 0},
  {"time goes back", "KpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKpKp"
        "<Kp", 9000, 0, 0, "0-5400:54 400-600:2", 0},
  {"a seek without flush", "Kp>Kp", 9000, 0, 0, "0-200:2 20000-20200:2", 0},
  {"a group that fits just not", "KBBBBpKp", 9000, 0, 36000,
      "0-600:6! 600-800:2", 0},
  {"a frame that is too large", "KpKBBBBKp", 200, 0, 26000,
      "0-200:2 200-700:5! 700-900:2", 0},
  {"too large until EOS", "KBBBBBp", 9000, 0, 30000, "0-700:7!", 0},
  {"cut early where it fits", "KBpKBpKBpK", 9000, 0, 36000,
      "0-600:6 600-1000:4", 0},
  {"cut early at the last key frame", "KBKpppBBp", 9000, 0, 36000,
      "0-200:2 200-900:7", 0},
  {"cut early and still too large", "KBKBBBBpKp", 9000, 0, 36000,
      "0-200:2 200-800:6! 800-1000:2", 0},
  {"sampling and cut early", "KBKBBpKpKpK", 9000, 600, 36000,
      "0-200:2 600-1100:5", 0},
};

typedef struct
{
  SegmenterRun run;
  GstClockTime time;
} Feed;

static void
feed_frame (Feed * feed, gchar letter)
{
  gboolean key = letter == 'K' || letter == 'D';
  GstBuffer *buffer = make_vp8 (key, letter == 'B' ? BIG : SMALL, feed->time);

  if (letter == 'D' || letter == 'X')
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  feed->time += FRAME;
  run_push (&feed->run, 0, buffer);
  run_collect (&feed->run);
}

static void
feed_letter (Feed * feed, gchar letter)
{
  GstBuffer *buffer;

  switch (letter) {
    case 's':
      identifai_segmenter_split_now (feed->run.segmenter);
      break;
    case 'c':
      run_set_caps (&feed->run, 0, "video/x-vp8, width = 640, height = 480");
      break;
    case 'e':
      run_set_caps (&feed->run, 0, VP8);
      break;
    case 'f':
      run_set_caps (&feed->run, 0, VP8 ", bitrate = 1000");
      break;
    case 'H':
      buffer = gst_buffer_new ();
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
      run_push (&feed->run, 0, buffer);
      break;
    case '.':
      feed->time += FRAME;
      break;
    case '-':
      feed->time += 2 * GST_SECOND;
      break;
    case '=':
      run_set_segment (&feed->run, 0, 0, 0);
      break;
    case '<':
      feed->time -= 5 * GST_SECOND;
      break;
    case '>':
      feed->time = 70 * GST_SECOND;
      run_set_segment (&feed->run, 0, feed->time, 20 * GST_SECOND);
      break;
    default:
      feed_frame (feed, letter);
      break;
  }
}

GST_START_TEST (test_cuts)
{
  const CutRow *row = &cut_rows[__i__];
  IdentifaiSegmenterStats stats;
  Feed feed = { {0,}, 0 };
  const gchar *at;

  run_init (&feed.run, VP8);
  run_configure (&feed.run, row->duration, row->interval, row->max_bytes);
  for (at = row->stream; *at; at++)
    feed_letter (&feed, *at);
  run_finish (&feed.run);

  fail_unless (strcmp (feed.run.log->str, row->expected) == 0,
      "%s: %s instead of %s", row->name, feed.run.log->str, row->expected);
  identifai_segmenter_get_stats (feed.run.segmenter, &stats);
  fail_unless (stats.skipped == row->skipped, "%s: %" G_GUINT64_FORMAT
      " skipped", row->name, stats.skipped);
  fail_unless (stats.bytes == 0, "%s: %" G_GUINT64_FORMAT " bytes left",
      row->name, stats.bytes);
  fail_unless (stats.covered <= stats.seen, "%s", row->name);
  run_clear (&feed.run);
}

GST_END_TEST;

/* Times of live sources jitter: a group of half a second, and segments of one. */
GST_START_TEST (test_jitter)
{
  static const gint jitter[] = { 0, 0, -9, 0, -5, 8, 3, -6, -6, 0 };
  SegmenterRun run;
  guint i;

  run_init (&run, VP8);
  run_configure (&run, 1000, 0, 0);
  run.live = __i__;
  for (i = 0; i < 50; i++)
    run_push (&run, 0, make_vp8 (i % 5 == 0, SMALL, i * FRAME
            + jitter[i / 5] * GST_MSECOND));
  run_finish (&run);
  fail_unless_equals_string (run.log->str, run.live ?
      "0-991:10 991-1995:10 1995-3003:10 3003-3994:10 3994-5000:10" :
      "0-1500:15 1500-2508:10 2508-3994:15 3994-5000:10");
  run_clear (&run);
}

GST_END_TEST;

GST_START_TEST (test_stats)
{
  IdentifaiSegmenterStats stats;
  Feed feed = { {0,}, 0 };
  const gchar *at;

  run_init (&feed.run, VP8);
  run_configure (&feed.run, 200, 400, 0);
  for (at = "pKpKpKpKp"; *at; at++)
    feed_letter (&feed, *at);
  identifai_segmenter_get_stats (feed.run.segmenter, &stats);
  fail_unless_equals_uint64 (stats.skipped, 1);
  fail_unless_equals_uint64 (stats.seen, 9 * FRAME);
  fail_unless_equals_uint64 (stats.covered, 4 * FRAME);
  fail_unless_equals_uint64 (stats.bytes, 0);
  run_clear (&feed.run);
}

GST_END_TEST;

/*** key frame requests ***/

/* Frames as above; expected: wishes as "frame:ms" or "frame:now". */
typedef struct
{
  const gchar *name;
  const gchar *stream;
  guint duration, interval;
  guint64 max_bytes;
  const gchar *expected;
} WishRow;

static const WishRow wish_rows[] = {
  {"for the end, at the start", "Kpp", 300, 0, 0, "0:300"},
  {"one a segment", "KppKppKpp", 300, 0, 0, "0:300 3:600 6:900"},
  {"none for one segment until EOS", "KppKpp", 0, 0, 0, ""},
  {"for the first one", "ppp", 300, 0, 0, "0:now"},
  {"overdue: again, once", "Kppppppppppppp", 300, 0, 0, "0:300 8:now"},
  {"split-now", "Kpsp", 9000, 0, 0, "0:9000 2:now"},
  {"three quarters full", "KBBBBBBp", 0, 0, 80000, "5:now"},
  {"too large", "KBBBp", 0, 0, 30000, "1:now"},
  {"after a loss", "KpXp", 0, 0, 0, ""},
  {"after a loss of seconds", "Kp-Xp", 0, 0, 0, "3:now"},
  {"after sampling", "KpKpKp", 200, 1000, 0, "0:200 2:1000"},
};

GST_START_TEST (test_wishes)
{
  const WishRow *row = &wish_rows[__i__];
  Feed feed = { {0,}, 0 };
  GString *wishes = g_string_new (NULL);
  GstClockTime time;
  guint frame = 0;
  const gchar *at;

  run_init (&feed.run, VP8);
  run_configure (&feed.run, row->duration, row->interval, row->max_bytes);
  for (at = row->stream; *at; at++) {
    feed_letter (&feed, *at);
    while (identifai_segmenter_take_keyframe_request (feed.run.segmenter,
            &time)) {
      g_string_append_printf (wishes, "%s%u:", wishes->len ? " " : "", frame);
      if (GST_CLOCK_TIME_IS_VALID (time))
        g_string_append_printf (wishes, "%u", (guint) (time / GST_MSECOND));
      else
        g_string_append (wishes, "now");
    }
    frame += *at == 's' ? 0 : 1;
  }
  fail_unless (strcmp (wishes->str, row->expected) == 0,
      "%s: %s instead of %s", row->name, wishes->str, row->expected);
  g_string_free (wishes, TRUE);
  run_clear (&feed.run);
}

GST_END_TEST;

/* Letters as above; a number after one: so many of them. + key frames are missing
 * (each minute), - they come again, with the number of the frame. */
static const struct
{
  guint duration, interval;
  const gchar *stream;
  const gchar *expected;
} news_rows[] = {
  {1000, 0, "Kp9Kp9Kp9", ""},
  {1000, 0, "Kp159", ""},
  {1000, 0, "Kp400", "+161"},
  {1000, 0, "Kp1700", "+161 +761 +1361"},
  {1000, 0, "Kp200Kp9Kp9Kp9", "+161 -221"},
  /* comes and goes */
  {1000, 0, "Kp200Kp9Kp9Kp200Kp9Kp9Kp9Kp9Kp9K", "+161 -221 +382 -462"},
  {1000, 0, "Kp300Kp9Kp300", "+161"},
  /* never one */
  {1000, 0, "p160", "+150"},
  {0, 0, "p160", "+150"},
  {0, 0, "Kp999", ""},
  {20000, 0, "Kp399", ""},
  {20000, 0, "Kp402", "+401"},
  /* between samples none is due */
  {1000, 30000, "Kp9K", ""},
  {1000, 30000, "Kp9Kp400", ""},
  {1000, 30000, "Kp9Kp450", "+450"},
};

static void
log_news (Feed * feed, GString * log, guint frame)
{
  IdentifaiNews news;

  while (identifai_segmenter_take_news (feed->run.segmenter, &news)) {
    fail_unless_equals_int (news.kind, IDENTIFAI_NEWS_KEY_FRAMES);
    g_string_append_printf (log, "%s%c%u", log->len ? " " : "",
        news.is_over ? '-' : '+', frame);
  }
}

GST_START_TEST (test_news)
{
  const gchar *at = news_rows[__i__].stream;
  GString *log = g_string_new (NULL);
  Feed feed = { {0,}, 0 };
  guint frame = 0;

  run_init (&feed.run, VP8);
  run_configure (&feed.run, news_rows[__i__].duration,
      news_rows[__i__].interval, 0);
  while (*at) {
    gchar letter = *at++;
    guint n = g_ascii_isdigit (*at) ? strtoul (at, (gchar **) & at, 10) : 1;

    for (; n > 0; n--, frame++) {
      feed_letter (&feed, letter);
      log_news (&feed, log, frame);
    }
  }
  fail_unless_equals_string (log->str, news_rows[__i__].expected);
  g_string_free (log, TRUE);
  run_clear (&feed.run);
}

GST_END_TEST;

GST_START_TEST (test_no_wishes)
{
  IdentifaiSegmenterSettings settings = { GST_SECOND, 0, PLENTY, FALSE };
  GstClockTime time;
  SegmenterRun run;

  run_init (&run, VP8);
  identifai_segmenter_configure (run.segmenter, &settings);
  run_push_video (&run, 0, 4);
  identifai_segmenter_split_now (run.segmenter);
  fail_if (identifai_segmenter_take_keyframe_request (run.segmenter, &time));
  run_clear (&run);
}

GST_END_TEST;

static Suite *
segmentercuts_suite (void)
{
  Suite *suite = suite_create ("segmentercuts");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_cuts, 0, G_N_ELEMENTS (cut_rows));
  tcase_add_loop_test (tc, test_jitter, 0, 2);
  tcase_add_test (tc, test_stats);
  tcase_add_loop_test (tc, test_wishes, 0, G_N_ELEMENTS (wish_rows));
  tcase_add_loop_test (tc, test_news, 0, G_N_ELEMENTS (news_rows));
  tcase_add_test (tc, test_no_wishes);

  return suite;
}

GST_CHECK_MAIN (segmentercuts);
