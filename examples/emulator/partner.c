/* identifai-emulator: the calls of partners
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "partner.h"

/* The partner's id; 0: the key is nobody's, and that was answered. */
static guint
get_partner (EmuRequest * request)
{
  EmuKey *key = request->key;

  if (!key->partner) {
    emu_reply_error (request, 403, "Forbidden");
    return 0;
  }
  if (key->user == 0)
    key->user = emu_users_add_partner (request->server->users);
  return key->user;
}

/* The user that the form or the query names. NULL: there is none, or nobody may
 * ask, and that was answered. */
static EmuUser *
find_user (EmuRequest * request)
{
  guint partner = get_partner (request);
  g_autoptr (GHashTable) query = NULL;
  g_autofree gchar *errors = NULL;
  const EmuField *field;
  const gchar *id;
  EmuUser *user;

  if (partner == 0 || !emu_request_finish_form (request))
    return NULL;
  query = emu_request_read_query (request);
  field = emu_form_find (request->form, "id");
  if (field == NULL)
    id = g_hash_table_lookup (query, "id");
  else
    id = emu_field_is_plain (field) ? field->value : "[]";
  user = emu_users_find (request->server->users, partner, id, &errors);
  if (user == NULL)
    emu_reply_json (request, 400, errors);
  return user;
}

void
emu_handle_save_user (EmuRequest * request, EmuKind kind)
{
  EmuServer *server = request->server;
  guint partner = get_partner (request);
  g_autofree gchar *errors = NULL;
  EmuUser *user;

  if (partner == 0 || !emu_request_finish_form (request))
    return;
  user = emu_users_save (server->users, partner, request->form, &errors);
  if (user == NULL) {
    emu_reply_json (request, 400, errors);
    return;
  }
  emu_server_touch (server);
  emu_reply_node (request, emu_users_build (server->users, user));
}

void
emu_handle_remove_user (EmuRequest * request, EmuKind kind)
{
  EmuUser *user = find_user (request);

  if (user == NULL)
    return;
  emu_users_remove (request->server->users, user);
  emu_server_touch (request->server);
  emu_reply_json (request, 200, "{\"message\":\"OK\"}");
}

void
emu_handle_mail_user (EmuRequest * request, EmuKind kind)
{
  EmuUser *user = find_user (request);

  if (user == NULL)
    return;
  user->mails++;
  emu_log (request->server, "user %u would get a mail now", user->id);
  emu_server_touch (request->server);
  emu_reply_node (request, emu_users_build (request->server->users, user));
}

void
emu_handle_list_users (EmuRequest * request, EmuKind kind)
{
  EmuServer *server = request->server;
  guint partner = get_partner (request);
  g_autoptr (GHashTable) query = emu_request_read_query (request);
  g_autofree gchar *url = g_strconcat (server->base,
      g_uri_get_path (soup_server_message_get_uri (request->message)), NULL);
  g_autofree gchar *errors = NULL;
  JsonNode *page;

  if (partner == 0)
    return;
  page = emu_users_list (server->users, partner, query, url, &errors);
  if (page == NULL)
    emu_reply_json (request, 400, errors);
  else
    emu_reply_node (request, page);
}

void
emu_handle_pricings (EmuRequest * request, EmuKind kind)
{
  if (get_partner (request) != 0)
    emu_reply_node (request, emu_users_build_pricings ());
}
