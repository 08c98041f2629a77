/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The poller has two parts: when to ask for results (poller.c), and one poll, from
 * its URL to what its answer means (pollcall.c). The network thread's.
 */

#pragma once

#include "judgingtimes.h"
#include "pending.h"

G_BEGIN_DECLS

/* Why the batch call isn't trusted. A poll of a single result tells: where that
 * fails, too, the service is at fault. If it works, and the batch call doesn't right
 * after it, that one is left alone for a while. */
typedef enum
{
  IDENTIFAI_DOUBT_NONE,
  IDENTIFAI_DOUBT_BROKEN,       /* no answer, or none to be understood */
  IDENTIFAI_DOUBT_NAMELESS      /* it names nothing of what was asked for */
} IdentifaiDoubt;

struct _IdentifaiPoller
{
  IdentifaiAccount *account;    /* borrowed: its owner */
  const IdentifaiKindInfo *kind;
  IdentifaiPendingTable pending;
  guint failures;               /* polls in a row that failed */

  guint max_batch;              /* halved when a call was too long */
  guint n_breaks;               /* batches that broke, less those that worked */
  guint n_small_breaks;         /* of the smallest, in a row */
  gint64 no_batch_until;        /* monotonic µs */
  IdentifaiDoubt doubt;         /* until a single poll has told */
  gboolean single_works;        /* that poll did; no batch did since */
  guint n_nameless;             /* batches in a row that named nothing */
  guint path;                   /* of the single call: of the kind's */
  gboolean path_known;          /* it has worked */

  IdentifaiJudgingTimes judging;
};

/* One call on the wire. */
struct _IdentifaiPoll
{
  IdentifaiPoller *poller;
  gchar *names;                 /* of the elements that it asks for, for the log */
  gboolean batch;
  gboolean waited;              /* for long until it could start */
  guint path;                   /* of a single one */
  guint size;                   /* results that it asked for */
  GQueue pending;               /* of them, those that are still waited for */
  GArray *endings;              /* of jobs whose results are final */
  IdentifaiWire wire;
};

/* poller.c */

/* Whether results may be asked for together now. */
gboolean identifai_poller_uses_batch (IdentifaiPoller * self, gint64 now);
/* The batch call didn't work. */
void identifai_poller_doubt_batch (IdentifaiPoller * self,
    IdentifaiDoubt doubt);
/* Its connection broke: perhaps its answer was too much for what is on the way,
 * so fewer are asked for next. FALSE: fewer than size there can't be. */
gboolean identifai_poller_batch_broke (IdentifaiPoller * self, guint size);
/* How many may be asked for together. */
guint identifai_poller_get_max_batch (IdentifaiPoller * self);
/* One did; named: it named something that was asked for. */
void identifai_poller_batch_worked (IdentifaiPoller * self, gboolean named);
/* What a single poll says about the batch call: it found the result, or failed; or the
 * service doesn't say anything of it yet. */
void identifai_poller_end_doubt (IdentifaiPoller * self,
    gboolean single_works);
void identifai_poller_single_found_nothing (IdentifaiPoller * self);
/* A batch has room for results that aren't due: may this one be among them? */
gboolean identifai_poller_may_join (const IdentifaiPending * pending,
    gint64 now);
/* The service says that it is at it, or nothing yet. */
void identifai_poller_keep_waiting (IdentifaiPoller * self,
    IdentifaiPending * pending);
/* It is final. */
void identifai_poller_learn (IdentifaiPoller * self,
    const IdentifaiPending * pending);

/* pollcall.c */

/* Asks for first, and for what else may come along. */
void identifai_poll_start (IdentifaiPoller * poller, IdentifaiPending * first,
    gint64 now);
/* What a poll may ask for is about to be freed. */
void identifai_poll_lose (IdentifaiPending * pending);

G_END_DECLS
