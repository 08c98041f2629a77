/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When identifai-moderate submits what may wait: streams that close a segment each so
 * many seconds for some minutes, and each tenth of a second the question.
 */

#include "../../examples/moderate/idle.h"

#include <gst/check/gstcheck.h>

#define SECOND G_USEC_PER_SEC
#define TENTH (SECOND / 10)

typedef struct
{
  const gchar *what;
  gdouble per_second, per_minute;
  guint streams, interval;      /* s; they are spread over it */
  gboolean strict;
  guint least, most;            /* that go in a minute */
} Row;

static const Row rows[] = {
  {"no limits: each tenth", 0, 0, 5, 12, TRUE, 600, 600},
  {"no streams: the minute's half", 1, 30, 0, 0, TRUE, 15, 15},
  {"no streams: the minute, but for some", 1, 30, 0, 0, FALSE, 28, 28},
  {"two in twelve seconds", 1, 30, 2, 12, TRUE, 5, 5},
  {"five in twelve seconds", 1, 30, 5, 12, FALSE, 2, 3},
  {"five in twelve seconds, strict", 1, 30, 5, 12, TRUE, 0, 0},
  {"six in twelve seconds are all of it", 1, 30, 6, 12, FALSE, 0, 0},
  {"no limit of the minute: between them", 1, 0, 2, 10, TRUE, 20, 60},
};

/* None goes where a live one has to wait for it. */
static void
check_apart (const Row * row, gint64 late, gint64 live)
{
  gint64 gap = row->per_second > 0 ? SECOND / row->per_second : 0;

  fail_unless (live < late || live - late >= gap, "%s: %" G_GINT64_FORMAT
      " us before a live one", row->what, live - late);
}

static gboolean
close_segments (ModIdle * idle, const Row * row, gint64 now)
{
  gboolean any = FALSE;
  guint i;

  for (i = 0; i < row->streams; i++) {
    gint64 phase = (gint64) i * row->interval * SECOND / row->streams;
    gchar name[2] = { 'a' + i, '\0' };

    if (now % (row->interval * SECOND) != phase / TENTH * TENTH)
      continue;
    mod_idle_note_closed (idle, name, now, row->interval * SECOND);
    mod_idle_note_posts (idle, now, 1);
    any = TRUE;
  }
  return any;
}

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  ModIdle *idle = mod_idle_new ();
  gint64 now, late = G_MININT64 / 2;
  guint n = 0;

  mod_idle_set_limits (idle, row->per_second, row->per_minute);
  for (now = 0; now < 180 * SECOND; now += TENTH) {
    if (close_segments (idle, row, now))
      check_apart (row, late, now);
    if (now < 60 * SECOND || !mod_idle_is (idle, now, row->strict))
      continue;
    mod_idle_note_late (idle, now);
    late = now;
    n += now >= 120 * SECOND;
  }
  fail_unless (n >= row->least && n <= row->most, "%s: %u", row->what, n);
  mod_idle_free (idle);
}

GST_END_TEST;

/* A 429: somebody else uses the key, too. A stream that is gone isn't waited for. */
GST_START_TEST (test_throttled)
{
  ModIdle *idle = mod_idle_new ();

  mod_idle_set_limits (idle, 1, 30);
  mod_idle_note_closed (idle, "a", 0, 10 * SECOND);
  fail_unless (mod_idle_is (idle, 5 * SECOND, TRUE));
  fail_if (mod_idle_is (idle, 9 * SECOND, TRUE));
  fail_unless (mod_idle_is (idle, 16 * SECOND, TRUE));
  mod_idle_note_throttled (idle, 16 * SECOND);
  fail_if (mod_idle_is (idle, 75 * SECOND, TRUE));
  fail_unless (mod_idle_is (idle, 76 * SECOND, TRUE));
  mod_idle_free (idle);
}

GST_END_TEST;

static Suite *
idle_suite (void)
{
  Suite *s = suite_create ("idle");
  TCase *tc = tcase_create ("idle");

  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_test (tc, test_throttled);
  return s;
}

GST_CHECK_MAIN (idle);
