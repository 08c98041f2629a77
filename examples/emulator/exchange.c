/* identifai-emulator: one request and its answer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What happens in turn: headers (which call, key, limits, fault), body (into a
 * form, bounded memory or nowhere), fault, handler, answer. The SoupServer calls
 * the first three; a handler may hold its request and answer later.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "calls.h"
#include "control.h"
#include "idle.h"
#include "wire.h"

#include <string.h>

#define REQUEST_KEY "emu-request"
#define MAX_BURST (128 * 1024)  /* bytes read from one connection at a time */

/* A request that meets a delay. */
typedef struct
{
  EmuRequest *request;          /* held */
  guint source;
} Timer;

static void
free_request (gpointer data)
{
  EmuRequest *self = data;
  guint i;

  g_clear_pointer (&self->form, emu_form_free);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_clear_pointer (&self->fault, emu_fault_unref);
  emu_parameters_clear (&self->parameters);
  for (i = 0; i < G_N_ELEMENTS (self->arguments); i++)
    g_free (self->arguments[i]);
  g_free (self->refusal);
  g_free (self);
}

void
emu_reply_bytes (EmuRequest * self, const gchar * content_type, GBytes * bytes)
{
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);

  soup_server_message_set_status (self->message, 200, NULL);
  soup_server_message_set_response (self->message, content_type,
      SOUP_MEMORY_COPY, data, size);
}

void
emu_reply (EmuRequest * self, guint status, const gchar * content_type,
    const gchar * text)
{
  /* libsoup has no words for this one. */
  soup_server_message_set_status (self->message, status, status == 429
      ? "Too Many Requests" : NULL);
  soup_server_message_set_response (self->message, content_type,
      SOUP_MEMORY_COPY, text, strlen (text));
  if (status >= 400) {
    g_free (self->refusal);
    self->refusal = g_strdup (text);
  }
}

void
emu_reply_json (EmuRequest * self, guint status, const gchar * json)
{
  emu_reply (self, status, "application/json", json);
}

void
emu_reply_node (EmuRequest * self, JsonNode * node)
{
  g_autofree gchar *json = json_to_string (node, FALSE);

  json_node_unref (node);
  emu_reply_json (self, 200, json);
}

void
emu_reply_error (EmuRequest * self, guint status, const gchar * text)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree gchar *json = NULL;
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "error", text);
  json_node_take_object (node, object);
  json = json_to_string (node, FALSE);
  emu_reply_json (self, status, json);
}

GHashTable *
emu_request_read_query (EmuRequest * self)
{
  const gchar *query =
      g_uri_get_query (soup_server_message_get_uri (self->message));

  return soup_form_decode (query != NULL ? query : "");
}

gboolean
emu_request_finish_form (EmuRequest * self)
{
  g_autoptr (GError) error = NULL;

  if (emu_form_finish (self->form, &error))
    return TRUE;
  emu_reply_error (self, emu_form_error_is_theirs (error) ? 400 : 500,
      error->message);
  return FALSE;
}

static const gchar *
request_path (EmuRequest * self)
{
  return g_uri_get_path (soup_server_message_get_uri (self->message));
}

/* libsoup leaves out the body that a HEAD doesn't want. */
static const gchar *
request_method (EmuRequest * self)
{
  const gchar *method = soup_server_message_get_method (self->message);

  return g_str_equal (method, "HEAD") ? "GET" : method;
}

