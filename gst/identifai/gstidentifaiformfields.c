/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The form fields of the submit call, by the properties.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisettings.h"

#include <string.h>

#define MAX_REF_ID_BYTES 1000
/* Of extra-parameters, in all: what a service may take beside a file. */
#define MAX_EXTRA_BYTES (64 * 1024)

/* Steps over "%", flags and width; returns the conversion's letter, or NULL. */
static const gchar *
skip_conversion (const gchar * percent, gboolean * zero, guint * width)
{
  const gchar *p = percent + 1;
  gchar *end;

  *zero = (*p == '0');
  while (*p == '0')
    p++;
  *width = 0;
  if (g_ascii_isdigit (*p)) {
    guint64 value = g_ascii_strtoull (p, &end, 10);

    if (value > 20)
      return NULL;
    *width = value;
    p = end;
  }

  return strchr ("uid", *p) != NULL && *p != '\0' ? p : NULL;
}

/* Appends ref_id to result with number in place of its conversion; FALSE if
 * there is something else behind a percent sign, or a second conversion. */
static gboolean
expand_ref_id (const gchar * ref_id, guint number, GString * result)
{
  gboolean zero, seen = FALSE;
  guint width;
  const gchar *p;

  for (p = ref_id; *p != '\0'; p++) {
    if (*p != '%') {
      g_string_append_c (result, *p);
    } else if (p[1] == '%') {
      g_string_append_c (result, '%');
      p++;
    } else {
      p = skip_conversion (p, &zero, &width);
      if (p == NULL || seen)
        return FALSE;
      seen = TRUE;
      g_string_append_printf (result, zero ? "%0*u" : "%*u", (gint) width,
          number);
    }
  }

  return TRUE;
}

static gboolean
check_ref_id (const gchar * ref_id, GError ** error)
{
  GString *scratch;
  gboolean valid;

  if (ref_id != NULL && strlen (ref_id) > MAX_REF_ID_BYTES) {
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "ref-id is longer than %d bytes.", MAX_REF_ID_BYTES);
    return FALSE;
  }

  scratch = g_string_new (NULL);
  valid = ref_id == NULL || (expand_ref_id (ref_id, 0, scratch)
      && g_utf8_validate (ref_id, -1, NULL));
  g_string_free (scratch, TRUE);
  if (!valid)
    g_set_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "ref-id \"%s\" may hold one %%u for the segment number (%%05u pads it "
        "to five digits); write %%%% for a percent sign.", ref_id);

  return valid;
}

gchar *
gst_identifai_ref_id_format (const gchar * ref_id, guint number)
{
  GString *result;

  if (ref_id == NULL)
    return NULL;
  result = g_string_new (NULL);
  expand_ref_id (ref_id, number, result);

  return g_string_free (result, FALSE);
}

/* The service names them as we do. */
static void
add_flags (const GstIdentifaiSettings * self, IdentifaiRequest * request)
{
  guint id;

  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    const GstIdentifaiProperty *row = gst_identifai_property_get (id);
    gchar *name;

    if (!row->form || !G_STRUCT_MEMBER (gboolean, self, row->offset))
      continue;
    name = g_strdelimit (g_strdup (row->name), "-", '_');
    identifai_request_add_field (request, name, "true");
    g_free (name);
  }
}

/* The text of a field; NULL: its type has none. */
static gchar *
dup_text (const GValue * value)
{
  GValue string = G_VALUE_INIT;
  gchar number[G_ASCII_DTOSTR_BUF_SIZE], *text;

  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_strdup (g_value_get_boolean (value) ? "true" : "false");
  /* GLib's own text has six decimals and the locale's decimal point. */
  if (G_VALUE_HOLDS_DOUBLE (value))
    return g_strdup (g_ascii_formatd (number, sizeof (number), "%.15g",
            g_value_get_double (value)));

  g_value_init (&string, G_TYPE_STRING);
  g_value_transform (value, &string);
  text = g_value_dup_string (&string);
  g_value_unset (&string);

  return text;
}

/* As the service's framework (PHP) sees a field's name: "ref.id" and "ref_id[]"
 * would overwrite ref_id. */
