/* identifai-emulator: the emulator's own calls, and its page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "control.h"
#include "result.h"

#include <gio/gio.h>
#include <string.h>

#define PAGE "/emulator/page.html"
#define PAGE_SUBMISSIONS 50     /* shown at once */

/* Web pages of other sites may not give orders, even through a browser on this
 * machine. */
static gboolean
check_origin (EmuRequest * request)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (request->message);
  const gchar *origin = soup_message_headers_get_one (headers, "Origin");

  if (origin == NULL || g_str_equal (origin, request->server->base))
    return TRUE;
  emu_reply_error (request, 403, "Forbidden");
  return FALSE;
}

static void
handle_page (EmuRequest * request, EmuKind kind)
{
  g_autoptr (GBytes) page = g_resources_lookup_data (PAGE,
      G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (request->message);

  soup_message_headers_replace (headers, "Content-Security-Policy",
      "default-src 'none'; img-src 'self' data:; connect-src 'self'; "
      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  soup_message_headers_replace (headers, "Cache-Control", "no-cache");
  emu_reply_bytes (request, "text/html; charset=utf-8", page);
}

/* /emulator/frames/IDENTIFIER/NUMBER */
static void
handle_frame (EmuRequest * request, EmuKind kind)
{
  EmuSubmission *submission = emu_submissions_find
      (request->server->submissions, request->arguments[0]);
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (request->message);
  EmuJudgedFrame *frame;
  guint64 number;

  if (submission == NULL || submission->judgement == NULL
      || !g_ascii_string_to_unsigned (request->arguments[1], 10, 0,
          G_MAXUINT, &number, NULL)
      || number >= submission->judgement->frames->len) {
    emu_reply_error (request, 404, "Not Found");
    return;
  }
  frame = g_ptr_array_index (submission->judgement->frames, number);
  if (frame->thumbnail == NULL) {
    emu_reply_error (request, 410, "Gone");
    return;
  }
  soup_message_headers_replace (headers, "Cache-Control",
      "max-age=86400, immutable");
  emu_reply_bytes (request, "image/png", frame->thumbnail);
}

static JsonObject *
build_verdict (const EmuVerdict * verdict, const gchar * forced)
{
  JsonObject *object = json_object_new ();
  const gchar *classification = verdict->unknown ? "unknown"
      : verdict->artificial ? "artificial" : "human";

  json_object_set_string_member (object, "classification",
      forced != NULL ? forced : classification);
  json_object_set_double_member (object, "confidence", verdict->confidence);
  json_object_set_double_member (object, "score", verdict->score);
  json_object_set_boolean_member (object, "forced", forced != NULL);
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
    object = build_verdict (&verdict, NULL);
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
    EmuOpinion opinion = emu_sound_judge (0, &g_array_index (clips,
            EmuSoundClip, i));
    EmuVerdict verdict = emu_heuristic_judge (EMU_DEFAULT_HEURISTIC, &opinion,
        1);

    json_array_add_object_element (array, build_verdict (&verdict, NULL));
  }
  return array;
}

/* What was judged; not before the service would say so. */
static void
set_judgement (JsonObject * object, EmuSubmission * submission)
{
  EmuVerdict verdicts[EMU_N_HEURISTICS];
  const gchar *forced = emu_result_get_forced (submission);
  guint i;

  emu_result_judge (submission, verdicts);
  for (i = 0; i < EMU_N_HEURISTICS; i++)
    json_object_set_object_member (object, emu_heuristic_to_string (i),
        build_verdict (&verdicts[i], forced));
  json_object_set_array_member (object, "frames", build_frames (submission));
  json_object_set_array_member (object, "clips", build_clips (submission));
  json_object_set_int_member (object, "frames_in_file",
      submission->judgement->n_frames);
  json_object_set_double_member (object, "duration",
      submission->judgement->duration / (gdouble) GST_SECOND);
}

static JsonObject *
build_submission (EmuSubmission * submission, gint64 now)
{
  EmuStatus status = emu_submission_get_status (submission, now);
  JsonObject *object = json_object_new ();
  g_autofree gchar *date = g_date_time_format_iso8601 (submission->date);
  g_autofree gchar *options =
      emu_parameters_cache_key (&submission->parameters);

#define SET(name, value) \
  json_object_set_string_member (object, name, (value) ? (value) : "")
  SET ("identifier", submission->identifier);
  SET ("kind", emu_kind_to_string (submission->parameters.kind));
  SET ("name", submission->name);
  SET ("ref_id", submission->parameters.ref_id);
  SET ("date", date);
  SET ("options", options);
  SET ("status", emu_status_to_string (status));
  SET ("webhook", submission->webhook);
  SET ("errors", status == EMU_STATUS_ERRORED ? submission->judgement->error
      : NULL);
#undef SET
  json_object_set_int_member (object, "bytes", submission->size);
  json_object_set_int_member (object, "repeats", submission->repeats);
  json_object_set_boolean_member (object, "c2pa", submission->has_c2pa);
  json_object_set_boolean_member (object, "replay", submission->replay != NULL);
  if (status == EMU_STATUS_DONE)
    set_judgement (object, submission);
  return object;
}

static JsonArray *
build_submissions (EmuServer * server)
{
  JsonArray *array = json_array_new ();
  GList *link = emu_submissions_get_order (server->submissions)->tail;
  gint64 now = g_get_monotonic_time ();
  guint n;

  for (n = 0; link != NULL && n < PAGE_SUBMISSIONS; n++, link = link->prev)
    json_array_add_object_element (array,
        build_submission (emu_submissions_find (server->submissions,
                link->data), now));
  return array;
}

static JsonArray *
build_faults (EmuServer * server)
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

/* /emulator/state?after=VERSION: all that the page shows, or just the version
 * if nothing changed since. */
static void
handle_state (EmuRequest * request, EmuKind kind)
{
  EmuServer *server = request->server;
  const gchar *query =
      g_uri_get_query (soup_server_message_get_uri (request->message));
  g_autofree gchar *unchanged = g_strdup_printf ("after=%" G_GUINT64_FORMAT,
      server->version);
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_node_take_object (node, object);
  json_object_set_int_member (object, "version", server->version);
  json_object_set_int_member (object, "requests", server->requests);
  if (g_strcmp0 (query, unchanged) != 0) {
    json_object_set_string_member (object, "emulator", EMU_NOTICE);
    json_object_set_string_member (object, "rate_limits",
        server->options->rate_limits);
    json_object_set_int_member (object, "total", g_queue_get_length
        (emu_submissions_get_order (server->submissions)));
    json_object_set_array_member (object, "submissions",
        build_submissions (server));
    json_object_set_array_member (object, "refused",
        emu_journal_build (server->journal));
    json_object_set_array_member (object, "faults", build_faults (server));
  }
  emu_reply_node (request, node);
}

static void
handle_list_faults (EmuRequest * request, EmuKind kind)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, build_faults (request->server));
  emu_reply_node (request, node);
}

