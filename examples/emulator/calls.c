/* identifai-emulator: the service's calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "calls.h"
#include "intake.h"
#include "result.h"

#include <glib/gstdio.h>
#include <string.h>

#define MAX_BATCH 100
/* What GET /api/user/credits says of a key that was given no number. */
#define ENDLESS_CREDITS 1000000

/* "50MB", as the service writes sizes. */
static gchar *
format_size (gint64 bytes)
{
  static const struct
  {
    gint64 bytes;
    const gchar *unit;
  } units[] = { {1000000000, "GB"}, {1000000, "MB"}, {1000, "KB"} };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (units); i++) {
    if (bytes % units[i].bytes == 0)
      return g_strdup_printf ("%" G_GINT64_FORMAT "%s", bytes / units[i].bytes,
          units[i].unit);
  }
  return g_strdup_printf ("%" G_GINT64_FORMAT " bytes", bytes);
}

static void
reply_too_large (EmuRequest * request)
{
  g_autofree gchar *size = format_size (request->server->options->max_bytes);
  g_autofree gchar *text = g_strdup_printf
      ("The uploaded file exceeds the maximum allowed size of %s.", size);

  emu_reply_error (request, 400, text);
}

/* How much a media type is wanted, 0 to 1; 0 if it isn't in the list. */
static gdouble
quality_of (const gchar * accept, const gchar * type)
{
  g_auto (GStrv) ranges = g_strsplit (accept, ",", -1);
  gdouble quality = 0;
  guint i, k;

  for (i = 0; ranges[i] != NULL; i++) {
    g_auto (GStrv) parts = g_strsplit (ranges[i], ";", -1);

    if (parts[0] == NULL || g_ascii_strcasecmp (g_strstrip (parts[0]), type))
      continue;
    quality = 1;
    for (k = 1; parts[k] != NULL; k++) {
      if (g_ascii_strncasecmp (g_strstrip (parts[k]), "q=", 2) == 0)
        quality = g_ascii_strtod (parts[k] + 2, NULL);
    }
  }
  return quality;
}

/* As documented, only who names JSON gets it: not who takes anything. */
static gboolean
wants_json (EmuRequest * request)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (request->message);
  const gchar *accept = soup_message_headers_get_list (headers, "Accept");
  gdouble json = accept != NULL ? quality_of (accept, "application/json") : 0;

  return json > 0 && json >= quality_of (accept, "text/plain");
}

static void
reply_identifier (EmuRequest * request, const gchar * identifier)
{
  g_autofree gchar *json = NULL;

  if (!wants_json (request)) {
    emu_reply (request, 200, "text/plain; charset=UTF-8", identifier);
    return;
  }
  json = g_strdup_printf ("{\"identifier\":\"%s\"}", identifier);
  emu_reply_json (request, 200, json);
}

/* What a callback about a submission needs; each counts in its pending. */
typedef struct
{
  EmuServer *server;
  EmuSubmission *submission;
} Notice;

static Notice *
new_notice (EmuServer * server, EmuSubmission * submission)
{
  Notice *notice = g_new0 (Notice, 1);

  notice->server = server;
  notice->submission = submission;
  submission->pending++;
  return notice;
}

static void
free_notice (gpointer data)
{
  Notice *notice = data;

  notice->submission->pending--;
  g_free (notice);
}

static void
webhook_done (gboolean ok, guint attempts, gpointer user_data)
{
  Notice *notice = user_data;

  notice->submission->webhook = ok ? "delivered" : "failed";
  emu_log (notice->server, "webhook of %.12s %s after %u attempts",
      notice->submission->identifier, notice->submission->webhook, attempts);
  emu_server_touch (notice->server);
}

/* The result is final: tell the webhook and the page. */
static gboolean
became_final (gpointer user_data)
{
  Notice *notice = user_data;
  EmuServer *server = notice->server;
  EmuSubmission *submission = notice->submission;

  submission->timer = 0;
  emu_server_touch (server);
  if (submission->webhook != NULL) {
    g_autoptr (JsonNode) result = emu_result_build (submission, server->base,
        g_get_monotonic_time ());

    emu_webhooks_call (server->webhooks, submission->parameters.webhook_url,
        json_to_string (result, FALSE), webhook_done,
        new_notice (server, submission), free_notice);
  }
  return G_SOURCE_REMOVE;
}

