/* identifai-moderate: server-sent events
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "events.h"
#include "jsontext.h"

#include <string.h>

#define MOST_UNREAD (1024 * 1024)
#define MOST_READERS 32
/* Something goes out so often that a dead connection is seen. */
#define HEARTBEAT 15            /* s */

struct _ModEvents
{
  ModConnections *connections;
  GPtrArray *readers;           /* of Reader * */
  guint heartbeat;
};

typedef struct
{
  ModEvents *events;
  SoupServerMessage *message;
  gsize unread;                 /* appended, and not written yet */
  gboolean gone;                /* it read too slowly */
} Reader;

static void
on_finished (SoupServerMessage * message, gpointer user_data)
{
  Reader *reader = user_data;

  if (reader->events != NULL)
    g_ptr_array_remove_fast (reader->events->readers, reader);
  g_object_unref (reader->message);
  g_free (reader);
}

static void
on_wrote (SoupServerMessage * message, guint size, gpointer user_data)
{
  Reader *reader = user_data;

  reader->unread -= MIN (size, reader->unread);
}

/* What it has not read is of no use to it, and would be kept as long as it likes. */
static void
send_away (Reader * reader)
{
  reader->gone = TRUE;
  mod_connections_close (reader->events->connections, reader->message);
}

static void
append (Reader * reader, const gchar * text)
{
  SoupMessageBody *body =
      soup_server_message_get_response_body (reader->message);
  gsize length = strlen (text);

  if (reader->gone)
    return;
  reader->unread += length;
  if (reader->unread > MOST_UNREAD) {
    send_away (reader);
    return;
  }
  soup_message_body_append (body, SOUP_MEMORY_COPY, text, length);
  soup_server_message_unpause (reader->message);
}

static void
append_all (ModEvents * self, const gchar * text)
{
  guint i;

  for (i = 0; i < self->readers->len; i++)
    append (g_ptr_array_index (self->readers, i), text);
}

static void
on_line (JsonObject * line, const gchar * text, gpointer user_data)
{
  g_autofree gchar *event = g_strdup_printf ("data: %s\n\n", text);

  append_all (user_data, event);
}

void
mod_events_tell (ModEvents * self, const gchar * name, JsonObject * data)
{
  g_autofree gchar *text = mod_json_to_text (data);
  g_autofree gchar *event = g_strdup_printf ("event: %s\ndata: %s\n\n", name,
      text);

  append_all (self, event);
}

static gboolean
on_heartbeat (gpointer user_data)
{
  append_all (user_data, ": there\n\n");
  return G_SOURCE_CONTINUE;
}

ModEvents *
mod_events_new (ModHub * hub, ModConnections * connections)
{
  ModEvents *self = g_new0 (ModEvents, 1);

  self->connections = connections;
  self->readers = g_ptr_array_new ();
  self->heartbeat = g_timeout_add_seconds (HEARTBEAT, on_heartbeat, self);
  mod_hub_listen (hub, on_line, self);
  return self;
}

void
mod_events_free (ModEvents * self)
{
  guint i;

  for (i = 0; i < self->readers->len; i++)
    ((Reader *) g_ptr_array_index (self->readers, i))->events = NULL;
  g_ptr_array_unref (self->readers);
  g_source_remove (self->heartbeat);
  g_free (self);
}

void
mod_events_add (ModEvents * self, SoupServerMessage * message)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);
  SoupMessageBody *body = soup_server_message_get_response_body (message);
  Reader *reader;

  if (self->readers->len >= MOST_READERS) {
    soup_server_message_set_status (message, 503, NULL);
    return;
  }
  reader = g_new0 (Reader, 1);
  reader->events = self;
  reader->message = g_object_ref (message);
  g_ptr_array_add (self->readers, reader);
  mod_connections_keep (self->connections, message);
  soup_server_message_set_status (message, 200, NULL);
  soup_message_headers_set_encoding (headers, SOUP_ENCODING_CHUNKED);
  soup_message_headers_replace (headers, "Content-Type", "text/event-stream");
  soup_message_body_set_accumulate (body, FALSE);
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (on_wrote), reader);
  g_signal_connect (message, "finished", G_CALLBACK (on_finished), reader);
  append (reader, ": welcome\n\n");
}
