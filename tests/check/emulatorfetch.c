/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator and files that it is told the address of.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

#include "emulatortool.h"
#include "faultserver.h"

#define PNG "videotestsrc num-buffers=1 ! video/x-raw,width=64,height=48 ! " \
    "pngenc"
#define URL_TYPE "application/x-www-form-urlencoded"
#define VIDEO "/api/video_fromurl"
#define IMAGE "/api/image_fromurl"
#define AUDIO "/api/audio_fromurl"

/* What is refused before anything is fetched */

static const struct
{
  const gchar *arguments;
  const gchar *path, *key, *type, *body;
  guint status;
  const gchar *answer;          /* part of it */
} refused_rows[] = {
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "", 400,
      "{\"file_url\":[\"The file url field is required.\"]}"},
  {"--allow-fetch", IMAGE, "k", NULL, NULL, 400,
      "{\"file_url\":[\"The file url field is required.\"]}"},
  {"--allow-fetch", AUDIO, "k", URL_TYPE, "file_url=", 400,
      "{\"file_url\":[\"The file url field is required.\"]}"},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=a.png", 400,
      "{\"file_url\":[\"The file url field must be a valid URL.\"]}"},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=file:///etc/passwd", 400,
      "{\"file_url\":[\"The file url field must be a valid URL.\"]}"},
  {"--allow-fetch", IMAGE, "k", "application/json",
        "{\"file_url\":[\"http://127.0.0.1/\"]}", 400,
      "{\"file_url\":[\"The file url field must be a valid URL.\"]}"},
  {"--allow-fetch", IMAGE, "k", "application/json", "{\"file_url\":null}", 400,
      "{\"file_url\":[\"The file url field is required.\"]}"},
  {"--allow-fetch", VIDEO, "k", URL_TYPE,
        "file_url=http%3A%2F%2F127.0.0.1%3A1%2F&frames=6", 400,
      "{\"frames\":[\"The selected frames is invalid.\"]}"},
  {"--allow-fetch", IMAGE, NULL, URL_TYPE, "file_url=http://127.0.0.1:1/", 401,
      "Unauthorized"},
  {"--allow-fetch --fault fromurl:status=503", IMAGE, "k", URL_TYPE,
      "file_url=http://127.0.0.1:1/", 503, "Service Unavailable"},
  {"", IMAGE, "k", URL_TYPE, "file_url=http://127.0.0.1:1/", 400,
      "start it with --allow-fetch."},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=http://example.com/", 400,
      "start it with --allow-fetch=HOST."},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=http://127.1/", 400,
      "start it with --allow-fetch=HOST."},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=http://2130706433/", 400,
      "start it with --allow-fetch=HOST."},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=http://0.0.0.0/", 400,
      "start it with --allow-fetch=HOST."},
  {"--allow-fetch", IMAGE, "k", URL_TYPE,
        "file_url=http://127.0.0.1@example.com/", 400,
      "start it with --allow-fetch=HOST."},
  {"--allow-fetch=other.invalid", IMAGE, "k", URL_TYPE,
      "file_url=http://example.com/", 400, "start it with --allow-fetch=HOST."},
  {"--allow-fetch=Other.invalid", IMAGE, "k", URL_TYPE,
      "file_url=http://other.invalid/", 400, "could not be downloaded: "},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=http://127.0.0.1:1/", 400,
      "could not be downloaded: "},
  {"--allow-fetch", IMAGE, "k", URL_TYPE, "file_url=http://[::1]:1/", 400,
      "could not be downloaded: "},
};

static void
check_refused (guint row)
{
  GBytes *body = refused_rows[row].body != NULL
      ? make_text (refused_rows[row].body) : NULL;
  gchar *arguments = g_strconcat ("--rate-limits off ",
      refused_rows[row].arguments, NULL);
  Emulator emulator;
  Answer answer;

  emulator_start (&emulator, arguments);
  emulator_ask (&emulator, "POST", refused_rows[row].path,
      refused_rows[row].key, "application/json", refused_rows[row].type, body,
      &answer);
  fail_unless_equals_int (answer.status, refused_rows[row].status);
  fail_unless (strstr (answer.body, refused_rows[row].answer) != NULL, "%s",
      answer.body);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_clear_pointer (&body, g_bytes_unref);
  g_free (arguments);
}