static void
judged (EmuJudgement * judgement, gpointer user_data)
{
  Notice *notice = user_data;
  EmuSubmission *submission = notice->submission;
  gint64 wait;

  submission->judgement = judgement;
  emu_submissions_trim (notice->server->submissions);
  g_unlink (submission->path);
  g_clear_pointer (&submission->path, g_free);
  emu_log (notice->server, "judged %.12s: %u of %u frames%s%s",
      submission->identifier, judgement->frames->len, judgement->n_frames,
      judgement->error != NULL ? ", " : "",
      judgement->error != NULL ? judgement->error : "");
  wait = submission->ready - g_get_monotonic_time ();
  submission->timer = g_timeout_add_full (G_PRIORITY_DEFAULT,
      MAX (wait, 0) / 1000 + 1, became_final,
      new_notice (notice->server, submission), free_notice);
}

static EmuSubmission *
add_submission (EmuRequest * request, EmuIntake * intake)
{
  EmuServer *server = request->server;
  EmuSubmission *submission;
  guint64 size = emu_form_get_size (request->form);

  submission = emu_submissions_add (server->submissions, intake->hash,
      &request->parameters, emu_form_take_path (request->form));
  submission->name = g_strdup (emu_form_get_filename (request->form));
  submission->size = size;
  submission->has_c2pa = intake->has_c2pa;
  submission->c2pa_label = g_steal_pointer (&intake->c2pa_label);
  submission->ready = submission->submitted
      + (gint64) (server->options->delay * G_USEC_PER_SEC);
  if (submission->parameters.webhook_url != NULL
      && !server->options->no_webhooks)
    submission->webhook = "waiting";
  if (server->replay != NULL)
    submission->replay = json_node_ref (emu_replay_next (server->replay,
            intake->hash));
  emu_court_submit (server->court, submission->path, &submission->parameters,
      judged, new_notice (server, submission), free_notice);
  emu_server_touch (server);
  return submission;
}

static void
answer_submit (EmuRequest * request, EmuIntake * intake)
{
  EmuSubmission *submission;

  if (!intake->supported) {
    emu_reply_error (request, 400,
        "The uploaded file format is not supported.");
    return;
  }
  submission = emu_submissions_find_cached (request->server->submissions,
      intake->hash, &request->parameters);
  if (submission != NULL) {
    submission->repeats++;
    emu_server_touch (request->server);
  } else if (emu_key_spend (request->key, emu_keys_cost (&request->parameters))) {
    submission = add_submission (request, intake);
  } else {
    emu_reply_error (request, 400,
        "You have not enough credits to perform this operation.");
    return;
  }
  reply_identifier (request, submission->identifier);
}

static void
intake_done (GObject * source, GAsyncResult * result, gpointer user_data)
{
  EmuRequest *request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EmuIntake) intake = emu_intake_finish (result, &error);

  request->server->intakes--;
  if (intake == NULL)
    emu_reply_error (request, 500, error->message);
  else
    answer_submit (request, intake);
  emu_request_release (request);
}

static void
handle_submit (EmuRequest * request, EmuKind kind)
{
  EmuServer *server = request->server;
  g_autofree gchar *errors = NULL;
  g_autoptr (GError) error = NULL;

  if (!emu_form_finish (request->form, &error)) {
    emu_reply_error (request, emu_form_error_is_theirs (error) ? 400 : 500,
        error->message);
    return;
  }
  if (!emu_parameters_read (&request->parameters, kind, request->form, &errors)) {
    emu_reply_json (request, 400, errors);
    return;
  }
  if (emu_form_file_is_too_large (request->form)) {
    reply_too_large (request);
    return;
  }
  server->intakes++;
  emu_request_hold (request);
  emu_intake_start (request->form, kind, server->options->record_dir,
      ++server->last_number, intake_done, request);
}

static JsonNode *
find_result (EmuRequest * request, EmuKind kind, const gchar * identifier)
{
  EmuSubmission *submission =
      emu_submissions_find (request->server->submissions, identifier);

  /* By the submit pages' prose, /api/classification/ has the results of every
   * kind; by the reference, of images. */
  if (submission == NULL || (submission->parameters.kind != kind
          && kind != EMU_KIND_IMAGE))
    return NULL;
  return emu_result_build (submission, request->server->base,
      g_get_monotonic_time ());
}

static void
handle_result (EmuRequest * request, EmuKind kind)
{
  JsonNode *result = find_result (request, kind, request->arguments[0]);

  if (result == NULL)
    emu_reply_error (request, 404, "Not Found");
  else
    emu_reply_node (request, result);
}

