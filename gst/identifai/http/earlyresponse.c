/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads along on the connection while a body goes out. On the exchange's thread, in
 * its main context.
 */

#define _GNU_SOURCE             /* memmem */
#include "earlyresponse.h"
#include <string.h>
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

/* Of the headers, and of the body: it is for people, or an identifier. */
#define MAX_BYTES (64 * 1024)
#define MAX_INFORMATIONAL 32
/* How long the body may take, in ms, once the status is known. */
#define BODY_PATIENCE 1000

struct _IdentifaiEarlyResponse
{
  const gchar *name, *what;     /* for the log */
  GPollableInputStream *stream;
  GSource *readable, *patience; /* NULL = not attached */
  IdentifaiEarlyResponseFunc func;
  gpointer user_data;

  GByteArray *bytes;            /* headers, then what comes of the body */
  guint n_informational;
  guint status;
  SoupMessageHeaders *headers;  /* NULL before the status is known */
  gboolean ended;               /* nothing more comes, */
  GError *error;                /* as the connection is broken; or NULL */
};

static void
clear_source (GSource ** source)
{
  if (!*source)
    return;

  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
end (IdentifaiEarlyResponse * self)
{
  self->ended = TRUE;
  clear_source (&self->readable);
  clear_source (&self->patience);
}

/* The answer. */

static gboolean
on_patience_over (gpointer user_data)
{
  IdentifaiEarlyResponse *self = user_data;

  GST_DEBUG_ID (self->name, "%s: status %u before all was sent; its body takes "
      "too long, what came of it will do", self->what, self->status);

  end (self);
  self->func (self->user_data);

  return G_SOURCE_REMOVE;
}

static void
have_patience (IdentifaiEarlyResponse * self)
{
  self->patience = g_timeout_source_new (BODY_PATIENCE);
  g_source_set_callback (self->patience, on_patience_over, self, NULL);
  g_source_attach (self->patience, g_main_context_get_thread_default ());
}

/* Takes the headers of one answer off the bytes. FALSE: they aren't whole, or
 * none. */
static gboolean
take_headers (IdentifaiEarlyResponse * self)
{
  const gchar *text = (const gchar *) self->bytes->data;
  const gchar *limit = self->bytes->len == 0 ? NULL :
      memmem (text, self->bytes->len, "\r\n\r\n", 4);
  SoupMessageHeaders *headers;
  guint status = 0;

  if (!limit)
    return FALSE;

  /* The parser wants the headers without the empty line. */
  headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  if (!soup_headers_parse_response (text, limit + 2 - text, headers, NULL,
          &status, NULL)) {
    GST_DEBUG_ID (self->name, "%s: what comes before all was sent is no answer",
        self->what);
    soup_message_headers_unref (headers);
    end (self);
    return FALSE;
  }

  g_byte_array_remove_range (self->bytes, 0, limit + 4 - text);
  if (SOUP_STATUS_IS_INFORMATIONAL (status)) {
    soup_message_headers_unref (headers);
    GST_LOG_ID (self->name, "%s: interim answer %u before all was sent",
        self->what, status);
    if (++self->n_informational > MAX_INFORMATIONAL) {
      GST_DEBUG_ID (self->name,
          "%s: interim answers don't end, nothing more is read of them",
          self->what);
      end (self);
    }
  } else {
    GST_DEBUG_ID (self->name, "%s: status %u before all was sent", self->what,
        status);
    self->status = status;
    self->headers = headers;
  }

  return !self->ended;
}

/* The data of whole chunks goes to body, which may be NULL. TRUE: all chunks are
 * there. */
static gboolean
join_chunks (const GByteArray * bytes, GByteArray * body)
{
  const gchar *text = (const gchar *) bytes->data;
  gsize left = bytes->len;

  while (left > 0) {
    const gchar *line = memmem (text, left, "\r\n", 2);
    /* Behind white space it would read on. */
    guint64 length = line && g_ascii_isxdigit (*text) ?
        g_ascii_strtoull (text, NULL, 16) : 0;
    gsize start = line ? line + 2 - text : 0;

    if (!line || length == 0)
      return line != NULL;
    if (body)
      g_byte_array_append (body, (const guint8 *) text + start,
          MIN (length, left - start));
    if (length > left - start || left - start - length < 2)
      return FALSE;
    text += start + length + 2;
    left -= start + length + 2;
  }

  return FALSE;
}

static gboolean
is_whole (IdentifaiEarlyResponse * self)
{
  switch (soup_message_headers_get_encoding (self->headers)) {
    case SOUP_ENCODING_CONTENT_LENGTH:
      return self->bytes->len >=
          soup_message_headers_get_content_length (self->headers);
    case SOUP_ENCODING_CHUNKED:
      return join_chunks (self->bytes, NULL);
    case SOUP_ENCODING_NONE:
      return TRUE;
    default:
      return self->status == SOUP_STATUS_NO_CONTENT;
  }
}

static void
judge (IdentifaiEarlyResponse * self)
{
  gboolean full = self->bytes->len > MAX_BYTES;

  while (!self->headers && take_headers (self));
  if (!self->headers) {
    if (full)
      end (self);
    return;
  }

  if (self->ended || full || is_whole (self)) {
    end (self);
    self->func (self->user_data);
  } else if (!self->patience) {
    have_patience (self);
  }
}

/* Reading. */

void
identifai_early_response_read (IdentifaiEarlyResponse * self)
{
  guint8 buffer[4096];
  GError *error = NULL;
  gssize got = 1;

  if (self->ended)
    return;

  while (got > 0 && self->bytes->len <= MAX_BYTES) {
    got = g_pollable_input_stream_read_nonblocking (self->stream, buffer,
        sizeof (buffer), NULL, &error);
    if (got > 0)
      g_byte_array_append (self->bytes, buffer, got);
  }
  if (got <= 0 && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    GST_DEBUG_ID (self->name, "%s: the other side ends after %u bytes: %s",
        self->what, self->bytes->len, error ? error->message : "it has closed");
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
      self->error = g_steal_pointer (&error);
    end (self);
  }
  g_clear_error (&error);
  judge (self);
}

static gboolean
on_readable (GObject * stream, gpointer user_data)
{
  identifai_early_response_read (user_data);

  return G_SOURCE_CONTINUE;
}

IdentifaiEarlyResponse *
identifai_early_response_new (GIOStream * connection, const gchar * name,
    const gchar * what, IdentifaiEarlyResponseFunc func, gpointer user_data)
{
  GInputStream *stream = g_io_stream_get_input_stream (connection);
  IdentifaiEarlyResponse *self;

  if (!G_IS_POLLABLE_INPUT_STREAM (stream)
      || !g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (stream)))
    return NULL;

  self = g_new0 (IdentifaiEarlyResponse, 1);
  self->stream = g_object_ref (G_POLLABLE_INPUT_STREAM (stream));
  self->name = name;
  self->what = what;
  self->func = func;
  self->user_data = user_data;
  self->bytes = g_byte_array_new ();
  self->readable = g_pollable_input_stream_create_source (self->stream, NULL);
  /* Before libsoup writes on, and finds the connection broken. */
  g_source_set_priority (self->readable, G_PRIORITY_HIGH);
  g_source_set_callback (self->readable, G_SOURCE_FUNC (on_readable), self,
      NULL);
  g_source_attach (self->readable, g_main_context_get_thread_default ());

  return self;
}

