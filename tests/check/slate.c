/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Slates: what a track takes, and the times that a loop gives its frames. Frames are
 * VP8's by their first bytes, with any times.
 */

#include "slate.h"
#include "framereader.h"

#include <gst/check/gstcheck.h>
#include <string.h>

#define FRAME ((gint64) (40 * GST_MSECOND))
#define NO_TIME IDENTIFAI_NO_TIME

static GstBuffer *
new_frame (gboolean key, gsize size)
{
  static const guint8 start[10] = { 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0 };
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, MAX (size, 10), NULL);

  gst_buffer_memset (buffer, 0, 0, -1);
  gst_buffer_fill (buffer, 0, start, sizeof (start));
  gst_buffer_memset (buffer, 0, key ? 0x10 : 0x11, 1);
  if (!key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  return buffer;
}

/* Frames in the order of decoding, each with its place in that of presentation:
 * "K0 p2 b1"; they are decoded reorder frames before they are shown, or the first
 * is. */
static IdentifaiSlateTrack *
new_video (const gchar * text, gint reorder)
{
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-vp8");
  IdentifaiSlateTrack *track = identifai_slate_track_new ("slate", caps);
  gchar **words = g_strsplit (text, " ", -1);
  guint i;

  for (i = 0; words[i] != NULL && *words[i] != '\0'; i++)
    fail_unless (identifai_slate_track_add (track, new_frame (*words[i] == 'K',
                10), ((gint) i - reorder) * FRAME,
            (gint64) g_ascii_strtoll (words[i] + 1, NULL, 10) * FRAME, FRAME));
  g_strfreev (words);
  gst_caps_unref (caps);

  return track;
}

static IdentifaiSlateTrack *
new_sound (guint n, gint64 duration, gint64 from)
{
  GstCaps *caps = gst_caps_new_simple ("audio/mpeg", "mpegversion", G_TYPE_INT,
      1, "layer", G_TYPE_INT, 3, NULL);
  IdentifaiSlateTrack *track = identifai_slate_track_new ("slate", caps);
  guint i;

  for (i = 0; i < n; i++)
    fail_unless (identifai_slate_track_add (track, new_frame (TRUE, 10),
            NO_TIME, from + (gint64) i * duration, duration));
  fail_unless (identifai_slate_track_finish (track));
  gst_caps_unref (caps);

  return track;
}

/*** tracks ***/

typedef struct
{
  const gchar *frames;
  gint reorder;
  guint count;                  /* 0: it is none */
  guint length;                 /* in frames */
} TrackRow;

static const TrackRow track_rows[] = {
  {"K0 p1 p2 p3", 0, 4, 4},
  {"p0 p1 K2 p3 p4", 0, 3, 3},  /* what comes before the first key frame */
  {"K0 p3 b1 b2 p6 b4 b5", 1, 7, 7},
  {"K2 b0 b1 p5 b3 b4", 2, 4, 6},       /* its leading pictures */
  {"K0", 0, 1, 1},
  {"p0 p1", 0, 0, 0},
  {"", 0, 0, 0},
};

GST_START_TEST (test_track)
{
  const TrackRow *row = &track_rows[__i__];
  IdentifaiSlateTrack *track = new_video (row->frames, row->reorder);

  fail_unless_equals_int (identifai_slate_track_finish (track),
      row->count != 0);
  fail_unless_equals_int (identifai_slate_track_count (track), row->count);
  fail_unless_equals_int64 (identifai_slate_track_get_length (track),
      row->length * FRAME);
  fail_if (identifai_slate_track_is_cut (track));
  identifai_slate_track_unref (track);
}

GST_END_TEST;

/* Ten minutes, and a hundred megabytes: up to the last key frame within the bounds. */
typedef struct
{
  gint64 step;
  gsize size;
  guint gop;
  guint count;
} CutRow;

