/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which results are waited for, and which of them is due to be asked for when. Two
 * jobs may wait for one result: the service knows the same file again.
 *
 * The network thread's. Times in monotonic µs.
 */

#pragma once

#include "clientprivate.h"

G_BEGIN_DECLS

typedef struct _IdentifaiPoll IdentifaiPoll;

/* One result that is waited for. */
struct _IdentifaiPending
{
  gchar *identifier;
  GQueue jobs;                  /* never empty; each with a reference */
  gint64 poll_interval;         /* longest of the jobs'; 0 = ours */
  gint64 since;                 /* submitted */
  gboolean resumed;             /* it was earlier than that, in another run */
  gint64 asked_at;              /* 0 = never */
  gint64 unfinished_at;         /* asked for then, it wasn't final; 0 = never */
  guint n_answers;
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

typedef struct
{
  GHashTable *by_identifier;    /* owns them */
  GSequence *schedule;          /* of IdentifaiPending, by due */
  GSequence *deadlines;         /* of IdentifaiJob, by deadline */
} IdentifaiPendingTable;

void identifai_pending_init (IdentifaiPendingTable * table);
void identifai_pending_clear (IdentifaiPendingTable * table);

/* A new one is due first_delay after the submit call. */
void identifai_pending_add (IdentifaiPendingTable * table, IdentifaiJob * job,
    gint64 first_delay);
/* Frees it with its last job, and drops the job's reference. */
void identifai_pending_remove (IdentifaiPendingTable * table,
    IdentifaiJob * job);
/* By whom it is asked for. */
IdentifaiClient *identifai_pending_get_client (IdentifaiPending * self);

/* Out of the schedule, or in it again. */
void identifai_pending_unschedule (IdentifaiPending * self);
void identifai_pending_schedule (IdentifaiPendingTable * table,
    IdentifaiPending * self, gint64 due);
/* What a poll of it came to; NULL: it didn't fail. */
void identifai_pending_note (IdentifaiPending * self, const gchar * failure,
    guint http_status);

/* Those in the schedule, by when they are due: the first one, and the next. */
IdentifaiPending *identifai_pending_first (IdentifaiPendingTable * table);
IdentifaiPending *identifai_pending_next (IdentifaiPending * self);
/* The job whose deadline is first, or NULL. */
IdentifaiJob *identifai_pending_first_deadline (IdentifaiPendingTable * table);

G_END_DECLS
