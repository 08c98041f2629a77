/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What properties take and refuse: policy, rate limits, headers, proxy, reference and fields.
 */

#include "config.h"
#include <glib/gstdio.h>
#include "faultserver.h"
#include "gstidentifaisettings.h"
#include "sinkutil.h"

static const FaultStep rejecting[] = {
  {FAULT_POST,.status = 400,.body = "{\"error\":\"No.\"}"},
};

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
  g_unsetenv ("IDENTIFAI_API_KEY");
  g_unsetenv ("IDENTIFAI_API_KEY_FILE");
  sink_watch_warnings ();
}

/* A policy that makes no sense leaves the one before. */
GST_START_TEST (test_policy)
{
  GstElement *sink =
      gst_parse_launch ("identifaisink policy=\"policy,enter=1\"",
      NULL);
  GstStructure *wrong = gst_structure_from_string ("policy,enter=9", NULL);
  GstStructure *got = NULL;
  gint enter;

  g_object_set (sink, "policy", wrong, NULL);
  fail_unless_equals_int (sink_take_warnings (), 1);
  g_object_get (sink, "policy", &got, NULL);
  fail_unless (gst_structure_get_int (got, "enter", &enter) && enter == 1);
  gst_structure_free (got);
  g_object_set (sink, "policy", NULL, NULL);
  g_object_get (sink, "policy", &got, NULL);
  fail_unless (got == NULL);
  fail_unless_equals_int (sink_take_warnings (), 0);
  gst_structure_free (wrong);
  gst_object_unref (sink);
}

GST_END_TEST;

/* What is written on a command line to have none: NULL itself can't be. */
GST_START_TEST (test_no_policy)
{
  static const struct
  {
    const gchar *element, *set;
    gboolean has_policy;
    guint warnings;
  } rows[] = {
    {"identifaisink", "none", FALSE, 0},
    {"identifaisink", "NULL", FALSE, 0},
    {"identifaisink", "policy", TRUE, 0},
    {"identifaisink", "off", TRUE, 1},
    {"identifaisink", "none,enter=1", TRUE, 0},
    {"identifaigate", "none", FALSE, 0},
    {"identifaigate", "NULL", FALSE, 0},
    {"identifaigate", "false", TRUE, 1},
  };
  GstElement *element = gst_element_factory_make (rows[__i__].element, NULL);
  GstStructure *got = NULL;

  gst_util_set_object_arg (G_OBJECT (element), "policy", "policy,enter=1");
  gst_util_set_object_arg (G_OBJECT (element), "policy", rows[__i__].set);
  g_object_get (element, "policy", &got, NULL);
  fail_unless_equals_int (got != NULL, rows[__i__].has_policy);
  fail_unless_equals_int (sink_take_warnings (), rows[__i__].warnings);
  g_clear_pointer (&got, gst_structure_free);
  gst_object_unref (element);
}

GST_END_TEST;

static const struct
{
  const gchar *set;
  guint expected[4];            /* posts a second, a minute, GETs */
  guint warnings;
} limits[] = {
  {"limits", {1, 30, 2, 60}},
  {"limits, post-per-second=(uint)0", {0, 30, 2, 60}},
  {"limits, get-per-minute=5", {1, 30, 2, 5}},
  {"anything, get-per-second=(guint64)7, post-per-minute=(int)9", {1, 9, 7,
          60}},
  {"limits, unknown=3", {1, 30, 2, 60}, 1},
  {"none", {0, 0, 0, 0}},
  {"none, get-per-minute=5", {0, 0, 0, 5}},
  {"off", {1, 30, 2, 60}, 1},
  {"limits, post-per-second=-1", {1, 30, 2, 60}, 1},
  {"limits, post-per-second=many, get-per-second=4", {1, 30, 4, 60}, 1},
  {"limits, get-per-minute=(guint64)4294967296", {1, 30, 2, 60}, 1},
};

static const gchar *const limit_names[] = { "post-per-second",
  "post-per-minute", "get-per-second", "get-per-minute"
};

