/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server for tests that does what no server should: it works on bare sockets
 * and follows a table. What the table doesn't name is answered as the service
 * would answer: submit calls with "id-1", "id-2", …, looks with a final result. It
 * takes the requests that a proxy gets, too, and answers them itself.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  FAULT_UNUSED,                 /* rest of a table */
  FAULT_POST,                   /* POST /api/classification_video, _audio, … */
  FAULT_GET,                    /* GET /api/classification_video/…, _audio/… */
  FAULT_BATCH,                  /* GET /api/classifications_video?…, _audio?…, ? */
  FAULT_PLAIN,                  /* GET /api/classification/…: also an image's */
  FAULT_OVERRIDE,               /* POST …/HASH/override */
  FAULT_CREDITS,                /* GET /api/user/credits */
  FAULT_CONNECT,                /* to a proxy */
  FAULT_OTHER,
  FAULT_ACCEPT,                 /* a connection: its `body` is sent at once, and is
                                 * the answer to the first request there */
  FAULT_N_CALLS
} FaultCall;

typedef enum
{
  FAULT_ANSWER,                 /* status, headers, body */
  FAULT_RAW,                    /* body is all that is sent, then close */
  FAULT_CLOSE,                  /* closes after having read the request */
  FAULT_RESET,                  /* resets after `at` bytes of the body */
  FAULT_EARLY,                  /* answers after `at` bytes of the body, closes */
  FAULT_EARLY_CLOSE,            /* closes after `at` bytes of the body */
  FAULT_SILENT,                 /* reads the request and says nothing */
  FAULT_HELD,                   /* answers after fault_server_release() */
  FAULT_STUCK,                  /* stops reading after `at` bytes of the body */
  FAULT_STALL,                  /* the same for `delay`, then answers */
  FAULT_DRIP,                   /* the answer, a byte each `delay` */
  FAULT_SHORT,                  /* promises `at` bytes more than come, closes */
  FAULT_ENDLESS_BODY,           /* chunks without end */
  FAULT_ENDLESS_DRIP,           /* one-byte chunks each `delay`, without end */
  FAULT_ENDLESS_HEADERS,
  FAULT_ENDLESS_INTERIM,        /* 102 without end */
  FAULT_INTERIM                 /* `at` times 102, then the answer */
} FaultKind;

#define FAULT_LAST_BYTE (G_MAXSIZE - 1)

/* What to do with one request. */
typedef struct
{
  FaultCall call;
  guint nth;                    /* of that call, from 1; 0 = each */
  FaultKind kind;
  guint status;                 /* 0 = 200 */
  const gchar *headers;         /* lines, each with its \r\n */
  const gchar *body;            /* NULL = as the service would answer */
  gsize body_length;            /* 0 = strlen (body) */
  gsize at;                     /* FAULT_LAST_BYTE: all but that one */
  guint delay;                  /* ms before the answer, or as said above */
} FaultStep;

/* What came in. */
typedef struct
{
  FaultCall call;
  gint64 time;                  /* monotonic µs: headers were in */
  gint64 whole_at;              /* its body, too; 0 = not all of it */
  gchar *target;                /* as in the request line */
  gchar *headers;               /* raw */
  gchar *key;                   /* X-Api-Key, or NULL */
  GBytes *body;
} FaultRequest;

typedef struct _FaultServer FaultServer;

/* steps, n_steps: borrowed until the server is freed. */
FaultServer *fault_server_new (const FaultStep * steps, guint n_steps);
/* The same on a port that was in use before. */
FaultServer *fault_server_new_at (guint16 port, const FaultStep * steps,
    guint n_steps);
/* On all of the host's addresses. */
FaultServer *fault_server_new_everywhere (const FaultStep * steps,
    guint n_steps);
/* One that never accepts: connecting to it hangs. */
FaultServer *fault_server_new_deaf (void);
/* Closes all connections and waits for all threads. */
void fault_server_free (FaultServer * self);
/* The same, but the port is kept: connections to it are refused until the server
 * is freed, or another one started there. */
void fault_server_close (FaultServer * self);

guint16 fault_server_get_port (FaultServer * self);
/* "http://127.0.0.1:PORT" */
gchar *fault_server_get_url (FaultServer * self);

/* Requests whose headers came in so far. */
guint fault_server_count (FaultServer * self, FaultCall call);
/* Connections that were accepted so far. */
guint fault_server_count_connections (FaultServer * self);
/* nth from 0, or NULL; good until the server is freed. */
const FaultRequest *fault_server_get (FaultServer * self, FaultCall call,
    guint nth);
/* Waits for that many requests; FALSE after 40 s. */
gboolean fault_server_wait (FaultServer * self, FaultCall call, guint count);

/* With another key than this, 401. NULL = any key will do. */
void fault_server_set_key (FaultServer * self, const gchar * key);
/* Results are final so long (ms) after the submit call; before, "new". */
#define FAULT_NEVER G_MAXUINT
void fault_server_set_delay (FaultServer * self, guint delay);
/* What becomes of files, a letter each, by their ref_id, which has to be a number: c
 * clean (so are those behind the last letter), a artificial, u unknown, f an error, .
 * nothing. Borrowed. */
void fault_server_set_verdicts (FaultServer * self, const gchar * verdicts);
/* That many requests of a hundred end in a reset, at a moment that is chosen at
 * random: from their headers to after the answer. */
void fault_server_set_resets (FaultServer * self, guint percent);
/* Lets FAULT_HELD requests, and those to come, have their answers. */
void fault_server_release (FaultServer * self);

G_END_DECLS
