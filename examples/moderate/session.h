/* identifai-moderate: one run of a stream's pipeline, from start to end
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What may block (changes of state, events) runs on GStreamer's worker threads, all else
 * on the main thread, where the calls below are made, too.
 */

#pragma once

#include "config.h"

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef enum
{
  MOD_SESSION_STARTING,         /* until the first buffer comes to what judges */
  MOD_SESSION_RUNNING,
  MOD_SESSION_SILENT,           /* running, and nothing comes */
  MOD_SESSION_DRAINING,         /* nothing more goes in; outcomes are waited for */
  MOD_SESSION_CLOSING,
  MOD_SESSION_CLOSED
} ModSessionState;

typedef struct _ModSession ModSession;

typedef struct
{
  /* Takes line: outcomes in the order of their segments, and what else is to be told. */
  void (*tell) (JsonObject * line, gpointer user_data);
  /* The judging element is there, and nothing runs yet. */
  void (*made) (GstElement * judge, gpointer user_data);
  /* Each message of the judging element, as it comes. line: what will be told of it;
   * may be NULL. */
  void (*message) (const GstStructure * s, JsonObject * line,
      gpointer user_data);
  /* The state changed, STARTING and CLOSED excepted. */
  void (*changed) (ModSession * self, gpointer user_data);
  /* What comes in is over, once: at the end of what was to come, or by a failure. The
   * session drains by itself then. */
  void (*over) (ModSession * self, const gchar * reason, gboolean failed,
      gpointer user_data);
  /* All is told; free it now or later. The last call. */
  void (*closed) (ModSession * self, gpointer user_data);
} ModSessionCalls;

/* NULL with error. Starts at once. calls stays the caller's. left (of g_rc_box_new): how
 * many of the stream's sessions were left behind, and still can't be stopped. */
ModSession *mod_session_new (const ModStreamConfig * config, guint * left,
    const ModSessionCalls * calls, gpointer user_data, GError ** error);
/* Once closed. */
void mod_session_free (ModSession * self);

/* Ends the stream, waits for outcomes for at most limit ns, and closes. Again, with
 * another limit: the shorter one counts. */
void mod_session_drain (ModSession * self, guint64 limit);
/* Once a second or so: looks whether anything comes. */
void mod_session_tick (ModSession * self);

ModSessionState mod_session_get_state (const ModSession * self);
/* "starting", "running", … */
const gchar *mod_session_state_name (ModSessionState state);
GstElement *mod_session_get_judge (const ModSession * self);
/* s since something came; since the start if nothing did. */
gdouble mod_session_get_silence (const ModSession * self);
/* Whether it was closed though its source could not be stopped, which is left behind. */
gboolean mod_session_is_abandoned (const ModSession * self);
/* Whether its source can be seeked in, as a file: it ends of its own will. */
gboolean mod_session_is_file (const ModSession * self);

G_END_DECLS
