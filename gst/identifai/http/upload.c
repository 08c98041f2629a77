/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stream that libsoup reads a body from: holds it back, feeds it as it grows, and
 * writes the middle of it to the connection itself. The exchange's thread.
 */

#include "upload.h"
#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

/* Waits that are longer are told. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

/* Of the body that goes out at once. */
#define PIECE_BYTES (128 * 1024)

struct _IdentifaiUpload
{
  GFilterInputStream parent;

  gchar *name, *what;           /* for the log */
  IdentifaiUploadHold begin;    /* NULL once it may begin */
  IdentifaiUploadHold hold;     /* NULL once the end may go */
  IdentifaiUploadStopped stopped;       /* NULL once that was read */
  gpointer user_data;

  GPollableOutputStream *output;        /* or NULL */
  IdentifaiUploadWrote wrote;
  guint8 *piece;                /* of the body, on its way to output; or NULL */
  gsize piece_bytes, piece_done;
};

G_DEFINE_TYPE (IdentifaiUpload, identifai_upload, G_TYPE_FILTER_INPUT_STREAM);

/* One read_async(), held in the task until it may go on. */
typedef struct
{
  void *buffer;
  gsize count;
  const gchar *cause;           /* of the wait; static, NULL: it doesn't wait */
  gint64 since;
} Read;

/* What is waited for. */
static const gchar leave_to_send[] = "leave to send the body (100 Continue)";
static const gchar limit_of_arrivals[] = "the limit of arrivals";
static const gchar more_of_file[] = "more of the file, which is being muxed";
static const gchar room_in_connection[] = "the other side to take more";

static void
end_wait (IdentifaiUpload * self, Read * read)
{
  gint64 took = identifai_clock_now () - read->since;

  if (read->cause == room_in_connection && took >= LONG_WAIT)
    GST_LOG_ID (self->name, "%s: waited %d ms for %s", self->what,
        (gint) (took / G_TIME_SPAN_MILLISECOND), read->cause);
  else if (read->cause != NULL && took >= LONG_WAIT)
    GST_DEBUG_ID (self->name, "%s: waited %d ms for %s", self->what,
        (gint) (took / G_TIME_SPAN_MILLISECOND), read->cause);
  read->cause = NULL;
}

/* Or the one before goes on. */
static void
begin_wait (IdentifaiUpload * self, Read * read, const gchar * cause)
{
  if (read->cause == cause)
    return;
  end_wait (self, read);
  read->cause = cause;
  read->since = identifai_clock_now ();
}

static IdentifaiRequestBody *
get_body (IdentifaiUpload * self)
{
  return IDENTIFAI_REQUEST_BODY (g_filter_input_stream_get_base_stream
      (G_FILTER_INPUT_STREAM (self)));
}

static guint64
get_left (IdentifaiUpload * self)
{
  IdentifaiRequestBody *body = get_body (self);

  return identifai_request_body_get_length (body)
      - identifai_request_body_get_sent (body);
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

  if (wait > 0 || get_left (self) > count)
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

  end_wait (IDENTIFAI_UPLOAD (stream), read);
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

static void go_on (GTask * task);

static gboolean
on_hold_over (gpointer user_data)
{
  GTask *task = user_data;

  if (!g_task_return_error_if_cancelled (task))
    go_on (task);

  return G_SOURCE_REMOVE;
}

/* Takes over the source, which cancelling the task makes ready, too. */
static void
wait_for (GTask * task, GSource * source, GSourceFunc func)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (cancellable) {
    GSource *cancelled = g_cancellable_source_new (cancellable);

    g_source_set_dummy_callback (cancelled);
    g_source_add_child_source (source, cancelled);
    g_source_unref (cancelled);
  }
  g_task_attach_source (task, source, func);
  g_source_unref (source);
}

static void
hold_read (GTask * task, gint64 wait)
{
  wait_for (task, g_timeout_source_new ((wait + 999) / 1000), on_hold_over);
}

/* A file that grows: until there is more of it. */

static gboolean
on_more (gpointer user_data)
{
  GTask *task = user_data;

  identifai_request_body_wake (get_body (g_task_get_source_object (task)),
      NULL);

  return on_hold_over (task);
}

