/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What can't work: bad settings, files that are no video, empty or too large
 * ones. Each gives one clear error, and the same element works afterwards.
 */

#include <glib/gstdio.h>
#include <string.h>
#include "faultserver.h"
#include "sinkutil.h"

#define JPEGS "videotestsrc num-buffers=5 ! jpegenc ! avimux ! " \
    "identifaisink name=sink"

static const FaultStep rejecting[] = {
  {FAULT_POST,.status = 400,.body = "{\"error\":\"No.\"}"},
};

static FaultServer *server;
static gchar *url;
static gchar *folder;

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
  g_unsetenv ("IDENTIFAI_API_KEY");
  g_unsetenv ("IDENTIFAI_API_KEY_FILE");
  server = fault_server_new (rejecting, G_N_ELEMENTS (rejecting));
  url = fault_server_get_url (server);
  folder = sink_folder_new ();
}

static void
teardown (void)
{
  fault_server_free (server);
  sink_folder_free (folder);
  g_free (url);
}

static gchar *
write_file (const gchar * name, const gchar * content, gssize length)
{
  gchar *path = g_build_filename (folder, name, NULL);

  fail_unless (g_file_set_contents (path, content, length, NULL));

  return path;
}

/* The nth error; checks its domain, code, and that text is in it. Only the
 * sink's own are counted. */
static void
check_error (SinkRun * run, guint nth, GQuark domain, gint code,
    const gchar * text)
{
  GError *error = NULL;
  gchar *debug = NULL;

  gst_message_parse_error (sink_run_get (run, "error", nth), &error, &debug);
  fail_unless (g_error_matches (error, domain, code), "%s %d: %s",
      g_quark_to_string (error->domain), error->code, error->message);
  fail_unless (strstr (error->message, text) != NULL, "\"%s\" isn't in \"%s\"",
      text, error->message);
  fail_if (strstr (error->message, SINK_KEY) != NULL);
  fail_if (strstr (error->message, "s3cret") != NULL, "%s", error->message);
  fail_if (debug != NULL && strstr (debug, "s3cret") != NULL, "%s", debug);
  g_error_free (error);
  g_free (debug);
}

/* The element posts a file as if nothing had been. */
static void
check_works (SinkRun * run)
{
  guint posts = fault_server_count (server, FAULT_POST);

  sink_run_forget (run);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), posts + 1);
}

/* Settings. */

