/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Somebody knows better than the service, and tells it so: each override becomes one
 * identifai-override message, whatever comes of it. The service wants the hash of the
 * file, which its results have; what is under way is known by its SHA-256, if that is
 * taken, and what isn't known at all is asked for.
 *
 * A lock of its own, which the client's and the reporter's come after. All functions
 * may be called with the element's lock or the outbox's held, on any thread.
 */

#pragma once

#include "client.h"
#include "gstidentifaireporter.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiOverrides GstIdentifaiOverrides;

/* Both are borrowed. */
GstIdentifaiOverrides *gst_identifai_overrides_new (GstElement * element,
    GstIdentifaiReporter * reporter);
void gst_identifai_overrides_free (GstIdentifaiOverrides * self);

/* The next segment is number 0. kind: of files, where nothing else is known. client: a
 * reference is taken. */
void gst_identifai_overrides_start (GstIdentifaiOverrides * self,
    IdentifaiKind kind, IdentifaiClient * client);
/* Before the client is closed: no more calls are made. */
void gst_identifai_overrides_begin_stop (GstIdentifaiOverrides * self);
/* Afterwards: tells of those that came to nothing. */
void gst_identifai_overrides_stop (GstIdentifaiOverrides * self);

/* The service has the file of a segment; overrides that waited for that go out. */
void gst_identifai_overrides_note_submitted (GstIdentifaiOverrides * self,
    const IdentifaiSegment * segment);
/* A segment has its outcome. hash: as the service's result has it, or NULL. */
void gst_identifai_overrides_note_ended (GstIdentifaiOverrides * self,
    const IdentifaiSegment * segment, const gchar * hash);

/* FALSE: it isn't running, and nobody is told. exists: the segment was opened, whether
 * it has its outcome or not. */
gboolean gst_identifai_overrides_add (GstIdentifaiOverrides * self,
    guint segment, gboolean exists, const gchar * classification);
gboolean gst_identifai_overrides_add_identifier (GstIdentifaiOverrides * self,
    const gchar * identifier, const gchar * classification);

/* The number of the segment that has that identifier. FALSE: none that is known. */
gboolean gst_identifai_overrides_find (GstIdentifaiOverrides * self,
    const gchar * identifier, guint * segment);

G_END_DECLS
