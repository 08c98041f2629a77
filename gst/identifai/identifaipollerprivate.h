/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The poller has two parts: when to look (identifaipoller.c), and one look,
 * from its URL to what its answer means (identifailook.c). All of it belongs to
 * a client's network thread.
 */

#pragma once

#include "identifaiwatch.h"

G_BEGIN_DECLS

#define IDENTIFAI_N_RECENT 16

struct _IdentifaiPoller
{
  IdentifaiClient *client;      /* borrowed: its owner */
  IdentifaiWatches *watches;
  guint n_looks;                /* on the wire */
  gint64 next_start;            /* monotonic µs: keeps looks evenly apart */
  guint failures;               /* looks in a row that failed */

  guint max_batch;              /* halved when a call was too long */
  gint64 no_batch_until;        /* monotonic µs */
  guint path;                   /* of the single call: 0 or 1 */
  gboolean path_known;          /* it has worked */

  /* How long results took lately, µs. */
  gint64 recent[IDENTIFAI_N_RECENT];
  guint n_recent;
};

/* One call on the wire. */
struct _IdentifaiLook
{
  IdentifaiPoller *poller;
  gboolean batch;
  guint path;                   /* of a single look */
  GPtrArray *watches;           /* NULL where one has gone meanwhile */
  guint n_watches;              /* that haven't */
  GArray *endings;              /* of jobs whose results are final */
  IdentifaiExchange *exchange;
};

/* identifaipoller.c */

/* Whether results may be asked for together now. */
gboolean identifai_poller_uses_batch (IdentifaiPoller * self, gint64 now);
/* The batch call doesn't work: not for a while. */
void identifai_poller_stop_batch (IdentifaiPoller * self);
/* A batch has room for results that aren't due: may watch be among them? */
gboolean identifai_poller_may_join (const IdentifaiWatch * watch, gint64 now);
/* When watch is due again after a look that didn't settle it. */
gint64 identifai_poller_next_due (const IdentifaiWatch * watch, gint64 now);
/* How long the result of watch took, if it is final now; to be learned. */
gint64 identifai_poller_estimate (const IdentifaiWatch * watch, gint64 now);
void identifai_poller_learn (IdentifaiPoller * self, gint64 took);

/* identifailook.c */

/* Looks at first, and at what else may come along. */
void identifai_look_start (IdentifaiPoller * poller, IdentifaiWatch * first,
    gint64 now);
/* A watch that a look asks for is about to be freed. */
void identifai_look_lose (IdentifaiWatch * watch, gpointer user_data);

G_END_DECLS