/* code 0: it starts. A value "@TEXT" stands for a file with that text. */
static const struct
{
  const gchar *property, *value;
  gint code;                    /* of GST_RESOURCE_ERROR */
  const gchar *text;
} settings[] = {
  {"api-key", NULL, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "IDENTIFAI_API_KEY"},
  {"api-key", "s3cret key", GST_RESOURCE_ERROR_SETTINGS, "printable"},
  {"api-key", "s3cret\r\nX-Other: 1", GST_RESOURCE_ERROR_SETTINGS,
      "printable"},
  {"api-key", "s3cret\303\251", GST_RESOURCE_ERROR_SETTINGS, "printable"},
  {"api-key-file", "/nonexistent/key", GST_RESOURCE_ERROR_NOT_FOUND,
      "/nonexistent/key"},
  {"api-key-file", "/", GST_RESOURCE_ERROR_OPEN_READ, "can't be read"},
  {"api-key-file", "@", GST_RESOURCE_ERROR_SETTINGS, "empty"},
  {"api-key-file", "@\ns3cret\n", GST_RESOURCE_ERROR_SETTINGS, "empty"},
  {"api-key-file", "@  \t \n", GST_RESOURCE_ERROR_SETTINGS, "empty"},
  {"api-key-file", "@s3cret key\n", GST_RESOURCE_ERROR_SETTINGS, "printable"},
  {"api-key-file", "@s3cret\001\n", GST_RESOURCE_ERROR_SETTINGS, "printable"},
  {"endpoint", "", GST_RESOURCE_ERROR_SETTINGS, "empty"},
  {"endpoint", "backend.identifai.net", GST_RESOURCE_ERROR_SETTINGS, "https:"},
  {"endpoint", "127.0.0.1:80", GST_RESOURCE_ERROR_SETTINGS, "https:"},
  {"endpoint", "/api", GST_RESOURCE_ERROR_SETTINGS, "https:"},
  {"endpoint", "ftp://127.0.0.1/", GST_RESOURCE_ERROR_SETTINGS, "scheme"},
  {"endpoint", "file:///etc/passwd", GST_RESOURCE_ERROR_SETTINGS, "scheme"},
  {"endpoint", "http://192.0.2.1", GST_RESOURCE_ERROR_SETTINGS,
      "allow-plain-http"},
  {"endpoint", "http://localhost.example.com", GST_RESOURCE_ERROR_SETTINGS,
      "allow-plain-http"},
  {"endpoint", "http://127.0.0.1.example.com", GST_RESOURCE_ERROR_SETTINGS,
      "allow-plain-http"},
  {"endpoint", "http://[2001:db8::1]:80", GST_RESOURCE_ERROR_SETTINGS,
      "allow-plain-http"},
  {"endpoint", "https://user:s3cret@127.0.0.1", GST_RESOURCE_ERROR_SETTINGS,
      "password"},
  {"endpoint", "https://user@127.0.0.1", GST_RESOURCE_ERROR_SETTINGS,
      "user name"},
  {"endpoint", "https://127.0.0.1/?key=1", GST_RESOURCE_ERROR_SETTINGS,
      "query"},
  {"endpoint", "https://127.0.0.1/#part", GST_RESOURCE_ERROR_SETTINGS,
      "fragment"},
  {"endpoint", "https://", GST_RESOURCE_ERROR_SETTINGS, "host"},
  {"endpoint", "https://127.0.0.1:99999", GST_RESOURCE_ERROR_SETTINGS,
      "127.0.0.1:99999"},
  {"tls-ca-file", "/nonexistent/ca.pem", GST_RESOURCE_ERROR_SETTINGS,
      "/nonexistent/ca.pem"},
  {"tls-ca-file", "@no certificate\n", GST_RESOURCE_ERROR_SETTINGS,
      "tls-ca-file"},
  {"endpoint", "http://localhost:9", 0, NULL},
  {"endpoint", "http://[::1]:9", 0, NULL},
  {"endpoint", "http://127.9.9.9:9/prefix/", 0, NULL},
  {"endpoint", "HTTPS://127.0.0.1:9", 0, NULL},
};

/* The value of a row, as it is set. */
static gchar *
make_value (const gchar * value)
{
  if (value != NULL && value[0] == '@')
    return write_file ("value", value + 1, -1);

  return g_strdup (value);
}

static void
set_good (SinkRun * run)
{
  g_object_set (sink_run_get_sink (run), "endpoint", url, "api-key", SINK_KEY,
      "api-key-file", NULL, "tls-ca-file", NULL, NULL);
}

static void
check_refused (SinkRun * run, guint row)
{
  gchar *list;
  guint i;

  /* The second time, too. */
  for (i = 0; i < 2; i++) {
    fail_if (sink_run_start (run), "%s", settings[row].value);
    list = sink_run_list (run);
    fail_unless_equals_string (list, "error");
    g_free (list);
    check_error (run, 0, GST_RESOURCE_ERROR, settings[row].code,
        settings[row].text);
    sink_run_stop (run);
    sink_run_forget (run);
  }
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), 0);
}

GST_START_TEST (test_settings)
{
  SinkRun *run = sink_run_new (url, JPEGS);
  gchar *value = make_value (settings[__i__].value);

  if (g_str_equal (settings[__i__].property, "api-key-file"))
    g_object_set (sink_run_get_sink (run), "api-key", NULL, NULL);
  g_object_set (sink_run_get_sink (run), settings[__i__].property, value, NULL);
  if (settings[__i__].code == 0) {
    fail_unless (sink_run_start (run));
    sink_run_stop (run);
  } else {
    check_refused (run, __i__);
  }
  set_good (run);
  check_works (run);
  sink_run_free (run);
  g_free (value);
}

GST_END_TEST;

