/* identifai-account: the users of a partner
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include "json.h"

#include <string.h>

/* A service that counts wrongly doesn't keep us for ever. */
#define MAX_PAGES 1000

static const GOptionEntry entries[] = {
  {"name", 0, 0, G_OPTION_ARG_STRING, &account_options.name,
      "create, update: the user's name", "TEXT"},
  {"email", 0, 0, G_OPTION_ARG_STRING, &account_options.email,
      "create, update: the address", "ADDRESS"},
  {"heuristic", 0, 0, G_OPTION_ARG_STRING, &account_options.heuristic,
      "create, update: Majority, say", "NAME"},
  {"pricing-id", 0, 0, G_OPTION_ARG_INT, &account_options.pricing,
      "create, update: the price; list: only those with it", "N"},
  {"ask-password", 0, 0, G_OPTION_ARG_NONE, &account_options.ask_password,
      "create, update: ask for a password, without echo", NULL},
  {"password-file", 0, 0, G_OPTION_ARG_FILENAME,
        &account_options.password_file,
      "create, update: a file whose first line is the password (- is standard "
        "input)", "FILE"},
  {"readonly", 0, 0, G_OPTION_ARG_NONE, &account_options.readonly,
      "create, update: may only read", NULL},
  {"newsletter", 0, 0, G_OPTION_ARG_NONE, &account_options.newsletter,
      "create, update: gets the newsletter", NULL},
  {"save-files", 0, 0, G_OPTION_ARG_NONE, &account_options.save_files,
      "create, update: the service keeps the files", NULL},
  {"filter", 0, 0, G_OPTION_ARG_STRING, &account_options.filter,
      "list: by name or email", "TEXT"},
  {"order", 0, 0, G_OPTION_ARG_STRING, &account_options.order,
      "list: by that field", "FIELD"},
  {"direction", 0, 0, G_OPTION_ARG_STRING, &account_options.direction,
      "list: asc or desc", "WORD"},
  {"page", 0, 0, G_OPTION_ARG_INT, &account_options.page,
      "list: only that page", "N"},
  {"per-page", 0, 0, G_OPTION_ARG_INT, &account_options.per_page,
      "list: so many a page", "N"},
  {"yes", 'y', 0, G_OPTION_ARG_NONE, &account_options.yes,
      "delete: don't ask", NULL},
  {NULL}
};

/* The list. */

static void
print_user (JsonNode * user)
{
  JsonNode *pricing = identifai_json_get_member (user, "pricing");
  g_autofree gchar *id = account_get_text (user, "id");
  g_autofree gchar *name = account_get_text (user, "name");
  g_autofree gchar *email = account_get_text (user, "email");
  g_autofree gchar *balance = account_get_text (user, "balance");
  g_autofree gchar *heuristic = account_get_text (user, "heuristic");
  g_autofree gchar *readonly = account_get_text (user, "readonly");
  g_autofree gchar *price = account_get_text (pricing, "name");

  g_print ("%s  %s  <%s>  balance %s, heuristic %s, readonly %s, pricing %s\n",
      id, name, email, balance, heuristic, readonly, price);
}

static void
append_text (GString * path, const gchar * name, const gchar * value)
{
  g_autofree gchar *escaped = NULL;

  if (value == NULL)
    return;
  escaped = g_uri_escape_string (value, NULL, FALSE);
  g_string_append_printf (path, "&%s=%s", name, escaped);
}

static void
append_number (GString * path, const gchar * name, gint value)
{
  if (value > 0)
    g_string_append_printf (path, "&%s=%d", name, value);
}

static gchar *
make_list_path (const AccountOptions * options, gint page)
{
  GString *path = g_string_new ("/api/partner/users?");
  gsize start = path->len;

  append_text (path, "filter", options->filter);
  append_number (path, "pricing_id", options->pricing);
  append_text (path, "order", options->order);
  append_text (path, "direction", options->direction);
  append_number (path, "per_page", options->per_page);
  append_number (path, "page", page);
  if (path->len > start)
    g_string_erase (path, start, 1);

  return g_string_free (path, FALSE);
}

