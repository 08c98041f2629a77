/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One HTTP call at a time: a request goes out, an answer or an error comes
 * back, whatever the other side does: silence, size and duration are bounded.
 * Knows libsoup; knows nothing of jobs, limits and retries.
 *
 * Lives on one thread, in its thread-default main context.
 */

#pragma once

#include <libsoup/soup.h>
#include "extraheaders.h"
#include "request.h"

G_BEGIN_DECLS

/* A SoupSession with its settings, and the calls that it has under way. */
typedef struct _IdentifaiTransport IdentifaiTransport;

/* One call under way. */
typedef struct _IdentifaiExchange IdentifaiExchange;

/* What all its calls have in common. Borrowed. */
typedef struct
{
  const gchar *proxy;           /* URL; NULL: the environment's */
  const gchar *user_agent;      /* NULL: libsoup's */
  GTlsDatabase *tls_database;   /* NULL: the system's */
  guint timeout;                /* s, longest silence on a connection */
  gsize max_bytes;              /* of an answer */
  guint max_connections;        /* more calls wait */
} IdentifaiTransportSettings;

typedef struct
{
  const gchar *name;            /* for the log: who calls, */
  const gchar *what;            /* and for what: "POST of segment 4" */
  const gchar *url;             /* absolute, escaped */
  const gchar *api_key;         /* NULL: the extra headers authorise */
  IdentifaiExtraHeaders *extra_headers;      /* NULL = none */
  IdentifaiRequest *upload;     /* POSTs its body; NULL = see method */
  const gchar *method;          /* of what is no upload; NULL = GET */
  const gchar *accept;          /* the same; NULL = application/json */
  const gchar *content_type;    /* of body */
  GBytes *body;                 /* NULL = none */
  /* The call may well be refused: its body waits for leave, for a moment. */
  gboolean expects;
  /* On a connection that is made for it: one that was kept may be closed at any time,
   * and whether a call that was on its way was done then, nobody knows. */
  gboolean new_connection;
  /* Asked before the last bytes of the body go out, which is when a service
   * behind a buffering front counts the call: how long to wait, in µs, 0 = go.
   * May be NULL. */
  gint64 (*hold) (gpointer user_data);
  /* The headers are out, and reach the service at once, which counts the call
   * then. fresh: the connection was made a moment ago, and what is behind its other
   * end may still be being made. May be NULL. */
  void (*sent) (gboolean fresh, gpointer user_data);
} IdentifaiCallSpec;

/* What came of a call. All owned by the exchange. */
typedef struct
{
  guint http_status;            /* 0: no answer */
  gboolean from_proxy;          /* that doesn't let us through */
  gboolean proxy_password;      /* there is one for it */
  gboolean direct;              /* there is no proxy, of any kind */
  gboolean loopback;            /* the host is this machine */
  GBytes *body;                 /* never NULL; what was read of it */
  GError *error;                /* NULL: answered in full. With a status: the
                                 * body could not be read to its end */
  gchar *retry_after;
  gchar *location;              /* of a redirect: scheme and host only */
  GTlsCertificate *certificate; /* the other side's; NULL = none was shown */
  GTlsCertificateFlags tls_errors;      /* what is wrong with it */
  gboolean unexpected;          /* refused as its body waited for leave (417), which no
                                 * call does from now on */
  gboolean sent_whole;          /* all of the request's body went out */
  gboolean stale;               /* no answer, as a connection broke that was kept: the
                                 * other side may have closed it before the call */
  guint64 bytes_sent;           /* of that body */
  GstClockTime sending;         /* its first byte out to its last, ns */
  GstClockTime duration;        /* first byte out to answer in, ns */
} IdentifaiResponse;

typedef void (*IdentifaiResponseFunc) (const IdentifaiResponse * answer,
    gpointer user_data);

/* What carries the calls: libsoup, or what a test puts in its place. */
typedef struct
{
  IdentifaiTransport *(*open) (const IdentifaiTransportSettings * settings);
  /* All calls have ended or were cancelled. What winds up has its time: closed is
   * called later, when the transport is gone. */
  void (*close) (IdentifaiTransport * self,
      void (*closed) (gpointer user_data), gpointer user_data);
  /* func is called once, later, unless the exchange is cancelled. The exchange
   * belongs to the transport; the pointer is good until func was called. */
  IdentifaiExchange *(*send) (IdentifaiTransport * self,
      const IdentifaiCallSpec * spec, IdentifaiResponseFunc func,
      gpointer user_data);
  /* func won't be called. Winds up later, from the main context. */
  void (*cancel) (IdentifaiExchange * exchange);
  /* Has a connection stand for the next call, unless one does: its headers go out
   * as soon as it is sent then. What goes wrong, that call will hear. */
  void (*connect) (IdentifaiTransport * self, const IdentifaiCallSpec * spec);
} IdentifaiTransportFuncs;

/* By libsoup. */
extern const IdentifaiTransportFuncs identifai_http_transport;

G_END_DECLS
