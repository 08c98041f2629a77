/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaigate's memory: what it holds is never more than hold x the bit rate x 1.2
 * + 30 MB, with a KiB more for each frame and some for each segment, nor more than
 * max-held-bytes x 1.2 + 30 MB, while the service says nothing; and nothing grows with
 * the segments that have left.
 *
 * The heap is counted, in which the frames are, too: each is a copy of its own, as a
 * receiver's are. What comes faster than in real time, and within hold, is all held.
 */

#include "feed.h"

#include <malloc.h>
#include <string.h>

#define MB 1000000
#define GATE "identifaigate name=sink on-refusal=warn policy=NULL " \
    "verdict-timeout=60000000000 "
#define OUT " ! fakesink name=out sync=false async=false"

static gint64
count_heap (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* The frame, and behind its parameter sets and picture filler data, up to the size. */
static GstBuffer *
make_frame (GstBuffer * frame, gsize size, GstClockTime pts,
    GstClockTime duration)
{
  gsize old = gst_buffer_get_size (frame);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, MAX (old, size), NULL);
  guint32 length = GUINT32_TO_BE (size - old - 4);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  gst_buffer_extract (frame, 0, map.data, old);
  if (size > old + 5) {
    memcpy (map.data + old, &length, 4);
    memset (map.data + old + 4, 0xff, size - old - 4);
    map.data[old + 4] = 12;     /* nal_unit_type */
    map.data[size - 1] = 0x80;
  }
  gst_buffer_unmap (buffer, &map);
  gst_buffer_copy_into (buffer, frame, GST_BUFFER_COPY_FLAGS, 0, -1);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;

  return buffer;
}

/*** what is held ***/

typedef struct
{
  const gchar *name;
  const gchar *properties;
  guint rate, frames;           /* a second, and in all */
  gsize size;                   /* of each, if that is more than the picture's */
  gboolean key_frames;          /* all, else one in fifty */
  guint64 bound;                /* of bytes held; 0: none is reached */
} Row;

#define TEN_SECONDS "hold=10000000000 "
#define ONE_FRAME "segment-duration=1 "
#define EARLY "early-upload=true "

static const Row rows[] = {
  {"20 Mbit/s", TEN_SECONDS, 25, 250, 100000},
  {"20 Mbit/s, early", TEN_SECONDS EARLY, 25, 250, 100000},
  {"a frame a segment", TEN_SECONDS ONE_FRAME, 25, 250, 100000, TRUE},
  {"a frame a segment, early", TEN_SECONDS ONE_FRAME EARLY, 25, 250, 100000,
      TRUE},
  {"files are attached", TEN_SECONDS "attach-file=all ", 25, 250, 100000},
  {"small ones", TEN_SECONDS, 1000, 10000, 100},
  {"small ones, early", TEN_SECONDS EARLY, 1000, 10000, 100},
  {"small ones, a segment each", TEN_SECONDS ONE_FRAME, 250, 2500, 100, TRUE},
  {"small ones, a segment each, early", TEN_SECONDS ONE_FRAME EARLY, 250, 2500,
      100, TRUE},
  {"small ones, up to a bound", "hold=600000000000 max-held-bytes=8000000 ",
      1000, 50000, 100, FALSE, 8 * MB},
};

static const FaultStep silence[] = {
  {FAULT_POST, 0, FAULT_STUCK},
};

static void
push (Feed * feed, GstBuffer * buffer)
{
  fail_unless_equals_int (gst_pad_push (feed->pad, buffer), GST_FLOW_OK);
}

static gint64
push_all (Feed * feed, Clip * clip, const Row * row)
{
  gint64 heap, most = 0;
  guint i;

  for (i = 0; i < row->frames; i++) {
    guint frame = row->key_frames ? 0 : i % clip->buffers->len;

    push (feed, make_frame (g_ptr_array_index (clip->buffers, frame),
            row->size, gst_util_uint64_scale (i, GST_SECOND, row->rate),
            GST_SECOND / row->rate));
    if (i % 50 != 49)
      continue;
    heap = count_heap ();
    most = MAX (most, heap);
  }
  return most;
}

/* Black, so that they are small. Messages are thrown away: an application's are its
 * own. */
typedef struct
{
  Clip *clip;
  GstElement *pipeline, *gate;
  Feed *feed;
} World;

static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer unused)
{
  gst_message_unref (message);

  return GST_BUS_DROP;
}

