/* identifai-moderate: a page and its calls, on loopback
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "web.h"
#include "acts.h"
#include "events.h"
#include "jsontext.h"
#include "thumbs.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define LARGEST_BODY (1024 * 1024)
#define SECRET_BYTES 24

struct _ModWeb
{
  const ModViews *views;
  SoupServer *server;
  ModConnections *connections;
  ModEvents *events;
  ModThumbs *thumbs;
  gchar *address;
  gchar *token, *secret;        /* secret: of the webhook; NULL: none is wanted */
  guint port;
};

/* Nothing from elsewhere, and no page elsewhere has it in a frame. blob: pictures that the
 * page asked for with its token. */
static const gchar policy[] = "default-src 'none'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; img-src blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'";

/* Answers. */

static void
answer_data (SoupServerMessage * message, guint status, const gchar * type,
    const gchar * data, gsize length)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);

  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, type, SOUP_MEMORY_COPY, data,
      length);
  /* libsoup (3.2 to 3.6) closes what it didn't accept itself after each answer, and
   * doesn't say so */
  soup_message_headers_replace (headers, "Connection", "close");
  soup_message_headers_replace (headers, "Cache-Control", "no-store");
  soup_message_headers_replace (headers, "X-Content-Type-Options", "nosniff");
  soup_message_headers_replace (headers, "Referrer-Policy", "no-referrer");
  soup_message_headers_replace (headers, "Content-Security-Policy", policy);
}

static void
answer (SoupServerMessage * message, guint status, const gchar * type,
    const gchar * text)
{
  answer_data (message, status, type, text, strlen (text));
}

static void
answer_json (SoupServerMessage * message, guint status, JsonObject * object)
{
  g_autofree gchar *text = mod_json_to_text (object);

  answer (message, status, "application/json", text);
  json_object_unref (object);
}

static void
answer_problem (SoupServerMessage * message, guint status,
    const gchar * problem)
{
  JsonObject *object = json_object_new ();

  if (problem != NULL)
    json_object_set_string_member (object, "problem", problem);
  answer_json (message, status, object);
}

/* Who asks. */

/* The same time for each wrong guess of the right length, which is no secret. */
static gboolean
is_same (const gchar * a, const gchar * b)
{
  gsize length = strlen (a), i;
  guchar different = 0;

  if (length != strlen (b))
    return FALSE;
  for (i = 0; i < length; i++)
    different |= a[i] ^ b[i];
  return different == 0;
}

