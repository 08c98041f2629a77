/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The network thread: never more than one in the process, which comes with the
 * first client and goes with the last. All of the engine belongs to it: accounts, queues, jobs,
 * uploads and polls. Others send it commands, which it runs in their order.
 */

#pragma once

#include "transport.h"

G_BEGIN_DECLS

typedef struct _IdentifaiNetwork IdentifaiNetwork;
typedef struct _IdentifaiAccount IdentifaiAccount;

struct _IdentifaiNetwork
{
  gint refcount;                /* atomic: the thread, clients, accounts */
  guint n_clients;              /* under the process's lock, as is the next */
  gboolean done;                /* the thread is about to return */
  GThread *thread;              /* NULL in a simulation */
  GMainContext *context;
  const IdentifaiTransportFuncs *transport;

  /* The network thread's. */
  GQueue accounts;              /* those that wind up, too */
};

/* A reference for another client. Starts the thread if need be; NULL with error if
 * the system has none. */
IdentifaiNetwork *identifai_network_get (GError ** error);
/* The client sends nothing any more; it keeps its reference. After the last one,
 * waits a moment for the thread to end, unless called on it. */
void identifai_network_release (IdentifaiNetwork * self);
void identifai_network_unref (IdentifaiNetwork * self);

/* Has func run on the network thread, with no lock held, and data freed after that. Any
 * thread that is a client's user; never blocks. */
void identifai_network_send (IdentifaiNetwork * self, GSourceFunc func,
    gpointer data, GDestroyNotify free_data);

/* For tests: how many accounts there are in the process. */
guint identifai_network_count_accounts (void);
/* For tests: clients made from now on have no thread, but run in context, which the
 * caller iterates, and call by transport. NULL: a thread, and HTTP, again. */
void identifai_network_simulate (GMainContext * context,
    const IdentifaiTransportFuncs * transport);

G_END_DECLS
