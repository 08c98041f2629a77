/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Signals of an element: overrides, and what becomes of them.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <glib/gstdio.h>
#include "faultserver.h"
#include "sinkutil.h"

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
  sink_watch_warnings ();
}

static void
emit_override (SinkRun * run, guint segment, const gchar * classification)
{
  g_signal_emit_by_name (sink_run_get_sink (run), "override", segment,
      classification);
}

static void
emit_override_of (SinkRun * run, const gchar * identifier)
{
  g_signal_emit_by_name (sink_run_get_sink (run), "override-identifier",
      identifier, "human");
}

/* reason: NULL if the service took it. */
static void
check_override (SinkRun * run, guint nth, const gchar * reason, guint status)
{
  const GstStructure *message = sink_run_get_structure (run,
      "identifai-override", nth);
  gboolean ok = FALSE;
  guint http_status = G_MAXUINT;

  fail_unless (gst_structure_get_boolean (message, "ok", &ok));
  fail_unless_equals_int (ok, reason == NULL);
  fail_unless_equals_string (gst_structure_get_string (message, "reason"),
      reason);
  fail_unless (gst_structure_get_uint (message, "http-status", &http_status));
  fail_unless_equals_int (http_status, status);
  fail_unless_equals_int (strlen (gst_structure_get_string (message,
              "message")) > 0, reason != NULL);
  fail_unless (gst_structure_get_string (message, "session") != NULL);
}

/* A run whose first segment is judged, and that goes on. */
static SinkRun *
run_judged_with (const gchar * properties, const FaultStep * steps,
    guint n_steps, FaultServer ** server)
{
  gchar *url;
  SinkRun *run;

  *server = fault_server_new (steps, n_steps);
  url = fault_server_get_url (*server);
  run = sink_run_new_frames (url, 1, properties);
  sink_run_start (run);
  sink_run_wait (run, "identifai-verdict", 1);
  fail_unless (sink_run_wait_end (run));
  g_free (url);

  return run;
}

static SinkRun *
run_judged (const FaultStep * steps, guint n_steps, FaultServer ** server)
{
  return run_judged_with ("timeout=1 on-refusal=warn", steps, n_steps, server);
}

#define HASH "{\"identifier\":\"id-1\",\"hash\":\"beef\",\"status\":\"new\"}"

static const struct
{
  FaultStep steps[3];
  const gchar *reason;
  guint status;
  guint overrides;              /* calls that came in */
} override_rows[] = {
  {{{0,}}, NULL, 200, 1},
  {{{FAULT_OVERRIDE, 0,.status = 204}}, NULL, 204, 1},
  {{{FAULT_OVERRIDE, 0,.status = 401}}, "unauthorized", 401, 1},
  {{{FAULT_OVERRIDE, 0,.status = 403}}, "unauthorized", 403, 1},
  {{{FAULT_OVERRIDE, 0,.status = 422,.body = "{\"classification\":[\"no\"]}"}},
      "rejected", 422, 1},
  {{{FAULT_OVERRIDE, 0,.status = 429}}, "throttled", 429, 1},
  {{{FAULT_OVERRIDE, 0,.status = 500}}, "service-error", 500, 1},
  {{{FAULT_OVERRIDE, 0,.status = 302,.headers = "Location: http://h/\r\n"}},
      "bad-response", 302, 1},
  {{{FAULT_OVERRIDE, 0,.body = "<html>welcome</html>"}}, "bad-response", 200,
      1},
  {{{FAULT_OVERRIDE, 0,.body = "{\"classification\":\"artificial\"}"}},
      "bad-response", 200, 1},
  {{{FAULT_OVERRIDE, 0, FAULT_CLOSE}}, "network", 0, 1},
  {{{FAULT_OVERRIDE, 0, FAULT_SILENT}}, "network", 0, 1},
  {{{FAULT_OVERRIDE, 0, FAULT_SHORT,.at = 9}}, "network", 200, 1},
  /* it knows the file by another hash than ours */
  {{{FAULT_OVERRIDE, 1,.status = 404}, {FAULT_GET, 2,.body = HASH}}, NULL, 200,
      2},
  {{{FAULT_OVERRIDE, 0,.status = 404}, {FAULT_GET, 2,.body = HASH}},
      "rejected", 404, 2},
  {{{FAULT_OVERRIDE, 0,.status = 404}}, "bad-response", 200, 1},
  {{{FAULT_OVERRIDE, 0,.status = 404}, {FAULT_GET, 2,.status = 500}},
      "service-error", 500, 1},
  {{{FAULT_OVERRIDE, 0,.status = 404}, {FAULT_GET, 2,.body = "?"}},
      "bad-response", 200, 1},
};

