/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the element says: the messages of a verdict with all their fields, and
 * each way in which the service can let a segment down.
 */

#include <string.h>
#include <sys/wait.h>
#include "faultserver.h"
#include "sinkutil.h"

#define SOURCE "videotestsrc num-buffers=3 ! jpegenc ! avimux ! "
#define SINK SOURCE "identifaisink name=sink "

#define ANSWER "{\"identifier\":\"id-1\",\"status\":\"done\",\"is_nsfw\":true," \
    "\"force_classification\":\"human\"," \
    "\"verdict\":{\"heuristic\":\"Majority\",\"confidence\":1," \
    "\"classification\":\"artificial\",\"count\":2,\"models\":[\"a\",\"b\"]," \
    "\"unknown\":false},\"verdicts\":[" \
    "{\"heuristic\":\"Majority\",\"confidence\":1,\"classification\":" \
    "\"artificial\",\"unknown\":false}," \
    "{\"heuristic\":\"Average\",\"confidence\":0.625,\"classification\":" \
    "\"human\",\"unknown\":false}]," \
    "\"results\":{\"images\":[{\"verdict\":{\"confidence\":0.5,\"classification\":" \
    "\"artificial\"},\"results\":[" \
    "{\"model\":\"a\",\"classification\":[{\"label\":\"human\",\"score\":0.25}" \
    "]}]}],\"audios\":[]}}"

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
}

/* Fields. */

typedef struct
{
  const gchar *message;
  const gchar *field;
  const gchar *type;
  const gchar *value;           /* as gst_value_serialize(); NULL: any */
} Field;

#define NONE "18446744073709551615"
#define COMMON(message) \
  {message, "kind", "gchararray", "video"}, \
  {message, "segment", "guint", "0"}, \
  {message, "running-time", "guint64", NONE}, \
  {message, "stream-time", "guint64", NONE}, \
  {message, "duration", "guint64", NONE}, \
  {message, "date-time", "GstDateTime", NULL}, \
  {message, "bytes", "guint64", NULL}, \
  {message, "session", "gchararray", NULL}, \
  {message, "sha256", "gchararray", NULL}, \
  {message, "ref-id", "gchararray", "clip-0"}

static const Field verdict_fields[] = {
  COMMON ("identifai-segment"),
  {"identifai-segment", "frames", "guint", "0"},
  {"identifai-segment", "keyframes", "guint", "0"},
  {"identifai-segment", "discontinuities", "guint", "0"},
  {"identifai-segment", "audio-missing", "guint64", "0"},
  {"identifai-segment", "content-type", "gchararray", "video/x-msvideo"},
  COMMON ("identifai-submitted"),
  {"identifai-submitted", "identifier", "gchararray", "id-1"},
  {"identifai-submitted", "upload-time", "guint64", NULL},
  COMMON ("identifai-verdict"),
  {"identifai-verdict", "identifier", "gchararray", "id-1"},
  {"identifai-verdict", "classification", "gchararray", "artificial"},
  {"identifai-verdict", "confidence", "gdouble", "1"},
  {"identifai-verdict", "score", "gdouble", "1"},
  {"identifai-verdict", "artificial-frames", "guint", "1"},
  {"identifai-verdict", "heuristic", "gchararray", "Majority"},
  {"identifai-verdict", "unknown", "gboolean", "false"},
  {"identifai-verdict", "nsfw", "gboolean", "true"},
  {"identifai-verdict", "forced", "gchararray", "human"},
  {"identifai-verdict", "verdicts", "GstValueArray", NULL},
  {"identifai-verdict", "results", "GstStructure", NULL},
  {"identifai-verdict", "json", "gchararray", ANSWER},
  {"identifai-verdict", "latency", "guint64", NULL},
};

static void
check_field (const GstStructure * structure, const Field * field)
{
  const GValue *value = gst_structure_get_value (structure, field->field);
  gchar *text;

  fail_unless (value != NULL, "%s has no %s", field->message, field->field);
  fail_unless_equals_string (G_VALUE_TYPE_NAME (value), field->type);
  if (field->value == NULL)
    return;
  text = G_VALUE_HOLDS_STRING (value) ? g_value_dup_string (value) :
      gst_value_serialize (value);
  fail_unless (g_str_equal (text, field->value), "%s: %s is %s",
      field->message, field->field, text);
  g_free (text);
}

