/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The multipart body, byte by byte, and as libsoup reads and a server sees it.
 */

#include <gst/check/gstcheck.h>
#include <libsoup/soup.h>
#include <string.h>

#include "requestbody.h"
#include "upload.h"

static GstBuffer *
buffer_new (const gchar * data, gsize size)
{
  return gst_buffer_new_memdup (data, size);
}

/* A file of that size whose bytes tell where they are, with pieces of uneven
 * sizes and its start written over afterwards, as muxers do. */
static IdentifaiMemoryFile *
file_new (gsize size)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  gchar *data = g_malloc (size);
  gsize offset, piece = 1;

  for (offset = 0; offset < size; offset++)
    data[offset] = offset * 2654435761u >> 13;
  for (offset = 0; offset < size; offset += piece) {
    GstBuffer *buffer;

    piece = MIN (piece * 2 + 1, size - offset);
    buffer = buffer_new (data + offset, piece);
    identifai_memory_file_write (file, buffer);
    gst_buffer_unref (buffer);
  }
  if (size >= 8) {
    GstBuffer *header = buffer_new ("header!", 7);

    identifai_memory_file_seek (file, 1);
    identifai_memory_file_write (file, header);
    gst_buffer_unref (header);
  }
  g_free (data);

  return file;
}

static gchar *
file_content (IdentifaiMemoryFile * file)
{
  gsize size = identifai_memory_file_get_size (file);
  gchar *data = g_malloc (size + 1);

  fail_unless_equals_int64 (identifai_memory_file_read (file, 0, data, size),
      size);

  return data;
}

static IdentifaiRequest *
request_new (gsize size)
{
  return identifai_request_new (file_new (size), "segment-00004.mp4",
      "video/mp4");
}

/* Reads it all, in pieces of random sizes up to most. */
static GByteArray *
read_all (GInputStream * stream, gsize most)
{
  GByteArray *all = g_byte_array_new ();
  guint8 *piece = g_malloc (most);
  gssize n;

  do {
    n = g_input_stream_read (stream, piece, 1 + g_random_int () % most, NULL,
        NULL);
    fail_unless (n >= 0);
    g_byte_array_append (all, piece, n);
  } while (n > 0);
  g_free (piece);

  return all;
}

static gchar *
boundary_of (IdentifaiRequestBody * body)
{
  const gchar *prefix = "multipart/form-data; boundary=";
  const gchar *type = identifai_request_body_get_content_type (body);

  fail_unless (g_str_has_prefix (type, prefix), "%s", type);

  return g_strdup (type + strlen (prefix));
}

/* The body as the RFC wants it, written down here once more. fields: name,
 * value, … as they look in the body; then the file name as it looks there. */
static GString *
expected_body (const gchar * boundary, const gchar * const *fields,
    const gchar * filename, IdentifaiMemoryFile * file)
{
  GString *out = g_string_new (NULL);
  gchar *content = file_content (file);

  for (; fields[0] != NULL; fields += 2)
    g_string_append_printf (out, "--%s\r\nContent-Disposition: form-data; "
        "name=\"%s\"\r\n\r\n%s\r\n", boundary, fields[0], fields[1]);
  g_string_append_printf (out, "--%s\r\nContent-Disposition: form-data; "
      "name=\"video\"; filename=\"%s\"\r\nContent-Type: video/mp4\r\n\r\n",
      boundary, filename);
  g_string_append_len (out, content, identifai_memory_file_get_size (file));
  g_string_append_printf (out, "\r\n--%s--\r\n", boundary);
  g_free (content);

  return out;
}

/* -- the bytes -- */

