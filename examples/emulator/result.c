/* identifai-emulator: results as the service documents them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "result.h"
#include "options.h"

#include <string.h>

/* What goes into every part of one result. */
typedef struct
{
  EmuSubmission *submission;
  const gchar *base;
  const gchar *forced;          /* classification, or NULL */
} Context;

static void
set_string (JsonObject * object, const gchar * name, const gchar * value)
{
  if (value != NULL)
    json_object_set_string_member (object, name, value);
  else
    json_object_set_null_member (object, name);
}

static JsonArray *
build_model_names (EmuHeuristic heuristic, gboolean sound)
{
  JsonArray *names = json_array_new ();
  gboolean all = heuristic != EMU_HEURISTIC_AVERAGE_EXCLUDE_OBSOLETE;
  guint i;

  for (i = 0; sound && emu_sound_models[i].name != NULL; i++) {
    if (all || !emu_sound_models[i].obsolete)
      json_array_add_string_element (names, emu_sound_models[i].name);
  }
  for (i = 0; !sound && emu_models[i].name != NULL; i++) {
    if (emu_models[i].purpose == EMU_PURPOSE_GENERATION
        && (all || !emu_models[i].obsolete))
      json_array_add_string_element (names, emu_models[i].name);
  }
  return names;
}

static JsonObject *
build_verdict (Context * self, EmuHeuristic heuristic,
    const EmuVerdict * verdict, gboolean sound)
{
  JsonObject *object = json_object_new ();
  const gchar *classification = verdict->unknown ? NULL
      : verdict->artificial ? "artificial" : "human";

  json_object_set_string_member (object, "heuristic",
      emu_heuristic_to_string (heuristic));
  json_object_set_double_member (object, "confidence",
      self->forced != NULL ? 1 : verdict->confidence);
  set_string (object, "classification",
      self->forced != NULL ? self->forced : classification);
  json_object_set_int_member (object, "count", verdict->count);
  json_object_set_array_member (object, "models",
      build_model_names (heuristic, sound));
  json_object_set_boolean_member (object, "unknown",
      self->forced == NULL && verdict->unknown);
  return object;
}

/* "verdict", "verdicts" and what forced them, from one verdict a heuristic. */
static void
set_verdicts (Context * self, JsonObject * object, const EmuVerdict * verdicts,
    gboolean sound)
{
  JsonArray *all = json_array_new ();
  guint i;

  for (i = 0; i < EMU_N_HEURISTICS; i++)
    json_array_add_object_element (all, build_verdict (self, i, &verdicts[i],
            sound));
  json_object_set_object_member (object, "verdict",
      build_verdict (self, EMU_DEFAULT_HEURISTIC,
          &verdicts[EMU_DEFAULT_HEURISTIC], sound));
  json_object_set_array_member (object, "verdicts", all);
  set_string (object, "force_classification", self->forced);
}

static void
judge_all (const EmuOpinion * opinions, guint n, EmuVerdict * verdicts)
{
  guint i;

  for (i = 0; i < EMU_N_HEURISTICS; i++)
    verdicts[i] = emu_heuristic_judge (i, opinions, n);
}

/* What the generation models say of one frame, a verdict a heuristic. */
static void
judge_frame (const EmuJudgedFrame * frame, EmuVerdict * verdicts)
{
  EmuOpinion opinions[EMU_N_MODELS];
  guint i, n = 0;

  for (i = 0; emu_models[i].name != NULL; i++) {
    if (emu_models[i].purpose == EMU_PURPOSE_GENERATION)
      opinions[n++] = frame->opinions[i];
  }
  judge_all (opinions, n, verdicts);
}

/* Each frame has one vote: its verdict's side for the majority, its mean score
 * for the averages. */
static void
judge_video (GPtrArray * frames, EmuVerdict * verdicts)
{
  g_autofree EmuOpinion *opinions = g_new0 (EmuOpinion, frames->len + 1);
  guint h, i;

  for (h = 0; h < EMU_N_HEURISTICS; h++) {
    for (i = 0; i < frames->len; i++) {
      EmuVerdict of_frame[EMU_N_HEURISTICS];

      judge_frame (g_ptr_array_index (frames, i), of_frame);
      opinions[i].unknown = of_frame[h].unknown;
      opinions[i].score = h == EMU_HEURISTIC_MAJORITY
          ? of_frame[h].artificial : of_frame[h].score;
    }
    verdicts[h] = emu_heuristic_judge (h, opinions, frames->len);
  }
}

