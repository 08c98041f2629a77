/* identifai-watch: what a file is, by its content
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  WATCH_CONTENT_NONE,           /* nothing that is judged */
  WATCH_CONTENT_VIDEO,          /* to be cut into segments */
  WATCH_CONTENT_WHOLE_VIDEO,    /* a container that goes out as it is */
  WATCH_CONTENT_IMAGE,
  WATCH_CONTENT_SPEECH
} WatchContent;

/* Looks into the file on a thread of its own; the callback comes in the thread's default
 * main context. */
void watch_content_find (const gchar * path, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data);
WatchContent watch_content_find_finish (GAsyncResult * result, GError ** error);

G_END_DECLS