static const struct
{
  gsize size;
  const gchar *filename;
  const gchar *encoded_filename;
  const gchar *fields[9];
  const gchar *encoded[9];
} bodies[] = {
  {0, "a.mp4", "a.mp4", {NULL}, {NULL}},
  {1, "a.mp4", "a.mp4", {NULL}, {NULL}},
  {100000, "a.mp4", "a.mp4", {NULL}, {NULL}},
  {10, "", "", {"", "", NULL}, {"", "", NULL}},
  {10, "a.mp4", "a.mp4",
        {"ref_id", "cam7-00004", "frames", "10", "key_frames", "true", NULL},
      {"ref_id", "cam7-00004", "frames", "10", "key_frames", "true", NULL}},
  /* values are sent as they are */
  {10, "a.mp4", "a.mp4",
        {"ref_id", "a \"b\"\\ \r\nX-Evil: 1\r\n\r\n--x--\r\n\303\251%22", NULL},
      {"ref_id", "a \"b\"\\ \r\nX-Evil: 1\r\n\r\n--x--\r\n\303\251%22", NULL}},
  /* names can't end the header */
  {10, "a.mp4", "a.mp4",
        {"a\"; filename=\"x\r\nContent-Type: text/html\r\n\r\n\\", "b", NULL},
        {"a%22; filename=%22x%0D%0AContent-Type: text/html%0D%0A%0D%0A%5C",
          "b", NULL}},
  {10, "a\"\r\n\\\t\001\177\303\251 b.mp4",
        "a%22%0D%0A%5C%09%01%7F\303\251 b.mp4",
        {"\303\251t\303\251", "\342\202\254", NULL},
      {"\303\251t\303\251", "\342\202\254", NULL}},
};

GST_START_TEST (test_bytes)
{
  static const gsize pieces[] = { 1, 7, 4096, 1 << 20 };
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (bodies); i++) {
    IdentifaiRequest *request = identifai_request_new
        (file_new (bodies[i].size), bodies[i].filename, "video/mp4");
    const gchar *const *field = bodies[i].fields;

    for (; *field != NULL; field += 2)
      identifai_request_add_field (request, field[0], field[1]);

    for (k = 0; k < G_N_ELEMENTS (pieces); k++) {
      GInputStream *stream = identifai_request_body_new (request);
      gchar *boundary = boundary_of (IDENTIFAI_REQUEST_BODY (stream));
      GString *expected = expected_body (boundary, bodies[i].encoded,
          bodies[i].encoded_filename, request->file);
      GByteArray *body = read_all (stream, pieces[k]);

      assert_equals_uint64 (identifai_request_body_get_length
          (IDENTIFAI_REQUEST_BODY (stream)), expected->len);
      assert_equals_uint64 (body->len, expected->len);
      fail_unless (memcmp (body->data, expected->str, body->len) == 0);
      g_byte_array_unref (body);
      g_string_free (expected, TRUE);
      g_free (boundary);
      ASSERT_OBJECT_REFCOUNT (stream, "body", 1);
      g_object_unref (stream);
    }
    identifai_request_unref (request);
  }
}

GST_END_TEST;

/* A content type out of strange caps doesn't end the header either. */
GST_START_TEST (test_content_type)
{
  IdentifaiRequest *request = identifai_request_new (file_new (1), "a",
      "video/x\r\nX-Evil: 1");
  GInputStream *stream = identifai_request_body_new (request);
  GByteArray *body = read_all (stream, 100);

  fail_unless (g_strstr_len ((gchar *) body->data, body->len,
          "\nX-Evil") == NULL);
  g_byte_array_unref (body);
  g_object_unref (stream);
  identifai_request_unref (request);
}

GST_END_TEST;

GST_START_TEST (test_boundary)
{
  IdentifaiRequest *request = request_new (10);
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      NULL);
  guint i;

  for (i = 0; i < 100; i++) {
    GInputStream *stream = identifai_request_body_new (request);
    gchar *boundary = boundary_of (IDENTIFAI_REQUEST_BODY (stream)), *p;

    fail_unless (strlen (boundary) <= 70);
    for (p = boundary; *p != '\0'; p++)
      fail_unless (g_ascii_isalnum (*p) || *p == '-');
    fail_unless (g_hash_table_add (seen, boundary), "%s twice", boundary);
    g_object_unref (stream);
  }
  g_hash_table_unref (seen);
  identifai_request_unref (request);
}

GST_END_TEST;

/* -- seeking -- */