GST_START_TEST (test_rate_limits)
{
  GstElement *sink = gst_check_setup_element ("identifaisink");
  GstStructure *set = gst_structure_from_string (limits[__i__].set, NULL);
  GstStructure *got = NULL;
  guint i, value;

  fail_unless (set != NULL);
  g_object_set (sink, "rate-limits", set, NULL);
  fail_unless_equals_int (sink_take_warnings (), limits[__i__].warnings);
  g_object_get (sink, "rate-limits", &got, NULL);
  fail_unless (gst_structure_has_name (got, "limits"));
  fail_unless_equals_int (gst_structure_n_fields (got), 4);
  for (i = 0; i < G_N_ELEMENTS (limit_names); i++) {
    fail_unless (gst_structure_get_uint (got, limit_names[i], &value));
    fail_unless_equals_int (value, limits[__i__].expected[i]);
  }
  gst_structure_free (got);
  gst_structure_free (set);
  gst_object_unref (sink);
}

GST_END_TEST;

/* As gst-launch-1.0 and gst_parse_launch() read it. */
GST_START_TEST (test_rate_limits_none)
{
  GstElement *sink = gst_parse_launch ("identifaisink rate-limits=none", NULL);
  GstStructure *got = NULL;
  guint i, value;

  g_object_get (sink, "rate-limits", &got, NULL);
  for (i = 0; i < G_N_ELEMENTS (limit_names); i++) {
    fail_unless (gst_structure_get_uint (got, limit_names[i], &value));
    fail_unless_equals_int (value, 0);
  }
  fail_unless_equals_int (sink_take_warnings (), 0);
  gst_structure_free (got);
  gst_object_unref (sink);
}

GST_END_TEST;

/* extra-headers. */

static const struct
{
  const gchar *set;             /* NULL: a line break, which has no spelling */
  const gchar *sent[3];         /* lines of the request */
  guint warnings;
  gboolean keyless;             /* starts without a key, too */
} header_rows[] = {
  {"h, X-Camera=(string)seven", {"X-Camera: seven"}},
  {"h, X-Camera=7", {"X-Camera: 7"}},
  {"h, X-Flag=true", {"X-Flag: TRUE"}},
  {"h, X-Many=(string)< one, two >", {"X-Many: one", "X-Many: two"}},
  {"h, X-Many=(string){ one, two }", {"X-Many: one", "X-Many: two"}},
  {"h, Authorization=\"Bearer 5ecret-token\"", {"Authorization: Bearer "
              "5ecret-token"}, 0, TRUE},
  {"h, Cookie=\"a=b; c=d\"", {"Cookie: a=b; c=d"}, 0, TRUE},
  {"h, x-gateway-token=abc", {"x-gateway-token: abc"}, 0, TRUE},
  {"h, Ocp-Apim-Subscription-Key=abc", {"Ocp-Apim-Subscription-Key: abc"}, 0,
      TRUE},
  {"h, Authorization=(string)\"\"", {"Authorization: "}},
  {"h, X-Api-Key=other, X-Good=fine", {"X-Good: fine"}, 1},
  {"h, x-api-key=other", {NULL}, 1},
  {"h, Accept=text/html", {NULL}, 1},
  {"h, accept-encoding=gzip", {NULL}, 1},
  {"h, Content-Type=text/plain", {NULL}, 1},
  {"h, Content-Length=1", {NULL}, 1},
  {"h, Host=elsewhere", {NULL}, 1},
  {"h, User-Agent=other", {NULL}, 1},
  {"h, Expect=100-continue", {NULL}, 1},
  {"h, Transfer-Encoding=chunked", {NULL}, 1},
  {"h, Connection=close, Keep-Alive=1, TE=trailers, Upgrade=h2c, Trailer=x",
      {NULL}, 5},
  {"h, Proxy-Authorization=\"Basic eA==\"", {NULL}, 1},
  {"h, a/b=c, a:b=c", {NULL}, 2},
  {"h, X-Hidden=(string)\"***\", X-Good=fine", {"X-Good: fine"}, 1},
  {NULL, {"X-Good: fine"}, 3},
  {"h", {NULL}},
};

static GstStructure *
make_headers (guint row)
{
  if (header_rows[row].set != NULL)
    return gst_structure_from_string (header_rows[row].set, NULL);

  return gst_structure_new ("h", "X-One", G_TYPE_STRING, "a\r\nX-Evil: yes",
      "X-Two", G_TYPE_STRING, "a\nb", "X-Three", G_TYPE_STRING, "a\001b",
      "X-Good", G_TYPE_STRING, " fine ", NULL);
}