static const CutRow cut_rows[] = {
  {GST_SECOND, 10, 7, 56},
  {GST_SECOND, 10, 60, 60},
  {GST_SECOND, 10, 1000, 60},
  {GST_SECOND, 10, 1, 60},
  {FRAME, 1024 * 1024, 10, 60},
  {FRAME, 80 * 1024 * 1024, 10, 1},
};

GST_START_TEST (test_cut)
{
  const CutRow *row = &cut_rows[__i__];
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-vp8");
  IdentifaiSlateTrack *track = identifai_slate_track_new ("slate", caps);
  guint i;

  for (i = 0; i < 600; i++)
    if (!identifai_slate_track_add (track, new_frame (i % row->gop == 0,
                row->size), i * row->step, i * row->step, row->step))
      break;
  fail_unless (i < 600);
  fail_unless (identifai_slate_track_is_cut (track));
  fail_unless_equals_int (identifai_slate_track_count (track), row->count);
  fail_if (identifai_slate_track_add (track, new_frame (TRUE, 10), 0, 0, 1));
  fail_unless_equals_int (identifai_slate_track_count (track), row->count);
  identifai_slate_track_unref (track);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* A still is as long as it says, a second at most, or a frame. */
GST_START_TEST (test_still)
{
  static const gint64 durations[][2] = {
    {NO_TIME, FRAME}, {0, FRAME}, {GST_SECOND / 2, GST_SECOND / 2},
    {10 * GST_SECOND, GST_SECOND}, {1, GST_MSECOND}
  };
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-vp8");
  IdentifaiSlateTrack *track = identifai_slate_track_new ("slate", caps);
  IdentifaiSlateLoop loop = { 0, };
  guint i;

  identifai_slate_track_add (track, new_frame (TRUE, 10), NO_TIME, NO_TIME,
      durations[__i__][0]);
  fail_unless (identifai_slate_track_finish (track));
  identifai_slate_loop_start (&loop, track, NULL, 1000, NO_TIME);
  for (i = 0; i < 5; i++) {
    GstBuffer *buffer = identifai_slate_loop_pop (&loop);

    fail_unless_equals_uint64 (GST_BUFFER_DTS (buffer),
        1000 + i * durations[__i__][1]);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer),
        GST_BUFFER_DTS (buffer));
    gst_buffer_unref (buffer);
  }
  identifai_slate_loop_stop (&loop);
  identifai_slate_track_unref (track);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* Without times, and with such as go back. */
GST_START_TEST (test_times)
{
  static const gint64 times[][2] = {
    {NO_TIME, NO_TIME}, {NO_TIME, NO_TIME}, {NO_TIME, NO_TIME},
    {5 * FRAME, NO_TIME}, {2 * FRAME, 2 * FRAME}, {NO_TIME, 9 * FRAME}
  };
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-vp8");
  IdentifaiSlateTrack *track = identifai_slate_track_new ("slate", caps);
  IdentifaiSlateLoop loop = { 0, };
  GstClockTime last = 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (times); i++)
    identifai_slate_track_add (track, new_frame (i == 0, 10), times[i][0],
        times[i][1], NO_TIME);
  fail_unless (identifai_slate_track_finish (track));
  identifai_slate_loop_start (&loop, track, NULL, 1, NO_TIME);
  for (i = 0; i < 3 * G_N_ELEMENTS (times); i++) {
    GstBuffer *buffer = identifai_slate_loop_pop (&loop);

    fail_unless (GST_BUFFER_DTS (buffer) > last);
    fail_unless (GST_BUFFER_PTS (buffer) >= GST_BUFFER_DTS (buffer));
    last = GST_BUFFER_DTS (buffer);
    gst_buffer_unref (buffer);
  }
  identifai_slate_loop_stop (&loop);
  identifai_slate_track_unref (track);
  gst_caps_unref (caps);
}

GST_END_TEST;

/*** switches ***/

typedef struct
{
  const gchar *slate;
  gint slate_reorder;
  gint reorder;                 /* of the programme: shown so much after decoding */
} SwitchRow;

