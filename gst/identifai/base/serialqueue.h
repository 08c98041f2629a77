/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Handles items in the order in which they were pushed, whatever threads do it:
 * they are pushed under any lock and handled after unlocking, by one thread at a
 * time.
 *
 * What handles an item may take long, an application's code say. Threads that
 * others depend on leave it to a pool.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IdentifaiSerialQueue IdentifaiSerialQueue;

/* Takes over item; no lock is held. May push, and run or finish the queue. */
typedef void (*IdentifaiSerialFunc) (gpointer item, gpointer user_data);

/* user_data is used only while there is an item. free_item: for what is left. */
IdentifaiSerialQueue *identifai_serial_queue_new (IdentifaiSerialFunc func,
    gpointer user_data, GDestroyNotify free_item);
void identifai_serial_queue_free (IdentifaiSerialQueue * self);

/* Takes over item. Any thread, any lock held; never blocks for long. */
void identifai_serial_queue_push (IdentifaiSerialQueue * self, gpointer item);

/* Handles what is queued, unless another thread does already: that one then
 * handles ours, too. No lock may be held. */
void identifai_serial_queue_run (IdentifaiSerialQueue * self);
/* Whether nothing is queued. Any thread, any lock held. */
gboolean identifai_serial_queue_is_empty (IdentifaiSerialQueue * self);

/* As _run, but on a thread of a pool. Any thread, any lock held; never blocks. */
void identifai_serial_queue_run_elsewhere (IdentifaiSerialQueue * self);

/* As _run, and returns when everything pushed before is handled (TRUE), or at
 * once while interrupted (FALSE). */
gboolean identifai_serial_queue_drain (IdentifaiSerialQueue * self);
void identifai_serial_queue_set_interrupted (IdentifaiSerialQueue * self,
    gboolean interrupted);

/* As _run, and returns when everything pushed before is handled. Called by func
 * itself, func runs within itself, and only what it handles now isn't over. */
void identifai_serial_queue_finish (IdentifaiSerialQueue * self);

G_END_DECLS
