/* identifai-moderate: one file judged on its own
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * appsrc and an element of the stream's kind, with the stream's settings. Main thread only.
 */

#pragma once

#include "config.h"

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _ModLateJudge ModLateJudge;

typedef struct
{
  /* An identifai-submitted. */
  void (*submitted) (const GstStructure * s, gpointer user_data);
  /* s: the outcome; NULL with error: there is none. It may be freed here. */
  void (*ended) (const GstStructure * s, const gchar * error,
      gpointer user_data);
} ModLateJudgeCalls;

/* What would judge, in state NULL and on its own; NULL with error. Unref it. */
GstElement *mod_late_element_new (const ModStreamConfig * config,
    GError ** error);

/* Starts at once. type: its media type; ref_id: may be NULL. entry: as the action signal
 * resume takes it, of a file that the service has: it is asked for its result; NULL: the
 * file is uploaded. calls stays the caller's. */
ModLateJudge *mod_late_judge_new (const ModStreamConfig * config,
    GstBuffer * file, const gchar * type, const gchar * ref_id,
    const GstStructure * entry, const ModLateJudgeCalls * calls,
    gpointer user_data, GError ** error);
/* At any time; then nothing is called any more. */
void mod_late_judge_free (ModLateJudge * self);

G_END_DECLS
