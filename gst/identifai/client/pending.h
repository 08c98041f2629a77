/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which results are waited for, and which of them is due for a look when. Two
 * jobs may wait for one result: the service knows the same file again.
 *
 * All of it belongs to a client's network thread. Times in monotonic µs.
 */

#pragma once

#include "clientprivate.h"

G_BEGIN_DECLS

typedef struct _IdentifaiPoll IdentifaiPoll;
typedef struct _IdentifaiPendingSet IdentifaiPendingSet;

/* One result that is waited for. */
struct _IdentifaiPending
{
  gchar *identifier;
  IdentifaiClient *lane;        /* whose transport looks; of one of the jobs */
  GQueue jobs;                  /* never empty; each with a reference */
  gint64 poll_interval;         /* longest of the jobs'; 0 = ours */
  gint64 since;                 /* submitted */
  gint64 looked_at;             /* 0 = never */
  guint n_looks;                /* that were answered */
  guint failures;               /* looks in a row that failed */
  gchar *failure;               /* why the latest one did, or NULL */
  guint failure_status;         /* its HTTP status, or 0 */
  gboolean alone;               /* the next look asks for nothing else */
  guint n_unnamed;              /* batches in a row that named only others */
  gint64 due;
  GSequenceIter *due_iter;      /* NULL while a look asks for it */
  IdentifaiPoll *look;          /* that asks for it, or NULL */
};

/* Tells that a watch is about to be freed. */
typedef void (*IdentifaiPendingFunc) (IdentifaiPending * watch, gpointer user_data);

IdentifaiPendingSet *identifai_pending_set_new (IdentifaiPendingFunc gone,
    gpointer user_data);
void identifai_pending_set_free (IdentifaiPendingSet * self);

guint identifai_pending_set_get_count (IdentifaiPendingSet * self);
IdentifaiPending *identifai_pending_set_find (IdentifaiPendingSet * self,
    const gchar * identifier);
/* A new watch is due for its first look first_delay after the submit call. */
void identifai_pending_set_add (IdentifaiPendingSet * self, IdentifaiJob * job,
    gint64 first_delay);
/* Does nothing if it isn't in. May free the watch, and drops the reference. */
void identifai_pending_set_remove (IdentifaiPendingSet * self, IdentifaiJob * job);

/* Out of the schedule, or in it again. */
void identifai_pending_set_hold (IdentifaiPendingSet * self, IdentifaiPending * watch);
void identifai_pending_set_schedule (IdentifaiPendingSet * self,
    IdentifaiPending * watch, gint64 due);
/* What a look at it came to; NULL: it didn't fail. */
void identifai_pending_note (IdentifaiPending * watch, const gchar * failure,
    guint http_status);

/* Those in the schedule, by when they are due: the first one, and the next. */
IdentifaiPending *identifai_pending_set_first (IdentifaiPendingSet * self);
IdentifaiPending *identifai_pending_set_after (IdentifaiPendingSet * self,
    IdentifaiPending * watch);

/* The job whose deadline is first, or NULL. */
IdentifaiJob *identifai_pending_set_first_deadline (IdentifaiPendingSet * self);

G_END_DECLS
