/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a streaming thread pays: time of its own CPU in a call that pushes a frame,
 * on average and at most, the end of the segment included. Frames of VP8, of which
 * upstream has a reference each; one segment as long as the stream but for one frame.
 * Each in a process of its own, of which the best of some counts for what is longest,
 * as a thread that is interrupted pays for that, too.
 *
 *   bench-chain ELEMENT FRAMES      one run: mean and longest in µs
 *   bench-chain                     the table
 *
 * For instructions: valgrind --tool=callgrind --toggle-collect=push_frame
 * bench-chain ELEMENT FRAMES.
 */

#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 5
#define FRAME (10 * GST_MSECOND)
#define FRAME_BYTES 1000

typedef struct
{
  gdouble mean, longest;        /* µs */
} Cost;

static gint64
get_cpu_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);

  return now.tv_sec * GST_SECOND + now.tv_nsec;
}

static GstBuffer *
make_frame (guint i, gboolean is_key)
{
  static const guint8 key[] = { 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01,
    0xf0, 0x00
  };
  guint8 *data = g_malloc0 (FRAME_BYTES);
  GstBuffer *buffer = gst_buffer_new_wrapped (data, FRAME_BYTES);

  data[0] = 0x11;
  if (is_key)
    memcpy (data, key, sizeof (key));
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = i * FRAME;
  GST_BUFFER_DURATION (buffer) = FRAME;
  if (!is_key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);

  return buffer;
}

static GPtrArray *
make_frames (guint n)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  guint i;

  for (i = 0; i <= n; i++)
    g_ptr_array_add (frames, make_frame (i, i == 0 || i == n));

  return frames;
}

/* Of itself, for callgrind. */
G_GNUC_NO_INLINE static void
push_frame (GstPad * pad, GstBuffer * buffer)
{
  if (gst_pad_push (pad, gst_buffer_ref (buffer)) != GST_FLOW_OK)
    g_error ("a frame isn't taken");
}

static void
push_head (GstPad * pad)
{
  GstCaps *caps = gst_caps_from_string ("video/x-vp8,width=320,height=240,"
      "framerate=100/1");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_stream_start ("bench"));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
}

static void
push_all (GstPad * pad, GPtrArray * frames, Cost * cost)
{
  gint64 sum = 0, longest = 0;
  guint i;

  push_head (pad);
  for (i = 0; i < frames->len; i++) {
    gint64 start = get_cpu_time (), took;

    push_frame (pad, g_ptr_array_index (frames, i));
    took = get_cpu_time () - start;
    sum += took;
    if (i > 0)                  /* which starts all */
      longest = MAX (longest, took);
  }
  cost->mean = sum / 1e3 / frames->len;
  cost->longest = longest / 1e3;
}

/* Nothing is sent: there is nobody at the endpoint, and what waits may. */
static GstElement *
make_sink (const gchar * name, guint n)
{
  gchar *text = g_strdup_printf ("%s name=sink", name);
  GstElement *sink;

  if (g_str_equal (name, "identifaisink")) {
    g_free (text);
    text =
        g_strdup_printf ("identifaisink name=sink endpoint=http://127.0.0.1:9 "
        "api-key=k segment-duration=%" G_GUINT64_FORMAT " max-segment-bytes="
        "2000000000 max-pending-bytes=4000000000 drain-timeout=0 retries=0",
        n * FRAME);
  }
  sink = gst_parse_launch (text, NULL);
  if (sink == NULL)
    g_error ("there is no element %s", name);
  g_object_set (sink, "async", FALSE, "sync", FALSE, NULL);
  gst_object_ref_sink (sink);
  g_free (text);

  return sink;
}

static void
run (const gchar * name, guint n, Cost * cost)
{
  GstElement *sink = make_sink (name, n);
  GstPad *pad = gst_pad_new ("src", GST_PAD_SRC);
  GstPad *peer = gst_element_get_static_pad (sink, "sink");
  GPtrArray *frames = make_frames (n);

  gst_pad_set_active (pad, TRUE);
  gst_pad_link (pad, peer);
  gst_element_set_state (sink, GST_STATE_PLAYING);
  push_all (pad, frames, cost);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_pad_set_active (pad, FALSE);
  g_ptr_array_unref (frames);
  gst_object_unref (peer);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

static void
measure (const gchar * self, const gchar * name, guint n, Cost * best)
{
  gchar *number = g_strdup_printf ("%u", n), *text;
  const gchar *argv[] = { self, name, number, NULL };
  guint i;

  for (i = 0; i < ROUNDS; i++) {
    Cost cost = { 0, };

    if (!g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_DEFAULT, NULL,
            NULL, &text, NULL, NULL, NULL)
        || sscanf (text, "%lf %lf", &cost.mean, &cost.longest) != 2)
      g_error ("a run of %s failed", name);
    g_free (text);
    best->mean = i == 0 ? cost.mean : MIN (best->mean, cost.mean);
    best->longest = i == 0 ? cost.longest : MIN (best->longest, cost.longest);
  }
  g_free (number);
}

static void
print_table (const gchar * self)
{
  static const gchar *const names[] = { "fakesink", "identifaisink" };
  static const guint lengths[] = { 2500, 25000, 100000 };
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    for (k = 0; k < G_N_ELEMENTS (lengths); k++) {
      Cost best;

      measure (self, names[i], lengths[k], &best);
      g_print ("%-14s %6u frames: %6.2f us a call, %8.1f us the longest\n",
          names[i], lengths[k], best.mean, best.longest);
    }
  }
}

int
main (int argc, char **argv)
{
  Cost cost = { 0, };

  gst_init (&argc, &argv);
  if (argc < 3) {
    print_table (argv[0]);
    return 0;
  }
  run (argv[1], atoi (argv[2]), &cost);
  g_print ("%f %f\n", cost.mean, cost.longest);

  return 0;
}
