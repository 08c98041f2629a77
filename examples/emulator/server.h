/* identifai-emulator: the HTTP server and all that it holds
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Everything here happens in the main thread; whatever takes long is left to
 * the court's and the intake's workers.
 */

#pragma once

#include <libsoup/soup.h>
#include "faults.h"
#include "fetch.h"
#include "history.h"
#include "journal.h"
#include "keys.h"
#include "options.h"
#include "replay.h"
#include "submissions.h"
#include "users.h"
#include "webhooks.h"

G_BEGIN_DECLS

typedef struct
{
  EmuOptions *options;          /* borrowed */
  SoupServer *soup;
  gchar *base;                  /* "http://127.0.0.1:41234" */
  gchar *directory;             /* of temporary files */
  EmuKeys *keys;
  EmuSubmissions *submissions;
  EmuUsers *users;
  EmuCourt *court;
  EmuWebhooks *webhooks;
  EmuFetcher *fetcher;
  EmuReplay *replay;            /* NULL: files are judged */
  EmuJournal *journal;
  EmuHistory *history;
  GPtrArray *faults;            /* of EmuFault */
  GPtrArray *rules;             /* of EmuRule */
  GList *timers;                /* of requests that are delayed, see exchange.c */
  GList *wires;                 /* connections taken from libsoup, see wire.c */
  GCancellable *cancellable;    /* of what workers do for requests */
  guint last_number;            /* of recorded uploads */
  guint intakes;                /* fetches, and looks at files, under way */
  guint64 version;              /* counts what the page would show */
  guint64 requests;
} EmuServer;

/* Listens at once. NULL with error. */
EmuServer *emu_server_new (EmuOptions * options, GError ** error);
/* Closes all connections, gives up what is being judged, removes the temporary
 * files. */
void emu_server_free (EmuServer * self);

/* As it was at the start: nothing submitted, no users, and the faults, rules, keys
 * and recorded answers of the command line. FALSE with error: what is recorded
 * can't be read any more, and is used as it was. */
gboolean emu_server_reset (EmuServer * self, GError ** error);

/* log.c */

/* Something changed that the page shows. */
void emu_server_touch (EmuServer * self);

/* One line to the standard error output, unless --quiet. */
void emu_log (EmuServer * self, const gchar * format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
