/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The service's client, without a GstElement in it.
 *
 * A client is one user of a key, say an element: its jobs go out in the order
 * submitted, and clients take turns. Behind the clients there is one account per
 * endpoint and key in the process, with one network thread, one limiter and
 * one poller, which comes with the first client and goes with the last.
 */

#pragma once

#include "demand.h"
#include "extraheaders.h"
#include "limiter.h"
#include "request.h"
#include "result.h"

G_BEGIN_DECLS

typedef struct _IdentifaiClient IdentifaiClient;

/* Times in nanoseconds unless the name says otherwise. */
typedef struct
{
  gchar *name;                  /* the user's, for the log */
  gchar *endpoint;              /* checked base URL */
  gchar *api_key;               /* NULL: taken from api_key_file */
  gchar *api_key_file;          /* read again after a 401; NULL = none */
  IdentifaiExtraHeaders *extra_headers;      /* NULL = none */
  gchar *proxy;                 /* URL; NULL = the environment's */
  gchar *user_agent;
  gchar *tls_ca_file;           /* PEM; NULL = the system's authorities */
  guint timeout;                /* s, longest silence on a connection */
  gint retries;                 /* a request; -1 = endless */
  IdentifaiLimit limits[IDENTIFAI_N_CALLS];
  GstClockTime poll_interval;   /* 0 = learned */
  GstClockTime credits_interval;        /* 0 = they aren't asked for */
  GstClockTime verdict_timeout;
} IdentifaiClientSettings;

void identifai_client_settings_clear (IdentifaiClientSettings * self);
void identifai_client_settings_copy (const IdentifaiClientSettings * self,
    IdentifaiClientSettings * copy);

/* How a job ended, or one attempt of it. Borrowed by the callback. */
typedef struct
{
  IdentifaiReason reason;       /* NONE: result is the verdict */
  IdentifaiResult *result;      /* may be stolen by setting it to NULL */
  guint http_status;            /* 0 if none */
  gchar *message;               /* the service's words, or ours; never the key */
  gchar *identifier;            /* NULL before the submit call was answered */
} IdentifaiOutcome;

/* What came of asking for the account's credits. Borrowed by the callback. */
typedef struct
{
  IdentifaiReason reason;       /* NONE: there are numbers */
  guint http_status;            /* as above */
  const gchar *message;
  guint64 available, spent;
} IdentifaiCredits;

/* All called on the network thread with no lock held. data is the job's. */
typedef struct
{
  /* The service took the file. upload_time: first byte out to answer in. */
  void (*submitted) (gpointer data, const gchar * identifier,
      GstClockTime upload_time, gpointer user_data);
  /* Exactly once a job, unless it was withdrawn or its client closed. */
  void (*finished) (gpointer data, IdentifaiOutcome * outcome,
      gpointer user_data);
  /* Any one attempt's outcome, for telling when trouble starts and ends:
   * reason NONE = the call succeeded. http_status and message as above.
   * retry_in: µs until the next one, -1 = there is none, or nobody knows yet.
   * Comes before what the attempt means for jobs, and only while one of the
   * client's jobs that it was about is there. */
  void (*attempted) (IdentifaiCall call, IdentifaiReason reason,
      guint http_status, const gchar * message, gint64 retry_in,
      gpointer user_data);
  /* Each credits_interval, of all clients of the key the shortest, the answer goes
   * to all that have one. */
  void (*credits) (const IdentifaiCredits * credits, gpointer user_data);
  /* An attempt of the submit call would start now; contended: another job of the key
   * could start instead. FALSE: the job is taken back, as by
   * identifai_client_withdraw(), which maybe_taken is of, and data may be gone. NULL: all
   * are wanted. */
  gboolean (*starting) (gpointer data, gboolean contended,
      gboolean maybe_taken, gpointer user_data);
} IdentifaiClientCallbacks;

/* Totals of a client since it was made. */
typedef struct
{
  guint64 bytes_uploaded;       /* of files the service took */
  guint64 bytes_sending;        /* of files on the wire, so far */
  guint64 post_requests;        /* attempts sent */
  guint64 get_requests;         /* attempts sent that asked for one of its jobs */
  guint64 retries;              /* attempts after the first, of both kinds */
  guint64 throttled;            /* 429s */
  guint in_flight;              /* submit calls on the wire now */
} IdentifaiClientStats;

/* Copies settings. NULL with error if the key is missing or a file unreadable
 * (key file, CA file), or no thread can be had. callbacks must outlive the client. */
IdentifaiClient *identifai_client_new (const IdentifaiClientSettings * settings,
    const IdentifaiClientCallbacks * callbacks, gpointer user_data,
    GError ** error);

/* Keep a client's memory while another thread may close it: nothing but set_key()
 * and set_headers() may be called then, which do nothing to a closed one. */
IdentifaiClient *identifai_client_ref (IdentifaiClient * self);
void identifai_client_unref (IdentifaiClient * self);

/* A new key for what is submitted from now on. NULL: as read from the key file,
 * which may take as long as the file system takes; else never blocks. */
void identifai_client_set_key (IdentifaiClient * self, const gchar * api_key);

/* Headers of all requests from now on, also of those for jobs that were submitted
 * before: a token that was renewed. NULL = none. Never blocks. */
void identifai_client_set_headers (IdentifaiClient * self,
    IdentifaiExtraHeaders * headers);

/* Has the result of that identifier asked for as soon as the limits let it, if one of
 * its jobs waits for it. Any thread, never blocks. */
void identifai_client_look (IdentifaiClient * self, const gchar * identifier);

/* So many uploads a minute will be wanted; all: of the clients of its key in this
 * process. Any thread, never blocks. */
void identifai_client_set_demand (IdentifaiClient * self, gdouble per_minute,
    IdentifaiDemand * all);

/* Queues a job; takes its own reference on request, which is dropped (and with
 * it the file's memory) as soon as the service took the file. data is the
 * caller's handle of the job, handed back in the callbacks; free_data, if any,
 * is called when the job is gone. */
void identifai_client_submit (IdentifaiClient * self,
    IdentifaiRequest * request, gpointer data, GDestroyNotify free_data);

/* Takes back the job of data if no byte of it is on the wire and the service
 * has not said that it took it: TRUE, and no callback will come. *maybe_taken: an
 * earlier attempt sent all of it and heard nothing, so that the service may have
 * it all the same; may be NULL. Any thread, never blocks. */
gboolean identifai_client_withdraw (IdentifaiClient * self, gpointer data,
    gboolean * maybe_taken);

/* The same, also of one whose upload is under way, which is broken off then. If all of
 * it went out (*maybe_taken is TRUE), its answer is given 5 s more: FALSE until then. */
gboolean identifai_client_abandon (IdentifaiClient * self, gpointer data,
    gboolean * maybe_taken);

/* Its jobs go before those of all other clients of the key; or take turns again.
 * Any thread, never blocks. */
void identifai_client_set_first (IdentifaiClient * self, gboolean first);

void identifai_client_get_stats (IdentifaiClient * self,
    IdentifaiClientStats * stats);

/* Cancels all jobs and their requests; the client may be used on. Waits for a
 * callback that runs; none about the jobs comes after it, except that, called
 * from within a callback (on the network thread), that one goes on. */
void identifai_client_cancel (IdentifaiClient * self);

/* The same, and frees the client. */
void identifai_client_close (IdentifaiClient * self);

G_END_DECLS
