/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The service's calls beside uploads and polls: overrides, credits, users and what
 * else is asked once and answered at once. They share the key's limits, transports and
 * key file with those, and go first, as somebody waits for them.
 */

#pragma once

#include "client.h"

G_BEGIN_DECLS

/* Copied. */
typedef struct
{
  const gchar *what;            /* for the log and texts: "override" */
  const gchar *method;          /* "GET"; all others count as writes */
  const gchar *path;            /* behind the endpoint's, escaped, with its query */
  const gchar *accept;          /* NULL = application/json */
  const gchar *content_type;    /* of body */
  GBytes *body;                 /* NULL = none; small */
  gboolean once;                /* not again if the service may have done it */
  gint64 deadline;              /* monotonic µs: it isn't begun with, nor tried again,
                                 * from then on; 0 = none */
} IdentifaiServiceCall;

/* What came of it in the end, after the client's retries. Borrowed. */
typedef struct
{
  IdentifaiReason reason;       /* NONE: the service did it */
  guint http_status;            /* 0 if none */
  const gchar *message;         /* unless NONE: the service's words, or ours */
  GBytes *body;                 /* the answer's; never NULL */
} IdentifaiServiceAnswer;

typedef void (*IdentifaiServiceAnswerFunc) (const IdentifaiServiceAnswer *
    answer, gpointer data);

/* Any thread, never blocks. func is called once, as the client's callbacks are,
 * unless the client is closed before. data outlives the client. */
void identifai_client_call (IdentifaiClient * self,
    const IdentifaiServiceCall * call, IdentifaiServiceAnswerFunc func,
    gpointer data);

G_END_DECLS