GST_START_TEST (test_override)
{
  FaultServer *server;
  SinkRun *run = run_judged (override_rows[__i__].steps, 3, &server);
  const FaultRequest *request;
  gchar *target;

  emit_override (run, 0, "human");
  sink_run_wait (run, "identifai-override", 1);
  check_override (run, 0, override_rows[__i__].reason,
      override_rows[__i__].status);
  fail_unless_equals_int (fault_server_count (server, FAULT_OVERRIDE),
      override_rows[__i__].overrides);
  request = fault_server_get (server, FAULT_OVERRIDE, 0);
  target = g_strdup_printf ("/api/classification_video/%s/override",
      sink_run_get_text (run, "identifai-verdict", 0, "sha256"));
  fail_unless_equals_string (request->target, target);
  fail_unless_equals_string (request->key, SINK_KEY);
  fail_unless (strstr (request->headers, "Content-Type: application/json"));
  fail_unless (memcmp (g_bytes_get_data (request->body, NULL),
          "{\"classification\":\"human\"}", 26) == 0);
  if (override_rows[__i__].overrides == 2)
    fail_unless_equals_string (fault_server_get (server, FAULT_OVERRIDE,
            1)->target, "/api/classification_video/beef/override");
  g_free (target);
  sink_run_free (run);
  fault_server_free (server);
}

GST_END_TEST;

/* What it is about, and what isn't taken. */
GST_START_TEST (test_override_of_what)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 2,.status = 422},
    {FAULT_GET, 0,.body = HASH},
  };
  static const struct
  {
    guint segment;              /* 0: the one that the service took; 1: the other */
    const gchar *identifier;    /* or NULL */
    const gchar *classification;
    const gchar *reason;
    guint status;
  } rows[] = {
    {0, NULL, "human", NULL, 200},
    {0, NULL, "unknown", "rejected", 0},
    {0, NULL, "humane", "rejected", 0},
    {0, NULL, NULL, "rejected", 0},
    {1, NULL, "human", "unknown-segment", 0},
    {2, NULL, "human", "unknown-segment", 0},
    {0, "", "human", "rejected", 0},
    /* of anybody's: the hash is asked for */
    {0, "other/id", "human", "bad-response", 200},
    {0, "id-1", "human", NULL, 200},
  };
  FaultServer *server = fault_server_new (steps, G_N_ELEMENTS (steps));
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 2,
      "max-pending-segments=1 drain-timeout=0 " "retries=0 on-refusal=warn");
  guint i, refused = 0;

  /* a warning, and no message */
  emit_override (run, 0, "human");
  fail_unless_equals_int (sink_take_warnings (), 1);
  sink_run_start (run);
  sink_run_wait (run, "identifai-failed", 1);
  /* Both may be on their way at once. */
  fail_unless (gst_structure_get_uint (sink_run_get_structure (run,
              "identifai-failed", 0), "segment", &refused));
  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (rows[i].identifier != NULL)
      emit_override_of (run, rows[i].identifier);
    else
      emit_override (run, rows[i].segment < 2 ? rows[i].segment ^ !refused :
          rows[i].segment, rows[i].classification);
    sink_run_wait (run, "identifai-override", i + 1);
    check_override (run, i, rows[i].reason, rows[i].status);
    if (rows[i].identifier != NULL)
      fail_unless_equals_string (sink_run_get_text (run, "identifai-override",
              i, "identifier"), rows[i].identifier);
  }
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* sha256=false: no message has it, and the service's hash is asked for. */
GST_START_TEST (test_override_without_hash)
{
  static const FaultStep steps[] = { {FAULT_GET, 2,.body = HASH} };
  static const gchar *const names[] = { "identifai-segment",
    "identifai-submitted", "identifai-verdict"
  };
  FaultServer *server;
  SinkRun *run = run_judged_with ("sha256=false", steps, 1, &server);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++)
    fail_if (gst_structure_has_field (sink_run_get_structure (run, names[i],
                0), "sha256"));
  emit_override (run, 0, "human");
  sink_run_wait (run, "identifai-override", 1);
  check_override (run, 0, NULL, 200);
  fail_unless_equals_int (fault_server_count (server, FAULT_OVERRIDE), 1);
  fail_unless_equals_string (fault_server_get (server, FAULT_OVERRIDE,
          0)->target, "/api/classification_video/beef/override");
  sink_run_free (run);
  fault_server_free (server);
}

