/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Walks a tree of json-glib, bounded in depth and names. Pure but for the names, which
 * GStreamer before 1.26 never frees: their count is the process's, atomic.
 */

#include "structure.h"
#include "log.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_ANSWER)

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
  const gchar *owner;           /* the element's name, for the log */
  IdentifaiRoom *room;
  guint n_objects;              /* that are around, each doubles the escapes */
} Converter;

static gboolean convert (Converter * self, JsonNode * node, Kind as,
    guint level, GValue * value);

/* Of names that are new the process takes so many: a structure never frees them
 * (GStreamer before 1.26). Which ones aren't new is ours to remember, as a later
 * GStreamer doesn't intern them. */
static gboolean
may_intern (const gchar * name)
{
  static gint new_names;        /* atomic */

  if (g_quark_try_string (name) != 0)
    return TRUE;
  if (g_atomic_int_get (&new_names) >= MAX_NEW_NAMES
      || g_atomic_int_add (&new_names, 1) >= MAX_NEW_NAMES)
    return FALSE;
  g_quark_from_string (name);

  return TRUE;
}

static gchar *
field_name (const gchar * name)
{
  GString *out = g_string_new (NULL);
  const gchar *p;

  if (!g_ascii_isalpha (*name))
    g_string_append_c (out, '_');
  for (p = *name == '_' ? name + 1 : name;
      *p != '\0' && out->len < MAX_NAME_BYTES; p = g_utf8_next_char (p))
    g_string_append_c (out, g_ascii_isalnum (*p) || strchr ("-_.", *p) ?
        *p : '_');

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

static gboolean
is_tree (JsonNode * node)
{
  GType type = identifai_json_get_type (node);

  return type == JSON_TYPE_ARRAY || type == JSON_TYPE_OBJECT;
}

static Kind
number_kind (JsonNode * node)
{
  gint64 integer = json_node_get_int (node);
  gdouble number;

  if (identifai_json_get_type (node) == G_TYPE_INT64)
    return integer >= G_MININT && integer <= G_MAXINT ? KIND_INT : KIND_INT64;

  return identifai_json_get_double (node, &number) ? KIND_DOUBLE : 0;
}

/* 0: not to be represented, left out. */
static Kind
scalar_kind (JsonNode * node)
{
  GType type = identifai_json_get_type (node);

  if (type == G_TYPE_BOOLEAN)
    return KIND_BOOLEAN;
  if (type == G_TYPE_INT64 || type == G_TYPE_DOUBLE)
    return number_kind (node);
  if (type == G_TYPE_STRING)
    return KIND_STRING;

  return type == JSON_TYPE_OBJECT ? KIND_OBJECT : 0;
}

/* The set of what is in an array, and in the arrays within it. level is the
 * elements'. */
static guint
kinds_in_array (JsonArray * array, guint level)
{
  guint kinds = 0, inner = 0, i;
  gboolean has_arrays = FALSE;

  for (i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (is_tree (element) && level > MAX_LEVELS) {
      kinds |= KIND_STRING;     /* its text */
    } else if (JSON_NODE_HOLDS_ARRAY (element)) {
      has_arrays = TRUE;
      inner |= kinds_in_array (json_node_get_array (element), level + 1);
    } else {
      kinds |= scalar_kind (element);
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
convert_array (Converter * self, JsonArray * array, Kind as, guint level,
    GValue * value)
{
  guint i;

  if (as == 0) {
    as = common_kind (kinds_in_array (array, level + 1));
    if (as == KIND_TEXT)
      GST_LOG_ID (self->owner, "an array of %u is given as strings: its values "
          "are of several types", json_array_get_length (array));
  }

  gst_value_array_init (value, 0);
  for (i = 0; *self->room >= 0 && i < json_array_get_length (array); i++) {
    GValue item = G_VALUE_INIT;

    if (convert (self, json_array_get_element (array, i), as, level + 1, &item))
      gst_value_array_append_and_take_value (value, &item);
  }
}

static void
convert_member (Converter * self, const gchar * key, JsonNode * member,
    guint level, GstStructure * structure)
{
  gchar *name = field_name (key);
  GValue value = G_VALUE_INIT;
  gboolean named = may_intern (name);
  Kind as = 0;

  if (is_always_double (name) && (scalar_kind (member) & KIND_NUMBERS) != 0)
    as = KIND_DOUBLE;
  if (!named)
    GST_LOG_ID (self->owner, "the field %s is left out: the process has %u "
        "names of answers' fields", name, MAX_NEW_NAMES);
  else if (convert (self, member, as, level, &value))
    gst_structure_take_value (structure, name, &value);
  else if (!JSON_NODE_HOLDS_NULL (member))
    GST_LOG_ID (self->owner, "the field %s is left out: %s", name,
        *self->room < 0 ? "there is no room" : "no double can hold it");
  g_free (name);
}

static GstStructure *
convert_object (Converter * self, JsonObject * object, const gchar * name,
    guint level)
{
  GstStructure *structure = gst_structure_new_empty (name);
  guint n_members = 0;
  JsonObjectIter iter;
  JsonNode *member;
  const gchar *key;

  self->n_objects++;
  json_object_iter_init_ordered (&iter, object);
  while (*self->room >= 0 && n_members++ < MAX_MEMBERS
      && json_object_iter_next_ordered (&iter, &key, &member))
    convert_member (self, key, member, level + 1, structure);
  self->n_objects--;
  if (json_object_get_size (object) > MAX_MEMBERS)
    GST_DEBUG_ID (self->owner, "of the %u members of an object in %s, %u are "
        "taken", json_object_get_size (object), name, MAX_MEMBERS);

  return structure;
}

static void
convert_number (JsonNode * node, Kind kind, GValue * value)
{
  if (kind == KIND_INT) {
    g_value_init (value, G_TYPE_INT);
    g_value_set_int (value, json_node_get_int (node));
  } else if (kind == KIND_INT64) {
    g_value_init (value, G_TYPE_INT64);
    g_value_set_int64 (value, json_node_get_int (node));
  } else {
    g_value_init (value, G_TYPE_DOUBLE);
    g_value_set_double (value, json_node_get_double (node));
  }
}

static void
convert_tree (Converter * self, JsonNode * node, Kind as, guint level,
    GValue * value)
{
  if (JSON_NODE_HOLDS_ARRAY (node)) {
    convert_array (self, json_node_get_array (node), as, level, value);
    return;
  }
  g_value_init (value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (value, convert_object (self, json_node_get_object (node),
          "object", level));
}

/* Books what length bytes of content will print to. */
static gboolean
take_room (Converter * self, gsize length)
{
  *self->room -= ((gint64) length * 2 + VALUE_COST) << self->n_objects;

  return *self->room >= 0;
}

/* A string as it is, anything else as its JSON text. */
static gboolean
convert_text (Converter * self, JsonNode * node, GValue * value)
{
  const gchar *string = identifai_json_get_string (node);
  gchar *text = string ? g_strdup (string) : json_to_string (node, FALSE);

  if (!take_room (self, strlen (text))) {
    g_free (text);
    return FALSE;
  }
  g_value_init (value, G_TYPE_STRING);
  g_value_take_string (value, text);

  return TRUE;
}

static gboolean
convert_scalar (Converter * self, JsonNode * node, Kind kind, GValue * value)
{
  if (!take_room (self, 0))
    return FALSE;

  if (kind == KIND_BOOLEAN) {
    g_value_init (value, G_TYPE_BOOLEAN);
    g_value_set_boolean (value, json_node_get_boolean (node));
  } else {
    convert_number (node, kind, value);
  }

  return TRUE;
}

/* as: what the value is to become, 0 = what it is. */
static gboolean
convert (Converter * self, JsonNode * node, Kind as, guint level,
    GValue * value)
{
  Kind kind = scalar_kind (node);

  if (is_tree (node) && as != KIND_TEXT && level <= MAX_LEVELS) {
    if (!take_room (self, 0))
      return FALSE;
    convert_tree (self, node, as, level, value);
    return TRUE;
  }

  if (is_tree (node) && as != KIND_TEXT)
    GST_LOG_ID (self->owner, "what is more than %u levels deep is given as a "
        "text", MAX_LEVELS);
  if (is_tree (node) || kind == KIND_STRING || (as == KIND_TEXT && kind != 0))
    return convert_text (self, node, value);
  if ((kind & KIND_NUMBERS) != 0 && (as & KIND_NUMBERS) != 0)
    kind = as;

  return kind != 0 && convert_scalar (self, node, kind, value);
}

GstStructure *
identifai_structure_from_json (const gchar * owner, JsonObject * object,
    const gchar * name, IdentifaiRoom * room)
{
  Converter converter = { owner, room, 0 };

  return convert_object (&converter, object, name, 1);
}

gboolean
identifai_structure_value_from_json (const gchar * owner, JsonNode * node,
    GValue * value, IdentifaiRoom * room)
{
  Converter converter = { owner, room, 0 };

  return convert (&converter, node, 0, 1, value);
}
