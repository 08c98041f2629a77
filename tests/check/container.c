/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Container input that may never end, and what doesn't apply to it: nothing is
 * left unjudged in silence.
 */

#include <string.h>

#include "feed.h"
#include "container.h"

#define TS "video/mpegts, systemstream=(boolean)true, packetsize=(int)188"
#define PACKET 188
#define PACKETS 50              /* of a buffer */
#define MAX_BYTES (3 * PACKETS * PACKET)

#define SINK "identifaisink name=sink max-segment-bytes=28200 "
G_STATIC_ASSERT (MAX_BYTES == 28200);

typedef struct
{
  FaultServer *server;
  SinkRun *run;
  Feed *feed;
} World;

static void
world_init (World * world, const gchar * description, const gchar * caps,
    gboolean live)
{
  GstCaps *known = caps ? gst_caps_from_string (caps) : NULL;
  gchar *url;

  world->server = fault_server_new (NULL, 0);
  url = fault_server_get_url (world->server);
  world->run = sink_run_new (url, description);
  fail_unless (sink_run_start (world->run));
  world->feed = feed_new (world->run, "sink", known, NULL, live);
  gst_clear_caps (&known);
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

/* Null packets. */
static void
push (World * world, guint n)
{
  guint8 packet[PACKET] = { 0x47, 0x1f, 0xff, 0x10 };
  GstBuffer *buffer;
  guint i, j;

  for (i = 0; i < n; i++) {
    buffer = gst_buffer_new_allocate (NULL, PACKETS * PACKET, NULL);
    for (j = 0; j < PACKETS; j++)
      gst_buffer_fill (buffer, j * PACKET, packet, PACKET);
    fail_unless_equals_int (gst_pad_push (world->feed->pad, buffer),
        GST_FLOW_OK);
  }
}

static gdouble
get_coverage (World * world)
{
  GstStructure *stats;
  gdouble coverage = -1;

  g_object_get (sink_run_get_sink (world->run), "stats", &stats, NULL);
  fail_unless (gst_structure_get_double (stats, "coverage", &coverage));
  gst_structure_free (stats);

  return coverage;
}

static gboolean
warning_says (World * world, guint nth, const gchar * text)
{
  GError *error = NULL;
  gchar *advice = NULL;
  gboolean says;

  gst_message_parse_warning (sink_run_get (world->run, "warning", nth), &error,
      &advice);
  says = strstr (error->message, text) || (advice && strstr (advice, text));
  g_error_free (error);
  g_free (advice);

  return says;
}

static const struct
{
  const gchar *caps;
  gboolean live;
  guint warned_after;           /* buffers; 0: never */
  guint failed;                 /* of ten buffers */
} rows[] = {
  {TS, TRUE, 1, 3},
  {NULL, TRUE, 1, 3},
  /* Ends, for all that is known. */
  {TS, FALSE, 0, 1},
};

GST_START_TEST (test_endless)
{
  World world;
  guint i;

  world_init (&world, SINK, rows[__i__].caps, rows[__i__].live);
  push (&world, 1);
  fail_unless_equals_int (sink_run_count (world.run, "warning"),
      rows[__i__].warned_after == 1);
  if (rows[__i__].warned_after == 1) {
    fail_unless (warning_says (&world, 0, "video/mp2t"));
    fail_unless (warning_says (&world, 0, "parsebin"));
  }
  fail_unless (get_coverage (&world) == 0);

  push (&world, 9);
  fail_unless (feed_event (world.feed, gst_event_new_tag (gst_tag_list_new
              (GST_TAG_TITLE, "x", NULL))));
  sink_run_wait (world.run, "identifai-failed", rows[__i__].failed);
  fail_unless_equals_int (sink_run_count (world.run, "identifai-failed"),
      rows[__i__].failed);
  for (i = 0; i < rows[__i__].failed; i++)
    fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
            (world.run, "identifai-failed", i), "reason"), "too-large");
  /* One for the container, one for what failed. */
  fail_unless_equals_int (sink_run_count (world.run, "warning"),
      1 + (rows[__i__].warned_after > 0));
  fail_unless (get_coverage (&world) == 0);
  world_clear (&world);
}

GST_END_TEST;

