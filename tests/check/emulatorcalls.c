/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator's answers as far as HTTP goes: methods, Accept, lists, overrides,
 * and the calls that it makes itself, to webhooks.
 */

#include <gst/check/gstcheck.h>
#include <glib/gstdio.h>
#include <string.h>

#include "emulatortool.h"

#define VIDEO "/api/classification_video"
#define IMAGE "/api/classification"
#define AUDIO "/api/classification_audio"

#define CLIP "videotestsrc num-buffers=3 pattern=solid-color " \
    "foreground-color=0xff808080 ! video/x-raw,width=64,height=48 ! jpegenc ! " \
    "qtmux"
#define PICTURE "videotestsrc num-buffers=1 pattern=solid-color " \
    "foreground-color=0xff%s ! video/x-raw,width=64,height=48 ! pngenc"

static GBytes *
make_picture (const gchar * color)
{
  gchar *pipeline = g_strdup_printf (PICTURE, color);
  GBytes *picture = make_clip (pipeline);

  g_free (pipeline);
  return picture;
}

/* Which form of the answer: JSON only for who names it, and not less than text */

static const struct
{
  const gchar *accept;
  gboolean json;
} accept_rows[] = {
  {NULL, FALSE},
  {"", FALSE},
  {"*/*", FALSE},
  {"application/*", FALSE},
  {"text/plain", FALSE},
  {"text/html,application/xhtml+xml,*/*;q=0.8", FALSE},
  {"application/jsonp", FALSE},
  {"application/vnd.api+json", FALSE},
  {"application/json;q=0", FALSE},
  {"text/plain, application/json;q=0.5", FALSE},
  {"application/json", TRUE},
  {"Application/JSON", TRUE},
  {"application/json; charset=utf-8", TRUE},
  {"application/json;q=0.1", TRUE},
  {"text/plain;q=0.5 , application/json ; q=0.9", TRUE},
  {"application/json, text/plain, */*", TRUE},
  {"text/html, application/json", TRUE},
};