GST_START_TEST (test_refused)
{
  guint i;

  FOR_ROWS (i, refused_rows)
      check_refused (i);
}

GST_END_TEST;

/* What the other side does with the first request; the second one gets the file */

static const struct
{
  const gchar *arguments;
  FaultKind kind;
  guint status;
  const gchar *headers;
  gboolean file;                /* else a text */
  gsize at;
  guint delay;
  gboolean again;               /* with all requests */
  guint requests;
  const gchar *refusal;         /* part of it; NULL: taken */
} fetch_rows[] = {
  {"", FAULT_ANSWER, 200, "", TRUE, 0, 0, FALSE, 1},
  {"", FAULT_ANSWER, 200, "Content-Type: text/html\r\n", TRUE, 0, 0, FALSE, 1},
  {"", FAULT_ANSWER, 200, "", FALSE, 0, 0, FALSE, 1,
      "The uploaded file format is not supported."},
  {"", FAULT_ANSWER, 404, "", TRUE, 0, 0, FALSE, 1, "status 404"},
  {"", FAULT_ANSWER, 500, "", FALSE, 0, 0, FALSE, 1, "status 500"},
  {"", FAULT_ANSWER, 302, "Location: /b.png\r\n", FALSE, 0, 0, FALSE, 2},
  {"", FAULT_ANSWER, 307, "Location: ../c/b.png\r\n", FALSE, 0, 0, FALSE, 2},
  {"", FAULT_ANSWER, 301, "Location: http://example.com/\r\n", FALSE, 0, 0,
      FALSE, 1, "a redirect to another host"},
  {"", FAULT_ANSWER, 302, "Location: //localhost/b.png\r\n", FALSE, 0, 0,
      FALSE, 1, "a redirect to another host"},
  {"", FAULT_ANSWER, 302, "Location: file:///etc/passwd\r\n", FALSE, 0, 0,
      FALSE, 1, "a redirect that leads nowhere"},
  {"", FAULT_ANSWER, 302, "", FALSE, 0, 0, FALSE, 1,
      "a redirect that leads nowhere"},
  {"", FAULT_ANSWER, 302, "Location: /a.png\r\n", FALSE, 0, 0, TRUE, 6,
      "too many redirects"},
  {"--max-bytes 100", FAULT_ANSWER, 200, "", TRUE, 0, 0, FALSE, 1,
      "exceeds the maximum allowed size of 100 bytes."},
  {"--max-bytes 100", FAULT_ENDLESS_BODY, 200, "", TRUE, 0, 0, FALSE, 1,
      "exceeds the maximum allowed size of 100 bytes."},
  {"--fetch-timeout 0.3", FAULT_SILENT, 0, "", FALSE, 0, 0, FALSE, 1,
      "it took too long"},
  {"--fetch-timeout 0.3", FAULT_ENDLESS_DRIP, 200, "", FALSE, 0, 50, FALSE, 1,
      "it took too long"},
  {"", FAULT_SHORT, 200, "", TRUE, 10, 0, FALSE, 1,
      "could not be downloaded"},
  {"", FAULT_RAW, 0, "", FALSE, 0, 0, TRUE, 0, "could not be downloaded"},
};

static gchar *
make_body (FaultServer * server)
{
  gchar *url = fault_server_get_url (server);
  gchar *body = g_strdup_printf ("ref_id=r&file_url=%s/d/a%%2520b.png", url);

  g_free (url);
  return body;
}

static void
check_result (Emulator * emulator, const gchar * identifier, GBytes * picture)
{
  gchar *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, picture);
  JsonNode *result = emulator_wait (emulator, "/api/classification_image",
      identifier);
  JsonObject *object = json_node_get_object (result);

  fail_unless_equals_string (json_object_get_string_member (object, "hash"),
      hash);
  fail_unless_equals_string (json_object_get_string_member (object, "name"),
      "a b.png");
  fail_unless_equals_string (json_object_get_string_member (object, "ref_id"),
      "r");
  json_node_unref (result);
  g_free (hash);
}

