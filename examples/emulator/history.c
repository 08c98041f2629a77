/* identifai-emulator: the last requests and their answers, to look into
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "history.h"
#include "journal.h"

#include <string.h>

#define KEY_SHOWN 4             /* characters, to tell keys apart */

struct _EmuHistory
{
  GQueue entries;               /* of JsonObject, newest first */
  gint64 number;                /* of the newest one; from 1 */
};

/* What the list leaves out. */
static const gchar *const details[] = { "request_headers", "request_body",
  "answer_headers", "answer_body"
};

EmuHistory *
emu_history_new (void)
{
  return g_new0 (EmuHistory, 1);
}

void
emu_history_free (EmuHistory * self)
{
  g_queue_clear_full (&self->entries, (GDestroyNotify) json_object_unref);
  g_free (self);
}

static gboolean
is_secret (const gchar * name)
{
  static const gchar *const names[] = { "X-Api-Key", "Authorization",
    "Proxy-Authorization", "Cookie"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
append_header (const char *name, const char *value, gpointer user_data)
{
  g_autofree gchar *cut = is_secret (name)
      ? g_strdup_printf ("%.*s…", KEY_SHOWN, value) : emu_journal_cut (value);

  g_string_append_printf (user_data, "%s: %s\n", name, cut);
}

static void
set_text (JsonObject * object, const gchar * name, const gchar * text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);

  json_object_set_string_member (object, name, valid);
}

static void
set_headers (JsonObject * object, const gchar * name,
    SoupMessageHeaders * headers)
{
  g_autoptr (GString) text = g_string_new (NULL);

  soup_message_headers_foreach (headers, append_header, text);
  set_text (object, name, text->str);
}

/* Text as it is, anything else by its size. */
static gchar *
describe_body (SoupServerMessage * message)
{
  SoupMessageBody *body = soup_server_message_get_response_body (message);
  g_autoptr (GBytes) bytes = soup_message_body_flatten (body);
  const gchar *type = soup_message_headers_get_content_type
      (soup_server_message_get_response_headers (message), NULL);
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);

  if (size == 0)
    return g_strdup ("");
  if (type == NULL || (!g_str_has_prefix (type, "text/")
          && !g_str_equal (type, "application/json")))
    return g_strdup_printf ("(%" G_GSIZE_FORMAT " bytes of %s)", size,
        type != NULL ? type : "no type");
  if (size > EMU_MAX_SHOWN_BODY)
    return g_strdup_printf ("%.*s\n(%" G_GSIZE_FORMAT " bytes in all)",
        EMU_MAX_SHOWN_BODY, data, size);
  return g_strndup (data, size);
}

static gchar *
describe_target (SoupServerMessage * message)
{
  GUri *uri = soup_server_message_get_uri (message);
  const gchar *query = g_uri_get_query (uri);

  return g_strconcat (g_uri_get_path (uri), query != NULL ? "?" : NULL, query,
      NULL);
}

static void
set_summary (JsonObject * object, SoupServerMessage * message, guint status,
    const gchar * why)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format_iso8601 (now);
  g_autofree gchar *target = describe_target (message);
  g_autofree gchar *path = emu_journal_cut (target);
  g_autofree gchar *cut = emu_journal_cut (why);

  json_object_set_string_member (object, "date", date);
  set_text (object, "method", soup_server_message_get_method (message));
  json_object_set_string_member (object, "path", path);
  json_object_set_int_member (object, "status", status);
  json_object_set_string_member (object, "why", cut);
}

void
emu_history_add (EmuHistory * self, SoupServerMessage * message, guint status,
    const gchar * body, const gchar * why)
{
  JsonObject *object = json_object_new ();
  g_autofree gchar *answer = status != 0 ? describe_body (message)
      : g_strdup ("");

  json_object_set_int_member (object, "number", ++self->number);
  set_summary (object, message, status, why);
  set_headers (object, "request_headers",
      soup_server_message_get_request_headers (message));
  set_text (object, "request_body", body != NULL ? body : "");
  set_headers (object, "answer_headers",
      soup_server_message_get_response_headers (message));
  set_text (object, "answer_body", answer);
  g_queue_push_head (&self->entries, object);
  if (g_queue_get_length (&self->entries) > EMU_MAX_HISTORY)
    json_object_unref (g_queue_pop_tail (&self->entries));
}

static JsonObject *
make_summary (JsonObject * entry)
{
  JsonObject *object = json_object_new ();
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  json_object_iter_init (&iter, entry);
  while (json_object_iter_next (&iter, &name, &value)) {
    guint i;

    for (i = 0; i < G_N_ELEMENTS (details); i++) {
      if (g_str_equal (details[i], name))
        break;
    }
    if (i == G_N_ELEMENTS (details))
      json_object_set_member (object, name, json_node_copy (value));
  }
  return object;
}

JsonArray *
emu_history_build (EmuHistory * self)
{
  JsonArray *array = json_array_new ();
  GList *link;

  for (link = self->entries.head; link != NULL; link = link->next)
    json_array_add_object_element (array, make_summary (link->data));
  return array;
}

JsonNode *
emu_history_get (EmuHistory * self, guint64 number)
{
  GList *link;

  for (link = self->entries.head; link != NULL; link = link->next) {
    if ((guint64) json_object_get_int_member (link->data, "number") == number) {
      JsonNode *node = json_node_new (JSON_NODE_OBJECT);

      json_node_set_object (node, link->data);
      return node;
    }
  }
  return NULL;
}
