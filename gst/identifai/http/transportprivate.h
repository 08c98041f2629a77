/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the transport share. One thread.
 */

#pragma once

#include "clock.h"
#include "requestbody.h"
#include "earlyresponse.h"
#include "proxy.h"
#include "transport.h"
#include "upload.h"

G_BEGIN_DECLS

/* An answer has to be whole within so many times `timeout`. */
#define ANSWER_TIMEOUTS 4

struct _IdentifaiTransport
{
  SoupSession *session;
  IdentifaiProxy *proxy;
  IdentifaiExchange *trial;     /* with a password that may be wrong, or NULL */
  IdentifaiTimer *trial_over;   /* set while its headers are out */
  gboolean no_offers;           /* somebody on the way refuses Expect (417) */
  gint64 timeout;               /* µs */
  gsize max_bytes;              /* of an answer */
  GQueue exchanges;             /* cancelled ones that wind up included */
  gint64 connected_at;          /* monotonic µs: anything about a connection */

  void (*closed) (gpointer user_data);  /* NULL = it isn't being closed */
  gpointer user_data;
};

/* Why an exchange ended early. */
typedef enum
{
  CUT_NONE,
  CUT_SILENCE,
  CUT_SLOW,
  CUT_TOO_LONG,
  CUT_CHATTER,
  CUT_ANSWERED,                 /* before all was sent */
  CUT_MISDIRECTED,              /* answered with 421 */
  CUT_CANCELLED                 /* by the user: nobody is told */
} Cut;

struct _IdentifaiExchange
{
  IdentifaiTransport *transport;
  GList link;
  gchar *name, *what;           /* for the log */
  SoupMessage *message;
  GCancellable *cancellable;
  GInputStream *input;
  IdentifaiTimer *watchdog;
  GSource *canceller;           /* NULL before the cut */
  guint rounds;                 /* of the main loop that it lets go by */

  IdentifaiRequest *upload;
  IdentifaiRequestBody *body;   /* of upload */
  gboolean chunked;             /* its length wasn't known when it began */
  gchar *content_type;          /* of what is sent else: */
  GBytes *bytes;                /* or NULL */
  GInputStream *stream;         /* body, on its way out */
  IdentifaiExtraHeaders *extra_headers;
  IdentifaiEarlyResponse *early;        /* while the body goes out, or once it answered */
  IdentifaiUploadHold hold;
  gboolean expects;
  void (*sent) (gboolean fresh, gpointer user_data);
  IdentifaiResponseFunc func;     /* NULL: it only makes a connection */
  gpointer user_data;

  gboolean waiting;             /* for the trial's end */
  Cut cut;
  gint64 progress;              /* monotonic µs of the latest */
  gint64 started;               /* headers went out; 0 = not yet */
  gint64 sent_until;            /* the latest of the body went out */
  gint64 answer_by;             /* G_MAXINT64 before the answer began */
  guint n_informational;
  gboolean connected;           /* a connection was made for it */
  gboolean end_is_out;          /* libsoup has all of the body */
  gboolean stopped;             /* it couldn't write all of it */
  guint64 wrote;                /* of the body, to the connection */
  guint8 *chunk;
  GByteArray *received;
};

/* transportresponse.c */

/* What came of an exchange that is over. Fills answer, of which the caller owns
 * body, error, retry_after and location; takes over error, libsoup's. */
void identifai_exchange_read_response (IdentifaiExchange * self, GError * error,
    IdentifaiResponse * answer);
/* Of the answer's body: a result, or an error's words. */
gsize identifai_exchange_get_max_bytes (IdentifaiExchange * self);
/* Where a redirect from base points, without what may be secret in it, or harm a
 * terminal; NULL if it is no URL. */
gchar *identifai_describe_location (GUri * base, const gchar * location);

G_END_DECLS
