/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Input of one kind after another in one stream, by nothing but new caps: what
 * was open of the old kind ends there, and nothing that was good is lost.
 */

#include "scene.h"

#define N_BYTES 3000            /* of a piece of a container */

typedef enum
{
  KIND_NONE,
  KIND_VIDEO,                   /* 10 frames, or what is left */
  KIND_MP4,
  KIND_WEBM,
} Kind;

static const gchar *const container_caps[] = {
  [KIND_MP4] = "video/quicktime,variant=iso",
  [KIND_WEBM] = "video/webm",
};

static GstBuffer *
make_piece (guint8 filler)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, N_BYTES, NULL);

  gst_buffer_memset (buffer, 0, filler, N_BYTES);

  return buffer;
}

/* The clip's, or a container's. */
static GstCaps *
get_caps (Scene * scene, Kind kind)
{
  return kind == KIND_VIDEO ? gst_caps_ref (scene->clip->caps) :
      gst_caps_from_string (container_caps[kind]);
}

static void
change_to (Scene * scene, Kind kind)
{
  GstCaps *caps = get_caps (scene, kind);
  GstSegment segment;

  gst_segment_init (&segment, kind == KIND_VIDEO ? GST_FORMAT_TIME :
      GST_FORMAT_BYTES);
  if (scene->feed == NULL) {
    scene->feed = feed_new (scene->run, "sink", caps, &segment, FALSE);
  } else {
    fail_unless (feed_event (scene->feed, gst_event_new_caps (caps)));
    fail_unless (feed_event (scene->feed, gst_event_new_segment (&segment)));
  }
  gst_caps_unref (caps);
}

static void
push_kind (Scene * scene, Kind kind, guint nth)
{
  change_to (scene, kind);
  if (kind == KIND_VIDEO)
    scene_push (scene, 10 * nth, 10 * nth + 10);
  else
    fail_unless_equals_int (gst_pad_push (scene->feed->pad, make_piece (nth)),
        GST_FLOW_OK);
}

/* The file is the piece, byte for byte. */
static void
check_piece (Scene * scene, guint nth)
{
  GBytes *file = feed_get_file (scene->server, nth);
  GstBuffer *piece = make_piece (nth);

  fail_unless_equals_int (g_bytes_get_size (file), N_BYTES);
  fail_unless_equals_int (gst_buffer_memcmp (piece, 0, g_bytes_get_data (file,
              NULL), N_BYTES), 0);
  gst_buffer_unref (piece);
  g_bytes_unref (file);
}

typedef struct
{
  Kind kinds[4];
  const gchar *frames;          /* of the segments */
} KindRow;

static const KindRow kind_rows[] = {
  {{KIND_VIDEO, KIND_MP4}, "10 0"},
  {{KIND_MP4, KIND_VIDEO}, "0 10"},
  {{KIND_VIDEO, KIND_MP4, KIND_VIDEO}, "10 0 10"},
  {{KIND_MP4, KIND_VIDEO, KIND_WEBM, KIND_VIDEO}, "0 10 0 10"},
  {{KIND_MP4, KIND_WEBM}, "0 0"},
};

/* Each kind in turn, piece by piece of the server's files: segments and files
 * come in the same order, as each waits for the one before. */
GST_START_TEST (test_kinds)
{
  const KindRow *row = &kind_rows[__i__];
  guint n_files = 0, i;
  Scene scene;

  scene_init (&scene, NULL, 0, SCENE_SINK "segment-duration=0");
  fail_unless (sink_run_start (scene.run));
  for (i = 0; i < G_N_ELEMENTS (row->kinds) && row->kinds[i]; i++) {
    push_kind (&scene, row->kinds[i], i);
    if (i > 0)
      sink_run_wait (scene.run, "identifai-verdict", i);
    n_files++;
  }
  scene_finish (&scene);

  scene_check_frames (&scene, row->frames);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"),
      n_files);
  fail_unless_equals_int (sink_run_count (scene.run, "error"), 0);
  for (i = 0; i < n_files; i++) {
    if (row->kinds[i] != KIND_VIDEO)
      check_piece (&scene, i);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* No room for the video's segment when the file after it is over, too. */
GST_START_TEST (test_no_room)
{
  static const FaultStep slow[] = {
    {FAULT_POST, 0, FAULT_ANSWER,.delay = 100},
  };
  guint i;
  Scene scene;

  scene_init (&scene, slow, G_N_ELEMENTS (slow), SCENE_SINK
      "segment-duration=0 overflow=block max-pending-segments=1");
  fail_unless (sink_run_start (scene.run));
  for (i = 0; i < 5; i++)
    push_kind (&scene, i % 2 ? KIND_MP4 : KIND_VIDEO, i);
  scene_finish (&scene);
  scene_check_frames (&scene, "10 0 10 0 10");
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"), 5);
  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
kinds_suite (void)
{
  Suite *suite = suite_create ("kinds");
  TCase *kinds = tcase_create ("kinds");

  suite_add_tcase (suite, kinds);
  tcase_add_test (kinds, test_no_room);
  tcase_add_loop_test (kinds, test_kinds, 0, G_N_ELEMENTS (kind_rows));

  return suite;
}

GST_CHECK_MAIN (kinds);
