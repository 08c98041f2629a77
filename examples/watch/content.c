/* identifai-watch: what a file is, by its content
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "content.h"

#include <gst/base/gsttypefindhelper.h>
#include <gst/pbutils/pbutils.h>
#include <gst/gst.h>

#include <stdio.h>

/* What types are told apart by. */
#define HEAD_BYTES 65536
/* How long a file may take to be looked into. */
#define LOOK_TIMEOUT (15 * GST_SECOND)
/* What one upload may be: the service's documented limit, and max-segment-bytes. */
#define MAX_WHOLE_BYTES 50000000

/* What identifaisink posts as it is. */
static const gchar *const containers[] = {
  "video/quicktime", "video/x-matroska", "video/webm", "video/mpegts",
  "video/x-msvideo", "video/x-flv", "video/x-ms-asf", "application/ogg", NULL
};

static GstCaps *
find_type (const gchar * path, guint64 * size, GError ** error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, error);
  g_autoptr (GFileInfo) info = NULL;
  g_autofree guint8 *head = g_malloc (HEAD_BYTES);
  GstCaps *caps;
  gsize got = 0;

  if (stream == NULL || !g_input_stream_read_all (G_INPUT_STREAM (stream), head,
          HEAD_BYTES, &got, NULL, error))
    return NULL;
  info = g_file_input_stream_query_info (stream,
      G_FILE_ATTRIBUTE_STANDARD_SIZE, NULL, NULL);
  *size = info != NULL ? g_file_info_get_size (info) : 0;
  caps = got > 0 ? gst_type_find_helper_for_data (NULL, head, got, NULL) : NULL;
  if (caps == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        got > 0 ? "this is no media that GStreamer knows" : "it is empty");

  return caps;
}

static gboolean
goes_whole (const GstCaps * caps, guint64 size)
{
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  gboolean system = FALSE;

  if (size > MAX_WHOLE_BYTES)
    return FALSE;
  if (g_strv_contains (containers, gst_structure_get_name (s)))
    return TRUE;
  return gst_structure_has_name (s, "video/mpeg")
      && gst_structure_get_boolean (s, "systemstream", &system) && system;
}

static GstDiscovererInfo *
discover (const gchar * path, GError ** error)
{
  g_autofree gchar *uri = gst_filename_to_uri (path, error);
  g_autoptr (GstDiscoverer) discoverer = NULL;

  if (uri == NULL)
    return NULL;
  discoverer = gst_discoverer_new (LOOK_TIMEOUT, error);
  if (discoverer == NULL)
    return NULL;

  return gst_discoverer_discover_uri (discoverer, uri, error);
}

static WatchContent
classify (GstDiscovererInfo * info)
{
  GList *videos = gst_discoverer_info_get_video_streams (info);
  GList *sounds = gst_discoverer_info_get_audio_streams (info);
  GList *item;
  WatchContent content = sounds != NULL ?
      WATCH_CONTENT_SPEECH : WATCH_CONTENT_NONE;

  for (item = videos; item != NULL; item = item->next)
    if (!gst_discoverer_video_info_is_image (item->data))
      content = WATCH_CONTENT_VIDEO;
  gst_discoverer_stream_info_list_free (videos);
  gst_discoverer_stream_info_list_free (sounds);

  return content;
}

static WatchContent
find_content (const gchar * path, GError ** error)
{
  guint64 size = 0;
  g_autoptr (GstCaps) caps = find_type (path, &size, error);
  g_autoptr (GstDiscovererInfo) info = NULL;
  g_autoptr (GError) local = NULL;
  WatchContent content;

  if (caps == NULL)
    return WATCH_CONTENT_NONE;
  if (g_str_has_prefix (gst_structure_get_name (gst_caps_get_structure (caps,
                  0)), "image/"))
    return WATCH_CONTENT_IMAGE;
  info = discover (path, &local);
  content = info != NULL ? classify (info) : WATCH_CONTENT_NONE;
  /* a container that can't be taken apart here may be judged all the same */
  if (content == WATCH_CONTENT_NONE && goes_whole (caps, size))
    content = WATCH_CONTENT_VIDEO;
  if (content == WATCH_CONTENT_VIDEO && goes_whole (caps, size))
    return WATCH_CONTENT_WHOLE_VIDEO;
  if (content == WATCH_CONTENT_NONE)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "there is neither a picture nor sound in it%s%s",
        local != NULL ? ": " : "", local != NULL ? local->message : "");

  return content;
}

static void
find_in_thread (GTask * task, gpointer source, gpointer path,
    GCancellable * cancellable)
{
  GError *error = NULL;
  WatchContent content = find_content (path, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, content);
}

void
watch_content_find (const gchar * path, GCancellable * cancellable,
    GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  /* a file that doesn't answer (a pipe, a disk) is left to its thread */
  g_task_set_return_on_cancel (task, TRUE);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, find_in_thread);
}

WatchContent
watch_content_find_finish (GAsyncResult * result, GError ** error)
{
  gssize content = g_task_propagate_int (G_TASK (result), error);

  return content < 0 ? WATCH_CONTENT_NONE : content;
}
