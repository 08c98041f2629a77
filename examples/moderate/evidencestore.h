/* identifai-moderate: files of evidence on disk: written whole, kept for a time
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * On a thread of its own, as a disk may take its time. A piece of evidence is a pair: the
 * posted file, and a JSON beside it, which says that the pair is ours.
 */

#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* 0: no bound. */
typedef struct
{
  guint64 max_age;              /* ns */
  guint64 max_bytes;            /* of all pairs */
  guint64 max_count;            /* pairs */
} ModRetention;

typedef struct _ModEvidenceStore ModEvidenceStore;

/* Main thread. path: of the JSON; error: NULL, or the system's words; bytes: written. */
typedef void (*ModStored) (const gchar * path, const gchar * error,
    gpointer user_data);

/* Main thread. file: NULL with error. */
typedef void (*ModRead) (GstBuffer * file, const gchar * error,
    gpointer user_data);

/* Of what is there at the start, the oldest first. */
typedef void (*ModFound) (const gchar * stream, const gchar * name,
    JsonObject * about, guint64 bytes, gint64 written, gpointer user_data);

/* Makes the folder (mode 0700) and looks what is in it; NULL with error. */
ModEvidenceStore *mod_evidence_store_new (const gchar * folder,
    const ModRetention * retention, GError ** error);
/* Calls found with each pair that is there. Before anything is put, read or removed. */
void mod_evidence_store_visit (ModEvidenceStore * self, ModFound found,
    gpointer user_data);
/* What was asked for, and isn't called back yet. */
guint mod_evidence_store_waiting (const ModEvidenceStore * self);
/* What isn't finished (a disk that hangs) is left as it is, with all it uses. */
void mod_evidence_store_free (ModEvidenceStore * self);

/* Writes FOLDER/STREAM/NAME.EXTENSION and NAME.json: under other names first, synced,
 * renamed, mode 0600. Takes about, and a reference of file (NULL: there is none). stored
 * is called in any case. */
void mod_evidence_store_put (ModEvidenceStore * self, const gchar * stream,
    const gchar * name, const gchar * extension, GstBuffer * file,
    JsonObject * about, ModStored stored, gpointer user_data);

/* Reads what was put. */
void mod_evidence_store_read (ModEvidenceStore * self, const gchar * stream,
    const gchar * name, ModRead read, gpointer user_data);
void mod_evidence_store_remove (ModEvidenceStore * self, const gchar * stream,
    const gchar * name);

/* Main thread; of what is kept now. */
void mod_evidence_store_count (ModEvidenceStore * self, guint64 * pairs,
    guint64 * bytes, guint64 * failed);
/* Why the latest job left something that should have been deleted; NULL: it left nothing.
 * Free it. */
gchar *mod_evidence_store_get_stuck (ModEvidenceStore * self);

G_END_DECLS