static const struct
{
  goffset offset;
  GSeekType type;
  goffset position;             /* or -1 = refused; END = the length */
} seeks[] = {
#define END (1 << 30)
  {0, G_SEEK_SET, 0},
  {7, G_SEEK_SET, 7},
  {3, G_SEEK_CUR, 10},
  {-10, G_SEEK_CUR, 0},
  {-1, G_SEEK_CUR, -1},
  {-1, G_SEEK_SET, -1},
  {G_MINOFFSET, G_SEEK_SET, -1},
  {G_MAXOFFSET, G_SEEK_SET, -1},
  {1, G_SEEK_SET, 1},
  {G_MAXOFFSET, G_SEEK_CUR, -1},
  {G_MINOFFSET, G_SEEK_END, -1},
  {G_MAXOFFSET, G_SEEK_END, -1},
  {1, G_SEEK_END, -1},
  {0, G_SEEK_END, END},
};

GST_START_TEST (test_seek)
{
  IdentifaiRequest *request = request_new (1000);
  GInputStream *stream = identifai_request_body_new (request);
  GSeekable *seekable = G_SEEKABLE (stream);
  guint64 length =
      identifai_request_body_get_length (IDENTIFAI_REQUEST_BODY (stream));
  guint i;

  fail_unless (g_seekable_can_seek (seekable));
  fail_if (g_seekable_can_truncate (seekable));
  fail_if (g_seekable_truncate (seekable, 0, NULL, NULL));
  for (i = 0; i < G_N_ELEMENTS (seeks); i++) {
    goffset before = g_seekable_tell (seekable);
    goffset after = seeks[i].position == END ? (goffset) length :
        seeks[i].position;
    gboolean done = g_seekable_seek (seekable, seeks[i].offset, seeks[i].type,
        NULL, NULL);

    fail_unless_equals_int (done, after >= 0);
    fail_unless_equals_int64 (g_seekable_tell (seekable),
        after >= 0 ? after : before);
  }
  fail_unless_equals_int (g_input_stream_read (stream, &length, 1, NULL, NULL),
      0);
  g_object_unref (stream);
  identifai_request_unref (request);
}

GST_END_TEST;

/* From any position on, the same bytes come as from the start. */
GST_START_TEST (test_seek_and_read)
{
  IdentifaiRequest *request = request_new (3000);
  GInputStream *stream = identifai_request_body_new (request);
  GByteArray *whole = read_all (stream, 512);
  guint i;

  for (i = 0; i < 300; i++) {
    gsize position = g_random_int () % (whole->len + 1);
    GByteArray *rest;

    fail_unless (g_seekable_seek (G_SEEKABLE (stream), position, G_SEEK_SET,
            NULL, NULL));
    rest = read_all (stream, 512);
    fail_unless_equals_int64 (rest->len, whole->len - position);
    fail_unless (rest->len == 0
        || memcmp (rest->data, whole->data + position, rest->len) == 0);
    g_byte_array_unref (rest);
  }
  g_byte_array_unref (whole);
  g_object_unref (stream);
  identifai_request_unref (request);
}

GST_END_TEST;

/* What was sent stays sent when the body starts over. */
GST_START_TEST (test_sent)
{
  IdentifaiRequest *request = request_new (1000);
  GInputStream *stream = identifai_request_body_new (request);
  IdentifaiRequestBody *body = IDENTIFAI_REQUEST_BODY (stream);
  guint64 length = identifai_request_body_get_length (body);
  gchar data[64];

  assert_equals_uint64 (identifai_request_body_get_sent (body), 0);
  assert_equals_uint64 (identifai_request_get_sent (request), 0);
  fail_unless_equals_int (g_input_stream_read (stream, data, 64, NULL, NULL),
      64);
  assert_equals_uint64 (identifai_request_body_get_sent (body), 64);
  fail_unless (g_seekable_seek (G_SEEKABLE (stream), 0, G_SEEK_SET, NULL,
          NULL));
  assert_equals_uint64 (identifai_request_body_get_sent (body), 64);
  fail_unless_equals_int (g_input_stream_read (stream, data, 10, NULL, NULL),
      10);
  assert_equals_uint64 (identifai_request_body_get_sent (body), 64);
  g_byte_array_unref (read_all (stream, 100));
  assert_equals_uint64 (identifai_request_body_get_sent (body), length);
  assert_equals_uint64 (identifai_request_get_sent (request), 1000);
  g_object_unref (stream);

  /* another attempt */
  stream = identifai_request_body_new (request);
  assert_equals_uint64 (identifai_request_get_sent (request), 0);
  g_object_unref (stream);
  identifai_request_unref (request);
}