GST_END_TEST;

/* Before the service has the file, it waits for that; and the element may stop in
 * any state of it. */
GST_START_TEST (test_override_early)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 0, FAULT_HELD},
    {FAULT_OVERRIDE, 0, FAULT_HELD},
  };
  FaultServer *server = fault_server_new (steps, G_N_ELEMENTS (steps));
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=0");

  sink_run_start (run);
  fail_unless (fault_server_wait (server, FAULT_POST, 1));
  emit_override (run, 0, "human");
  fail_unless_equals_int (sink_run_count (run, "identifai-override"), 0);
  if (__i__ == 2)
    fault_server_release (server);
  if (__i__ == 1) {
    fault_server_release (server);
    sink_run_wait (run, "identifai-override", 1);
    check_override (run, 0, NULL, 200);
    fail_unless_equals_string (sink_run_get_text (run, "identifai-override", 0,
            "identifier"), "id-1");
  }
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_READY);
  fail_unless_equals_int (sink_run_count (run, "identifai-override"), 1);
  if (__i__ == 0)
    check_override (run, 0, "unknown-segment", 0);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

GST_START_TEST (test_override_stopped)
{
  static const FaultStep steps[] = { {FAULT_OVERRIDE, 0, FAULT_HELD} };
  FaultServer *server;
  SinkRun *run = run_judged (steps, 1, &server);

  emit_override (run, 0, "human");
  emit_override (run, 0, "artificial");
  emit_override_of (run, "id-9");
  fail_unless (fault_server_wait (server, FAULT_OVERRIDE, 1));
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_READY);
  fail_unless_equals_int (sink_run_count (run, "identifai-override"), 3);
  check_override (run, 1, "stopped", 0);
  sink_run_free (run);
  fault_server_free (server);
}

GST_END_TEST;

/* A key that was replaced in its file: what is refused is asked again with the new
 * one. */
GST_START_TEST (test_new_key)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server), *folder = sink_folder_new ();
  gchar *path = g_build_filename (folder, "key", NULL);
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=0 "
      "credits-interval=200000000");

  fail_unless (g_file_set_contents (path, "old-key-old-key\n", -1, NULL));
  g_object_set (sink_run_get_sink (run), "api-key", NULL, "api-key-file", path,
      NULL);
  sink_run_start (run);
  sink_run_wait (run, "identifai-verdict", 1);
  sink_run_wait (run, "identifai-credits", 1);
  fail_unless (g_file_set_contents (path, "new-key-new-key\n", -1, NULL));
  fault_server_set_key (server, "new-key-new-key");
  emit_override (run, 0, "human");
  sink_run_wait (run, "identifai-override", 1);
  check_override (run, 0, NULL, 200);
  sink_run_wait (run, "identifai-credits",
      sink_run_count (run, "identifai-credits") + 2);
  fail_unless_equals_int (sink_run_count (run, "warning"), 0);
  sink_run_free (run);
  sink_folder_free (folder);
  g_free (path);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* What is refused waits for a file that takes long. */
