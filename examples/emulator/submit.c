/* identifai-emulator: files that come in
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "submit.h"
#include "intake.h"
#include "result.h"

#include <glib/gstdio.h>
#include <string.h>

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

  emu_submissions_let_go (notice->server->submissions, notice->submission);
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
  if (submission->forgotten)
    return;
  emu_judgement_rule (judgement, submission->ruling);
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
add_submission (EmuRequest * request, EmuIntake * intake, EmuRuling ruling)
{
  EmuServer *server = request->server;
  EmuSubmission *submission;
  JsonNode *recorded = NULL;
  guint64 size = emu_form_get_size (request->form);

  submission = emu_submissions_add (server->submissions, intake->hash,
      &request->parameters, emu_form_take_path (request->form));
  submission->name = g_strdup (emu_form_get_filename (request->form));
  submission->size = size;
  submission->has_c2pa = intake->has_c2pa;
  submission->c2pa_label = g_steal_pointer (&intake->c2pa_label);
  submission->ready = submission->submitted
      + (gint64) ((server->options->delay
          + server->options->delay_spread * g_random_double ())
      * G_USEC_PER_SEC);
  if (submission->parameters.webhook_url != NULL
      && !server->options->no_webhooks)
    submission->webhook = "waiting";
  submission->ruling = ruling;
  if (server->replay != NULL && ruling == EMU_RULING_NONE)
    recorded = emu_replay_next (server->replay, submission->parameters.kind,
        intake->hash);
  if (recorded != NULL)
    submission->replay = json_node_ref (recorded);
  emu_court_submit (server->court, submission->path, &submission->parameters,
      judged, new_notice (server, submission), free_notice);
  emu_server_touch (server);
  return submission;
}

static void
reply_too_short (EmuRequest * request)
{
  const EmuKindInfo *kind = &emu_kinds[request->parameters.kind];
  g_autofree gchar *text = g_strdup_printf
      ("The uploaded %s is too short: at least %u seconds are needed.",
      kind->name, kind->min_seconds);

  emu_reply_error (request, 400, text);
}

/* By the first rule that fits, else by --verdict. */
static EmuRuling
find_ruling (EmuRequest * request)
{
  EmuServer *server = request->server;
  EmuRuling ruling = emu_rules_meet (server->rules,
      emu_form_get_filename (request->form), request->parameters.ref_id);

  if (ruling == EMU_RULING_NONE && server->options->verdict != NULL)
    ruling = emu_ruling_from_string (server->options->verdict);
  return ruling;
}

static void
answer_submit (EmuRequest * request, EmuIntake * intake)
{
  EmuSubmission *submission;
  EmuRuling ruling;

  if (!intake->supported) {
    emu_reply_error (request, 400,
        "The uploaded file format is not supported.");
    return;
  }
  if (intake->too_short) {
    reply_too_short (request);
    return;
  }
  submission = emu_submissions_find_cached (request->server->submissions,
      intake->hash, &request->parameters);
  ruling = find_ruling (request);
  /* What was said of it under other rules is no answer any more. */
  if (submission != NULL && submission->ruling == ruling) {
    submission->repeats++;
    emu_server_touch (request->server);
  } else if (emu_key_spend (request->key, emu_keys_cost (&request->parameters))) {
    submission = add_submission (request, intake, ruling);
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

/* All of the file is there, or it was too large. */
static void
look_at_file (EmuRequest * request, EmuKind kind)
{
  EmuServer *server = request->server;
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (request->message);
  EmuIntakeRequest intake = { request->form, kind, server->options->record_dir,
    ++server->last_number,
    soup_message_headers_get_encoding (headers) == SOUP_ENCODING_CHUNKED,
    server->options->decode_timeout * GST_SECOND
  };

  if (emu_form_file_is_too_large (request->form)) {
    reply_too_large (request);
    return;
  }
  server->intakes++;
  emu_request_hold (request);
  emu_intake_start (&intake, server->cancellable, intake_done, request);
}

/* FALSE: it was refused. */
static gboolean
read_form (EmuRequest * request, EmuKind kind, EmuSource source)
{
  g_autofree gchar *errors = NULL;

  if (!emu_request_finish_form (request))
    return FALSE;
  if (emu_parameters_read (&request->parameters, kind, request->form, source,
          &errors))
    return TRUE;
  emu_reply_json (request, 400, errors);
  return FALSE;
}

void
emu_handle_submit (EmuRequest * request, EmuKind kind)
{
  if (read_form (request, kind, EMU_SOURCE_FORM))
    look_at_file (request, kind);
}

static gboolean
fetched_data (const guint8 * data, gsize length, gpointer user_data)
{
  EmuRequest *request = user_data;

  return emu_form_write_file (request->form, data, length);
}

static void
fetched (const gchar * problem, gpointer user_data)
{
  EmuRequest *request = user_data;
  g_autoptr (GError) error = NULL;

  request->server->intakes--;
  if (!emu_form_end_file (request->form, &error))
    emu_reply_error (request, 500, error->message);
  else if (problem != NULL)
    emu_reply_error (request, 400, problem);
  else
    look_at_file (request, request->parameters.kind);
  emu_request_release (request);
}

/* The last part of the path. */
static gchar *
name_of (const gchar * url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  g_autofree gchar *name = g_path_get_basename (g_uri_get_path (uri));

  return g_strdup (strpbrk (name, "/.") == name ? "file" : name);
}

void
emu_handle_fromurl (EmuRequest * request, EmuKind kind)
{
  g_autofree gchar *name = NULL;

  if (!read_form (request, kind, EMU_SOURCE_URL))
    return;
  name = name_of (request->parameters.file_url);
  emu_form_begin_file (request->form, name);
  request->server->intakes++;
  emu_request_hold (request);
  emu_fetcher_get (request->server->fetcher, request->parameters.file_url,
      fetched_data, fetched, request);
}
