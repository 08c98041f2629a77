/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the elements give to programs beside verdicts: sessions, files, and calls of
 * the service.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <glib/gstdio.h>
#include "faultserver.h"
#include "sinkutil.h"

#define SOURCE "videotestsrc num-buffers=3 ! jpegenc ! avimux ! "
#define SINK SOURCE "identifaisink name=sink "

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
}

/* Sessions. */

/* One for all messages of a run, and another one for the next. */
GST_START_TEST (test_session)
{
  static const gchar *const names[] = { "identifai-segment",
    "identifai-submitted", "identifai-verdict"
  };
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server), *sessions[2];
  SinkRun *run = sink_run_new (url, SINK);
  guint round, i;

  for (round = 0; round < 2; round++) {
    sink_run_start (run);
    fail_unless (sink_run_wait_end (run));
    sessions[round] =
        g_strdup (sink_run_get_text (run, names[0], 0, "session"));
    for (i = 0; i < G_N_ELEMENTS (names); i++)
      fail_unless_equals_string (sink_run_get_text (run, names[i], 0,
              "session"), sessions[round]);
    sink_run_stop (run);
    sink_run_forget (run);
  }
  fail_if (g_str_equal (sessions[0], sessions[1]));

  g_free (sessions[0]);
  g_free (sessions[1]);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* Files. */

/* NULL: the message has none. */
static GstBuffer *
get_file (SinkRun * run, const gchar * name, guint nth)
{
  const GValue *value = gst_structure_get_value (sink_run_get_structure (run,
          name, nth), "file");

  return value != NULL ? gst_value_get_buffer (value) : NULL;
}

static gchar *
hash_file (GstBuffer * buffer)
{
  GstMapInfo map;
  gchar *hash;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, map.data, map.size);
  gst_buffer_unmap (buffer, &map);

  return hash;
}

/* What came in, by what the emulator says it was. */
static GHashTable *
list_posted (SinkEmulator * emulator)
{
  GHashTable *posted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      NULL);
  guint i;

  for (i = 1; i <= sink_emulator_count (emulator); i++) {
    JsonObject *record = sink_emulator_read (emulator, i);

    g_hash_table_add (posted, g_strdup (json_object_get_string_member (record,
                "sha256")));
    json_object_unref (record);
  }

  return posted;
}

GST_START_TEST (test_files_are_posted_ones)
{
  SinkEmulator *emulator = sink_emulator_new (NULL);
  SinkRun *run = sink_run_new_frames (sink_emulator_get_url (emulator), 100,
      "attach-file=flagged no-cache=true ref-id=%u");
  GHashTable *posted;
  guint i;

  sink_run_start (run);
  fail_unless (sink_run_wait_end (run));
  posted = list_posted (emulator);
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 100);
  for (i = 0; i < 100; i++) {
    GstBuffer *file = get_file (run, "identifai-verdict", i);
    gchar *hash;

    fail_unless (file != NULL);
    fail_unless_equals_int (gst_buffer_n_memory (file), 1);
    hash = hash_file (file);
    fail_unless (g_hash_table_contains (posted, hash));
    fail_unless_equals_string (sink_run_get_text (run, "identifai-verdict", i,
            "sha256"), hash);
    g_free (hash);
  }
  g_hash_table_unref (posted);
  sink_run_free (run);
  sink_emulator_free (emulator);
}

GST_END_TEST;

/* By what becomes of the first file, under which setting it has its file. */
static const struct
{
  const gchar *verdict;         /* of the server: c, a, u, f; NULL: see status */
  guint status;                 /* of the submit call; 0: it goes well */
  const gchar *outcome;
  gboolean flagged;
} file_rows[] = {
  {"c", 0, "identifai-verdict", FALSE},
  {"a", 0, "identifai-verdict", TRUE},
  {"u", 0, "identifai-verdict", TRUE},
  {"f", 0, "identifai-failed", TRUE},
  {NULL, 422, "identifai-failed", TRUE},
  {NULL, 500, "identifai-failed", TRUE},
};

static const gchar *const modes[] = { "none", "flagged", "all" };

