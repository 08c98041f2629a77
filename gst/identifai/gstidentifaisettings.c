/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of the properties, by the table.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisettings.h"
#include "policy.h"
#include "proxy.h"

#include <gobject/gvaluecollector.h>

static gpointer
get_field (const GstIdentifaiSettings * self, const GstIdentifaiProperty * row)
{
  return (guint8 *) self + row->offset;
}

static void
set_default (gpointer field, const GstIdentifaiProperty * row)
{
  const gchar *text = NULL;

  switch (row->type) {
    case G_TYPE_STRING:
      if (row->environment != NULL)
        text = g_getenv (row->environment);
      *(gchar **) field =
          g_strdup (text != NULL && *text != '\0' ? text : row->text);
      break;
    case G_TYPE_BOXED:
      if (row->text != NULL)
        *(GstStructure **) field = gst_structure_new_empty (row->text);
      else if (row->adopt != NULL)
        *(GstStructure **) field = row->adopt (NULL, NULL, NULL);
      break;
    case G_TYPE_UINT64:
      *(guint64 *) field = row->value;
      break;
    default:
      *(gint *) field = row->value;
  }
}

static IdentifaiKind
get_kind (GstIdentifaiElements element)
{
  switch (element) {
    case GST_IDENTIFAI_ELEMENT_SPEECH_SINK:
      return IDENTIFAI_KIND_SPEECH;
    case GST_IDENTIFAI_ELEMENT_IMAGE_SINK:
      return IDENTIFAI_KIND_IMAGE;
    default:
      return IDENTIFAI_KIND_VIDEO;
  }
}

void
gst_identifai_settings_init (GstIdentifaiSettings * self,
    GstIdentifaiElements element)
{
  guint id;

  memset (self, 0, sizeof (*self));
  self->element = element;
  self->kind = get_kind (element);
  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    const GstIdentifaiProperty *row = gst_identifai_property_get (id);

    if (row->offset > 0 && (row->elements & element))
      set_default (get_field (self, row), row);
  }
}

static void
clear_field (gpointer field, const GstIdentifaiProperty * row)
{
  if (row->type == G_TYPE_STRING)
    g_clear_pointer ((gchar **) field, g_free);
  else if (row->type == G_TYPE_BOXED)
    gst_clear_structure ((GstStructure **) field);
}

void
gst_identifai_settings_clear (GstIdentifaiSettings * self)
{
  guint id;

  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    const GstIdentifaiProperty *row = gst_identifai_property_get (id);

    if (row->offset > 0)
      clear_field (get_field (self, row), row);
  }
}

/* Setting and reading, as g_object_get() and g_object_new() pass values. */

static void
copy_to (const GValue * value, guint flags, ...)
{
  gchar *fault = NULL;
  va_list args;

  va_start (args, flags);
  G_VALUE_LCOPY (value, args, flags, &fault);
  va_end (args);
  g_assert (fault == NULL);
}

static void
copy_from (GValue * value, ...)
{
  gchar *fault = NULL;
  va_list args;

  va_start (args, value);
  G_VALUE_COLLECT (value, args, 0, &fault);
  va_end (args);
  g_assert (fault == NULL);
}

static void
load (const GstIdentifaiSettings * self, const GstIdentifaiProperty * row,
    GValue * value)
{
  gconstpointer field = get_field (self, row);

  switch (row->type) {
    case G_TYPE_STRING:
    case G_TYPE_BOXED:
      copy_from (value, *(const gconstpointer *) field);
      break;
    case G_TYPE_UINT64:
      copy_from (value, *(const guint64 *) field);
      break;
    default:
      copy_from (value, *(const gint *) field);
  }
}

void
gst_identifai_settings_get (const GstIdentifaiSettings * self, guint id,
    GValue * value)
{
  const GstIdentifaiProperty *row = gst_identifai_property_get (id);

  load (self, row, value);
  if (row->hide != NULL)
    g_value_take_boxed (value, row->hide (g_value_get_boxed (value), NULL,
            NULL));
  else if (row->hide_text != NULL)
    g_value_take_string (value, row->hide_text (g_value_get_string (value),
            NULL, NULL));
}

static gboolean
is_equal (const GValue * one, const GValue * other)
{
  const GstStructure *a, *b;

  if (!G_VALUE_HOLDS_BOXED (one))
    return gst_value_compare (one, other) == GST_VALUE_EQUAL;
  a = g_value_get_boxed (one);
  b = g_value_get_boxed (other);

  return a == NULL || b == NULL ? a == b : gst_structure_is_equal (a, b);
}

