/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What one submit call sends: the file and the form fields beside it. Filled
 * by one thread, then read-only (but for how much is sent) and shared by reference.
 */

#pragma once

#include "growingfile.h"
#include "kind.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *name;
  gchar *value;
} IdentifaiField;

typedef struct
{
  gatomicrefcount refcount;

  IdentifaiKind kind;
  IdentifaiMemoryFile *file;         /* owned; NULL while it grows */
  IdentifaiGrowingFile *growing;     /* owned: the same, before it is all there; or
                                 * NULL */
  guint segment;                /* its number, for the log */
  gchar *filename;              /* "segment-00004.mp4" */
  gchar *content_type;          /* "video/mp4" */
  GPtrArray *fields;            /* of IdentifaiField, in the order sent */
  gboolean accept_text;         /* Accept: text/plain instead of JSON */
  gboolean no_cache;            /* a second submit would cost a second time */
  gboolean with_heatmap;        /* it was asked for */
  gchar *heuristic;             /* which verdict counts; NULL = the service's */
  gchar *identifier;            /* the service has it: nothing is sent, and the
                                 * result is asked for; or NULL */

  gsize sent;                   /* atomic: of the file, of the attempt under way */
} IdentifaiRequest;

/* Takes over file; copies the strings. A video's. */
IdentifaiRequest *identifai_request_new (IdentifaiMemoryFile * file,
    const gchar * filename, const gchar * content_type);
/* The same, for another file of it: without one, and what names one. */
IdentifaiRequest *identifai_request_copy (const IdentifaiRequest * self);
void identifai_request_add_field (IdentifaiRequest * self, const gchar * name,
    const gchar * value);
/* Of its file, by the attempt that is under way or was the last. Any thread. */
void identifai_request_set_sent (IdentifaiRequest * self, guint64 bytes);
guint64 identifai_request_get_sent (IdentifaiRequest * self);
IdentifaiRequest *identifai_request_ref (IdentifaiRequest * self);
void identifai_request_unref (IdentifaiRequest * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdentifaiRequest, identifai_request_unref)

G_END_DECLS
