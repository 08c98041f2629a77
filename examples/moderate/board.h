/* identifai-moderate: what was told lately, by stream
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listens to the hub; the page and the metrics read it. Main thread only.
 */

#pragma once

#include "hub.h"
#include "supervisor.h"

G_BEGIN_DECLS

/* Of one stream. Counts since it was told of first. */
typedef struct
{
  gchar *name;
  gchar *policy;                /* "clear", "review", "blocked"; NULL: not told yet */
  gchar *gate;                  /* "pass", "drop", "slate"; NULL: not told yet */
  GHashTable *outcomes;         /* "OUTCOME\nREASON\nSTATUS" -> guint64 * */
  guint64 warnings, errors;
  gdouble latency;              /* s, of the latest verdict; NaN before it */
  gint64 since;                 /* monotonic, when it was told of first */
  gint64 judged;                /* monotonic, when the latest judged segment ended; 0: none */
  gint64 interval;              /* µs, from one judged segment's end to the next, as is usual */
  gint64 latest_interval;       /* of the latest two in a row; 0: none yet */
  gboolean missed;              /* something since judged wasn't judged, or didn't come */
  gchar *trouble;               /* told since the latest verdict; NULL: nothing */
  GQueue latest;                /* of JsonObject *, outcomes in short, oldest first */
} ModBoardStream;

typedef struct _ModBoard ModBoard;

ModBoard *mod_board_new (ModHub * hub);
/* What is of streams that are gone goes. */
void mod_board_sweep (ModBoard * self, const ModSupervisor * supervisor);
/* After the hub's last line. */
void mod_board_free (ModBoard * self);

/* Of ModBoardStream *, in the order they were told of first; borrowed. */
const GPtrArray *mod_board_get_streams (const ModBoard * self);
ModBoardStream *mod_board_find (const ModBoard * self, const gchar * name);
/* s, since the end of what was judged last. What is judged late doesn't count. */
gdouble mod_board_get_unjudged (const ModBoardStream * stream);
/* That is longer than between two of its verdicts. */
gboolean mod_board_is_overdue (const ModBoardStream * stream);
/* The latest lines as they were written, of gchar *, oldest first; borrowed. */
GQueue *mod_board_get_lines (ModBoard * self);
/* Of the latest answer; NaN before it. */
gdouble mod_board_get_credits (const ModBoard * self);

G_END_DECLS
