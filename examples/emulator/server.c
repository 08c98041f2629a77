/* identifai-emulator: the HTTP server around the emulated calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "calls.h"

#include <glib/gstdio.h>
#include <string.h>

struct _EmuServer
{
  EmuOptions *options;          /* borrowed */
  SoupServer *soup;
  gchar *base;
  gchar *directory;             /* of temporary files */
  EmuSubmissions *submissions;
  EmuCourt *court;
  guint last_number;            /* of recorded uploads */
  guint paused;                 /* requests waiting for their answer */
};

#define REQUEST_KEY "emu-request"

void
emu_log (EmuServer * self, const gchar * format, ...)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GDateTime) now = NULL;
  va_list args;

  if (self->options->quiet)
    return;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  now = g_date_time_new_now_local ();
  g_printerr ("%02d:%02d:%02d.%03d %s\n", g_date_time_get_hour (now),
      g_date_time_get_minute (now), g_date_time_get_second (now),
      g_date_time_get_microsecond (now) / 1000, text);
}

const gchar *
emu_server_get_base (EmuServer * self)
{
  return self->base;
}

EmuOptions *
emu_server_get_options (EmuServer * self)
{
  return self->options;
}

EmuSubmissions *
emu_server_get_submissions (EmuServer * self)
{
  return self->submissions;
}

EmuCourt *
emu_server_get_court (EmuServer * self)
{
  return self->court;
}

guint
emu_server_next_number (EmuServer * self)
{
  return ++self->last_number;
}

static void
unref_request (gpointer data)
{
  EmuRequest *self = data;

  if (--self->ref_count > 0)
    return;
  g_clear_pointer (&self->form, emu_form_free);
  emu_parameters_clear (&self->parameters);
  g_free (self->identifier);
  g_free (self);
}

void
emu_request_pause (EmuRequest * self)
{
  self->ref_count++;
  self->server->paused++;
  g_object_ref (self->message);
  soup_server_message_pause (self->message);
}

void
emu_request_resume (EmuRequest * self)
{
  SoupServerMessage *message = self->message;

  self->server->paused--;
  soup_server_message_unpause (message);
  unref_request (self);
  g_object_unref (message);
}

void
emu_reply (EmuRequest * self, guint status, const gchar * content_type,
    const gchar * text)
{
  soup_server_message_set_status (self->message, status, NULL);
  soup_server_message_set_response (self->message, content_type,
      SOUP_MEMORY_COPY, text, strlen (text));
}

void
emu_reply_json (EmuRequest * self, guint status, const gchar * json)
{
  emu_reply (self, status, "application/json", json);
}

void
emu_reply_error (EmuRequest * self, guint status, const gchar * text)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree gchar *json = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "error");
  json_builder_add_string_value (builder, text);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json = json_to_string (root, FALSE);
  emu_reply_json (self, status, json);
}

/* Sets *identifier (to be freed) for calls whose path ends in one. */
static const EmuCall *
find_call (const gchar * method, const gchar * path, gchar ** identifier)
{
  const EmuCall *call;

  for (call = emu_calls; call->method != NULL; call++) {
    gsize length = strlen (call->path);
    gboolean prefix = call->path[length - 1] == '/';

    if (!g_str_equal (method, call->method)
        || strncmp (path, call->path, length) != 0)
      continue;
    if (prefix ? path[length] == '\0' : path[length] != '\0')
      continue;
    if (prefix)
      *identifier = g_uri_unescape_string (path + length, NULL);
    return call;
  }
  return NULL;
}

static const gchar *
message_path (SoupServerMessage * message)
{
  return g_uri_get_path (soup_server_message_get_uri (message));
}

/* No body is ever gathered in memory: forms go through the parser into a file,
 * other bodies are of no interest. */
static void
got_headers (SoupServerMessage * message, gpointer user_data)
{
  EmuRequest *request = user_data;
  EmuServer *server = request->server;
  g_autofree gchar *identifier = NULL;
  const EmuCall *call = find_call (soup_server_message_get_method (message),
      message_path (message), &identifier);

  soup_message_body_set_accumulate (soup_server_message_get_request_body
      (message), FALSE);
  if (call == NULL || !call->has_form)
    return;
  request->form = emu_form_new (soup_message_headers_get_one
      (soup_server_message_get_request_headers (message), "Content-Type"),
      emu_kind_to_string (call->kind), server->directory,
      server->options->max_bytes);
}

