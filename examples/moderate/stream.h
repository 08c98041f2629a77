/* identifai-moderate: one stream: its sessions one after another, and the waits between them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "hub.h"
#include "session.h"

G_BEGIN_DECLS

typedef enum
{
  MOD_STREAM_UP,                /* has a session */
  MOD_STREAM_WAITING,           /* for its next one */
  MOD_STREAM_ENDED,             /* by itself, for good */
  MOD_STREAM_STOPPING,          /* has a session that drains, and won't have another */
  MOD_STREAM_STOPPED
} ModStreamState;

/* Fields of the elements' statistics. */
typedef enum
{
  MOD_STREAM_THROTTLED,
  MOD_STREAM_RETRIES,
  MOD_STREAM_N_TOTALS
} ModStreamTotal;

typedef struct _ModStream ModStream;

typedef struct
{
  /* It ended or is stopped. Free it later, not here. */
  void (*finished) (ModStream * self, gpointer user_data);
  /* As those of ModSessionCalls. */
  void (*made) (ModStream * self, GstElement * judge, gpointer user_data);
  void (*message) (ModStream * self, const GstStructure * s,
      JsonObject * line, gpointer user_data);
} ModStreamCalls;

/* Starts at once. hub and calls outlive it. */
ModStream *mod_stream_new (const ModStreamConfig * config, ModHub * hub,
    const ModStreamCalls * calls, gpointer user_data);
/* Only one that is ENDED or STOPPED. */
void mod_stream_free (ModStream * self);

/* Ends it in order, in at most limit ns. */
void mod_stream_stop (ModStream * self, guint64 limit);
void mod_stream_tick (ModStream * self);
/* A line with the element's statistics, of this session. */
void mod_stream_tell_stats (ModStream * self);

ModStreamState mod_stream_get_state (const ModStream * self);
/* What a person would say: the session's state while it has one, else its own. */
const gchar *mod_stream_describe (const ModStream * self);
const ModStreamConfig *mod_stream_get_config (const ModStream * self);
/* NULL while there is none; borrowed. */
ModSession *mod_stream_get_session (const ModStream * self);
gboolean mod_stream_has_failed (const ModStream * self);
guint mod_stream_get_restarts (const ModStream * self);
/* Of all its sessions. */
guint64 mod_stream_get_total (ModStream * self, ModStreamTotal total);

G_END_DECLS