/* The body's lines that aren't empty. */
static gchar **
read_lines (EmuRequest * request)
{
  g_autofree gchar *text = g_utf8_make_valid ((const gchar *)
      request->body->data, request->body->len);
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  guint i;

  for (i = 0; lines[i] != NULL; i++) {
    g_strstrip (lines[i]);
    if (*lines[i] != '\0')
      g_strv_builder_add (builder, lines[i]);
  }
  return g_strv_builder_end (builder);
}

/* All lines or none. */
static void
handle_add_faults (EmuRequest * request, EmuKind kind)
{
  EmuServer *server = request->server;
  g_auto (GStrv) lines = read_lines (request);
  g_autoptr (GPtrArray) added =
      g_ptr_array_new_with_free_func ((GDestroyNotify) emu_fault_unref);
  guint i;

  if (!check_origin (request))
    return;
  for (i = 0; lines[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    EmuFault *fault = emu_fault_parse (lines[i], &error);

    if (fault == NULL) {
      emu_reply_error (request, 400, error->message);
      return;
    }
    g_ptr_array_add (added, fault);
  }
  for (i = 0; i < added->len; i++)
    g_ptr_array_add (server->faults,
        emu_fault_ref (g_ptr_array_index (added, i)));
  emu_server_touch (server);
  handle_list_faults (request, kind);
}

static void
handle_clear_faults (EmuRequest * request, EmuKind kind)
{
  if (!check_origin (request))
    return;
  g_ptr_array_set_size (request->server->faults, 0);
  emu_server_touch (request->server);
  handle_list_faults (request, kind);
}

/* KEY=STATE a line. */
static void
handle_set_keys (EmuRequest * request, EmuKind kind)
{
  g_auto (GStrv) lines = read_lines (request);
  guint i;

  if (!check_origin (request))
    return;
  for (i = 0; lines[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;

    if (!emu_keys_set (request->server->keys, lines[i], &error)) {
      emu_reply_error (request, 400, error->message);
      return;
    }
  }
  emu_reply_json (request, 200, "{\"message\":\"OK\"}");
}

const EmuCall emu_control_calls[] = {
  {NULL, "GET", "/", EMU_KIND_VIDEO, handle_page},
  {NULL, "GET", "/emulator/state", EMU_KIND_VIDEO, handle_state},
  {NULL, "GET", "/emulator/frames/*/*", EMU_KIND_VIDEO, handle_frame},
  {NULL, "GET", "/emulator/faults", EMU_KIND_VIDEO, handle_list_faults},
  {NULL, "POST", "/emulator/faults", EMU_KIND_VIDEO, handle_add_faults},
  {NULL, "DELETE", "/emulator/faults", EMU_KIND_VIDEO, handle_clear_faults},
  {NULL, "POST", "/emulator/keys", EMU_KIND_VIDEO, handle_set_keys},
  {NULL}
};
