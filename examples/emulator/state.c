/* identifai-emulator: what the page shows
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "state.h"
#include "result.h"

static void
set_text (JsonObject * object, const gchar * name, const gchar * text)
{
  g_autofree gchar *cut = emu_journal_cut (text);

  json_object_set_string_member (object, name, cut);
}

static JsonObject *
build_verdict (const EmuVerdict * verdict)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "classification", verdict->unknown
      ? "unknown" : verdict->artificial ? "artificial" : "human");
  json_object_set_double_member (object, "confidence", verdict->confidence);
  json_object_set_double_member (object, "score", verdict->score);
  return object;
}

static JsonArray *
build_frames (EmuSubmission * submission)
{
  GPtrArray *frames = submission->judgement->frames;
  JsonArray *array = json_array_new ();
  guint i;

  for (i = 0; i < frames->len; i++) {
    const EmuJudgedFrame *frame = g_ptr_array_index (frames, i);
    EmuVerdict verdict;
    JsonObject *object;

    emu_result_judge_frame (frame, &verdict);
    object = build_verdict (&verdict);
    json_object_set_int_member (object, "number", frame->number);
    if (GST_CLOCK_TIME_IS_VALID (frame->pts))
      json_object_set_double_member (object, "time",
          frame->pts / (gdouble) GST_SECOND);
    json_object_set_boolean_member (object, "picture",
        frame->thumbnail != NULL);
    json_array_add_object_element (array, object);
  }
  return array;
}

static JsonArray *
build_clips (EmuSubmission * submission)
{
  GArray *clips = submission->judgement->clips;
  JsonArray *array = json_array_new ();
  guint i;

  for (i = 0; clips != NULL && i < clips->len; i++) {
    const EmuSoundClip *clip = &g_array_index (clips, EmuSoundClip, i);
    EmuOpinion opinion = emu_sound_judge (0, clip);
    EmuVerdict verdict = emu_heuristic_judge (EMU_DEFAULT_HEURISTIC, &opinion,
        1);
    JsonObject *object = build_verdict (&verdict);

    json_object_set_double_member (object, "time", i * EMU_SOUND_CLIP_SECONDS);
    json_object_set_double_member (object, "length", clip->windows / 10.0);
    json_array_add_object_element (array, object);
  }
  return array;
}

static guint
count_found (EmuSubmission * submission, EmuPurpose purpose)
{
  GPtrArray *frames = submission->judgement->frames;
  guint i, k, n = 0;

  for (i = 0; i < frames->len; i++) {
    const EmuJudgedFrame *frame = g_ptr_array_index (frames, i);

    for (k = 0; emu_models[k].name != NULL; k++) {
      if (emu_models[k].purpose == purpose && !frame->opinions[k].unknown
          && frame->opinions[k].score >= 0.5)
        n++;
    }
  }
  return n;
}

/* In how many frames what was looked for besides was found. */
static JsonObject *
build_found (EmuSubmission * submission)
{
  const EmuParameters *parameters = &submission->parameters;
  const struct
  {
    const gchar *name;
    gboolean wanted;
    EmuPurpose purpose;
  } purposes[] = {
    {"tampered", parameters->tampering, EMU_PURPOSE_TAMPERING},
    {"morphed", parameters->morphing, EMU_PURPOSE_MORPHING},
    {"NSFW", parameters->nsfw, EMU_PURPOSE_NSFW},
  };
  JsonObject *object = json_object_new ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (purposes); i++) {
    if (purposes[i].wanted)
      json_object_set_int_member (object, purposes[i].name,
          count_found (submission, purposes[i].purpose));
  }
  return object;
}

/* What was judged; not before the service would say so. */
static void
set_judgement (JsonObject * object, EmuSubmission * submission)
{
  EmuJudgement *judgement = submission->judgement;
  EmuVerdict verdicts[EMU_N_HEURISTICS];
  const gchar *forced = emu_result_get_forced (submission);
  JsonArray *array = json_array_new ();
  guint i;

  emu_result_judge (submission, verdicts);
  for (i = 0; i < EMU_N_HEURISTICS; i++) {
    JsonObject *verdict = build_verdict (&verdicts[i]);

    json_object_set_string_member (verdict, "heuristic",
        emu_heuristic_to_string (i));
    json_array_add_object_element (array, verdict);
  }
  json_object_set_array_member (object, "verdicts", array);
  set_text (object, "forced", forced);
  set_text (object, "forced_by", forced == NULL ? NULL
      : submission->override != NULL ? "an override" : "the C2PA manifest");
  json_object_set_array_member (object, "frames", build_frames (submission));
  json_object_set_array_member (object, "clips", build_clips (submission));
  json_object_set_object_member (object, "found", build_found (submission));
  json_object_set_int_member (object, "frames_in_file", judgement->n_frames);
  json_object_set_double_member (object, "duration",
      judgement->duration / (gdouble) GST_SECOND);
}