static void
got_chunk (SoupServerMessage * message, GBytes * chunk, gpointer user_data)
{
  EmuRequest *request = user_data;
  gsize length;
  const guint8 *data = g_bytes_get_data (chunk, &length);

  if (request->form != NULL)
    emu_form_push (request->form, data, length);
}

static void
finished (SoupServerMessage * message, gpointer user_data)
{
  EmuRequest *request = user_data;

  emu_log (request->server, "%s %s %u",
      soup_server_message_get_method (message),
      soup_server_message_get_uri (message) != NULL ? message_path (message)
      : "?", soup_server_message_get_status (message));
}

static void
request_started (SoupServer * soup, SoupServerMessage * message,
    gpointer user_data)
{
  EmuRequest *request = g_new0 (EmuRequest, 1);

  request->ref_count = 1;
  request->server = user_data;
  request->message = message;
  g_object_set_data_full (G_OBJECT (message), REQUEST_KEY, request,
      unref_request);
  g_signal_connect (message, "got-headers", G_CALLBACK (got_headers), request);
  g_signal_connect (message, "got-chunk", G_CALLBACK (got_chunk), request);
  g_signal_connect (message, "finished", G_CALLBACK (finished), request);
}

static void
handle (SoupServer * soup, SoupServerMessage * message, const char *path,
    GHashTable * query, gpointer user_data)
{
  EmuRequest *request = g_object_get_data (G_OBJECT (message), REQUEST_KEY);
  const EmuCall *call;

  g_clear_pointer (&request->identifier, g_free);
  call = find_call (soup_server_message_get_method (message),
      message_path (message), &request->identifier);
  if (call == NULL || (call->path[strlen (call->path) - 1] == '/'
          && request->identifier == NULL))
    emu_reply_error (request, 404, "Not Found");
  else
    call->handler (request, call->kind);
}

static gboolean
listen (EmuServer * self, GError ** error)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string (self->options->address,
      self->options->port);
  GSList *uris;

  if (address == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "--address takes an IP address, not %s", self->options->address);
    return FALSE;
  }
  if (!soup_server_listen (self->soup, address, 0, error))
    return FALSE;
  uris = soup_server_get_uris (self->soup);
  self->base = g_strdup_printf ("%s://%s:%d", g_uri_get_scheme (uris->data),
      g_uri_get_host (uris->data), g_uri_get_port (uris->data));
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return TRUE;
}

EmuServer *
emu_server_new (EmuOptions * options, GError ** error)
{
  EmuServer *self = g_new0 (EmuServer, 1);

  self->options = options;
  self->submissions = emu_submissions_new ();
  self->court = emu_court_new (options->jobs,
      options->decode_timeout * GST_SECOND);
  self->soup = soup_server_new ("server-header", EMU_NAME "/" VERSION, NULL);
  g_signal_connect (self->soup, "request-started",
      G_CALLBACK (request_started), self);
  soup_server_add_handler (self->soup, NULL, handle, self, NULL);
  self->directory = g_dir_make_tmp ("identifai-emulator-XXXXXX", error);
  if (self->directory == NULL || (options->record_dir != NULL
          && g_mkdir_with_parents (options->record_dir, 0777) < 0)
      || !listen (self, error)) {
    if (error != NULL && *error == NULL)
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
          "%s can't be made", options->record_dir);
    emu_server_free (self);
    return NULL;
  }
  return self;
}

static void
remove_directory (const gchar * path)
{
  GDir *directory = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);

    g_unlink (file);
  }
  g_clear_pointer (&directory, g_dir_close);
  g_rmdir (path);
}

void
emu_server_free (EmuServer * self)
{
  emu_court_free (self->court);
  soup_server_disconnect (self->soup);
  while (self->paused > 0)
    g_main_context_iteration (NULL, TRUE);
  g_object_unref (self->soup);
  emu_submissions_free (self->submissions);
  if (self->directory != NULL)
    remove_directory (self->directory);
  g_free (self->directory);
  g_free (self->base);
  g_free (self);
}