/* The part of a form that isn't its file, in one line. */
static gchar *
describe_fields (EmuForm * form)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GPtrArray *fields;
  guint i;

  if (form == NULL)
    return NULL;
  fields = emu_form_get_fields (form);
  if (emu_form_get_filename (form) != NULL)
    g_string_append_printf (text, "file %s (%" G_GUINT64_FORMAT " bytes, %s)",
        emu_form_get_filename (form), emu_form_get_size (form),
        emu_form_get_file_type (form) ? emu_form_get_file_type (form)
        : "no type");
  for (i = 0; i < fields->len; i++) {
    const EmuField *field = g_ptr_array_index (fields, i);

    g_string_append_printf (text, "%s%s=%s", text->len > 0 ? ", " : "",
        field->name, g_str_has_prefix (field->name, "password") ? "(hidden)"
        : field->value);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* What was sent, for people: a form's fields, else the body. */
static gchar *
describe_body (EmuRequest * self)
{
  if (self->form != NULL || self->body == NULL)
    return describe_fields (self->form);
  return g_strndup ((const gchar *) self->body->data, self->body->len);
}

static void
note (EmuRequest * self, guint status)
{
  const gchar *method = soup_server_message_get_method (self->message);
  const gchar *fault = self->fault != NULL ? self->fault->spec : NULL;
  g_autofree gchar *body = NULL;
  g_autofree gchar *fields = NULL;
  g_autofree gchar *why = NULL;

  if (self->noted || (self->call != NULL && self->call->name == NULL))
    return;
  self->noted = TRUE;
  self->server->requests++;
  emu_log (self->server, "%s %s %u%s%s%s%s", method, request_path (self),
      status, self->refusal != NULL ? " " : "",
      self->refusal != NULL ? self->refusal : "",
      fault != NULL ? " fault " : "", fault != NULL ? fault : "");
  why = g_strdup_printf ("%s%s%s", fault != NULL ? "fault on demand: " : "",
      fault != NULL ? fault : "", fault == NULL && self->refusal != NULL
      ? self->refusal : "");
  body = describe_body (self);
  emu_history_add (self->server->history, self->message, status, body, why);
  if (fault == NULL && status != 0 && status < 400)
    return;
  fields = describe_fields (self->form);
  emu_journal_add (self->server->journal, method, request_path (self), status,
      why, fields);
  emu_server_touch (self->server);
}

/* The answer as HTTP/1.1 would send it, cut where the fault says. */
static GBytes *
serialize (EmuRequest * self)
{
  SoupMessageBody *body = soup_server_message_get_response_body (self->message);
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (self->message);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  guint status = soup_server_message_get_status (self->message);
  gsize size = g_bytes_get_size (bytes);
  GString *text = g_string_new (NULL);
  const gchar *type = soup_message_headers_get_one (headers, "Content-Type");

  g_string_append_printf (text, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\n"
      "Content-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n\r\n",
      status, soup_status_get_phrase (status), type != NULL ? type
      : "application/json", size);
  if (self->fault->truncate >= 0)
    size = MIN (size, (guint64) self->fault->truncate);
  if (size > 0)
    g_string_append_len (text, g_bytes_get_data (bytes, NULL), size);
  return g_string_free_to_bytes (text);
}

/* The answer is complete: on its way with it. */
static void
deliver (EmuRequest * self)
{
  guint status = soup_server_message_get_status (self->message);

  if (self->broken)
    return;
  note (self, status);
  if (self->fault != NULL && (self->fault->truncate >= 0
          || self->fault->drip > 0)) {
    self->broken = TRUE;
    emu_wire_send (self->server, self->message, serialize (self),
        self->fault->drip);
  }
}

void
emu_request_hold (EmuRequest * self)
{
  g_object_ref (self->message);
  self->holds++;
}

void
emu_request_release (EmuRequest * self)
{
  SoupServerMessage *message = self->message;

  if (--self->holds == 0) {
    deliver (self);
    if (self->paused && !self->broken && !self->over)
      soup_server_message_unpause (message);
  }
  g_object_unref (message);
}

static void
answer_throttled (EmuRequest * self)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (self->message);
  g_autofree gchar *seconds = g_strdup_printf ("%u", self->retry_after);

  if (!self->server->options->no_retry_after)
    soup_message_headers_replace (headers, "Retry-After", seconds);
  emu_reply_json (self, 429, "{\"message\":\"Too Many Attempts.\"}");
}

