/* identifai-emulator: the service's calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "calls.h"
#include "partner.h"
#include "result.h"
#include "submit.h"

#include <string.h>

#define MAX_BATCH 100
/* What GET /api/user/credits says of a key that was given no number. */
#define ENDLESS_CREDITS 1000000

/* NULL: there is none of that kind. */
static EmuSubmission *
find (EmuRequest * request, EmuKind kind, const gchar * identifier)
{
  EmuSubmission *submission =
      emu_submissions_find (request->server->submissions, identifier);

  if (submission == NULL || (kind != EMU_KIND_ANY
          && submission->parameters.kind != kind))
    return NULL;
  return submission;
}

static JsonNode *
build_result (EmuRequest * request, EmuSubmission * submission)
{
  return emu_result_build (submission, request->server->base,
      g_get_monotonic_time ());
}

static void
handle_result (EmuRequest * request, EmuKind kind)
{
  EmuSubmission *submission = find (request, kind, request->arguments[0]);

  if (submission == NULL)
    emu_reply_error (request, 404, "Not Found");
  else
    emu_reply_node (request, build_result (request, submission));
}

/* Of an image that is done, and that was sent with_heatmap. */
static void
handle_heatmap (EmuRequest * request, EmuKind kind)
{
  EmuSubmission *submission = find (request, kind, request->arguments[0]);
  EmuJudgedFrame *frame = NULL;

  if (submission != NULL && emu_submission_get_status (submission,
          g_get_monotonic_time ()) == EMU_STATUS_DONE)
    frame = g_ptr_array_index (submission->judgement->frames, 0);
  if (frame == NULL || frame->heatmap == NULL)
    emu_reply_error (request, 404, "Not Found");
  else
    emu_reply_bytes (request, "image/png", frame->heatmap);
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
      json_array_add_element (results, build_result (request, submission));
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
    EmuSubmission *submission = identifier != NULL
        ? find (request, kind, identifier) : NULL;

    if (submission != NULL)
      json_array_add_element (results, build_result (request, submission));
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
reply_override (EmuRequest * request, EmuKind kind,
    const gchar * classification)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "classification", classification);
  json_object_set_string_member (object, "type", emu_kinds[kind].name);
  json_object_set_string_member (object, "hash", request->arguments[0]);
  json_node_take_object (node, object);
  emu_reply_node (request, node);
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
  reply_override (request, kind, classification);
}

#define RESULTS(one, suffix, kind) \
  {"result", "GET", "/api/classification" suffix "/*", one, handle_result}, \
  {"batch", "GET", "/api/classifications" suffix, kind, handle_batch}
#define KIND(kind, suffix) \
  {"submit", "POST", "/api/classification" suffix, kind, emu_handle_submit, \
      TRUE}, \
  {"override", "POST", "/api/classification" suffix "/*/override", kind, \
      handle_override}
#define FROM_URL(kind, name) \
  {"fromurl", "POST", "/api/" name "_fromurl", kind, emu_handle_fromurl, TRUE}
#define USERS(method, path, handler, form) \
  {"users", method, "/api/" path, EMU_KIND_ANY, handler, form}
#define HEATMAP(suffix) \
  {"heatmap", "GET", "/api/classification" suffix "/heatmap/*", \
      EMU_KIND_IMAGE, handle_heatmap}

/* By the prose of the submit pages, /api/classification/ has the results of
 * every kind; by the reference, of images, which have an alias for what is
 * read of them. */
const EmuCall emu_calls[] = {
  KIND (EMU_KIND_VIDEO, "_video"),
  KIND (EMU_KIND_IMAGE, ""),
  KIND (EMU_KIND_AUDIO, "_audio"),
  RESULTS (EMU_KIND_VIDEO, "_video", EMU_KIND_VIDEO),
  RESULTS (EMU_KIND_ANY, "", EMU_KIND_IMAGE),
  RESULTS (EMU_KIND_IMAGE, "_image", EMU_KIND_IMAGE),
  RESULTS (EMU_KIND_AUDIO, "_audio", EMU_KIND_AUDIO),
  FROM_URL (EMU_KIND_VIDEO, "video"),
  FROM_URL (EMU_KIND_IMAGE, "image"),
  FROM_URL (EMU_KIND_AUDIO, "audio"),
  HEATMAP (""),
  HEATMAP ("_image"),
  {"credits", "GET", "/api/user/credits", EMU_KIND_ANY, handle_credits},
  USERS ("POST", "partner/user", emu_handle_save_user, TRUE),
  USERS ("GET", "partner/users", emu_handle_list_users, FALSE),
  USERS ("GET", "partner/pricings", emu_handle_pricings, FALSE),
  USERS ("POST", "partner/send_creation_email", emu_handle_mail_user, TRUE),
  USERS ("POST", "user", emu_handle_save_user, TRUE),
  USERS ("DELETE", "user", emu_handle_remove_user, TRUE),
  {NULL}
};
