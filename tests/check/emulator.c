/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator, as a process of its own.
 */

#include <gst/check/gstcheck.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulatortool.h"

#define VIDEO "/api/classification_video"
#define IMAGE "/api/classification"
#define AUDIO "/api/classification_audio"

#define COLOR(argb) "videotestsrc num-buffers=20 pattern=solid-color " \
    "foreground-color=0x" argb " ! video/x-raw,width=64,height=48"
#define MAGENTA COLOR ("ffff00ff") " ! jpegenc ! qtmux"
#define NEITHER COLOR ("ff808080") " ! jpegenc ! matroskamux"
#define BLACK COLOR ("ff000000") " ! jpegenc ! avimux"
#define LARGE "videotestsrc num-buffers=10 pattern=snow ! " \
    "video/x-raw,width=320,height=240 ! jpegenc ! qtmux"
/* Half a second each of grey and magenta, key frames at 0, 5, 10, 15. */
#define TWO_SHOTS "videotestsrc num-buffers=20 ! video/x-raw,width=64," \
    "height=48,framerate=10/1 ! vp8enc keyframe-max-dist=5 ! webmmux"
#define TONE "audiotestsrc freq=1000 samplesperbuffer=4410 num-buffers=40 ! " \
    "audio/x-raw,rate=44100,channels=1 ! wavenc"

static const gchar *
get_string (JsonNode * node, const gchar * object, const gchar * member)
{
  JsonObject *root = json_node_get_object (node);

  if (object != NULL)
    root = json_object_get_object_member (root, object);
  return json_object_get_null_member (root, member) ? NULL
      : json_object_get_string_member (root, member);
}

static JsonArray *
get_images (JsonNode * node)
{
  return json_object_get_array_member (json_object_get_object_member
      (json_node_get_object (node), "results"), "images");
}

/* Submit calls that are refused, and how */

static const struct
{
  const gchar *path, *key, *fields, *part, *type;
  const gchar *file;            /* NULL = no part, else its text; "clip" */
  guint status;
  const gchar *body;            /* part of the answer */
} refused_rows[] = {
  {VIDEO, "k", "ref_id=x", NULL, NULL, NULL, 400,
      "{\"video\":[\"The video field is required.\"]}"},
  {VIDEO, "k", "video=x", NULL, NULL, NULL, 400,
      "{\"video\":[\"The video field must be a file.\"]}"},
  {VIDEO, "k", "frames=7", "video", "video/mp4", "clip", 400,
      "{\"frames\":[\"The selected frames is invalid.\"]}"},
  {VIDEO, "k", "frames=x", "video", "video/mp4", "clip", 400,
      "{\"frames\":[\"The frames field must be an integer.\"]}"},
  {VIDEO, "k", "with_nsfw=perhaps", "video", "video/mp4", "clip", 400,
      "{\"with_nsfw\":[\"The with nsfw field must be true or false.\"]}"},
  {VIDEO, "k", "a=b", "video", "video/mp4", "this is text", 400,
      "{\"error\":\"The uploaded file format is not supported.\"}"},
  {VIDEO, "k", "a=b", "video", "video/mp4", "", 400,
      "{\"error\":\"The uploaded file format is not supported.\"}"},
  {VIDEO, "k", "a=b", "video", "image/png", "clip", 400,
      "{\"error\":\"The uploaded file format is not supported.\"}"},
  {IMAGE, "k", "a=b", "image", "image/png", "clip", 400,
      "{\"error\":\"The uploaded file format is not supported.\"}"},
  {VIDEO, "k", "a=b", "video", "video/mp4", "large", 400,
      "{\"error\":\"The uploaded file exceeds the maximum allowed size of "
        "100KB.\"}"},
  {AUDIO, "k", "a=b", "video", "video/mp4", "clip", 400,
      "{\"audio\":[\"The audio field is required.\"]}"},
  {VIDEO, NULL, "a=b", "video", "video/mp4", "clip", 401,
      "{\"error\":\"Unauthorized\"}"},
  {VIDEO, "other", "a=b", "video", "video/mp4", "clip", 401,
      "{\"error\":\"Unauthorized\"}"},
  {VIDEO, "never", "a=b", "video", "video/mp4", "clip", 403,
      "{\"error\":\"Forbidden\"}"},
  {VIDEO, "poor", "frames=10", "video", "video/mp4", "clip", 400, "credits"},
};

