/* identifai-moderate: what could not be judged is kept, and judged when there is time
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of segments that failed or were dropped for want of the service, or of room, lie in
 * a folder, bounded, and are submitted again one at a time and key while its budget is idle
 * (idle.h). A line says that one is kept; a further one, what became of it: a verdict, or
 * that it was given up. Main thread only.
 */

#pragma once

#include "evidence.h"
#include "pendingstate.h"
#include "supervisor.h"
#include "uploads.h"

G_BEGIN_DECLS

typedef struct _ModLate ModLate;

/* line: a verdict that is going to be told; file: what was judged. */
typedef void (*ModLateVerdict) (const ModStreamConfig * config,
    JsonObject * line, const GstStructure * s, gpointer user_data);

/* NULL with error if the folder can't be used. pending may be NULL. */
ModLate *mod_late_new (const ModProgramConfig * config, ModHub * hub,
    ModUploads * uploads, ModPendingState * pending, ModLateVerdict verdict,
    gpointer user_data, GError ** error);
void mod_late_start (ModLate * self, ModSupervisor * supervisor);
/* Once a second or so: what is of streams that are gone goes. */
void mod_late_sweep (ModLate * self);
/* Nothing new is judged from now on; what can't be judged is still kept. */
void mod_late_stop (ModLate * self);
void mod_late_free (ModLate * self);

/* Each message of a judging element. line: what will be told of it, or NULL; it says
 * afterwards whether it is kept, or is the verdict that was waited for. */
void mod_late_take (ModLate * self, ModStream * stream, const GstStructure * s,
    JsonObject * line);

/* What is being read or written. */
guint mod_late_waiting (const ModLate * self);

G_END_DECLS
