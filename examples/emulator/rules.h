/* identifai-emulator: verdicts on demand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure. A rule is written PATTERN=VERDICT: what becomes of a file whose name or
 * ref_id is like the pattern, where * stands for any text and ? for any
 * character. VERDICT: artificial, human, unknown, errored.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  EMU_RULING_NONE,              /* it is judged */
  EMU_RULING_ARTIFICIAL,
  EMU_RULING_HUMAN,
  EMU_RULING_UNKNOWN,
  EMU_RULING_ERRORED,
  EMU_N_RULINGS
} EmuRuling;

/* NONE: it is none of the words. */
EmuRuling emu_ruling_from_string (const gchar * text);
/* "artificial" and so on; NULL for none. */
const gchar *emu_ruling_to_string (EmuRuling ruling);

typedef struct
{
  gchar *spec;                  /* as written */
  gchar *pattern;
  EmuRuling ruling;
  guint met;                    /* by how many submissions */
} EmuRule;

EmuRule *emu_rule_parse (const gchar * spec, GError ** error);
void emu_rule_free (EmuRule * self);

/* What the first rule of the list (of EmuRule) has that the file meets. name and
 * ref_id may be NULL. */
EmuRuling emu_rules_meet (GPtrArray * rules, const gchar * name,
    const gchar * ref_id);

G_END_DECLS