static void
check_headers_sent (FaultServer * server, FaultCall call, guint row)
{
  const gchar *sent = fault_server_get (server, call, 0)->headers;
  guint i;

  for (i = 0; i < 3 && header_rows[row].sent[i] != NULL; i++) {
    gchar *line = g_strdup_printf ("\r\n%s\r\n", header_rows[row].sent[i]);

    fail_unless (strstr (sent, line) != NULL, "no %s in %s", line, sent);
    g_free (line);
  }
  fail_unless (strstr (sent, "Evil") == NULL);
  fail_unless (strstr (sent, "other") == NULL && strstr (sent, "***") == NULL);
}

GST_START_TEST (test_extra_headers)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server);
  GstStructure *headers = make_headers (__i__);
  SinkRun *run = sink_run_new (url, SINK_JPEGS);

  fail_unless (headers != NULL);
  g_object_set (sink_run_get_sink (run), "extra-headers", headers, NULL);
  fail_unless_equals_int (sink_take_warnings (), header_rows[__i__].warnings);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  check_headers_sent (server, FAULT_POST, __i__);
  fail_unless_equals_string (fault_server_get (server, FAULT_POST, 0)->key,
      SINK_KEY);
  sink_run_free (run);
  gst_structure_free (headers);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

GST_START_TEST (test_extra_headers_without_key)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server);
  GstStructure *headers = make_headers (__i__);
  SinkRun *run = sink_run_new (url, SINK_JPEGS);

  g_object_set (sink_run_get_sink (run), "extra-headers", headers, "api-key",
      "", NULL);
  if (header_rows[__i__].keyless) {
    fail_unless (sink_run_start (run));
    sink_run_wait (run, "identifai-failed", 1);
    fail_unless (fault_server_get (server, FAULT_POST, 0)->key == NULL);
    check_headers_sent (server, FAULT_POST, __i__);
  } else {
    fail_if (sink_run_start (run));
    fail_unless_equals_int (sink_run_count (run, "error"), 1);
  }
  sink_run_free (run);
  gst_structure_free (headers);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* The names are, the values aren't. */
