/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "emulatortool.h"

#include <gst/check/gstcheck.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE (40 * G_USEC_PER_SEC)

void
remove_tree (const gchar * path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    gchar *file = g_build_filename (path, name, NULL);

    remove_tree (file);
    g_free (file);
  }
  g_clear_pointer (&dir, g_dir_close);
  g_remove (path);
}

static gchar *
read_base (GSubprocess * process)
{
  GDataInputStream *lines =
      g_data_input_stream_new (g_subprocess_get_stdout_pipe (process));
  gchar *line = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  gchar *address = line != NULL ? strstr (line, " on http") : NULL;

  fail_unless (address != NULL, "the emulator said: %s", GST_STR_NULL (line));
  address = g_strdup (address + strlen (" on "));
  g_free (line);
  g_object_unref (lines);
  return address;
}

gint
emulator_run_suite (gint * argc, gchar *** argv, Suite * (*make) (void))
{
  const gchar *program = g_getenv ("IDENTIFAI_EMULATOR");

  if (program == NULL || !g_file_test (program, G_FILE_TEST_IS_EXECUTABLE)) {
    g_printerr ("not tested: the emulator wasn't built\n");
    return 77;
  }
  gst_check_init (argc, argv);
  return gst_check_run_suite (make (), "emulator", "emulator");
}

static gboolean
accept_certificate (SoupMessage * message, GTlsCertificate * certificate,
    GTlsCertificateFlags errors, gpointer user_data)
{
  return TRUE;
}

/* Built with sanitizers, the emulator looks for leaks when it ends: there the
 * bookkeeping of GCC 12's about dynamic TLS makes it fall over now and then. */
static void
spare_tls (GSubprocessLauncher * launcher)
{
  gchar *options = g_strjoin (":", "intercept_tls_get_addr=0",
      g_getenv ("ASAN_OPTIONS"), NULL);

  g_subprocess_launcher_setenv (launcher, "ASAN_OPTIONS", options, TRUE);
  g_free (options);
}

void
emulator_start (Emulator * self, const gchar * arguments)
{
  GSubprocessLauncher *launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  gchar **argv = g_strsplit (arguments, " ", -1);
  gchar **full = g_new0 (gchar *, g_strv_length (argv) + 4);
  GError *error = NULL;
  guint i, n = 0;

  self->directory = g_dir_make_tmp ("emulator-test-XXXXXX", NULL);
  g_subprocess_launcher_setenv (launcher, "TMPDIR", self->directory, TRUE);
  g_subprocess_launcher_setenv (launcher, "G_DEBUG", "fatal-criticals", TRUE);
  spare_tls (launcher);
  full[n++] = g_strdup (g_getenv ("IDENTIFAI_EMULATOR"));
  full[n++] = g_strdup ("--quiet");
  for (i = 0; argv[i] != NULL; i++) {
    gchar **parts = g_strsplit (argv[i], "%s", -1);

    if (*argv[i] != '\0')
      full[n++] = g_strjoinv (self->directory, parts);
    g_strfreev (parts);
  }
  self->process = g_subprocess_launcher_spawnv (launcher,
      (const gchar * const *) full, &error);
  fail_unless (self->process != NULL, "%s", error ? error->message : "");
  self->base = read_base (self->process);
  self->session = soup_session_new ();
  g_strfreev (argv);
  g_strfreev (full);
  g_object_unref (launcher);
}

static gboolean
kill_process (gpointer process)
{
  g_subprocess_force_exit (process);
  return G_SOURCE_REMOVE;
}

static void
check_directory (const gchar * path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    fail_if (g_str_has_prefix (name, "identifai-emulator-"), "%s is left",
        name);
  g_dir_close (dir);
}

static void
process_ended (GObject * source, GAsyncResult * result, gpointer loop)
{
  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  g_main_loop_quit (loop);
}

gint
emulator_end (Emulator * self, gint signal)
{
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);
  /* Thirty times the second it is allowed: the machine may be busy. */
  guint timer = g_timeout_add_seconds (30, kill_process, self->process);
  gint status;
  guint i;

  /* again, as people do who are in a hurry: it cleans up all the same */
  for (i = 0; i < 3; i++) {
    g_subprocess_send_signal (self->process, signal);
    g_usleep (2000);
  }
  g_subprocess_wait_async (self->process, NULL, process_ended, loop);
  g_main_loop_run (loop);
  g_main_loop_unref (loop);
  status = g_subprocess_get_if_exited (self->process)
      ? g_subprocess_get_exit_status (self->process) : -1;
  if (status != -1)
    g_source_remove (timer);
  check_directory (self->directory);
  remove_tree (self->directory);
  g_free (self->directory);
  g_free (self->base);
  g_object_unref (self->process);
  g_object_unref (self->session);
  return status;
}

void
emulator_stop (Emulator * self)
{
  fail_unless_equals_int (emulator_end (self, SIGTERM), 0);
}

void
answer_clear (Answer * self)
{
  g_free (self->body);
  g_free (self->type);
  g_free (self->retry_after);
  memset (self, 0, sizeof *self);
}

