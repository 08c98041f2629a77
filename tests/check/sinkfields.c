/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a submit call sends: headers, form fields and file, as the service's
 * document says, and nothing that was not asked for.
 */

#define _GNU_SOURCE             /* memmem */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>
#include "faultserver.h"
#include "sinkutil.h"

#define SOURCE "videotestsrc num-buffers=3 ! jpegenc ! avimux ! "

static const FaultStep rejecting[] = {
  {FAULT_POST,.status = 400,.body = "{\"error\":\"No.\"}"},
};

static FaultServer *server;
static gchar *url;

static void
start_server (const FaultStep * steps, guint n_steps)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
  server = fault_server_new (steps, n_steps);
  url = fault_server_get_url (server);
}

static void
setup (void)
{
  start_server (rejecting, G_N_ELEMENTS (rejecting));
}

static void
setup_obliging (void)
{
  start_server (NULL, 0);
}

static void
teardown (void)
{
  fault_server_free (server);
  g_free (url);
}

/* Reading a request. */

static gchar *
get_header (const gchar * headers, const gchar * name)
{
  gchar **lines = g_strsplit (headers, "\r\n", -1);
  gsize length = strlen (name);
  gchar *value = NULL;
  guint i;

  for (i = 0; lines[i] != NULL; i++) {
    if (g_ascii_strncasecmp (lines[i], name, length) == 0
        && lines[i][length] == ':') {
      fail_unless (value == NULL, "two %s", name);
      value = g_strstrip (g_strdup (lines[i] + length + 1));
    }
  }
  g_strfreev (lines);

  return value;
}

static void
check_header (const FaultRequest * request, const gchar * name,
    const gchar * expected)
{
  gchar *value = get_header (request->headers, name);

  fail_unless (g_strcmp0 (value, expected) == 0, "%s: %s, not %s", name, value,
      expected);
  g_free (value);
}

/* One part of the form; content is borrowed from the request's body. */
typedef struct
{
  gchar *headers;
  const gchar *content;
  gsize length;
} Part;

static void
part_free (gpointer data)
{
  Part *part = data;

  g_free (part->headers);
  g_free (part);
}

/* A part from `start` on; returns where the next one starts, or NULL after the
 * last one. Strict: what RFC 7578 doesn't allow fails. */
static const gchar *
read_part (const gchar * start, const gchar * end, const gchar * delimiter,
    Part * part)
{
  const gchar *blank = memmem (start, end - start, "\r\n\r\n", 4);
  const gchar *stop;

  fail_unless (blank != NULL);
  part->headers = g_strndup (start, blank - start + 2);
  part->content = blank + 4;
  stop = memmem (part->content, end - part->content, delimiter,
      strlen (delimiter));
  fail_unless (stop != NULL);
  part->length = stop - part->content;
  stop += strlen (delimiter);
  if (end - stop == 4 && memcmp (stop, "--\r\n", 4) == 0)
    return NULL;
  fail_unless (end - stop > 2 && memcmp (stop, "\r\n", 2) == 0);

  return stop + 2;
}

static GPtrArray *
read_form (const FaultRequest * request)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (part_free);
  gchar *type = get_header (request->headers, "Content-Type");
  gchar *delimiter;
  gsize length;
  const gchar *body = g_bytes_get_data (request->body, &length);
  const gchar *next;

  fail_unless (g_str_has_prefix (type, "multipart/form-data; boundary="), "%s",
      type);
  delimiter = g_strdup (strchr (type, '=') + 1);
  g_strdelimit (delimiter, "\"", ' ');
  g_strstrip (delimiter);
  g_free (type);
  type = delimiter;
  delimiter = g_strconcat ("\r\n--", type, NULL);

  fail_unless (length > strlen (delimiter)
      && memcmp (body, delimiter + 2, strlen (delimiter) - 2) == 0);
  next = body + strlen (delimiter);
  while (next != NULL) {
    Part *part = g_new0 (Part, 1);

    next = read_part (next, body + length, delimiter, part);
    g_ptr_array_add (parts, part);
  }
  g_free (delimiter);
  g_free (type);

  return parts;
}

/* "name=value name=value", of all parts but the file. */
static gchar *
list_fields (GPtrArray * parts)
{
  static const gchar start[] = "Content-Disposition: form-data; name=\"";
  GString *list = g_string_new (NULL);
  guint i;

  for (i = 0; i < parts->len; i++) {
    Part *part = g_ptr_array_index (parts, i);
    const gchar *name = strstr (part->headers, start);

    fail_unless (name == part->headers, "%s", part->headers);
    if (strstr (part->headers, "filename=") != NULL)
      continue;
    name += strlen (start);
    g_string_append_printf (list, "%s%.*s=%.*s", list->len ? " " : "",
        (int) strcspn (name, "\""), name, (int) part->length, part->content);
  }

  return g_string_free (list, FALSE);
}

static const Part *
find_file (GPtrArray * parts)
{
  const Part *file = NULL;
  guint i;

  for (i = 0; i < parts->len; i++) {
    const Part *part = g_ptr_array_index (parts, i);

    if (strstr (part->headers, "filename=") != NULL) {
      fail_unless (file == NULL);
      file = part;
    }
  }
  fail_unless (file != NULL);

  return file;
}