/* No message has fields that no row names. */
static void
check_fields (SinkRun * run, const gchar * name)
{
  const GstStructure *structure = sink_run_get_structure (run, name, 0);
  gint n = 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (verdict_fields); i++) {
    if (g_str_equal (verdict_fields[i].message, name)) {
      check_field (structure, &verdict_fields[i]);
      n++;
    }
  }
  fail_unless_equals_int (gst_structure_n_fields (structure), n);
}

static void
check_tags (SinkRun * run, const gchar * classification, gdouble confidence)
{
  GstTagList *tags;
  gchar *text = NULL;
  gdouble number = 0;
  gboolean nsfw = FALSE;

  gst_message_parse_tag (sink_run_get (run, "tag", 0), &tags);
  fail_unless (gst_tag_list_get_string (tags, "identifai-classification",
          &text));
  fail_unless_equals_string (text, classification);
  g_free (text);
  fail_unless (gst_tag_list_get_double (tags, "identifai-confidence", &number));
  fail_unless_equals_float (number, confidence);
  fail_unless (gst_tag_list_get_string (tags, "identifai-identifier", &text));
  fail_unless_equals_string (text, "id-1");
  g_free (text);
  fail_unless (gst_tag_list_get_boolean (tags, "identifai-nsfw", &nsfw));
  fail_unless (nsfw);
  fail_unless_equals_int (gst_tag_list_n_tags (tags), 4);
  gst_tag_list_unref (tags);
}

static const FaultStep judging[] = {
  {FAULT_GET,.body = ANSWER},
  {FAULT_BATCH,.body = "[" ANSWER "]"},
};

static void
check_list (SinkRun * run, const gchar * expected)
{
  gchar *list = sink_run_list (run);

  fail_unless_equals_string (list, expected);
  g_free (list);
}

static void
check_verdict_stats (SinkRun * run)
{
  static const struct
  {
    const gchar *name;
    guint64 value;
  } expected[] = {
    {"segments", 1}, {"submitted", 1}, {"verdicts", 1}, {"failed", 0},
    {"dropped", 0}, {"pending", 0}, {"in-flight", 0}, {"pending-bytes", 0},
    {"post-requests", 1}, {"get-requests", 1}, {"retries", 0},
    {"throttled", 0},
  };
  guint64 bytes = 0, latency = 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (expected); i++)
    fail_unless (sink_run_get_stat (run, expected[i].name) ==
        expected[i].value, "%s is %" G_GUINT64_FORMAT, expected[i].name,
        sink_run_get_stat (run, expected[i].name));
  gst_structure_get_uint64 (sink_run_get_structure (run, "identifai-segment",
          0), "bytes", &bytes);
  gst_structure_get_uint64 (sink_run_get_structure (run, "identifai-verdict",
          0), "latency", &latency);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "bytes-uploaded"), bytes);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "latency-last"), latency);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "latency-max"), latency);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "latency-average"),
      latency);
  sink_run_check_stats (run);
}

GST_START_TEST (test_verdict)
{
  FaultServer *server = fault_server_new (judging, G_N_ELEMENTS (judging));
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new (url, SINK "ref-id=clip-%u");

  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  check_list (run, "identifai-segment identifai-submitted identifai-verdict "
      "tag eos");
  check_fields (run, "identifai-segment");
  check_fields (run, "identifai-submitted");
  check_fields (run, "identifai-verdict");
  check_tags (run, "artificial", 1.0);
  check_verdict_stats (run);
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* The score in results.images[0].results[0].classification[0]. */
static gdouble
find_score (const GstStructure * verdict)
{
  static const gchar *const path[] = { "images", "results", "classification" };
  const GstStructure *structure =
      gst_value_get_structure (gst_structure_get_value (verdict, "results"));
  gdouble score = -1;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (path); i++) {
    const GValue *array = gst_structure_get_value (structure, path[i]);

    fail_unless (array != NULL && GST_VALUE_HOLDS_ARRAY (array));
    fail_unless_equals_int (gst_value_array_get_size (array), 1);
    structure = gst_value_get_structure (gst_value_array_get_value (array, 0));
  }
  fail_unless (gst_structure_get_double (structure, "score", &score));

  return score;
}

