/* identifai-moderate: when what was kept may be judged
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One at a time and key, in moments that no live segment of the key needs (idle.h), within
 * what a stream may upload in an hour, and not too soon after a failure. Main thread only.
 */

#pragma once

#include "supervisor.h"
#include "uploads.h"

G_BEGIN_DECLS

typedef struct _ModLateBudget ModLateBudget;
/* Of an endpoint and a key. */
typedef struct _ModLateKey ModLateKey;

ModLateBudget *mod_late_budget_new (ModUploads * uploads);
void mod_late_budget_free (ModLateBudget * self);
/* Streams and keys that are gone. */
void mod_late_budget_sweep (ModLateBudget * self,
    const ModSupervisor * supervisor);

/* Each message of a live stream's judging element. */
void mod_late_budget_note (ModLateBudget * self, const ModStreamConfig * config,
    const GstStructure * s);
/* What live streams wait for now. */
void mod_late_budget_look (ModLateBudget * self,
    const ModSupervisor * supervisor);

/* The section's key, of which one may be judged now; upload: which is an upload. NULL: not
 * now. */
ModLateKey *mod_late_budget_find (ModLateBudget * self,
    const ModStreamConfig * config, gboolean upload);
const gchar *mod_late_key_get_account (const ModLateKey * self);

/* One begins, and is over: what found gives stays there meanwhile. */
void mod_late_key_begin (ModLateKey * self);
void mod_late_key_end (ModLateKey * self);
/* What was begun is an upload; and wasn't taken. */
void mod_late_budget_note_upload (ModLateBudget * self, ModLateKey * key,
    const gchar * stream);
void mod_late_budget_take_back (ModLateBudget * self, const gchar * stream);
/* The service failed, or didn't. */
void mod_late_key_put_off (ModLateKey * self);
void mod_late_key_hurry (ModLateKey * self);

G_END_DECLS
