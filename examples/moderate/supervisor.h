/* identifai-moderate: all streams of a configuration: start, reload, stop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "stream.h"

G_BEGIN_DECLS

typedef struct _ModSupervisor ModSupervisor;

typedef struct
{
  /* No stream is left, or all have ended by themselves. */
  void (*finished) (gpointer user_data);
  /* As those of ModSessionCalls. */
  void (*made) (ModStream * stream, GstElement * judge, gpointer user_data);
  void (*message) (ModStream * stream, const GstStructure * s,
      JsonObject * line, gpointer user_data);
  /* What mod_supervisor_reload () began is done, or takes too long. */
  void (*reloaded) (gpointer user_data);
} ModSupervisorCalls;

/* Takes config, which is checked. Starts nothing yet. */
ModSupervisor *mod_supervisor_new (ModConfig * config, ModHub * hub,
    const ModSupervisorCalls * calls, gpointer user_data);
/* Once finished. */
void mod_supervisor_free (ModSupervisor * self);

void mod_supervisor_start (ModSupervisor * self);
/* Reads the file again, on a thread of its own. What can't be used leaves all as it is; else
 * streams whose section changed end and start anew, and the others aren't touched. */
void mod_supervisor_reload (ModSupervisor * self);
/* Its thread uses what the process has: it may only end by _exit (). */
gboolean mod_supervisor_is_reading (const ModSupervisor * self);
void mod_supervisor_stop (ModSupervisor * self);

const ModConfig *mod_supervisor_get_config (const ModSupervisor * self);
/* What is wrong with the file as it is; NULL if it is what runs. */
const gchar *mod_supervisor_get_problem (const ModSupervisor * self);
/* NULL if there is none of that name. */
ModStream *mod_supervisor_find (const ModSupervisor * self,
    const gchar * name);
/* Whether the file has it, or it is still on its way out. */
gboolean mod_supervisor_knows (const ModSupervisor * self, const gchar * name);
/* In the file's order; call with each one. */
void mod_supervisor_foreach (const ModSupervisor * self, GFunc call,
    gpointer user_data);
/* Whether one ended for good by a failure. */
gboolean mod_supervisor_has_failed (const ModSupervisor * self);

G_END_DECLS