/* What does end is covered, and what failed before it is not. */
GST_START_TEST (test_coverage)
{
  World world;

  world_init (&world, SINK, TS, FALSE);
  push (&world, 2);
  fail_unless (get_coverage (&world) == 0);
  fail_unless (feed_event (world.feed, gst_event_new_eos ()));
  sink_run_wait (world.run, "identifai-verdict", 1);
  fail_unless (get_coverage (&world) == 1);

  feed_flush (world.feed, NULL);
  push (&world, 6);
  fail_unless (get_coverage (&world) == .25);
  world_clear (&world);
}

GST_END_TEST;

/* Settings of elementary input that somebody made. */

static const struct
{
  const gchar *description;
  const gchar *names[3];        /* none: no warning */
  const gchar *unnamed;
} idle_rows[] = {
  {SINK, {NULL}},
  /* Also if it is the default: somebody wants it. */
  {SINK "segment-duration=10000000000", {"segment-duration"}, "muxer"},
  {SINK "muxer=matroskamux segment-interval=60000000000 drain-timeout=0",
      {"segment-interval", "muxer"}, "drain-timeout"},
  {SINK "send-keyframe-requests=false", {"send-keyframe-requests"},
      "interval"},
};

GST_START_TEST (test_idle_settings)
{
  World world;
  guint i;

  world_init (&world, idle_rows[__i__].description, TS, FALSE);
  push (&world, 2);
  fail_unless_equals_int (sink_run_count (world.run, "warning"),
      idle_rows[__i__].names[0] != NULL);
  for (i = 0; idle_rows[__i__].names[i]; i++)
    fail_unless (warning_says (&world, 0, idle_rows[__i__].names[i]));
  if (i > 0)
    fail_if (warning_says (&world, 0, idle_rows[__i__].unnamed));
  world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_idle_signal)
{
  World world;

  world_init (&world, SINK, TS, FALSE);
  g_signal_emit_by_name (sink_run_get_sink (world.run), "split-now");
  fail_unless_equals_int (sink_run_count (world.run, "warning"), 0);
  push (&world, 1);
  g_signal_emit_by_name (sink_run_get_sink (world.run), "split-now");
  fail_unless_equals_int (sink_run_count (world.run, "warning"), 1);
  fail_unless (warning_says (&world, 0, "split-now"));
  world_clear (&world);
}

GST_END_TEST;

/* Names of files, by URI. */
static const struct
{
  const gchar *uri, *extension, *name;
} uris[] = {
  {"file:///tmp/clip.mp4", NULL, "clip.mp4"},
  {"file:///tmp/two%20words%20%C3%A9.mov", NULL, "two words \303\251.mov"},
  {"file:///tmp/clip", NULL, "clip"},
  {"file:///tmp/.mp4", NULL, ".mp4"},
  {"file:///tmp/clip.mov", "mp4", "clip.mp4"},
  {"file:///tmp/clip", "mp4", "clip.mp4"},
  {"file:///tmp/1.5 speed", "mp4", "1.5 speed.mp4"},
  {"file:///tmp/caf%E9.mp4", NULL, "caf\357\277\275.mp4"},
  {"file:///tmp/a%2Fb.mp4", NULL, NULL},
  {"file:///tmp/a%00b.mp4", NULL, NULL},
  {"file:///tmp/", NULL, NULL},
  {"https://user:pw@example.com/a/clip.mp4?token=x#t=1", NULL, "clip.mp4"},
  {"https://example.com/a/clip.mp4?token=x", "mkv", "clip.mkv"},
  {"https://example.com/live", NULL, NULL},
  {"https://example.com/video;jsessionid=1", NULL, NULL},
  {"https://example.com", NULL, NULL},
  {"rtmp://example.com/live/key", NULL, NULL},
  {"rtmp://example.com/live/key.abc", "flv", NULL},
  {"fd://0", NULL, NULL},
  {"clip.mp4", NULL, NULL},
  {"", NULL, NULL},
};

GST_START_TEST (test_name)
{
  gchar *name = identifai_container_name_from_uri ("sink", uris[__i__].uri,
      uris[__i__].extension);

  fail_unless_equals_string (name, uris[__i__].name);
  g_free (name);
}

GST_END_TEST;

static Suite *
container_suite (void)
{
  Suite *suite = suite_create ("container");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_endless, 0, G_N_ELEMENTS (rows));
  tcase_add_test (tcase, test_coverage);
  tcase_add_loop_test (tcase, test_name, 0, G_N_ELEMENTS (uris));
  tcase_add_loop_test (tcase, test_idle_settings, 0, G_N_ELEMENTS (idle_rows));
  tcase_add_test (tcase, test_idle_signal);

  return suite;
}

GST_CHECK_MAIN (container);
