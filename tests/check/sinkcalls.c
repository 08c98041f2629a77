/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the elements give to programs beside verdicts: sessions, files, and calls of
 * the service.
 */

#include <string.h>
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

static const gchar *
get_string (SinkRun * run, const gchar * name, guint nth, const gchar * field)
{
  const gchar *text = gst_structure_get_string (sink_run_get_structure (run,
          name, nth), field);

  fail_unless (text != NULL, "%s has no %s", name, field);

  return text;
}

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
    sessions[round] = g_strdup (get_string (run, names[0], 0, "session"));
    for (i = 0; i < G_N_ELEMENTS (names); i++)
      fail_unless_equals_string (get_string (run, names[i], 0, "session"),
          sessions[round]);
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

/* Frames that are artificial to the emulator, a segment each. */
#define FRAMES "videotestsrc pattern=solid-color foreground-color=0xffff00ff " \
    "num-buffers=%u ! video/x-raw,width=64,height=48,framerate=10/1 ! jpegenc ! " \
    "identifaisink name=sink segment-duration=100000000 overflow=block "

static SinkRun *
new_frames (const gchar * url, guint frames, const gchar * properties)
{
  gchar *source = g_strdup_printf (FRAMES, frames);
  gchar *description = g_strconcat (source, properties, NULL);
  SinkRun *run = sink_run_new (url, description);

  g_free (source);
  g_free (description);

  return run;
}

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
  SinkRun *run = new_frames (sink_emulator_get_url (emulator), 100,
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
    fail_unless_equals_string (get_string (run, "identifai-verdict", i,
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
  SinkRun *run = new_frames (url, 1, properties);
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
    fail_unless_equals_string (get_string (run, file_rows[row].outcome, 0,
            "sha256"), hash);
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
  SinkRun *run = new_frames (url, 5, "attach-file=all drain-timeout=0");
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
  SinkRun *run = new_frames (url, 1, "attach-file=all drain-timeout=0");

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

  return s;
}

GST_CHECK_MAIN (sinkcalls);
