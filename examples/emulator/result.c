/* identifai-emulator: results as the service documents them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "result.h"
#include "options.h"

static void
set_string (JsonObject * object, const gchar * name, const gchar * value)
{
  if (value != NULL)
    json_object_set_string_member (object, name, value);
  else
    json_object_set_null_member (object, name);
}

static const gchar *
classification_to_string (gboolean artificial)
{
  return artificial ? "artificial" : "human";
}

/* The models that a heuristic asks. */
static JsonArray *
build_model_names (EmuHeuristic heuristic)
{
  JsonArray *names = json_array_new ();
  guint i;

  for (i = 0; emu_models[i].name != NULL; i++) {
    if (emu_models[i].purpose == EMU_PURPOSE_GENERATION
        && !(emu_models[i].obsolete
            && heuristic == EMU_HEURISTIC_AVERAGE_EXCLUDE_OBSOLETE))
      json_array_add_string_element (names, emu_models[i].name);
  }
  return names;
}

static JsonObject *
build_verdict (EmuHeuristic heuristic, const EmuVerdict * verdict)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "heuristic",
      emu_heuristic_to_string (heuristic));
  json_object_set_double_member (object, "confidence", verdict->confidence);
  set_string (object, "classification", verdict->unknown ? NULL
      : classification_to_string (verdict->artificial));
  json_object_set_int_member (object, "count", verdict->count);
  json_object_set_array_member (object, "models",
      build_model_names (heuristic));
  json_object_set_boolean_member (object, "unknown", verdict->unknown);
  return object;
}

/* "verdict" and "verdicts", from one verdict a heuristic. */
static void
set_verdicts (JsonObject * object, const EmuVerdict * verdicts)
{
  JsonArray *all = json_array_new ();
  guint i;

  for (i = 0; i < EMU_N_HEURISTICS; i++)
    json_array_add_object_element (all, build_verdict (i, &verdicts[i]));
  json_object_set_object_member (object, "verdict",
      build_verdict (EMU_DEFAULT_HEURISTIC, &verdicts[EMU_DEFAULT_HEURISTIC]));
  json_object_set_array_member (object, "verdicts", all);
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
  for (i = 0; i < EMU_N_HEURISTICS; i++)
    verdicts[i] = emu_heuristic_judge (i, opinions, n);
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

static JsonObject *
build_score (const gchar * label, gdouble score)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "label", label);
  json_object_set_double_member (object, "score", score);
  return object;
}

static JsonObject *
build_model_result (const EmuModel * model, const EmuOpinion * opinion,
    gdouble elapsed)
{
  JsonObject *object = json_object_new ();
  JsonObject *details = json_object_new ();
  JsonArray *scores = json_array_new ();

  json_object_set_string_member (object, "model", model->name);
  json_object_set_boolean_member (object, "unknown", opinion->unknown);
  json_object_set_double_member (object, "elapsed_time", elapsed);
  if (!opinion->unknown) {
    json_array_add_object_element (scores,
        build_score ("artificial", opinion->score));
    json_array_add_object_element (scores,
        build_score ("human", 1 - opinion->score));
  }
  json_object_set_array_member (object, "classification", scores);
  json_object_set_string_member (details, "rule", model->rule);
  json_object_set_object_member (object, "classification_details", details);
  return object;
}

static JsonObject *
build_frame (EmuSubmission * submission, const EmuJudgedFrame * frame,
    guint index)
{
  JsonObject *object = json_object_new ();
  JsonArray *results = json_array_new ();
  EmuVerdict verdicts[EMU_N_HEURISTICS];
  g_autofree gchar *identifier = g_strdup_printf ("%s-%u",
      submission->identifier, index);
  g_autofree gchar *name = g_strdup_printf ("frame-%u", frame->picture->number);
  guint i;

  json_object_set_string_member (object, "hash", submission->hash);
  json_object_set_string_member (object, "identifier", identifier);
  json_object_set_string_member (object, "api_version", EMU_API_VERSION);
  json_object_set_string_member (object, "status", "done");
  json_object_set_string_member (object, "name", name);
  if (GST_CLOCK_TIME_IS_VALID (frame->picture->pts))
    json_object_set_double_member (object, "emulator_time",
        frame->picture->pts / (gdouble) GST_SECOND);
  json_object_set_boolean_member (object, "has_heatmap", FALSE);
  json_object_set_null_member (object, "force_classification");
  judge_frame (frame, verdicts);
  set_verdicts (object, verdicts);
  for (i = 0; emu_models[i].name != NULL; i++) {
    if (emu_models[i].purpose == EMU_PURPOSE_GENERATION)
      json_array_add_object_element (results,
          build_model_result (&emu_models[i], &frame->opinions[i],
              frame->elapsed));
  }
  json_object_set_array_member (object, "results", results);
  return object;
}

static JsonObject *
build_common (EmuSubmission * submission, const gchar * base, EmuStatus status)
{
  JsonObject *object = json_object_new ();
  g_autofree gchar *url = g_strdup_printf ("%s/#%s", base,
      submission->identifier);

  json_object_set_string_member (object, "hash", submission->hash);
  json_object_set_string_member (object, "identifier", submission->identifier);
  json_object_set_string_member (object, "api_version", EMU_API_VERSION);
  json_object_set_string_member (object, "status",
      emu_status_to_string (status));
  set_string (object, "errors", status == EMU_STATUS_ERRORED
      ? submission->judgement->error : NULL);
  set_string (object, "name", submission->name);
  set_string (object, "ref_id", submission->parameters.ref_id);
  json_object_set_string_member (object, "result_url", url);
  json_object_set_null_member (object, "is_nsfw");
  json_object_set_string_member (object, "emulator", EMU_NOTICE);
  return object;
}

static void
set_no_verdict (JsonObject * object)
{
  json_object_set_null_member (object, "verdict");
  json_object_set_array_member (object, "verdicts", json_array_new ());
}

JsonNode *
emu_result_build (EmuSubmission * submission, const gchar * base, gint64 now)
{
  EmuStatus status = emu_submission_get_status (submission, now);
  JsonObject *object = build_common (submission, base, status);
  JsonObject *results = json_object_new ();
  JsonArray *images = json_array_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  EmuVerdict verdicts[EMU_N_HEURISTICS];
  guint i;

  if (status == EMU_STATUS_DONE) {
    GPtrArray *frames = submission->judgement->frames;

    judge_video (frames, verdicts);
    set_verdicts (object, verdicts);
    for (i = 0; i < frames->len; i++)
      json_array_add_object_element (images,
          build_frame (submission, g_ptr_array_index (frames, i), i));
  } else {
    set_no_verdict (object);
  }
  json_object_set_null_member (object, "force_classification");
  json_object_set_array_member (results, "images", images);
  json_object_set_array_member (results, "audios", json_array_new ());
  json_object_set_object_member (object, "results", results);
  json_node_take_object (node, object);
  return node;
}
