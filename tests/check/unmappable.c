/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Input whose memory can't be mapped: nothing crashes, and what it is missing in
 * isn't posted as if it were whole.
 */

#include "faultmemory.h"
#include "faultserver.h"
#include "feed.h"

#define FRAMES 25
#define GOP 5                   /* frames of a segment */
#define SEGMENTS (FRAMES / GOP)
#define SOUNDS 40

static const FaultStep rejecting[] = {
  {FAULT_POST,.status = 400,.body = "{\"error\":\"No.\"}"},
};

typedef struct
{
  FaultServer *server;
  SinkRun *run;
  Feed *feed;
} World;

static void
world_init (World * world, GstCaps * caps)
{
  gchar *url;

  world->server = fault_server_new (rejecting, 1);
  url = fault_server_get_url (world->server);
  world->run = sink_run_new (url,
      "identifaisink name=sink segment-duration=200000000 on-refusal=warn");
  fail_unless (sink_run_start (world->run));
  world->feed = feed_new (world->run, "sink", caps, NULL, FALSE);
  g_free (url);
}

static void
world_clear (World * world)
{
  sink_run_stop (world->run);
  feed_free (world->feed);
  sink_run_free (world->run);
  fault_server_free (world->server);
}

static void
move_to_fault_memory (Clip * clip)
{
  guint i;

  for (i = 0; i < clip->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (clip->buffers, i);

    g_ptr_array_index (clip->buffers, i) =
        fault_memory_copy (buffer, 1 + i % 2);
    gst_buffer_unref (buffer);
  }
}

/* Segments that ended so, as "..m.." */
static gchar *
list_reasons (SinkRun * run)
{
  guint n = sink_run_count (run, "identifai-failed"), i, segment;
  gchar *list = g_strnfill (n, ' ');

  for (i = 0; i < n; i++) {
    const GstStructure *failed =
        sink_run_get_structure (run, "identifai-failed", i);

    fail_unless (gst_structure_get_uint (failed, "segment", &segment));
    fail_unless (segment < n);
    list[segment] = g_strcmp0 (gst_structure_get_string (failed, "reason"),
        "mux") == 0 ? 'm' : '.';
  }

  return list;
}

/* first and count of the maps that fail (two for each other frame), and which
 * segments fail for that. */
static const struct
{
  guint first, count;
  const gchar *reasons;
} video[] = {
  {0, 0, "....."},
  {1, 1, "m...."},
  {2, 1, "m...."},
  {3, 1, "m...."},
  {7, 1, "m...."},
  {8, 1, ".m..."},
  {18, 1, "..m.."},
  {19, 1, "..m.."},
  {23, 1, "...m."},
  {37, 1, "....m"},
  {38, 1, "....."},
  {7, 2, "mm..."},
  {8, 30, ".mmmm"},
  {1, 1000, "mmmmm"},
};

GST_START_TEST (test_video)
{
  Clip *clip = clip_new_h264 (FRAMES, GOP);
  gchar *reasons;
  World world;

  move_to_fault_memory (clip);
  world_init (&world, clip->caps);
  fault_memory_fail (video[__i__].first, video[__i__].count);
  fail_unless_equals_int (feed_push (world.feed, clip, 0, FRAMES, 0),
      GST_FLOW_OK);
  feed_event (world.feed, gst_event_new_eos ());
  sink_run_wait_end (world.run);
  reasons = list_reasons (world.run);
  fail_unless_equals_string (reasons, video[__i__].reasons);
  g_free (reasons);
  clip_free (clip);
  world_clear (&world);
}

GST_END_TEST;

/* Sound that can't be read is missing, as sound that comes too late is. */
GST_START_TEST (test_audio)
{
  Clip *clip = clip_new_h264 (FRAMES, GOP), *sound = clip_new_aac (SOUNDS);
  guint64 missing, all = 0;
  gchar *reasons;
  World world;
  Feed *feed;
  guint i;

  move_to_fault_memory (sound);
  world_init (&world, clip->caps);
  feed = feed_new (world.run, "audio_0", sound->caps, NULL, FALSE);
  fault_memory_fail (__i__ == 0 ? 10 : 1, __i__ == 0 ? 10 : 1000);
  fail_unless_equals_int (feed_push (world.feed, clip, 0, FRAMES, 0),
      GST_FLOW_OK);
  fail_unless_equals_int (feed_push (feed, sound, 0, SOUNDS, 0), GST_FLOW_OK);
  feed_event (feed, gst_event_new_eos ());
  feed_event (world.feed, gst_event_new_eos ());
  sink_run_wait_end (world.run);
  for (i = 0; i < SEGMENTS; i++) {
    fail_unless (gst_structure_get_uint64 (sink_run_get_structure (world.run,
                "identifai-segment", i), "audio-missing", &missing));
    all += missing;
  }
  if (__i__ == 0)
    fail_unless (all > 100 * GST_MSECOND && all < 500 * GST_MSECOND);
  else
    fail_unless (all > 900 * GST_MSECOND);
  reasons = list_reasons (world.run);
  fail_unless_equals_string (reasons, ".....");
  g_free (reasons);
  feed_free (feed);
  clip_free (sound);
  clip_free (clip);
  world_clear (&world);
}

GST_END_TEST;

/* Each piece of a file in turn. */
GST_START_TEST (test_container)
{
  Clip *clip = clip_new ("videotestsrc num-buffers=3 ! jpegenc ! "
      "matroskamux streamable=true");
  guint n = clip->buffers->len + clip->buffers->len / 2, nth;

  fail_unless (n > 5);
  move_to_fault_memory (clip);
  for (nth = 0; nth <= n; nth++) {
    gchar *reasons;
    World world;

    world_init (&world, clip->caps);
    fault_memory_fail (nth, 1);
    fail_unless_equals_int (feed_push (world.feed, clip, 0, clip->buffers->len,
            0), GST_FLOW_OK);
    feed_event (world.feed, gst_event_new_eos ());
    sink_run_wait_end (world.run);
    reasons = list_reasons (world.run);
    fail_unless (g_str_equal (reasons, nth == 0 ? "." : "m"),
        "map %u of %u: %s", nth, n, reasons);
    fail_unless_equals_int (fault_server_count (world.server, FAULT_POST),
        nth == 0);
    g_free (reasons);
    world_clear (&world);
  }
  clip_free (clip);
}

GST_END_TEST;

static Suite *
unmappable_suite (void)
{
  Suite *suite = suite_create ("unmappable");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_video, 0, G_N_ELEMENTS (video));
  tcase_add_loop_test (tcase, test_audio, 0, 2);
  tcase_add_test (tcase, test_container);

  return suite;
}

GST_CHECK_MAIN (unmappable);
