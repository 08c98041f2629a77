/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the client share.
 *
 *   client ── queue ── account     a client (an element) has a queue at the
 *               │                  account of its key; after a change of key also
 *              job                 at the old one until its jobs there are gone
 *
 * All of it belongs to the network thread [N], which the client's users send
 * commands. Besides that, [C] doesn't change after creation; and [L], what a user
 * may take back or ask for at once, goes by the client's lock: held for moments,
 * and but for the main context's own and that of demand.h, no other is taken within
 * it. The network thread holds `calling` while a callback runs, and so a user who has
 * had that can be sure that none runs.
 */

#pragma once

#include "backoff.h"
#include "keylimits.h"
#include "client.h"
#include "clock.h"
#include "earlyupload.h"
#include "network.h"
#include "response.h"
#include "servicecall.h"

G_BEGIN_DECLS

typedef struct _IdentifaiQueue IdentifaiQueue;
typedef struct _IdentifaiJob IdentifaiJob;
typedef struct _IdentifaiPoller IdentifaiPoller;
typedef struct _IdentifaiPending IdentifaiPending;

/* A job's call, a poll, or one of the others, which is on the wire or was. */
typedef struct
{
  IdentifaiCall call;
  guint *n_calls;               /* of its sort, of the account's, on the wire */
  IdentifaiResponseFunc func;   /* when it isn't any more, unless it is cancelled */
  gpointer data;

  const gchar *name;            /* whose it is, for the log: lives as long */
  IdentifaiAccount *account;
  IdentifaiExchange *exchange;  /* NULL: it isn't on the wire */
  IdentifaiBooking booking;
  gint64 patience;              /* monotonic µs: until when the next one waits for it */
} IdentifaiWire;

typedef enum
{
  IDENTIFAI_JOB_QUEUED,         /* in its queue, perhaps until a time */
  IDENTIFAI_JOB_UPLOADING,      /* its submit call is on the wire */
  IDENTIFAI_JOB_WAITING,        /* the service has it; the poller asks */
  IDENTIFAI_JOB_GONE            /* finished, withdrawn or closed */
} IdentifaiJobState;

/* What a job holds for its user, who may take it back. */
typedef struct
{
  gpointer data;
  GDestroyNotify free_data;
  IdentifaiRequest *request;    /* until the service took it */
} IdentifaiHeld;

struct _IdentifaiJob
{
  gint refcount;                /* atomic: client->jobs, and the network thread */
  IdentifaiClient *client;      /* [C] a reference */
  IdentifaiKind kind;           /* [C] */
  guint segment;                /* [C] for the log */
  gchar *heuristic;             /* [C] */
  gboolean no_cache;            /* [C] */

  gboolean open;                /* [L] in client->jobs: its user waits for it */
  gboolean sent;                /* [L] or being sent: too late to withdraw it */
  gint64 whole_at;              /* [L] monotonic µs: its last bytes went out, of the
                                 * attempt that is under way; 0: not yet */
  gboolean maybe_taken;         /* [L] was sent whole, and not refused */
  gboolean called;              /* [L] a callback is about it */
  IdentifaiHeld held;           /* [L] of an open one */
  GList link;                   /* [L] in client->jobs */

  IdentifaiJobState state;      /* all the others: [N] */
  guint64 number;               /* order of the client's jobs */
  IdentifaiQueue *queue;        /* NULL when gone */
  GList queue_link;             /* QUEUED: in queue->jobs */
  gint64 queued_at;
  gint64 not_before;            /* monotonic µs: of another attempt */
  IdentifaiWire wire;           /* its submit call: UPLOADING */
  IdentifaiEarlyUpload *early;  /* which that call began as, and is; or NULL */
  gint64 held_since;            /* monotonic µs, its upload's end; 0 = not yet */
  IdentifaiTries tries;         /* of its submit call */
  guint reposts;                /* attempts of the submit call but the first */
  gboolean stale;               /* the connection of the latest was: a new one is made */
  gchar *identifier;            /* once submitted */
  gint64 submitted_at;          /* monotonic µs */
  gint64 deadline;              /* monotonic µs, G_MAXINT64 = none */
  GSequenceIter *deadline_iter; /* in the account's deadlines */
  IdentifaiPending *pending;    /* WAITING: of the poller */
  GList pending_link;           /* in pending->jobs */
};

