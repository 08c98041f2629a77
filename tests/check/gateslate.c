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
  const gchar *rest;            /* what follows the gate, if it isn't that */
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
      "slate.mp4", " ! mpegtsmux ! filesink name=out"},
  {"into FLV", CLIP (WITH_B, AVC),
        "videotestsrc num-buffers=25" ENCODE (SLATE, WITH_B) "mp4mux",
      "slate.mp4", " ! flvmux streamable=true ! filesink name=out"},
  {"from a transport stream into FLV", CLIP (WITH_B, AVC),
        "videotestsrc num-buffers=25" ENCODE (SLATE, NO_B) "mpegtsmux",
      "slate.ts", " ! flvmux streamable=true ! filesink name=out"},
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
      row->rest ? row->rest : " ! h264parse ! mpegtsmux ! filesink name=out");
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

/*** sound ***/

#define SOUND (1024 * GST_SECOND / 44100)       /* a frame of it */

/* What leaves by audio_src_0. */
typedef struct
{
  GstPad *pad;
  GMutex lock;
  GArray *outs;                 /* of Out: width is the channels */
  gint channels;
  GstSegment segment;
  gboolean eos;
  guint n_gaps;
} SoundOut;

static GstFlowReturn
on_sound (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  SoundOut *sound = gst_pad_get_element_private (pad);
  Out out = {.buffer = buffer,.width = sound->channels };

  out.dts = out.pts = to_running (&sound->segment, GST_BUFFER_PTS (buffer));
  g_mutex_lock (&sound->lock);
  g_array_append_val (sound->outs, out);
  g_mutex_unlock (&sound->lock);

  return GST_FLOW_OK;
}

static gboolean
on_sound_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  SoundOut *sound = gst_pad_get_element_private (pad);
  GstCaps *caps;

  g_mutex_lock (&sound->lock);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    gst_event_copy_segment (event, &sound->segment);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "channels",
        &sound->channels);
  }
  sound->n_gaps += GST_EVENT_TYPE (event) == GST_EVENT_GAP;
  sound->eos |= GST_EVENT_TYPE (event) == GST_EVENT_EOS;
  g_mutex_unlock (&sound->lock);
  gst_event_unref (event);

  return TRUE;
}

static GstStaticPadTemplate any_template = GST_STATIC_PAD_TEMPLATE ("out",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static void
sound_out_init (SoundOut * sound, Gate * gate)
{
  GstPad *src = gst_element_get_static_pad (sink_run_get_sink (gate->run),
      "audio_src_0");

  memset (sound, 0, sizeof (*sound));
  g_mutex_init (&sound->lock);
  sound->outs = g_array_new (FALSE, FALSE, sizeof (Out));
  g_array_set_clear_func (sound->outs, out_clear);
  sound->pad = gst_pad_new_from_static_template (&any_template, "out");
  gst_pad_set_element_private (sound->pad, sound);
  gst_pad_set_chain_function (sound->pad, on_sound);
  gst_pad_set_event_function (sound->pad, on_sound_event);
  gst_pad_set_active (sound->pad, TRUE);
  fail_unless_equals_int (gst_pad_link (src, sound->pad), GST_PAD_LINK_OK);
  gst_object_unref (src);
}

static void
sound_out_clear (SoundOut * sound)
{
  gst_pad_set_active (sound->pad, FALSE);
  gst_object_unref (sound->pad);
  g_array_unref (sound->outs);
  g_mutex_clear (&sound->lock);
}

static void
wait_for_sound_end (SoundOut * sound)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  gboolean eos = FALSE;

  while (!eos) {
    fail_unless (g_get_monotonic_time () < until);
    g_usleep (2000);
    g_mutex_lock (&sound->lock);
    eos = sound->eos;
    g_mutex_unlock (&sound->lock);
  }
}

/* When something else began to be shown or heard. */
static GArray *
find_edges (GArray * outs)
{
  GArray *edges = g_array_new (FALSE, FALSE, sizeof (GstClockTimeDiff));
  guint i;

  for (i = 1; i < outs->len; i++) {
    const Out *out = &g_array_index (outs, Out, i);

    if (out->width != out[-1].width)
      g_array_append_val (edges, out->pts);
  }

  return edges;
}

