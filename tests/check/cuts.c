/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the element cuts, and the times that it gives: properties, split-now, key
 * frame requests, and segments (GstSegment) of all kinds.
 */

#include "scene.h"

#include <string.h>

#define GOP SCENE_GOP
#define FRAMES SCENE_FRAMES
#define FRAME SCENE_FRAME
#define SINK SCENE_SINK

static gdouble
get_coverage (SinkRun * run)
{
  GstStructure *stats;
  gdouble coverage = -1;

  g_object_get (sink_run_get_sink (run), "stats", &stats, NULL);
  fail_unless (gst_structure_get_double (stats, "coverage", &coverage));
  gst_structure_free (stats);

  return coverage;
}

/* By the properties. */

typedef struct
{
  const gchar *properties;
  const gchar *frames;
  gdouble coverage;
} CutRow;

static const CutRow cut_rows[] = {
  {"segment-duration=0", "50", 1},
  {"segment-duration=10000000000", "50", 1},
  {"segment-duration=200000000", "5 5 5 5 5 5 5 5 5 5", 1},
  /* The first key frame at or after it. */
  {"segment-duration=200000001", "10 10 10 10 10", 1},
  {"segment-duration=1", "5 5 5 5 5 5 5 5 5 5", 1},
  {"segment-duration=600000000", "15 15 15 5", 1},
  /* Each 600 ms, so much of it. */
  {"segment-duration=200000000 segment-interval=600000000", "5 5 5 5", 0.4},
  {"segment-duration=400000000 segment-interval=1000000000", "10 10", 0.4},
  {"segment-duration=400000000 segment-interval=200000000", "10 10 10 10 10",
      1},
  /* GST_CLOCK_TIME_NONE, and what is no less without end. */
  {"segment-duration=18446744073709551615", "50", 1},
  {"segment-duration=9223372036854775807", "50", 1},
  {"segment-duration=200000000 segment-interval=18446744073709551615", "5",
      0.1},
};

GST_START_TEST (test_cuts)
{
  const CutRow *row = &cut_rows[__i__];
  gchar *launch = g_strconcat (SINK, row->properties, NULL);
  gdouble coverage;
  Scene scene;

  scene_open (&scene, launch, NULL);
  scene_push (&scene, 0, FRAMES);
  scene_finish (&scene);
  scene_check_frames (&scene, row->frames);
  coverage = get_coverage (scene.run);
  fail_unless (ABS (coverage - row->coverage) < 0.03, "%f", coverage);
  /* All statistics can be read until the next start. */
  gst_element_set_state (sink_run_get_pipeline (scene.run), GST_STATE_READY);
  fail_unless (get_coverage (scene.run) == coverage);
  scene_clear (&scene);
  g_free (launch);
}

GST_END_TEST;

GST_START_TEST (test_split_now)
{
  GstElement *sink;
  Scene scene;

  scene_open (&scene, SINK "segment-duration=0", NULL);
  sink = sink_run_get_sink (scene.run);
  /* Nothing is open yet. */
  g_signal_emit_by_name (sink, "split-now");
  scene_push (&scene, 0, 7);
  g_signal_emit_by_name (sink, "split-now");
  g_signal_emit_by_name (sink, "split-now");
  scene_push (&scene, 7, 33);
  fail_unless_equals_int (sink_run_get_stat (scene.run, "segments"), 1);
  g_signal_emit_by_name (sink, "split-now");
  scene_push (&scene, 33, FRAMES);
  scene_finish (&scene);
  scene_check_frames (&scene, "10 25 15");
  /* One request a wish, for now. */
  fail_unless_equals_int (feed_count_requests (scene.feed), 2);
  fail_unless_equals_uint64 (feed_get_request (scene.feed, 0),
      GST_CLOCK_TIME_NONE);
  scene_clear (&scene);
}

GST_END_TEST;

static guint
get_uint (Scene * scene, guint nth, const gchar * field)
{
  guint value = 0;

  fail_unless (gst_structure_get_uint (sink_run_get_structure (scene->run,
              "identifai-segment", nth), field, &value), "no %s", field);

  return value;
}