static void
check_verdicts (const GstStructure * verdict)
{
  const GValue *verdicts = gst_structure_get_value (verdict, "verdicts");
  const GstStructure *second;
  gdouble confidence = 0;

  fail_unless_equals_int (gst_value_array_get_size (verdicts), 2);
  second = gst_value_get_structure (gst_value_array_get_value (verdicts, 1));
  fail_unless_equals_string (gst_structure_get_string (second, "heuristic"),
      "Average");
  fail_unless_equals_string (gst_structure_get_string (second,
          "classification"), "human");
  fail_unless (gst_structure_get_double (second, "confidence", &confidence));
  fail_unless_equals_float (confidence, 0.625);
}

/* Another of the verdicts counts; all of them are there. */
GST_START_TEST (test_heuristic)
{
  FaultServer *server = fault_server_new (judging, G_N_ELEMENTS (judging));
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new (url, SINK "heuristic=Average");
  const GstStructure *verdict;

  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  verdict = sink_run_get_structure (run, "identifai-verdict", 0);
  fail_unless_equals_string (gst_structure_get_string (verdict, "heuristic"),
      "Average");
  fail_unless_equals_string (gst_structure_get_string (verdict,
          "classification"), "human");
  check_verdicts (verdict);
  fail_unless_equals_float (find_score (verdict), 0.25);
  check_tags (run, "human", 0.625);
  fail_if (gst_structure_has_field (verdict, "ref-id"));
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

GST_START_TEST (test_tags_registered)
{
  static const struct
  {
    const gchar *name;
    GType type;
  } tags[] = {
    {"identifai-classification", G_TYPE_STRING},
    {"identifai-confidence", G_TYPE_DOUBLE},
    {"identifai-identifier", G_TYPE_STRING},
    {"identifai-nsfw", G_TYPE_BOOLEAN},
  };
  GstElement *sink = gst_check_setup_element ("identifaisink");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (tags); i++) {
    fail_unless (gst_tag_exists (tags[i].name), "%s", tags[i].name);
    fail_unless (gst_tag_get_type (tags[i].name) == tags[i].type);
    fail_unless (strlen (gst_tag_get_nick (tags[i].name)) > 0);
    fail_unless (strlen (gst_tag_get_description (tags[i].name)) > 0);
  }
  gst_object_unref (sink);
}

GST_END_TEST;

/* Failures. */

#define FAILED "identifai-segment warning identifai-failed error eos"
#define WARNED "identifai-segment warning identifai-failed warning eos"
#define REFUSED "identifai-segment identifai-failed error eos"
#define LATER_REFUSED "identifai-segment identifai-submitted warning " \
    "identifai-failed error eos"
#define SILENT "identifai-segment identifai-submitted identifai-failed error eos"

typedef struct
{
  const gchar *what;
  FaultStep step;
  const gchar *properties;
  const gchar *reason;
  guint status;
  const gchar *words;           /* in "message" */
  const gchar *list;            /* NULL: the warning may come at any time */
  gint code;                    /* of GST_RESOURCE_ERROR, of the error */
} Failure;