void
emu_result_judge (EmuSubmission * submission, EmuVerdict * verdicts)
{
  EmuJudgement *judgement = submission->judgement;
  EmuOpinion opinions[EMU_N_SOUND_MODELS];
  EmuSoundClip sum;
  guint i;

  if (submission->parameters.kind != EMU_KIND_AUDIO) {
    judge_video (judgement->frames, verdicts);
    return;
  }
  sum = emu_sound_sum (judgement->clips);
  for (i = 0; i < EMU_N_SOUND_MODELS; i++)
    opinions[i] = emu_sound_judge (i, &sum);
  judge_all (opinions, EMU_N_SOUND_MODELS, verdicts);
}

void
emu_result_judge_frame (const EmuJudgedFrame * frame, EmuVerdict * verdict)
{
  EmuVerdict verdicts[EMU_N_HEURISTICS];

  judge_frame (frame, verdicts);
  *verdict = verdicts[EMU_DEFAULT_HEURISTIC];
}

const gchar *
emu_result_get_forced (EmuSubmission * submission)
{
  if (submission->override != NULL)
    return submission->override;
  return submission->has_c2pa && !submission->parameters.prevent_c2pa_forces
      ? "artificial" : NULL;
}

static void
add_score (JsonArray * scores, const gchar * label, gdouble score)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "label", label);
  json_object_set_double_member (object, "score", score);
  json_array_add_object_element (scores, object);
}

/* One model's opinion; yes and no are what it tells apart. */
static JsonObject *
build_opinion (const gchar * model, const gchar * rule,
    const EmuOpinion * opinion, gdouble elapsed, const gchar * yes,
    const gchar * no)
{
  JsonObject *object = json_object_new ();
  JsonObject *details = json_object_new ();
  JsonArray *scores = json_array_new ();

  json_object_set_string_member (object, "model", model);
  json_object_set_boolean_member (object, "unknown", opinion->unknown);
  json_object_set_double_member (object, "elapsed_time", elapsed);
  if (!opinion->unknown) {
    add_score (scores, yes, opinion->score);
    add_score (scores, no, 1 - opinion->score);
  }
  json_object_set_array_member (object, "classification", scores);
  json_object_set_string_member (details, "rule", rule);
  json_object_set_double_member (details, "confidence", opinion->unknown ? 0
      : MAX (opinion->score, 1 - opinion->score));
  json_object_set_object_member (object, "classification_details", details);
  return object;
}

static JsonArray *
build_frame_opinions (const EmuJudgedFrame * frame)
{
  JsonArray *results = json_array_new ();
  guint i;

  for (i = 0; emu_models[i].name != NULL; i++) {
    if (emu_models[i].purpose == EMU_PURPOSE_GENERATION)
      json_array_add_object_element (results,
          build_opinion (emu_models[i].name, emu_models[i].rule,
              &frame->opinions[i], frame->elapsed, "artificial", "human"));
  }
  return results;
}

/* In pixels of the frame, not of the picture that was looked at. */
static JsonObject *
build_box (const EmuBox * box, const EmuJudgedFrame * frame)
{
  JsonObject *object = json_object_new ();
  gdouble across = (gdouble) frame->width / frame->pixels.width;
  gdouble down = (gdouble) frame->height / frame->pixels.height;

  json_object_set_int_member (object, "x1", box->left * across);
  json_object_set_int_member (object, "x2", (box->right + 1) * across - 1);
  json_object_set_int_member (object, "y1", box->top * down);
  json_object_set_int_member (object, "y2", (box->bottom + 1) * down - 1);
  return object;
}