/* Whether path is like pattern, and what the stars stand for. */
static gboolean
match_path (const gchar * pattern, const gchar * path, gchar ** arguments)
{
  g_auto (GStrv) wanted = g_strsplit (pattern, "/", -1);
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  guint i, n = 0;

  if (g_strv_length (wanted) != g_strv_length (parts))
    return FALSE;
  for (i = 0; wanted[i] != NULL; i++) {
    if (!g_str_equal (wanted[i], "*") && !g_str_equal (wanted[i], parts[i]))
      return FALSE;
  }
  for (i = 0; wanted[i] != NULL; i++) {
    if (g_str_equal (wanted[i], "*") && n < 2)
      arguments[n++] = g_uri_unescape_string (parts[i], NULL);
  }
  for (i = 0; i < n; i++) {
    if (arguments[i] == NULL)
      arguments[i] = g_strdup ("");
  }
  return TRUE;
}

static void
add_methods (EmuRequest * self, const EmuCall * calls, GString * methods)
{
  for (; calls->method != NULL; calls++) {
    gchar *arguments[2] = { NULL, };

    if (match_path (calls->path, request_path (self), arguments))
      g_string_append_printf (methods, "%s%s", methods->len > 0 ? ", " : "",
          calls->method);
    g_free (arguments[0]);
    g_free (arguments[1]);
  }
}

/* Nothing has this path, or not with this method. */
static void
answer_no_call (EmuRequest * self)
{
  g_autoptr (GString) methods = g_string_new (NULL);

  add_methods (self, emu_calls, methods);
  add_methods (self, emu_control_calls, methods);
  if (methods->len == 0) {
    emu_reply_error (self, 404, "Not Found");
    return;
  }
  soup_message_headers_replace (soup_server_message_get_response_headers
      (self->message), "Allow", methods->str);
  emu_reply_error (self, 405, "Method Not Allowed");
}

/* Without the port, and an IPv6 address without its brackets. */
static gchar *
host_name (const gchar * host)
{
  const gchar *end = *host == '[' ? strchr (host, ']') : strrchr (host, ':');

  if (*host == '[' && end != NULL)
    return g_strndup (host + 1, end - host - 1);
  return end != NULL ? g_strndup (host, end - host) : g_strdup (host);
}

/* A page whose own name was made to lead here is of the same origin to its
 * browser. An address, or localhost, is nobody's name. */
static gboolean
check_host (EmuRequest * self)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (self->message);
  const gchar *host = soup_message_headers_get_one (headers, "Host");
  g_autofree gchar *name = host_name (host != NULL ? host : "");
  gchar **allowed = self->server->options->host_names;

  if (host == NULL || g_ascii_strcasecmp (name, "localhost") == 0
      || g_hostname_is_ip_address (name))
    return TRUE;
  for (; allowed != NULL && *allowed != NULL; allowed++) {
    if (g_ascii_strcasecmp (name, *allowed) == 0)
      return TRUE;
  }
  emu_reply_error (self, 403, "The emulator is not called by that name; "
      "start it with --host-name, or use its address.");
  return FALSE;
}

static void
answer_control (EmuRequest * self)
{
  if (check_host (self))
    self->call->handler (self, self->call->kind);
}

static void
answer (EmuRequest * self)
{
  if (self->call == NULL)
    answer_no_call (self);
  else if (self->call->name == NULL)
    answer_control (self);
  else if (self->key == NULL)
    emu_reply_error (self, 401, "Unauthorized");
  else if (self->retry_after > 0)
    answer_throttled (self);
  else if (self->key->forbidden)
    emu_reply_error (self, 403, "Forbidden");
  else
    self->call->handler (self, self->call->kind);
}

/* What the service would say with that status. */
static const gchar *
body_for_status (guint status)
{
  static const struct
  {
    guint status;
    const gchar *body;
  } bodies[] = {
    {401, "{\"error\":\"Unauthorized\"}"},
    {403, "{\"error\":\"Forbidden\"}"},
    {404, "{\"error\":\"Not Found\"}"},
    {429, "{\"message\":\"Too Many Attempts.\"}"},
    {500, "{\"message\":\"Server Error\"}"},
    {503, "{\"message\":\"Service Unavailable\"}"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bodies); i++) {
    if (bodies[i].status == status)
      return bodies[i].body;
  }
  return "{\"error\":\"fault on demand\"}";
}

