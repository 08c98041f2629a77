/* identifai-moderate: times and sizes as people write them
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "units.h"

#include <string.h>

typedef struct
{
  const gchar *name;
  guint64 factor;
} Unit;

static const Unit times[] = {
  {"ns", 1},
  {"us", 1000},
  {"ms", 1000000},
  {"s", G_GUINT64_CONSTANT (1000000000)},
  {"min", G_GUINT64_CONSTANT (60000000000)},
  {"h", G_GUINT64_CONSTANT (3600000000000)},
  {"d", G_GUINT64_CONSTANT (86400000000000)},
  {NULL}
};

static const Unit sizes[] = {
  {"", 1},
  {"k", 1000},
  {"M", 1000000},
  {"G", 1000000000},
  {"T", G_GUINT64_CONSTANT (1000000000000)},
  {"KiB", 1024},
  {"MiB", 1048576},
  {"GiB", 1073741824},
  {"TiB", G_GUINT64_CONSTANT (1099511627776)},
  {NULL}
};

static gboolean
parse (const gchar * text, const Unit * units, guint64 * result)
{
  gchar *end;
  gdouble number = g_ascii_strtod (text, &end);

  if (end == text || !(number >= 0) || !g_ascii_isdigit (*text))
    return FALSE;
  while (*end == ' ')
    end++;
  for (; units->name != NULL; units++) {
    if (strcmp (end, units->name) == 0) {
      if (number * units->factor >= 1.8e19)
        return FALSE;
      *result = (guint64) (number * units->factor + 0.5);
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
mod_parse_time (const gchar * text, guint64 * ns)
{
  if (strcmp (text, "none") == 0 || strcmp (text, "0") == 0) {
    *ns = *text == '0' ? 0 : G_MAXUINT64;
    return TRUE;
  }
  return parse (text, times, ns);
}

gboolean
mod_parse_size (const gchar * text, guint64 * bytes)
{
  return parse (text, sizes, bytes);
}
