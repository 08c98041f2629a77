/* identifai-emulator: the parameters of the submit calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "parameters.h"
#include "problems.h"

#include <string.h>

#define VIDEO (1 << EMU_KIND_VIDEO)
#define IMAGE (1 << EMU_KIND_IMAGE)
#define AUDIO (1 << EMU_KIND_AUDIO)

typedef enum
{
  TYPE_STRING,
  TYPE_URL,
  TYPE_BOOLEAN,
  TYPE_FRAMES,
  TYPE_METHOD,
} Type;

static const struct
{
  const gchar *name;
  guint kinds;
  Type type;
  gsize offset;
} parameters[] = {
#define OFFSET(field) G_STRUCT_OFFSET (EmuParameters, field)
  {"ref_id", VIDEO | IMAGE | AUDIO, TYPE_STRING, OFFSET (ref_id)},
  {"frames", VIDEO, TYPE_FRAMES, OFFSET (frames)},
  {"key_frames_method", VIDEO, TYPE_METHOD, OFFSET (choice)},
  {"with_tampering", VIDEO | IMAGE, TYPE_BOOLEAN, OFFSET (tampering)},
  {"with_morphing", VIDEO | IMAGE, TYPE_BOOLEAN, OFFSET (morphing)},
  {"with_audio", VIDEO, TYPE_BOOLEAN, OFFSET (audio)},
  {"with_nsfw", VIDEO | IMAGE, TYPE_BOOLEAN, OFFSET (nsfw)},
  {"with_heatmap", IMAGE, TYPE_BOOLEAN, OFFSET (heatmap)},
  {"ensure_face_per_frame", VIDEO, TYPE_BOOLEAN, OFFSET (ensure_face)},
  {"webhook_url", VIDEO | IMAGE | AUDIO, TYPE_URL, OFFSET (webhook_url)},
  {"no_cache", VIDEO | IMAGE | AUDIO, TYPE_BOOLEAN, OFFSET (no_cache)},
  {"prevent_c2pa_forces", VIDEO | IMAGE | AUDIO, TYPE_BOOLEAN,
      OFFSET (prevent_c2pa_forces)},
};

/* Of key_frames_method, from EMU_CHOICE_IFRAMES on. */
static const gchar *const method_names[] = { "iframes", "color", "flow" };

void
emu_parameters_clear (EmuParameters * self)
{
  g_clear_pointer (&self->ref_id, g_free);
  g_clear_pointer (&self->webhook_url, g_free);
  g_clear_pointer (&self->file_url, g_free);
}

static gboolean
read_frames (const gchar * text, guint * frames, const gchar ** problem)
{
  gint64 value;

  if (!g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &value,
          NULL))
    return FALSE;
  *problem = NULL;
  if (value != 5 && value != 10 && value != 30)
    return FALSE;
  *frames = value;
  return TRUE;
}