/* Within a frame of sound. */
static void
check_sound_edges (Gate * gate, SoundOut * sound)
{
  GArray *seen = find_edges (gate->outs), *heard = find_edges (sound->outs);
  guint i;

  fail_unless_equals_int (heard->len, seen->len);
  for (i = 0; i < seen->len; i++) {
    GstClockTimeDiff late = g_array_index (heard, GstClockTimeDiff, i)
        - g_array_index (seen, GstClockTimeDiff, i);

    fail_unless (ABS (late) <= (GstClockTimeDiff) SOUND + 1000000, "edge %u: "
        "sound is %d us behind", i, (gint) (late / 1000));
  }
  g_array_unref (seen);
  g_array_unref (heard);
}

static void
check_sound_times (SoundOut * sound)
{
  guint i;

  for (i = 1; i < sound->outs->len; i++) {
    const Out *out = &g_array_index (sound->outs, Out, i);
    GstClockTimeDiff step = out->pts - out[-1].pts;

    fail_unless (step >= 21 * (GstClockTimeDiff) GST_MSECOND
        && step < 3 * (GstClockTimeDiff) SOUND, "frame %u after %d us", i,
        (gint) (step / 1000));
  }
}

static void
push_both (Gate * gate, Feed * sound, Clip * aac)
{
  guint i;

  for (i = 0; i < 8; i++) {
    fail_unless_equals_int (feed_push (sound, aac, i * 43, i * 43 + 43, 0),
        GST_FLOW_OK);
    push (gate, i * 25, i * 25 + 25);
  }
  fail_unless (feed_event (sound, gst_event_new_eos ()));
  finish (gate);
}

static const gchar *const sound_slates[] = {
  "audiotestsrc num-buffers=43 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=44100,channels=2 ! avenc_aac ! aacparse ! m. ",
  "audiotestsrc num-buffers=150 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! m. ",
  NULL,
};

/* Sound turns with the pictures; there and back twenty times. */
GST_START_TEST (test_sound)
{
  gchar *slate = g_strconcat ("mp4mux name=m videotestsrc num-buffers=25"
      ENCODE (SLATE, NO_B) "m. ", sound_slates[__i__], " m.", NULL);
  Clip *aac = clip_new_aac (8 * 43);
  SoundOut out;
  Feed *sound;
  Gate gate;
  Seen seen;

  gate_init (&gate, TWENTY, "on-artificial=slate", CLIP (NO_B, AVC), OUT);
  set_slate (&gate, sound_slates[__i__] ? slate :
      "videotestsrc num-buffers=25" ENCODE (SLATE, NO_B) "mp4mux", "slate.mp4");
  fail_unless (sink_run_start (gate.run));
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, FALSE);
  sound_out_init (&out, &gate);
  gate.feed = feed_new (gate.run, "sink", gate.clip->caps, NULL, FALSE);
  gate.feed->duration = FRAMES * FRAME;
  push_both (&gate, sound, aac);
  wait_for_sound_end (&out);
  look (&gate, &seen, "sound");
  fail_unless_equals_int (seen.n_edges, 39);
  if (sound_slates[__i__] != NULL) {
    check_sound_edges (&gate, &out);
    check_sound_times (&out);
  } else {
    fail_unless (out.n_gaps > 100);
    fail_unless_equals_int (find_edges (out.outs)->len, 0);
  }
  feed_free (sound);
  clip_free (aac);
  g_free (slate);
  gate_clear (&gate);
  sound_out_clear (&out);
}

GST_END_TEST;

/*** live ***/

#define FILE_SLATE "videotestsrc num-buffers=25" ENCODE (SLATE, WITH_B) "mp4mux"

/* A gate with a slate of a second; the stream is open to all. */
static void
open_live (Gate * gate, const gchar * properties)
{
  gate_init (gate, "", properties, CLIP (WITH_B, AVC), OUT);
  set_slate (gate, FILE_SLATE, "slate.mp4");
  gate_start (gate, TRUE);
}

static void
play (Gate * gate, guint from, guint to)
{
  gate->feed->burst = 0;
  feed_start (gate->feed, gate->clip, from, to, FALSE);
}

static guint
count (Gate * gate, gboolean slate)
{
  guint n = 0, i;

  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++)
    n += (g_array_index (gate->outs, Out, i).width == SLATE_WIDTH) == slate;
  g_mutex_unlock (&gate->lock);

  return n;
}

