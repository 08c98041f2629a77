/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "identifaistructure.h"

#include <string.h>

#define MAX_LEVELS 10           /* of objects and arrays within each other */
#define MAX_MEMBERS 256         /* read of an object: setting one is O(members) */
#define MAX_NAME_BYTES 64
#define MAX_NEW_NAMES 4096      /* field names are interned for good */
#define VALUE_COST 64           /* printed: a value's type, quotes, brackets */

/* What a value is or becomes; what the elements of an array are, as a set. */
typedef enum
{
  KIND_BOOLEAN = 1 << 0,
  KIND_INT = 1 << 1,
  KIND_INT64 = 1 << 2,
  KIND_DOUBLE = 1 << 3,
  KIND_STRING = 1 << 4,
  KIND_OBJECT = 1 << 5,
  KIND_TEXT = 1 << 6,           /* mixed: all become strings */
} Kind;

#define KIND_NUMBERS (KIND_INT | KIND_INT64 | KIND_DOUBLE)

typedef struct
{
  IdentifaiRoom *room;
  guint n_objects;              /* that are around, each doubles the escapes */
} Converter;

static gboolean convert (Converter * self, const IdentifaiJson * json, Kind as,
    guint level, GValue * value);

/* Names that GStreamer or an earlier answer interned are free; of others the
 * process takes so many. */
static gboolean
may_intern (const gchar * name)
{
  static gint new_names;        /* atomic */

  if (g_quark_try_string (name) != 0)
    return TRUE;

  return g_atomic_int_get (&new_names) < MAX_NEW_NAMES
      && g_atomic_int_add (&new_names, 1) < MAX_NEW_NAMES;
}

/* Takes over name. */
static gchar *
field_name (gchar * name)
{
  GString *out = g_string_new (NULL);
  const gchar *p;

  if (!g_ascii_isalpha (*name))
    g_string_append_c (out, '_');
  for (p = *name == '_' ? name + 1 : name;
      *p != '\0' && out->len < MAX_NAME_BYTES; p = g_utf8_next_char (p))
    g_string_append_c (out, g_ascii_isalnum (*p) || strchr ("-_.", *p) ?
        *p : '_');
  g_free (name);

  return g_string_free (out, FALSE);
}

static gboolean
is_always_double (const gchar * name)
{
  static const gchar *const names[] = {
    "confidence", "score", "elapsed_time", NULL
  };

  return g_strv_contains (names, name);
}

static Kind
number_kind (const IdentifaiJson * json)
{
  gint64 integer;
  gdouble number;

  if (identifai_json_get_int64 (json, &integer))
    return integer >= G_MININT && integer <= G_MAXINT ? KIND_INT : KIND_INT64;

  return identifai_json_get_double (json, &number) ? KIND_DOUBLE : 0;
}

static gboolean
is_tree (const IdentifaiJson * json)
{
  IdentifaiJsonType type = identifai_json_get_type (json);

  return type == IDENTIFAI_JSON_ARRAY || type == IDENTIFAI_JSON_OBJECT;
}

/* 0: not to be represented, left out. */
static Kind
scalar_kind (const IdentifaiJson * json)
{
  switch (identifai_json_get_type (json)) {
    case IDENTIFAI_JSON_BOOLEAN:
      return KIND_BOOLEAN;
    case IDENTIFAI_JSON_NUMBER:
      return number_kind (json);
    case IDENTIFAI_JSON_STRING:
      return KIND_STRING;
    case IDENTIFAI_JSON_OBJECT:
      return KIND_OBJECT;
    default:
      return 0;
  }
}

/* The set of what is in an array, and in the arrays within it. level is the
 * elements'. */
static guint
kinds_in_array (const IdentifaiJson * array, guint level)
{
  guint kinds = 0, inner = 0;
  gboolean has_arrays = FALSE;
  IdentifaiJsonIter iter;
  IdentifaiJson element;

  identifai_json_iter_init (&iter, array);
  while (identifai_json_iter_next (&iter, NULL, &element)) {
    if (is_tree (&element) && level > MAX_LEVELS) {
      kinds |= KIND_STRING;     /* its text */
    } else if (identifai_json_get_type (&element) == IDENTIFAI_JSON_ARRAY) {
      has_arrays = TRUE;
      inner |= kinds_in_array (&element, level + 1);
    } else {
      kinds |= scalar_kind (&element);
    }
  }

  if (has_arrays && kinds != 0)
    return KIND_TEXT;

  return has_arrays ? inner : kinds;
}

/* What all of them can be. */
static Kind
common_kind (guint kinds)
{
  if ((kinds & ~KIND_NUMBERS) == 0) {
    if (kinds & KIND_DOUBLE)
      return KIND_DOUBLE;
    return kinds & KIND_INT64 ? KIND_INT64 : KIND_INT;
  }

  return (kinds & (kinds - 1)) == 0 ? kinds : KIND_TEXT;
}

