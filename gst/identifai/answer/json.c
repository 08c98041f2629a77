/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One pass over the text: bounds, strictness and repairs; then json-glib. Pure.
 */

#include "json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "result.h"

#define MAX_VALUES (256 * 1024) /* names included; a long answer has a tenth */
#define MAX_MEMBERS 2048        /* of one object, duplicates included */
#define MAX_LEVELS IDENTIFAI_MAX_NESTING

/* Copies a text for json-glib, token by token. */
typedef struct
{
  const gchar *next;
  const gchar *end;
  GString *out;
  guint levels;                 /* what is deeper is left out of the copy */
  gboolean may_be_deeper;
  GArray *slices;               /* or NULL; where that was */
  guint64 depth;
  guint n_values;               /* in the copy, names included */
  guint n_members[MAX_LEVELS + 1];      /* of the objects that are open */
  const gchar *complaint;       /* static; why the text is bad */
  const gchar *at;              /* and where; NULL = isn't known */
} Copier;

/* Four hexadecimal digits, else -1. */
static gint
hex_digits (const gchar * p, const gchar * end)
{
  gint i, code = 0;

  if (end - p < 4)
    return -1;
  for (i = 0; i < 4; i++) {
    if (!g_ascii_isxdigit (p[i]))
      return -1;
    code = code << 4 | g_ascii_xdigit_value (p[i]);
  }

  return code;
}

/* The copy functions append what starts at p, and return its end, or NULL if it
 * is not well formed. */

/* With the low surrogate that follows a high one. */
static const gchar *
copy_unicode (const gchar * p, const gchar * end, GString * out)
{
  gint code = hex_digits (p + 2, end), low = -1;

  if (code < 0)
    return NULL;
  if (code >= 0xd800 && code < 0xdc00 && end - p >= 12 && p[6] == '\\'
      && p[7] == 'u')
    low = hex_digits (p + 8, end);
  if (low >= 0xdc00 && low < 0xe000) {
    g_string_append_len (out, p, 12);
    return p + 12;
  }

  if (code == 0 || (code >= 0xd800 && code < 0xe000))
    g_string_append (out, "\\ufffd");
  else
    g_string_append_len (out, p, 6);

  return p + 6;
}

static const gchar *
copy_escape (const gchar * p, const gchar * end, GString * out)
{
  if (end - p >= 2 && p[1] == 'u')
    return copy_unicode (p, end, out);
  if (end - p < 2 || p[1] == '\0' || strchr ("\"\\/bfnrt", p[1]) == NULL)
    return NULL;
  g_string_append_len (out, p, 2);

  return p + 2;
}

static const gchar *
copy_string (const gchar * p, const gchar * end, GString * out)
{
  g_string_append_c (out, *p++);
  while (p != NULL && p < end && *p != '"') {
    const gchar *plain = p;

    while (p < end && (guchar) * p >= 0x20 && *p != '"' && *p != '\\')
      p++;
    g_string_append_len (out, plain, p - plain);
    if (p < end && *p != '"')
      p = *p == '\\' ? copy_escape (p, end, out) : NULL;
  }
  if (p == NULL || p == end)
    return NULL;
  g_string_append_c (out, *p);

  return p + 1;
}

static const gchar *
skip_digits (const gchar * p, const gchar * end)
{
  if (p == end || !g_ascii_isdigit (*p))
    return NULL;
  while (p < end && g_ascii_isdigit (*p))
    p++;

  return p;
}

static const gchar *
skip_number (const gchar * p, const gchar * end)
{
  if (*p == '-')
    p++;
  p = p < end && *p == '0' ? p + 1 : skip_digits (p, end);

  if (p != NULL && p < end && *p == '.')
    p = skip_digits (p + 1, end);
  if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < end && (*p == '+' || *p == '-'))
      p++;
    p = skip_digits (p, end);
  }

  return p;
}

