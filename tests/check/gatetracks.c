/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaigate: pictures and sound together, opened and closed, with gaps, an offset,
 * and ends in any order: what gst-plugins-rs' togglerecord is tested for, where verdicts
 * are what toggles.
 */

#include "gateutil.h"

#include <string.h>

#define MOST_SOUNDS 2
#define TRACKS (1 + MOST_SOUNDS)
#define BLOCK (GATE_GOP * GATE_FRAME)
#define MOST_BLOCKS 16

/* By blocks of a group of pictures, which is a segment, or as long. In: m media, . a
 * gap, E the end (at the latest behind the last block). Out: P all of it, - none, . the
 * gap. */
typedef struct
{
  const gchar *name;
  const gchar *properties;
  const gchar *verdicts;
  const gchar *in[TRACKS];      /* the video's, the sounds'; NULL: there is none */
  const gchar *out[TRACKS];
  guint late[TRACKS];           /* by so many ms */
} Row;

typedef struct
{
  Feed *feed;
  GstPad *out;                  /* of sound */
  GMutex lock;
  guint n_in[MOST_BLOCKS], n_out[MOST_BLOCKS];
  guint64 gaps;                 /* a bit a block */
  gboolean eos;
} Track;

static void
note_gap (Track * track, GstEvent * event)
{
  GstClockTime start, duration;

  gst_event_parse_gap (event, &start, &duration);
  if (duration == BLOCK)
    track->gaps |= G_GUINT64_CONSTANT (1) << start / BLOCK;
}

static void
note_buffer (Track * track, GstBuffer * buffer, GstClockTime late)
{
  guint block = (GST_BUFFER_PTS (buffer) - late) / BLOCK;

  if (block < MOST_BLOCKS)
    track->n_out[block]++;
}

static GstFlowReturn
on_sound (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Track *track = gst_pad_get_element_private (pad);

  g_mutex_lock (&track->lock);
  note_buffer (track, buffer, 0);
  g_mutex_unlock (&track->lock);
  gst_buffer_unref (buffer);

  return GST_FLOW_OK;
}

static gboolean
on_sound_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Track *track = gst_pad_get_element_private (pad);

  g_mutex_lock (&track->lock);
  if (GST_EVENT_TYPE (event) == GST_EVENT_GAP)
    note_gap (track, event);
  track->eos |= GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  g_mutex_unlock (&track->lock);
  gst_event_unref (event);

  return TRUE;
}

static void
link_sound (Track * track, Gate * gate, guint i)
{
  gchar *name = g_strdup_printf ("audio_src_%u", i);
  GstPad *src = gst_element_get_static_pad (sink_run_get_sink (gate->run),
      name);

  track->out = gst_pad_new (NULL, GST_PAD_SINK);
  gst_pad_set_element_private (track->out, track);
  gst_pad_set_chain_function (track->out, on_sound);
  gst_pad_set_event_function (track->out, on_sound_event);
  gst_pad_set_active (track->out, TRUE);
  fail_unless (src != NULL, "no %s", name);
  fail_unless_equals_int (gst_pad_link (src, track->out), GST_PAD_LINK_OK);
  gst_object_unref (src);
  g_free (name);
}

static void
track_clear (Track * track)
{
  GstPad *peer = track->out ? gst_pad_get_peer (track->out) : NULL;

  if (peer != NULL) {
    gst_pad_unlink (peer, track->out);
    gst_object_unref (peer);
  }
  if (track->out != NULL) {
    gst_pad_set_active (track->out, FALSE);
    gst_object_unref (track->out);
    feed_free (track->feed);
  }
  g_mutex_clear (&track->lock);
}

/* Those of its buffers that start in the block, which for pictures is a group. */
static void
push_block (Track * track, Clip * clip, guint block, GstClockTime late)
{
  GstClockTime start = block * BLOCK, end = start + BLOCK;
  GstClockTime sound_late = track->out != NULL ? late : 0;
  guint from = clip->buffers->len, to = 0, i;

  for (i = 0; i < clip->buffers->len; i++) {
    GstClockTime time = GST_BUFFER_PTS (g_ptr_array_index (clip->buffers, i))
        + sound_late;

    if (time >= start && time < end) {
      from = MIN (from, i);
      to = i + 1;
    }
  }
  track->n_in[block] = to - from;
  fail_unless_equals_int (feed_push (track->feed, clip, from, to, late),
      GST_FLOW_OK);
}

static void
do_block (Track * track, Clip * clip, gchar what, guint block,
    GstClockTime late)
{
  switch (what) {
    case 'm':
      push_block (track, clip, block, late);
      break;
    case '.':
      fail_unless (feed_event (track->feed, gst_event_new_gap (block * BLOCK,
                  BLOCK)));
      break;
    case 'E':
      fail_unless (feed_event (track->feed, gst_event_new_eos ()));
      break;
    default:
      break;
  }
}

static void
wait_for_end (Track * track, const gchar * name)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  gboolean eos = FALSE;

  while (!eos) {
    fail_unless (g_get_monotonic_time () < until, "%s: no EOS of a sound",
        name);
    g_usleep (2000);
    g_mutex_lock (&track->lock);
    eos = track->eos;
    g_mutex_unlock (&track->lock);
  }
}

static void
read_video (Gate * gate, Track * track, GstClockTime late)
{
  guint i;

  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++) {
    GateOut *out = &g_array_index (gate->outs, GateOut, i);

    if (out->buffer != NULL)
      note_buffer (track, out->buffer, late);
    else if (GST_EVENT_TYPE (out->event) == GST_EVENT_GAP)
      note_gap (track, out->event);
  }
  g_mutex_unlock (&gate->lock);
}

