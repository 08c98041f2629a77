/* identifai-watch: a GstStructure as JSON
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Arrays and structures in it, too. Unknown times are null, a GstDateTime is text as in
 * ISO 8601, and buffers are left out. */
void watch_json_add_structure (JsonBuilder * builder, const GstStructure * s);

/* In one line. */
gchar *watch_json_to_line (JsonBuilder * builder);

G_END_DECLS
