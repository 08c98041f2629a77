/* identifai-emulator: partners and their users
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure, in memory. A partner is a user itself; whoever is under it is seen and
 * changed by nobody else. Passwords are not kept.
 */

#pragma once

#include <json-glib/json-glib.h>
#include "form.h"

G_BEGIN_DECLS

#define EMU_MAX_USERS 10000

typedef struct
{
  guint id;
  gchar *name, *email, *heuristic;
  guint pricing;                /* its id */
  gint readonly;                /* -1 = nobody said */
  gboolean newsletter, save_files, has_password;
  guint partner;                /* the user that it is under; 0 = a partner */
  guint mails;                  /* that would have been sent to it */
  GDateTime *created, *updated; /* UTC */
} EmuUser;

typedef struct _EmuUsers EmuUsers;

EmuUsers *emu_users_new (void);
void emu_users_free (EmuUsers * self);

/* A new partner; returns its id. */
guint emu_users_add_partner (EmuUsers * self);

/* Creates a user under that partner, or changes one, as the form says. NULL:
 * *errors is a JSON object as the service answers it. */
EmuUser *emu_users_save (EmuUsers * self, guint partner, EmuForm * form,
    gchar ** errors);
/* id: as somebody sent it, or NULL. The same. */
EmuUser *emu_users_find (EmuUsers * self, guint partner, const gchar * id,
    gchar ** errors);
void emu_users_remove (EmuUsers * self, EmuUser * user);

/* A page of the partner's users, by the query's pricing_id, order, direction,
 * per_page and page. url: of the call, without its query. NULL with *errors. */
JsonNode *emu_users_list (EmuUsers * self, guint partner, GHashTable * query,
    const gchar * url, gchar ** errors);

/* {"data":…}, and the same of all prices. */
JsonNode *emu_users_build (EmuUsers * self, const EmuUser * user);
JsonNode *emu_users_build_pricings (void);
/* All of them, for the page. */
JsonArray *emu_users_build_state (EmuUsers * self);

G_END_DECLS
