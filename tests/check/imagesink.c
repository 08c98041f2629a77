/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * identifaiimagesink: what counts as an image, and that it is posted as it came.
 */

#include <glib/gstdio.h>
#include <string.h>
#include "faultserver.h"
#include "feed.h"

#define SINK "identifaiimagesink name=sink "


/* Smallest whole ones, of a number; size: of what they hold besides. */
static GstBuffer *
make_jpeg (guint8 number, guint16 size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size + 8, NULL);
  guint8 head[] =
      { 0xff, 0xd8, 0xff, 0xfe, (size + 2) >> 8, (size + 2) & 0xff };

  gst_buffer_memset (buffer, 0, number, size + 8);
  gst_buffer_fill (buffer, 0, head, sizeof (head));
  gst_buffer_fill (buffer, size + 6, "\xff\xd9", 2);

  return buffer;
}

static GBytes *
get_bytes (GstBuffer * buffer)
{
  gsize size = gst_buffer_get_size (buffer);
  guint8 *data = g_malloc (size);

  gst_buffer_extract (buffer, 0, data, size);

  return g_bytes_new_take (data, size);
}

/* Files arrive in any order, as several are on their way at a time. */
static void
check_file (GBytes * expected)
{
  guint n = fault_server_count (feed_server, FAULT_POST), i;
  gboolean found = FALSE;

  for (i = 0; i < n && !found; i++) {
    GBytes *file = feed_get_file (feed_server, i);

    found = g_bytes_equal (file, expected);
    g_bytes_unref (file);
  }
  fail_unless (found, "no file of %u is what came", n);
}

/* Takes over the buffer. */
static void
push (Feed * feed, GstBuffer * buffer)
{
  fail_unless_equals_int (gst_pad_push (feed->pad, buffer), GST_FLOW_OK);
}

static Feed *
open_feed (SinkRun ** run, const gchar * description, const gchar * caps,
    GstFormat format)
{
  GstCaps *fixed = caps ? gst_caps_from_string (caps) : NULL;
  GstSegment segment;
  Feed *feed;

  gst_segment_init (&segment, format);
  *run = sink_run_new (feed_url, description);
  fail_unless (sink_run_start (*run));
  feed = feed_new (*run, "sink", fixed, &segment, FALSE);
  gst_clear_caps (&fixed);

  return feed;
}

static void
end_feed (SinkRun * run, Feed * feed)
{
  fail_unless (feed_event (feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (run));
}

static void
clear (SinkRun * run, Feed * feed)
{
  sink_run_stop (run);
  feed_free (feed);
  sink_run_free (run);
}

/* Buffers with times: each is an image. Where it is none, it fails alone. */
static const struct
{
  const gchar *data;
  gsize size;
  const gchar *content_type;    /* "": it fails */
  const gchar *text;            /* of the failure */
} frame_rows[] = {
  {"", 0, "", "empty"},
  {"hello, world", 12, "", "no image"},
  {"RIFF\0\0\0\0WAVEfmt ", 16, "", "audio/x-wav"},
  {"\xff\xd8\xff\xd9", 4, "image/jpeg", NULL},
  /* cut off: the service has the last word */
  {"\xff\xd8\xff\xe0\x44", 5, "image/jpeg", NULL},
  {"\x89PNG\r\n\x1a\n", 8, "image/png", NULL},
  {"GIF89a", 6, "image/gif", NULL},
  {"RIFF\0\0\0\0WEBP", 12, "image/webp", NULL},
  {"II*\0", 4, "image/tiff", NULL},
};

GST_START_TEST (test_frames)
{
  SinkRun *run;
  Feed *feed = open_feed (&run, SINK, "image/jpeg", GST_FORMAT_TIME);
  guint i, n_failed = 0;

  for (i = 0; i < G_N_ELEMENTS (frame_rows); i++) {
    GstBuffer *buffer = frame_rows[i].size == 0 ? gst_buffer_new () :
        gst_buffer_new_memdup (frame_rows[i].data, frame_rows[i].size);

    GST_BUFFER_PTS (buffer) = i * GST_SECOND;
    GST_BUFFER_DURATION (buffer) = GST_SECOND;
    push (feed, buffer);
  }
  end_feed (run, feed);

  for (i = 0; i < G_N_ELEMENTS (frame_rows); i++) {
    fail_unless_equals_string (sink_run_get_text (run, "identifai-segment", i,
            "content-type"), frame_rows[i].content_type);
    fail_unless_equals_string (sink_run_get_text (run, "identifai-segment", i,
            "kind"), "image");
    if (frame_rows[i].text == NULL)
      continue;
    fail_unless_equals_string (sink_run_get_text (run, "identifai-failed",
            n_failed, "reason"), "mux");
    fail_unless (strstr (sink_run_get_text (run, "identifai-failed", n_failed++,
                "message"), frame_rows[i].text));
  }
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), n_failed);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), i
      - n_failed);
  clear (run, feed);
}