/* Input. */

/* The sink's own error comes first; sources add theirs when they are refused. */
static void
check_first_error_is_ours (SinkRun * run)
{
  gchar *list = sink_run_list (run);
  gchar *own = strstr (list, "error");

  fail_unless (own != NULL, "%s", list);
  fail_unless (own[5] == '\0' || own[5] == ' ', "%s", list);
  fail_unless_equals_int (sink_run_count (run, "error"), 1);
  g_free (list);
}

static gchar *
make_elementary (void)
{
  return sink_make_file (folder, "elementary", "videotestsrc num-buffers=30 ! "
      "x264enc ! video/x-h264,stream-format=byte-stream");
}

static gchar *
make_text (void)
{
  GString *text = g_string_new (NULL);
  gchar *path;

  while (text->len < 20000)
    g_string_append (text, "This is a text about cats and dogs.\n");
  path = write_file ("text", text->str, -1);
  g_string_free (text, TRUE);

  return path;
}

static gchar *
make_picture (void)
{
  return sink_make_file (folder, "picture",
      "videotestsrc num-buffers=1 ! pngenc");
}

static gchar *
make_short_text (void)
{
  return write_file ("short", "no video", -1);
}

static gchar *
make_zeros (void)
{
  gchar *zeros = g_malloc0 (300000), *path;

  path = write_file ("zeros", zeros, 300000);
  g_free (zeros);

  return path;
}

static gchar *
make_empty (void)
{
  return write_file ("empty", "", 0);
}

static const struct
{
  const gchar *name;
  gchar *(*make) (void);
  gint code;                    /* of GST_STREAM_ERROR */
  const gchar *text;
} inputs[] = {
  {"text", make_text, GST_STREAM_ERROR_WRONG_TYPE, "text/plain"},
  {"elementary", make_elementary, GST_STREAM_ERROR_WRONG_TYPE, "parsebin"},
  {"picture", make_picture, GST_STREAM_ERROR_WRONG_TYPE, "image/png"},
  {"short", make_short_text, -1, "video file"},
  {"zeros", make_zeros, GST_STREAM_ERROR_TYPE_NOT_FOUND, "video file"},
  {"empty", make_empty, GST_STREAM_ERROR_FAILED, "empty"},
};

static gchar *
make_clip (void)
{
  return sink_make_file (folder, "clip",
      "videotestsrc num-buffers=60 ! jpegenc ! avimux");
}

static void
set_location (SinkRun * run, const gchar * path)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (sink_run_get_pipeline
          (run)), "source");

  g_object_set (source, "location", path, NULL);
  gst_object_unref (source);
}

static void
check_code (SinkRun * run, gint code, const gchar * text)
{
  GError *error = NULL;

  gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
  fail_unless (error->domain == GST_STREAM_ERROR
      && (code < 0 || error->code == code), "%s %d: %s",
      g_quark_to_string (error->domain), error->code, error->message);
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
  g_error_free (error);
}

GST_START_TEST (test_input)
{
  gchar *clip = make_clip (), *path = inputs[__i__].make ();
  SinkRun *run = sink_run_new (url,
      "filesrc name=source ! identifaisink name=sink");

  set_location (run, path);
  fail_unless (sink_run_start (run));
  fail_if (sink_run_wait_end (run));
  check_first_error_is_ours (run);
  check_code (run, inputs[__i__].code, inputs[__i__].text);
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), 0);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), 0);

  sink_run_stop (run);
  set_location (run, clip);
  check_works (run);
  sink_run_free (run);
  g_free (clip);
  g_free (path);
}

GST_END_TEST;

/* Streams in which there is nothing. */
static const struct
{
  const gchar *source;
  gint code;                    /* of GST_STREAM_ERROR */
  const gchar *text;
} nothings[] = {
  {"fakesrc num-buffers=0", GST_STREAM_ERROR_FAILED, "empty"},
  {"fakesrc num-buffers=3", GST_STREAM_ERROR_FAILED, "empty"},
  {"fakesrc num-buffers=3 ! video/mpegts", GST_STREAM_ERROR_FAILED, "empty"},
  {"fakesrc num-buffers=3 ! video/x-vp8,width=8,height=8",
      GST_STREAM_ERROR_FAILED, "empty"},
  {"fakesrc num-buffers=20 sizetype=fixed sizemax=1000 filltype=pattern ! "
        "video/x-h264,stream-format=byte-stream,alignment=au",
        GST_STREAM_ERROR_DECODE,
      "without a picture of H.264 in 20 buffers (20000 bytes)"},
};

