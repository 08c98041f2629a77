/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator in trouble: on demand, by what it is sent, and when it has to stop.
 */

#include <gst/check/gstcheck.h>
#include <signal.h>
#include <string.h>

#include "emulatortool.h"

#define VIDEO "/api/classification_video"

/* Faults of GET /api/user/credits, whose answer has 45 bytes */

static const struct
{
  const gchar *fault;
  guint status;                 /* 0 = no answer */
  const gchar *body;            /* NULL = as it should be */
} fault_rows[] = {
  {"credits:status=503", 503, "{\"message\":\"Service Unavailable\"}"},
  {"get:status=418,body=tea", 418, "tea"},
  {"any:reset", 0},
  {"credits:truncate=10", 0},
  {"credits:truncate=0", 0},
  {"credits:truncate=1000", 200},
  {"credits:drip=200", 200},
  {"credits:delay=0.1", 200},
  {"credits:delay=0.1,status=500", 500, "{\"message\":\"Server Error\"}"},
  {"credits#2:reset", 200},
  {"post:reset", 200},
};

static void
check_faults (Emulator * emulator, guint row)
{
  const gchar *body = fault_rows[row].body;
  GBytes *fault = make_text (fault_rows[row].fault);
  Answer answer;

  if (body == NULL)
    body = "{\"available_credits\":1000000,\"total_spent\":0}";
  emulator_ask (emulator, "POST", "/emulator/faults", NULL, NULL, "text/plain",
      fault, &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  /* A request on a fresh connection: libsoup repeats one on an old one. */
  soup_session_abort (emulator->session);
  emulator_ask (emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless (answer.status == fault_rows[row].status, "%u %s",
      answer.status, GST_STR_NULL (answer.body));
  if (answer.status != 0)
    fail_unless (g_str_equal (answer.body, body), "%s", answer.body);
  answer_clear (&answer);
  emulator_ask (emulator, "DELETE", "/emulator/faults", NULL, NULL, NULL, NULL,
      &answer);
  fail_unless_equals_string (answer.body, "[]");
  answer_clear (&answer);
  emulator_ask (emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  g_bytes_unref (fault);
}

GST_START_TEST (test_faults)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off");
  FOR_ROWS (i, fault_rows)
      check_faults (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Nothing keeps the emulator from stopping: a connection that says nothing, one
 * that is being delayed, a file that is being judged. */

static const struct
{
  const gchar *fault;
  const gchar *path, *text;     /* which says so when it is under way */
  gint signal;
} stop_rows[] = {
  {"submit:silence", "/emulator/faults", "\"met\":1", SIGINT},
  {"submit:delay=60", "/emulator/faults", "\"met\":1", SIGTERM},
  {"submit:drip=1", "/emulator/faults", "\"met\":1", SIGINT},
  {"credits:reset", "/emulator/state", "\"total\":1", SIGINT},
  /* the terminal is closed */
  {"credits:reset", "/emulator/state", "\"total\":1", SIGHUP},
};

GST_START_TEST (test_stop_in_the_middle)
{
  gchar *arguments = g_strconcat ("--rate-limits off --fault ",
      stop_rows[__i__].fault, NULL);
  GBytes *clip = make_clip ("videotestsrc num-buffers=200 ! "
      "video/x-raw,width=640,height=480 ! jpegenc ! matroskamux");
  GBytes *form = make_form ("key_frames=1&key_frames_method=flow", "video",
      "clip.mkv", "video/x-matroska", clip);
  gboolean seen = FALSE;
  Emulator emulator;
  SoupMessage *message;
  gchar *url;

  emulator_start (&emulator, arguments);
  url = g_strconcat (emulator.base, VIDEO, NULL);
  message = soup_message_new ("POST", url);
  soup_message_headers_append (soup_message_get_request_headers (message),
      "X-Api-Key", "k");
  soup_message_set_request_body_from_bytes (message, FORM_TYPE, form);
  soup_session_send_async (emulator.session, message, 0, NULL, NULL, NULL);
  while (!seen) {
    Answer answer;

    while (g_main_context_iteration (NULL, FALSE));
    emulator_ask (&emulator, "GET", stop_rows[__i__].path, NULL, NULL, NULL,
        NULL, &answer);
    seen = strstr (answer.body, stop_rows[__i__].text) != NULL;
    answer_clear (&answer);
  }
  fail_unless_equals_int (emulator_end (&emulator, stop_rows[__i__].signal), 0);
  while (g_main_context_iteration (NULL, FALSE));
  g_object_unref (message);
  g_free (url);
  g_bytes_unref (form);
  g_bytes_unref (clip);
  g_free (arguments);
}

GST_END_TEST;

/* An upload that is reset after so many bytes, and the next one that isn't. */
GST_START_TEST (test_reset_upload)
{
  GBytes *noise = g_bytes_new_take (g_malloc0 (2000000), 2000000);
  GBytes *form = make_form ("a=b", "video", "x", "video/mp4", noise);
  Emulator emulator;
  Answer answer;

  emulator_start (&emulator,
      "--rate-limits off --fault submit#1:reset-upload=500000");
  emulator_ask (&emulator, "POST", VIDEO, "k", NULL, FORM_TYPE, form, &answer);
  fail_unless_equals_int (answer.status, 0);
  answer_clear (&answer);
  emulator_ask (&emulator, "POST", VIDEO, "k", NULL, FORM_TYPE, form, &answer);
  fail_unless_equals_int (answer.status, 400);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_bytes_unref (form);
  g_bytes_unref (noise);
}

GST_END_TEST;

/* Whatever comes over a connection, the next request is answered. */

#define HEAD "POST " VIDEO " HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n"
#define FORM HEAD "Content-Type: " FORM_TYPE "\r\n"

static const gchar *const abuse_rows[] = {
  "", "\r\n\r\n", "\1\2\3\4", "GET", "GET / HTTP/9.9\r\n\r\n",
  "GET /emulator/frames/%00/-1 HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /api/classifications_video?identifiers[]=%zz&& HTTP/1.1\r\nHost: x\r\n"
      "X-Api-Key: k\r\n\r\n",
  HEAD "Content-Length: -1\r\n\r\n",
  HEAD "Content-Length: 99999999999999999999\r\n\r\nx",
  FORM "Content-Length: 1000000\r\n\r\n--------------------------B\r\n",
  FORM "Content-Length: 10\r\n\r\n0123456789",
  FORM "Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
  FORM "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
  FORM "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
  HEAD "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
  "POST /emulator/faults HTTP/1.1\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd",
  "POST /emulator/keys HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
  "POST " VIDEO "/x/override HTTP/1.1\r\nX-Api-Key: k\r\nContent-Length: 1\r\n"
      "\r\n[",
  "DELETE * HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
};

static void
check_abuse (Emulator * emulator, guint row)
{
  const gchar *bytes = abuse_rows[row];
  GSocketClient *client = g_socket_client_new ();
  GSocketConnection *connection;
  Answer answer;
  gsize n;

  connection = g_socket_client_connect_to_uri (client, emulator->base, 80, NULL,
      NULL);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM
          (connection)), bytes, strlen (bytes), &n, NULL, NULL);
  g_object_unref (connection);
  emulator_ask (emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  g_object_unref (client);
}

GST_START_TEST (test_abuse)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off");
  FOR_ROWS (i, abuse_rows)
      check_abuse (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* The number of uploads that lie in the emulator's temporary folder. */
static guint
count_uploads (Emulator * emulator)
{
  GDir *dir = g_dir_open (emulator->directory, 0, NULL);
  const gchar *name, *file;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    gchar *path = g_build_filename (emulator->directory, name, NULL);
    GDir *inner = g_dir_open (path, 0, NULL);

    while (inner != NULL && (file = g_dir_read_name (inner)) != NULL)
      n += g_str_has_prefix (file, "upload-");
    g_clear_pointer (&inner, g_dir_close);
    g_free (path);
  }
  g_dir_close (dir);
  return n;
}

/* Half an upload lies there while it comes, and not when its connection has
 * ended; the page tells of it. */
GST_START_TEST (test_upload_broken_off)
{
  static const gchar half[] = FORM "Content-Length: 1000000\r\n\r\n"
      "--------------------------B\r\nContent-Disposition: form-data; "
      "name=\"video\"; filename=\"x\"\r\n\r\n0123456789";
  GSocketClient *client = g_socket_client_new ();
  GSocketConnection *connection;
  gboolean told = FALSE;
  Emulator emulator;
  gsize n;

  emulator_start (&emulator, "--rate-limits off");
  connection = g_socket_client_connect_to_uri (client, emulator.base, 80, NULL,
      NULL);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM
          (connection)), half, strlen (half), &n, NULL, NULL);
  while (count_uploads (&emulator) == 0)
    g_thread_yield ();
  g_object_unref (connection);
  while (!told) {
    Answer answer;

    emulator_ask (&emulator, "GET", "/emulator/state", NULL, NULL, NULL, NULL,
        &answer);
    told = strstr (answer.body, "the connection ended before") != NULL;
    answer_clear (&answer);
  }
  fail_unless_equals_int (count_uploads (&emulator), 0);
  emulator_stop (&emulator);
  g_object_unref (client);
}

GST_END_TEST;

/* Who leaves while being treated badly is let go of, whatever was said last. */

static const gchar *const leaving_rows[] = {
  "credits:silence", "credits:drip=1", "credits:truncate=5",
  "credits:delay=0.2",
  "credits:delay=0.2,reset", "credits:delay=0.2,drip=1",
};

GST_START_TEST (test_leaving)
{
  static const gchar request[] = "GET /api/user/credits HTTP/1.1\r\nHost: x\r\n"
      "X-Api-Key: k\r\n\r\n";
  gchar *arguments = g_strconcat ("--rate-limits off --fault ",
      leaving_rows[__i__], NULL);
  GSocketClient *client = g_socket_client_new ();
  GSocketConnection *connection;
  GOutputStream *output;
  gboolean met = FALSE;
  Emulator emulator;
  Answer answer;
  gsize n;

  emulator_start (&emulator, arguments);
  connection = g_socket_client_connect_to_uri (client, emulator.base, 80, NULL,
      NULL);
  output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_output_stream_write_all (output, request, strlen (request), &n, NULL, NULL);
  while (!met) {
    emulator_ask (&emulator, "GET", "/emulator/faults", NULL, NULL, NULL, NULL,
        &answer);
    met = strstr (answer.body, "\"met\":1") != NULL;
    answer_clear (&answer);
  }
  g_output_stream_write_all (output, "more", 4, &n, NULL, NULL);
  g_object_unref (connection);
  /* Each of these is a turn of its main loop. */
  for (n = 0; n < 20; n++) {
    emulator_ask (&emulator, "GET", "/emulator/state", NULL, NULL, NULL, NULL,
        &answer);
    fail_unless_equals_int (answer.status, 200);
    answer_clear (&answer);
  }
  emulator_stop (&emulator);
  g_object_unref (client);
  g_free (arguments);
}

GST_END_TEST;

/* Nobody who is gone keeps a descriptor, however he went. */

typedef enum
{
  BEFORE_THE_ANSWER,
  AFTER_THE_ANSWER,
  HALF_CLOSED,
} Going;

static const struct
{
  const gchar *request;
  Going going;
} going_rows[] = {
#define CREDITS "GET /api/user/credits HTTP/1.1\r\nHost: x\r\nX-Api-Key: k\r\n\r\n"
#define UPLOAD FORM "Content-Length: 10\r\n\r\n0123456789"
  {CREDITS, BEFORE_THE_ANSWER}, {CREDITS, AFTER_THE_ANSWER},
  {CREDITS, HALF_CLOSED}, {CREDITS CREDITS, AFTER_THE_ANSWER},
  {CREDITS CREDITS, HALF_CLOSED}, {UPLOAD, AFTER_THE_ANSWER},
  {UPLOAD, HALF_CLOSED}, {"GET / HT", HALF_CLOSED},
  {CREDITS "GET / HT", AFTER_THE_ANSWER},
};

static guint
count_descriptors (Emulator * emulator)
{
  gchar *path = g_strdup_printf ("/proc/%s/fd",
      g_subprocess_get_identifier (emulator->process));
  GDir *dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  g_clear_pointer (&dir, g_dir_close);
  g_free (path);
  return n;
}

static void
come_and_go (Emulator * emulator, const gchar * request, Going going)
{
  GSocketClient *client = g_socket_client_new ();
  GSocketConnection *connection = g_socket_client_connect_to_uri (client,
      emulator->base, 80, NULL, NULL);
  GIOStream *stream = G_IO_STREAM (connection);
  gchar answer[16];
  gsize n;

  g_output_stream_write_all (g_io_stream_get_output_stream (stream), request,
      strlen (request), &n, NULL, NULL);
  if (going == AFTER_THE_ANSWER)
    g_input_stream_read (g_io_stream_get_input_stream (stream), answer,
        sizeof answer, NULL, NULL);
  if (going == HALF_CLOSED) {
    g_socket_shutdown (g_socket_connection_get_socket (connection), FALSE, TRUE,
        NULL);
    while (g_input_stream_read (g_io_stream_get_input_stream (stream), answer,
            sizeof answer, NULL, NULL) > 0);
  }
  g_object_unref (connection);
  g_object_unref (client);
}

GST_START_TEST (test_going)
{
  Emulator emulator;
  guint i, k, before;

  emulator_start (&emulator, "--rate-limits off");
  before = count_descriptors (&emulator);
  fail_unless (before > 0);
  FOR_ROWS (i, going_rows) {
    for (k = 0; k < 30; k++)
      come_and_go (&emulator, going_rows[i].request, going_rows[i].going);
    while (count_descriptors (&emulator) > before)
      g_usleep (1000);
  }
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Settings that can't be meant: exit status 1 and no line on the output. */

static const gchar *const bad_options[] = {
  "--port=70000", "--delay=-1", "--delay=x", "--max-bytes=0", "--jobs=0",
  "--rate-limits=sometimes", "--fault=x", "--replay=/nowhere", "--api-key==1",
  "--tls-key=x", "--tls-certificate=/nowhere", "--address=nowhere", "extra",
  "--unheard-of", "--webhook-timeout=0", "--webhook-retry-delay=-1",
  "--decode-timeout=0", "--record=/dev/null/x", "--rule=x", "--rule==human",
  "--verdict=maybe", "--fetch-timeout=0",
};

static void
check_bad_option (guint row)
{
  gchar *argv[] = { (gchar *) g_getenv ("IDENTIFAI_EMULATOR"),
    (gchar *) bad_options[row], NULL
  };
  gchar *output = NULL, *errors = NULL;
  gint status;

  fail_unless (g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
          &output, &errors, &status, NULL));
  fail_if (g_spawn_check_wait_status (status, NULL));
  fail_unless_equals_string (output, "");
  fail_unless (g_str_has_prefix (errors, "identifai-emulator: "));
  if (strstr (errors, "Unknown option") || strstr (errors, "Unexpected"))
    fail_unless (strstr (errors, "identifai-emulator --help") != NULL);
  g_free (output);
  g_free (errors);
}

GST_START_TEST (test_bad_options)
{
  guint i;

  FOR_ROWS (i, bad_options)
      check_bad_option (i);
}

GST_END_TEST;

static Suite *
emulatortrouble_suite (void)
{
  Suite *suite = suite_create ("emulatortrouble");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
#define ROWS(test, rows) \
  tcase_add_loop_test (tc, test, 0, G_N_ELEMENTS (rows))
  tcase_add_test (tc, test_bad_options);
  ROWS (test_stop_in_the_middle, stop_rows);
  tcase_add_test (tc, test_abuse);
  tcase_add_test (tc, test_faults);
  ROWS (test_leaving, leaving_rows);
  tcase_add_test (tc, test_going);
  tcase_add_test (tc, test_reset_upload);
  tcase_add_test (tc, test_upload_broken_off);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatortrouble);