static void
world_init (World * world, const gchar * url, const gchar * properties)
{
  gchar *line = g_strconcat (GATE, properties, OUT, NULL);
  GstBus *bus;

  sink_use_own_plugin ();
  world->clip = clip_new ("videotestsrc pattern=black num-buffers=50 ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! x264enc bframes=0 "
      "tune=zerolatency speed-preset=ultrafast threads=1 key-int-max=50 "
      "option-string=scenecut=0 ! h264parse ! "
      "video/x-h264,stream-format=avc,alignment=au ! identity");
  world->pipeline = gst_parse_launch (line, NULL);
  fail_unless (world->pipeline != NULL);
  bus = gst_element_get_bus (world->pipeline);
  gst_bus_set_sync_handler (bus, on_message, NULL, NULL);
  gst_object_unref (bus);
  world->gate = gst_bin_get_by_name (GST_BIN (world->pipeline), "sink");
  g_object_set (world->gate, "endpoint", url, "api-key", SINK_KEY, "retries", 0,
      NULL);
  gst_util_set_object_arg (G_OBJECT (world->gate), "rate-limits", "none");
  fail_if (gst_element_set_state (world->pipeline, GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_FAILURE);
  g_free (line);
}

static void
world_clear (World * world)
{
  gst_element_set_state (world->pipeline, GST_STATE_NULL);
  feed_free (world->feed);
  gst_object_unref (world->gate);
  gst_object_unref (world->pipeline);
  clip_free (world->clip);
}

static guint64
get_stat (World * world, const gchar * name)
{
  GstStructure *stats;
  guint64 value = 0;

  g_object_get (world->gate, "stats", &stats, NULL);
  fail_unless (gst_structure_get_uint64 (stats, name, &value));
  gst_structure_free (stats);

  return value;
}

GST_START_TEST (test_law)
{
  const Row *row = &rows[__i__];
  FaultServer *server = fault_server_new (silence, G_N_ELEMENTS (silence));
  gchar *url = fault_server_get_url (server);
  gint64 before, most;
  guint64 bytes;
  World world;

  world_init (&world, url, row->properties);
  world.feed = feed_new_to (world.gate, "sink", world.clip->caps, NULL, TRUE);
  before = count_heap ();
  most = push_all (world.feed, world.clip, row) - before;
  bytes = row->bound != 0 ? row->bound : get_stat (&world, "held-bytes");
  fail_unless (most <= bytes * 1.2 + 30 * MB, "%s: %" G_GINT64_FORMAT
      " bytes for %" G_GUINT64_FORMAT " held", row->name, most, bytes);
  world_clear (&world);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/*** what has left ***/

#define SEGMENTS 1500
#define SETTLED 500

/* Frames in [from, to), a segment each, a second apart; until all but the last have left. */
static gint64
pass_segments (World * world, guint from, guint to)
{
  gint64 end = g_get_monotonic_time () + 4 * SINK_PATIENCE;
  guint i;

  for (i = from; i < to; i++)
    push (world->feed, make_frame (g_ptr_array_index (world->clip->buffers, 0),
            20000, i * GST_SECOND, GST_SECOND));
  while (get_stat (world, "verdicts") + 2 < to) {
    fail_unless (g_get_monotonic_time () < end);
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
  }

  return count_heap ();
}

/* A file, of which each frame is a segment, and which is judged as it comes. What is noted
 * of what has left goes a minute later; what was held of it is gone. */
GST_START_TEST (test_growth)
{
  const gint64 most = 1000 * (SEGMENTS - SETTLED);
  SinkEmulator *emulator = sink_emulator_new (NULL);
  gint64 early, late;
  World world;
  guint i;

  world_init (&world, sink_emulator_get_url (emulator), "segment-duration=1 ");
  world.feed = feed_new_to (world.gate, "sink", world.clip->caps, NULL, FALSE);
  world.feed->duration = 2 * SEGMENTS * GST_SECOND;
  early = pass_segments (&world, 0, SETTLED);
  late = pass_segments (&world, SETTLED, SEGMENTS);
  /* other threads may still let go of the last ones' files */
  for (i = 0; i < 1000 && late - early >= most; i++) {
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
    late = count_heap ();
  }
  fail_unless (late - early < most, "%" G_GINT64_FORMAT
      " bytes more after %d segments", late - early, SEGMENTS - SETTLED);
  world_clear (&world);
  sink_emulator_free (emulator);
}

GST_END_TEST;

static Suite *
gatememory_suite (void)
{
  Suite *suite = suite_create ("gatememory");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_growth);
  tcase_add_loop_test (tc, test_law, 0, G_N_ELEMENTS (rows));

  return suite;
}

GST_CHECK_MAIN (gatememory);
