/* identifai-moderate: from the elements' messages to lines
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fields keep their names, with _ for -. Times are seconds, those of day ISO 8601 in UTC.
 * What an element adds to a message later comes along.
 */

#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A line with time, event and (unless NULL) stream. */
JsonObject *mod_record_new (const gchar * event, const gchar * stream);

/* An element message of an identifai element: event is its name without "identifai-". */
JsonObject *mod_record_message (const gchar * stream, const GstStructure * s);

/* A warning, an error or an info: text, debug, element, and its details. */
JsonObject *mod_record_trouble (const gchar * stream, GstMessage * message);

/* Adds the structure's fields. */
void mod_record_add (JsonObject * line, const GstStructure * s);
/* Times that aren't valid are null. */
void mod_record_add_time (JsonObject * line, const gchar * name, guint64 ns);

/* Whether it ends a segment: verdict, failed, dropped. */
gboolean mod_is_outcome (const GstStructure * s);

G_END_DECLS