static JsonObject *
build_submission (EmuSubmission * submission, gint64 now)
{
  EmuStatus status = emu_submission_get_status (submission, now);
  JsonObject *object = json_object_new ();
  g_autofree gchar *date = g_date_time_format_iso8601 (submission->date);
  g_autofree gchar *parameters =
      emu_parameters_describe (&submission->parameters);

  set_text (object, "identifier", submission->identifier);
  set_text (object, "kind", emu_kinds[submission->parameters.kind].name);
  set_text (object, "name", submission->name);
  set_text (object, "ref_id", submission->parameters.ref_id);
  set_text (object, "date", date);
  set_text (object, "parameters", parameters);
  set_text (object, "status", emu_status_to_string (status));
  set_text (object, "webhook", submission->webhook);
  set_text (object, "rule", emu_ruling_to_string (submission->ruling));
  set_text (object, "errors", status == EMU_STATUS_ERRORED
      ? submission->judgement->error : NULL);
  json_object_set_int_member (object, "bytes", submission->size);
  json_object_set_int_member (object, "repeats", submission->repeats);
  json_object_set_boolean_member (object, "c2pa", submission->has_c2pa);
  json_object_set_boolean_member (object, "replay", submission->replay != NULL);
  if (status == EMU_STATUS_DONE)
    set_judgement (object, submission);
  return object;
}

static JsonArray *
build_submissions (EmuServer * server, guint max)
{
  JsonArray *array = json_array_new ();
  GList *link = emu_submissions_get_order (server->submissions)->tail;
  gint64 now = g_get_monotonic_time ();
  guint n;

  for (n = 0; link != NULL && n < max; n++, link = link->prev)
    json_array_add_object_element (array,
        build_submission (emu_submissions_find (server->submissions,
                link->data), now));
  return array;
}

JsonArray *
emu_state_build_faults (EmuServer * server)
{
  JsonArray *array = json_array_new ();
  guint i;

  for (i = 0; i < server->faults->len; i++) {
    const EmuFault *fault = g_ptr_array_index (server->faults, i);
    JsonObject *object = json_object_new ();

    json_object_set_string_member (object, "fault", fault->spec);
    json_object_set_int_member (object, "requests", fault->seen);
    json_object_set_int_member (object, "met", fault->met);
    json_array_add_object_element (array, object);
  }
  return array;
}

JsonArray *
emu_state_build_rules (EmuServer * server)
{
  JsonArray *array = json_array_new ();
  guint i;

  for (i = 0; i < server->rules->len; i++) {
    const EmuRule *rule = g_ptr_array_index (server->rules, i);
    JsonObject *object = json_object_new ();

    json_object_set_string_member (object, "rule", rule->spec);
    json_object_set_int_member (object, "met", rule->met);
    json_array_add_object_element (array, object);
  }
  return array;
}

JsonNode *
emu_state_build (EmuServer * server, guint64 version, guint max)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_node_take_object (node, object);
  json_object_set_int_member (object, "version", server->version);
  json_object_set_int_member (object, "requests", server->requests);
  if (version == server->version)
    return node;
  json_object_set_string_member (object, "emulator", EMU_NOTICE);
  json_object_set_string_member (object, "rate_limits",
      server->options->rate_limits);
  json_object_set_int_member (object, "total",
      g_queue_get_length (emu_submissions_get_order (server->submissions)));
  json_object_set_array_member (object, "submissions",
      build_submissions (server, max));
  json_object_set_array_member (object, "rules",
      emu_state_build_rules (server));
  json_object_set_array_member (object, "users",
      emu_users_build_state (server->users));
  json_object_set_array_member (object, "refused",
      emu_journal_build (server->journal));
  json_object_set_array_member (object, "keys",
      emu_keys_build_state (server->keys));
  json_object_set_int_member (object, "refused_ever",
      emu_journal_get_count (server->journal));
  json_object_set_array_member (object, "faults",
      emu_state_build_faults (server));
  return node;
}
