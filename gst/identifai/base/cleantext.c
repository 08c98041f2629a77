/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Drops control characters, line breaks and broken UTF-8. Pure.
 */

#include "cleantext.h"

#include <string.h>

#define ELLIPSIS "\342\200\246"

/* Characters that would break the line, or reorder or hide what is around it. */
static gboolean
is_blank (gunichar c)
{
  switch (g_unichar_type (c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
    case G_UNICODE_SPACE_SEPARATOR:
      return TRUE;
    default:
      return c == 0xfffd;
  }
}

/* The character at p, a blank for what is none; moves p on. */
static gunichar
next_character (const gchar ** p, const gchar * end)
{
  gunichar c = g_utf8_get_char_validated (*p, end - *p);

  if (c == (gunichar) - 1 || c == (gunichar) - 2 || c == 0) {
    (*p)++;
    return ' ';
  }
  *p = g_utf8_next_char (*p);

  return is_blank (c) ? ' ' : c;
}

/* Makes room for the ellipsis in a text that is too long. */
static void
cut_line (GString * line, gsize max_bytes)
{
  const gchar *end;

  if (line->len <= max_bytes)
    return;

  end = line->str + max_bytes - strlen (ELLIPSIS);
  while (((guchar) * end & 0xc0) == 0x80)
    end--;
  g_string_truncate (line, end - line->str);
  g_string_append (line, ELLIPSIS);
}

gchar *
identifai_clean_text (const gchar * data, gsize length, gsize max_bytes)
{
  const gchar *p = data, *end = data + length;
  GString *line = g_string_new (NULL);
  gboolean readable = FALSE, space = FALSE;

  while (p < end && line->len <= max_bytes) {
    gunichar c = next_character (&p, end);

    if (c == ' ') {
      space = line->len > 0;
      continue;
    }
    if (space)
      g_string_append_c (line, ' ');
    space = FALSE;
    g_string_append_unichar (line, c);
    readable |= g_unichar_isalnum (c);
  }
  cut_line (line, max_bytes);

  return g_string_free (line, !readable);
}
