/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What it costs to post a file of 48 MB: our body stream, SoupMultipart, and
 * curl as a yardstick, each in a process of its own, in turns, to a server in
 * this process that throws it away. Prints processor time and peak memory, and
 * their ratios to the first.
 *
 *   bench-upload [MEGABYTES [ROUNDS]]
 */

#include <libsoup/soup.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "requestbody.h"

#define PIECE_BYTES (64 * 1024) /* of the buffers that the file is made of */

typedef struct
{
  gdouble cpu;                  /* s, user and system */
  glong peak;                   /* KiB */
} Cost;

/* -- the server -- */

static guint64
read_header (GDataInputStream * in)
{
  guint64 length = 0;
  gchar *line;

  while ((line = g_data_input_stream_read_line (in, NULL, NULL, NULL)) != NULL
      && *line != '\0') {
    if (g_ascii_strncasecmp (line, "Content-Length:", 15) == 0)
      length = g_ascii_strtoull (line + 15, NULL, 10);
    g_free (line);
  }
  g_free (line);

  return length;
}

static gboolean
on_connection (GThreadedSocketService * service, GSocketConnection * connection,
    GObject * source, gpointer user_data)
{
  static const gchar answer[] =
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
  GIOStream *stream = G_IO_STREAM (connection);
  GDataInputStream *in =
      g_data_input_stream_new (g_io_stream_get_input_stream (stream));
  gchar *sink = g_malloc (256 * 1024);
  guint64 left;
  gssize n;

  g_data_input_stream_set_newline_type (in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  for (left = read_header (in); left > 0; left -= n) {
    n = g_input_stream_read (G_INPUT_STREAM (in), sink, MIN (left, 256 * 1024),
        NULL, NULL);
    if (n <= 0)
      break;
  }
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), answer,
      strlen (answer), NULL, NULL, NULL);
  g_free (sink);
  g_object_unref (in);

  return TRUE;
}

static gpointer
serve (gpointer loop)
{
  g_main_loop_run (loop);
  return NULL;
}

static GSocketService *
listen_on_loopback (guint16 * port)
{
  GSocketService *service = g_threaded_socket_service_new (4);
  GInetAddress *loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  GSocketAddress *any_port = g_inet_socket_address_new (loopback, 0), *address;

  if (!g_socket_listener_add_address (G_SOCKET_LISTENER (service), any_port,
          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &address, NULL))
    g_error ("no port to listen on");
  *port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  g_object_unref (address);
  g_object_unref (any_port);
  g_object_unref (loopback);

  return service;
}

/* In a thread of its own, to the end of the process. Returns its port. */
static guint16
start_server (void)
{
  GMainContext *context = g_main_context_new ();
  GSocketService *service;
  guint16 port;

  g_main_context_push_thread_default (context);
  service = listen_on_loopback (&port);
  g_signal_connect (service, "run", G_CALLBACK (on_connection), NULL);
  g_socket_service_start (service);
  g_main_context_pop_thread_default (context);
  g_thread_new ("server", serve, g_main_loop_new (context, FALSE));

  return port;
}

/* -- the ways to post, each in a process of its own -- */

static gchar *
make_data (gsize size)
{
  return memset (g_malloc (size), size % 251, size);
}

/* Waits for the answer, on a main loop as the client does. */
static void
on_answer (GObject * session, GAsyncResult * result, gpointer user_data)
{
  GError *error = NULL;
  GBytes *answer = soup_session_send_and_read_finish (SOUP_SESSION (session),
      result, &error);

  if (error != NULL)
    g_error ("%s", error->message);
  g_bytes_unref (answer);
  g_main_loop_quit (user_data);
}

static int
send_message (SoupMessage * message)
{
  SoupSession *session = soup_session_new ();
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);
  gboolean good;

  soup_session_send_and_read_async (session, message, 0, NULL, on_answer, loop);
  g_main_loop_run (loop);
  good = soup_message_get_status (message) == 200;
  g_main_loop_unref (loop);
  g_object_unref (message);
  g_object_unref (session);

  return good ? 0 : 1;
}

static int
post_body (const gchar * url, gsize size)
{
  SoupMessage *message = soup_message_new ("POST", url);
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  IdentifaiRequest *request;
  GInputStream *stream;
  gsize done, piece;

  for (done = 0; done < size; done += piece) {
    GstBuffer *buffer;

    piece = MIN (PIECE_BYTES, size - done);
    buffer = gst_buffer_new_wrapped (make_data (piece), piece);
    identifai_memory_file_write (file, buffer);
    gst_buffer_unref (buffer);
  }
  request = identifai_request_new (file, "a.mp4", "video/mp4");
  identifai_request_add_field (request, "frames", "10");
  stream = identifai_request_body_new (request);
  soup_message_set_request_body (message,
      identifai_request_body_get_content_type (IDENTIFAI_REQUEST_BODY (stream)),
      stream,
      identifai_request_body_get_length (IDENTIFAI_REQUEST_BODY (stream)));
  g_object_unref (stream);
  identifai_request_unref (request);

  return send_message (message);
}

