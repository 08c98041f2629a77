/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Three parts behind each other: the head (the fields, then the header of the
 * file's part), the file where it lies, and the tail. The file comes last, so
 * that a server may check the fields before it arrives.
 *
 * Reading never blocks. The stream is pollable to say so: else GIO would start
 * a thread for each piece that libsoup reads.
 */

#include "requestbody.h"

#include <string.h>

struct _IdentifaiRequestBody
{
  GInputStream parent;

  IdentifaiRequest *request;    /* owned; read-only */
  GString *head;
  GString *tail;
  gchar *content_type;
  guint64 file_size;            /* of one that grows: what was there a moment ago */
  gboolean grows;

  guint64 position;
  guint64 sent;                 /* the furthest that was read up to: a stream that
                                 * was rewound may have been sent before */
};

static void seekable_init (GSeekableIface * iface);
static void pollable_init (GPollableInputStreamInterface * iface);

G_DEFINE_TYPE_WITH_CODE (IdentifaiRequestBody, identifai_request_body,
    G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_SEEKABLE, seekable_init);
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM, pollable_init));

/* Appends a quoted parameter the way browsers do: percent-encoded are quotes,
 * line breaks and other control characters, which could end the header, and
 * backslashes, which some servers take for escapes. UTF-8 stays as it is. */
static void
append_quoted (GString * out, const gchar * text)
{
  g_string_append_c (out, '"');
  for (; *text != '\0'; text++) {
    if (g_ascii_iscntrl (*text) || *text == '"' || *text == '\\')
      g_string_append_printf (out, "%%%02X", (guchar) * text);
    else
      g_string_append_c (out, *text);
  }
  g_string_append_c (out, '"');
}

static void
append_part_start (GString * out, const gchar * boundary, const gchar * name)
{
  g_string_append_printf (out, "--%s\r\nContent-Disposition: form-data; name=",
      boundary);
  append_quoted (out, name);
}

static void
append_field (GString * out, const gchar * boundary,
    const IdentifaiField * field)
{
  append_part_start (out, boundary, field->name);
  g_string_append_printf (out, "\r\n\r\n%s\r\n", field->value);
}

static void
append_file_header (GString * out, const gchar * boundary,
    const IdentifaiRequest * request)
{
  gchar *content_type = g_strdup (request->content_type);

  append_part_start (out, boundary,
      identifai_kind_get_info (request->kind)->part);
  g_string_append (out, "; filename=");
  append_quoted (out, request->filename);
  /* the type stems from caps; whatever they hold, it is one line */
  g_strdelimit (content_type, "\r\n", ' ');
  g_string_append_printf (out, "\r\nContent-Type: %s\r\n\r\n", content_type);
  g_free (content_type);
}

/* 128 random bits: no file holds it by chance, so none is searched for it. */
static gchar *
make_boundary (void)
{
  return g_strdup_printf ("identifai-%08x%08x%08x%08x", g_random_int (),
      g_random_int (), g_random_int (), g_random_int ());
}

GInputStream *
identifai_request_body_new (IdentifaiRequest * request)
{
  IdentifaiRequestBody *self = g_object_new (IDENTIFAI_TYPE_REQUEST_BODY, NULL);
  gchar *boundary = make_boundary ();
  guint i;

  self->request = identifai_request_ref (request);
  identifai_request_set_sent (request, 0);
  for (i = 0; i < request->fields->len; i++)
    append_field (self->head, boundary, g_ptr_array_index (request->fields, i));
  append_file_header (self->head, boundary, request);
  g_string_append_printf (self->tail, "\r\n--%s--\r\n", boundary);
  self->content_type =
      g_strconcat ("multipart/form-data; boundary=", boundary, NULL);
  self->grows = request->growing != NULL
      && !identifai_growing_file_has_ended (request->growing);
  if (!self->grows)
    self->file_size = identifai_memory_file_get_size (request->growing != NULL ?
        identifai_growing_file_get_file (request->growing) : request->file);
  g_free (boundary);

  return G_INPUT_STREAM (self);
}

/* What there is of a file that grows, by now. What it has ended with is all. */
static void
look_at_file (IdentifaiRequestBody * self)
{
  if (!self->grows || self->request == NULL)
    return;
  self->grows = !identifai_growing_file_has_ended (self->request->growing);
  self->file_size = identifai_growing_file_get_size (self->request->growing);
}

guint64
identifai_request_body_get_length (IdentifaiRequestBody * self)
{
  look_at_file (self);

  return self->grows ? IDENTIFAI_UNKNOWN_LENGTH : self->head->len
      + self->file_size + self->tail->len;
}

gboolean
identifai_request_body_is_starved (IdentifaiRequestBody * self)
{
  look_at_file (self);

  return self->grows && self->request != NULL
      && self->position >= self->head->len + self->file_size;
}

gint64
identifai_request_body_get_fed_at (IdentifaiRequestBody * self)
{
  return self->request == NULL || self->request->growing == NULL ? 0 :
      identifai_growing_file_get_fed_at (self->request->growing);
}

void
identifai_request_body_wake (IdentifaiRequestBody * self, GSource * source)
{
  if (self->request != NULL && self->request->growing != NULL)
    identifai_growing_file_wake (self->request->growing, self->file_size,
        source);
}