GST_START_TEST (test_file_modes)
{
  guint row = __i__ / 3, mode = __i__ % 3;
  gboolean expected = mode == 2 || (mode == 1 && file_rows[row].flagged);
  FaultStep steps[] = { {FAULT_POST, 0,.status = file_rows[row].status} };
  FaultServer *server = fault_server_new (steps,
      file_rows[row].status > 0 ? 1 : 0);
  gchar *url = fault_server_get_url (server);
  gchar *properties = g_strdup_printf ("ref-id=%%u on-refusal=warn attach-file="
      "%s", modes[mode]);
  SinkRun *run = sink_run_new_frames (url, 1, properties);
  GstBuffer *file;
  gchar *hash;

  if (file_rows[row].verdict != NULL)
    fault_server_set_verdicts (server, file_rows[row].verdict);
  sink_run_start (run);
  sink_run_wait (run, file_rows[row].outcome, 1);
  file = get_file (run, file_rows[row].outcome, 0);
  fail_unless_equals_int (file != NULL, expected);
  if (file != NULL) {
    hash = hash_file (file);
    fail_unless_equals_string (sink_run_get_text (run, file_rows[row].outcome,
            0, "sha256"), hash);
    g_free (hash);
  }
  fail_if (gst_structure_has_field (sink_run_get_structure (run,
              file_rows[row].outcome, 0), "file-dropped"));
  sink_run_free (run);
  g_free (properties);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* Of those that wait for their outcome the oldest go without. What waits holds
 * their files and no more. */
GST_START_TEST (test_file_bound)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *run =
      sink_run_new_frames (url, 5, "attach-file=all drain-timeout=0");
  guint64 bytes = 0;
  guint i;

  /* each file has as many bytes as the others */
  fault_server_set_delay (server, FAULT_NEVER);
  sink_run_start (run);
  sink_run_wait (run, "identifai-submitted", 5);
  gst_structure_get_uint64 (sink_run_get_structure (run, "identifai-submitted",
          0), "bytes", &bytes);
  sink_run_stop (run);
  sink_run_forget (run);

  g_object_set (sink_run_get_sink (run), "max-attached-bytes", 2 * bytes + 1,
      NULL);
  sink_run_start (run);
  sink_run_wait (run, "identifai-submitted", 5);
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_READY);
  for (i = 0; i < 5; i++) {
    const GstStructure *message = sink_run_get_structure (run,
        "identifai-dropped", i);
    gboolean dropped = FALSE;

    gst_structure_get_boolean (message, "file-dropped", &dropped);
    fail_unless_equals_int (dropped, i < 3);
    fail_unless_equals_int (get_file (run, "identifai-dropped", i) != NULL,
        i >= 3);
  }
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* none lets go of what waits. */
GST_START_TEST (test_files_unset)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *run =
      sink_run_new_frames (url, 1, "attach-file=all drain-timeout=0");

  fault_server_set_delay (server, FAULT_NEVER);
  sink_run_start (run);
  sink_run_wait (run, "identifai-submitted", 1);
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (run)), "attach-file",
      "none");
  gst_util_set_object_arg (G_OBJECT (sink_run_get_sink (run)), "attach-file",
      "all");
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_READY);
  fail_unless (get_file (run, "identifai-dropped", 0) == NULL);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* Looks. */

GST_START_TEST (test_look)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 1, "poll-interval=600000000000");
  GstElement *sink = sink_run_get_sink (run);
  gboolean waits = TRUE;

  fault_server_set_delay (server, FAULT_NEVER);
  g_signal_emit_by_name (sink, "look", "id-1", &waits);
  fail_if (waits);
  sink_run_start (run);
  fail_unless (fault_server_wait (server, FAULT_GET, 1));
  g_signal_emit_by_name (sink, "look", "id-2", &waits);
  fail_if (waits);
  g_signal_emit_by_name (sink, "look", NULL, &waits);
  fail_if (waits);
  g_signal_emit_by_name (sink, "look", "id-1", &waits);
  fail_unless (waits);
  fail_unless (fault_server_wait (server, FAULT_GET, 2));
  fault_server_set_delay (server, 0);
  g_signal_emit_by_name (sink, "look", "id-1", &waits);
  fail_unless (waits);
  fail_unless (sink_run_wait_end (run));
  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), 1);
  fail_unless (fault_server_count (server, FAULT_GET) <= 3);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* What is pending, and resumed. */