static void
wait_for (Gate * gate, gboolean slate, guint n)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;

  while (count (gate, slate) < n) {
    fail_unless (g_get_monotonic_time () < until, "%u of %u",
        count (gate, slate), n);
    g_usleep (2000);
  }
}

static void
set_force (Gate * gate, const gchar * force)
{
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (gate->run)), "force",
      force);
}

static Out *
get_first (Gate * gate, gboolean slate)
{
  guint i;

  for (i = 0; i < gate->outs->len; i++) {
    Out *out = &g_array_index (gate->outs, Out, i);

    if ((out->width == SLATE_WIDTH) == slate)
      return out;
  }
  ck_abort_msg ("nothing of it left");

  return NULL;
}

/* They may come a moment later than what they are about. */
static void
check_messages (Gate * gate, const gchar * expected)
{
  GString *made = g_string_new (NULL);
  guint n = 1, i;

  for (i = 0; expected[i] != '\0'; i++)
    n += expected[i] == ' ';
  sink_run_wait (gate->run, "identifai-gate", n);
  for (i = 0; i < n; i++) {
    const GstStructure *structure = sink_run_get_structure (gate->run,
        "identifai-gate", i);

    g_string_append_printf (made, "%s%s/%s", i > 0 ? " " : "",
        gst_structure_get_string (structure, "state"),
        gst_structure_get_string (structure, "reason"));
  }
  fail_unless_equals_string (made->str, expected);
  g_string_free (made, TRUE);
}

static GstClockTime
get_latency (Gate * gate)
{
  GstPad *pad = gst_element_get_static_pad (sink_run_get_sink (gate->run),
      "src");
  GstQuery *query = gst_query_new_latency ();
  GstClockTime min;

  fail_unless (gst_pad_query (pad, query));
  gst_query_parse_latency (query, NULL, &min, NULL);
  gst_query_unref (query);
  gst_object_unref (pad);

  return min;
}

/* From the first frame's arrival on, and then the stream, as much later. */
GST_START_TEST (test_start)
{
  Gate gate;
  Seen seen;

  open_live (&gate, "on-unjudged=pass hold=700000000");
  fail_unless_equals_uint64 (get_latency (&gate), 700 * GST_MSECOND);
  play (&gate, 0, 40);
  wait_for (&gate, TRUE, 1);
  fail_unless_equals_uint64 (get_latency (&gate), 0);
  wait_for (&gate, FALSE, 40);
  look (&gate, &seen, "start");
  check_groups (&seen, "PPPPPPPP", "start");
  fail_unless (seen.n_slates >= 13 && seen.n_slates <= 18, "%u", seen.n_slates);
  fail_unless_equals_int (seen.slates[0], seen.n_slates);
  /* running times go by the clock */
  fail_unless (get_first (&gate, TRUE)->dts < (gint64) (200 * GST_MSECOND));
  fail_unless_equals_int64 (get_first (&gate, FALSE)->dts, 700 * GST_MSECOND);
  check_messages (&gate, "slate/start pass/verdict");
  feed_join (gate.feed);
  gate_clear (&gate);
}

GST_END_TEST;

/* Raised, and lowered again. */
GST_START_TEST (test_hold)
{
  GstElement *element;
  Gate gate;
  Seen seen;

  open_live (&gate, "on-unjudged=pass hold=200000000");
  element = sink_run_get_sink (gate.run);
  play (&gate, 0, 90);
  wait_for (&gate, FALSE, 22);
  g_object_set (element, "hold", (guint64) 700 * GST_MSECOND, NULL);
  fail_unless_equals_uint64 (get_latency (&gate), 0);
  wait_for (&gate, FALSE, 40);
  g_object_set (element, "hold", (guint64) 300 * GST_MSECOND, NULL);
  fail_unless_equals_uint64 (get_latency (&gate), 0);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  finish (&gate);
  look (&gate, &seen, "hold");
  /* the start and the raise */
  fail_unless_equals_int (seen.n_edges, 3);
  fail_unless (seen.n_slates > 10, "%u", seen.n_slates);
  fail_unless (seen.passed[89]);
  gate_clear (&gate);
}

GST_END_TEST;

