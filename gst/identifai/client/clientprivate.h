/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the client share.
 *
 *   lane ── seat ── client       a lane (an element) sits at the client of its
 *             │                  key; after a change of key also at the old one
 *            job                 until its jobs there are gone
 *
 * Locks: one for the process, identifai_account_lock(), held for short stretches
 * and never during a callback, a free function or I/O; a budget's locks are
 * taken within it, nothing else is. Fields marked [L] belong
 * to it, [N] to the client's network thread, [C] don't change after creation.
 */

#pragma once

#include "response.h"
#include "backoff.h"
#include "budget.h"
#include "client.h"
#include "transport.h"

G_BEGIN_DECLS

typedef struct _IdentifaiAccount IdentifaiAccount;
typedef struct _IdentifaiSeat IdentifaiSeat;
typedef struct _IdentifaiJob IdentifaiJob;
typedef struct _IdentifaiPoller IdentifaiPoller;
typedef struct _IdentifaiPending IdentifaiPending;

/* A call that was sent, and its headers may not be out yet: its connection has to
 * be made first. When it counts isn't known, and so not when the next one may
 * start. One of a kind at a time, unless it takes too long. */
typedef struct
{
  gpointer call;                /* NULL = none */
  gint64 until;                 /* monotonic µs */
} IdentifaiLaunch;

typedef enum
{
  IDENTIFAI_JOB_QUEUED,         /* in its seat's queue */
  IDENTIFAI_JOB_RETRY,          /* in its client's retries, until a time */
  IDENTIFAI_JOB_UPLOADING,      /* its submit call is on the wire */
  IDENTIFAI_JOB_WAITING,        /* the service has it; the poller looks */
  IDENTIFAI_JOB_GONE            /* finished, withdrawn or closed */
} IdentifaiJobState;

struct _IdentifaiJob
{
  gint refcount;                /* [L] */
  IdentifaiClient *lane;        /* [C] a reference */
  guint64 number;               /* [C] order of the lane's jobs */

  IdentifaiJobState state;      /* [L] */
  IdentifaiSeat *seat;          /* [L] NULL when gone */
  GList link;                   /* [L] in lane->jobs until gone */
  GList queue_link;             /* [L] in its seat's queue */
  GSequenceIter *retry;         /* [L] in the client's retries */
  gint64 retry_at;              /* [L] monotonic µs */
  gpointer data;                /* [L] the caller's */
  GDestroyNotify free_data;     /* [L] */
  IdentifaiRequest *request;    /* [L] until the service took it */

  gchar *heuristic;             /* [C] */
  gboolean no_cache;            /* [C] */

  /* [N] of the client that has it */
  IdentifaiAccount *client;
  IdentifaiExchange *exchange;
  IdentifaiTicket ticket;       /* of the call that is, or was, on the wire */
  gint64 held_since;            /* monotonic µs, its upload's end; 0 = not yet */
  gchar *identifier;            /* once submitted */
  guint failures;               /* in a row, of its submit call */
  gint64 refused_since;         /* monotonic µs: with a 429; 0 = never */
  guint reposts;                /* attempts of the submit call but the first */
  gboolean rekeyed;             /* its submit call had its second chance after a
                                 * 401 */
  gint64 submitted_at;          /* monotonic µs */
  gint64 deadline;              /* monotonic µs, G_MAXINT64 = none */
  GSequenceIter *deadline_iter; /* in the poller's deadlines */
  IdentifaiPending *watch;        /* of the poller, while WAITING */
  GList watch_link;             /* in watch->jobs */
};

struct _IdentifaiSeat
{
  IdentifaiAccount *client;      /* [C] a reference */
  IdentifaiClient *lane;        /* [C] borrowed: outlives its seats */
  GList client_link;            /* [L] in client->seats */
  GList lane_link;              /* [L] in lane->seats */
  GList ready_link;             /* [L] in client->ready while jobs are queued */
  gboolean ready;               /* [L] */
  GQueue queued;                /* [L] jobs by number */
  guint n_jobs;                 /* [L] that sit here, in any state */
};