/* Posts one file with the element's properties set as properties says; returns
 * the request. */
static const FaultRequest *
post (const gchar * properties)
{
  guint count = fault_server_count (server, FAULT_POST);
  gchar *line = g_strdup_printf (SOURCE "identifaisink name=sink %s",
      properties);
  SinkRun *run = sink_run_new (url, line);

  fail_unless (sink_run_start (run), "%s", line);
  sink_run_wait (run, "identifai-failed", 1);
  sink_run_free (run);
  g_free (line);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), count + 1);

  return fault_server_get (server, FAULT_POST, count);
}

/* Fields. */

static const struct
{
  const gchar *properties;      /* as for gst-launch-1.0 */
  const gchar *fields;
} rows[] = {
  {"", ""},
  {"ref-id=clip-7", "ref_id=clip-7"},
  {"ref-id=cam-%03u", "ref_id=cam-000"},
  {"ref-id=\"\"", ""},
  {"frames=default", ""},
  {"frames=5", "frames=5"},
  {"frames=10", "frames=10"},
  {"frames=30", "frames=30"},
  {"key-frames=false", ""},
  {"key-frames=true", "key_frames=true key_frames_method=iframes"},
  {"key-frames=true key-frames-method=flow",
      "key_frames=true key_frames_method=flow"},
  {"key-frames=true key-frames-method=color",
      "key_frames=true key_frames_method=color"},
  {"key-frames-method=flow", ""},
  {"with-tampering=true", "with_tampering=true"},
  {"with-morphing=true", "with_morphing=true"},
  {"with-audio=true", "with_audio=true"},
  {"with-nsfw=true", "with_nsfw=true"},
  {"ensure-face-per-frame=true", "ensure_face_per_frame=true"},
  {"no-cache=true", "no_cache=true"},
  {"prevent-c2pa-forces=true", "prevent_c2pa_forces=true"},
  {"webhook-url=https://example.com/hook?a=1&b=2",
      "webhook_url=https://example.com/hook?a=1&b=2"},
  {"extra-parameters=p,with_magic=true,level=(int)3,name=abc",
      "with_magic=true level=3 name=abc"},
  {"extra-parameters=p,off=false,share=(double)0.1,big=(guint64)18446744073709551615",
      "off=false share=0.1 big=18446744073709551615"},
  {"extra-parameters=p", ""},
  {"ref-id=all frames=5 key-frames=true with-tampering=true with-morphing=true "
        "with-audio=true with-nsfw=true ensure-face-per-frame=true "
        "no-cache=true prevent-c2pa-forces=true webhook-url=http://h/ "
        "extra-parameters=p,more=1",
      "ref_id=all frames=5 key_frames=true with_tampering=true "
        "with_morphing=true with_audio=true with_nsfw=true "
        "ensure_face_per_frame=true no_cache=true prevent_c2pa_forces=true "
        "key_frames_method=iframes webhook_url=http://h/ more=1"},
};

GST_START_TEST (test_fields)
{
  const FaultRequest *request = post (rows[__i__].properties);
  GPtrArray *parts = read_form (request);
  gchar *fields = list_fields (parts);

  fail_unless_equals_string (fields, rows[__i__].fields);
  g_free (fields);
  g_ptr_array_unref (parts);
}

GST_END_TEST;

/* Values with everything that a form could stumble over. */
GST_START_TEST (test_odd_values)
{
  SinkRun *run = sink_run_new (url, SOURCE "identifaisink name=sink");
  GstStructure *extra = gst_structure_new ("p", "text", G_TYPE_STRING,
      "line\r\n--x\r\n\"quoted\" \303\251", NULL);
  GPtrArray *parts;
  gchar *fields;

  g_object_set (sink_run_get_sink (run), "ref-id", "a\"b\\c\r\nd: \342\202\254",
      "extra-parameters", extra, NULL);
  gst_structure_free (extra);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  parts = read_form (fault_server_get (server, FAULT_POST, 0));
  fields = list_fields (parts);
  fail_unless_equals_string (fields, "ref_id=a\"b\\c\r\nd: \342\202\254 "
      "text=line\r\n--x\r\n\"quoted\" \303\251");
  sink_run_free (run);
  g_ptr_array_unref (parts);
  g_free (fields);
}

GST_END_TEST;

/* Headers. */

GST_START_TEST (test_request)
{
  const FaultRequest *request = post ("");
  GPtrArray *parts = read_form (request);
  const Part *file = find_file (parts);
  gchar *length = g_strdup_printf ("%" G_GSIZE_FORMAT,
      g_bytes_get_size (request->body));
  gchar *host = g_strdup (strstr (url, "127"));

  fail_unless_equals_string (request->target, "/api/classification_video");
  check_header (request, "Content-Length", length);
  check_header (request, "Transfer-Encoding", NULL);
  check_header (request, "X-Api-Key", SINK_KEY);
  check_header (request, "Accept", "application/json");
  check_header (request, "Host", host);
  check_header (request, "User-Agent", "gst-identifai/" VERSION);
  check_header (request, "Authorization", NULL);
  check_header (request, "Cookie", NULL);
  fail_unless_equals_string (file->headers, "Content-Disposition: form-data; "
      "name=\"video\"; filename=\"segment-00000.avi\"\r\n"
      "Content-Type: video/x-msvideo\r\n");
  fail_unless (file->length > 1000 && memcmp (file->content, "RIFF", 4) == 0);
  g_free (length);
  g_free (host);
  g_ptr_array_unref (parts);
}

