/* identifai-emulator: a first look at an uploaded file, in a worker thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "c2pa.h"
#include "decoder.h"
#include "intake.h"

#include <gst/base/gsttypefindhelper.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define HASH_BUFFER (256 * 1024)
#define SLACK (EMU_SOUND_RATE / 100)    /* samples that resampling may cost */

void
emu_intake_free (EmuIntake * self)
{
  g_free (self->hash);
  g_free (self->c2pa_label);
  g_free (self);
}

/* The part's own content type: as documented for the call, or none in
 * particular, which is what curl sends for the example in the documentation. */
static gboolean
is_declared (EmuKind kind, const gchar * type)
{
  static const gchar *const any[] = { "application/octet-stream", NULL };

  return type == NULL || emu_kind_takes (any, type)
      || emu_kind_takes (emu_kinds[kind].declared, type);
}

/* What GStreamer takes the content for; QuickTime's and MP4's are one to it. */
static gchar *
find_type (GMappedFile * file)
{
  g_autoptr (GstCaps) caps = NULL;
  GstStructure *structure;
  const gchar *variant;

  if (g_mapped_file_get_length (file) > 0)
    caps = gst_type_find_helper_for_data (NULL,
        (const guint8 *) g_mapped_file_get_contents (file),
        g_mapped_file_get_length (file), NULL);
  if (caps == NULL)
    return g_strdup ("");
  structure = gst_caps_get_structure (caps, 0);
  variant = gst_structure_get_string (structure, "variant");
  if (gst_structure_has_name (structure, "video/quicktime")
      && variant != NULL && g_str_has_prefix (variant, "iso"))
    return g_strdup ("video/mp4");
  return g_strdup (gst_structure_get_name (structure));
}

static gboolean
is_found (EmuKind kind, GMappedFile * file)
{
  g_autofree gchar *type = find_type (file);

  return emu_kind_takes (emu_kinds[kind].found, type);
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
describe (const EmuIntakeRequest * task, const gchar * file,
    const EmuIntake * intake)
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
  ADD ("kind", string, emu_kinds[task->kind].name);
  ADD ("file", string, file);
  ADD ("filename", string, emu_form_get_filename (task->form));
  ADD ("content_type", string, emu_form_get_file_type (task->form));
  ADD ("bytes", int, emu_form_get_size (task->form));
  ADD ("sha256", string, intake->hash);
  ADD ("chunked", boolean, task->chunked);
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
record (const EmuIntakeRequest * task, GMappedFile * content,
    const EmuIntake * intake, GError ** error)
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
hash_file (const gchar * path, GCancellable * cancellable, GError ** error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, error);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guint8 *buffer = g_malloc (HASH_BUFFER);
  gssize n = stream != NULL ? 1 : -1;

  while (n > 0) {
    n = g_input_stream_read (G_INPUT_STREAM (stream), buffer, HASH_BUFFER,
        cancellable, error);
    if (n > 0)
      g_checksum_update (checksum, buffer, n);
  }
  return n == 0 ? g_strdup (g_checksum_get_string (checksum)) : NULL;
}

/* Decodes no more than it has to. What can't be decoded is for the court. */
static gboolean
is_too_short (const EmuIntakeRequest * self, GCancellable * cancellable)
{
  guint64 samples = emu_kinds[self->kind].min_seconds * EMU_SOUND_RATE;
  EmuDecodeRequest request = { self->kind, 1, EMU_CHOICE_EVEN, TRUE, samples,
    self->timeout
  };
  g_autoptr (EmuDecoded) decoded = NULL;

  if (samples == 0)
    return FALSE;
  decoded = emu_decode (emu_form_get_path (self->form), &request, cancellable,
      NULL);
  return decoded != NULL && decoded->sound != NULL
      && emu_sound_get_samples (decoded->sound) + SLACK < samples;
}

static EmuIntake *
look (const EmuIntakeRequest * self, GCancellable * cancellable,
    GError ** error)
{
  const gchar *path = emu_form_get_path (self->form);
  g_autoptr (EmuIntake) intake = g_new0 (EmuIntake, 1);
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);

  if (file == NULL)
    return NULL;
  intake->hash = hash_file (path, cancellable, error);
  if (intake->hash == NULL)
    return NULL;
  intake->supported = is_declared (self->kind,
      emu_form_get_file_type (self->form)) && is_found (self->kind, file);
  if (intake->supported) {
    intake->too_short = is_too_short (self, cancellable);
    intake->has_c2pa = emu_c2pa_find ((const guint8 *)
        g_mapped_file_get_contents (file), g_mapped_file_get_length (file),
        &intake->c2pa_label);
  }
  if (self->record_dir != NULL && !record (self, file, intake, error))
    return NULL;
  return g_steal_pointer (&intake);
}

static void
work (GTask * task, gpointer source, gpointer data, GCancellable * cancellable)
{
  GError *error = NULL;
  EmuIntake *intake = look (data, cancellable, &error);

  if (intake != NULL)
    g_task_return_pointer (task, intake, (GDestroyNotify) emu_intake_free);
  else
    g_task_return_error (task, error);
}

void
emu_intake_start (const EmuIntakeRequest * request,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_task_data (task, g_memdup2 (request, sizeof *request), g_free);
  g_task_run_in_thread (task, work);
}

EmuIntake *
emu_intake_finish (GAsyncResult * result, GError ** error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
