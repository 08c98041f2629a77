/* identifai-moderate: what the service has and hasn't judged, kept over a kill
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file with the entries that the elements' action signal resume takes, written as a whole
 * with each change: under another name, synced, renamed. Main thread only.
 */

#pragma once

#include "hub.h"
#include "supervisor.h"
#include "uploads.h"

G_BEGIN_DECLS

typedef struct _ModPendingState ModPendingState;

/* Reads the file, if there is one, uploads included, and listens to the hub: what has its
 * line is forgotten. log: what already has one there is not asked for again. NULL with
 * error. */
ModPendingState *mod_pending_state_new (const gchar * path, const gchar * log,
    ModHub * hub, ModUploads * uploads, GError ** error);
/* After the last line, and before the hub. */
void mod_pending_state_free (ModPendingState * self);

/* A message of what judges for a stream: identifai-submitted is written down. Of judge's
 * account; judge NULL: of account, and somebody else waits for it in this run. */
void mod_pending_state_take (ModPendingState * self, const gchar * stream,
    const gchar * account, GstElement * judge, const GstStructure * s);
/* There are more uploads to be written down. */
void mod_pending_state_take_uploads (ModPendingState * self);
/* id: "SESSION/SEGMENT" */
gboolean mod_pending_state_has (const ModPendingState * self,
    const gchar * id);
void mod_pending_state_forget (ModPendingState * self, const gchar * id);
/* Whose outcome this is: the stream's name of the run that submitted it, or NULL. */
const gchar *mod_pending_state_find_stream (ModPendingState * self,
    const GstStructure * s);
/* Hands what no element waits for to one of its account, and tells what no stream's account
 * has: now and then. */
void mod_pending_state_resume (ModPendingState * self,
    ModSupervisor * supervisor);

guint mod_pending_state_count (const ModPendingState * self);
/* NULL while the file could be written; else the system's words. */
const gchar *mod_pending_state_trouble (const ModPendingState * self);

G_END_DECLS
