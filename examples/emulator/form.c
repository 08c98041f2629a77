/* identifai-emulator: what a submit call sent
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "form.h"
#include "multipart.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

typedef enum
{
  FORM_NONE,                    /* the content type is none of a form */
  FORM_MULTIPART,
  FORM_URLENCODED,
  FORM_JSON,
} FormType;

typedef enum
{
  PART_IGNORED,
  PART_FIELD,
  PART_FILE,
} PartKind;

struct _EmuForm
{
  gchar *file_field;
  gchar *directory;
  guint64 max_bytes;
  FormType type;
  EmuMultipart *multipart;
  GString *text;                /* the body of what is no multipart */
  GError *error;                /* the first one */

  PartKind part;                /* being read */
  gchar *name;                  /* of the field being read */
  GString *value;
  gsize field_bytes;
  GPtrArray *fields;

  gchar *path;                  /* of the temporary file, ours to remove */
  gint fd;                      /* -1: not open */
  gchar *filename;
  gchar *file_type;
  guint64 size;
  gboolean file_is_field, too_large;
};

static void
free_field (gpointer data)
{
  EmuField *field = data;

  g_free (field->name);
  g_free (field->value);
  g_free (field);
}

static void
set_error_errno (EmuForm * self, const gchar * what)
{
  gint code = errno;

  if (self->error == NULL)
    self->error = g_error_new (G_IO_ERROR, g_io_error_from_errno (code),
        "%s: %s", what, g_strerror (code));
}

static void
forget_file (EmuForm * self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  if (self->path != NULL)
    g_unlink (self->path);
  g_clear_pointer (&self->path, g_free);
  g_clear_pointer (&self->filename, g_free);
  g_clear_pointer (&self->file_type, g_free);
  self->size = 0;
  self->too_large = FALSE;
}

void
emu_form_begin_file (EmuForm * self, const gchar * filename)
{
  forget_file (self);
  self->path = g_build_filename (self->directory, "upload-XXXXXX", NULL);
  self->fd = g_mkstemp_full (self->path, O_RDWR | O_CLOEXEC, 0600);
  if (self->fd < 0) {
    set_error_errno (self, "no temporary file");
    g_clear_pointer (&self->path, g_free);
  }
  self->filename = g_utf8_make_valid (filename, -1);
}

/* "frames" or "frames[…"; nothing is named NULL */
static gboolean
is_named (const gchar * full, const gchar * name)
{
  gsize length = name != NULL ? strlen (name) : 0;

  return name != NULL && strncmp (full, name, length) == 0
      && (full[length] == '\0' || full[length] == '[');
}

static void
add_field (EmuForm * self, gchar * name, gchar * value, gboolean is_file)
{
  EmuField *field = g_new0 (EmuField, 1);

  field->name = name;
  field->value = value;
  field->is_file = is_file;
  g_ptr_array_add (self->fields, field);
}

/* What another field's file would be is of no interest, only that it is one. */
static void
add_file_as_field (EmuForm * self, const EmuPart * part)
{
  g_autofree gchar *filename = g_utf8_make_valid (part->filename, -1);

  add_field (self, g_utf8_make_valid (part->name, -1),
      g_strconcat ("@", filename, NULL), TRUE);
}

static void
begin_part (const EmuPart * part, gpointer user_data)
{
  EmuForm *self = user_data;

  self->part = PART_IGNORED;
  /* A file without a name is what a browser sends for a file not chosen. */
  if (part->name == NULL || (part->filename != NULL && *part->filename == '\0'))
    return;
  if (g_strcmp0 (part->name, self->file_field) == 0 && part->filename != NULL) {
    self->file_is_field = FALSE;
    self->part = PART_FILE;
    emu_form_begin_file (self, part->filename);
    self->file_type = g_strdup (part->content_type);
  } else if (is_named (part->name, self->file_field)) {
    self->file_is_field = TRUE;
  } else if (part->filename != NULL) {
    add_file_as_field (self, part);
  } else {
    self->part = PART_FIELD;
    self->name = g_utf8_make_valid (part->name, -1);
    self->value = g_string_new (NULL);
    self->field_bytes += strlen (self->name);
  }
}

