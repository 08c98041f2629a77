/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes files of one stream's segments, one after the other and in order, on a
 * thread of a pool that all streams of the process share, and takes their SHA-256, if
 * that is wanted. A segment that has its file needs the latter only.
 *
 * A lock of its own, which is held for moments only.
 */

#pragma once

#include "earlyfile.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct _IdentifaiMuxWorker IdentifaiMuxWorker;

/* The segment has its file (error NULL), or none can be made of it: see
 * identifai_muxer_run(). On the worker's thread, with no lock held. */
typedef void (*IdentifaiMuxedFunc) (IdentifaiSegment * segment,
    const GError * error, gpointer user_data);

IdentifaiMuxWorker *identifai_mux_worker_new (IdentifaiMuxedFunc func,
    gpointer user_data);
/* Halts it first. */
void identifai_mux_worker_free (IdentifaiMuxWorker * self);

/* Before it is used, and while it has no segment. name: the element's, for the log.
 * muxer: a factory name or "auto". sha256: segments get that of their file. */
void identifai_mux_worker_configure (IdentifaiMuxWorker * self,
    const gchar * name, const gchar * muxer, guint64 max_bytes,
    gboolean sha256);

/* The segment stays the caller's, who leaves it alone until func is called for it,
 * or it was removed, or the worker is halted. early: what was written of it while it
 * was open, which is completed if that can be; or NULL. Never blocks. */
void identifai_mux_worker_push (IdentifaiMuxWorker * self,
    IdentifaiSegment * segment, IdentifaiEarlyFile * early);
/* Takes over the stretch. Never blocks. */
void identifai_mux_worker_write (IdentifaiMuxWorker * self,
    IdentifaiEarlyStretch * stretch);
/* TRUE: it wasn't begun with, and won't be. */
gboolean identifai_mux_worker_remove (IdentifaiMuxWorker * self,
    IdentifaiSegment * segment);

/* Lets go of all segments, within 100 ms, and waits until func has returned: no
 * lock may be held that func takes. It isn't called for what was cancelled. More
 * may be pushed afterwards. */
void identifai_mux_worker_halt (IdentifaiMuxWorker * self);

G_END_DECLS
