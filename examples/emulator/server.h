/* identifai-emulator: the HTTP server around the emulated calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Everything here happens in the main thread; whatever takes long is left to
 * the court's and the intake's workers.
 */

#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>
#include "options.h"
#include "submissions.h"

G_BEGIN_DECLS

typedef struct _EmuServer EmuServer;
typedef struct _EmuRequest EmuRequest;

/* Listens at once. options are borrowed. NULL with error. */
EmuServer *emu_server_new (EmuOptions * options, GError ** error);
/* Closes all connections, gives up what is being judged, removes the temporary
 * files. */
void emu_server_free (EmuServer * self);
/* "http://127.0.0.1:41234" */
const gchar *emu_server_get_base (EmuServer * self);

/* For the calls. */
EmuOptions *emu_server_get_options (EmuServer * self);
EmuSubmissions *emu_server_get_submissions (EmuServer * self);
EmuCourt *emu_server_get_court (EmuServer * self);
guint emu_server_next_number (EmuServer * self);

/* One request. It lives from its headers to its answer's last byte, and as long
 * as somebody holds a reference. */
struct _EmuRequest
{
  gint ref_count;
  EmuServer *server;
  SoupServerMessage *message;   /* owned while a reference is held, see below */
  EmuForm *form;                /* of submit calls, or NULL */
  gchar *identifier;            /* last part of the path, or NULL */
  EmuParameters parameters;     /* of submit calls, once read */
};

/* Answers later: the message is held and paused until emu_request_resume(). */
void emu_request_pause (EmuRequest * self);
void emu_request_resume (EmuRequest * self);

/* All copy the text. */
void emu_reply (EmuRequest * self, guint status, const gchar * content_type,
    const gchar * text);
void emu_reply_json (EmuRequest * self, guint status, const gchar * json);
/* {"error":"…"} */
void emu_reply_error (EmuRequest * self, guint status, const gchar * text);

/* One line to the standard error output, unless --quiet. */
void emu_log (EmuServer * self, const gchar * format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
