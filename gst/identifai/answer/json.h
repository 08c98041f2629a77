/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON of unknown origin into json-glib's trees. json-glib reads; what stands in
 * front of it is here, in one pass over the text, without recursion:
 *
 *   bounds       json-glib recurses as deep as the text does, needs some hundred
 *                bytes of memory for a value of two, and is quadratic in an
 *                object's duplicate keys. So bytes, levels, values and the members
 *                of one object are limited
 *   strictness   json-glib takes comments, 'quotes', 0x10, 017, .5, "\x", "\u1g",
 *                line breaks in strings, "var a =", a second text behind the
 *                first, and no text at all. None of that is JSON (RFC 8259)
 *   repairs      where it takes JSON, and gets it wrong: integers beyond a gint64
 *                wrap around, so they get a fraction and become doubles; a string
 *                ends at U+0000, and lone surrogates become invalid UTF-8, so
 *                both become U+FFFD
 *
 * The trees are immutable; of duplicate keys the last counts. Nothing here logs.
 */

#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The text of an array or object, borrowed. */
typedef struct
{
  const gchar *text;
  gsize length;
} IdentifaiJsonSlice;

/* The whole text, which is an error if it nests too deep or is no valid UTF-8.
 * Errors are of G_IO_ERROR, G_IO_ERROR_INVALID_DATA. */
JsonNode *identifai_json_read (const gchar * data, gsize length,
    GError ** error);

/* The outer levels of a text: arrays and objects below come out empty, and what
 * is in them is looked at only so far as to find their end. Invalid UTF-8 in
 * strings becomes U+FFFD. slices (of IdentifaiJsonSlice), if not NULL, gets those
 * that came out empty, in their order. */
JsonNode *identifai_json_skim (const gchar * data, gsize length, guint levels,
    GArray * slices, GError ** error);

/* Sets an error as these do; FALSE. */
gboolean identifai_json_fail (GError ** error, const gchar * text);

/* Of a text that was read, and is an object: without the white space around it. */
IdentifaiJsonSlice identifai_json_find_object (const gchar * data,
    gsize length);

/* JSON_TYPE_OBJECT, JSON_TYPE_ARRAY, G_TYPE_STRING, G_TYPE_INT64, G_TYPE_DOUBLE,
 * G_TYPE_BOOLEAN; G_TYPE_INVALID for null, and for no node. */
GType identifai_json_get_type (JsonNode * node);

/* An object's member; NULL if there is none, or node is no object. */
JsonNode *identifai_json_get_member (JsonNode * node, const gchar * name);

/* How many elements an array, or members an object has; else 0. */
guint identifai_json_get_size (JsonNode * node);

/* NULL if node is no string. */
const gchar *identifai_json_get_string (JsonNode * node);

/* FALSE for no number, and for those that a double can't hold. */
gboolean identifai_json_get_double (JsonNode * node, gdouble * number);

G_END_DECLS