GST_END_TEST;

/* Bytes without times, in blocks: images are put together by their content. */
static const gsize blocks[] = { 1, 7, 100, 4096, 1000000 };

GST_START_TEST (test_blocks)
{
  SinkRun *run;
  Feed *feed = open_feed (&run, SINK, NULL, GST_FORMAT_BYTES);
  gsize at, size, step = blocks[__i__];
  GBytes *images[3];
  guint i;

  for (i = 0; i < G_N_ELEMENTS (images); i++) {
    GstBuffer *buffer = make_jpeg (i, 1000 * i + 20);

    images[i] = get_bytes (buffer);
    size = gst_buffer_get_size (buffer);
    for (at = 0; at < size; at += step)
      push (feed, gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, at,
              MIN (step, size - at)));
    gst_buffer_unref (buffer);
  }
  end_feed (run, feed);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 3);
  for (i = 0; i < G_N_ELEMENTS (images); i++) {
    check_file (images[i]);
    g_bytes_unref (images[i]);
  }
  clear (run, feed);
}

GST_END_TEST;

/* The same in blocks in which images end and begin, as of a pipe; only where all of
 * them are in one is that one image, as a camera's file may hold several. */
static const struct
{
  gsize step;
  guint n_images;
} pipe_rows[] = {
  {1, 3}, {7, 3}, {29, 3}, {30, 3}, {100, 3}, {1057, 3}, {1500, 3}, {4096, 1},
};

GST_START_TEST (test_pipe)
{
  SinkRun *run;
  Feed *feed = open_feed (&run, SINK, NULL, GST_FORMAT_BYTES);
  gsize at, size, step = pipe_rows[__i__].step;
  GstBuffer *all = gst_buffer_new ();
  GBytes *images[3];
  guint i;

  for (i = 0; i < G_N_ELEMENTS (images); i++) {
    GstBuffer *buffer = make_jpeg (i, 1000 * i + 20);

    images[i] = get_bytes (buffer);
    all = gst_buffer_append (all, buffer);
  }
  size = gst_buffer_get_size (all);
  for (at = 0; at < size; at += step)
    push (feed, gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY, at,
            MIN (step, size - at)));
  end_feed (run, feed);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"),
      pipe_rows[__i__].n_images);
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), 0);
  for (i = 0; i < G_N_ELEMENTS (images); i++) {
    if (pipe_rows[__i__].n_images > 1)
      check_file (images[i]);
    g_bytes_unref (images[i]);
  }
  gst_buffer_unref (all);
  clear (run, feed);
}

GST_END_TEST;

/* What isn't judged is told apart, too: with an interval each of them is seen, and
 * while judging is off for the first one, the others are posted as they came. */
GST_START_TEST (test_pipe_passes_over)
{
  SinkRun *run;
  Feed *feed = open_feed (&run, __i__ == 0 ?
      SINK "segment-interval=1000000000000" : SINK "judging=false", NULL,
      GST_FORMAT_BYTES);
  GstBuffer *all = gst_buffer_new ();
  GBytes *images[4];
  GstStructure *stats;
  gdouble coverage;
  gsize at, size;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (images); i++) {
    GstBuffer *buffer = make_jpeg (i, 300);

    images[i] = get_bytes (buffer);
    all = gst_buffer_append (all, buffer);
  }
  size = gst_buffer_get_size (all);
  for (at = 0; at < size; at += 100) {
    if (at == 200)
      g_object_set (feed->sink, "judging", TRUE, NULL);
    push (feed, gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY, at,
            MIN (100, size - at)));
  }
  end_feed (run, feed);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"),
      __i__ == 0 ? 1 : 3);
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), 0);
  for (i = __i__; i < (__i__ == 0 ? 1 : 4); i++)
    check_file (images[i]);
  g_object_get (feed->sink, "stats", &stats, NULL);
  fail_unless (gst_structure_get_double (stats, "coverage", &coverage));
  assert_equals_float (coverage, __i__ == 0 ? 0.25 : 1.0);
  gst_structure_free (stats);
  for (i = 0; i < G_N_ELEMENTS (images); i++)
    g_bytes_unref (images[i]);
  gst_buffer_unref (all);
  clear (run, feed);
}