/* Adds the users of a page; whether there are more. */
static gboolean
take_page (Account * self, gint page, JsonArray * users, gint * status)
{
  g_autofree gchar *path = make_list_path (&self->options, page);
  IdentifaiServiceCall call = {.what = "users list",.method = "GET",.path = path
  };
  g_autoptr (JsonNode) root = account_call_json (self, &call, status);
  JsonArray *array = root != NULL ? account_get_array (root) : NULL;
  gdouble last = 0;
  guint i;

  if (root != NULL && array == NULL)
    *status =
        account_fail (self, ACCOUNT_TROUBLE,
        "users list: the answer is no " "page of users");
  if (array == NULL)
    return FALSE;
  for (i = 0; i < json_array_get_length (array); i++)
    json_array_add_element (users,
        json_node_ref (json_array_get_element (array, i)));
  identifai_json_get_double (identifai_json_get_member (root, "last_page"),
      &last);

  return self->options.page == 0 && page < last && page < MAX_PAGES
      && json_array_get_length (array) > 0;
}

static gint
list_users (Account * self, gchar ** arguments)
{
  g_autoptr (JsonArray) users = json_array_new ();
  gint page = MAX (self->options.page, 1), status = ACCOUNT_DONE;
  guint i;

  while (take_page (self, page, users, &status))
    page++;
  if (status != ACCOUNT_DONE && json_array_get_length (users) == 0)
    return status;
  if (self->options.json) {
    g_autoptr (JsonNode) root = json_node_new (JSON_NODE_ARRAY);

    json_node_set_array (root, users);
    account_print_json (root);
    return status;
  }
  if (json_array_get_length (users) == 0)
    g_printerr ("none\n");
  for (i = 0; i < json_array_get_length (users); i++)
    print_user (json_array_get_element (users, i));

  return status;
}

/* Making and changing them. */

static gboolean
is_id (Account * self, const gchar * id)
{
  gboolean good = id[0] != '\0' && strspn (id, "0123456789") == strlen (id);

  if (!good)
    account_fail (self, ACCOUNT_WRONG_USE, "a user's id is a number, and not "
        "\"%s\"", id);

  return good;
}

/* FALSE: said what is wrong. */
static gboolean
add_password (Account * self, AccountForm * form)
{
  g_autoptr (GError) error = NULL;
  gchar *password = NULL;

  if (self->options.password_file != NULL)
    password = account_read_password (self->options.password_file, &error);
  else if (self->options.ask_password)
    password = account_ask_password (&error);
  if (error != NULL) {
    account_fail (self, ACCOUNT_WRONG_USE, "%s", error->message);
    return FALSE;
  }
  account_form_add (form, "password", password);
  if (password != NULL)
    memset (password, 0, strlen (password));
  g_free (password);

  return TRUE;
}

/* NULL, but for a missing one. */
static const gchar *
find_missing (const AccountOptions * options)
{
  if (options->name == NULL)
    return "--name";
  if (options->email == NULL)
    return "--email";
  if (options->heuristic == NULL)
    return "--heuristic";

  return options->pricing <= 0 ? "--pricing-id" : NULL;
}

static void
add_wishes (const AccountOptions * options, AccountForm * form)
{
  g_autofree gchar *pricing = g_strdup_printf ("%d", options->pricing);

  account_form_add (form, "name", options->name);
  account_form_add (form, "email", options->email);
  account_form_add (form, "heuristic", options->heuristic);
  account_form_add (form, "pricing_id", pricing);
  account_form_add (form, "readonly", options->readonly ? "true" : NULL);
  account_form_add (form, "newsletter", options->newsletter ? "true" : NULL);
  account_form_add (form, "save_files", options->save_files ? "true" : NULL);
}

static gint
post_form (Account * self, const gchar * what, const gchar * path,
    AccountForm * form)
{
  IdentifaiServiceCall call = {.what = what,.path = path,.once = TRUE };
  g_autoptr (JsonNode) root = NULL;
  JsonNode *data;
  gint status = ACCOUNT_DONE;

  account_form_fill (form, &call);
  root = account_call_json (self, &call, &status);
  if (root == NULL)
    return status;
  data = identifai_json_get_member (root, "data");
  if (self->options.json)
    account_print_json (root);
  else
    print_user (data != NULL ? data : root);

  return ACCOUNT_DONE;
}