/* A name of our own: a page elsewhere may have its name lead here. */
static gboolean
is_own_host (ModWeb * self, const gchar * host)
{
  static const gchar *const names[] = { "127.0.0.1", "localhost", "[::1]" };
  guint i;

  for (i = 0; host != NULL && i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *own = g_strdup_printf ("%s:%u", names[i], self->port);

    if (g_ascii_strcasecmp (own, host) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
comes_from_here (ModWeb * self, SoupServerMessage * message)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (message);
  const gchar *host = soup_message_headers_get_one (headers, "Host");
  const gchar *origin = soup_message_headers_get_one (headers, "Origin");
  g_autofree gchar *own = g_strdup_printf ("http://%s", host);

  return is_own_host (self, host)
      && (origin == NULL || g_ascii_strcasecmp (origin, own) == 0);
}

static gboolean
has_token (ModWeb * self, SoupServerMessage * message)
{
  const gchar *said =
      soup_message_headers_get_one (soup_server_message_get_request_headers
      (message), "Authorization");

  return said != NULL && g_str_has_prefix (said, "Bearer ")
      && is_same (self->token, said + strlen ("Bearer "));
}

static void
answer_no_token (SoupServerMessage * message)
{
  answer_problem (message, 401, "this wants the token of token-file, as "
      "Authorization: Bearer TOKEN");
}

/* Reading. */

static void
add_count (gpointer key, gpointer value, gpointer user_data)
{
  JsonObject *counts = user_data;
  g_auto (GStrv) parts = g_strsplit (key, "\n", 3);
  const gchar *name = strcmp (parts[0], "verdict") == 0 ? parts[1] : parts[0];

  json_object_set_int_member (counts, name, *(guint64 *) value
      + json_object_get_int_member_with_default (counts, name, 0));
}

/* By classification, and those that weren't judged, since the program started. */
static JsonObject *
count_outcomes (const ModBoardStream * board)
{
  JsonObject *counts = json_object_new ();

  g_hash_table_foreach (board->outcomes, add_count, counts);
  return counts;
}

static JsonArray *
list_latest (const ModBoardStream * board)
{
  JsonArray *latest = json_array_new ();
  GList *l;

  for (l = board->latest.head; l != NULL; l = l->next)
    json_array_add_object_element (latest, json_object_ref (l->data));
  return latest;
}

static void
add_board (JsonObject * object, const ModBoardStream * board)
{
  if (board->policy != NULL)
    json_object_set_string_member (object, "policy", board->policy);
  if (board->gate != NULL)
    json_object_set_string_member (object, "gate", board->gate);
  if (!isnan (board->latency))
    json_object_set_double_member (object, "latency", board->latency);
  json_object_set_int_member (object, "warnings", board->warnings);
  json_object_set_object_member (object, "counts", count_outcomes (board));
  json_object_set_array_member (object, "latest", list_latest (board));
}

static gboolean
can_be_forced (ModSession * session)
{
  return session != NULL
      && g_object_class_find_property (G_OBJECT_GET_CLASS
      (mod_session_get_judge (session)), "force") != NULL;
}

/* What somebody told the gate to do. */
static void
add_force (JsonObject * object, ModSession * session)
{
  GEnumClass *words;
  GEnumValue *word;
  gint force = 0;

  if (!can_be_forced (session))
    return;
  words = G_PARAM_SPEC_ENUM (g_object_class_find_property (G_OBJECT_GET_CLASS
          (mod_session_get_judge (session)), "force"))->enum_class;
  g_object_get (mod_session_get_judge (session), "force", &force, NULL);
  word = g_enum_get_value (words, force);
  json_object_set_string_member (object, "force", word->value_nick);
}

/* What isn't judged is to be seen, whatever the reason: at once if the stream isn't
 * there, else when a verdict is overdue. */
static void
add_unjudged (JsonObject * object, ModStream * stream,
    const ModBoardStream * board)
{
  ModSession *session = mod_stream_get_session (stream);
  ModSessionState state = session != NULL ? mod_session_get_state (session) :
      MOD_SESSION_CLOSED;
  gboolean away = state == MOD_SESSION_SILENT
      || (state != MOD_SESSION_RUNNING && board->trouble != NULL);

  if (mod_stream_get_state (stream) > MOD_STREAM_WAITING)
    return;
  json_object_set_double_member (object, "unjudged",
      mod_board_get_unjudged (board));
  json_object_set_boolean_member (object, "overdue",
      away || mod_board_is_overdue (board));
  if (board->trouble != NULL)
    json_object_set_string_member (object, "trouble", board->trouble);
}

typedef struct
{
  ModWeb *web;
  JsonArray *streams;
} Listing;

static void
list_stream (gpointer stream, gpointer user_data)
{
  Listing *listing = user_data;
  const ModStreamConfig *config = mod_stream_get_config (stream);
  ModSession *session = mod_stream_get_session (stream);
  const ModBoardStream *board =
      mod_board_find (listing->web->views->board, config->name);
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "name", config->name);
  json_object_set_string_member (object, "state", mod_stream_describe (stream));
  json_object_set_boolean_member (object, "can_gate", can_be_forced (session));
  add_force (object, session);
  json_object_set_int_member (object, "restarts",
      mod_stream_get_restarts (stream));
  if (session != NULL)
    json_object_set_double_member (object, "silence",
        mod_session_get_silence (session));
  if (board != NULL) {
    add_board (object, board);
    add_unjudged (object, stream, board);
  }
  json_object_set_array_member (object, "thumbnails",
      mod_thumbs_list (listing->web->thumbs, config->name));
  json_array_add_object_element (listing->streams, object);
}

static JsonObject *
describe_streams (ModWeb * self)
{
  JsonObject *object = json_object_new ();
  Listing listing = { self, json_array_new () };
  const gchar *problem = mod_supervisor_get_problem (self->views->supervisor);

  mod_supervisor_foreach (self->views->supervisor, list_stream, &listing);
  json_object_set_array_member (object, "streams", listing.streams);
  if (problem != NULL)
    json_object_set_string_member (object, "config_problem", problem);
  return object;
}

static void
answer_lines (ModWeb * self, SoupServerMessage * message)
{
  GString *text = g_string_new (NULL);
  GList *l;

  for (l = mod_board_get_lines (self->views->board)->head; l; l = l->next)
    g_string_append_printf (text, "%s\n", (const gchar *) l->data);
  answer (message, 200, "application/x-ndjson", text->str);
  g_string_free (text, TRUE);
}

static void
count_running (gpointer stream, gpointer user_data)
{
  guint *counts = user_data;
  ModSession *session = mod_stream_get_session (stream);

  counts[0]++;
  if (session != NULL && mod_session_get_state (session) == MOD_SESSION_RUNNING)
    counts[1]++;
}

/* What a probe asks: whether the program does its work, not whether each camera does. */
static void
answer_health (ModWeb * self, SoupServerMessage * message)
{
  JsonObject *object = json_object_new ();
  const gchar *trouble =
      mod_log_writer_get_trouble (mod_hub_get_log (self->views->hub));
  guint counts[2] = { 0 };

  mod_supervisor_foreach (self->views->supervisor, count_running, counts);
  json_object_set_string_member (object, "status",
      trouble == NULL ? "ok" : "the log can't be written");
  json_object_set_int_member (object, "streams", counts[0]);
  json_object_set_int_member (object, "running", counts[1]);
  json_object_set_boolean_member (object, "config_good",
      mod_supervisor_get_problem (self->views->supervisor) == NULL);
  answer_json (message, trouble == NULL ? 200 : 503, object);
}

static gboolean
answer_file (SoupServerMessage * message, const gchar * path)
{
  static const gchar *const types[][2] = {
    {"/page.html", "text/html; charset=utf-8"},
    {"/page.js", "text/javascript; charset=utf-8"},
    {"/page.css", "text/css; charset=utf-8"},
  };
  guint i;

  if (strcmp (path, "/") == 0)
    path = "/page.html";
  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autofree gchar *name = g_strconcat ("/moderate", path, NULL);
    g_autoptr (GBytes) file = strcmp (types[i][0], path) != 0 ? NULL :
        g_resources_lookup_data (name, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    g_autofree gchar *text = file == NULL ? NULL :
        g_strndup (g_bytes_get_data (file, NULL), g_bytes_get_size (file));

    if (text != NULL)
      answer (message, 200, types[i][1], text);
    if (text != NULL)
      return TRUE;
  }
  return FALSE;
}

/* Who may see what a camera saw is who has the token. */
static void
answer_thumbnail (ModWeb * self, SoupServerMessage * message,
    const gchar * path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  GBytes *picture = g_strv_length (parts) == 6
      && strcmp (parts[4], "thumbnails") == 0 ?
      mod_thumbs_get (self->thumbs, parts[3], parts[5]) : NULL;

  if (!has_token (self, message))
    answer_no_token (message);
  else if (picture == NULL)
    answer_problem (message, 404, "there is no such picture, or no longer");
  else
    answer_data (message, 200, "image/jpeg", g_bytes_get_data (picture, NULL),
        g_bytes_get_size (picture));
}

/* Who asks for the head only doesn't wait for events. */
static void
answer_events (ModWeb * self, SoupServerMessage * message)
{
  if (strcmp (soup_server_message_get_method (message), "GET") == 0)
    mod_events_add (self->events, message);
  else
    answer (message, 200, "text/event-stream", "");
}

static void
on_get (ModWeb * self, SoupServerMessage * message, const gchar * path)
{
  if (strcmp (path, "/metrics") == 0) {
    g_autofree gchar *text = mod_metrics_render (self->views);

    answer (message, 200, "text/plain; version=0.0.4; charset=utf-8", text);
  } else if (strcmp (path, "/health") == 0) {
    answer_health (self, message);
  } else if (strcmp (path, "/api/streams") == 0) {
    answer_json (message, 200, describe_streams (self));
  } else if (strcmp (path, "/api/lines") == 0) {
    answer_lines (self, message);
  } else if (strcmp (path, "/api/events") == 0) {
    answer_events (self, message);
  } else if (g_str_has_prefix (path, "/api/streams/")) {
    answer_thumbnail (self, message, path);
  } else if (!answer_file (message, path)) {
    answer_problem (message, 404, "there is nothing here");
  }
}

/* Acting. */

static JsonObject *
read_body (SoupServerMessage * message)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  g_autofree gchar *text = NULL;

  if (body->length > LARGEST_BODY)
    return NULL;
  if (body->data == NULL || body->length == 0)
    return json_object_new ();
  text = g_strndup (body->data, body->length);
  return mod_json_from_text (text);
}