struct _IdentifaiClient
{
  gint refcount;                /* [L] the callers', and one a job */
  IdentifaiClientSettings settings;     /* [C] but api_key, extra_headers [L] */
  const IdentifaiClientCallbacks *callbacks;      /* [C] */
  gpointer user_data;           /* [C] */
  GTlsDatabase *tls_database;   /* [C] of tls_ca_file, or NULL */
  gchar *transport_key;         /* [C] */

  gboolean closed;              /* [L] */
  guint ending;                 /* [L] threads that end its jobs: no callback */
  GThread *caller;              /* [L] the thread that is in a callback */
  IdentifaiJob *called_for;     /* [L] the job that it is about */
  GCond callers;                /* [L] caller became NULL */
  GQueue jobs;                  /* [L] those not gone, by number */
  GQueue seats;                 /* [L] */
  IdentifaiSeat *seat;          /* [L] of the current key; NULL when closed */
  guint64 next_number;          /* [L] */
  gboolean first;               /* [L] before all others of its client */
  IdentifaiClientStats stats;     /* [L] */
};

struct _IdentifaiAccount
{
  gint refcount;                /* [L] the thread's, and one a seat */
  gchar *endpoint;              /* [C] */
  gchar *host;                  /* [C] for people: host, or host:port */
  gchar *account;               /* [C] the key, or who calls without one */
  const gchar *api_key;         /* [C] account, or NULL: headers authorise */
  GThread *thread;              /* [L] NULL once joined or left alone */
  GMainContext *context;        /* [C] */
  GMainLoop *loop;              /* [C] */
  GSource *pump;                /* [C] */

  gboolean woken;               /* [L] */
  gboolean quitting;            /* [L] the last seat is gone */
  gboolean done;                /* [L] the thread is about to return */
  GCond finished;               /* [L] done became TRUE */
  gboolean limits_changed;      /* [L] */
  GQueue seats;                 /* [L] */
  GQueue ready;                 /* [L] seats with queued jobs, next one first */
  GSequence *retries;           /* [L] jobs by retry_at */
  GQueue newcomers;             /* [L] WAITING jobs for the poller, from another
                                 * client; each with a reference */
  GQueue gone;                  /* [L] jobs to cancel; each with a reference */

  GHashTable *transports;       /* [N] key -> IdentifaiTransport */
  IdentifaiBudget *budget;      /* [C] calls that the key has left */
  IdentifaiPoller *poller;      /* [N] */
  guint n_uploads;              /* [N] */
  IdentifaiLaunch launches[IDENTIFAI_N_CALLS];  /* [N] */
  gint64 connected_at;          /* [N] monotonic µs: for the next upload */
  gint64 look_distance;         /* [N] µs between looks, evenly in a minute */
};

#define identifai_account_lock() g_mutex_lock (&identifai_account_mutex)
#define identifai_account_unlock() g_mutex_unlock (&identifai_account_mutex)
extern GMutex identifai_account_mutex;

/* account.c: the process's clients, their threads, and the seats. */

/* The seat of lane at the client of account; the client starts if need be. */
IdentifaiSeat *identifai_seat_take_locked (IdentifaiClient * lane,
    const gchar * account);
/* Leaves if it is neither the lane's current seat nor has jobs. Returns the
 * client if that was its last seat: to be stopped after unlocking. */
IdentifaiAccount *identifai_seat_leave_locked (IdentifaiSeat * seat);
/* Waits a moment for the thread to end, unless called on it. NULL is fine. */
void identifai_account_stop (IdentifaiAccount * self);
/* The same without a wait: the thread ends on its own. */
void identifai_account_dismiss (IdentifaiAccount * self);
/* Lets the network thread look at what has changed. */
void identifai_account_wake_locked (IdentifaiAccount * self);
IdentifaiTransport *identifai_account_get_transport (IdentifaiAccount * self,
    IdentifaiClient * lane);

/* job.c: where a job is, and how it ends. */

/* What a job holds for its user: to be let go of without the lock. */
typedef struct
{
  IdentifaiRequest *request;
  gpointer data;
  GDestroyNotify free_data;
} IdentifaiHoldings;

void identifai_job_take_holdings_locked (IdentifaiJob * job,
    IdentifaiHoldings * holdings);
void identifai_holdings_drop (IdentifaiHoldings * self);