/* The stream begins in the middle of a group, and loses frames. */
GST_START_TEST (test_losses)
{
  Scene scene;

  scene_open (&scene, SINK "segment-duration=0", NULL);
  scene_push (&scene, 3, 12);
  GST_BUFFER_FLAG_SET (GST_BUFFER (g_ptr_array_index (scene.clip->buffers,
              15)), GST_BUFFER_FLAG_DISCONT);
  scene_push (&scene, 15, 23);
  scene_finish (&scene);
  scene_check_frames (&scene, "15");
  fail_unless_equals_uint64 (scene_get_time (&scene, 0, "running-time"), 5 *
      FRAME);
  fail_unless_equals_uint64 (scene_get_time (&scene, 0, "duration"), 18 *
      FRAME);
  fail_unless_equals_int (get_uint (&scene, 0, "discontinuities"), 1);
  fail_unless_equals_int (feed_decode (scene.server, 1, "v"), 15);
  scene_clear (&scene);
}

GST_END_TEST;

/* The times jump, and nothing is flagged. */

typedef struct
{
  gint jump;                    /* s */
  guint next;                   /* frame after it */
  guint64 start;                /* ms, of the second segment */
} JumpRow;

static const JumpRow jump_rows[] = {
  {1000, 12, 1010600},
  /* at a key frame: in a group, the pictures would go on counting */
  {-5, 15, 5600},
};

GST_START_TEST (test_jumps)
{
  const JumpRow *row = &jump_rows[__i__];
  GstClockTimeDiff offset = 10 * GST_SECOND;
  gdouble coverage;
  Scene scene;

  scene_open (&scene, SINK "segment-duration=0", NULL);
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, 12, offset),
      GST_FLOW_OK);
  offset += row->jump * (GstClockTimeDiff) GST_SECOND;
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, row->next, 23,
          offset), GST_FLOW_OK);
  scene_finish (&scene);

  scene_check_frames (&scene, "12 8");
  fail_unless_equals_uint64 (scene_get_time (&scene, 0, "duration"), 12 *
      FRAME);
  fail_unless_equals_uint64 (scene_get_time (&scene, 1, "running-time"),
      row->start * GST_MSECOND);
  fail_unless_equals_uint64 (scene_get_time (&scene, 1, "duration"), 8 * FRAME);
  coverage = get_coverage (scene.run);
  fail_unless (ABS (coverage - 20. / (12 + 23 - row->next)) < 0.001, "%f",
      coverage);
  fail_unless_equals_int (feed_decode (scene.server, 2, "v"), 20);
  scene_clear (&scene);
}

GST_END_TEST;

/* Boxes are not aligned. */
static guint32
read_u32 (const guint8 * data)
{
  return (guint32) data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
}

/* Of an MP4 file, rounded to a millisecond. */
static guint
get_length (FaultServer * server, guint nth)
{
  GBytes *file = feed_get_file (server, nth);
  gsize size, i;
  const guint8 *data = g_bytes_get_data (file, &size);
  guint ms = 0;

  for (i = 0; i + 24 <= size && ms == 0; i++) {
    if (memcmp (data + i, "mvhd", 4) == 0)
      ms = gst_util_uint64_scale_round (read_u32 (data + i + 20),
          1000, read_u32 (data + i + 16));
  }
  g_bytes_unref (file);

  return ms;
}

/* Slides, as muxers and parsers take them: nothing is missing, and the files
 * last as long as their segments. */
static const gchar *const slide_formats[] = {
  "stream-format=avc", "stream-format=byte-stream",
};

GST_START_TEST (test_slides)
{
  gchar *source = g_strdup_printf ("videotestsrc num-buffers=20 ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! x264enc key-int-max=5 "
      "tune=zerolatency threads=1 option-string=scenecut=0 ! h264parse ! "
      "video/x-h264,alignment=au,%s", slide_formats[__i__]);
  guint i, total = 0;
  Scene scene;

  scene_init (&scene, NULL, 0, SINK "segment-duration=1000000000");
  clip_free (scene.clip);
  scene.clip = clip_new (source);
  scene_start (&scene, NULL);
  for (i = 0; i < 4 * GOP; i++)
    fail_unless_equals_int (feed_push (scene.feed, scene.clip, i, i + 1,
            i * 5 * GST_SECOND), GST_FLOW_OK);
  scene_finish (&scene);

  scene_check_frames (&scene, "5 5 5 5");
  for (i = 0; i < 3; i++)
    fail_unless_equals_uint64 (scene_get_time (&scene, i, "duration"),
        25200 * GST_MSECOND);
  /* files come in any order */
  for (i = 0; i < 4; i++)
    total += get_length (scene.server, i);
  fail_unless_equals_int (total, 3 * 25200 + 20200);
  fail_unless_equals_int (feed_decode (scene.server, 4, "v"), 20);
  scene_clear (&scene);
  g_free (source);
}

