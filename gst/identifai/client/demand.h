/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How many uploads a minute the users of a key in this process will want, as they
 * say beforehand. Any thread; takes no lock but its own.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint users;                  /* that want any */
  gdouble per_minute;           /* of all of them */
} IdentifaiDemand;

/* Zeroed at first, its owner's; what is in it, demand.c's. */
typedef struct
{
  gchar *account;               /* a digest of endpoint and key; NULL = in none */
  gdouble per_minute;
  GList link;
} IdentifaiDemandUser;

/* It wants nothing at first; another key takes along what it wants. The key isn't
 * kept. */
void identifai_demand_join (IdentifaiDemandUser * user,
    const gchar * endpoint, const gchar * key);
/* all: of its endpoint and key, with it. */
void identifai_demand_set (IdentifaiDemandUser * user, gdouble per_minute,
    IdentifaiDemand * all);
void identifai_demand_leave (IdentifaiDemandUser * user);

G_END_DECLS
