/* identifai-emulator: multipart/form-data (RFC 7578), read as a stream
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE             /* memmem */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "multipart.h"

#include <string.h>

#define MAX_BOUNDARY 70         /* RFC 2046, 5.1.1 */
#define MAX_DELIMITER_TAIL 256  /* white space after a delimiter */

typedef enum
{
  STATE_PREAMBLE,               /* before the first delimiter */
  STATE_DELIMITER,              /* after "--boundary": "--" or a line end */
  STATE_HEADERS,
  STATE_DATA,
  STATE_EPILOGUE,               /* after the final delimiter */
  STATE_FAILED,
} State;

struct _EmuMultipart
{
  State state;
  EmuMultipartCallbacks callbacks;
  gpointer user_data;
  gchar *delimiter;             /* "\r\n--boundary" */
  gsize delimiter_length;
  GByteArray *held;             /* bytes not yet understood */
  guint parts;
};

/* Reads a quoted string or token at *text and moves past it. Of the escapes
 * only \" and \\ count: browsers send Windows paths with bare backslashes. */
static gchar *
read_value (const gchar ** text)
{
  GString *value = g_string_new (NULL);
  const gchar *p = *text;

  if (*p != '"') {
    gsize length = strcspn (p, "; \t");

    g_string_append_len (value, p, length);
    *text = p + length;
    return g_string_free (value, FALSE);
  }
  for (p++; *p != '\0' && *p != '"'; p++) {
    if (p[0] == '\\' && (p[1] == '"' || p[1] == '\\'))
      p++;
    g_string_append_c (value, *p);
  }
  *text = *p == '"' ? p + 1 : p;
  return g_string_free (value, FALSE);
}

/* The parameter of a header value such as: form-data; name="video". */
static gchar *
find_parameter (const gchar * header, const gchar * name)
{
  const gchar *p = header + strcspn (header, ";");

  while (*p == ';') {
    const gchar *start;
    gsize length;
    g_autofree gchar *value = NULL;

    p++;
    p += strspn (p, " \t");
    start = p;
    length = strcspn (p, "=;");
    p += length;
    if (*p != '=')
      continue;
    p++;
    value = read_value (&p);
    if (strlen (name) == length && !g_ascii_strncasecmp (start, name, length))
      return g_steal_pointer (&value);
    p += strcspn (p, ";");
  }
  return NULL;
}

gchar *
emu_multipart_parse_boundary (const gchar * content_type)
{
  static const gchar type[] = "multipart/form-data";
  g_autofree gchar *boundary = NULL;
  gsize length = strlen (type);

  if (content_type == NULL
      || g_ascii_strncasecmp (content_type, type, length) != 0
      || strchr ("; \t", content_type[length]) == NULL)
    return NULL;
  boundary = find_parameter (content_type, "boundary");
  if (boundary == NULL || *boundary == '\0' || strlen (boundary) > MAX_BOUNDARY)
    return NULL;
  return g_steal_pointer (&boundary);
}

EmuMultipart *
emu_multipart_new (const gchar * boundary,
    const EmuMultipartCallbacks * callbacks, gpointer user_data)
{
  EmuMultipart *self = g_new0 (EmuMultipart, 1);

  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->delimiter = g_strdup_printf ("\r\n--%s", boundary);
  self->delimiter_length = strlen (self->delimiter);
  self->held = g_byte_array_new ();
  /* The first delimiter may come without a line end before it. */
  g_byte_array_append (self->held, (const guint8 *) "\r\n", 2);
  return self;
}

void
emu_multipart_free (EmuMultipart * self)
{
  g_byte_array_unref (self->held);
  g_free (self->delimiter);
  g_free (self);
}

static void
drop_held (EmuMultipart * self, gsize length)
{
  g_byte_array_remove_range (self->held, 0, length);
}

static gboolean
fail (EmuMultipart * self, GError ** error, const gchar * what)
{
  self->state = STATE_FAILED;
  g_byte_array_set_size (self->held, 0);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, what);
  return FALSE;
}

static void
emit_data (EmuMultipart * self, gsize length)
{
  if (self->state == STATE_DATA && length > 0)
    self->callbacks.data (self->held->data, length, self->user_data);
}

/* Preamble and data: everything up to the next delimiter. FALSE: needs more
 * bytes, all but what may be the start of a delimiter is used up. */
static gboolean
read_to_delimiter (EmuMultipart * self)
{
  const guint8 *found = memmem (self->held->data, self->held->len,
      self->delimiter, self->delimiter_length);
  gsize length;

  if (found != NULL) {
    length = found - self->held->data;
    emit_data (self, length);
    drop_held (self, length + self->delimiter_length);
    if (self->state == STATE_DATA)
      self->callbacks.end (self->user_data);
    self->state = STATE_DELIMITER;
    return TRUE;
  }
  if (self->held->len >= self->delimiter_length) {
    length = self->held->len - (self->delimiter_length - 1);
    emit_data (self, length);
    drop_held (self, length);
  }
  return FALSE;
}

