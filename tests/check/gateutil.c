/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gateutil.h"

#include "clock.h"
#include "heldclock.h"

#include <string.h>

#define FRAMES GATE_FRAMES
#define GOP GATE_GOP
#define FRAME GATE_FRAME
#define GATE "identifaigate name=sink ref-id=%u segment-duration=200000000 " \
    "on-refusal=warn verdict-timeout=800000000 "
#define OUT " ! fakesink name=out sync=false async=false"

static GstPadProbeReturn
on_out (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Gate *gate = user_data;
  GateOut out = {.time = identifai_clock_now () };

  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    out.buffer = gst_buffer_ref (GST_PAD_PROBE_INFO_BUFFER (info));
  else
    out.event = gst_event_ref (GST_PAD_PROBE_INFO_EVENT (info));
  g_mutex_lock (&gate->lock);
  g_array_append_val (gate->outs, out);
  g_mutex_unlock (&gate->lock);

  return GST_PAD_PROBE_OK;
}

guint
gate_get_index (GstBuffer * buffer)
{
  return GST_BUFFER_PTS (buffer) / FRAME;
}

static GstPadProbeReturn
on_in (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  Gate *gate = user_data;
  guint i = gate_get_index (GST_PAD_PROBE_INFO_BUFFER (info));

  if (i < FRAMES)
    gate->came[i] = identifai_clock_now ();

  return GST_PAD_PROBE_OK;
}

static void
add_probe (Gate * gate, const gchar * name, GstPadProbeType type,
    GstPadProbeCallback func)
{
  GstPad *pad = gst_element_get_static_pad (sink_run_get_sink (gate->run),
      name);

  gst_pad_add_probe (pad, type, func, gate, NULL);
  gst_object_unref (pad);
}

static void
out_clear (gpointer data)
{
  GateOut *out = data;

  gst_clear_buffer (&out->buffer);
  gst_clear_event (&out->event);
}

/* verdicts: of the segments, as the server has them. */
void
gate_init (Gate * gate, const gchar * verdicts, const gchar * properties)
{
  gchar *url, *description = g_strconcat (GATE, properties, OUT, NULL);

  memset (gate, 0, sizeof (*gate));
  g_mutex_init (&gate->lock);
  gate->outs = g_array_new (FALSE, FALSE, sizeof (GateOut));
  g_array_set_clear_func (gate->outs, out_clear);
  gate->server = fault_server_new (NULL, 0);
  fault_server_set_verdicts (gate->server, verdicts);
  url = fault_server_get_url (gate->server);
  gate->run = sink_run_new (url, description);
  if (strstr (properties, "policy") == NULL)
    g_object_set (sink_run_get_sink (gate->run), "policy", NULL, NULL);
  gate->clip = clip_new_h264 (FRAMES, GOP);
  add_probe (gate, "src", GST_PAD_PROBE_TYPE_BUFFER
      | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_out);
  add_probe (gate, "sink", GST_PAD_PROBE_TYPE_BUFFER, on_in);
  g_free (description);
  g_free (url);
}

/* A file, or a live source. */
void
gate_start (Gate * gate, gboolean live)
{
  fail_unless (sink_run_start (gate->run));
  gate->feed = feed_new (gate->run, "sink", gate->clip->caps, NULL, live);
  if (!live)
    gate->feed->duration = FRAMES * FRAME;
}

void
gate_open (Gate * gate, const gchar * verdicts, const gchar * properties,
    gboolean live)
{
  gate_init (gate, verdicts, properties);
  gate_start (gate, live);
}

void
gate_clear (Gate * gate)
{
  sink_run_stop (gate->run);
  if (gate->feed != NULL)
    feed_free (gate->feed);
  sink_run_free (gate->run);
  fault_server_free (gate->server);
  clip_free (gate->clip);
  g_array_unref (gate->outs);
  g_mutex_clear (&gate->lock);
}

void
gate_push (Gate * gate, guint from, guint to)
{
  fail_unless_equals_int (feed_push (gate->feed, gate->clip, from, to, 0),
      GST_FLOW_OK);
}