/* What one model found where: {"detections": [{box, results, verdict}]}. */
static JsonObject *
build_detections (const EmuModel * model, const EmuJudgedFrame * frame,
    const EmuBox * box, const gchar * yes)
{
  const EmuOpinion *opinion = &frame->opinions[model - emu_models];
  JsonObject *object = json_object_new ();
  JsonArray *detections = json_array_new ();

  if (box != NULL && !opinion->unknown) {
    JsonObject *detection = json_object_new ();
    JsonObject *verdict = json_object_new ();
    JsonArray *results = json_array_new ();
    gboolean found = opinion->score >= 0.5;

    json_array_add_object_element (results, build_opinion (model->name,
            model->rule, opinion, frame->elapsed, yes, "authentic"));
    json_object_set_string_member (verdict, "heuristic",
        emu_heuristic_to_string (EMU_DEFAULT_HEURISTIC));
    json_object_set_double_member (verdict, "confidence",
        found ? opinion->score : 1 - opinion->score);
    json_object_set_string_member (verdict, "classification",
        found ? yes : "authentic");
    json_object_set_object_member (detection, "box", build_box (box, frame));
    json_object_set_array_member (detection, "results", results);
    json_object_set_object_member (detection, "verdict", verdict);
    json_array_add_object_element (detections, detection);
  }
  json_object_set_array_member (object, "detections", detections);
  return object;
}

static JsonArray *
build_details (const EmuParameters * parameters, const EmuJudgedFrame * frame)
{
  JsonArray *details = json_array_new ();
  const EmuPixels *pixels = &frame->pixels;
  const EmuModel *model;

  for (model = emu_models; model->name != NULL; model++) {
    if (model->purpose == EMU_PURPOSE_TAMPERING && parameters->tampering) {
      json_array_add_object_element (details, build_detections (model, frame,
              pixels->count[EMU_COLOR_YELLOW] > 0
              ? &pixels->boxes[EMU_COLOR_YELLOW] : NULL, "tampered"));
    } else if (model->purpose == EMU_PURPOSE_MORPHING && parameters->morphing) {
      EmuBox face = emu_pixels_face_box (pixels);

      json_array_add_object_element (details, build_detections (model, frame,
              emu_pixels_have_face (pixels) ? &face : NULL, "morphed"));
    }
  }
  return details;
}

/* 0 or 1; -1 = no opinion. */
static gint
is_nsfw (const EmuJudgedFrame * frame)
{
  const EmuModel *model;

  for (model = emu_models; model->name != NULL; model++) {
    const EmuOpinion *opinion = &frame->opinions[model - emu_models];

    if (model->purpose == EMU_PURPOSE_NSFW)
      return opinion->unknown ? -1 : opinion->score >= 0.5;
  }
  return -1;
}

static void
set_nsfw (JsonObject * object, gint nsfw)
{
  if (nsfw < 0)
    json_object_set_null_member (object, "is_nsfw");
  else
    json_object_set_boolean_member (object, "is_nsfw", nsfw);
}

/* Nothing is verified, so no state is claimed. */
static void
set_c2pa (Context * self, JsonObject * object)
{
  EmuSubmission *submission = self->submission;
  JsonObject *c2pa, *manifests;

  if (!submission->has_c2pa) {
    json_object_set_null_member (object, "c2pa");
    return;
  }
  c2pa = json_object_new ();
  manifests = json_object_new ();
  if (submission->c2pa_label != NULL) {
    JsonObject *manifest = json_object_new ();

    json_object_set_string_member (manifest, "label", submission->c2pa_label);
    json_object_set_object_member (manifests, submission->c2pa_label, manifest);
  }
  json_object_set_object_member (c2pa, "manifests", manifests);
  set_string (c2pa, "active_manifest", submission->c2pa_label);
  json_object_set_null_member (c2pa, "validation_state");
  json_object_set_array_member (c2pa, "validation_status", json_array_new ());
  json_object_set_object_member (object, "c2pa", c2pa);
}

/* What all results and parts of results begin with. suffix: "" or "-3". */
static JsonObject *
build_common (Context * self, const gchar * suffix, const gchar * name,
    EmuStatus status)
{
  EmuSubmission *submission = self->submission;
  JsonObject *object = json_object_new ();
  g_autofree gchar *identifier =
      g_strconcat (submission->identifier, suffix, NULL);
  g_autofree gchar *url = g_strdup_printf ("%s/#%s", self->base,
      submission->identifier);

  json_object_set_string_member (object, "hash", submission->hash);
  json_object_set_string_member (object, "identifier", identifier);
  json_object_set_string_member (object, "api_version", EMU_API_VERSION);
  json_object_set_string_member (object, "status",
      emu_status_to_string (status));
  set_string (object, "errors", status == EMU_STATUS_ERRORED
      ? submission->judgement->error : NULL);
  set_string (object, "name", name);
  set_string (object, "ref_id", submission->parameters.ref_id);
  json_object_set_string_member (object, "result_url", url);
  return object;
}