static const SwitchRow switch_rows[] = {
  {"K0 p1 p2 p3 p4", 0, 0},
  {"K0 p3 b1 b2 p6 b4 b5", 1, 0},
  {"K0 p3 b1 b2 p6 b4 b5", 1, 1},
  {"K0 p4 b2 b1 b3 p8 b6 b5 b7", 2, 1},
  {"K0 p1 p2", 0, 2},
  {"K0", 0, 0},
  {"K0", 0, 2},
  {"K0 p1 K2 p3", 0, 2},
};

typedef struct
{
  gint64 dts;                   /* the last one's */
  gint64 shown;                 /* the latest that is shown */
  guint n_slate;
} Receiver;

static void
receive (Receiver * receiver, gint64 dts, gint64 pts, gboolean is_start)
{
  fail_unless (dts > receiver->dts);
  fail_unless (pts >= dts);
  /* a key frame behind another stream: all of that was shown before */
  if (is_start)
    fail_unless (pts > receiver->shown, "%" G_GINT64_FORMAT " behind %"
        G_GINT64_FORMAT, pts, receiver->shown);
  receiver->dts = dts;
  receiver->shown = MAX (receiver->shown, pts);
}

static void
show_slate (Receiver * receiver, IdentifaiSlateLoop * loop, gint64 dts,
    gint64 reorder, gboolean * is_start)
{
  while (identifai_slate_loop_fits (loop, dts, reorder)) {
    GstBuffer *buffer = identifai_slate_loop_pop (loop);

    receive (receiver, GST_BUFFER_DTS (buffer), GST_BUFFER_PTS (buffer),
        *is_start);
    *is_start = FALSE;
    receiver->n_slate++;
    gst_buffer_unref (buffer);
  }
}

/* Twenty switches there and back, each after another number of frames. */
GST_START_TEST (test_switches)
{
  const SwitchRow *row = &switch_rows[__i__];
  IdentifaiSlateTrack *track = new_video (row->slate, row->slate_reorder);
  gint64 reorder = row->reorder * FRAME, time = GST_SECOND;
  Receiver receiver = { 0, };
  IdentifaiSlateLoop loop = { 0, };
  guint i, k, expected = 0;

  fail_unless (identifai_slate_track_finish (track));
  for (i = 0; i < 20; i++) {
    gboolean is_start = TRUE;

    for (k = 0; k < 5 + i; k++, time += FRAME)
      receive (&receiver, time, time + reorder, k == 0);
    identifai_slate_loop_start (&loop, track, NULL, time,
        receiver.shown + FRAME);
    for (k = 0; k < 4 + 2 * i; k++, time += FRAME, expected++)
      show_slate (&receiver, &loop, time + FRAME, reorder, &is_start);
    identifai_slate_loop_stop (&loop);
  }
  /* what doesn't fit is a frame or two a switch */
  fail_unless (receiver.n_slate + 20 * 4 >= expected, "%u of %u",
      receiver.n_slate, expected);
  identifai_slate_track_unref (track);
}

GST_END_TEST;

/* Sound goes with the video's rounds, without overlap, holes of less than a frame. */
GST_START_TEST (test_sound)
{
  static const struct
  {
    guint n;
    gint64 duration, from;
  } rows[] = {
    {43, 23219954, 0},          /* as long as the video */
    {60, 23219954, 0},          /* longer */
    {45, 23219954, -2 * 23219954},      /* starts before it */
    {10, 100 * GST_MSECOND, 0}, {3, 400 * GST_MSECOND, 0}
  };
  IdentifaiSlateTrack *video = new_video ("K0 p1 p2 p3 p4 p5 p6 p7 p8 p9 p10 "
      "p11 p12 p13 p14 p15 p16 p17 p18 p19 p20 p21 p22 p23 p24", 0);
  IdentifaiSlateTrack *sound = new_sound (rows[__i__].n, rows[__i__].duration,
      rows[__i__].from);
  IdentifaiSlateLoop loop = { 0, };
  IdentifaiSlateTimes times;
  gint64 end = 0, heard = 0;

  fail_unless (identifai_slate_track_finish (video));
  identifai_slate_loop_start (&loop, sound, video, 0, NO_TIME);
  while (identifai_slate_loop_peek (&loop, &times) && times.end <= 600 *
      (gint64) GST_SECOND) {
    fail_unless (times.dts >= end);
    fail_unless (times.dts - end < rows[__i__].duration);
    heard += times.end - times.pts;
    end = times.end;
    gst_buffer_unref (identifai_slate_loop_pop (&loop));
  }
  /* no drift in ten minutes: 600 rounds */
  fail_unless (loop.round >= 598 && loop.round <= 600, "%d rounds",
      (gint) loop.round);
  fail_unless (heard > 590 * (gint64) GST_SECOND);
  identifai_slate_loop_stop (&loop);
  identifai_slate_track_unref (sound);
  identifai_slate_track_unref (video);
}