static gboolean
read_method (const gchar * text, EmuChoice * choice)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (method_names); i++) {
    if (g_str_equal (text, method_names[i])) {
      *choice = EMU_CHOICE_IFRAMES + i;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
is_web_url (const gchar * text)
{
  const gchar *scheme = g_uri_peek_scheme (text);
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && g_uri_get_host (uri) != NULL
      && *g_uri_get_host (uri) != '\0'
      && (g_str_equal (scheme, "http") || g_str_equal (scheme, "https"));
}

/* FALSE: *problem ends the sentence "The … field …", or is NULL where the
 * service would say "The selected … is invalid." */
static gboolean
read_value (Type type, const EmuField * field, gpointer value,
    const gchar ** problem)
{
  static const gchar *const problems[] = { "must be a string",
    "must be a valid URL", "must be true or false", "must be an integer", NULL
  };
  const gchar *text = field->value;

  *problem = problems[type];
  if (!emu_field_is_plain (field) || (type == TYPE_URL && !is_web_url (text)))
    return FALSE;
  switch (type) {
    case TYPE_STRING:
    case TYPE_URL:
      *(gchar **) value = g_strdup (text);
      return TRUE;
    case TYPE_BOOLEAN:
      return emu_read_boolean (text, value);
    case TYPE_FRAMES:
      return read_frames (text, value, problem);
    case TYPE_METHOD:
      return read_method (text, value);
  }
  g_return_val_if_reached (FALSE);
}

static void
check_file (EmuKind kind, EmuForm * form, JsonObject * errors)
{
  const gchar *field = emu_kinds[kind].name;

  if (emu_form_has_file (form))
    return;
  emu_problems_add (errors, field, emu_form_file_is_field (form)
      ? "must be a file" : "is required");
}

static void
read_file_url (EmuParameters * self, EmuForm * form, JsonObject * errors)
{
  const EmuField *field = emu_form_find (form, "file_url");
  const gchar *problem;

  if (field == NULL || (emu_field_is_plain (field) && *field->value == '\0'))
    emu_problems_add (errors, "file_url", "is required");
  else if (!read_value (TYPE_URL, field, &self->file_url, &problem))
    emu_problems_add (errors, "file_url", problem);
}

static void
read_parameters (EmuParameters * self, EmuForm * form, JsonObject * errors)
{
  gboolean key_frames = FALSE;
  const EmuField *field = emu_form_find (form, "key_frames");
  const gchar *problem;
  guint i;

  if (self->kind == EMU_KIND_VIDEO && field != NULL
      && !read_value (TYPE_BOOLEAN, field, &key_frames, &problem))
    emu_problems_add (errors, "key_frames", problem);
  for (i = 0; i < G_N_ELEMENTS (parameters); i++) {
    field = emu_form_find (form, parameters[i].name);
    if (field != NULL && (parameters[i].kinds & (1 << self->kind))
        && !read_value (parameters[i].type, field,
            (guint8 *) self + parameters[i].offset, &problem))
      emu_problems_add (errors, parameters[i].name, problem);
  }
  if (!key_frames)
    self->choice = EMU_CHOICE_EVEN;
}

gboolean
emu_parameters_read (EmuParameters * self, EmuKind kind, EmuForm * form,
    EmuSource source, gchar ** errors)
{
  g_autoptr (JsonObject) object = json_object_new ();

  memset (self, 0, sizeof *self);
  self->kind = kind;
  self->frames = emu_kinds[kind].frames;
  /* The method unless another is named. */
  self->choice = EMU_CHOICE_IFRAMES;
  if (source == EMU_SOURCE_FORM)
    check_file (kind, form, object);
  else
    read_file_url (self, form, object);
  read_parameters (self, form, object);
  *errors = emu_problems_to_string (object);
  return *errors == NULL;
}

gchar *
emu_parameters_cache_key (const EmuParameters * self)
{
  return g_strdup_printf ("%s frames=%u choice=%d tampering=%d morphing=%d "
      "audio=%d nsfw=%d face=%d c2pa=%d heatmap=%d",
      emu_kinds[self->kind].name, self->frames, self->choice,
      self->tampering, self->morphing, self->audio, self->nsfw,
      self->ensure_face, self->prevent_c2pa_forces, self->heatmap);
}

static void
describe (const EmuParameters * self, Type type, const gchar * name,
    gconstpointer value, GString * text)
{
  const gchar *comma = text->len > 0 ? ", " : "";

  switch (type) {
    case TYPE_STRING:
      break;
    case TYPE_URL:
      if (*(gchar * const *) value != NULL)
        g_string_append_printf (text, "%s%s=%s", comma, name,
            *(gchar * const *) value);
      break;
    case TYPE_BOOLEAN:
      if (*(const gboolean *) value)
        g_string_append_printf (text, "%s%s=true", comma, name);
      break;
    case TYPE_FRAMES:
      g_string_append_printf (text, "%s%s=%u", comma, name, self->frames);
      break;
    case TYPE_METHOD:
      if (self->choice != EMU_CHOICE_EVEN)
        g_string_append_printf (text, "%skey_frames=true, %s=%s", comma, name,
            method_names[self->choice - EMU_CHOICE_IFRAMES]);
      break;
  }
}

gchar *
emu_parameters_describe (const EmuParameters * self)
{
  GString *text = g_string_new (NULL);
  guint i;

  describe (self, TYPE_URL, "file_url", &self->file_url, text);
  for (i = 0; i < G_N_ELEMENTS (parameters); i++) {
    if (parameters[i].kinds & (1 << self->kind))
      describe (self, parameters[i].type, parameters[i].name,
          (const guint8 *) self + parameters[i].offset, text);
  }
  return g_string_free (text, FALSE);
}