static void
G_GNUC_PRINTF (2, 3)
warn (GPtrArray * warnings, const gchar * format, ...)
{
  va_list args;

  va_start (args, format);
  if (warnings != NULL)
    g_ptr_array_add (warnings, g_strdup_vprintf (format, args));
  va_end (args);
}

/* An empty string is how gst-launch-1.0 writes "none". */
static gchar *
adopt_text (const GstIdentifaiSettings * self, const GstIdentifaiProperty * row,
    const gchar * wanted, GPtrArray * warnings)
{
  if (wanted == NULL || *wanted == '\0')
    return NULL;
  if (row->adopt_text != NULL)
    return row->adopt_text (*(gchar **) get_field (self, row), wanted,
        warnings);

  return g_strdup (wanted);
}

static void
adopt (const GstIdentifaiSettings * self, const GstIdentifaiProperty * row,
    const GValue * value, GValue * kept, GPtrArray * warnings)
{
  const GstStructure *now;

  g_value_init (kept, G_VALUE_TYPE (value));
  if (row->adopt != NULL) {
    now = *(GstStructure **) get_field (self, row);
    g_value_take_boxed (kept, row->adopt (now, g_value_get_boxed (value),
            warnings));
  } else if (G_VALUE_HOLDS_STRING (value)) {
    g_value_take_string (kept, adopt_text (self, row,
            g_value_get_string (value), warnings));
  } else {
    g_value_copy (value, kept);
  }
}

/* With the other settings as they are. */
static gboolean
may_go_on (const GstIdentifaiSettings * self, const GstIdentifaiProperty * row,
    const GValue * value, GPtrArray * warnings)
{
  GstIdentifaiSettings trial = *self;
  GError *error = NULL;

  copy_to (value, G_VALUE_NOCOPY_CONTENTS, get_field (&trial, row));
  if (gst_identifai_settings_check_fields (&trial, &error))
    return TRUE;
  warn (warnings, "%s is not set: %s", row->name, error->message);
  g_error_free (error);

  return FALSE;
}

static GstIdentifaiSet
set_value (GstIdentifaiSettings * self, guint id, const GValue * value)
{
  const GstIdentifaiProperty *row = gst_identifai_property_get (id);
  GValue before = G_VALUE_INIT;
  gboolean same;

  g_value_init (&before, G_VALUE_TYPE (value));
  load (self, row, &before);
  same = is_equal (&before, value);
  g_value_unset (&before);
  clear_field (get_field (self, row), row);
  copy_to (value, 0, get_field (self, row));
  self->set[id] = TRUE;

  return same ? GST_IDENTIFAI_SET_AGAIN : GST_IDENTIFAI_SET_CHANGED;
}

GstIdentifaiSet
gst_identifai_settings_set (GstIdentifaiSettings * self, guint id,
    const GValue * value, gboolean running, GPtrArray * warnings)
{
  const GstIdentifaiProperty *row = gst_identifai_property_get (id);
  GstIdentifaiSet result = GST_IDENTIFAI_SET_REFUSED;
  GValue kept = G_VALUE_INIT;

  if (running && !(row->flags & GST_PARAM_MUTABLE_PLAYING)) {
    warn (warnings, "%s can be set in state READY or below only", row->name);
    return GST_IDENTIFAI_SET_REFUSED;
  }

  adopt (self, row, value, &kept, warnings);
  if (!running || may_go_on (self, row, &kept, warnings))
    result = set_value (self, id, &kept);
  g_value_unset (&kept);

  return result;
}

/* What is told of at start. */

static void
append_name (GString * names, const gchar * name)
{
  if (names->len > 0)
    g_string_append (names, ", ");
  g_string_append (names, name);
}

gchar *
gst_identifai_settings_list_idle (const GstIdentifaiSettings * self)
{
  GString *names = g_string_new (NULL);
  guint id;

  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    if (gst_identifai_property_get (id)->idle && self->set[id])
      append_name (names, gst_identifai_property_get (id)->name);
  }

  return g_string_free (names, names->len == 0);
}

