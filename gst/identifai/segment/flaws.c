/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "flaws.h"
#include "log.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

#define HEADERS 4               /* buffers in a row that may be nothing else */
#define FIRST_WAIT (3 * G_USEC_PER_SEC) /* until people are told, in µs */
#define NEXT_WAIT (60 * G_USEC_PER_SEC) /* until they are again */
#define MANY 100                /* faster than in real time: so many count */
#define AGAIN 25                /* good ones in a row */

void
identifai_flaws_init (IdentifaiFlaws * self)
{
  const gchar *name = self->name;

  memset (self, 0, sizeof (*self));
  self->name = name;
}

static void
forget (IdentifaiFlaws * self)
{
  self->n_bad = self->n_good = 0;
}

static void
tell (IdentifaiFlaws * self, gint64 monotonic)
{
  GST_DEBUG_ID (self->name, "%" G_GUINT64_FORMAT " buffers can't be used, %"
      G_GUINT64_FORMAT " could", self->n_bad, self->n_good);
  self->has_news = self->told = TRUE;
  self->count = self->n_bad;
  forget (self);
  self->since = monotonic;
}

/* Headers may come in buffers of their own, one or a few a frame. */
static gboolean
is_most (const IdentifaiFlaws * self)
{
  return self->n_bad > (self->n_good == 0 ? 1 : self->n_good + HEADERS);
}

static gboolean
is_time (const IdentifaiFlaws * self, gint64 monotonic)
{
  gint64 waited = monotonic - self->since;

  if (self->told)
    return waited >= NEXT_WAIT;

  return waited >= FIRST_WAIT || self->n_bad >= MANY;
}

void
identifai_flaws_bad (IdentifaiFlaws * self, IdentifaiFlaw flaw, gint64 length,
    gint64 monotonic)
{
  if (self->n_bad == 0 && !self->told)
    self->since = monotonic;
  self->flaw = flaw;
  self->n_bad++;
  self->n_good_row = 0;
  self->n_row++;
  self->row += length;
  if (is_most (self) && is_time (self, monotonic))
    tell (self, monotonic);
}

gboolean
identifai_flaws_matter (const IdentifaiFlaws * self)
{
  return self->n_row > HEADERS;
}

void
identifai_flaws_good (IdentifaiFlaws * self, gboolean follows)
{
  if (!follows && identifai_flaws_matter (self))
    self->total += self->row;
  self->n_row = 0;
  self->row = 0;
  self->n_good++;
  self->n_good_row++;
  if (self->n_good_row < AGAIN)
    return;
  forget (self);
  if (!self->told)
    return;
  GST_DEBUG_ID (self->name, "buffers can be used again");
  self->told = FALSE;
  self->has_news = TRUE;
  self->count = 0;
}

void
identifai_flaws_end (IdentifaiFlaws * self)
{
  if (is_most (self) && !self->told && identifai_flaws_matter (self))
    tell (self, self->since);
}

gint64
identifai_flaws_get_length (const IdentifaiFlaws * self)
{
  return self->total + (identifai_flaws_matter (self) ? self->row : 0);
}

gboolean
identifai_flaws_take_news (IdentifaiFlaws * self, IdentifaiFlaw * flaw,
    guint64 * count)
{
  gboolean has_news = self->has_news;

  self->has_news = FALSE;
  *flaw = self->flaw;
  *count = self->count;

  return has_news;
}
