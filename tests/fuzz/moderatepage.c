/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes to the page of identifai-moderate: bytes on a connection. PORT in them
 * becomes the server's. With the token they act on a stream that is there.
 *
 * What has to hold: each connection has an end, and what is told of it is a line that
 * can be read.
 */

#define _GNU_SOURCE             /* memmem */

#include "target.h"
#include "scratch.h"

#include <gio/gio.h>
#include <string.h>

#include "../../examples/moderate/jsontext.h"
#include "../../examples/moderate/web.h"

#define TOKEN "0123456789abcdef"
#define SECRET "fedcba9876543210"
#define PATIENCE (60 * G_USEC_PER_SEC)

static ModViews views;
static ModWeb *web;
static GSocketAddress *address;
static gchar *port;

static void
on_finished (gpointer unused)
{
}

static void
on_made (ModStream * stream, GstElement * judge, gpointer unused)
{
}

static void
on_message (ModStream * stream, const GstStructure * s, JsonObject * line,
    gpointer unused)
{
}

static const ModSupervisorCalls calls = {
  on_finished, on_made, on_message, on_finished
};

static void
on_line (JsonObject * line, const gchar * text, gpointer unused)
{
  JsonObject *read = mod_json_from_text (text);
  gchar *again;

  if (read == NULL)
    g_error ("this can't be read: %s", text);
  again = mod_json_to_text (read);
  g_assert_cmpstr (again, ==, text);
  g_free (again);
  json_object_unref (read);
}

/* What an element says of a call that can't be. */
static void
ignore (const gchar * domain, GLogLevelFlags level, const gchar * text,
    gpointer unused)
{
}

static ModConfig *
load_config (void)
{
  gchar *path = scratch_path ("streams.ini"), *token = scratch_path ("token");
  gchar *secret = scratch_path ("secret");
  gchar *text = g_strdup_printf ("[program]\nlisten=127.0.0.1:0\n"
      "token-file=%s\nwebhook-secret-file=%s\n[a]\npipeline=appsrc ! "
      "identifaigate endpoint=http://127.0.0.1:9/ ! fakesink\n", token, secret);
  ModProblems *problems = mod_problems_new (path);
  ModConfig *config;

  scratch_write (path, (const guint8 *) text, strlen (text));
  scratch_write (token, (const guint8 *) TOKEN, strlen (TOKEN));
  scratch_write (secret, (const guint8 *) SECRET, strlen (SECRET));
  config = mod_config_load (path, problems);
  g_assert_nonnull (config);
  mod_problems_free (problems);
  g_free (path);
  g_free (token);
  g_free (secret);
  g_free (text);

  return config;
}

static void
find_address (void)
{
  GUri *uri = g_uri_parse (mod_web_get_address (web), G_URI_FLAGS_NONE, NULL);

  port = g_strdup_printf ("%d", g_uri_get_port (uri));
  address = g_inet_socket_address_new_from_string ("127.0.0.1",
      g_uri_get_port (uri));
  g_uri_unref (uri);
}

/* For a second: its plugin may not be found. */
static void
wait_for_stream (void)
{
  gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC;
  ModStream *stream = mod_supervisor_find (views.supervisor, "a");
  ModSession *session = stream != NULL ? mod_stream_get_session (stream) : NULL;

  while (session != NULL && g_get_monotonic_time () < end
      && GST_STATE (mod_session_get_judge (session)) < GST_STATE_PAUSED)
    g_main_context_iteration (NULL, FALSE);
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gchar *log;
  ModConfig *config;

  g_setenv ("IDENTIFAI_API_KEY", "key", TRUE);
  gst_init (argc, argv);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("identifai", G_LOG_LEVEL_WARNING, ignore, NULL);
  scratch_init ();
  config = load_config ();
  log = scratch_path ("log");
  views.hub = mod_hub_new (mod_lines_new (log, 1000000, FALSE, NULL));
  views.board = mod_board_new (views.hub);
  views.webhook_out = mod_webhook_out_new (views.hub);
  views.supervisor = mod_supervisor_new (config, views.hub, &calls, NULL);
  mod_hub_listen (views.hub, on_line, NULL);
  web = mod_web_new (&config->program, &views, NULL);
  g_assert_nonnull (web);
  find_address ();
  mod_supervisor_start (views.supervisor);
  wait_for_stream ();
  g_free (log);

  return 0;
}

/* A new one, with PORT as it is. */
static GByteArray *
make_request (const guint8 * data, gsize size)
{
  GByteArray *request = g_byte_array_new ();
  const guint8 *word = size > 0 ? memmem (data, size, "PORT", 4) : NULL;
  gsize before = word != NULL ? (gsize) (word - data) : size;

  g_byte_array_append (request, data, before);
  if (word != NULL) {
    g_byte_array_append (request, (const guint8 *) port, strlen (port));
    g_byte_array_append (request, word + 4, size - before - 4);
  }

  return request;
}

/* The stream of events has no end of its own. */
static gboolean
is_endless (const GByteArray * answer)
{
  return answer->len > 0
      && memmem (answer->data, answer->len, "text/event-stream", 17) != NULL;
}

/* FALSE: it is over. */
static gboolean
receive (GSocket * socket, GByteArray * answer)
{
  guint8 bytes[4096];
  GError *error = NULL;
  gssize got = g_socket_receive (socket, (gchar *) bytes, sizeof (bytes), NULL,
      &error);
  gboolean wait = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);

  g_clear_error (&error);
  if (got > 0)
    g_byte_array_append (answer, bytes, got);
  else if (wait)
    g_main_context_iteration (NULL, TRUE);

  return (got > 0 || wait) && !is_endless (answer);
}

static void
check_answer (const GByteArray * answer)
{
  if (answer->len > 0)
    g_assert_true (answer->len > 9 && memcmp (answer->data, "HTTP/1.", 7) == 0);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_DEFAULT, NULL);
  GByteArray *request = make_request (data, size);
  GByteArray *answer = g_byte_array_new ();
  gint64 end = g_get_monotonic_time () + PATIENCE;

  g_assert_true (g_socket_connect (socket, address, NULL, NULL));
  g_socket_send (socket, (const gchar *) request->data, request->len, NULL,
      NULL);
  g_socket_shutdown (socket, FALSE, TRUE, NULL);
  g_socket_set_blocking (socket, FALSE);
  while (receive (socket, answer))
    g_assert_cmpint (g_get_monotonic_time (), <, end);
  check_answer (answer);
  g_object_unref (socket);
  g_byte_array_unref (request);
  g_byte_array_unref (answer);

  return 0;
}
