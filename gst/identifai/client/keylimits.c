/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "keylimits.h"
#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long one is kept that nobody uses: longer than the service looks back. */
#define KEPT (2 * G_TIME_SPAN_MINUTE)

static GQueue budgets = G_QUEUE_INIT;

static gchar *
make_id (const gchar * endpoint, const gchar * api_key)
{
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gchar *id;

  g_checksum_update (checksum, (const guchar *) endpoint,
      strlen (endpoint) + 1);
  g_checksum_update (checksum, (const guchar *) api_key, -1);
  id = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);

  return id;
}

static IdentifaiBudget *
budget_new (const gchar * id)
{
  IdentifaiBudget *self = g_new0 (IdentifaiBudget, 1);

  self->id = g_strdup (id);
  self->starts = identifai_limiter_new (g_random_int ());
  self->arrivals = identifai_limiter_new (g_random_int ());

  return self;
}

static void
budget_free (IdentifaiBudget * self)
{
  identifai_limiter_free (self->starts);
  identifai_limiter_free (self->arrivals);
  g_free (self->id);
  g_free (self);
}

static void
forget_older (gint64 time)
{
  GList *walk, *next;

  for (walk = budgets.head; walk; walk = next) {
    IdentifaiBudget *budget = walk->data;

    next = walk->next;
    if (budget->users == 0 && budget->released_at < time) {
      budget_free (budget);
      g_queue_delete_link (&budgets, walk);
    }
  }
}

static IdentifaiBudget *
find (const gchar * id)
{
  GList *walk;

  for (walk = budgets.head; walk; walk = walk->next) {
    IdentifaiBudget *budget = walk->data;

    if (g_str_equal (budget->id, id))
      return budget;
  }

  return NULL;
}

IdentifaiBudget *
identifai_budget_get (const gchar * endpoint, const gchar * api_key)
{
  gchar *id = make_id (endpoint, api_key);
  IdentifaiBudget *budget;

  forget_older (identifai_clock_now () - KEPT);
  budget = find (id);
  GST_DEBUG ("%s", budget ? "calls of this key were counted before" :
      "the calls of a key begin to be counted");
  if (!budget) {
    budget = budget_new (id);
    g_queue_push_tail (&budgets, budget);
  }
  budget->users++;
  g_free (id);

  return budget;
}

void
identifai_budget_release (IdentifaiBudget * self)
{
  self->users--;
  self->released_at = identifai_clock_now ();
}

void
identifai_budget_forget_all (void)
{
  forget_older (G_MAXINT64);
}

void
identifai_budget_set_limit (IdentifaiBudget * self, IdentifaiCall call,
    const IdentifaiLimit * limit)
{
  IdentifaiLimit by_second = { limit->per_second, 0 };

  identifai_limiter_set_limit (self->starts, call, limit);
  identifai_limiter_set_limit (self->arrivals, call, &by_second);
}

gint64
identifai_budget_arrive (IdentifaiBudget * self, gint64 now)
{
  if (identifai_limiter_take (self->arrivals, IDENTIFAI_CALL_POST, now, NULL))
    return 0;

  return identifai_limiter_next (self->arrivals, IDENTIFAI_CALL_POST,
      now) - now;
}