static GstStructure *
get_pending (SinkRun * run, guint expected)
{
  GValue value = G_VALUE_INIT;
  GstStructure *first = NULL;

  g_value_init (&value, GST_TYPE_ARRAY);
  g_object_get_property (G_OBJECT (sink_run_get_sink (run)), "pending", &value);
  fail_unless_equals_int (gst_value_array_get_size (&value), expected);
  if (expected > 0)
    first = gst_structure_copy (gst_value_get_structure
        (gst_value_array_get_value (&value, 0)));
  g_value_unset (&value);

  return first;
}

static gboolean
emit_resume (SinkRun * run, const GstStructure * entry)
{
  gboolean taken = FALSE;

  g_signal_emit_by_name (sink_run_get_sink (run), "resume", entry, &taken);

  return taken;
}

/* As by a file of the application's. */
static GstStructure *
save_and_read (GstStructure * entry)
{
  gchar *text = gst_structure_to_string (entry);
  GstStructure *again = gst_structure_from_string (text, NULL);

  fail_unless (again != NULL);
  gst_structure_free (entry);
  g_free (text);

  return again;
}

/* Fields that the outcome of what was resumed has of its entry. */
static void
check_resumed (const GstStructure * outcome, const GstStructure * entry,
    gboolean hashed)
{
  static const gchar *const fields[] = { "identifier", "session", "kind",
    "segment", "running-time", "stream-time", "duration", "date-time",
    "bytes", "ref-id", "sha256"
  };
  gboolean resumed = FALSE;
  guint i;

  fail_unless (gst_structure_get_boolean (outcome, "resumed", &resumed)
      && resumed);
  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    const GValue *one = gst_structure_get_value (outcome, fields[i]);
    const GValue *other = gst_structure_get_value (entry, fields[i]);

    if (one == NULL && other == NULL && !hashed
        && g_str_equal (fields[i], "sha256"))
      continue;
    fail_unless (one != NULL && other != NULL
        && gst_value_compare (one, other) == GST_VALUE_EQUAL, "%s differs",
        fields[i]);
  }
}

/* By what becomes of it: the result's letter and the outcome. */
static const struct
{
  const gchar *verdict;
  const gchar *outcome;
  gboolean hashed;              /* sha256 */
} resume_rows[] = {
  {"c", "identifai-verdict", TRUE},
  {"c", "identifai-verdict", FALSE},
  {"f", "identifai-failed", TRUE},
  {NULL, "identifai-dropped", TRUE},    /* the element stops */
};

GST_START_TEST (test_resume)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=0 ref-id=0 "
      "attach-file=all");
  gboolean hashed = resume_rows[__i__].hashed;
  GstStructure *entry;
  const GstStructure *outcome;

  fault_server_set_delay (server, FAULT_NEVER);
  fault_server_set_verdicts (server, resume_rows[__i__].verdict);
  g_object_set (sink_run_get_sink (run), "sha256", hashed, NULL);
  fail_unless (get_pending (run, 0) == NULL);
  sink_run_start (run);
  sink_run_wait (run, "identifai-submitted", 1);
  entry = save_and_read (get_pending (run, 1));
  fail_unless_equals_string (gst_structure_get_string (entry, "session"),
      sink_run_get_text (run, "identifai-submitted", 0, "session"));
  sink_run_stop (run);
  sink_run_forget (run);
  fail_if (emit_resume (run, entry));

  /* the next run, which is another process as far as this can be told */
  sink_run_start (run);
  sink_run_wait (run, "identifai-submitted", 1);
  fail_unless (emit_resume (run, entry));
  fail_if (emit_resume (run, entry));
  fail_unless_equals_uint64 (sink_run_get_stat (run, "resumed"), 1);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "segments"), 1);
  gst_structure_free (get_pending (run, 2));
  if (resume_rows[__i__].verdict != NULL) {
    fault_server_set_delay (server, 0);
    sink_run_wait (run, resume_rows[__i__].outcome, 2);
    fail_unless (get_pending (run, 0) == NULL);
  }
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_READY);
  fail_unless_equals_int (sink_run_count (run, resume_rows[__i__].outcome), 2);
  outcome = sink_run_get_structure (run, resume_rows[__i__].outcome, 0);
  if (!gst_structure_has_field (outcome, "resumed"))
    outcome = sink_run_get_structure (run, resume_rows[__i__].outcome, 1);
  check_resumed (outcome, entry, hashed);
  fail_if (gst_structure_has_field (outcome, "file")
      || gst_structure_has_field (outcome, "file-dropped"));
  fail_unless_equals_uint64 (sink_run_get_stat (run, "resumed"), 1);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "segments"), 1);
  fail_unless_equals_uint64 (sink_run_get_stat (run, "pending"), 0);
  sink_run_forget (run);
  gst_structure_free (entry);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* The end waits for it, and what isn't known then fails. */