static const Failure failures[] = {
  {"parameters", {FAULT_POST,.status = 400,.body =
              "{\"frames\":[\"The selected frames is invalid.\"]}"}, "",
      "rejected", 400, "The selected frames is invalid.", FAILED,
      GST_RESOURCE_ERROR_WRITE},
  {"unsupported", {FAULT_POST,.status = 400,.body =
              "{\"error\":\"The uploaded file format is not supported.\"}"}, "",
      "rejected", 400, "The uploaded file format is not supported.", FAILED,
      GST_RESOURCE_ERROR_WRITE},
  {"credits", {FAULT_POST,.status = 400,.body =
              "{\"error\":\"You have no enough credits.\"}"}, "",
      "no-credits", 400, "credits", REFUSED,
      GST_RESOURCE_ERROR_NOT_AUTHORIZED},
  {"credits, warn", {FAULT_POST,.status = 400,.body =
              "{\"error\":\"You have no enough credits.\"}"}, "on-refusal=warn",
      "no-credits", 400, "credits", WARNED,
      GST_RESOURCE_ERROR_NOT_AUTHORIZED},
  {"payment", {FAULT_POST,.status = 402,.body = "{}"}, "", "no-credits", 402,
      "", REFUSED, GST_RESOURCE_ERROR_NOT_AUTHORIZED},
  {"key", {FAULT_POST,.status = 401,.body = "{\"error\":\"Unauthorized\"}"},
      "", "unauthorized", 401, "Unauthorized", REFUSED,
      GST_RESOURCE_ERROR_NOT_AUTHORIZED},
  {"key, warn", {FAULT_POST,.status = 401,.body =
              "{\"error\":\"Unauthorized\"}"}, "on-refusal=warn",
      "unauthorized", 401, "Unauthorized", WARNED,
      GST_RESOURCE_ERROR_NOT_AUTHORIZED},
  /* Nothing ends such a stream, whatever fails. */
  {"broken, warn", {FAULT_POST,.status = 500,.body = "{}"}, "on-refusal=warn",
      "service-error", 500, "", WARNED, GST_RESOURCE_ERROR_FAILED},
  {"terms", {FAULT_POST,.status = 403,.body = "{\"error\":\"Forbidden\"}"},
      "", "unauthorized", 403, "Forbidden", REFUSED,
      GST_RESOURCE_ERROR_NOT_AUTHORIZED},
  {"path", {FAULT_POST,.status = 404,.body = "Not Found"}, "", "rejected", 404,
      "Not Found", FAILED, GST_RESOURCE_ERROR_WRITE},
  {"large", {FAULT_POST,.status = 413,.body = ""}, "", "rejected", 413, "",
      FAILED, GST_RESOURCE_ERROR_WRITE},
  {"type", {FAULT_POST,.status = 415,.body = ""}, "", "rejected", 415, "",
      FAILED, GST_RESOURCE_ERROR_WRITE},
  {"unprocessable", {FAULT_POST,.status = 422,.body =
              "{\"message\":\"The video field is required.\"}"}, "",
      "rejected", 422, "The video field is required.", FAILED,
      GST_RESOURCE_ERROR_WRITE},
  {"teapot", {FAULT_POST,.status = 418,.body = ""}, "", "rejected", 418, "",
      FAILED, GST_RESOURCE_ERROR_WRITE},
  {"throttled", {FAULT_POST,.status = 429,.body =
              "{\"message\":\"Too Many Attempts.\"}"}, "", "throttled", 429,
      "Too Many Attempts.", FAILED, GST_RESOURCE_ERROR_BUSY},
  {"broken", {FAULT_POST,.status = 500,.body =
              "{\"message\":\"Server Error\"}"},
      "", "service-error", 500, "Server Error", FAILED,
      GST_RESOURCE_ERROR_FAILED},
  {"busy", {FAULT_POST,.status = 503,.body = "<html><h1>Busy</h1></html>"}, "",
      "service-error", 503, "", FAILED, GST_RESOURCE_ERROR_FAILED},
  {"empty answer", {FAULT_POST,.body = "{}"}, "", "bad-response", 200, "",
      FAILED, GST_RESOURCE_ERROR_READ},
  {"a page", {FAULT_POST,.headers = "Content-Type: text/html\r\n",.body =
              "<html><body>Welcome</body></html>"}, "", "bad-response", 200, "",
      FAILED, GST_RESOURCE_ERROR_READ},
  {"closed", {FAULT_POST,.kind = FAULT_CLOSE}, "", "network", 0, "", FAILED,
      GST_RESOURCE_ERROR_OPEN_WRITE},
  {"reset", {FAULT_POST,.kind = FAULT_RESET,.at = 100}, "", "network", 0, "",
      FAILED, GST_RESOURCE_ERROR_OPEN_WRITE},
  {"no http", {FAULT_POST,.kind = FAULT_RAW,.body = "220 smtp ready\r\n"}, "",
      "network", 0, "no HTTP answer", FAILED, GST_RESOURCE_ERROR_OPEN_WRITE},
  {"silent", {FAULT_POST,.kind = FAULT_SILENT}, "timeout=1", "network", 0, "",
      FAILED, GST_RESOURCE_ERROR_OPEN_WRITE},
  {"stuck", {FAULT_POST,.kind = FAULT_STUCK,.at = 10}, "timeout=1", "network",
      0, "", FAILED, GST_RESOURCE_ERROR_OPEN_WRITE},

  {"errored", {FAULT_GET,.body = "{\"identifier\":\"id-1\",\"status\":"
              "\"errored\",\"errors\":\"could not decode\"}"}, "",
      "service-error", 200, "could not decode", SILENT,
      GST_RESOURCE_ERROR_FAILED},
  /* Looks that are refused cost no segment, and stop no pipeline. */
  {"key gone", {FAULT_GET,.status = 401,.body = "{\"error\":\"Unauthorized\"}"},
      "verdict-timeout=3000000000", "timeout", 401, "Unauthorized",
      LATER_REFUSED, GST_RESOURCE_ERROR_READ},
  {"front", {FAULT_GET,.status = 403,.body = "<html>Blocked</html>"},
      "drain-timeout=3000000000", "timeout", 403, "Blocked", LATER_REFUSED,
      GST_RESOURCE_ERROR_READ},
  {"no result", {FAULT_GET,.body = "{\"identifier\":\"id-1\",\"status\":"
              "\"new\"}"}, "verdict-timeout=2000000000", "timeout", 0, "",
      SILENT,
      GST_RESOURCE_ERROR_READ},
  {"drained", {FAULT_GET,.body = "{\"identifier\":\"id-1\",\"status\":"
              "\"new\"}"}, "drain-timeout=5000000000", "timeout", 0,
      "drain-timeout", SILENT, GST_RESOURCE_ERROR_READ},
  {"other heuristic", {FAULT_GET,.body = ANSWER}, "heuristic=Median",
      "bad-response", 200, "Median", NULL, GST_RESOURCE_ERROR_READ},
};