gboolean
emu_form_write_file (EmuForm * self, const guint8 * data, gsize length)
{
  self->size += length;
  if (self->size > self->max_bytes && !self->too_large) {
    self->too_large = TRUE;
    if (self->fd >= 0 && ftruncate (self->fd, 0) < 0)
      set_error_errno (self, "temporary file");
  }
  if (self->too_large)
    return FALSE;
  while (length > 0 && self->fd >= 0) {
    gssize written = write (self->fd, data, length);

    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0) {
      set_error_errno (self, "temporary file");
      return FALSE;
    }
    data += written;
    length -= written;
  }
  return self->fd >= 0;
}

gboolean
emu_form_end_file (EmuForm * self, GError ** error)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  if (self->error != NULL && error != NULL)
    *error = g_error_copy (self->error);
  return self->error == NULL;
}

static void
count_text (EmuForm * self, gsize length)
{
  self->field_bytes += length;
  if (self->field_bytes > EMU_FORM_MAX_FIELD_BYTES && self->error == NULL)
    self->error = g_error_new (G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
        "the fields of the form are too long");
}

static void
part_data (const guint8 * data, gsize length, gpointer user_data)
{
  EmuForm *self = user_data;

  if (self->part == PART_FILE) {
    emu_form_write_file (self, data, length);
  } else if (self->part == PART_FIELD) {
    count_text (self, length);
    if (self->error == NULL)
      g_string_append_len (self->value, (const gchar *) data, length);
  }
}

static void
end_part (gpointer user_data)
{
  EmuForm *self = user_data;

  if (self->part == PART_FILE)
    emu_form_end_file (self, NULL);
  if (self->part == PART_FIELD) {
    add_field (self, g_steal_pointer (&self->name),
        g_utf8_make_valid (self->value->str, self->value->len), FALSE);
    g_string_free (g_steal_pointer (&self->value), TRUE);
  }
  self->part = PART_IGNORED;
}

/* A value of a body that has only values. */
static void
add_value (EmuForm * self, const gchar * name, const gchar * value)
{
  if (is_named (name, self->file_field))
    self->file_is_field = TRUE;
  else
    add_field (self, g_utf8_make_valid (name, -1),
        g_utf8_make_valid (value, -1), FALSE);
}

static gchar *
decode_value (const gchar * text)
{
  g_autofree gchar *spaced = g_strdelimit (g_strdup (text), "+", ' ');
  gchar *value = g_uri_unescape_string (spaced, NULL);

  return value != NULL ? value : g_steal_pointer (&spaced);
}

static void
read_urlencoded (EmuForm * self)
{
  g_auto (GStrv) pairs = g_strsplit (self->text->str, "&", -1);
  guint i;

  for (i = 0; pairs[i] != NULL; i++) {
    g_auto (GStrv) pair = g_strsplit (pairs[i], "=", 2);
    g_autofree gchar *name = decode_value (pair[0] != NULL ? pair[0] : "");
    g_autofree gchar *value = decode_value (pair[0] != NULL && pair[1] != NULL
        ? pair[1] : "");

    if (*name != '\0')
      add_value (self, name, value);
  }
}

/* null is as good as an empty text, which is what a form would have. */
static void
add_member (JsonObject * object, const gchar * name, JsonNode * node,
    gpointer user_data)
{
  EmuForm *self = user_data;
  g_autofree gchar *list = g_strconcat (name, "[]", NULL);
  g_autofree gchar *json = NULL;

  if (JSON_NODE_HOLDS_NULL (node)) {
    add_value (self, name, "");
  } else if (!JSON_NODE_HOLDS_VALUE (node)) {
    add_value (self, list, "");
  } else if (json_node_get_value_type (node) == G_TYPE_STRING) {
    add_value (self, name, json_node_get_string (node));
  } else {
    json = json_to_string (node, FALSE);
    add_value (self, name, json);
  }
}

static void
read_json (EmuForm * self)
{
  g_autoptr (JsonNode) root = json_from_string (self->text->str, NULL);

  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    json_object_foreach_member (json_node_get_object (root), add_member, self);
}

