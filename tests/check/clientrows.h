/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of the client's test: what the server does, and what has to come of
 * it. A row is one line in clientrows.c.
 */

#pragma once

#include "faultserver.h"
#include "reason.h"

G_BEGIN_DECLS

#define ANY G_MAXUINT           /* number of requests */
typedef struct
{
  const gchar *name;

  /* The client's settings. */
  gint retries;                 /* 0 as in the element's property */
  guint timeout;                /* s; 0 = 20 */
  guint verdict_timeout;        /* ms; 0 = 20 s */
  guint poll_interval;          /* ms */
  gsize size;                   /* bytes of the file; 0 = 1000 */
  gboolean no_cache;
  gboolean accept_text;
  const gchar *heuristic;
  const gchar *proxy;
  const gchar *new_key;         /* in the key file once the client is made */

  /* The server. */
  gboolean deaf;                /* never accepts */
  gboolean gone;                /* doesn't listen at all */
  const gchar *server_key;      /* what it takes; the client has another */
  const gchar *endpoint;        /* instead of the server's */
  FaultStep steps[6];

  /* What has to come of it. */
  IdentifaiReason reason;
  guint http_status;
  const gchar *message;         /* is in the outcome's */
  const gchar *no_message;      /* isn't in it */
  const gchar *attempt;         /* is in the text of a failed attempt */
  const gchar *no_attempt;      /* isn't in it */
  guint posts, gets, batches, plains;   /* exactly so many requests */
  guint min_ms;                 /* that it has to take at least */
} ClientRow;

extern const ClientRow client_rows[];
extern const guint n_client_rows;

G_END_DECLS