GST_END_TEST;

/* A file that lost bytes must not pass for a shorter one. */
GST_START_TEST (test_shrunk_file)
{
  IdentifaiRequest *request = request_new (1000);
  GInputStream *stream = identifai_request_body_new (request);
  GError *error = NULL;
  gchar data[4096];

  identifai_memory_file_unref (request->file);
  request->file = identifai_memory_file_new ();
  fail_unless_equals_int (g_input_stream_read (stream, data, sizeof (data),
          NULL, &error), -1);
  fail_unless (error != NULL);
  g_clear_error (&error);
  g_object_unref (stream);
  identifai_request_unref (request);
}

GST_END_TEST;

/* -- many readers of one request -- */

static gpointer
read_in_thread (gpointer data)
{
  IdentifaiRequest *request = data;
  GInputStream *stream = identifai_request_body_new (request);
  gchar *boundary = boundary_of (IDENTIFAI_REQUEST_BODY (stream));
  const gchar *none[] = { NULL };
  GString *expected = expected_body (boundary, none, "segment-00004.mp4",
      request->file);
  GByteArray *body = read_all (stream, 9000);
  gboolean same = body->len == expected->len
      && memcmp (body->data, expected->str, body->len) == 0;

  g_byte_array_unref (body);
  g_string_free (expected, TRUE);
  g_free (boundary);
  g_object_unref (stream);
  identifai_request_unref (request);

  return GINT_TO_POINTER (same);
}

GST_START_TEST (test_concurrent)
{
  IdentifaiRequest *request = request_new (2 * 1000 * 1000);
  GThread *threads[8];
  guint i;

  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("reader", read_in_thread,
        identifai_request_ref (request));
  identifai_request_unref (request);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    fail_unless (GPOINTER_TO_INT (g_thread_join (threads[i])));
}

GST_END_TEST;

/* -- on its way out -- */

static guint
count_threads (void)
{
  GDir *dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint count = 0;

  while (g_dir_read_name (dir))
    count++;
  g_dir_close (dir);

  return count;
}

static void
on_closed (GObject * source, GAsyncResult * result, gpointer user_data)
{
  gboolean *closed = user_data;

  fail_unless (g_input_stream_close_finish (G_INPUT_STREAM (source), result,
          NULL));
  *closed = TRUE;
}

/* libsoup closes a body that it has sent. A thread of GIO's that did it would
 * hold the file for a while. */
GST_START_TEST (test_upload_closes_without_thread)
{
  IdentifaiRequest *request = request_new (1000);
  GInputStream *body = identifai_request_body_new (request);
  GInputStream *upload =
      identifai_upload_new (IDENTIFAI_REQUEST_BODY (body), NULL, NULL, NULL,
      NULL, NULL,
      NULL);
  gboolean closed = FALSE;
  guint threads;

  g_object_unref (body);
  /* Its pool has a thread of its own. */
  g_type_ensure (G_TYPE_TASK);
  threads = count_threads ();
  g_input_stream_close_async (upload, G_PRIORITY_DEFAULT, NULL, on_closed,
      &closed);
  while (!closed)
    g_main_context_iteration (NULL, TRUE);
  fail_unless_equals_int (count_threads (), threads);
  fail_unless (g_input_stream_is_closed (upload));

  g_object_unref (upload);
  fail_unless_equals_int (request->refcount, 1);
  identifai_request_unref (request);
}