GST_END_TEST;

/* As multifilesrc sends them: whatever is in one file, the others are judged. */
GST_START_TEST (test_folder)
{
  static const struct
  {
    const gchar *data;
    gsize size;
    gboolean good;
  } files[] = {
    {"\xff\xd8\xff\xfe\0\x04" "ab\xff\xd9", 10, TRUE},
    {"", 0, FALSE},
    {"text", 4, FALSE},
    {"\x89PNG\r\n\x1a\n\0\0\0\0IENDcrc.", 20, TRUE},
    {"no image at all", 15, FALSE},
    /* cut off in its coded data */
    {"\xff\xd8\xff\xda\0\x02" "abc", 9, TRUE},
    {"GIF89a\x01\0\x01\0\0\0\0;", 14, TRUE},
  };
  GString *description = g_string_new (NULL);
  guint i, n_good = 0;
  SinkRun *run;

  for (i = 0; i < G_N_ELEMENTS (files); i++) {
    gchar *path = g_strdup_printf ("%s/%u.jpg", feed_folder, i);

    fail_unless (g_file_set_contents (path, files[i].data, files[i].size,
            NULL));
    g_free (path);
  }
  g_string_printf (description, "multifilesrc location=%s/%%d.jpg %s! " SINK,
      feed_folder, __i__ == 0 ? "" : "caps=image/jpeg,framerate=1/1 ");
  run = sink_run_new (feed_url, description->str);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  for (i = 0; i < G_N_ELEMENTS (files); i++) {
    GBytes *expected = g_bytes_new_static (files[i].data, files[i].size);

    if (files[i].good)
      check_file (expected);
    n_good += files[i].good;
    g_bytes_unref (expected);
  }
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), i);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), n_good);
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), i - n_good);
  sink_run_free (run);
  g_string_free (description, TRUE);
}

GST_END_TEST;

/* A file is one image, whatever lies behind its end, and has its name. */
GST_START_TEST (test_file)
{
  gchar *path =
      g_build_filename (feed_folder, "a photo.jpeg", NULL), *description;
  GstBuffer *buffer = gst_buffer_append (make_jpeg (1, 5000),
      make_jpeg (2, 100));
  GBytes *bytes = get_bytes (buffer);
  const FaultRequest *request;
  SinkRun *run;

  gst_buffer_unref (buffer);
  fail_unless (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
          g_bytes_get_size (bytes), NULL));
  description = g_strdup_printf ("filesrc location=\"%s\" %s! " SINK, path,
      __i__ == 0 ? "" : "blocksize=100 ");
  run = sink_run_new (feed_url, description);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  check_file (bytes);
  request = fault_server_get (feed_server, FAULT_POST, 0);
  fail_unless (g_strstr_len (g_bytes_get_data (request->body, NULL),
          g_bytes_get_size (request->body),
          "name=\"image\"; filename=\"a photo.jpeg\"\r\n"
          "Content-Type: image/jpeg"));
  sink_run_free (run);
  g_bytes_unref (bytes);
  g_free (description);
  g_free (path);
}

GST_END_TEST;

/* Which of images that come at 0, 0.25, … s are judged. */
static const struct
{
  const gchar *interval;
  gboolean timed;
  const gchar *running;         /* ms */
} interval_rows[] = {
  {"0", TRUE, "0 250 500 750 1000 1250 1500 1750"},
  {"500000000", TRUE, "0 500 1000 1500"},
  {"600000000", TRUE, "0 750 1250"},
  {"18446744073709551615", TRUE, "0"},
  /* those without a time go by when they come, which is at once */
  {"1000000000000", FALSE, ""},
};

GST_START_TEST (test_interval)
{
  gchar *description = g_strdup_printf (SINK "segment-interval=%s",
      interval_rows[__i__].interval);
  SinkRun *run;
  Feed *feed = open_feed (&run, description, "image/jpeg", GST_FORMAT_TIME);
  GString *times = g_string_new (NULL);
  guint64 running;
  guint i;

  for (i = 0; i < 8; i++) {
    GstBuffer *buffer = make_jpeg (i, 10);

    if (interval_rows[__i__].timed)
      GST_BUFFER_PTS (buffer) = i * 250 * GST_MSECOND;
    push (feed, buffer);
  }
  end_feed (run, feed);
  for (i = 0; i < sink_run_count (run, "identifai-segment"); i++) {
    gst_structure_get_uint64 (sink_run_get_structure (run, "identifai-segment",
            i), "running-time", &running);
    if (running != GST_CLOCK_TIME_NONE)
      g_string_append_printf (times, "%s%u", i > 0 ? " " : "",
          (guint) (running / GST_MSECOND));
  }
  fail_unless_equals_string (times->str, interval_rows[__i__].running);
  if (!interval_rows[__i__].timed)
    fail_unless_equals_int (i, 1);
  g_string_free (times, TRUE);
  g_free (description);
  clear (run, feed);
}