/* id: NULL makes one. */
static gint
save_user (Account * self, const gchar * what, const gchar * id)
{
  g_autoptr (AccountForm) form = account_form_new ();
  const gchar *missing = find_missing (&self->options);

  if (missing != NULL)
    return account_fail (self, ACCOUNT_WRONG_USE, "%s is missing: the service "
        "wants name, email, heuristic and pricing-id each time", missing);
  account_form_add (form, "id", id != NULL ? id : "");
  add_wishes (&self->options, form);
  if (!add_password (self, form))
    return ACCOUNT_WRONG_USE;

  return post_form (self, what, "/api/partner/user", form);
}

static gint
create_user (Account * self, gchar ** arguments)
{
  return save_user (self, "users create", NULL);
}

static gint
update_user (Account * self, gchar ** arguments)
{
  if (!is_id (self, arguments[0]))
    return ACCOUNT_WRONG_USE;

  return save_user (self, "users update", arguments[0]);
}

static gint
mail_user (Account * self, gchar ** arguments)
{
  g_autoptr (AccountForm) form = account_form_new ();

  if (!is_id (self, arguments[0]))
    return ACCOUNT_WRONG_USE;
  account_form_add (form, "id", arguments[0]);

  return post_form (self, "users mail", "/api/partner/send_creation_email",
      form);
}

/* Deleting. */

static gboolean
may_delete (Account * self, gchar ** ids)
{
  g_autofree gchar *list = g_strjoinv (", ", ids);
  g_autofree gchar *question = g_strdup_printf ("Delete %s %s for good?",
      ids[1] != NULL ? "the users" : "the user", list);

  return self->options.yes || account_confirm (question);
}

static gint
delete_users (Account * self, gchar ** arguments)
{
  gint status = ACCOUNT_DONE;
  guint i;

  for (i = 0; arguments[i] != NULL; i++)
    if (!is_id (self, arguments[i]))
      return ACCOUNT_WRONG_USE;
  if (!may_delete (self, arguments))
    return account_fail (self, ACCOUNT_WRONG_USE, "nothing is deleted. Say yes "
        "at a terminal, or --yes");

  for (i = 0; arguments[i] != NULL && status == ACCOUNT_DONE; i++) {
    g_autofree gchar *path = g_strconcat ("/api/user?id=", arguments[i], NULL);
    IdentifaiServiceCall call = {.what = "users delete",.method = "DELETE",
      .path = path,.once = TRUE
    };
    g_autoptr (GBytes) body = account_call (self, &call, &status);

    if (body != NULL && !self->options.json)
      g_print ("user %s is deleted\n", arguments[i]);
  }

  return status;
}

/* By the word behind `users`. */

static const struct
{
  const gchar *name;
  gint min, max;
    gint (*run) (Account * self, gchar ** arguments);
} verbs[] = {
  {"list", 0, 0, list_users},
  {"create", 0, 0, create_user},
  {"update", 1, 1, update_user},
  {"delete", 1, -1, delete_users},
  {"mail", 1, 1, mail_user},
};

static gint
run_users (Account * self, gchar ** arguments)
{
  const gchar *word = arguments[0] != NULL ? arguments[0] : "list";
  gint n = arguments[0] != NULL ? (gint) g_strv_length (arguments) - 1 : 0;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, word))
      break;
  if (i == G_N_ELEMENTS (verbs))
    return account_fail (self, ACCOUNT_WRONG_USE, "there is no users %s; there "
        "are list, create, update, delete and mail", word);
  if (n < verbs[i].min || (verbs[i].max >= 0 && n > verbs[i].max))
    return account_fail (self, ACCOUNT_WRONG_USE, "users %s takes %s", word,
        verbs[i].max == 0 ? "no argument" : verbs[i].max == 1 ?
        "the id of one user" : "the ids of users");

  return verbs[i].run (self, arguments + (arguments[0] != NULL));
}

const AccountCommand account_users_command = {
  "users", "[list|create|update ID|delete ID…|mail ID]",
  "The users of a partner, whose key it has to be",
  "create and update want --name, --email, --heuristic and --pricing-id each time.\n"
      "A password is asked for, or in a file: on a command line all could read it.\n"
      "mail sends the message that tells a user of the account. The list comes in\n"
      "pages, and all are fetched unless --page says which.\n"
      "Not documented: what the list's filter is called (filter is sent); the parameter of\n"
      "the call that deletes (id is sent, in the query); what becomes of a user's\n"
      "results; whether a field that is left out of an update stays.",
  entries, 0, -1, run_users
};
