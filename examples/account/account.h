/* identifai-account: an account of the service, at a terminal
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What its files share. One thread, but for the client's own (client.h), which it
 * waits for.
 */

#pragma once

#include "servicecall.h"
#include "kind.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Exit status. */
enum
{
  ACCOUNT_DONE,
  ACCOUNT_REFUSED,              /* the service says no, or knows nothing of it */
  ACCOUNT_WRONG_USE,            /* arguments, settings, files */
  ACCOUNT_TROUBLE               /* no answer, or none to be understood */
};

/* What options say; strings are owned. */
typedef struct
{
  gchar *endpoint, *api_key_file, *proxy, *tls_ca_file;
  gint timeout, retries;
  gboolean allow_plain_http, no_limits;
  gboolean json;

  gchar *kind;                  /* "video", "image", "speech" */
  gchar *output;                /* a file */
  gchar *ref_id;
  gchar **fields;               /* "NAME=VALUE" */
  gboolean yes;                 /* doesn't ask */

  gchar *name, *email, *heuristic, *password_file;
  gint pricing;
  gboolean ask_password, readonly, newsletter, save_files;
  gchar *filter, *order, *direction;
  gint page, per_page;
} AccountOptions;

typedef struct
{
  AccountOptions options;
  const gchar *command;
  IdentifaiClient *client;      /* NULL: not yet */
} Account;

typedef struct
{
  const gchar *name;
  const gchar *arguments;       /* for people */
  const gchar *summary;
  const gchar *details;         /* what the service's documents don't say, too */
  const GOptionEntry *entries;  /* beside those of all commands */
  gint min, max;                /* number of arguments; -1: any */
  gint (*run) (Account * self, gchar ** arguments);
} AccountCommand;

extern const AccountCommand account_result_commands[];  /* results.c, NULL last */
extern const AccountCommand account_user_commands[];    /* users.c */
extern const AccountCommand account_users_command;
extern AccountOptions account_options;  /* that entries write to */

/* call.c */

/* Makes a call, with the settings that options and environment have. NULL: it
 * failed, why was said, and *status is how to end. */
GBytes *account_call (Account * self, const IdentifaiServiceCall * call,
    gint * status);
/* The same, whose answer is JSON. */
JsonNode *account_call_json (Account * self, const IdentifaiServiceCall * call,
    gint * status);
void account_close (Account * self);
/* FALSE: said that there is no such kind. NULL is fallback. */
gboolean account_read_kind (Account * self, const gchar * name,
    IdentifaiKind fallback, IdentifaiKind * kind);

/* form.c: multipart/form-data of text fields. */

typedef struct _AccountForm AccountForm;

AccountForm *account_form_new (void);
void account_form_free (AccountForm * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccountForm, account_form_free)
void account_form_add (AccountForm * self, const gchar * name,
    const gchar * value);
/* Into call; borrowed from the form. */
void account_form_fill (AccountForm * self, IdentifaiServiceCall * call);

/* print.c */

/* Says what is wrong; returns status. */
gint account_fail (Account * self, gint status, const gchar * format, ...)
    G_GNUC_PRINTF (3, 4);
/* One line for people, without what might do something to a terminal; "-" for what
 * isn't there, or is no text or number. */
gchar *account_get_text (JsonNode * object, const gchar * name);
void account_print_json (JsonNode * node);
/* The array that an answer is, or has as "data"; NULL: neither. Borrowed. */
JsonArray *account_get_array (JsonNode * root);

/* ask.c */

/* On a terminal. FALSE: no, or there is none. */
gboolean account_confirm (const gchar * question);
/* Twice, without echo. NULL with error. */
gchar *account_ask_password (GError ** error);
/* The first line of a file, "-" is standard input. */
gchar *account_read_password (const gchar * path, GError ** error);

G_END_DECLS