static FormType
type_of (const gchar * content_type)
{
  g_auto (GStrv) parts = g_strsplit_set (content_type != NULL ? content_type
      : "", "; \t", 2);
  const gchar *name = parts[0] != NULL ? parts[0] : "";

  if (g_ascii_strcasecmp (name, "application/x-www-form-urlencoded") == 0)
    return FORM_URLENCODED;
  return g_ascii_strcasecmp (name, "application/json") == 0
      ? FORM_JSON : FORM_NONE;
}

EmuForm *
emu_form_new (const gchar * content_type, const gchar * file_field,
    const gchar * directory, guint64 max_bytes)
{
  static const EmuMultipartCallbacks callbacks = {
    begin_part, part_data, end_part
  };
  EmuForm *self = g_new0 (EmuForm, 1);
  g_autofree gchar *boundary = emu_multipart_parse_boundary (content_type);

  self->file_field = g_strdup (file_field);
  self->directory = g_strdup (directory);
  self->max_bytes = max_bytes;
  self->fd = -1;
  self->fields = g_ptr_array_new_with_free_func (free_field);
  self->type = boundary != NULL ? FORM_MULTIPART : type_of (content_type);
  self->text = g_string_new (NULL);
  if (boundary != NULL)
    self->multipart = emu_multipart_new (boundary, &callbacks, self);
  return self;
}

void
emu_form_free (EmuForm * self)
{
  forget_file (self);
  g_clear_pointer (&self->multipart, emu_multipart_free);
  g_clear_error (&self->error);
  g_ptr_array_unref (self->fields);
  if (self->value != NULL)
    g_string_free (self->value, TRUE);
  g_string_free (self->text, TRUE);
  g_free (self->name);
  g_free (self->file_field);
  g_free (self->directory);
  g_free (self);
}

void
emu_form_push (EmuForm * self, const guint8 * data, gsize length)
{
  if (self->error != NULL)
    return;
  if (self->type == FORM_MULTIPART) {
    emu_multipart_push (self->multipart, data, length, &self->error);
  } else if (self->type != FORM_NONE) {
    count_text (self, length);
    if (self->error == NULL)
      g_string_append_len (self->text, (const gchar *) data, length);
  }
}

gboolean
emu_form_finish (EmuForm * self, GError ** error)
{
  /* Like a service that finds no form in the body: nothing was sent. */
  if (self->error == NULL && self->type == FORM_MULTIPART)
    emu_multipart_finish (self->multipart, &self->error);
  if (self->error == NULL && self->type == FORM_URLENCODED)
    read_urlencoded (self);
  if (self->error == NULL && self->type == FORM_JSON)
    read_json (self);
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (self->error));
  return FALSE;
}

gboolean
emu_form_error_is_theirs (const GError * error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
}

GPtrArray *
emu_form_get_fields (EmuForm * self)
{
  return self->fields;
}

const EmuField *
emu_form_find (EmuForm * self, const gchar * name)
{
  guint i;

  for (i = self->fields->len; i-- > 0;) {
    const EmuField *field = g_ptr_array_index (self->fields, i);

    if (is_named (field->name, name))
      return field;
  }
  return NULL;
}

gboolean
emu_field_is_plain (const EmuField * self)
{
  return !self->is_file && strchr (self->name, '[') == NULL;
}

gboolean
emu_form_has_file (EmuForm * self)
{
  return self->path != NULL;
}

gboolean
emu_form_file_is_field (EmuForm * self)
{
  return self->file_is_field;
}

gboolean
emu_form_file_is_too_large (EmuForm * self)
{
  return self->too_large;
}

guint64
emu_form_get_size (EmuForm * self)
{
  return self->size;
}

const gchar *
emu_form_get_filename (EmuForm * self)
{
  return self->filename;
}

const gchar *
emu_form_get_file_type (EmuForm * self)
{
  return self->file_type;
}

const gchar *
emu_form_get_path (EmuForm * self)
{
  return self->path;
}

gchar *
emu_form_take_path (EmuForm * self)
{
  return g_steal_pointer (&self->path);
}