GST_END_TEST;

GST_START_TEST (test_no_key_frame)
{
  GError *error = NULL;
  Scene scene;

  scene_open (&scene, SINK, NULL);
  scene_push (&scene, 1, GOP);
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_if (sink_run_wait_end (scene.run));
  gst_message_parse_error (sink_run_get (scene.run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, "without a key frame of H.264: 4 other "
          "pictures came in 4 buffers") != NULL, "%s", error->message);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"), 0);
  g_error_free (error);
  scene_clear (&scene);
}

GST_END_TEST;

/* max-segment-bytes. */

static guint64
get_file_bytes (FaultServer * server, guint nth)
{
  GBytes *file = feed_get_file (server, nth);
  guint64 bytes = g_bytes_get_size (file);

  g_bytes_unref (file);

  return bytes;
}

GST_START_TEST (test_max_bytes)
{
  static const guint limits[] = { 20000, 24000, 28000, 32000 };
  gchar *launch = g_strdup_printf (SINK "segment-duration=0 "
      "max-segment-bytes=%u", limits[__i__]);
  guint n, i;
  Scene scene;

  scene_open (&scene, launch, NULL);
  scene_push (&scene, 0, FRAMES);
  scene_finish (&scene);
  n = sink_run_count (scene.run, "identifai-verdict");
  fail_unless (n > 1, "%u segments", n);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"), n);
  for (i = 0; i < n; i++)
    fail_unless (get_file_bytes (scene.server, i) <= limits[__i__]);
  fail_unless_equals_int (feed_decode (scene.server, n, "v"), FRAMES);
  /* A key frame was asked for when it got tight. */
  fail_unless (feed_count_requests (scene.feed) > 0);
  scene_clear (&scene);
  g_free (launch);
}

GST_END_TEST;

/* One group that doesn't fit fails alone. */
GST_START_TEST (test_too_large)
{
  const GstStructure *failed;
  guint number = 0;
  GstBuffer *big;
  Scene scene;

  scene_open (&scene, SINK "segment-duration=200000000 max-segment-bytes=30000",
      NULL);
  scene_push (&scene, 0, 7);
  /* A frame of the second group swells: filler data after its picture. */
  big = gst_buffer_copy (g_ptr_array_index (scene.clip->buffers, 7));
  gst_buffer_append_memory (big, gst_allocator_alloc (NULL, 30000, NULL));
  gst_buffer_memset (big, gst_buffer_get_size (big) - 30000, 0xff, 30000);
  gst_buffer_memset (big, gst_buffer_get_size (big) - 30000, 0, 1);
  fail_unless_equals_int (gst_pad_push (scene.feed->pad, big), GST_FLOW_OK);
  scene_push (&scene, 8, FRAMES);
  scene_finish (&scene);

  fail_unless_equals_int (sink_run_count (scene.run, "identifai-failed"), 1);
  failed = sink_run_get_structure (scene.run, "identifai-failed", 0);
  fail_unless_equals_string (gst_structure_get_string (failed, "reason"),
      "too-large");
  fail_unless (gst_structure_get_uint (failed, "segment", &number));
  fail_unless_equals_int (number, 1);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"), 9);
  fail_unless_equals_int (feed_decode (scene.server, 9, "v"), FRAMES - GOP);
  scene_clear (&scene);
}

GST_END_TEST;

/* Encoders that make no key frame by themselves. */

typedef struct
{
  const gchar *encoder;
  const gchar *properties;
  const gchar *frames;
} RequestRow;

static const RequestRow request_rows[] = {
  {"x264enc tune=zerolatency key-int-max=0x7fffffff option-string=scenecut=0",
      "segment-duration=400000000", "10 10 10 10 10"},
  {"vp8enc deadline=1 keyframe-max-dist=9999", "segment-duration=400000000",
      "10 10 10 10 10"},
  {"x264enc tune=zerolatency key-int-max=0x7fffffff option-string=scenecut=0",
        "segment-duration=400000000 segment-interval=1000000000",
      "10 10"},
  {"x264enc tune=zerolatency key-int-max=0x7fffffff option-string=scenecut=0",
      "segment-duration=400000000 send-keyframe-requests=false", "50"},
};

