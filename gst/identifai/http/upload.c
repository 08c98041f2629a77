/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "upload.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

struct _IdentifaiUpload
{
  GFilterInputStream parent;

  IdentifaiUploadHold begin;    /* NULL once it may begin */
  IdentifaiUploadHold hold;     /* NULL once the end may go */
  IdentifaiUploadStopped stopped;       /* NULL once that was read */
  gpointer user_data;
};

G_DEFINE_TYPE (IdentifaiUpload, identifai_upload, G_TYPE_FILTER_INPUT_STREAM);

/* One read_async(), held in the task until it may go on. */
typedef struct
{
  void *buffer;
  gsize count;
} Read;

static gboolean
reaches_end (IdentifaiUpload * self, gsize count)
{
  IdentifaiRequestBody *body =
      IDENTIFAI_REQUEST_BODY (g_filter_input_stream_get_base_stream
      (G_FILTER_INPUT_STREAM (self)));

  return identifai_request_body_get_length (body)
      - identifai_request_body_get_sent (body) <= count;
}

static gint64
ask_one (IdentifaiUpload * self, IdentifaiUploadHold * which)
{
  gint64 wait = *which ? (*which) (self->user_data) : 0;

  if (wait <= 0)
    *which = NULL;

  return MAX (wait, 0);
}

/* µs to wait before a read of count bytes. */
static gint64
ask (IdentifaiUpload * self, gsize count)
{
  gint64 wait = ask_one (self, &self->begin);

  if (wait > 0 || !reaches_end (self, count))
    return wait;

  return ask_one (self, &self->hold);
}

static void
finish_read (GTask * task)
{
  GInputStream *stream = g_task_get_source_object (task);
  Read *read = g_task_get_task_data (task);
  GError *error = NULL;
  gssize got;

  got = g_input_stream_read (g_filter_input_stream_get_base_stream
      (G_FILTER_INPUT_STREAM (stream)), read->buffer, read->count,
      g_task_get_cancellable (task), &error);
  if (got < 0)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, got);
  if (got == 0 && read->count > 0)
    IDENTIFAI_UPLOAD (stream)->stopped = NULL;
}

static gboolean on_hold_over (gpointer user_data);

static void
hold_read (GTask * task, gint64 wait)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  GSource *source = g_timeout_source_new ((wait + 999) / 1000);

  if (cancellable) {
    GSource *cancelled = g_cancellable_source_new (cancellable);

    g_source_set_dummy_callback (cancelled);
    g_source_add_child_source (source, cancelled);
    g_source_unref (cancelled);
  }
  g_task_attach_source (task, source, on_hold_over);
  g_source_unref (source);
}

static gboolean
on_hold_over (gpointer user_data)
{
  GTask *task = user_data;
  Read *read = g_task_get_task_data (task);
  gint64 wait;

  if (g_task_return_error_if_cancelled (task))
    return G_SOURCE_REMOVE;

  wait = ask (g_task_get_source_object (task), read->count);
  if (wait > 0)
    hold_read (task, wait);
  else
    finish_read (task);

  return G_SOURCE_REMOVE;
}

static void
identifai_upload_read_async (GInputStream * stream, void *buffer, gsize count,
    int priority, GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  Read *read = g_new (Read, 1);
  gint64 wait = ask (IDENTIFAI_UPLOAD (stream), count);

  read->buffer = buffer;
  read->count = count;
  g_task_set_task_data (task, read, g_free);
  g_task_set_priority (task, priority);

  if (wait > 0)
    hold_read (task, wait);
  else
    finish_read (task);
  g_object_unref (task);
}

static gssize
identifai_upload_read_finish (GInputStream * stream, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_int (G_TASK (result), error);
}

static void
tell_stopped (IdentifaiUpload * self)
{
  IdentifaiUploadStopped stopped = self->stopped;

  GST_LOG ("body is closed%s", stopped ? " before its end" : "");

  self->stopped = NULL;
  if (stopped)
    stopped (self->user_data);
}

/* There is nothing to wait for (workaround CLOSE). */
static void
identifai_upload_close_async (GInputStream * stream, int priority,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  GError *error = NULL;

  tell_stopped (IDENTIFAI_UPLOAD (stream));
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_priority (task, priority);
  if (G_INPUT_STREAM_GET_CLASS (stream)->close_fn (stream, cancellable, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static gboolean
identifai_upload_close_finish (GInputStream * stream, GAsyncResult * result,
    GError ** error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
identifai_upload_class_init (IdentifaiUploadClass * klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  stream_class->read_async = identifai_upload_read_async;
  stream_class->read_finish = identifai_upload_read_finish;
  stream_class->close_async = identifai_upload_close_async;
  stream_class->close_finish = identifai_upload_close_finish;
}

static void
identifai_upload_init (IdentifaiUpload * self)
{
}

GInputStream *
identifai_upload_new (IdentifaiRequestBody * body, IdentifaiUploadHold begin,
    IdentifaiUploadHold hold, IdentifaiUploadStopped stopped,
    gpointer user_data)
{
  IdentifaiUpload *self = g_object_new (IDENTIFAI_TYPE_UPLOAD,
      "base-stream", body, NULL);

  self->begin = begin;
  self->hold = hold;
  self->stopped = stopped;
  self->user_data = user_data;

  return G_INPUT_STREAM (self);
}

void
identifai_upload_release (IdentifaiUpload * self)
{
  self->begin = self->hold = NULL;
  self->stopped = NULL;
}
