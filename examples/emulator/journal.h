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
#define EMU_MAX_TEXT 300        /* characters of one text that anybody sent */

/* As much of a text as people need to see, and valid; NULL is "". */
gchar *emu_journal_cut (const gchar * text);

typedef struct _EmuJournal EmuJournal;

EmuJournal *emu_journal_new (void);
void emu_journal_free (EmuJournal * self);

/* why: the answer's body or our own words. fields: as sent, may be NULL. All are
 * cut. What is the same as the newest one is that one again. */
void emu_journal_add (EmuJournal * self, const gchar * method,
    const gchar * path, guint status, const gchar * why, const gchar * fields);

/* Of all that ever were, each of the same ones, too. */
guint64 emu_journal_get_count (EmuJournal * self);

/* Newest first. */
JsonArray *emu_journal_build (EmuJournal * self);

G_END_DECLS