GST_START_TEST (test_key_frame_requests)
{
  const RequestRow *row = &request_rows[__i__];
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=%u ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! %s threads=1 ! "
      SINK "%s", FRAMES, row->encoder, row->properties);
  Scene scene;

  scene_init (&scene, NULL, 0, launch);
  fail_unless (sink_run_start (scene.run));
  scene_finish (&scene);
  scene_check_frames (&scene, row->frames);
  scene_clear (&scene);
  g_free (launch);
}

GST_END_TEST;

/* Intra refresh: there are no key frames. One warning says so, and the bound
 * holds. */
GST_START_TEST (test_no_key_frames)
{
  gboolean small = __i__;
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=500 ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! x264enc threads=1 "
      "tune=zerolatency intra-refresh=true key-int-max=25 ! " SINK
      "segment-duration=1000000000 max-segment-bytes=%u", small ? 60000 :
      50000000);
  GError *error = NULL;
  Scene scene;

  scene_init (&scene, NULL, 0, launch);
  fail_unless (sink_run_start (scene.run));
  sink_run_wait (scene.run, "eos", 1);
  /* What is too large ends with the warning, the rest is skipped. */
  scene_check_frames (&scene, small ? "402" : "500");
  gst_message_parse_warning (sink_run_get (scene.run, "warning", 0), &error,
      NULL);
  fail_unless (strstr (error->message, "no key frames"), "%s", error->message);
  g_error_free (error);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1 + small);
  if (small) {
    fail_unless_equals_string (scene_get_reason (&scene, "identifai-failed",
            0), "too-large");
  } else {
    fail_unless_equals_int (feed_decode (scene.server, 1, "v"), 500);
  }
  scene_clear (&scene);
  g_free (launch);
}

GST_END_TEST;

/* The size changes, and no caps say so. */

typedef struct
{
  const gchar *encoder;
  const gchar *frames;
} SizeRow;

static const SizeRow size_rows[] = {
  {"vp8enc deadline=1 keyframe-max-dist=99", "10 10 10"},
  {"vp9enc deadline=1 cpu-used=8 keyframe-max-dist=99", "10 10 10"},
  {"jpegenc", "10 10 10"},
};

static Clip *
make_sized (const gchar * encoder, guint width, guint height)
{
  gchar *description = g_strdup_printf ("videotestsrc num-buffers=10 ! "
      "video/x-raw,format=I420,width=%u,height=%u,framerate=25/1 ! %s", width,
      height, encoder);
  Clip *clip = clip_new (description);

  g_free (description);

  return clip;
}

/* As the headers of the server's nth file say. */
static gchar *
read_size (FaultServer * server, guint nth)
{
  gchar *folder = sink_folder_new ();
  gchar *path = g_build_filename (folder, "file", NULL), *size = NULL;
  gchar *argv[] = { "ffprobe", "-v", "error", "-show_entries",
    "stream=width,height", "-of", "csv=p=0", path, NULL
  };
  GBytes *file = feed_get_file (server, nth);

  fail_unless (g_file_set_contents (path, g_bytes_get_data (file, NULL),
          g_bytes_get_size (file), NULL));
  fail_unless (g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
          &size, NULL, NULL, NULL));
  g_bytes_unref (file);
  g_free (path);
  sink_folder_free (folder);

  return g_strstrip (size);
}

/* Files come in any order. */
static void
check_sizes (FaultServer * server)
{
  guint n_small = 0, n_large = 0, i;

  for (i = 0; i < 3; i++) {
    gchar *size = read_size (server, i);

    n_small += g_str_equal (size, "64,48");
    n_large += g_str_equal (size, "128,64");
    g_free (size);
  }
  fail_unless_equals_int (n_small, 2);
  fail_unless_equals_int (n_large, 1);
}

/* There and back again; then upstream says what is so already. */
GST_START_TEST (test_sizes)
{
  const SizeRow *row = &size_rows[__i__];
  Clip *small = make_sized (row->encoder, 64, 48);
  Clip *large = make_sized (row->encoder, 128, 64);
  GstClockTimeDiff start =
      -(GstClockTimeDiff) GST_BUFFER_PTS (g_ptr_array_index (small->buffers,
          0));
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  fail_unless (sink_run_start (scene.run));
  scene.feed = feed_new (scene.run, "sink", small->caps, NULL, FALSE);
  feed_push (scene.feed, small, 0, 10, start);
  feed_push (scene.feed, large, 0, 10, start + 10 * FRAME);
  feed_push (scene.feed, small, 0, 5, start + 20 * FRAME);
  fail_unless (feed_event (scene.feed, gst_event_new_caps (small->caps)));
  feed_push (scene.feed, small, 5, 10, start + 20 * FRAME);
  scene_finish (&scene);
  scene_check_frames (&scene, row->frames);
  check_sizes (scene.server);
  fail_unless_equals_int (feed_decode (scene.server, 3, "v"), 30);
  clip_free (small);
  clip_free (large);
  scene_clear (&scene);
}

