/* identifai-emulator: a first look at an uploaded file, in a worker thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "c2pa.h"
#include "intake.h"

#include <gst/base/gsttypefindhelper.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define HASH_BUFFER (256 * 1024)

typedef struct
{
  EmuForm *form;                /* borrowed, read only */
  EmuKind kind;
  gchar *record_dir;
  guint number;
} Task;

static void
free_task (gpointer data)
{
  Task *self = data;

  g_free (self->record_dir);
  g_free (self);
}

void
emu_intake_free (EmuIntake * self)
{
  g_free (self->hash);
  g_free (self->c2pa_label);
  g_free (self);
}

/* Types that are named unlike what they are. */
static gboolean
is_taken (EmuKind kind, const gchar * type)
{
  static const gchar *const containers[] = {
    "application/ogg", "application/mxf", "application/vnd.rn-realmedia",
    "application/x-3gp", "multipart/x-mixed-replace", NULL
  };
  static const gchar *const images[] = { "image/png", "image/jpeg", "image/jpg",
    "image/gif", "image/webp", "image/tif", "image/tiff", NULL
  };

  switch (kind) {
    case EMU_KIND_VIDEO:
      return g_str_has_prefix (type, "video/")
          || g_strv_contains (containers, type);
    case EMU_KIND_IMAGE:
      return g_strv_contains (images, type);
    default:
      return g_str_has_prefix (type, "audio/")
          || g_str_has_prefix (type, "video/")
          || g_str_equal (type, "application/ogg")
          || g_str_equal (type, "application/x-id3");
  }
}

/* The part's own content type: as documented for the call, or none in
 * particular, which is what curl sends for the example in the documentation. */
static gboolean
is_declared (EmuKind kind, const gchar * type)
{
  static const gchar *const prefixes[] = { "video/", "image/", "audio/" };
  static const gchar any[] = "application/octet-stream";

  if (type == NULL || (g_ascii_strncasecmp (type, any, strlen (any)) == 0
          && strchr ("; \t", type[strlen (any)]) != NULL))
    return TRUE;
  return g_ascii_strncasecmp (type, prefixes[kind], 6) == 0
      || (kind == EMU_KIND_AUDIO && !g_ascii_strncasecmp (type, "video/mp4",
          9));
}

static gboolean
is_found (EmuKind kind, GMappedFile * file)
{
  g_autoptr (GstCaps) caps = NULL;

  if (g_mapped_file_get_length (file) == 0)
    return FALSE;
  caps = gst_type_find_helper_for_data (NULL,
      (const guint8 *) g_mapped_file_get_contents (file),
      g_mapped_file_get_length (file), NULL);
  return caps != NULL && is_taken (kind,
      gst_structure_get_name (gst_caps_get_structure (caps, 0)));
}

static gchar *
record_extension (EmuForm * form)
{
  const gchar *filename = emu_form_get_filename (form);
  const gchar *dot = strrchr (filename, '.');

  if (dot == NULL || dot[1] == '\0' || strlen (dot) > 9
      || strspn (dot + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
          "0123456789") != strlen (dot + 1))
    return g_strdup ("bin");
  return g_ascii_strdown (dot + 1, -1);
}

static gchar *
describe (Task * task, const gchar * file, const EmuIntake * intake)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonObject) fields = json_object_new ();
  g_autoptr (JsonNode) root = NULL;
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  GPtrArray *sent = emu_form_get_fields (task->form);
  guint i;

#define ADD(name, type, value) \
  json_builder_set_member_name (builder, name); \
  json_builder_add_##type##_value (builder, value)
  json_builder_begin_object (builder);
  ADD ("number", int, task->number);
  ADD ("kind", string, emu_kind_to_string (task->kind));
  ADD ("file", string, file);
  ADD ("filename", string, emu_form_get_filename (task->form));
  ADD ("content_type", string, emu_form_get_file_type (task->form));
  ADD ("bytes", int, emu_form_get_size (task->form));
  ADD ("sha256", string, intake->hash);
  json_builder_set_member_name (builder, "sent");
  json_builder_begin_array (builder);
  for (i = 0; i < sent->len; i++) {
    const EmuField *field = g_ptr_array_index (sent, i);

    json_builder_add_string_value (builder, field->name);
    json_object_set_string_member (fields, field->name, field->value);
  }
  json_builder_end_array (builder);
  json_node_set_object (node, fields);
  json_builder_set_member_name (builder, "fields");
  json_builder_add_value (builder, node);
  json_builder_end_object (builder);
#undef ADD
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}

/* The JSON comes last and at once, so that who sees it has all of it. */
static gboolean
record (Task * task, GMappedFile * content, const EmuIntake * intake,
    GError ** error)
{
  g_autofree gchar *extension = record_extension (task->form);
  g_autofree gchar *name = g_strdup_printf ("%05u.%s", task->number, extension);
  g_autofree gchar *json_name = g_strdup_printf ("%05u.json", task->number);
  g_autofree gchar *path = g_build_filename (task->record_dir, name, NULL);
  g_autofree gchar *json_path =
      g_build_filename (task->record_dir, json_name, NULL);
  g_autofree gchar *json = describe (task, name, intake);
  const gchar *data = g_mapped_file_get_contents (content);

  return g_file_set_contents (path, data != NULL ? data : "",
      g_mapped_file_get_length (content), error)
      && g_file_set_contents (json_path, json, -1, error);
}

/* Read, not mapped: the mapped pages would count as our memory. */
static gchar *
hash_file (const gchar * path, GError ** error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, error);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *buffer = g_malloc (HASH_BUFFER);
  gssize n = stream != NULL ? 1 : -1;

  while (n > 0) {
    n = g_input_stream_read (G_INPUT_STREAM (stream), buffer, HASH_BUFFER, NULL,
        error);
    if (n > 0)
      g_checksum_update (checksum, buffer, n);
  }
  return n == 0 ? g_strdup (g_checksum_get_string (checksum)) : NULL;
}

static void
look (GTask * task, gpointer source, gpointer data, GCancellable * cancellable)
{
  Task *self = data;
  GError *error = NULL;
  g_autoptr (EmuIntake) intake = g_new0 (EmuIntake, 1);
  g_autoptr (GMappedFile) file =
      g_mapped_file_new (emu_form_get_path (self->form), FALSE, &error);

  if (file == NULL) {
    g_task_return_error (task, error);
    return;
  }
  intake->hash = hash_file (emu_form_get_path (self->form), &error);
  if (intake->hash == NULL) {
    g_task_return_error (task, error);
    return;
  }
  intake->supported = is_declared (self->kind,
      emu_form_get_file_type (self->form)) && is_found (self->kind, file);
  if (intake->supported)
    intake->has_c2pa = emu_c2pa_find ((const guint8 *)
        g_mapped_file_get_contents (file), g_mapped_file_get_length (file),
        &intake->c2pa_label);
  if (self->record_dir != NULL && !record (self, file, intake, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_steal_pointer (&intake),
        (GDestroyNotify) emu_intake_free);
}

void
emu_intake_start (EmuForm * form, EmuKind kind, const gchar * record_dir,
    guint number, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  Task *data = g_new0 (Task, 1);

  data->form = form;
  data->kind = kind;
  data->record_dir = g_strdup (record_dir);
  data->number = number;
  g_task_set_task_data (task, data, free_task);
  g_task_run_in_thread (task, look);
}

EmuIntake *
emu_intake_finish (GAsyncResult * result, GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