/* A client's jobs at an account. */
struct _IdentifaiQueue
{
  IdentifaiAccount *account;
  IdentifaiClient *client;      /* borrowed: its jobs, or its user, hold it */
  GQueue jobs;                  /* QUEUED ones by number */
  guint n_jobs;                 /* that are here, in any state; and other calls */
};

struct _IdentifaiEarlyUpload
{
  gint refcount;                /* atomic: its user, the account's list, the job */
  IdentifaiClient *client;      /* [C] a reference */
  IdentifaiRequest *request;    /* [C] a reference */
  gint64 give_up_at;            /* [C] monotonic µs */

  gboolean over;                /* [L] */
  GList link;                   /* [L] in client->early, until it is over */

  IdentifaiQueue *queue;        /* [N] NULL: in no account's list */
  IdentifaiWire wire;           /* [N] not on it: it waits, or is over */
  IdentifaiJob *job;            /* [N] which it is an attempt of; or NULL */
};

struct _IdentifaiClient
{
  gint refcount;                /* atomic: users, jobs, commands */
  IdentifaiClientSettings settings;     /* [C] but api_key, extra_headers: [N] */
  const IdentifaiClientCallbacks *callbacks;    /* [C] */
  gpointer user_data;           /* [C] */
  GTlsDatabase *tls_database;   /* [C] of tls_ca_file, or NULL */
  gchar *transport_key;         /* [C] */
  IdentifaiNetwork *network;    /* [C] a reference */
  IdentifaiDemandUser demand;
  /* [C] client.c's, the one call that goes up: after a 401 to a call of that queue,
   * [N]. TRUE: the client has another key, from the file or set meanwhile, and what
   * called may move. Reads the file, so once a client is enough. If that takes more than
   * a moment, reads_key is set: what waits in the queue is moved once the key is there. */
  gboolean (*renew_key) (IdentifaiQueue * refused);

  GRecMutex calling;            /* before lock, if both */
  GMutex lock;
  gboolean closed;              /* [L] */
  GQueue jobs;                  /* [L] open ones, in order; each with a reference */
  GQueue early;                 /* [L] of IdentifaiEarlyUpload, not over */
  IdentifaiClientStats stats;   /* [L] */

  GQueue queues;                /* [N] */
  IdentifaiQueue *queue;        /* [N] of the current key; NULL when closed */
  guint64 next_number;          /* [N] */
  gboolean first;               /* [N] before all others of its account */
  gboolean reads_key;           /* [N] its key file, on another thread */
};

/* All [N]. */
struct _IdentifaiAccount
{
  IdentifaiNetwork *network;    /* a reference */
  gchar *endpoint;
  gchar *host;                  /* for people: host, or host:port */
  gchar *id;                    /* the key, or who calls without one */
  const gchar *api_key;         /* id, or NULL: headers authorise */

  IdentifaiTimer *pump;
  gboolean woken;
  gboolean ending;              /* the last queue has left */
  GQueue queues;                /* the one whose turn is next first */
  GHashTable *transports;       /* key -> IdentifaiTransport */
  guint n_transports;           /* those that are being closed, too */
  IdentifaiKeyLimits *limits;   /* calls that the key has left */
  IdentifaiPoller *pollers[IDENTIFAI_N_KINDS];
  GSequence *schedule;          /* of IdentifaiPending, by due */
  GSequence *deadlines;         /* of IdentifaiJob, by deadline */
  guint n_polls;                /* on the wire */
  gint64 latest_poll;           /* monotonic µs: when it started */
  gint64 no_poll_before;        /* monotonic µs: after failures, */
  gboolean unreachable;         /* the latest of which were the network's */
  guint n_uploads;
  GQueue early;                 /* of IdentifaiEarlyUpload, without a job yet; each
                                 * with a reference */
  guint n_early;                /* on the wire, with and without one */
  GQueue service_calls;         /* the other calls, that wait or are under way */
  guint n_service_calls;        /* on the wire */
  gint64 credits_asked_at;      /* monotonic µs of the latest call; 0 = never */
  IdentifaiQueue *credits_asker;        /* whose call for them is under way, or NULL */
  /* A call that was sent, and its headers may not be out yet: its connection has to be
   * made first. When it counts isn't known, and so not when the next one may start.
   * One of a kind at a time, unless it takes too long; or NULL. */
  const IdentifaiWire *launching[IDENTIFAI_N_CALLS];
  gint64 told_wait[IDENTIFAI_N_CALLS];  /* until when, for the log */
  gint64 connected_at;          /* monotonic µs: for the next upload */
  gsize identifier_bytes;       /* of the latest identifier; 0: none came */
  gint64 poll_distance;         /* µs between polls, evenly in a minute */
};