static void
on_act (ModWeb * self, SoupServerMessage * message, const gchar * path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  gboolean may = has_token (self, message);
  g_autoptr (JsonObject) arguments = may ? read_body (message) : NULL;
  g_autofree gchar *problem = NULL;
  guint status;

  if (!may) {
    answer_no_token (message);
  } else if (arguments == NULL) {
    answer_problem (message, 400, "the body is no JSON object");
  } else if (g_strv_length (parts) != 5) {
    answer_problem (message, 404, "there is nothing here");
  } else {
    status = mod_act (self->views->supervisor, self->views->hub, parts[3],
        parts[4], arguments, &problem);
    answer_problem (message, status, problem);
  }
}

static gboolean
is_webhook (ModWeb * self, const gchar * path)
{
  return self->secret != NULL && g_str_has_prefix (path, "/webhook/")
      && is_same (self->secret, path + strlen ("/webhook/"));
}

/* The body is the result, which isn't believed: a look asks for it. */
static void
on_webhook (ModWeb * self, SoupServerMessage * message, const gchar * path)
{
  g_autoptr (JsonObject) body = NULL;
  const gchar *identifier = NULL;

  if (!is_webhook (self, path)) {
    answer_problem (message, 404, "there is nothing here");
    return;
  }
  body = read_body (message);
  if (body != NULL)
    identifier = mod_json_get_text (body, "identifier", NULL);
  if (identifier == NULL)
    answer_problem (message, 400, "there is no identifier in it");
  else
    answer_problem (message, mod_look (self->views->supervisor, identifier) ?
        200 : 202, NULL);
}