GST_START_TEST (test_extra_headers_hidden)
{
  GstElement *sink = gst_parse_launch ("identifaisink extra-headers=\"h, "
      "Authorization=(string)5ecret-token, X-Camera=(string)5ecret-seven\"",
      NULL);
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstStructure *got = NULL;
  gchar *dump;

  g_object_get (sink, "extra-headers", &got, NULL);
  fail_unless_equals_string (gst_structure_get_string (got, "Authorization"),
      "***");
  fail_unless_equals_string (gst_structure_get_string (got, "X-Camera"), "***");
  gst_structure_free (got);

  gst_bin_add (GST_BIN (pipeline), sink);
  dump = gst_debug_bin_to_dot_data (GST_BIN (pipeline),
      GST_DEBUG_GRAPH_SHOW_ALL);
  fail_unless (strstr (dump, "extra-headers") != NULL);
  fail_unless (strstr (dump, "5ecret") == NULL);
  g_free (dump);

  g_object_set (sink, "extra-headers", NULL, NULL);
  g_object_get (sink, "extra-headers", &got, NULL);
  fail_unless (got == NULL);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/*** proxy: its password is hidden ***/

static const struct
{
  const gchar *set, *read;
} proxies[] = {
  {"http://proxy.example:3128", "http://proxy.example:3128"},
  {"proxy.example:3128", "proxy.example:3128"},
  {"http://user:5ecret@proxy.example:3128",
      "http://user:***@proxy.example:3128"},
  {"user:5ecret@proxy.example:3128", "user:***@proxy.example:3128"},
  {"socks5://user:5ecret@proxy.example", "socks5://user:***@proxy.example"},
  {"http://user:5ecret:5ecret@[::1]:1", "http://user:***@[::1]:1"},
  {"http://user:%355ecret@a/", "http://user:***@a/"},
  /* names that are tokens */
  {"http://5ecret@proxy.example", "http://***@proxy.example"},
  {"http://5ecret:@proxy.example", "http://***@proxy.example"},
  {"http://:5ecret@proxy.example", "http://:***@proxy.example"},
  /* what is no URL, or has more in it than it seems */
  {"http://user:5ecret#5ecret@a:1", "http://user:***@a:1"},
  {"http://user:5ecret/5ecret?@a:1", "http://user:***@a:1"},
  {"http://user:5ecret@5ecret@a:1", "http://user:***@a:1"},
  {"user:5ecret://5ecret@a:1", "user:***@a:1"},
  {"@a", "***@a"},
};

static void
check_proxy_read (GstElement * sink, const gchar * expected)
{
  gchar *text = NULL;

  g_object_get (sink, "proxy", &text, NULL);
  fail_unless_equals_string (text, expected);
  g_free (text);
}

static void
count_notify (GObject * object, GParamSpec * spec, gpointer count)
{
  (*(guint *) count)++;
}

GST_START_TEST (test_proxy_hidden)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *sink = gst_element_factory_make ("identifaisink", NULL);
  guint notified = 0;
  gchar *dump;

  gst_bin_add (GST_BIN (pipeline), sink);
  g_object_set (sink, "proxy", proxies[__i__].set, NULL);
  check_proxy_read (sink, proxies[__i__].read);
  dump = gst_debug_bin_to_dot_data (GST_BIN (pipeline),
      GST_DEBUG_GRAPH_SHOW_ALL);
  fail_unless (strstr (dump, "proxy=") != NULL);
  fail_unless (strstr (dump, "5ecret") == NULL);
  g_free (dump);

  /* what was read isn't a change; its password in another URL isn't known */
  g_signal_connect (sink, "notify", G_CALLBACK (count_notify), &notified);
  g_object_set (sink, "proxy", proxies[__i__].read, NULL);
  fail_unless_equals_int (sink_take_warnings (), 0);
  g_object_set (sink, "proxy", "http://other:***@elsewhere", NULL);
  fail_unless_equals_int (sink_take_warnings (), 1);
  g_object_set (sink, "proxy", "***@elsewhere", NULL);
  fail_unless_equals_int (sink_take_warnings (), 1);
  check_proxy_read (sink, proxies[__i__].read);
  fail_unless_equals_int (notified, 0);

  g_object_set (sink, "proxy", "http://user:%2A%2A%2A@a", NULL);
  check_proxy_read (sink, "http://user:***@a");
  g_object_set (sink, "proxy", NULL, NULL);
  check_proxy_read (sink, NULL);
  fail_unless_equals_int (sink_take_warnings (), 0);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* The password itself is what is kept. */
GST_START_TEST (test_proxy_set_as_read)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server), *read = NULL, *proxy;
  SinkRun *run = sink_run_new ("http://service.example", SINK_JPEGS);
  GstElement *sink = sink_run_get_sink (run);

  proxy = g_strconcat ("http://user:5ecret@", url + strlen ("http://"), NULL);
  g_object_set (sink, "proxy", proxy, "allow-plain-http", TRUE, NULL);
  g_object_get (sink, "proxy", &read, NULL);
  g_object_set (sink, "proxy", read, NULL);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  fail_unless (strstr (fault_server_get (server, FAULT_POST, 0)->headers,
          "\r\nProxy-Authorization: Basic dXNlcjo1ZWNyZXQ=\r\n") != NULL);
  sink_run_free (run);
  fault_server_free (server);
  g_free (proxy);
  g_free (read);
  g_free (url);
}

GST_END_TEST;

/* Another element has no password to keep: nothing goes out, past the proxy or
 * with asterisks. */
GST_START_TEST (test_proxy_of_another)
{
  SinkRun *run = sink_run_new ("http://127.0.0.1:9", SINK_JPEGS);
  GError *error = NULL;

  g_object_set (sink_run_get_sink (run), "proxy", "http://user:***@127.0.0.1:9",
      NULL);
  fail_unless_equals_int (sink_take_warnings (), 1);
  fail_if (sink_run_start (run));
  gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, "hidden") != NULL, "%s", error->message);
  g_error_free (error);
  sink_run_free (run);
}

GST_END_TEST;

/* Segment 0 and 1; NULL: not valid, the element can't start. */
static const struct
{
  const gchar *set;
  const gchar *first, *second;
} ref_ids[] = {
  {"plain", "plain", "plain"},
  {"cam7-%05u", "cam7-00000", "cam7-00001"},
  {"%u", "0", "1"},
  {"%d|%%", "0|%", "1|%"},
  {"%3u.", "  0.", "  1."},
  {"%020u", "00000000000000000000", "00000000000000000001"},
  {"100%%", "100%", "100%"},
  {"%%u", "%u", "%u"},
  {"\303\251 %i", "\303\251 0", "\303\251 1"},
  {"%s", NULL},
  {"%n", NULL},
  {"%", NULL},
  {"%5", NULL},
  {"%u-%u", NULL},
  {"%99u", NULL},
  {"%99999999999999999999u", NULL},
  {"%lu", NULL},
  {"%*u", NULL},
  {"%-5u", NULL},
  {"%1$u", NULL},
  {"%c", NULL},
  {"%x", NULL},
  {"bad \377 %u", NULL},
};

