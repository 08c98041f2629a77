/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a streaming thread pays: time of its own CPU in a call that pushes a frame,
 * on average and at most, the end of the segment included. Frames of VP8, of which
 * upstream has a reference each; one segment as long as the stream but for one frame.
 * So much for a segment that is posted; others are dropped as a second one of that
 * length comes, or don't fit into max-segment-bytes: all of one without a key frame
 * in the middle is let go of then, one with it is split there, also with its sound.
 * The same through identifaigate, from which nothing leaves meanwhile.
 * Each in a process of its own, of which the best of some counts for what is longest,
 * as a thread that is interrupted pays for that, too.
 *
 *   bench-chain ELEMENT FRAMES [WAY]    one run: mean and longest in µs
 *   bench-chain                         the table
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
#define GATE "identifaigate"

typedef struct
{
  gdouble mean, longest;        /* µs */
} Cost;

/* What becomes of a segment of n frames. */
static const struct
{
  const gchar *name;
  const gchar *settings;
  guint n_segments;
  guint percent;                /* of its bytes, which are max-segment-bytes */
  guint n_keys;                 /* in a segment */
  gboolean has_sound;           /* a buffer a frame */
} ways[] = {
  {"posted", "", 1, 1000, 1},
  {"dropped", "overflow=drop-oldest max-pending-segments=1 retries=-1", 2, 1000,
      1},
  {"too-large", "", 1, 90, 1},
  {"split", "", 1, 90, 2},
  {"split-sound", "muxer=matroskamux", 1, 100, 2, TRUE},
};

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
make_frames (guint n, guint way)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  guint i;

  for (i = 0; i <= n * ways[way].n_segments; i++)
    g_ptr_array_add (frames, make_frame (i, i % (n / ways[way].n_keys) == 0));

  return frames;
}

/* Of itself, for callgrind. */
G_GNUC_NO_INLINE static void
push_frame (GstPad * pad, GstBuffer * buffer)
{
  if (gst_pad_push (pad, gst_buffer_ref (buffer)) != GST_FLOW_OK)
    g_error ("a frame isn't taken");
}

#define VIDEO "video/x-vp8,width=320,height=240,framerate=100/1"
#define SOUND "audio/mpeg,mpegversion=1,layer=3,parsed=true,rate=48000,channels=2"

static void
push_head (GstPad * pad, const gchar * name)
{
  GstCaps *caps = gst_caps_from_string (name);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (pad, gst_event_new_stream_start (name));
  gst_pad_push_event (pad, gst_event_new_caps (caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  gst_caps_unref (caps);
}

/* What it takes, in ns. */
static gint64
time_frame (GstPad * pad, GstBuffer * buffer)
{
  gint64 start = get_cpu_time ();

  push_frame (pad, buffer);

  return get_cpu_time () - start;
}

static gint64
push_sound (GstPad * pad, guint i)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);
  gint64 took;

  GST_BUFFER_PTS (buffer) = i * FRAME;
  GST_BUFFER_DURATION (buffer) = FRAME;
  took = time_frame (pad, buffer);
  gst_buffer_unref (buffer);

  return took;
}

static void
push_all (GstPad * pad, GstPad * sound, GPtrArray * frames, Cost * cost)
{
  gint64 sum = 0, longest = 0;
  guint i;

  push_head (pad, VIDEO);
  if (sound != NULL)
    push_head (sound, SOUND);
  for (i = 0; i < frames->len; i++) {
    gint64 took = time_frame (pad, g_ptr_array_index (frames, i));

    sum += took;
    if (sound != NULL)
      took = MAX (took, push_sound (sound, i));
    if (i > 0)                  /* which starts all */
      longest = MAX (longest, took);
  }
  cost->mean = sum / 1e3 / frames->len;
  cost->longest = longest / 1e3;
}

/* Nothing is sent: there is nobody at the endpoint, and what waits may. */
static gchar *
describe (const gchar * name, guint n, guint way)
{
  guint64 bytes = (guint64) n * FRAME_BYTES * ways[way].percent / 100;

  if (!g_str_has_prefix (name, "identifai"))
    return g_strdup_printf ("%s async=false sync=false", name);

  return g_strdup_printf ("%s endpoint=http://127.0.0.1:9 api-key=k "
      "segment-duration=%" G_GUINT64_FORMAT " max-segment-bytes=%"
      G_GUINT64_FORMAT " max-pending-bytes=4000000000 drain-timeout=0 "
      "retries=0 %s %s", name, n * FRAME, bytes, g_str_equal (name, GATE) ?
      "hold=3600000000000 max-held-bytes=4000000000" :
      "async=false sync=false", ways[way].settings);
}

