/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "demand.h"

#include <string.h>

typedef struct
{
  gchar *account;               /* a digest of endpoint and key */
  gdouble per_minute;
} User;

static GMutex lock;
static GHashTable *users;       /* of User, by what names it; lock */

static void
user_free (gpointer data)
{
  User *user = data;

  g_free (user->account);
  g_free (user);
}

static gchar *
make_account (const gchar * endpoint, const gchar * key)
{
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gchar *account;

  g_checksum_update (checksum, (const guchar *) endpoint,
      strlen (endpoint) + 1);
  g_checksum_update (checksum, (const guchar *) key, -1);
  account = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);

  return account;
}

static User *
get_locked (gconstpointer name)
{
  User *user;

  if (users == NULL)
    users = g_hash_table_new_full (NULL, NULL, NULL, user_free);
  user = g_hash_table_lookup (users, name);
  if (user == NULL) {
    user = g_new0 (User, 1);
    g_hash_table_insert (users, (gpointer) name, user);
  }

  return user;
}

void
identifai_demand_join (gconstpointer name, const gchar * endpoint,
    const gchar * key)
{
  gchar *account = make_account (endpoint, key);
  User *user;

  g_mutex_lock (&lock);
  user = get_locked (name);
  g_free (user->account);
  user->account = account;
  g_mutex_unlock (&lock);
}

static void
sum_up_locked (const gchar * account, IdentifaiDemand * all)
{
  GHashTableIter iter;
  gpointer value;

  *all = (IdentifaiDemand) {
  0, 0};
  g_hash_table_iter_init (&iter, users);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const User *user = value;

    if (user->per_minute <= 0 || g_strcmp0 (user->account, account) != 0)
      continue;
    all->users++;
    all->per_minute += user->per_minute;
  }
}

void
identifai_demand_set (gconstpointer name, gdouble per_minute,
    IdentifaiDemand * all)
{
  User *user;

  g_mutex_lock (&lock);
  user = get_locked (name);
  user->per_minute = per_minute;
  sum_up_locked (user->account, all);
  g_mutex_unlock (&lock);
}

void
identifai_demand_leave (gconstpointer name)
{
  g_mutex_lock (&lock);
  if (users != NULL)
    g_hash_table_remove (users, name);
  if (users != NULL && g_hash_table_size (users) == 0)
    g_clear_pointer (&users, g_hash_table_unref);
  g_mutex_unlock (&lock);
}