/* The values of identifiers[]=A&identifiers[]=B. */
static GPtrArray *
read_identifiers (EmuRequest * request)
{
  const gchar *query =
      g_uri_get_query (soup_server_message_get_uri (request->message));
  GPtrArray *identifiers = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) pairs = g_strsplit (query != NULL ? query : "", "&", -1);
  guint i;

  for (i = 0; pairs[i] != NULL; i++) {
    gchar *value = strchr (pairs[i], '=');
    g_autofree gchar *name = NULL;

    if (value == NULL)
      continue;
    *value++ = '\0';
    name = g_uri_unescape_string (pairs[i], NULL);
    if (name != NULL && g_str_has_prefix (name, "identifiers["))
      g_ptr_array_add (identifiers, g_uri_unescape_string (value, NULL));
  }
  return identifiers;
}

/* Every image that was ever submitted, which is what the service answers to who
 * names none; it documents nothing of the kind for videos and speech. */
static void
reply_all_images (EmuRequest * request)
{
  EmuSubmissions *submissions = request->server->submissions;
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *results = json_array_new ();
  GList *link;

  for (link = emu_submissions_get_order (submissions)->head; link != NULL;
      link = link->next) {
    EmuSubmission *submission = emu_submissions_find (submissions, link->data);

    if (submission->parameters.kind == EMU_KIND_IMAGE)
      json_array_add_element (results, emu_result_build (submission,
              request->server->base, g_get_monotonic_time ()));
  }
  json_node_take_array (node, results);
  emu_reply_node (request, node);
}

static void
handle_batch (EmuRequest * request, EmuKind kind)
{
  g_autoptr (GPtrArray) identifiers = read_identifiers (request);
  JsonArray *results;
  JsonNode *node;
  guint i;

  if (identifiers->len == 0 && kind == EMU_KIND_IMAGE) {
    reply_all_images (request);
    return;
  }
  if (identifiers->len == 0 || identifiers->len > MAX_BATCH) {
    emu_reply_json (request, 400, identifiers->len == 0
        ? "{\"identifiers\":[\"The identifiers field is required.\"]}"
        : "{\"identifiers\":[\"The identifiers field must not have more than "
        "100 items.\"]}");
    return;
  }
  results = json_array_new ();
  for (i = 0; i < identifiers->len; i++) {
    const gchar *identifier = g_ptr_array_index (identifiers, i);
    JsonNode *result = identifier != NULL
        ? find_result (request, kind, identifier) : NULL;

    if (result != NULL)
      json_array_add_element (results, result);
  }
  node = json_node_new (JSON_NODE_ARRAY);
  json_node_take_array (node, results);
  emu_reply_node (request, node);
}

static void
handle_credits (EmuRequest * request, EmuKind kind)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "available_credits",
      request->key->credits >= 0 ? request->key->credits : ENDLESS_CREDITS);
  json_object_set_int_member (object, "total_spent", request->key->spent);
  json_node_take_object (node, object);
  emu_reply_node (request, node);
}

/* "human" or "artificial" in {"classification":"human"}, else NULL. */
static gchar *
read_classification (GByteArray * body)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root, *member;

  if (!json_parser_load_from_data (parser, (const gchar *) body->data,
          body->len, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  member = json_object_get_member (json_node_get_object (root),
      "classification");
  if (member == NULL || json_node_get_value_type (member) != G_TYPE_STRING)
    return NULL;
  return json_node_dup_string (member);
}

static void
handle_override (EmuRequest * request, EmuKind kind)
{
  g_autofree gchar *classification = read_classification (request->body);

  if (g_strcmp0 (classification, "human") != 0
      && g_strcmp0 (classification, "artificial") != 0) {
    emu_reply_json (request, 400, classification == NULL
        ? "{\"classification\":[\"The classification field is required.\"]}"
        : "{\"classification\":[\"The selected classification is invalid.\"]}");
    return;
  }
  if (!emu_submissions_override (request->server->submissions, kind,
          request->arguments[0], classification)) {
    emu_reply_error (request, 404, "Not Found");
    return;
  }
  emu_server_touch (request->server);
  emu_reply_json (request, 200, "{\"message\":\"OK\"}");
}

#define KIND(kind, suffix) \
  {"submit", "POST", "/api/classification" suffix, kind, handle_submit}, \
  {"result", "GET", "/api/classification" suffix "/*", kind, handle_result}, \
  {"batch", "GET", "/api/classifications" suffix, kind, handle_batch}, \
  {"override", "POST", "/api/classification" suffix "/*/override", kind, \
      handle_override}

const EmuCall emu_calls[] = {
  KIND (EMU_KIND_VIDEO, "_video"),
  KIND (EMU_KIND_IMAGE, ""),
  KIND (EMU_KIND_AUDIO, "_audio"),
  {"credits", "GET", "/api/user/credits", EMU_KIND_VIDEO, handle_credits},
  {NULL}
};
