/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON into GstStructure:
 *
 *   object          GstStructure "object"
 *   array           GstValueArray, whose elements GStreamer wants to be of one
 *                   type: integers among doubles become doubles, any other
 *                   mixture becomes strings (strings as they are, the others as
 *                   json-glib writes them). null has no place in it and is left
 *                   out.
 *   string          string, valid UTF-8
 *   integer         gint, gint64 where it is too large, else gdouble
 *   other numbers   gdouble; left out if a double can't hold them
 *   true, false     gboolean
 *   null            the field is left out
 *
 * "confidence", "score" and "elapsed_time" are gdouble even where the service
 * writes 1 for 1.0.
 *
 * Field names keep their letters, digits, '-', '_' and '.'; any other character
 * becomes '_', '_' is put in front of what doesn't start with a letter, and they
 * are cut at 64 bytes, so that the structure's text can be read again. If two
 * members of an object have the same name then, the last counts.
 *
 * What a hostile text could cost is bounded: objects and arrays ten deep (what
 * is deeper is given as a string, as json-glib writes it), 256 members an object,
 * field names in the process (GStreamer never frees one), and the length of
 * gst_structure_to_string(), which doubles with every level. What is beyond is
 * left out.
 */

#pragma once

#include <gst/gst.h>
#include "json.h"

G_BEGIN_DECLS

/* How much more gst_structure_to_string() may print, in bytes (an estimate).
 * Negative: something was left out for want of room. */
typedef gint64 IdentifaiRoom;
#define IDENTIFAI_ROOM (64 * 1024 * 1024)

/* The structure is meant to be a field of a message. owner: the element's name, for
 * the log. */
GstStructure *identifai_structure_from_json (const gchar * owner,
    JsonObject * object, const gchar * name, IdentifaiRoom * room);

/* The same for a value of any type; FALSE (value unset) if it is left out. */
gboolean identifai_structure_value_from_json (const gchar * owner,
    JsonNode * node, GValue * value, IdentifaiRoom * room);

G_END_DECLS