GST_END_TEST;

/* When they are asked for, and for when. */
GST_START_TEST (test_request_times)
{
  gboolean wanted = __i__;
  guint i;
  Scene scene;

  scene_open (&scene, wanted ? SINK "segment-duration=200000000" : SINK
      "segment-duration=200000000 send-keyframe-requests=false", NULL);
  scene_push (&scene, 0, 4 * GOP + 1);
  fail_unless_equals_int (feed_count_requests (scene.feed), wanted ? 5 : 0);
  for (i = 0; wanted && i < 5; i++)
    fail_unless_equals_uint64 (feed_get_request (scene.feed, i), (i + 1)
        * GOP * FRAME);
  scene_finish (&scene);
  scene_clear (&scene);
}

GST_END_TEST;

/* Times. */

#define S GST_SECOND

typedef struct
{
  GstClockTime start, time, base;
  gdouble rate;
  GstClockTimeDiff offset;      /* of the frames' timestamps */
  /* Of the first segment, and by which the second one is later. */
  GstClockTime running_time, stream_time, duration;
} TimeRow;

static const TimeRow time_rows[] = {
  {0, 0, 0, 1, 0, 0, 0, 200 * GST_MSECOND},
  /* Non-zero first timestamp. */
  {0, 0, 0, 1, 5 * S, 5 * S, 5 * S, 200 * GST_MSECOND},
  /* After a seek. */
  {5 * S, 5 * S, 0, 1, 5 * S, 0, 5 * S, 200 * GST_MSECOND},
  /* x264enc: an hour and more. */
  {3600 * 1000 * S, 0, 0, 1, 3600 * 1000 * S, 0, 0, 200 * GST_MSECOND},
  /* After another segment. */
  {0, 0, 3 * S, 1, 0, 3 * S, 0, 200 * GST_MSECOND},
  {2 * S, 7 * S, 3 * S, 1, 4 * S, 5 * S, 9 * S, 200 * GST_MSECOND},
  /* Twice as fast. */
  {0, 0, 0, 2, 4 * S, 2 * S, 4 * S, 100 * GST_MSECOND},
};

GST_START_TEST (test_times)
{
  const TimeRow *row = &time_rows[__i__];
  GstDateTime *when = NULL;
  GDateTime *now = g_date_time_new_now_utc (), *utc;
  GstSegment segment;
  Scene scene;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = row->start;
  segment.time = row->time;
  segment.base = row->base;
  segment.rate = row->rate;
  scene_open (&scene, SINK "segment-duration=100000000", &segment);
  fail_unless_equals_int (feed_push (scene.feed, scene.clip, 0, 2 * GOP,
          row->offset), GST_FLOW_OK);
  scene_finish (&scene);

  scene_check_frames (&scene, "5 5");
  fail_unless_equals_uint64 (scene_get_time (&scene, 0, "running-time"),
      row->running_time);
  fail_unless_equals_uint64 (scene_get_time (&scene, 1, "running-time"),
      row->running_time + row->duration);
  fail_unless_equals_uint64 (scene_get_time (&scene, 0, "stream-time"),
      row->stream_time);
  fail_unless_equals_uint64 (scene_get_time (&scene, 1, "stream-time"),
      row->stream_time + 200 * GST_MSECOND);
  fail_unless_equals_uint64 (scene_get_time (&scene, 0, "duration"),
      row->duration);
  fail_unless (gst_structure_get (sink_run_get_structure (scene.run,
              "identifai-segment", 0), "date-time", GST_TYPE_DATE_TIME, &when,
          NULL));
  utc = gst_date_time_to_g_date_time (when);
  fail_unless (ABS (g_date_time_difference (utc, now)) < G_TIME_SPAN_MINUTE);

  g_date_time_unref (utc);
  g_date_time_unref (now);
  gst_date_time_unref (when);
  scene_clear (&scene);
}

GST_END_TEST;

