/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "clientprivate.h"

/* A connection that takes longer doesn't hold up the other calls. */
#define PATIENCE (5 * G_TIME_SPAN_SECOND)
/* The longest time that the first call on a connection takes to arrive. */
#define NEW_CONNECTION G_TIME_SPAN_SECOND

gint64
identifai_launch_next (IdentifaiAccount * client, IdentifaiCall call,
    gint64 now)
{
  IdentifaiLaunch *launch = &client->launches[call];
  gint64 next = identifai_budget_next (client->budget, call, now);

  if (launch->call != NULL
      && identifai_budget_is_limited (client->budget, call))
    next = MAX (next, launch->until);

  return next;
}

void
identifai_launch_start (IdentifaiAccount * client, IdentifaiCall call,
    gpointer which, IdentifaiTicket * ticket, gint64 now)
{
  identifai_budget_take (client->budget, call, now, ticket);
  client->launches[call].call = which;
  client->launches[call].until = now + PATIENCE;
}

static void
stop_launching (IdentifaiAccount * client, IdentifaiCall call, gpointer which)
{
  if (client->launches[call].call != which)
    return;

  client->launches[call].call = NULL;
  identifai_account_lock ();
  identifai_account_wake_locked (client);
  identifai_account_unlock ();
}

void
identifai_launch_sent (IdentifaiAccount * client, IdentifaiCall call,
    gpointer which, IdentifaiTicket * ticket, gboolean fresh)
{
  gint64 arrives = g_get_monotonic_time ();

  if (fresh)
    arrives += NEW_CONNECTION;
  identifai_budget_sent (client->budget, call, ticket, arrives);
  stop_launching (client, call, which);
}

/* The service has counted it before it answers. */
void
identifai_launch_end (IdentifaiAccount * client, IdentifaiCall call,
    gpointer which, IdentifaiTicket * ticket)
{
  gint64 now = g_get_monotonic_time ();

  if (ticket->start > now)
    identifai_budget_sent (client->budget, call, ticket, now);
  stop_launching (client, call, which);
}
