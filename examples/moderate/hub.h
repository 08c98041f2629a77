/* identifai-moderate: where all that happens is told
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whoever acts on what happens (log, page, broker, metrics) listens here. Main thread only.
 */

#pragma once

#include "lines.h"

G_BEGIN_DECLS

typedef struct _ModHub ModHub;

/* line: as written, prev included; text: the same, as its line in the log. */
typedef void (*ModListener) (JsonObject * line, const gchar * text,
    gpointer user_data);

/* Takes lines. */
ModHub *mod_hub_new (ModLines * lines);
void mod_hub_free (ModHub * self);
void mod_hub_listen (ModHub * self, ModListener listener, gpointer user_data);

/* Takes line: writes it, then calls the listeners in the order they came. */
void mod_hub_tell (ModHub * self, JsonObject * line);

ModLogWriter *mod_hub_get_log (ModHub * self);
/* Once a second or so: tells when the log can't be written, and when it can again. */
void mod_hub_look_at_log (ModHub * self);

G_END_DECLS