/* Less time is jumped over than the delay gets shorter by, as upstream stood still. */
GST_START_TEST (test_shorter)
{
  Clip *aac = clip_new_aac (110);
  Gate gate;
  Seen seen;
  SoundOut out;
  Feed *sound;
  guint i;

  open_live (&gate, "on-unjudged=pass hold=700000000");
  sound = feed_new (gate.run, "audio_0", aac->caps, NULL, TRUE);
  sound_out_init (&out, &gate);
  /* sound is 0.4 s ahead */
  feed_push (sound, aac, 0, 70, 0);
  push (&gate, 0, 31);
  g_usleep (350 * 1000);
  feed_push (sound, aac, 70, 77, 0);
  push (&gate, 31, 35);
  g_usleep (300 * 1000);
  feed_push (sound, aac, 77, 110, 0);
  push (&gate, 35, 50);
  wait_for (&gate, FALSE, 31);
  g_object_set (sink_run_get_sink (gate.run), "hold",
      (guint64) 300 * GST_MSECOND, NULL);
  fail_unless (feed_event (sound, gst_event_new_eos ()));
  finish (&gate);
  wait_for_sound_end (&out);
  look (&gate, &seen, "shorter");
  fail_unless (out.outs->len > 70);
  for (i = 1; i < out.outs->len; i++) {
    const Out *heard = &g_array_index (out.outs, Out, i);

    fail_unless (heard->pts > heard[-1].pts,
        "frame %u of sound goes back %d us", i,
        (gint) ((heard[-1].pts - heard->pts) / 1000));
  }
  fail_unless (seen.passed[30]);
  fail_if (seen.passed[31]);
  fail_unless (seen.passed[49]);
  feed_free (sound);
  clip_free (aac);
  gate_clear (&gate);
  sound_out_clear (&out);
}

GST_END_TEST;

/* While the delay is built: the slate's B frames are shown later than the stream's. */
GST_START_TEST (test_shorter_at_start)
{
  Gate gate;
  Seen seen;

  gate_init (&gate, "", "on-unjudged=pass hold=1500000000", CLIP (NO_B, AVC),
      OUT);
  set_slate (&gate, FILE_SLATE, "slate.mp4");
  gate_start (&gate, TRUE);
  play (&gate, 0, 50);
  wait_for (&gate, TRUE, 22 + __i__);
  g_object_set (sink_run_get_sink (gate.run), "hold",
      (guint64) 500 * GST_MSECOND, NULL);
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  finish (&gate);
  look (&gate, &seen, "shorter at the start");
  fail_unless (seen.passed[49]);
  gate_clear (&gate);
}

GST_END_TEST;

/* The stream's times went back: the slate isn't shown behind what was before. */
GST_START_TEST (test_back)
{
  const Out *slate;
  Gate gate;

  open_live (&gate, "on-unjudged=pass hold=0");
  fail_unless_equals_int (feed_push (gate.feed, gate.clip, 0, 25,
          100 * GST_SECOND), GST_FLOW_OK);
  push (&gate, 25, 50);
  wait_for (&gate, FALSE, 50);
  set_force (&gate, "slate");
  push (&gate, 50, 75);
  wait_for (&gate, TRUE, 1);
  finish (&gate);
  slate = get_first (&gate, TRUE);
  fail_unless (slate->pts - slate->dts < (gint64) GST_SECOND,
      "shown %d ms after it is decoded", (gint) ((slate->pts - slate->dts) /
          (gint64) GST_MSECOND));
  gate_clear (&gate);
}

GST_END_TEST;

/* An operator's, for longer than the slate is: within 100 ms, and at a key frame
 * back. */
GST_START_TEST (test_force)
{
  Gate gate;
  Seen seen;

  open_live (&gate, "on-unjudged=pass hold=0");
  play (&gate, 0, 100);
  wait_for (&gate, FALSE, 12);
  set_force (&gate, "slate");
  wait_for (&gate, TRUE, 40);
  set_force (&gate, "none");
  fail_unless_equals_int (feed_join (gate.feed), GST_FLOW_OK);
  finish (&gate);
  look (&gate, &seen, "force");
  fail_unless_equals_int (seen.n_edges, 2);
  fail_unless (seen.n_slates < 60, "%u", seen.n_slates);
  fail_unless (seen.passed[99]);
  check_messages (&gate, "pass/verdict slate/forced pass/verdict");
  gate_clear (&gate);
}

GST_END_TEST;

/*** what can't be shown ***/

typedef struct
{
  const gchar *name;
  const gchar *slate;           /* NULL: none */
  const gchar *said;
} BadRow;