/* The files, each above those that it calls; network.c lies below them all, client.c on
 * top. */

/* clientcommand.c: what keeps a client, and its users' commands. */

/* Runs on the network thread, with no lock held. argument is its own. */
typedef void (*IdentifaiCommand) (IdentifaiClient * client, gpointer argument);

gboolean identifai_client_is_closed (IdentifaiClient * self);
/* Does nothing, but for free_argument (may be NULL), if it is closed: then nobody may be
 * there to run the command, whose argument it is else. Any thread. */
void identifai_client_send (IdentifaiClient * self, IdentifaiCommand command,
    gpointer argument, GDestroyNotify free_argument);
/* Whether it is closed or not, which its caller knows of. */
void identifai_client_send_locked (IdentifaiClient * self,
    IdentifaiCommand command, gpointer argument);

/* Adds to one of its counters. */
#define identifai_client_count(client, counter, n) G_STMT_START {       \
    g_mutex_lock (&(client)->lock);                                     \
    (client)->stats.counter += (n);                                     \
    g_mutex_unlock (&(client)->lock);                                   \
  } G_STMT_END

/* account.c: what one has for those who call. */

/* Of a client that has none there. */
IdentifaiQueue *identifai_queue_new (IdentifaiAccount * account,
    IdentifaiClient * client);
/* Leaves if it is neither the client's current queue nor has jobs. */
void identifai_queue_check (IdentifaiQueue * queue);
/* Its turn is next if its client is first, else last. */
void identifai_queue_turn (IdentifaiQueue * queue);
/* After a 401 to a call of that queue: its client's renew_key(), once for a call. TRUE:
 * it may be made again at that time (monotonic µs), from the client's queue of then. */
gboolean identifai_queue_rekey (IdentifaiQueue * refused,
    IdentifaiTries * tries, gint64 * at);
/* Has the account see what it can do now. */
void identifai_account_wake (IdentifaiAccount * self);
IdentifaiTransport *identifai_account_get_transport (IdentifaiAccount * self,
    IdentifaiClient * client);

/* From the decision to send to the headers. When the next call may start, which
 * who waits for is told. */
gint64 identifai_account_next_call (IdentifaiAccount * self,
    IdentifaiCall call, gint64 now, const gchar * name);
/* It is time: books and sends what spec says, completed by what is of the account and
 * client. hold is called with wire, func with its data. */
void identifai_account_send (IdentifaiAccount * self, IdentifaiWire * wire,
    IdentifaiClient * client, IdentifaiCallSpec * spec, gint64 now);
/* Nobody waits for it, if it is on the wire. */
void identifai_wire_cancel (IdentifaiWire * self);
/* What came of it: a 429, and none of its kind before until (monotonic µs); or what it
 * wanted. */
void identifai_wire_throttled (const IdentifaiWire * self, gint64 until);
void identifai_wire_succeeded (const IdentifaiWire * self);

/* job.c: what it holds for its user, and tells them. [N] but for _ref, _unref, _new and
 * what goes by the lock. */

IdentifaiJob *identifai_job_new (IdentifaiClient * client,
    IdentifaiRequest * request, gpointer data, GDestroyNotify free_data);
IdentifaiJob *identifai_job_ref (IdentifaiJob * job);
void identifai_job_unref (IdentifaiJob * job);
/* Takes it from its user, with what it holds. */
IdentifaiHeld identifai_job_close_locked (IdentifaiJob * job);
void identifai_held_drop (IdentifaiHeld * held);

gboolean identifai_job_is_open (IdentifaiJob * job);
/* Before its submit call. FALSE: its user doesn't want it any more, and doesn't wait for
 * it. */
gboolean identifai_job_ask (IdentifaiJob * job, gboolean contended);
void identifai_job_tell_submitted (IdentifaiJob * job,
    GstClockTime upload_time);
/* To the client of job, which the attempt was about. */
void identifai_job_tell_attempt (IdentifaiJob * job, IdentifaiCall call,
    const IdentifaiAttempt * attempt);

/* earlyupload.c: what is sent before its file is whole. */

/* Before it is a job's: nobody wants it any more, if it is in an account's list; or that
 * is what came of it. */
void identifai_early_upload_drop (IdentifaiEarlyUpload * self,
    const gchar * why);