IdentifaiJob *identifai_job_ref (IdentifaiJob * job);
void identifai_job_unref (IdentifaiJob * job);
void identifai_job_unref_locked (IdentifaiJob * job);
/* Queues it at its seat, by its number. */
void identifai_job_queue_locked (IdentifaiJob * job);
/* The seat's turn is next if its lane is first, else last. */
void identifai_seat_turn_locked (IdentifaiSeat * seat);
/* Queues it at that time (monotonic µs). */
void identifai_job_retry_locked (IdentifaiJob * job, gint64 at);
/* Takes it out of the queue or the retries, if it is in one. */
void identifai_job_unqueue_locked (IdentifaiJob * job);
/* To the lane's current seat, whatever its state. A client to stop, or NULL. */
IdentifaiAccount *identifai_job_move_locked (IdentifaiJob * job);
/* GONE. What the network thread has of it goes in its next round. */
void identifai_job_remove_locked (IdentifaiJob * job);

/* Network thread, no lock. Ends a job, once: nothing happens if its lane is
 * closed. */
void identifai_job_finish (IdentifaiJob * job, IdentifaiOutcome * outcome);
/* After so many failures in a row. */
gboolean identifai_job_may_retry (const IdentifaiJob * job,
    const IdentifaiAttempt * attempt);
/* With what its last attempt ended with. */
void identifai_job_fail (IdentifaiJob * job, const IdentifaiAttempt * attempt);
void identifai_job_tell_submitted (IdentifaiJob * job,
    GstClockTime upload_time);

/* lane.c */

void identifai_client_unref_locked (IdentifaiClient * self);
/* Between them a callback of the job's lane may run, about that job. FALSE: it
 * may not, as the lane or the job is gone. */
gboolean identifai_client_enter (IdentifaiJob * job);
void identifai_client_leave (IdentifaiJob * job);
/* To the lane of job, which the attempt was about. */
void identifai_client_tell_attempt (IdentifaiJob * job, IdentifaiCall call,
    const IdentifaiAttempt * attempt);
/* The headers for a request now; a reference. */
IdentifaiExtraHeaders *identifai_client_get_headers (IdentifaiClient * self);
/* Whether one call may ask for both lanes' results. */
gboolean identifai_client_shares_polls (IdentifaiClient * self,
    IdentifaiClient * other);
/* After a 401 to a call for job. TRUE: the lane has another key, from the file or
 * set meanwhile, and the job may move. Reads the file, so once a lane is enough. */
gboolean identifai_client_renew_key (IdentifaiJob * job);
/* To the client of the lane's key, whose network thread owns it from now on. */
void identifai_client_move_job (IdentifaiJob * job);

/* launch.c: from the decision to send to the headers. Network thread. */

/* As of the budget: when the next call may start. */
gint64 identifai_launch_next (IdentifaiAccount * client, IdentifaiCall call,
    gint64 now);
/* Books one that starts now. */
void identifai_launch_start (IdentifaiAccount * client, IdentifaiCall call,
    gpointer which, IdentifaiTicket * ticket, gint64 now);
/* Its headers are out. fresh: on a new connection. */
void identifai_launch_sent (IdentifaiAccount * client, IdentifaiCall call,
    gpointer which, IdentifaiTicket * ticket, gboolean fresh);
/* It is over, sent or not. */
void identifai_launch_end (IdentifaiAccount * client, IdentifaiCall call,
    gpointer which, IdentifaiTicket * ticket);

/* uploader.c: submit calls. Network thread. */

/* Starts what may start; when to come again. */
gint64 identifai_submit_run (IdentifaiAccount * client, gint64 now);
/* Forgets the call of a job that is gone. */
void identifai_submit_cancel (IdentifaiAccount * client, IdentifaiJob * job);

/* poller.c: looks at results. Network thread. */

IdentifaiPoller *identifai_poller_new (IdentifaiAccount * client);
void identifai_poller_free (IdentifaiPoller * self);
void identifai_poller_add (IdentifaiPoller * self, IdentifaiJob * job);
void identifai_poller_remove (IdentifaiPoller * self, IdentifaiJob * job);
gint64 identifai_poller_run (IdentifaiPoller * self, gint64 now);

G_END_DECLS
