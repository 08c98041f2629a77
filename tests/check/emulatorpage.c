/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator's page, and what it is told.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

#include "emulatortool.h"

#define VIDEO "/api/classification_video"
#define AUDIO "/api/classification_audio"

#define COLOR(argb) "videotestsrc num-buffers=20 pattern=solid-color " \
    "foreground-color=0x" argb " ! video/x-raw,width=64,height=48"
#define MAGENTA COLOR ("ffff00ff") " ! jpegenc ! qtmux"
#define TWO_SHOTS "videotestsrc num-buffers=20 ! video/x-raw,width=64," \
    "height=48,framerate=10/1 ! vp8enc keyframe-max-dist=5 ! webmmux"
#define TONE "audiotestsrc freq=1000 samplesperbuffer=4410 num-buffers=40 ! " \
    "audio/x-raw,rate=44100,channels=1 ! wavenc"

/* The page needs nothing from elsewhere; pictures and state are there. */
GST_START_TEST (test_page)
{
  GBytes *clip = make_clip (MAGENTA);
  Emulator emulator;
  gchar *identifier, *path;
  JsonNode *result;
  Answer answer;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  identifier = emulator_submit (&emulator, VIDEO, "ref_id=<b>", clip);
  result = emulator_wait (&emulator, VIDEO, identifier);
  json_node_unref (result);
  emulator_ask (&emulator, "GET", "/", NULL, NULL, NULL, NULL, &answer);
  fail_unless_equals_int (answer.status, 200);
  fail_unless (g_str_has_prefix (answer.type, "text/html"));
  fail_unless (strstr (answer.body, "No detector") != NULL);
  fail_unless (strstr (answer.body, "//") == NULL
      || strstr (answer.body, "http") == NULL);
  /* Whatever is sent is shown as text. */
  fail_unless (strstr (answer.body, "innerHTML") == NULL);
  fail_unless (strstr (answer.body, "insertAdjacent") == NULL);
  answer_clear (&answer);
  path = g_strdup_printf ("/emulator/frames/%s/0", identifier);
  emulator_ask (&emulator, "GET", path, NULL, NULL, NULL, NULL, &answer);
  fail_unless_equals_string (answer.type, "image/png");
  fail_unless (strncmp (answer.body, "\x89PNG", 4) == 0);
  answer_clear (&answer);
  emulator_ask (&emulator, "GET", "/emulator/state", NULL, NULL, NULL, NULL,
      &answer);
  fail_unless (strstr (answer.body, "\"ref_id\":\"<b>\"") != NULL);
  answer_clear (&answer);
  g_free (path);
  g_free (identifier);
  emulator_stop (&emulator);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* What the page is told of a submission, and of refusals */

static const struct
{
  const gchar *path, *fields, *clip;
  const gchar *says[5];         /* parts of the state */
} state_rows[] = {
  {VIDEO, "frames=5&with_tampering=1&with_nsfw=1&no_cache=1&ref_id=r", MAGENTA,
        {"\"parameters\":\"frames=5, with_tampering=true, with_nsfw=true, "
              "no_cache=true\"", "\"found\":{\"tampered\":0,\"NSFW\":0}",
              "\"ref_id\":\"r\"", "\"forced\":\"\"",
          "\"frames_in_file\":20"}},
  {VIDEO, "key_frames=1&key_frames_method=color&with_morphing=1", TWO_SHOTS,
        {"\"parameters\":\"frames=10, key_frames=true, "
              "key_frames_method=color, with_morphing=true\"",
              "\"duration\":2.0", "\"heuristic\":\"AverageExcludeObsolete\"",
          "\"clips\":[]"}},
  {AUDIO, "webhook_url=http://127.0.0.1:1/", TONE,
        {"\"parameters\":\"webhook_url=http://127.0.0.1:1/\"",
          "\"time\":3.0", "\"length\":1.0", "\"frames\":[]"}},
  {VIDEO, "a=b", "audiotestsrc num-buffers=40 ! audioconvert ! "
        "audio/x-raw,format=S16LE ! qtmux", {"\"status\":\"errored\"",
          "\"errors\":\"The file has no picture that could be decoded.\""}},
};

static void
check_state (Emulator * emulator, guint row)
{
  GBytes *clip = make_clip (state_rows[row].clip);
  gchar *identifier;
  JsonNode *result;
  Answer answer;
  guint i;

  identifier = emulator_submit (emulator, state_rows[row].path,
      state_rows[row].fields, clip);
  result = emulator_wait (emulator, state_rows[row].path, identifier);
  emulator_ask (emulator, "GET", "/emulator/state", NULL, NULL, NULL, NULL,
      &answer);
  for (i = 0; i < G_N_ELEMENTS (state_rows[0].says); i++) {
    const gchar *part = state_rows[row].says[i];

    fail_unless (part == NULL || strstr (answer.body, part) != NULL, "%s: %s",
        part, answer.body);
  }
  answer_clear (&answer);
  json_node_unref (result);
  g_free (identifier);
  g_bytes_unref (clip);
}

GST_START_TEST (test_state)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, state_rows)
      check_state (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

static JsonNode *
get_state (Emulator * emulator, const gchar * query)
{
  gchar *path = g_strconcat ("/emulator/state?", query, NULL);
  JsonNode *node;
  Answer answer;

  emulator_ask (emulator, "GET", path, NULL, NULL, NULL, NULL, &answer);
  fail_unless_equals_int (answer.status, 200);
  node = json_from_string (answer.body, NULL);
  answer_clear (&answer);
  g_free (path);
  return node;
}

/* Only what is new, and only as much as asked for. */
GST_START_TEST (test_state_after)
{
  static const struct
  {
    const gchar *query;
    guint submissions;
  } rows[] = { {"", 3}, {"max=2", 2}, {"after=1&max=1", 1}, {"max=0", 3},
  {"max=-1", 3}, {"max=x&after=x", 3}, {"max=99999999999", 3}, {"after=", 3}
  };
  GBytes *clip = make_clip (MAGENTA);
  Emulator emulator;
  gchar *query;
  JsonNode *node;
  gint64 version;
  Answer answer;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 3600");
  for (i = 0; i < 3; i++)
    g_free (emulator_submit (&emulator, VIDEO, "no_cache=1", clip));
  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    node = get_state (&emulator, rows[i].query);
    fail_unless_equals_int (json_array_get_length (json_object_get_array_member
            (json_node_get_object (node), "submissions")), rows[i].submissions);
    json_node_unref (node);
  }
  node = get_state (&emulator, "");
  version = json_object_get_int_member (json_node_get_object (node), "version");
  json_node_unref (node);
  query = g_strdup_printf ("after=%" G_GINT64_FORMAT, version);
  node = get_state (&emulator, query);
  fail_if (json_object_has_member (json_node_get_object (node), "submissions"));
  json_node_unref (node);
  /* A refusal is news. */
  emulator_ask (&emulator, "GET", "/nothing", NULL, NULL, NULL, NULL, &answer);
  answer_clear (&answer);
  node = get_state (&emulator, query);
  fail_unless_equals_int (json_object_get_int_member (json_node_get_object
          (node), "refused_ever"), 1);
  json_node_unref (node);
  g_free (query);
  emulator_stop (&emulator);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* Each request can be looked into; keys and passwords can't be read there. */
GST_START_TEST (test_requests)
{
  static const gchar *const has[] = { "\"method\":\"POST\"", "\"status\":400",
    "X-Api-Key: not-\xe2\x80\xa6", "name=Ann", "password=(hidden)",
    "The email field is required."
  };
  static const gchar form[] = "name=Ann&password=open-sesame";
  GBytes *body = g_bytes_new_static (form, strlen (form));
  Emulator emulator;
  Answer answer;
  guint i;

  emulator_start (&emulator, "--rate-limits off --partner not-for-anybody");
  emulator_ask (&emulator, "POST", "/api/partner/user", "not-for-anybody", NULL,
      "application/x-www-form-urlencoded", body, &answer);
  answer_clear (&answer);
  emulator_ask (&emulator, "GET", "/emulator/requests", NULL, NULL, NULL, NULL,
      &answer);
  fail_unless (strstr (answer.body, "\"number\":1") != NULL);
  fail_unless (strstr (answer.body, "headers") == NULL);
  answer_clear (&answer);
  emulator_ask (&emulator, "GET", "/emulator/requests/1", NULL, NULL, NULL,
      NULL, &answer);
  for (i = 0; i < G_N_ELEMENTS (has); i++)
    fail_unless (strstr (answer.body, has[i]) != NULL, "%s: %s", has[i],
        answer.body);
  fail_unless (strstr (answer.body, "for-anybody") == NULL);
  fail_unless (strstr (answer.body, "sesame") == NULL);
  answer_clear (&answer);
  for (i = 0; i < 3; i++) {
    static const gchar *const none[] = { "2", "0", "x" };
    gchar *path = g_strconcat ("/emulator/requests/", none[i], NULL);

    emulator_ask (&emulator, "GET", path, NULL, NULL, NULL, NULL, &answer);
    fail_unless_equals_int (answer.status, 404);
    answer_clear (&answer);
    g_free (path);
  }
  emulator_stop (&emulator);
  g_bytes_unref (body);
}

GST_END_TEST;

static void
order (Emulator * emulator, const gchar * path, const gchar * text)
{
  GBytes *body = g_bytes_new_static (text, strlen (text));
  Answer answer;

  emulator_ask (emulator, "POST", path, NULL, NULL, "text/plain", body,
      &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  g_bytes_unref (body);
}

static guint
ask_status (Emulator * emulator, const gchar * path, const gchar * key)
{
  guint status;
  Answer answer;

  emulator_ask (emulator, "GET", path, key, NULL, NULL, NULL, &answer);
  status = answer.status;
  answer_clear (&answer);
  return status;
}

/* As at the start, also for what is being judged just now. */
GST_START_TEST (test_reset)
{
  GBytes *clip = make_clip (MAGENTA);
  gchar *one, *other, *path;
  Emulator emulator;
  JsonNode *state;
  JsonObject *object;
  Answer answer;

  emulator_start (&emulator, "--rate-limits off --delay 0 --api-key k "
      "--fault credits#1:status=503 --rule a*=human");
  order (&emulator, "/emulator/keys", "k=9\nlater=1");
  order (&emulator, "/emulator/rules", "*=unknown");
  order (&emulator, "/emulator/faults", "any:status=500");
  order (&emulator, "/emulator/faults", "result:status=502");
  fail_unless_equals_int (ask_status (&emulator, "/api/user/credits", "k"),
      503);
  emulator_ask (&emulator, "DELETE", "/emulator/faults", NULL, NULL, NULL, NULL,
      &answer);
  answer_clear (&answer);
  one = emulator_submit (&emulator, VIDEO, "ref_id=1", clip);
  state = emulator_wait (&emulator, VIDEO, one);
  json_node_unref (state);
  other = emulator_submit (&emulator, VIDEO, "ref_id=2&no_cache=1", clip);
  order (&emulator, "/emulator/reset", "");
  state = get_state (&emulator, "");
  object = json_node_get_object (state);
  fail_unless_equals_int (json_object_get_int_member (object, "total"), 0);
  fail_unless_equals_int (json_array_get_length (json_object_get_array_member
          (object, "faults")), 1);
  fail_unless_equals_int (json_array_get_length (json_object_get_array_member
          (object, "rules")), 1);
  json_node_unref (state);
  path = g_strconcat (VIDEO "/", one, NULL);
  fail_unless_equals_int (ask_status (&emulator, path, "k"), 404);
  g_free (path);
  path = g_strconcat (VIDEO "/", other, NULL);
  fail_unless_equals_int (ask_status (&emulator, path, "k"), 404);
  g_free (path);
  fail_unless_equals_int (ask_status (&emulator, "/api/user/credits", "k"),
      503);
  fail_unless_equals_int (ask_status (&emulator, "/api/user/credits", "later"),
      401);
  g_free (one);
  /* Not answered from a cache that is gone. */
  one = emulator_submit (&emulator, VIDEO, "ref_id=1", clip);
  state = emulator_wait (&emulator, VIDEO, one);
  json_node_unref (state);
  g_free (one);
  g_free (other);
  emulator_stop (&emulator);
  g_bytes_unref (clip);
}

GST_END_TEST;

static Suite *
emulatorpage_suite (void)
{
  Suite *suite = suite_create ("emulatorpage");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_page);
  tcase_add_test (tc, test_state);
  tcase_add_test (tc, test_state_after);
  tcase_add_test (tc, test_requests);
  tcase_add_test (tc, test_reset);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatorpage);