/* What is said of a picture, whether it is a frame or an image by itself. */
static void
set_frame (Context * self, JsonObject * object, const EmuJudgedFrame * frame)
{
  EmuVerdict verdicts[EMU_N_HEURISTICS];

  set_nsfw (object, self->submission->parameters.nsfw ? is_nsfw (frame) : -1);
  set_c2pa (self, object);
  json_object_set_boolean_member (object, "has_heatmap",
      frame->heatmap != NULL);
  judge_frame (frame, verdicts);
  set_verdicts (self, object, verdicts, FALSE);
  json_object_set_array_member (object, "results",
      build_frame_opinions (frame));
  json_object_set_array_member (object, "details",
      build_details (&self->submission->parameters, frame));
}

static JsonArray *
build_images (Context * self)
{
  GPtrArray *frames = self->submission->judgement->frames;
  JsonArray *images = json_array_new ();
  guint i;

  for (i = 0; i < frames->len; i++) {
    const EmuJudgedFrame *frame = g_ptr_array_index (frames, i);
    g_autofree gchar *suffix = g_strdup_printf ("-%u", i);
    g_autofree gchar *name = g_strdup_printf ("frame-%u", frame->number);
    JsonObject *image = build_common (self, suffix, name, EMU_STATUS_DONE);

    if (GST_CLOCK_TIME_IS_VALID (frame->pts))
      json_object_set_double_member (image, "emulator_time",
          frame->pts / (gdouble) GST_SECOND);
    set_frame (self, image, frame);
    json_array_add_object_element (images, image);
  }
  return images;
}

/* The sound models' opinions of a clip; verdicts: a verdict a heuristic. */
static JsonArray *
build_sound_opinions (const EmuSoundClip * clip, EmuVerdict * verdicts)
{
  EmuOpinion opinions[EMU_N_SOUND_MODELS];
  JsonArray *results = json_array_new ();
  guint i;

  for (i = 0; i < EMU_N_SOUND_MODELS; i++) {
    opinions[i] = emu_sound_judge (i, clip);
    json_array_add_object_element (results,
        build_opinion (emu_sound_models[i].name, emu_sound_models[i].rule,
            &opinions[i], 0, "artificial", "human"));
  }
  judge_all (opinions, EMU_N_SOUND_MODELS, verdicts);
  return results;
}

static JsonArray *
build_clips (Context * self, GArray * clips)
{
  JsonArray *array = json_array_new ();
  guint i;

  for (i = 0; i < clips->len; i++) {
    const EmuSoundClip *clip = &g_array_index (clips, EmuSoundClip, i);
    JsonObject *object = json_object_new ();
    gdouble start = i * EMU_SOUND_CLIP_SECONDS;
    EmuVerdict verdicts[EMU_N_HEURISTICS];

    json_object_set_int_member (object, "index", i);
    json_object_set_double_member (object, "start", start);
    json_object_set_double_member (object, "end", start + clip->windows / 10.0);
    json_object_set_array_member (object, "results",
        build_sound_opinions (clip, verdicts));
    json_object_set_object_member (object, "verdict", build_verdict (self,
            EMU_DEFAULT_HEURISTIC, &verdicts[EMU_DEFAULT_HEURISTIC], TRUE));
    json_array_add_object_element (array, object);
  }
  return array;
}

/* What is said of sound, whether it is a video's or a speech by itself. */
static void
set_sound (Context * self, JsonObject * object)
{
  GArray *clips = self->submission->judgement->clips;
  EmuSoundClip sum = emu_sound_sum (clips);
  JsonObject *details = json_object_new ();
  EmuVerdict verdicts[EMU_N_HEURISTICS];

  json_object_set_array_member (object, "results",
      build_sound_opinions (&sum, verdicts));
  set_verdicts (self, object, verdicts, TRUE);
  json_object_set_array_member (details, "clips", build_clips (self, clips));
  json_object_set_object_member (object, "details", details);
}