GST_END_TEST;

GST_START_TEST (test_request_settings)
{
  const FaultRequest *request;
  gchar *endpoint = g_strconcat (url, "/some/prefix/", NULL);
  SinkRun *run = sink_run_new (endpoint, SOURCE "identifaisink name=sink "
      "response-format=text user-agent=tester/2");

  fail_unless (sink_run_start (run));
  fail_unless (fault_server_wait (server, FAULT_OTHER, 1));
  sink_run_free (run);
  request = fault_server_get (server, FAULT_OTHER, 0);
  fail_unless_equals_string (request->target,
      "/some/prefix/api/classification_video");
  check_header (request, "Accept", "text/plain");
  check_header (request, "User-Agent", "tester/2");
  check_header (request, "X-Api-Key", SINK_KEY);
  g_free (endpoint);
}

GST_END_TEST;

/* Changed while playing: counts from the next segment on. */
GST_START_TEST (test_parameters_of_next_segment)
{
  SinkRun *run = sink_run_new (url, SOURCE "identifaisink name=sink frames=5");
  GPtrArray *parts;
  gchar *fields;

  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  g_object_set (sink_run_get_sink (run), "frames", 30, "ref-id", "second",
      "api-key", "another-key", NULL);
  sink_run_stop (run);
  sink_run_forget (run);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);

  parts = read_form (fault_server_get (server, FAULT_POST, 1));
  fields = list_fields (parts);
  fail_unless_equals_string (fields, "ref_id=second frames=30");
  check_header (fault_server_get (server, FAULT_POST, 1), "X-Api-Key",
      "another-key");
  g_ptr_array_unref (parts);
  g_free (fields);
  sink_run_free (run);
}

GST_END_TEST;

/* Answers: both forms, whatever was asked. */

static const FaultStep as_json[] = {
  {FAULT_POST,.headers = "Content-Type: application/json\r\n",.body =
        "{\"identifier\":\"abc-1\"}"},
};

static const FaultStep as_text[] = {
  {FAULT_POST,.headers = "Content-Type: text/plain; charset=UTF-8\r\n",.body =
        "abc-1"},
};

static const FaultStep as_text_with_newline[] = {
  {FAULT_POST,.headers = "Content-Type: text/html\r\n",.body = "abc-1\r\n"},
};

static const struct
{
  const FaultStep *steps;
  const gchar *format;
} forms[] = {
  {as_json, "json"},
  {as_json, "text"},
  {as_text, "json"},
  {as_text, "text"},
  {as_text_with_newline, "text"},
};

GST_START_TEST (test_answer_forms)
{
  gchar *line = g_strdup_printf (SOURCE "identifaisink name=sink "
      "response-format=%s", forms[__i__].format);
  SinkRun *run;

  start_server (forms[__i__].steps, 1);
  run = sink_run_new (url, line);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-submitted", 1);
  fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
          (run, "identifai-submitted", 0), "identifier"), "abc-1");
  sink_run_free (run);
  g_free (line);
}

GST_END_TEST;

/* The look at the result. */
GST_START_TEST (test_look)
{
  SinkRun *run = sink_run_new (url, SOURCE "identifaisink name=sink");
  const FaultRequest *request;

  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  request = fault_server_get (server, FAULT_GET, 0);
  fail_unless_equals_string (request->target, "/api/classification_video/id-1");
  check_header (request, "X-Api-Key", SINK_KEY);
  check_header (request, "Accept", "application/json");
  sink_run_free (run);
}

GST_END_TEST;

static Suite *
sinkfields_suite (void)
{
  Suite *suite = suite_create ("sinkfields");
  TCase *rejected = tcase_create ("rejected");
  TCase *answered = tcase_create ("answered");
  TCase *obliged = tcase_create ("obliged");

  suite_add_tcase (suite, rejected);
  tcase_add_checked_fixture (rejected, setup, teardown);
  tcase_add_loop_test (rejected, test_fields, 0, G_N_ELEMENTS (rows));
  tcase_add_test (rejected, test_odd_values);
  tcase_add_test (rejected, test_request);
  tcase_add_test (rejected, test_request_settings);
  tcase_add_test (rejected, test_parameters_of_next_segment);
  suite_add_tcase (suite, answered);
  tcase_add_checked_fixture (answered, NULL, teardown);
  tcase_add_loop_test (answered, test_answer_forms, 0, G_N_ELEMENTS (forms));
  suite_add_tcase (suite, obliged);
  tcase_add_checked_fixture (obliged, setup_obliging, teardown);
  tcase_add_test (obliged, test_look);

  return suite;
}

GST_CHECK_MAIN (sinkfields);
