/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The multipart/form-data body (RFC 7578) of a request as a seekable
 * GInputStream: the file's bytes are read from where they lie, no second copy
 * of the file is made. A new stream over the same request sends it again.
 */

#pragma once

#include <gio/gio.h>
#include "request.h"

G_BEGIN_DECLS

#define IDENTIFAI_TYPE_REQUEST_BODY (identifai_request_body_get_type ())
G_DECLARE_FINAL_TYPE (IdentifaiRequestBody, identifai_request_body, IDENTIFAI, REQUEST_BODY,
    GInputStream)

GInputStream *identifai_request_body_new (IdentifaiRequest * request);

/* Content-Length, and Content-Type with the boundary. A file that grows has
 * IDENTIFAI_UNKNOWN_LENGTH until all of it is there. */
#define IDENTIFAI_UNKNOWN_LENGTH G_MAXINT64
guint64 identifai_request_body_get_length (IdentifaiRequestBody * self);
const gchar *identifai_request_body_get_content_type (IdentifaiRequestBody * self);

/* What is there was read, and there will be more: don't read before the source's ready
 * time is set, see growingfile.h. */
gboolean identifai_request_body_is_starved (IdentifaiRequestBody * self);
/* Until when it was starved, in monotonic µs: until now, if it is; 0: never. */
gint64 identifai_request_body_get_fed_at (IdentifaiRequestBody * self);
/* NULL: nobody waits. */
void identifai_request_body_wake (IdentifaiRequestBody * self, GSource * source);

/* Lets go of the request and its file, whoever else still holds the stream;
 * reading fails from now on. */
void identifai_request_body_release (IdentifaiRequestBody * self);

/* Bytes read so far, and whether all were: a failed attempt is ambiguous only
 * after the whole body went out. The reader's thread. */
guint64 identifai_request_body_get_sent (IdentifaiRequestBody * self);

G_END_DECLS