/* That lets a time pass. */
static gboolean
is_slow (const Failure * row)
{
  return strstr (row->properties, "timeout=") != NULL;
}

static void
check_failed (SinkRun * run, const Failure * row)
{
  const GstStructure *failed =
      sink_run_get_structure (run, "identifai-failed", 0);
  guint status = 4711;
  const gchar *words;

  fail_unless_equals_string (gst_structure_get_string (failed, "reason"),
      row->reason);
  fail_unless (gst_structure_get_uint (failed, "http-status", &status));
  fail_unless_equals_int (status, row->status);
  words = gst_structure_get_string (failed, "message");
  fail_unless (words != NULL && strstr (words, row->words) != NULL,
      "%s: \"%s\"", row->what, words);
  fail_unless_equals_string (gst_structure_get_string (failed, "identifier"),
      row->step.call == FAULT_GET ? "id-1" : NULL);
  sink_run_check_stats (run);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "failed"), 1);
}

static void
parse_summary (SinkRun * run, const Failure * row, GError ** error,
    const GstStructure ** details)
{
  GstMessage *message;

  if (g_strcmp0 (row->list, WARNED) == 0) {
    message = sink_run_get (run, "warning", 1);
    gst_message_parse_warning (message, error, NULL);
    gst_message_parse_warning_details (message, details);
  } else {
    message = sink_run_get (run, "error", 0);
    gst_message_parse_error (message, error, NULL);
    gst_message_parse_error_details (message, details);
  }
}

/* What the messages of a kind advise; the last ones don't speak of another try. */
static gchar *
list_advice (SinkRun * run, const gchar * kind)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < sink_run_count (run, kind); i++) {
    GstMessage *message = sink_run_get (run, kind, i);
    GError *error = NULL;
    gchar *debug = NULL;

    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      gst_message_parse_error (message, &error, &debug);
    else
      gst_message_parse_warning (message, &error, &debug);
    g_string_append_printf (text, "%s: %s\n", error->message, debug);
    g_error_free (error);
    g_free (debug);
  }

  return g_string_free (text, FALSE);
}

/* Each refusal has an advice of its own. */
static const struct
{
  FaultStep steps[2];
  const gchar *text;            /* in the error */
  const gchar *advice;
} refusals[] = {
  {{{FAULT_POST,.status = 401,.body = "{\"error\":\"Unauthorized\"}"}},
      "refused the API key: Unauthorized", "Check the key"},
  {{{FAULT_POST,.status = 401,.body = "{\"error\":\"Key was Revoked\"}"}},
      "doesn't take the API key any more: Key was Revoked", "Make a new key"},
  /* both are on the wire at once: the first one's answer comes first */
  {{{FAULT_POST, 2,.status = 401,.body =
                    "{\"error\":\"Unauthorized\"}",.delay = 500}},
      "doesn't take the API key any more: Unauthorized", "Make a new key"},
  {{{FAULT_POST,.status = 403,.body = "{\"error\":\"Forbidden\"}"}},
      "doesn't let this account use it: Forbidden",
      "Accept the terms of service"},
  {{{FAULT_POST,.status = 400,.body = "{\"error\":\"No credits\"}"}},
      "no credits left: No credits", "Buy credits"},
};