static GstElement *
make_sink (const gchar * name, guint n, guint way)
{
  gchar *text = describe (name, n, way);
  GstElement *sink = gst_parse_launch (text, NULL);

  if (sink == NULL)
    g_error ("there is no element %s", name);
  gst_object_ref_sink (sink);
  g_free (text);

  return sink;
}

static GstPad *
link_pad (GstElement * sink, const gchar * name)
{
  GstPad *pad = gst_pad_new (name, GST_PAD_SRC);
  GstPad *peer = g_str_equal (name, "sink") ?
      gst_element_get_static_pad (sink, name) :
      gst_element_request_pad_simple (sink, name);

  gst_pad_set_active (pad, TRUE);
  if (gst_pad_link (pad, peer) != GST_PAD_LINK_OK)
    g_error ("%s can't be linked", name);
  gst_object_unref (peer);

  return pad;
}

static GstFlowReturn
take (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  gst_buffer_unref (buffer);

  return GST_FLOW_OK;
}

/* NULL: it has no way out. */
static GstPad *
link_out (GstElement * element)
{
  GstPad *src = gst_element_get_static_pad (element, "src"), *pad;

  if (src == NULL)
    return NULL;
  pad = gst_pad_new ("out", GST_PAD_SINK);
  gst_pad_set_chain_function (pad, take);
  gst_pad_set_active (pad, TRUE);
  if (gst_pad_link (src, pad) != GST_PAD_LINK_OK)
    g_error ("src can't be linked");
  gst_object_unref (src);

  return pad;
}

static void
drop_pad (GstPad * pad)
{
  gst_pad_set_active (pad, FALSE);
  gst_object_unref (pad);
}

static void
run (const gchar * name, guint n, guint way, Cost * cost)
{
  GstElement *sink = make_sink (name, n, way);
  GstPad *pad = link_pad (sink, "sink");
  GstPad *sound = ways[way].has_sound ? link_pad (sink, "audio_%u") : NULL;
  GstPad *out = link_out (sink);
  GPtrArray *frames = make_frames (n, way);

  gst_element_set_state (sink, GST_STATE_PLAYING);
  push_all (pad, sound, frames, cost);
  gst_element_set_state (sink, GST_STATE_NULL);
  drop_pad (pad);
  g_clear_pointer (&sound, drop_pad);
  g_clear_pointer (&out, drop_pad);
  g_ptr_array_unref (frames);
  gst_object_unref (sink);
}

static void
measure (const gchar * self, const gchar * name, guint n, guint way,
    Cost * best)
{
  gchar *number = g_strdup_printf ("%u", n), *text;
  const gchar *argv[] = { self, name, number, ways[way].name, NULL };
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
print_rows (const gchar * self, const gchar * name, guint way)
{
  static const guint lengths[] = { 2500, 25000, 100000 };
  Cost best;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (lengths); i++) {
    measure (self, name, lengths[i], way, &best);
    g_print ("%-14s %-11s %6u frames: %6.2f us a call, %8.1f us the longest\n",
        name, ways[way].name, lengths[i], best.mean, best.longest);
  }
}

static void
print_table (const gchar * self)
{
  guint way;

  print_rows (self, "fakesink", 0);
  for (way = 0; way < G_N_ELEMENTS (ways); way++)
    print_rows (self, "identifaisink", way);
  for (way = 0; way < G_N_ELEMENTS (ways) && !ways[way].has_sound; way++)
    print_rows (self, GATE, way);
}

static guint
find_way (const gchar * name)
{
  guint way;

  for (way = 0; way < G_N_ELEMENTS (ways); way++)
    if (g_str_equal (ways[way].name, name))
      return way;
  g_error ("there is no way %s", name);
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
  run (argv[1], atoi (argv[2]), argc > 3 ? find_way (argv[3]) : 0, &cost);
  g_print ("%f %f\n", cost.mean, cost.longest);

  return 0;
}