static int
post_multipart (const gchar * url, gsize size)
{
  SoupMultipart *form = soup_multipart_new (SOUP_FORM_MIME_TYPE_MULTIPART);
  GBytes *file = g_bytes_new_take (make_data (size), size);
  SoupMessage *message;

  soup_multipart_append_form_string (form, "frames", "10");
  soup_multipart_append_form_file (form, "video", "a.mp4", "video/mp4", file);
  g_bytes_unref (file);
  message = soup_message_new_from_multipart (url, form);
  soup_multipart_free (form);

  return send_message (message);
}

/* Nothing but the file in memory: what the others start from. */
static int
post_nothing (const gchar * url, gsize size)
{
  SoupSession *session = soup_session_new ();

  g_free (make_data (size));
  g_object_unref (session);

  return 0;
}

static int
run_as_child (const gchar * way, const gchar * url, gsize size)
{
  gst_init (NULL, NULL);
  if (g_str_equal (way, "body"))
    return post_body (url, size);
  if (g_str_equal (way, "multipart"))
    return post_multipart (url, size);

  return post_nothing (url, size);
}

/* -- measuring -- */

static gdouble
seconds (const struct timeval *time)
{
  return time->tv_sec + time->tv_usec / 1e6;
}

/* FALSE if the program isn't there or failed. */
static gboolean
measure (gchar ** arguments, Cost * cost)
{
  struct rusage usage;
  int status;
  pid_t pid = fork ();

  if (pid == 0) {
    execvp (arguments[0], arguments);
    _exit (127);
  }
  if (wait4 (pid, &status, 0, &usage) != pid || !WIFEXITED (status)
      || WEXITSTATUS (status) != 0)
    return FALSE;
  cost->cpu = seconds (&usage.ru_utime) + seconds (&usage.ru_stime);
  cost->peak = usage.ru_maxrss;

  return TRUE;
}

static gchar *
write_file (gsize size)
{
  gchar *path = NULL, *data = make_data (size);
  gint fd = g_file_open_tmp ("bench-XXXXXX.mp4", &path, NULL);

  if (fd < 0 || !g_file_set_contents (path, data, size, NULL))
    g_error ("no file could be written");
  close (fd);
  g_free (data);

  return path;
}

static void
print_costs (const gchar * const *names, const Cost * best, guint n)
{
  guint i;

  g_print ("%-22s %9s %6s %9s %6s\n", "", "CPU ms", "ratio", "peak MB",
      "ratio");
  for (i = 0; i < n; i++)
    g_print ("%-22s %9.1f %6.2f %9.1f %6.2f\n", names[i], best[i].cpu * 1e3,
        best[i].cpu / best[0].cpu, best[i].peak / 1e3,
        (gdouble) best[i].peak / best[0].peak);
}

static int
run_all (gchar * self, gsize size, guint rounds)
{
  static const gchar *const names[] = {
    "identifai body", "SoupMultipart", "curl -F, from a file",
    "the file, not posted"
  };
  gchar *path = write_file (size), *form =
      g_strdup_printf ("video=@%s;type=video/mp4", path);
  gchar *url = g_strdup_printf ("http://127.0.0.1:%u/", start_server ());
  gchar *bytes = g_strdup_printf ("%" G_GSIZE_FORMAT, size);
  gchar *ways[][12] = {
    {self, "--child", "body", url, bytes, NULL},
    {self, "--child", "multipart", url, bytes, NULL},
    {"curl", "-sf", "-o", "/dev/null", "-F", "frames=10", "-F", form, url,
        NULL},
    {self, "--child", "nothing", url, bytes, NULL},
  };
  Cost best[G_N_ELEMENTS (ways)] = { {0} }, cost;
  gboolean good = TRUE;
  guint round, i;

  for (round = 0; good && round < rounds; round++) {
    for (i = 0; good && i < G_N_ELEMENTS (ways); i++) {
      good = measure (ways[i], &cost);
      if (!good)
        g_printerr ("%s failed (curl is needed, too)\n", names[i]);
      else if (round == 0 || cost.cpu < best[i].cpu)
        best[i] = cost;
    }
  }
  if (good)
    print_costs (names, best, G_N_ELEMENTS (ways));
  unlink (path);
  g_free (path);
  g_free (form);
  g_free (url);
  g_free (bytes);

  return good ? 0 : 1;
}

int
main (int argc, char **argv)
{
  gsize megabytes = argc > 1 ? strtoul (argv[1], NULL, 10) : 48;
  guint rounds = argc > 2 ? strtoul (argv[2], NULL, 10) : 7;

  if (argc == 5 && g_str_equal (argv[1], "--child"))
    return run_as_child (argv[2], argv[3], strtoul (argv[4], NULL, 10));

  return run_all (argv[0], megabytes * 1000 * 1000, rounds);
}