GST_START_TEST (test_ref_id)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new (url, SINK_JPEGS);

  g_object_set (sink_run_get_sink (run), "ref-id", ref_ids[__i__].set, NULL);
  if (ref_ids[__i__].first == NULL) {
    fail_if (sink_run_start (run));
    fail_unless_equals_int (sink_run_count (run, "error"), 1);
  } else {
    const GstStructure *message;

    fail_unless (sink_run_start (run));
    sink_run_wait (run, "identifai-failed", 1);
    message = sink_run_get_structure (run, "identifai-failed", 0);
    fail_unless_equals_string (gst_structure_get_string (message, "ref-id"),
        ref_ids[__i__].first);
  }
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

GST_START_TEST (test_ref_id_format)
{
  const gchar *set = ref_ids[__i__].set;
  gchar *text;

  if (ref_ids[__i__].first == NULL)
    return;
  text = gst_identifai_ref_id_format (set, 1);
  fail_unless_equals_string (text, ref_ids[__i__].second);
  g_free (text);
}

GST_END_TEST;

/* While playing, one that is not valid is not taken. */
GST_START_TEST (test_ref_id_playing)
{
  SinkRun *run = sink_run_new ("http://127.0.0.1:9",
      "appsrc ! identifaisink name=sink");
  gchar *value = NULL;

  g_object_set (sink_run_get_sink (run), "ref-id", "good-%u", NULL);
  fail_unless (sink_run_start (run));
  g_object_set (sink_run_get_sink (run), "ref-id", "%s", NULL);
  fail_unless_equals_int (sink_take_warnings (), 1);
  g_object_get (sink_run_get_sink (run), "ref-id", &value, NULL);
  fail_unless_equals_string (value, "good-%u");
  g_free (value);
  g_object_set (sink_run_get_sink (run), "ref-id", NULL, NULL);
  g_object_get (sink_run_get_sink (run), "ref-id", &value, NULL);
  fail_unless (value == NULL);
  fail_unless_equals_int (sink_take_warnings (), 0);
  sink_run_free (run);
}

GST_END_TEST;

/* No field comes twice, however the service's framework spells it. */
static const struct
{
  const gchar *properties;
  const gchar *text;            /* of the error; NULL: fine */
} doubled[] = {
  {"ref-id=a extra-parameters=p,ref_id=b", "ref_id"},
  {"ref-id=a extra-parameters=p,ref.id=b", "ref.id"},
  {"webhook-url=http://a extra-parameters=p,webhook_url=b", "webhook_url"},
  {"frames=5 extra-parameters=p,frames=10", "frames"},
  {"key-frames=true extra-parameters=p,key_frames_method=flow",
      "key_frames_method"},
  {"with-nsfw=true extra-parameters=p,with_nsfw=false", "with_nsfw"},
  {"extra-parameters=p,video=b", "video"},
  {"extra-parameters=p,frames=15", NULL},
  {"extra-parameters=p,Video=b,ref_id=c", NULL},
};

GST_START_TEST (test_doubled_fields)
{
  gchar *line = g_strconcat ("appsrc ! identifaisink name=sink ",
      doubled[__i__].properties, NULL);
  SinkRun *run = sink_run_new ("http://127.0.0.1:9", line);
  GError *error = NULL;

  if (doubled[__i__].text == NULL) {
    fail_unless (sink_run_start (run), "%s", line);
  } else {
    fail_if (sink_run_start (run), "%s", line);
    gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
    fail_unless (strstr (error->message, doubled[__i__].text)
        && strstr (error->message, "already"), "%s", error->message);
    g_error_free (error);
  }
  sink_run_free (run);
  g_free (line);
}

GST_END_TEST;