void
gate_finish (Gate * gate)
{
  fail_unless (feed_event (gate->feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (gate->run));
}

gint64
gate_get_stat (Gate * gate, const gchar * name)
{
  GstStructure *stats;
  const GValue *value;
  gint64 number;

  g_object_get (sink_run_get_sink (gate->run), "stats", &stats, NULL);
  value = gst_structure_get_value (stats, name);
  fail_unless (value != NULL, "no %s", name);
  number = G_VALUE_HOLDS_INT64 (value) ? g_value_get_int64 (value) :
      (gint64) g_value_get_uint64 (value);
  gst_structure_free (stats);

  return number;
}

/* Frames that left: each as it came, in order. A letter each: - withheld, x passed,
 * X with DISCONT. */
gchar *
gate_describe (Gate * gate)
{
  gchar *text = g_strnfill (FRAMES, '-');
  gint last = -1;
  guint i;

  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++) {
    GateOut *out = &g_array_index (gate->outs, GateOut, i);
    GstBuffer *original;
    GstMapInfo map;
    gint index;

    if (out->buffer == NULL)
      continue;
    index = gate_get_index (out->buffer);
    fail_unless (index > last && index < FRAMES, "%d behind %d", index, last);
    last = index;
    original = g_ptr_array_index (gate->clip->buffers, index);
    gst_buffer_map (original, &map, GST_MAP_READ);
    fail_unless_equals_uint64 (gst_buffer_get_size (out->buffer), map.size);
    fail_unless (gst_buffer_memcmp (out->buffer, 0, map.data, map.size) == 0);
    gst_buffer_unmap (original, &map);
    text[index] = GST_BUFFER_FLAG_IS_SET (out->buffer,
        GST_BUFFER_FLAG_DISCONT) ? 'X' : 'x';
  }
  g_mutex_unlock (&gate->lock);

  return text;
}

/* By segments: P all frames passed, F with DISCONT first, - none, ? else. */
void
gate_check_segments (Gate * gate, const gchar * expected, const gchar * name)
{
  GString *made = g_string_new (NULL);
  gchar *text = gate_describe (gate);
  guint i;

  for (i = 0; i < strlen (expected); i++) {
    const gchar *at = text + i * GOP;

    g_string_append_c (made, strncmp (at, "xxxxx", GOP) == 0 ? 'P' :
        strncmp (at, "Xxxxx", GOP) == 0 ? 'F' :
        strncmp (at, "-----", GOP) == 0 ? '-' : '?');
  }
  fail_unless (strcmp (made->str, expected) == 0, "%s: %s instead of %s (%s)",
      name, made->str, expected, text);
  g_string_free (made, TRUE);
  g_free (text);
}

void
gate_check_law (Gate * gate)
{
  fail_unless_equals_int64 (gate_get_stat (gate, "came"), gate_get_stat (gate,
          "passed")
      + gate_get_stat (gate, "withheld") + gate_get_stat (gate, "flushed")
      + gate_get_stat (gate, "held"));
}

/* Waits until so many frames have left, or been withheld. */
void
gate_wait_for_stat (Gate * gate, const gchar * name, gint64 least)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;

  while (gate_get_stat (gate, name) < least) {
    fail_unless (g_get_monotonic_time () < until, "%s: %d", name,
        (gint) gate_get_stat (gate, name));
    held_clock_go_on ();
  }
}

gint64
gate_get_time (Gate * gate, guint index)
{
  gint64 time = -1;
  guint i;

  g_mutex_lock (&gate->lock);
  for (i = 0; i < gate->outs->len; i++) {
    GateOut *out = &g_array_index (gate->outs, GateOut, i);

    if (out->buffer != NULL && gate_get_index (out->buffer) == index)
      time = out->time;
  }
  g_mutex_unlock (&gate->lock);

  return time;
}

void
gate_wait_for_frame (Gate * gate, guint index)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;

  while (gate_get_time (gate, index) < 0) {
    fail_unless (g_get_monotonic_time () < until, "frame %u", index);
    held_clock_go_on ();
  }
}