/* What is beyond the bound is read, and isn't kept; of who may not post, nothing is. */
static void
on_chunk (SoupServerMessage * message, GBytes * chunk, gpointer unused)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);

  if (body->length > LARGEST_BODY)
    soup_message_body_set_accumulate (body, FALSE);
}

static void
on_headers (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  ModWeb *self = user_data;

  if (has_token (self, message) || is_webhook (self, path))
    g_signal_connect (message, "got-chunk", G_CALLBACK (on_chunk), NULL);
  else
    soup_message_body_set_accumulate (soup_server_message_get_request_body
        (message), FALSE);
}

static void
answer_no_call (SoupServerMessage * message, const gchar * path)
{
  answer_problem (message, 405, "there is no such call");
  soup_message_headers_replace (soup_server_message_get_response_headers
      (message), "Allow", g_str_has_prefix (path, "/webhook/") ? "POST" :
      g_str_has_prefix (path, "/api/streams/") ? "GET, HEAD, POST" :
      "GET, HEAD");
}

static void
on_request (SoupServer * server, SoupServerMessage * message,
    const char *path, GHashTable * query, gpointer user_data)
{
  ModWeb *self = user_data;
  const gchar *method = soup_server_message_get_method (message);
  gboolean post = strcmp (method, "POST") == 0;

  if (post && g_str_has_prefix (path, "/webhook/"))
    on_webhook (self, message, path);
  else if (!comes_from_here (self, message))
    answer_problem (message, 403, "this is for pages of this address only");
  else if (post && g_str_has_prefix (path, "/api/streams/"))
    on_act (self, message, path);
  else if (strcmp (method, "GET") == 0 || strcmp (method, "HEAD") == 0)
    on_get (self, message, path);
  else
    answer_no_call (message, path);
}

/* Secrets. */

static gchar *
make_secret (const gchar * path, GError ** error)
{
  guint8 random[SECRET_BYTES];
  gint source = g_open ("/dev/urandom", O_RDONLY | O_CLOEXEC, 0);
  GString *text = g_string_new (NULL);
  gboolean good = source >= 0
      && read (source, random, sizeof random) == sizeof random;
  guint i;

  if (source >= 0)
    close (source);
  for (i = 0; i < sizeof random; i++)
    g_string_append_printf (text, "%02x", random[i]);
  if (!good)
    g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO,
        "/dev/urandom can't be read");
  if (good && g_file_set_contents_full (path, text->str, -1,
          G_FILE_SET_CONTENTS_CONSISTENT, 0600, error))
    return g_string_free (text, FALSE);
  g_string_free (text, TRUE);
  return NULL;
}