static void
check_fetch (guint row)
{
  GBytes *picture = make_clip (PNG), *form;
  gsize length;
  const gchar *data = g_bytes_get_data (picture, &length);
  gboolean file = fetch_rows[row].file;
  const FaultStep steps[] = {
    {FAULT_OTHER, fetch_rows[row].again ? 0 : 1, fetch_rows[row].kind,
          fetch_rows[row].status, fetch_rows[row].headers,
          file ? data : "nothing", file ? length : 0, fetch_rows[row].at,
        fetch_rows[row].delay},
    {FAULT_OTHER, 2, FAULT_ANSWER, 200, NULL, data, length},
  };
  FaultServer *server = fault_server_new (steps, fetch_rows[row].again ? 1 : 2);
  gchar *arguments = g_strconcat ("--rate-limits off --delay 0 --allow-fetch ",
      fetch_rows[row].arguments, NULL);
  gchar *body = make_body (server);
  Emulator emulator;
  Answer answer;
  guint i;

  form = make_text (body);
  emulator_start (&emulator, arguments);
  emulator_ask (&emulator, "POST", IMAGE, "k", NULL, URL_TYPE, form, &answer);
  fail_unless_equals_int (answer.status, fetch_rows[row].refusal ? 400 : 200);
  fail_unless (fetch_rows[row].refusal == NULL
      || strstr (answer.body, fetch_rows[row].refusal) != NULL, "%s",
      answer.body);
  if (answer.status == 200)
    check_result (&emulator, answer.body, picture);
  if (fetch_rows[row].requests > 0)
    fail_unless_equals_int (fault_server_count (server, FAULT_OTHER),
        fetch_rows[row].requests);
  /* the key is for the service, and for nobody else */
  for (i = 0; i < fault_server_count (server, FAULT_OTHER); i++)
    fail_unless (fault_server_get (server, FAULT_OTHER, i)->key == NULL);
  answer_clear (&answer);
  emulator_stop (&emulator);
  fault_server_free (server);
  g_free (body);
  g_free (arguments);
  g_bytes_unref (form);
  g_bytes_unref (picture);
}

GST_START_TEST (test_fetch)
{
  guint i;

  FOR_ROWS (i, fetch_rows)
      check_fetch (i);
}

GST_END_TEST;

/* A fetch that hangs keeps neither other requests nor the end waiting. */

typedef struct
{
  Emulator *emulator;
  GBytes *form;
} Caller;

static gpointer
call (gpointer data)
{
  Caller *caller = data;
  Answer answer;

  emulator_ask (caller->emulator, "POST", IMAGE, "k", NULL, URL_TYPE,
      caller->form, &answer);
  answer_clear (&answer);
  return NULL;
}

GST_START_TEST (test_stop)
{
  static const FaultStep step = { FAULT_OTHER, 0, FAULT_SILENT };
  FaultServer *server = fault_server_new (&step, 1);
  gchar *body = make_body (server);
  Emulator emulator;
  Caller caller = { &emulator, make_text (body) };
  SoupSession *session;
  GThread *thread;
  Answer answer;

  emulator_start (&emulator, "--rate-limits off --allow-fetch "
      "--fetch-timeout 3600");
  session = g_object_ref (emulator.session);
  thread = g_thread_new ("caller", call, &caller);
  fail_unless (fault_server_wait (server, FAULT_OTHER, 1));
  emulator_ask (&emulator, "GET", "/api/user/credits", "k", NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, 200);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_thread_join (thread);
  fault_server_free (server);
  g_object_unref (session);
  g_bytes_unref (caller.form);
  g_free (body);
}

GST_END_TEST;

static Suite *
emulatorfetch_suite (void)
{
  Suite *suite = suite_create ("emulatorfetch");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_fetch);
  tcase_add_test (tc, test_stop);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatorfetch);