GST_START_TEST (test_refusal_advice)
{
  FaultServer *server = fault_server_new (refusals[__i__].steps, 1);
  gchar *url = fault_server_get_url (server), *text;
  SinkRun *run = sink_run_new (url, "videotestsrc num-buffers=20 ! "
      "video/x-raw,framerate=10/1 ! jpegenc ! identifaisink name=sink "
      "segment-duration=1000000000 rate-limits=none retries=0");

  fail_unless (sink_run_start (run));
  sink_run_wait (run, "error", 1);
  text = list_advice (run, "error");
  fail_unless (strstr (text, refusals[__i__].text)
      && strstr (text, refusals[__i__].advice), "%s", text);
  g_free (text);
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

static void
check_details (SinkRun * run, const Failure * row)
{
  const GstStructure *details = NULL;
  GError *error = NULL;
  guint status = 0;

  parse_summary (run, row, &error, &details);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, row->code),
      "%s: %d", error->message, error->code);
  fail_unless (strstr (error->message, row->words) != NULL, "%s",
      error->message);
  fail_unless (details != NULL);
  fail_unless (gst_structure_get_uint (details, "http-status-code", &status)
      == (row->status != 0));
  fail_unless_equals_int (status, row->status);
  g_error_free (error);
}

static void
run_failure (const Failure * row)
{
  FaultServer *server = fault_server_new (&row->step, 1);
  gchar *url = fault_server_get_url (server);
  gchar *line = g_strconcat (SINK, row->properties, NULL), *text;
  SinkRun *run = sink_run_new (url, line);

  fail_unless (sink_run_start (run));
  sink_run_wait (run, "eos", 1);
  check_failed (run, row);
  if (row->list != NULL)
    check_list (run, row->list);
  check_details (run, row);
  /* Nothing is tried again, and nothing says so. */
  text = list_advice (run, "error");
  fail_unless (!strstr (text, "gain"), "%s", text);
  g_free (text);
  sink_run_free (run);
  fault_server_free (server);
  g_free (line);
  g_free (url);
}

GST_START_TEST (test_failure)
{
  run_failure (&failures[__i__]);
}

GST_END_TEST;

GST_START_TEST (test_slow_failure)
{
  run_failure (&failures[__i__]);
}

GST_END_TEST;

/* Nobody listens. */
GST_START_TEST (test_refused_connection)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server), *text;
  SinkRun *run = sink_run_new (url, SINK);

  fault_server_close (server);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "eos", 1);
  check_list (run, FAILED);
  fail_unless_equals_string (gst_structure_get_string (sink_run_get_structure
          (run, "identifai-failed", 0), "reason"), "network");
  text = list_advice (run, "error");
  fail_unless (strstr (text, "nothing listens on 127.0.0.1:")
      && strstr (text, "is identifai-emulator running?"), "%s", text);
  g_free (text);
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* Trouble that passes: one warning, and an info when it is over. */
static const FaultStep passing[] = {
  {FAULT_POST, 1,.status = 503,.headers = "Retry-After: 0\r\n",.body = ""},
  {FAULT_POST, 2,.status = 429,.headers = "Retry-After: 0\r\n",.body = ""},
};

