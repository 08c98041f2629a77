/* identifai-moderate: which segments become evidence
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Those that were found artificial, and one before and after: their posted bytes, and the
 * verdict beside them. Main thread only.
 */

#pragma once

#include "evidencestore.h"
#include "hub.h"
#include "supervisor.h"

G_BEGIN_DECLS

typedef struct _ModEvidence ModEvidence;

/* NULL with error if the folder can't be used. */
ModEvidence *mod_evidence_new (const ModProgramConfig * config, ModHub * hub,
    GError ** error);
/* What isn't written by now is told, and left. */
void mod_evidence_free (ModEvidence * self);

/* line: what is told of it; s: the message, which has its file. */
void mod_evidence_take (ModEvidence * self, const ModStreamConfig * config,
    JsonObject * line, const GstStructure * s);

/* What is kept of streams that are gone goes; what the disk doesn't let go of is told. */
void mod_evidence_sweep (ModEvidence * self, ModSupervisor * supervisor);

/* Of a file, from its line: the segment's time of day, session and number; by its
 * content_type. The name is to be freed. */
gchar *mod_evidence_make_name (JsonObject * line);
const gchar *mod_evidence_find_extension (JsonObject * line);

ModEvidenceStore *mod_evidence_get_store (ModEvidence * self);

G_END_DECLS