void
emulator_ask (Emulator * self, const gchar * method, const gchar * path,
    const gchar * key, const gchar * accept, const gchar * type, GBytes * body,
    Answer * answer)
{
  gchar *url = g_strconcat (self->base, path, NULL);
  SoupMessage *message = soup_message_new (method, url);
  SoupMessageHeaders *headers = soup_message_get_request_headers (message);
  GBytes *bytes;

  memset (answer, 0, sizeof *answer);
  if (key != NULL)
    soup_message_headers_append (headers, "X-Api-Key", key);
  if (accept != NULL)
    soup_message_headers_append (headers, "Accept", accept);
  if (body != NULL)
    soup_message_set_request_body_from_bytes (message, type, body);
  g_signal_connect (message, "accept-certificate",
      G_CALLBACK (accept_certificate), NULL);
  bytes = soup_session_send_and_read (self->session, message, NULL, NULL);
  if (bytes != NULL) {
    headers = soup_message_get_response_headers (message);
    answer->length = g_bytes_get_size (bytes);
    /* libsoup (3.2) takes a body that ends early for a good one. */
    if (soup_message_headers_get_content_length (headers) ==
        (goffset) answer->length)
      answer->status = soup_message_get_status (message);
    answer->body = g_malloc0 (answer->length + 1);
    if (answer->length > 0)
      memcpy (answer->body, g_bytes_get_data (bytes, NULL), answer->length);
    answer->type = g_strdup (soup_message_headers_get_one (headers,
            "Content-Type"));
    answer->retry_after = g_strdup (soup_message_headers_get_one (headers,
            "Retry-After"));
    g_bytes_unref (bytes);
  }
  g_object_unref (message);
  g_free (url);
}

GBytes *
make_text (const gchar * text)
{
  return g_bytes_new (text, strlen (text));
}

GBytes *
make_form (const gchar * fields, const gchar * part, const gchar * filename,
    const gchar * type, GBytes * file)
{
  GString *body = g_string_new (NULL);
  gchar **pairs = g_strsplit (fields, "&", -1);
  guint i;

  for (i = 0; pairs[i] != NULL; i++) {
    gchar **pair = g_strsplit (pairs[i], "=", 2);

    g_string_append_printf (body, "--------------------------B\r\n"
        "Content-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", pair[0],
        pair[1]);
    g_strfreev (pair);
  }
  if (file != NULL) {
    g_string_append_printf (body, "--------------------------B\r\n"
        "Content-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n"
        "Content-Type: %s\r\n\r\n", part, filename, type);
    g_string_append_len (body, g_bytes_get_data (file, NULL),
        g_bytes_get_size (file));
    g_string_append (body, "\r\n");
  }
  g_string_append (body, "--------------------------B--\r\n");
  g_strfreev (pairs);
  return g_string_free_to_bytes (body);
}

gchar *
emulator_submit (Emulator * self, const gchar * path, const gchar * fields,
    GBytes * file)
{
  const gchar *part = g_str_has_suffix (path, "_video") ? "video"
      : g_str_has_suffix (path, "_audio") ? "audio" : "image";
  GBytes *form = make_form (fields, part, "file", "application/octet-stream",
      file);
  Answer answer;
  gchar *identifier;

  emulator_ask (self, "POST", path, "k", NULL, FORM_TYPE, form, &answer);
  fail_unless (answer.status == 200, "%u %s", answer.status,
      GST_STR_NULL (answer.body));
  identifier = g_strdup (answer.body);
  answer_clear (&answer);
  g_bytes_unref (form);
  return identifier;
}

JsonNode *
emulator_wait (Emulator * self, const gchar * path, const gchar * identifier)
{
  gchar *url = g_strdup_printf ("%s/%s", path, identifier);
  gint64 end = g_get_monotonic_time () + PATIENCE;
  JsonNode *node = NULL;

  while (node == NULL && g_get_monotonic_time () < end) {
    Answer answer;

    emulator_ask (self, "GET", url, "k", NULL, NULL, NULL, &answer);
    fail_unless_equals_int (answer.status, 200);
    node = json_from_string (answer.body, NULL);
    if (strcmp (json_object_get_string_member (json_node_get_object (node),
                "status"), "new") == 0) {
      g_clear_pointer (&node, json_node_unref);
      g_usleep (20000);
    }
    answer_clear (&answer);
  }
  fail_unless (node != NULL, "no final result");
  g_free (url);
  return node;
}

void
tell_row (const gchar * table, guint row)
{
  g_printerr ("%s %u\n", table, row);
}

GBytes *
make_clip (const gchar * pipeline)
{
  gint fd;
  gchar *path, *text, *data;
  GstElement *element;
  GstMessage *message;
  GstBus *bus;
  gsize length;

  fd = g_file_open_tmp ("clip-XXXXXX", &path, NULL);
  g_close (fd, NULL);
  text = g_strdup_printf ("%s ! filesink location=%s", pipeline, path);
  element = gst_parse_launch (text, NULL);
  fail_unless (element != NULL, "%s", text);
  bus = gst_element_get_bus (element);
  gst_element_set_state (element, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS, "%s", text);
  gst_message_unref (message);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
  fail_unless (g_file_get_contents (path, &data, &length, NULL));
  g_unlink (path);
  g_free (path);
  g_free (text);
  return g_bytes_new_take (data, length);
}