GST_START_TEST (test_trouble_that_passes)
{
  FaultServer *server = fault_server_new (passing, G_N_ELEMENTS (passing));
  gchar *url = fault_server_get_url (server), *text;
  SinkRun *run = sink_run_new (url, SINK);

  g_object_set (sink_run_get_sink (run), "retries", 5, NULL);
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  sink_run_wait (run, "info", 1);
  fail_unless_equals_int (sink_run_count (run, "warning"), 2);
  text = list_advice (run, "warning");
  fail_unless (strstr (text, "Trying again in "), "%s", text);
  g_free (text);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  fail_unless_equals_int (sink_run_count (run, "error"), 0);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "retries"), 2);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "throttled"), 1);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "post-requests"), 3);
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* A key file is read again after a 401. */
GST_START_TEST (test_new_key_in_file)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server), *folder = sink_folder_new ();
  gchar *path = g_build_filename (folder, "key", NULL);
  SinkRun *run = sink_run_new (url, SINK);

  fault_server_set_key (server, "new-key");
  fail_unless (g_file_set_contents (path, "old-key\n", -1, NULL));
  g_object_set (sink_run_get_sink (run), "api-key", NULL, "api-key-file", path,
      NULL);
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_PAUSED);
  gst_element_get_state (sink_run_get_pipeline (run), NULL, NULL,
      20 * GST_SECOND);
  /* Started with the old one. */
  fail_unless (g_file_set_contents (path, "new-key\n", -1, NULL));
  fail_unless (sink_run_start (run));
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_string (fault_server_get (server, FAULT_POST, 0)->key,
      "old-key");
  fail_unless_equals_string (fault_server_get (server, FAULT_POST, 1)->key,
      "new-key");
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  sink_run_free (run);
  fault_server_free (server);
  sink_folder_free (folder);
  g_free (path);
  g_free (url);
}

GST_END_TEST;

/* gst-launch-1.0's exit code. */
static const struct
{
  const gchar *what;
  FaultStep step;
  gint code;
} launches[] = {
  {"verdict", {FAULT_UNUSED}, 0},
  {"500", {FAULT_POST,.status = 500,.body = ""}, 1},
  {"401", {FAULT_POST,.status = 401,.body = ""}, 1},
  {"400", {FAULT_POST,.status = 400,.body = ""}, 1},
  {"errored", {FAULT_GET,.body = "{\"status\":\"errored\"}"}, 1},
};

#ifdef __SANITIZE_ADDRESS__
/* A program without the sanitizer can't load the plugin. */
#define N_LAUNCHES 0
#else
#define N_LAUNCHES G_N_ELEMENTS (launches)
#endif

GST_START_TEST (test_exit_code)
{
  FaultServer *server = fault_server_new (&launches[__i__].step, 1);
  gchar *url = fault_server_get_url (server);
  gchar *line = g_strdup_printf ("timeout -k 5 50 gst-launch-1.0 -e " SOURCE
      "identifaisink retries=0 endpoint=%s", url);
  gchar *out = NULL, *err = NULL;
  GError *error = NULL;
  gint status = 0;

  g_setenv ("IDENTIFAI_API_KEY", SINK_KEY, TRUE);
  fail_unless (g_spawn_command_line_sync (line, &out, &err, &status, &error),
      "%s", error ? error->message : "");
  fail_unless (WIFEXITED (status) && WEXITSTATUS (status) ==
      launches[__i__].code, "%s: %d\n%s%s", launches[__i__].what, status, out,
      err);
  fail_unless (launches[__i__].code == 0
      || strstr (err, "classification service") != NULL, "%s", err);
  fault_server_free (server);
  g_free (line);
  g_free (out);
  g_free (err);
  g_free (url);
}

GST_END_TEST;

static Suite *
sinkmessages_suite (void)
{
  Suite *suite = suite_create ("sinkmessages");
  TCase *tcase = tcase_create ("messages");
  guint i;

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, NULL);
  for (i = 0; i < G_N_ELEMENTS (failures); i++)
    if (is_slow (&failures[i]))
      tcase_add_loop_test (tcase, test_slow_failure, i, i + 1);
    else
      tcase_add_loop_test (tcase, test_failure, i, i + 1);
  tcase_add_loop_test (tcase, test_refusal_advice, 0, G_N_ELEMENTS (refusals));
  tcase_add_test (tcase, test_refused_connection);
  tcase_add_test (tcase, test_trouble_that_passes);
  tcase_add_test (tcase, test_new_key_in_file);
  tcase_add_test (tcase, test_verdict);
  tcase_add_test (tcase, test_heuristic);
  tcase_add_test (tcase, test_tags_registered);
  tcase_add_loop_test (tcase, test_exit_code, 0, N_LAUNCHES);

  return suite;
}

GST_CHECK_MAIN (sinkmessages);
