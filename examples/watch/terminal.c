/* identifai-watch: lines on a terminal, above a status that is drawn anew
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "terminal.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_COLUMNS 80
/* Of a label, in a line with much else. */
#define MAX_LABEL 40
#define CLEAR_LINE "\033[K"

static const gchar *const colours[] = {
  "", "\033[32m", "\033[1;31m", "\033[33m", "\033[2m"
};

void
watch_terminal_init (WatchTerminal * self, gboolean status)
{
  const gchar *no_colour = g_getenv ("NO_COLOR");
  const gchar *kind = g_getenv ("TERM");
  gboolean able = isatty (STDOUT_FILENO) && g_strcmp0 (kind, "dumb") != 0;

  self->status = status && able;
  self->coloured = able && (no_colour == NULL || *no_colour == '\0');
  self->drawn = 0;
}

gchar *
watch_terminal_shorten (const gchar * label)
{
  glong length = g_utf8_strlen (label, -1);

  if (length <= MAX_LABEL)
    return g_strdup (label);

  return g_strconcat ("…", g_utf8_offset_to_pointer (label,
          length - MAX_LABEL + 1), NULL);
}

static gint
count_columns (void)
{
  struct winsize size;

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;

  return DEFAULT_COLUMNS;
}

/* What comes from a service, a file's name or a stream. */
static gchar *
make_harmless (const gchar * text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  GString *harmless = g_string_sized_new (strlen (valid));
  const gchar *c;

  for (c = valid; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar letter = g_utf8_get_char (c);

    if (letter == '\t')
      letter = ' ';
    g_string_append_unichar (harmless, g_unichar_iscntrl (letter) ? '?' :
        letter);
  }

  return g_string_free (harmless, FALSE);
}

static void
clear_status (WatchTerminal * self)
{
  if (self->drawn > 0)
    printf ("\033[%uA\r\033[J", self->drawn);
  self->drawn = 0;
}

void
watch_terminal_print (WatchTerminal * self, WatchColour colour,
    const gchar * text)
{
  g_autofree gchar *harmless = make_harmless (text);

  clear_status (self);
  if (self->coloured && colour != WATCH_COLOUR_NONE)
    printf ("%s%s\033[0m\n", colours[colour], harmless);
  else
    printf ("%s\n", harmless);
  fflush (stdout);
}

void
watch_terminal_print_problem (WatchTerminal * self, const gchar * text)
{
  g_autofree gchar *harmless = make_harmless (text);

  clear_status (self);
  fflush (stdout);
  fprintf (stderr, "%s\n", harmless);
}

static void
draw_line (const gchar * text, gint columns)
{
  g_autofree gchar *harmless = make_harmless (text);
  g_autofree gchar *cut = g_utf8_substring (harmless, 0,
      MIN (g_utf8_strlen (harmless, -1), columns - 1));

  printf ("%s" CLEAR_LINE "\n", cut);
}

void
watch_terminal_draw (WatchTerminal * self, GPtrArray * lines)
{
  gint columns;
  guint i;

  if (!self->status)
    return;
  clear_status (self);
  columns = count_columns ();
  for (i = 0; lines != NULL && i < lines->len; i++)
    draw_line (g_ptr_array_index (lines, i), columns);
  self->drawn = lines != NULL ? lines->len : 0;
  fflush (stdout);
}