static const gchar *
copy_number (const gchar * p, const gchar * end, GString * out)
{
  gsize start = out->len;

  end = skip_number (p, end);
  if (end == NULL)
    return NULL;
  g_string_append_len (out, p, end - p);
  errno = 0;
  g_ascii_strtoll (out->str + start, NULL, 10);
  if (errno == ERANGE && strpbrk (out->str + start, ".eE") == NULL)
    g_string_append (out, ".0");

  return end;
}

/* Which ones there are json-glib knows. */
static const gchar *
copy_word (const gchar * p, const gchar * end, GString * out)
{
  const gchar *start = p;

  while (p < end && g_ascii_islower (*p))
    p++;
  g_string_append_len (out, start, p - start);

  return p > start ? p : NULL;
}

static gboolean
copier_fail (Copier * self, const gchar * complaint)
{
  self->complaint = complaint;
  self->at = self->next;
  return FALSE;
}

/* Every value and every name begins with that. */
static gboolean
copier_count_value (Copier * self)
{
  if (self->depth == 0 && self->n_values > 0)
    return copier_fail (self, "more than one value");
  if (self->depth <= self->levels && ++self->n_values > MAX_VALUES)
    return copier_fail (self, "too many values");

  return TRUE;
}

static gboolean
copier_scalar (Copier * self)
{
  const gchar *p = self->next, *end = self->end;
  gsize start = self->out->len;

  if (*p == '"')
    p = copy_string (p, end, self->out);
  else if (*p == '-' || g_ascii_isdigit (*p))
    p = copy_number (p, end, self->out);
  else
    p = copy_word (p, end, self->out);
  /* what has nothing between it must not grow together */
  if (p == NULL || (p < end && strchr (",:]} \t\n\r", *p) == NULL))
    return copier_fail (self, "no valid value");
  self->next = p;
  if (self->depth > self->levels)
    g_string_truncate (self->out, start);

  return copier_count_value (self);
}

static gboolean
copier_open (Copier * self)
{
  IdentifaiJsonSlice slice = { self->next, 0 };

  if (!copier_count_value (self))
    return FALSE;
  if (self->depth == self->levels && !self->may_be_deeper)
    return copier_fail (self, "nested too deep");
  if (self->depth == self->levels && self->slices != NULL)
    g_array_append_val (self->slices, slice);
  if (self->depth <= self->levels)
    g_string_append_c (self->out, *self->next);

  self->next++;
  self->depth++;
  if (self->depth <= self->levels)
    self->n_members[self->depth] = 0;

  return TRUE;
}

/* Whether the bracket is the right one json-glib finds out; for what is left out
 * whoever reads the slice. */
static gboolean
copier_close (Copier * self)
{
  if (self->depth == 0)
    return copier_fail (self, "nothing to close");

  self->depth--;
  if (self->depth <= self->levels)
    g_string_append_c (self->out, *self->next);
  self->next++;
  if (self->depth == self->levels && self->slices != NULL) {
    IdentifaiJsonSlice *slice = &g_array_index (self->slices,
        IdentifaiJsonSlice, self->slices->len - 1);

    slice->length = self->next - slice->text;
  }

  return TRUE;
}

/* Colons, commas and white space: json-glib knows their places. */
static gboolean
copier_mark (Copier * self)
{
  if (self->depth <= self->levels) {
    g_string_append_c (self->out, *self->next);
    if (*self->next == ':' && ++self->n_members[self->depth] > MAX_MEMBERS)
      return copier_fail (self, "too many members");
  }
  self->next++;

  return TRUE;
}

static gboolean
copier_step (Copier * self)
{
  switch (*self->next) {
    case '{':
    case '[':
      return copier_open (self);
    case '}':
    case ']':
      return copier_close (self);
    case ':':
    case ',':
    case ' ':
    case '\t':
    case '\n':
    case '\r':
      return copier_mark (self);
    default:
      return copier_scalar (self);
  }
}

static gboolean
copier_run (Copier * self)
{
  if (self->end - self->next >= 3 && memcmp (self->next, "\357\273\277",
          3) == 0)
    self->next += 3;
  while (self->next < self->end) {
    if (!copier_step (self))
      return FALSE;
  }
  if (self->depth > 0 || self->n_values == 0)
    return copier_fail (self, "cut short");

  return TRUE;
}

