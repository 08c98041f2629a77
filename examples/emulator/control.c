/* identifai-emulator: the emulator's own calls, and its page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "control.h"
#include "state.h"

#include <gio/gio.h>
#include <string.h>

#define PAGE "/emulator/page.html"
#define OPENAPI "/emulator/openapi.json"
#define DEFAULT_SUBMISSIONS 50  /* in /emulator/state */

/* Web pages of other sites may not give orders, even through a browser on this
 * machine. By what name the emulator is called was checked before. */
static gboolean
check_origin (EmuRequest * request)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (request->message);
  const gchar *origin = soup_message_headers_get_one (headers, "Origin");
  const gchar *host = soup_message_headers_get_one (headers, "Host");
  g_autofree gchar *own = g_strdup_printf ("%s://%s",
      request->server->options->tls_certificate != NULL ? "https" : "http",
      host != NULL ? host : "");

  if (origin == NULL || g_ascii_strcasecmp (origin, own) == 0)
    return TRUE;
  emu_reply_error (request, 403, "Forbidden");
  return FALSE;
}

/* For whoever waits for it to be there. */
static void
handle_health (EmuRequest * request, EmuKind kind)
{
  emu_reply_json (request, 200, "{\"status\":\"ok\",\"version\":\"" VERSION
      "\"}");
}

GBytes *
emu_control_get_openapi (void)
{
  return g_resources_lookup_data (OPENAPI, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}

static void
handle_openapi (EmuRequest * request, EmuKind kind)
{
  g_autoptr (GBytes) document = emu_control_get_openapi ();

  emu_reply_bytes (request, "application/json", document);
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

/* /emulator/state?after=VERSION&max=SUBMISSIONS */
static void
handle_state (EmuRequest * request, EmuKind kind)
{
  g_autoptr (GHashTable) values = emu_request_read_query (request);
  const gchar *after = g_hash_table_lookup (values, "after");
  const gchar *max = g_hash_table_lookup (values, "max");
  guint64 version, n;

  /* Neither "" nor "-1" is a version. */
  if (after == NULL || !g_ascii_string_to_unsigned (after, 10, 0, G_MAXUINT64,
          &version, NULL))
    version = G_MAXUINT64;
  if (max == NULL || !g_ascii_string_to_unsigned (max, 10, 1,
          EMU_MAX_SUBMISSIONS, &n, NULL))
    n = DEFAULT_SUBMISSIONS;
  emu_reply_node (request, emu_state_build (request->server, version, n));
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

/* What is set and looked at in lines. */
typedef struct
{
  GPtrArray *list;
    gpointer (*parse) (const gchar * line, GError ** error);
  JsonArray *(*build) (EmuServer * server);
} Lines;

static gpointer
parse_fault (const gchar * line, GError ** error)
{
  return emu_fault_parse (line, error);
}

static gpointer
parse_rule (const gchar * line, GError ** error)
{
  return emu_rule_parse (line, error);
}

/* By the path: /emulator/faults or /emulator/rules. */
static Lines
find_lines (EmuRequest * request)
{
  EmuServer *server = request->server;
  Lines faults = { server->faults, parse_fault, emu_state_build_faults };
  Lines rules = { server->rules, parse_rule, emu_state_build_rules };

  return g_str_has_suffix (request->call->path, "faults") ? faults : rules;
}

static void
handle_list_lines (EmuRequest * request, EmuKind kind)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, find_lines (request).build (request->server));
  emu_reply_node (request, node);
}

/* All lines or none. */
static void
handle_add_lines (EmuRequest * request, EmuKind kind)
{
  Lines lines = find_lines (request);
  g_auto (GStrv) texts = read_lines (request);
  guint i, n = lines.list->len;

  if (!check_origin (request))
    return;
  for (i = 0; texts[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    gpointer line = lines.parse (texts[i], &error);

    if (line == NULL) {
      g_ptr_array_set_size (lines.list, n);
      emu_reply_error (request, 400, error->message);
      return;
    }
    g_ptr_array_add (lines.list, line);
  }
  emu_server_touch (request->server);
  handle_list_lines (request, kind);
}

static void
handle_clear_lines (EmuRequest * request, EmuKind kind)
{
  if (!check_origin (request))
    return;
  g_ptr_array_set_size (find_lines (request).list, 0);
  emu_server_touch (request->server);
  handle_list_lines (request, kind);
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

/* The last ones, or with headers and bodies the one of a number. */
static void
handle_requests (EmuRequest * request, EmuKind kind)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, emu_history_build (request->server->history));
  emu_reply_node (request, node);
}

static void
handle_request (EmuRequest * request, EmuKind kind)
{
  guint64 number;
  JsonNode *node = NULL;

  if (g_ascii_string_to_unsigned (request->arguments[0], 10, 1, G_MAXINT64,
          &number, NULL))
    node = emu_history_get (request->server->history, number);
  if (node != NULL)
    emu_reply_node (request, node);
  else
    emu_reply_error (request, 404, "Not Found");
}

static void
handle_reset (EmuRequest * request, EmuKind kind)
{
  g_autoptr (GError) error = NULL;

  if (!check_origin (request))
    return;
  if (emu_server_reset (request->server, &error))
    emu_reply_json (request, 200, "{\"message\":\"OK\"}");
  else
    emu_reply_error (request, 500, error->message);
}

#define LINES(path) \
  {NULL, "GET", path, EMU_KIND_ANY, handle_list_lines}, \
  {NULL, "POST", path, EMU_KIND_ANY, handle_add_lines}, \
  {NULL, "DELETE", path, EMU_KIND_ANY, handle_clear_lines}

const EmuCall emu_control_calls[] = {
  {NULL, "GET", "/", EMU_KIND_ANY, handle_page},
  {NULL, "GET", "/health", EMU_KIND_ANY, handle_health},
  {NULL, "GET", "/openapi.json", EMU_KIND_ANY, handle_openapi},
  {NULL, "GET", "/emulator/state", EMU_KIND_ANY, handle_state},
  {NULL, "GET", "/emulator/frames/*/*", EMU_KIND_ANY, handle_frame},
  LINES ("/emulator/faults"),
  LINES ("/emulator/rules"),
  {NULL, "GET", "/emulator/requests", EMU_KIND_ANY, handle_requests},
  {NULL, "GET", "/emulator/requests/*", EMU_KIND_ANY, handle_request},
  {NULL, "POST", "/emulator/reset", EMU_KIND_ANY, handle_reset},
  {NULL, "POST", "/emulator/keys", EMU_KIND_ANY, handle_set_keys},
  {NULL}
};
