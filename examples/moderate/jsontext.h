/* identifai-moderate: JSON as text, in one line
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * json-glib writes 0.8 as 0.80000000000000004.
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Members in the order they were set; numbers as short as they are exact; what is no
 * number in JSON as null. Free it. */
gchar *mod_json_to_text (JsonObject * object);

/* text: what mod_json_to_text() wrote, or any JSON object; NULL if it is none. */
JsonObject *mod_json_from_text (const gchar * text);
/* Any value; NULL: it is no JSON, or nested too deep. */
JsonNode *mod_json_node_from_text (const gchar * text);

/* Of a member; missing: there is none, or it is no text. (json-glib's own function has
 * NULL for a number, whatever the default.) */
const gchar *mod_json_get_text (JsonObject * object, const gchar * name,
    const gchar * missing);

G_END_DECLS