/* The first line of a file, which is made if it isn't there. */
static gchar *
read_secret (const gchar * path, GError ** error)
{
  gchar *text = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return make_secret (path, error);
  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  text[strcspn (text, "\r\n")] = '\0';
  if (strlen (text) >= 16)
    return text;
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "%s: a secret has 16 characters or more", path);
  g_free (text);
  return NULL;
}

/* Listening. */

static gboolean
listen_at (ModWeb * self, const gchar * text, GError ** error)
{
  g_autofree gchar *host = NULL;
  g_autoptr (GInetAddress) address =
      mod_connections_parse_address (text, &self->port, error);

  if (address != NULL)
    self->connections = mod_connections_new (self->server, address, &self->port,
        error);
  if (self->connections == NULL)
    return FALSE;
  host = g_inet_address_to_string (address);
  self->address = g_strdup_printf (strchr (host, ':') != NULL ?
      "http://[%s]:%u/" : "http://%s:%u/", host, self->port);
  return TRUE;
}

static gboolean
read_secrets (ModWeb * self, const ModProgramConfig * config, GError ** error)
{
  self->token = read_secret (config->token_file, error);
  if (self->token == NULL)
    return FALSE;
  if (config->webhook_secret_file == NULL)
    return TRUE;
  self->secret = read_secret (config->webhook_secret_file, error);
  return self->secret != NULL;
}

static gboolean
has_pictures (const gchar * stream, gpointer user_data)
{
  ModWeb *self = user_data;
  const ModStreamConfig *config = mod_config_find (mod_supervisor_get_config
      (self->views->supervisor), stream);

  return config != NULL && config->pictures;
}

/* One that was begun before the file was read again may be of a stream that has none now. */
static void
on_thumbnail (const gchar * stream, JsonObject * about, gpointer user_data)
{
  ModWeb *self = user_data;
  JsonObject *data;

  if (!has_pictures (stream, self)) {
    mod_thumbs_forget (self->thumbs, has_pictures, self);
    return;
  }
  data = json_object_new ();
  json_object_set_string_member (data, "stream", stream);
  json_object_set_object_member (data, "thumbnail", json_object_ref (about));
  mod_events_tell (self->events, "thumbnail", data);
  json_object_unref (data);
}

/* The file was read again: what is to be kept may have changed. */
static void
on_line (JsonObject * line, const gchar * text, gpointer user_data)
{
  ModWeb *self = user_data;

  if (strcmp (json_object_get_string_member (line, "event"), "config") == 0)
    mod_thumbs_forget (self->thumbs, has_pictures, self);
}

ModWeb *
mod_web_new (const ModProgramConfig * config, const ModViews * views,
    GError ** error)
{
  ModWeb *self = g_new0 (ModWeb, 1);

  self->views = views;
  self->server = soup_server_new ("server-header", "identifai-moderate ", NULL);
  soup_server_add_early_handler (self->server, NULL, on_headers, self, NULL);
  soup_server_add_handler (self->server, NULL, on_request, self, NULL);
  self->thumbs = mod_thumbs_new (on_thumbnail, self);
  if (!read_secrets (self, config, error)
      || !listen_at (self, config->listen, error)) {
    mod_web_free (self);
    return NULL;
  }
  self->events = mod_events_new (views->hub, self->connections);
  mod_hub_listen (views->hub, on_line, self);
  return self;
}

void
mod_web_free (ModWeb * self)
{
  soup_server_disconnect (self->server);
  g_clear_pointer (&self->connections, mod_connections_free);
  g_object_unref (self->server);
  mod_thumbs_free (self->thumbs);
  g_clear_pointer (&self->events, mod_events_free);
  g_free (self->address);
  g_free (self->token);
  g_free (self->secret);
  g_free (self);
}

const gchar *
mod_web_get_address (const ModWeb * self)
{
  return self->address;
}

void
mod_web_take (ModWeb * self, const ModStreamConfig * config, JsonObject * line,
    const GstStructure * s)
{
  if (config->pictures)
    mod_thumbs_take (self->thumbs, config->name, line, s);
}