/* Which way up pictures are is a file's: it is said in each, and another way begins
 * another one. */

static void
push_orientation (Scene * scene, const gchar * orientation)
{
  feed_event (scene->feed,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION,
              orientation, NULL)));
}

static gboolean
has_matrix (Scene * scene, guint nth, const gint * numbers)
{
  GBytes *file = feed_get_file (scene->server, nth);
  gsize size, i;
  const guint8 *data = g_bytes_get_data (file, &size);
  guint8 matrix[20];
  gboolean found = FALSE;

  for (i = 0; i < 5; i++)
    GST_WRITE_UINT32_BE (matrix + 4 * i, (guint32) numbers[i] << 16);
  for (i = 0; i + sizeof (matrix) <= size && !found; i++)
    found = memcmp (data + i, matrix, sizeof (matrix)) == 0;
  g_bytes_unref (file);

  return found;
}

/* a, b, u, c, d of the display matrix. Files come in any order. */
static guint
count_matrices (Scene * scene, guint n_files, const gint * numbers)
{
  guint count = 0, i;

  for (i = 0; i < n_files; i++)
    count += has_matrix (scene, i, numbers);

  return count;
}

GST_START_TEST (test_orientation)
{
  static const gint turned[] = { 0, 1, 0, -1, 0 }, flipped[] =
      { 1, 0, 0, 0, -1 };
  Scene scene;

  scene_open (&scene, SCENE_SINK "segment-duration=400000000", NULL);
  push_orientation (&scene, "rotate-90");
  scene_push (&scene, 0, 4 * GOP);
  push_orientation (&scene, "rotate-90");
  scene_push (&scene, 4 * GOP, 5 * GOP);
  push_orientation (&scene, "flip-rotate-180");
  scene_push (&scene, 5 * GOP, 6 * GOP);
  push_orientation (&scene, "rotate-0");
  scene_push (&scene, 6 * GOP, 7 * GOP);
  scene_finish (&scene);

  scene_check_frames (&scene, "10 10 5 5 5");
  fail_unless_equals_int (count_matrices (&scene, 5, turned), 3);
  fail_unless_equals_int (count_matrices (&scene, 5, flipped), 1);
  fail_unless_equals_int (feed_decode (scene.server, 5, "v"), 7 * GOP);
  scene_clear (&scene);
}

GST_END_TEST;

/* It is told once where a file can't say it. */
GST_START_TEST (test_orientation_lost)
{
  const GstStructure *details;
  Scene scene;

  scene_open (&scene, SCENE_SINK "segment-duration=400000000 muxer=avimux",
      NULL);
  push_orientation (&scene, "rotate-90");
  scene_push (&scene, 0, 4 * GOP);
  scene_finish (&scene);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 1);
  gst_message_parse_warning_details (sink_run_get (scene.run, "warning", 0),
      &details);
  fail_unless_equals_string (gst_structure_get_string (details, "reason"),
      "orientation");
  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
cuts_suite (void)
{
  Suite *suite = suite_create ("cuts");
  TCase *cuts = tcase_create ("cuts");
  TCase *times = tcase_create ("times");

  suite_add_tcase (suite, cuts);
  tcase_add_test (cuts, test_orientation);
  tcase_add_test (cuts, test_orientation_lost);
  tcase_add_test (cuts, test_too_large);
  tcase_add_loop_test (cuts, test_max_bytes, 0, 4);
  tcase_add_test (cuts, test_losses);
  tcase_add_loop_test (cuts, test_jumps, 0, G_N_ELEMENTS (jump_rows));
  tcase_add_loop_test (cuts, test_slides, 0, G_N_ELEMENTS (slide_formats));
  tcase_add_test (cuts, test_no_key_frame);
  tcase_add_loop_test (cuts, test_cuts, 0, G_N_ELEMENTS (cut_rows));
  tcase_add_test (cuts, test_split_now);
  tcase_add_loop_test (cuts, test_key_frame_requests, 0,
      G_N_ELEMENTS (request_rows));
  tcase_add_loop_test (cuts, test_no_key_frames, 0, 2);
  tcase_add_loop_test (cuts, test_sizes, 0, G_N_ELEMENTS (size_rows));
  tcase_add_loop_test (cuts, test_request_times, 0, 2);

  suite_add_tcase (suite, times);
  tcase_add_loop_test (times, test_times, 0, G_N_ELEMENTS (time_rows));

  return suite;
}

GST_CHECK_MAIN (cuts);