static void
check_refused (Emulator * emulator, guint row)
{
  const gchar *text = refused_rows[row].file;
  GBytes *file = NULL, *form;
  Answer answer;

  if (g_strcmp0 (text, "clip") == 0)
    file = make_clip (MAGENTA);
  else if (g_strcmp0 (text, "large") == 0)
    file = g_bytes_new_take (g_malloc0 (100001), 100001);
  else if (text != NULL)
    file = make_text (text);
  form = make_form (refused_rows[row].fields, refused_rows[row].part,
      "clip.mov", refused_rows[row].type, file);
  emulator_ask (emulator, "POST", refused_rows[row].path,
      refused_rows[row].key, "application/json", FORM_TYPE, form, &answer);
  fail_unless_equals_int (answer.status, refused_rows[row].status);
  fail_unless_equals_string (answer.type, "application/json");
  fail_unless (strstr (answer.body, refused_rows[row].body) != NULL, "%s",
      answer.body);
  answer_clear (&answer);
  g_clear_pointer (&file, g_bytes_unref);
  g_bytes_unref (form);
}

GST_START_TEST (test_refused)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --max-bytes 100000 --api-key k "
      "--api-key never=forbidden --api-key poor=1");
  FOR_ROWS (i, refused_rows)
      check_refused (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* What is no form at all, sent with the type of one. */
GST_START_TEST (test_no_form)
{
  static const gchar *const types[] = { FORM_TYPE, "multipart/form-data",
    "text/plain", "application/json"
  };
  GBytes *body = make_text ("{\"video\": 1}");
  Emulator emulator;
  Answer answer;
  guint i;

  emulator_start (&emulator, "--rate-limits off");
  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    emulator_ask (&emulator, "POST", VIDEO, "k", NULL, types[i], body, &answer);
    fail_unless_equals_int (answer.status, 400);
    answer_clear (&answer);
  }
  emulator_stop (&emulator);
  g_bytes_unref (body);
}

GST_END_TEST;

/* Verdicts: about the very frames posted */

static const struct
{
  const gchar *clip, *path, *fields;
  const gchar *status;
  const gchar *classification;  /* NULL = none */
  gboolean unknown;
} verdict_rows[] = {
  {MAGENTA, VIDEO, "frames=5", "done", "artificial", FALSE},
  {NEITHER, VIDEO, "frames=30", "done", "human", FALSE},
  {BLACK, VIDEO, "frames=5", "done", NULL, TRUE},
  {TWO_SHOTS, VIDEO, "key_frames=1&key_frames_method=flow", "done", "human",
      FALSE},
  {MAGENTA, VIDEO, "ensure_face_per_frame=true", "done", NULL, TRUE},
  {COLOR ("ffff00ff") " ! pngenc snapshot=true", IMAGE, "a=b", "done",
      "artificial", FALSE},
  {COLOR ("ff00ff00") " ! jpegenc snapshot=true", IMAGE, "a=b", "done",
      "human", FALSE},
  {TONE, AUDIO, "a=b", "done", "artificial", FALSE},
  {"audiotestsrc wave=pink-noise samplesperbuffer=4410 num-buffers=40 ! "
        "audio/x-raw,rate=44100 ! vorbisenc ! oggmux", AUDIO, "a=b", "done",
      "human", FALSE},
  {"audiotestsrc wave=silence samplesperbuffer=4410 num-buffers=40 ! "
        "audio/x-raw,rate=44100 ! wavenc", AUDIO, "a=b", "done", NULL, TRUE},
  {"audiotestsrc num-buffers=40 ! audioconvert ! audio/x-raw,format=S16LE ! "
        "qtmux", VIDEO, "a=b", "errored", NULL, FALSE},
};

