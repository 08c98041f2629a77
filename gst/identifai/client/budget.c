/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "budget.h"
#include "clock.h"
#include "log.h"
#include <gst/gst.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long one is kept that nobody uses: longer than the service looks back. */
#define KEPT (2 * G_TIME_SPAN_MINUTE)

struct _IdentifaiBudget
{
  gchar *id;                    /* a checksum: no key is kept for it */
  guint users;                  /* under budgets_mutex, as is the next */
  gint64 released_at;

  GMutex lock;                  /* of the limiters */
  IdentifaiLimiter *starts;
  IdentifaiLimiter *arrivals;   /* posts, by the second only */
};

/* Taken before a budget's lock, if both are. */
static GMutex budgets_mutex;
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
  g_mutex_init (&self->lock);
  self->starts = identifai_limiter_new (g_random_int ());
  self->arrivals = identifai_limiter_new (g_random_int ());

  return self;
}

static void
budget_free (IdentifaiBudget * self)
{
  identifai_limiter_free (self->starts);
  identifai_limiter_free (self->arrivals);
  g_mutex_clear (&self->lock);
  g_free (self->id);
  g_free (self);
}

static void
forget_older_locked (gint64 time)
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
find_locked (const gchar * id)
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

  g_mutex_lock (&budgets_mutex);
  forget_older_locked (identifai_clock_now () - KEPT);
  budget = find_locked (id);
  if (!budget) {
    budget = budget_new (id);
    g_queue_push_tail (&budgets, budget);
  }
  budget->users++;
  g_mutex_unlock (&budgets_mutex);
  g_free (id);

  return budget;
}

void
identifai_budget_release (IdentifaiBudget * self)
{
  g_mutex_lock (&budgets_mutex);
  self->users--;
  self->released_at = identifai_clock_now ();
  g_mutex_unlock (&budgets_mutex);
}

void
identifai_budget_forget_all (void)
{
  g_mutex_lock (&budgets_mutex);
  forget_older_locked (G_MAXINT64);
  g_mutex_unlock (&budgets_mutex);
}

void
identifai_budget_set_limit (IdentifaiBudget * self, IdentifaiCall call,
    const IdentifaiLimit * limit)
{
  IdentifaiLimit by_second = { limit->per_second, 0 };

  g_mutex_lock (&self->lock);
  identifai_limiter_set_limit (self->starts, call, limit);
  identifai_limiter_set_limit (self->arrivals, call, &by_second);
  g_mutex_unlock (&self->lock);
}

/* A device without a battery for its clock sets it while it runs. */
static void
read_clock_locked (IdentifaiBudget * self)
{
  identifai_limiter_set_epoch (self->starts,
      identifai_clock_now_real () - identifai_clock_now ());
}

gint64
identifai_budget_next (IdentifaiBudget * self, IdentifaiCall call, gint64 now)
{
  gint64 next;

  g_mutex_lock (&self->lock);
  read_clock_locked (self);
  next = identifai_limiter_next (self->starts, call, now);
  g_mutex_unlock (&self->lock);

  return next;
}

gboolean
identifai_budget_take (IdentifaiBudget * self, IdentifaiCall call,
    gint64 now, IdentifaiTicket * ticket)
{
  gboolean taken;

  g_mutex_lock (&self->lock);
  read_clock_locked (self);
  taken = identifai_limiter_take (self->starts, call, now, ticket);
  g_mutex_unlock (&self->lock);

  return taken;
}

void
identifai_budget_sent (IdentifaiBudget * self, IdentifaiCall call,
    IdentifaiTicket * ticket, gint64 now)
{
  g_mutex_lock (&self->lock);
  identifai_limiter_sent (self->starts, call, ticket, now);
  g_mutex_unlock (&self->lock);
}

void
identifai_budget_throttled (IdentifaiBudget * self, IdentifaiCall call,
    const IdentifaiTicket * ticket, gint64 now, gint64 until)
{
  gdouble part;

  g_mutex_lock (&self->lock);
  identifai_limiter_throttled (self->starts, call, ticket, now, until);
  part = identifai_limiter_get_part (self->starts, call);
  g_mutex_unlock (&self->lock);

  GST_INFO ("a %s was refused (429): none for %d ms, then %d %% of the limit",
      call == IDENTIFAI_CALL_POST ? "POST" : "GET", (gint) ((until - now)
          / G_TIME_SPAN_MILLISECOND), (gint) (part * 100));
}

void
identifai_budget_succeeded (IdentifaiBudget * self, IdentifaiCall call,
    const IdentifaiTicket * ticket, gint64 now)
{
  g_mutex_lock (&self->lock);
  identifai_limiter_succeeded (self->starts, call, ticket, now);
  g_mutex_unlock (&self->lock);
}

gdouble
identifai_budget_get_part (IdentifaiBudget * self, IdentifaiCall call)
{
  gdouble part;

  g_mutex_lock (&self->lock);
  part = identifai_limiter_get_part (self->starts, call);
  g_mutex_unlock (&self->lock);

  return part;
}

gboolean
identifai_budget_is_limited (IdentifaiBudget * self, IdentifaiCall call)
{
  gboolean limited;

  g_mutex_lock (&self->lock);
  limited = identifai_limiter_is_limited (self->starts, call);
  g_mutex_unlock (&self->lock);

  return limited;
}

gint64
identifai_budget_arrive (IdentifaiBudget * self, gint64 now)
{
  gint64 wait = 0;

  g_mutex_lock (&self->lock);
  if (!identifai_limiter_take (self->arrivals, IDENTIFAI_CALL_POST, now, NULL))
    wait = identifai_limiter_next (self->arrivals, IDENTIFAI_CALL_POST, now)
        - now;
  g_mutex_unlock (&self->lock);

  return wait;
}
