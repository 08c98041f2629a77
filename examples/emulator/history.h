/* identifai-emulator: the last requests and their answers, to look into
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Main thread only.
 */

#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

#define EMU_MAX_HISTORY 200     /* older ones are forgotten */
#define EMU_MAX_SHOWN_BODY (32 * 1024)  /* bytes of one */

typedef struct _EmuHistory EmuHistory;

EmuHistory *emu_history_new (void);
void emu_history_free (EmuHistory * self);

/* The message is answered, with status, or with nothing (0), why may say why.
 * body: of the request, as people read it; may be NULL. Keys and what else lets
 * somebody in are cut. */
void emu_history_add (EmuHistory * self, SoupServerMessage * message,
    guint status, const gchar * body, const gchar * why);

/* Newest first: number, date, method, path, status, why. */
JsonArray *emu_history_build (EmuHistory * self);
/* With headers and bodies. NULL: there is none of that number any more. */
JsonNode *emu_history_get (EmuHistory * self, guint64 number);

G_END_DECLS