GST_END_TEST;

/* A flush drops what isn't whole, and what comes after it is judged; judging=false
 * wants nothing. */
GST_START_TEST (test_flush)
{
  SinkRun *run;
  Feed *feed = open_feed (&run, SINK, NULL, GST_FORMAT_BYTES);
  GstBuffer *buffer = make_jpeg (1, 100);
  GstSegment segment;
  GBytes *bytes;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  push (feed, gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, 0, 50));
  feed_flush (feed, &segment);
  sink_run_wait (run, "identifai-dropped", 1);
  fail_unless_equals_string (sink_run_get_text (run, "identifai-dropped", 0,
          "reason"), "flushed");
  bytes = get_bytes (buffer);
  push (feed, gst_buffer_ref (buffer));
  sink_run_wait (run, "identifai-verdict", 1);
  check_file (bytes);
  g_object_set (sink_run_get_sink (run), "judging", FALSE, NULL);
  push (feed, buffer);
  end_feed (run, feed);
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), 2);
  g_bytes_unref (bytes);
  clear (run, feed);
}

GST_END_TEST;

/* Too large: known at once, or when it is. */
GST_START_TEST (test_too_large)
{
  SinkRun *run;
  Feed *feed = open_feed (&run, SINK "max-segment-bytes=1000", NULL,
      __i__ == 0 ? GST_FORMAT_TIME : GST_FORMAT_BYTES);

  push (feed, make_jpeg (1, 2000));
  push (feed, make_jpeg (1, 500));
  end_feed (run, feed);
  fail_unless_equals_string (sink_run_get_text (run, "identifai-failed", 0,
          "reason"), "too-large");
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  clear (run, feed);
}

GST_END_TEST;

/* Nothing came, or nothing that was any good. */
static const struct
{
  const gchar *content;
  guint n_failed;
  const gchar *text;            /* of the error */
} nothing_rows[] = {
  {"", 0, "empty"},
  {"text", 1, "The image was not judged"},
  {"RIFF....AVI LIST.... and so on, it is long enough to be known", 1,
      "video/x-msvideo"},
};

GST_START_TEST (test_nothing)
{
  gchar *path = g_build_filename (feed_folder, "file", NULL);
  gchar *description = g_strdup_printf ("filesrc location=%s ! " SINK, path);
  GError *error;
  SinkRun *run;

  fail_unless (g_file_set_contents (path, nothing_rows[__i__].content, -1,
          NULL));
  run = sink_run_new (feed_url, description);
  sink_run_start (run);
  fail_if (sink_run_wait_end (run));
  gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, nothing_rows[__i__].text) != NULL,
      "%s", error->message);
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"),
      nothing_rows[__i__].n_failed);
  fail_unless_equals_int (fault_server_count (feed_server, FAULT_POST), 0);
  g_error_free (error);
  sink_run_free (run);
  g_free (description);
  g_free (path);
}

GST_END_TEST;

/* Heat maps: what the second look, which is for it, is answered with. The verdict is
 * there in any case. */
#define PNG "\x89PNG\r\n\x1a\n and so on"
#define RESULT(more) {FAULT_PLAIN, 1,.body = "{\"identifier\":\"id-1\"," \
    "\"status\":\"done\"," more "\"verdict\":{\"confidence\":1," \
    "\"classification\":\"human\"},\"results\":[{\"model\":\"m\"}]}"}