gchar *
gst_identifai_settings_list_short (const GstIdentifaiSettings * self)
{
  GString *names = g_string_new (NULL);
  guint id;

  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    const GstIdentifaiProperty *row = gst_identifai_property_get (id);
    GstClockTime time;

    if (row->shortest == 0 || !(row->elements & self->element))
      continue;
    time = *(GstClockTime *) get_field (self, row);
    if (time == 0 || time >= row->shortest)
      continue;
    append_name (names, row->name);
    g_string_append_printf (names, "=%" G_GUINT64_FORMAT, time);
  }

  return g_string_free (names, names->len == 0);
}

/* extra-headers: what is read is the names. Whoever sets that again would send
 * the marks. */
#define HIDDEN "***"

typedef struct
{
  IdentifaiExtraHeaders *headers;
  GPtrArray *warnings;
} Headers;

static void
add_header (Headers * to, const gchar * name, const GValue * value)
{
  GValue string = G_VALUE_INIT;
  const gchar *text = NULL;
  GError *error = NULL;

  g_value_init (&string, G_TYPE_STRING);
  if (g_value_transform (value, &string))
    text = g_value_get_string (&string);

  if (text == NULL)
    warn (to->warnings, "extra-headers: %s is not sent: it has no text", name);
  else if (g_str_equal (text, HIDDEN))
    warn (to->warnings, "extra-headers: %s is not sent: its value was hidden "
        "when it was read", name);
  else if (!identifai_extra_headers_add (to->headers, name, text, &error))
    warn (to->warnings, "extra-headers: %s", error->message);
  g_clear_error (&error);
  g_value_unset (&string);
}

/* As souphttpsrc has it: an array or a list is a header several times. */
static gboolean
add_headers (GQuark id, const GValue * value, gpointer to)
{
  const gchar *name = g_quark_to_string (id);
  gboolean array = GST_VALUE_HOLDS_ARRAY (value);
  guint i, n;

  if (!array && !GST_VALUE_HOLDS_LIST (value)) {
    add_header (to, name, value);
    return TRUE;
  }

  n = array ? gst_value_array_get_size (value) :
      gst_value_list_get_size (value);
  for (i = 0; i < n; i++)
    add_header (to, name, array ? gst_value_array_get_value (value, i)
        : gst_value_list_get_value (value, i));

  return TRUE;
}

static IdentifaiExtraHeaders *
make_headers (const GstStructure * structure, GPtrArray * warnings)
{
  Headers to = { NULL, warnings };

  if (structure == NULL)
    return NULL;
  to.headers = identifai_extra_headers_new ();
  gst_structure_foreach (structure, add_headers, &to);

  return to.headers;
}

GstStructure *
gst_identifai_settings_adopt_headers (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings)
{
  identifai_extra_headers_unref (make_headers (wanted, warnings));

  return wanted != NULL ? gst_structure_copy (wanted) : NULL;
}

GstStructure *
gst_identifai_settings_hide_headers (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings)
{
  IdentifaiExtraHeaders *headers = make_headers (now, NULL);
  GstStructure *names;
  guint i;

  if (headers == NULL)
    return NULL;

  names = gst_structure_new_empty ("extra-headers");
  for (i = 0; i < identifai_extra_headers_get_count (headers); i++)
    gst_structure_set (names, identifai_extra_headers_get_name (headers, i),
        G_TYPE_STRING, HIDDEN, NULL);
  identifai_extra_headers_unref (headers);

  return names;
}

IdentifaiExtraHeaders *
gst_identifai_settings_get_headers (const GstIdentifaiSettings * self)
{
  return make_headers (self->extra_headers, NULL);
}

/* proxy: its password is hidden. Whoever sets what was read keeps it; one that is
 * hidden in anything else isn't known, and nothing may go past a proxy: where there
 * was none, the element can't start with it. */

gchar *
gst_identifai_settings_adopt_proxy (const gchar * now, const gchar * wanted,
    GPtrArray * warnings)
{
  gchar *hidden = gst_identifai_settings_hide_proxy (now, NULL, NULL);
  gboolean same = g_strcmp0 (hidden, wanted) == 0;

  g_free (hidden);
  if (same || !identifai_proxy_is_hidden (wanted))
    return g_strdup (same ? now : wanted);
  warn (warnings, "proxy %s: *** stands in it where the password was hidden "
      "when it was read. Set the password itself",
      now != NULL ? "is not changed" : "can't be used");

  return g_strdup (now != NULL ? now : wanted);
}

gchar *
gst_identifai_settings_hide_proxy (const gchar * now, const gchar * wanted,
    GPtrArray * warnings)
{
  return now != NULL ? identifai_proxy_hide_password (now) : NULL;
}

/* rate-limits. */

