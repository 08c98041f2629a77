/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "slateutil.h"

#include "heldclock.h"

#include <string.h>

#define GATE "identifaigate name=sink ref-id=%u segment-duration=200000000 " \
    "on-refusal=warn verdict-timeout=800000000 "

static GstClockTimeDiff
to_running (const GstSegment * segment, GstClockTime time)
{
  guint64 running;
  gint sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
      &running);

  return sign < 0 ? -(GstClockTimeDiff) running : (GstClockTimeDiff) running;
}

static void
note_event (SlateGate * gate, GstEvent * event)
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
  SlateOut out = { NULL, };
  SlateGate *gate = user_data;

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
  gst_buffer_unref (((SlateOut *) data)->buffer);
}

/* x264enc starts at an hour, and others elsewhere. */
Clip *
slate_clip_new (const gchar * description)
{
  Clip *clip = clip_new (description);
  GstClockTime first = GST_BUFFER_PTS (g_ptr_array_index (clip->buffers, 0));
  guint i;

  for (i = 0; i < clip->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (clip->buffers, i);

    /* the first decoding times are at 0 */
    GST_BUFFER_PTS (buffer) += 2 * SLATE_FRAME - first;
    GST_BUFFER_DTS (buffer) += 2 * SLATE_FRAME - first;
  }

  return clip;
}

/* rest: what follows the gate. */
void
slate_gate_init (SlateGate * gate, const gchar * verdicts,
    const gchar * properties, const gchar * encode, const gchar * rest)
{
  gchar *url, *description = g_strconcat (GATE, properties, rest, NULL);
  GstPad *pad;

  memset (gate, 0, sizeof (*gate));
  g_mutex_init (&gate->lock);
  gate->folder = sink_folder_new ();
  gate->outs = g_array_new (FALSE, FALSE, sizeof (SlateOut));
  g_array_set_clear_func (gate->outs, out_clear);
  gate->server = fault_server_new (NULL, 0);
  fault_server_set_verdicts (gate->server, verdicts);
  url = fault_server_get_url (gate->server);
  gate->run = sink_run_new (url, description);
  g_object_set (sink_run_get_sink (gate->run), "policy", NULL, NULL);
  gate->clip = slate_clip_new (encode);
  fail_unless_equals_int (gate->clip->buffers->len, SLATE_FRAMES);
  pad = gst_element_get_static_pad (sink_run_get_sink (gate->run), "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER
      | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_out, gate, NULL);
  gst_object_unref (pad);
  g_free (description);
  g_free (url);
}

void
slate_gate_start (SlateGate * gate, gboolean live)
{
  fail_unless (sink_run_start (gate->run));
  gate->feed = feed_new (gate->run, "sink", gate->clip->caps, NULL, live);
  if (!live)
    gate->feed->duration = SLATE_FRAMES * SLATE_FRAME;
}

void
slate_gate_clear (SlateGate * gate)
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
void
slate_gate_set_slate (SlateGate * gate, const gchar * description,
    const gchar * name)
{
  gchar *path = sink_make_file (gate->folder, name, description);

  g_object_set (sink_run_get_sink (gate->run), "slate-location", path, NULL);
  g_free (path);
}

void
slate_gate_push (SlateGate * gate, guint from, guint to)
{
  fail_unless_equals_int (feed_push (gate->feed, gate->clip, from, to, 0),
      GST_FLOW_OK);
}