GST_START_TEST (test_nothing)
{
  gchar *launch = g_strconcat (nothings[__i__].source,
      " ! identifaisink name=sink", NULL);
  SinkRun *run = sink_run_new (url, launch);

  fail_unless (sink_run_start (run));
  fail_if (sink_run_wait_end (run));
  check_first_error_is_ours (run);
  check_code (run, nothings[__i__].code, nothings[__i__].text);
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), 0);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), 0);
  sink_run_free (run);
  g_free (launch);
}

GST_END_TEST;

/* Raw video is refused by its caps; the message of that is the core's. */
GST_START_TEST (test_raw_video)
{
  SinkRun *run = sink_run_new (url, "appsrc name=src "
      "caps=video/x-raw,format=I420,width=8,height=8,framerate=1/1 "
      "num-buffers=1 ! identity ! identifaisink name=sink");
  GstElement *source = gst_bin_get_by_name (GST_BIN (sink_run_get_pipeline
          (run)), "src");
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 96, NULL);
  GstFlowReturn ret;

  fail_unless (sink_run_start (run));
  g_signal_emit_by_name (source, "push-buffer", buffer, &ret);
  gst_buffer_unref (buffer);
  fail_if (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-segment"), 0);
  gst_object_unref (source);
  sink_run_free (run);
}

GST_END_TEST;

/* Too large. */

/* Memory that came to the sink, and what of it is still alive. */
static gint seen, alive;        /* atomic */
static gint alive_at_failure;

static void
on_memory_gone (gpointer user_data, GstMiniObject * memory)
{
  g_atomic_int_dec_and_test (&alive);
}

static GstPadProbeReturn
on_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  guint i;

  for (i = 0; i < gst_buffer_n_memory (buffer); i++) {
    g_atomic_int_inc (&alive);
    g_atomic_int_inc (&seen);
    gst_mini_object_weak_ref (GST_MINI_OBJECT (gst_buffer_peek_memory (buffer,
                i)), on_memory_gone, NULL);
  }

  return GST_PAD_PROBE_OK;
}

static void
on_failure (SinkRun * run, GstMessage * message, const gchar * name,
    gpointer user_data)
{
  if (g_str_equal (name, "identifai-failed"))
    alive_at_failure = g_atomic_int_get (&alive);
}

static void
watch_memory (SinkRun * run)
{
  GstPad *pad = gst_element_get_static_pad (sink_run_get_sink (run), "sink");

  seen = alive = alive_at_failure = 0;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, NULL, NULL);
  gst_object_unref (pad);
  sink_run_set_func (run, on_failure, NULL);
}

static void
check_too_large (SinkRun * run, guint64 least)
{
  const GstStructure *failed;
  guint64 bytes = 0;

  failed = sink_run_get_structure (run, "identifai-failed", 0);
  fail_unless_equals_string (gst_structure_get_string (failed, "reason"),
      "too-large");
  fail_unless (gst_structure_get_uint64 (failed, "bytes", &bytes));
  fail_unless (bytes >= least, "%" G_GUINT64_FORMAT, bytes);
  check_error (run, 0, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
      "too large");
  check_first_error_is_ours (run);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), 0);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "failed"), 1);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "pending-bytes"), 0);
  sink_run_check_stats (run);
}