static gboolean
dispatch_ready (GSource * source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs ready_funcs = {.dispatch = dispatch_ready };

static void
starve_read (GTask * task)
{
  GSource *source = g_source_new (&ready_funcs, sizeof (GSource));

  g_source_set_name (source, "identifai growing file");
  identifai_request_body_wake (get_body (g_task_get_source_object (task)),
      source);
  wait_for (task, source, on_more);
}

/* Workaround PIECES. All but the last count bytes, which end the body as libsoup has
 * it, go straight to the connection. */

/* FALSE with error. */
static gboolean
fill_piece (IdentifaiUpload * self, gsize count, GError ** error)
{
  gsize bytes = MIN (get_left (self) - count, PIECE_BYTES);
  gssize got;

  if (self->piece == NULL)
    self->piece = g_malloc (PIECE_BYTES);
  got = g_input_stream_read (g_filter_input_stream_get_base_stream
      (G_FILTER_INPUT_STREAM (self)), self->piece, bytes, NULL, error);
  self->piece_bytes = MAX (got, 0);
  self->piece_done = 0;

  return got >= 0;
}

/* FALSE with error. */
static gboolean
write_piece (IdentifaiUpload * self, GError ** error)
{
  gssize wrote = g_pollable_output_stream_write_nonblocking (self->output,
      self->piece + self->piece_done, self->piece_bytes - self->piece_done,
      NULL, error);

  if (wrote < 0 && g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    g_clear_error (error);
    wrote = 0;
  }
  if (wrote <= 0)
    return wrote == 0;
  self->piece_done += wrote;
  self->wrote (wrote, self->user_data);

  return TRUE;
}

static gboolean
has_piece (IdentifaiUpload * self)
{
  return self->piece_done < self->piece_bytes;
}

static gboolean
on_writable (GObject * stream, gpointer user_data)
{
  GTask *task = user_data;
  IdentifaiUpload *self = g_task_get_source_object (task);
  Read *read = g_task_get_task_data (task);
  GError *error = NULL;

  end_wait (self, read);
  if (g_task_return_error_if_cancelled (task))
    return G_SOURCE_REMOVE;
  if (self->output == NULL || ((has_piece (self)
              || fill_piece (self, read->count, &error))
          && write_piece (self, &error)))
    go_on (task);
  else
    g_task_return_error (task, error);

  return G_SOURCE_REMOVE;
}

/* One piece a round of the main loop, which others share. */
static void
pass_on (GTask * task)
{
  IdentifaiUpload *self = g_task_get_source_object (task);
  GSource *source = g_pollable_output_stream_create_source (self->output,
      g_task_get_cancellable (task));

  g_task_attach_source (task, source, G_SOURCE_FUNC (on_writable));
  g_source_unref (source);
}

static void
go_on (GTask * task)
{
  IdentifaiUpload *self = g_task_get_source_object (task);
  Read *read = g_task_get_task_data (task);
  gboolean passes = self->output != NULL && (has_piece (self)
      || get_left (self) > read->count);
  gint64 wait = has_piece (self) ? 0 : ask (self, read->count);

  if (wait > 0) {
    begin_wait (self, read, self->begin ? leave_to_send : limit_of_arrivals);
    hold_read (task, wait);
  } else if (identifai_request_body_is_starved (get_body (self))) {
    begin_wait (self, read, more_of_file);
    starve_read (task);
  } else if (passes) {
    begin_wait (self, read, room_in_connection);
    pass_on (task);
  } else {
    finish_read (task);
  }
}

static void
identifai_upload_read_async (GInputStream * stream, void *buffer, gsize count,
    int priority, GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data)
{
  GTask *task = g_task_new (stream, cancellable, callback, user_data);
  Read *read = g_new0 (Read, 1);

  read->buffer = buffer;
  read->count = count;
  g_task_set_task_data (task, read, g_free);
  g_task_set_priority (task, priority);
  go_on (task);
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
identifai_upload_finalize (GObject * object)
{
  IdentifaiUpload *self = IDENTIFAI_UPLOAD (object);

  g_clear_object (&self->output);
  g_free (self->piece);
  g_free (self->name);
  g_free (self->what);
  G_OBJECT_CLASS (identifai_upload_parent_class)->finalize (object);
}

static void
identifai_upload_class_init (IdentifaiUploadClass * klass)
{
  GInputStreamClass *stream_class = G_INPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = identifai_upload_finalize;
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
identifai_upload_new (IdentifaiRequestBody * body, const gchar * name,
    const gchar * what, IdentifaiUploadHold begin, IdentifaiUploadHold hold,
    IdentifaiUploadStopped stopped, gpointer user_data)
{
  IdentifaiUpload *self = g_object_new (IDENTIFAI_TYPE_UPLOAD,
      "base-stream", body, NULL);

  self->name = g_strdup (name);
  self->what = g_strdup (what);
  self->begin = begin;
  self->hold = hold;
  self->stopped = stopped;
  self->user_data = user_data;

  return G_INPUT_STREAM (self);
}

void
identifai_upload_set_output (IdentifaiUpload * self, GIOStream * connection,
    IdentifaiUploadWrote wrote)
{
  GOutputStream *output = g_io_stream_get_output_stream (connection);

  if (self->output != NULL || !G_IS_POLLABLE_OUTPUT_STREAM (output)
      || !g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (output)))
    return;
  self->output = g_object_ref (G_POLLABLE_OUTPUT_STREAM (output));
  self->wrote = wrote;
}

void
identifai_upload_release (IdentifaiUpload * self)
{
  self->begin = self->hold = NULL;
  self->stopped = NULL;
  g_clear_object (&self->output);
  self->piece_bytes = 0;
}
