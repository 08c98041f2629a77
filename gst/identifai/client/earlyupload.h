/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Submit calls that begin before their file is all there. One starts when the limits
 * have a call left that nobody else waits for, and becomes the first attempt of the job
 * that is submitted when the file is whole. Whatever comes before that ends it: the job
 * is sent as any other then. It is an account's, and its user's.
 */

#pragma once

#include "client.h"

G_BEGIN_DECLS

typedef struct _IdentifaiEarlyUpload IdentifaiEarlyUpload;

/* Any thread, never blocks. */

/* request: has a file that grows, and all else that is sent. */
IdentifaiEarlyUpload *identifai_early_upload_new (IdentifaiClient * client,
    IdentifaiRequest * request);
/* It isn't under way, and won't be. */
gboolean identifai_early_upload_is_over (IdentifaiEarlyUpload * self);
/* Takes over the upload, whose body breaks off: the service doesn't have the file. */
void identifai_early_upload_cancel (IdentifaiEarlyUpload * self);
/* Takes over the upload, whose file is all there, which is file: as
 * identifai_client_submit(). */
void identifai_early_upload_submit (IdentifaiEarlyUpload * self,
    IdentifaiMemoryFile * file, gpointer data, GDestroyNotify free_data);

G_END_DECLS