/* A file's size is known before it is read: nothing but the first buffer is. */
GST_START_TEST (test_large_file)
{
  gchar *clip = make_clip (), *small;
  SinkRun *run = sink_run_new (url,
      "filesrc name=source blocksize=1000 ! identifaisink name=sink "
      "max-segment-bytes=20000");
  GStatBuf info;

  fail_unless_equals_int (g_stat (clip, &info), 0);
  fail_unless (info.st_size > 20000);
  set_location (run, clip);
  watch_memory (run);
  fail_unless (sink_run_start (run));
  fail_if (sink_run_wait_end (run));
  check_too_large (run, info.st_size);
  fail_unless (g_atomic_int_get (&seen) <= 1, "%d", seen);

  sink_run_stop (run);
  small = sink_make_file (folder, "small",
      "videotestsrc num-buffers=1 ! jpegenc ! avimux");
  set_location (run, small);
  check_works (run);
  sink_run_free (run);
  g_free (small);
  g_free (clip);
}

GST_END_TEST;

/* A muxer's end is not known: what came is let go of as it gets too much, the
 * rest is not kept, and the stream goes on to its end. */
GST_START_TEST (test_large_stream)
{
  SinkRun *run = sink_run_new (url, "videotestsrc name=video num-buffers=200 ! "
      "video/x-raw,width=64,height=64 ! jpegenc ! avimux ! "
      "identifaisink name=sink max-segment-bytes=50000");
  GstElement *source = gst_bin_get_by_name (GST_BIN (sink_run_get_pipeline
          (run)), "video");

  watch_memory (run);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "eos", 1);
  check_too_large (run, 50000);
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), 1);
  fail_unless (g_atomic_int_get (&seen) > 200, "%d", seen);
  fail_unless (alive_at_failure <= 3, "%d of %d pieces of memory are held",
      alive_at_failure, seen);
  fail_unless_equals_int (g_atomic_int_get (&alive), 0);

  sink_run_stop (run);
  g_object_set (source, "num-buffers", 2, NULL);
  check_works (run);
  gst_object_unref (source);
  sink_run_free (run);
}

GST_END_TEST;

/* A number that was meant in seconds or milliseconds: it starts, and says so. */
static const struct
{
  const gchar *properties;
  const gchar *text;            /* NULL: no warning */
} times[] = {
  {"segment-duration=10", "segment-duration=10"},
  {"segment-duration=99999999", "segment-duration=99999999"},
  {"segment-duration=5 segment-interval=60",
      "segment-duration=5, segment-interval=60"},
  {"drain-timeout=60", "drain-timeout=60"},
  {"verdict-timeout=300 poll-interval=2",
      "poll-interval=2, verdict-timeout=300"},
  {"segment-duration=100000000", NULL},
  {"segment-duration=0 segment-interval=0 drain-timeout=0 poll-interval=0",
      NULL},
  {"drain-timeout=18446744073709551615", NULL},
};

GST_START_TEST (test_short_times)
{
  gchar *line = g_strconcat ("appsrc ! identifaisink name=sink ",
      times[__i__].properties, NULL);
  SinkRun *run = sink_run_new (url, line);
  GError *error = NULL;

  fail_unless (sink_run_start (run));
  fail_unless_equals_int (sink_run_count (run, "warning"),
      times[__i__].text != NULL);
  if (times[__i__].text != NULL) {
    gst_message_parse_warning (sink_run_get (run, "warning", 0), &error, NULL);
    fail_unless (g_str_has_suffix (error->message, times[__i__].text), "%s",
        error->message);
    g_error_free (error);
  }
  sink_run_free (run);
  g_free (line);
}

GST_END_TEST;

static Suite *
sinkstart_suite (void)
{
  Suite *suite = suite_create ("sinkstart");
  TCase *tcase = tcase_create ("start");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_loop_test (tcase, test_settings, 0, G_N_ELEMENTS (settings));
  tcase_add_loop_test (tcase, test_input, 0, G_N_ELEMENTS (inputs));
  tcase_add_loop_test (tcase, test_nothing, 0, G_N_ELEMENTS (nothings));
  tcase_add_loop_test (tcase, test_short_times, 0, G_N_ELEMENTS (times));
  tcase_add_test (tcase, test_raw_video);
  tcase_add_test (tcase, test_large_file);
  tcase_add_test (tcase, test_large_stream);

  return suite;
}

GST_CHECK_MAIN (sinkstart);