GST_END_TEST;

/* Sound that ends before the video starts goes by itself; shorter sound leaves the
 * rest of the round silent. */
GST_START_TEST (test_other_sound)
{
  IdentifaiSlateTrack *video = new_video ("K50 p51 p52 p53", 0);
  IdentifaiSlateTrack *before = new_sound (10, FRAME, 0);
  IdentifaiSlateTrack *brief = new_sound (1, FRAME, 50 * FRAME);
  IdentifaiSlateLoop loop = { 0, };
  IdentifaiSlateTimes times;

  fail_unless (identifai_slate_track_finish (video));
  identifai_slate_loop_start (&loop, before, video, 7, NO_TIME);
  fail_unless (identifai_slate_loop_peek (&loop, &times));
  fail_unless_equals_int64 (times.pts, 7);
  identifai_slate_loop_start (&loop, brief, video, 7, NO_TIME);
  gst_buffer_unref (identifai_slate_loop_pop (&loop));
  fail_unless (identifai_slate_loop_peek (&loop, &times));
  fail_unless_equals_int64 (times.pts, 7 + 4 * FRAME);
  identifai_slate_loop_stop (&loop);
  fail_if (identifai_slate_loop_peek (&loop, &times));
  identifai_slate_track_unref (brief);
  identifai_slate_track_unref (before);
  identifai_slate_track_unref (video);
}

GST_END_TEST;

/* What leaves is a reference. */
GST_START_TEST (test_memory)
{
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-vp8");
  IdentifaiSlateTrack *track = identifai_slate_track_new ("slate", caps);
  GstBuffer *frame = new_frame (TRUE, 1000), *a, *b;
  GstMemory *memory = gst_buffer_peek_memory (frame, 0);
  IdentifaiSlateLoop loop = { 0, };

  fail_unless (identifai_slate_track_add (track, frame, 0, 0, FRAME));
  fail_unless (identifai_slate_track_finish (track));
  identifai_slate_loop_start (&loop, track, NULL, -100, NO_TIME);
  identifai_slate_track_unref (track);
  a = identifai_slate_loop_pop (&loop);
  b = identifai_slate_loop_pop (&loop);
  identifai_slate_loop_stop (&loop);
  fail_unless (gst_buffer_peek_memory (a, 0) == memory);
  fail_unless (gst_buffer_peek_memory (b, 0) == memory);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (a), 0);
  gst_buffer_unref (a);
  gst_buffer_unref (b);
  gst_caps_unref (caps);
}

GST_END_TEST;

static Suite *
slate_suite (void)
{
  Suite *suite = suite_create ("slate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_track, 0, G_N_ELEMENTS (track_rows));
  tcase_add_loop_test (tc, test_cut, 0, G_N_ELEMENTS (cut_rows));
  tcase_add_loop_test (tc, test_still, 0, 5);
  tcase_add_test (tc, test_times);
  tcase_add_loop_test (tc, test_switches, 0, G_N_ELEMENTS (switch_rows));
  tcase_add_loop_test (tc, test_sound, 0, 5);
  tcase_add_test (tc, test_other_sound);
  tcase_add_test (tc, test_memory);

  return suite;
}

GST_CHECK_MAIN (slate);
