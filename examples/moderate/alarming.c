/* identifai-moderate: whom a line is sent to: a command, an address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "alarming.h"
#include "jsontext.h"

#include <string.h>

static const gchar *
get (JsonObject * line, const gchar * name)
{
  return mod_json_get_text (line, name, "");
}

static gboolean
is_about_media (const gchar * event)
{
  static const gchar *const events[] =
      { "verdict", "failed", "dropped", "policy", "gate", NULL };

  return g_strv_contains (events, event);
}

gboolean
mod_is_alarming (const ModStreamConfig * config, JsonObject * line)
{
  const gchar *event = get (line, "event");

  switch (config->alert_on) {
    case MOD_ALERT_ON_ARTIFICIAL:
      return strcmp (event, "verdict") == 0
          && strcmp (get (line, "classification"), "artificial") == 0;
    case MOD_ALERT_ON_BLOCKED:
      return strcmp (event, "policy") == 0
          && (strcmp (get (line, "state"), "blocked") == 0
          || strcmp (get (line, "previous"), "blocked") == 0);
    case MOD_ALERT_ON_ALL:
      break;
  }
  return is_about_media (event);
}
