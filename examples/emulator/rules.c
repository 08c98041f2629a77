/* identifai-emulator: verdicts on demand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "rules.h"

#include <string.h>

static const gchar *const names[EMU_N_RULINGS] = { NULL, "artificial", "human",
  "unknown", "errored"
};

const gchar *
emu_ruling_to_string (EmuRuling ruling)
{
  return names[ruling];
}

EmuRuling
emu_ruling_from_string (const gchar * text)
{
  guint i;

  for (i = EMU_RULING_NONE + 1; i < EMU_N_RULINGS; i++) {
    if (g_str_equal (text, names[i]))
      return i;
  }
  return EMU_RULING_NONE;
}

EmuRule *
emu_rule_parse (const gchar * spec, GError ** error)
{
  const gchar *equals = strrchr (spec, '=');
  EmuRuling ruling = equals != NULL ? emu_ruling_from_string (equals + 1)
      : EMU_RULING_NONE;
  EmuRule *self;

  if (equals == NULL || equals == spec || ruling == EMU_RULING_NONE) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "a rule is written PATTERN=VERDICT, where VERDICT is artificial, human, "
        "unknown or errored, not %s", spec);
    return NULL;
  }
  self = g_new0 (EmuRule, 1);
  self->spec = g_strdup (spec);
  self->pattern = g_strndup (spec, equals - spec);
  self->ruling = ruling;
  return self;
}

void
emu_rule_free (EmuRule * self)
{
  g_free (self->spec);
  g_free (self->pattern);
  g_free (self);
}

static gboolean
is_like (const gchar * text, const gchar * pattern)
{
  return text != NULL && g_pattern_match_simple (pattern, text);
}

EmuRuling
emu_rules_meet (GPtrArray * rules, const gchar * name, const gchar * ref_id)
{
  guint i;

  for (i = 0; i < rules->len; i++) {
    EmuRule *rule = g_ptr_array_index (rules, i);

    if (!is_like (name, rule->pattern) && !is_like (ref_id, rule->pattern))
      continue;
    rule->met++;
    return rule->ruling;
  }
  return EMU_RULING_NONE;
}
