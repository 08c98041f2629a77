/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaigate: what is shown in place of what is withheld, and when.
 */

#include "feed.h"

#include <string.h>

#define GOP 5
#define FRAMES 200
#define FRAME (40 * GST_MSECOND)
#define SLATE_WIDTH 96          /* the stream's is 64 */
#define GATE "identifaigate name=sink ref-id=%u segment-duration=200000000 " \
    "on-refusal=warn verdict-timeout=800000000 "
#define OUT " ! fakesink name=out sync=false async=false"
#define ENCODE(size, options) " ! video/x-raw,framerate=25/1," size " ! x264enc " \
    "speed-preset=ultrafast threads=1 " options " ! h264parse ! "
#define SLATE "width=96,height=64"
#define STREAM "width=64,height=48"
#define AVC "video/x-h264,stream-format=avc,alignment=au"
#define BYTES "video/x-h264,stream-format=byte-stream,alignment=au"
#define NO_B "bframes=0 tune=zerolatency key-int-max=5 option-string=scenecut=0"
#define WITH_B "bframes=2 b-adapt=false key-int-max=5 option-string=scenecut=0"

/* A buffer that left; times are running times, in ns. */
typedef struct
{
  GstBuffer *buffer;
  gint width;
  GstClockTimeDiff dts, pts;
  gint64 wall;                  /* monotonic µs */
} Out;

typedef struct
{
  FaultServer *server;
  SinkRun *run;
  Clip *clip;
  Feed *feed;
  gchar *folder;

  GMutex lock;
  GArray *outs;                 /* of Out: the video's */
  gint width;                   /* of the latest caps */
  GstSegment segment;
  guint n_caps;
} Gate;

static GstClockTimeDiff
to_running (const GstSegment * segment, GstClockTime time)
{
  guint64 running;
  gint sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
      &running);

  return sign < 0 ? -(GstClockTimeDiff) running : (GstClockTimeDiff) running;
}

static void
note_event (Gate * gate, GstEvent * event)
{
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment (event, &gate->segment);
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return;
  gst_event_parse_caps (event, &caps);
  gst_structure_get_int (gst_caps_get_structure (caps, 0), "width",
      &gate->width);
  gate->n_caps++;
}

static GstPadProbeReturn
on_out (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Out out = {.wall = g_get_monotonic_time () };
  Gate *gate = user_data;

  g_mutex_lock (&gate->lock);
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    out.buffer = gst_buffer_ref (GST_PAD_PROBE_INFO_BUFFER (info));
    out.width = gate->width;
    out.dts = to_running (&gate->segment, GST_BUFFER_DTS_OR_PTS (out.buffer));
    out.pts = to_running (&gate->segment, GST_BUFFER_PTS (out.buffer));
    g_array_append_val (gate->outs, out);
  } else {
    note_event (gate, GST_PAD_PROBE_INFO_EVENT (info));
  }
  g_mutex_unlock (&gate->lock);

  return GST_PAD_PROBE_OK;
}

static void
out_clear (gpointer data)
{
  gst_buffer_unref (((Out *) data)->buffer);
}

/* x264enc starts at an hour, and others elsewhere. */
static Clip *
new_clip (const gchar * description)
{
  Clip *clip = clip_new (description);
  GstClockTime first = GST_BUFFER_PTS (g_ptr_array_index (clip->buffers, 0));
  guint i;

  for (i = 0; i < clip->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (clip->buffers, i);

    /* the first decoding times are at 0 */
    GST_BUFFER_PTS (buffer) += 2 * FRAME - first;
    GST_BUFFER_DTS (buffer) += 2 * FRAME - first;
  }

  return clip;
}

/* rest: what follows the gate. */
static void
gate_init (Gate * gate, const gchar * verdicts, const gchar * properties,
    const gchar * encode, const gchar * rest)
{
  gchar *url, *description = g_strconcat (GATE, properties, rest, NULL);
  GstPad *pad;

  memset (gate, 0, sizeof (*gate));
  g_mutex_init (&gate->lock);
  gate->folder = sink_folder_new ();
  gate->outs = g_array_new (FALSE, FALSE, sizeof (Out));
  g_array_set_clear_func (gate->outs, out_clear);
  gate->server = fault_server_new (NULL, 0);
  fault_server_set_verdicts (gate->server, verdicts);
  url = fault_server_get_url (gate->server);
  gate->run = sink_run_new (url, description);
  g_object_set (sink_run_get_sink (gate->run), "policy", NULL, NULL);
  gate->clip = new_clip (encode);
  fail_unless_equals_int (gate->clip->buffers->len, FRAMES);
  pad = gst_element_get_static_pad (sink_run_get_sink (gate->run), "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER
      | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_out, gate, NULL);
  gst_object_unref (pad);
  g_free (description);
  g_free (url);
}