GST_END_TEST;

/* -- over libsoup, to a server that reads it with SoupMultipart -- */

typedef struct
{
  SoupServer *server;
  gchar *url;
  GByteArray *file;             /* as it came */
  gchar *filename;
  gchar *content_type;
  GString *fields;              /* name=value; … */
  guint n_requests;
} Peer;

static void
peer_read_file (Peer * peer, SoupMessageHeaders * headers, GBytes * body,
    GHashTable * parameters)
{
  g_clear_pointer (&peer->filename, g_free);
  g_clear_pointer (&peer->content_type, g_free);
  peer->filename = g_strdup (g_hash_table_lookup (parameters, "filename"));
  peer->content_type =
      g_strdup (soup_message_headers_get_one (headers, "Content-Type"));
  g_byte_array_set_size (peer->file, 0);
  g_byte_array_append (peer->file, g_bytes_get_data (body, NULL),
      g_bytes_get_size (body));
}

static void
peer_read_part (Peer * peer, SoupMultipart * form, gint i)
{
  SoupMessageHeaders *headers;
  GHashTable *parameters;
  gchar *disposition, *name;
  GBytes *body;

  fail_unless (soup_multipart_get_part (form, i, &headers, &body));
  fail_unless (soup_message_headers_get_content_disposition (headers,
          &disposition, &parameters));
  fail_unless_equals_string (disposition, "form-data");
  name = g_hash_table_lookup (parameters, "name");
  if (g_hash_table_contains (parameters, "filename")) {
    fail_unless_equals_string (name, "video");
    fail_unless_equals_int (i, soup_multipart_get_length (form) - 1);
    peer_read_file (peer, headers, body, parameters);
  } else {
    g_string_append_printf (peer->fields, "%s=%.*s; ", name,
        (gint) g_bytes_get_size (body),
        (const gchar *) g_bytes_get_data (body, NULL));
  }
  g_hash_table_unref (parameters);
  g_free (disposition);
}

static void
peer_answer (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  Peer *peer = user_data;
  SoupMessageBody *raw = soup_server_message_get_request_body (message);
  GBytes *body = soup_message_body_flatten (raw);
  SoupMessageHeaders *headers;
  SoupMultipart *form;
  gint i;

  peer->n_requests++;
  form = soup_multipart_new_from_message
      (soup_server_message_get_request_headers (message), body);
  fail_unless (form != NULL);
  g_string_truncate (peer->fields, 0);
  for (i = 0; i < soup_multipart_get_length (form); i++)
    peer_read_part (peer, form, i);
  soup_multipart_free (form);
  g_bytes_unref (body);

  headers = soup_server_message_get_request_headers (message);
  if (soup_message_headers_get_one (headers, "Authorization") != NULL) {
    soup_server_message_set_status (message, 200, NULL);
    return;
  }
  soup_server_message_set_status (message, 401, NULL);
  soup_message_headers_append (soup_server_message_get_response_headers
      (message), "WWW-Authenticate", "Basic realm=\"test\"");
}