static gint
video_is_nsfw (EmuSubmission * submission)
{
  GPtrArray *frames = submission->judgement->frames;
  gint nsfw = -1;
  guint i;

  for (i = 0; i < frames->len && submission->parameters.nsfw; i++)
    nsfw = MAX (nsfw, is_nsfw (g_ptr_array_index (frames, i)));
  return nsfw;
}

static void
set_video (Context * self, JsonObject * object)
{
  JsonObject *results = json_object_new ();
  JsonArray *audios = json_array_new ();
  EmuVerdict verdicts[EMU_N_HEURISTICS];

  judge_video (self->submission->judgement->frames, verdicts);
  set_nsfw (object, video_is_nsfw (self->submission));
  set_verdicts (self, object, verdicts, FALSE);
  if (self->submission->judgement->clips != NULL) {
    JsonObject *audio = build_common (self, "-audio", "audio", EMU_STATUS_DONE);

    set_sound (self, audio);
    json_array_add_object_element (audios, audio);
  }
  json_object_set_array_member (results, "images", build_images (self));
  json_object_set_array_member (results, "audios", audios);
  json_object_set_object_member (object, "results", results);
}

static void
set_image (Context * self, JsonObject * object)
{
  set_frame (self, object,
      g_ptr_array_index (self->submission->judgement->frames, 0));
}

static void
set_no_video (JsonObject * object)
{
  JsonObject *results = json_object_new ();

  set_nsfw (object, -1);
  json_object_set_array_member (results, "images", json_array_new ());
  json_object_set_array_member (results, "audios", json_array_new ());
  json_object_set_object_member (object, "results", results);
}

static void
set_no_image (JsonObject * object)
{
  set_nsfw (object, -1);
  json_object_set_null_member (object, "c2pa");
  json_object_set_boolean_member (object, "has_heatmap", FALSE);
  json_object_set_array_member (object, "results", json_array_new ());
  json_object_set_array_member (object, "details", json_array_new ());
}

static void
set_no_sound (JsonObject * object)
{
  JsonObject *details = json_object_new ();

  json_object_set_array_member (object, "results", json_array_new ());
  json_object_set_array_member (details, "clips", json_array_new ());
  json_object_set_object_member (object, "details", details);
}

/* What is particular to the kind, of a result that is done, and of one that is
 * not judged yet or not to be judged at all. */
static const struct
{
  void (*set) (Context * self, JsonObject * object);
  void (*set_empty) (JsonObject * object);
} shapes[EMU_N_KINDS] = {
  {set_video, set_no_video},
  {set_image, set_no_image},
  {set_sound, set_no_sound},
};

static void
set_nothing (Context * self, JsonObject * object)
{
  json_object_set_null_member (object, "verdict");
  json_object_set_array_member (object, "verdicts", json_array_new ());
  set_string (object, "force_classification", NULL);
  shapes[self->submission->parameters.kind].set_empty (object);
}

/* A recorded answer, as if it were this submission's. */
static JsonNode *
build_replay (EmuSubmission * submission)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *recorded = json_node_get_object (submission->replay);
  JsonObject *object = json_object_new ();
  g_autoptr (GList) members = json_object_get_members (recorded);
  GList *member;

  for (member = members; member != NULL; member = member->next)
    json_object_set_member (object, member->data,
        json_object_dup_member (recorded, member->data));
  json_object_set_string_member (object, "identifier", submission->identifier);
  set_string (object, "ref_id", submission->parameters.ref_id);
  json_node_take_object (node, object);
  return node;
}

JsonNode *
emu_result_build (EmuSubmission * submission, const gchar * base, gint64 now)
{
  Context self = { submission, base, emu_result_get_forced (submission) };
  EmuStatus status = emu_submission_get_status (submission, now);
  JsonNode *node;
  JsonObject *object;

  if (status != EMU_STATUS_NEW && submission->replay != NULL)
    return build_replay (submission);
  node = json_node_new (JSON_NODE_OBJECT);
  object = build_common (&self, "", submission->name, status);
  json_object_set_string_member (object, "emulator", EMU_NOTICE);
  if (status == EMU_STATUS_DONE)
    shapes[submission->parameters.kind].set (&self, object);
  else
    set_nothing (&self, object);
  json_node_take_object (node, object);
  return node;
}
