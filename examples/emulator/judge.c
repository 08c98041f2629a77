/* identifai-emulator: judges a file in a worker thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "judge.h"
#include "heatmap.h"
#include "png.h"

#define STOP_PATIENCE (400 * 1000)      /* µs */
#define THUMBNAIL_STEP 2        /* of the pictures' 256 pixels */

struct _EmuCourt
{
  GThreadPool *pool;
  GCancellable *cancellable;
  GstClockTime timeout;
  GMutex lock;
  GCond idle;
  guint cases;                  /* under lock: submitted, not finished */
  GAsyncQueue *finished;        /* of Case: from the workers to the context */
  GSource *source;              /* takes them out; protected by nothing: only
                                 * g_source_set_ready_time() in the workers */
};

typedef struct
{
  gchar *path;
  EmuDecodeRequest request;
  gboolean ensure_face, heatmap;
  EmuJudgedFunc judged;
  gpointer user_data;
  GDestroyNotify free_data;
  EmuJudgement *judgement;
} Case;

static void
free_judged_frame (gpointer data)
{
  EmuJudgedFrame *frame = data;

  g_clear_pointer (&frame->thumbnail, g_bytes_unref);
  g_clear_pointer (&frame->heatmap, g_bytes_unref);
  g_free (frame);
}

void
emu_judgement_drop_thumbnails (EmuJudgement * self)
{
  guint i;

  for (i = 0; i < self->frames->len; i++) {
    EmuJudgedFrame *frame = g_ptr_array_index (self->frames, i);

    g_clear_pointer (&frame->thumbnail, g_bytes_unref);
  }
}

static void
rule_frame (EmuJudgedFrame * frame, EmuRuling ruling)
{
  guint i;

  for (i = 0; emu_models[i].name != NULL; i++) {
    EmuOpinion *opinion = &frame->opinions[i];

    if (emu_models[i].purpose != EMU_PURPOSE_GENERATION)
      continue;
    opinion->unknown = ruling == EMU_RULING_UNKNOWN;
    opinion->score = ruling == EMU_RULING_ARTIFICIAL;
  }
}

static void
rule_clip (EmuSoundClip * clip, EmuRuling ruling)
{
  clip->loud = ruling == EMU_RULING_UNKNOWN ? 0 : clip->windows;
  clip->marked = ruling == EMU_RULING_ARTIFICIAL ? clip->windows : 0;
  clip->tones = clip->marked;
}

void
emu_judgement_rule (EmuJudgement * self, EmuRuling ruling)
{
  guint i;

  if (ruling == EMU_RULING_NONE)
    return;
  if (ruling == EMU_RULING_ERRORED && self->error == NULL)
    self->error = g_strdup ("The file is errored, as a rule has it.");
  for (i = 0; i < self->frames->len; i++)
    rule_frame (g_ptr_array_index (self->frames, i), ruling);
  for (i = 0; self->clips != NULL && i < self->clips->len; i++)
    rule_clip (&g_array_index (self->clips, EmuSoundClip, i), ruling);
}

void
emu_judgement_free (EmuJudgement * self)
{
  g_clear_pointer (&self->clips, g_array_unref);
  g_free (self->error);
  g_ptr_array_unref (self->frames);
  g_free (self);
}

static void
free_case (gpointer data)
{
  Case *self = data;

  g_clear_pointer (&self->judgement, emu_judgement_free);
  self->free_data (self->user_data);
  g_free (self->path);
  g_free (self);
}

static EmuJudgedFrame *
judge_picture (Case * self, const EmuPicture * picture)
{
  EmuJudgedFrame *frame = g_new0 (EmuJudgedFrame, 1);
  gint64 start = g_get_monotonic_time ();
  const guint8 *rgb = g_bytes_get_data (picture->rgb, NULL);
  guint i;

  frame->pts = picture->pts;
  frame->number = picture->number;
  frame->width = picture->full_width;
  frame->height = picture->full_height;
  frame->pixels = emu_pixels_count (rgb, picture->width, picture->height);
  for (i = 0; emu_models[i].name != NULL; i++)
    frame->opinions[i] = emu_model_judge (&emu_models[i], &frame->pixels);
  frame->elapsed = (g_get_monotonic_time () - start) / 1e6;
  frame->thumbnail = emu_png_new (rgb, picture->width, picture->height,
      THUMBNAIL_STEP);
  if (self->heatmap)
    frame->heatmap = emu_heatmap_new (rgb, picture->width, picture->height);
  return frame;
}

