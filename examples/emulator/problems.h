/* identifai-emulator: what is wrong with the fields of a call
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure. A JSON object with a list of sentences a field, as the service's
 * framework words them.
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* problem ends the sentence "The … field …"; NULL: "The selected … is invalid." */
void emu_problems_add (JsonObject * self, const gchar * field,
    const gchar * problem);
void emu_problems_add_sentence (JsonObject * self, const gchar * field,
    const gchar * sentence);
/* As JSON; NULL: there are none. */
gchar *emu_problems_to_string (JsonObject * self);

/* "true", "false", "1", "0"; FALSE: something else. */
gboolean emu_read_boolean (const gchar * text, gboolean * value);

G_END_DECLS