static GstStructure *
make_limits (const IdentifaiLimit * limits)
{
  const IdentifaiLimit *post = &limits[IDENTIFAI_CALL_POST];
  const IdentifaiLimit *get = &limits[IDENTIFAI_CALL_GET];

  return gst_structure_new ("limits",
      "post-per-second", G_TYPE_UINT, post->per_second,
      "post-per-minute", G_TYPE_UINT, post->per_minute,
      "get-per-second", G_TYPE_UINT, get->per_second,
      "get-per-minute", G_TYPE_UINT, get->per_minute, NULL);
}

typedef struct
{
  GstStructure *structure;      /* has all of them */
  GPtrArray *warnings;
} Limits;

static gboolean
set_limit (GQuark id, const GValue * value, gpointer user_data)
{
  Limits *limits = user_data;
  const gchar *name = g_quark_to_string (id);
  GValue number = G_VALUE_INIT;

  g_value_init (&number, G_TYPE_INT64);
  if (!gst_structure_has_field (limits->structure, name))
    warn (limits->warnings, "rate-limits: there is no %s; there are "
        "post-per-second, post-per-minute, get-per-second, get-per-minute",
        name);
  else if (!g_value_transform (value, &number)
      || g_value_get_int64 (&number) < 0
      || g_value_get_int64 (&number) > G_MAXINT)
    warn (limits->warnings,
        "rate-limits: %s must be a number of calls, 0 or more", name);
  else
    gst_structure_set (limits->structure, name, G_TYPE_UINT,
        (guint) g_value_get_int64 (&number), NULL);
  g_value_unset (&number);

  return TRUE;
}

/* Fields that are left out keep their value. A word alone counts where there are
 * no fields. */
GstStructure *
gst_identifai_settings_adopt_limits (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings)
{
  static const IdentifaiLimit no_limits[IDENTIFAI_N_CALLS];
  gboolean lifted = wanted != NULL && gst_structure_has_name (wanted, "none");
  Limits limits = { NULL, warnings };

  if (lifted)
    limits.structure = make_limits (no_limits);
  else
    limits.structure = now != NULL ? gst_structure_copy (now) :
        make_limits (identifai_limits_published);
  if (wanted == NULL)
    return limits.structure;

  if (!lifted && gst_structure_n_fields (wanted) == 0
      && !gst_structure_has_name (wanted, "limits"))
    warn (warnings, "rate-limits: \"%s\" says nothing; write none to lift all "
        "four, or fields such as limits,post-per-minute=15",
        gst_structure_get_name (wanted));
  gst_structure_foreach (wanted, set_limit, &limits);

  return limits.structure;
}

void
gst_identifai_settings_get_limits (const GstIdentifaiSettings * self,
    IdentifaiLimit * limits)
{
  IdentifaiLimit *post = &limits[IDENTIFAI_CALL_POST];
  IdentifaiLimit *get = &limits[IDENTIFAI_CALL_GET];

  gst_structure_get (self->rate_limits,
      "post-per-second", G_TYPE_UINT, &post->per_second,
      "post-per-minute", G_TYPE_UINT, &post->per_minute,
      "get-per-second", G_TYPE_UINT, &get->per_second,
      "get-per-minute", G_TYPE_UINT, &get->per_minute, NULL);
}

/* policy: one that makes no sense is refused. */

static gboolean
is_bare (const GstStructure * structure, const gchar * name)
{
  return gst_structure_n_fields (structure) == 0
      && gst_structure_has_name (structure, name);
}

/* gst-launch-1.0 makes a structure of any word. */
static gboolean
read_policy (const GstStructure * wanted, GError ** error)
{
  IdentifaiPolicySettings settings;

  if (gst_structure_n_fields (wanted) == 0 && !is_bare (wanted, "policy")) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "write policy with its fields behind it, or none, not %s",
        gst_structure_get_name (wanted));
    return FALSE;
  }

  return identifai_policy_settings_read (&settings, wanted, error);
}

GstStructure *
gst_identifai_settings_adopt_policy (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings)
{
  GError *error = NULL;

  if (wanted != NULL && (is_bare (wanted, "none") || is_bare (wanted, "NULL")))
    return NULL;
  if (wanted != NULL && !read_policy (wanted, &error)) {
    warn (warnings, "policy is not changed: %s", error->message);
    g_error_free (error);
    wanted = now;
  }

  return wanted != NULL ? gst_structure_copy (wanted) : NULL;
}
