/* identifai-emulator: judges a file in a worker thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "judge.h"

struct _EmuCourt
{
  GThreadPool *pool;
  GCancellable *cancellable;
  GstClockTime timeout;
  GAsyncQueue *finished;        /* of Case: from the workers to the context */
  GSource *source;              /* takes them out; protected by nothing: only
                                 * g_source_set_ready_time() in the workers */
};

typedef struct
{
  gchar *path;
  EmuDecodeRequest request;
  gboolean ensure_face;
  EmuJudgedFunc judged;
  gpointer user_data;
  EmuJudgement *judgement;
} Case;

static void
free_judged_frame (gpointer data)
{
  EmuJudgedFrame *frame = data;

  emu_picture_free (frame->picture);
  g_free (frame);
}

void
emu_judgement_free (EmuJudgement * self)
{
  g_free (self->error);
  g_ptr_array_unref (self->frames);
  g_free (self);
}

static void
free_case (gpointer data)
{
  Case *self = data;

  g_clear_pointer (&self->judgement, emu_judgement_free);
  g_free (self->path);
  g_free (self);
}

/* Takes over the picture. */
static EmuJudgedFrame *
judge_picture (EmuPicture * picture)
{
  EmuJudgedFrame *frame = g_new0 (EmuJudgedFrame, 1);
  gint64 start = g_get_monotonic_time ();
  guint i;

  frame->picture = picture;
  frame->pixels = emu_pixels_count (g_bytes_get_data (picture->rgb, NULL),
      picture->width, picture->height);
  for (i = 0; emu_models[i].name != NULL; i++)
    frame->opinions[i] = emu_model_judge (&emu_models[i], &frame->pixels);
  frame->elapsed = (g_get_monotonic_time () - start) / 1e6;
  return frame;
}

static void
judge_pictures (Case * self, EmuDecoded * decoded)
{
  guint i;

  /* The frames take the pictures over one by one. */
  g_ptr_array_set_free_func (decoded->pictures, NULL);
  for (i = 0; i < decoded->pictures->len; i++) {
    EmuJudgedFrame *frame =
        judge_picture (g_ptr_array_index (decoded->pictures, i));

    if (self->ensure_face && !emu_pixels_have_face (&frame->pixels))
      free_judged_frame (frame);
    else
      g_ptr_array_add (self->judgement->frames, frame);
  }
}

static void
judge_case (gpointer data, gpointer user_data)
{
  Case *self = data;
  EmuCourt *court = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EmuDecoded) decoded = NULL;

  self->judgement = g_new0 (EmuJudgement, 1);
  self->judgement->frames = g_ptr_array_new_with_free_func (free_judged_frame);
  if (!g_cancellable_is_cancelled (court->cancellable))
    decoded = emu_decode (self->path, &self->request, court->cancellable,
        &error);
  if (decoded == NULL) {
    self->judgement->error = g_strdup_printf ("The file could not be decoded: "
        "%s", error != NULL ? error->message : "cancelled");
  } else if (decoded->n_frames == 0) {
    self->judgement->error = g_strdup ("The file has no video.");
  } else {
    self->judgement->n_frames = decoded->n_frames;
    self->judgement->duration = decoded->duration;
    judge_pictures (self, decoded);
  }
  g_async_queue_push (court->finished, self);
  g_source_set_ready_time (court->source, 0);
}

static gboolean
dispatch (GSource * source, GSourceFunc callback, gpointer user_data)
{
  g_source_set_ready_time (source, -1);
  return callback (user_data);
}

static gboolean
hand_out (gpointer user_data)
{
  EmuCourt *self = user_data;
  Case *finished;

  while ((finished = g_async_queue_try_pop (self->finished)) != NULL) {
    finished->judged (g_steal_pointer (&finished->judgement),
        finished->user_data);
    free_case (finished);
  }
  return G_SOURCE_CONTINUE;
}

EmuCourt *
emu_court_new (guint n_threads, GstClockTime timeout)
{
  static GSourceFuncs functions = { NULL, NULL, dispatch, NULL };
  EmuCourt *self = g_new0 (EmuCourt, 1);

  self->timeout = timeout;
  self->cancellable = g_cancellable_new ();
  self->finished = g_async_queue_new_full (free_case);
  self->source = g_source_new (&functions, sizeof (GSource));
  g_source_set_callback (self->source, hand_out, self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  self->pool = g_thread_pool_new_full (judge_case, self, free_case, n_threads,
      FALSE, NULL);
  return self;
}

void
emu_court_free (EmuCourt * self)
{
  g_cancellable_cancel (self->cancellable);
  g_thread_pool_free (self->pool, TRUE, TRUE);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_async_queue_unref (self->finished);
  g_object_unref (self->cancellable);
  g_free (self);
}

void
emu_court_submit (EmuCourt * self, const gchar * path,
    const EmuParameters * parameters, EmuJudgedFunc judged, gpointer user_data)
{
  Case *submitted = g_new0 (Case, 1);

  submitted->path = g_strdup (path);
  submitted->request.max_frames = parameters->frames;
  submitted->request.choice = parameters->choice;
  submitted->request.timeout = self->timeout;
  submitted->ensure_face = parameters->ensure_face;
  submitted->judged = judged;
  submitted->user_data = user_data;
  g_thread_pool_push (self->pool, submitted, NULL);
}
