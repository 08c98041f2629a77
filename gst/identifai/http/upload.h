/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A request's body on its way out: reads from memory, so without GIO's worker
 * threads, and can hold back all of it, or the last bytes. A service behind a
 * buffering front counts a call when the whole body has come in, and two uploads
 * that started well apart may end together.
 */

#pragma once

#include "requestbody.h"

G_BEGIN_DECLS

#define IDENTIFAI_TYPE_UPLOAD (identifai_upload_get_type ())
G_DECLARE_FINAL_TYPE (IdentifaiUpload, identifai_upload, IDENTIFAI, UPLOAD,
    GFilterInputStream)

/* How long (µs) the body, or its end, has to wait now; 0: go. */
typedef gint64 (*IdentifaiUploadHold) (gpointer user_data);

/* It is closed before its end was read: the connection broke, but is still there. */
typedef void (*IdentifaiUploadStopped) (gpointer user_data);

/* begin: asked before the first byte; hold: before the last ones. name, what: the
 * element and the call, for the log. */
GInputStream *identifai_upload_new (IdentifaiRequestBody * body,
    const gchar * name, const gchar * what,
    IdentifaiUploadHold begin, IdentifaiUploadHold hold,
    IdentifaiUploadStopped stopped, gpointer user_data);

/* So many bytes went out, but for what libsoup tells of by itself. */
typedef void (*IdentifaiUploadWrote) (gsize bytes, gpointer user_data);

/* What libsoup sends the body on, and hasn't anything else to write to until it has
 * the body: from the next read on, but for the last bytes, it goes there in larger
 * pieces than libsoup's (workaround PIECES). */
void identifai_upload_set_output (IdentifaiUpload * self, GIOStream * connection,
    IdentifaiUploadWrote wrote);

/* None is called any more, and nothing waits. */
void identifai_upload_release (IdentifaiUpload * self);

G_END_DECLS