void identifai_early_upload_fail (IdentifaiEarlyUpload * self,
    const IdentifaiResponse * answer);
/* All of the client's end. */
void identifai_early_uploads_drop (IdentifaiAccount * account,
    IdentifaiClient * client);
/* Bytes of files of which the job isn't there yet. */
guint64 identifai_early_uploads_count_sent_locked (IdentifaiClient * client);
void identifai_early_upload_unref (IdentifaiEarlyUpload * self);
/* The job, which has its queue, is what the upload is for: it goes on as the job's
 * call. FALSE: it doesn't. Takes over the upload. */
gboolean identifai_early_upload_join (IdentifaiEarlyUpload * self,
    IdentifaiJob * job);
/* Nobody waits for the job's call, which began as the upload. Takes over the upload. */
void identifai_early_upload_abandon (IdentifaiEarlyUpload * self);
/* What came of it says nothing of the whole file. */
gboolean identifai_early_upload_falls_back (IdentifaiAccount * account,
    const gchar * name, const IdentifaiResponse * answer, const IdentifaiAttempt * attempt);

/* pending.c: which of an account's results are waited for. */

/* It waits for none any more, if it does. */
void identifai_pending_remove (IdentifaiJob * job);

/* poller.c: when they are asked for. */

/* One for each kind of files, as each has calls of its own. */
IdentifaiPoller *identifai_poller_new (IdentifaiAccount * account,
    IdentifaiKind kind);
void identifai_poller_free (IdentifaiPoller * self);
void identifai_poller_add (IdentifaiPoller * self, IdentifaiJob * job);
/* Its result is asked for as soon as may be, if it is waited for. */
void identifai_poller_look (IdentifaiPoller * self, const gchar * identifier);
/* The service took an upload: who waits as it couldn't be reached does so no longer. */
void identifai_pollers_reached (IdentifaiAccount * account);

/* jobstate.c: where it is, and how it ends. [N] */

/* Puts it into its queue, by its number. Before that time (monotonic µs) it stays
 * there. */
void identifai_job_queue (IdentifaiJob * job, gint64 not_before);
/* The service has its file: its result is waited for from now on. */
void identifai_job_wait (IdentifaiJob * job);
/* Takes it out, if it is in. */
void identifai_job_unqueue (IdentifaiJob * job);
/* To its client's current queue, from wherever it is but the poller. */
void identifai_job_move (IdentifaiJob * job);
/* GONE, wherever it is. */
void identifai_job_remove (IdentifaiJob * job);
/* Ends it, once: nothing happens if its user doesn't wait for it. */
void identifai_job_finish (IdentifaiJob * job, IdentifaiOutcome * outcome);
/* With what its last attempt ended with. */
void identifai_job_fail (IdentifaiJob * job, const IdentifaiAttempt * attempt);

/* uploader.c: starts submit calls, and what comes of them. */

/* Starts what may start; when to come again. */
gint64 identifai_uploader_run (IdentifaiAccount * account, gint64 now);
/* The same of those whose file isn't whole yet. */
gint64 identifai_early_uploads_run (IdentifaiAccount * account, gint64 now);

/* pollcall.c: asks for them. */

gint64 identifai_pollers_run (IdentifaiAccount * account, gint64 now);

/* servicecall.c: all other calls, which go before uploads and polls. */

/* One of the account's own, which stays with its key: dropped is called instead of
 * func when its client is closed. */
void identifai_service_call_add (IdentifaiQueue * queue,
    const IdentifaiServiceCall * call, IdentifaiServiceAnswerFunc func,
    void (*dropped) (gpointer data), gpointer data);
gint64 identifai_service_calls_run (IdentifaiAccount * account, gint64 now);
/* Those of the queue that wait, but for the account's own, to its client's current
 * one. */
void identifai_service_calls_move (IdentifaiQueue * queue);
/* Lets go of all of the client's: nobody is told. */
void identifai_service_calls_drop (IdentifaiAccount * account,
    IdentifaiClient * client);

/* credits.c: the call for those of the key. */

gint64 identifai_credits_run (IdentifaiAccount * account, gint64 now);

/* dispatcher.c: accounts, and the order in which each runs all of the above. */

/* The client's queue at the account; which starts if need be. */
IdentifaiQueue *identifai_queue_get (IdentifaiClient * client,
    const gchar * account_id);
/* What waits to be sent, jobs and other calls, to its client's current queue. */
void identifai_queue_move_waiting (IdentifaiQueue * queue);

G_END_DECLS
