/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sums up what is wanted by account, in a table of the process. Any thread: the
 * table's lock is a leaf.
 */

#include "demand.h"
#include "keylimits.h"

static GMutex lock;
static GQueue users = G_QUEUE_INIT;     /* of IdentifaiDemandUser; lock */

void
identifai_demand_join (IdentifaiDemandUser * user, const gchar * endpoint,
    const gchar * key)
{
  gchar *account = identifai_key_digest (endpoint, key);

  g_mutex_lock (&lock);
  if (user->account == NULL) {
    user->link.data = user;
    g_queue_push_tail_link (&users, &user->link);
  }
  g_free (user->account);
  user->account = account;
  g_mutex_unlock (&lock);
}

void
identifai_demand_set (IdentifaiDemandUser * user, gdouble per_minute,
    IdentifaiDemand * all)
{
  GList *walk;

  *all = (IdentifaiDemand) {
  0, 0};
  g_mutex_lock (&lock);
  user->per_minute = per_minute;
  for (walk = users.head; walk != NULL; walk = walk->next) {
    const IdentifaiDemandUser *other = walk->data;

    if (other->per_minute <= 0
        || g_strcmp0 (other->account, user->account) != 0)
      continue;
    all->users++;
    all->per_minute += other->per_minute;
  }
  g_mutex_unlock (&lock);
}

void
identifai_demand_leave (IdentifaiDemandUser * user)
{
  g_mutex_lock (&lock);
  if (user->account != NULL)
    g_queue_unlink (&users, &user->link);
  g_clear_pointer (&user->account, g_free);
  g_mutex_unlock (&lock);
}
