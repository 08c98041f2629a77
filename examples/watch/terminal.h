/* identifai-watch: lines on a terminal, above a status that is drawn anew
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the output is no terminal there is no status and no colour.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  WATCH_COLOUR_NONE,
  WATCH_COLOUR_GOOD,
  WATCH_COLOUR_BAD,
  WATCH_COLOUR_DOUBTFUL,
  WATCH_COLOUR_FAINT
} WatchColour;

typedef struct
{
  gboolean status;              /* there is one */
  gboolean coloured;
  guint drawn;                  /* lines of the status on the screen */
} WatchTerminal;

/* The end of a label that is long: a path's is what tells it from others. Free it. */
gchar *watch_terminal_shorten (const gchar * label);

void watch_terminal_init (WatchTerminal * self, gboolean status);

/* text is a line without its end, printed to the standard output. Characters that would
 * act on a terminal are shown as '?'. */
void watch_terminal_print (WatchTerminal * self, WatchColour colour,
    const gchar * text);
/* The same to the standard error output. */
void watch_terminal_print_problem (WatchTerminal * self, const gchar * text);

/* lines: strings, cut to the width; NULL: takes the status away. */
void watch_terminal_draw (WatchTerminal * self, GPtrArray * lines);

G_END_DECLS
