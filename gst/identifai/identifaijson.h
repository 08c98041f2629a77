/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A strict JSON reader (RFC 8259) for texts of unknown origin. It builds no
 * tree: after one check of the whole text, values are handed around as slices
 * of it. json-glib would take comments and other non-JSON, recurse as deep as
 * the text does, need some hundred bytes of memory for each byte of "[[],[],…",
 * and be quadratic in duplicate keys.
 *
 * No recursion, no allocation but for strings. Nothing here logs.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_JSON_NULL,
  IDENTIFAI_JSON_BOOLEAN,
  IDENTIFAI_JSON_NUMBER,
  IDENTIFAI_JSON_STRING,
  IDENTIFAI_JSON_ARRAY,
  IDENTIFAI_JSON_OBJECT
} IdentifaiJsonType;

/* The text of one value, without white space around it; borrowed. text NULL:
 * no value, which counts as null. Only texts that were checked may be read. */
typedef struct
{
  const gchar *text;
  gsize length;
} IdentifaiJson;

/* Whether data is one JSON value, no more than max_nesting arrays and objects
 * deep, with no NUL byte and no byte order mark but one at the start. Sets
 * value, a slice of data. Doesn't look at the UTF-8 in strings. */
gboolean identifai_json_check (const gchar * data, gsize length,
    guint max_nesting, IdentifaiJson * value, GError ** error);

IdentifaiJsonType identifai_json_get_type (const IdentifaiJson * value);

/* Walks the members of an object or the elements of an array; other values
 * have none. */
typedef struct
{
  const gchar *next;
  const gchar *end;
  gboolean has_keys;
} IdentifaiJsonIter;

void identifai_json_iter_init (IdentifaiJsonIter * iter,
    const IdentifaiJson * container);
/* key (a string; unset for elements of an array) may be NULL. */
gboolean identifai_json_iter_next (IdentifaiJsonIter * iter,
    IdentifaiJson * key, IdentifaiJson * value);

/* The value of an object's member; of duplicates the last counts. Unset value
 * and FALSE if there is none. */
gboolean identifai_json_get_member (const IdentifaiJson * object,
    const gchar * name, IdentifaiJson * value);

/* Whether value is that string. */
gboolean identifai_json_equals (const IdentifaiJson * value,
    const gchar * string);

/* The content of a string; U+0000 and lone surrogates become U+FFFD. NULL if
 * value is no string. The UTF-8 is as good as the text's. */
gchar *identifai_json_dup_string (const IdentifaiJson * value);

gboolean identifai_json_get_boolean (const IdentifaiJson * value,
    gboolean * result);
/* FALSE for no number, and for those that a double can't hold. */
gboolean identifai_json_get_double (const IdentifaiJson * value,
    gdouble * result);
/* FALSE also for numbers with a fraction or exponent, or out of range. */
gboolean identifai_json_get_int64 (const IdentifaiJson * value,
    gint64 * result);

G_END_DECLS