/* While playing, whichever of the two comes later isn't set. */
GST_START_TEST (test_doubled_while_playing)
{
  SinkRun *run = sink_run_new ("http://127.0.0.1:9",
      "appsrc ! identifaisink name=sink extra-parameters=p,with_nsfw=false");
  GstElement *sink = sink_run_get_sink (run);
  GstStructure *extra = gst_structure_from_string ("p,with_audio=1", NULL);
  gboolean nsfw = TRUE;

  fail_unless (sink_run_start (run));
  g_object_set (sink, "with-nsfw", TRUE, NULL);
  fail_unless_equals_int (sink_take_warnings (), 1);
  g_object_get (sink, "with-nsfw", &nsfw, NULL);
  fail_if (nsfw);
  g_object_set (sink, "with-audio", TRUE, NULL);
  fail_unless_equals_int (sink_take_warnings (), 0);
  g_object_set (sink, "extra-parameters", extra, NULL);
  fail_unless_equals_int (sink_take_warnings (), 1);
  g_object_set (sink, "with-audio", FALSE, "extra-parameters", extra, NULL);
  fail_unless_equals_int (sink_take_warnings (), 0);
  gst_structure_free (extra);
  sink_run_free (run);
}

GST_END_TEST;

/* What is too long, at start and while playing; and a name that only an
 * application can set. */
GST_START_TEST (test_long_fields)
{
  gchar *long_text = g_strnfill (64 * 1024, 'x');
  GstStructure *extra[] = {
    gst_structure_new ("p", "more", G_TYPE_STRING, long_text, NULL),
    gst_structure_new ("p", "video[]", G_TYPE_STRING, "x", NULL),
    gst_structure_new ("p", "more", G_TYPE_STRING, "x", NULL),
  };
  SinkRun *run;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (extra); i++) {
    run = sink_run_new ("http://127.0.0.1:9",
        "appsrc ! identifaisink name=sink");
    g_object_set (sink_run_get_sink (run), "extra-parameters", extra[i], NULL);
    fail_unless_equals_int (sink_run_start (run), i == 2);
    fail_unless_equals_int (sink_run_count (run, "error"), i < 2);
    sink_run_stop (run);

    g_object_set (sink_run_get_sink (run), "extra-parameters", NULL, NULL);
    fail_unless (sink_run_start (run));
    g_object_set (sink_run_get_sink (run), "extra-parameters", extra[i], NULL);
    fail_unless_equals_int (sink_take_warnings (), i < 2);
    gst_structure_free (extra[i]);
    long_text[1001] = '\0';
    g_object_set (sink_run_get_sink (run), "ref-id", long_text, NULL);
    fail_unless_equals_int (sink_take_warnings (), 1);
    sink_run_free (run);
  }

  run = sink_run_new ("http://127.0.0.1:9", "appsrc ! identifaisink name=sink");
  g_object_set (sink_run_get_sink (run), "ref-id", long_text, NULL);
  fail_if (sink_run_start (run));
  long_text[1000] = '\0';
  sink_run_stop (run);
  g_object_set (sink_run_get_sink (run), "ref-id", long_text, NULL);
  fail_unless (sink_run_start (run));
  sink_run_free (run);
  g_free (long_text);
}

GST_END_TEST;

static Suite *
sinkvalues_suite (void)
{
  Suite *suite = suite_create ("sinkvalues");
  TCase *tcase = tcase_create ("values");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, NULL);
  tcase_add_loop_test (tcase, test_rate_limits, 0, G_N_ELEMENTS (limits));
  tcase_add_test (tcase, test_rate_limits_none);
  tcase_add_test (tcase, test_policy);
  tcase_add_loop_test (tcase, test_no_policy, 0, 8);
  tcase_add_loop_test (tcase, test_extra_headers, 0,
      G_N_ELEMENTS (header_rows));
  tcase_add_loop_test (tcase, test_extra_headers_without_key, 0,
      G_N_ELEMENTS (header_rows));
  tcase_add_test (tcase, test_extra_headers_hidden);
  tcase_add_loop_test (tcase, test_proxy_hidden, 0, G_N_ELEMENTS (proxies));
  tcase_add_test (tcase, test_proxy_set_as_read);
  tcase_add_test (tcase, test_proxy_of_another);
  tcase_add_loop_test (tcase, test_ref_id, 0, G_N_ELEMENTS (ref_ids));
  tcase_add_loop_test (tcase, test_ref_id_format, 0, G_N_ELEMENTS (ref_ids));
  tcase_add_test (tcase, test_ref_id_playing);
  tcase_add_loop_test (tcase, test_doubled_fields, 0, G_N_ELEMENTS (doubled));
  tcase_add_test (tcase, test_doubled_while_playing);
  tcase_add_test (tcase, test_long_fields);

  return suite;
}

GST_CHECK_MAIN (sinkvalues);