static gboolean
read_delimiter_tail (EmuMultipart * self, GError ** error)
{
  const gchar *data = (const gchar *) self->held->data;
  const gchar *end;

  if (self->held->len < 2)
    return FALSE;
  if (data[0] == '-' && data[1] == '-') {
    self->state = STATE_EPILOGUE;
    return TRUE;
  }
  end = memmem (data, self->held->len, "\r\n", 2);
  if (end == NULL && self->held->len <= MAX_DELIMITER_TAIL)
    return FALSE;
  if (end == NULL || strspn (data, " \t") != (gsize) (end - data))
    return fail (self, error, "a boundary is followed by other text");
  if (++self->parts > EMU_MULTIPART_MAX_PARTS)
    return fail (self, error, "the form has too many parts");
  drop_held (self, end + 2 - data);
  self->state = STATE_HEADERS;
  return TRUE;
}

static gchar *
find_header (gchar ** lines, const gchar * name)
{
  gsize length = strlen (name);
  guint i;

  for (i = 0; lines[i] != NULL; i++) {
    if (g_ascii_strncasecmp (lines[i], name, length) == 0
        && lines[i][length] == ':')
      return g_strstrip (g_utf8_make_valid (lines[i] + length + 1, -1));
  }
  return NULL;
}

static void
begin_part (EmuMultipart * self, const gchar * headers, gsize length)
{
  g_autofree gchar *text = g_strndup (headers, length);
  g_auto (GStrv) lines = g_strsplit (text, "\r\n", -1);
  g_autofree gchar *disposition = find_header (lines, "Content-Disposition");
  g_autofree gchar *content_type = find_header (lines, "Content-Type");
  g_autofree gchar *name = NULL;
  g_autofree gchar *filename = NULL;
  EmuPart part = { NULL, };

  if (disposition != NULL) {
    name = find_parameter (disposition, "name");
    filename = find_parameter (disposition, "filename");
  }
  part.name = name;
  part.filename = filename;
  part.content_type = content_type;
  self->callbacks.begin (&part, self->user_data);
}

static gboolean
read_headers (EmuMultipart * self, GError ** error)
{
  const gchar *data = (const gchar *) self->held->data;
  gsize length = self->held->len;
  const gchar *end;

  if (length >= 2 && memcmp (data, "\r\n", 2) == 0) {
    begin_part (self, "", 0);
    drop_held (self, 2);
    self->state = STATE_DATA;
    return TRUE;
  }
  end = memmem (data, length, "\r\n\r\n", 4);
  if (end == NULL ? length > EMU_MULTIPART_MAX_HEADER_BYTES
      : end - data > EMU_MULTIPART_MAX_HEADER_BYTES)
    return fail (self, error, "the headers of a part are too long");
  if (end == NULL)
    return FALSE;
  begin_part (self, data, end - data);
  drop_held (self, end + 4 - data);
  self->state = STATE_DATA;
  return TRUE;
}

/* One step; FALSE: needs more bytes, or failed. */
static gboolean
advance (EmuMultipart * self, GError ** error)
{
  switch (self->state) {
    case STATE_PREAMBLE:
    case STATE_DATA:
      return read_to_delimiter (self);
    case STATE_DELIMITER:
      return read_delimiter_tail (self, error);
    case STATE_HEADERS:
      return read_headers (self, error);
    case STATE_EPILOGUE:
      g_byte_array_set_size (self->held, 0);
      return FALSE;
    case STATE_FAILED:
      return fail (self, error, "the body is no multipart/form-data");
  }
  g_return_val_if_reached (FALSE);
}

gboolean
emu_multipart_push (EmuMultipart * self, const guint8 * data, gsize length,
    GError ** error)
{
  if (self->state == STATE_FAILED)
    return advance (self, error);
  if (self->state == STATE_EPILOGUE || length == 0)
    return TRUE;
  g_byte_array_append (self->held, data, length);
  while (advance (self, error));
  return self->state != STATE_FAILED;
}

gboolean
emu_multipart_finish (EmuMultipart * self, GError ** error)
{
  switch (self->state) {
    case STATE_EPILOGUE:
      return TRUE;
    case STATE_PREAMBLE:
      return fail (self, error, "the body has no boundary");
    case STATE_FAILED:
      return fail (self, error, "the body is no multipart/form-data");
    default:
      return fail (self, error, "the body ends before its last boundary");
  }
}