static const struct
{
  const gchar *options;
  FaultStep steps[2];
  gboolean stops;               /* instead of EOS */
  guint n_calls;                /* of the result, and of the heat map */
  const gchar *error;           /* "": there is a heat map; NULL: nothing of it */
} heatmap_rows[] = {
  {"", {RESULT ("\"has_heatmap\":true,")}, FALSE, 1, NULL},
  {"with-heatmap=true", {RESULT ("\"has_heatmap\":false,")}, FALSE, 1, NULL},
  {"with-heatmap=true", {RESULT ("\"has_heatmap\":true,"), {FAULT_PLAIN, 2,
              .body = PNG,.body_length = sizeof (PNG) - 1}
          }, FALSE, 2, ""},
  {"with-heatmap=true", {RESULT ("\"has_heatmap\":true,"), {FAULT_PLAIN, 2,
              .status = 404,.body = "{\"error\":\"No such map\"}"}
          }, FALSE, 2,
      "No such map"},
  {"with-heatmap=true", {RESULT ("\"has_heatmap\":true,"), {FAULT_PLAIN, 2,
              .status = 500}
          }, FALSE, 2, "500"},
  {"with-heatmap=true", {RESULT ("\"has_heatmap\":true,"), {FAULT_PLAIN, 2,
              .body = "<html>"}
          }, FALSE, 2, "no PNG"},
  {"with-heatmap=true timeout=1", {RESULT ("\"has_heatmap\":true,"),
              {FAULT_PLAIN, 2,.kind = FAULT_SILENT}
          }, FALSE, 2, "heard"},
  {"with-heatmap=true", {RESULT ("\"has_heatmap\":true,"), {FAULT_PLAIN, 2,
              .kind = FAULT_SILENT}
          }, TRUE, 2, "wait"},
  {"with-heatmap=true drain-timeout=1000000000", {RESULT
              ("\"has_heatmap\":true,"), {FAULT_PLAIN, 2,.kind = FAULT_SILENT}
          },
      FALSE, 2, "wait"},
};

GST_START_TEST (test_heatmap)
{
  gchar *description = g_strconcat (SINK, heatmap_rows[__i__].options, NULL);
  const gchar *error = heatmap_rows[__i__].error, *text;
  const GstStructure *verdict;
  GstBuffer *heatmap = NULL;
  SinkRun *run;
  Feed *feed;

  fault_server_free (feed_server);
  g_free (feed_url);
  feed_server = fault_server_new (heatmap_rows[__i__].steps, 2);
  feed_url = fault_server_get_url (feed_server);
  feed = open_feed (&run, description, "image/jpeg", GST_FORMAT_TIME);
  push (feed, make_jpeg (1, 10));
  fail_unless (fault_server_wait (feed_server, FAULT_PLAIN,
          heatmap_rows[__i__].n_calls));
  if (heatmap_rows[__i__].stops)
    sink_run_stop (run);
  else
    end_feed (run, feed);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  fail_unless (heatmap_rows[__i__].n_calls > 1
      || fault_server_count (feed_server, FAULT_PLAIN) == 1);
  verdict = sink_run_get_structure (run, "identifai-verdict", 0);
  text = gst_structure_get_string (verdict, "heatmap-error");
  gst_structure_get (verdict, "heatmap", GST_TYPE_BUFFER, &heatmap, NULL);
  fail_unless_equals_int (heatmap != NULL, error != NULL && *error == '\0');
  fail_unless_equals_int (text != NULL, error != NULL && *error != '\0');
  fail_unless (text == NULL || strstr (text, error), "%s", text);
  if (heatmap != NULL)
    fail_unless_equals_int (gst_buffer_memcmp (heatmap, 0, PNG,
            sizeof (PNG) - 1), 0);
  gst_clear_buffer (&heatmap);
  sink_run_check (run, TRUE);
  g_free (description);
  clear (run, feed);
}

GST_END_TEST;

static Suite *
imagesink_suite (void)
{
  Suite *suite = suite_create ("imagesink");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_set_timeout (general, 60);
  tcase_add_checked_fixture (general, feed_set_up, feed_tear_down);
  tcase_add_loop_test (general, test_nothing, 0, G_N_ELEMENTS (nothing_rows));
  tcase_add_loop_test (general, test_too_large, 0, 2);
  tcase_add_loop_test (general, test_heatmap, 0, G_N_ELEMENTS (heatmap_rows));
  tcase_add_test (general, test_flush);
  tcase_add_test (general, test_frames);
  tcase_add_loop_test (general, test_blocks, 0, G_N_ELEMENTS (blocks));
  tcase_add_loop_test (general, test_pipe_passes_over, 0, 2);
  tcase_add_loop_test (general, test_pipe, 0, G_N_ELEMENTS (pipe_rows));
  tcase_add_loop_test (general, test_folder, 0, 2);
  tcase_add_loop_test (general, test_file, 0, 2);
  tcase_add_loop_test (general, test_interval, 0, G_N_ELEMENTS (interval_rows));

  return suite;
}

GST_CHECK_MAIN (imagesink);