/* A thread's: to make one takes as long as to read a short answer. Holds nothing in
 * between. */
static GPrivate own_parser = G_PRIVATE_INIT (g_object_unref);

static JsonNode *
load (const gchar * text, gsize length)
{
  JsonParser *parser = g_private_get (&own_parser);

  if (parser == NULL) {
    parser = json_parser_new_immutable ();
    g_private_set (&own_parser, parser);
  }
  if (json_parser_load_from_data (parser, text, length, NULL))
    return json_parser_steal_root (parser);

  /* half a tree */
  g_private_replace (&own_parser, NULL);
  return NULL;
}

static JsonNode *
copy_and_load (Copier * copier, GError ** error)
{
  const gchar *start = copier->next;
  JsonNode *root = NULL;

  if (copier->end - start > IDENTIFAI_MAX_ANSWER_BYTES) {
    identifai_json_fail (error, "The answer is too large");
    return NULL;
  }
  copier->out = g_string_new (NULL);
  if (copier_run (copier)) {
    gchar *valid = copier->may_be_deeper ?
        g_utf8_make_valid (copier->out->str, copier->out->len) : NULL;

    root = valid ? load (valid, strlen (valid)) :
        load (copier->out->str, copier->out->len);
    copier->complaint = "not well formed";
    g_free (valid);
  }
  g_string_free (copier->out, TRUE);
  /* without json-glib's words, which quote it */
  if (root == NULL && copier->at != NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The answer is no valid JSON: %s at byte %" G_GSIZE_FORMAT,
        copier->complaint, (gsize) (copier->at - start));
  else if (root == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The answer is no valid JSON: %s", copier->complaint);

  return root;
}

JsonNode *
identifai_json_read (const gchar * data, gsize length, GError ** error)
{
  Copier copier = {.next = data,.end = data + length,.levels = MAX_LEVELS };

  return copy_and_load (&copier, error);
}

JsonNode *
identifai_json_skim (const gchar * data, gsize length, guint levels,
    GArray * slices, GError ** error)
{
  Copier copier = {.next = data,.end = data + length,.levels = levels,
    .may_be_deeper = TRUE,.slices = slices
  };

  g_return_val_if_fail (levels <= MAX_LEVELS, NULL);

  return copy_and_load (&copier, error);
}

gboolean
identifai_json_fail (GError ** error, const gchar * text)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, text);
  return FALSE;
}

IdentifaiJsonSlice
identifai_json_find_object (const gchar * data, gsize length)
{
  IdentifaiJsonSlice slice = { memchr (data, '{', length), 0 };

  slice.length = data + length - slice.text;
  while (slice.text[slice.length - 1] != '}')
    slice.length--;

  return slice;
}

GType
identifai_json_get_type (JsonNode * node)
{
  return node ? json_node_get_value_type (node) : G_TYPE_INVALID;
}

JsonNode *
identifai_json_get_member (JsonNode * node, const gchar * name)
{
  if (identifai_json_get_type (node) != JSON_TYPE_OBJECT)
    return NULL;

  return json_object_get_member (json_node_get_object (node), name);
}

guint
identifai_json_get_size (JsonNode * node)
{
  GType type = identifai_json_get_type (node);

  if (type == JSON_TYPE_OBJECT)
    return json_object_get_size (json_node_get_object (node));

  return type == JSON_TYPE_ARRAY ?
      json_array_get_length (json_node_get_array (node)) : 0;
}

const gchar *
identifai_json_get_string (JsonNode * node)
{
  return identifai_json_get_type (node) == G_TYPE_STRING ?
      json_node_get_string (node) : NULL;
}

gboolean
identifai_json_get_double (JsonNode * node, gdouble * number)
{
  GType type = identifai_json_get_type (node);

  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *number = json_node_get_double (node);

  return isfinite (*number);
}