static gchar *
dup_plain_name (const gchar * name)
{
  gchar *plain = g_strndup (name, strcspn (name, "["));

  return g_strdelimit (g_strstrip (plain), ". ", '_');
}

static gboolean
has_field (const IdentifaiRequest * request, const gchar * name)
{
  gchar *plain = dup_plain_name (name);
  gboolean found = g_str_equal (plain,
      identifai_kind_get_info (request->kind)->part);
  guint i;

  for (i = 0; i < request->fields->len && !found; i++) {
    const IdentifaiField *field = g_ptr_array_index (request->fields, i);

    found = g_str_equal (field->name, plain);
  }
  g_free (plain);

  return found;
}

typedef struct
{
  IdentifaiRequest *request;
  gsize bytes;                  /* of extra fields */
  GError *error;                /* the first fault */
} Extra;

/* Why it can't be sent, or NULL. */
static const gchar *
find_extra_fault (Extra * extra, const gchar * name, const gchar * text)
{
  if (text == NULL)
    return "its type has no text";
  if (has_field (extra->request, name))
    return "another property, or the file, sends that field already";
  extra->bytes += strlen (name) + strlen (text);
  if (extra->bytes > MAX_EXTRA_BYTES)
    return "all of them have at most 64 KiB";

  return NULL;
}

static gboolean
add_extra_field (GQuark id, const GValue * value, gpointer user_data)
{
  Extra *extra = user_data;
  const gchar *name = g_quark_to_string (id), *fault;
  gchar *text = dup_text (value);

  fault = find_extra_fault (extra, name, text);
  if (fault == NULL)
    identifai_request_add_field (extra->request, name, text);
  else if (extra->error == NULL)
    g_set_error (&extra->error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "extra-parameters: %.100s can't be sent: %s", name, fault);
  g_free (text);

  return TRUE;
}

/* FALSE with error: not all could be added. */
static gboolean
add_extra_fields (const GstIdentifaiSettings * self,
    IdentifaiRequest * request, GError ** error)
{
  Extra extra = { request, 0, NULL };

  if (self->extra_parameters != NULL)
    gst_structure_foreach (self->extra_parameters, add_extra_field, &extra);
  if (extra.error == NULL)
    return TRUE;
  g_propagate_error (error, extra.error);

  return FALSE;
}

static void
add_fields (const GstIdentifaiSettings * self, IdentifaiRequest * request,
    const gchar * formatted_ref_id)
{
  static const gchar *const methods[] = { "iframes", "flow", "color" };
  gchar frames[16];

  if (formatted_ref_id != NULL)
    identifai_request_add_field (request, "ref_id", formatted_ref_id);
  if (self->frames != GST_IDENTIFAI_FRAMES_DEFAULT) {
    g_snprintf (frames, sizeof frames, "%d", (gint) self->frames);
    identifai_request_add_field (request, "frames", frames);
  }
  add_flags (self, request);
  if (self->key_frames)
    identifai_request_add_field (request, "key_frames_method",
        methods[self->key_frames_method]);
  if (self->webhook_url != NULL)
    identifai_request_add_field (request, "webhook_url", self->webhook_url);
}

static IdentifaiRequest *
new_request (const GstIdentifaiSettings * self)
{
  IdentifaiRequest *request = identifai_request_new (NULL, NULL, NULL);

  request->kind = self->kind;

  return request;
}

gboolean
gst_identifai_settings_check_fields (const GstIdentifaiSettings * self,
    GError ** error)
{
  IdentifaiRequest *request = new_request (self);
  gboolean good;

  add_fields (self, request, self->ref_id);
  good = check_ref_id (self->ref_id, error)
      && add_extra_fields (self, request, error);
  identifai_request_unref (request);

  return good;
}

IdentifaiRequest *
gst_identifai_settings_to_request (const GstIdentifaiSettings * self,
    const gchar * formatted_ref_id)
{
  IdentifaiRequest *request = new_request (self);

  add_fields (self, request, formatted_ref_id);
  add_extra_fields (self, request, NULL);

  request->accept_text = (self->response_format == GST_IDENTIFAI_RESPONSE_TEXT);
  request->no_cache = self->no_cache;
  request->with_heatmap = self->with_heatmap;
  request->heuristic = g_strdup (self->heuristic);

  return request;
}