static const BadRow bad_rows[] = {
  {"none", NULL, "neither"},
  {"no file", "-", "can't be used"},
  {"no media", "fakesrc num-buffers=3 sizetype=fixed sizemax=1000",
      "can't be used"},
  {"no video", "audiotestsrc num-buffers=5 ! avenc_aac ! mp4mux",
      "no video in it"},
  {"another codec", "videotestsrc num-buffers=5 ! jpegenc ! matroskamux",
      "another codec"},
};

/* A warning, once, that says why; what is withheld leaves a hole. */
GST_START_TEST (test_bad)
{
  const BadRow *row = &bad_rows[__i__];
  GError *error;
  Gate gate;
  Seen seen;

  gate_init (&gate, "cacaac", "on-artificial=slate", CLIP (NO_B, AVC), OUT);
  if (row->slate != NULL && strcmp (row->slate, "-") == 0)
    g_object_set (sink_run_get_sink (gate.run), "slate-location",
        "/nonexistent/slate.mp4", NULL);
  else if (row->slate != NULL)
    set_slate (&gate, row->slate, "slate");
  gate_start (&gate, FALSE);
  push (&gate, 0, 30);
  finish (&gate);
  look (&gate, &seen, row->name);
  check_groups (&seen, "P-P--P", row->name);
  sink_run_wait (gate.run, "warning", 1);
  fail_unless_equals_int (sink_run_count (gate.run, "warning"), 1);
  gst_message_parse_warning (sink_run_get (gate.run, "warning", 0), &error,
      NULL);
  fail_unless (strstr (error->message, row->said) != NULL, "%s: %s", row->name,
      error->message);
  g_error_free (error);
  check_messages (&gate, "pass/verdict drop/verdict pass/verdict drop/verdict "
      "pass/verdict");
  gate_clear (&gate);
}

GST_END_TEST;

/* What follows doesn't take its form, and nothing can bring it into another: caps of
 * the pad. */
GST_START_TEST (test_refused)
{
  Clip *slate = new_clip ("videotestsrc num-buffers=25" ENCODE (SLATE, NO_B)
      BYTES);
  Feed *feed;
  Gate gate;
  Seen seen;

  gate_init (&gate, "cac", "on-artificial=slate", CLIP (NO_B, AVC),
      " ! capsfilter caps=" AVC OUT);
  fail_unless (sink_run_start (gate.run));
  feed = feed_new (gate.run, "slate", slate->caps, NULL, FALSE);
  feed_push (feed, slate, 0, 25, 0);
  feed_event (feed, gst_event_new_eos ());
  gate.feed = feed_new (gate.run, "sink", gate.clip->caps, NULL, FALSE);
  gate.feed->duration = FRAMES * FRAME;
  push (&gate, 0, 15);
  finish (&gate);
  look (&gate, &seen, "refused");
  check_groups (&seen, "P-P", "refused");
  sink_run_wait (gate.run, "warning", 1);
  fail_unless_equals_int (sink_run_count (gate.run, "warning"), 1);
  feed_free (feed);
  clip_free (slate);
  gate_clear (&gate);
}

GST_END_TEST;

/* A muxer that takes no other caps in the middle: an error says so, although all of
 * the stream had come by then. */
GST_START_TEST (test_muxer)
{
  static const gchar *const muxers[] = { "mp4mux", "matroskamux" };
  gchar *rest = g_strdup_printf (" ! %s ! fakesink", muxers[__i__]);
  Gate gate;

  gate_init (&gate, "cac", "on-artificial=slate", CLIP (NO_B, AVC), rest);
  set_slate (&gate, FILE_SLATE, "slate.mp4");
  gate_start (&gate, FALSE);
  feed_push (gate.feed, gate.clip, 0, 15, 0);
  feed_event (gate.feed, gst_event_new_eos ());
  fail_if (sink_run_wait_end (gate.run));
  g_free (rest);
  gate_clear (&gate);
}

GST_END_TEST;