static gchar *
describe (Track * track, guint n_blocks)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < n_blocks; i++)
    g_string_append_c (text, track->gaps >> i & 1 ? '.' :
        track->n_out[i] == 0 ? '-' :
        track->n_out[i] == track->n_in[i] ? 'P' : '?');

  return g_string_free (text, FALSE);
}

static const Row rows[] = {
  {"open", "", "", {"mmmmm", "mmmmm"}, {"PPPPP", "PPPPP"}},
  {"closed, open", "", "ac", {"mmm", "mmm"}, {"-PP", "-PP"}},
  {"open, closed", "", "ca", {"mm", "mm"}, {"P-", "P-"}},
  {"open, closed, open", "", "cac", {"mmm", "mmm"}, {"P-P", "P-P"}},
  {"the same of two sounds", "", "caac", {"mmmm", "mmmm", "mmmm"},
      {"P--P", "P--P", "P--P"}},
  {"forced to be closed", "force=drop", "cc", {"mm", "mm"}, {"--", "--"}},
  {"sound is 5 ms late", "", "cac", {"mmm", "mmm"}, {"P-P", "P-P"}, {0, 5}},
  {"a gap of both", "", "ccc", {"m.mm", "m.mm"}, {"P.PP", "P.PP"}},
  {"a gap of the sound", "", "cac", {"mmmm", "mm.m"}, {"P-PP", "P-.P"}},
  {"a gap of the sound where it is closed", "", "cac", {"mmm", "m.m"},
      {"P-P", "P.P"}},
  {"a gap of the pictures: the one before is shown", "", "cac",
      {"m.mm", "mmmm"}, {"P.-P", "PP-P"}},
  {"and it is withheld", "", "cac", {"mm.m", "mmmm"}, {"P-.P", "P--P"}},
  {"a sound ends first", "", "cac", {"mmmm", "mmE"}, {"P-PP", "P-"}},
  {"one of two", "", "cac", {"mmmm", "mmE", "mmmm"}, {"P-PP", "P-", "P-PP"}},
  {"where it is closed", "", "cac", {"mmm", "mE", "mmm"},
      {"P-P", "P", "P-P"}},
  {"all of them end at once", "", "cc", {"mmE", "mmE", "mmE"},
      {"PP", "PP", "PP"}},
  {"all of them end where it is closed", "", "ca", {"mmE", "mmE", "mmE"},
      {"P-", "P-", "P-"}},
  {"the pictures end first", "", "cc", {"mmE", "mmmm"}, {"PP", "PPPP"}},
  {"the pictures end first, withheld", "", "ca", {"mmE", "mmmm"},
      {"P-", "P---"}},
  {"the pictures and one sound", "", "ca", {"mmE", "mmmE", "mmmm"},
      {"P-", "P--", "P---"}},
};

static guint
count_blocks (const Row * row)
{
  guint i, n = 0;

  for (i = 0; i < TRACKS; i++)
    n = MAX (n, row->in[i] ? strlen (row->in[i]) : 0);

  return n;
}

static void
open_tracks (Gate * gate, Track * tracks, const Row * row, Clip * aac)
{
  guint i;

  gate_init (gate, row->verdicts, row->properties);
  fail_unless (sink_run_start (gate->run));
  for (i = 1; i < TRACKS && row->in[i] != NULL; i++) {
    gchar *name = g_strdup_printf ("audio_%u", i - 1);

    tracks[i].feed = feed_new (gate->run, name, aac->caps, NULL, FALSE);
    link_sound (&tracks[i], gate, i - 1);
    g_free (name);
  }
  gate->feed = feed_new (gate->run, "sink", gate->clip->caps, NULL, FALSE);
  gate->feed->duration = GATE_FRAMES * GATE_FRAME;
  tracks[0].feed = gate->feed;
}

static void
play (Gate * gate, Track * tracks, const Row * row, Clip * aac)
{
  guint n = count_blocks (row), block, i;

  for (block = 0; block <= n; block++) {
    for (i = TRACKS; i-- > 0;) {
      guint length = row->in[i] ? strlen (row->in[i]) : 0;
      gboolean ends = block == n && length > 0 && row->in[i][length - 1] != 'E';

      if (block < length || ends)
        do_block (&tracks[i], i ? aac : gate->clip, ends ? 'E' :
            row->in[i][block], block, row->late[i] * GST_MSECOND);
    }
  }
}

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  Track tracks[TRACKS] = { {NULL,}, };
  Clip *aac = clip_new_aac (GATE_FRAMES * 2);
  Gate gate;
  guint i;

  for (i = 0; i < TRACKS; i++)
    g_mutex_init (&tracks[i].lock);
  open_tracks (&gate, tracks, row, aac);
  play (&gate, tracks, row, aac);
  fail_unless (sink_run_wait_end (gate.run));
  for (i = 1; i < TRACKS && tracks[i].out != NULL; i++)
    wait_for_end (&tracks[i], row->name);
  read_video (&gate, &tracks[0], row->late[0] * GST_MSECOND);
  for (i = 0; i < TRACKS && row->in[i] != NULL; i++) {
    gchar *made = describe (&tracks[i], strlen (row->out[i]));

    fail_unless (g_str_equal (made, row->out[i]), "%s: track %u: %s instead "
        "of %s", row->name, i, made, row->out[i]);
    g_free (made);
  }
  gate_check_law (&gate);
  for (i = 0; i < TRACKS; i++)
    track_clear (&tracks[i]);
  gate_clear (&gate);
  clip_free (aac);
}

GST_END_TEST;

static Suite *
gatetracks_suite (void)
{
  Suite *suite = suite_create ("gatetracks");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));

  return suite;
}

GST_CHECK_MAIN (gatetracks);
