/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The poller has three parts, each above the one before: the results that are waited for
 * (pending.c), when to ask for them (poller.c), and the polls, from their URL to what
 * their answer means (pollcall.c). The network thread's.
 */

#pragma once

#include "clientprivate.h"
#include "polltimes.h"

G_BEGIN_DECLS

typedef struct _IdentifaiPoll IdentifaiPoll;

/* One result that is waited for. Two jobs may wait for one: the service knows the same
 * file again. Times in monotonic µs. */
struct _IdentifaiPending
{
  IdentifaiPoller *poller;
  gchar *identifier;
  GQueue jobs;                  /* never empty; each with a reference */
  gint64 poll_interval;         /* longest of the jobs'; 0 = ours */
  gint64 since;                 /* submitted */
  gboolean resumed;             /* it was earlier than that, in another run */
  gint64 asked_at;              /* 0 = never */
  gint64 unfinished_at;         /* asked for then, it wasn't final; 0 = never */
  guint n_polls, n_unknown;     /* that asked for it; whose answer had no word of it */
  guint failures;               /* polls in a row that failed */
  gchar *failure;               /* why the latest one did, or NULL */
  guint failure_status;         /* its HTTP status, or 0 */
  gboolean alone;               /* the next poll asks for nothing else */
  gboolean wanted;              /* it was asked for while a poll was under way */
  guint n_unnamed;              /* batches in a row that named only others */
  gint64 due;
  GSequenceIter *due_iter;      /* NULL while a poll asks for it */
  IdentifaiPoll *poll;          /* that asks for it, or NULL */
  GList poll_link;              /* in poll->pending */
};

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
  GHashTable *pending;          /* by their identifiers; owns them */
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

  IdentifaiPollTimes judging;
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

/* pending.c: which results are waited for, and which of them is due to be asked for
 * when. */

/* A new one is due first_delay after the submit call. */
void identifai_pending_add (IdentifaiPoller * poller, IdentifaiJob * job,
    gint64 first_delay);
/* Whose client asks for it, and whose segment the log names. */
IdentifaiJob *identifai_pending_get_job (IdentifaiPending * self);

/* Out of the schedule, or in it again. */
void identifai_pending_unschedule (IdentifaiPending * self);
void identifai_pending_schedule (IdentifaiPending * self, gint64 due);
/* What a poll of it came to; NULL: it didn't fail. */
void identifai_pending_note (IdentifaiPending * self, const gchar * failure,
    guint http_status);

/* Those in the schedule, by when they are due: the first one, and the next. */
IdentifaiPending *identifai_pending_first (IdentifaiAccount * account);
IdentifaiPending *identifai_pending_next (IdentifaiPending * self);
/* The job whose deadline is first, or NULL. */
IdentifaiJob *identifai_pending_first_deadline (IdentifaiAccount * account);
/* It isn't on the wire, and what it asked for asks no longer. */
void identifai_poll_free (IdentifaiPoll * poll);

/* poller.c */

/* When the next poll may start, if there is anything to ask for. */
gint64 identifai_pollers_next (IdentifaiAccount * account, gint64 now);

/* Whether results may be asked for together now. */
gboolean identifai_poller_uses_batch (IdentifaiPoller * self, gint64 now);
/* The batch call didn't work. */
void identifai_poller_doubt_batch (IdentifaiPoller * self, const gchar * names,
    IdentifaiDoubt doubt);
/* Its connection broke: perhaps its answer was too much for what is on the way,
 * so fewer are asked for next. FALSE: fewer than size there can't be. */
gboolean identifai_poller_batch_broke (IdentifaiPoller * self,
    const gchar * names, guint size);
/* How many may be asked for together. */
guint identifai_poller_get_max_batch (IdentifaiPoller * self);
/* One did; named: it named something that was asked for. */
void identifai_poller_batch_worked (IdentifaiPoller * self, const gchar * names,
    gboolean named);
/* What a single poll says about the batch call: it found the result, or failed; or the
 * service doesn't say anything of it yet. */
void identifai_poller_end_doubt (IdentifaiPoller * self, const gchar * names,
    gboolean single_works);
void identifai_poller_single_found_nothing (IdentifaiPoller * self,
    const gchar * names);
/* A batch has room for results that aren't due: may this one be among them? */
gboolean identifai_poller_may_join (const IdentifaiPending * pending,
    gint64 now);
/* The service says that it is at it, or nothing yet. */
void identifai_poller_keep_waiting (IdentifaiPending * pending);
/* It is final. */
void identifai_poller_learn (IdentifaiPending * pending);

G_END_DECLS
