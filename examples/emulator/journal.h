/* identifai-emulator: what was refused or went wrong on purpose, for the page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Main thread only.
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define EMU_MAX_INCIDENTS 100   /* older ones are forgotten */

typedef struct _EmuJournal EmuJournal;

EmuJournal *emu_journal_new (void);
void emu_journal_free (EmuJournal * self);

/* why: the answer's body or our own words; cut to a sane length. fields: as
 * sent, may be NULL. */
void emu_journal_add (EmuJournal * self, const gchar * method,
    const gchar * path, guint status, const gchar * why, const gchar * fields);

/* Newest first. */
JsonArray *emu_journal_build (EmuJournal * self);

G_END_DECLS