GST_START_TEST (test_late_key)
{
  static const gchar old[] = "old-key-old-key\n", new[] = "new-key-new-key\n";
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server), *folder = sink_folder_new ();
  gchar *path = g_build_filename (folder, "key", NULL);
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=0");
  int fifo;

  fail_unless_equals_int (mkfifo (path, 0600), 0);
  fifo = g_open (path, O_RDWR, 0);
  fail_unless (write (fifo, old, strlen (old)) > 0);
  g_object_set (sink_run_get_sink (run), "api-key", NULL, "api-key-file", path,
      NULL);
  sink_run_start (run);
  sink_run_wait (run, "identifai-verdict", 1);
  fault_server_set_key (server, "new-key-new-key");
  emit_override (run, 0, "human");
  fail_unless (fault_server_wait (server, FAULT_OVERRIDE, 1));
  /* No test of the wait if that is too short, as on a busy machine. */
  sink_let_pass (300);
  fail_unless (write (fifo, new, strlen (new)) > 0);
  sink_run_wait (run, "identifai-override", 1);
  check_override (run, 0, NULL, 200);
  sink_run_free (run);
  close (fifo);
  sink_folder_free (folder);
  g_free (path);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* Nothing is under way any more. */
GST_START_TEST (test_stopped_upload)
{
  static const FaultStep steps[] = { {FAULT_POST, 0, FAULT_HELD} };
  FaultServer *server = fault_server_new (steps, 1);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=0");

  sink_run_start (run);
  fail_unless (fault_server_wait (server, FAULT_POST, 1));
  while (sink_run_get_stat (run, "bytes-sending") == 0)
    g_usleep (1000);
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_READY);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "bytes-sending"), 0);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "in-flight"), 0);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* What may pass is tried again. */
GST_START_TEST (test_override_again)
{
  static const FaultStep steps[] = {
    {FAULT_OVERRIDE, 1,.status = 429,.headers = "Retry-After: 1\r\n"},
    {FAULT_OVERRIDE, 2,.status = 503},
    {FAULT_OVERRIDE, 3, FAULT_CLOSE},
  };
  FaultServer *server = fault_server_new (steps, G_N_ELEMENTS (steps));
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=0");

  g_object_set (sink_run_get_sink (run), "retries", 3, NULL);
  sink_run_start (run);
  sink_run_wait (run, "identifai-verdict", 1);
  emit_override (run, 0, "human");
  sink_run_wait (run, "identifai-override", 1);
  check_override (run, 0, NULL, 200);
  fail_unless_equals_int (fault_server_count (server, FAULT_OVERRIDE), 4);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "throttled"), 1);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "retries"), 3);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

static Suite *
sinkoverride_suite (void)
{
  Suite *suite = suite_create ("sinkoverride");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, setup, NULL);
  tcase_add_loop_test (tc, test_override, 0, G_N_ELEMENTS (override_rows));
  tcase_add_test (tc, test_override_of_what);
  tcase_add_test (tc, test_override_without_hash);
  tcase_add_loop_test (tc, test_override_early, 0, 3);
  tcase_add_test (tc, test_override_stopped);
  tcase_add_test (tc, test_new_key);
  tcase_add_test (tc, test_late_key);
  tcase_add_test (tc, test_stopped_upload);
  tcase_add_test (tc, test_override_again);

  return suite;
}

GST_CHECK_MAIN (sinkoverride);