/* From a pad; one that is new counts from the next time on. */
GST_START_TEST (test_pad)
{
  Clip *slate = new_clip ("videotestsrc num-buffers=25" ENCODE (SLATE, WITH_B)
      AVC);
  Feed *feed;
  Gate gate;
  Seen seen;

  gate_init (&gate, "cacac", "on-artificial=slate", CLIP (WITH_B, AVC), OUT);
  fail_unless (sink_run_start (gate.run));
  feed = feed_new (gate.run, "slate", slate->caps, NULL, FALSE);
  fail_unless_equals_int (feed_push (feed, slate, 0, 25, 0), GST_FLOW_OK);
  feed_event (feed, gst_event_new_eos ());
  gate.feed = feed_new (gate.run, "sink", gate.clip->caps, NULL, FALSE);
  gate.feed->duration = FRAMES * FRAME;
  push (&gate, 0, 25);
  finish (&gate);
  look (&gate, &seen, "pad");
  check_groups (&seen, "PSPSP", "pad");
  feed_free (feed);
  clip_free (slate);
  gate_clear (&gate);
}

GST_END_TEST;

/*** in the slate ***/

typedef enum
{
  DO_EOS,
  DO_STOP,
  DO_FLUSH,
  DO_CAPS,
  DO_RELEASE,
  DO_START,                     /* another stream */
  N_ACTS
} Act;

static void
change_caps (Gate * gate)
{
  GstCaps *caps = gst_caps_copy (gate->clip->caps);

  gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 30, 1, NULL);
  fail_unless (feed_event (gate->feed, gst_event_new_caps (caps)));
  gst_caps_unref (caps);
}

static void
start_anew (Gate * gate)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  feed_event (gate->feed, gst_event_new_stream_start ("another"));
  feed_event (gate->feed, gst_event_new_caps (gate->clip->caps));
  feed_event (gate->feed, gst_event_new_segment (&segment));
}

static void
act (Gate * gate, Act what, Feed * slate)
{
  switch (what) {
    case DO_EOS:
      finish (gate);
      break;
    case DO_STOP:
      fail_unless (sink_run_stop (gate->run) < G_USEC_PER_SEC);
      break;
    case DO_FLUSH:
      feed_flush (gate->feed, NULL);
      break;
    case DO_CAPS:
      change_caps (gate);
      break;
    case DO_RELEASE:
      feed_free (slate);
      break;
    default:
      start_anew (gate);
      break;
  }
}

/* Within a second, and what comes then leaves. */
GST_START_TEST (test_acts)
{
  Clip *clip = new_clip ("videotestsrc num-buffers=25" ENCODE (SLATE, NO_B)
      AVC);
  Feed *slate;
  gint64 start;
  Gate gate;

  gate_init (&gate, "", "on-unjudged=pass hold=0", CLIP (WITH_B, AVC), OUT);
  fail_unless (sink_run_start (gate.run));
  slate = feed_new (gate.run, "slate", clip->caps, NULL, FALSE);
  feed_push (slate, clip, 0, 25, 0);
  feed_event (slate, gst_event_new_eos ());
  gate.feed = feed_new (gate.run, "sink", gate.clip->caps, NULL, TRUE);
  push (&gate, 0, 10);
  wait_for (&gate, FALSE, 10);
  set_force (&gate, "slate");
  push (&gate, 10, 20);
  wait_for (&gate, TRUE, 7);
  start = g_get_monotonic_time ();
  act (&gate, __i__, slate);
  set_force (&gate, "none");
  if (__i__ != DO_EOS && __i__ != DO_STOP) {
    fail_unless_equals_int (feed_push (gate.feed, gate.clip, 20, 30, 0),
        GST_FLOW_OK);
    wait_for (&gate, FALSE, 20);
    /* the stream's again, the latest ones, once */
    fail_unless_equals_int (gate.n_caps, 3);
  }
  fail_unless (g_get_monotonic_time () - start < G_USEC_PER_SEC);
  sink_run_stop (gate.run);
  if (__i__ != DO_RELEASE)
    feed_free (slate);
  clip_free (clip);
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
  tcase_add_loop_test (tc, test_sound, 0, G_N_ELEMENTS (sound_slates));
  tcase_add_test (tc, test_start);
  tcase_add_test (tc, test_hold);
  tcase_add_test (tc, test_shorter);
  tcase_add_loop_test (tc, test_shorter_at_start, 0, 2);
  tcase_add_test (tc, test_back);
  tcase_add_test (tc, test_force);
  tcase_add_loop_test (tc, test_bad, 0, G_N_ELEMENTS (bad_rows));
  tcase_add_test (tc, test_refused);
  tcase_add_loop_test (tc, test_muxer, 0, 2);
  tcase_add_test (tc, test_pad);
  tcase_add_loop_test (tc, test_acts, 0, N_ACTS);

  return suite;
}

GST_CHECK_MAIN (gateslate);
