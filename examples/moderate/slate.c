/* identifai-moderate: the built-in slate: dark grey, and silence
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "slate.h"

#include <glib/gstdio.h>
#include <gst/gst.h>

#define LONGEST_MAKING (20 * GST_SECOND)

#define SLATE "mp4mux name=mux ! filesink name=file  " \
    "videotestsrc num-buffers=50 pattern=solid-color foreground-color=0xff303030 ! " \
    "video/x-raw,format=I420,width=1280,height=720,framerate=25/1 ! " \
    "x264enc key-int-max=50 bframes=0 speed-preset=veryfast ! h264parse ! " \
    "queue ! mux.  " \
    "audiotestsrc num-buffers=94 wave=silence samplesperbuffer=1024 ! " \
    "audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! queue ! mux."

/* A file that is read again is checked on a thread of its own. */
static GMutex lock;
static gchar *folder, *path;

static gboolean
run (GstElement * pipeline, GError ** error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  gboolean good;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, LONGEST_MAKING,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  good = message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  if (message == NULL)
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE,
        "the built-in slate could not be made in time");
  else if (!good)
    gst_message_parse_error (message, error, NULL);
  if (message != NULL)
    gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return good;
}

static gboolean
make (GError ** error)
{
  g_autoptr (GstElement) pipeline = gst_parse_launch_full (SLATE, NULL,
      GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr (GstElement) file = NULL;

  if (pipeline == NULL)
    return FALSE;
  gst_object_ref_sink (pipeline);
  if (folder == NULL)
    folder = g_dir_make_tmp ("identifai-slate-XXXXXX", error);
  if (folder == NULL)
    return FALSE;
  path = g_build_filename (folder, "slate.mp4", NULL);
  file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (file, "location", path, NULL);
  return run (pipeline, error);
}

static void
clear_locked (void)
{
  if (path != NULL)
    g_unlink (path);
  if (folder != NULL)
    g_rmdir (folder);
  g_clear_pointer (&path, g_free);
  g_clear_pointer (&folder, g_free);
}

const gchar *
mod_slate_get_builtin (GError ** error)
{
  const gchar *made;

  g_mutex_lock (&lock);
  if (path == NULL && !make (error))
    clear_locked ();
  made = path;
  g_mutex_unlock (&lock);
  return made;
}

/* The end doesn't wait for one that is being made. */
void
mod_slate_clear (void)
{
  if (!g_mutex_trylock (&lock))
    return;
  clear_locked ();
  g_mutex_unlock (&lock);
}