static void
check_verdict (Emulator * emulator, guint row)
{
  GBytes *clip = make_clip (verdict_rows[row].clip);
  const gchar *path = verdict_rows[row].path;
  const gchar *classification = verdict_rows[row].classification;
  gchar *identifier;
  JsonNode *result;

  identifier = emulator_submit (emulator, path, verdict_rows[row].fields, clip);
  result = emulator_wait (emulator, path, identifier);
  fail_unless_equals_string (get_string (result, NULL, "status"),
      verdict_rows[row].status);
  fail_unless_equals_string (get_string (result, NULL, "identifier"),
      identifier);
  fail_unless (strstr (get_string (result, NULL, "emulator"), "no detector"));
  if (classification != NULL || verdict_rows[row].unknown) {
    fail_unless_equals_string (get_string (result, "verdict",
            "classification"), classification);
    fail_unless_equals_int (json_object_get_boolean_member
        (json_object_get_object_member (json_node_get_object (result),
                "verdict"), "unknown"), verdict_rows[row].unknown);
  } else {
    fail_unless (get_string (result, NULL, "errors") != NULL);
  }
  json_node_unref (result);
  g_free (identifier);
  g_bytes_unref (clip);
}

GST_START_TEST (test_verdict)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, verdict_rows)
      check_verdict (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* A file that begins well and ends in the middle is errored or judged by what
 * is there; one without its index is errored. */
GST_START_TEST (test_truncated)
{
  GBytes *clip = make_clip (MAGENTA), *cut = g_bytes_new_from_bytes (clip, 0,
      g_bytes_get_size (clip) / 2);
  Emulator emulator;
  gchar *identifier;
  JsonNode *result;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  identifier = emulator_submit (&emulator, VIDEO, "a=b", cut);
  result = emulator_wait (&emulator, VIDEO, identifier);
  fail_unless_equals_string (get_string (result, NULL, "status"), "errored");
  fail_unless (g_str_has_prefix (get_string (result, NULL, "errors"),
          "The file could not be decoded"));
  json_node_unref (result);
  g_free (identifier);
  emulator_stop (&emulator);
  g_bytes_unref (cut);
  g_bytes_unref (clip);
}

GST_END_TEST;

static const struct
{
  const gchar *fields;
  const gchar *names;           /* of the frames judged */
} frames_rows[] = {
  {"frames=5", "frame-0 frame-4 frame-8 frame-12 frame-16"},
  {"frames=10", "frame-0 frame-2 frame-4 frame-6 frame-8 frame-10 frame-12 "
        "frame-14 frame-16 frame-18"},
  {"frames=5&key_frames=true", "frame-0 frame-5 frame-10 frame-15"},
};

static void
check_frames (Emulator * emulator, guint row)
{
  GBytes *clip = make_clip (TWO_SHOTS);
  GString *names = g_string_new (NULL);
  gchar *identifier;
  JsonNode *result;
  guint i;

  identifier = emulator_submit (emulator, VIDEO, frames_rows[row].fields, clip);
  result = emulator_wait (emulator, VIDEO, identifier);
  for (i = 0; i < json_array_get_length (get_images (result)); i++)
    g_string_append_printf (names, "%s%s", i > 0 ? " " : "",
        json_object_get_string_member (json_array_get_object_element
            (get_images (result), i), "name"));
  fail_unless_equals_string (names->str, frames_rows[row].names);
  g_string_free (names, TRUE);
  json_node_unref (result);
  g_free (identifier);
  g_bytes_unref (clip);
}

GST_START_TEST (test_frames)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, frames_rows)
      check_frames (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Both forms of the answer, and a result that isn't final before its time. */
GST_START_TEST (test_answers)
{
  GBytes *clip = make_clip (MAGENTA);
  GBytes *form = make_form ("ref_id=cam7", "video", "clip.mov",
      "video/quicktime", clip);
  Emulator emulator;
  Answer text, json, result;
  gchar *path;

  emulator_start (&emulator, "--rate-limits off --delay 3600");
  emulator_ask (&emulator, "POST", VIDEO, "k", "text/plain", FORM_TYPE, form,
      &text);
  emulator_ask (&emulator, "POST", VIDEO, "k", "application/json", FORM_TYPE,
      form, &json);
  fail_unless_equals_int (text.length, 64);
  fail_unless (strspn (text.body, "0123456789abcdef") == 64);
  fail_unless (g_str_has_prefix (json.body, "{\"identifier\":\""));
  fail_unless (strncmp (json.body + 15, text.body, 64) == 0);

  path = g_strconcat (VIDEO "/", text.body, NULL);
  emulator_ask (&emulator, "GET", path, "k", NULL, NULL, NULL, &result);
  fail_unless (strstr (result.body, "\"status\":\"new\"") != NULL);
  fail_unless (strstr (result.body, "\"verdict\":null") != NULL);
  fail_unless (strstr (result.body, "\"ref_id\":\"cam7\"") != NULL);
  answer_clear (&result);
  emulator_ask (&emulator, "GET", VIDEO "/nothing", "k", NULL, NULL, NULL,
      &result);
  fail_unless_equals_int (result.status, 404);
  answer_clear (&result);
  answer_clear (&text);
  answer_clear (&json);
  g_free (path);
  emulator_stop (&emulator);
  g_bytes_unref (form);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* The cache, and what credits are left: 1 for five frames. */
GST_START_TEST (test_cache_and_credits)
{
  GBytes *clip = make_clip (MAGENTA);
  gchar *ids[4];
  Emulator emulator;
  Answer answer;
  guint i;

  emulator_start (&emulator, "--rate-limits off --api-key k=10");
  ids[0] = emulator_submit (&emulator, VIDEO, "frames=5", clip);
  ids[1] = emulator_submit (&emulator, VIDEO, "frames=5&ref_id=x", clip);
  ids[2] = emulator_submit (&emulator, VIDEO, "frames=10", clip);
  ids[3] = emulator_submit (&emulator, VIDEO, "frames=5&no_cache=true", clip);
  fail_unless_equals_string (ids[0], ids[1]);
  fail_if (g_str_equal (ids[0], ids[2]));
  fail_if (g_str_equal (ids[0], ids[3]));
  emulator_ask (&emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_string (answer.body,
      "{\"available_credits\":6,\"total_spent\":4}");
  answer_clear (&answer);
  for (i = 0; i < G_N_ELEMENTS (ids); i++)
    g_free (ids[i]);
  emulator_stop (&emulator);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* A key may be revoked and replaced while the emulator runs. */
GST_START_TEST (test_keys_at_run_time)
{
  static const struct
  {
    const gchar *state;
    guint status;
  } steps[] = { {"k=revoked", 401}, {"k=forbidden", 403}, {"k=7", 200} };
  Emulator emulator;
  Answer answer;
  guint i;

  emulator_start (&emulator, "--rate-limits off --api-key k");
  for (i = 0; i < G_N_ELEMENTS (steps); i++) {
    GBytes *body = make_text (steps[i].state);

    emulator_ask (&emulator, "POST", "/emulator/keys", NULL, NULL, "text/plain",
        body, &answer);
    fail_unless_equals_int (answer.status, 200);
    answer_clear (&answer);
    emulator_ask (&emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
        &answer);
    fail_unless_equals_int (answer.status, steps[i].status);
    answer_clear (&answer);
    g_bytes_unref (body);
  }
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Three GETs a minute, for each key by itself; POSTs aren't meant. */
GST_START_TEST (test_rate_limits)
{
  Emulator emulator;
  Answer answer;
  guint i;

  emulator_start (&emulator, "--rate-limits 0,0,0,3");
  for (i = 0; i < 6; i++) {
    emulator_ask (&emulator, "GET", "/api/user/credits", i == 5 ? "other" : "k",
        NULL, NULL, NULL, &answer);
    fail_unless_equals_int (answer.status, i == 3 || i == 4 ? 429 : 200);
    if (answer.status == 429) {
      fail_unless_equals_string (answer.body,
          "{\"message\":\"Too Many Attempts.\"}");
      fail_unless (atoi (answer.retry_after) > 50);
    }
    answer_clear (&answer);
  }
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Without the option the limits are the published ones: of any hundred requests
 * in a row some come too soon, however slow the machine is. */
GST_START_TEST (test_default_limits)
{
  guint i, throttled = 0;
  Emulator emulator;
  Answer answer;

  emulator_start (&emulator, "--no-retry-after");
  for (i = 0; i < 100; i++) {
    emulator_ask (&emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
        &answer);
    throttled += answer.status == 429;
    fail_unless (answer.retry_after == NULL);
    answer_clear (&answer);
  }
  fail_unless (throttled > 0);
  emulator_stop (&emulator);
}

GST_END_TEST;

static const struct
{
  guint unknown;                /* identifiers that nobody has */
  guint status;
  guint results;
} batch_rows[] = {
  {0, 200, 2}, {98, 200, 2}, {99, 400, 0},
};

static void
check_batch (Emulator * emulator, guint row)
{
  GBytes *clip = make_clip (NEITHER);
  GString *path = g_string_new ("/api/classifications_video?");
  JsonNode *node;
  gchar *one, *other;
  Answer answer;
  guint i;

  one = emulator_submit (emulator, VIDEO, "frames=5", clip);
  other = emulator_submit (emulator, VIDEO, "frames=10", clip);
  g_string_append_printf (path, "identifiers[]=%s", one);
  for (i = 0; i < batch_rows[row].unknown; i++)
    g_string_append_printf (path, "&identifiers%%5B%%5D=%u", i);
  g_string_append_printf (path, "&identifiers[]=%s", other);
  emulator_ask (emulator, "GET", path->str, "k", NULL, NULL, NULL, &answer);
  fail_unless_equals_int (answer.status, batch_rows[row].status);
  node = json_from_string (answer.body, NULL);
  if (answer.status == 200)
    fail_unless (json_array_get_length (json_node_get_array (node))
        == batch_rows[row].results);
  json_node_unref (node);
  answer_clear (&answer);
  g_string_free (path, TRUE);
  g_free (one);
  g_free (other);
  g_bytes_unref (clip);
}

GST_START_TEST (test_batch)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, batch_rows)
      check_batch (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Recorded answers: by the file's hash, else in their order. */
GST_START_TEST (test_replay)
{
  GBytes *clip = make_clip (MAGENTA), *other = make_clip (NEITHER);
  gchar *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, other);
  gchar *text = g_strdup_printf ("[{\"hash\":\"%s\",\"identifier\":\"x\","
      "\"status\":\"done\",\"name\":\"by hash\"}]", hash);
  gchar *directory = g_dir_make_tmp ("replay-XXXXXX", NULL);
  gchar *one = g_build_filename (directory, "1.json", NULL);
  gchar *two = g_build_filename (directory, "2.json", NULL);
  gchar *arguments = g_strconcat ("--rate-limits off --delay 0 --replay ",
      directory, NULL);
  gchar *identifier;
  Emulator emulator;
  JsonNode *result;

  g_file_set_contents (one, "{\"status\":\"errored\",\"name\":\"first\"}", -1,
      NULL);
  g_file_set_contents (two, text, -1, NULL);
  emulator_start (&emulator, arguments);
  identifier = emulator_submit (&emulator, VIDEO, "ref_id=r", other);
  result = emulator_wait (&emulator, VIDEO, identifier);
  fail_unless_equals_string (get_string (result, NULL, "name"), "by hash");
  fail_unless_equals_string (get_string (result, NULL, "identifier"),
      identifier);
  fail_unless_equals_string (get_string (result, NULL, "ref_id"), "r");
  json_node_unref (result);
  g_free (identifier);
  identifier = emulator_submit (&emulator, VIDEO, "ref_id=r", clip);
  result = emulator_wait (&emulator, VIDEO, identifier);
  fail_unless_equals_string (get_string (result, NULL, "name"), "first");
  json_node_unref (result);
  emulator_stop (&emulator);
  g_remove (one);
  g_remove (two);
  g_rmdir (directory);
  g_free (identifier);
  g_free (one);
  g_free (two);
  g_free (arguments);
  g_free (directory);
  g_free (text);
  g_free (hash);
  g_bytes_unref (clip);
  g_bytes_unref (other);
}

GST_END_TEST;

/* What was sent is kept, byte by byte, before the answer; what an earlier run has
 * kept stays. */
GST_START_TEST (test_record)
{
  GBytes *clip = make_clip (NEITHER);
  gchar *directory = g_dir_make_tmp ("record-XXXXXX", NULL);
  gchar *arguments = g_strconcat ("--rate-limits off --record ", directory,
      NULL);
  gchar *identifier, *path, *data, *hash;
  Emulator emulator;
  JsonNode *node;
  gsize length;

  path = g_build_filename (directory, "00041.mp4", NULL);
  fail_unless (g_file_set_contents (path, "earlier", -1, NULL));
  g_free (path);
  emulator_start (&emulator, arguments);
  identifier = emulator_submit (&emulator, VIDEO, "frames=5&ref_id=a b", clip);
  path = g_build_filename (directory, "00042.bin", NULL);
  fail_unless (g_file_get_contents (path, &data, &length, NULL));
  fail_unless_equals_uint64 (length, g_bytes_get_size (clip));
  fail_unless (memcmp (data, g_bytes_get_data (clip, NULL), length) == 0);
  g_free (data);
  g_free (path);
  path = g_build_filename (directory, "00042.json", NULL);
  fail_unless (g_file_get_contents (path, &data, NULL, NULL));
  node = json_from_string (data, NULL);
  hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, clip);
  fail_unless_equals_string (get_string (node, NULL, "sha256"), hash);
  fail_if (json_object_get_boolean_member (json_node_get_object (node),
          "chunked"));
  fail_unless_equals_string (get_string (node, "fields", "frames"), "5");
  fail_unless_equals_string (get_string (node, "fields", "ref_id"), "a b");
  json_node_unref (node);
  g_free (hash);
  g_free (data);
  g_free (path);
  g_free (identifier);
  emulator_stop (&emulator);
  remove_tree (directory);
  g_free (directory);
  g_free (arguments);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* HTTP/1.1 whatever the environment asks of libsoup's server: its HTTP/2 takes no
 * body of this size, and doesn't survive a fault. */
GST_START_TEST (test_tls)
{
  gchar *directory, *command, *arguments;
  GBytes *clip = make_clip (LARGE);
  gchar *openssl = g_find_program_in_path ("openssl");
  Emulator emulator;
  gchar *identifier;
  Answer answer;
  gint status;

  if (openssl == NULL) {
    g_printerr ("not tested: openssl is missing\n");
    g_bytes_unref (clip);
    return;
  }
  directory = g_dir_make_tmp ("tls-XXXXXX", NULL);
  command = g_strdup_printf ("openssl req -x509 -newkey rsa:2048 -nodes -days 2"
      " -subj /CN=localhost -keyout %s/key -out %s/certificate", directory,
      directory);
  fail_unless (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL));
  arguments = g_strdup_printf ("--rate-limits off --fault credits#1:reset "
      "--tls-certificate %s/certificate --tls-key %s/key", directory,
      directory);
  g_setenv ("SOUP_SERVER_HTTP2", "1", TRUE);
  emulator_start (&emulator, arguments);
  g_unsetenv ("SOUP_SERVER_HTTP2");
  fail_unless (g_str_has_prefix (emulator.base, "https://127.0.0.1:"));
  fail_unless (g_bytes_get_size (clip) > 100000);
  identifier = emulator_submit (&emulator, VIDEO, "a=b", clip);
  g_free (identifier);
  soup_session_abort (emulator.session);
  emulator_ask (&emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, 0);
  answer_clear (&answer);
  emulator_ask (&emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_free (command);
  command = g_strdup_printf ("rm -r %s", directory);
  g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL);
  g_free (command);
  g_free (arguments);
  g_free (directory);
  g_free (openssl);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* A C2PA manifest forces the verdict, unless told not to. */
GST_START_TEST (test_c2pa)
{
  static const gchar box[] = "\0\0\0\x2duuid\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c"
      "\x92\x97\x58\x28\x87\x7e\xc4\x81\0\0\0\0manifest\0\0\0\0\0\0\0\0";
  static const gchar *const fields[] = { "a=b", "prevent_c2pa_forces=true" };
  static const gchar *const classes[] = { "artificial", "human" };
  GBytes *clip = make_clip (COLOR ("ff808080") " ! jpegenc ! qtmux");
  GByteArray *array = g_byte_array_new ();
  Emulator emulator;
  GBytes *file;
  guint i;

  g_byte_array_append (array, g_bytes_get_data (clip, NULL),
      g_bytes_get_size (clip));
  g_byte_array_append (array, (const guint8 *) box, 45);
  file = g_byte_array_free_to_bytes (array);
  emulator_start (&emulator, "--rate-limits off --delay 0");
  for (i = 0; i < 2; i++) {
    gchar *identifier = emulator_submit (&emulator, VIDEO, fields[i], file);
    JsonNode *result = emulator_wait (&emulator, VIDEO, identifier);

    fail_unless_equals_string (get_string (result, "verdict",
            "classification"), classes[i]);
    fail_unless_equals_string (get_string (result, NULL,
            "force_classification"), i == 0 ? "artificial" : NULL);
    fail_unless (json_object_get_object_member (json_array_get_object_element
            (get_images (result), 0), "c2pa") != NULL);
    json_node_unref (result);
    g_free (identifier);
  }
  emulator_stop (&emulator);
  g_bytes_unref (file);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* Twelve uploads at once, each its own verdict. */

static gpointer
upload_one (gpointer data)
{
  gpointer *pair = data;

  return emulator_submit (pair[0], VIDEO, "frames=5&no_cache=1", pair[1]);
}

GST_START_TEST (test_concurrent)
{
  GBytes *clips[] = { make_clip (MAGENTA), make_clip (NEITHER) };
  static const gchar *const classes[] = { "artificial", "human" };
  GThread *threads[12];
  Emulator emulator;
  gpointer pairs[2][2] = { {&emulator, clips[0]}, {&emulator, clips[1]} };
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("upload", upload_one, pairs[i % 2]);
  for (i = 0; i < G_N_ELEMENTS (threads); i++) {
    gchar *identifier = g_thread_join (threads[i]);
    JsonNode *result = emulator_wait (&emulator, VIDEO, identifier);

    fail_unless_equals_string (get_string (result, "verdict",
            "classification"), classes[i % 2]);
    json_node_unref (result);
    g_free (identifier);
  }
  emulator_stop (&emulator);
  g_bytes_unref (clips[0]);
  g_bytes_unref (clips[1]);
}

GST_END_TEST;

static Suite *
emulator_suite (void)
{
  Suite *suite = suite_create ("emulator");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_no_form);
  tcase_add_test (tc, test_truncated);
  tcase_add_test (tc, test_verdict);
  tcase_add_test (tc, test_frames);
  tcase_add_test (tc, test_answers);
  tcase_add_test (tc, test_cache_and_credits);
  tcase_add_test (tc, test_keys_at_run_time);
  tcase_add_test (tc, test_rate_limits);
  tcase_add_test (tc, test_default_limits);
  tcase_add_test (tc, test_batch);
  tcase_add_test (tc, test_replay);
  tcase_add_test (tc, test_record);
  tcase_add_test (tc, test_tls);
  tcase_add_test (tc, test_c2pa);
  tcase_add_test (tc, test_concurrent);
  return suite;
}

EMULATOR_CHECK_MAIN (emulator);
