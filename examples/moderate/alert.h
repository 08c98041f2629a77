/* identifai-moderate: alert=: a command for what is alarming
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Its arguments are split as a shell does, and no shell runs; the line is the last one.
 */

#pragma once

#include "hub.h"

G_BEGIN_DECLS

typedef struct _ModAlert ModAlert;

ModAlert *mod_alert_new (ModHub * hub);
/* What runs goes on; what waits isn't run, which is told. */
void mod_alert_free (ModAlert * self);

/* Runs command with text, at once unless too many run: then in its turn. What fails is
 * told. */
void mod_alert_run (ModAlert * self, const gchar * stream,
    const gchar * command, const gchar * text);

/* Commands that run or wait. */
guint mod_alert_waiting (const ModAlert * self);

G_END_DECLS
