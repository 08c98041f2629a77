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

static gboolean
check_key (EmuRequest * request)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (request->message);
  const gchar *key = soup_message_headers_get_one (headers, "X-Api-Key");
  gchar **keys = emu_server_get_options (request->server)->api_keys;

  if (key != NULL && *key != '\0'
      && (keys == NULL || g_strv_contains ((const gchar * const *) keys, key)))
    return TRUE;
  emu_reply_error (request, 401, "Unauthorized");
  return FALSE;
}

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
  g_autofree gchar *size =
      format_size (emu_server_get_options (request->server)->max_bytes);
  g_autofree gchar *text = g_strdup_printf
      ("The uploaded file exceeds the maximum allowed size of %s.", size);

  emu_reply_error (request, 400, text);
}

static void
reply_identifier (EmuRequest * request, const gchar * identifier)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (request->message);
  const gchar *accept = soup_message_headers_get_list (headers, "Accept");
  g_autofree gchar *json = NULL;

  if (accept == NULL || strstr (accept, "application/json") == NULL) {
    emu_reply (request, 200, "text/plain; charset=UTF-8", identifier);
    return;
  }
  json = g_strdup_printf ("{\"identifier\":\"%s\"}", identifier);
  emu_reply_json (request, 200, json);
}

typedef struct
{
  EmuServer *server;
  EmuSubmission *submission;
} Judging;

static void
judged (EmuJudgement * judgement, gpointer user_data)
{
  g_autofree Judging *judging = user_data;
  EmuSubmission *submission = judging->submission;

  submission->judgement = judgement;
  g_unlink (submission->path);
  g_clear_pointer (&submission->path, g_free);
  emu_log (judging->server, "judged %.12s: %u of %u frames%s%s",
      submission->identifier, judgement->frames->len, judgement->n_frames,
      judgement->error != NULL ? ", " : "",
      judgement->error != NULL ? judgement->error : "");
}

static EmuSubmission *
add_submission (EmuRequest * request, const gchar * hash)
{
  EmuServer *server = request->server;
  EmuSubmission *submission;
  Judging *judging = g_new0 (Judging, 1);
  guint64 size = emu_form_get_size (request->form);

  submission = emu_submissions_add (emu_server_get_submissions (server), hash,
      &request->parameters, emu_form_take_path (request->form));
  submission->name = g_strdup (emu_form_get_filename (request->form));
  submission->size = size;
  submission->ready = submission->submitted
      + (gint64) (emu_server_get_options (server)->delay * G_USEC_PER_SEC);
  judging->server = server;
  judging->submission = submission;
  emu_court_submit (emu_server_get_court (server), submission->path,
      &submission->parameters, judged, judging);
  return submission;
}

static void
answer_submit (EmuRequest * request, const EmuIntake * intake)
{
  EmuSubmission *submission;

  if (!intake->supported) {
    emu_reply_error (request, 400,
        "The uploaded file format is not supported.");
    return;
  }
  submission = emu_submissions_find_cached (emu_server_get_submissions
      (request->server), intake->hash, &request->parameters);
  if (submission == NULL)
    submission = add_submission (request, intake->hash);
  reply_identifier (request, submission->identifier);
}

static void
intake_done (GObject * source, GAsyncResult * result, gpointer user_data)
{
  EmuRequest *request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (EmuIntake) intake = emu_intake_finish (result, &error);

  if (intake == NULL)
    emu_reply_error (request, 500, error->message);
  else
    answer_submit (request, intake);
  emu_request_resume (request);
}

static void
handle_submit (EmuRequest * request, EmuKind kind)
{
  g_autofree gchar *errors = NULL;
  g_autoptr (GError) error = NULL;
  EmuOptions *options = emu_server_get_options (request->server);

  if (!check_key (request))
    return;
  if (!emu_form_finish (request->form, &error)) {
    emu_reply_error (request, 400, error->message);
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
  emu_request_pause (request);
  emu_intake_start (request->form, kind, options->record_dir,
      emu_server_next_number (request->server), intake_done, request);
}

static JsonNode *
find_result (EmuRequest * request, EmuKind kind, const gchar * identifier)
{
  EmuSubmission *submission =
      emu_submissions_find (emu_server_get_submissions (request->server),
      identifier);

  /* By the submit page's prose, /api/classification/ has the results of every
   * kind; by the reference, of images. */
  if (submission == NULL || (submission->parameters.kind != kind
          && kind != EMU_KIND_IMAGE))
    return NULL;
  return emu_result_build (submission, emu_server_get_base (request->server),
      g_get_monotonic_time ());
}

static void
handle_result (EmuRequest * request, EmuKind kind)
{
  g_autoptr (JsonNode) result = NULL;
  g_autofree gchar *json = NULL;

  if (!check_key (request))
    return;
  result = find_result (request, kind, request->identifier);
  if (result == NULL) {
    emu_reply_error (request, 404, "Not Found");
    return;
  }
  json = json_to_string (result, FALSE);
  emu_reply_json (request, 200, json);
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

static void
handle_results (EmuRequest * request, EmuKind kind)
{
  g_autoptr (GPtrArray) identifiers = NULL;
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);
  g_autofree gchar *json = NULL;
  JsonArray *results = json_array_new ();
  guint i;

  json_node_take_array (node, results);
  if (!check_key (request))
    return;
  identifiers = read_identifiers (request);
  if (identifiers->len == 0 || identifiers->len > MAX_BATCH) {
    emu_reply_json (request, 400, identifiers->len == 0
        ? "{\"identifiers\":[\"The identifiers field is required.\"]}"
        : "{\"identifiers\":[\"The identifiers field must not have more than "
        "100 items.\"]}");
    return;
  }
  for (i = 0; i < identifiers->len; i++) {
    const gchar *identifier = g_ptr_array_index (identifiers, i);
    JsonNode *result = identifier != NULL
        ? find_result (request, kind, identifier) : NULL;

    if (result != NULL)
      json_array_add_element (results, result);
  }
  json = json_to_string (node, FALSE);
  emu_reply_json (request, 200, json);
}

const EmuCall emu_calls[] = {
  {"POST", "/api/classification_video", EMU_KIND_VIDEO, TRUE, handle_submit},
  {"GET", "/api/classification_video/", EMU_KIND_VIDEO, FALSE, handle_result},
  {"GET", "/api/classifications_video", EMU_KIND_VIDEO, FALSE, handle_results},
  {"GET", "/api/classification/", EMU_KIND_IMAGE, FALSE, handle_result},
  {NULL}
};