static Peer *
peer_new (void)
{
  Peer *peer = g_new0 (Peer, 1);
  GSList *uris;

  peer->server = soup_server_new (NULL, NULL);
  peer->file = g_byte_array_new ();
  peer->fields = g_string_new (NULL);
  soup_server_add_handler (peer->server, NULL, peer_answer, peer, NULL);
  fail_unless (soup_server_listen_local (peer->server, 0,
          SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
  uris = soup_server_get_uris (peer->server);
  peer->url = g_uri_to_string (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);

  return peer;
}

static void
peer_free (Peer * peer)
{
  soup_server_disconnect (peer->server);
  g_object_unref (peer->server);
  g_free (peer->url);
  g_byte_array_unref (peer->file);
  g_free (peer->filename);
  g_free (peer->content_type);
  g_string_free (peer->fields, TRUE);
  g_free (peer);
}

typedef struct
{
  GMainLoop *loop;
  GError *error;
} Exchange;

static void
on_sent (GObject * session, GAsyncResult * result, gpointer user_data)
{
  Exchange *exchange = user_data;
  GBytes *answer = soup_session_send_and_read_finish (SOUP_SESSION (session),
      result, &exchange->error);

  g_clear_pointer (&answer, g_bytes_unref);
  g_main_loop_quit (exchange->loop);
}

static gboolean
on_authenticate (SoupMessage * message, SoupAuth * auth, gboolean retrying,
    gpointer user_data)
{
  soup_auth_authenticate (auth, "somebody", "something");

  return TRUE;
}

/* libsoup lets go of a body when it starts a message over. */
static void
set_body (SoupMessage * message, IdentifaiRequest * request)
{
  GInputStream *stream = identifai_request_body_new (request);
  IdentifaiRequestBody *body = IDENTIFAI_REQUEST_BODY (stream);

  soup_message_set_request_body (message,
      identifai_request_body_get_content_type (body), stream,
      identifai_request_body_get_length (body));
  g_object_set_data_full (G_OBJECT (message), "body", stream, g_object_unref);
}

/* Posts the request the way the client does. Returns the status. */
static guint
post (const gchar * url, IdentifaiRequest * request)
{
  SoupSession *session = soup_session_new ();
  SoupMessage *message = soup_message_new ("POST", url);
  Exchange exchange = { g_main_loop_new (NULL, FALSE), NULL };
  IdentifaiRequestBody *body;
  guint status;

  g_signal_connect (message, "authenticate", G_CALLBACK (on_authenticate),
      NULL);
  g_signal_connect (message, "restarted", G_CALLBACK (set_body), request);
  set_body (message, request);
  soup_session_send_and_read_async (session, message, 0, NULL, on_sent,
      &exchange);
  g_main_loop_run (exchange.loop);
  fail_unless (exchange.error == NULL, "%s",
      exchange.error ? exchange.error->message : NULL);
  body = g_object_get_data (G_OBJECT (message), "body");
  assert_equals_uint64 (identifai_request_body_get_sent (body),
      identifai_request_body_get_length (body));
  status = soup_message_get_status (message);

  g_main_loop_unref (exchange.loop);
  g_object_unref (message);
  g_object_unref (session);

  return status;
}

/* The server wants a password after it has all, so that all is sent again. */
GST_START_TEST (test_over_the_wire)
{
  static const gsize sizes[] = { 0, 1, 65536, 5 * 1000 * 1000 };
  Peer *peer = peer_new ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    IdentifaiRequest *request = identifai_request_new (file_new (sizes[i]),
        "caf\303\251.mp4", "video/mp4");
    gchar *content = file_content (request->file);

    identifai_request_add_field (request, "ref_id", "cam7\r\n\"4\"");
    identifai_request_add_field (request, "frames", "10");
    peer->n_requests = 0;
    fail_unless_equals_int (post (peer->url, request), 200);
    fail_unless_equals_int (peer->n_requests, 2);
    fail_unless_equals_string (peer->fields->str,
        "ref_id=cam7\r\n\"4\"; frames=10; ");
    fail_unless_equals_string (peer->filename, "caf\303\251.mp4");
    fail_unless_equals_string (peer->content_type, "video/mp4");
    fail_unless_equals_int64 (peer->file->len, sizes[i]);
    fail_unless (sizes[i] == 0
        || memcmp (peer->file->data, content, sizes[i]) == 0);
    g_free (content);
    identifai_request_unref (request);
  }
  peer_free (peer);
}

GST_END_TEST;

static Suite *
requestbody_suite (void)
{
  Suite *s = suite_create ("requestbody");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_bytes);
  tcase_add_test (tc, test_content_type);
  tcase_add_test (tc, test_boundary);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_seek_and_read);
  tcase_add_test (tc, test_sent);
  tcase_add_test (tc, test_shrunk_file);
  tcase_add_test (tc, test_concurrent);
  tcase_add_test (tc, test_upload_closes_without_thread);
  tcase_add_test (tc, test_over_the_wire);

  return s;
}

GST_CHECK_MAIN (requestbody);