#define CLIP(options, caps) "videotestsrc num-buffers=200" \
    ENCODE (STREAM, options) caps

static void
gate_start (Gate * gate, gboolean live)
{
  fail_unless (sink_run_start (gate->run));
  gate->feed = feed_new (gate->run, "sink", gate->clip->caps, NULL, live);
  if (!live)
    gate->feed->duration = FRAMES * FRAME;
}

static void
gate_clear (Gate * gate)
{
  sink_run_stop (gate->run);
  if (gate->feed != NULL)
    feed_free (gate->feed);
  sink_run_free (gate->run);
  fault_server_free (gate->server);
  clip_free (gate->clip);
  g_array_unref (gate->outs);
  sink_folder_free (gate->folder);
  g_mutex_clear (&gate->lock);
}

/* Sets the slate to a new file. */
static void
set_slate (Gate * gate, const gchar * description, const gchar * name)
{
  gchar *path = sink_make_file (gate->folder, name, description);

  g_object_set (sink_run_get_sink (gate->run), "slate-location", path, NULL);
  g_free (path);
}

static void
push (Gate * gate, guint from, guint to)
{
  fail_unless_equals_int (feed_push (gate->feed, gate->clip, from, to, 0),
      GST_FLOW_OK);
}

static void
finish (Gate * gate)
{
  fail_unless (feed_event (gate->feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (gate->run));
}

/*** what left ***/

/* Of the clip, bit for bit. */
static gint
find_frame (Gate * gate, const Out * out)
{
  guint i;

  for (i = 0; i < FRAMES; i++) {
    GstBuffer *original = g_ptr_array_index (gate->clip->buffers, i);
    GstMapInfo map;
    gboolean same;

    if (GST_BUFFER_PTS (original) != GST_BUFFER_PTS (out->buffer))
      continue;
    gst_buffer_map (original, &map, GST_MAP_READ);
    same = gst_buffer_get_size (out->buffer) == map.size
        && gst_buffer_memcmp (out->buffer, 0, map.data, map.size) == 0;
    gst_buffer_unmap (original, &map);
    fail_unless (same, "frame %u is another", i);
    return i;
  }
  ck_abort_msg ("no frame is at %" GST_TIME_FORMAT,
      GST_TIME_ARGS (GST_BUFFER_PTS (out->buffer)));

  return -1;
}

static gboolean
is_key (const Out * out)
{
  return !GST_BUFFER_FLAG_IS_SET (out->buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

/* Where one takes over from the other. */
static void
check_edge (const Out * out, GstClockTimeDiff shown, const gchar * name)
{
  fail_unless (is_key (out), "%s: no key frame at %" GST_STIME_FORMAT, name,
      GST_STIME_ARGS (out->dts));
  fail_unless (GST_BUFFER_FLAG_IS_SET (out->buffer, GST_BUFFER_FLAG_DISCONT));
  fail_unless (out->pts > shown, "%s: shown at %" GST_STIME_FORMAT ", behind %"
      GST_STIME_FORMAT, name, GST_STIME_ARGS (out->pts),
      GST_STIME_ARGS (shown));
}

typedef struct
{
  gboolean passed[FRAMES];
  guint slates[FRAMES + 1];     /* shown behind so many frames of the stream */
  guint n_slates;
  guint n_edges;
} Seen;

/* Whatever left is as it has to be. */
static void
look (Gate * gate, Seen * seen, const gchar * name)
{
  GstClockTimeDiff shown = G_MININT64;
  gint last = -1;
  guint i;

  memset (seen, 0, sizeof (*seen));
  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++) {
    const Out *out = &g_array_index (gate->outs, Out, i);
    const Out *before = i > 0 ? out - 1 : NULL;
    gint frame;

    fail_unless (before == NULL || out->dts > before->dts, "%s: %"
        GST_STIME_FORMAT " behind %" GST_STIME_FORMAT, name,
        GST_STIME_ARGS (out->dts), GST_STIME_ARGS (before->dts));
    if (before != NULL && out->width != before->width) {
      check_edge (out, shown, name);
      seen->n_edges++;
    }
    shown = MAX (shown, out->pts);
    if (out->width == SLATE_WIDTH) {
      seen->slates[last + 1]++;
      seen->n_slates++;
      continue;
    }
    frame = find_frame (gate, out);
    fail_unless (frame > last, "%s: %d behind %d", name, frame, last);
    last = frame;
    seen->passed[frame] = TRUE;
  }
  g_mutex_unlock (&gate->lock);
}

/* By groups: P all its frames passed, S none did and the slate was shown in the hole,
 * - it wasn't, ? else. */
static gchar *
describe (const Seen * seen)
{
  GString *text = g_string_new (NULL);
  guint slates = 0, i, k, n;

  for (i = 0; i < FRAMES; i += GOP) {
    for (k = n = 0; k < GOP; k++)
      n += seen->passed[i + k];
    if (i == 0 || n > 0 || seen->passed[i - 1])
      slates = seen->slates[i];
    g_string_append_c (text, n == GOP ? 'P' : n > 0 ? '?' : slates > 0 ? 'S' :
        '-');
  }

  return g_string_free (text, FALSE);
}

static void
check_groups (const Seen * seen, const gchar * expected, const gchar * name)
{
  gchar *text = describe (seen);

  fail_unless (strncmp (text, expected, strlen (expected)) == 0,
      "%s: %s instead of %s", name, text, expected);
  g_free (text);
}

/*** switches, of a file ***/

typedef struct
{
  const gchar *name;
  const gchar *stream;
  const gchar *slate;           /* made by */
  const gchar *file;
} SwitchRow;

static const SwitchRow switch_rows[] = {
  {"alike", CLIP (NO_B, AVC),
      "videotestsrc num-buffers=25" ENCODE (SLATE, NO_B) "mp4mux", "slate.mp4"},
  {"with B frames in the slate", CLIP (NO_B, AVC),
        "videotestsrc num-buffers=25" ENCODE (SLATE, WITH_B) "mp4mux",
      "slate.mp4"},
  {"in the stream", CLIP (WITH_B, AVC),
      "videotestsrc num-buffers=25" ENCODE (SLATE, NO_B) "mp4mux", "slate.mp4"},
  {"in both", CLIP (WITH_B, AVC),
        "videotestsrc num-buffers=25" ENCODE (SLATE, WITH_B) "mp4mux",
      "slate.mp4"},
  {"another format", CLIP (NO_B, BYTES),
        "videotestsrc num-buffers=25" ENCODE (SLATE, WITH_B) "mp4mux",
      "slate.mp4"},
  {"from a transport stream", CLIP (WITH_B, AVC),
        "videotestsrc num-buffers=25" ENCODE (SLATE, WITH_B) "mpegtsmux",
      "slate.ts"},
  {"from Matroska", CLIP (WITH_B, AVC),
        "videotestsrc num-buffers=25" ENCODE (SLATE, NO_B) "matroskamux",
      "slate.mkv"},
  {"a still", CLIP (WITH_B, AVC),
      "videotestsrc num-buffers=1" ENCODE (SLATE, NO_B) "mp4mux", "slate.mp4"},
  {"faster", CLIP (NO_B, AVC),
      "videotestsrc num-buffers=25 ! video/x-raw,framerate=50/1," SLATE
        " ! x264enc tune=zerolatency ! h264parse ! mp4mux", "slate.mp4"},
  {"with sound", CLIP (NO_B, AVC),
        "videotestsrc num-buffers=25" ENCODE (SLATE, NO_B) "mp4mux name=m "
        "audiotestsrc num-buffers=40 ! audio/x-raw,channels=2 ! avenc_aac ! m. m.",
      "slate.mp4"},
};

#define TWENTY "cacacacacacacacacacacacacacacacacacacaca"

/* Twenty switches there and back; a decoder doesn't complain. */
GST_START_TEST (test_switches)
{
  const SwitchRow *row = &switch_rows[__i__];
  const gchar *paths[] = { NULL, NULL };
  gchar *expected = g_strdelimit (g_strdup (TWENTY), "c", 'P'), *path;
  GstElement *out;
  Gate gate;
  Seen seen;

  gate_init (&gate, TWENTY, "on-artificial=slate", row->stream,
      strstr (row->stream, "byte-stream") ? " ! mpegtsmux ! filesink name=out" :
      " ! h264parse ! mpegtsmux ! filesink name=out");
  set_slate (&gate, row->slate, row->file);
  path = g_build_filename (gate.folder, "out.ts", NULL);
  out = gst_bin_get_by_name (GST_BIN (sink_run_get_pipeline (gate.run)), "out");
  g_object_set (out, "location", path, NULL);
  gst_object_unref (out);
  gate_start (&gate, FALSE);
  push (&gate, 0, FRAMES);
  finish (&gate);
  look (&gate, &seen, row->name);
  check_groups (&seen, g_strdelimit (expected, "a", 'S'), row->name);
  fail_unless_equals_int (seen.n_edges, 39);
  fail_unless_equals_int (sink_run_count (gate.run, "warning"), 0);
  paths[0] = path;
  fail_unless_equals_int (feed_decode_paths (paths, "v"), 100 + seen.n_slates);
  g_free (expected);
  g_free (path);
  gate_clear (&gate);
}

GST_END_TEST;

static Suite *
gateslate_suite (void)
{
  Suite *suite = suite_create ("gateslate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_switches, 0, G_N_ELEMENTS (switch_rows));

  return suite;
}

GST_CHECK_MAIN (gateslate);
