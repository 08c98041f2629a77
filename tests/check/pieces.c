/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A body that goes straight to the connection but for its last bytes (workaround
 * PIECES): all of it arrives, in few pieces, and whatever ends it ends the read.
 */

#define _GNU_SOURCE             /* memmem */
#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "upload.h"

#define FILE_BYTES (5 * 1000 * 1000)
#define LAST_BYTES 8192
#define MOST_PIECES 200         /* libsoup would make 611 of it */
#define HOLDS 2                 /* how often the end is held */

typedef struct
{
  GInputStream *stream;
  GIOStream *connection;
  int peer;                     /* the other end's socket */
  GCancellable *cancellable;
  guint64 length;               /* of the body */
  guint64 wrote;
  guint n_pieces, n_holds;
  gboolean done;
  gssize got;
  GError *error;
  guint8 last[LAST_BYTES];
} Run;

static gint64
on_hold (gpointer user_data)
{
  Run *run = user_data;

  /* nothing but the end is left */
  fail_unless (run->wrote == run->length - LAST_BYTES);

  return run->n_holds++ < HOLDS ? 1000 : 0;
}

static void
on_wrote (gsize bytes, gpointer user_data)
{
  Run *run = user_data;

  run->wrote += bytes;
  run->n_pieces++;
  if (g_cancellable_is_cancelled (run->cancellable))
    fail ("written after it was cancelled");
}

static guint8
byte_at (gsize i)
{
  return i * 7 + i / 256;
}

static GInputStream *
make_body (guint64 * length)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  guint8 *data = g_malloc (FILE_BYTES);
  GstBuffer *buffer = gst_buffer_new_wrapped (data, FILE_BYTES);
  IdentifaiRequest *request;
  GInputStream *body;
  gsize i;

  for (i = 0; i < FILE_BYTES; i++)
    data[i] = byte_at (i);
  identifai_memory_file_write (file, buffer);
  gst_buffer_unref (buffer);
  request = identifai_request_new (file, "a.mp4", "video/mp4");
  body = identifai_request_body_new (request);
  identifai_request_unref (request);
  *length = identifai_request_body_get_length (IDENTIFAI_REQUEST_BODY (body));

  return body;
}

static void
run_init (Run * run)
{
  GInputStream *body = make_body (&run->length);
  GSocket *socket;
  int ends[2];

  fail_unless (socketpair (AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  socket = g_socket_new_from_fd (ends[0], NULL);
  run->connection = G_IO_STREAM
      (g_socket_connection_factory_create_connection (socket));
  g_object_unref (socket);
  run->peer = ends[1];
  run->cancellable = g_cancellable_new ();
  run->stream = identifai_upload_new (IDENTIFAI_REQUEST_BODY (body), NULL,
      NULL, NULL, on_hold, NULL, run);
  g_object_unref (body);
  identifai_upload_set_output (IDENTIFAI_UPLOAD (run->stream), run->connection,
      on_wrote);
}

static void
run_clear (Run * run)
{
  g_clear_error (&run->error);
  g_object_unref (run->stream);
  g_object_unref (run->connection);
  g_object_unref (run->cancellable);
}

static void
on_read (GObject * source, GAsyncResult * result, gpointer user_data)
{
  Run *run = user_data;

  run->got = g_input_stream_read_finish (run->stream, result, &run->error);
  run->done = TRUE;
}

static void
run_read (Run * run)
{
  run->done = FALSE;
  g_input_stream_read_async (run->stream, run->last, LAST_BYTES,
      G_PRIORITY_DEFAULT, run->cancellable, on_read, run);
}

static void
run_wait (Run * run)
{
  while (!run->done)
    g_main_context_iteration (NULL, TRUE);
}

/* Until it has read so many bytes. */
typedef struct
{
  int socket;
  guint64 most;
  GByteArray *bytes;
} Peer;

static gpointer
peer_read (gpointer data)
{
  Peer *peer = data;
  guint8 buffer[65536];
  gssize got = 1;

  while (got > 0 && peer->bytes->len < peer->most) {
    got = read (peer->socket, buffer, sizeof (buffer));
    if (got > 0)
      g_byte_array_append (peer->bytes, buffer, got);
  }
  close (peer->socket);

  return NULL;
}

static void
check_bytes (const Run * run, GByteArray * bytes)
{
  const guint8 *file;
  gsize i;

  fail_unless_equals_uint64 (bytes->len, run->length);
  file = memmem (bytes->data, bytes->len, "\r\n\r\n", 4);
  fail_unless (file != NULL);
  file += 4;
  for (i = 0; i < FILE_BYTES && file[i] == byte_at (i); i++);
  fail_unless_equals_int (i, FILE_BYTES);
  fail_unless (memcmp (file + FILE_BYTES, "\r\n--identifai-", 14) == 0);
}

GST_START_TEST (test_all_arrives)
{
  Run run = { NULL, };
  Peer peer;
  GThread *thread;

  run_init (&run);
  peer = (Peer) {
  run.peer, run.length - LAST_BYTES, g_byte_array_new ()};
  thread = g_thread_new ("peer", peer_read, &peer);
  run_read (&run);
  run_wait (&run);
  fail_unless_equals_int (run.got, LAST_BYTES);
  fail_unless_equals_int (run.n_holds, HOLDS + 1);
  fail_unless (run.n_pieces <= MOST_PIECES, "%u pieces", run.n_pieces);
  g_thread_join (thread);
  g_byte_array_append (peer.bytes, run.last, LAST_BYTES);
  check_bytes (&run, peer.bytes);
  run_read (&run);
  run_wait (&run);
  fail_unless_equals_int (run.got, 0);
  g_byte_array_unref (peer.bytes);
  run_clear (&run);
}

GST_END_TEST;

/* 0: at once; else when so much was read. */
GST_START_TEST (test_peer_closes)
{
  Run run = { NULL, };
  Peer peer;
  GThread *thread;

  run_init (&run);
  peer = (Peer) {
  run.peer, __i__ * 1000000, g_byte_array_new ()};
  thread = g_thread_new ("peer", peer_read, &peer);
  run_read (&run);
  run_wait (&run);
  g_thread_join (thread);
  fail_unless_equals_int (run.got, -1);
  fail_unless (run.error != NULL && run.error->domain == G_IO_ERROR);
  fail_unless (run.wrote >= peer.most);
  fail_unless_equals_int (run.n_holds, 0);
  g_byte_array_unref (peer.bytes);
  run_clear (&run);
}

GST_END_TEST;

/* The peer reads nothing. 1: the file is let go of, too. */
GST_START_TEST (test_cancel)
{
  Run run = { NULL, };
  guint64 before = 1;

  run_init (&run);
  run_read (&run);
  /* until no more goes */
  while (run.wrote == 0 || before != run.wrote) {
    before = run.wrote;
    g_main_context_iteration (NULL, FALSE);
  }
  fail_if (run.done);
  if (__i__ == 1)
    identifai_upload_release (IDENTIFAI_UPLOAD (run.stream));
  g_cancellable_cancel (run.cancellable);
  run_wait (&run);
  fail_unless (g_error_matches (run.error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  close (run.peer);
  run_clear (&run);
}

GST_END_TEST;

static Suite *
pieces_suite (void)
{
  Suite *suite = suite_create ("pieces");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_test (general, test_all_arrives);
  tcase_add_loop_test (general, test_peer_closes, 0, 4);
  tcase_add_loop_test (general, test_cancel, 0, 2);

  return suite;
}

GST_CHECK_MAIN (pieces);