static void
answer_status (EmuRequest * self)
{
  EmuFault *fault = self->fault;
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (self->message);

  if (fault->header_name != NULL)
    soup_message_headers_replace (headers, fault->header_name,
        fault->header_value);
  emu_reply_json (self, fault->status, fault->body != NULL ? fault->body
      : body_for_status (fault->status));
}

/* After the delay, if there is one. */
static void
answer_with_fault (EmuRequest * self)
{
  EmuFault *fault = self->fault;

  if (fault != NULL && (fault->reset || fault->silence)) {
    note (self, 0);
    self->broken = TRUE;
    if (fault->reset)
      emu_wire_reset (self->message);
    else
      emu_wire_silence (self->server, self->message);
  } else if (fault != NULL && fault->status != 0) {
    answer_status (self);
  } else {
    answer (self);
  }
}

static gboolean
delay_is_over (gpointer data)
{
  Timer *timer = data;
  EmuRequest *request = timer->request;

  request->server->timers = g_list_remove (request->server->timers, timer);
  g_free (timer);
  answer_with_fault (request);
  emu_request_release (request);
  return G_SOURCE_REMOVE;
}

static void
delay (EmuRequest * self)
{
  Timer *timer = g_new0 (Timer, 1);

  emu_request_hold (self);
  timer->request = self;
  timer->source = g_timeout_add (self->fault->delay, delay_is_over, timer);
  self->server->timers = g_list_prepend (self->server->timers, timer);
}

/* The whole request is here. */
static void
handle (SoupServer * soup, SoupServerMessage * message, const char *path,
    GHashTable * query, gpointer user_data)
{
  EmuRequest *self = g_object_get_data (G_OBJECT (message), REQUEST_KEY);

  if (self->broken)
    return;
  emu_request_hold (self);
  if (self->fault != NULL && self->fault->delay > 0)
    delay (self);
  else
    answer_with_fault (self);
  if (self->holds > 1 && !self->broken) {
    self->paused = TRUE;
    soup_server_message_pause (message);
  }
  emu_request_release (self);
}

static const EmuCall *
find_call (EmuRequest * self, const EmuCall * calls)
{
  const gchar *method = request_method (self);

  for (; calls->method != NULL; calls++) {
    if (g_str_equal (method, calls->method)
        && match_path (calls->path, request_path (self), self->arguments))
      return calls;
  }
  return NULL;
}

/* Key, limits and faults of one of the service's calls. */
static void
admit (EmuRequest * self)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_request_headers (self->message);
  const gchar *method = request_method (self);
  EmuRateKind kind = g_str_equal (method, "GET") ? EMU_RATE_GET : EMU_RATE_POST;
  EmuFault *fault = emu_faults_meet (self->server->faults, self->call->name,
      method, soup_message_headers_get_encoding (headers)
      == SOUP_ENCODING_CHUNKED);

  if (fault != NULL)
    self->fault = emu_fault_ref (fault);
  self->key = emu_keys_find (self->server->keys,
      soup_message_headers_get_one (headers, "X-Api-Key"));
  if (self->key != NULL)
    emu_rate_limit_take (self->key->limits[kind], g_get_monotonic_time (),
        &self->retry_after);
}

/* What the service is likely written in reads a multipart body of a POST only. */
static const gchar *
form_type (EmuRequest * self)
{
  const gchar *type = soup_message_headers_get_one
      (soup_server_message_get_request_headers (self->message), "Content-Type");

  if (type != NULL && g_str_equal (request_method (self), "DELETE")
      && g_ascii_strncasecmp (type, "multipart/", strlen ("multipart/")) == 0)
    return NULL;
  return type;
}

static void
got_headers (SoupServerMessage * message, gpointer user_data)
{
  EmuRequest *self = user_data;

  /* No body is ever gathered in memory by libsoup. */
  soup_message_body_set_accumulate (soup_server_message_get_request_body
      (message), FALSE);
  emu_idle_prepare (message, self->server->options->tls_certificate != NULL);
  self->call = find_call (self, emu_calls);
  if (self->call == NULL)
    self->call = find_call (self, emu_control_calls);
  if (self->call == NULL)
    return;
  if (self->call->name != NULL)
    admit (self);
  if (!self->call->form)
    self->body = g_byte_array_sized_new (256);  /* data is never NULL */
  else if (self->key != NULL && !self->key->forbidden && self->retry_after == 0)
    self->form =
        emu_form_new (form_type (self),
        self->call->kind !=
        EMU_KIND_ANY ? emu_kinds[self->call->kind].name : NULL,
        self->server->directory, self->server->options->max_bytes);
}

