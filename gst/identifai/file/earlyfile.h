/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file of a segment that is still open, as its frames come: a fragmented MP4 whose
 * header is complete with the first of them, so that it can be sent meanwhile. It grows
 * by stretches, which mp4mux makes one after the other, as it makes whole files.
 *
 * What the segment is can change until it is closed: it may be cut earlier, its times
 * may move, sound may come late. The file is broken then, or where it can't say what a
 * whole one could, and a whole one is made as of any other segment.
 */

#pragma once

#include "growingfile.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct _IdentifaiEarlyFile IdentifaiEarlyFile;
typedef struct _IdentifaiEarlyStretch IdentifaiEarlyStretch;

/* name, number: of the element and the segment, for the log. */
IdentifaiEarlyFile *identifai_early_file_new (const gchar * name, guint number,
    guint64 max_bytes);
IdentifaiEarlyFile *identifai_early_file_ref (IdentifaiEarlyFile * self);
void identifai_early_file_unref (IdentifaiEarlyFile * self);

/* Any thread. why: for the log. */
void identifai_early_file_break (IdentifaiEarlyFile * self, const gchar * why);
gboolean identifai_early_file_is_broken (IdentifaiEarlyFile * self);
/* Borrowed. */
IdentifaiGrowingFile *identifai_early_file_get_growing (IdentifaiEarlyFile *
    self);

/* Whoever has the open segment, which frames and tracks are of: what is new of it, to
 * be written, if there is enough. NULL: there isn't, or it is broken. Takes references
 * to some buffers, and no time. */
IdentifaiEarlyStretch *identifai_early_file_take (IdentifaiEarlyFile * self,
    GPtrArray * frames, GPtrArray * tracks);

/* A worker's, in the order in which they were taken. Frees the stretch. */
void identifai_early_stretch_write (IdentifaiEarlyStretch * stretch,
    GCancellable * cancellable);
/* The file lacks it, and is broken. */
void identifai_early_stretch_free (IdentifaiEarlyStretch * stretch);

/* The same, when the segment is closed: TRUE and it has its file, all of which has been
 * written; FALSE: it is left as it is, but for the buffers of its video track. */
gboolean identifai_early_file_complete (IdentifaiEarlyFile * self,
    IdentifaiSegment * segment, GCancellable * cancellable);

G_END_DECLS