GST_START_TEST (test_accept)
{
  GBytes *clip = make_clip (CLIP);
  GBytes *form = make_form ("frames=5", "video", "clip.mov",
      "video/quicktime", clip);
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off");
  for (i = 0; i < G_N_ELEMENTS (accept_rows); i++) {
    const gchar *accept = accept_rows[i].accept;
    Answer answer;

    emulator_ask (&emulator, "POST", VIDEO, "k", accept, FORM_TYPE, form,
        &answer);
    fail_unless_equals_int (answer.status, 200);
    fail_unless (g_str_has_prefix (answer.type, accept_rows[i].json
            ? "application/json" : "text/plain"), "%s: %s", accept,
        answer.type);
    fail_unless_equals_int (g_str_has_prefix (answer.body,
            "{\"identifier\":\""), accept_rows[i].json);
    answer_clear (&answer);
  }
  emulator_stop (&emulator);
  g_bytes_unref (form);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* Calls that there aren't, and those that there are */

static const struct
{
  const gchar *method, *path, *key;
  guint status;
  const gchar *body;            /* begins with */
} call_rows[] = {
  {"GET", VIDEO, "k", 405, "{\"error\":\"Method Not Allowed\"}"},
  {"PUT", VIDEO, "k", 405, "{\"error\":"},
  {"POST", "/api/user/credits", "k", 405, "{\"error\":"},
  {"DELETE", "/", NULL, 405, "{\"error\":"},
  {"POST", VIDEO "/x", "k", 405, "{\"error\":"},
  {"GET", VIDEO "/", "k", 404, "{\"error\":\"Not Found\"}"},
  {"GET", VIDEO "/x", "k", 404, "{\"error\":"},
  {"GET", VIDEO "/%2F", "k", 404, "{\"error\":"},
  {"GET", "/api/user/credits/", "k", 404, "{\"error\":"},
  {"GET", "/favicon.ico", NULL, 404, "{\"error\":"},
  {"GET", "/api/classifications_video", "k", 400,
      "{\"identifiers\":[\"The identifiers field is required.\"]}"},
  {"GET", "/api/classifications_audio?identifiers=x", "k", 400,
      "{\"identifiers\":"},
  {"GET", "/api/classifications_audio?identifiers[]=x", "k", 200, "[]"},
  {"GET", "/api/classifications?identifiers[0]=x&identifiers[1]=%FF", "k", 200,
      "[]"},
  {"GET", "/api/classifications", "k", 200, "[]"},
  {"GET", "/api/classifications_image", "k", 200, "[]"},
  {"GET", "/api/classification_image/x", "k", 404, "{\"error\":"},
  {"POST", "/api/classification_image", "k", 404, "{\"error\":"},
  {"POST", "/api/classifications_image", "k", 405, "{\"error\":"},
  {"GET", "/api/classification/heatmap/x", "k", 404, "{\"error\":"},
  {"GET", "/api/classification_image/heatmap/x", NULL, 401, "{\"error\":"},
  {"GET", "/api/classification_video/heatmap/x", "k", 404, "{\"error\":"},
  {"GET", "/api/classifications", NULL, 401, "{\"error\":\"Unauthorized\"}"},
  {"GET", "/emulator/frames/x/0", NULL, 404, "{\"error\":"},
  {"HEAD", "/api/user/credits", "k", 200, ""},
  {"HEAD", "/", NULL, 200, ""},
};

GST_START_TEST (test_calls)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off");
  for (i = 0; i < G_N_ELEMENTS (call_rows); i++) {
    Answer answer;

    emulator_ask (&emulator, call_rows[i].method, call_rows[i].path,
        call_rows[i].key, NULL, NULL, NULL, &answer);
    fail_unless (answer.status == call_rows[i].status
        || g_str_equal (call_rows[i].method, "HEAD"), "%s %s: %u",
        call_rows[i].method, call_rows[i].path, answer.status);
    fail_unless (g_str_has_prefix (answer.body, call_rows[i].body), "%s",
        answer.body);
    answer_clear (&answer);
  }
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Who names no identifiers gets all images, and nothing else. */
GST_START_TEST (test_all_images)
{
  static const gchar *const colors[] = { "808080", "ff00ff" };
  GBytes *clip = make_clip (CLIP);
  gchar *identifiers[2], *video;
  Emulator emulator;
  Answer answer;
  JsonNode *node;
  guint i;

  emulator_start (&emulator, "--rate-limits off");
  for (i = 0; i < 2; i++) {
    GBytes *picture = make_picture (colors[i]);

    identifiers[i] = emulator_submit (&emulator, IMAGE, "a=b", picture);
    g_bytes_unref (picture);
  }
  video = emulator_submit (&emulator, VIDEO, "a=b", clip);
  emulator_ask (&emulator, "GET", "/api/classifications", "k", NULL, NULL,
      NULL, &answer);
  node = json_from_string (answer.body, NULL);
  fail_unless_equals_int (json_array_get_length (json_node_get_array (node)),
      2);
  for (i = 0; i < 2; i++) {
    fail_unless_equals_string (json_object_get_string_member
        (json_array_get_object_element (json_node_get_array (node), i),
            "identifier"), identifiers[i]);
    g_free (identifiers[i]);
  }
  json_node_unref (node);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_free (video);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* Overrides: of a file, so of all its submissions, and of one kind. One after the
 * other: those that are refused come first. */

static const struct
{
  const gchar *path;            /* %s = the file's hash */
  const gchar *body;
  guint status;
  const gchar *classification;  /* afterwards */
  const gchar *answer;          /* part of it */
} override_rows[] = {
  {VIDEO "/%s/override", "{\"classification\":\"Human\"}", 400, "human",
      "The selected classification is invalid."},
  {VIDEO "/%s/override", "{\"classification\":1}", 400, "human",
      "The classification field is required."},
  {VIDEO "/%s/override", "{}", 400, "human", "is required"},
  {VIDEO "/%s/override", "", 400, "human", "is required"},
  {VIDEO "/%s/override", "[\"artificial\"]", 400, "human", "is required"},
  {VIDEO "/%s/override", "classification=artificial", 400, "human",
      "is required"},
  {VIDEO "/%sx/override", "{\"classification\":\"artificial\"}", 404, "human",
      "Not Found"},
  {AUDIO "/%s/override", "{\"classification\":\"artificial\"}", 404, "human",
      "Not Found"},
  {VIDEO "/%s/override", "{\"classification\":\"artificial\"}", 200,
      "artificial", "{\"classification\":\"artificial\",\"type\":\"video\","
        "\"hash\":\""},
  {VIDEO "/%s/override", "{\"classification\":\"human\"}", 200, "human",
      "\"classification\":\"human\""},
};

/* Submissions that were there before, and one that comes after. */
static void
check_override (Emulator * emulator, guint row)
{
  static const gchar *const fields[] = { "frames=5", "frames=10",
    "frames=10&no_cache=1"
  };
  GBytes *clip = make_clip (CLIP);
  GBytes *body = make_text (override_rows[row].body);
  gchar *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, clip);
  gchar *path = g_strdup_printf (override_rows[row].path, hash);
  gboolean done = override_rows[row].status == 200;
  gchar *identifiers[3];
  Answer answer;
  guint i;

  for (i = 0; i < 2; i++)
    identifiers[i] = emulator_submit (emulator, VIDEO, fields[i], clip);
  emulator_ask (emulator, "POST", path, "k", NULL, "application/json", body,
      &answer);
  fail_unless_equals_int (answer.status, override_rows[row].status);
  fail_unless (strstr (answer.body, override_rows[row].answer) != NULL,
      "%s", answer.body);
  answer_clear (&answer);
  identifiers[2] = emulator_submit (emulator, VIDEO, fields[2], clip);
  for (i = 0; i < 3; i++) {
    JsonNode *node = emulator_wait (emulator, VIDEO, identifiers[i]);
    JsonObject *result = json_node_get_object (node);

    fail_unless_equals_string (json_object_get_string_member
        (json_object_get_object_member (result, "verdict"), "classification"),
        override_rows[row].classification);
    fail_unless_equals_int (!json_object_get_null_member (result,
            "force_classification"), done);
    json_node_unref (node);
    g_free (identifiers[i]);
  }
  g_free (path);
  g_free (hash);
  g_bytes_unref (body);
  g_bytes_unref (clip);
}

GST_START_TEST (test_override)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, override_rows)
      check_override (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Webhooks: what the first attempt is answered, how often it is called, and what
 * the page says in the end */

typedef struct
{
  const gchar *arguments;
  guint first;                  /* status; 0 = none, the call hangs */
  guint later;                  /* of all further ones */
  guint calls;
  const gchar *state;
} HookRow;

static const HookRow hook_rows[] = {
  {"", 204, 204, 1, "delivered"},
  {"", 500, 204, 2, "delivered"},
  {"", 404, 200, 2, "delivered"},
  {"", 302, 204, 2, "delivered"},       /* not followed */
  {"", 503, 503, 5, "failed"},
  {"--webhook-timeout 3", 0, 204, 2, "delivered"},
};

typedef struct
{
  Emulator emulator;
  const HookRow *row;
  SoupServer *server;
  gchar *url;
  guint calls;
  gchar *body;                  /* the last call's */
  GMainLoop *loop;
} Hook;

static void
hook_called (SoupServer * server, SoupServerMessage * message, const char *path,
    GHashTable * query, gpointer user_data)
{
  Hook *hook = user_data;
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  guint status = hook->calls++ == 0 ? hook->row->first : hook->row->later;
  GBytes *bytes = soup_message_body_flatten (body);

  fail_unless_equals_string (soup_server_message_get_method (message), "POST");
  g_free (hook->body);
  hook->body = g_strndup (g_bytes_get_data (bytes, NULL),
      g_bytes_get_size (bytes));
  g_bytes_unref (bytes);
  if (status == 302)
    soup_message_headers_replace (soup_server_message_get_response_headers
        (message), "Location", "/elsewhere");
  if (status != 0)
    soup_server_message_set_status (message, status, NULL);
  else
    soup_server_message_pause (message);
}

static void
hook_start (Hook * hook, const gchar * arguments, const HookRow * row)
{
  gchar *all = g_strconcat ("--rate-limits off --delay 0 "
      "--webhook-retry-delay 0.01 ", arguments, NULL);
  GSList *uris;

  memset (hook, 0, sizeof *hook);
  hook->row = row;
  hook->loop = g_main_loop_new (NULL, FALSE);
  hook->server = soup_server_new (NULL, NULL);
  soup_server_add_handler (hook->server, NULL, hook_called, hook, NULL);
  fail_unless (soup_server_listen_local (hook->server, 0,
          SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  uris = soup_server_get_uris (hook->server);
  hook->url = g_strdup_printf ("http://127.0.0.1:%d/hook",
      g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  emulator_start (&hook->emulator, all);
  g_free (all);
}

static void
hook_stop (Hook * hook)
{
  emulator_stop (&hook->emulator);
  soup_server_disconnect (hook->server);
  while (g_main_context_iteration (NULL, FALSE));
  g_object_unref (hook->server);
  g_main_loop_unref (hook->loop);
  g_free (hook->url);
  g_free (hook->body);
}

static gboolean
hook_has_state (Hook * hook, const gchar * state)
{
  gchar *text = g_strdup_printf ("\"webhook\":\"%s\"", state);
  Answer answer;
  gboolean has;

  /* Synchronous, but of another process: it isn't the hook that waits here. */
  emulator_ask (&hook->emulator, "GET", "/emulator/state", NULL, NULL, NULL,
      NULL, &answer);
  has = strstr (answer.body, text) != NULL;
  answer_clear (&answer);
  g_free (text);
  return has;
}

static gboolean
look_at_state (gpointer user_data)
{
  Hook *hook = user_data;

  if (!hook_has_state (hook, "waiting"))
    g_main_loop_quit (hook->loop);
  return G_SOURCE_CONTINUE;
}

/* Until no webhook of any submission is due any more. */
static void
hook_wait (Hook * hook)
{
  guint timer = g_timeout_add (20, look_at_state, hook);

  g_main_loop_run (hook->loop);
  g_source_remove (timer);
}

GST_START_TEST (test_webhook)
{
  const HookRow *row = &hook_rows[__i__];
  GBytes *clip = make_clip (CLIP);
  gchar *fields, *identifier, *again;
  Hook hook;

  hook_start (&hook, row->arguments, row);
  fields = g_strdup_printf ("ref_id=r&webhook_url=%s", hook.url);
  identifier = emulator_submit (&hook.emulator, VIDEO, fields, clip);
  hook_wait (&hook);
  fail_unless (hook_has_state (&hook, row->state));
  fail_unless_equals_int (hook.calls, row->calls);
  fail_unless (strstr (hook.body, identifier) != NULL);
  fail_unless (strstr (hook.body, "\"status\":\"done\"") != NULL);
  fail_unless (strstr (hook.body, "\"ref_id\":\"r\"") != NULL);

  /* From the cache: not called again. */
  again = emulator_submit (&hook.emulator, VIDEO, fields, clip);
  fail_unless_equals_string (again, identifier);
  hook_wait (&hook);
  fail_unless_equals_int (hook.calls, row->calls);
  hook_stop (&hook);
  g_free (identifier);
  g_free (again);
  g_free (fields);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* Calls that hang keep neither another one nor the emulator's end waiting. */
GST_START_TEST (test_webhooks_hang)
{
  static const HookRow row = { NULL, 0, 0, };
  static const HookRow good_row = { NULL, 204, 204, };
  GBytes *clip = make_clip (CLIP);
  gchar *fields;
  Hook hook;
  guint i;

  hook_start (&hook, "--webhook-timeout 3600", &row);
  fields = g_strdup_printf ("no_cache=1&webhook_url=%s", hook.url);
  for (i = 0; i < 12; i++)
    g_free (emulator_submit (&hook.emulator, VIDEO, fields, clip));
  while (hook.calls < 12)
    g_main_context_iteration (NULL, TRUE);
  hook.row = &good_row;
  g_free (emulator_submit (&hook.emulator, VIDEO, fields, clip));
  while (!hook_has_state (&hook, "delivered"))
    g_main_context_iteration (NULL, FALSE);
  hook_stop (&hook);
  g_free (fields);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* For accounts without webhooks the parameter is checked, and that is all. */
GST_START_TEST (test_no_webhooks)
{
  static const HookRow row = { NULL, 204, 204, };
  GBytes *clip = make_clip (CLIP);
  gchar *fields, *identifier;
  JsonNode *result;
  Hook hook;

  hook_start (&hook, "--no-webhooks", &row);
  fields = g_strdup_printf ("webhook_url=%s", hook.url);
  identifier = emulator_submit (&hook.emulator, VIDEO, fields, clip);
  result = emulator_wait (&hook.emulator, VIDEO, identifier);
  json_node_unref (result);
  hook_stop (&hook);
  fail_unless_equals_int (hook.calls, 0);
  g_free (identifier);
  g_free (fields);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* A browser says whose page gives an order: those of others may not. */

static const struct
{
  const gchar *method, *path, *body;
  const gchar *origin;          /* NULL = none, "" = the emulator's own */
  guint status;
} origin_rows[] = {
  {"POST", "/emulator/faults", "any:reset", "http://example.com", 403},
  {"POST", "/emulator/faults", "any:reset", "null", 403},
  {"POST", "/emulator/keys", "k=revoked", "http://127.0.0.1:1", 403},
  {"DELETE", "/emulator/faults", NULL, "http://example.com", 403},
  {"POST", "/emulator/rules", "*=human", "http://example.com", 403},
  {"POST", "/emulator/reset", "", "http://example.com", 403},
  {"POST", "/emulator/faults", "override:reset", NULL, 200},
  {"POST", "/emulator/reset", "", "", 200},
  {"POST", "/emulator/faults", "override:reset", "", 200},
  {"POST", "/emulator/keys", "k=7", "", 200},
  {"POST", "/emulator/keys", "k=many", NULL, 400},
  {"POST", "/emulator/keys", "other=1\n=1", NULL, 400},
  {"POST", "/emulator/faults", "any:reset\nnothing", NULL, 400},
  {"POST", "/emulator/faults", "\n\r\n", NULL, 200},
};

static void
check_origin (Emulator * emulator, guint row)
{
  const gchar *origin = origin_rows[row].origin;
  const gchar *body = origin_rows[row].body;
  SoupMessage *message;
  GBytes *bytes;
  Answer answer;
  gchar *url;

  url = g_strconcat (emulator->base, origin_rows[row].path, NULL);
  message = soup_message_new (origin_rows[row].method, url);
  if (origin != NULL)
    soup_message_headers_append (soup_message_get_request_headers (message),
        "Origin", *origin != '\0' ? origin : emulator->base);
  if (body != NULL) {
    bytes = make_text (body);
    soup_message_set_request_body_from_bytes (message, "text/plain", bytes);
    g_bytes_unref (bytes);
  }
  bytes = soup_session_send_and_read (emulator->session, message, NULL, NULL);
  fail_unless_equals_int (soup_message_get_status (message),
      origin_rows[row].status);
  g_clear_pointer (&bytes, g_bytes_unref);
  /* Whatever was refused has no effect. */
  emulator_ask (emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  g_object_unref (message);
  g_free (url);
}

GST_START_TEST (test_origin)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --api-key k");
  FOR_ROWS (i, origin_rows)
      check_origin (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* By which name the emulator is called: a page of another site may have its own
 * name lead here. */

static const struct
{
  const gchar *arguments;
  const gchar *method, *path;
  const gchar *host, *origin;
  guint status;
} host_rows[] = {
  {"", "GET", "/emulator/state", "127.0.0.1:80", NULL, 200},
  {"", "GET", "/emulator/state", "localhost", NULL, 200},
  {"", "GET", "/emulator/state", "LocalHost:8080", NULL, 200},
  {"", "GET", "/emulator/state", "[::1]:8080", NULL, 200},
  {"", "GET", "/emulator/state", "192.168.1.7:8080", NULL, 200},
  {"", "GET", "/emulator/state", "evil.example:8080", NULL, 403},
  {"", "GET", "/emulator/state", "127.0.0.1.evil.example", NULL, 403},
  {"", "GET", "/emulator/state", "localhost.evil.example", NULL, 403},
  {"", "GET", "/", "evil.example", NULL, 403},
  {"", "GET", "/emulator/frames/x/0", "evil.example", NULL, 403},
  {"", "GET", "/health", "evil.example", NULL, 403},
  {"", "GET", "/health", "localhost", NULL, 200},
  {"", "DELETE", "/emulator/faults", "evil.example:1", "http://evil.example:1",
      403},
  {"", "DELETE", "/emulator/faults", "localhost:1", "http://localhost:1", 200},
  {"", "DELETE", "/emulator/faults", "localhost:1", "http://localhost:2", 403},
  {"", "DELETE", "/emulator/faults", "localhost:1", "https://localhost:1", 403},
  {"--host-name box --host-name Emu.lan", "GET", "/emulator/state",
      "emu.lan:8080", NULL, 200},
  {"--host-name box", "GET", "/emulator/state", "emu.lan", NULL, 403},
  /* the service's own calls have keys */
  {"", "GET", "/api/user/credits", "emu.lan", NULL, 200},
};

static void
check_host (guint row)
{
  gchar *arguments = g_strconcat ("--rate-limits off ",
      host_rows[row].arguments, NULL);
  SoupMessageHeaders *headers;
  SoupMessage *message;
  Emulator emulator;
  GBytes *bytes;
  gchar *url;

  emulator_start (&emulator, arguments);
  url = g_strconcat (emulator.base, host_rows[row].path, NULL);
  message = soup_message_new (host_rows[row].method, url);
  headers = soup_message_get_request_headers (message);
  soup_message_headers_replace (headers, "Host", host_rows[row].host);
  soup_message_headers_replace (headers, "X-Api-Key", "k");
  if (host_rows[row].origin != NULL)
    soup_message_headers_replace (headers, "Origin", host_rows[row].origin);
  bytes = soup_session_send_and_read (emulator.session, message, NULL, NULL);
  fail_unless_equals_int (soup_message_get_status (message),
      host_rows[row].status);
  g_clear_pointer (&bytes, g_bytes_unref);
  g_object_unref (message);
  emulator_stop (&emulator);
  g_free (url);
  g_free (arguments);
}

GST_START_TEST (test_host)
{
  guint i;

  FOR_ROWS (i, host_rows)
      check_host (i);
}

GST_END_TEST;

/* Without its temporary folder it can't take a file, but it goes on; it is not
 * the sender's fault. */
GST_START_TEST (test_folder_is_gone)
{
  GBytes *clip = make_clip (CLIP);
  GBytes *form = make_form ("a=b", "video", "x", "video/mp4", clip);
  Emulator emulator;
  Answer answer;
  const gchar *name;
  GDir *dir;

  emulator_start (&emulator, "--rate-limits off");
  dir = g_dir_open (emulator.directory, 0, NULL);
  while ((name = g_dir_read_name (dir)) != NULL) {
    gchar *path = g_build_filename (emulator.directory, name, NULL);

    fail_unless_equals_int (g_rmdir (path), 0);
    g_free (path);
  }
  g_dir_close (dir);
  emulator_ask (&emulator, "POST", VIDEO, "k", NULL, FORM_TYPE, form, &answer);
  fail_unless_equals_int (answer.status, 500);
  fail_unless (g_str_has_prefix (answer.body, "{\"error\":"));
  answer_clear (&answer);
  emulator_ask (&emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_bytes_unref (form);
  g_bytes_unref (clip);
}

GST_END_TEST;

static Suite *
emulatorcalls_suite (void)
{
  Suite *suite = suite_create ("emulatorcalls");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
#define ROWS(test, rows) \
  tcase_add_loop_test (tc, test, 0, G_N_ELEMENTS (rows))
  tcase_add_test (tc, test_accept);
  tcase_add_test (tc, test_calls);
  tcase_add_test (tc, test_all_images);
  tcase_add_test (tc, test_override);
  ROWS (test_webhook, hook_rows);
  tcase_add_test (tc, test_webhooks_hang);
  tcase_add_test (tc, test_no_webhooks);
  tcase_add_test (tc, test_origin);
  tcase_add_test (tc, test_host);
  tcase_add_test (tc, test_folder_is_gone);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatorcalls);
