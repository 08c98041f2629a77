/* identifai-emulator: one request and its answer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "server.h"

G_BEGIN_DECLS

typedef struct _EmuRequest EmuRequest;

typedef void (*EmuHandler) (EmuRequest * request, EmuKind kind);

/* One call that the server answers. */
typedef struct
{
  const gchar *name;            /* as faults call it; NULL: none of the service's,
                                 * it needs no key and meets no limits or faults */
  const gchar *method;
  const gchar *path;            /* a * stands for one part of it */
  EmuKind kind;
  EmuHandler handler;
  gboolean form;                /* its body is one, maybe with a file of the kind */
} EmuCall;

#define EMU_MAX_BODY_BYTES (64 * 1024)  /* of anything but a form */

/* Lives as long as its message, and as long as it is held. */
struct _EmuRequest
{
  EmuServer *server;
  SoupServerMessage *message;   /* owns the request; referenced while held */
  const EmuCall *call;          /* NULL: there is no such call */
  gchar *arguments[2];          /* what the stars of the path stood for */
  EmuKey *key;                  /* NULL: missing, unknown or revoked */
  guint retry_after;            /* s; not 0: over the rate limits */
  EmuFault *fault;              /* that it meets, or NULL */
  guint64 received;             /* bytes of the body */
  gsize burst;                  /* of them, since others had their turn */
  EmuForm *form;                /* of a call with a form that may go on, else NULL */
  GByteArray *body;             /* of other calls, cut at EMU_MAX_BODY_BYTES */
  EmuParameters parameters;     /* of a submit call, once read */
  gchar *refusal;               /* the body of an error answer, for the page */
  guint holds;
  gboolean paused, broken;      /* broken: there is no connection any more */
  gboolean over;                /* libsoup is through with it */
  gboolean noted;               /* in the log, and in the journal if need be */
};

/* Connects the server's requests to the calls. */
void emu_exchange_start (EmuServer * server);
/* Drops what is delayed. */
void emu_exchange_stop (EmuServer * server);

/* The answer comes later: until the hold is released. */
void emu_request_hold (EmuRequest * self);
void emu_request_release (EmuRequest * self);

/* Of what comes after the question mark. */
GHashTable *emu_request_read_query (EmuRequest * self);

/* The form is complete. FALSE: it is none, and that was answered. */
gboolean emu_request_finish_form (EmuRequest * self);

/* All copy the text. */
void emu_reply (EmuRequest * self, guint status, const gchar * content_type,
    const gchar * text);
void emu_reply_bytes (EmuRequest * self, const gchar * content_type,
    GBytes * bytes);
void emu_reply_json (EmuRequest * self, guint status, const gchar * json);
/* Takes over node. */
void emu_reply_node (EmuRequest * self, JsonNode * node);
/* {"error":"…"} */
void emu_reply_error (EmuRequest * self, guint status, const gchar * text);

G_END_DECLS