GST_START_TEST (test_resume_timeout)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=300000000 "
      "on-refusal=warn");
  GstStructure *entry = gst_structure_new ("pending", "identifier",
      G_TYPE_STRING, "id-77", "segment", G_TYPE_INT, 5, NULL);

  fault_server_set_delay (server, FAULT_NEVER);
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_PAUSED);
  fail_unless (emit_resume (run, entry));
  sink_run_start (run);
  sink_run_wait (run, "eos", 1);
  fail_unless_equals_int (sink_run_count (run, "identifai-failed"), 2);
  sink_run_forget (run);
  gst_structure_free (entry);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

GST_START_TEST (test_resume_nothing)
{
  static const gchar *const entries[] = {
    "pending", "pending,identifier=(string)\"\"", "pending,identifier=(int)5",
    "pending,identifier=(string)\"a\\ b\"",
    "pending,identifier=(string)\"\\{\\\"identifier\\\":\\\"a\\\"\\}\"",
  };
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new_frames (url, 1, "");
  guint i;

  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_PAUSED);
  fail_if (emit_resume (run, NULL));
  for (i = 0; i < G_N_ELEMENTS (entries); i++) {
    GstStructure *entry = gst_structure_from_string (entries[i], NULL);

    fail_unless (entry != NULL);
    fail_if (emit_resume (run, entry));
    gst_structure_free (entry);
  }
  fail_unless_equals_uint64 (sink_run_get_stat (run, "resumed"), 0);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* Credits. */

#define POOR "{\"available_credits\":3,\"total_spent\":197}"

static const struct
{
  FaultStep step;
  const gchar *reason;          /* of the warning; NULL: there is a message */
  guint status;
} credits_rows[] = {
  {{FAULT_UNUSED,}, NULL, 0},
  {{FAULT_CREDITS, 0,.status = 401}, "unauthorized", 401},
  {{FAULT_CREDITS, 0,.status = 403}, "unauthorized", 403},
  {{FAULT_CREDITS, 0,.status = 404}, "rejected", 404},
  {{FAULT_CREDITS, 0,.status = 429}, "throttled", 429},
  {{FAULT_CREDITS, 0,.status = 500}, "service-error", 500},
  {{FAULT_CREDITS, 0,.body = "[]"}, "bad-response", 200},
  {{FAULT_CREDITS, 0,.body = "{\"available_credits\":-1,\"total_spent\":1}"},
      "bad-response", 200},
  {{FAULT_CREDITS, 0, FAULT_CLOSE}, "network", 0},
  {{FAULT_CREDITS, 0, FAULT_SILENT}, "network", 0},
};

static guint
get_warning (SinkRun * run, guint nth, gchar ** reason)
{
  const GstStructure *details = NULL;
  guint status = 0;

  gst_message_parse_warning_details (sink_run_get (run, "warning", nth),
      &details);
  fail_unless (details != NULL);
  *reason = g_strdup (gst_structure_get_string (details, "reason"));
  gst_structure_get_uint (details, "http-status-code", &status);

  return status;
}