/* Not within libsoup's own reading. */
static gboolean
reset_upload (gpointer data)
{
  EmuRequest *self = data;

  note (self, 0);
  emu_wire_reset (self->message);
  g_object_unref (self->message);
  return G_SOURCE_REMOVE;
}

static gboolean
read_on (gpointer data)
{
  EmuRequest *self = data;

  if (!self->over)
    soup_server_message_unpause (self->message);
  g_object_unref (self->message);
  return G_SOURCE_REMOVE;
}

/* libsoup reads a connection for as long as there is something to read: a fast
 * upload would have everybody else wait for its end. */
static void
take_turns (EmuRequest * self, gsize length)
{
  self->burst += length;
  if (self->burst < MAX_BURST)
    return;
  self->burst = 0;
  soup_server_message_pause (self->message);
  g_object_ref (self->message);
  g_idle_add_full (G_PRIORITY_DEFAULT, read_on, self, NULL);
}

static void
got_chunk (SoupServerMessage * message, GBytes * chunk, gpointer user_data)
{
  EmuRequest *self = user_data;
  gsize length;
  const guint8 *data = g_bytes_get_data (chunk, &length);

  self->received += length;
  if (self->broken)
    return;
  if (self->fault != NULL && self->fault->reset_upload >= 0
      && self->received >= (guint64) self->fault->reset_upload) {
    self->broken = TRUE;
    soup_server_message_pause (message);
    g_object_ref (message);
    g_idle_add_full (G_PRIORITY_HIGH, reset_upload, self, NULL);
  }
  if (self->form != NULL)
    emu_form_push (self->form, data, length);
  else if (self->body != NULL)
    g_byte_array_append (self->body, data, MIN (length,
            EMU_MAX_BODY_BYTES - self->body->len));
  if (!self->broken)
    take_turns (self, length);
}

/* Also when the connection ended before all of the request was here. */
static void
finished (SoupServerMessage * message, gpointer user_data)
{
  EmuRequest *self = user_data;

  self->over = TRUE;
  emu_idle_begin (message);
  if (self->noted || self->call == NULL)
    return;
  g_free (self->refusal);
  self->refusal = g_strdup_printf ("the connection ended before the answer, "
      "after %" G_GUINT64_FORMAT " bytes of the body", self->received);
  note (self, 0);
}

/* By either side: a held request has nobody to answer any more. */
static void
disconnected (SoupServerMessage * message, gpointer user_data)
{
  EmuRequest *self = user_data;

  self->broken = self->over = TRUE;
}

static void
request_started (SoupServer * soup, SoupServerMessage * message,
    gpointer user_data)
{
  EmuRequest *self = g_new0 (EmuRequest, 1);

  self->server = user_data;
  self->message = message;
  g_object_set_data_full (G_OBJECT (message), REQUEST_KEY, self, free_request);
  g_signal_connect (message, "got-headers", G_CALLBACK (got_headers), self);
  g_signal_connect (message, "got-chunk", G_CALLBACK (got_chunk), self);
  g_signal_connect (message, "finished", G_CALLBACK (finished), self);
  g_signal_connect (message, "disconnected", G_CALLBACK (disconnected), self);
}

void
emu_exchange_start (EmuServer * server)
{
  g_signal_connect (server->soup, "request-started",
      G_CALLBACK (request_started), server);
  soup_server_add_handler (server->soup, NULL, handle, server, NULL);
}

void
emu_exchange_stop (EmuServer * server)
{
  while (server->timers != NULL) {
    Timer *timer = server->timers->data;

    g_source_remove (timer->source);
    server->timers = g_list_remove (server->timers, timer);
    timer->request->broken = TRUE;
    emu_request_release (timer->request);
    g_free (timer);
  }
}