void
slate_gate_finish (SlateGate * gate)
{
  fail_unless (feed_event (gate->feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (gate->run));
}

/* What left. */

/* Of the clip, bit for bit. */
static gint
find_frame (SlateGate * gate, const SlateOut * out)
{
  guint i;

  for (i = 0; i < SLATE_FRAMES; i++) {
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
is_key (const SlateOut * out)
{
  return !GST_BUFFER_FLAG_IS_SET (out->buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

/* Where one takes over from the other. */
static void
check_edge (const SlateOut * out, GstClockTimeDiff shown, const gchar * name)
{
  fail_unless (is_key (out), "%s: no key frame at %" GST_STIME_FORMAT, name,
      GST_STIME_ARGS (out->dts));
  fail_unless (GST_BUFFER_FLAG_IS_SET (out->buffer, GST_BUFFER_FLAG_DISCONT));
  fail_unless (out->pts > shown, "%s: shown at %" GST_STIME_FORMAT ", behind %"
      GST_STIME_FORMAT, name, GST_STIME_ARGS (out->pts),
      GST_STIME_ARGS (shown));
}

/* Whatever left is as it has to be. */
void
slate_gate_look (SlateGate * gate, SlateSeen * seen, const gchar * name)
{
  GstClockTimeDiff shown = G_MININT64;
  gint last = -1;
  guint i;

  memset (seen, 0, sizeof (*seen));
  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++) {
    const SlateOut *out = &g_array_index (gate->outs, SlateOut, i);
    const SlateOut *before = i > 0 ? out - 1 : NULL;
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
describe (const SlateSeen * seen)
{
  GString *text = g_string_new (NULL);
  guint slates = 0, i, k, n;

  for (i = 0; i < SLATE_FRAMES; i += SLATE_GOP) {
    for (k = n = 0; k < SLATE_GOP; k++)
      n += seen->passed[i + k];
    if (i == 0 || n > 0 || seen->passed[i - 1])
      slates = seen->slates[i];
    g_string_append_c (text,
        n == SLATE_GOP ? 'P' : n > 0 ? '?' : slates > 0 ? 'S' : '-');
  }

  return g_string_free (text, FALSE);
}

void
slate_check_groups (const SlateSeen * seen, const gchar * expected,
    const gchar * name)
{
  gchar *text = describe (seen);

  fail_unless (strncmp (text, expected, strlen (expected)) == 0,
      "%s: %s instead of %s", name, text, expected);
  g_free (text);
}

/* Sound. */

static GstFlowReturn
on_sound (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  SlateSound *sound = gst_pad_get_element_private (pad);
  SlateOut out = {.buffer = buffer,.width = sound->channels };

  out.dts = out.pts = to_running (&sound->segment, GST_BUFFER_PTS (buffer));
  g_mutex_lock (&sound->lock);
  g_array_append_val (sound->outs, out);
  g_mutex_unlock (&sound->lock);

  return GST_FLOW_OK;
}

static gboolean
on_sound_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  SlateSound *sound = gst_pad_get_element_private (pad);
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

void
slate_sound_init (SlateSound * sound, SlateGate * gate)
{
  GstPad *src = gst_element_get_static_pad (sink_run_get_sink (gate->run),
      "audio_src_0");

  memset (sound, 0, sizeof (*sound));
  g_mutex_init (&sound->lock);
  sound->outs = g_array_new (FALSE, FALSE, sizeof (SlateOut));
  g_array_set_clear_func (sound->outs, out_clear);
  sound->pad = gst_pad_new_from_static_template (&any_template, "out");
  gst_pad_set_element_private (sound->pad, sound);
  gst_pad_set_chain_function (sound->pad, on_sound);
  gst_pad_set_event_function (sound->pad, on_sound_event);
  gst_pad_set_active (sound->pad, TRUE);
  fail_unless_equals_int (gst_pad_link (src, sound->pad), GST_PAD_LINK_OK);
  gst_object_unref (src);
}

void
slate_sound_clear (SlateSound * sound)
{
  gst_pad_set_active (sound->pad, FALSE);
  gst_object_unref (sound->pad);
  g_array_unref (sound->outs);
  g_mutex_clear (&sound->lock);
}

void
slate_sound_wait (SlateSound * sound)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  gboolean eos = FALSE;

  while (!eos) {
    fail_unless (g_get_monotonic_time () < until);
    held_clock_go_on ();
    g_mutex_lock (&sound->lock);
    eos = sound->eos;
    g_mutex_unlock (&sound->lock);
  }
}

/* A live stream. */

/* A gate with a slate of a second; the stream is open to all. */
void
slate_gate_open_live (SlateGate * gate, const gchar * properties)
{
  held_clock_use ();
  slate_gate_init (gate, "", properties, SLATE_CLIP (SLATE_WITH_B, SLATE_AVC),
      SLATE_OUT);
  slate_gate_set_slate (gate, SLATE_FILE, "slate.mp4");
  slate_gate_start (gate, TRUE);
}

void
slate_gate_play (SlateGate * gate, guint from, guint to)
{
  gate->feed->burst = 0;
  feed_start (gate->feed, gate->clip, from, to, FALSE);
}

guint
slate_gate_count (SlateGate * gate, gboolean slate)
{
  guint n = 0, i;

  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++)
    n += (g_array_index (gate->outs, SlateOut,
            i).width == SLATE_WIDTH) == slate;
  g_mutex_unlock (&gate->lock);

  return n;
}

void
slate_gate_wait_for (SlateGate * gate, gboolean slate, guint n)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;

  while (slate_gate_count (gate, slate) < n) {
    fail_unless (g_get_monotonic_time () < until, "%u of %u",
        slate_gate_count (gate, slate), n);
    held_clock_go_on ();
  }
  held_clock_settle ();
}

void
slate_gate_set_force (SlateGate * gate, const gchar * force)
{
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (gate->run)), "force",
      force);
}

SlateOut *
slate_gate_get_first (SlateGate * gate, gboolean slate)
{
  guint i;

  for (i = 0; i < gate->outs->len; i++) {
    SlateOut *out = &g_array_index (gate->outs, SlateOut, i);

    if ((out->width == SLATE_WIDTH) == slate)
      return out;
  }
  ck_abort_msg ("nothing of it left");

  return NULL;
}

/* They may come a moment later than what they are about. */
void
slate_gate_check_messages (SlateGate * gate, const gchar * expected)
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

GstClockTime
slate_gate_get_latency (SlateGate * gate)
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