GST_START_TEST (test_credits)
{
  FaultServer *server = fault_server_new (&credits_rows[__i__].step, 1);
  gchar *url = fault_server_get_url (server), *reason;
  SinkRun *run = sink_run_new_frames (url, 1, "timeout=1 drain-timeout=0 "
      "credits-interval=100000000 credits-warning=10");
  guint64 available = 0, spent = 0;

  sink_run_start (run);
  fail_unless (fault_server_wait (server, FAULT_CREDITS, 3));
  if (credits_rows[__i__].reason == NULL) {
    sink_run_wait (run, "identifai-credits", 2);
    fail_unless (gst_structure_get (sink_run_get_structure (run,
                "identifai-credits", 0), "available", G_TYPE_UINT64,
            &available, "spent", G_TYPE_UINT64, &spent, NULL));
    fail_unless_equals_uint64 (available, 159);
    fail_unless_equals_uint64 (spent, 41);
    fail_unless_equals_int (sink_run_count (run, "warning"), 0);
  } else {
    sink_run_wait (run, "warning", 1);
    fail_unless_equals_int (sink_run_count (run, "warning"), 1);
    fail_unless_equals_int (get_warning (run, 0, &reason),
        credits_rows[__i__].status);
    fail_unless_equals_string (reason, credits_rows[__i__].reason);
    fail_unless_equals_int (sink_run_count (run, "identifai-credits"), 0);
    g_free (reason);
  }
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* One warning while there are few, one info when there are more. */
GST_START_TEST (test_few_credits)
{
  static const FaultStep steps[] = {
    {FAULT_CREDITS, 1,.body = POOR},
    {FAULT_CREDITS, 2,.body = POOR},
  };
  FaultServer *server = fault_server_new (steps, G_N_ELEMENTS (steps));
  gchar *url = fault_server_get_url (server), *reason;
  SinkRun *run = sink_run_new_frames (url, 1, "drain-timeout=0 "
      "credits-interval=100000000 credits-warning=10");

  sink_run_start (run);
  sink_run_wait (run, "identifai-credits", 4);
  sink_run_wait (run, "info", 1);
  fail_unless_equals_int (sink_run_count (run, "warning"), 1);
  get_warning (run, 0, &reason);
  fail_unless_equals_string (reason, "credits");
  g_free (reason);
  sink_run_free (run);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

/* Elements of one key share a call, whichever of them goes. */
GST_START_TEST (test_credits_shared)
{
  FaultServer *server = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (server);
  SinkRun *runs[2];
  guint i, calls;

  for (i = 0; i < 2; i++) {
    runs[i] = sink_run_new_frames (url, 1, "drain-timeout=0 "
        "credits-interval=20000000000");
    sink_run_start (runs[i]);
  }
  /* the clock is twenty times as fast for waits, but not for this interval */
  sink_run_wait (runs[0], "identifai-credits", 1);
  sink_run_wait (runs[0], "identifai-verdict", 1);
  sink_run_wait (runs[1], "identifai-verdict", 1);
  calls = fault_server_count (server, FAULT_CREDITS);
  fail_unless_equals_int (calls, 1);
  sink_run_free (runs[0]);
  sink_run_free (runs[1]);
  g_free (url);
  fault_server_free (server);
}

GST_END_TEST;

static Suite *
sinkcalls_suite (void)
{
  Suite *s = suite_create ("sinkcalls");
  TCase *tc = tcase_create ("sessions");

  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, setup, NULL);
  tcase_add_test (tc, test_session);

  tc = tcase_create ("files");
  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, setup, NULL);
  tcase_add_test (tc, test_files_are_posted_ones);
  tcase_add_loop_test (tc, test_file_modes, 0, 3 * G_N_ELEMENTS (file_rows));
  tcase_add_test (tc, test_file_bound);
  tcase_add_test (tc, test_files_unset);

  tc = tcase_create ("calls");
  suite_add_tcase (s, tc);
  tcase_add_checked_fixture (tc, setup, NULL);
  tcase_add_test (tc, test_look);
  tcase_add_loop_test (tc, test_resume, 0, G_N_ELEMENTS (resume_rows));
  tcase_add_test (tc, test_resume_timeout);
  tcase_add_test (tc, test_resume_nothing);
  tcase_add_loop_test (tc, test_credits, 0, G_N_ELEMENTS (credits_rows));
  tcase_add_test (tc, test_few_credits);
  tcase_add_test (tc, test_credits_shared);

  return s;
}

GST_CHECK_MAIN (sinkcalls);
