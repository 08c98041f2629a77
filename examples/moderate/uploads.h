/* identifai-moderate: what each stream uploaded within the hour
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Its sessions come and go, and so does the program: max-uploads-per-hour is of the camera.
 * Main thread only.
 */

#pragma once

#include "supervisor.h"

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _ModUploads ModUploads;

ModUploads *mod_uploads_new (void);
void mod_uploads_free (ModUploads * self);

/* A new session's element goes on with what those before it counted. */
void mod_uploads_give (ModUploads * self, const gchar * stream,
    GstElement * judge);
/* What the element has counted. TRUE: there is more to be written down. */
gboolean mod_uploads_take (ModUploads * self, const gchar * stream,
    GstElement * judge);
guint mod_uploads_count_live (ModUploads * self, const gchar * stream);

/* Those of what was kept: the element of the session knows nothing of them. */
void mod_uploads_note_late (ModUploads * self, const gchar * stream);
/* The latest one wasn't taken. */
void mod_uploads_take_back_late (ModUploads * self, const gchar * stream);
guint mod_uploads_count_late (ModUploads * self, const gchar * stream);

/* Streams that are gone, once nothing of the hour is left of them. */
void mod_uploads_sweep (ModUploads * self, const ModSupervisor * supervisor);

/* Of streams with max-uploads-per-hour, for another run of the program. */
JsonObject *mod_uploads_describe (ModUploads * self);
/* What was written then; what it doesn't understand is left out. */
void mod_uploads_read (ModUploads * self, JsonObject * object);

G_END_DECLS
