/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sinks for sound and images, when the service fails, when they are stopped, and
 * used again: as identifaisink, of whose messages theirs are.
 */

#include <string.h>
#include "faultserver.h"
#include "feed.h"

#define SPEECH_CAPS "audio/x-raw,format=S16LE,layout=interleaved,rate=8000,channels=1"

typedef struct
{
  const gchar *sink;
  const gchar *kind;
  const gchar *caps;
} Kind;

static const Kind kinds[] = {
  {"identifaiimagesink name=sink ", "image", "image/gif"},
  {"identifaispeechsink name=sink ", "speech", SPEECH_CAPS},
};

static void
setup (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
}

typedef struct
{
  const Kind *kind;
  FaultServer *server;
  SinkRun *run;
  Feed *feed;
} Scene;

static void
start (Scene * scene)
{
  GstCaps *caps = gst_caps_from_string (scene->kind->caps);

  fail_unless (sink_run_start (scene->run));
  scene->feed = feed_new (scene->run, "sink", caps, NULL, FALSE);
  gst_caps_unref (caps);
}

static void
open_scene (Scene * scene, guint kind, const FaultStep * step,
    const gchar * options)
{
  gchar *description = g_strconcat (kinds[kind].sink, options, NULL), *url;

  scene->kind = &kinds[kind];
  scene->server = fault_server_new (step, step ? 1 : 0);
  url = fault_server_get_url (scene->server);
  scene->run = sink_run_new (url, description);
  start (scene);
  g_free (url);
  g_free (description);
}

static void
clear_scene (Scene * scene)
{
  sink_run_stop (scene->run);
  feed_free (scene->feed);
  sink_run_free (scene->run);
  fault_server_free (scene->server);
}

/* The nth segment's: a picture, or four seconds of sound. */
static void
push (Scene * scene, guint nth)
{
  static const guint8 gif[] = "GIF89a\1\0\1\0\0\0\0;";
  gboolean is_image = g_str_equal (scene->kind->kind, "image");
  gsize size = is_image ? sizeof (gif) - 1 : 4 * 8000 * 2;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, nth, size);
  if (is_image)
    gst_buffer_fill (buffer, 0, gif, size);
  GST_BUFFER_PTS (buffer) = nth * 4 * GST_SECOND;
  GST_BUFFER_DURATION (buffer) = 4 * GST_SECOND;
  fail_unless_equals_int (gst_pad_push (scene->feed->pad, buffer), GST_FLOW_OK);
}

static const struct
{
  FaultStep step;
  const gchar *options;
  const gchar *reason;
  guint http_status;
} rows[] = {
  {{FAULT_POST,.status = 401,.body = "{\"error\":\"Unauthorized\"}"},
      "on-refusal=warn", "unauthorized", 401},
  {{FAULT_POST,.status = 402}, "on-refusal=warn", "no-credits", 402},
  {{FAULT_POST,.status = 400,.body = "{\"error\":\"Not enough credits\"}"},
      "on-refusal=warn", "no-credits", 400},
  {{FAULT_POST,.status = 400,.body = "{\"audio\":[\"Unsupported file\"]}"},
      "", "rejected", 400},
  {{FAULT_POST,.status = 413}, "", "rejected", 413},
  {{FAULT_POST,.status = 429}, "rate-limits=none", "throttled", 429},
  {{FAULT_POST,.status = 503}, "", "service-error", 503},
  {{FAULT_POST, 0, FAULT_CLOSE}, "", "network", 0},
  {{FAULT_POST, 0, FAULT_SILENT}, "timeout=1", "network", 0},
  {{FAULT_POST,.body = "<html>no</html>"}, "", "bad-response", 200},
  {{FAULT_PLAIN,.body = "{\"identifier\":\"id-1\",\"status\":\"errored\","
              "\"errors\":[\"no\"]}"}, "", "service-error", 200},
  /* an array where an object should be, and nothing final in time */
  {{FAULT_PLAIN,.body = "[1]"}, "verdict-timeout=300000000", "timeout", 200},
};

GST_START_TEST (test_fault)
{
  guint kind = __i__ % G_N_ELEMENTS (kinds), row = __i__ / G_N_ELEMENTS (kinds);
  FaultStep step = rows[row].step;
  const GstStructure *failed;
  guint http_status;
  Scene scene;

  if (step.call == FAULT_PLAIN && kind == 1)
    step.call = FAULT_GET;
  open_scene (&scene, kind, &step, rows[row].options);
  push (&scene, 0);
  feed_event (scene.feed, gst_event_new_eos ());
  sink_run_wait_end (scene.run);
  failed = sink_run_get_structure (scene.run, "identifai-failed", 0);
  fail_unless_equals_string (gst_structure_get_string (failed, "reason"),
      rows[row].reason);
  fail_unless (gst_structure_get_uint (failed, "http-status", &http_status));
  fail_unless_equals_int (http_status, rows[row].http_status);
  fail_unless_equals_string (gst_structure_get_string (failed, "kind"),
      kinds[kind].kind);
  sink_run_check (scene.run, TRUE);
  clear_scene (&scene);
}

GST_END_TEST;

/* Stopped with an upload on its way, one that waits for its result, and one that is
 * open: each is dropped, once; and the same element works again. */
GST_START_TEST (test_stop)
{
  Scene scene;
  guint i;

  open_scene (&scene, __i__, NULL,
      __i__ == 0 ? "" : "segment-duration=4000000000");
  fault_server_set_delay (scene.server, FAULT_NEVER);
  for (i = 0; i < 3; i++)
    push (&scene, i);
  sink_run_wait (scene.run, "identifai-submitted", 2);
  sink_run_stop (scene.run);
  feed_free (scene.feed);
  sink_run_forget (scene.run);

  fault_server_set_delay (scene.server, 0);
  start (&scene);
  push (&scene, 0);
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene.run));
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"), 1);
  sink_run_check (scene.run, TRUE);
  clear_scene (&scene);
}

GST_END_TEST;

/* What overflows is held, or dropped. */
GST_START_TEST (test_overflow)
{
  guint kind = __i__ % 2, i;
  gboolean drops = __i__ / 2;
  static const FaultStep held = { FAULT_POST, 0, FAULT_HELD };
  gchar *options = g_strdup_printf ("%s max-pending-segments=1 overflow=%s",
      kind == 1 ? "segment-duration=4000000000" : "",
      drops ? "drop-newest" : "auto");
  Scene scene;

  open_scene (&scene, kind, &held, options);
  push (&scene, 0);
  push (&scene, 1);
  if (drops) {
    for (i = 2; i < 5; i++)
      push (&scene, i);
    sink_run_wait (scene.run, "identifai-dropped", 2);
  }
  fault_server_release (scene.server);
  fail_unless (feed_event (scene.feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene.run));
  if (!drops)
    fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"), 2);
  sink_run_check (scene.run, TRUE);
  g_free (options);
  clear_scene (&scene);
}

GST_END_TEST;

static Suite *
kindfaults_suite (void)
{
  Suite *suite = suite_create ("kindfaults");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_set_timeout (general, 60);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_add_loop_test (general, test_fault, 0,
      G_N_ELEMENTS (rows) * G_N_ELEMENTS (kinds));
  tcase_add_loop_test (general, test_stop, 0, G_N_ELEMENTS (kinds));
  tcase_add_loop_test (general, test_overflow, 0, 2 * G_N_ELEMENTS (kinds));

  return suite;
}

GST_CHECK_MAIN (kindfaults);