void
identifai_early_response_free (IdentifaiEarlyResponse * self)
{
  clear_source (&self->readable);
  clear_source (&self->patience);
  g_object_unref (self->stream);
  g_byte_array_unref (self->bytes);
  g_clear_pointer (&self->headers, soup_message_headers_unref);
  g_clear_error (&self->error);
  g_free (self);
}

/* What came. */

gboolean
identifai_early_response_has_begun (IdentifaiEarlyResponse * self)
{
  return !self->ended && (self->headers || self->bytes->len > 0);
}

const GError *
identifai_early_response_get_error (IdentifaiEarlyResponse * self)
{
  return self->error;
}

gboolean
identifai_early_response_is_welcome (IdentifaiEarlyResponse * self)
{
  return self->n_informational > 0 || (self->ended && !self->headers);
}

guint
identifai_early_response_get_status (IdentifaiEarlyResponse * self)
{
  return self->status;
}

SoupMessageHeaders *
identifai_early_response_get_headers (IdentifaiEarlyResponse * self)
{
  return self->headers;
}

GBytes *
identifai_early_response_get_body (IdentifaiEarlyResponse * self)
{
  GByteArray *body;

  if (soup_message_headers_get_encoding (self->headers)
      != SOUP_ENCODING_CHUNKED)
    return g_bytes_new (self->bytes->data, self->bytes->len);

  body = g_byte_array_new ();
  join_chunks (self->bytes, body);

  return g_byte_array_free_to_bytes (body);
}