const gchar *
identifai_request_body_get_content_type (IdentifaiRequestBody * self)
{
  return self->content_type;
}

guint64
identifai_request_body_get_sent (IdentifaiRequestBody * self)
{
  return self->sent;
}

void
identifai_request_body_release (IdentifaiRequestBody * self)
{
  identifai_request_body_wake (self, NULL);
  g_clear_pointer (&self->request, identifai_request_unref);
}

/* -- GInputStream -- */

static gsize
copy_text (const GString * text, guint64 offset, gpointer dest, gsize length)
{
  length = MIN (length, text->len - offset);
  memcpy (dest, text->str + offset, length);

  return length;
}

/* Copies what is at the position, out of the part that it is in. */
static gsize
read_part (IdentifaiRequestBody * self, gpointer dest, gsize length)
{
  guint64 offset = self->position;

  if (offset < self->head->len)
    return copy_text (self->head, offset, dest, length);
  offset -= self->head->len;
  if (offset < self->file_size)
    return self->request->growing != NULL ?
        identifai_growing_file_read (self->request->growing, offset, dest,
        MIN (length, self->file_size - offset)) :
        identifai_memory_file_read (self->request->file, offset, dest, length);

  return copy_text (self->tail, offset - self->file_size, dest, length);
}

static gssize
identifai_request_body_read (GInputStream * stream, void *buffer, gsize count,
    GCancellable * cancellable, GError ** error)
{
  IdentifaiRequestBody *self = IDENTIFAI_REQUEST_BODY (stream);
  guint64 length;
  gsize total = 0;

  if (self->request == NULL) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED,
        "The request is over");
    return -1;
  }
  length = identifai_request_body_get_length (self);
  if (self->grows)
    length = self->head->len + self->file_size;
  while (total < count && self->position < length) {
    gsize n = read_part (self, (guint8 *) buffer + total, count - total);

    if (n == 0) {
      /* to end here would pass a cut file for a whole one */
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
          "The file shrank while it was sent");
      return -1;
    }
    self->position += n;
    total += n;
  }
  self->sent = MAX (self->sent, self->position);
  identifai_request_set_sent (self->request, CLAMP (self->position,
          self->head->len, self->head->len + self->file_size)
      - self->head->len);

  return total;
}

/* -- GPollableInputStream: always ready -- */

static gboolean
identifai_request_body_is_readable (GPollableInputStream * stream)
{
  return TRUE;
}

static GSource *
identifai_request_body_create_source (GPollableInputStream * stream,
    GCancellable * cancellable)
{
  GSource *ready = g_timeout_source_new (0);
  GSource *source = g_pollable_source_new_full (stream, ready, cancellable);

  g_source_unref (ready);

  return source;
}

static void
pollable_init (GPollableInputStreamInterface * iface)
{
  iface->is_readable = identifai_request_body_is_readable;
  iface->create_source = identifai_request_body_create_source;
}

/* -- GSeekable -- */

static goffset
identifai_request_body_tell (GSeekable * seekable)
{
  return IDENTIFAI_REQUEST_BODY (seekable)->position;
}

static gboolean
identifai_request_body_can_seek (GSeekable * seekable)
{
  return TRUE;
}

static gboolean
identifai_request_body_seek (GSeekable * seekable, goffset offset,
    GSeekType type, GCancellable * cancellable, GError ** error)
{
  IdentifaiRequestBody *self = IDENTIFAI_REQUEST_BODY (seekable);
  goffset length = identifai_request_body_get_length (self), base = 0;

  if (type == G_SEEK_CUR)
    base = self->position;
  else if (type == G_SEEK_END)
    base = length;
  if (offset < -base || offset > length - base) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "Seek out of the body");
    return FALSE;
  }
  self->position = base + offset;

  return TRUE;
}

static gboolean
identifai_request_body_can_truncate (GSeekable * seekable)
{
  return FALSE;
}

static gboolean
identifai_request_body_truncate (GSeekable * seekable, goffset offset,
    GCancellable * cancellable, GError ** error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "The body can't be changed");
  return FALSE;
}

static void
seekable_init (GSeekableIface * iface)
{
  iface->tell = identifai_request_body_tell;
  iface->can_seek = identifai_request_body_can_seek;
  iface->seek = identifai_request_body_seek;
  iface->can_truncate = identifai_request_body_can_truncate;
  iface->truncate_fn = identifai_request_body_truncate;
}

/* -- GObject -- */

static void
identifai_request_body_finalize (GObject * object)
{
  IdentifaiRequestBody *self = IDENTIFAI_REQUEST_BODY (object);

  identifai_request_body_release (self);
  g_string_free (self->head, TRUE);
  g_string_free (self->tail, TRUE);
  g_free (self->content_type);
  G_OBJECT_CLASS (identifai_request_body_parent_class)->finalize (object);
}

static void
identifai_request_body_class_init (IdentifaiRequestBodyClass * klass)
{
  G_OBJECT_CLASS (klass)->finalize = identifai_request_body_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = identifai_request_body_read;
}

static void
identifai_request_body_init (IdentifaiRequestBody * self)
{
  self->head = g_string_new (NULL);
  self->tail = g_string_new (NULL);
}
