/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between the files of the fault server.
 */

#pragma once

#include "faultrequest.h"

G_BEGIN_DECLS

struct _FaultServer
{
  const FaultStep *steps;
  guint n_steps;
  int listener;                 /* -1 = closed */
  int keeper;                   /* bound to the port, so that it stays ours */
  guint16 port;
  int wake[2];                  /* readable once the server is to stop */
  int crowd[4];                 /* connections that fill a deaf one's backlog */
  GThread *thread;

  GMutex lock;
  GCond changed;
  guint n_connections, n_running;       /* all so far; those with a thread */
  GPtrArray *requests;          /* of FaultRequest */
  guint counts[FAULT_N_CALLS];
  guint n_submitted;
  gint64 submitted[10000];      /* monotonic µs, by number */
  gchar letters[10000];         /* what becomes of it, the same; 0: human */
  const gchar *verdicts;        /* borrowed; NULL: all human */
  gchar *key;
  guint delay;
  guint resets;                 /* per cent of the requests */
  gboolean released, stopping;
};

/* What is to be done with the nth call of its kind. */
const FaultStep *fault_step_find (FaultServer * self, FaultCall call,
    guint nth);
/* missing: bytes of the body that are promised, and don't come. */
GString *fault_answer_make (FaultServer * self, const FaultRequest * request,
    const FaultStep * step, gsize missing);

G_END_DECLS