static void
judge_pictures (Case * self, const EmuDecoded * decoded)
{
  guint i;

  for (i = 0; i < decoded->pictures->len; i++) {
    EmuJudgedFrame *frame =
        judge_picture (self, g_ptr_array_index (decoded->pictures, i));

    if (self->ensure_face && !emu_pixels_have_face (&frame->pixels))
      free_judged_frame (frame);
    else
      g_ptr_array_add (self->judgement->frames, frame);
  }
}

/* What is wrong with a file that does decode, or NULL. */
static const gchar *
find_fault (Case * self, const EmuDecoded * decoded)
{
  switch (self->request.kind) {
    case EMU_KIND_AUDIO:
      return decoded->sound == NULL ? "The file has no sound." : NULL;
    default:
      return decoded->n_frames == 0 || decoded->pictures->len == 0
          ? "The file has no picture that could be decoded." : NULL;
  }
}

static void
judge_decoded (Case * self, const EmuDecoded * decoded)
{
  EmuJudgement *judgement = self->judgement;

  judgement->error = g_strdup (find_fault (self, decoded));
  if (judgement->error != NULL)
    return;
  judgement->n_frames = decoded->n_frames;
  judgement->duration = decoded->duration;
  judge_pictures (self, decoded);
  if (decoded->sound != NULL)
    judgement->clips = g_array_ref (emu_sound_get_clips (decoded->sound));
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
  if (decoded != NULL)
    judge_decoded (self, decoded);
  else
    self->judgement->error = g_strdup_printf ("The file could not be decoded: "
        "%s", error != NULL ? error->message : "cancelled");
  g_async_queue_push (court->finished, self);
  g_source_set_ready_time (court->source, 0);
  g_mutex_lock (&court->lock);
  court->cases--;
  g_cond_signal (&court->idle);
  g_mutex_unlock (&court->lock);
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
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  self->cancellable = g_cancellable_new ();
  self->finished = g_async_queue_new_full (free_case);
  self->source = g_source_new (&functions, sizeof (GSource));
  g_source_set_callback (self->source, hand_out, self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  self->pool = g_thread_pool_new_full (judge_case, self, free_case, n_threads,
      FALSE, NULL);
  return self;
}

/* Decoders end at the next frame, which can take long on a busy machine. */
static gboolean
wait_for_workers (EmuCourt * self)
{
  gint64 deadline = g_get_monotonic_time () + STOP_PATIENCE;
  gboolean idle;

  g_mutex_lock (&self->lock);
  while (self->cases > 0
      && g_cond_wait_until (&self->idle, &self->lock, deadline));
  idle = self->cases == 0;
  g_mutex_unlock (&self->lock);
  return idle;
}

gboolean
emu_court_free (EmuCourt * self)
{
  g_cancellable_cancel (self->cancellable);
  if (!wait_for_workers (self))
    return FALSE;
  g_thread_pool_free (self->pool, FALSE, TRUE);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_async_queue_unref (self->finished);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->idle);
  g_free (self);
  return TRUE;
}

void
emu_court_submit (EmuCourt * self, const gchar * path,
    const EmuParameters * parameters, EmuJudgedFunc judged, gpointer user_data,
    GDestroyNotify free_data)
{
  Case *submitted = g_new0 (Case, 1);

  submitted->path = g_strdup (path);
  submitted->request.max_frames = parameters->frames;
  submitted->request.kind = parameters->kind;
  submitted->request.choice = parameters->choice;
  submitted->request.sound = parameters->audio
      || parameters->kind == EMU_KIND_AUDIO;
  submitted->request.timeout = self->timeout;
  submitted->ensure_face = parameters->ensure_face;
  submitted->heatmap = parameters->heatmap;
  submitted->judged = judged;
  submitted->user_data = user_data;
  submitted->free_data = free_data;
  g_mutex_lock (&self->lock);
  self->cases++;
  g_mutex_unlock (&self->lock);
  g_thread_pool_push (self->pool, submitted, NULL);
}