/* as is 0 for the outermost of arrays within each other, which finds out. */
static void
convert_array (Converter * self, const IdentifaiJson * json, Kind as,
    guint level, GValue * value)
{
  IdentifaiJsonIter iter;
  IdentifaiJson element;

  if (as == 0)
    as = common_kind (kinds_in_array (json, level + 1));

  gst_value_array_init (value, 0);
  identifai_json_iter_init (&iter, json);
  while (*self->room >= 0 && identifai_json_iter_next (&iter, NULL, &element)) {
    GValue item = G_VALUE_INIT;

    if (convert (self, &element, as, level + 1, &item))
      gst_value_array_append_and_take_value (value, &item);
  }
}

static void
convert_member (Converter * self, const IdentifaiJson * key,
    const IdentifaiJson * member, guint level, GstStructure * structure)
{
  gchar *name = field_name (identifai_json_dup_string (key));
  GValue value = G_VALUE_INIT;
  Kind as = 0;

  if (is_always_double (name)
      && identifai_json_get_type (member) == IDENTIFAI_JSON_NUMBER)
    as = KIND_DOUBLE;
  if (may_intern (name) && convert (self, member, as, level, &value))
    gst_structure_take_value (structure, name, &value);
  g_free (name);
}

static GstStructure *
convert_object (Converter * self, const IdentifaiJson * json,
    const gchar * name, guint level)
{
  GstStructure *structure = gst_structure_new_empty (name);
  IdentifaiJson key, member;
  IdentifaiJsonIter iter;
  guint n_members = 0;

  self->n_objects++;
  identifai_json_iter_init (&iter, json);
  while (*self->room >= 0 && n_members++ < MAX_MEMBERS
      && identifai_json_iter_next (&iter, &key, &member)) {
    if (iter.has_keys)
      convert_member (self, &key, &member, level + 1, structure);
  }
  self->n_objects--;

  return structure;
}

static void
convert_number (const IdentifaiJson * json, Kind kind, GValue * value)
{
  gint64 integer = 0;
  gdouble number = 0;

  identifai_json_get_int64 (json, &integer);
  identifai_json_get_double (json, &number);
  if (kind == KIND_INT) {
    g_value_init (value, G_TYPE_INT);
    g_value_set_int (value, integer);
  } else if (kind == KIND_INT64) {
    g_value_init (value, G_TYPE_INT64);
    g_value_set_int64 (value, integer);
  } else {
    g_value_init (value, G_TYPE_DOUBLE);
    g_value_set_double (value, number);
  }
}

static void
convert_boolean (const IdentifaiJson * json, GValue * value)
{
  gboolean boolean = FALSE;

  identifai_json_get_boolean (json, &boolean);
  g_value_init (value, G_TYPE_BOOLEAN);
  g_value_set_boolean (value, boolean);
}

/* A string as it is, anything else as its JSON text. */
static void
convert_text (const IdentifaiJson * json, GValue * value)
{
  gchar *text = identifai_json_dup_string (json);

  g_value_init (value, G_TYPE_STRING);
  g_value_take_string (value, text ? text :
      g_strndup (json->text, json->length));
}

static void
convert_scalar (const IdentifaiJson * json, Kind kind, GValue * value)
{
  if (kind == KIND_BOOLEAN)
    convert_boolean (json, value);
  else if (kind & KIND_NUMBERS)
    convert_number (json, kind, value);
  else
    convert_text (json, value);
}

static void
convert_tree (Converter * self, const IdentifaiJson * json, Kind as,
    guint level, GValue * value)
{
  if (identifai_json_get_type (json) == IDENTIFAI_JSON_ARRAY) {
    convert_array (self, json, as, level, value);
    return;
  }
  g_value_init (value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (value, convert_object (self, json, "object", level));
}

/* Books what length bytes of content will print to. */
static gboolean
take_room (Converter * self, gsize length)
{
  *self->room -= ((gint64) length * 2 + VALUE_COST) << self->n_objects;

  return *self->room >= 0;
}

/* as: what the value is to become, 0 = what it is. */
static gboolean
convert (Converter * self, const IdentifaiJson * json, Kind as, guint level,
    GValue * value)
{
  Kind kind = scalar_kind (json);

  if (is_tree (json) && as != KIND_TEXT && level <= MAX_LEVELS) {
    if (!take_room (self, 0))
      return FALSE;
    convert_tree (self, json, as, level, value);
    return TRUE;
  }

  if (as == KIND_TEXT || is_tree (json))
    kind =
        identifai_json_get_type (json) == IDENTIFAI_JSON_NULL ? 0 : KIND_TEXT;
  else if ((kind & KIND_NUMBERS) != 0 && (as & KIND_NUMBERS) != 0)
    kind = as;
  if (kind == 0 || !take_room (self, json->length))
    return FALSE;
  convert_scalar (json, kind, value);

  return TRUE;
}

GstStructure *
identifai_structure_from_json (const IdentifaiJson * object, const gchar * name,
    IdentifaiRoom * room)
{
  Converter converter = { room, 0 };

  return convert_object (&converter, object, name, 1);
}

gboolean
identifai_structure_value_from_json (const IdentifaiJson * json,
    GValue * value, IdentifaiRoom * room)
{
  Converter converter = { room, 0 };

  return convert (&converter, json, 0, 1, value);
}
