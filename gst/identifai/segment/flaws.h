/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes but can't be judged: why, how long it lasts, and when people should
 * be told: within seconds, and again as long as it goes on. Headers that come
 * among the frames in buffers of their own are no flaw.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_FLAW_NONE,
  IDENTIFAI_FLAW_NO_PICTURE,    /* of the codec in the caps */
  IDENTIFAI_FLAW_REVERSE,       /* the rate is negative */
  IDENTIFAI_FLAW_TIMES,         /* that nobody could mean */
} IdentifaiFlaw;

typedef struct
{
  const gchar *name;            /* of the element, for the log: the stream's */
  IdentifaiFlaw flaw;           /* of the latest buffer that had one */
  guint n_row;                  /* buffers with one after the last good one */
  gint64 row;                   /* ns of running time that they took */
  gint64 total;                 /* the same, of those in no segment */

  guint n_good_row;             /* good ones after the last one with one */

  /* since people were told, or it began */
  guint64 n_bad, n_good;
  gint64 since;                 /* monotonic µs */
  gboolean told;
  gboolean has_news;
  guint64 count;                /* news: bad buffers; 0: good ones come again */
} IdentifaiFlaws;

void identifai_flaws_init (IdentifaiFlaws * self);

/* A buffer that took so long (ns) came at monotonic µs. */
void identifai_flaws_bad (IdentifaiFlaws * self, IdentifaiFlaw flaw,
    gint64 length, gint64 monotonic);
/* Whether those since the last good one are no mere headers. */
gboolean identifai_flaws_matter (const IdentifaiFlaws * self);
/* follows: in the same segment as the last good one. */
void identifai_flaws_good (IdentifaiFlaws * self, gboolean follows);
/* The stream is over. */
void identifai_flaws_end (IdentifaiFlaws * self);

/* Time, in ns, that is in no segment. */
gint64 identifai_flaws_get_length (const IdentifaiFlaws * self);

/* TRUE if there is something to tell, once. */
gboolean identifai_flaws_take_news (IdentifaiFlaws * self,
    IdentifaiFlaw * flaw, guint64 * count);

G_END_DECLS
